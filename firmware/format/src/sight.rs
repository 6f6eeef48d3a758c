//! The SIGHT section: how to read the outputs of the networks that find and examine faces, and the limits of a usable
//! face.
//!
//! ```text
//!   0  family         u8: 0 single-shot detector (SSD), 1 YuNet
//!   1  levels         u8, how many; SSD 1 to 6, YuNet 0
//!   2  least score    u16 in 1/65536: candidates below it are no faces
//!   4  least logit    i32 in 1/65536: the same limit before the sigmoid
//!   8  variances      u16, u16 in 1/65536: factors of a box's place and of the logarithm of its size (SSD)
//!  12  zero           4 bytes
//!  16  levels         six of 12 bytes: stride u16 in pixels, four sizes u16 in pixels (0: none), zero u16
//!  88  cut            side u32, down i32 in 1/65536 of a box's width: the square that the landmark network sees
//!  96  points         five of i16 x, y in 1/65536 of the distance of the eyes: added to a detector's landmarks
//! 116  landmarks      the same, added to the landmark network's
//! 136  gates          u16 each: pixels between the eyes in 1/256, most movement in 1/65536 of the eyes' distance, most
//!                     yaw, pitch, roll in 1/16 degree, least sharpness in 1/65536, least and most brightness in 1/256,
//!                     least contrast in 1/256, most clipped pixels in 1/65536
//! 156  liveness       live u8: the class of a live face, zero u8, span u16 in 1/256 of a box's longer side, least score
//!                     u16 in 1/65536
//! 162  zero           14 bytes
//! ```

use crate::bytes::{is_zero, put, u16_at, u32_at};
use crate::{ImageError, Section};

/// Length of the section.
pub const BYTES: usize = 176;
/// Most levels of a single-shot detector.
pub const MAX_LEVELS: usize = 6;
/// Most sizes of boxes in a cell of a level.
pub const MAX_SIZES: usize = 4;

/// How a detector's outputs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// Scores and boxes for each level: two classes and four shifts for each size (Liu et al. 2016, SSD).
    #[default]
    Ssd = 0,
    /// Classes, objectness, boxes and five points for strides of 8, 16 and 32 pixels (Wu et al. 2023).
    YuNet = 1,
}

/// A level of a single-shot detector: a grid of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Pixels from one cell to the next, 1 or more.
    pub stride: u16,
    /// Sides of the boxes that a cell looks for, in pixels; unused ones are 0 and come last.
    pub sizes: [u16; MAX_SIZES],
}

/// Limits of a usable face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// Least pixels of the frame between the eyes, in 1/256.
    pub eyes: u16,
    /// Most movement of landmarks between the picture and its mirror image, in 1/65536 of the distance of the eyes.
    pub moved: u16,
    /// Most yaw to either side, in 1/16 degree.
    pub yaw: u16,
    /// Most pitch up or down, in 1/16 degree.
    pub pitch: u16,
    /// Most roll to either side, in 1/16 degree.
    pub roll: u16,
    /// Least variance of the Laplacian over the variance of luminance, in 1/65536.
    pub sharpness: u16,
    /// Least and most mean luminance, in 1/256.
    pub brightness: [u16; 2],
    /// Least standard deviation of luminance, in 1/256.
    pub contrast: u16,
    /// Most pixels that are completely black or white, in 1/65536 of all.
    pub clipped: u16,
}

impl Gates {
    fn fields(&self) -> [u16; 10] {
        let [dark, bright] = self.brightness;
        [
            self.eyes,
            self.moved,
            self.yaw,
            self.pitch,
            self.roll,
            self.sharpness,
            dark,
            bright,
            self.contrast,
            self.clipped,
        ]
    }

    fn of_fields(fields: [u16; 10]) -> Self {
        let [eyes, moved, yaw, pitch, roll, sharpness, dark, bright, contrast, clipped] = fields;
        Gates { eyes, moved, yaw, pitch, roll, sharpness, brightness: [dark, bright], contrast, clipped }
    }
}

