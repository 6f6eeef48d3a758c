//! The command line: its types, whose documentation is the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use format::policy::Kind;
use format::preprocess::Colour;
use serde::Serialize;

use crate::board::{self, Memory};

/// Face recognition that runs whole on a microcontroller: a network and photos in, a flash image out.
#[derive(Debug, Parser)]
#[command(name = "host", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a network consists of and what it needs on a board.
    Inspect {
        /// ONNX file.
        model: PathBuf,
        /// Boards to estimate it for, between commas.
        #[arg(long, value_parser = board::names(), value_delimiter = ',', default_values = board::names())]
        board: Vec<String>,
        /// Clock of the boards, MHz [default: usual for the core].
        #[arg(long)]
        clock: Option<f64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the whole way on a network and photos that set-up has fetched, and an emulated board.
    Demo {
        /// Folder of the network and the photos.
        #[arg(long, default_value = "data")]
        data: PathBuf,
        /// Folder for crops and image.
        #[arg(short, long, default_value = "target/demo")]
        output: PathBuf,
        /// Emulated board.
        #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
        board: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cut the faces out of photos, upright and as large as a network takes them.
    Align {
        /// A photo, or a folder of photos; its subfolders are kept.
        photos: PathBuf,
        /// Folder for the crops.
        #[arg(short, long)]
        output: PathBuf,
        /// Height and width of crops.
        #[arg(long, value_parser = size, default_value = "112x112")]
        size: [usize; 2],
        /// Which faces of a photo.
        #[arg(long, value_enum, default_value_t = Choice::Largest)]
        face: Choice,
        /// Folder with fr_detect.onnx and fr_landmark.onnx, or the ONNX file of YuNet.
        #[arg(long, default_value = "data/faceplugin")]
        detector: PathBuf,
        /// Take faces that are too small, blurred, turned aside or badly lit as well.
        #[arg(long)]
        no_quality: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a flash image from a network and photos.
    Export(Export),
    /// Recognise photos on this computer, with the board's own code and bits.
    Simulate {
        /// Flash image.
        image: PathBuf,
        /// Photos.
        #[arg(required = true)]
        photos: Vec<PathBuf>,
        /// How they are read.
        #[command(flatten)]
        reading: Photos,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Start a board with an image. The boards here are emulated by QEMU.
    Flash {
        /// Flash image.
        image: PathBuf,
        /// Which board.
        #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
        board: String,
        /// Which flash the image goes to.
        #[arg(long, value_enum, default_value_t)]
        memory: Memory,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Recognise photos on a board: their pixels go over the link, its answers come back.
    Recognise {
        /// Flash image the board holds.
        image: PathBuf,
        /// Photos.
        #[arg(required = true)]
        photos: Vec<PathBuf>,
        /// How they are read.
        #[command(flatten)]
        reading: Photos,
        /// Emulated board to start.
        #[arg(long, value_parser = board::names(), default_value = board::DEFAULT, conflicts_with = "port")]
        board: String,
        /// Which flash of the emulated board the image lies in.
        #[arg(long, value_enum, default_value_t)]
        memory: Memory,
        /// Serial port of a real board.
        #[arg(long)]
        port: Option<String>,
        /// Bits per second of the port.
        #[arg(long, default_value_t = 115_200, requires = "port")]
        baud: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure accuracy: the image's network and the float one, side by side.
    Evaluate(Evaluate),
    /// Count what an image's network costs on emulated boards, and time it on this computer.
    Bench(Bench),
    /// Look at and change who is enrolled in an image.
    Gallery {
        /// What to do.
        #[command(subcommand)]
        command: Gallery,
    },
}

/// Look at and change who is enrolled in an image.
#[derive(Debug, Subcommand)]
pub enum Gallery {
    /// Who is enrolled, with their photos, centres, and nearest other person.
    List {
        /// Flash image.
        image: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Enrol new people, without the photos of the others.
    Add {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// Folder of people: a subfolder each, with photos of them.
        people: PathBuf,
        /// Where to write the changed image.
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Keep photos that look like another person's than the folder says.
        #[arg(long)]
        keep_outliers: bool,
        /// Enrol people who look like one under two names.
        #[arg(long)]
        allow_duplicates: bool,
        /// How photos are read.
        #[command(flatten)]
        photos: Photos,
    },
    /// Remove people; nothing of them stays in the image.
    Remove {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// Names.
        #[arg(required = true)]
        names: Vec<String>,
        /// Where to write the changed image.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Add the people of another image of the same network, exported with the same --calibrate photos.
    Merge {
        /// Flash image; changed in place unless --output is given.
        image: PathBuf,
        /// The other image.
        other: PathBuf,
        /// Where to write the changed image.
        #[arg(short, long)]
        output: Option<PathBuf>,
        /// Take people who look like one under two names.
        #[arg(long)]
        allow_duplicates: bool,
    },
    /// Write names and centres as JSON.
    Export {
        /// Flash image.
        image: PathBuf,
        /// Where to write it.
        #[arg(short, long)]
        output: PathBuf,
    },
    /// The angle statistics of the gallery, and ArcFace's loss of each photo.
    Report {
        /// Flash image.
        image: PathBuf,
        /// Folder of the enrolled people's photos; without, only what the centres tell.
        #[arg(long)]
        people: Option<PathBuf>,
        /// Margin of the loss that the network was trained with.
        #[arg(long, value_enum, default_value_t = MarginKind::Arcface)]
        margin_kind: MarginKind,
        /// The kind's margin [default: softmax none, sphereface 4, arcface 0.5, cosface 0.35].
        #[arg(long, conflicts_with = "combined")]
        m: Option<f32>,
        /// Margins of cos(M1 θ + M2) − M3, instead of one kind's: three numbers.
        #[arg(long, value_delimiter = ',', num_args = 3, value_names = ["M1", "M2", "M3"])]
        combined: Option<Vec<f32>>,
        /// Scale s of the logits.
        #[arg(long, default_value_t = 64.0)]
        s: f32,
        /// How photos are read.
        #[command(flatten)]
        photos: Photos,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Margin of a training loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MarginKind {
    /// None, also for networks trained with triplets.
    Softmax,
    /// m₁ times the angle.
    Sphereface,
    /// m₂ added to the angle.
    Arcface,
    /// m₃ taken off the cosine.
    Cosface,
}

/// Measure accuracy.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// Flash image whose network is measured.
    pub image: PathBuf,
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Protocol::Pairs)]
    pub protocol: Protocol,
    /// For pairs: CSV with the columns path_a, path_b, same, fold; without, the photos folder has a subfolder for each person,
    /// and pairs are dealt out. For lfw: LFW's pairs.txt.
    #[arg(long, required_if_eq("protocol", "lfw"))]
    pub pairs: Option<PathBuf>,
    /// For identification: CSV with the columns path, identity, role (enrol, probe, stranger, cohort); without, the photos
    /// folder has a subfolder for each person, and roles are dealt out: who has four photos is enrolled with three, the first
    /// photos of at least 40 others are strangers and cohort.
    #[arg(long)]
    pub list: Option<PathBuf>,
    /// Folder that the file's paths start from; without a file, that of the people, a subfolder each.
    #[arg(long)]
    pub photos: PathBuf,
    /// ONNX file the image was exported from, to compare with.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// Share of strangers that may be accepted, for identification.
    #[arg(long, default_value_t = 0.003)]
    pub fpir: f64,
    /// Write a report with plots: one HTML file.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// How photos are read.
    #[command(flatten)]
    pub reading: Photos,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// Verification over pairs of photos.
    Pairs,
    /// The same over LFW's own list; photos lie as there, NAME/NAME_0001.jpg.
    Lfw,
    /// Open-set identification: enrolled people's probes and strangers against galleries of several sizes.
    Identification,
}

/// Count what an image's network costs on emulated boards, and time it on this computer.
#[derive(Debug, Args)]
pub struct Bench {
    /// Flash image.
    pub image: PathBuf,
    /// Boards to count on, between commas.
    #[arg(
        long = "board",
        alias = "boards",
        value_parser = board::names(),
        value_delimiter = ',',
        default_values = board::names()
    )]
    pub boards: Vec<String>,
    /// Print every layer.
    #[arg(long)]
    pub layers: bool,
    /// Count matching against galleries of 10 to 10,000 people too.
    #[arg(long)]
    pub matching: bool,
    /// Do not time this computer.
    #[arg(long)]
    pub no_computer: bool,
    /// ONNX file the image was exported from: time tract with it in float.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// A Python that has onnxruntime and onnx: time ONNX Runtime, in float and quantised.
    #[arg(long, requires = "model")]
    pub onnxruntime: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How photos are read.
#[derive(Clone, Debug, Args)]
pub struct Photos {
    /// Photos are aligned crops of the network's size already; no faces are searched for.
    #[arg(long)]
    pub aligned: bool,
    /// What finds faces: folder of the default networks, or YuNet's ONNX file.
    #[arg(long, default_value = "data/faceplugin")]
    pub detector: PathBuf,
    /// Which face of a photo with several: of one person's photos it is one.
    #[arg(long, value_enum, default_value_t = Choice::Largest)]
    pub face: Choice,
    /// Take faces however small, blurred, turned or badly lit.
    #[arg(long)]
    pub no_quality: bool,
}

impl Photos {
    /// Aligned crops.
    pub const ALIGNED: Photos =
        Photos { aligned: true, detector: PathBuf::new(), face: Choice::Largest, no_quality: false };
}

/// Make a flash image.
#[derive(Debug, Args)]
pub struct Export {
    /// ONNX file of the embedding network.
    #[arg(long)]
    pub model: PathBuf,
    /// Folder of people: a subfolder each, with photos of them.
    #[arg(long)]
    pub enrol: Option<PathBuf>,
    /// Folder of photos to choose the quantiser's scales on [default: those of people and strangers].
    #[arg(long)]
    pub calibrate: Option<PathBuf>,
    /// Folder of photos of strangers to measure the threshold on: one person a photo, or a subfolder each.
    #[arg(long)]
    pub cohort: Option<PathBuf>,
    /// Where to write the image.
    #[arg(short, long)]
    pub output: PathBuf,
    /// Container of the image.
    #[arg(long, value_enum, default_value_t = Container::Bin)]
    pub format: Container,
    /// Board whose memory and limits the image must fit, and whose addresses the containers hex, uf2 and elf use.
    #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
    pub board: String,
    /// Which of the board's flash memories the image is for.
    #[arg(long, value_enum, default_value_t)]
    pub memory: Memory,
    /// Most bytes of the image [default: what the board has].
    #[arg(long)]
    pub image_limit: Option<usize>,
    /// Most bytes of RAM for the network [default: what the board has].
    #[arg(long)]
    pub arena_limit: Option<usize>,
    /// Which rules decide.
    #[arg(long, value_enum, default_value_t = Policy::Calibrated)]
    pub policy: Policy,
    /// Radians. For the calibrated policy how much farther the next person must be than the best [default: as much as
    /// costs hardly any genuine photo]; for the margin policy the margin m of θ ≤ (φ − m)/2 [default: 0.5].
    #[arg(long)]
    pub margin: Option<f32>,
    /// Share of strangers that may be accepted.
    #[arg(long, default_value_t = 0.003)]
    pub fpir: f64,
    /// Least cosine to be accepted, instead of one measured on the cohort.
    #[arg(long, allow_negative_numbers = true)]
    pub threshold: Option<f32>,
    /// Colour order the network wants [default: rgb, or grey for one channel].
    #[arg(long, value_enum)]
    pub colour: Option<ColourOrder>,
    /// Height and width of crops, such as 112x96; must be the network's [default: the network's].
    #[arg(long, value_parser = size)]
    pub size: Option<[usize; 2]>,
    /// Mean that was subtracted from pixels in training.
    #[arg(long, default_value_t = 127.5)]
    pub mean: f32,
    /// What pixels were divided by in training.
    #[arg(long, default_value_t = 128.0)]
    pub scale: f32,
    /// Keep photos that look like another person's than the folder says.
    #[arg(long)]
    pub keep_outliers: bool,
    /// Enrol people who look like one under two names.
    #[arg(long)]
    pub allow_duplicates: bool,
    /// Leave the strangers out of the image: it is smaller, and who is nearer to one of them is not noticed.
    #[arg(long)]
    pub without_cohort: bool,
    /// Scale s of the logits in training, for the confidence that is shown.
    #[arg(long, default_value_t = 64.0)]
    pub logit_scale: f32,
    /// How photos are read.
    #[command(flatten)]
    pub photos: Photos,
    /// Export although quantisation harms more than is good.
    #[arg(long)]
    pub force: bool,
    /// Write a report with plots, one HTML file: quantisation noise, memory over time, people, thresholds.
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Print a report of every layer as JSON.
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<[usize; 2], String> {
    let parsed = text.split_once(['x', '×']).and_then(|(h, w)| Some([h.parse().ok()?, w.parse().ok()?]));
    parsed.ok_or_else(|| "expected HEIGHTxWIDTH, such as 112x96".to_string())
}

/// Colour order.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ColourOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Luminance.
    Grey,
}

impl From<ColourOrder> for Colour {
    fn from(order: ColourOrder) -> Self {
        match order {
            ColourOrder::Rgb => Colour::Rgb,
            ColourOrder::Bgr => Colour::Bgr,
            ColourOrder::Grey => Colour::Grey,
        }
    }
}

/// Which rules decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The calibrated threshold and the margin to the next person.
    Calibrated,
    /// Each person's own cap alone: θ ≤ (φ − m)/2, φ the angle to the next person.
    Margin,
    /// The calibrated threshold alone.
    Absolute,
}

impl From<Policy> for Kind {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Calibrated => Kind::Calibrated,
            Policy::Margin => Kind::Margin,
            Policy::Absolute => Kind::Absolute,
        }
    }
}

/// Which faces of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The largest.
    Largest,
    /// The one nearest to the middle.
    Centre,
    /// All of them.
    All,
}

/// Container of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Container {
    /// The bytes as they are.
    Bin,
    /// Intel HEX.
    Hex,
    /// UF2, for mass-storage boot loaders.
    Uf2,
    /// ELF with one loadable segment.
    Elf,
}
