//! JSON that commands print has the shape that the book's chapter on it documents: the same fields, of the same types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use suite::command::{EXPORT, folder, succeeds};
use suite::{eyes, faces, image_with_eyes, root, tiny_network, write_faces};
use tempfile::TempDir;

/// Types by path, such as `people[].name`. A value that is null has none.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn add(shape: &mut Shape, path: &str, value: &Value) {
    let types = shape.entry(path.to_string()).or_default();
    match value {
        Value::Null => {}
        Value::Bool(_) => _ = types.insert("bool"),
        Value::Number(_) => _ = types.insert("number"),
        Value::String(_) => _ = types.insert("string"),
        Value::Array(elements) => {
            types.insert("array");
            elements.iter().for_each(|element| add(shape, &format!("{path}[]"), element));
        }
        Value::Object(fields) => {
            types.insert("object");
            fields.iter().for_each(|(name, field)| add(shape, &format!("{path}.{name}"), field));
        }
    }
}

fn shape(value: &Value) -> Shape {
    let mut shape = Shape::new();
    add(&mut shape, "", value);
    shape
}

/// The example of a command in the chapter: the block of JSON below the heading that is the command.
fn documented(command: &str) -> Value {
    let chapter = std::fs::read_to_string(root().join("docs/src/json.md")).unwrap();
    let section =
        chapter.split_once(&format!("\n## {command}\n")).unwrap_or_else(|| panic!("no section {command}")).1;
    let block = section.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    serde_json::from_str(block).unwrap_or_else(|error| panic!("{command}: {error}\n{block}"))
}

/// A value for the chapter: of each list the first element.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(elements) if elements.iter().all(Value::is_number) && elements.len() <= 5 => {
            value.clone()
        }
        Value::Array(elements) => Value::Array(elements.iter().take(1).map(shortened).collect()),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), shortened(field))).collect()
        }
        _ => value.clone(),
    }
}

/// Whether a null of one shape hides what the other has below this path.
fn is_hidden(path: &str, shape: &Shape) -> bool {
    let above = path.match_indices(['.', '[']).map(|(end, _)| &path[..end]);
    above.filter(|above| !above.is_empty()).any(|above| {
        let is_empty = |types: &BTreeSet<&str>| {
            types.is_empty() || types.contains("array") && !shape.contains_key(&format!("{above}[]"))
        };
        shape.get(above).is_some_and(is_empty)
    })
}

fn check(command: &str, printed: &str) {
    let printed: Value =
        serde_json::from_str(printed).unwrap_or_else(|error| panic!("{command}: {error}\n{printed}"));
    let (real, told) = (shape(&printed), shape(&documented(command)));
    let missing = |of: &Shape, from: &Shape| -> Vec<String> {
        let is_missing = |path: &&String| !from.contains_key(*path) && !is_hidden(path, from);
        of.keys().filter(is_missing).cloned().collect()
    };
    let other: Vec<&String> = told
        .iter()
        .filter(|(path, types)| {
            real.get(*path).is_some_and(|real| !types.is_empty() && !real.is_empty() && real != *types)
        })
        .map(|(path, _)| path)
        .collect();
    let (untold, unprinted) = (missing(&real, &told), missing(&told, &real));
    assert!(
        untold.is_empty() && unprinted.is_empty() && other.is_empty(),
        "{command}: the chapter lacks {untold:?}, the command does not print {unprinted:?}, types differ for {other:?}; it prints\n{}",
        serde_json::to_string_pretty(&shortened(&printed)).unwrap()
    );
}

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
    let image = image_with_eyes(eyes(), Some(&tiny_network().section()));
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
