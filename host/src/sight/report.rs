//! The int8 eyes beside the float ones: do both find the same faces, with the same boxes and landmarks?

use std::fmt;

use anyhow::{Result, anyhow};
use face::{Eyes, Found};
use rayon::prelude::*;
use serde::Serialize;
use vision::Frame;

use super::float::FloatEyes;
use super::places::{bounds, error, is_same, landmarks, overlap, percentile};
use super::seer::Seer;
use crate::cost::BoardCost;
use crate::export::other::OutputReport;
use crate::inspect::image::NetworkRow;

/// Share of the faces that only one of both finds from which on it is warned of.
const MANY_ALONE: f64 = 0.1;
/// Median difference of boxes and of landmarks from which on it is warned of.
const FAR: f32 = 0.05;
/// Share of the answers that differ from which on it is warned of.
const MANY_FLIPPED: f64 = 0.1;

/// Quantised eyes: their networks, and what they see beside the float ones.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EyesReport {
    /// The networks, in the order of roles.
    pub networks: Vec<QuantisedNetwork>,
    /// The eyes as a whole.
    pub beside_float: BesideFloat,
}

/// A network of the eyes, quantised.
#[derive(Clone, Debug, Serialize)]
pub struct QuantisedNetwork {
    /// The network in the image.
    #[serde(flatten)]
    pub row: NetworkRow,
    /// Pictures that scales were chosen on.
    pub calibrated: usize,
    /// Pictures that judged.
    pub judged: usize,
    /// Tensors of 16 bits, besides outputs.
    pub wide: usize,
    /// Difference of outputs from the float network's.
    pub outputs: Vec<OutputReport>,
    /// Estimated instructions on each board.
    pub costs: Vec<BoardCost>,
}

/// What int8 eyes see beside float ones, over the frames that judge.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BesideFloat {
    /// Frames.
    pub frames: usize,
    /// Whether the frames are of photos that no scale was chosen on.
    pub is_unseen: bool,
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

impl fmt::Display for BesideFloat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frames, is_unseen, both, int8_alone, float_alone, boxes, points, flipped } = self;
        write!(
            f,
            "int8 beside float, {frames} {} frames: {both} faces found by both, {int8_alone} by int8 alone, {float_alone} by \
             float alone",
            if *is_unseen { "held-out" } else { "calibration" }
        )?;
        for (what, difference) in [("boxes", boxes), ("landmarks", points)] {
            if let Some(Difference { median, largest }) = difference {
                write!(f, "; {what} differ by {:.1} %, at most {:.1} %", 100.0 * median, 100.0 * largest)?;
            }
        }
        match flipped {
            Some(flipped) => write!(f, "; {flipped} other answers of the photo check"),
            None => Ok(()),
        }
    }
}

