//! Faces in photos: finds faces and their five landmarks, decides whether they are fit for recognition, and cuts them
//! out upright at the network's size. [`Pipeline`] does all of this.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use image::RgbImage;

use self::align::Transform;
use self::faceplugin::Faceplugin;
pub use self::pipeline::{Choice, Chosen, Crop, Finder, Pipeline, Unusable, colour_crop, crop_eyes};
pub use self::quality::Measurements;
use self::yunet::YuNet;
use crate::sight::places::is_same;

pub mod align;
mod faceplugin;
pub(crate) mod look;
mod pipeline;
mod quality;
mod yunet;

/// The default networks, as `./setup.sh` fetches them.
pub const DEFAULT: &str = "data/faceplugin";

/// A face in a photo. Coordinates are in pixels, `[x, y]`; whole numbers are pixels' centres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Left, top, right, bottom.
    pub bounds: [f32; 4],
    /// The detector's confidence, 0 to 1.
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

    /// The face after a transform. Its bounds stay upright.
    fn moved(&self, to: &Transform) -> Self {
        let [left, top, right, bottom] = self.bounds;
        let centre = to.apply([(left + right) / 2.0, (top + bottom) / 2.0]);
        let half = [(right - left) / 2.0, (bottom - top) / 2.0].map(|half| half * to.scale());
        let [[left, right], [top, bottom]] =
            std::array::from_fn(|axis| [centre[axis] - half[axis], centre[axis] + half[axis]]);
        let landmarks = self.landmarks.map(|point| to.apply(point));
        Face { bounds: [left, top, right, bottom], landmarks, ..*self }
    }
}

/// FloatNetworks that find faces in a picture of their own size.
trait FloatNetworks: Send + Sync {
    /// Width and height of the picture.
    fn size(&self) -> [u32; 2];

    /// Candidates: bounds and score are good, landmarks are rough. One face may be returned several times.
    fn look(&self, picture: &RgbImage) -> Result<Vec<Face>>;

    /// Examines a face closely. Returns its landmarks, and a score that is low if it is not a face.
    fn refine(&self, photo: &RgbImage, face: &Face) -> Result<Face>;

    /// The least score of a certain face.
    fn sure(&self) -> f32;
}

/// Photos are cut into tiles as long as they were shown smaller than this.
const LEAST_SCALE: f32 = 0.3;

/// Finds faces.
#[derive(Clone)]
pub struct FloatDetector {
    networks: Arc<dyn FloatNetworks>,
}

/// The path itself or, if it does not exist, the path in the folder that this program was built in: the default
/// network is found from any working directory.
pub fn found(path: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if !path.exists() && built.exists() { built } else { path.to_path_buf() }
}

impl FloatDetector {
    /// Loads the default model's detector from a folder with `fr_detect.onnx` and `fr_landmark.onnx`, or YuNet from
    /// its ONNX file. A path that does not exist is looked up in the folder that this program was built in.
    ///
    /// # Errors
    /// When the files are missing, or are not these networks.
    pub fn load(path: &Path) -> Result<Self> {
        let path = &*found(path);
        let networks: Result<Arc<dyn FloatNetworks>> = if path.is_file() {
            YuNet::load(path).map(|yunet| Arc::new(yunet) as _)
        } else {
            Faceplugin::load(path).map(|faceplugin| Arc::new(faceplugin) as _)
        };
        let networks = networks.with_context(|| {
            format!(
                "no usable face detector in {}; name a folder with fr_detect.onnx and fr_landmark.onnx \
                 (./setup.sh --data-only fetches them) or the ONNX file of YuNet",
                path.display()
            )
        })?;
        Ok(FloatDetector { networks })
    }

    /// The least score of a certain face, 0 to 1.
    pub fn sure(&self) -> f32 {
        self.networks.sure()
    }

    /// Candidates below this score are not faces.
    fn possible(&self) -> f32 {
        self.sure() / 6.0
    }

    /// The faces and possible faces of a photo, the largest first.
    ///
    /// The whole photo is searched first. While no certain face is found, it is searched at smaller size, for faces
    /// that fill it, and then in ever smaller tiles, for small faces in large photos.
    ///
    /// # Errors
    /// When a network fails.
    pub fn find(&self, photo: &RgbImage) -> Result<Vec<Face>> {
        let mut found: Vec<Face> = Vec::new();
        for looks in look::levels(photo.dimensions().into(), self.networks.size(), LEAST_SCALE) {
            let mut seen = Vec::new();
            for to in looks {
                let faces = self.networks.look(&align::warp(photo, &to, self.networks.size()))?;
                let back = to.inverse();
                seen.extend(faces.iter().map(|face| face.moved(&back)));
            }
            for face in suppress(seen) {
                let refined = self.networks.refine(photo, &face)?;
                // A certain face is not dropped because of the close examination alone, which often gives profiles a
                // low score.
                let least = if face.score >= self.sure() { self.possible() } else { 0.0 };
                found.push(Face { score: refined.score.max(least), ..refined });
            }
            if found.iter().any(|face| face.score >= self.sure()) {
                break;
            }
        }
        let mut found = suppress(found);
        found.sort_by(|a, b| b.area().total_cmp(&a.area()));
        Ok(found)
    }
}

/// Keeps the most certain face of overlapping ones. Returns them in order, the most certain first.
fn suppress(mut faces: Vec<Face>) -> Vec<Face> {
    faces.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in faces {
        if kept.iter().all(|other| !is_same(face.bounds, other.bounds)) {
            kept.push(face);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_of_overlapping_faces_is_kept() {
        let face = |left: f32, score| Face {
            bounds: [left, 0.0, left + 10.0, 10.0],
            score,
            landmarks: [[left, 0.0]; 5],
        };
        let (first, surer, elsewhere) = (face(0.0, 0.8), face(1.0, 0.9), face(30.0, 0.7));
        assert_eq!(suppress(vec![first, surer, elsewhere]), [surer, elsewhere]);
    }

    #[test]
    fn a_moved_face_keeps_its_proportions() {
        let face = Face {
            bounds: [10.0, 20.0, 30.0, 60.0],
            score: 0.9,
            landmarks: [[12.0, 30.0], [24.0, 30.0], [18.0, 40.0], [13.0, 50.0], [23.0, 50.0]],
        };
        let moved = face.moved(&Transform { a: 2.0, b: 0.0, t: [1.0, -3.0] });
        assert_eq!(moved.bounds, [21.0, 37.0, 61.0, 117.0]);
        assert_eq!(moved.landmarks[2], [37.0, 77.0]);
    }
}
