//! Single-shot detectors (Liu et al., SSD: Single Shot MultiBox Detector, 2016) with two classes, as UltraFace's
//! networks: a level is a grid of cells, and a cell looks for boxes of a few sizes around its centre.
//!
//! Outputs, for each level from the finest: background and face for each size, then four shifts for each size. A score
//! is the sigmoid of the difference of the two classes, so it is compared before the sigmoid, and only the boxes that
//! pass are computed.

use format::network::{Function, Model};
use format::sight::{Level, MAX_LEVELS, Sight};
use heapless::Vec;
use nn::Outputs;
use vision::Rect;

use crate::fixed::{exp_q16, sigmoid_q16};
use crate::found::{Candidate, Candidates, Faces, Found, MAX_CELLS};
use crate::grid::{self, Facts, Grid};
use crate::picture::Shown;

/// Columns and rows of a level's cells.
fn cells(level: &Level, [width, height]: [u16; 2]) -> [usize; 2] {
    [width, height].map(|side| usize::from(side.div_ceil(level.stride.max(1))))
}

/// Whether a network has the outputs that these levels name.
pub(crate) fn fits(model: &Model<'_>, sight: &Sight) -> bool {
    let input = model.input();
    let has = |number: usize, level: &Level, values: usize| {
        let [columns, rows] = cells(level, [input.width, input.height]);
        let expected = Facts {
            cells: columns * rows,
            channels: values * level.sizes().len(),
            function: Function::Identity,
        };
        expected.cells <= MAX_CELLS && grid::facts(model, number) == Some(expected)
    };
    let mut levels = sight.levels().iter().enumerate();
    model.outputs().count() == 2 * sight.levels().len()
        && levels.all(|(index, level)| has(2 * index, level, 2) && has(2 * index + 1, level, 4))
}

/// The faces in a detector's outputs. `part` is the part of the frame that its picture shows.
pub(crate) fn faces(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight, part: &Rect) -> Faces {
    let input = model.input();
    let mut grids = Grids::new();
    for (index, level) in sight.levels().iter().enumerate() {
        let sizes = level.sizes().len();
        // There is room for all levels.
        let _ = grids.push([
            Grid::new(model, outputs, 2 * index, 2 * sizes),
            Grid::new(model, outputs, 2 * index + 1, 4 * sizes),
        ]);
    }
    decode(&grids, sight, [input.width, input.height], part)
}

/// Scores and shifts of each level.
type Grids<'b> = Vec<[Grid<'b>; 2], MAX_LEVELS>;

/// The faces in a picture of `[width, height]`.
fn decode(grids: &Grids<'_>, sight: &Sight, size: [u16; 2], part: &Rect) -> Faces {
    let mut candidates = Candidates::default();
    for (index, (level, [scores, _])) in sight.levels().iter().zip(grids).enumerate() {
        for cell in 0..scores.cells() {
            for size in 0..level.sizes().len() {
                let difference = scores.raw(cell, 2 * size + 1) - scores.raw(cell, 2 * size);
                let rank = scores.real_q16(difference);
                if rank >= sight.least_q16 {
                    let (level, size) = (index as u8, size as u8);
                    candidates.push(Candidate { rank, level, size, cell: cell as u16 });
                }
            }
        }
    }
    let shown = Shown::new(part, size);
    candidates.suppress(|candidate| {
        let index = usize::from(candidate.level);
        let (level, [_, shifts]) = (sight.levels().get(index)?, grids.get(index)?);
        let cell = usize::from(candidate.cell);
        let [columns, _] = cells(level, size);
        let size = i64::from(*level.sizes.get(usize::from(candidate.size))?);
        let shift = |value: usize| shifts.value_q16(cell, 4 * usize::from(candidate.size) + value);
        let [place, growth] = sight.variances_q16.map(i64::from);
        // In 1/256 pixel of the picture, counted from the corner of its first pixel.
        let centre = |value: usize, cell: usize| {
            let middle = (2 * cell as i64 + 1) * i64::from(level.stride) * 128;
            middle + ((i64::from(shift(value)) * place * size) >> 24)
        };
        let half = |value: usize| {
            let grown = exp_q16(((i64::from(shift(value)) * growth) >> 16) as i32);
            // Larger than any frame, and small enough for the rest.
            ((i64::from(grown) * size) >> 9).min(1 << 24)
        };
        let (x, y) = (centre(0, cell % columns.max(1)), centre(1, cell / columns.max(1)));
        let (half_width, half_height) = (half(2), half(3));
        let bounds = shown.rect([x - half_width, y - half_height, x + half_width, y + half_height]);
        Some(Found { bounds, score_q16: score_q16(candidate.rank), points: None })
    })
}

/// A score from 0 to 65535.
fn score_q16(logit_q16: i32) -> u16 {
    sigmoid_q16(logit_q16).min(u16::MAX.into()) as u16
}

