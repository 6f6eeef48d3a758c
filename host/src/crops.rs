//! From photo files to the network's input: aligned crops as they are, or faces found in raw photos.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::Image;
use format::preprocess::Preprocess;
use rayon::prelude::*;
use serde::Serialize;

use crate::face::{Choice, DEFAULT, Finder, FloatDetector, Pipeline, found};
use crate::name::visible;
use crate::sight::{Networks, Seer, fit, frames};
use crate::simulator::AlignedBytes;
use crate::usage::wrong_use;
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
        finding: Finding,
        /// Face to take from a photo with several. Photos of one person have only one face taken.
        choice: Choice,
        /// Whether a face must be fit for recognition.
        has_gates: bool,
    },
}

/// What is to find and examine faces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The image's eyes; where it has none, the default networks in float.
    Image,
    /// These networks: quantised as a board's eyes where there is no image, in float for an image without eyes. An image with
    /// eyes sees with no others.
    Board(Networks),
    /// A detector in float, see [`FloatDetector::load`]. If the path does not exist, it is looked up in the folder that this
    /// program was built in.
    Float(PathBuf),
}

impl Finding {
    /// What finds faces for an image with these eyes. Who is enrolled in an image without eyes, and who is recognised with it,
    /// is seen in float.
    ///
    /// # Errors
    /// When the networks are not there, or others are named than the image's.
    pub fn for_image(&self, eyes: Option<Seer>) -> Result<Finder> {
        let detector = match (self, eyes) {
            (Finding::Image, Some(seer)) => return Ok(Finder::Board(seer)),
            (Finding::Board(_), Some(_)) => {
                return Err(wrong_use(
                    "--detector is for images without eyes: this one has its own, and boards see with them; leave the option out, or \
                     give --float-eyes too to see in float",
                ));
            }
            (Finding::Image, None) => Path::new(DEFAULT),
            (Finding::Board(Networks { detector, .. }), None) | (Finding::Float(detector), _) => detector,
        };
        FloatDetector::load(detector).map(Finder::Float)
    }

    /// What finds faces where there is no image. The networks are quantised on these photos, and on those of ./setup.sh where
    /// these are few, which is told. Crops have `crop_eyes` pixels between the eyes.
    ///
    /// # Errors
    /// When the networks are not there, or find no face.
    pub fn alone(&self, photos: &[PathBuf], crop_eyes: f32) -> Result<Finder> {
        let default = Networks::default();
        let networks = match self {
            Finding::Float(detector) => return FloatDetector::load(detector).map(Finder::Float),
            Finding::Board(networks) => networks,
            Finding::Image => &default,
        };
        let mut warnings = Vec::new();
        let known = networks.known(crop_eyes)?;
        let frames = to_calibrate(photos, &mut warnings)?;
        let eyes = fit(&known, &frames)?;
        warnings.extend(eyes.report.beside_float.warnings());
        output::warn_all(&warnings);
        Ok(Finder::Board(Seer::new(&eyes)?))
    }
}

/// Fewer photos than this are too few to quantise a board's eyes on.
const LEAST_TO_CALIBRATE: usize = 24;

/// Frames to quantise a board's eyes on, some of each photo: of some of these photos, and of those of ./setup.sh where these are
/// few, which is added to the warnings. What is no photo is left out; it is named where it is used.
///
/// # Errors
/// When a folder cannot be read.
pub fn to_calibrate(photos: &[PathBuf], warnings: &mut Vec<String>) -> Result<Vec<Vec<image::RgbImage>>> {
    let step = photos.len().div_ceil(fit::MOST_PHOTOS).max(1);
    let mut paths: Vec<PathBuf> = photos.iter().step_by(step).cloned().collect();
    let fetched = found(Path::new("data/faces"));
    if paths.len() < LEAST_TO_CALIBRATE && fetched.is_dir() {
        let given = paths.len();
        paths.extend(photo::folder::list(&fetched)?.found);
        warnings.push(format!(
            "the board's eyes are quantised on the {} photos of ./setup.sh in {} too, as there are only {given} others: \
             {LEAST_TO_CALIBRATE} photos from the device's camera would do",
            paths.len() - given,
            fetched.display()
        ));
    }
    let read = |path: &PathBuf| photo::load(path).ok().map(|photo| frames::of(&photo));
    Ok(paths.par_iter().filter_map(read).collect())
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

impl Skipped {
    /// A file that cannot be read.
    pub fn of_error(photo: &Path, error: &anyhow::Error) -> Self {
        let reason = without_path(&format!("{error:#}"), photo);
        Skipped { photo: photo.to_path_buf(), face: None, reason }
    }
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
    /// A loader of photos of one person each, for an image. Raw photos are seen by the image's eyes; where it has none, in float.
    ///
    /// # Errors
    /// When there is nothing to find faces with, or all faces of a photo are asked for.
    pub fn of_image(bytes: &AlignedBytes, path: &Path, source: &Source) -> Result<Self> {
        let image: Image<'_> = bytes.image(path)?;
        Self::new(&image.embedder.preprocess(), source, |finding| {
            let eyes = Seer::of_image(&image, bytes.bytes(), path)?;
            finding.for_image(eyes).with_context(|| path.display().to_string())
        })
    }

    /// A loader of photos of one person each. `finder` makes what sees raw photos.
    ///
    /// # Errors
    /// When there is nothing to find faces with, or all faces of a photo are asked for.
    pub fn new(
        preprocess: &Preprocess,
        source: &Source,
        finder: impl FnOnce(&Finding) -> Result<Finder>,
    ) -> Result<Self> {
        let pipeline = match &source.content {
            Content::Aligned => None,
            Content::Raw { choice: Choice::All, .. } => {
                return Err(wrong_use("--face all is for `host align`: here a photo is of one person"));
            }
            Content::Raw { finding, choice, has_gates } => {
                Some(Pipeline { finder: finder(finding)?, choice: *choice, has_gates: *has_gates })
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
                Err(error) => loaded.skipped.push(Skipped::of_error(path, &error)),
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
        let skipped = |reason: String| Skipped { photo: path.to_path_buf(), face: None, reason };
        match pipeline.crops(&photo::load(path)?, &self.preprocess) {
            Ok(crops) => Ok(Ok(crops.into_iter().next().context("no crop")?.pixels)),
            Err(reason) => Ok(Err(skipped(reason.to_string()))),
        }
    }
}
