//! Networks as people in the field have them, with the spellings and the faults of the programs that wrote them: what is right is
//! exported and computes what it should, what is not is refused with its cause, its node and what helps.
//!
//! The networks (../shared/field) have random weights, the pictures are made here. Agreement of an export is that of the image with
//! tract, which runs the file itself.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use host::crops::cut::write_png;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use prost::Message as _;
use serde_json::Value;
use suite::command::{fails, succeeds, warns};
use suite::{onnx, root};
use tempfile::TempDir;
use tract_onnx::pb::ModelProto;

/// Strangers to quantise on, and to measure thresholds on.
const STRANGERS: u64 = 24;
/// People enrolled, with three photos each.
const PEOPLE: [&str; 2] = ["Ada", "Grace"];
/// Options of the command line for networks that normalise pixels themselves.
const PLAIN: [&str; 4] = ["--mean", "0", "--scale", "1"];

/// A network of the field.
fn net(name: &str) -> String {
    root().join(format!("../shared/field/nets/{name}.onnx")).to_str().unwrap().to_string()
}

/// Random numbers from 0 to 1, the same for each seed.
fn random(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32
    }
}

/// A smooth picture, another for each `seed`; with another `photo` number it differs as photos of one person do.
fn picture(seed: u64, photo: u64, side: u32) -> RgbImage {
    let (mut person, mut noise) = (random(seed), random(1_000_003 * seed + photo));
    let mut value = || (255.0 * person() + 150.0 * (noise() - 0.5)).clamp(0.0, 255.0) as u8;
    let coarse = RgbImage::from_fn(7, 7, |_, _| image::Rgb([value(), value(), value()]));
    imageops::resize(&coarse, side, side, FilterType::CatmullRom)
}

/// A folder with crops of a size, written once: `strangers`, `others` whom no export sees, `people`, and `probes` of these.
fn crops(side: u32) -> &'static Path {
    static SMALL: OnceLock<PathBuf> = OnceLock::new();
    static LARGE: OnceLock<PathBuf> = OnceLock::new();
    let folder = if side == 112 { &LARGE } else { &SMALL };
    folder.get_or_init(|| {
        assert!([32, 112].contains(&side));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("field-{side}"));
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let write = |place: String, seed, photo| {
            write_png(&folder.join(place), &picture(seed, photo, side)).unwrap();
        };
        (0..STRANGERS).for_each(|index| write(format!("strangers/{index:02}.png"), 100 + index, 0));
        (0..12).for_each(|index| write(format!("others/{index:02}.png"), 400 + index, 0));
        for (seed, name) in (1..).zip(PEOPLE) {
            (0..3).for_each(|photo| write(format!("people/{name}/{photo}.png"), seed, photo));
            (3..6).for_each(|photo| write(format!("probes/{name}-{photo}.png"), seed, photo));
        }
        folder
    })
}

/// What `host export` is told for a network: to quantise on strangers, and write `x.geode`.
fn arguments<'a>(model: &'a str, folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let export = ["export", "--aligned", "--calibrate", folder, "-o", "x.geode", "--json", "--model", model];
    [&export, more].concat()
}

fn strangers(side: u32) -> String {
    crops(side).join("strangers").to_str().unwrap().to_string()
}

/// Exports a network of the field that takes crops of this size; gives the folder with the image, and the report.
fn exported(name: &str, side: u32, more: &[&str]) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let said = succeeds(folder.path(), &arguments(&net(name), &strangers(side), more));
    assert!(std::fs::read(folder.path().join("x.geode")).unwrap().starts_with(b"GEOD"), "{name}");
    (folder, serde_json::from_str(&said).unwrap())
}

/// [`exported`], and that the image computes what the file does, in what tells pictures apart, too; gives the report.
fn runs(name: &str, side: u32, more: &[&str]) -> Value {
    let (_, report) = exported(name, side, more);
    let agreement = &report["agreement"];
    let [mean, centred] =
        ["mean_cosine", "centred_mean_cosine"].map(|figure| agreement[figure].as_f64().unwrap());
    assert!(mean > 0.98 && centred > 0.98, "{name}: {agreement}");
    report
}

