//! Code that the tests of the suite share: places of data, and a tiny image made by hand.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use format::Role;
use format::header::{ModelId, Section};
use format::layer::{Element, Layer, MAX_KERNEL, Operator, Stage, Tensor, Window};
use format::network::{Function, Output};
use format::policy::{Angle, Basis, Kind, Terms, Threshold};
use format::preprocess::{Colour, Preprocess};
use format::sight::{Family, Level, MAX_LEVELS, Sight};
use host::board::{Board, emulated};
use host::crops::cut::write_png;
use host::export::Job;
use host::export::other::OtherJob;
use host::face::{Choice, Finder, FloatDetector, Pipeline, colour_crop};
use host::onnx::Cut;
use host::photo;
use host::plan::{self, Plan};
use host::quantize::Preprocessing;
use host::sections::{self, Enrolled, NetworkParts};
use host::sight::{self, Networks, QuantisedEyes, Seer, fit, frames};
use host::simulator::AlignedBytes;
use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};

pub mod accuracy;
pub mod answers;
pub mod command;
pub mod documented;
pub mod door;
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

/// A network with ReLU6, if the larger test data is available.
pub fn relu6_network() -> Option<PathBuf> {
    shared("models/mobilefacenet-relu6-128.onnx")
}

/// The real networks that are available: the default one and [`relu6_network`].
pub fn real_networks() -> Vec<PathBuf> {
    [Some(default_network()), relu6_network()].into_iter().flatten().collect()
}

/// Faces, aligned, 112 × 112: 160 or more of different people from the larger test data if available, otherwise
/// [`demo_faces`].
///
/// # Panics
/// When set-up has not been run.
pub fn faces() -> Vec<RgbImage> {
    if let Some(folder) = shared("faces/lfw/crops") {
        let photos = photo::folder::list(&folder).unwrap().found;
        let step = photos.len() / 160;
        return photos.iter().step_by(step).map(|path| photo::load(path).unwrap()).collect();
    }
    demo_faces()
}

/// The 25 faces of the demo, aligned, 112 × 112; three show one person.
///
/// # Panics
/// When set-up has not been run.
pub fn demo_faces() -> Vec<RgbImage> {
    let folder = made_once("faces", |folder| {
        for (index, crop) in cut_demo_faces().iter().enumerate() {
            write_png(&folder.join(format!("{index:03}.png")), crop).unwrap();
        }
    });
    let crops = photo::folder::list(&folder).unwrap().found;
    crops.iter().map(|path| photo::load(path).unwrap()).collect()
}

fn cut_demo_faces() -> Vec<RgbImage> {
    let detector = FloatDetector::load(&fetched("faceplugin")).unwrap();
    let pipeline = Pipeline { finder: Finder::Float(detector), choice: Choice::All, has_gates: false };
    let photos = photo::folder::list(&fetched("faces")).unwrap().found;
    let crops = photos.iter().flat_map(|path| {
        let photo = photo::load(path).unwrap();
        pipeline.crops(&photo, &colour_crop([112, 112])).unwrap()
    });
    crops.map(|crop| crop.picture([112, 112])).collect()
}

/// A function that cuts the largest face out of a photo of ./setup.sh, upright and of 112 × 112 pixels.
///
/// # Panics
/// When the float detector is not there; the function, when there is no photo, or no face in it.
pub fn largest_face() -> impl Fn(&str) -> RgbImage {
    let detector = FloatDetector::load(&fetched("faceplugin")).unwrap();
    let pipeline = Pipeline { finder: Finder::Float(detector), choice: Choice::Largest, has_gates: false };
    move |name| {
        let crops = pipeline.crops(&photo::load(&fetched(name)).unwrap(), &colour_crop([112, 112]));
        crops.unwrap().remove(0).picture([112, 112])
    }
}

/// The first of [`faces`], `count` if there are as many.
///
/// # Panics
/// As [`faces`].
pub fn first_faces(count: usize) -> Vec<RgbImage> {
    faces().into_iter().take(count).collect()
}

/// A picture in other sizes: `imageops::resize` as the crate `image` has compiled it, optimised, which tests are not.
pub fn resized(picture: &RgbImage, [height, width]: [u32; 2], filter: FilterType) -> RgbImage {
    DynamicImage::from(picture.clone()).resize_exact(width, height, filter).into_rgb8()
}

