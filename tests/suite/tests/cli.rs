//! The program as users run it: what it prints, its exit codes, and that failures leave nothing behind.

use suite::command::{EXPORT, fails, folder, run, strict, succeeds, warns};
use suite::{default_network, faces, fetched, onnx, write_faces};

/// Checks that a line with this start states a bound, and that the next line tells for which strangers it holds.
fn tells_whom_its_bound_holds_for(said: &str, start: &str) {
    let mut lines = said.lines().skip_while(|line| !line.starts_with(start));
    let [line, next] = [lines.next(), lines.next()].map(Option::unwrap_or_default);
    assert!(line.contains("95 % sure") || line.contains("by people"), "{said}");
    assert!(next.contains("strangers like those"), "{said}");
}

#[test]
fn export_and_simulate_work_and_speak_json() {
    let folder = folder();
    let said = succeeds(folder.path(), &EXPORT);
    assert!(said.contains("agreement") && said.contains("2 people from 3 photos; 20 strangers"), "{said}");
    // A percentile is not printed if the photos are too few to determine it.
    assert!(said.contains("largest angle") && !said.contains("99.9th"), "{said}");
    // 20 strangers are too few for a bound, so nothing is said of whom it holds for.
    assert!(!said.contains("95 % sure") && !said.contains("strangers like those"), "{said}");
    let said =
        succeeds(folder.path(), &["simulate", "--aligned", "image.geode", "people/Ada/000.png", "--json"]);
    let answers: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(answers[0]["person"], "Ada");
    assert!(answers[0]["angle_degrees"].as_f64().unwrap() < 1.0);
    let mut json = EXPORT.to_vec();
    json.push("--json");
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &json)).unwrap();
    assert_eq!(report["people"][1]["name"], "Grace");
    assert_eq!((&report["agreement"]["angle_p999"], &report["policy"]), (&().into(), &"calibrated".into()));
    let photos = &report["photos"];
    assert_eq!((&photos["is_judge_unseen"], photos["judge"].as_array().unwrap().len()), (&false.into(), 23));
    assert!(report["layers"].as_array().unwrap().len() > 4);
    let mut drawn = EXPORT.to_vec();
    drawn.extend(["--report", "report.html"]);
    succeeds(folder.path(), &drawn);
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("Export of net") && page.contains("<svg"));
    assert!(folder.path().join("report.plots/arena.png").is_file());
}

#[test]
fn second_population_is_printed_beside_the_promise() {
    let folder = folder();
    write_faces(&folder.path().join("others"), &faces()[..6], [40, 24]);
    let mut arguments = EXPORT.to_vec();
    arguments.extend(["--check", "others"]);
    let said = succeeds(folder.path(), &arguments);
    let line = said.lines().find(|line| line.starts_with("check ")).expect("a line of the second population");
    assert!(line.contains("of 6 photos of 6 other people accepted") && line.contains("by people"), "{line}");
    // 20 strangers are too few to promise anything. What was measured has bounds all the same.
    assert!(line.contains("nothing was promised"), "{line}");
    tells_whom_its_bound_holds_for(&said, "check ");
    let margin = [&arguments[..], &["--policy", "margin"]].concat();
    tells_whom_its_bound_holds_for(&succeeds(folder.path(), &margin), "check ");
    arguments.push("--json");
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    let check = &report["check"];
    assert!(check["measured"]["bounds_by_people"][1].as_f64().unwrap() > 0.0 && check["promised"].is_null());
    let more: Vec<_> = (0..60).map(|seed| suite::picture(seed, [40, 24])).collect();
    write_faces(&folder.path().join("strangers"), &more, [40, 24]);
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    assert_eq!(report["check"]["promised"]["fpir"], 0.003);
    let drawn = [&EXPORT[..], &["--check", "others", "--report", "page.html"]].concat();
    let said = succeeds(folder.path(), &drawn);
    ["threshold ", "check "].iter().for_each(|start| tells_whom_its_bound_holds_for(&said, start));
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(["by people, ", "by photos)", "strangers like those"].iter().all(|part| page.contains(part)));
    for bounds in [&report["bounds_hold_for"], &check["bounds_hold_for"]] {
        assert!(bounds.as_str().unwrap().contains("strangers like those"), "{bounds}");
    }
    std::fs::create_dir(folder.path().join("nobody")).unwrap();
    let mut arguments = EXPORT.to_vec();
    arguments.extend(["--check", "nobody"]);
    assert!(fails(folder.path(), &arguments).contains("nobody"));
}

