//! The description of a network's input, so that host and board agree about every pixel.
//!
//! ```text
//!   0  height, width   u16, u16
//!   4  colour          u8: 0 RGB, 1 BGR, 2 grey
//!   5  zero            3 bytes
//!   8  mean, scale     f32, f32
//!  16  template        five points: x u16, y u16 in 1/64 pixel
//!  36  zero            4 bytes
//! ```

use serde::{Deserialize, Serialize};

use crate::bytes::{is_zero, put, u16_at, u32_at};

/// Length of the record.
pub const BYTES: usize = 40;

/// Order of a pixel's bytes that the network expects.
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
    const ALL: [Colour; 3] = [Colour::Rgb, Colour::Bgr, Colour::Grey];

    /// Bytes of a pixel.
    pub const fn channels(self) -> usize {
        match self {
            Colour::Rgb | Colour::Bgr => 3,
            Colour::Grey => 1,
        }
    }
}

/// The description of a network's input.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Crop height in pixels.
    pub height: u16,
    /// Crop width in pixels.
    pub width: u16,
    /// Order of bytes in a pixel.
    pub colour: Colour,
    /// The network expects `(pixel − mean) / scale`. The first layer includes this computation; the value is kept as
    /// information.
    pub mean: f32,
    /// See `mean`.
    pub scale: f32,
    /// Places in an aligned face of the left eye, the right eye, the tip of the nose, and the left and right corner
    /// of the mouth (left as seen in the picture): `[x, y]` in 1/64 pixel. All zero if the input is not an aligned
    /// face.
    pub template: [[u16; 2]; 5],
}

impl Preprocess {
    pub(crate) const NONE: Preprocess = Preprocess {
        height: 0,
        width: 0,
        colour: Colour::Grey,
        mean: 0.0,
        scale: 1.0,
        template: [[0; 2]; 5],
    };

    /// Reads the record at the start of `bytes`. The error names the wrong field.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let record = bytes.get(..BYTES).ok_or("input: length")?;
        if !is_zero(record, 5..8) || !is_zero(record, 36..BYTES) {
            return Err("input: padding");
        }
        let colour =
            *record.get(4).and_then(|&code| Colour::ALL.get(usize::from(code))).ok_or("input: colour")?;
        let [mean, scale] = [8, 12].map(|at| f32::from_bits(u32_at(record, at)));
        if !mean.is_finite() || !scale.is_normal() {
            return Err("input: mean or scale");
        }
        let template = [0, 1, 2, 3, 4].map(|point| [0, 2].map(|axis| u16_at(record, 16 + 4 * point + axis)));
        let preprocess =
            Preprocess { height: u16_at(record, 0), width: u16_at(record, 2), colour, mean, scale, template };
        let inside = |[x, y]: [u16; 2]| x / 64 <= preprocess.width && y / 64 <= preprocess.height;
        if !template.into_iter().all(inside) {
            return Err("input: template point outside the crop");
        }
        Ok(preprocess)
    }

    /// The record's bytes.
    pub(crate) fn emit(&self) -> [u8; BYTES] {
        let mut record = [0; BYTES];
        put(&mut record, 0, self.height.to_le_bytes());
        put(&mut record, 2, self.width.to_le_bytes());
        record[4] = Colour::ALL.iter().position(|&colour| colour == self.colour).unwrap_or(0) as u8;
        put(&mut record, 8, self.mean.to_bits().to_le_bytes());
        put(&mut record, 12, self.scale.to_bits().to_le_bytes());
        for (point, place) in self.template.iter().enumerate() {
            put(&mut record, 16 + 4 * point, place[0].to_le_bytes());
            put(&mut record, 18 + 4 * point, place[1].to_le_bytes());
        }
        record
    }

    /// Bytes of a crop: `height · width · channels`.
    pub fn crop_bytes(&self) -> usize {
        self.height as usize * self.width as usize * self.colour.channels()
    }
}
