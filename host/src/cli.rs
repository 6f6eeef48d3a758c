//! The command line: its types, whose documentation is the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use format::preprocess::Colour;

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
        #[arg(long, default_value = "qemu-m7")]
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
        /// Aligned crops.
        #[arg(required = true)]
        photos: Vec<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Start a board with an image. The boards here are emulated by QEMU.
    Flash {
        /// Flash image.
        image: PathBuf,
        /// Which board.
        #[arg(long, default_value = "qemu-m7")]
        board: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Recognise photos on a board: their pixels go over the link, its answers come back.
    Recognise {
        /// Flash image the board holds.
        image: PathBuf,
        /// Aligned crops.
        #[arg(required = true)]
        photos: Vec<PathBuf>,
        /// Emulated board to start.
        #[arg(long, default_value = "qemu-m7", conflicts_with = "port")]
        board: String,
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
    /// Measure accuracy of the image and of the float network over pairs of photos.
    Evaluate {
        /// Flash image.
        image: PathBuf,
        /// Pairs file: CSV with the columns path_a, path_b, same, fold.
        #[arg(long)]
        pairs: PathBuf,
        /// Folder that the file's paths start from.
        #[arg(long)]
        photos: PathBuf,
        /// ONNX file the image was exported from, to compare with.
        #[arg(long)]
        model: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Make a flash image.
#[derive(Debug, Args)]
pub struct Export {
    /// ONNX file of the embedding network.
    #[arg(long)]
    pub model: PathBuf,
    /// Folder of people: a subfolder each, with aligned crops of their face.
    #[arg(long)]
    pub enrol: Option<PathBuf>,
    /// Folder of aligned crops to choose the quantiser's scales on [default: the other photos].
    #[arg(long)]
    pub calibrate: Option<PathBuf>,
    /// Folder of aligned crops of strangers, to measure the threshold on.
    #[arg(long)]
    pub cohort: Option<PathBuf>,
    /// Where to write the image.
    #[arg(short, long)]
    pub output: PathBuf,
    /// Container of the image.
    #[arg(long, value_enum, default_value_t = Container::Bin)]
    pub format: Container,
    /// Board whose memory the image must fit, and whose addresses the containers hex, uf2 and elf use.
    #[arg(long, default_value = "qemu-m7")]
    pub board: String,
    /// How much farther the next person must be than the best, in radians.
    #[arg(long, default_value_t = 0.1)]
    pub margin: f32,
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
    /// Export although quantisation harms more than is good.
    #[arg(long)]
    pub force: bool,
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
