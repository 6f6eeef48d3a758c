//! YuNet (Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector, 2023): a detector that gives five landmarks.
//!
//! Twelve outputs: for strides of 8, 16 and 32 pixels the grids of classes, then of objectness, of boxes, of landmarks.
//! Classes and objectness have a sigmoid; a score is the root of their product, so its square is compared.

use format::network::{Function, Model};
use format::sight::Sight;
use nn::Outputs;
use vision::{Point, Points, Rect};

use crate::fixed::{exp_q16, sigmoid_q16};
use crate::found::{Candidate, Candidates, Faces, Found, MAX_CELLS};
use crate::grid::{self, Facts, Grid};
use crate::picture::Shown;

/// Pixels from one cell to the next.
const STRIDES: [u16; 3] = [8, 16, 32];
/// Values of a cell: class, objectness, box, landmarks.
const VALUES: [usize; 4] = [1, 1, 4, 10];

/// Whether a network has these outputs.
pub(crate) fn fits(model: &Model<'_>) -> bool {
    let input = model.input();
    let facts: [Option<Facts>; 12] = core::array::from_fn(|number| grid::facts(model, number));
    let has = |number: usize| {
        let (kind, stride) = (number / 3, STRIDES[number % 3].max(1));
        let cells = usize::from(input.width / stride) * usize::from(input.height / stride);
        let (facts, values) = (facts.get(number).copied().flatten(), VALUES.get(kind).copied());
        facts.zip(values).is_some_and(|(facts, values)| {
            let function = match kind {
                // All levels in the same way.
                0 | 1 => {
                    facts.function != Function::Normalise
                        && is_sigmoid(model, 3 * kind) == is_sigmoid(model, number)
                }
                _ => facts.function == Function::Identity,
            };
            function && cells <= MAX_CELLS && facts.elements() == cells * values
        })
    };
    input.width.is_multiple_of(STRIDES[2])
        && input.height.is_multiple_of(STRIDES[2])
        && model.outputs().count() == 12
        && (0..12).all(has)
}

/// Whether an output's real values are sigmoids of its elements.
fn is_sigmoid(model: &Model<'_>, number: usize) -> bool {
    model.outputs().nth(number).is_some_and(|output| output.function == Function::Sigmoid)
}

/// The faces in the outputs. `part` is the part of the frame that the picture shows.
pub(crate) fn faces(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight, part: &Rect) -> Faces {
    let input = model.input();
    let grids = core::array::from_fn(|kind| {
        core::array::from_fn(|level| Grid::new(model, outputs, 3 * kind + level, VALUES[kind]))
    });
    let has_sigmoid = [0, 3].map(|number| is_sigmoid(model, number));
    decode(&grids, has_sigmoid, sight, [input.width, input.height], part)
}

/// Grids of each kind of values, for each stride.
type Grids<'b> = [[Grid<'b>; STRIDES.len()]; VALUES.len()];

/// The faces in a picture of `[width, height]`. `has_sigmoid` says whether classes and objectness need one.
fn decode(grids: &Grids<'_>, has_sigmoid: [bool; 2], sight: &Sight, size: [u16; 2], part: &Rect) -> Faces {
    let [classes, objects, boxes, landmarks] = grids;
    // 0 to 1 in 1/65536.
    let share = |grid: &Grid<'_>, has_sigmoid: bool, cell: usize| {
        let value = grid.value_q16(cell, 0);
        u64::from(if has_sigmoid { sigmoid_q16(value) } else { value.clamp(0, 1 << 16) as u32 })
    };
    let least = u64::from(sight.least_q16.max(0).unsigned_abs()).pow(2);
    let mut candidates = Candidates::default();
    for (level, (class, object)) in classes.iter().zip(objects).enumerate() {
        for cell in 0..class.cells() {
            let class = share(class, has_sigmoid[0], cell);
            // Nearly all cells are sorted out without their objectness, which is at most 1.
            if class << 16 < least {
                continue;
            }
            let square = class * share(object, has_sigmoid[1], cell);
            if square >= least {
                let rank = square.isqrt().min(u16::MAX.into()) as i32;
                candidates.push(Candidate { rank, level: level as u8, size: 0, cell: cell as u16 });
            }
        }
    }
    let shown = Shown::new(part, size);
    candidates.suppress(|candidate| {
        let (level, cell) = (usize::from(candidate.level), usize::from(candidate.cell));
        let stride = STRIDES.get(level).copied()?.max(1);
        let columns = usize::from(size[0] / stride).max(1);
        let stride = i64::from(stride);
        let origin = [cell % columns, cell / columns];
        let (boxes, landmarks) = (boxes.get(level)?, landmarks.get(level)?);
        // In 1/256 pixel of the picture.
        let place = |grid: &Grid<'_>, value: usize, origin: usize| {
            (origin as i64 * 256 + (i64::from(grid.value_q16(cell, value)) >> 8)) * stride
        };
        let [x, y] = [place(boxes, 0, origin[0]), place(boxes, 1, origin[1])];
        let half =
            |value: usize| ((i64::from(exp_q16(boxes.value_q16(cell, value))) * stride) >> 9).min(1 << 24);
        let (half_width, half_height) = (half(2), half(3));
        let points: Points = core::array::from_fn(|point| {
            let [x, y] = shown
                .place([place(landmarks, 2 * point, origin[0]), place(landmarks, 2 * point + 1, origin[1])]);
            Point { x, y }
        });
        let bounds = shown.rect([x - half_width, y - half_height, x + half_width, y + half_height]);
        Some(Found { bounds, score_q16: candidate.rank as u16, points: Some(points) })
    })
}

