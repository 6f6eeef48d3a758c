//! From photo files to the network's input: aligned crops as they are, or faces found in raw photos.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use format::preprocess::Preprocess;
use rayon::prelude::*;
use serde::Serialize;

use crate::commands::align::cut_out;
use crate::face::Detector;
use crate::{cli, output, photo};

/// Reads photos for one network.
pub struct Loader {
    preprocess: Preprocess,
    /// Without, photos are aligned crops already.
    detector: Option<Detector>,
}

/// A photo that is not used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The photo.
    pub photo: PathBuf,
    /// Why.
    pub reason: String,
}

/// What came of some photos.
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

impl Loader {
    /// A loader as the command line asks for.
    ///
    /// # Errors
    /// When the detector is not there.
    pub fn new(preprocess: &Preprocess, photos: &cli::Photos) -> Result<Self> {
        let detector = if photos.aligned { None } else { Some(Detector::load(&photos.detector)?) };
        Ok(Loader { preprocess: preprocess.clone(), detector })
    }

    /// Reads photos. In raw ones the largest face is taken; where there is none the photo is skipped.
    ///
    /// # Errors
    /// When a file is not a photo, or an aligned crop has another size than the network's.
    pub fn load(&self, paths: &[PathBuf]) -> Result<Loaded> {
        let bar = output::bar(
            paths.len(),
            if self.detector.is_some() { "finding faces" } else { "reading photos" },
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
        if let Some(Skipped { photo, reason }) = loaded.skipped.first() {
            bail!("cannot use {}: {reason}", photo.display());
        }
        Ok(loaded.bytes())
    }

    fn load_one(&self, path: &Path) -> Result<Result<Vec<u8>, Skipped>> {
        let Some(detector) = &self.detector else {
            return photo::load_crop(path, &self.preprocess).map(Ok);
        };
        let size = [self.preprocess.height, self.preprocess.width].map(usize::from);
        let faces = cut_out(detector, &photo::load(path)?, size, cli::Faces::Largest)?;
        match faces.into_iter().next() {
            Some((crop, _)) => {
                photo::crop_bytes(&crop, &self.preprocess).with_context(|| path.display().to_string()).map(Ok)
            }
            None => Ok(Err(Skipped { photo: path.to_path_buf(), reason: "no face was found".to_string() })),
        }
    }
}