/// A picture that is blurred, as by [`resized`].
pub fn blurred(picture: &RgbImage, sigma: f32) -> RgbImage {
    DynamicImage::from(picture.clone()).blur(sigma).into_rgb8()
}

/// A picture of `[height, width]` pixels with light and dark places, another for each seed.
pub fn picture(seed: u64, [height, width]: [u32; 2]) -> RgbImage {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let coarse = RgbImage::from_fn(9, 9, |_, _| {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        image::Rgb([next(), next(), next()])
    });
    resized(&coarse, [height, width], FilterType::CatmullRom)
}

/// Writes faces as crops of `[height, width]` into a folder, one file each.
///
/// # Panics
/// When they cannot be written.
pub fn write_faces(folder: &Path, faces: &[RgbImage], [height, width]: [u32; 2]) {
    for (index, face) in faces.iter().enumerate() {
        let crop = resized(face, [height, width], FilterType::Triangle);
        write_png(&folder.join(format!("{index:03}.png")), &crop).unwrap();
    }
}

/// A job that exports a network without people, calibrated on a folder of crops.
pub fn job(model: &Path, calibrate: &Path) -> Job {
    Job { calibrate: Some(calibrate.to_path_buf()), threshold: Some(0.4), ..Job::new(model.to_path_buf()) }
}

/// A folder with files that several programs of one run of `test.sh` need: the first of them makes it, and the others wait for it.
/// Within a run nothing that they are made from changes. A program that runs alone makes its own, among what cargo builds.
///
/// # Panics
/// When it cannot be made.
pub fn made_once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    static ALL: OnceLock<PathBuf> = OnceLock::new();
    let all = ALL.get_or_init(|| match std::env::var_os("GEODE_MADE_ONCE") {
        Some(of_run) => {
            std::fs::create_dir_all(&of_run).unwrap();
            of_run.into()
        }
        None => {
            let built = root().join("target/tmp");
            std::fs::create_dir_all(&built).unwrap();
            tempfile::tempdir_in(built).unwrap().keep()
        }
    });
    let lock = File::create(all.join(name).with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let folder = all.join(name);
    if !folder.exists() {
        let fresh = tempfile::tempdir_in(all).unwrap();
        make(fresh.path());
        // It has its name when it is whole.
        std::fs::rename(fresh.keep(), &folder).unwrap();
    }
    folder
}

/// The program `host`, built.
///
/// # Panics
/// When it does not build.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| built("host"))
}

/// A program of the workspace, built.
///
/// # Panics
/// When it does not build.
pub fn built(name: &str) -> PathBuf {
    // Tests run from target/<profile>/deps.
    let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_path_buf();
    let mut cargo = Command::new(env!("CARGO"));
    // Of the whole workspace, as the tests are: dependencies have the same features and are not compiled again.
    cargo.args(["build", "--quiet", "--locked", "--workspace", "--bin", name]).current_dir(root());
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().unwrap().success());
    profile.join(name)
}

/// Adds an array to a blob, aligned as kernels need it. Returns its offset.
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

/// A handmade network: layers, outputs and arrays.
pub struct Handmade {
    /// The layers; the planner places them.
    pub layers: Vec<Layer>,
    /// Numbers of the tensors that are outputs.
    pub outputs: Vec<u16>,
    /// The arrays that layers refer to.
    pub blob: Vec<u8>,
    /// Places of a face's landmarks in the input, in 1/64 pixel.
    pub template: [[u16; 2]; 5],
}

/// A template that no face can be cut out for: all landmarks in one place.
const ONE_PLACE: [[u16; 2]; 5] = [[64; 2]; 5];
/// The template of an upright face of 2 × 2 pixels.
pub const UPRIGHT: [[u16; 2]; 5] = [[44, 59], [84, 59], [64, 82], [47, 106], [81, 105]];

impl Handmade {
    /// The NETWORK section, planned anew.
    pub fn section(&self) -> Vec<u8> {
        let mut layers = self.layers.clone();
        let plan = plan::plan(&mut layers, &self.outputs);
        self.section_of(&layers, &plan)
    }

    /// The NETWORK section with these layers and this plan.
    pub fn section_of(&self, layers: &[Layer], plan: &Plan) -> Vec<u8> {
        let names: Vec<String> = self.outputs.iter().map(|tensor| format!("output {tensor}")).collect();
        let outputs: Vec<Output<'_>> = (self.outputs.iter().zip(&names))
            .map(|(&tensor, name)| Output { name, tensor, scale: 0.5, function: Function::Identity })
            .collect();
        let input = Preprocess {
            height: layers[0].output.height,
            width: layers[0].output.width,
            colour: Colour::Grey,
            mean: 127.5,
            scale: 128.0,
            template: self.template,
        };
        let blob = &self.blob;
        let parts =
            NetworkParts { name: "tiny", source: [7; 32], input, layers, outputs: &outputs, plan, blob };
        sections::network(&parts).unwrap()
    }
}