/// What is said when a network is not exported; nothing is written.
fn refused(name: &str, side: u32, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let said = fails(folder.path(), &arguments(&net(name), &strangers(side), more));
    assert!(!folder.path().join("x.geode").exists(), "{name}");
    said
}

/// Whether export, forced as well, and inspect refuse a network in the same words; gives these.
fn refused_by_all(name: &str, side: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(name, side, &[]);
    assert_eq!(refused(name, side, &["--force"]), said);
    assert_eq!(fails(folder.path(), &["inspect", &net(name)]), said);
    said
}

fn inspected(name: &str, more: &[&str]) -> Value {
    let said = succeeds(Path::new("."), &[&["inspect", &net(name), "--json"], more].concat());
    serde_json::from_str(&said).unwrap()
}

/// The layers of an inspected network: operator and node.
fn layers(inspection: &Value) -> Vec<[&str; 2]> {
    let layers = inspection["layers"].as_array().unwrap();
    layers.iter().map(|layer| ["operator", "name"].map(|key| layer[key].as_str().unwrap())).collect()
}

fn operators(inspection: &Value) -> Vec<&str> {
    layers(inspection).iter().map(|[operator, _]| *operator).collect()
}

/// How alike unlike pictures are to the network in floating point: another one for each network.
fn likeness(report: &Value) -> f64 {
    report["discrimination"]["float"]["mean_cosine"].as_f64().unwrap()
}

/// Whether a network is the one of `ok_base` in another spelling.
fn is_ok_base(report: &Value) -> bool {
    static BASE: OnceLock<f64> = OnceLock::new();
    let base = *BASE.get_or_init(|| likeness(&runs("ok_base", 112, &[])));
    println!("{} beside {base}", likeness(report));
    (likeness(report) - base).abs() < 1e-3
}

/// Whether an image knows its people by photos that no export saw, and takes nobody else for them.
fn recognises_people_alone(image: &Path) {
    let photos = |name: &str| {
        let entries = std::fs::read_dir(crops(112).join(name)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_string());
        paths.collect::<Vec<_>>()
    };
    let answers = |name: &str| -> Vec<Value> {
        let photos = photos(name);
        let simulate = ["simulate", "--json", "--aligned", image.to_str().unwrap()];
        let said = succeeds(
            Path::new("."),
            &simulate.into_iter().chain(photos.iter().map(|x| &**x)).collect::<Vec<_>>(),
        );
        serde_json::from_str(&said).unwrap()
    };
    for answer in answers("probes") {
        let photo = answer["photo"].as_str().unwrap();
        assert!(
            answer["accepted"] == true
                && photo.contains(&format!("/{}-", answer["person"].as_str().unwrap())),
            "{answer}"
        );
    }
    for answer in answers("others") {
        assert!(answer["accepted"] == false, "{answer}");
    }
}

