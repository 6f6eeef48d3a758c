//! JSON that commands print has the shape that the book's chapter on it documents: the same fields, of the same types.

use std::path::Path;

use host::flash::{Checked, Flashed, FlashedPart};
use serde_json::Value;
use suite::command::{EXPORT, folder, succeeds};
use suite::documented::{check, documented, shape};
use suite::{faces, image_with_eyes, tiny_network, write_faces};
use tempfile::TempDir;

/// A folder with an image `image.geode`, two people in it, and a folder `others` with a third.
fn with_image() -> TempDir {
    let folder = folder();
    succeeds(folder.path(), &[&EXPORT[..], &["--force"]].concat());
    write_faces(&folder.path().join("others/Edith"), &faces()[1..2], [40, 24]);
    folder
}

#[test]
fn networks_and_images_are_told_as_documented() {
    let folder = folder();
    let at = folder.path();
    check("host inspect", &succeeds(at, &["inspect", "net.onnx", "--json"]));
    let detector = suite::fetched("faceplugin");
    let with_eyes = ["--detector", detector.to_str().unwrap()];
    let export = [&EXPORT[..], &["--force", "--check", "strangers", "--threshold", "0.4", "--json"]].concat();
    let blind = succeeds(at, &export);
    assert!(serde_json::from_str::<Value>(&blind).unwrap()["eyes"].is_null());
    check("host export", &blind);
    let seeing = succeeds(at, &[&export[..], &with_eyes].concat());
    assert!(serde_json::from_str::<Value>(&seeing).unwrap()["eyes"].is_object());
    check("host export", &seeing);
    check(
        "host simulate",
        &succeeds(at, &["simulate", "--aligned", "image.geode", "people/Ada/000.png", "--json"]),
    );
}

#[test]
fn galleries_are_told_as_documented() {
    let folder = with_image();
    let at = folder.path();
    check("host gallery list", &succeeds(at, &["gallery", "list", "image.geode", "--json"]));
    let add = [
        "gallery",
        "add",
        "image.geode",
        "others",
        "--aligned",
        "--allow-duplicates",
        "-o",
        "more.geode",
        "--json",
    ];
    check("host gallery add, remove, merge", &succeeds(at, &add));
    let remove = ["gallery", "remove", "more.geode", "Ada", "Grace", "-o", "other.geode", "--json"];
    check("host gallery add, remove, merge", &succeeds(at, &remove));
    let merge = [
        "gallery",
        "merge",
        "image.geode",
        "other.geode",
        "--allow-duplicates",
        "-o",
        "both.geode",
        "--json",
    ];
    check("host gallery add, remove, merge", &succeeds(at, &merge));
    check(
        "host gallery export",
        &succeeds(at, &["gallery", "export", "image.geode", "-o", "people.json", "--json"]),
    );
    check("The file of host gallery export", &std::fs::read_to_string(at.join("people.json")).unwrap());
    let report = ["gallery", "report", "image.geode", "--people", "people", "--aligned", "--json"];
    check("host gallery report", &succeeds(at, &report));
}

#[test]
fn signatures_are_told_as_documented() {
    let folder = with_image();
    let at = folder.path();
    let made = succeeds(at, &["keygen", "maker.key", "--json"]);
    check("host keygen", &made);
    let made: Value = serde_json::from_str(&made).unwrap();
    let sign = |version| {
        succeeds(at, &["sign", "image.geode", "--key", "maker.key", "--version", version, "--json"])
    };
    check("host sign", &sign("7"));
    check("host sign", &sign("8"));
    let verify = ["verify", "image.geode", "--key", made["public_key"].as_str().unwrap(), "--json"];
    check("host verify", &succeeds(at, &verify));
    let inspected: Value =
        serde_json::from_str(&succeeds(at, &["inspect", "image.geode", "--json"])).unwrap();
    let documented = documented("host inspect IMAGE");
    assert_eq!(shape(&inspected["signature"]), shape(&documented["signature"]));
}

