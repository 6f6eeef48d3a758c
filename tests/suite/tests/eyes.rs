//! A board's eyes from networks and raw photos to an image that sees: export with them and without, what networks may be
//! eyes, and what commands say of options that do not go with an image's eyes.

use std::path::Path;

use face::found::largest;
use host::accuracy::detection::{Subject, detect};
use host::accuracy::marks;
use host::budget::{Excess, frame_bytes};
use host::face::{Choice, Finder, Pipeline, colour_crop};
use host::photo;
use host::sight::frames::{self, frame};
use host::sight::{Networks, Seer, fit};
use host::simulator::AlignedBytes;
use serde_json::Value;
use suite::command::{EXPORT, fails, folder, is_wrong_use, succeeds};
use suite::{
    default_network, fetched, frames_to_calibrate, image_with_eyes, minifasnet, networks, shared,
    tiny_network,
};

/// A folder of raw photos of two people.
fn raw_people(folder: &Path) {
    for (photo, place) in [("obama", "Obama/1"), ("obama2", "Obama/2"), ("biden", "Biden/1")] {
        let place = folder.join(format!("raw/{place}.jpg"));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(fetched(&format!("faces/{photo}.jpg")), place).unwrap();
    }
}

#[test]
fn image_with_eyes_is_exported_from_raw_photos_and_sees() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    raw_people(at);
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_string();
    let (model, detector) = (text(default_network()), text(fetched("faceplugin")));
    let (faces, strangers) = (text(fetched("faces")), text(fetched("faces/strangers")));
    let obama = text(fetched("faces/obama3.jpg"));
    let export = |more: &[&str]| {
        let always =
            ["export", "--model", &model, "--enrol", "raw", "--calibrate", &faces, "--threshold", "0.4"];
        serde_json::from_str::<Value>(&succeeds(at, &[&always[..], &["--json"], more].concat())).unwrap()
    };
    let with = ["--detector", &detector, "--check", &strangers];
    let report = export(&[&with[..], &["-o", "one.geode", "--report", "page.html"]].concat());
    let networks = report["eyes"]["networks"].as_array().unwrap();
    let roles: Vec<&str> = networks.iter().map(|network| network["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["detector", "landmarks"]);
    let beside_float = &report["eyes"]["beside_float"];
    assert!(beside_float["both"].as_u64().unwrap() > 0 && beside_float["is_unseen"] == true, "{report}");
    assert_eq!(report["check"]["accepted"].as_array().unwrap().len(), 0);
    // That photos of set-up are taken besides the user's is said.
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("quantised on the 10 photos of ./setup.sh"), "{warnings}");
    let page = std::fs::read_to_string(at.join("page.html")).unwrap();
    assert!(page.contains("what the eyes see") && page.contains("eyes: landmarks"));

    export(&[&with[..], &["-o", "two.geode"]].concat());
    assert!(std::fs::read(at.join("one.geode")).unwrap() == std::fs::read(at.join("two.geode")).unwrap());

    // The image's own eyes see the photo, whole and in a frame.
    let answers: Value =
        serde_json::from_str(&succeeds(at, &["simulate", "one.geode", &obama, "--json"])).unwrap();
    assert_eq!((&answers[0]["accepted"], &answers[0]["person"]), (&true.into(), &"Obama".into()));
    let obama2 = text(fetched("faces/obama2.jpg"));
    let said = succeeds(at, &["simulate", "one.geode", "--frames", &obama2]);
    assert!(said.contains("ACCEPTED: Obama"), "{said}");
    let said = is_wrong_use(at, &["simulate", "one.geode", &obama, "--detector", &detector]);
    assert!(said.contains("one.geode") && said.contains("boards see with"), "{said}");
    succeeds(at, &["simulate", "one.geode", &obama, "--detector", &detector, "--float-eyes"]);
    succeeds(at, &["align", &obama, "-o", "crops", "--image", "one.geode"]);

    // An image without eyes is enrolled and seen in float.
    let report = export(&["--without-eyes", "--detector", &detector, "-o", "blind.geode"]);
    assert!(report["eyes"].is_null());
    let answers: Value =
        serde_json::from_str(&succeeds(at, &["simulate", "blind.geode", &obama, "--json"])).unwrap();
    assert_eq!((&answers[0]["accepted"], &answers[0]["person"]), (&true.into(), &"Obama".into()));
    succeeds(at, &["simulate", "blind.geode", &obama, "--detector", &detector]);
    let said = fails(at, &["simulate", "blind.geode", "--frames", &obama2]);
    assert!(said.contains("blind.geode has no eyes"), "{said}");
}