/// What a SIGHT section says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// How the detector's outputs are read.
    pub family: Family,
    /// Least score of a face, 0 to 1 in 1/65536.
    pub score: u16,
    /// The same limit before the sigmoid, in 1/65536.
    pub logit: i32,
    /// Factors of a box's place and of the logarithm of its size, in 1/65536.
    pub variances: [u16; 2],
    /// The levels of a single-shot detector, the finest first; unused ones are all zero and come last.
    pub levels: [Level; MAX_LEVELS],
    /// Side of the square that the landmark network sees, in 1/65536 of the box's width.
    pub side: u32,
    /// How far the square's centre lies below the box's, in 1/65536 of the box's width.
    pub down: i32,
    /// Added to a detector's own landmarks: along and across the line of the eyes, in 1/65536 of their distance.
    pub points: [[i16; 2]; 5],
    /// Added to the landmark network's landmarks, in the same way.
    pub landmarks: [[i16; 2]; 5],
    /// Limits of a usable face.
    pub gates: Gates,
    /// The liveness network's class for a live face.
    pub live: u8,
    /// Side of the square that the liveness network sees, in 1/256 of the longer side of the box.
    pub span: u16,
    /// Least score of a live face, 0 to 1 in 1/65536.
    pub alive: u16,
}

impl Sight {
    /// The levels in use.
    pub fn levels(&self) -> &[Level] {
        let count = self.levels.iter().take_while(|level| level.stride != 0).count();
        &self.levels[..count]
    }

    /// Reads a section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field.
    pub fn parse(section: &[u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Sight, field };
        if section.len() != BYTES {
            return Err(record("length"));
        }
        let family = match section[0] {
            0 => Family::Ssd,
            1 => Family::YuNet,
            _ => return Err(record("family of the detector")),
        };
        let count = usize::from(section[1]);
        let counts = match family {
            Family::Ssd => 1..=MAX_LEVELS,
            Family::YuNet => 0..=0,
        };
        if !counts.contains(&count) {
            return Err(record("number of levels"));
        }
        let padding = [12..16, 157..158, 162..BYTES, 16 + 12 * count..88];
        if !padding.into_iter().all(|range| is_zero(section, range)) {
            return Err(record("padding"));
        }
        let mut levels = [Level::default(); MAX_LEVELS];
        for (index, level) in levels.iter_mut().take(count).enumerate() {
            let at = 16 + 12 * index;
            let sizes = [2, 4, 6, 8].map(|shift| u16_at(section, at + shift));
            *level = Level { stride: u16_at(section, at), sizes };
            let used = sizes.iter().take_while(|&&size| size != 0).count();
            if level.stride == 0
                || used == 0
                || !is_zero(section, at + 2 + 2 * used..at + 12)
                || sizes.iter().any(|&size| size > 8192)
            {
                return Err(record("level of the detector"));
            }
        }
        let shifts = |at: usize| {
            [0, 1, 2, 3, 4].map(|point| [0, 2].map(|axis| u16_at(section, at + 4 * point + axis) as i16))
        };
        let (side, down) = (u32_at(section, 88), u32_at(section, 92) as i32);
        if !(1 << 14..=1 << 18).contains(&side) || down.unsigned_abs() > 1 << 16 {
            return Err(record("cut of the landmark network"));
        }
        let gates = Gates::of_fields([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|i| u16_at(section, 136 + 2 * i)));
        let span = u16_at(section, 158);
        if !(128..=2048).contains(&span) {
            return Err(record("span of the liveness network"));
        }
        Ok(Sight {
            family,
            score: u16_at(section, 2),
            logit: u32_at(section, 4) as i32,
            variances: [u16_at(section, 8), u16_at(section, 10)],
            levels,
            side,
            down,
            points: shifts(96),
            landmarks: shifts(116),
            gates,
            live: section[156],
            span,
            alive: u16_at(section, 160),
        })
    }