/// A network of two layers with literal weights: a 2 × 2 grey crop to three dimensions.
pub fn tiny_network() -> Handmade {
    let mut blob = Vec::new();
    let weights: [i8; 12] = [100, 0, 0, 0, 0, 100, -50, 0, 3, -3, 30, 100];
    let weights = push(&mut blob, &weights.map(|w| w as u8));
    let bias = push(&mut blob, &[10i32, -20, 0].map(i32::to_le_bytes).concat());
    let positive = push(&mut blob, &[1i32 << 30; 3].map(i32::to_le_bytes).concat());
    let negative = push(&mut blob, &[1i32 << 28; 3].map(i32::to_le_bytes).concat());
    let stage = Stage { bias, positive, negative, shift: 0, low: -32767, high: 32767 };
    let window = Window { kernel: [2, 2], ..Window::PIXEL };
    let layers = vec![
        Layer::new(Operator::Input, &[], square(2, 1, Element::I8)),
        Layer { window, weights, stage, ..Layer::new(Operator::Conv, &[0], square(1, 3, Element::I16)) },
    ];
    Handmade { layers, outputs: vec![1], blob, template: ONE_PLACE }
}

/// The same network for crops 256 pixels wide. It uses only the first two pixels.
pub fn wide_network() -> Handmade {
    let mut network = tiny_network();
    network.layers[0].output.width = 256;
    network.layers[1].window.stride = [1, 255];
    network
}

/// A network of the same input and output with every operator. It has an addition in place, and dilated and grouped
/// convolutions.
pub fn varied_network() -> Handmade {
    let mut blob = Vec::new();
    let weights = [4, 36, 8, 72, 96]
        .map(|count: u8| (0..count).map(|index| index.wrapping_mul(77)).collect::<Vec<_>>());
    let [pointwise, depthwise, grouped, dilated, dense] = weights.map(|weights| push(&mut blob, &weights));
    let words = [5i32, 1 << 27, 1 << 25].map(|value| [value; 8].map(i32::to_le_bytes).concat());
    let [bias, positive, negative] = words.map(|words| push(&mut blob, &words));
    let mean = [3i8, -3, -8, 0, 6, -128, 7, 127].map(|weight| weight as u8);
    let mean = push(&mut blob, &[mean; 9].concat());
    let table: Vec<u8> = (0..256).flat_map(|entry: i16| (entry * 128).to_le_bytes()).collect();
    let table = push(&mut blob, &table);
    let stage = Stage { bias, positive, negative, shift: 0, low: -128, high: 127 };
    let window = |kernel: u8, pad: u8, dilation: u8| Window {
        kernel: [kernel; 2],
        pad: [pad; 2],
        dilation: [dilation; 2],
        ..Window::PIXEL
    };
    let layer = |operator, inputs: &[u16], extent, channels| Layer {
        stage,
        ..Layer::new(operator, inputs, square(extent, channels, Element::I8))
    };
    let conv = |inputs: &[u16], window, weights, extent, channels| Layer {
        window,
        weights,
        ..layer(Operator::Conv, inputs, extent, channels)
    };
    let map = square(2, 4, Element::I8);
    let pool = Layer::new(Operator::MaxPool, &[3], map);
    let layers = vec![
        Layer::new(Operator::Input, &[], square(2, 1, Element::I8)),
        conv(&[0], window(1, 0, 1), pointwise, 2, 4),
        Layer { window: window(3, 1, 1), weights: depthwise, ..layer(Operator::Depthwise, &[1], 2, 4) },
        Layer { gains: [900, -700], ..layer(Operator::Add, &[1, 2], 2, 4) },
        Layer { window: window(3, 1, 1), ..pool },
        Layer { groups: 2, ..conv(&[4], window(1, 0, 1), grouped, 2, 4) },
        Layer::new(Operator::Concat, &[4, 5], square(2, 8, Element::I8)),
        conv(&[6], window(3, 2, 2), dilated, 2, 1),
        Layer { factor: 2, ..Layer::new(Operator::Enlarge, &[6], square(4, 8, Element::I8)) },
        conv(&[7], window(2, 0, 1), pointwise, 1, 1),
        Layer { stage, ..conv(&[9], window(1, 0, 1), grouped, 1, 8) },
        Layer { weights: table, ..layer(Operator::Scale, &[8, 10], 4, 8) },
        Layer { weights: table, ..Layer::new(Operator::Table, &[11], square(4, 8, Element::I8)) },
        Layer { window: window(3, 1, 1), weights: mean, ..layer(Operator::Average, &[12], 4, 8) },
        Layer {
            window: Window { kernel: [2, 2], stride: [2, 2], ..Window::PIXEL },
            ..conv(&[13], window(2, 0, 1), dense, 1, 3)
        },
    ];
    let mut layers = layers;
    let last = layers.len() - 1;
    // The dense layer uses the first pixels. Its output has 16 bits.
    layers[last].output = square(1, 3, Element::I16);
    Handmade { layers, outputs: vec![last as u16], blob, template: ONE_PLACE }
}

