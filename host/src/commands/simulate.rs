//! `host simulate`: recognises photos with the board's own code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use app::Recogniser;
use format::model::MAX_LAYERS;
use link::message::{Decision, Neighbour, Ruling};
use serde::Serialize;

use crate::cli;
use crate::crops::Loader;
use crate::simulator::{AlignedBytes, Simulator};

/// What became of a photo, in the simulator or on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The photo.
    pub photo: String,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Why, or why not.
    pub reason: &'static str,
    /// Whether nobody else enrolled can be within the margin of it.
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
    /// From what the board's code says.
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

fn reason(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Accepted => "accepted",
        Ruling::TooFar => "too far from everybody",
        Ruling::Ambiguous => "somebody else is nearly as near",
        Ruling::NobodyEnrolled => "nobody is enrolled",
        Ruling::Degenerate => "the embedding is zero",
    }
}

/// Recognises photos; those without a usable face are named on standard error and left out.
///
/// # Errors
/// When the image, a file or every photo cannot be used.
pub fn simulate(image: &Path, photos: &[PathBuf], reading: &cli::Photos) -> Result<Vec<Answer>> {
    let bytes = AlignedBytes::read(image)?;
    let image = bytes.image(image)?;
    let recogniser: Recogniser<'_, MAX_LAYERS> =
        Recogniser::of_image(image.clone()).map_err(|error| anyhow!("{error}"))?;
    let simulator = Simulator::new(&image.model)?;
    let crops = Loader::new(&image.preprocess, reading)?.load_usable(photos)?;
    let answer = |(photo, crop): &(PathBuf, Vec<u8>)| {
        let embedding = simulator.embed(crop).with_context(|| photo.display().to_string())?;
        Ok(Answer::new(photo, recogniser.recognise(&embedding)))
    };
    crops.iter().map(answer).collect()
}

/// A table of answers.
pub fn print(answers: &[Answer]) {
    let name = |name: &Option<String>| match name.as_deref() {
        None => "-".to_string(),
        Some("") => "(a stranger)".to_string(),
        Some(name) => name.to_string(),
    };
    let degrees = |angle: Option<f32>| angle.map_or("-".to_string(), |angle| format!("{angle:.1}°"));
    let width = answers.iter().map(|a| a.photo.chars().count()).max().unwrap_or(0).max(5);
    println!(
        "{:width$}  {:8}  {:16} {:>7}  {:16} {:>7}  {:>10}  why",
        "photo", "", "nearest", "angle", "next", "angle", "confidence"
    );
    for answer in answers {
        println!(
            "{:width$}  {:8}  {:16} {:>7}  {:16} {:>7}  {:>9.1}%  {}{}",
            answer.photo,
            if answer.accepted { "ACCEPTED" } else { "rejected" },
            name(&answer.person),
            degrees(answer.angle_degrees),
            name(&answer.runner_up),
            degrees(answer.runner_up_angle_degrees),
            100.0 * answer.confidence,
            answer.reason,
            if answer.certified { ", certified" } else { "" }
        );
    }
}
