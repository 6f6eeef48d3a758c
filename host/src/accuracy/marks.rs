//! Faces marked in photos: a list of boxes and points, and where they are in a frame.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use face::Found;
use image::RgbImage;
use serde::Deserialize;

use super::list;
use crate::sight::frames::{FRAME, Placement};
use crate::sight::places::{Bounds, Landmarks, bounds, distance, holds, middle, overlap};

/// Distance of the eyes over the height of a box, for marks without boxes: the middle one over 194 photos (SCRFD's boxes).
const EYES_TO_HEIGHT: f32 = 0.327;
/// Least share of the union that a found box and a marked one have in common.
pub const SAME: f32 = 0.4;
/// Columns that a list must have.
const COLUMNS: [&str; 11] =
    ["path", "le_x", "le_y", "re_x", "re_y", "nose_x", "nose_y", "lm_x", "lm_y", "rm_x", "rm_y"];

/// A marked face. Whole numbers are pixels' centres.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The photo, as in the list.
    pub path: PathBuf,
    /// Its box, if the list has boxes.
    pub bounds: Option<Bounds>,
    /// Its landmarks.
    pub points: Landmarks,
}

/// A line of a list. Coordinates start at the corner of the first pixel.
#[derive(Deserialize)]
struct Line {
    path: PathBuf,
    x1: Option<f32>,
    y1: Option<f32>,
    x2: Option<f32>,
    y2: Option<f32>,
    le_x: f32,
    le_y: f32,
    re_x: f32,
    re_y: f32,
    nose_x: f32,
    nose_y: f32,
    lm_x: f32,
    lm_y: f32,
    rm_x: f32,
    rm_y: f32,
}

impl Line {
    fn mark(self) -> Result<Mark> {
        let bounds = match [self.x1, self.y1, self.x2, self.y2] {
            [Some(left), Some(top), Some(right), Some(bottom)] => Some([left, top, right, bottom]),
            [None, None, None, None] => None,
            _ => bail!("{}: a box has all of x1, y1, x2, y2 or none", self.path.display()),
        };
        let points = [
            [self.le_x, self.le_y],
            [self.re_x, self.re_y],
            [self.nose_x, self.nose_y],
            [self.lm_x, self.lm_y],
            [self.rm_x, self.rm_y],
        ];
        let name = self.path.display();
        ensure!(
            points.iter().flatten().chain(bounds.iter().flatten()).all(|place| place.abs() < 1e6),
            "{name}: a coordinate is no place in a photo"
        );
        ensure!(distance(points[0], points[1]) >= 1.0, "{name}: the eyes are at one place");
        let is_box = |[left, top, right, bottom]: Bounds| right - left >= 1.0 && bottom - top >= 1.0;
        ensure!(bounds.is_none_or(is_box), "{name}: the box is empty");
        Ok(Mark {
            path: self.path,
            bounds: bounds.map(|bounds| bounds.map(|place| place - 0.5)),
            points: points.map(|point| point.map(|place| place - 0.5)),
        })
    }
}

/// Reads a CSV file with the columns `path`, `le_x`, `le_y` (left eye, as seen), `re_x`, `re_y`, `nose_x`, `nose_y`,
/// `lm_x`, `lm_y` (left corner of the mouth), `rm_x`, `rm_y` and, if there are boxes, `x1`, `y1`, `x2`, `y2`; other
/// columns are not used. Coordinates are in pixels from the photo's upper left corner.
///
/// # Errors
/// Names the column, the line or the photo.
pub fn read(path: &Path) -> Result<Vec<Mark>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} is not a list of marked faces", path.display()))
}

fn parse(text: &str) -> Result<Vec<Mark>> {
    let lines: Vec<Line> = list::rows_with(text, &COLUMNS)?;
    ensure!(!lines.is_empty(), "it marks no face");
    lines.into_iter().map(Line::mark).collect()
}

/// A photo in a frame, and where the marks are then.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The frame.
    pub frame: RgbImage,
    /// The marked box.
    pub bounds: Option<Bounds>,
    /// The marked landmarks.
    pub points: Landmarks,
}

/// Height of a face; without a box, from the distance of the eyes.
fn height(bounds: Option<Bounds>, points: &Landmarks) -> f32 {
    match bounds {
        Some([_, top, _, bottom]) => bottom - top,
        None => distance(points[0], points[1]) / EYES_TO_HEIGHT,
    }
}

impl Mark {
    /// The photo in a frame. The face is in the middle, its height this share of the frame's; or the whole photo is
    /// shown as large as it fits.
    pub fn shown(&self, photo: &RgbImage, share: Option<f32>) -> Shown {
        let size = photo.dimensions().into();
        let placement = match share {
            Some(share) => {
                let centre = match self.bounds {
                    Some([left, top, right, bottom]) => [(left + right) / 2.0, (top + bottom) / 2.0],
                    None => middle(&self.points),
                };
                let scale = share * FRAME[1] as f32 / height(self.bounds, &self.points);
                Placement::new(size, scale, centre.map(|x| x + 0.5), FRAME.map(|side| side as f32 / 2.0))
            }
            None => Placement::fitted(size),
        };
        let bounds = self.bounds.map(|[left, top, right, bottom]| {
            let [[left, top], [right, bottom]] = [[left, top], [right, bottom]].map(|at| placement.apply(at));
            [left, top, right, bottom]
        });
        Shown { frame: placement.frame(photo), bounds, points: self.points.map(|at| placement.apply(at)) }
    }
}