/// The sections of a tiny image: its network, two people, a cohort of two.
pub fn tiny_sections() -> Vec<(Section, Vec<u8>)> {
    sections_of(&tiny_network())
}

/// The sections of [`tiny_sections`] with another network of the same input and output.
pub fn sections_of(network: &Handmade) -> Vec<(Section, Vec<u8>)> {
    let network = network.section();
    let id = ModelId::of_section(&network);
    let person = |name: &str, centres: Vec<Vec<i8>>| Enrolled { name: name.to_string(), photos: 3, centres };
    let people =
        [person("Ada", vec![vec![127, 0, 0], vec![100, 78, 0]]), person("Grace", vec![vec![0, 0, 127]])];
    let terms = Terms {
        model: id,
        kind: Kind::Calibrated,
        fpir_ppm: 3000,
        basis: Basis::Cohort { strangers: 2 },
        margin: Angle::ZERO,
        cap: Angle { urad: 500_000, cos_q30: 942_297_101, sin_q30: 514_779_252 },
        certificate: Angle::ZERO,
        quantisation_urad: 10,
        logit_scale: 64.0,
    };
    let threshold = Threshold { people: 10, cosine_q30: 1 << 29, fpir_upper_ppm: 842_000 };
    vec![
        (Section::Network(Role::Embedder), network),
        (Section::Gallery, sections::gallery(id, 3, &people).unwrap()),
        (Section::Cohort, sections::cohort(id, 3, &[vec![0, 127, 0], vec![-127, 1, 1]]).unwrap()),
        (Section::Policy, sections::policy(&terms, &[threshold])),
    ]
}

