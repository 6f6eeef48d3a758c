//! `host align`: cuts the faces out of photos.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::crops::cut::{self, Cut, Cuts, Cutting};
use host::face::{Choice, Gates};
use host::output;

use super::photos::sight;
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
    /// Folder with fr_detect.onnx and fr_landmark.onnx, or the ONNX file of YuNet.
    #[arg(long, default_value = "data/faceplugin")]
    detector: PathBuf,
    /// See with the networks in float instead of quantised, as a board does.
    #[arg(long)]
    float_eyes: bool,
    /// Also take faces that are too small, blurred, turned aside or badly lit.
    #[arg(long)]
    no_quality: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { photos, output, size, face, detector, float_eyes, no_quality, json } = arguments;
    let sight = sight(detector, float_eyes);
    let gates = (!no_quality).then(Gates::default);
    let cuts = cut::cut(&Cutting { photos, output, size, choice: face, sight, gates })?;
    show(json, &cuts, print)
}

fn print(out: &mut String, cuts: &Cuts) -> fmt::Result {
    for skipped in &cuts.skipped {
        output::step(&format!("skipped {skipped}"));
    }
    for Cut { photo, crop, score, .. } in &cuts.crops {
        writeln!(out, "{}  from {} (sure to {:.0} %)", crop.display(), photo.display(), 100.0 * score)?;
    }
    Ok(())
}
