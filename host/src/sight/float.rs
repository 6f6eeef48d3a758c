//! The eyes in `f32`, as their networks were trained: the same pictures and the same rules, but nothing is rounded to
//! eight bits.
//!
//! Boxes are decoded in real numbers here. The geometry of landmarks is that of boards, whose steps of 1/256 pixel are
//! far below any network's error.

use anyhow::{Result, anyhow};
use face::picture::{around, view};
use face::{landmarks, liveness};
use format::network::Function;
use format::preprocess::Preprocess;
use format::sight::{Family, Sight};
use vision::{Frame, Point, Points, Rect, Similarity, Warp};

use super::frames::pixels;
use super::networks::Known;
use super::places::{Bounds, Landmarks, is_same, landmarks as in_pixels};
use crate::export::other::OtherJob;
use crate::float;
use crate::graph::Graph;
use crate::quantize::Preprocessing;

/// Pixels from cell to cell of YuNet's levels.
const STRIDES: [usize; 3] = [8, 16, 32];

/// A face that the float networks found. Pixels of the frame; whole numbers are pixels' centres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatFace {
    /// Its box.
    pub bounds: Bounds,
    /// How sure the detector is, 0 to 1.
    pub score: f64,
    /// Its landmarks, if the detector gives them.
    points: Option<Landmarks>,
}

/// The networks that find and examine faces.
#[derive(Clone, Debug)]
pub struct FloatEyes {
    detector: Lowered,
    landmarks: Option<Lowered>,
    liveness: Option<Lowered>,
    sight: Sight,
}

/// A network as lowered.
#[derive(Clone, Debug)]
struct Lowered {
    graph: Graph,
    input: Preprocess,
    preprocessing: Preprocessing,
}

impl Lowered {
    fn new(job: &OtherJob) -> Result<Self> {
        Ok(Lowered { graph: job.lowered()?, input: job.input()?, preprocessing: job.preprocessing })
    }

    /// The outputs for a picture, and the functions that are still to be applied to them.
    fn run(&self, picture: &[u8]) -> Vec<(Vec<f32>, Function)> {
        let mut tensors = float::run(&self.graph, &self.preprocessing.apply(picture));
        let outputs = self.graph.outputs.iter();
        outputs.map(|output| (std::mem::take(&mut tensors[output.node]), output.function)).collect()
    }
}

/// From pixels of a detector's picture, counted from the corner of the first one, to the frame.
struct Picture {
    start: [f64; 2],
    step: [f64; 2],
}

impl Picture {
    fn new(part: &Rect, input: &Preprocess) -> Self {
        let [left, top, right, bottom] =
            [part.left, part.top, part.right, part.bottom].map(|place| f64::from(place) / 256.0);
        let step = [(right - left) / f64::from(input.width), (bottom - top) / f64::from(input.height)];
        Picture { start: [left, top], step }
    }

    fn place(&self, point: [f64; 2]) -> [f32; 2] {
        std::array::from_fn(|axis| (self.start[axis] + point[axis] * self.step[axis]) as f32)
    }

    /// A box from its centre and its sides.
    fn bounds(&self, centre: [f64; 2], sides: [f64; 2]) -> Bounds {
        let corner = |sign: f64| self.place([0, 1].map(|axis| centre[axis] + sign * sides[axis] / 2.0));
        let ([left, top], [right, bottom]) = (corner(-1.0), corner(1.0));
        [left, top, right, bottom]
    }
}

