//! Figures must not mislead: networks and preprocessing that do not distinguish people, copies in a cohort, and a
//! second population.

use std::path::{Path, PathBuf};

use host::export::{Exported, Job, export};
use host::quantize::Preprocessing;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use suite::{default_network, faces, first_faces, onnx, resized, write_faces};
use tempfile::TempDir;

const PLAIN: Preprocessing = Preprocessing { mean: 0.0, scale: 1.0 };

/// A folder with a network and some crops for it.
fn folder_with(onnx: &[u8], size: [u32; 2]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.onnx"), onnx).unwrap();
    write_faces(&folder.path().join("faces"), &first_faces(24), size);
    folder
}

fn job_in(folder: &Path) -> Job {
    suite::job(&folder.join("net.onnx"), &folder.join("faces"))
}

fn refusal(job: &Job) -> String {
    format!("{:#}", export(job).err().expect("refused"))
}

/// Whether the texts occur in this order.
fn in_order(said: &str, texts: &[&str]) -> bool {
    let places: Vec<Option<usize>> = texts.iter().map(|text| said.find(text)).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

#[test]
fn collapsed_network_is_refused_and_preprocessing_is_named_first() {
    let folder = folder_with(&onnx::collapsed(), [40, 24]);
    let job = job_in(folder.path());
    let said = refusal(&job);
    let order =
        ["unlike pictures", "--mean 127.5 --scale 128", "--colour", "aligned", "collapsed", "--force"];
    assert!(in_order(&said, &order), "{said}");
    let forced = export(&Job { force: true, ..job }).unwrap().report;
    assert!(
        forced.warnings.iter().any(|warning| warning.contains("unlike pictures")),
        "{:?}",
        forced.warnings
    );
    assert!(forced.discrimination.unwrap().float.mean_cosine > 0.99);
}

#[test]
fn photo_joined_with_louder_values_takes_their_grid_and_loses_neither() {
    let folder = folder_with(&onnx::joined_with_photo(), [40, 24]);
    let report = export(&job_in(folder.path())).unwrap().report;
    let joined = report.layers.iter().find(|layer| layer.operator == "concat").unwrap();
    assert!(joined.sqnr_db > 25.0, "{joined:?}");
    assert!(report.agreement.mean_cosine > 0.99, "{:?}", report.agreement);
}

#[test]
fn pixels_normalised_twice_are_refused_with_what_the_network_does_itself() {
    let folder = folder_with(&onnx::mobile_112x96(), [112, 96]);
    let job = job_in(folder.path());
    let said = refusal(&job);
    assert!(
        in_order(&said, &["--mean 127.5 --scale 128", "normalised twice", "with --mean 0 --scale 1"]),
        "{said}"
    );
    let exported = export(&Job { preprocessing: PLAIN, ..job }).unwrap().report;
    assert!(exported.discrimination.unwrap().quantised.mean_cosine < 0.8, "{:?}", exported.discrimination);
    let node = exported.normalisation_inside.expect("the network normalises");
    assert!(!exported.warnings.iter().any(|warning| warning.contains(&node)), "{:?}", exported.warnings);
}

#[test]
fn pixels_not_normalised_are_refused_with_what_would_be_right() {
    for photos in [3, 12] {
        let folder = tempfile::tempdir().unwrap();
        write_faces(&folder.path().join("faces"), &first_faces(photos), [112, 112]);
        let job =
            Job { preprocessing: PLAIN, ..suite::job(&default_network(), &folder.path().join("faces")) };
        let said = refusal(&job);
        assert!(in_order(&said, &["--mean 0 --scale 1", "with --mean 127.5 --scale 128"]), "{said}");
    }
}

#[test]
fn trained_network_tells_few_photos_apart() {
    let folder = tempfile::tempdir().unwrap();
    write_faces(&folder.path().join("faces"), &first_faces(3), [112, 112]);
    let report = export(&suite::job(&default_network(), &folder.path().join("faces"))).unwrap().report;
    let told = report.discrimination.unwrap();
    assert!(
        told.float.pictures == 3 && told.float.mean_cosine < 0.4 && told.quantised.mean_cosine < 0.4,
        "{told:?}"
    );
    assert!(report.agreement.centred_mean_cosine.unwrap() > 0.98, "{:?}", report.agreement);
}

fn save_jpeg(picture: &RgbImage, path: &Path, quality: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    JpegEncoder::new_with_quality(std::fs::File::create(path).unwrap(), quality)
        .encode_image(picture)
        .unwrap();
}

fn with_cohort(folder: &Path, cohort: &str) -> Exported {
    export(&Job { cohort: Some(folder.join(cohort)), ..Job::new(folder.join("net.onnx")) }).unwrap()
}

#[test]
fn copies_in_a_cohort_count_once() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    let at = |name: &str| folder.path().join(name);
    let crops: Vec<RgbImage> =
        faces().iter().map(|face| resized(face, [40, 24], FilterType::Triangle)).collect();
    for (index, crop) in crops.iter().enumerate() {
        for cohort in ["cohort", "copied"] {
            let path = at(cohort).join(format!("{index:03}.png"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            crop.save(path).unwrap();
        }
    }
    // The same file again: in another year's folder, through a link, saved again, and as an enlarged thumbnail.
    std::fs::copy(at("copied/000.png"), at("copied/copy of 000.png")).unwrap();
    std::fs::create_dir(at("copied/2024")).unwrap();
    std::fs::copy(at("copied/001.png"), at("copied/2024/holiday.png")).unwrap();
    std::os::unix::fs::symlink(at("copied/002.png"), at("copied/link.png")).unwrap();
    save_jpeg(&crops[3], &at("copied/saved.jpg"), 85);
    let small = resized(&crops[4], [30, 18], FilterType::Triangle);
    resized(&small, [40, 24], FilterType::CatmullRom).save(at("copied/thumbnail.png")).unwrap();
    let [plain, copied] = ["cohort", "copied"].map(|cohort| with_cohort(folder.path(), cohort).report);
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_string();
    let mut copies: Vec<String> = copied.copies.iter().flatten().map(name).collect();
    copies.sort();
    let expected = ["000.png", "001.png", "002.png", "003.png", "004.png", "copy of 000.png", "holiday.png"];
    let expected = [&expected[..], &["link.png", "saved.jpg", "thumbnail.png"]].concat();
    assert_eq!(copies, expected);
    assert_eq!((plain.copies.len(), copied.strangers), (0, plain.strangers));
    assert_eq!((plain.thresholds.strangers, &plain.thresholds), (crops.len(), &copied.thresholds));
    assert!(copied.warnings.iter().any(|warning| warning.contains("5 of") && warning.contains("count once")));
}

#[test]
fn second_population_is_measured_by_people_with_the_boards_decisions() {
    let folder = folder_with(&onnx::pools(), [40, 24]);
    let at = |name: &str| folder.path().join(name);
    let faces = faces();
    write_faces(&at("people/Ada"), &faces[..2], [40, 24]);
    // With fewer nothing is promised.
    let cohort: Vec<_> = (0..60).map(|seed| suite::picture(seed, [40, 24])).collect();
    write_faces(&at("cohort"), &cohort, [40, 24]);
    // Two people with two photos each, and one with a photo in the folder itself, which is there twice.
    write_faces(&at("others/Grace"), &faces[12..14], [40, 24]);
    write_faces(&at("others/Mary"), &faces[14..16], [40, 24]);
    write_faces(&at("others"), &faces[16..17], [40, 24]);
    std::fs::copy(at("others/000.png"), at("others/again.png")).unwrap();
    let job = Job {
        enrol: Some(at("people")),
        cohort: Some(at("cohort")),
        check: Some(at("others")),
        allow_duplicates: true,
        ..Job::new(at("net.onnx"))
    };
    let exported = export(&job).unwrap();
    let check = exported.report.check.unwrap();
    assert_eq!((check.photos, check.people, check.copies, check.enrolled), (5, 3, 1, 1));
    assert_eq!(check.measured.comparisons, 5);
    let promised = check.promised.unwrap();
    let bound = exported.report.thresholds.at(1).unwrap().fpir_bounds[1];
    assert!(promised.fpir == 0.003 && (promised.bound - bound).abs() < 1e-5, "{promised:?}");
    let image = at("image.geode");
    std::fs::write(&image, &exported.image).unwrap();
    let photos: Vec<PathBuf> = ["000.png", "Grace/000.png", "Grace/001.png", "Mary/000.png", "Mary/001.png"]
        .map(|name| at("others").join(name))
        .to_vec();
    let answers = host::recognise::simulated(&image, &photos, &job.photos).unwrap();
    let accepted = answers.iter().filter(|answer| answer.accepted).count();
    assert_eq!((check.accepted.len(), check.measured.rate), (accepted, accepted as f64 / 5.0));
}
