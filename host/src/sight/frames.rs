//! Frames: pixels that are looked at, and frames as a camera would take them, made from photos.

use core::convert::Infallible;

use anyhow::{Context, Result, anyhow};
use format::PixelFormat;
use format::preprocess::Preprocess;
use image::imageops;
use image::{Rgb, RgbImage};
use nn::RowSource;
use vision::Frame;

use crate::photo::resize::{self, Filter};

/// Width and height of a frame (QVGA).
pub const FRAME: [u32; 2] = [320, 240];

/// Ways to put a photo into a frame: its size as a share of the largest that fits, and the place of its middle as
/// shares of the frame.
const PLACES: [(f32, [f32; 2]); 5] =
    [(1.0, [0.5, 0.5]), (0.6, [0.38, 0.42]), (0.35, [0.62, 0.6]), (1.6, [0.5, 0.5]), (0.8, [0.6, 0.45])];
/// Ways to show a picture as a whole: its size as a share of the largest that fits, and the shares of what is left of
/// the frame to the left of it and above it.
const WAYS: [(f32, [f32; 2]); 6] = [
    (1.0, [0.5, 0.5]),
    (1.0, [0.25, 0.3]),
    (0.7, [0.5, 0.5]),
    (0.7, [0.25, 0.3]),
    (0.45, [0.5, 0.5]),
    (0.45, [0.25, 0.3]),
];

/// A photo as a frame.
///
/// # Errors
/// When it is larger than a frame may be.
pub fn frame(photo: &RgbImage) -> Result<Frame<'_>> {
    let [width, height] = [photo.width(), photo.height()]
        .map(|side| u16::try_from(side).ok().context("a photo of more than 65,535 pixels a side"));
    let (width, height) = (width?, height?);
    Frame::new_checked(photo.as_raw(), width, height, 3 * usize::from(width), PixelFormat::Rgb888)
        .map_err(|error| anyhow!("{error}"))
}

/// The rows of a network's picture, `[h][w][c]` bytes.
pub fn pixels(mut source: impl RowSource<Error = Infallible>, input: &Preprocess) -> Vec<u8> {
    let mut pixels = vec![0; input.crop_bytes()];
    let row_bytes = usize::from(input.width) * input.colour.channels();
    for (y, row) in pixels.chunks_exact_mut(row_bytes).enumerate() {
        match source.row(y as u16, row) {
            Ok(()) => {}
        }
    }
    pixels
}

/// Size and place of a photo in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Width and height that the photo has in the frame, 1 or more.
    size: [u32; 2],
    /// Column and row of the frame at which it starts.
    start: [i64; 2],
    /// Its size in the frame over its own.
    ratio: [f32; 2],
}

impl Placement {
    /// Puts the point `from` of a photo of `[width, height]` to the place `to` of the frame, `scale` times as large. Both
    /// are counted from the corner of the first pixel.
    pub fn new(photo: [u32; 2], scale: f32, from: [f32; 2], to: [f32; 2]) -> Self {
        let size = photo.map(|side| ((side as f32 * scale).round() as u32).max(1));
        let ratio: [f32; 2] = std::array::from_fn(|axis| size[axis] as f32 / photo[axis] as f32);
        let start = std::array::from_fn(|axis| (to[axis] - from[axis] * ratio[axis]).round() as i64);
        Placement { size, start, ratio }
    }

    /// Puts the whole photo into the middle of the frame, as large as it fits.
    pub fn fitted(photo: [u32; 2]) -> Self {
        let sides = photo.map(|side| side as f32);
        Self::new(photo, fits(photo), sides.map(|side| side / 2.0), FRAME.map(|side| side as f32 / 2.0))
    }

    /// The frame. The photo's border goes on around it.
    pub fn frame(&self, photo: &RgbImage) -> RgbImage {
        let inside = |axis: usize, place: u32| {
            (i64::from(place) - self.start[axis]).clamp(0, i64::from(self.size[axis]) - 1) as u32
        };
        let shown = [0, 1].map(|axis| inside(axis, 0)..inside(axis, FRAME[axis] - 1) + 1);
        let [left, top] = [shown[0].start, shown[1].start];
        let part = resize::part(photo, self.size, shown, filter(photo, self.size));
        RgbImage::from_fn(FRAME[0], FRAME[1], |x, y| *part.get_pixel(inside(0, x) - left, inside(1, y) - top))
    }