#[test]
fn inspect_shows_operators_and_needs() {
    let folder = folder();
    let inspection = succeeds(folder.path(), &["inspect", "net.onnx", "--json"]);
    let inspection: serde_json::Value = serde_json::from_str(&inspection).unwrap();
    assert_eq!(inspection["dimension"], 24);
    assert!(inspection["macs"].as_u64().unwrap() > 1_000_000);
    let board = &inspection["boards"][1];
    assert_eq!((&board["board"], &board["fits"]), (&"qemu-m7".into(), &true.into()));
    let ms = |end: usize| board["ms"][end].as_f64().unwrap();
    assert!(0.0 < ms(0) && ms(0) < ms(1));
    let slow = ["inspect", "net.onnx", "--board", "qemu-m7", "--clock", "48", "--json"];
    let slow: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &slow)).unwrap();
    assert!((slow["boards"][0]["ms"][0].as_f64().unwrap() / ms(0) - 10.0).abs() < 1e-6);
    let default = succeeds(folder.path(), &["inspect", default_network().to_str().unwrap()]);
    for expected in ["PRelu", "all supported", "arena", "512 dimensions"] {
        assert!(default.contains(expected), "{expected} is not in\n{default}");
    }
}

#[test]
fn every_container_is_written() {
    let folder = folder();
    for (format, begin) in [("bin", &b"GEOD"[..]), ("hex", b":"), ("uf2", b"UF2\n"), ("elf", b"\x7fELF")] {
        let mut arguments = EXPORT.to_vec();
        arguments.extend(["--format", format]);
        succeeds(folder.path(), &arguments);
        assert!(std::fs::read(folder.path().join("image.geode")).unwrap().starts_with(begin), "{format}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_takes_the_most() {
    let folder = folder();
    let refused = |limit: &str, bytes: &str| {
        let mut arguments = EXPORT.to_vec();
        arguments.extend([limit, bytes]);
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(!folder.path().join("image.geode").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    let arena = refused("--arena-limit", "1000");
    assert!(
        arena.contains("bytes of arena") && arena.contains("the largest part is the tensor of"),
        "{arena}"
    );
    let image = refused("--image-limit", "9000");
    assert!(image.contains("the image has") && image.contains("the largest part is the network"), "{image}");
}

#[test]
fn network_that_the_board_cannot_run_is_refused_and_inspect_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (width, layers, why) in
        [(1040, 8, "the link carries rows of 3072"), (64, 258, "258 layers, 2 too many")]
    {
        std::fs::write(folder.path().join("net.onnx"), onnx::deep(width, layers)).unwrap();
        let crops = folder.path().join(width.to_string());
        write_faces(&crops, &faces()[..8], [16, width as u32]);
        let said = fails(
            folder.path(),
            &[
                "export",
                "--aligned",
                "--force",
                "--model",
                "net.onnx",
                "--threshold",
                "0.4",
                "--calibrate",
                crops.to_str().unwrap(),
                "-o",
                "image.geode",
            ],
        );
        assert!(said.contains("too much for qemu-m7") && said.contains(why), "{said}");
        assert!(!folder.path().join("image.geode").exists());
        let inspect = ["inspect", "net.onnx", "--board", "qemu-m7"];
        let output = run(folder.path(), &inspect);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("does not fit") && said.contains(why), "{said}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && error.contains("too much for qemu-m7"), "{error}");
        succeeds(folder.path(), &inspect[..2]);
        let output = run(folder.path(), &[&inspect[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1));
        let inspection: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let board = &inspection["boards"][0];
        assert_eq!(board["fits"], false);
        assert!(board["excesses"][0].as_str().unwrap().contains(why), "{board}");
    }
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    let folder = folder();
    for [option, value] in [
        ["--threshold", "nan"],
        ["--threshold", "3"],
        ["--threshold", "-0.1"],
        ["--scale", "0"],
        ["--mean", "inf"],
        ["--fpir", "1"],
        ["--fpir", "0"],
        ["--margin", "2"],
        ["--logit-scale", "0"],
    ] {
        let mut arguments = EXPORT.to_vec();
        arguments.extend([option, value]);
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(option) && said.contains("expected"), "{said}");
        assert!(!folder.path().join("image.geode").exists());
    }
}

#[test]
fn wrong_use_has_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["export"][..], &["fly"], &["simulate", "image.geode"], &["export", "--margin", "wide"]]
    {
        assert_eq!(run(folder.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn unsupported_operator_is_named_and_nothing_is_written() {
    let folder = folder();
    std::fs::write(folder.path().join("net.onnx"), onnx::with_operator("Round")).unwrap();
    let said = fails(folder.path(), &EXPORT);
    assert!(said.contains("Round (node Round_1)") && said.contains("net.onnx"), "{said}");
    assert!(!folder.path().join("image.geode").exists());
}

#[test]
fn bad_file_among_good_ones_is_left_out_and_named_or_stops_a_strict_export() {
    let folder = folder();
    std::fs::write(folder.path().join("image.geode"), b"old").unwrap();
    std::fs::write(folder.path().join("people/Grace/broken.jpg"), b"no photo").unwrap();
    let said = fails(folder.path(), &strict(&EXPORT));
    assert!(said.contains("broken.jpg") && said.contains("replace or remove"), "{said}");
    assert_eq!(std::fs::read(folder.path().join("image.geode")).unwrap(), b"old");
    let said = warns(folder.path(), &EXPORT);
    assert!(said.contains("one photo is not used: people/Grace/broken.jpg: is not a photo"), "{said}");
}

#[test]
fn person_without_a_photo_is_named_and_left_out() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("people/Nobody")).unwrap();
    let said = warns(folder.path(), &EXPORT);
    assert!(said.contains("one person is without a photo") && said.contains("Nobody"), "{said}");
}

#[test]
fn warnings_of_one_kind_are_one_line_with_their_number() {
    let folder = folder();
    for person in 0..8 {
        write_faces(&folder.path().join(format!("people/P{person}")), &faces()[..1], [40, 24]);
    }
    let said = warns(folder.path(), &EXPORT);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("enrolled from one photo")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains("9 people") && lines[0].contains("and 6 more"), "{said}");
}

#[test]
fn empty_and_missing_folders_are_named() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (wrong, expected) in [("empty", "no people"), ("nowhere", "cannot read folder")] {
        let arguments = ["export", "--aligned", "--model", "net.onnx", "--enrol", wrong, "-o", "image.geode"];
        let said = fails(folder.path(), &arguments);
        assert!(said.contains(wrong) && said.contains(expected), "{said}");
    }
}

#[test]
fn photo_of_wrong_size_is_named_with_both_sizes() {
    let folder = folder();
    write_faces(&folder.path().join("people/Ada"), &faces()[..1], [41, 24]);
    let said = warns(folder.path(), &EXPORT);
    assert!(said.contains("no photo can be used of Ada"), "{said}");
    let said = fails(folder.path(), &strict(&EXPORT));
    assert!(said.contains("24×41") && said.contains("24×40") && said.contains("Ada"), "{said}");
    let mut sized = EXPORT.to_vec();
    sized.extend(["--size", "112x112"]);
    let said = fails(folder.path(), &sized);
    assert!(said.contains("40x24"), "{said}");
}

#[test]
fn truncated_damaged_and_foreign_images_are_named() {
    let folder = folder();
    succeeds(folder.path(), &EXPORT);
    let image = std::fs::read(folder.path().join("image.geode")).unwrap();
    let mut damaged = image.clone();
    damaged[image.len() / 2] ^= 1;
    for (name, bytes, expected) in [
        ("short.geode", &image[..image.len() - 1], "cut short"),
        ("damaged.geode", &damaged, "digest does not match"),
        ("other.geode", b"something else altogether\x01, long enough for a header of 48 bytes", "GEOD"),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let said = fails(folder.path(), &["simulate", "--aligned", name, "people/Ada/000.png"]);
        assert!(said.contains(name) && said.contains(expected), "{said}");
    }
}

#[test]
fn no_board_on_the_port_is_said() {
    let folder = folder();
    succeeds(folder.path(), &EXPORT);
    let said = fails(
        folder.path(),
        &["recognise", "--aligned", "image.geode", "people/Ada/000.png", "--port", "/dev/no-such-port"],
    );
    assert!(said.contains("/dev/no-such-port") && said.contains("cable"), "{said}");
}

#[test]
fn unknown_board_is_answered_with_those_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = EXPORT.to_vec();
    arguments.extend(["--board", "toaster"]);
    let output = run(folder.path(), &arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("toaster") && said.contains("qemu-m7"), "{said}");
}

