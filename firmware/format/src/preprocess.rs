//! The PREPROCESS section: what a pixel means, so that host and board cannot differ about it.

use serde::{Deserialize, Serialize};

use crate::{ImageError, Section};

/// Order of a pixel's bytes as the network wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One luminance byte.
    Grey,
}

impl Colour {
    /// Bytes a pixel.
    pub const fn channels(self) -> usize {
        match self {
            Colour::Rgb | Colour::Bgr => 3,
            Colour::Grey => 1,
        }
    }
}

/// The section's only record.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Crop height in pixels.
    pub height: u16,
    /// Crop width in pixels.
    pub width: u16,
    /// Order of bytes in a pixel.
    pub colour: Colour,
    /// The network was fed `(pixel − mean) / scale`. Folded into the first layer; kept for the record.
    pub mean: f32,
    /// See `mean`.
    pub scale: f32,
    /// Where an aligned face has its left eye, right eye, nose tip, left and right corner of the mouth (left as
    /// seen in the picture): `[x, y]` in 1/64 pixel.
    pub template: [[u16; 2]; 5],
}

/// Most bytes the section takes.
pub const MAX_BYTES: usize = 64;

impl Preprocess {
    /// Reads the section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field.
    pub fn new_checked(section: &[u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Preprocess, field };
        let (preprocess, rest): (Preprocess, _) =
            postcard::take_from_bytes(section).map_err(|_| record("preprocess"))?;
        if !rest.is_empty() {
            return Err(record("bytes after the record"));
        }
        if !preprocess.mean.is_finite() || !preprocess.scale.is_normal() {
            return Err(record("mean or scale"));
        }
        let inside = |[x, y]: [u16; 2]| x / 64 <= preprocess.width && y / 64 <= preprocess.height;
        if !preprocess.template.into_iter().all(inside) {
            return Err(record("template point outside the crop"));
        }
        Ok(preprocess)
    }

    /// Bytes of a crop: `height · width · channels`.
    pub fn crop_bytes(&self) -> usize {
        self.height as usize * self.width as usize * self.colour.channels()
    }
}
