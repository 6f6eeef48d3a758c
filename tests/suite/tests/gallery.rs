//! The people of an image are removed, enrolled again and merged; and errors that must stop these changes.

use std::path::{Path, PathBuf};

use host::arcface::{Loss, MarginKind};
use host::crops::Source;
use host::export::{Job, export};
use host::people::change::{add, merge, remove};
use host::people::list::{Listed, list};
use host::people::statistics::measure;
use host::simulator::AlignedBytes;
use suite::{faces, onnx, write_faces};
use tempfile::TempDir;

/// A folder with an image of three people, and their crops in `people`, `later` and `strangers`.
fn scene() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("net.onnx"), onnx::pools()).unwrap();
    let faces = faces();
    for (index, name) in ["Ada", "Grace", "Mary"].into_iter().enumerate() {
        write_faces(&at("people").join(name), &faces[2 * index..2 * index + 2], [40, 24]);
    }
    write_faces(&at("later/Edith"), &faces[6..8], [40, 24]);
    write_faces(&at("strangers"), &faces[8..24], [40, 24]);
    let job = Job {
        enrol: Some(at("people")),
        cohort: Some(at("strangers")),
        keep_outliers: true,
        allow_duplicates: true,
        force: true,
        ..Job::new(at("net.onnx"))
    };
    let image = at("image.geode");
    std::fs::write(&image, export(&job).unwrap().image).unwrap();
    (folder, image)
}

fn enrol(image: &Path, people: &Path) -> anyhow::Result<Vec<u8>> {
    add(image, people, &Source::aligned(), true, true).map(|changed| changed.image)
}

fn listed(image: &Path) -> Vec<Listed> {
    list(&AlignedBytes::read(image).unwrap().image(image).unwrap())
}

fn names(image: &Path) -> Vec<String> {
    listed(image).into_iter().map(|row| row.name).collect()
}

#[test]
fn removing_and_enrolling_again_gives_the_same_bytes() {
    let (folder, image) = scene();
    let before = std::fs::read(&image).unwrap();
    let without = remove(&image, &["Grace".to_string()]).unwrap().image;
    assert!(!without.windows(5).any(|window| window == b"Grace") && without.len() < before.len());
    std::fs::write(&image, without).unwrap();
    assert_eq!(names(&image), ["Ada", "Mary"]);
    let grace = folder.path().join("grace");
    std::fs::create_dir(&grace).unwrap();
    std::fs::rename(folder.path().join("people/Grace"), grace.join("Grace")).unwrap();
    assert_eq!(enrol(&image, &grace).unwrap(), before);
}

#[test]
fn people_are_added_without_the_photos_of_the_others() {
    let (folder, image) = scene();
    std::fs::remove_dir_all(folder.path().join("people")).unwrap();
    let changed = enrol(&image, &folder.path().join("later")).unwrap();
    std::fs::write(&image, changed).unwrap();
    assert_eq!(names(&image), ["Ada", "Edith", "Grace", "Mary"]);
    assert!(listed(&image).iter().all(|row| row.photos == 2 && row.nearest.is_some()));
    let error = format!("{:#}", enrol(&image, &folder.path().join("later")).unwrap_err());
    assert!(error.contains("Edith is enrolled already"), "{error}");
}

#[test]
fn galleries_of_one_network_merge_and_of_two_do_not() {
    let (folder, image) = scene();
    let other = folder.path().join("other.geode");
    let changed = enrol(&image, &folder.path().join("later")).unwrap();
    std::fs::write(&other, changed).unwrap();
    let edith = remove(&other, &["Ada", "Grace", "Mary"].map(String::from)).unwrap().image;
    std::fs::write(&other, edith).unwrap();
    std::fs::write(&image, merge(&image, &other, true).unwrap().image).unwrap();
    assert_eq!(names(&image), ["Ada", "Edith", "Grace", "Mary"]);
    let foreign = Job {
        calibrate: Some(folder.path().join("strangers")),
        cohort: None,
        force: true,
        preprocessing: host::quantize::Preprocessing { mean: 100.0, scale: 128.0 },
        ..Job::new(folder.path().join("net.onnx"))
    };
    std::fs::write(&other, export(&foreign).unwrap().image).unwrap();
    let error = format!("{:#}", merge(&image, &other, true).err().unwrap());
    assert!(error.contains("different networks"), "{error}");
}

#[test]
fn merging_one_person_under_two_names_is_refused() {
    let (folder, image) = scene();
    let double = folder.path().join("double");
    std::fs::create_dir(&double).unwrap();
    std::fs::rename(folder.path().join("people/Ada"), double.join("Countess")).unwrap();
    let other = folder.path().join("other.geode");
    std::fs::write(&other, enrol(&image, &double).unwrap()).unwrap();
    let countess = remove(&other, &["Ada", "Grace", "Mary"].map(String::from)).unwrap().image;
    std::fs::write(&other, countess).unwrap();
    let error = format!("{:#}", merge(&image, &other, false).err().unwrap());
    assert!(error.contains("Ada and Countess") && error.contains("under two names"), "{error}");
    let changed = merge(&image, &other, true).unwrap();
    assert!(changed.warnings.iter().any(|warning| warning.contains("Countess")), "{:?}", changed.warnings);
    assert!(!changed.warnings.iter().any(|warning| warning.contains("Grace and Mary")));
}

#[test]
fn removing_a_stranger_is_refused() {
    let (_folder, image) = scene();
    let error = format!("{:#}", remove(&image, &["Nobody".to_string()]).err().unwrap());
    assert!(error.contains("Nobody is not enrolled"), "{error}");
}

#[test]
fn one_person_under_two_names_is_refused() {
    let (folder, image) = scene();
    let double = folder.path().join("double");
    std::fs::create_dir(&double).unwrap();
    std::fs::rename(folder.path().join("people/Ada"), double.join("Countess")).unwrap();
    let error = format!("{:#}", add(&image, &double, &Source::aligned(), true, false).err().unwrap());
    assert!(error.contains("under two names"), "{error}");
}

#[test]
fn a_stranger_of_the_cohort_is_not_enrolled() {
    let (folder, image) = scene();
    let hired = folder.path().join("hired");
    write_faces(&hired.join("Edith"), &faces()[8..9], [40, 24]);
    // This network places all people near each other. Without them, the comparison with strangers decides.
    std::fs::write(&image, remove(&image, &names(&image)).unwrap().image).unwrap();
    let error = format!("{:#}", add(&image, &hired, &Source::aligned(), true, false).err().unwrap());
    assert!(error.contains("Edith looks like one of the strangers"), "{error}");
}

#[test]
fn report_measures_angles_and_losses() {
    let (folder, image) = scene();
    let loss = Loss::of_kind(MarginKind::Arcface, None, 64.0);
    let centres_only = measure(&image, None, &Source::aligned(), loss).unwrap();
    assert!(centres_only.intra.is_none() && centres_only.inter.unwrap() <= centres_only.between.unwrap());
    let full = measure(&image, Some(&folder.path().join("people")), &Source::aligned(), loss).unwrap();
    assert_eq!((full.people, full.photos.len()), (3, 6));
    assert!(full.photos.is_sorted_by(|a, b| a.loss >= b.loss));
    let mean = full.photos.iter().map(|photo| photo.angle_degrees).sum::<f32>() / 6.0;
    assert!((mean - full.intra.unwrap()).abs() < 1e-3);
    let error = format!(
        "{:#}",
        measure(&image, Some(&folder.path().join("later")), &Source::aligned(), loss).err().unwrap()
    );
    assert!(error.contains("Edith is not enrolled"), "{error}");
}
