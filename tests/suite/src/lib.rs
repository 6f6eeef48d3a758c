//! What the tests of the suite share: where data lies, and a tiny image made by hand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use format::header::{ModelId, Section};
use format::layer::{Element, Layer, Op, Stage, Tensor, Window};
use format::policy::{Angle, Basis, Kind, Policy, Threshold};
use format::preprocess::{Colour, Preprocess};
use host::board::Board;
use host::commands::align::write_png;
use host::commands::export::Job;
use host::face::{Choice, Detector, Pipeline};
use host::sections::{self, Enrolled};
use host::{photo, plan};
use image::RgbImage;
use image::imageops::{self, FilterType};

pub mod onnx;

/// Folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file or folder that set-up fetches.
///
/// # Panics
/// When it is missing: run `./setup.sh --data-only`.
pub fn fetched(relative: &str) -> PathBuf {
    let path = root().join("data").join(relative);
    assert!(path.exists(), "{} is missing: run ./setup.sh --data-only", path.display());
    path
}

/// A file or folder of the larger test data that may lie beside the repository, or `None` with a note.
pub fn shared(relative: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(relative);
    if !path.exists() {
        println!("not there, so not used: ../shared/{relative}");
        return None;
    }
    println!("used: ../shared/{relative}");
    Some(path)
}

/// The default network.
pub fn default_network() -> PathBuf {
    fetched("faceplugin/fr_feature.onnx")
}

/// The real networks that are there: the default one, and a ReLU6 one of the larger test data.
pub fn real_networks() -> Vec<PathBuf> {
    [Some(default_network()), shared("models/mobilefacenet-relu6-128.onnx")].into_iter().flatten().collect()
}

/// Faces of different people, aligned, 112 × 112: of the larger test data where it is there, else those of the demo.
///
/// # Panics
/// When set-up has not been run.
pub fn faces() -> Vec<RgbImage> {
    if let Some(folder) = shared("faces/lfw/crops") {
        let photos = photo::list(&folder).unwrap();
        let step = photos.len() / 160;
        return photos.iter().step_by(step).map(|path| photo::load(path).unwrap()).collect();
    }
    let detector = Detector::load(&fetched("faceplugin")).unwrap();
    let pipeline = Pipeline { detector, choice: Choice::All, gates: None };
    let photos = photo::list(&fetched("faces")).unwrap();
    let crops = photos.iter().flat_map(|path| {
        let photo = photo::load(path).unwrap();
        pipeline.crops(&photo, [112, 112]).unwrap()
    });
    crops.map(|crop| crop.image).collect()
}

/// Writes faces as crops of `[height, width]` into a folder, one file each.
///
/// # Panics
/// When they cannot be written.
pub fn write_faces(folder: &Path, faces: &[RgbImage], [height, width]: [u32; 2]) {
    for (index, face) in faces.iter().enumerate() {
        let crop = imageops::resize(face, width, height, FilterType::Triangle);
        write_png(&folder.join(format!("{index:03}.png")), &crop).unwrap();
    }
}

/// A job that exports a network for nobody in particular, calibrated on a folder of crops.
pub fn job(model: &Path, calibrate: &Path) -> Job {
    Job { calibrate: Some(calibrate.to_path_buf()), threshold: Some(0.4), ..Job::new(model.to_path_buf()) }
}

/// Whether a board can be built and emulated here, with a note if not.
///
/// # Panics
/// When it cannot, and `GEODE_BOARDS=required` is set.
pub fn can_run(board: &Board) -> bool {
    let qemu = Command::new("qemu-system-arm").arg("--version").output().is_ok();
    if qemu && board.can_build() {
        return true;
    }
    let required = std::env::var("GEODE_BOARDS").is_ok_and(|value| value == "required");
    assert!(!required, "{} cannot run here: run ./setup.sh", board.name);
    println!("{} cannot run here (./setup.sh makes it): not tested", board.name);
    false
}

/// The program `host`, built.
///
/// # Panics
/// When it does not build.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Tests run from target/<profile>/deps.
        let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_path_buf();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "host", "--bin", "host"]).current_dir(root());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success());
        profile.join("host")
    })
}

/// Adds an array to a blob, aligned as kernels want it; gives its offset.
fn push(blob: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    blob.resize(blob.len().next_multiple_of(16), 0);
    let offset = blob.len() as u32;
    blob.extend_from_slice(bytes);
    offset
}

/// A square tensor, kept whole.
fn square(extent: u16, channels: u16, element: Element) -> Tensor {
    Tensor { height: extent, width: extent, channels, element, zero_point: 0, ring: extent, offset: 0 }
}