#[cfg(test)]
mod tests {
    use format::layer::Element;
    use format::sight::Family;
    use proptest::prelude::*;

    use super::*;

    const SIZE: [u16; 2] = [64, 32];
    /// The frame, as large as the picture.
    const FRAME: Rect = Rect { left: -128, top: -128, right: 64 * 256 - 128, bottom: 32 * 256 - 128 };
    const SIGHT: Sight = Sight { family: Family::YuNet, least_q16: 0xb333, ..EMPTY };
    const EMPTY: Sight = Sight {
        family: Family::YuNet,
        least_q16: 0,
        variances_q16: [0; 2],
        levels: [format::sight::Level { stride: 0, sizes: [0; 4] }; 6],
        side_q16: 0,
        down_q16: 0,
        points_q16: [[0; 2]; 5],
        landmarks_q16: [[0; 2]; 5],
        gates: format::gates::Gates::OPEN,
        live: 0,
        span_q8: 0,
        alive_q16: 0,
    };
    /// Cells of each level.
    const CELLS: [usize; 3] = [32, 8, 2];

    /// Bytes of all grids of a kind, with zeros.
    fn zeros() -> [[std::vec::Vec<u8>; 3]; 4] {
        VALUES.map(|values| CELLS.map(|cells| std::vec![0; cells * values]))
    }

    fn decoded(
        bytes: &[[std::vec::Vec<u8>; 3]; 4],
        has_sigmoid: [bool; 2],
        scale: f32,
        sight: &Sight,
    ) -> Faces {
        let grids = core::array::from_fn(|kind| {
            core::array::from_fn(|level| Grid::of(&bytes[kind][level], Element::I8, 0, VALUES[kind], scale))
        });
        decode(&grids, has_sigmoid, sight, SIZE, &FRAME)
    }

    #[test]
    fn faces_have_boxes_and_landmarks() {
        let mut bytes = zeros();
        // Stride 16, cell 5: column 1, row 1. Sigmoids of 4 and of 2: score √(0.982 · 0.881) = 0.930.
        (bytes[0][1][5], bytes[1][1][5]) = (64, 32);
        // A box of e^0.5 · 16 by 16 pixels, whose centre lies half a cell to the right and a quarter above.
        bytes[2][1][4 * 5..4 * 6].copy_from_slice(&[8, 0xfc, 8, 0]);
        // Landmarks: k/4 to the right and k/8 above the cell.
        for point in 0..5u8 {
            let at = 10 * 5 + 2 * usize::from(point);
            bytes[3][1][at..at + 2].copy_from_slice(&[4 * point, (2 * point).wrapping_neg()]);
        }
        let faces = decoded(&bytes, [true; 2], 1.0 / 16.0, &SIGHT);
        assert_eq!(faces.len(), 1);
        assert!((f64::from(faces[0].score_q16) / 65_536.0 - 0.930).abs() < 1e-3, "{faces:?}");
        let Rect { left, top, right, bottom } = faces[0].bounds;
        let exact =
            [24.0 - 13.19, 12.0 - 8.0, 24.0 + 13.19, 12.0 + 8.0].map(|place: f64| place * 256.0 - 128.0);
        for (found, exact) in [left, top, right, bottom].into_iter().zip(exact) {
            assert!((f64::from(found) - exact).abs() <= 4.0, "{:?}", faces[0].bounds);
        }
        let points =
            [0, 1, 2, 3, 4].map(|k| Point { x: (16 + 4 * k) * 256 - 128, y: (16 - 2 * k) * 256 - 128 });
        assert_eq!(faces[0].points, Some(points));
    }

    #[test]
    fn scores_that_are_shares_already_need_no_sigmoid() {
        let mut bytes = zeros();
        (bytes[0][2][1], bytes[1][2][1]) = (64, 32);
        // √(1 · 1/2) = 0.7071.
        let [below, above] = [0.707, 0.708].map(|least: f64| (least * 65_536.0) as i32);
        assert_eq!(decoded(&bytes, [false; 2], 1.0 / 64.0, &Sight { least_q16: below, ..SIGHT }).len(), 1);
        assert_eq!(decoded(&bytes, [false; 2], 1.0 / 64.0, &Sight { least_q16: above, ..SIGHT }).len(), 0);
        // Of two faces in one place the surer one stays.
        (bytes[0][2][0], bytes[1][2][0]) = (64, 64);
        bytes[2][2][4] = (-64i8) as u8;
        let faces = decoded(&bytes, [false; 2], 1.0 / 64.0, &SIGHT);
        assert_eq!((faces.len(), faces[0].score_q16), (1, u16::MAX));
    }

    proptest! {
        #[test]
        fn nothing_overflows(byte: u8, bits in 1u32 << 23..0x7f80_0000, has_sigmoid: [bool; 2], sides: [i32; 4]) {
            let [left, top, right, bottom] = sides;
            let bytes = VALUES.map(|values| CELLS.map(|cells| std::vec![byte; cells * values]));
            let grids = core::array::from_fn(|kind| {
                core::array::from_fn(|level| {
                    Grid::of(&bytes[kind][level], Element::I8, i8::MIN.into(), VALUES[kind], f32::from_bits(bits))
                })
            });
            let part = crate::picture::around(&Rect { left, top, right, bottom }, SIZE);
            decode(&grids, has_sigmoid, &EMPTY, SIZE, &part);
        }
    }
}