impl Shown {
    /// Height of the face in pixels of the frame.
    pub fn height(&self) -> f32 {
        height(self.bounds, &self.points)
    }

    /// The marked face among those found: the box with the largest common part, if that is at least two fifths of the
    /// union; without a marked box the surest face whose box holds the middle of the landmarks.
    pub fn among<'f>(&self, faces: &'f [Found]) -> Option<&'f Found> {
        let Some(marked) = self.bounds else {
            let at = middle(&self.points);
            return faces.iter().find(|face| holds(bounds(&face.bounds), at));
        };
        let shared = |face: &&Found| overlap(bounds(&face.bounds), marked);
        let face = faces.iter().max_by(|a, b| shared(a).total_cmp(&shared(b)))?;
        (shared(&face) >= SAME).then_some(face)
    }
}

#[cfg(test)]
mod tests {
    use vision::Rect;

    use super::*;

    const POINTS: &str = "le_x,le_y,re_x,re_y,nose_x,nose_y,lm_x,lm_y,rm_x,rm_y";

    #[test]
    fn list_is_read_with_boxes_or_without_and_other_columns_are_not_used() {
        let text = format!(
            "path,w,x1,y1,x2,y2,{POINTS}\na/1.jpg,9,1,2,31,42,10,10,20,10,15,16,11,22,19,22\n\
             b.jpg,9,,,,,10,10,20,10,15,16,11,22,19,22\n"
        );
        let marks = parse(&text).unwrap();
        assert_eq!(marks[0].path, PathBuf::from("a/1.jpg"));
        assert_eq!(marks[0].bounds, Some([0.5, 1.5, 30.5, 41.5]));
        assert_eq!((marks[1].bounds, marks[1].points[2]), (None, [14.5, 15.5]));
        let text = format!("path,{POINTS}\nb.jpg,10,10,20,10,15,16,11,22,19,22\n");
        assert_eq!(parse(&text).unwrap()[0], marks[1]);
        assert!((height(None, &marks[1].points) - 30.6).abs() < 0.1);
    }

    #[test]
    fn bad_lists_are_told_what_is_wrong() {
        let said = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(said("path,le_x\na,1\n").contains("le_y"));
        assert!(said(&format!("path,{POINTS}\n")).contains("no face"));
        let line = "10,10,20,10,15,16,11,22,19";
        assert!(said(&format!("path,{POINTS}\na,{line},x\n")).contains("line 2"));
        assert!(said(&format!("path,x1,{POINTS}\na,7,{line},22\n")).contains("all of x1"));
        assert!(said(&format!("path,{POINTS}\na,10,10,10,10,15,16,11,22,19,22\n")).contains("one place"));
        assert!(said(&format!("path,{POINTS}\na,NaN,10,20,10,15,16,11,22,19,22\n")).contains("no place"));
        assert!(said(&format!("path,x1,y1,x2,y2,{POINTS}\na,9,9,9,9,{line},22\n")).contains("empty"));
    }

    #[test]
    fn marked_face_is_the_one_that_shares_most_or_holds_the_middle() {
        let face = |left: i32| Found {
            bounds: Rect { left: 256 * left, top: 0, right: 256 * (left + 10), bottom: 2560 },
            score_q16: 60_000,
            points: None,
        };
        let faces = [face(40), face(4), face(1)];
        let points = [[2.0, 3.0], [8.0, 3.0], [5.0, 5.0], [3.0, 8.0], [7.0, 8.0]];
        let shown = |bounds| Shown { frame: RgbImage::new(1, 1), bounds, points };
        assert_eq!(shown(Some([0.0, 0.0, 10.0, 10.0])).among(&faces), Some(&faces[2]));
        assert_eq!(shown(Some([0.0, 0.0, 10.0, 10.0])).among(&faces[..1]), None);
        assert_eq!(shown(None).among(&faces), Some(&faces[1]));
    }

    #[test]
    fn face_has_the_chosen_height_in_the_middle_of_the_frame() {
        let bounds = Some([20.0, 40.0, 60.0, 90.0]);
        let points = [[30.0, 55.0], [50.0, 55.0], [40.0, 65.0], [33.0, 78.0], [47.0, 78.0]];
        let mark = Mark { path: "a".into(), bounds, points };
        let [left, top, right, bottom] = mark.shown(&RgbImage::new(100, 120), Some(0.5)).bounds.unwrap();
        assert!((bottom - top - 120.0).abs() < 1.0, "{top} {bottom}");
        assert!(((left + right) / 2.0 - 159.5).abs() < 1.0 && ((top + bottom) / 2.0 - 119.5).abs() < 1.0);
    }
}
