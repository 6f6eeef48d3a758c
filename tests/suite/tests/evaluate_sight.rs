//! An image's eyes: what they find, how near int8 is to float, the measurement of both by `host evaluate`, and their needs
//! on a board.
//!
//! Tests that need many photos use the larger test data beside the repository. The others use the fetched photos.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use face::found::largest;
use host::accuracy::detection::{Detection, HEIGHTS, Subject, detect};
use host::accuracy::marks::{self, Mark};
use host::face::FloatDetector;
use host::photo;
use host::sight::float::FloatEyes;
use host::sight::frames::{self, frame};
use host::sight::report::is_flipped;
use host::sight::{Networks, Seer, fit};
use image::RgbImage;
use serde_json::Value;
use suite::command::{fails, is_wrong_use, succeeds};
use suite::{eyes, fetched, image_with_eyes, networks, seer, shared, tiny_network};
use tempfile::TempDir;

const COLUMNS: &str = "path,x1,y1,x2,y2,le_x,le_y,re_x,re_y,nose_x,nose_y,lm_x,lm_y,rm_x,rm_y";
/// Fetched photos with one face.
const PORTRAITS: [&str; 3] = ["obama.jpg", "obama3.jpg", "biden.jpg"];

/// A folder with an image with eyes, one with a photo check as well, and a list of the faces in [`PORTRAITS`].
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("eyes.geode"), image_with_eyes(None)).unwrap();
    let check = tiny_network().section();
    std::fs::write(at("check.geode"), image_with_eyes(Some(&check))).unwrap();
    let detector = FloatDetector::load(&fetched("faceplugin")).unwrap();
    let (mut boxes, mut points) = (format!("{COLUMNS}\n"), String::new());
    let (_, columns) = COLUMNS.split_once(",x1,y1,x2,y2").unwrap();
    writeln!(points, "path{columns}").unwrap();
    for portrait in PORTRAITS {
        let found = detector.find(&photo::load(&fetched("faces").join(portrait)).unwrap()).unwrap();
        let text =
            |places: &[f32]| places.iter().map(|place| format!(",{}", place + 0.5)).collect::<String>();
        let [bounds, landmarks] = [text(&found[0].bounds), text(found[0].landmarks.as_flattened())];
        writeln!(boxes, "{portrait}{bounds}{landmarks}").unwrap();
        writeln!(points, "{portrait}{landmarks}").unwrap();
    }
    std::fs::write(at("boxes.csv"), boxes).unwrap();
    std::fs::write(at("points.csv"), points).unwrap();
    folder
}

fn photos() -> String {
    fetched("faces").display().to_string()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(folder, arguments)).unwrap()
}

#[test]
fn faces_of_the_demo_are_found_by_boxes_and_by_points() {
    let folder = folder();
    let photos = photos();
    for list in ["boxes.csv", "points.csv"] {
        let evaluate =
            ["evaluate", "eyes.geode", "--protocol", "detection", "--photos", &photos, "--marks", list];
        let measured = json(folder.path(), &[&evaluate[..], &["--heights", "0.6,0.4", "--json"]].concat());
        assert_eq!((&measured["faces"], &measured["people"]), (&3.into(), &3.into()));
        let rows = measured["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        // In a whole photo a face may be too small.
        assert!(rows[0]["height"].is_null() && rows[0]["found"]["comparisons"] == 3);
        for row in &rows[1..] {
            assert_eq!(row["found"]["rate"], 1.0, "{list}: {row}");
            assert!(row["points"]["median"].as_f64().unwrap() < 0.1, "{list}: {row}");
            // Three faces do not determine it.
            assert!(row["points"]["p90"].is_null(), "{list}: {row}");
            // Exact for three of three.
            assert!((row["found"]["bounds_by_people"][0].as_f64().unwrap() - 0.2924).abs() < 1e-3, "{row}");
        }
        assert!((rows[1]["median_height"].as_f64().unwrap() - 0.6).abs() < 0.01);
        let said = succeeds(folder.path(), &evaluate);
        assert!(said.contains("3 faces of 3 people") && said.contains("whole ("), "{said}");
    }
}

#[test]
fn pictures_without_faces_are_shown_in_six_ways() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    for seed in 0..3 {
        suite::picture(seed, [90, 120]).save(folder.path().join(format!("nothing/{seed}.png"))).unwrap();
    }
    let photos = photos();
    let evaluate = [
        "evaluate",
        "eyes.geode",
        "--protocol",
        "detection",
        "--photos",
        &photos,
        "--marks",
        "boxes.csv",
        "--heights",
        "0.5",
        "--nonface",
        "nothing",
        "--report",
        "page.html",
        "--json",
    ];
    let nonface = &json(folder.path(), &evaluate)["nonface"];
    assert_eq!((&nonface["pictures"], &nonface["views"]), (&3.into(), &18.into()));
    assert_eq!((&nonface["passed"]["rate"], &nonface["passed"]["people"]), (&0.0.into(), &3.into()));
    assert!(std::fs::read_to_string(folder.path().join("page.html")).unwrap().contains("Detection"));
}