    /// The place in the frame of a point of the photo. Whole numbers are pixels' centres in both.
    pub fn apply(&self, point: [f32; 2]) -> [f32; 2] {
        std::array::from_fn(|axis| (point[axis] + 0.5) * self.ratio[axis] + self.start[axis] as f32 - 0.5)
    }
}

/// The largest scale at which a photo fits into a frame.
fn fits([width, height]: [u32; 2]) -> f32 {
    (FRAME[0] as f32 / width as f32).min(FRAME[1] as f32 / height as f32)
}

/// What a photo of another size is made with.
fn filter(photo: &RgbImage, [width, _]: [u32; 2]) -> Filter {
    if width < photo.width() { Filter::Triangle } else { Filter::Cubic }
}

/// A frame with a photo whose point `from` lies at `to`, `scale` times as large. The photo's border goes on around it.
pub fn placed(photo: &RgbImage, scale: f32, from: [f32; 2], to: [f32; 2]) -> RgbImage {
    Placement::new(photo.dimensions().into(), scale, from, to).frame(photo)
}

/// A frame with a whole photo, as large as it fits.
pub fn fitted(photo: &RgbImage) -> RgbImage {
    Placement::fitted(photo.dimensions().into()).frame(photo)
}

/// Frames with a photo at several sizes and places.
pub fn of(photo: &RgbImage) -> Vec<RgbImage> {
    let sides = [photo.width() as f32, photo.height() as f32];
    let frame = FRAME.map(|side| side as f32);
    PLACES
        .iter()
        .map(|&(share, at)| {
            let to = [at[0] * frame[0], at[1] * frame[1]];
            placed(photo, share * fits(photo.dimensions().into()), sides.map(|side| side / 2.0), to)
        })
        .collect()
}

/// Six frames that show a whole picture on grey: large, middle and small, in the middle and aside.
pub fn ways(picture: &RgbImage) -> Vec<RgbImage> {
    let fits = fits(picture.dimensions().into());
    WAYS.iter()
        .map(|&(share, at)| {
            let side = |side: u32| ((side as f32 * share * fits).round() as u32).max(1);
            let size = [side(picture.width()), side(picture.height())];
            let small = resize::resized(picture, size, filter(picture, size));
            let mut frame = RgbImage::from_pixel(FRAME[0], FRAME[1], Rgb([128; 3]));
            let [x, y] = [(0, small.width()), (1, small.height())]
                .map(|(axis, side)| (FRAME[axis].saturating_sub(side) as f32 * at[axis]).round() as i64);
            imageops::replace(&mut frame, &small, x, y);
            frame
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_move_with_the_photo() {
        let mut photo = RgbImage::from_pixel(100, 100, Rgb([9; 3]));
        // A white square whose middle lies between its four middle pixels.
        for (x, y) in (58..62).flat_map(|x| (28..32).map(move |y| (x, y))) {
            photo.put_pixel(x, y, Rgb([255; 3]));
        }
        let placement = Placement::new([100, 100], 2.0, [60.0, 30.0], [160.0, 120.0]);
        assert_eq!(placement.apply([59.5, 29.5]), [159.5, 119.5]);
        let frame = placement.frame(&photo);
        assert_eq!(frame.dimensions(), (320, 240));
        assert!(frame.get_pixel(159, 119)[0] > 200 && frame.get_pixel(160, 120)[0] > 200);
        assert_eq!(frame.get_pixel(0, 0)[0], 9);
    }

    #[test]
    fn frame_fits_into_itself_unchanged() {
        let photo = RgbImage::from_fn(320, 240, |x, y| Rgb([x as u8, y as u8, (x ^ y) as u8]));
        assert_eq!(fitted(&photo), photo);
    }

    #[test]
    fn whole_picture_is_shown_in_six_ways() {
        let frames = ways(&RgbImage::from_pixel(50, 70, Rgb([255, 0, 0])));
        let red: Vec<usize> =
            frames.iter().map(|frame| frame.pixels().filter(|pixel| pixel[0] == 255).count()).collect();
        assert_eq!(red.len(), 6);
        assert!(red.windows(2).all(|pair| pair[0] >= pair[1]) && red[5] > 0, "{red:?}");
    }
}
