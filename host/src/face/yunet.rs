//! YuNet, a detector that gives five landmarks itself (Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector,
//! 2023).
//!
//! Input: blue, green, red, 0 to 255. There are twelve outputs: for each stride of 8, 16 and 32 pixels, a grid of
//! cells. The first three grids give how much each cell looks like a face, the next three whether it is a face's
//! centre. Boxes and landmarks follow.

use std::path::Path;

use anyhow::{Result, ensure};
use image::{RgbImage, imageops};

use super::align::{self, Transform};
use super::{Face, FloatNetworks, look};
use crate::onnx::Reference;

/// Pixels between the cells of a grid.
const STRIDES: [usize; 3] = [8, 16, 32];
/// Least score of a possible face.
const LEAST_SCORE: f32 = 0.5;
/// Score of a certain face.
const SURE: f32 = 0.75;
/// Sizes for the close examination of a face: the picture's side in pixels of the template of 112 × 112.
const SPANS: [f32; 3] = [141.0, 113.0, 94.0];
/// Distance by which YuNet places eyes above the middle of the lids, in distances between the eyes. It was measured on
/// photos of faces against two other detectors, which agree.
const EYES_ABOVE: f32 = 0.033;

/// The network.
pub struct YuNet {
    network: Reference,
}

impl YuNet {
    /// Loads the network from its file.
    pub fn load(path: &Path) -> Result<Self> {
        let network = Reference::load(path)?;
        let [height, width, channels] = network.input();
        let fits = channels == 3 && height % STRIDES[2] == 0 && width % STRIDES[2] == 0;
        ensure!(fits, "{} takes another input than YuNet", path.display());
        let outputs = network.run(&vec![0.0; height * width * 3])?;
        let lengths = [1, 1, 4, 10]
            .into_iter()
            .flat_map(|values| STRIDES.map(|stride| (height / stride) * (width / stride) * values));
        ensure!(outputs.iter().map(Vec::len).eq(lengths), "{} has other outputs than YuNet", path.display());
        Ok(YuNet { network })
    }

    /// The most likely face of a picture near the expected landmarks.
    fn close(&self, picture: &RgbImage, expected: &[[f32; 2]; 5]) -> Result<Option<Face>> {
        let middle = |points: &[[f32; 2]; 5]| -> [f32; 2] {
            std::array::from_fn(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / 5.0)
        };
        let [x, y] = middle(expected);
        let radius = (expected[1][0] - expected[0][0]).abs() / 2.0;
        let near = |face: &Face| {
            let found = middle(&face.landmarks);
            (found[0] - x).hypot(found[1] - y) < radius
        };
        let faces = self.look(picture)?.into_iter().filter(near);
        Ok(faces.max_by(|a, b| a.score.total_cmp(&b.score)))
    }
}

impl FloatNetworks for YuNet {
    fn size(&self) -> [u32; 2] {
        let [height, width, _] = self.network.input();
        [width as u32, height as u32]
    }

    fn look(&self, picture: &RgbImage) -> Result<Vec<Face>> {
        let input: Vec<f32> =
            picture.pixels().flat_map(|pixel| [pixel[2], pixel[1], pixel[0]].map(f32::from)).collect();
        let outputs = self.network.run(&input)?;
        let width = self.network.input()[1];
        let mut faces = Vec::new();
        for (grid, stride) in STRIDES.into_iter().enumerate() {
            let [kinds, centres, boxes, points] = [0, 3, 6, 9].map(|kind| &outputs[kind + grid]);
            let columns = width / stride;
            for (cell, (&kind, &centre)) in kinds.iter().zip(centres).enumerate() {
                let score = (kind.clamp(0.0, 1.0) * centre.clamp(0.0, 1.0)).sqrt();
                if score < LEAST_SCORE {
                    continue;
                }
                let origin = [(cell % columns) as f32, (cell / columns) as f32];
                // The network's coordinates start at the corner of the first pixel.
                let place = |shift: &[f32], axis: usize| (origin[axis] + shift[axis]) * stride as f32 - 0.5;
                let shape = &boxes[4 * cell..][..4];
                let [x, y] = [place(shape, 0), place(shape, 1)];
                let [half_width, half_height] =
                    [shape[2], shape[3]].map(|log| log.exp() * stride as f32 / 2.0);
                let points = &points[10 * cell..][..10];
                faces.push(Face {
                    bounds: [x - half_width, y - half_height, x + half_width, y + half_height],
                    score,
                    landmarks: std::array::from_fn(|point| {
                        std::array::from_fn(|axis| place(&points[2 * point..], axis))
                    }),
                });
            }
        }
        Ok(faces)
    }

    /// Landmarks of a single pass have an error of 8 % of the distance between the eyes. Passes at different sizes and
    /// over the mirrored picture have different errors, so their mean is better.
    fn refine(&self, photo: &RgbImage, face: &Face) -> Result<Face> {
        let size = self.size();
        let (mut views, mut score) = (Vec::new(), 0.0);
        for span in SPANS {
            let upright = look::upright(size, span);
            let Some(to) = Transform::between(&face.landmarks, &upright) else { continue };
            let picture = align::warp(photo, &to, size);
            let flipped = imageops::flip_horizontal(&picture);
            let straight = self.close(&picture, &upright)?;
            let turned = self.close(&flipped, &look::mirrored(upright, size[0]))?;
            let turned =
                turned.map(|face| Face { landmarks: look::mirrored(face.landmarks, size[0]), ..face });
            for mut seen in [straight, turned].into_iter().flatten() {
                let [left, right, ..] = seen.landmarks;
                let down = [left[1] - right[1], right[0] - left[0]].map(|x| x * EYES_ABOVE);
                for eye in &mut seen.landmarks[..2] {
                    *eye = [eye[0] + down[0], eye[1] + down[1]];
                }
                score += seen.score / (2 * SPANS.len()) as f32;
                views.push(seen.landmarks.map(|point| to.inverse().apply(point)));
            }
        }
        match views.is_empty() {
            true => Ok(Face { score: 0.0, ..*face }),
            false => Ok(Face { score: score.min(face.score), landmarks: look::mean(&views), ..*face }),
        }
    }

    fn sure(&self) -> f32 {
        SURE
    }
}