#[test]
fn lists_and_images_that_cannot_be_used_are_refused_with_what_helps() {
    let folder = folder();
    let at = folder.path();
    let photos = photos();
    let detection = |image: &str, list: &str| {
        fails(at, &["evaluate", image, "--protocol", "detection", "--photos", &photos, "--marks", list])
    };
    std::fs::write(at.join("blind.geode"), suite::join(&suite::tiny_sections())).unwrap();
    assert!(detection("blind.geode", "boxes.csv").contains("has no eyes"));
    std::fs::write(at.join("short.csv"), "path,le_x\na.jpg,1\n").unwrap();
    let said = detection("eyes.geode", "short.csv");
    assert!(said.contains("short.csv") && said.contains("le_y"), "{said}");
    let attack =
        ["evaluate", "eyes.geode", "--protocol", "attack", "--bona-fide", &photos, "--attack", &photos];
    let said = fails(at, &attack);
    assert!(said.contains("no network for the photo check") && said.contains("export it again"), "{said}");
    is_wrong_use(at, &["evaluate", "check.geode", "--protocol", "attack"]);
    is_wrong_use(at, &["evaluate", "check.geode", "--protocol", "detection", "--photos", &photos]);
    let both = ["evaluate", "eyes.geode", "--bona-fide", &photos, "--attack", &photos];
    assert!(is_wrong_use(at, &both).contains("--protocol attack"));
    let aligned = ["--protocol", "detection", "--photos", &photos, "--marks", "boxes.csv", "--aligned"];
    let arguments = [&["evaluate", "eyes.geode"][..], &aligned].concat();
    assert!(is_wrong_use(at, &arguments).contains("own eyes"));
}

#[test]
fn photos_without_an_answer_are_counted_apart() {
    let folder = folder();
    let at = folder.path();
    let save = |picture: &RgbImage, place: &str| {
        let path = at.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        picture.save(path).unwrap();
    };
    for (number, mark) in marks::read(&at.join("boxes.csv")).unwrap().iter().enumerate() {
        let photo = photo::load(&fetched("faces").join(&mark.path)).unwrap();
        let frame = mark.shown(&photo, Some(0.4)).frame;
        save(&frame, &format!("live/p{number}/1.png"));
        save(&frame, &format!("prints/p{number}/1.png"));
    }
    (0..2).for_each(|seed| save(&suite::picture(seed, [120, 160]), &format!("screens/{seed}.png")));
    let attack = [
        "evaluate",
        "check.geode",
        "--protocol",
        "attack",
        "--bona-fide",
        "live",
        "--attack",
        "prints",
        "screens",
        "--report",
        "page.html",
    ];
    let measured = json(at, &[&attack[..], &["--json"]].concat());
    let [prints, screens] = [&measured["attacks"][0], &measured["attacks"][1]];
    assert_eq!((&prints["name"], &screens["name"]), (&"prints".into(), &"screens".into()));
    // Nothing that can be taken for a face: no answer, and no rate.
    assert_eq!((&screens["unanswered"]["rate"], &screens["reasons"][0]["count"]), (&1.0.into(), &2.into()));
    assert_eq!((&screens["wrong"]["comparisons"], &screens["people"]), (&0.into(), &2.into()));
    // The prints are the very photos of the live people, so what is right for one is wrong for the other.
    let live = &measured["bona_fide"];
    assert_eq!((&live["people"], &live["unanswered"]["rate"]), (&3.into(), &0.0.into()));
    let [bpcer, apcer] = [live, prints].map(|kind| kind["wrong"]["rate"].as_f64().unwrap());
    assert!((bpcer + apcer - 1.0).abs() < 1e-9, "{measured}");
    assert_eq!(measured["apcer"], prints["wrong"]["rate"]);
    let said = succeeds(at, &attack);
    assert!(
        ["APCER", "BPCER", "APNRR 100.0 %", "no face found 2"].iter().all(|part| said.contains(part)),
        "{said}"
    );
    assert!(std::fs::read_to_string(at.join("page.html")).unwrap().contains("Presentation attacks"));
}

