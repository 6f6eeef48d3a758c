//! The subject and the options of an export.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::Result;
use format::policy::Kind;
use format::preprocess::Colour;

use crate::budget::Room;
use crate::crops::Source;
use crate::onnx::Cut;
use crate::quantize::Preprocessing;
use crate::sight::{Networks, QuantisedEyes};
use crate::usage::ensure_use;

/// Margins that make sense, radians.
pub const MARGINS: RangeInclusive<f32> = 0.0..=1.5;
/// Cosines that make sense as a threshold.
pub const THRESHOLDS: RangeInclusive<f32> = 0.0..=1.0;

/// What a board's eyes are made from.
#[derive(Clone, Debug)]
pub enum EyesFrom {
    /// Networks, to be quantised on the job's photos.
    Networks(Networks),
    /// Networks quantised before.
    Quantised(QuantisedEyes),
}

/// The subject and the options of an export.
#[derive(Clone, Debug)]
pub struct Job {
    /// The ONNX file.
    pub model: PathBuf,
    /// The output that is the embedding, and the size of photos if the file leaves it open.
    pub cut: Cut,
    /// Folder with a subfolder of aligned crops for each person. Without it nobody is enrolled.
    pub enrol: Option<PathBuf>,
    /// Folder of aligned crops for calibrating the quantiser. Without it the photos of people and strangers are used.
    pub calibrate: Option<PathBuf>,
    /// Folder of aligned crops of strangers: one person for each photo, or a subfolder for each person.
    pub cohort: Option<PathBuf>,
    /// Folder of photos of strangers for testing the image: one person for each photo, or a subfolder for each person.
    pub check: Option<PathBuf>,
    /// Order of a pixel's bytes. Without it RGB or grey, by the number of channels of the network's input.
    pub colour: Option<Colour>,
    /// Preprocessing in the network's training.
    pub preprocessing: Preprocessing,
    /// The rules that decide.
    pub policy: Kind,
    /// Margin in radians between the best and the next person, or of the caps for [`Kind::Margin`]. Without it the
    /// margin is derived.
    pub margin: Option<f32>,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
    /// Least cosine, instead of a threshold from the cohort.
    pub threshold: Option<f32>,
    /// Keep photos that look like another person's.
    pub keep_outliers: bool,
    /// Enrol several people who look like one person.
    pub allow_duplicates: bool,
    /// Do not store strangers in the image.
    pub without_cohort: bool,
    /// Scale of the logits in training.
    pub logit_scale: f32,
    /// Kind of the photos.
    pub photos: Source,
    /// The board's eyes. Without them the image has none, and a board takes crops alone.
    pub eyes: Option<EyesFrom>,
    /// The memory in which the image must fit.
    pub room: Option<Room>,
    /// Export even if quantisation harms the network too much, or unlike photos get similar embeddings.
    pub force: bool,
}

impl Job {
    /// A job for a network, with defaults for everything else. Photos are aligned crops.
    pub fn new(model: PathBuf) -> Self {
        Job {
            model,
            cut: Cut::default(),
            enrol: None,
            calibrate: None,
            cohort: None,
            check: None,
            colour: None,
            preprocessing: Preprocessing::default(),
            policy: Kind::Calibrated,
            margin: None,
            fpir: 0.003,
            threshold: None,
            keep_outliers: false,
            allow_duplicates: false,
            without_cohort: false,
            logit_scale: 64.0,
            photos: Source::aligned(),
            eyes: None,
            room: None,
            force: false,
        }
    }

    /// Name of the network, which is the name of its file.
    pub(super) fn network(&self) -> String {
        self.model.file_stem().and_then(|stem| stem.to_str()).unwrap_or("network").to_string()
    }

    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    /// Names the option.
    pub fn check(&self) -> Result<()> {
        let margin = self.margin.unwrap_or(0.0);
        ensure_use(MARGINS.contains(&margin), || {
            format!("--margin {margin} is not between 0 and 1.5 radians")
        })?;
        let scale = self.logit_scale;
        ensure_use(scale.is_finite() && scale > 0.0, || {
            format!("--logit-scale {scale} is not a positive number")
        })?;
        if let Some(cosine) = self.threshold {
            ensure_use(THRESHOLDS.contains(&cosine), || {
                format!("--threshold {cosine} is not a cosine between 0 and 1")
            })?;
        }
        let Preprocessing { mean, scale } = self.preprocessing;
        ensure_use(mean.is_finite(), || format!("--mean {mean} is not a number"))?;
        ensure_use(scale.is_finite() && scale > 0.0, || format!("--scale {scale} is not a positive number"))?;
        ensure_use(self.fpir > 0.0 && self.fpir < 1.0, || {
            format!("--fpir {} is not between 0 and 1", self.fpir)
        })
    }
}
