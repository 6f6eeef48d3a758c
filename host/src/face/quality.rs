//! Decides whether a face is fit for recognition: size, pose, sharpness and exposure, each with its figure and its
//! limit.
//!
//! Pose is estimated from the five landmarks. The rest is measured between brows and chin, on the face aligned to 112
//! × 112 pixels. This size does not depend on the network, so the limits hold for all networks.

use std::fmt;

use image::{DynamicImage, RgbImage};
use serde::Serialize;

use super::{Face, align};

/// The measurements of a face.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Pixels of the photo between the eyes. For a face turned aside, the number that a frontal view would have.
    pub eye_distance_px: f32,
    /// Angle by which the face is turned to a side, degrees; positive when it looks to the right as seen.
    pub yaw_degrees: f32,
    /// Angle by which the face looks up or down, degrees; positive when it looks down.
    pub pitch_degrees: f32,
    /// Angle by which the head is inclined to a shoulder, degrees; positive when clockwise as seen.
    pub roll_degrees: f32,
    /// Variance of the Laplacian, without the part that rounding adds, divided by the variance of luminance.
    pub sharpness: f32,
    /// Mean luminance, 0 to 255.
    pub brightness: f32,
    /// Standard deviation of luminance.
    pub contrast: f32,
    /// Share of pixels that are completely black or white.
    pub clipped: f32,
}

impl Quality {
    /// Measures a face. `None` when its landmarks are all in one place.
    pub fn measure(photo: &RgbImage, face: &Face) -> Option<Self> {
        let template = align::template(112, 112);
        let crop = align::crop(photo, &face.landmarks, &template, [112, 112])?;
        let luminance = Luminance::of(&crop);
        let [yaw, pitch, roll, eye_distance_px] = pose(&face.landmarks);
        Some(Quality {
            eye_distance_px,
            yaw_degrees: yaw.to_degrees(),
            pitch_degrees: pitch.to_degrees(),
            roll_degrees: roll.to_degrees(),
            sharpness: luminance.sharpness,
            brightness: luminance.mean,
            contrast: luminance.deviation,
            clipped: luminance.clipped,
        })
    }
}

/// Yaw, pitch and roll in radians, and the distance between the eyes in a view without yaw, from five landmarks.
///
/// The landmarks are treated as a parallel projection of a mean face. Least squares give the images of the face's
/// width, height and depth axes in the photo. The direction of view is orthogonal to both rows of that matrix.
fn pose(landmarks: &[[f32; 2]; 5]) -> [f32; 4] {
    /// Proportions of the mean face, in distances between the eyes: half-width of the mouth over that of the eyes,
    /// height of nose and mouth below the eyes, depth of the nose before the plane of eyes and mouth.
    const MOUTH_WIDTH: f32 = 0.83;
    const NOSE_DOWN: f32 = 0.60;
    const MOUTH_DOWN: f32 = 1.15;
    const NOSE_DEPTH: f32 = 0.45;
    let [left, right, nose, mouth_left, mouth_right] = *landmarks;
    // One row for each axis of the photo: its components along the width, height and depth of the face.
    let rows: [[f32; 3]; 2] = std::array::from_fn(|axis| {
        let (eyes, mouth) = ((left[axis] + right[axis]) / 2.0, (mouth_left[axis] + mouth_right[axis]) / 2.0);
        let width = (right[axis] - left[axis] + MOUTH_WIDTH * (mouth_right[axis] - mouth_left[axis]))
            / (1.0 + MOUTH_WIDTH * MOUTH_WIDTH);
        let height = (mouth - eyes) / MOUTH_DOWN;
        let depth = (nose[axis] - eyes - NOSE_DOWN * height) / NOSE_DEPTH;
        [width, height, depth]
    });
    let [x, y] = rows;
    let view = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
    let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    let yaw = (-view[0]).atan2(view[2]);
    let pitch = (-view[1]).atan2(view[0].hypot(view[2]));
    let roll = y[0].atan2(x[0]);
    [yaw, pitch, roll, (length(&x) + length(&y)) / 2.0]
}

