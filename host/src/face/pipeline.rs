//! Turns a photo into aligned crops, or gives the reason why there are none.

use std::fmt;

use face::{Gates, Quality, Refusal, quality};
use format::preprocess::{Colour, Preprocess};
use image::RgbImage;
use vision::frame::MAX_SIDE;
use vision::{Frame, Point};

use super::{Face, FloatDetector, Measurements, align};
use crate::photo::crop_bytes;
use crate::photo::resize::{Filter, resized};
use crate::sight::frames::{frame, pixels};
use crate::sight::photo::{self, Sighted};
use crate::sight::{Seer, gates, places};

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
pub enum Finder {
    /// A board's eyes, to the last bit.
    Board(Seer),
    /// Networks in float, the reference.
    Float(FloatDetector),
}

/// Turns photos into crops.
#[derive(Clone)]
pub struct Pipeline {
    /// Finds faces.
    pub finder: Finder,
    /// The faces of a photo that are used.
    pub choice: Choice,
    /// Whether a face must be fit for recognition. Without, whatever is certainly a face is.
    pub has_gates: bool,
}

/// A face cut out upright.
#[derive(Clone, Debug)]
pub struct Crop {
    /// The pixels as the network takes them, `[h][w][c]`.
    pub pixels: Vec<u8>,
    /// The face's place in the photo.
    pub face: Face,
    /// The face's measurements.
    pub measurements: Measurements,
}

impl Crop {
    /// The picture, if its description was [`colour_crop`] of this `[height, width]`.
    pub fn picture(self, [height, width]: [usize; 2]) -> RgbImage {
        RgbImage::from_raw(width as u32, height as u32, self.pixels).unwrap_or_default()
    }
}

/// The chosen faces of a photo.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// For each a crop, or the reason why there is none; the largest first.
    pub faces: Vec<Result<Crop, Unusable>>,
    /// Whether there may be more faces than the eyes have room for.
    pub is_full: bool,
}

/// Why a photo or a face has no crop.
#[derive(Clone, Debug, PartialEq)]
pub enum Unusable {
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
    Unfit(Refusal),
    /// A network failed, with its reason.
    Network(String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::NoFace => write!(f, "no face was found"),
            Unusable::Unsure { score, least } => write!(
                f,
                "not certainly a face: sure to {:.0} %, at least {:.0} % is needed",
                100.0 * score,
                100.0 * least
            ),
            Unusable::Unfit(fault) => fault.fmt(f),
            Unusable::Network(reason) => write!(f, "the face detector failed: {reason}"),
        }
    }
}

impl std::error::Error for Unusable {}

fn failed(error: anyhow::Error) -> Unusable {
    Unusable::Network(format!("{error:#}"))
}

/// The description of an aligned colour crop of `[height, width]`.
pub fn colour_crop([height, width]: [usize; 2]) -> Preprocess {
    let template = align::template(width, height).map(|place| place.map(|x| (x * 64.0).round() as u16));
    let [height, width] = [height, width].map(|side| side as u16);
    Preprocess { height, width, colour: Colour::Rgb, mean: 0.0, scale: 1.0, template }
}

/// Pixels between the eyes in an aligned crop.
pub fn crop_eyes(input: &Preprocess) -> f32 {
    let [left, right, ..] = input.template;
    (f32::from(right[0]) - f32::from(left[0])) / 64.0
}

/// Most pixels of a photo that is searched for faces: those of most cameras. Searching takes a time that grows with the
/// pixels, as the detector looks at ever smaller tiles, so that a larger photo is made smaller first.
const MOST_SEARCHED: u32 = 24_000_000;

/// Width and height at which a photo is searched, if it is larger than a frame may be or has more than [`MOST_SEARCHED`]
/// pixels.
fn smaller([width, height]: [u32; 2]) -> Option<[u32; 2]> {
    let longest = width.max(height);
    let pixels = f64::from(width) * f64::from(height);
    let searched = f64::from(longest) * (f64::from(MOST_SEARCHED) / pixels).sqrt().min(1.0);
    let most = u32::from(MAX_SIDE).min(searched as u32);
    let side = |side: u32| (u64::from(side) * u64::from(most) / u64::from(longest)).max(1) as u32;
    (longest > most).then(|| [side(width), side(height)])
}

