//! Folders of photos as people have them: what is used, what is told, and that nothing in them hangs or deceives.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use format::header::ModelId;
use host::crops::{Loader, Source};
use host::export::{Exported, Job, export};
use host::people::change::{add, remove};
use host::people::folder::{self, Folder};
use host::people::list::list as enrolled;
use host::photo;
use host::photo::folder::{MOST_ENTRIES, list as photos, people};
use host::sections::{self, Enrolled};
use host::simulator::AlignedBytes;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, RgbImage, Rgba};
use suite::onnx;
use tempfile::TempDir;

/// A picture of 24 × 40 pixels, another for each seed.
fn picture(seed: u64) -> RgbImage {
    suite::picture(seed, [40, 24])
}

fn save(path: &Path, picture: &RgbImage) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// A folder with a small network, two people of two photos in `people`, and strangers.
fn scene() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("net.onnx"), onnx::pools()).unwrap();
    for (person, name) in ["Ada", "Grace"].into_iter().enumerate() {
        for photo in 0..2 {
            save(&at(&format!("people/{name}/{photo}.png")), &picture((2 * person + photo) as u64));
        }
    }
    for stranger in 0..24 {
        save(&at(&format!("strangers/{stranger:02}.png")), &picture(100 + stranger));
    }
    folder
}

fn job(folder: &Path) -> Job {
    let strangers = folder.join("strangers");
    Job {
        enrol: Some(folder.join("people")),
        cohort: Some(strangers.clone()),
        calibrate: None,
        threshold: None,
        keep_outliers: true,
        allow_duplicates: true,
        force: true,
        ..suite::job(&folder.join("net.onnx"), &strangers)
    }
}

fn exported(folder: &Path) -> Exported {
    export(&job(folder)).unwrap()
}

fn read(folder: &Path, strict: bool) -> anyhow::Result<Folder> {
    let preprocess = format::preprocess::Preprocess {
        height: 40,
        width: 24,
        colour: format::preprocess::Colour::Rgb,
        mean: 127.5,
        scale: 128.0,
        template: [[0; 2]; 5],
    };
    let source = Source { is_strict: strict, ..Source::aligned() };
    folder::read(
        &folder.join("people"),
        &Loader::new(&preprocess, &source, |finding| finding.for_image(None))?,
    )
}

/// Files of everybody.
fn counts(folder: &Folder) -> Vec<(&str, usize)> {
    folder.people.iter().map(|person| (&*person.name, person.files.len())).collect()
}