#[test]
fn what_goes_before_the_photos_is_checked_before_they_are_read() {
    let folder = folder();
    let at = folder.path();
    let model = default_network();
    let model = model.to_str().unwrap();
    let said = fails(at, &[&EXPORT[..], &["--liveness", model]].concat());
    assert!(said.contains("80×80×3 or 128×128×3 are expected") && !said.contains("quantising"), "{said}");
    let said = fails(at, &[&EXPORT[..], &["--check", "nowhere"]].concat());
    assert!(said.contains("nowhere"), "{said}");
    let said = is_wrong_use(at, &[&EXPORT[..], &["--detector-size", "2000x10"]].concat());
    assert!(said.contains("--detector-size 2000x10") && said.contains("64 to 640"), "{said}");
}

#[test]
fn options_that_would_change_nothing_are_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("eyes.geode"), image_with_eyes(None)).unwrap();
    let photo = fetched("faces/biden.jpg");
    let photo = photo.to_str().unwrap();
    for option in [
        &["--aligned"][..],
        &["--detector", "x"],
        &["--float-eyes"],
        &["--face", "centre"],
        &["--no-quality"],
        &["--frame-size", "2x2"],
    ] {
        let said = is_wrong_use(at, &[&["simulate", "eyes.geode", "--frames", photo][..], option].concat());
        assert!(said.contains(option[0]), "{said}");
    }
    for option in [&["--detector", "x"][..], &["--float-eyes"], &["--face", "centre"], &["--no-quality"]] {
        let said = is_wrong_use(at, &[&["simulate", "eyes.geode", photo, "--aligned"][..], option].concat());
        assert!(said.contains("--aligned") && said.contains(option[0]), "{said}");
    }
    let said = is_wrong_use(at, &["align", photo, "-o", "x", "--image", "eyes.geode", "--landmarks", "x"]);
    assert!(said.contains("--image"), "{said}");
    is_wrong_use(at, &["simulate", "eyes.geode", photo, "--face", "all"]);
    is_wrong_use(at, &["align", photo, "-o", "x", "--size", "5x5"]);
}

#[test]
fn frame_that_a_board_has_no_room_for_is_told() {
    let bytes = AlignedBytes::copy(&image_with_eyes(Some(&tiny_network().section())));
    let image = bytes.image(Path::new("eyes")).unwrap();
    let budget = host::board::Board::named("qemu-m7").unwrap().budget(host::board::Memory::External);
    let excesses = |frame_bytes: usize| {
        let budget = host::budget::Budget { frame_bytes, ..budget };
        budget.excesses_of_image(&image, bytes.bytes(), |layer| layer.to_string())
    };
    // All networks of this image are grey.
    let (needed, room) = (frame_bytes(false), frame_bytes(false) - 1);
    assert_eq!(excesses(needed), []);
    assert_eq!(excesses(room), [Excess::Frame { bytes: needed, room, is_colour: false }]);
}

#[test]
#[cfg_attr(not(minifasnet), ignore = "needs ../shared/models/minifasnet-v2-80.onnx beside the repository")]
fn photo_check_is_a_known_network() {
    let liveness = minifasnet().map(|job| job.model);
    assert!(Networks { liveness, ..networks() }.known(35.2).unwrap().liveness.is_some());
}

