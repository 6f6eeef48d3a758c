//! Detection: what an image's eyes find of faces that are marked in photos, how near their landmarks are, which gates
//! refuse them, and what they take for a face where there is none.
//!
//! The photos are put into frames as a camera would take them ([`crate::sight::frames`]). Everything is computed by the
//! board's own code and networks ([`Seer`]).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use rayon::prelude::*;
use serde::Serialize;

use super::marks::{Mark, Shown};
use crate::bounds::{Rate, of_probes};
use crate::crops::{Skipped, skipped_words};
use crate::output;
use crate::photo::{self, folder};
use crate::sight::frames::{FRAME, frame, ways};
use crate::sight::gates::{Refused, counted};
use crate::sight::places::{error, landmarks, percentile};
use crate::sight::{Seer, no_eyes};
use crate::simulator::AlignedBytes;
use crate::usage::ensure_use;

/// Heights of faces unless others are chosen, as shares of the frame's height.
pub const HEIGHTS: [f32; 6] = [0.8, 0.67, 0.5, 0.33, 0.25, 0.2];
/// For what all bounds hold.
pub const LIKE_THESE_PHOTOS: &str = "The bounds hold for people, cameras, light and poses like those of these photos. Of others, other \
     shares may be found.";

/// Figures of an image's eyes.
#[derive(Clone, Debug, Serialize)]
pub struct Detection {
    /// Faces marked.
    pub faces: usize,
    /// People: folders.
    pub people: usize,
    /// Width and height of a frame.
    pub frame: [u32; 2],
    /// One for the photos as they fit, and one for each height.
    pub rows: Vec<AtHeight>,
    /// The photos without faces, if there are any.
    pub nonface: Option<Nonface>,
    /// For what all bounds hold.
    pub bounds_hold_for: &'static str,
    /// Lines on photos that are not used.
    pub warnings: Vec<String>,
    /// Seconds that all of it took.
    pub seconds: f64,
}

/// The faces at one size.
#[derive(Clone, Debug, Serialize)]
pub struct AtHeight {
    /// Height of the face as a share of the frame's; `None` where each photo is shown as large as it fits.
    pub height: Option<f32>,
    /// Middle height of the faces, as a share of the frame's.
    pub median_height: f32,
    /// Share of the faces that were found.
    pub found: Rate,
    /// Distance of the landmarks found from those marked.
    pub points: Option<PointError>,
    /// Share of the faces found that a gate refused.
    pub refused: Rate,
    /// Number of faces that each gate refused.
    pub reasons: Vec<Refused>,
}

/// Error of landmarks: mean distance of five, in distances between the eyes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PointError {
    /// Of half of the faces at most this.
    pub median: f32,
    /// Of nine in ten at most this; `None` if fewer than ten were found.
    pub p90: Option<f32>,
}

/// What is taken for a face in pictures without faces. In the rates a picture is in the place of a person, and each view
/// of it is a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Nonface {
    /// Pictures.
    pub pictures: usize,
    /// Frames that show them, six for each.
    pub views: usize,
    /// Share of the views with a face found.
    pub found: Rate,
    /// Share of the views with a face found that every gate lets pass.
    pub passed: Rate,
    /// Pictures of which a view passed.
    pub pictures_passed: Vec<PathBuf>,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// Folder that the paths of marks start from.
    pub photos: &'a Path,
    /// The marked faces.
    pub marks: &'a [Mark],
    /// Folder of pictures without faces.
    pub nonface: Option<&'a Path>,
    /// Heights of faces, as shares of the frame's height.
    pub heights: &'a [f32],
    /// Whether a photo that cannot be read ends the measurement.
    pub is_strict: bool,
}

/// The eyes of an image.
///
/// # Errors
/// When the image cannot be read, or has no eyes.
pub fn eyes(image: &Path) -> Result<Seer> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    Seer::of_image(&checked, bytes.bytes(), image)?.with_context(|| no_eyes(image))
}

