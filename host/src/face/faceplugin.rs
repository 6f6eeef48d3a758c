//! The detector and the landmark network of the default model's package.
//!
//! `fr_detect` (240 × 320, RGB) gives boxes, as shares of the picture's size, with a score each. `fr_landmark` (64 ×
//! 64, grey) gives 68 points, as shares of the size of a face's picture.

use std::path::Path;

use anyhow::{Result, ensure};
use image::{DynamicImage, RgbImage, imageops};

use super::align::{self, Transform};
use super::{Face, FloatNetworks, look};
use crate::onnx::Reference;

/// Least score of a possible face.
const LEAST_SCORE: f32 = 0.65;
/// Score of a certain face.
const SURE: f32 = 0.9;
/// Side of the square that `fr_landmark` sees of a face, in pixels of the template of 112 × 112: from the brows to the
/// chin.
const FACE_SPAN: f32 = 96.0;
/// Side of a wider square around the same face, in the same pixels.
const WIDE_SPAN: f32 = 135.0;
/// How far landmarks may move in the wider square and in the mirrored picture for a certain face, in distances between
/// the eyes. Landmarks of a face stay (99 of 100 within 0.07 and 0.04); those of a pizza or a profile move.
const MOST_MOVED: [f32; 2] = [0.1, 0.08];
/// Side of the square that `fr_detect` sees in its second examination, in the same pixels.
const SECOND_SPAN: f32 = 200.0;

/// The two networks.
pub struct Faceplugin {
    detect: Reference,
    landmark: Reference,
}

impl Faceplugin {
    /// Loads the networks from a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let load = |name: &str, channels: usize, lengths: fn(&[Vec<f32>]) -> bool| -> Result<Reference> {
            let path = folder.join(name);
            let network = Reference::load(&path)?;
            let [height, width, depth] = network.input();
            ensure!(depth == channels, "{} takes another input", path.display());
            let outputs = network.run(&vec![0.0; height * width * depth])?;
            ensure!(lengths(&outputs), "{} has other outputs", path.display());
            Ok(network)
        };
        Ok(Faceplugin {
            detect: load("fr_detect.onnx", 3, |outputs| {
                outputs.len() == 2 && outputs[0].len() * 2 == outputs[1].len()
            })?,
            landmark: load("fr_landmark.onnx", 1, |outputs| outputs[0].len() == 2 * 68)?,
        })
    }

    /// Five landmarks of a face that fills the picture.
    fn points(&self, face: RgbImage) -> Result<[[f32; 2]; 5]> {
        let sides = [face.width() as f32, face.height() as f32];
        let grey = DynamicImage::from(face).into_luma8();
        let input: Vec<f32> = grey.as_raw().iter().map(|&pixel| f32::from(pixel) / 256.0).collect();
        let outputs = self.landmark.run(&input)?;
        let point = |index: usize| -> [f32; 2] {
            std::array::from_fn(|axis| outputs[0][2 * index + axis] * sides[axis] - 0.5)
        };
        let mean = |indices: &[usize]| {
            let sum = indices.iter().map(|&i| point(i)).fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
            sum.map(|sum| sum / indices.len() as f32)
        };
        // Each eye is the mean of four points of its lids. Each corner of the mouth is the mean of the outer and the
        // inner corner.
        Ok([mean(&[37, 38, 40, 41]), mean(&[43, 44, 46, 47]), point(30), mean(&[48, 60]), mean(&[54, 64])])
    }

    /// Landmarks of a face from two pictures, in which rough landmarks are upright: one of `span` pixels, and its
    /// mirror image.
    fn landmarks(
        &self,
        photo: &RgbImage,
        rough: &[[f32; 2]; 5],
        span: f32,
    ) -> Result<Option<[[[f32; 2]; 5]; 2]>> {
        let [height, width, _] = self.landmark.input();
        let size = [width as u32, height as u32];
        let Some(to) = Transform::between(rough, &look::upright(size, span)) else { return Ok(None) };
        let picture = align::warp(photo, &to, size);
        let flipped = self.points(imageops::flip_horizontal(&picture))?;
        let views = [self.points(picture)?, look::mirrored(flipped, size[0])];
        let back = to.inverse();
        Ok(Some(views.map(|view| view.map(|point| back.apply(point)))))
    }
}

impl FloatNetworks for Faceplugin {
    fn size(&self) -> [u32; 2] {
        let [height, width, _] = self.detect.input();
        [width as u32, height as u32]
    }

    /// Places the landmarks where they usually are in a box of this detector.
    fn look(&self, picture: &RgbImage) -> Result<Vec<Face>> {
        let input: Vec<f32> =
            picture.as_raw().iter().map(|&pixel| (f32::from(pixel) - 127.0) / 128.0).collect();
        let outputs = self.detect.run(&input)?;
        let sides = [picture.width(), picture.height(), picture.width(), picture.height()];
        let boxes = outputs[0].chunks_exact(2).zip(outputs[1].as_chunks::<4>().0);
        let faces = boxes.filter(|(scores, _)| scores[1] >= LEAST_SCORE).map(|(scores, shares)| {
            let bounds: [f32; 4] = std::array::from_fn(|i| shares[i] * sides[i] as f32 - 0.5);
            let [left, top, right, bottom] = bounds;
            let scale = (right - left) / 77.0;
            let middle = [(left + right) / 2.0, (top + bottom) / 2.0 + 8.6 * scale];
            let landmarks = align::template(112, 112)
                .map(|[x, y]| [middle[0] + (x - 56.0) * scale, middle[1] + (y - 72.0) * scale]);
            Face { bounds, score: scores[1], landmarks }
        });
        Ok(faces.collect())
    }

    /// Uses the landmark network again on the picture that its first answer makes upright. The score is low if the
    /// wider square gives other landmarks, or if the detector does not see a face there too.
    fn refine(&self, photo: &RgbImage, face: &Face) -> Result<Face> {
        let none = Face { score: 0.0, ..*face };
        let Some(first) = self.landmarks(photo, &face.landmarks, FACE_SPAN)? else { return Ok(none) };
        let Some(second) = self.landmarks(photo, &look::mean(&first), FACE_SPAN)? else { return Ok(none) };
        let landmarks = look::mean(&second);
        let Some(wide) = self.landmarks(photo, &landmarks, WIDE_SPAN)? else { return Ok(none) };
        let upright = look::upright(self.size(), SECOND_SPAN);
        let Some(to) = Transform::between(&landmarks, &upright) else { return Ok(none) };
        let seen = self.look(&align::warp(photo, &to, self.size()))?;
        let middle = self.size().map(|side| side as f32 / 2.0);
        let holds = |face: &&Face| {
            let [left, top, right, bottom] = face.bounds;
            (left..right).contains(&middle[0]) && (top..bottom).contains(&middle[1])
        };
        let again = seen.iter().filter(holds).map(|face| face.score).fold(0.0, f32::max);
        let eyes = (landmarks[1][0] - landmarks[0][0]).hypot(landmarks[1][1] - landmarks[0][1]);
        let moved = [distance(&look::mean(&wide), &landmarks), distance(&second[0], &second[1])];
        let settled = (0..2).map(|i| MOST_MOVED[i] * eyes / moved[i]).fold(1.0, f32::min);
        Ok(Face { score: face.score.min(again) * settled, landmarks, ..*face })
    }

    fn sure(&self) -> f32 {
        SURE
    }
}

/// Mean distance between two sets of landmarks.
fn distance(a: &[[f32; 2]; 5], b: &[[f32; 2]; 5]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).sum::<f32>() / 5.0
}
