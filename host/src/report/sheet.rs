//! Frames side by side, with what was seen in them: boxes, landmarks, and a line below each.

use anyhow::Result;
use image::RgbImage;
use link::message::{Ruling, Seen};

use super::canvas::{Anchor, Ink, SMALL, TEXT, inks, plot, shortened};

/// Frames side by side.
const COLUMNS: usize = 5;
/// Width of a frame in the picture, pixels.
const WIDTH: f64 = 240.0;
/// Space between frames, and below one for its lines.
const GAP: f64 = 14.0;
const LINES: f64 = 44.0;
const TITLE: f64 = 44.0;

/// A frame and what was seen in it.
pub struct Cell<'a> {
    /// The frame's pixels.
    pub frame: &'a RgbImage,
    /// What was seen.
    pub seen: &'a Seen,
    /// What the frame shows, for people.
    pub shows: &'a str,
}

/// What is to be said of a frame, and its colour.
fn verdict(seen: &Seen) -> (String, Ink) {
    let Some(face) = &seen.face else { return ("no face".to_string(), inks::GREY) };
    let Some(look) = &face.look else { return ("a face".to_string(), inks::GREY) };
    if let Some(refusal) = &look.refusal {
        return (refusal.to_string(), inks::ORANGE);
    }
    let Some(decided) = &look.decided else { return ("a face".to_string(), inks::GREY) };
    let decision = &decided.decision;
    match (&decision.best, decision.ruling) {
        (Some(best), Ruling::Accepted) => {
            (format!("{} at {:.0}°", best.name, best.angle_degrees), inks::GREEN)
        }
        (Some(best), _) => {
            (format!("a stranger: {} is at {:.0}°", best.name, best.angle_degrees), inks::VERMILION)
        }
        (None, _) => ("a stranger".to_string(), inks::VERMILION),
    }
}

/// The frames in one PNG.
///
/// # Errors
/// When it cannot be drawn.
pub fn sheet(title: &str, cells: &[Cell<'_>]) -> Result<Vec<u8>> {
    let frame =
        cells.first().map_or([4.0, 3.0], |cell| [cell.frame.width().into(), cell.frame.height().into()]);
    let scale = WIDTH / frame[0];
    let height = frame[1] * scale;
    let rows = cells.len().div_ceil(COLUMNS);
    let wide = COLUMNS as f64 * (WIDTH + GAP) + GAP;
    let high = TITLE + rows as f64 * (height + LINES + GAP) + GAP;
    let drawn = plot(title, [wide as u32, high as u32], |canvas| {
        canvas.text([GAP, TITLE / 2.0], [Anchor::Left, Anchor::Middle], TEXT, inks::BLACK, title);
        for (index, cell) in cells.iter().enumerate() {
            let left = GAP + (index % COLUMNS) as f64 * (WIDTH + GAP);
            let top = TITLE + (index / COLUMNS) as f64 * (height + LINES + GAP);
            canvas.image([left, top], [left + WIDTH, top + height], cell.frame);
            let (said, ink) = verdict(cell.seen);
            // Counted from the corner of the first pixel.
            let place = |x: i32, y: i32| {
                let [x, y] = [x, y].map(|place| (f64::from(place) / 256.0 + 0.5) * scale);
                [left + x.clamp(0.0, WIDTH), top + y.clamp(0.0, height)]
            };
            if let Some(face) = &cell.seen.face {
                let [a, b, c, d] = face.bounds_q8;
                canvas.outline(place(a, b), place(c, d), ink.width(2.5));
                for [x, y] in face.look.iter().flat_map(|look| look.points_q8) {
                    canvas.dot(place(x, y), 2.6, inks::WHITE);
                    canvas.dot(place(x, y), 1.8, ink);
                }
            }
            let line = |text: &str, size: f64| shortened(text, size, WIDTH);
            let below = top + height + 4.0;
            canvas.text([left, below], [Anchor::Left; 2], TEXT, ink, &line(&said, TEXT));
            let shows = line(cell.shows, SMALL);
            canvas.text([left, below + 20.0], [Anchor::Left; 2], SMALL, inks::GREY, &shows);
        }
    })?;
    Ok(drawn.png)
}

#[cfg(test)]
mod tests {
    use link::message::SeenFace;

    use super::*;

    #[test]
    fn boxes_lie_over_frames() {
        let frame = RgbImage::from_pixel(320, 240, image::Rgb([10, 20, 30]));
        let bounds_q8 = [80, 60, 240, 180].map(|x: i32| x * 256 - 128);
        let face = SeenFace { frames: 1, bounds_q8, score_q16: 65_000, look: None };
        let seen = Seen { faces: 1, face: Some(face), ..Seen::default() };
        let png = sheet("t", &[Cell { frame: &frame, seen: &seen, shows: "x" }]).unwrap();
        let picture = image::load_from_memory(&png).unwrap().to_rgb8();
        let at = |x: f64, y: f64| {
            // Two pixels of the picture for each of the drawing.
            let [x, y] = [GAP + x * 0.75, TITLE + y * 0.75].map(|place| (2.0 * place) as u32);
            picture.get_pixel(x, y).0
        };
        assert_eq!(at(160.0, 120.0), [10, 20, 30]);
        assert_eq!(at(160.0, 60.0), [0x70; 3]);
        assert_eq!(at(80.0, 120.0), [0x70; 3]);
    }
}