/// The values of an output for each square that it looks at.
#[derive(Clone, Copy)]
enum Values {
    /// So many that depend on the picture.
    Seen(u8),
    /// The same ones always, halves.
    Always(&'static [i8]),
}

/// A network that looks at squares of a grey picture of `extent`. Each output has a stride in pixels; its squares are as large
/// as the stride, or as large as a kernel may be.
fn squares(extent: u16, heads: &[(u8, Values)]) -> Handmade {
    let mut blob = Vec::new();
    let mut layers = vec![Layer::new(Operator::Input, &[], square(extent, 1, Element::I8))];
    let words = |values: Vec<i32>| values.into_iter().flat_map(i32::to_le_bytes).collect::<Vec<_>>();
    for &(stride, values) in heads {
        let side = stride.min(MAX_KERNEL as u8);
        let (count, step, bias, factors) = match values {
            Values::Seen(count) => (usize::from(count), 77, vec![5; count.into()], [1 << 27, 1 << 25]),
            // Half of the bias is left.
            Values::Always(values) => {
                (values.len(), 0, values.iter().map(|&value| 2 * i32::from(value)).collect(), [1 << 30; 2])
            }
        };
        let window = Window { kernel: [side; 2], stride: [stride; 2], ..Window::PIXEL };
        let weights = usize::from(side).pow(2) * count;
        let weights: Vec<u8> = (0..weights).map(|index| (index * step) as u8).collect();
        let weights = push(&mut blob, &weights);
        let bias = push(&mut blob, &words(bias));
        let [positive, negative] = factors.map(|factor| push(&mut blob, &words(vec![factor; count])));
        let stage = Stage { bias, positive, negative, shift: 0, low: -128, high: 127 };
        let output = square(extent / u16::from(stride), count as u16, Element::I8);
        layers.push(Layer { window, weights, stage, ..Layer::new(Operator::Conv, &[0], output) });
    }
    Handmade { layers, outputs: (1..=heads.len() as u16).collect(), blob, template: ONE_PLACE }
}

/// The sections of [`tiny_sections`] and eyes, which need no data and find faces in most pictures: a detector of one level,
/// a landmark network and a photo check.
pub fn tiny_sections_with_eyes() -> Vec<(Section, Vec<u8>)> {
    let mut sections = tiny_sections();
    let networks = [
        (Role::Detector, squares(16, &[(8, Values::Seen(2)), (8, Values::Seen(4))])),
        (Role::Landmarks, squares(8, &[(8, Values::Seen(136))])),
        (Role::Liveness, squares(8, &[(8, Values::Seen(3))])),
    ];
    sections.extend(networks.map(|(role, network)| (Section::Network(role), network.section())));
    let mut levels = [Level::default(); MAX_LEVELS];
    levels[0] = Level { stride: 8, sizes: [8, 0, 0, 0] };
    let sight = Sight {
        least_q16: i32::MIN,
        variances_q16: [6554, 13_107],
        levels,
        side_q16: 1 << 16,
        live: 1,
        span_q8: 512,
        ..Sight::default()
    };
    sections.push((Section::Sight, sight.emit().to_vec()));
    sections.sort_by_key(|&(section, _)| section);
    sections
}

/// The sections of [`tiny_sections`] and eyes of the other family: YuNet, which finds landmarks itself, and nothing else. Its
/// faces fill their squares, with eyes and mouth in the corners, so that they can be cut out and decided on.
pub fn tiny_sections_with_yunet() -> Vec<(Section, Vec<u8>)> {
    let kinds = [
        Values::Seen(1),
        Values::Seen(1),
        Values::Always(&[1, 1, 0, 0]),
        Values::Always(&[0, 0, 2, 0, 1, 1, 0, 2, 2, 2]),
    ];
    let heads: Vec<(u8, Values)> =
        kinds.into_iter().flat_map(|values| [8, 16, 32].map(|stride| (stride, values))).collect();
    let (family, least_q16) = (Family::YuNet, 1 << 15);
    let sight = Sight { family, least_q16, side_q16: 1 << 16, span_q8: 256, ..Sight::default() };
    let mut sections = sections_of(&Handmade { template: UPRIGHT, ..tiny_network() });
    sections.push((Section::Network(Role::Detector), squares(32, &heads).section()));
    sections.push((Section::Sight, sight.emit().to_vec()));
    sections.sort_by_key(|&(section, _)| section);
    sections
}

/// Joins sections with correct digests.
pub fn join(parts: &[(Section, Vec<u8>)]) -> Vec<u8> {
    sections::image(parts).unwrap()
}

/// The emulated boards, for tests to which only results matter: no instructions are counted.
pub fn uncounted() -> &'static [Board] {
    static BOARDS: OnceLock<Vec<Board>> = OnceLock::new();
    BOARDS.get_or_init(|| emulated().map(Board::uncounted).collect())
}

/// Frames to quantise a board's eyes on, some of each photo: the demo's photos, and if available aligned faces of people of whom
/// the larger test data has no raw photos, so that those may judge.
///
/// # Panics
/// When set-up has not been run.
pub fn frames_to_calibrate() -> Vec<Vec<RgbImage>> {
    let mut paths = photo::folder::list(&fetched("faces")).unwrap().found;
    if let Some(folder) = shared("faces/lfw/crops") {
        let raw = root().join("../shared/faces/raw");
        let is_judge =
            |path: &Path| path.parent().and_then(Path::file_name).is_some_and(|name| raw.join(name).exists());
        let mut others = photo::folder::list(&folder).unwrap().found;
        others.retain(|path| !is_judge(path));
        let step = others.len().div_ceil(fit::MOST_PHOTOS - paths.len());
        paths.extend(others.into_iter().step_by(step));
    }
    paths.iter().map(|path| frames::of(&photo::load(path).unwrap())).collect()
}

/// The default networks, where set-up puts them.
pub fn networks() -> Networks {
    Networks { detector: fetched("faceplugin"), ..Networks::default() }
}

