//! From photo files to the network's input: aligned crops as they are, or faces found in raw photos.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::preprocess::Preprocess;
use rayon::prelude::*;
use serde::Serialize;

use crate::face::{Choice, Detector, Gates, Pipeline};
use crate::{output, photo};

pub mod cut;

/// The content of photo files, and the search for faces in them.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Aligned crops of the network's size; no faces are searched for.
    Aligned,
    /// Photos as taken by cameras.
    Raw {
        /// The face detector, see [`Detector::load`]. If the path does not exist, it is looked up in the folder that
        /// this program was built in.
        detector: PathBuf,
        /// Face to take from a photo with several. Photos of one person have only one face taken.
        choice: Choice,
        /// Requirements of a face; `None` accepts every face.
        gates: Option<Gates>,
    },
}

/// Reads photos for one network.
pub struct Loader {
    preprocess: Preprocess,
    /// Without, photos are aligned crops already.
    pipeline: Option<Pipeline>,
}

/// A photo, or a face of it, that is not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The photo.
    pub photo: PathBuf,
    /// Number of the face, from 1, the largest first; `None` if only one was requested or none was found.
    pub face: Option<usize>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let face = self.face.map_or(String::new(), |number| format!(", face {number}"));
        write!(f, "{}{face}: {}", self.photo.display(), self.reason)
    }
}

/// Results of loading photos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Files and what the network takes, `[h][w][c]` bytes.
    pub crops: Vec<(PathBuf, Vec<u8>)>,
    /// The others.
    pub skipped: Vec<Skipped>,
}

impl Loaded {
    /// The crops alone.
    pub fn bytes(&self) -> Vec<Vec<u8>> {
        self.crops.iter().map(|(_, crop)| crop.clone()).collect()
    }
}

/// The path itself or, if it does not exist, the path in the folder that this program was built in: the default
/// network is found from any working directory.
fn found(path: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if !path.exists() && built.exists() { built } else { path.to_path_buf() }
}

impl Loader {
    /// A loader of photos of one person each.
    ///
    /// # Errors
    /// When the detector is not there, or all faces of a photo are asked for.
    pub fn new(preprocess: &Preprocess, source: &Source) -> Result<Self> {
        let pipeline = match source {
            Source::Aligned => None,
            Source::Raw { choice: Choice::All, .. } => {
                bail!("--face all is for `host align`: here a photo is of one person")
            }
            Source::Raw { detector, choice, gates } => {
                Some(Pipeline { detector: Detector::load(&found(detector))?, choice: *choice, gates: *gates })
            }
        };
        Ok(Loader { preprocess: *preprocess, pipeline })
    }

    /// Reads photos. Raw ones without a face that is fit are skipped.
    ///
    /// # Errors
    /// When a file is not a photo, or an aligned crop has another size than the network's.
    pub fn load(&self, paths: &[PathBuf]) -> Result<Loaded> {
        let bar = output::bar(
            paths.len(),
            if self.pipeline.is_some() { "finding faces" } else { "reading photos" },
        );
        let outcomes: Vec<Result<Result<Vec<u8>, Skipped>>> = paths
            .par_iter()
            .map(|path| {
                let outcome = self.load_one(path);
                bar.inc(1);
                outcome
            })
            .collect();
        bar.finish_and_clear();
        let mut loaded = Loaded::default();
        for (path, outcome) in paths.iter().zip(outcomes) {
            match outcome? {
                Ok(crop) => loaded.crops.push((path.clone(), crop)),
                Err(skipped) => loaded.skipped.push(skipped),
            }
        }
        Ok(loaded)
    }

    /// Reads photos that are all needed.
    ///
    /// # Errors
    /// As [`Self::load`]; also when a photo has no usable face.
    pub fn load_all(&self, paths: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
        let loaded = self.load(paths)?;
        if let Some(Skipped { photo, reason, .. }) = loaded.skipped.first() {
            bail!(
                "cannot use {}: {reason}; every photo that is listed is needed: take it off the list, or give --no-quality \
                 where it is the quality",
                photo.display()
            );
        }
        Ok(loaded.bytes())
    }

    /// Reads photos and reports on standard error which cannot be used and why.
    ///
    /// # Errors
    /// As [`Self::load`]; also when no photo can be used.
    pub fn load_usable(&self, paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let Loaded { crops, skipped } = self.load(paths)?;
        for Skipped { photo, reason, .. } in &skipped {
            output::warn(&format!("{} is not used: {reason}", photo.display()));
        }
        ensure!(!crops.is_empty(), "none of the {} photos can be used", paths.len());
        Ok(crops)
    }

    fn load_one(&self, path: &Path) -> Result<Result<Vec<u8>, Skipped>> {
        let Some(pipeline) = &self.pipeline else {
            return photo::load_crop(path, &self.preprocess).map(Ok);
        };
        let size = [self.preprocess.height, self.preprocess.width].map(usize::from);
        let skipped = |reason: String| Skipped { photo: path.to_path_buf(), face: None, reason };
        match pipeline.crops(&photo::load(path)?, size) {
            Ok(crops) => {
                let crop = &crops.first().context("no crop")?.image;
                photo::crop_bytes(crop, &self.preprocess).with_context(|| path.display().to_string()).map(Ok)
            }
            Err(refusal) => Ok(Err(skipped(refusal.to_string()))),
        }
    }
}