#[test]
fn image_with_eyes_is_inspected_step_by_step() {
    let folder = folder();
    let inspect = ["inspect", "check.geode", "--board", "qemu-m7", "--json"];
    let inspection = json(folder.path(), &inspect);
    let networks = inspection["networks"].as_array().unwrap();
    let roles: Vec<&str> = networks.iter().map(|network| network["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["detector", "landmarks", "liveness", "embedder"]);
    let arenas = networks.iter().map(|network| network["arena_bytes"].as_u64().unwrap());
    assert_eq!(inspection["arena_bytes"].as_u64(), arenas.max());
    let frame = &inspection["frame"];
    // The tiny networks are grey.
    assert_eq!((&frame["colour_bytes"], &frame["grey_bytes"]), (&153_600.into(), &76_800.into()));
    assert_eq!(frame["is_colour"], false);
    let board = &inspection["boards"][0];
    let steps: Vec<(&str, u64)> = (board["steps"].as_array().unwrap().iter())
        .map(|step| (step["step"].as_str().unwrap(), step["passes"].as_u64().unwrap()))
        .collect();
    assert_eq!(steps, [("scan", 1), ("look", 2), ("photo check", 1), ("embed", 1)]);
    let instructions = |step: usize| board["steps"][step]["instructions"].as_f64().unwrap();
    // The table of the design, from the same model of costs: 37.5 M and twice 23.4 M.
    assert!((instructions(0) / 37.5e6 - 1.0).abs() < 0.15, "{board}");
    assert!((instructions(1) / 46.8e6 - 1.0).abs() < 0.15, "{board}");
    // Frames have a memory of their own.
    let used = inspection["arena_bytes"].as_u64().unwrap() + board["stack_bytes"].as_u64().unwrap();
    assert_eq!((board["ram_bytes"].as_u64(), board["frame_room"].as_u64()), (Some(used), Some(1 << 20)));
    let said = succeeds(folder.path(), &["inspect", "check.geode"]);
    assert!(
        ["scan", "look", "photo check", "embed", "2 passes", "320×240"]
            .iter()
            .all(|part| said.contains(part))
    );
    let said = is_wrong_use(folder.path(), &["inspect", "check.geode", "--size", "112x112"]);
    assert!(said.contains("for ONNX files"), "{said}");
}

#[test]
fn int8_eyes_see_what_float_eyes_see() {
    let seen = &eyes().report.beside_float;
    assert!(seen.is_unseen);
    println!("{seen:?}");
    let all = seen.both + seen.int8_alone + seen.float_alone;
    assert!(seen.frames >= 10 && seen.both * 2 > seen.frames, "{seen:?}");
    // One of twenty; of few faces one.
    assert!(seen.int8_alone + seen.float_alone <= (all / 20).max(1), "{seen:?}");
    let (boxes, points) = (seen.boxes.unwrap(), seen.points.unwrap());
    assert!(boxes.median <= 0.03 && boxes.largest <= 0.25, "{seen:?}");
    assert!(points.median <= 0.02 && points.largest <= 0.15, "{seen:?}");
    assert_eq!(seen.flipped, None);
}

/// What the eyes find of the raw photos.
fn detected(nonface: Option<&Path>, heights: &[f32]) -> Detection {
    let raw = shared("faces/raw").unwrap();
    let marks = marks::read(&raw.join("landmarks.csv")).unwrap();
    let subject = Subject { photos: &raw, marks: &marks, nonface, heights, is_strict: true };
    detect(&seer(), &subject).unwrap()
}

#[test]
#[cfg_attr(not(raw), ignore = "needs ../shared/faces/raw beside the repository")]
fn faces_of_raw_photos_are_found_at_every_size_and_few_refused() {
    let measured = detected(None, &HEIGHTS);
    assert_eq!((measured.faces, measured.people), (194, 40));
    measured.rows.iter().for_each(|row| println!("{row:?}"));
    for row in &measured.rows {
        let least = match row.height {
            Some(height) if height < 0.22 => 0.97,
            _ => 0.99,
        };
        assert!(row.found.rate >= least, "{row:?}");
        let points = row.points.unwrap();
        assert!(points.median <= 0.040 && points.p90.unwrap() <= 0.060, "{row:?}");
        // Faces of a quarter of the frame and less may have too few pixels between the eyes. Of the others, at most 2 % are
        // refused.
        let count = |is_small: bool| {
            let reasons = row.reasons.iter().filter(|refused| (refused.reason == "too small") == is_small);
            reasons.map(|refused| refused.count).sum::<usize>()
        };
        let (too_small, refused) = (count(true), count(false));
        assert!(
            50 * refused <= row.found.comparisons && (row.median_height < 0.3 || too_small == 0),
            "{row:?}"
        );
    }
}

#[test]
#[cfg_attr(
    not(all(raw, nonface)),
    ignore = "needs ../shared/faces/raw and ../shared/faces/nonface beside the repository"
)]
fn nothing_but_portraits_on_bank_notes_passes_for_a_face() {
    let nonface = detected(shared("faces/nonface").as_deref(), &[0.5]).nonface.unwrap();
    println!("{nonface:?}");
    assert_eq!((nonface.pictures, nonface.views), (30, 180));
    assert!(nonface.passed.rate * 180.0 <= 4.1, "{nonface:?}");
    let is_note = |path: &PathBuf| path.to_string_lossy().contains("dollar");
    assert!(nonface.pictures_passed.iter().all(is_note), "{nonface:?}");
}