/// The default networks' eyes, quantised once on [`frames_to_calibrate`].
///
/// # Panics
/// When set-up has not been run.
pub fn eyes() -> &'static QuantisedEyes {
    static EYES: OnceLock<QuantisedEyes> = OnceLock::new();
    EYES.get_or_init(|| sight::fit(&networks().known(35.2).unwrap(), &frames_to_calibrate()).unwrap())
}

/// A tiny image with [`eyes`]; with a photo check, if there is one. Its embedder is of no use.
///
/// # Panics
/// When set-up has not been run.
pub fn image_with_eyes(liveness: Option<&[u8]>) -> Vec<u8> {
    with_eyes(&join(&tiny_sections()), liveness)
}

/// An image without eyes with [`eyes`]; with a photo check, if there is one.
///
/// # Panics
/// When set-up has not been run.
pub fn with_eyes(blind: &[u8], liveness: Option<&[u8]>) -> Vec<u8> {
    // The eyes alone, joined as an image.
    const FILE: &str = "sections";
    let folder = made_once("eyes", |folder| {
        std::fs::write(folder.join(FILE), join(&eyes().sections())).unwrap();
    });
    let made = std::fs::read(folder.join(FILE)).unwrap();
    let made = format::header::parse(&made).unwrap();
    let of_eyes = Section::ALL.into_iter().filter_map(|section| Some((section, made.get(section)?)));
    let of_check = liveness.map(|section| (Section::Network(Role::Liveness), section));
    sections::replaced(blind, &of_eyes.chain(of_check).collect::<Vec<_>>()).unwrap()
}

/// [`eyes`] that see.
///
/// # Panics
/// When set-up has not been run.
pub fn seer() -> Seer {
    let path = Path::new("a tiny image with eyes");
    let bytes = AlignedBytes::copy(&image_with_eyes(None));
    let seer = Seer::of_image(&bytes.image(path).unwrap(), bytes.bytes(), path);
    seer.unwrap().expect("eyes")
}

/// The default detector, cut at its heads and re-shaped for grey photos of 160 × 120.
pub fn fr_detect() -> OtherJob {
    let heads = ["319", "333", "365", "379", "405", "419", "437", "449"];
    OtherJob {
        role: Role::Detector,
        model: fetched("faceplugin/fr_detect.onnx"),
        cut: Cut {
            size: Some([120, 160]),
            is_reshaped: true,
            outputs: heads.map(String::from).to_vec(),
            ..Cut::default()
        },
        grey: true,
        colour: Colour::Rgb,
        preprocessing: Preprocessing { mean: 127.0, scale: 128.0 },
    }
}

/// The default landmark network: a grey face of 64 × 64.
pub fn fr_landmark() -> OtherJob {
    OtherJob {
        role: Role::Landmarks,
        model: fetched("faceplugin/fr_landmark.onnx"),
        cut: Cut::default(),
        grey: false,
        colour: Colour::Rgb,
        preprocessing: Preprocessing::default(),
    }
}

/// YuNet for grey photos of 160 × 128, if the larger test data is available.
pub fn yunet() -> Option<OtherJob> {
    Some(OtherJob {
        role: Role::Detector,
        model: shared("models/yunet-dyn.onnx")?,
        cut: Cut { size: Some([128, 160]), is_reshaped: true, ..Cut::default() },
        grey: true,
        colour: Colour::Bgr,
        preprocessing: Preprocessing { mean: 0.0, scale: 1.0 },
    })
}

/// MiniFASNet V2, if the larger test data is available.
pub fn minifasnet() -> Option<OtherJob> {
    Some(OtherJob {
        role: Role::Liveness,
        model: shared("models/minifasnet-v2-80.onnx")?,
        cut: Cut::default(),
        grey: false,
        colour: Colour::Bgr,
        preprocessing: Preprocessing { mean: 0.0, scale: 1.0 },
    })
}

/// Pictures in the form that a network takes, `[h][w][c]` bytes. Each has a single face in the middle.
pub fn pictures(input: &Preprocess, faces: &[RgbImage]) -> Vec<Vec<u8>> {
    let (width, height) = (u32::from(input.width), u32::from(input.height));
    let picture = |face: &RgbImage| {
        let side = height.min(width);
        let face = resized(face, [side, side], FilterType::Triangle);
        let mut picture = RgbImage::from_pixel(width, height, image::Rgb([110, 120, 130]));
        imageops::replace(&mut picture, &face, ((width - side) / 2).into(), ((height - side) / 2).into());
        photo::crop_bytes(&picture, input).unwrap()
    };
    faces.iter().map(picture).collect()
}
