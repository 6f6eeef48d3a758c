//! The detector and the landmark network of the default model's package.
//!
//! `fr_detect` (240 × 320, RGB) gives boxes as shares of the picture and a score each; `fr_landmark` (64 × 64, grey)
//! gives 68 points as shares of a box.

use std::path::Path;

use anyhow::{Result, ensure};
use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};

use super::{Face, suppress};
use crate::import::Reference;

/// Least score of a face.
const LEAST_SCORE: f32 = 0.65;
/// Most overlap of two faces.
const MOST_OVERLAP: f32 = 0.4;

/// The two networks.
pub struct Faceplugin {
    detect: Reference,
    landmark: Reference,
}

impl Faceplugin {
    /// Loads them from a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let load = |name: &str, channels: usize| -> Result<Reference> {
            let path = folder.join(name);
            let network = Reference::load(&path)?;
            ensure!(network.input()[2] == channels, "{} takes another input", path.display());
            Ok(network)
        };
        Ok(Faceplugin { detect: load("fr_detect.onnx", 3)?, landmark: load("fr_landmark.onnx", 1)? })
    }

    /// The faces of a photo.
    pub fn find(&self, photo: &RgbImage) -> Result<Vec<Face>> {
        let mut faces = Vec::new();
        for (bounds, score) in self.boxes(photo)? {
            if let Some(landmarks) = self.landmarks(photo, bounds)? {
                faces.push(Face { bounds, score, landmarks });
            }
        }
        Ok(faces)
    }

    /// Boxes with a face and how sure that is.
    fn boxes(&self, photo: &RgbImage) -> Result<Vec<([f32; 4], f32)>> {
        let [height, width, _] = self.detect.input();
        // The whole photo in its proportions, at the upper left of a black picture.
        let scale = (width as f32 / photo.width() as f32).min(height as f32 / photo.height() as f32);
        let fitted =
            [photo.width(), photo.height()].map(|side| ((side as f32 * scale).round() as u32).max(1));
        let mut picture = RgbImage::new(width as u32, height as u32);
        imageops::replace(
            &mut picture,
            &imageops::resize(photo, fitted[0], fitted[1], FilterType::Triangle),
            0,
            0,
        );
        let input: Vec<f32> =
            picture.as_raw().iter().map(|&pixel| (f32::from(pixel) - 127.0) / 128.0).collect();
        let outputs = self.detect.run(&input)?;
        ensure!(
            outputs.len() == 2 && outputs[0].len() * 2 == outputs[1].len(),
            "fr_detect has other outputs"
        );
        let sides = [width, height, width, height].map(|side| side as f32 / scale);
        let boxes = outputs[0].chunks_exact(2).zip(outputs[1].as_chunks::<4>().0);
        let found = boxes.filter(|(scores, _)| scores[1] >= LEAST_SCORE);
        let found = found.map(|(scores, shares)| (std::array::from_fn(|i| shares[i] * sides[i]), scores[1]));
        Ok(suppress(found.collect(), MOST_OVERLAP))
    }

    /// Five landmarks of the face in a box, unless too little of the box is in the photo.
    fn landmarks(&self, photo: &RgbImage, bounds: [f32; 4]) -> Result<Option<[[f32; 2]; 5]>> {
        let limits = [photo.width(), photo.height(), photo.width(), photo.height()].map(|side| side as f32);
        let [left, top, right, bottom] =
            std::array::from_fn(|i| bounds[i].clamp(0.0, limits[i]).round() as u32);
        if right < left + 8 || bottom < top + 8 {
            return Ok(None);
        }
        let (width, height) = (right - left, bottom - top);
        let face = imageops::crop_imm(photo, left, top, width, height).to_image();
        let [rows, columns, _] = self.landmark.input();
        let face = imageops::resize(&face, columns as u32, rows as u32, FilterType::Triangle);
        let grey = DynamicImage::from(face).into_luma8();
        let input: Vec<f32> = grey.as_raw().iter().map(|&pixel| f32::from(pixel) / 256.0).collect();
        let outputs = self.landmark.run(&input)?;
        ensure!(outputs[0].len() == 2 * 68, "fr_landmark has other outputs");
        let point = |index: usize| {
            let [x, y] = [outputs[0][2 * index], outputs[0][2 * index + 1]];
            [left as f32 + x * width as f32, top as f32 + y * height as f32]
        };
        let mean = |indices: &[usize]| {
            let sum = indices.iter().map(|&i| point(i)).fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
            sum.map(|sum| sum / indices.len() as f32)
        };
        // Of each eye the four points of the lids; of the mouth, outer and inner corner.
        Ok(Some([
            mean(&[37, 38, 40, 41]),
            mean(&[43, 44, 46, 47]),
            point(30),
            mean(&[48, 60]),
            mean(&[54, 64]),
        ]))
    }
}
