//! Similarities from a crop to a frame: rotation, one scale, translation.

use crate::place::{Point, Points};

/// Bits of a similarity's numbers after the binary point.
const BITS: u32 = 16;
/// Least scale, Q16: 1/16 frame pixel for a crop pixel.
const LEAST_SCALE: u64 = 1 << 12;
/// Largest scale, Q16: 64 frame pixels for a crop pixel.
const LARGEST_SCALE: u64 = 64 << BITS;
/// Farthest place of a crop's corner from the frame's origin on either axis, Q16: 32,000 pixels.
const FARTHEST: i64 = 32_000 << BITS;
/// Bound of coordinates that are taken into account, in 1/256 pixel: 32,768 pixels.
const COORDINATES: core::ops::Range<i32> = -(1 << 23)..1 << 23;

/// A similarity from a crop to a frame: crop pixel `[x, y]` lies at `[a x − b y + tx, b x + a y + ty]` in the frame.
///
/// The numbers are Q16. The scale √(a² + b²) is 1/16 to 64 frame pixels for a crop pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Similarity {
    a: i32,
    b: i32,
    tx: i32,
    ty: i32,
}

impl Similarity {
    /// A similarity of these numbers, Q16, for a crop of `[width, height]`. `None` when the scale is not in 1/16..=64, or
    /// a corner of the crop lies more than 32,000 pixels from the frame's origin on an axis.
    pub fn new_checked(a: i32, b: i32, [tx, ty]: [i32; 2], size: [u16; 2]) -> Option<Self> {
        Self::of_wide(a.into(), b.into(), [tx.into(), ty.into()], size)
    }

    /// The inverse of the similarity that brings `from`, places in a frame, nearest to `to`, the template in a crop of
    /// `[width, height]`, in least squares (Umeyama, PAMI 1991, in two dimensions and without reflection).
    ///
    /// `None` when the points are all in one place, when the template does not tell how they are turned, when a coordinate
    /// is 32,768 pixels or more from the origin, or as for [`Self::new_checked`].
    ///
    /// # Error
    /// On each axis the place of a crop pixel differs from the exact solution by at most 2⁻¹⁷ (1.06 d + 1) pixels, with
    /// d the pixel's distance, horizontal plus vertical, from the middle of the template's points: 1/550 pixel in a crop of
    /// 112 × 112, 1/60 in one of 1023 × 1023, if that middle lies in the crop.
    pub fn to_frame(from: &Points, to: &Points, size: [u16; 2]) -> Option<Self> {
        let is_near = |point: &Point| COORDINATES.contains(&point.x) && COORDINATES.contains(&point.y);
        if !from.iter().chain(to).all(is_near) {
            return None;
        }
        let sum = |points: &Points| {
            points.iter().fold([0, 0], |[x, y], point| [x + i64::from(point.x), y + i64::from(point.y)])
        };
        let (sum_from, sum_to) = (sum(from), sum(to));
        // Five times the distance from the middle, below 2²⁶. So the sums of products are exact and below 2⁵⁶.
        let centred =
            |point: &Point, [x, y]: [i64; 2]| [5 * i64::from(point.x) - x, 5 * i64::from(point.y) - y];
        let (mut dot, mut cross, mut square) = (0, 0, 0);
        for (p, q) in from.iter().zip(to) {
            let ([px, py], [qx, qy]) = (centred(p, sum_from), centred(q, sum_to));
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            square += px * px + py * py;
        }
        if square == 0 || (dot == 0 && cross == 0) {
            return None;
        }
        // The similarity is (dot, cross) / square. Its inverse is square · (dot, −cross) / (dot² + cross²), computed with
        // 31 bits of dot and cross, of square, and of the sum of squares.
        let shift = exponent(dot.unsigned_abs().max(cross.unsigned_abs()));
        let [dot, cross] = [dot, cross].map(|x| shifted(x, shift));
        let square_shift = exponent(square.unsigned_abs());
        let square = shifted(square, square_shift);
        let divisor = (((dot * dot) as u64 + (cross * cross) as u64) >> 30) as i64;
        let [a, b] = [dot, -cross].map(|x| square * x / divisor.max(1));
        // Quotients are below 2³³ and have the exponent square_shift − shift − 30; a scale within limits needs 6 to 20.
        let down = 30 - BITS as i32 + shift - square_shift;
        if !(6..=20).contains(&down) {
            return None;
        }
        let [a, b] = [a, b].map(|x| (x + (1 << (down - 1))) >> down);
        // The middle of the template comes to the middle of the points with a and b as they are now rounded.
        let [x, y] = sum_to;
        let t = [(sum_from[0] << BITS) - (a * x - b * y), (sum_from[1] << BITS) - (b * x + a * y)];
        Self::of_wide(a, b, t.map(|t| (t + 640).div_euclid(1280)), size)
    }

