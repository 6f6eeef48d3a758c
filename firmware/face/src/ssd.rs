//! Single-shot detectors (Liu et al., SSD: Single Shot MultiBox Detector, 2016) with two classes, as UltraFace's
//! networks: a level is a grid of cells, and a cell looks for boxes of a few sizes around its centre.
//!
//! Outputs, for each level from the finest: background and face for each size, then four shifts for each size. A score
//! is the sigmoid of the difference of the two classes, so it is compared before the sigmoid, and only the boxes that
//! pass are computed.

use format::network::Model;
use format::sight::{Level, Sight};
use nn::Outputs;
use vision::Rect;

use crate::fixed::{exp_q16, sigmoid_q16};
use crate::found::{Candidate, Candidates, Faces, Found};
use crate::grid::{self, Facts, Grid};

/// The sizes of a level.
fn sizes(level: &Level) -> usize {
    level.sizes.iter().take_while(|&&size| size != 0).count()
}

/// Columns and rows of a level's cells.
fn cells(level: &Level, [width, height]: [u16; 2]) -> [usize; 2] {
    [width, height].map(|side| usize::from(side.div_ceil(level.stride)))
}

/// Whether a network has the outputs that these levels name.
pub(crate) fn fits(model: &Model<'_>, sight: &Sight) -> bool {
    let input = model.input();
    let has = |number: usize, level: &Level, values: usize| {
        let [columns, rows] = cells(level, [input.width, input.height]);
        let expected = Facts { cells: columns * rows, channels: values * sizes(level) };
        grid::facts(model, number) == Some(expected)
    };
    let mut levels = sight.levels().iter().enumerate();
    model.outputs().count() == 2 * sight.levels().len()
        && levels.all(|(index, level)| has(2 * index, level, 2) && has(2 * index + 1, level, 4))
}

/// The faces in a detector's outputs. `shown` is the part of the frame that its input shows.
pub(crate) fn faces(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight, shown: &Rect) -> Faces {
    let input = model.input();
    let mut candidates = Candidates::default();
    for (index, level) in sight.levels().iter().enumerate() {
        let sizes = sizes(level);
        let scores = Grid::new(model, outputs, 2 * index, 2 * sizes);
        for cell in 0..scores.cells() {
            for size in 0..sizes {
                let difference = scores.raw(cell, 2 * size + 1) - scores.raw(cell, 2 * size);
                let rank = scores.real_q16(difference);
                if rank >= sight.logit {
                    let (level, size) = (index as u8, size as u8);
                    candidates.push(Candidate { rank, level, size, cell: cell as u16 });
                }
            }
        }
    }
    let view = View::new(shown, [input.width, input.height]);
    candidates.suppress(|candidate| {
        let index = usize::from(candidate.level);
        let level = &sight.levels()[index];
        let shifts = Grid::new(model, outputs, 2 * index + 1, 4 * sizes(level));
        let cell = usize::from(candidate.cell);
        let [columns, _] = cells(level, [input.width, input.height]);
        let size = i64::from(level.sizes[usize::from(candidate.size)]);
        let shift = |value: usize| shifts.value_q16(cell, 4 * usize::from(candidate.size) + value);
        let [place, growth] = sight.variances.map(i64::from);
        // In 1/256 pixel of the input, counted from the corner of its first pixel.
        let centre = |value: usize, cell: usize| {
            let middle = (2 * cell as i64 + 1) * i64::from(level.stride) * 128;
            middle + ((i64::from(shift(value)) * place * size) >> 24)
        };
        let half = |value: usize| {
            let grown = exp_q16(((i64::from(shift(value)) * growth) >> 16) as i32);
            // Larger than any frame, and small enough for what follows.
            ((i64::from(grown) * size) >> 9).min(1 << 24)
        };
        let (x, y) = (centre(0, cell % columns), centre(1, cell / columns));
        let (half_width, half_height) = (half(2), half(3));
        let bounds = view.rect([x - half_width, y - half_height, x + half_width, y + half_height]);
        Found { bounds, score: score(candidate.rank), points: None }
    })
}

/// A score from 0 to 65535.
fn score(logit_q16: i32) -> u16 {
    sigmoid_q16(logit_q16).min(u16::MAX.into()) as u16
}

/// From a network's input to the frame.
pub(crate) struct View<'a> {
    shown: &'a Rect,
    /// Frame pixels for each pixel of the input, in 1/65536.
    step_q16: [i64; 2],
}

impl<'a> View<'a> {
    pub fn new(shown: &'a Rect, [width, height]: [u16; 2]) -> Self {
        let step =
            |low: i32, high: i32, side: u16| ((i64::from(high) - i64::from(low)) << 8) / i64::from(side);
        let step_q16 = [step(shown.left, shown.right, width), step(shown.top, shown.bottom, height)];
        View { shown, step_q16 }
    }

    /// A place in the frame, in 1/256 pixel. `place` is in 1/256 pixel of the input, counted from the corner of its
    /// first pixel.
    pub fn place(&self, place: [i64; 2]) -> [i32; 2] {
        let start = [self.shown.left, self.shown.top];
        core::array::from_fn(|axis| {
            let bounded = place[axis].clamp(-(1 << 24), 1 << 24);
            let moved = (bounded * self.step_q16[axis] + (1 << 15)) >> 16;
            (i64::from(start[axis]) + moved).clamp(-(1 << 28), 1 << 28) as i32
        })
    }

    /// A box in the frame: left, top, right, bottom.
    pub fn rect(&self, [left, top, right, bottom]: [i64; 4]) -> Rect {
        let [left, top] = self.place([left, top]);
        let [right, bottom] = self.place([right, bottom]);
        Rect { left, top, right, bottom }
    }
}