#[test]
fn hidden_and_system_entries_are_left_out_without_a_word() {
    let folder = scene();
    let at = |name: &str| folder.path().join("people").join(name);
    std::fs::write(at("Ada/._0.jpg"), b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ").unwrap();
    for name in [".DS_Store", "Ada/Thumbs.db", "desktop.ini", "Ada/.git"] {
        std::fs::write(at(name), b"x").unwrap();
    }
    let system = ["@eaDir", "__MACOSX", ".git", "lost+found", "#recycle", "$RECYCLE.BIN"];
    for name in system.into_iter().chain(["System Volume Information"]) {
        save(&at(name).join("SYNOPHOTO_THUMB_M.png"), &picture(7));
    }
    save(&at("Ada/@eaDir/0.png/SYNOPHOTO_THUMB_M.png"), &picture(8));
    let read = read(folder.path(), true).unwrap();
    assert_eq!(counts(&read), [("Ada", 2), ("Grace", 2)]);
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
}

#[test]
fn nested_and_loose_photos_and_other_files_are_told_with_their_number() {
    let folder = scene();
    let at = |name: &str| folder.path().join("people").join(name);
    for photo in 0..3 {
        save(&at(&format!("Ada/2024/{photo}.png")), &picture(50 + photo));
    }
    save(&at("Linus.png"), &picture(60));
    std::fs::write(at("Grace/notes.txt"), b"notes").unwrap();
    for photo in 0..2 {
        std::fs::write(at(&format!("Grace/{photo}.heic")), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    }
    let read = read(folder.path(), false).unwrap();
    assert_eq!(counts(&read), [("Ada", 2), ("Grace", 2)]);
    let said = &read.warnings;
    let is_said = |parts: &[&str]| said.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(is_said(&["3 files are not used", "within a person's folder", "2024"]), "{said:?}");
    assert!(is_said(&["Linus.png is not used", "beside the people's folders"]), "{said:?}");
    assert!(is_said(&["notes.txt is not used", "no photo"]), "{said:?}");
    assert!(is_said(&["2 files are not used", "HEIC", "heif-convert"]), "{said:?}");
    assert_eq!(said.len(), 4);
}

#[test]
fn format_is_told_by_content_and_every_kind_of_pixels_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let colours = picture(1);
    let dynamic = DynamicImage::from(colours.clone());
    for ending in ["png", "tiff", "ppm", "bmp", "webp"] {
        save(&at(&format!("a.{ending}")), &colours);
        std::fs::rename(at(&format!("a.{ending}")), at(&format!("{ending}.jpg"))).unwrap();
        assert_eq!(photo::load(&at(&format!("{ending}.jpg"))).unwrap(), colours, "{ending}");
    }
    dynamic.to_rgb16().save(at("16.png")).unwrap();
    assert_eq!(photo::load(&at("16.png")).unwrap(), colours);
    dynamic.to_rgb16().save(at("16.tif")).unwrap();
    assert_eq!(photo::load(&at("16.tif")).unwrap(), colours);
    let grey = dynamic.to_luma8();
    grey.save(at("grey.pgm")).unwrap();
    assert_eq!(photo::load(&at("grey.pgm")).unwrap(), DynamicImage::from(grey).to_rgb8());
    dynamic.save(at("palette.gif")).unwrap();
    let gif = photo::load(&at("palette.gif")).unwrap();
    let far = gif.iter().zip(colours.iter()).filter(|(a, b)| a.abs_diff(**b) > 24).count();
    assert!(gif.dimensions() == (24, 40) && far < gif.len() / 4, "{far}");
    let clear: ImageBuffer<Rgba<u8>, _> =
        ImageBuffer::from_raw(2, 1, vec![10, 20, 30, 255, 10, 20, 30, 0]).unwrap();
    clear.save(at("clear.png")).unwrap();
    assert_eq!(photo::load(&at("clear.png")).unwrap().into_raw(), [10, 20, 30, 255, 255, 255]);
    assert_eq!(photos(folder.path()).unwrap().found.len(), 10);
}

#[test]
fn formats_that_are_not_read_are_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    for (bytes, name, remedy) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC", "heif-convert"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1avifmiaf", "AVIF", "heif-convert"),
        (b"II*\0\x10\0\0\0CR\x02\0", "raw photo", "darktable-cli"),
        (b"\xff\x0a\0\0", "JPEG XL", "djxl"),
        (b"%PDF-1.7", "PDF", "pdfimages"),
        (b"\0\0\0\x18ftypisom\0\0\x02\0isommp41", "video", "ffmpeg"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
        (b"", "empty", "remove"),
        (b"notes", "not a photo", "TIFF"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = format!("{:#}", photo::load(&path).unwrap_err());
        assert!(error.contains("a.jpg") && error.contains(name) && error.contains(remedy), "{error}");
    }
}

/// A PNG of one black row after another, so many that their pixels take gigabytes.
fn huge_png(side: u32) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = !0u32;
        for &byte in kind.iter().chain(data) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            }
        }
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &(!crc).to_be_bytes()].concat()
    };
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let start = b"\x89PNG\r\n\x1a\n".to_vec();
    let pixels = vec![0x78; 2_600_000];
    [start, chunk(b"IHDR", &header), chunk(b"IDAT", &pixels), chunk(b"IEND", &[])].concat()
}

#[test]
fn photo_of_900_megapixels_is_refused_at_once_with_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.png");
    std::fs::write(&path, huge_png(30_000)).unwrap();
    let start = Instant::now();
    let error = format!("{:#}", photo::load(&path).unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(error.contains("30000×30000") && error.contains("200 million"), "{error}");
    assert!(error.contains("make it smaller"), "{error}");
}

#[test]
fn jpeg_without_its_end_marker_is_read_and_without_pixels_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    save(&path, &resize(&picture(3), 240, 400, FilterType::CatmullRom));
    let whole = std::fs::read(&path).unwrap();
    let upright = photo::load(&path).unwrap();
    assert_eq!(&whole[whole.len() - 2..], [0xff, 0xd9]);
    std::fs::write(&path, &whole[..whole.len() - 2]).unwrap();
    assert_eq!(photo::load(&path).unwrap(), upright);
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(photo::load(&path).unwrap(), upright);
    for missing in [40, 400, whole.len() / 3, whole.len() / 2] {
        std::fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        let error = format!("{:#}", photo::load(&path).unwrap_err());
        assert!(error.contains("photo.jpg") && error.contains("in the middle of its pixels"), "{error}");
    }
}

