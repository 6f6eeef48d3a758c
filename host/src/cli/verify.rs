//! `host verify`: checks an image as a board checks an update.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;
use host::secret::hex;
use host::signing::{self, PublicKey};
use host::simulator::AlignedBytes;
use serde::Serialize;

use super::show;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Flash image.
    image: PathBuf,
    /// The maker's public key: 64 hexadecimal digits.
    #[arg(long, value_parser = signing::public_key)]
    key: PublicKey,
    /// The lowest version that the board starts.
    #[arg(long, default_value_t = 0)]
    floor: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// An image that a board would take.
#[derive(Serialize)]
struct Sound {
    /// Its version.
    version: u32,
    /// Digest (BLAKE3) of its header.
    digest: String,
    /// Id of its embedder: people enrolled with another must be enrolled again.
    network_id: String,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, key, floor, json } = arguments;
    let verified = signing::verify(&AlignedBytes::read(image)?, *key, *floor)
        .map_err(|error| anyhow!("{}: {error}", image.display()))?;
    let sound = Sound {
        version: verified.version,
        digest: hex(&verified.digest),
        network_id: hex(&verified.network.0),
    };
    show(*json, &sound, print)
}

fn print(out: &mut String, Sound { version, digest, .. }: &Sound) -> fmt::Result {
    writeln!(out, "signed by the maker as version {version}, and a board can run it; image {digest}")
}