/// A network of two layers with literal weights: a 2 × 2 grey crop to three dimensions.
pub fn tiny_layers() -> (Vec<Layer>, Vec<u8>) {
    let mut blob = Vec::new();
    let weights: [i8; 12] = [100, 0, 0, 0, 0, 100, -50, 0, 3, -3, 30, 100];
    let weights = push(&mut blob, &weights.map(|w| w as u8));
    let bias = push(&mut blob, &[10i32, -20, 0].map(i32::to_le_bytes).concat());
    let positive = push(&mut blob, &[1i32 << 30; 3].map(i32::to_le_bytes).concat());
    let negative = push(&mut blob, &[1i32 << 28; 3].map(i32::to_le_bytes).concat());
    let stage = Stage { bias, positive, negative, shift: 0, low: -32767, high: 32767 };
    let window = Window { kernel: [2, 2], stride: [1, 1], pad: [0, 0] };
    let layers = vec![
        Layer { op: Op::Input, output: square(2, 1, Element::I8) },
        Layer { op: Op::Conv { input: 0, window, weights, stage }, output: square(1, 3, Element::I16) },
    ];
    (layers, blob)
}

/// A network of the same input and output with every operator: an addition in place among them.
pub fn varied_layers() -> (Vec<Layer>, Vec<u8>) {
    let mut blob = Vec::new();
    let weights =
        [4, 36, 48].map(|count: u8| (0..count).map(|index| index.wrapping_mul(77)).collect::<Vec<_>>());
    let [pointwise, depthwise, dense] = weights.map(|weights| push(&mut blob, &weights));
    let words = [5i32, 1 << 27, 1 << 25].map(|value| [value; 4].map(i32::to_le_bytes).concat());
    let [bias, positive, negative] = words.map(|words| push(&mut blob, &words));
    let stage = Stage { bias, positive, negative, shift: 0, low: -128, high: 127 };
    let window = |kernel: u8, pad| Window { kernel: [kernel; 2], stride: [1; 2], pad: [pad; 2] };
    let map = square(2, 4, Element::I8);
    let layers = vec![
        Layer { op: Op::Input, output: square(2, 1, Element::I8) },
        Layer { op: Op::Conv { input: 0, window: window(1, 0), weights: pointwise, stage }, output: map },
        Layer {
            op: Op::Depthwise { input: 1, window: window(3, 1), weights: depthwise, stage },
            output: map,
        },
        Layer { op: Op::Add { inputs: [1, 2], gains: [900, -700], stage }, output: map },
        Layer { op: Op::MaxPool { input: 3, window: window(3, 1) }, output: map },
        Layer {
            op: Op::Conv { input: 4, window: window(2, 0), weights: dense, stage },
            output: square(1, 3, Element::I16),
        },
    ];
    (layers, blob)
}

/// The sections of a tiny image: its network, two people, a cohort of two.
pub fn tiny_sections() -> Vec<(Section, Vec<u8>)> {
    sections_of(tiny_layers())
}

/// The sections of [`tiny_sections`] with another network of the same input and output.
pub fn sections_of((mut layers, blob): (Vec<Layer>, Vec<u8>)) -> Vec<(Section, Vec<u8>)> {
    let plan = plan::plan(&mut layers);
    let model = sections::model("tiny", [7; 32], &layers, &plan, &blob).unwrap();
    let preprocess = sections::preprocess(&Preprocess {
        height: 2,
        width: 2,
        colour: Colour::Grey,
        mean: 127.5,
        scale: 128.0,
        template: [[64, 64]; 5],
    })
    .unwrap();
    let id = ModelId::of_sections(&model, &preprocess);
    let person = |name: &str, centres: Vec<Vec<i8>>| Enrolled { name: name.to_string(), photos: 3, centres };
    let people =
        [person("Ada", vec![vec![127, 0, 0], vec![100, 78, 0]]), person("Grace", vec![vec![0, 0, 127]])];
    let policy = Policy {
        model: id,
        kind: Kind::Calibrated,
        fpir_ppm: 3000,
        basis: Basis::Cohort { strangers: 2 },
        thresholds: [Threshold { people: 10, cosine_q30: 1 << 29, fpir_upper_ppm: 842_000 }]
            .into_iter()
            .collect(),
        margin: Angle::ZERO,
        cap: Angle { urad: 500_000, cos_q30: 942_297_101, sin_q30: 514_779_252 },
        certificate: Angle::ZERO,
        quantisation_urad: 10,
        logit_scale: 64.0,
    };
    vec![
        (Section::Model, model),
        (Section::Preprocess, preprocess),
        (Section::Gallery, sections::gallery(id, 3, &people).unwrap()),
        (Section::Cohort, sections::cohort(id, 3, &[vec![0, 127, 0], vec![-127, 1, 1]]).unwrap()),
        (Section::Policy, sections::policy(&policy).unwrap()),
    ]
}

/// Joins sections with correct digests.
pub fn join(parts: &[(Section, Vec<u8>)]) -> Vec<u8> {
    let parts: Vec<(Section, &[u8])> = parts.iter().map(|(section, bytes)| (*section, &**bytes)).collect();
    sections::image(&parts).unwrap()
}
