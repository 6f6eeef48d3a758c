//! Recognition of photos, by the board's code on this computer ([`simulated`]) or by a board ([`board`]); and of camera
//! frames, by both ([`frames`]).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use app::Recogniser;
use link::message::{Decision, Neighbour, Ruling};
use serde::Serialize;

use crate::crops::{Loader, Photo, Source};
use crate::simulator::{AlignedBytes, Simulator};

pub mod board;
pub mod frames;

/// The answer for a photo, from the simulator or a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The photo.
    pub photo: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Why it was accepted or not.
    pub reason: &'static str,
    /// Whether no other enrolled person can be within the margin.
    pub certified: bool,
    /// ArcFace's posterior of the nearest person among all enrolled, 0 to 1.
    pub confidence: f32,
    /// The nearest enrolled person.
    pub person: Option<String>,
    /// Angle to their centre in degrees.
    pub angle_degrees: Option<f32>,
    /// Cosine of that angle.
    pub cosine: Option<f32>,
    /// The nearest other person; empty for a stranger of the cohort.
    pub runner_up: Option<String>,
    /// Angle to their centre in degrees.
    pub runner_up_angle_degrees: Option<f32>,
}

impl Answer {
    /// From the result of the board's code.
    pub fn new(photo: &Path, decision: Decision) -> Self {
        let Decision { ruling, certified, confidence, best, runner_up } = decision;
        let cosine = |neighbour: &Neighbour| neighbour.cosine_q30 as f32 / (1u32 << 30) as f32;
        Answer {
            photo: photo.display().to_string(),
            accepted: ruling == Ruling::Accepted,
            reason: reason(ruling),
            certified,
            confidence,
            angle_degrees: best.as_ref().map(|best| best.angle_degrees),
            cosine: best.as_ref().map(cosine),
            person: best.map(|candidate| candidate.name.to_string()),
            runner_up_angle_degrees: runner_up.as_ref().map(|runner_up| runner_up.angle_degrees),
            runner_up: runner_up.map(|candidate| candidate.name.to_string()),
        }
    }
}

/// Why a probe is accepted or not.
pub fn reason(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Accepted => "accepted",
        Ruling::TooFar => "too far from everybody",
        Ruling::Ambiguous => "somebody else is nearly as near",
        Ruling::NobodyEnrolled => "nobody is enrolled",
        Ruling::Degenerate => "the embedding is zero",
    }
}

/// Recognises photos with the board's own code. Photos without a usable face are reported on standard error and left
/// out.
///
/// # Errors
/// When the image, a file or every photo cannot be used.
pub fn simulated(path: &Path, photos: &[PathBuf], source: &Source) -> Result<Vec<Answer>> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let mut arena = AlignedBytes::zeroed(image.arena_bytes());
    let recogniser =
        Recogniser::of_image(image.clone(), arena.bytes_mut()).map_err(|error| anyhow!("{error}"))?;
    let simulator = Simulator::new(&image.embedder)?;
    let usable = Loader::of_image(&bytes, path, source)?.load_usable(photos)?;
    let answer = |Photo { path, crop }: &Photo| {
        let embedding = simulator.embed(crop).with_context(|| path.display().to_string())?;
        let decision = recogniser.recognise(&embedding).with_context(|| path.display().to_string())?;
        Ok(Answer::new(path, decision))
    };
    usable.iter().map(answer).collect()
}