impl FloatEyes {
    /// The networks as they are known.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn new(known: &Known) -> Result<Self> {
        Ok(FloatEyes {
            detector: Lowered::new(&known.detector)?,
            landmarks: known.landmarks.as_ref().map(Lowered::new).transpose()?,
            liveness: known.liveness.as_ref().map(Lowered::new).transpose()?,
            sight: known.sight,
        })
    }

    /// Whether there is a network for the photo check.
    pub fn has_liveness(&self) -> bool {
        self.liveness.is_some()
    }

    /// The faces of a frame, the surest first.
    pub fn scan(&self, frame: &Frame<'_>) -> Vec<FloatFace> {
        let input = &self.detector.input;
        let part = around(&frame.rect(), [input.width, input.height]);
        let outputs = self.detector.run(&pixels(view(frame, part, input), input));
        let picture = Picture::new(&part, input);
        let mut candidates = match self.sight.family {
            Family::Ssd => ssd(&outputs, &self.sight, &picture, input),
            Family::YuNet => yunet(&outputs, &self.sight, &picture, input),
        };
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut faces: Vec<FloatFace> = Vec::new();
        for candidate in candidates {
            if faces.iter().all(|face| !is_same(face.bounds, candidate.bounds)) {
                faces.push(candidate);
            }
        }
        faces
    }

    /// The landmarks of a face; `None` when the first ones cannot belong to a face.
    ///
    /// # Errors
    /// When there is no network for them and the detector gives none.
    pub fn look(&self, frame: &Frame<'_>, face: &FloatFace) -> Result<Option<Landmarks>> {
        let fixed = |place: f32| (place * 256.0).round() as i32;
        let point = |[x, y]: [f32; 2]| Point { x: fixed(x), y: fixed(y) };
        let Some(network) = &self.landmarks else {
            let points = face.points.ok_or_else(|| anyhow!("the detector gives no landmarks"))?;
            return Ok(Some(in_pixels(&landmarks::shifted(&points.map(point), &self.sight.points_q16))));
        };
        let [left, top, right, bottom] = face.bounds.map(fixed);
        let square = landmarks::part(&Rect { left, top, right, bottom }, &self.sight);
        let input = &network.input;
        let shares = |picture: &[u8]| {
            let outputs = network.run(picture);
            landmarks::shares_of(|value| (outputs[0].0[value] * 65_536.0).round() as i32)
        };
        let first: Points =
            landmarks::in_square(&shares(&pixels(view(frame, square, input), input)), &square);
        let size = [input.width, input.height];
        let Some(upright) = Similarity::to_frame(&first, &landmarks::upright(input.width), size) else {
            return Ok(None);
        };
        let mirrored = Warp::new(*frame, &upright, size, input.colour, true);
        let second = landmarks::in_mirror(&shares(&pixels(mirrored, input)), &upright, input.width);
        let mean = landmarks::mean(&first, &second);
        Ok(Some(in_pixels(&landmarks::shifted(&mean, &self.sight.landmarks_q16))))
    }

    /// How likely a face is alive, 0 to 1; `None` without a network for it.
    pub fn alive(&self, frame: &Frame<'_>, bounds: &Rect) -> Option<f64> {
        let network = self.liveness.as_ref()?;
        let part = liveness::part(frame, bounds, &self.sight);
        let outputs = network.run(&pixels(view(frame, part, &network.input), &network.input));
        let (classes, _) = outputs.first()?;
        let largest = classes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let power = |class: f32| f64::from(class - largest).exp();
        let live = classes.get(usize::from(self.sight.live))?;
        Some(power(*live) / classes.iter().map(|&class| power(class)).sum::<f64>())
    }
}

/// Candidates of a single-shot detector (Liu et al. 2016): for each level scores of background and face for each size,
/// then four shifts for each size.
fn ssd(
    outputs: &[(Vec<f32>, Function)],
    sight: &Sight,
    picture: &Picture,
    input: &Preprocess,
) -> Vec<FloatFace> {
    let [place, growth] = sight.variances_q16.map(|variance| f64::from(variance) / 65_536.0);
    let least = f64::from(sight.least_q16) / 65_536.0;
    let mut faces = Vec::new();
    for (level, heads) in sight.levels().iter().zip(outputs.chunks_exact(2)) {
        let [(scores, _), (shifts, _)] = heads else { continue };
        let sizes: Vec<f64> =
            level.sizes.iter().take_while(|&&size| size != 0).map(|&size| size.into()).collect();
        let columns = usize::from(input.width.div_ceil(level.stride));
        for (cell, scores) in scores.chunks_exact(2 * sizes.len()).enumerate() {
            for (number, size) in sizes.iter().enumerate() {
                let logit = f64::from(scores[2 * number + 1]) - f64::from(scores[2 * number]);
                if logit < least {
                    continue;
                }
                let at = 4 * (cell * sizes.len() + number);
                let shift = |value: usize| f64::from(shifts[at + value]);
                let cells = [cell % columns, cell / columns];
                let centre = [0, 1].map(|axis| {
                    (cells[axis] as f64 + 0.5) * f64::from(level.stride) + shift(axis) * place * size
                });
                let sides = [2, 3].map(|value| size * (shift(value) * growth).exp());
                let score = sigmoid(logit);
                faces.push(FloatFace { bounds: picture.bounds(centre, sides), score, points: None });
            }
        }
    }
    faces
}

