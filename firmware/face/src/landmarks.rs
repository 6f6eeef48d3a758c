//! Five landmarks of a face: from a network with 68 points, and corrected to the places that crops are aligned by.

use format::network::{Function, Model};
use format::sight::Sight;
use nn::Outputs;
use vision::{Point, Points, Rect, Similarity};

use crate::fixed::length;
use crate::grid::{self, Facts, Grid};
use crate::picture::bounded;
use crate::quality::TEMPLATE;

/// Values of the network: x and y of 68 points, as shares of the picture's side (the order of points is that of iBUG
/// 300-W, Sagonas et al. 2013).
const VALUES: usize = 2 * 68;

/// The points whose mean is each landmark: four of the lids, the nose's tip, outer and inner corner of the mouth.
const GROUPS: [&[u8]; 5] = [&[37, 38, 40, 41], &[43, 44, 46, 47], &[30], &[48, 60], &[54, 64]];

/// Whether a network has these outputs, for a square picture.
pub(crate) fn fits(model: &Model<'_>) -> bool {
    let input = model.input();
    let is_landmarks = |facts: Facts| facts.elements() == VALUES && facts.function == Function::Identity;
    input.width == input.height
        && model.outputs().count() == 1
        && grid::facts(model, 0).is_some_and(is_landmarks)
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
            let mean = group.iter().map(value).sum::<i64>() / (group.len() as i64).max(1);
            // Shares of a face's picture lie between 0 and 1; a network that was fed something else may give more.
            mean.clamp(-(1 << 18), 1 << 18) as i32
        })
    })
}

/// The square around a box that the network sees.
pub fn part(bounds: &Rect, sight: &Sight) -> Rect {
    let width = (i64::from(bounds.right) - i64::from(bounds.left)).clamp(256, 1 << 24);
    let half = (width * i64::from(sight.side_q16)) >> 17;
    let down = (width * i64::from(sight.down_q16)) >> 16;
    let Point { x, y } = bounds.centre();
    let [left, right] = [-half, half].map(|shift| bounded(i64::from(x) + shift));
    let [top, bottom] = [-half, half].map(|shift| bounded(i64::from(y) + down + shift));
    Rect { left, top, right, bottom }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn landmarks_are_means_of_their_points() {
        // Point k lies at (k, 2 k) / 1024.
        let value = |value: usize| (value as i32 / 2) * 64 * (1 + value as i32 % 2);
        // Means 39, 45, 30, 54, 59.
        assert_eq!(shares_of(value), [39, 45, 30, 54, 59].map(|k| [64 * k, 128 * k]));
    }

    #[test]
    fn square_lies_around_a_box() {
        let sight = Sight { side_q16: 3 << 15, down_q16: 1 << 14, ..Sight::default() };
        let bounds = Rect { left: 1000, top: 500, right: 2000, bottom: 1700 };
        // Side 1.5 · 1000, middle (1500, 1100 + 250).
        assert_eq!(part(&bounds, &sight), Rect { left: 750, top: 600, right: 2250, bottom: 2100 });
    }

    #[test]
    fn places_in_a_square() {
        let square = Rect { left: 100, top: 200, right: 1100, bottom: 1200 };
        let shares = [[0, 1 << 16], [1 << 15, 1 << 14], [-(1 << 16), 0], [0; 2], [0; 2]];
        let points = in_square(&shares, &square).map(|Point { x, y }| [x, y]);
        assert_eq!(points, [[100, 1200], [600, 450], [-900, 200], [100, 200], [100, 200]]);
    }

    #[test]
    fn shifts_go_along_and_across_the_eyes() {
        let points = [[0, 0], [0, 1000], [500, 500], [1, 2], [3, 4]].map(|[x, y]| Point { x, y });
        let mut shifts = [[0; 2]; 5];
        // The eyes lie one below the other: along them is down, across them to the left.
        shifts[2] = [6554, -3277];
        let moved = shifted(&points, &shifts);
        assert_eq!((moved[2], moved[3]), (Point { x: 550, y: 600 }, points[3]));
        assert_eq!(mean(&points, &moved)[2], Point { x: 525, y: 550 });
        // One of five points moved by √(100² + 50²) = 111 of 1000.
        assert_eq!(moved_q16(&points, &moved), (111 * 65_536 / 5000) as u16);
    }

    proptest! {
        /// What a network sees in the mirror image of a picture is the same as in the picture.
        #[test]
        fn mirror_image_has_the_same_landmarks(place in prop::array::uniform5([-1000i32..60_000, -1000i32..60_000])) {
            let points = [[9000, 9000], [15_000, 9500], [12_000, 12_000], [9500, 16_000], [14_500, 16_000]];
            let points = points.map(|[x, y]| Point { x, y });
            let upright = Similarity::to_frame(&points, &upright(112), [112, 112]).unwrap();
            // In the picture itself, through the similarity.
            let direct = place.map(|[x, y]| {
                let at = |share: i32| ((i64::from(share) * 112 + 128) >> 8) as i32 - 128;
                upright.apply(Point { x: at(x), y: at(y) })
            });
            // In the mirror image left is right, and left eyes are right eyes.
            let mirrored = place.map(|[x, y]| [(1 << 16) - x, y]);
            let [left, right, nose, mouth_left, mouth_right] = mirrored;
            let found = in_mirror(&[right, left, nose, mouth_right, mouth_left], &upright, 112);
            prop_assert_eq!(found, direct);
        }

        #[test]
        fn nothing_overflows(sides: [i32; 4], side_q16 in 1u32 << 14..=1 << 18, down_q16 in -(1 << 16)..=1 << 16,
                             shares in prop::array::uniform5([-(1 << 18)..=1 << 18, -(1 << 18)..=1 << 18]),
                             shifts: [[i16; 2]; 5]) {
            let [left, top, right, bottom] = sides;
            let sight = Sight { side_q16, down_q16, ..Sight::default() };
            let square = part(&Rect { left, top, right, bottom }, &sight);
            let points = in_square(&shares, &square);
            let moved = shifted(&points, &shifts);
            moved_q16(&points, &moved);
            mean(&points, &moved);
            let _ = Similarity::to_frame(&points, &upright(112), [112, 112]);
        }
    }
}
