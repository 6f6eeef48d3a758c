//! Five landmarks of a face: from a network with 68 points, and corrected to the places that crops are aligned by.

use format::network::Model;
use nn::Outputs;
use vision::{Point, Points, Rect, Similarity};

use crate::fixed::length;
use crate::grid::{self, Facts, Grid};
use crate::quality::TEMPLATE;

/// Values of the network: x and y of 68 points, as shares of the picture's side (the order of points is that of iBUG
/// 300-W, Sagonas et al. 2013).
const VALUES: usize = 2 * 68;

/// The points whose mean is each landmark: four of the lids, the nose's tip, outer and inner corner of the mouth.
const GROUPS: [&[u8]; 5] = [&[37, 38, 40, 41], &[43, 44, 46, 47], &[30], &[48, 60], &[54, 64]];

/// Whether a network has these outputs, for a square picture.
pub(crate) fn fits(model: &Model<'_>) -> bool {
    let input = model.input();
    let values = grid::facts(model, 0).map(|Facts { cells, channels }| cells * channels);
    input.width == input.height && model.outputs().count() == 1 && values == Some(VALUES)
}

/// Landmarks as a network gives them: x and y as shares of the picture's side, in 1/65536.
pub type Shares = [[i32; 2]; 5];

/// The landmarks in the outputs.
pub(crate) fn shares(model: &Model<'_>, outputs: &Outputs<'_, '_>) -> Shares {
    let grid = Grid::new(model, outputs, 0, VALUES);
    shares_of(|value| grid.value_q16(0, value))
}

/// The landmarks in a network's 136 values, x and y of each of 68 points, in 1/65536.
pub fn shares_of(value_q16: impl Fn(usize) -> i32) -> Shares {
    GROUPS.map(|group| {
        [0, 1].map(|axis| {
            let value = |&point: &u8| i64::from(value_q16(2 * usize::from(point) + axis));
            let mean = group.iter().map(value).sum::<i64>() / group.len() as i64;
            // Shares of a face's picture lie between 0 and 1; a network that was fed something else may give more.
            mean.clamp(-(1 << 18), 1 << 18) as i32
        })
    })
}

/// The landmarks in the frame, for a picture that shows `square`.
pub fn in_square(shares: &Shares, square: &Rect) -> Points {
    let side = i64::from(square.right) - i64::from(square.left);
    let place = |start: i32, share: i32| start + ((i64::from(share) * side + (1 << 15)) >> 16) as i32;
    shares.map(|[x, y]| Point { x: place(square.left, x), y: place(square.top, y) })
}

/// The landmarks in the frame, for the mirror image of a picture of `side` pixels under a similarity.
pub fn in_mirror(shares: &Shares, similarity: &Similarity, side: u16) -> Points {
    // Half a pixel from the corner of the first pixel to its centre.
    let place = |share: i32| ((i64::from(share) * i64::from(side) + (1 << 7)) >> 8) as i32 - 128;
    let [left, right, nose, mouth_left, mouth_right] =
        shares.map(|[x, y]| similarity.apply(Point { x: place((1 << 16) - x), y: place(y) }));
    [right, left, nose, mouth_right, mouth_left]
}

/// Part of the template that the network's picture of an upright face shows: a square of this many pixels of the
/// template, with the middle of the landmarks, `MIDDLE`, in its middle; from the brows to the chin.
const SPAN: i64 = 96;
const MIDDLE: [i32; 2] = [56 << 8, 72 << 8];

/// Places of an upright face's landmarks in a picture of `side` pixels.
pub fn upright(side: u16) -> Points {
    let side = i64::from(side);
    let place =
        |template: i32, middle: i32| (i64::from(template - middle) * side / SPAN + ((side - 1) << 7)) as i32;
    TEMPLATE.map(|point| Point { x: place(point.x, MIDDLE[0]), y: place(point.y, MIDDLE[1]) })
}

/// Landmarks moved along and across the line of the eyes, by shifts in 1/65536 of their distance.
pub fn shifted(points: &Points, shifts: &[[i16; 2]; 5]) -> Points {
    let [left, right, ..] = points;
    let [x, y] = [right.x - left.x, right.y - left.y].map(i64::from);
    core::array::from_fn(|index| {
        let [along, across] = shifts[index].map(i64::from);
        let moved = |a: i64, b: i64| ((along * a + across * b + (1 << 15)) >> 16) as i32;
        Point { x: points[index].x + moved(x, -y), y: points[index].y + moved(y, x) }
    })
}

/// The mean of two sets of landmarks.
pub fn mean(a: &Points, b: &Points) -> Points {
    core::array::from_fn(|i| Point { x: (a[i].x + b[i].x) >> 1, y: (a[i].y + b[i].y) >> 1 })
}

/// Mean distance of two sets of landmarks, in 1/65536 of the distance of the eyes of the first; limited to 1.
pub(crate) fn moved_q16(a: &Points, b: &Points) -> u16 {
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(length(a.x - b.x, a.y - b.y))).sum();
    let eyes = u64::from(length(a[1].x - a[0].x, a[1].y - a[0].y)).max(1);
    ((sum << 16) / (5 * eyes)).min(u16::MAX.into()) as u16
}