    fn of_wide(a: i64, b: i64, [tx, ty]: [i64; 2], size: [u16; 2]) -> Option<Self> {
        let limit = LARGEST_SCALE as i64;
        if a.abs() > limit || b.abs() > limit {
            return None;
        }
        let square = (a * a + b * b) as u64;
        let is_scale = (LEAST_SCALE * LEAST_SCALE..=LARGEST_SCALE * LARGEST_SCALE).contains(&square);
        // Corners of the crop, in half pixels.
        let [right, bottom] = size.map(|side| 2 * i64::from(side) - 1);
        let is_near = |t: i64, half: i64| t.abs() <= FARTHEST && (t + half / 2).abs() <= FARTHEST;
        let are_near = [(-1, -1), (right, -1), (-1, bottom), (right, bottom)]
            .into_iter()
            .all(|(x, y)| is_near(tx, a * x - b * y) && is_near(ty, b * x + a * y));
        (is_scale && are_near).then_some(Similarity {
            a: a as i32,
            b: b as i32,
            tx: tx as i32,
            ty: ty as i32,
        })
    }

    /// Cosine of the rotation times the scale, Q16.
    pub const fn a(&self) -> i32 {
        self.a
    }

    /// Sine of the rotation times the scale, Q16.
    pub const fn b(&self) -> i32 {
        self.b
    }

    /// Place of the crop's pixel `[0, 0]` in the frame, in pixels, Q16.
    pub const fn translation(&self) -> [i32; 2] {
        [self.tx, self.ty]
    }

