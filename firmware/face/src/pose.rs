//! The pose of a head, from five landmarks.

use vision::{Point, Points};

use crate::fixed::angle_d16;

/// The pose of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pose {
    /// Angle by which it is turned to a side, in 1/16 degree; positive when it looks to the right as seen.
    pub yaw_d16: i16,
    /// Angle by which it looks up or down, in 1/16 degree; positive when it looks down.
    pub pitch_d16: i16,
    /// Angle by which it is inclined to a shoulder, in 1/16 degree; positive when clockwise as seen.
    pub roll_d16: i16,
    /// Pixels between the eyes in 1/256, as a view from the front would have them.
    pub eyes_q8: u32,
}

/// Proportions of the mean face in 1/65536, in distances between the eyes: the half-width of the mouth over that of the
/// eyes, height of nose and mouth below the eyes, depth of the nose before the plane of eyes and mouth.
const MOUTH_WIDTH: i64 = 54_395;
const NOSE_DOWN: i64 = 39_322;
const MOUTH_DOWN: i64 = 75_366;
const NOSE_DEPTH: i64 = 29_491;
const ONE: i64 = 1 << 16;

/// Angle of a direction whose parts may be long.
fn angle(y: i64, x: i64) -> i16 {
    let bits = 64 - (x.unsigned_abs() | y.unsigned_abs()).leading_zeros();
    let shift = bits.saturating_sub(31);
    angle_d16((y >> shift) as i32, (x >> shift) as i32)
}

/// The length of a vector, rounded down. Its parts are below 2³⁰.
fn length(parts: &[i64]) -> u64 {
    parts.iter().map(|part| part.unsigned_abs().pow(2)).sum::<u64>().isqrt()
}

impl Pose {
    /// The pose of a face with these landmarks, up to 8192 pixels apart.
    ///
    /// The landmarks are treated as a parallel projection of a mean face. Least squares give the images of the face's
    /// width, height and depth axes in the photo. The direction of view is orthogonal to both rows of that matrix.
    pub fn of(points: &Points) -> Self {
        let part = |point: &Point, axis: usize| i64::from(if axis == 0 { point.x } else { point.y });
        // One row for each axis of the photo: its parts along the width, height and depth of the face, in 1/256 pixel.
        let [x, y]: [[i64; 3]; 2] = core::array::from_fn(|axis| {
            let [left, right, nose, mouth_left, mouth_right] =
                points.each_ref().map(|point| part(point, axis));
            let between = (left + right) >> 1;
            let wide = (right - left) * ONE + MOUTH_WIDTH * (mouth_right - mouth_left);
            let width = wide / (ONE + (MOUTH_WIDTH * MOUTH_WIDTH) / ONE);
            let height = (((mouth_left + mouth_right) >> 1) - between) * ONE / MOUTH_DOWN;
            let depth = ((nose - between) * ONE - NOSE_DOWN * height) / NOSE_DEPTH;
            [width, height, depth]
        });
        let view = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        // So that squares of its parts fit.
        let largest = view.iter().map(|part| part.unsigned_abs()).max().unwrap_or(0);
        let shift = (64 - largest.leading_zeros()).saturating_sub(30);
        let [right, down, ahead] = view.map(|part| part >> shift);
        Pose {
            yaw_d16: angle(-right, ahead),
            pitch_d16: angle(-down, length(&[right, ahead]) as i64),
            roll_d16: angle(y[0], x[0]),
            eyes_q8: ((length(&x) + length(&y)) / 2) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The landmarks of the mean face turned by yaw, then pitch, then roll (radians), seen by a camera far away.
    fn turned(yaw: f64, pitch: f64, roll: f64, eyes: f64) -> Points {
        let points =
            [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.60, 0.45], [-0.415, 1.15, 0.0], [0.415, 1.15, 0.0]];
        points.map(|[x, y, z]: [f64; 3]| {
            let (x, z) = (x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin());
            let y = y * pitch.cos() + z * pitch.sin();
            let [x, y] = [x * roll.cos() - y * roll.sin(), x * roll.sin() + y * roll.cos()];
            let [x, y] = [300.0 + eyes * x, 200.0 + eyes * y].map(|place| (256.0 * place).round() as i32);
            Point { x, y }
        })
    }

    proptest! {
        #[test]
        fn pose_of_a_turned_face_is_found_again(yaw in -0.9f64..0.9, pitch in -0.7f64..0.7, roll in -1.5f64..1.5,
                                                eyes in 30.0f64..2000.0) {
            let found = Pose::of(&turned(yaw, 0.0, roll, eyes));
            prop_assert!((f64::from(found.yaw_d16) / 16.0 - yaw.to_degrees()).abs() < 1.0, "{found:?}");
            let found = Pose::of(&turned(0.0, pitch, roll, eyes));
            prop_assert!((f64::from(found.pitch_d16) / 16.0 - pitch.to_degrees()).abs() < 1.0, "{found:?}");
            let found = Pose::of(&turned(0.0, 0.0, roll, eyes));
            prop_assert!((f64::from(found.roll_d16) / 16.0 - roll.to_degrees()).abs() < 1.0, "{found:?}");
            prop_assert!((f64::from(found.eyes_q8) / 256.0 - eyes).abs() < eyes / 100.0, "{found:?}");
        }

        #[test]
        fn no_landmarks_overflow(places: [[i16; 2]; 5]) {
            let points = places.map(|[x, y]| Point { x: i32::from(x) << 8, y: i32::from(y) << 8 });
            Pose::of(&points);
        }
    }
}
