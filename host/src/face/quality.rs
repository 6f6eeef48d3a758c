//! The measurements of a face in the units that people read: `face`'s, which are integers, as JSON shows them.

use face::Quality;
use serde::Serialize;

/// The measurements of a face.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measurements {
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

impl Measurements {
    /// Of a face in a photo that is `scale` times as large as the frame in which it was measured.
    pub fn new(quality: &Quality, scale: f32) -> Self {
        let degrees = |angle: i16| f32::from(angle) / 16.0;
        Measurements {
            eye_distance_px: quality.eyes_q8 as f32 / 256.0 * scale,
            yaw_degrees: degrees(quality.yaw_d16),
            pitch_degrees: degrees(quality.pitch_d16),
            roll_degrees: degrees(quality.roll_d16),
            sharpness: quality.sharpness_q16 as f32 / 65_536.0,
            brightness: f32::from(quality.brightness_q8) / 256.0,
            contrast: f32::from(quality.contrast_q8) / 256.0,
            clipped: quality.clipped_q16 as f32 / 65_536.0,
        }
    }
}