#[test]
fn png_without_its_end_is_read_and_without_pixels_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    save(&path, &picture(3));
    let whole = std::fs::read(&path).unwrap();
    let upright = photo::load(&path).unwrap();
    // The last chunk has 12 bytes, and the checksum before it four.
    for missing in [1, 4, 12, 14, 16] {
        std::fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        assert_eq!(photo::load(&path).unwrap(), upright, "{missing}");
    }
    for missing in [100, whole.len() / 3, whole.len() / 2] {
        std::fs::write(&path, &whole[..whole.len() - missing]).unwrap();
        let error = format!("{:#}", photo::load(&path).unwrap_err());
        assert!(error.contains("photo.png") && error.contains("in the middle of its pixels"), "{error}");
    }
}

/// Runs the program in a folder as somebody whom modes of files bind, which they do not if the tests run as root.
#[cfg(unix)]
fn run_bound(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65534;
    let mut host = std::process::Command::new(suite::program());
    host.args(arguments).current_dir(folder);
    if folder.metadata().unwrap().uid() == 0 {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        host.uid(NOBODY).gid(NOBODY);
    }
    let output = host.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[cfg(unix)]
#[test]
fn folders_that_cannot_be_read_are_named_counted_and_stop_a_strict_export() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = scene();
    let at = |name: &str| folder.path().join(name);
    let locked = ["people/Linus", "people/Mary", "strangers/more"];
    for name in locked {
        save(&at(name).join("0.png"), &picture(70));
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    let people = ["--enrol", "people", "--cohort", "strangers", "-o", "x.geode"];
    let export = ["export", "--aligned", "--model", "net.onnx", "--force", "--allow-duplicates"];
    let arguments = [&export[..], &people, &["--keep-outliers"]].concat();
    let (code, said) = run_bound(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{said}");
    for part in ["2 folders are not used, such as people/Linus", "strangers/more is not used", "chmod"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let (code, said) = run_bound(folder.path(), &[&arguments[..], &["--strict"]].concat());
    assert!(code == Some(1) && said.contains("cannot read the folder people/Linus"), "{said}");
    for name in locked {
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn photo_of_many_megapixels_is_said_to_take_a_while() {
    let folder = scene();
    image::GrayImage::new(10_000, 5_000).save(folder.path().join("people/Ada/huge.png")).unwrap();
    let arguments = ["export", "--aligned", "--model", "net.onnx", "--enrol", "people", "-o", "x.geode"];
    let more = ["--force", "--allow-duplicates", "--keep-outliers"];
    let said = suite::command::warns(folder.path(), &[&arguments[..], &more].concat());
    assert!(said.contains("people/Ada/huge.png has 50 million pixels"), "{said}");
}

#[test]
fn two_spellings_of_one_name_are_an_error_that_names_both_folders() {
    let folder = scene();
    save(&folder.path().join("people/José/0.png"), &picture(30));
    save(&folder.path().join("people/Jose\u{301}/0.png"), &picture(31));
    let error = format!("{:#}", read(folder.path(), false).err().unwrap());
    assert!(error.contains("people/José") && error.contains("people/Jose"), "{error}");
    assert!(error.contains("one name in two spellings"), "{error}");
}

#[test]
fn people_are_found_by_either_spelling_of_their_name() {
    let folder = scene();
    let image = folder.path().join("image.geode");
    std::fs::write(&image, exported(folder.path()).image).unwrap();
    save(&folder.path().join("later/Jose\u{301}/0.png"), &picture(30));
    let later = folder.path().join("later");
    let added = add(&image, &later, &Source::aligned(), true, true).unwrap();
    assert_eq!(added.added, ["José"]);
    std::fs::write(&image, added.image).unwrap();
    let error = add(&image, &later, &Source::aligned(), true, true).err().unwrap().to_string();
    assert!(error.contains("enrolled already"), "{error}");
    assert_eq!(remove(&image, &["Jose\u{301}".to_string()]).unwrap().removed, ["José"]);
}

#[test]
fn names_with_control_characters_are_refused_and_shown_escaped() {
    for name in ["Ada\nGrace 99 1", "\u{1b}[31mRed", "Ad\u{202e}a"] {
        let folder = scene();
        save(&folder.path().join("people").join(name).join("0.png"), &picture(30));
        let error = format!("{:#}", read(folder.path(), false).err().unwrap());
        assert!(error.contains("a character that is not seen"), "{error}");
        assert!(!error.contains(['\n', '\u{1b}', '\u{202e}']), "{error:?}");
    }
    let folder = scene();
    save(&folder.path().join("people").join("x".repeat(65)).join("0.png"), &picture(30));
    let error = format!("{:#}", read(folder.path(), false).err().unwrap());
    assert!(error.contains("65 bytes") && error.contains("64"), "{error}");
}

#[test]
fn same_photo_of_a_person_twice_counts_once() {
    let folder = scene();
    let at = |name: &str| folder.path().join("people").join(name);
    std::fs::copy(at("Ada/0.png"), at("Ada/copy of 0.png")).unwrap();
    std::fs::hard_link(at("Ada/0.png"), at("Ada/hard.png")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(at("Ada/1.png"), at("Ada/soft.png")).unwrap();
    save(&at("Ada/again.jpg"), &picture(1));
    let read = read(folder.path(), false).unwrap();
    assert_eq!(counts(&read), [("Ada", 2), ("Grace", 2)]);
    let copies = if cfg!(unix) { 4 } else { 3 };
    let words = format!("{copies} of {} photos of people are copies", copies + 4);
    assert!(read.warnings.len() == 1 && read.warnings[0].contains(&words), "{:?}", read.warnings);
}

#[test]
fn strangers_that_are_there_again_in_links_thumbnails_and_year_folders_count_once() {
    let folder = scene();
    let at = |name: String| folder.path().join("strangers").join(name);
    let before = exported(folder.path()).report;
    for number in 0..24 {
        let original = at(format!("{number:02}.png"));
        std::fs::create_dir_all(at("2023".to_string())).unwrap();
        std::fs::hard_link(&original, at(format!("2023/{number:02}.png"))).unwrap();
        save(&at(format!("2024/{number:02}.jpg")), &picture(100 + number));
        // A thumbnail enlarged again to the size of crops.
        let small = resize(&picture(100 + number), 14, 20, FilterType::Triangle);
        save(&at(format!("2024-05/{number:02}.png")), &resize(&small, 24, 40, FilterType::Triangle));
        #[cfg(unix)]
        std::os::unix::fs::symlink(&original, at(format!("link {number:02}.png"))).unwrap();
    }
    let after = exported(folder.path()).report;
    assert_eq!((before.strangers, after.strangers), (24, 24));
    assert_eq!(after.copies.len(), if cfg!(unix) { 96 } else { 72 });
    assert_eq!(before.thresholds, after.thresholds);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = scene();
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(at("people"), at("people/Ada/again")).unwrap();
    std::os::unix::fs::symlink(at("strangers"), at("strangers/again")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("people/Ada/gone.jpg")).unwrap();
    let read = read(folder.path(), false).unwrap();
    assert_eq!(counts(&read), [("Ada", 2), ("Grace", 2)]);
    let said = &read.warnings;
    assert!(
        said.iter().any(|line| line.contains("gone.jpg") && line.contains("link to nothing")),
        "{said:?}"
    );
    assert_eq!(photos(&at("strangers")).unwrap().found.len(), 24);
}

#[test]
fn folder_of_too_many_files_is_refused_before_any_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("Ada")).unwrap();
    for number in 0..=MOST_ENTRIES {
        std::fs::File::create(folder.path().join(format!("Ada/{number}.jpg"))).unwrap();
    }
    for error in [photos(folder.path()).err().unwrap(), people(folder.path()).err().unwrap()] {
        assert!(error.to_string().contains(&format!("more than {MOST_ENTRIES} files")), "{error}");
    }
}

#[test]
fn one_bad_photo_among_many_does_not_stop_the_export() {
    let folder = scene();
    for number in 0..3 {
        std::fs::File::create(folder.path().join(format!("strangers/bad{number}.png")))
            .unwrap()
            .write_all(b"\x89PNG\r\n\x1a\nnothing more")
            .unwrap();
    }
    let report = exported(folder.path()).report;
    assert_eq!(report.strangers, 24);
    let said = &report.warnings;
    assert!(
        said.iter().any(|line| line.contains("3 photos are not used") && line.contains("bad0")),
        "{said:?}"
    );
    let mut strict = job(folder.path());
    strict.photos.is_strict = true;
    assert!(format!("{:#}", export(&strict).err().unwrap()).contains("bad"));
}

#[test]
fn photo_of_one_colour_and_a_transparent_one_are_not_used() {
    let folder = scene();
    let flat = RgbImage::from_pixel(24, 40, image::Rgb([30, 90, 200]));
    save(&folder.path().join("people/Ada/flat.png"), &flat);
    let clear = ImageBuffer::from_fn(24, 40, |x, y| Rgba([x as u8, y as u8, 9, 0]));
    DynamicImage::ImageRgba8(clear).save(folder.path().join("people/Ada/clear.png")).unwrap();
    let said = exported(folder.path()).report.warnings;
    let line = said.iter().find(|line| line.contains("2 photos are not used")).expect("a line on them");
    assert!(line.contains("flat.png") && line.contains("clear.png") && line.contains("one colour"), "{line}");
}

#[test]
fn people_enrolled_who_are_strangers_too_are_told_although_duplicates_are_allowed() {
    let folder = scene();
    let alike = || -> usize {
        let warnings = exported(folder.path()).report.warnings;
        let line = warnings
            .iter()
            .find(|line| line.contains("of the strangers look like people enrolled; they count"));
        line.map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap())
    };
    let before = alike();
    std::fs::copy(folder.path().join("people/Ada/0.png"), folder.path().join("strangers/ada.png")).unwrap();
    assert_eq!(alike(), before + 1);
}

#[test]
fn many_people_of_one_photo_are_one_line() {
    let folder = scene();
    for person in 0..60 {
        save(&folder.path().join(format!("people/P{person:02}/0.png")), &picture(1000 + person));
    }
    let report = exported(folder.path()).report;
    let said = &report.warnings;
    let one_photo: Vec<&String> = said.iter().filter(|line| line.contains("from one photo")).collect();
    assert!(one_photo.len() == 1 && one_photo[0].starts_with("60 people"), "{said:?}");
}

#[test]
fn images_with_unfit_names_are_listed_and_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let image: PathBuf = folder.path().join("image.geode");
    let mut sections = suite::tiny_sections();
    let id = ModelId::of_section(&sections[0].1);
    let red = Enrolled { name: "\u{1b}[31mRed".to_string(), photos: 1, centres: vec![vec![0, 0, 127]] };
    sections[1].1 = sections::gallery(id, 3, &[red]).unwrap();
    std::fs::write(&image, suite::join(&sections)).unwrap();
    let bytes = AlignedBytes::read(&image).unwrap();
    assert!(enrolled(&bytes.image(&image).unwrap()).iter().any(|row| row.name == "\u{1b}[31mRed"));
    let host =
        std::process::Command::new(suite::program()).args(["gallery", "list"]).arg(&image).output().unwrap();
    let said = String::from_utf8(host.stdout).unwrap();
    assert!(said.contains("\\u{1b}[31mRed") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(remove(&image, &["\\u{1b}[31mRed".to_string()]).unwrap().removed, ["\u{1b}[31mRed"]);
}

#[test]
fn export_is_refused_where_most_photos_look_like_somebody_else() {
    let folder = scene();
    // Photos that have nothing in common.
    for photo in 0..6 {
        save(&folder.path().join(format!("people/Ada/{photo}.png")), &picture(300 + photo));
    }
    std::fs::write(folder.path().join("net.onnx"), onnx::contrary()).unwrap();
    let job = Job { keep_outliers: false, ..job(folder.path()) };
    let error = format!("{:#}", export(&job).err().unwrap());
    for part in ["of 8 photos look like somebody else", "folders mix people", "--keep-outliers"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    export(&Job { keep_outliers: true, ..job }).unwrap();
}

#[cfg(unix)]
#[test]
fn link_to_another_persons_folder_loses_nobody() {
    let folder = scene();
    let at = |name: &str| folder.path().join("people").join(name);
    std::os::unix::fs::symlink(at("Grace"), at("Ada/friend")).unwrap();
    let read = read(folder.path(), false).unwrap();
    assert_eq!(counts(&read), [("Ada", 2), ("Grace", 2)]);
    assert!(read.warnings.iter().any(|line| line.contains("2 files are not used")), "{:?}", read.warnings);
}