#[test]
fn fr_liveness_takes_live_people_for_live() {
    let liveness = Some(fetched("faceplugin/fr_liveness.onnx"));
    let known = Networks { liveness, ..networks() }.known(35.2).unwrap();
    let fitted = fit(&known, &frames_to_calibrate()).unwrap();
    assert_eq!((fitted.sight.live, fitted.networks.len()), (0, 3));
    let seen = &fitted.report.beside_float;
    println!("{seen}");
    // One of fifty; of few faces one.
    assert!(seen.flipped.is_some_and(|flipped| flipped <= (seen.both / 50).max(1)), "{seen:?}");
    let seer = Seer::new(&fitted).unwrap();
    let live = ["obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"].map(|name| {
        let shown = frames::fitted(&photo::load(&fetched(&format!("faces/{name}"))).unwrap());
        let view = frame(&shown).unwrap();
        let score = seer.see(|eyes, arena| {
            let faces = eyes.scan(&view, arena)?;
            eyes.alive_q16(&view, largest(&faces).unwrap(), arena)
        });
        score.unwrap().unwrap()
    });
    println!("{live:?}");
    assert!(live.iter().filter(|&&score| score >= fitted.sight.alive_q16).count() >= 3, "{live:?}");
}

#[test]
#[cfg_attr(
    not(all(yunet, raw)),
    ignore = "needs ../shared/models/yunet-dyn.onnx and ../shared/faces/raw beside the repository"
)]
fn yunet_sees_without_a_landmark_network() {
    let networks = Networks { detector: shared("models/yunet-dyn.onnx").unwrap(), ..Networks::default() };
    let said =
        format!("{:#}", Networks { size: Some([120, 160]), ..networks.clone() }.known(35.2).unwrap_err());
    assert!(said.contains("--detector-size 120x160") && said.contains("multiples of 32"), "{said}");
    let fitted = fit(&networks.known(35.2).unwrap(), &frames_to_calibrate()).unwrap();
    assert_eq!((fitted.networks.len(), fitted.report.networks.len()), (1, 1));
    let seen = &fitted.report.beside_float;
    println!("{seen}");
    assert!(seen.both * 10 >= 9 * (seen.both + seen.int8_alone + seen.float_alone), "{seen:?}");
    assert!(seen.points.unwrap().median <= 0.03 && seen.flipped.is_none(), "{seen:?}");
    let seer = Seer::new(&fitted).unwrap();
    let raw = shared("faces/raw").unwrap();
    let marks = marks::read(&raw.join("landmarks.csv")).unwrap();
    let subject =
        Subject { photos: &raw, marks: &marks, nonface: None, heights: &[0.5, 0.33], is_strict: true };
    for row in &detect(&seer, &subject).unwrap().rows {
        println!("{row:?}");
        assert!(row.found.rate >= 0.97, "{row:?}");
        // A single pass, whose cells are coarser for a small face.
        let most = if row.height == Some(0.33) { 0.12 } else { 0.095 };
        assert!(row.points.unwrap().median <= most, "{row:?}");
    }
    // A photo is seen at several sizes as well.
    let pipeline = Pipeline { finder: Finder::Board(seer.clone()), choice: Choice::All, has_gates: false };
    let photo = photo::load(&fetched("faces/strangers/sample6.jpg")).unwrap();
    assert_eq!(pipeline.crops(&photo, &colour_crop([112, 112])).unwrap().len(), 4);
    let shown = frames::fitted(&photo::load(&fetched("faces/obama.jpg")).unwrap());
    let view = frame(&shown).unwrap();
    let points = seer.see(|eyes, arena| Ok(largest(&eyes.scan(&view, arena)?).unwrap().points)).unwrap();
    assert!(points.is_some(), "its landmarks are the detector's own");
}