#[cfg(test)]
mod tests {
    use format::layer::Element;
    use proptest::prelude::*;

    use super::*;

    /// One level of 4 × 3 cells, with boxes of 16 and 32 pixels.
    fn sight() -> Sight {
        let mut levels = [Level::default(); MAX_LEVELS];
        levels[0] = Level { stride: 8, sizes: [16, 32, 0, 0] };
        Sight { least_q16: 1 << 16, variances_q16: [6554, 13_107], levels, ..Sight::default() }
    }

    const SIZE: [u16; 2] = [32, 24];
    /// The frame, twice as large as the picture.
    const FRAME: Rect = Rect { left: -128, top: -128, right: 64 * 256 - 128, bottom: 48 * 256 - 128 };

    /// Scores of 1/4 and shifts of 1/16, with zero points.
    fn decoded(scores: &[u8; 48], shifts: &[u8; 96], sight: &Sight) -> Faces {
        let grids =
            [[Grid::of(scores, Element::I8, 3, 4, 0.25), Grid::of(shifts, Element::I8, -2, 8, 1.0 / 16.0)]];
        decode(&grids.into_iter().collect(), sight, SIZE, &FRAME)
    }

    #[test]
    fn boxes_are_where_the_shifts_put_them() {
        let (mut scores, mut shifts) = ([3; 48], [0xfe; 96]);
        // Cell 6: column 2, row 1. Its second box scores (8 − (−4)) / 4 = 3; the first 3/4, which is below the limit.
        (scores[4 * 6 + 1], scores[4 * 6 + 2], scores[4 * 6 + 3]) = (3 + 3, 0xff, 11);
        // Shifts of 5, −2.5, 0 and 5 · ln 2 ≈ 3.4375, less the zero point.
        let shift = [80i8, -40, 0, 55].map(|shift| (shift - 2) as u8);
        shifts[8 * 6 + 4..8 * 6 + 8].copy_from_slice(&shift);
        let faces = decoded(&scores, &shifts, &sight());
        assert_eq!(faces.len(), 1);
        // Centre 20 + 5 · 0.1 · 32 = 36, 12 − 2.5 · 0.1 · 32 = 4; half sides 16, and 16 · e^0.6875 ≈ 31.82 pixels of the
        // picture, so twice that in the frame, whose first pixel's corner is at −128.
        let Rect { left, top, right, bottom } = faces[0].bounds;
        let exact = [20.0, -27.82, 52.0, 35.82].map(|place: f64| (place * 512.0 - 128.0).round());
        for (found, exact) in [left, top, right, bottom].into_iter().zip(exact) {
            assert!((f64::from(found) - exact).abs() <= 8.0, "{:?} {exact:?}", faces[0].bounds);
        }
        // 1 / (1 + e^−3)
        assert!((f64::from(faces[0].score_q16) / 65_536.0 - 0.9526).abs() < 1e-3);
    }

    #[test]
    fn surest_box_of_a_face_stays_and_the_limit_is_a_face() {
        let (mut scores, shifts) = ([3; 48], [0xfe; 96]);
        // Boxes of 32 pixels in neighbouring cells share three fifths; a box of 16 at the other end shares nothing.
        scores[4 * 5 + 3] = 3 + 8;
        scores[4 * 6 + 3] = 3 + 12;
        scores[4 * 3 + 1] = 3 + 4;
        let faces = decoded(&scores, &shifts, &sight());
        let lefts: [i32; 2] = [faces[0].bounds.left, faces[1].bounds.left];
        assert_eq!((faces.len(), lefts), (2, [4 * 512 - 128, 20 * 512 - 128]));
        assert_eq!(decoded(&scores, &shifts, &Sight { least_q16: (1 << 16) + 1, ..sight() }).len(), 1);
        assert!(faces[0].score_q16 > faces[1].score_q16);
    }

    proptest! {
        #[test]
        fn nothing_overflows(scores in prop::array::uniform32(any::<u8>()), shifts in prop::array::uniform32(any::<u8>()),
                             bits in 1u32 << 23..0x7f80_0000, variances_q16: [u16; 2], sides: [i32; 4], least_q16: i32) {
            let scale = f32::from_bits(bits);
            let [left, top, right, bottom] = sides;
            let part = Rect { left, top, right, bottom };
            let mut sight = Sight { least_q16, variances_q16, ..sight() };
            sight.levels[0].sizes = [8192, 1, 0, 0];
            let grid = |bytes, channels| Grid::of(bytes, Element::I16, i16::MIN, channels, scale);
            let grids = [[grid(&scores, 4), grid(&shifts[..32], 8)]];
            // Four cells of scores, two of shifts: look at two.
            let grids = grids.map(|[_, shifts]| [grid(&scores[..16], 4), shifts]);
            decode(&grids.into_iter().collect(), &sight, SIZE, &crate::picture::around(&part, SIZE));
        }
    }
}