/// A folder of people with four photos, and of others with one.
fn album(folder: &Path) {
    let save = |name: &str, seed: u64| {
        let path = folder.join("album").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        suite::picture(seed, [40, 24]).save(path).unwrap();
    };
    for person in 0..3 {
        (0..4).for_each(|photo| save(&format!("P{person}/{photo}.png"), 10 * person + photo));
    }
    (0..40).for_each(|other| save(&format!("S{other}/0.png"), 100 + other));
}

#[test]
fn accuracy_is_told_as_documented() {
    let folder = with_image();
    let at = folder.path();
    album(at);
    let evaluate =
        ["evaluate", "image.geode", "--photos", "album", "--aligned", "--model", "net.onnx", "--json"];
    check("host evaluate", &succeeds(at, &evaluate));
    let identification = [&evaluate[..], &["--protocol", "identification"]].concat();
    check("host evaluate --protocol identification", &succeeds(at, &identification));
}

/// A folder with an image with eyes and a tiny photo check, and a list of a face.
fn with_eyes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let image = image_with_eyes(Some(&tiny_network().section()));
    std::fs::write(folder.path().join("eyes.geode"), image).unwrap();
    // The first photo's face, as `host align` finds it.
    let marks = "path,x1,y1,x2,y2,le_x,le_y,re_x,re_y,nose_x,nose_y,lm_x,lm_y,rm_x,rm_y\n\
                 biden.jpg,435,195,780,640,534.9,324.5,652.9,349.4,600,420,520,450,630,475\n";
    std::fs::write(folder.path().join("marks.csv"), marks).unwrap();
    folder
}

#[test]
fn eyes_are_told_as_documented() {
    let folder = with_eyes();
    let at = folder.path();
    check("host inspect IMAGE", &succeeds(at, &["inspect", "eyes.geode", "--json"]));
    let map = ["inspect", "eyes.geode", "--board", "stm32h743", "--map", "map.svg", "--json"];
    check("host inspect IMAGE", &succeeds(at, &map));
    let svg = std::fs::read_to_string(at.join("map.svg")).unwrap();
    assert!(svg.contains("stm32h743") && svg.contains("eyes.geode"), "{svg}");
    let photos = suite::fetched("faces").display().to_string();
    std::fs::create_dir(at.join("nothing")).unwrap();
    suite::picture(1, [90, 120]).save(at.join("nothing/1.png")).unwrap();
    let evaluate = ["evaluate", "eyes.geode", "--json"];
    let detection =
        ["--protocol", "detection", "--photos", &photos, "--marks", "marks.csv", "--nonface", "nothing"];
    let detected = succeeds(at, &[&evaluate[..], &detection].concat());
    check("host evaluate --protocol detection", &detected);
    let attack = ["--protocol", "attack", "--bona-fide", &photos, "--attack", &photos];
    check("host evaluate --protocol attack", &succeeds(at, &[&evaluate[..], &attack].concat()));
}

#[test]
fn crops_are_told_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let photos = suite::fetched("faces");
    let detector = suite::fetched("faceplugin");
    let align = [
        "align",
        photos.to_str().unwrap(),
        "-o",
        "crops",
        "--detector",
        detector.to_str().unwrap(),
        "--json",
    ];
    check("host align", &succeeds(folder.path(), &align));
}

#[test]
fn what_was_written_to_a_board_is_told_as_documented() {
    let part = FlashedPart { kind: "firmware", file: "door".into(), address: 1, bytes: 2 };
    let (board, way) = ("b".to_string(), "w".to_string());
    let flashed = Flashed { board, way, checked: Checked::ReadBack, parts: vec![part] };
    check("host flash --firmware", &serde_json::to_string(&flashed).unwrap());
}

#[test]
#[cfg_attr(not(boards), ignore = "needs emulated boards: run ./setup.sh")]
fn boards_are_told_as_documented() {
    let folder = with_image();
    let at = folder.path();
    let recognise =
        ["recognise", "--aligned", "image.geode", "people/Ada/000.png", "--board", "qemu-m7", "--json"];
    check("host recognise", &succeeds(at, &recognise));
    check("host flash", &succeeds(at, &["flash", "image.geode", "--json"]));
    let bench = ["bench", "image.geode", "--board", "qemu-m7", "--model", "net.onnx", "--json"];
    check("host bench", &succeeds(at, &bench));
}
