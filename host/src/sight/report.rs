//! The int8 eyes beside the float ones: do both find the same faces, with the same boxes and landmarks?

use anyhow::Result;
use face::Found;
use rayon::prelude::*;
use serde::Serialize;
use vision::Frame;

use super::float::FloatEyes;
use super::places::{bounds, error, landmarks, overlap, percentile};
use super::seer::Seer;

/// Boxes that share at least this part of their union show one face.
const SAME: f32 = 0.4;

/// What int8 eyes see beside float ones, over the frames that judge.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EyesReport {
    /// Frames.
    pub frames: usize,
    /// Faces that both find.
    pub both: usize,
    /// Faces that only int8 finds.
    pub int8_alone: usize,
    /// Faces that only float finds.
    pub float_alone: usize,
    /// Difference of the boxes that both find: the side that differs most, as a share of the float box's width.
    pub boxes: Option<Difference>,
    /// Difference of the landmarks of these faces: mean over five, as a share of the distance of the float eyes.
    pub points: Option<Difference>,
    /// Faces of these that int8 and float answer differently: live or not. `None` without a photo check. Both look at the
    /// same part of the frame.
    pub flipped: Option<usize>,
}

/// A difference over many faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Of half of the faces at most this.
    pub median: f32,
    /// The largest.
    pub largest: f32,
}

impl Difference {
    fn of(values: Vec<f32>) -> Option<Self> {
        let largest = values.iter().copied().fold(0.0, f32::max);
        Some(Difference { median: percentile(values, 0.5)?, largest })
    }
}

/// A frame's counts: both, int8 alone, float alone; and the differences of the faces that both find.
struct Compared {
    counts: [usize; 3],
    boxes: Vec<f32>,
    points: Vec<f32>,
    flipped: Vec<bool>,
}

/// Lets both see the frames.
///
/// # Errors
/// When a network cannot be run.
pub fn compare(seer: &Seer, float: &FloatEyes, frames: &[Frame<'_>]) -> Result<EyesReport> {
    let compared: Vec<Compared> =
        frames.par_iter().map(|frame| compare_frame(seer, float, frame)).collect::<Result<_>>()?;
    let count = |which: usize| compared.iter().map(|frame| frame.counts[which]).sum();
    let flipped = compared.iter().flat_map(|frame| &frame.flipped);
    let all = |of: fn(&Compared) -> &Vec<f32>| compared.iter().flat_map(of).copied().collect();
    Ok(EyesReport {
        frames: frames.len(),
        both: count(0),
        int8_alone: count(1),
        float_alone: count(2),
        boxes: Difference::of(all(|frame| &frame.boxes)),
        points: Difference::of(all(|frame| &frame.points)),
        flipped: float.has_liveness().then(|| flipped.filter(|&&flipped| flipped).count()),
    })
}

fn compare_frame(seer: &Seer, float: &FloatEyes, frame: &Frame<'_>) -> Result<Compared> {
    let found = seer.scan(frame, &frame.rect())?;
    let mut theirs = float.scan(frame);
    let mut compared =
        Compared { counts: [0; 3], boxes: Vec::new(), points: Vec::new(), flipped: Vec::new() };
    for face in &found {
        let ours = bounds(&face.bounds);
        let nearest = (0..theirs.len())
            .max_by(|&a, &b| overlap(ours, theirs[a].bounds).total_cmp(&overlap(ours, theirs[b].bounds)))
            .filter(|&nearest| overlap(ours, theirs[nearest].bounds) >= SAME);
        let Some(nearest) = nearest else {
            compared.counts[1] += 1;
            continue;
        };
        let float_face = theirs.swap_remove(nearest);
        let [left, _, right, _] = float_face.bounds;
        let sides = ours.iter().zip(float_face.bounds).map(|(a, b)| (a - b).abs());
        compared.boxes.push(sides.fold(0.0, f32::max) / (right - left).max(f32::MIN_POSITIVE));
        compared.counts[0] += 1;
        compared.flipped.extend(is_flipped(seer, float, frame, face)?);
        if let Some(expected) = float.look(frame, &float_face)? {
            let look = seer.look(frame, face)?;
            compared.points.push(error(&landmarks(&look.points), &expected));
        }
    }
    compared.counts[2] = theirs.len();
    Ok(compared)
}

/// Whether int8 and float differ in their answer on a face; `None` without a photo check.
///
/// # Errors
/// When a network cannot be run.
pub fn is_flipped(seer: &Seer, float: &FloatEyes, frame: &Frame<'_>, face: &Found) -> Result<Option<bool>> {
    let Some((ours, theirs)) = seer.alive_q16(frame, face)?.zip(float.alive(frame, &face.bounds)) else {
        return Ok(None);
    };
    let alive = seer.sight().alive_q16;
    Ok(Some((ours >= alive) != (theirs >= f64::from(alive) / 65_536.0)))
}