/// Measures an image's eyes.
///
/// # Errors
/// When no photo can be used, or a network cannot be run.
pub fn detect(seer: &Seer, subject: &Subject<'_>) -> Result<Detection> {
    let start = Instant::now();
    let is_height = |height: &f32| (0.05..=2.0).contains(height);
    ensure_use(subject.heights.iter().all(is_height), || {
        "--heights are shares of the frame's height, 0.05 to 2".to_string()
    })?;
    let sizes: Vec<Option<f32>> =
        std::iter::once(None).chain(subject.heights.iter().copied().map(Some)).collect();
    let (marks, people) = (subject.marks, people(subject.marks));
    let bar = output::bar(sizes.len() * marks.len(), "faces");
    // One photo after another: all of them may be more than memory holds.
    let seen: Vec<Result<Vec<Looked>>> = marks
        .par_iter()
        .map(|mark| {
            let photo = photo::load(&subject.photos.join(&mark.path))?;
            let looked = sizes.iter().map(|&height| {
                bar.inc(1);
                look(seer, &mark.shown(&photo, height))
            });
            looked.collect()
        })
        .collect();
    bar.finish_and_clear();
    let (mut read, mut skipped) = (Vec::new(), Vec::new());
    for ((mark, &person), seen) in marks.iter().zip(&people).zip(seen) {
        match seen {
            Ok(seen) => read.push((person, seen)),
            Err(error) if subject.is_strict => return Err(error),
            Err(error) => skipped.push(Skipped::of_error(&mark.path, &error)),
        }
    }
    let words = skipped_words(&skipped);
    ensure!(
        !read.is_empty(),
        "none of the photos that are marked can be read in {}: {}",
        subject.photos.display(),
        words.unwrap_or_default()
    );
    let mut warnings: Vec<String> = words.into_iter().collect();
    let people: Vec<usize> = read.iter().map(|(person, _)| *person).collect();
    let row = |(size, &height): (usize, &Option<f32>)| {
        row(height, &people, &read.iter().map(|(_, seen)| seen[size]).collect::<Vec<_>>())
    };
    let rows = sizes.iter().enumerate().map(row).collect();
    let nonface =
        subject.nonface.map(|folder| nonface(seer, folder, subject.is_strict, &mut warnings)).transpose()?;
    Ok(Detection {
        faces: people.len(),
        people: people.iter().collect::<HashSet<_>>().len(),
        frame: FRAME,
        rows,
        nonface,
        bounds_hold_for: LIKE_THESE_PHOTOS,
        warnings,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The person in each photo: a folder is one, and so is a photo without a folder.
fn people(marks: &[Mark]) -> Vec<usize> {
    let mut numbers: HashMap<&Path, usize> = HashMap::new();
    let person = |mark| {
        let Mark { path, .. }: &Mark = mark;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let next = numbers.len();
        *numbers.entry(folder.unwrap_or(path)).or_insert(next)
    };
    marks.iter().map(person).collect()
}

/// What is seen of a marked face.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// Its height over the frame's.
    height: f32,
    /// If it is found: the error of its landmarks and the gate that refuses it.
    found: Option<(f32, Option<&'static str>)>,
}

fn look(seer: &Seer, shown: &Shown) -> Result<Looked> {
    let view = frame(&shown.frame)?;
    let found = seer.see(|eyes, arena| {
        let faces = eyes.scan(&view, arena)?;
        let Some(face) = shown.among(&faces) else { return Ok(None) };
        let look = eyes.look(&view, face, arena)?;
        let refused = look.check(&seer.sight().gates).err().map(|fault| fault.gate.name());
        Ok(Some((error(&landmarks(&look.points), &shown.points), refused)))
    })?;
    Ok(Looked { height: shown.height() / FRAME[1] as f32, found })
}

fn row(height: Option<f32>, people: &[usize], seen: &[Looked]) -> AtHeight {
    let event = |happened: bool| f64::from(u8::from(happened));
    let each = || people.iter().copied().zip(seen);
    let found: Vec<(usize, f64)> =
        each().map(|(person, seen)| (person, event(seen.found.is_some()))).collect();
    let faces = || each().filter_map(|(person, seen)| Some((person, seen.found?)));
    let refused: Vec<(usize, f64)> =
        faces().map(|(person, (_, reason))| (person, event(reason.is_some()))).collect();
    let errors: Vec<f32> = faces().map(|(_, (error, _))| error).collect();
    let error = |share: f64| percentile(errors.clone(), share);
    AtHeight {
        height,
        median_height: percentile(seen.iter().map(|seen| seen.height).collect(), 0.5).unwrap_or(0.0),
        found: of_probes(&found),
        points: error(0.5).map(|median| PointError { median, p90: error(0.9) }),
        refused: of_probes(&refused),
        reasons: counted(faces().filter_map(|(_, (_, reason))| reason)),
    }
}

/// What the eyes take for faces in a folder of pictures without any.
fn nonface(seer: &Seer, folder: &Path, is_strict: bool, warnings: &mut Vec<String>) -> Result<Nonface> {
    let listed = folder::list(folder)?.checked(is_strict)?;
    warnings.extend(listed.unused);
    let bar = output::bar(listed.found.len(), "pictures without faces");
    let seen: Vec<Result<Vec<[bool; 2]>>> = listed
        .found
        .par_iter()
        .map(|path| {
            bar.inc(1);
            ways(&photo::load(path)?).iter().map(|shown| false_face(seer, shown)).collect()
        })
        .collect();
    bar.finish_and_clear();
    let (mut found, mut passed, mut pictures, mut pictures_passed) = (Vec::new(), Vec::new(), 0, Vec::new());
    let mut skipped = Vec::new();
    for (path, views) in listed.found.iter().zip(seen) {
        match views {
            Ok(views) => {
                let event = |happened: bool| (pictures, f64::from(u8::from(happened)));
                found.extend(views.iter().map(|view| event(view[0])));
                passed.extend(views.iter().map(|view| event(view[1])));
                if views.iter().any(|view| view[1]) {
                    pictures_passed.push(path.strip_prefix(folder).unwrap_or(path).to_path_buf());
                }
                pictures += 1;
            }
            Err(error) if is_strict => return Err(error),
            Err(error) => skipped.push(Skipped::of_error(path, &error)),
        }
    }
    warnings.extend(skipped_words(&skipped));
    ensure!(pictures > 0, "none of the pictures in {} can be read", folder.display());
    let views = found.len();
    Ok(Nonface { pictures, views, found: of_probes(&found), passed: of_probes(&passed), pictures_passed })
}

/// Whether a face is found in a frame, and whether every gate lets one pass.
fn false_face(seer: &Seer, shown: &RgbImage) -> Result<[bool; 2]> {
    let view = frame(shown)?;
    seer.see(|eyes, arena| {
        let faces = eyes.scan(&view, arena)?;
        let mut passed = false;
        for face in &faces {
            passed |= eyes.look(&view, face, arena)?.check(&seer.sight().gates).is_ok();
        }
        Ok([!faces.is_empty(), passed])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(path: &str) -> Mark {
        Mark {
            path: path.into(),
            bounds: None,
            points: [[0.0, 0.0], [9.0, 0.0], [4.0, 4.0], [2.0, 8.0], [7.0, 8.0]],
        }
    }

    #[test]
    fn folders_are_people_and_photos_without_one_too() {
        let marks = ["b/1.jpg", "a/1.jpg", "b/2.jpg", "1.jpg", "2.jpg", "1.jpg"].map(mark);
        assert_eq!(people(&marks), [0, 1, 0, 2, 3, 2]);
    }

    #[test]
    fn shares_are_of_the_faces_shown_and_of_those_found() {
        let marks = ["a/1", "a/2", "b/1", "b/2"].map(mark);
        let seen = [Some((0.04, None)), Some((0.02, Some("blurred"))), None, Some((0.03, None))]
            .map(|found| Looked { height: 0.5, found });
        let row = row(Some(0.5), &people(&marks), &seen);
        assert_eq!((row.found.rate, row.found.comparisons, row.found.people), (0.75, 4, 2));
        assert_eq!((row.refused.rate, row.refused.comparisons), (1.0 / 3.0, 3));
        assert_eq!(row.points, Some(PointError { median: 0.03, p90: None }));
        assert_eq!(row.reasons, [Refused { reason: "blurred", count: 1 }]);
    }

    #[test]
    fn nine_in_ten_are_told_of_ten_faces_or_more() {
        let p90 = |faces: usize| {
            let people: Vec<usize> = (0..faces).collect();
            let seen = people.iter().map(|&face| Looked { height: 0.5, found: Some((face as f32, None)) });
            row(None, &people, &seen.collect::<Vec<_>>()).points.and_then(|points| points.p90)
        };
        assert_eq!((p90(0), p90(1), p90(9), p90(10)), (None, None, None, Some(8.0)));
    }
}
