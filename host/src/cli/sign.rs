//! `host sign`: signs an image.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use host::output::{self, Named};
use host::secret::hex;
use host::signing::{self, Signed};
use serde::Serialize;

use super::rewrite::rewrite;
use super::show_beside;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Flash image; changed in place unless --output is given.
    image: PathBuf,
    /// File of the secret key, made by `host keygen`.
    #[arg(long)]
    key: PathBuf,
    /// Version of the image. A board that has kept a higher one refuses it.
    #[arg(long)]
    version: u32,
    /// Where to write the signed image, in the same container.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A signed image written to a file.
#[derive(Serialize)]
struct Written<'a> {
    /// The signature.
    #[serde(flatten)]
    signed: &'a Signed,
    /// The file.
    output: &'a Path,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { image, key, version, output, json } = arguments;
    let read = Some(Named::new("--key", key));
    let secret = signing::read(key)?;
    let (signed, path) = rewrite(image, output.as_deref(), read, || signing::sign(image, &secret, *version))?;
    show_beside(path, *json, &Written { signed: &signed, output: path }, print)
}

fn print(out: &mut String, Written { signed, output }: &Written<'_>) -> fmt::Result {
    let Signed { version, version_before, key, .. } = signed;
    if let Some(before) = version_before.filter(|before| before >= version) {
        output::warn(&format!(
            "the image was signed as version {before} before; boards that keep {before} refuse a lower version"
        ));
    }
    writeln!(out, "signed as version {version} with the key {}; written to {}", hex(&key.0), output.display())
}