#[test]
fn full_disk_leaves_the_old_image() {
    // A folder without the right to write replaces a full disk: creating the temporary file fails.
    let folder = folder();
    let mut arguments = EXPORT.to_vec();
    *arguments.last_mut().unwrap() = "/proc/image.geode";
    let said = fails(folder.path(), &arguments);
    assert!(said.contains("/proc/image.geode") && said.contains("unchanged"), "{said}");
}

#[test]
fn align_cuts_faces_and_names_photos_without() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::copy(fetched("faces/strangers/sample6.jpg"), photos.join("group.jpg")).unwrap();
    image::RgbImage::from_pixel(200, 100, image::Rgb([90; 3])).save(photos.join("wall.png")).unwrap();
    let detector = fetched("faceplugin");
    let detector = detector.to_str().unwrap();
    let arguments = ["align", "photos", "-o", "crops", "--face", "all", "--detector", detector, "--json"];
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    assert_eq!(report["crops"].as_array().unwrap().len(), 4);
    assert!(report["skipped"][0]["photo"].as_str().unwrap().contains("wall.png"));
    let crop = image::open(folder.path().join("crops/group-4.png")).unwrap();
    assert_eq!((crop.width(), crop.height()), (112, 112));
    let said = fails(folder.path(), &["align", "photos/wall.png", "-o", "crops", "--detector", detector]);
    assert!(said.contains("no face"), "{said}");
}

