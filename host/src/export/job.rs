//! What to export, and with what.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use format::policy::Kind;
use format::preprocess::Colour;

use crate::budget::Room;
use crate::crops::Source;
use crate::onnx::Cut;
use crate::quantize::Preprocessing;

/// What to export.
#[derive(Clone, Debug)]
pub struct Job {
    /// The ONNX file.
    pub model: PathBuf,
    /// Which of its outputs is the embedding, and the size of photos where the file leaves it open.
    pub cut: Cut,
    /// Folder with a subfolder of aligned crops a person; nobody is enrolled without.
    pub enrol: Option<PathBuf>,
    /// Folder of aligned crops to calibrate the quantiser on; without, the photos of people and strangers are used.
    pub calibrate: Option<PathBuf>,
    /// Folder of aligned crops of strangers, one person a photo or a subfolder a person.
    pub cohort: Option<PathBuf>,
    /// Folder of photos of strangers that the image is tried on, one person a photo or a subfolder a person.
    pub check: Option<PathBuf>,
    /// Order of a pixel's bytes; without, RGB or grey, as the network's input has channels.
    pub colour: Option<Colour>,
    /// What the network was trained with.
    pub preprocessing: Preprocessing,
    /// Which rules decide.
    pub policy: Kind,
    /// Radians: the margin between the best and the next, or that of the caps for [`Kind::Margin`]; without, derived.
    pub margin: Option<f32>,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
    /// Least cosine, instead of one from the cohort.
    pub threshold: Option<f32>,
    /// Keep photos that look like another person's.
    pub keep_outliers: bool,
    /// Enrol people who look like one.
    pub allow_duplicates: bool,
    /// Leave strangers out of the image.
    pub without_cohort: bool,
    /// Scale of the logits in training.
    pub logit_scale: f32,
    /// What the photos are.
    pub photos: Source,
    /// What the image must have room in.
    pub room: Option<Room>,
    /// Export although quantisation harms too much, or unlike photos get like embeddings.
    pub force: bool,
}

impl Job {
    /// A job for a network with everything else as it is by default; photos are aligned crops.
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
            room: None,
            force: false,
        }
    }

    /// Name of the network: that of its file.
    pub(super) fn network(&self) -> String {
        self.model.file_stem().and_then(|stem| stem.to_str()).unwrap_or("network").to_string()
    }

    /// Refuses numbers that mean nothing.
    ///
    /// # Errors
    /// Names the option.
    pub fn check(&self) -> Result<()> {
        let margin = self.margin.unwrap_or(0.0);
        ensure!((0.0..=1.5).contains(&margin), "--margin {margin} is not between 0 and 1.5 radians");
        ensure!(
            self.logit_scale.is_finite() && self.logit_scale > 0.0,
            "--logit-scale {} is not a positive number",
            self.logit_scale
        );
        if let Some(cosine) = self.threshold {
            ensure!((0.0..=1.0).contains(&cosine), "--threshold {cosine} is not a cosine between 0 and 1");
        }
        let Preprocessing { mean, scale } = self.preprocessing;
        ensure!(mean.is_finite(), "--mean {mean} is not a number");
        ensure!(scale.is_finite() && scale > 0.0, "--scale {scale} is not a positive number");
        ensure!(self.fpir > 0.0 && self.fpir < 1.0, "--fpir {} is not between 0 and 1", self.fpir);
        Ok(())
    }
}
