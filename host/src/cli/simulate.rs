//! `host simulate`: recognises photos on this computer.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host::recognise::simulated;

use super::photos::Photos;
use super::{answers, show};

#[derive(Debug, Args)]
pub struct Arguments {
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
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, photos, reading, json } = arguments;
    show(*json, &simulated(image, photos, &reading.source())?, |out, found| answers::print(out, found))
}