/// Candidates of YuNet (Wu et al. 2023): for three strides the grids of classes, then of objectness, of boxes, of
/// landmarks.
fn yunet(
    outputs: &[(Vec<f32>, Function)],
    sight: &Sight,
    picture: &Picture,
    input: &Preprocess,
) -> Vec<FloatFace> {
    let least = f64::from(sight.least_q16) / 65_536.0;
    let mut faces = Vec::new();
    for (level, stride) in STRIDES.into_iter().enumerate() {
        let [class, object, boxes, landmarks] = [0, 3, 6, 9].map(|kind| &outputs[kind + level]);
        let share = |(values, function): &(Vec<f32>, Function), cell: usize| match function {
            Function::Sigmoid => sigmoid(values[cell].into()),
            _ => f64::from(values[cell]).clamp(0.0, 1.0),
        };
        let columns = usize::from(input.width) / stride;
        for cell in 0..class.0.len() {
            let score = (share(class, cell) * share(object, cell)).sqrt();
            if score < least {
                continue;
            }
            let cells = [cell % columns, cell / columns];
            let place = |value: f32, axis: usize| (cells[axis] as f64 + f64::from(value)) * stride as f64;
            let at = &boxes.0[4 * cell..4 * cell + 4];
            let sides = [at[2], at[3]].map(|value| f64::from(value).exp() * stride as f64);
            let bounds = picture.bounds([place(at[0], 0), place(at[1], 1)], sides);
            let values = &landmarks.0[10 * cell..10 * cell + 10];
            let points = std::array::from_fn(|point| {
                picture.place([0, 1].map(|axis| place(values[2 * point + axis], axis)))
            });
            faces.push(FloatFace { bounds, score, points: Some(points) });
        }
    }
    faces
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use format::preprocess::Colour;
    use format::sight::{Level, MAX_LEVELS};

    use super::*;

    const INPUT: Preprocess = Preprocess {
        height: 32,
        width: 32,
        colour: Colour::Grey,
        mean: 0.0,
        scale: 1.0,
        template: [[0; 2]; 5],
    };
    /// A frame of 64 pixels: twice as large as the picture.
    const FRAME: Rect = Rect { left: -128, top: -128, right: 63 * 256 + 128, bottom: 63 * 256 + 128 };

    #[test]
    fn single_shot_detectors_box_is_that_of_its_cell_and_shifts() {
        let mut levels = [Level::default(); MAX_LEVELS];
        levels[0] = Level { stride: 16, sizes: [10, 20, 0, 0] };
        let sight = Sight { variances_q16: [6554, 13107], least_q16: 1 << 16, levels, ..Sight::default() };
        let (mut scores, mut shifts) = (vec![0.0; 16], vec![0.0; 32]);
        // The second size of the cell below on the right.
        (scores[14], scores[15]) = (-1.0, 3.0);
        shifts[28..].copy_from_slice(&[1.0, -1.0, 0.0, 5.0 * 2f32.ln()]);
        let outputs = [(scores, Function::Identity), (shifts, Function::Identity)];
        let faces = ssd(&outputs, &sight, &Picture::new(&FRAME, &INPUT), &INPUT);
        assert_eq!(faces.len(), 1);
        // In the picture the centre is (24 + 0.1 · 20, 24 − 2), the sides are 20 and 40.
        let expected = [2.0 * 16.0 - 0.5, 2.0 * 2.0 - 0.5, 2.0 * 36.0 - 0.5, 2.0 * 42.0 - 0.5];
        let off = faces[0].bounds.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 0.01 && (faces[0].score - 0.982).abs() < 0.001, "{faces:?}");
    }

    #[test]
    fn yunets_box_and_landmarks_start_at_its_cell() {
        let cells = [16, 4, 1];
        let grid = |values: usize, value: f32| cells.map(|count| vec![value; count * values]);
        let mut outputs: Vec<(Vec<f32>, Function)> = [(1, -9.0), (1, 1.0), (4, 0.0), (10, 0.5)]
            .into_iter()
            .enumerate()
            .flat_map(|(kind, (values, value))| {
                let function = if kind == 0 { Function::Sigmoid } else { Function::Identity };
                grid(values, value).map(|grid| (grid, function))
            })
            .collect();
        outputs[1].0[3] = 9.0;
        let sight = Sight { family: Family::YuNet, least_q16: 49_152, ..Sight::default() };
        let faces = yunet(&outputs, &sight, &Picture::new(&FRAME, &INPUT), &INPUT);
        assert_eq!(faces.len(), 1);
        assert_eq!(faces[0].bounds, [15.5, 15.5, 47.5, 47.5]);
        assert_eq!(faces[0].points.unwrap()[4], [47.5, 47.5]);
    }
}
