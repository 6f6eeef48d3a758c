//! Turns a photo into aligned crops, or gives the reason why there are none.

use std::fmt;

use image::RgbImage;

use super::{Detector, Face, Fault, Gates, Quality, align, board};
use crate::sight::Seer;

/// The faces of a photo that are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The largest.
    #[default]
    Largest,
    /// The face nearest to the middle.
    Centre,
    /// All of them.
    All,
}

/// What finds and examines faces.
#[derive(Clone)]
pub enum Eyes {
    /// A board's eyes, to the last bit.
    Board(Seer),
    /// Networks in float, the reference.
    Float(Detector),
}

/// Turns photos into crops.
#[derive(Clone)]
pub struct Pipeline {
    /// Finds faces.
    pub eyes: Eyes,
    /// The faces of a photo that are used.
    pub choice: Choice,
    /// Requirements of a face; `None` accepts every face. A board's eyes have limits of their own.
    pub gates: Option<Gates>,
}

/// A face cut out upright.
#[derive(Clone, Debug)]
pub struct Crop {
    /// The pixels.
    pub image: RgbImage,
    /// The face's place in the photo.
    pub face: Face,
    /// The face's measurements.
    pub quality: Quality,
}

/// Why a photo or a face has no crop.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Nothing looks like a face.
    NoFace,
    /// The most likely face may not be one.
    Unsure {
        /// Confidence of the detector, 0 to 1.
        score: f32,
        /// Limit.
        least: f32,
    },
    /// The face is not fit for recognition.
    Unfit(Fault),
    /// The face is not fit for recognition, as a board sees it.
    Board(face::Refusal),
    /// A network failed, with its reason.
    Network(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoFace => write!(f, "no face was found"),
            Refusal::Unsure { score, least } => write!(
                f,
                "not certainly a face: sure to {:.0} %, at least {:.0} % is needed",
                100.0 * score,
                100.0 * least
            ),
            Refusal::Unfit(fault) => fault.fmt(f),
            Refusal::Board(fault) => fault.fmt(f),
            Refusal::Network(reason) => write!(f, "the face detector failed: {reason}"),
        }
    }
}

impl std::error::Error for Refusal {}

impl Pipeline {
    /// Crops of `[height, width]` of the chosen faces that are fit, the largest first. There is at least one.
    ///
    /// # Errors
    /// The reason why there is none. If there are several faces, the reason for the first.
    pub fn crops(&self, photo: &RgbImage, size: [usize; 2]) -> Result<Vec<Crop>, Refusal> {
        let (mut crops, mut refusals) = (Vec::new(), Vec::new());
        for outcome in self.each(photo, size)? {
            match outcome {
                Ok(crop) => crops.push(crop),
                Err(refusal) => refusals.push(refusal),
            }
        }
        match refusals.into_iter().next() {
            Some(refusal) if crops.is_empty() => Err(refusal),
            _ => Ok(crops),
        }
    }

    /// The result for each chosen face of a photo, the largest first: a crop of `[height, width]`, or the reason why
    /// there is none.
    ///
    /// # Errors
    /// When nothing in the photo is likely to be a face.
    pub fn each(&self, photo: &RgbImage, size: [usize; 2]) -> Result<Vec<Result<Crop, Refusal>>, Refusal> {
        let detector = match &self.eyes {
            Eyes::Board(seer) => return board::crops(seer, photo, self.choice, self.gates.is_some(), size),
            Eyes::Float(detector) => detector,
        };
        let found = detector.find(photo).map_err(|error| Refusal::Network(format!("{error:#}")))?;
        // Unlikely faces are skipped, but doubtful ones are not: if the largest face is doubtful, for example a
        // profile, skipping it would return another person's crop.
        let least = detector.sure();
        let possible = detector.possible();
        let mut likely: Vec<Face> = found.iter().copied().filter(|face| face.score >= possible).collect();
        match self.choice {
            Choice::All => {}
            Choice::Largest => likely.truncate(1),
            Choice::Centre => {
                likely.sort_by(|a, b| off_centre(a, photo).total_cmp(&off_centre(b, photo)));
                likely.truncate(1);
            }
        }
        let likeliest = found.iter().map(|face| face.score).max_by(f32::total_cmp);
        match likeliest {
            None => Err(Refusal::NoFace),
            Some(score) if likely.is_empty() => Err(Refusal::Unsure { score, least }),
            Some(_) => Ok(likely.into_iter().map(|face| self.cut(photo, face, least, size)).collect()),
        }
    }

    fn cut(
        &self,
        photo: &RgbImage,
        face: Face,
        least: f32,
        [height, width]: [usize; 2],
    ) -> Result<Crop, Refusal> {
        if face.score < least {
            return Err(Refusal::Unsure { score: face.score, least });
        }
        let template = align::template(width, height);
        let crop = align::crop(photo, &face.landmarks, &template, [width as u32, height as u32]);
        let quality = Quality::measure(photo, &face);
        let (image, quality) = crop.zip(quality).ok_or(Refusal::NoFace)?;
        if let Some(gates) = &self.gates {
            gates.check(&quality, template[1][0] - template[0][0]).map_err(Refusal::Unfit)?;
        }
        Ok(Crop { image, face, quality })
    }
}

/// Distance in pixels from the middle of a face to the middle of the photo.
fn off_centre(face: &Face, photo: &RgbImage) -> f32 {
    let [left, top, right, bottom] = face.bounds;
    (left + right - photo.width() as f32).hypot(top + bottom - photo.height() as f32) / 2.0
}