    /// The section's bytes.
    pub fn emit(&self) -> [u8; BYTES] {
        let mut section = [0; BYTES];
        section[0] = self.family as u8;
        section[1] = self.levels().len() as u8;
        put(&mut section, 2, self.score.to_le_bytes());
        put(&mut section, 4, self.logit.to_le_bytes());
        put(&mut section, 8, self.variances[0].to_le_bytes());
        put(&mut section, 10, self.variances[1].to_le_bytes());
        for (index, level) in self.levels().iter().enumerate() {
            put(&mut section, 16 + 12 * index, level.stride.to_le_bytes());
            for (place, size) in level.sizes.iter().enumerate() {
                put(&mut section, 18 + 12 * index + 2 * place, size.to_le_bytes());
            }
        }
        put(&mut section, 88, self.side.to_le_bytes());
        put(&mut section, 92, self.down.to_le_bytes());
        for (at, shifts) in [(96, self.points), (116, self.landmarks)] {
            for (place, shift) in shifts.iter().flatten().enumerate() {
                put(&mut section, at + 2 * place, shift.to_le_bytes());
            }
        }
        for (place, field) in self.gates.fields().into_iter().enumerate() {
            put(&mut section, 136 + 2 * place, field.to_le_bytes());
        }
        section[156] = self.live;
        put(&mut section, 158, self.span.to_le_bytes());
        put(&mut section, 160, self.alive.to_le_bytes());
        section
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight() -> Sight {
        let mut levels = [Level::default(); MAX_LEVELS];
        levels[0] = Level { stride: 8, sizes: [10, 16, 24, 0] };
        levels[1] = Level { stride: 16, sizes: [0x0201, 0, 0, 0] };
        Sight {
            family: Family::Ssd,
            score: 0xb333,
            logit: -2,
            variances: [6554, 13107],
            levels,
            side: 0x13f3b,
            down: 7320,
            points: [[1, 2], [3, 4], [5, 6], [7, 8], [9, -10]],
            landmarks: [[-1, 0]; 5],
            gates: Gates::of_fields([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            live: 1,
            span: 691,
            alive: 0x8000,
        }
    }

    #[test]
    fn section_has_these_bytes() {
        let bytes = sight().emit();
        let mut expected = [0; BYTES];
        expected[..12].copy_from_slice(&[0, 2, 0x33, 0xb3, 0xfe, 0xff, 0xff, 0xff, 0x9a, 0x19, 0x33, 0x33]);
        expected[16..24].copy_from_slice(&[8, 0, 10, 0, 16, 0, 24, 0]);
        expected[28..32].copy_from_slice(&[16, 0, 1, 2]);
        expected[88..96].copy_from_slice(&[0x3b, 0x3f, 1, 0, 0x98, 0x1c, 0, 0]);
        for place in 0..9 {
            expected[96 + 2 * place] = place as u8 + 1;
        }
        expected[114..116].copy_from_slice(&[0xf6, 0xff]);
        for point in 0..5 {
            expected[116 + 4 * point..118 + 4 * point].copy_from_slice(&[0xff, 0xff]);
        }
        for place in 0..10 {
            expected[136 + 2 * place] = place as u8 + 1;
        }
        expected[156..162].copy_from_slice(&[1, 0, 0xb3, 2, 0, 0x80]);
        assert_eq!(bytes, expected);
        assert_eq!(Sight::parse(&bytes), Ok(sight()));
    }

    #[test]
    fn malformed_fields_are_named() {
        let field = |at: usize, value: u8| {
            let mut bytes = sight().emit();
            bytes[at] = value;
            match Sight::parse(&bytes) {
                Err(ImageError::Record { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field(0, 2), "family of the detector");
        assert_eq!(field(0, 1), "number of levels");
        assert_eq!(field(1, 0), "number of levels");
        assert_eq!(field(1, 7), "number of levels");
        assert_eq!(field(13, 1), "padding");
        assert_eq!(field(175, 1), "padding");
        assert_eq!(field(16, 0), "level of the detector");
        assert_eq!(field(27, 1), "level of the detector");
        assert_eq!(field(90, 9), "cut of the landmark network");
        assert_eq!(field(159, 200), "span of the liveness network");
        assert!(Sight::parse(&sight().emit()[..BYTES - 1]).is_err());
    }
}