/// Luminance of the face in a crop of 112 × 112.
struct Luminance {
    mean: f32,
    deviation: f32,
    sharpness: f32,
    clipped: f32,
}

impl Luminance {
    fn of(crop: &RgbImage) -> Self {
        // The part between brows and chin, without hair and background.
        const COLUMNS: std::ops::Range<u32> = 27..85;
        const ROWS: std::ops::Range<u32> = 39..105;
        let grey = DynamicImage::from(crop.clone()).into_luma8();
        let at = |x: u32, y: u32| f32::from(grey.get_pixel(x, y)[0]);
        let places = || ROWS.flat_map(|y| COLUMNS.map(move |x| (x, y)));
        let laplacian = |(x, y)| at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y);
        let (mean, variance) = moments(places().map(|(x, y)| at(x, y)));
        // Rounding to whole numbers alone gives each pixel a variance of 1/12, and the Laplacian 4 + 16 times that
        // variance.
        let edges = (moments(places().map(laplacian)).1 - 20.0 / 12.0).max(0.0);
        let clipped = places().filter(|&(x, y)| !(5.0..=250.0).contains(&at(x, y))).count();
        Luminance {
            mean,
            deviation: variance.sqrt(),
            sharpness: edges / variance.max(1.0),
            clipped: clipped as f32 / places().count() as f32,
        }
    }
}

/// Mean and variance.
fn moments(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values.map(f64::from) {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean = sum / count;
    (mean as f32, (squares / count - mean * mean).max(0.0) as f32)
}

/// Limits for accepted faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// Least pixels between the eyes in the photo, as a share of those in the crop.
    pub least_eye_share: f32,
    /// Most yaw to either side, degrees.
    pub most_yaw_degrees: f32,
    /// Most pitch up or down, degrees.
    pub most_pitch_degrees: f32,
    /// Most roll to either side, degrees.
    pub most_roll_degrees: f32,
    /// Least variance of the Laplacian divided by the variance of luminance.
    pub least_sharpness: f32,
    /// Least and most mean luminance.
    pub brightness: [f32; 2],
    /// Least standard deviation of luminance.
    pub least_contrast: f32,
    /// Largest share of pixels that are completely black or white.
    pub most_clipped: f32,
}

impl Default for Gates {
    /// The limits at which recognition gets worse, measured with the default network on aligned press photos that were
    /// made smaller, blurred, darker, brighter and flatter. Fewer than one in a hundred of the unchanged photos is
    /// refused.
    fn default() -> Self {
        Gates {
            least_eye_share: 0.5,
            most_yaw_degrees: 45.0,
            most_pitch_degrees: 50.0,
            most_roll_degrees: 60.0,
            least_sharpness: 0.015,
            brightness: [40.0, 215.0],
            least_contrast: 9.0,
            most_clipped: 0.25,
        }
    }
}

impl Gates {
    /// Finds the first reason to refuse a face. Its crop will have `crop_eyes_px` pixels between the eyes.
    ///
    /// # Errors
    /// That reason.
    pub fn check(&self, quality: &Quality, crop_eyes_px: f32) -> Result<(), Fault> {
        let least_eyes = self.least_eye_share * crop_eyes_px;
        let [dark, bright] = self.brightness;
        let Quality { yaw_degrees: yaw, pitch_degrees: pitch, roll_degrees: roll, .. } = *quality;
        let fault = if quality.eye_distance_px < least_eyes {
            Fault::TooSmall { eye_distance_px: quality.eye_distance_px, least: least_eyes }
        } else if yaw.abs() > self.most_yaw_degrees {
            Fault::TurnedAside { degrees: yaw, most: self.most_yaw_degrees }
        } else if pitch.abs() > self.most_pitch_degrees {
            Fault::TurnedUpOrDown { degrees: pitch, most: self.most_pitch_degrees }
        } else if roll.abs() > self.most_roll_degrees {
            Fault::Inclined { degrees: roll, most: self.most_roll_degrees }
        } else if quality.brightness < dark {
            Fault::TooDark { brightness: quality.brightness, least: dark }
        } else if quality.brightness > bright {
            Fault::TooBright { brightness: quality.brightness, most: bright }
        } else if quality.clipped > self.most_clipped {
            Fault::Clipped { share: quality.clipped, most: self.most_clipped }
        } else if quality.contrast < self.least_contrast {
            Fault::Flat { contrast: quality.contrast, least: self.least_contrast }
        } else if quality.sharpness < self.least_sharpness {
            Fault::Blurred { sharpness: quality.sharpness, least: self.least_sharpness }
        } else {
            return Ok(());
        };
        Err(fault)
    }
}

