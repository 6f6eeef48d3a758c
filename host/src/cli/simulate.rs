//! `host simulate`: recognises photos on this computer.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::recognise::{self, simulated};

use super::frames::{self, Frames};
use super::photos::Photos;
use super::{answers, show};

#[derive(Debug, Args)]
#[command(mut_arg("aligned", |arg| arg.conflicts_with("detector")))]
pub struct Arguments {
    /// Flash image.
    image: PathBuf,
    /// Photos.
    #[arg(required_unless_present = "frames")]
    photos: Vec<PathBuf>,
    /// Frames instead of them.
    #[command(flatten)]
    frames: Frames,
    /// How they are read.
    #[command(flatten)]
    reading: Photos,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, photos, frames: seen, reading, json } = arguments;
    if let Some(film) = seen.film(reading.is_strict()) {
        let sightings = recognise::frames::simulated(image, &film)?;
        return show(*json, &sightings, |out, sightings| frames::print(out, sightings));
    }
    show(*json, &simulated(image, photos, &reading.source())?, |out, found| answers::print(out, found))
}
