//! Faces in photos: where they are, their five landmarks, and cut out upright at the network's size.

use std::path::Path;

use anyhow::{Context, Result};
use image::RgbImage;

use self::faceplugin::Faceplugin;

pub mod align;
mod faceplugin;

/// A face in a photo. Coordinates are in pixels, `[x, y]`; whole numbers are pixels' centres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Left, top, right, bottom.
    pub bounds: [f32; 4],
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Left eye, right eye, nose tip, left and right mouth corner, left and right as seen.
    pub landmarks: [[f32; 2]; 5],
}

impl Face {
    /// Square pixels of the bounds.
    pub fn area(&self) -> f32 {
        let [left, top, right, bottom] = self.bounds;
        (right - left).max(0.0) * (bottom - top).max(0.0)
    }
}

/// Finds faces.
pub struct Detector {
    faceplugin: Faceplugin,
}

impl Detector {
    /// Loads the networks of a folder: `fr_detect.onnx` and `fr_landmark.onnx`.
    ///
    /// # Errors
    /// When they are not there or not those.
    pub fn load(folder: &Path) -> Result<Self> {
        let faceplugin = Faceplugin::load(folder).with_context(|| {
            format!("no usable face detector in {}; ./setup.sh --data-only fetches it", folder.display())
        })?;
        Ok(Detector { faceplugin })
    }

    /// The faces of a photo, the largest first.
    ///
    /// # Errors
    /// When a network fails.
    pub fn find(&self, photo: &RgbImage) -> Result<Vec<Face>> {
        let mut faces = self.faceplugin.find(photo)?;
        faces.sort_by(|a, b| b.area().total_cmp(&a.area()));
        Ok(faces)
    }
}

/// Shares of two boxes' area that both cover.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |[left, top, right, bottom]: [f32; 4]| (right - left).max(0.0) * (bottom - top).max(0.0);
    let both = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    both / (area(a) + area(b) - both).max(f32::MIN_POSITIVE)
}

/// Keeps the surest of boxes that overlap by more than `most`, the surest first.
fn suppress(mut boxes: Vec<([f32; 4], f32)>, most: f32) -> Vec<([f32; 4], f32)> {
    boxes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<([f32; 4], f32)> = Vec::new();
    for (bounds, score) in boxes {
        if kept.iter().all(|&(other, _)| overlap(bounds, other) <= most) {
            kept.push((bounds, score));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_a_share_of_the_union() {
        assert_eq!(overlap([0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]), 1.0);
        assert_eq!(overlap([0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0]), 2.0 / 6.0);
        assert_eq!(overlap([0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 3.0, 3.0]), 0.0);
    }

    #[test]
    fn the_surest_of_overlapping_boxes_is_kept() {
        let first = ([0.0, 0.0, 10.0, 10.0], 0.8);
        let surer = ([1.0, 0.0, 11.0, 10.0], 0.9);
        let elsewhere = ([30.0, 0.0, 40.0, 10.0], 0.7);
        assert_eq!(suppress(vec![first, surer, elsewhere], 0.4), [surer, elsewhere]);
    }
}