/// A smaller photo, if this one is too large to be searched.
fn fitting(photo: &RgbImage) -> Option<RgbImage> {
    Some(resized(photo, smaller(photo.dimensions().into())?, Filter::Triangle))
}

/// A photo as it is looked at, and the crops that are made of it.
struct Looked<'a> {
    photo: &'a RgbImage,
    frame: Frame<'a>,
    /// Size of the photo as given over that of the frame.
    scale: f32,
    input: &'a Preprocess,
    gates: Gates,
}

impl Pipeline {
    /// Crops of the chosen faces that are fit, as `input` describes them, the largest first. There is at least one.
    ///
    /// # Errors
    /// The reason why there is none. If there are several faces, the reason for the first.
    pub fn crops(&self, photo: &RgbImage, input: &Preprocess) -> Result<Vec<Crop>, Unusable> {
        let (mut crops, mut reasons) = (Vec::new(), Vec::new());
        for outcome in self.each(photo, input)?.faces {
            match outcome {
                Ok(crop) => crops.push(crop),
                Err(reason) => reasons.push(reason),
            }
        }
        match reasons.into_iter().next() {
            Some(reason) if crops.is_empty() => Err(reason),
            _ => Ok(crops),
        }
    }

    /// The result for each chosen face of a photo.
    ///
    /// # Errors
    /// When nothing in the photo is likely to be a face.
    pub fn each(&self, photo: &RgbImage, input: &Preprocess) -> Result<Chosen, Unusable> {
        let limits = match &self.finder {
            Finder::Board(seer) => seer.sight().gates,
            Finder::Float(_) => gates::limits(crop_eyes(input)),
        };
        let gates = if self.has_gates { limits } else { gates::open(&limits) };
        let smaller = fitting(photo);
        let (width, photo) = (photo.width(), smaller.as_ref().unwrap_or(photo));
        let frame = frame(photo).map_err(failed)?;
        let scale = width as f32 / photo.width() as f32;
        let looked = Looked { photo, frame, scale, input, gates };
        match &self.finder {
            Finder::Board(seer) => self.board(seer, &looked),
            Finder::Float(detector) => self.float(detector, &looked),
        }
    }

    fn board(&self, seer: &Seer, looked: &Looked<'_>) -> Result<Chosen, Unusable> {
        let Looked { frame, scale, gates, .. } = looked;
        let is_all = self.choice == Choice::All;
        let photo::Sights { faces, is_full } =
            photo::see(seer, frame, *scale, gates, is_all).map_err(failed)?;
        if faces.is_empty() {
            return Err(Unusable::NoFace);
        }
        let bounds = |face: &Sighted| places::bounds(&face.found.bounds);
        let faces = self.chosen(faces, looked.photo, bounds);
        Ok(Chosen { faces: faces.iter().map(|face| looked.sighted(face)).collect(), is_full })
    }

    fn float(&self, detector: &FloatDetector, looked: &Looked<'_>) -> Result<Chosen, Unusable> {
        let found = detector.find(looked.photo).map_err(failed)?;
        // Unlikely faces are skipped, but doubtful ones are not: if the largest face is doubtful, for example a
        // profile, skipping it would return another person's crop.
        let least = detector.sure();
        let possible = detector.possible();
        let likely: Vec<Face> = found.iter().copied().filter(|face| face.score >= possible).collect();
        let likely = self.chosen(likely, looked.photo, |face| face.bounds);
        let likeliest = found.iter().map(|face| face.score).max_by(f32::total_cmp);
        match likeliest {
            None => Err(Unusable::NoFace),
            Some(score) if likely.is_empty() => Err(Unusable::Unsure { score, least }),
            Some(_) => Ok(Chosen {
                faces: likely.iter().map(|face| looked.found(face, least)).collect(),
                is_full: false,
            }),
        }
    }

