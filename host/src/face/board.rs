//! Faces of a photo as a board's eyes see them. The photo is the frame: it is looked at whole, smaller, and in tiles, as
//! the float path does, and everything else is the board's code.

use anyhow::{Result, anyhow};
use face::{Eyes, Found};
use format::preprocess::{Colour, Preprocess};
use image::RgbImage;
use image::imageops::{self, FilterType};
use vision::frame::MAX_SIDE;
use vision::{Frame, Points, Rect};

use super::pipeline::{Crop, Refusal};
use super::{Choice, Face, Quality, align, look};
use crate::sight::Seer;
use crate::sight::fit::{frame, pixels};

/// Photos are cut into tiles as long as they were shown smaller than this. At this scale a face that is just large enough
/// for its gate is a quarter of the detector's picture of 120 rows high.
const LEAST_SCALE: f32 = 0.45;

/// Boxes that share more than two fifths of their union show one face, as on the board.
const SAME: [u16; 2] = [2, 5];

/// The description of an aligned colour crop of `[height, width]`.
pub fn colour_crop([height, width]: [usize; 2]) -> Preprocess {
    let template = align::template(width, height).map(|place| place.map(|x| (x * 64.0).round() as u16));
    let [height, width] = [height, width].map(|side| side as u16);
    Preprocess { height, width, colour: Colour::Rgb, mean: 0.0, scale: 1.0, template }
}

/// A place in pixels.
fn place(point: [i32; 2]) -> [f32; 2] {
    point.map(|x| x as f32 / 256.0)
}

fn parts(found: &Rect) -> [f32; 4] {
    [found.left, found.top, found.right, found.bottom].map(|x| x as f32 / 256.0)
}