#[test]
fn align_says_why_a_photo_is_refused_unless_told_not_to_look() {
    let folder = tempfile::tempdir().unwrap();
    let detector = fetched("faceplugin");
    let detector = detector.to_str().unwrap();
    let mut dark = image::open(fetched("faces/obama.jpg")).unwrap().thumbnail(600, 600).into_rgb8();
    dark.save(folder.path().join("good.png")).unwrap();
    dark.iter_mut().for_each(|x| *x /= 6);
    dark.save(folder.path().join("dark.png")).unwrap();
    let arguments = ["align", ".", "-o", "crops", "--detector", detector, "--json"];
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    let skipped = &report["skipped"][0];
    assert!(skipped["photo"].as_str().unwrap().contains("dark.png"), "{skipped}");
    assert!(skipped["reason"].as_str().unwrap().contains("too dark: mean luminance"), "{skipped}");
    let crop = &report["crops"][0];
    assert!(crop["crop"].as_str().unwrap().contains("good.png"), "{crop}");
    assert_eq!(crop["landmarks"].as_array().unwrap().len(), 5);
    assert!(crop["quality"]["brightness"].as_f64().unwrap() > 40.0, "{crop}");
    let said = fails(folder.path(), &["align", "dark.png", "-o", "dark", "--detector", detector]);
    assert!(said.contains("dark.png") && said.contains("too dark"), "{said}");
    succeeds(folder.path(), &["align", "dark.png", "-o", "dark", "--detector", detector, "--no-quality"]);
    assert!(folder.path().join("dark/dark.png").exists());
}