    /// The faces that are wanted, the largest first.
    fn chosen<F>(&self, mut faces: Vec<F>, photo: &RgbImage, bounds: impl Fn(&F) -> [f32; 4]) -> Vec<F> {
        let area = |face: &F| {
            let [left, top, right, bottom] = bounds(face);
            (right - left).max(0.0) * (bottom - top).max(0.0)
        };
        let off_centre = |face: &F| {
            let [left, top, right, bottom] = bounds(face);
            (left + right - photo.width() as f32).hypot(top + bottom - photo.height() as f32)
        };
        faces.sort_by(|a, b| area(b).total_cmp(&area(a)));
        if self.choice == Choice::Centre {
            faces.sort_by(|a, b| off_centre(a).total_cmp(&off_centre(b)));
        }
        if self.choice != Choice::All {
            faces.truncate(1);
        }
        faces
    }
}

impl Looked<'_> {
    /// The crop of a face that a board's eyes saw: the board's own.
    fn sighted(&self, face: &Sighted) -> Result<Crop, Unusable> {
        let Sighted { found, look, verdict } = face;
        (*verdict).map_err(Unusable::Unfit)?;
        let warp = face::picture::crop(&self.frame, &look.points, self.input);
        let (warp, quality) = warp.zip(look.quality).ok_or(Unusable::Unfit(Refusal::NOWHERE))?;
        let face = Face {
            bounds: places::bounds(&found.bounds),
            score: f32::from(found.score_q16) / 65_536.0,
            landmarks: places::landmarks(&look.points),
        };
        Ok(self.crop(pixels(warp, self.input), face, &quality))
    }

    /// The crop of a face that float networks found.
    fn found(&self, face: &Face, least: f32) -> Result<Crop, Unusable> {
        if face.score < least {
            return Err(Unusable::Unsure { score: face.score, least });
        }
        let points = face.landmarks.map(|place| {
            let [x, y] = place.map(|x| (x * 256.0).round() as i32);
            Point { x, y }
        });
        let quality = quality::measure(&self.frame, &points, 0).ok_or(Unusable::Unfit(Refusal::NOWHERE))?;
        gates::check(&self.gates, &quality, self.scale).map_err(Unusable::Unfit)?;
        let Preprocess { height, width, .. } = *self.input;
        let template = align::template(width.into(), height.into());
        let crop = align::crop(self.photo, &face.landmarks, &template, [width.into(), height.into()]);
        let bytes = crop_bytes(&crop.ok_or(Unusable::NoFace)?, self.input).map_err(failed)?;
        Ok(self.crop(bytes, *face, &quality))
    }

    /// In the pixels of the photo as given.
    fn crop(&self, pixels: Vec<u8>, face: Face, quality: &Quality) -> Crop {
        let larger = |x: f32| (x + 0.5) * self.scale - 0.5;
        let face = Face {
            bounds: face.bounds.map(larger),
            landmarks: face.landmarks.map(|point| point.map(larger)),
            ..face
        };
        Crop { pixels, face, measurements: Measurements::new(quality, self.scale) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_photos_are_searched_as_they_are_and_larger_ones_at_the_size_of_the_largest_of_these() {
        // Cameras of 12 to 24 megapixels, and pictures of any form below that.
        for size in [[4032, 3024], [6000, 4000], [8192, 2929], [1, 1], [1, 8192]] {
            assert_eq!(smaller(size), None, "{size:?}");
        }
        // As long as a frame may be.
        assert_eq!(smaller([16_384, 1001]), Some([8192, 500]));
        assert_eq!(smaller([3, 20_000]), Some([1, 8192]));
        for size @ [width, height] in
            [[6001, 4000], [8000, 6000], [11_600, 8700], [14_000, 14_000], [200_000, 1000]]
        {
            let [w, h] = smaller(size).unwrap();
            assert!(w * h <= MOST_SEARCHED && w.max(h) <= MAX_SIDE.into(), "{size:?}: {w}×{h}");
            let is_kept =
                (f64::from(w) / f64::from(h) / (f64::from(width) / f64::from(height)) - 1.0).abs() < 0.03;
            assert!(is_kept, "{size:?}: {w}×{h}");
            let is_large = w * h > MOST_SEARCHED / 10 * 9 || w.max(h) == u32::from(MAX_SIDE);
            assert!(is_large, "{size:?}: {w}×{h}");
        }
    }
}
