//! `host align`: cuts the faces out of photos.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::crops::Finding;
use host::crops::cut::{self, CutFace, Cuts, Cutting};
use host::face::{Choice, DEFAULT};
use host::output;

use super::photos::EyeNetworks;
use super::show;
use super::values::{CHOICES, one_of, size};

#[derive(Debug, Args)]
pub struct Arguments {
    /// A photo, or a folder of photos. The crops keep its subfolders.
    photos: PathBuf,
    /// Folder for the crops.
    #[arg(short, long)]
    output: PathBuf,
    /// Height and width of the crops.
    #[arg(long, value_parser = size, default_value = "112x112")]
    size: [usize; 2],
    /// Which faces of a photo.
    #[arg(long, value_parser = one_of(CHOICES), default_value = "largest")]
    face: Choice,
    /// Flash image with whose eyes the faces are found, as its board would see them.
    #[arg(long, conflicts_with_all = ["detector", "detector_size", "landmarks"])]
    image: Option<PathBuf>,
    /// Face detector: folder of the default networks, or the ONNX file of an UltraFace network or of YuNet [default:
    /// data/faceplugin]. It is quantised on the photos, as for a board.
    #[arg(long)]
    detector: Option<PathBuf>,
    /// The other networks.
    #[command(flatten)]
    networks: EyeNetworks,
    /// Find faces with the detector as it was trained, in float, instead of quantised.
    #[arg(long, conflicts_with_all = ["image", "detector_size", "landmarks"])]
    float_eyes: bool,
    /// Also take faces that are too small, blurred, turned aside or badly lit.
    #[arg(long)]
    no_quality: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { photos, output, size, face, image, detector, networks, float_eyes, no_quality, json } =
        arguments;
    let finding = match (&image, float_eyes) {
        (Some(_), _) => Finding::Image,
        (None, true) => Finding::Float(detector.unwrap_or(DEFAULT.into())),
        (None, false) => Finding::Board(networks.with(detector.as_deref())),
    };
    let has_gates = !no_quality;
    let cuts = cut::cut(&Cutting { photos, output, size, choice: face, finding, image, has_gates })?;
    show(json, &cuts, print)
}

fn print(out: &mut String, cuts: &Cuts) -> fmt::Result {
    for skipped in &cuts.skipped {
        output::step(&format!("skipped {skipped}"));
    }
    for CutFace { photo, crop, score, .. } in &cuts.crops {
        writeln!(out, "{}  from {} (sure to {:.0} %)", crop.display(), photo.display(), 100.0 * score)?;
    }
    Ok(())
}