impl From<face::Quality> for Quality {
    fn from(quality: face::Quality) -> Self {
        let degrees = |angle: i16| f32::from(angle) / 16.0;
        Quality {
            eye_distance_px: quality.eyes_q8 as f32 / 256.0,
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

/// A photo of at most the size that a frame may have.
fn fitting(photo: &RgbImage) -> Option<RgbImage> {
    let longest = photo.width().max(photo.height());
    let most = u32::from(MAX_SIDE);
    (longest > most).then(|| {
        let side = |side: u32| (u64::from(side) * u64::from(most) / u64::from(longest)).max(1) as u32;
        imageops::resize(photo, side(photo.width()), side(photo.height()), FilterType::Triangle)
    })
}

/// The parts of a photo that are looked at, in the order in which they are tried.
fn levels(frame: &Frame<'_>, picture: [u32; 2]) -> Vec<Vec<Rect>> {
    let sides = [frame.width(), frame.height()].map(u32::from);
    let part = |to: &align::Similarity| {
        let back = to.inverse();
        let [left, top] = back.apply([-0.5, -0.5]);
        let [right, bottom] = back.apply(picture.map(|side| side as f32 - 0.5));
        let [left, top, right, bottom] = [left, top, right, bottom].map(|x| (x * 256.0).round() as i32);
        Rect { left, top, right, bottom }
    };
    let mut levels: Vec<Vec<Rect>> = look::levels(sides, picture, LEAST_SCALE)
        .iter()
        .map(|looks| looks.iter().map(part).collect())
        .collect();
    // What a camera's frame shows.
    levels[0] = vec![frame.rect()];
    levels
}

/// The faces of a photo: those of the first level that shows any, the surest first.
///
/// # Errors
/// When a network fails.
pub fn find(eyes: &Eyes<'_>, arena: &mut [u8], frame: &Frame<'_>) -> Result<Vec<Found>> {
    let input = eyes.detector().input();
    for parts in levels(frame, [input.width.into(), input.height.into()]) {
        let mut found: Vec<Found> = Vec::new();
        for part in parts {
            found.extend(
                eyes.detector().scan(frame, &part, arena, &mut || {}).map_err(|error| anyhow!("{error}"))?,
            );
        }
        found.sort_by_key(|face| std::cmp::Reverse(face.score_q16));
        let mut kept: Vec<Found> = Vec::new();
        for face in found {
            let [part, whole] = SAME;
            if kept.iter().all(|other| !other.bounds.overlaps_more_than(&face.bounds, part, whole)) {
                kept.push(face);
            }
        }
        if !kept.is_empty() {
            return Ok(kept);
        }
    }
    Ok(Vec::new())
}

/// A usable face: where it is, and its crop as a network takes it.
pub struct Seen {
    /// The crop's bytes, `[h][w][c]`.
    pub crop: Vec<u8>,
    /// The face.
    pub face: Face,
    /// Its measurements.
    pub quality: Quality,
}

/// The result for each chosen face of a photo, the largest first: a crop for `input`, or the reason why there is none.
///
/// # Errors
/// When no face is found.
pub fn each(
    seer: &Seer,
    photo: &RgbImage,
    choice: Choice,
    has_gates: bool,
    input: &Preprocess,
) -> Result<Vec<Result<Seen, Refusal>>, Refusal> {
    let failed = |error: anyhow::Error| Refusal::Network(format!("{error:#}"));
    let smaller = fitting(photo);
    let frame = frame(smaller.as_ref().unwrap_or(photo)).map_err(failed)?;
    let scale = photo.width() as f32 / f32::from(frame.width());
    let outcomes = seer.run(|eyes, arena| -> Result<Vec<Result<Seen, Refusal>>> {
        let mut found = find(eyes, arena, &frame)?;
        found.sort_by_key(|face| std::cmp::Reverse(face.bounds.area()));
        if choice == Choice::Centre {
            found.sort_by_key(|face| off_centre(face, &frame));
        }
        if choice != Choice::All {
            found.truncate(1);
        }
        let one = |found: &Found, arena: &mut [u8]| -> Result<Result<Seen, Refusal>> {
            let look = eyes.look(&frame, found, arena, &mut || {}).map_err(|error| anyhow!("{error}"))?;
            if has_gates && let Err(fault) = look.check(&eyes.sight().gates) {
                return Ok(Err(Refusal::Board(fault)));
            }
            let warp = face::picture::crop(&frame, &look.points, input);
            let (Some(warp), Some(quality)) = (warp, look.quality) else {
                return Ok(Err(Refusal::Board(face::Refusal::NOWHERE)));
            };
            let face = face_of(found, &look.points, scale);
            Ok(Ok(Seen { crop: pixels(warp, input), face, quality: quality.into() }))
        };
        found.iter().map(|found| one(found, arena)).collect()
    });
    let outcomes = outcomes.and_then(|outcomes| outcomes).map_err(failed)?;
    if outcomes.is_empty() { Err(Refusal::NoFace) } else { Ok(outcomes) }
}

/// [`each`] with colour crops of `[height, width]`.
///
/// # Errors
/// As [`each`].
pub fn crops(
    seer: &Seer,
    photo: &RgbImage,
    choice: Choice,
    has_gates: bool,
    size: [usize; 2],
) -> Result<Vec<Result<Crop, Refusal>>, Refusal> {
    let [height, width] = size.map(|side| side as u32);
    let crop = |Seen { crop, face, quality }| Crop {
        image: RgbImage::from_raw(width, height, crop).unwrap_or_default(),
        face,
        quality,
    };
    let outcomes = each(seer, photo, choice, has_gates, &colour_crop(size))?;
    Ok(outcomes.into_iter().map(|outcome| outcome.map(crop)).collect())
}

/// Distance of a face from the middle of a frame, squared.
fn off_centre(found: &Found, frame: &Frame<'_>) -> i64 {
    let (face, middle) = (found.bounds.centre(), frame.rect().centre());
    let square = |a: i32, b: i32| (i64::from(a) - i64::from(b)).pow(2);
    square(face.x, middle.x) + square(face.y, middle.y)
}

/// A face in the photo's own pixels.
fn face_of(found: &Found, points: &Points, scale: f32) -> Face {
    let larger = |x: f32| (x + 0.5) * scale - 0.5;
    Face {
        bounds: parts(&found.bounds).map(larger),
        score: f32::from(found.score_q16) / 65_536.0,
        landmarks: points.map(|point| place([point.x, point.y]).map(larger)),
    }
}