#[test]
fn align_does_not_write_one_crop_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let photo = image::RgbImage::from_pixel(200, 100, image::Rgb([90; 3]));
    photo.save(folder.path().join("ada.png")).unwrap();
    photo.save(folder.path().join("ada.jpg")).unwrap();
    let said = fails(folder.path(), &["align", ".", "-o", "crops"]);
    assert!(said.contains("ada.png") && said.contains("ada.jpg") && said.contains("rename"), "{said}");
}

#[test]
fn evaluate_reports_accuracy_and_names_bad_lines() {
    let folder = folder();
    succeeds(folder.path(), &EXPORT);
    let few = "path_a,path_b,same,fold\n000.png,001.png,1,0\n000.png,002.png,0,0\n\
               003.png,004.png,1,1\n005.png,006.png,0,1\n";
    let all = (3..20).flat_map(|a| (a + 1..20).map(move |b| [a, b]));
    let others = all.filter(|pair| ![[3, 4], [5, 6]].contains(pair));
    // 136 pairs of two people tell TAR at FAR 1e-2, and not at 1e-3.
    let pairs =
        few.to_string() + &others.map(|[a, b]| format!("{a:03}.png,{b:03}.png,0,1\n")).collect::<String>();
    std::fs::write(folder.path().join("pairs.csv"), &pairs).unwrap();
    let arguments = [
        "evaluate",
        "--aligned",
        "image.geode",
        "--pairs",
        "pairs.csv",
        "--photos",
        "strangers",
        "--model",
        "net.onnx",
        "--json",
    ];
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    assert!(report["mean_cosine"].as_f64().unwrap() > 0.95);
    assert_eq!(report["pairs"], 138);
    assert!(report["centred_mean_cosine"].as_f64().unwrap() > 0.9);
    assert!(report["bounds_hold_for"].as_str().unwrap().contains("strangers like those"));
    let [low, high] = [0, 1].map(|end| report["quantised"]["tar_bounds_by_people"][0][end].as_f64().unwrap());
    assert!((0.0..=1.0).contains(&low) && low <= high, "{report}");
    // Two genuine pairs leave much open.
    let bounds = &report["quantised"]["tar_bounds_by_comparisons"][0];
    assert!(bounds[0].as_f64().unwrap() < bounds[1].as_f64().unwrap(), "{report}");
    let figures = &report["quantised"];
    assert!(figures["tar_at_far_1e3"].is_null() && figures["tar_bounds_by_people"][1].is_null(), "{report}");
    assert!(
        report["warnings"][0].as_str().unwrap().contains("needs 1000 pairs of two people, and there are 136")
    );
    let drawn = [&arguments[..arguments.len() - 1], &["--report", "page.html"]].concat();
    let said = succeeds(folder.path(), &drawn);
    for part in ["95 % sure, by people: TAR", "95 % sure, by comparisons: TAR", "strangers like those"] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let (_, errors) = page.split_once("<section id=\"det\">").unwrap();
    for part in ["95 % by people", "95 % by comparisons", "strangers like those"] {
        assert!(errors.contains(part), "{part} is not in the section of errors");
    }
    std::fs::write(folder.path().join("pairs.csv"), few).unwrap();
    let report: serde_json::Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    assert!(report["quantised"]["tar_at_far_1e2"].is_null(), "{report}");
    std::fs::write(folder.path().join("pairs.csv"), few.replace("006", "600")).unwrap();
    let said = fails(folder.path(), &arguments);
    assert!(said.contains("600.png"), "{said}");
}

