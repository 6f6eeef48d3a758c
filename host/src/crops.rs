//! From photo files to the network's input: aligned crops as they are, or faces found in raw photos.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::Image;
use format::preprocess::Preprocess;
use rayon::prelude::*;
use serde::Serialize;

use crate::face::{Choice, Detector, Eyes, Gates, Pipeline, board, found};
use crate::name::visible;
use crate::sight::{Networks, Seer, fit};
use crate::simulator::AlignedBytes;
use crate::{output, photo};

pub mod cut;

/// What photo files hold, and what becomes of those that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What they hold.
    pub content: Content,
    /// Let the first file that cannot be used be an error. Without, it is left out and named.
    pub is_strict: bool,
}

impl Source {
    /// Aligned crops; what cannot be used is left out.
    pub fn aligned() -> Self {
        Source { content: Content::Aligned, is_strict: false }
    }
}

/// What photo files hold, and what is looked for in them.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Aligned crops of the network's size; no faces are searched for.
    Aligned,
    /// Photos as taken by cameras.
    Raw {
        /// What finds the faces.
        sight: Sight,
        /// Face to take from a photo with several. Photos of one person have only one face taken.
        choice: Choice,
        /// Requirements of a face; `None` accepts every face.
        gates: Option<Gates>,
    },
}

/// What finds and examines faces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A board's eyes: the image's, or, where there is no image or it has none, these networks quantised.
    Board(Networks),
    /// A detector in float, see [`Detector::load`]. If the path does not exist, it is looked up in the folder that this
    /// program was built in.
    Float(PathBuf),
}

impl Sight {
    /// Eyes for photos without an image. The networks are quantised on these photos, and on those of ./setup.sh where
    /// these are few. Crops have `crop_eyes` pixels between the eyes.
    ///
    /// # Errors
    /// When the networks are not there, or find no face.
    pub fn eyes(&self, photos: &[PathBuf], crop_eyes: f32) -> Result<Eyes> {
        match self {
            Sight::Float(detector) => Ok(Eyes::Float(Detector::load(detector)?)),
            Sight::Board(networks) => {
                Ok(Eyes::Board(Seer::new(&fit(networks, &to_calibrate(photos)?, crop_eyes)?)?))
            }
        }
    }
}

/// Fewer photos than this are too few to quantise a board's eyes on.
const LEAST_TO_CALIBRATE: usize = 24;

/// Photos to quantise a board's eyes on: some of these, and those of ./setup.sh where these are few. What is no photo is left
/// out; it is named where it is used.
///
/// # Errors
/// When a folder cannot be read.
pub fn to_calibrate(photos: &[PathBuf]) -> Result<Vec<image::RgbImage>> {
    let step = photos.len().div_ceil(fit::MOST_PHOTOS).max(1);
    let mut paths: Vec<PathBuf> = photos.iter().step_by(step).cloned().collect();
    let fetched = found(Path::new("data/faces"));
    if paths.len() < LEAST_TO_CALIBRATE && fetched.is_dir() {
        paths.extend(photo::folder::list(&fetched)?.found);
    }
    Ok(paths.par_iter().filter_map(|path| photo::load(path).ok()).collect())
}

/// Pixels between the eyes in an aligned crop.
pub fn crop_eyes(preprocess: &Preprocess) -> f32 {
    let [left, right, ..] = preprocess.template;
    (f32::from(right[0]) - f32::from(left[0])) / 64.0
}

/// Reads photos for one network.
pub struct Loader {
    preprocess: Preprocess,
    /// Without, photos are aligned crops already.
    pipeline: Option<Pipeline>,
    is_strict: bool,
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
        write!(f, "{}{face}: {}", visible(&self.photo.display().to_string()), self.reason)
    }
}

/// A photo's file and what the network takes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The file.
    pub path: PathBuf,
    /// The crop, `[h][w][c]` bytes.
    pub crop: Vec<u8>,
}

impl AsRef<Path> for Photo {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Results of loading photos.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Those that can be used.
    pub photos: Vec<Photo>,
    /// The others.
    pub skipped: Vec<Skipped>,
}

/// Why a file cannot be used, without its name, which stands before that already.
fn without_path(error: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let verbs = ["cannot use ", "cannot read photo "];
    let reason = verbs.iter().find_map(|verb| error.strip_prefix(verb)).unwrap_or(error);
    reason.strip_prefix(&*path).map_or(reason, |rest| rest.trim_start_matches([':', ' '])).to_string()
}

/// A line on photos that were skipped, with the first of them; nothing if there are none.
pub fn skipped_words(skipped: &[Skipped]) -> Option<String> {
    let named: Vec<String> = skipped.iter().map(Skipped::to_string).collect();
    Some(match &named[..] {
        [] => return None,
        [one] => format!("one photo is not used: {one}"),
        all => format!(
            "{} photos are not used: {}; --strict stops at the first",
            all.len(),
            output::some_of(all)
        ),
    })
}