/// The reason why a face is not fit for recognition, with the measurement and the limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Fault {
    /// Too few pixels between the eyes.
    TooSmall {
        /// Pixels between the eyes.
        eye_distance_px: f32,
        /// Limit.
        least: f32,
    },
    /// Turned to a side, towards profile.
    TurnedAside {
        /// Yaw.
        degrees: f32,
        /// Limit to either side.
        most: f32,
    },
    /// Looking up or down.
    TurnedUpOrDown {
        /// Pitch.
        degrees: f32,
        /// Limit up or down.
        most: f32,
    },
    /// Inclined to a shoulder.
    Inclined {
        /// Roll.
        degrees: f32,
        /// Limit to either side.
        most: f32,
    },
    /// Underexposed.
    TooDark {
        /// Mean luminance, 0 to 255.
        brightness: f32,
        /// Limit.
        least: f32,
    },
    /// Overexposed.
    TooBright {
        /// Mean luminance, 0 to 255.
        brightness: f32,
        /// Limit.
        most: f32,
    },
    /// Large parts of the face are black or white.
    Clipped {
        /// Share of pixels.
        share: f32,
        /// Limit.
        most: f32,
    },
    /// Without contrast.
    Flat {
        /// Standard deviation of luminance, of 0 to 255.
        contrast: f32,
        /// Limit.
        least: f32,
    },
    /// Blurred.
    Blurred {
        /// Variance of the Laplacian divided by the variance of luminance.
        sharpness: f32,
        /// Limit.
        least: f32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooSmall { eye_distance_px, least } => {
                write!(
                    f,
                    "the face is too small: {eye_distance_px:.0} pixels between the eyes, {least:.0} are needed"
                )
            }
            Fault::TurnedAside { degrees, most } => {
                write!(f, "the face is turned aside by {:.0}°, at most {most:.0}° is usable", degrees.abs())
            }
            Fault::TurnedUpOrDown { degrees, most } => {
                let way = if *degrees > 0.0 { "down" } else { "up" };
                write!(f, "the face looks {way} by {:.0}°, at most {most:.0}° is usable", degrees.abs())
            }
            Fault::Inclined { degrees, most } => {
                write!(f, "the head is inclined by {:.0}°, at most {most:.0}° is usable", degrees.abs())
            }
            Fault::TooDark { brightness, least } => {
                write!(
                    f,
                    "the face is too dark: mean luminance {brightness:.0} of 255, at least {least:.0} is needed"
                )
            }
            Fault::TooBright { brightness, most } => {
                write!(
                    f,
                    "the face is too bright: mean luminance {brightness:.0} of 255, at most {most:.0} is usable"
                )
            }
            Fault::Clipped { share, most } => write!(
                f,
                "{:.0} % of the face is black or white altogether, at most {:.0} % is usable",
                100.0 * share,
                100.0 * most
            ),
            Fault::Flat { contrast, least } => write!(
                f,
                "the face has too little contrast: luminance deviates by {contrast:.1} of 255, \
                 at least {least:.0} is needed"
            ),
            Fault::Blurred { sharpness, least } => {
                write!(f, "the face is blurred: sharpness {sharpness:.4}, at least {least:.4} is needed")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// The landmarks of the mean face turned by yaw, then pitch, then roll (radians), seen by a camera far away.
    fn turned(yaw: f32, pitch: f32, roll: f32) -> [[f32; 2]; 5] {
        let points: [[f32; 3]; 5] =
            [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.60, 0.45], [-0.415, 1.15, 0.0], [0.415, 1.15, 0.0]];
        points.map(|[x, y, z]| {
            let (x, z) = (x * yaw.cos() + z * yaw.sin(), z * yaw.cos() - x * yaw.sin());
            let y = y * pitch.cos() + z * pitch.sin();
            let [x, y] = [x * roll.cos() - y * roll.sin(), x * roll.sin() + y * roll.cos()];
            [300.0 + 80.0 * x, 200.0 + 80.0 * y]
        })
    }

    #[test]
    fn pose_of_a_turned_face_is_found_again() {
        for (yaw, pitch, roll) in
            [(0.0, 0.0, 0.0), (0.6, 0.0, 0.0), (-0.9, 0.0, 0.4), (0.0, 0.4, 0.0), (0.3, -0.3, -0.5)]
        {
            let [found_yaw, found_pitch, _, eyes] = pose(&turned(yaw, pitch, roll));
            assert!((found_yaw - yaw).abs() < 0.01, "yaw {yaw} {pitch} {roll}: {found_yaw}");
            assert!((found_pitch - pitch).abs() < 0.01, "pitch {yaw} {pitch} {roll}: {found_pitch}");
            assert!((eyes - 80.0).abs() < 1.0, "{eyes}");
        }
        let [.., roll, _] = pose(&turned(0.0, 0.0, 0.7));
        assert!((roll - 0.7).abs() < 0.01, "{roll}");
    }

    const FIT: Quality = Quality {
        eye_distance_px: 40.0,
        yaw_degrees: 0.0,
        pitch_degrees: 0.0,
        roll_degrees: 0.0,
        sharpness: 0.1,
        brightness: 120.0,
        contrast: 40.0,
        clipped: 0.0,
    };

    #[test]
    fn each_gate_names_its_figure_and_its_limit() {
        let gates = Gates::default();
        assert_eq!(gates.check(&FIT, 35.0), Ok(()));
        let cases = [
            (Quality { eye_distance_px: 9.0, ..FIT }, "9 pixels", "18 are"),
            (Quality { yaw_degrees: -71.0, ..FIT }, "71°", "°"),
            (Quality { pitch_degrees: 66.0, ..FIT }, "down by 66°", "°"),
            (Quality { pitch_degrees: -66.0, ..FIT }, "up by 66°", "°"),
            (Quality { roll_degrees: 88.0, ..FIT }, "88°", "°"),
            (Quality { brightness: 4.0, ..FIT }, "dark: mean luminance 4", "at least"),
            (Quality { brightness: 251.0, ..FIT }, "bright: mean luminance 251", "at most"),
            (Quality { clipped: 0.77, ..FIT }, "77 %", "at most"),
            (Quality { contrast: 1.5, ..FIT }, "1.5", "at least"),
            (Quality { sharpness: 0.0002, ..FIT }, "0.0002", "at least"),
        ];
        for (quality, figure, limit) in cases {
            let said = gates.check(&quality, 35.0).unwrap_err().to_string();
            assert!(said.contains(figure) && said.contains(limit), "{said}");
        }
    }

    #[test]
    fn a_grid_is_sharper_than_a_slope() {
        let slope = RgbImage::from_fn(112, 112, |x, _| Rgb([(2 * x) as u8; 3]));
        let grid = RgbImage::from_fn(112, 112, |x, y| Rgb([if (x + y) % 2 == 0 { 60 } else { 180 }; 3]));
        let (slope, grid) = (Luminance::of(&slope), Luminance::of(&grid));
        assert_eq!(slope.sharpness, 0.0);
        // The pixels are ± 60 around 120, and neighbours have opposite signs: a Laplacian of ± 480.
        assert!((grid.sharpness - 64.0).abs() < 0.1, "{}", grid.sharpness);
        assert!((grid.mean - 120.0).abs() < 1.0 && (grid.deviation - 60.0).abs() < 1.0);
    }

    #[test]
    fn black_and_white_pixels_are_counted() {
        let half = RgbImage::from_fn(112, 112, |x, _| Rgb([if x < 56 { 0 } else { 128 }; 3]));
        assert_eq!(Luminance::of(&half).clipped, 0.5);
        assert_eq!(Luminance::of(&RgbImage::from_pixel(112, 112, Rgb([255; 3]))).clipped, 1.0);
    }
}