#[test]
fn errors_of_an_identification_are_drawn_with_both_bounds() {
    let folder = folder();
    succeeds(folder.path(), &[&EXPORT[..], &["--force"]].concat());
    let photos = |name: String, seeds: std::ops::Range<u64>| {
        let photos: Vec<_> = seeds.map(|seed| suite::picture(seed, [40, 24])).collect();
        write_faces(&folder.path().join("album").join(name), &photos, [40, 24]);
    };
    (0..3).for_each(|person| photos(format!("P{person}"), 10 * person..10 * person + 4));
    (0..40).for_each(|other| photos(format!("S{other}"), 100 + other..101 + other));
    let evaluate = ["evaluate", "image.geode", "--photos", "album", "--aligned"];
    let drawn = ["--protocol", "identification", "--report", "page.html"];
    succeeds(folder.path(), &[&evaluate[..], &drawn].concat());
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    let (_, errors) = page.split_once("<section id=\"det\">").unwrap();
    for part in ["95 % by people", "95 % by comparisons", "strangers like those", "/20)", "/3)"] {
        assert!(errors.contains(part), "{part} is not in the section of errors");
    }
}

#[test]
fn threshold_given_by_hand_that_accepts_everybody_is_said_with_the_measured_rate() {
    let folder = folder();
    let export = |more: &[&str]| run(folder.path(), &[&EXPORT[..], more].concat());
    let words = |output: &std::process::Output| {
        assert_eq!(output.status.code(), Some(0));
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    for policy in ["absolute", "calibrated"] {
        let [said, warned] = words(&export(&["--threshold", "0", "--policy", policy]));
        let warning = "--threshold 0 accepts everybody: 20 of 20 strangers of the cohort, 100.00 %";
        assert!(warned.contains(warning) && warned.contains("without --threshold"), "{warned}");
        let measured = "given by hand; accepts 20 of 20 strangers of the cohort, 100.00 %";
        assert!(said.contains(measured), "{said}");
        tells_whom_its_bound_holds_for(&said, "threshold ");
    }
    // The rate of any threshold is printed next to it.
    let [said, warned] = words(&export(&["--threshold", "1"]));
    assert!(said.contains("given by hand; accepts 0 of 20 strangers"), "{said}");
    assert!(!warned.contains("--threshold"), "{warned}");
    let json = words(&export(&["--threshold", "1", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!((&report["given"]["accepted"], &report["given"]["strangers"]), (&0.into(), &20.into()));
    // The caps of this policy do not depend on the threshold.
    let [_, warned] = words(&export(&["--threshold", "0", "--policy", "margin"]));
    assert!(!warned.contains("--threshold 0"), "{warned}");
    let alone = [
        "export",
        "--aligned",
        "--force",
        "--model",
        "net.onnx",
        "--calibrate",
        "strangers",
        "--threshold",
        "0",
        "-o",
        "image.geode",
    ];
    let [_, warned] = words(&run(folder.path(), &alone));
    assert!(warned.contains("--threshold 0 accepts everybody: embeddings of different people"), "{warned}");
}

#[test]
fn detector_is_found_from_any_folder_and_a_wrong_one_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let photos = fetched("faces/biden.jpg");
    succeeds(folder.path(), &["align", photos.to_str().unwrap(), "-o", "crops"]);
    let wrong = ["align", photos.to_str().unwrap(), "-o", "none", "--detector", "nowhere"];
    assert!(fails(folder.path(), &wrong).contains("no usable face detector in nowhere"));
    assert!(!folder.path().join("none").exists());
}

#[test]
fn cause_of_all_warnings_comes_first_and_its_consequences_are_one_line() {
    let folder = folder();
    std::fs::write(folder.path().join("net.onnx"), onnx::collapsed()).unwrap();
    let said = fails(folder.path(), &EXPORT);
    assert!(said.starts_with("error: embeddings do not tell unlike pictures apart"), "{said}");
    let said = warns(folder.path(), &[&EXPORT[..], &["--force"]].concat());
    assert!(said.starts_with("warning: embeddings do not tell unlike pictures apart"), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("about people and strangers")).collect();
    assert!(lines.len() == 1 && lines[0].contains("are left out"), "{said}");
    assert!(!said.contains("of the strangers look like"), "{said}");
}