#[test]
#[cfg_attr(
    not(all(raw, minifasnet)),
    ignore = "needs ../shared/faces/raw and ../shared/models/minifasnet-v2-80.onnx beside the repository"
)]
fn photo_check_in_int8_answers_as_in_float() {
    let raw = shared("faces/raw").unwrap();
    let networks = Networks { liveness: shared("models/minifasnet-v2-80.onnx"), ..networks() };
    let photos: Vec<(Mark, RgbImage)> = (marks::read(&raw.join("landmarks.csv")).unwrap().into_iter())
        .map(|mark| (mark.clone(), photo::load(&raw.join(&mark.path)).unwrap()))
        .collect();
    let float = FloatEyes::new(&networks.known(35.2).unwrap()).unwrap();
    let (mut faces, mut flipped, mut live) = (0, 0, [0, 0]);
    // Scales are chosen on every fourth photo, the others judge.
    for first in [0, 2] {
        let seen: Vec<Vec<RgbImage>> =
            photos.iter().skip(first).step_by(4).map(|(_, photo)| frames::of(photo)).collect();
        let fitted = fit(&networks.known(35.2).unwrap(), &seen).unwrap();
        let report = &fitted.report;
        println!("{} {:?}", report.beside_float, report.networks.last().unwrap().costs);
        let seer = Seer::new(&fitted).unwrap();
        let judging = photos.iter().enumerate().filter(|(index, _)| index % 4 != first);
        for ((_, (mark, photo)), height) in
            judging.flat_map(|one| [0.25, 0.33, 0.45].map(|height| (one, height)))
        {
            let shown = mark.shown(photo, Some(height));
            let view = frame(&shown.frame).unwrap();
            let answers = seer.run(|eyes, arena| {
                let found = eyes.scan(&view, arena).unwrap();
                let face = largest(&found)?;
                let is_flipped = is_flipped(eyes, arena, &float, &view, face).unwrap().unwrap();
                let alive = eyes.alive_q16(&view, face, arena).unwrap().unwrap() >= eyes.sight().alive_q16;
                Some((is_flipped, alive, float.alive(&view, &face.bounds).unwrap() >= 0.5))
            });
            let Some((is_flipped, ours, theirs)) = answers.unwrap() else { continue };
            faces += 1;
            flipped += usize::from(is_flipped);
            live = [live[0] + usize::from(ours), live[1] + usize::from(theirs)];
        }
    }
    println!("{faces} faces, {flipped} answers flipped, live by int8 and float {live:?}");
    assert!(faces >= 860 && flipped * 1000 <= 19 * faces, "{flipped} of {faces}");
}