/// The arguments that enrol people and measure on strangers.
fn enrolling() -> [String; 4] {
    let folder = |name: &str| crops(112).join(name).to_str().unwrap().to_string();
    ["--enrol".into(), folder("people"), "--cohort".into(), folder("strangers")]
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn pixels_normalised_twice_are_refused_and_both_normalisations_are_named() {
    let enrol = enrolling();
    let said = refused("t23_preproc_inside", 112, &[&*enrol[0], &enrol[1]]);
    for part in [
        "unlike pictures",
        "--mean 127.5 --scale 128 is in use",
        "normalised twice",
        "with --mean 0 --scale 1",
        "--force",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let by_channel = ["--mean", "123.675,116.28,103.53", "--scale", "58.395,57.12,57.375"];
    let said = refused("t23_preproc_inside", 112, &by_channel);
    let in_use = format!("{} is in use", by_channel.join(" "));
    for part in [&*in_use, "normalised twice", "with --mean 0 --scale 1"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // Whoever forces it is told, with the node.
    let (_, report) = exported("t23_preproc_inside", 112, &["--force"]);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("normalises pixels itself (node /Div), after --mean 127.5 --scale 128"),
        "{warnings}"
    );
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn normalisation_inside_is_said_and_nobody_is_taken_for_another() {
    let enrol = enrolling();
    let more: Vec<&str> = PLAIN.into_iter().chain(enrol.iter().map(|x| &**x)).collect();
    let (folder, report) = exported("t23_preproc_inside", 112, &more);
    assert_eq!(report["normalisation_inside"], "/Div");
    let warnings = report["warnings"].to_string();
    assert!(!warnings.contains("normalises pixels itself"), "{warnings}");
    recognises_people_alone(&folder.path().join("x.geode"));
    assert!(is_ok_base(&runs("t23_preproc_inside", 112, &PLAIN)));
    assert_eq!(runs("ok_base", 112, &[])["normalisation_inside"], Value::Null);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn normalisation_left_out_is_refused_with_the_right_one() {
    let said = refused("ok_base", 112, &PLAIN);
    for part in ["unlike pictures", "--mean 0 --scale 1 is in use", "with --mean 127.5 --scale 128"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let enrol = enrolling();
    let (folder, _) = exported("ok_base", 112, &enrol.each_ref().map(|x| &**x));
    recognises_people_alone(&folder.path().join("x.geode"));
}

/// Writes 60 strangers into a folder, as many as thresholds are measured on.
fn write_many(folder: &Path, prefix: &str) {
    for index in 0..60 {
        write_png(&folder.join(format!("{prefix}{index:02}.png")), &picture(100 + index, 0, 112)).unwrap();
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn stranger_there_many_times_counts_once_and_moves_no_threshold() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_many(&at("plain"), "");
    // Files copied, linked, saved again, reduced and enlarged again, in the folder of a year.
    write_many(&at("some"), "");
    std::fs::copy(at("some/00.png"), at("some/copy of 00.png")).unwrap();
    std::os::unix::fs::symlink(at("some/01.png"), at("some/link.png")).unwrap();
    std::fs::hard_link(at("some/02.png"), at("some/other name.png")).unwrap();
    let jpeg = std::fs::File::create(at("some/saved.jpg")).unwrap();
    JpegEncoder::new_with_quality(jpeg, 70).encode_image(&picture(103, 0, 112)).unwrap();
    let small = imageops::resize(&picture(104, 0, 112), 40, 40, FilterType::Triangle);
    write_png(&at("some/thumbnail.png"), &imageops::resize(&small, 112, 112, FilterType::CatmullRom))
        .unwrap();
    std::fs::create_dir(at("some/2024")).unwrap();
    std::fs::copy(at("some/05.png"), at("some/2024/holiday.png")).unwrap();
    for copy in 0..7 {
        write_many(&at("seven"), &format!("{copy}-"));
    }
    let people = crops(112).join("people");
    let report = |cohort: &str| -> Value {
        let model = net("ok_base");
        let export = ["export", "--aligned", "--json", "--enrol", people.to_str().unwrap(), "-o", "x.geode"];
        let more = ["--model", &model, "--cohort", cohort];
        serde_json::from_str(&succeeds(folder.path(), &[&export[..], &more].concat())).unwrap()
    };
    let [plain, some, seven] = ["plain", "some", "seven"].map(report);
    for (report, copies) in [(&plain, 0), (&some, 6), (&seven, 6 * 60)] {
        assert_eq!((&report["strangers"], report["copies"].as_array().unwrap().len()), (&60.into(), copies));
        assert_eq!(report["thresholds"], plain["thresholds"]);
        let warnings = report["warnings"].to_string();
        let said =
            format!("{copies} of {} photos of strangers are copies of others and count once", 60 + copies);
        assert_eq!(warnings.contains(&said), copies > 0, "{warnings}");
        // So few do not support the claim, however often each is there.
        assert!(warnings.contains("60 strangers do not support the claim"), "{warnings}");
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn open_height_and_width_ask_for_size_and_take_it() {
    for (name, side, size) in [("t31_dyn_hw", 112, "112x112"), ("dynamic_hw", 32, "32x32")] {
        let said = refused_by_all(name, side);
        assert!(said.contains("height and width of the photo are open") && said.contains("--size"), "{said}");
        assert_eq!(inspected(name, &["--size", size])["input"], serde_json::json!([side, side, 3]));
        let report = runs(name, side, &["--size", size]);
        assert_eq!(report["input"], serde_json::json!([side, side, 3]));
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn weights_beside_the_file_are_read_and_missed_by_name() {
    assert!(is_ok_base(&runs("t02_dynamo_default", 112, &[])));
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(net("t02_dynamo_default"), folder.path().join("alone.onnx")).unwrap();
    let said = fails(folder.path(), &["inspect", "alone.onnx"]);
    for part in ["alone.onnx", "t02_dynamo_default.onnx.data", "copy it there"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(fails(folder.path(), &arguments("alone.onnx", &strangers(112), &[])), said);
    // Some write where they lie from the file itself.
    let mut model = ModelProto::decode(&*std::fs::read(net("t02_dynamo_default")).unwrap()).unwrap();
    let tensors = &mut model.graph.as_mut().unwrap().initializer;
    for entry in tensors.iter_mut().flat_map(|tensor| &mut tensor.external_data) {
        if entry.key == "location" {
            entry.value.insert_str(0, "./");
        }
    }
    std::fs::write(folder.path().join("dot.onnx"), model.encode_to_vec()).unwrap();
    let data = "t02_dynamo_default.onnx.data";
    std::fs::copy(root().join("../shared/field/nets").join(data), folder.path().join(data)).unwrap();
    succeeds(folder.path(), &["inspect", "dot.onnx"]);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn open_batch_is_one_photo_also_where_inner_shapes_carry_it() {
    assert!(is_ok_base(&runs("p01_dynbatch_inferred", 112, &[])));
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn operator_of_another_domain_is_refused_with_domain_and_node() {
    let said = refused_by_all("r01_custom_domain", 112);
    assert!(said.contains("my.ops::Relu (node relu1)") && said.contains("not ONNX's own"), "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn keras_prelu_is_recognised() {
    for name in ["f01_keras_zeropad_gap", "f02_keras_l2norm"] {
        runs(name, 112, &[]);
        // Nothing is left of ReLUs, negations and sums: they are the activations of the convolutions.
        let expected = ["input", "conv", "depthwise", "conv", "conv", "conv", "depthwise", "conv"];
        assert_eq!(operators(&inspected(name, &[])), expected, "{name}");
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn absolute_value_is_recognised_as_prelu() {
    runs("abs", 32, &[]);
    assert_eq!(operators(&inspected("abs", &[])), ["input", "conv", "depthwise"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.onnx"), onnx::prelu_of_absolute_values()).unwrap();
    let said = succeeds(folder.path(), &["inspect", "net.onnx", "--json"]);
    assert_eq!(operators(&serde_json::from_str(&said).unwrap()), ["input", "conv", "conv"]);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn closing_l2_normalisation_is_recognised_however_it_is_spelled() {
    for (name, last) in [
        ("f02_keras_l2norm", "functional_1_1/batch_normalization_11_1/batchnorm/add_1"),
        ("o10_tf_l2", "fc"),
        ("t16_rsqrt", "/bn/BatchNormalization"),
    ] {
        runs(name, 112, &[]);
        assert_eq!(layers(&inspected(name, &[])).last(), Some(&["conv", last]));
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn grouped_convolution_runs() {
    runs("grouped_conv_8_of_16", 32, &[]);
    assert!(layers(&inspected("grouped_conv_8_of_16", &[])).contains(&["conv", "gconv"]));
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn not_finite_weight_is_named_first() {
    let said = refused_by_all("o13_nan_weight", 112);
    assert!(said.contains("the weights fcw hold numbers that are not finite"), "{said}");
    // Before photos that are not there.
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(fails(folder.path(), &arguments(&net("o13_nan_weight"), "nowhere", &[])), said);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn normalisation_along_the_batch_is_refused_with_its_node() {
    let said = refused_by_all("o34_lpnorm_axis0", 112);
    assert!(said.contains("LpNormalization (node lpn): normalises along axes [0]"), "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn cast_to_whole_numbers_is_refused_with_its_node() {
    let said = refused_by_all("o18_cast_int32_mid", 112);
    assert!(
        said.contains("Cast (node toint): turns computed values into INT32") && said.contains("fractions"),
        "{said}"
    );
    assert!(!said.contains("tofloat"), "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn training_mode_is_refused_with_model_eval_and_all_its_nodes_in_one_line() {
    let said = refused_by_all("o07_bn_training_mode", 112);
    assert!(said.contains("training mode") && said.contains("`model.eval()`"), "{said}");
    assert!(said.contains("BatchNormalization (4 nodes: bn_0, bn_1, bn_2 and 1 more)"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn statistics_of_spatial_0_with_one_value_a_channel_are_of_channels() {
    // It normalises pixels itself, and is else the network of `o10_tf_l2`.
    let report = runs("o06_mx_spatial0", 112, &PLAIN);
    assert_eq!(report["normalisation_inside"], "_mulscalar0");
    let [own, other] = [likeness(&report), likeness(&runs("o10_tf_l2", 112, &[]))];
    assert!((own - other).abs() < 1e-3, "{own} beside {other}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn float16_runs() {
    assert!(is_ok_base(&runs("o02_fp16_io", 112, &[])));
    runs("float16", 32, &[]);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn silu_runs() {
    runs("t10_silu", 112, &[]);
    runs("silu", 32, &[]);
    // Sigmoid and product are one layer.
    assert_eq!(operators(&inspected("silu", &[])), ["input", "conv", "table", "depthwise"]);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn tensor_joined_with_itself_runs() {
    let report = runs("concat", 32, &[]);
    assert_eq!(report["dimension"], 32);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn colours_swapped_inside_are_those_of_colour_bgr() {
    let inside = runs("t24_bgr_gather", 112, &[]);
    let outside = runs("ok_base", 112, &["--colour", "bgr"]);
    let [inside, outside] = [inside, outside].map(|report| likeness(&report));
    assert!((inside - outside).abs() < 1e-5, "{inside} beside {outside}");
    // And the order tells.
    assert!(!is_ok_base(&runs("ok_base", 112, &["--colour", "bgr"])));
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn grouped_and_dilated_convolutions_run() {
    // Its random weights tell no pictures apart, which is said; what it does tell survives quantisation.
    let said = refused("t32_group_dil", 112, &[]);
    assert!(said.contains("unlike pictures") && !said.contains("Conv"), "{said}");
    let report = runs("t32_group_dil", 112, &["--force"]);
    assert!(report["warnings"].to_string().contains("unlike pictures"));
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn pooling_with_a_last_window_that_is_not_whole_runs() {
    runs("maxpool_ceil", 32, &[]);
    let inspection = inspected("maxpool_ceil", &[]);
    assert_eq!(layers(&inspection)[2], ["max_pool", "mp"]);
    // Of 16 rows, windows of three begin at 0, 2, … 14.
    assert_eq!(inspection["layers"][2]["shape"], serde_json::json!([8, 8, 16]));
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn embedding_too_long_is_refused_by_inspect_and_export_alike() {
    let said = refused_by_all("embedding640", 32);
    assert!(said.contains("640 elements") && said.contains("at most 512"), "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn deepest_network_that_is_taken_fits_every_board_and_a_deeper_one_none() {
    let deepest = inspected("exactly_256_layers", &[]);
    assert_eq!(layers(&deepest).len(), 256);
    let boards = deepest["boards"].as_array().unwrap();
    assert!(!boards.is_empty() && boards.iter().all(|board| board["fits"] == true), "{boards:?}");
    let why = "the network has 262 layers, 6 too many";
    for board in inspected("more_than_256_layers", &[])["boards"].as_array().unwrap() {
        assert!(board["fits"] == false && board["excesses"].to_string().contains(why), "{board}");
    }
    let said = refused("more_than_256_layers", 32, &[]);
    assert!(said.contains(why) && said.contains("at most 256 layers"), "{said}");
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn two_outputs_are_named_and_either_is_taken() {
    let said = refused_by_all("two_outputs", 32);
    let why =
        "two_outputs.onnx: the network has 2 outputs: name the embedding with --embedding and one of emb, p";
    assert!(said.contains(why), "{said}");
    for output in ["emb", "p"] {
        let report = runs("two_outputs", 32, &["--embedding", output]);
        assert_eq!(report["dimension"], 16);
    }
}

#[test]
fn file_that_is_no_network_is_called_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n\
                size 13616099\n";
    let html =
        b"\n\n<!DOCTYPE html>\n<html lang=\"en\"><head><title>face.onnx at main</title></head></html>\n";
    // What `torch.save` writes: a ZIP archive whose first entry is pickled.
    let pt = b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0d\0\0\0face/data.pkl\x80\x02ccollections\nOrderedDict\nq\0)Rq\x01.";
    let files: [(&str, &[u8], [&str; 2]); 4] = [
        ("lfs.onnx", lfs, ["Git LFS", "git lfs pull"]),
        ("page.onnx", html, ["a web page (HTML)", "download the file itself"]),
        ("text.onnx", b"404: Not Found", ["a text file", "download it again"]),
        ("face.pt", pt, ["PyTorch's own format", "torch.onnx.export"]),
    ];
    for (name, bytes, parts) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let said = fails(folder.path(), &["inspect", name]);
        assert_eq!(fails(folder.path(), &arguments(name, ".", &[])), said);
        for part in [name, "not an ONNX file"].into_iter().chain(parts) {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn threshold_of_0_is_said_plainly_with_the_measured_rate() {
    let model = net("ok_base");
    let strangers = strangers(112);
    let enrol = enrolling();
    let mut arguments = arguments(&model, &strangers, &["--threshold", "0", "--policy", "absolute"]);
    arguments.retain(|argument| *argument != "--json");
    let folder = tempfile::tempdir().unwrap();
    // Nobody is enrolled, and nothing measured.
    let said = warns(folder.path(), &arguments);
    assert!(said.contains("--threshold 0 accepts everybody") && said.contains("--cohort"), "{said}");
    arguments.extend(enrol.iter().map(|x| &**x));
    let printed = succeeds(folder.path(), &arguments);
    arguments.push("--json");
    let report: Value = serde_json::from_str(&succeeds(folder.path(), &arguments)).unwrap();
    let accepted = report["given"]["accepted"].as_u64().unwrap();
    assert!(accepted > STRANGERS / 2 && report["given"]["strangers"] == STRANGERS, "{}", report["given"]);
    let rate = format!("{accepted} of {STRANGERS} strangers of the cohort");
    assert!(printed.contains(&format!("given by hand; accepts {rate}")), "{printed}");
    let whom = if accepted == STRANGERS { "everybody" } else { "most strangers" };
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains(&format!("--threshold 0 accepts {whom}: {rate}")), "{warnings}");
    // What is said is what the image does.
    let photos: Vec<String> = (0..STRANGERS).map(|index| format!("{strangers}/{index:02}.png")).collect();
    let simulate = ["simulate", "--json", "--aligned", "x.geode"];
    let simulate: Vec<&str> = simulate.into_iter().chain(photos.iter().map(|x| &**x)).collect();
    let answers: Vec<Value> = serde_json::from_str(&succeeds(folder.path(), &simulate)).unwrap();
    let taken = answers.iter().filter(|answer| answer["accepted"] == true).count();
    assert_eq!(taken as u64, accepted);
}

#[test]
#[cfg_attr(not(field), ignore = "needs ../shared/field beside the repository")]
fn weights_beside_the_network_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let model = net("t02_dynamo_default");
    std::fs::copy(&model, at("t02_dynamo_default.onnx")).unwrap();
    std::fs::copy(format!("{model}.data"), at("t02_dynamo_default.onnx.data")).unwrap();
    let weights = std::fs::read(at("t02_dynamo_default.onnx.data")).unwrap();
    let strangers = crops(112).join("strangers");
    let export = [
        "export",
        "--aligned",
        "--calibrate",
        strangers.to_str().unwrap(),
        "--model",
        "t02_dynamo_default.onnx",
    ];
    for outputs in [
        &["-o", "t02_dynamo_default.onnx.data"][..],
        &["-o", "x.geode", "--report", "t02_dynamo_default.onnx.data"],
    ] {
        let said = fails(folder.path(), &[&export[..], outputs].concat());
        assert!(said.contains("it would be overwritten"), "{said}");
        assert_eq!(std::fs::read(at("t02_dynamo_default.onnx.data")).unwrap(), weights);
    }
}