impl BesideFloat {
    /// Lines on what differs much.
    pub fn warnings(&self) -> Vec<String> {
        let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
        let alone = self.int8_alone + self.float_alone;
        let more = "give --calibrate more photos like those that the camera will take";
        let mut warnings = Vec::new();
        if share(alone, self.both + alone) > MANY_ALONE {
            warnings.push(format!(
                "the board's eyes agree little with the float networks: {} faces are found by both, {} by int8 alone, {} by float \
                 alone; {more}",
                self.both, self.int8_alone, self.float_alone
            ));
        }
        for (what, of, difference) in
            [("boxes", "their width", self.boxes), ("landmarks", "the distance of the eyes", self.points)]
        {
            if let Some(Difference { median, .. }) = difference.filter(|difference| difference.median > FAR) {
                warnings.push(format!(
                    "the board's eyes place {what} otherwise than the float networks: by {:.1} % of {of} in the middle; {more}",
                    100.0 * median
                ));
            }
        }
        if let Some(flipped) = self.flipped.filter(|&flipped| share(flipped, self.both) > MANY_FLIPPED) {
            warnings.push(format!(
                "the photo check in int8 answers otherwise than in float for {flipped} of {} faces; {more}",
                self.both
            ));
        }
        warnings
    }
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
pub fn compare(seer: &Seer, float: &FloatEyes, frames: &[Frame<'_>]) -> Result<BesideFloat> {
    let compared: Vec<Compared> = frames
        .par_iter()
        .map(|frame| seer.run(|eyes, arena| compare_frame(eyes, arena, float, frame))?)
        .collect::<Result<_>>()?;
    let count = |which: usize| compared.iter().map(|frame| frame.counts[which]).sum();
    let flipped = compared.iter().flat_map(|frame| &frame.flipped);
    let all = |of: fn(&Compared) -> &Vec<f32>| compared.iter().flat_map(of).copied().collect();
    Ok(BesideFloat {
        frames: frames.len(),
        is_unseen: false,
        both: count(0),
        int8_alone: count(1),
        float_alone: count(2),
        boxes: Difference::of(all(|frame| &frame.boxes)),
        points: Difference::of(all(|frame| &frame.points)),
        flipped: float.has_liveness().then(|| flipped.filter(|&&flipped| flipped).count()),
    })
}

fn compare_frame(
    eyes: &Eyes<'_>,
    arena: &mut [u8],
    float: &FloatEyes,
    frame: &Frame<'_>,
) -> Result<Compared> {
    let found = eyes.scan(frame, arena).map_err(|error| anyhow!("{error}"))?;
    let mut theirs = float.scan(frame);
    let mut compared =
        Compared { counts: [0; 3], boxes: Vec::new(), points: Vec::new(), flipped: Vec::new() };
    for face in &found {
        let ours = bounds(&face.bounds);
        let nearest = (0..theirs.len())
            .max_by(|&a, &b| overlap(ours, theirs[a].bounds).total_cmp(&overlap(ours, theirs[b].bounds)))
            .filter(|&nearest| is_same(ours, theirs[nearest].bounds));
        let Some(nearest) = nearest else {
            compared.counts[1] += 1;
            continue;
        };
        let float_face = theirs.swap_remove(nearest);
        let [left, _, right, _] = float_face.bounds;
        let sides = ours.iter().zip(float_face.bounds).map(|(a, b)| (a - b).abs());
        compared.boxes.push(sides.fold(0.0, f32::max) / (right - left).max(f32::MIN_POSITIVE));
        compared.counts[0] += 1;
        compared.flipped.extend(is_flipped(eyes, arena, float, frame, face)?);
        if let Some(expected) = float.look(frame, &float_face)? {
            let look = eyes.look(frame, face, arena).map_err(|error| anyhow!("{error}"))?;
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
pub fn is_flipped(
    eyes: &Eyes<'_>,
    arena: &mut [u8],
    float: &FloatEyes,
    frame: &Frame<'_>,
    face: &Found,
) -> Result<Option<bool>> {
    let ours = eyes.alive_q16(frame, face, arena).map_err(|error| anyhow!("{error}"))?;
    let Some((ours, theirs)) = ours.zip(float.alive(frame, &face.bounds)) else { return Ok(None) };
    let alive = eyes.sight().alive_q16;
    Ok(Some((ours >= alive) != (theirs >= f64::from(alive) / 65_536.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_agreement_is_warned_of_and_good_one_is_not() {
        let near = Some(Difference { median: 0.01, largest: 0.2 });
        let good = BesideFloat { both: 95, int8_alone: 3, float_alone: 2, ..BesideFloat::default() };
        let good = BesideFloat { boxes: near, points: near, flipped: Some(9), ..good };
        assert_eq!(good.warnings(), [""; 0]);
        let far = Some(Difference { median: 0.08, largest: 0.2 });
        let bad = BesideFloat { both: 80, int8_alone: 12, boxes: far, points: far, flipped: Some(9), ..good };
        let said = bad.warnings();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(
            said[0].contains("80 faces are found by both, 12 by int8 alone") && said[2].contains("8.0 %")
        );
        assert!(said[3].contains("9 of 80"), "{said:?}");
    }
}
