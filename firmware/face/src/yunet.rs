//! YuNet (Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector, 2023): a detector that gives five landmarks.
//!
//! Twelve outputs: for strides of 8, 16 and 32 pixels the grids of classes, then of objectness, of boxes, of landmarks.
//! Classes and objectness have a sigmoid; a score is the root of their product, so its square is compared.

use format::network::{Function, Model};
use format::sight::Sight;
use nn::Outputs;
use vision::{Point, Points, Rect};

use crate::fixed::{exp_q16, sigmoid_q16};
use crate::found::{Candidate, Candidates, Faces, Found};
use crate::grid::{self, Facts, Grid};
use crate::ssd::View;

/// Pixels from one cell to the next.
const STRIDES: [u16; 3] = [8, 16, 32];
/// Values of a cell: class, objectness, box, landmarks.
const VALUES: [usize; 4] = [1, 1, 4, 10];

/// Whether a network has these outputs.
pub(crate) fn fits(model: &Model<'_>) -> bool {
    let input = model.input();
    let expected = |number: usize| {
        let stride = STRIDES[number % 3];
        let cells = usize::from(input.width / stride) * usize::from(input.height / stride);
        Facts { cells: cells * VALUES[number / 3], channels: 1 }
    };
    let has = |number: usize| {
        grid::facts(model, number).map(|Facts { cells, channels }| cells * channels)
            == Some(expected(number).cells)
    };
    input.width.is_multiple_of(STRIDES[2])
        && input.height.is_multiple_of(STRIDES[2])
        && model.outputs().count() == 12
        && (0..12).all(has)
}

/// The faces in the outputs. `shown` is the part of the frame that the input shows.
pub(crate) fn faces(model: &Model<'_>, outputs: &Outputs<'_, '_>, sight: &Sight, shown: &Rect) -> Faces {
    let input = model.input();
    let grid = |kind: usize, level: usize| Grid::new(model, outputs, 3 * kind + level, VALUES[kind]);
    let has_sigmoid =
        [0, 3].map(|number| model.outputs().nth(number).is_some_and(|o| o.function == Function::Sigmoid));
    // 0 to 1 in 1/65536.
    let share = |grid: &Grid<'_>, kind: usize, cell: usize| {
        let value = grid.value_q16(cell, 0);
        if has_sigmoid[kind] { sigmoid_q16(value) } else { value.clamp(0, 1 << 16) as u32 }
    };
    let least = u64::from(sight.score).pow(2);
    let mut candidates = Candidates::default();
    for level in 0..STRIDES.len() {
        let [class, object] = [grid(0, level), grid(1, level)];
        for cell in 0..class.cells() {
            let square = u64::from(share(&class, 0, cell)) * u64::from(share(&object, 1, cell));
            if square >= least {
                let rank = square.isqrt().min(u16::MAX.into()) as i32;
                candidates.push(Candidate { rank, level: level as u8, size: 0, cell: cell as u16 });
            }
        }
    }
    let view = View::new(shown, [input.width, input.height]);
    candidates.suppress(|candidate| {
        let (level, cell) = (usize::from(candidate.level), usize::from(candidate.cell));
        let stride = i64::from(STRIDES[level]);
        let columns = usize::from(input.width / STRIDES[level]);
        let origin = [cell % columns, cell / columns];
        // In 1/256 pixel of the input.
        let place = |grid: &Grid<'_>, value: usize, axis: usize| {
            (origin[axis] as i64 * 256 + (i64::from(grid.value_q16(cell, value)) >> 8)) * stride
        };
        let boxes = grid(2, level);
        let [x, y] = [place(&boxes, 0, 0), place(&boxes, 1, 1)];
        let half =
            |value: usize| ((i64::from(exp_q16(boxes.value_q16(cell, value))) * stride) >> 9).min(1 << 24);
        let (half_width, half_height) = (half(2), half(3));
        let landmarks = grid(3, level);
        let points: Points = core::array::from_fn(|point| {
            let [x, y] = view.place([0, 1].map(|axis| place(&landmarks, 2 * point + axis, axis)));
            Point { x, y }
        });
        let bounds = view.rect([x - half_width, y - half_height, x + half_width, y + half_height]);
        Found { bounds, score: candidate.rank as u16, points: Some(points) }
    })
}
