//! `host keygen`: makes a key that signs images.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use host::secret::hex;
use host::signing::{self, PublicKey};
use serde::Serialize;

use super::show;

#[derive(Debug, Args)]
pub struct Arguments {
    /// New file for the secret key; one that is there is never overwritten.
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A key that was made.
#[derive(Serialize)]
struct Made<'a> {
    /// The file of the secret key.
    file: &'a Path,
    /// The public key.
    public_key: PublicKey,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { file, json } = arguments;
    let public_key = signing::generate(file)?;
    show(*json, &Made { file, public_key }, print)
}

fn print(out: &mut String, Made { file, public_key }: &Made<'_>) -> fmt::Result {
    writeln!(out, "public key  {}", hex(&public_key.0))?;
    writeln!(
        out,
        "The secret key is in {}: keep a copy of it in a safe place. Boards that trust it take no other key's images.",
        file.display()
    )
}