impl Loaded {
    /// The crops alone.
    pub fn bytes(&self) -> Vec<Vec<u8>> {
        self.photos.iter().map(|photo| photo.crop.clone()).collect()
    }
}

impl Loader {
    /// A loader of photos of one person each, for an image. Raw photos are seen by the image's eyes; where it has none, by the
    /// same networks in float.
    ///
    /// # Errors
    /// When there is nothing to find faces with, or all faces of a photo are asked for.
    pub fn of_image(bytes: &AlignedBytes, path: &Path, source: &Source) -> Result<Self> {
        let image: Image<'_> = bytes.image(path)?;
        Self::new(&image.embedder.preprocess(), source, |sight| match sight {
            Sight::Board(networks) => Ok(match Seer::of_image(&image, bytes.bytes(), path)? {
                Some(seer) => Eyes::Board(seer),
                None => Eyes::Float(Detector::load(&networks.detector)?),
            }),
            Sight::Float(detector) => Ok(Eyes::Float(Detector::load(detector)?)),
        })
    }

    /// A loader of photos of one person each. `eyes` makes what sees raw photos.
    ///
    /// # Errors
    /// When there is nothing to find faces with, or all faces of a photo are asked for.
    pub fn new(
        preprocess: &Preprocess,
        source: &Source,
        eyes: impl FnOnce(&Sight) -> Result<Eyes>,
    ) -> Result<Self> {
        let pipeline = match &source.content {
            Content::Aligned => None,
            Content::Raw { choice: Choice::All, .. } => {
                bail!("--face all is for `host align`: here a photo is of one person")
            }
            Content::Raw { sight, choice, gates } => {
                Some(Pipeline { eyes: eyes(sight)?, choice: *choice, gates: *gates })
            }
        };
        Ok(Loader { preprocess: *preprocess, pipeline, is_strict: source.is_strict })
    }

    /// Height, width and channels of a crop.
    pub fn shape(&self) -> [usize; 3] {
        let Preprocess { height, width, colour, .. } = self.preprocess;
        [height.into(), width.into(), colour.channels()]
    }

    /// Whether nothing may be skipped.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Reads photos. What cannot be used is skipped: files that are no photos, raw ones without a face that is fit, aligned crops
    /// of another size than the network's.
    ///
    /// # Errors
    /// Where nothing may be skipped, the first that is.
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
            match outcome {
                Ok(Ok(crop)) => loaded.photos.push(Photo { path: path.clone(), crop }),
                Err(error) if self.is_strict => return Err(error),
                Ok(Err(Skipped { photo, reason, .. })) if self.is_strict => {
                    bail!("cannot use {}: {reason}", photo.display())
                }
                Ok(Err(skipped)) => loaded.skipped.push(skipped),
                Err(error) => {
                    let reason = without_path(&format!("{error:#}"), path);
                    loaded.skipped.push(Skipped { photo: path.clone(), face: None, reason });
                }
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
    pub fn load_usable(&self, paths: &[PathBuf]) -> Result<Vec<Photo>> {
        let Loaded { photos, skipped } = self.load(paths)?;
        let words = skipped_words(&skipped);
        if let ([_], [Skipped { photo, reason, .. }]) = (paths, &skipped[..]) {
            bail!("cannot use {}: {reason}", photo.display());
        }
        ensure!(
            !photos.is_empty(),
            "none of the {} photos can be used: {}",
            paths.len(),
            words.as_deref().unwrap_or("there are none")
        );
        words.iter().for_each(|words| output::warn(words));
        Ok(photos)
    }

    fn load_one(&self, path: &Path) -> Result<Result<Vec<u8>, Skipped>> {
        let Some(pipeline) = &self.pipeline else {
            return photo::load_crop(path, &self.preprocess).map(Ok);
        };
        let size = [self.preprocess.height, self.preprocess.width].map(usize::from);
        let skipped = |reason: String| Skipped { photo: path.to_path_buf(), face: None, reason };
        if let Eyes::Board(seer) = &pipeline.eyes {
            // A board warps in the network's colour, not from a colour crop.
            let (photo, has_gates) = (photo::load(path)?, pipeline.gates.is_some());
            let outcomes = board::each(seer, &photo, pipeline.choice, has_gates, &self.preprocess);
            let first = outcomes.map(|outcomes| outcomes.into_iter().next());
            return Ok(match first {
                Ok(Some(Ok(seen))) => Ok(seen.crop),
                Ok(Some(Err(refusal))) | Err(refusal) => Err(skipped(refusal.to_string())),
                Ok(None) => Err(skipped(crate::face::Refusal::NoFace.to_string())),
            });
        }
        match pipeline.crops(&photo::load(path)?, size) {
            Ok(crops) => {
                let crop = &crops.first().context("no crop")?.image;
                photo::crop_bytes(crop, &self.preprocess).with_context(|| path.display().to_string()).map(Ok)
            }
            Err(refusal) => Ok(Err(skipped(refusal.to_string()))),
        }
    }
}