    /// The place in the frame of a place in the crop, rounded half up. Coordinates that do not fit saturate.
    pub fn apply(&self, point: Point) -> Point {
        let [a, b, x, y] = [self.a, self.b, point.x, point.y].map(i64::from);
        let place = |rotated: i64, t: i32| {
            let place = (rotated + (i64::from(t) << 8) + (1 << 15)) >> 16;
            place.clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        Point { x: place(a * x - b * y, self.tx), y: place(b * x + a * y, self.ty) }
    }

    /// Frame pixels for a crop pixel, Q16, rounded down.
    pub const fn scale_q16(&self) -> u32 {
        let [a, b] = [self.a as i64, self.b as i64];
        ((a * a + b * b) as u64).isqrt() as u32
    }
}

/// How far a number must be shifted right so that it has 31 bits.
const fn exponent(x: u64) -> i32 {
    33 - x.leading_zeros() as i32
}

/// `x / 2^right`, rounded down.
const fn shifted(x: i64, right: i32) -> i64 {
    if right > 0 { x >> right } else { x << -right }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// ArcFace's template in a crop of 112 × 112, in 1/256 pixel.
    const TEMPLATE: [[f64; 2]; 5] =
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

    fn rounded(points: [[f64; 2]; 5]) -> Points {
        points.map(|point| point.map(|x| (256.0 * x).round() as i32)).map(|[x, y]| Point { x, y })
    }

    fn at(x: i32, y: i32) -> Point {
        Point { x, y }
    }

    /// The same least squares in f64: a, b, tx, ty from the crop to the frame.
    fn exact(from: &Points, to: &Points) -> [f64; 4] {
        let real = |points: &Points| points.map(|point| [point.x, point.y].map(|x| f64::from(x) / 256.0));
        let (from, to) = (real(from), real(to));
        let mean = |points: &[[f64; 2]; 5]| {
            [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / 5.0)
        };
        let (centre_from, centre_to) = (mean(&from), mean(&to));
        let (mut dot, mut cross, mut square) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(&to) {
            let [px, py] = [p[0] - centre_from[0], p[1] - centre_from[1]];
            let [qx, qy] = [q[0] - centre_to[0], q[1] - centre_to[1]];
            dot += px * qx + py * qy;
            cross += px * qy - py * qx;
            square += px * px + py * py;
        }
        let scale = square / (dot * dot + cross * cross);
        let (a, b) = (dot * scale, -cross * scale);
        let [x, y] = centre_to;
        [a, b, centre_from[0] - (a * x - b * y), centre_from[1] - (b * x + a * y)]
    }

    /// The largest difference on an axis over the corners of a crop, in pixels, and its bound.
    fn error_and_bound(found: &Similarity, from: &Points, to: &Points, size: u16) -> (f64, f64) {
        let [a, b, tx, ty] = exact(from, to);
        let [fa, fb, fx, fy] = [found.a, found.b, found.tx, found.ty].map(|x| f64::from(x) / 65536.0);
        let middle =
            |axis: fn(&Point) -> i32| to.iter().map(|point| f64::from(axis(point))).sum::<f64>() / 1280.0;
        let [middle_x, middle_y] = [middle(|point| point.x), middle(|point| point.y)];
        let last = f64::from(size) - 1.0;
        let (mut error, mut bound) = (0.0f64, 0.0f64);
        for (x, y) in [(0.0, 0.0), (last, 0.0), (0.0, last), (last, last)] {
            let dx = (fa - a) * x - (fb - b) * y + fx - tx;
            let dy = (fb - b) * x + (fa - a) * y + fy - ty;
            let own = (1.06 * ((x - middle_x).abs() + (y - middle_y).abs()) + 1.0) / 131072.0;
            // The excess over the bound decides; the two are compared where it is largest.
            if dx.abs().max(dy.abs()) - own > error - bound || bound == 0.0 {
                (error, bound) = (dx.abs().max(dy.abs()), own);
            }
        }
        (error, bound)
    }

    fn points(reach: i32) -> impl Strategy<Value = Points> {
        let coordinate = move || -reach..=reach;
        prop::array::uniform5((coordinate(), coordinate()).prop_map(|(x, y)| at(x, y)))
    }

    proptest! {
           #![proptest_config(ProptestConfig::with_cases(20_000))]

           #[test]
           fn a_face_lies_where_the_real_solution_puts_it(
               log_scale in -3.9..6.0f64,
               turn in -4.0..4.0f64,
               place in [0.0..8192.0f64, 0.0..8192.0],
               noise in prop::array::uniform5([-0.2..0.2f64, -0.2..0.2]),
               size in prop::sample::select(&[40u16, 64, 112, 224, 1023][..]),
           ) {
               let in_crop = TEMPLATE.map(|point| point.map(|x| x * f64::from(size) / 112.0));
               let scale = log_scale.exp2() * 112.0 / f64::from(size);
               let (a, b) = (scale * turn.cos(), scale * turn.sin());
               let unit = 30.0 * f64::from(size) / 112.0;
               let mut from = in_crop;
               for (point, noise) in from.iter_mut().zip(noise) {
                   let [x, y] = [point[0] + unit * noise[0], point[1] + unit * noise[1]];
                   *point = [place[0] + a * x - b * y, place[1] + b * x + a * y];
               }
               let (from, to) = (rounded(from), rounded(in_crop));
               let [ea, eb, ..] = exact(&from, &to);
               let scale = ea.hypot(eb);
               match Similarity::to_frame(&from, &to, [size, size]) {
                   Some(found) => {
                       let (error, bound) = error_and_bound(&found, &from, &to, size);
                       prop_assert!(error <= bound, "{error} {bound}");
                       let largest = if size <= 112 { 1.0 / 550.0 } else { 1.0 / 60.0 };
    prop_assert!(bound < largest);
                       prop_assert!((f64::from(found.scale_q16()) / 65536.0 - scale).abs() < 2.0 / 65536.0);
                   }
                   None => prop_assert!(!(1.0 / 15.99..63.99).contains(&scale) || scale * f64::from(size) > 20_000.0),
               }
           }

           #[test]
           fn any_points_give_the_real_solution_or_none(
               (from, to) in prop::sample::select(&[1, 3, 40, 3_000, 100_000, 1 << 21, (1 << 23) - 1, i32::MAX][..])
                   .prop_flat_map(|reach| (points(reach), points(reach.min(300_000)))),
               size in [1..=1023u16, 1..=1023],
           ) {
               if let Some(found) = Similarity::to_frame(&from, &to, size) {
                   let (error, bound) = error_and_bound(&found, &from, &to, size[0].min(size[1]));
                   // f64 itself errs by some 2⁻³⁰ pixel here.
                   prop_assert!(error <= bound + 1e-8, "{error} {bound}");
               }
           }

           #[test]
           fn nothing_panics(
               numbers in [any::<i32>(), any::<i32>(), any::<i32>(), any::<i32>()],
               shift in 0..32u32,
               size in [any::<u16>(), any::<u16>()],
               point in (any::<i32>(), any::<i32>()).prop_map(|(x, y)| at(x, y)),
           ) {
               let [a, b, tx, ty] = numbers.map(|x| x >> shift);
               if let Some(found) = Similarity::new_checked(a, b, [tx, ty], size) {
                   let _ = (found.apply(point), found.scale_q16());
               }
           }
       }

    #[test]
    fn a_face_in_place_gives_the_identity() {
        let template = rounded(TEMPLATE);
        let found = Similarity::to_frame(&template, &template, [112, 112]).unwrap();
        assert_eq!((found.a(), found.b(), found.translation()), (1 << 16, 0, [0, 0]));
        let moved = template.map(|Point { x, y }| at(2 * x + 2560, 2 * y - 256));
        let found = Similarity::to_frame(&moved, &template, [112, 112]).unwrap();
        assert_eq!((found.a(), found.b(), found.translation()), (2 << 16, 0, [10 << 16, -1 << 16]));
        assert_eq!(found.apply(at(256, 512)), at(2560 + 512, -256 + 1024));
    }

    #[test]
    fn a_quarter_turn_swaps_the_axes() {
        let template = rounded(TEMPLATE);
        let turned = template.map(|Point { x, y }| at(100_000 - y, x));
        let found = Similarity::to_frame(&turned, &template, [112, 112]).unwrap();
        assert_eq!((found.a(), found.b(), found.translation()), (0, 1 << 16, [100_000 << 8, 0]));
    }

    #[test]
    fn points_that_tell_nothing_give_none() {
        let template = rounded(TEMPLATE);
        assert_eq!(Similarity::to_frame(&[at(9, 9); 5], &template, [112, 112]), None);
        assert_eq!(Similarity::to_frame(&template, &[at(9, 9); 5], [112, 112]), None);
        let far = [at(0, 0), at(1, 0), at(0, 1), at(1, 1), at(i32::MAX, i32::MIN)];
        assert_eq!(Similarity::to_frame(&far, &template, [112, 112]), None);
        assert_eq!(Similarity::to_frame(&template, &far, [112, 112]), None);
    }

    #[test]
    fn scales_and_places_beyond_the_limits_give_none() {
        let new = |a, tx, side| Similarity::new_checked(a, 0, [tx, 0], [side, side]);
        assert!(new(1 << 12, 0, 8).is_some() && new((1 << 12) - 1, 0, 8).is_none());
        assert!(new(64 << 16, 0, 8).is_some() && new((64 << 16) + 1, 0, 8).is_none());
        assert!(new(i32::MIN, 0, 8).is_none() && new(i32::MAX, 0, 8).is_none());
        // The corner lies 100 pixels right of the place of pixel 0.
        let border = (32_000 - 100) << 16;
        assert!(new(8 << 16, border, 13).is_some() && new(8 << 16, border + 1, 13).is_none());
        assert!(new(1 << 16, -31_999 << 16, 13).is_some() && new(1 << 16, -32_000 << 16, 13).is_none());
    }
}
