//! The SIGHT section: how to read the outputs of the networks that find and examine faces, and the limits of a usable
//! face.
//!
//! ```text
//!   0  family         u8: 0 single-shot detector (SSD), 1 YuNet
//!   1  levels         u8, how many; SSD 1 to 6, YuNet 0
//!   2  zero           2 bytes
//!   4  least          i32 in 1/65536: candidates with a lower score are no faces; SSD: before the sigmoid, YuNet: 0 to 1
//!   8  variances      u16, u16 in 1/65536: factors of a box's place and of the logarithm of its size (SSD; YuNet 0)
//!  12  zero           4 bytes
//!  16  levels         six of 12 bytes: stride u16 in pixels, four sizes u16 in pixels (0: none), zero u16
//!  88  cut            side u32, down i32 in 1/65536 of a box's width: the square that the landmark network sees
//!  96  points         five of i16 x, y in 1/65536 of the distance of the eyes: added to a detector's landmarks
//! 116  landmarks      the same, added to the landmark network's
//! 136  gates          u16 each: pixels between the eyes in 1/256, most movement in 1/65536 of the eyes' distance, most
//!                     yaw, pitch, roll in 1/16 degree, least sharpness in 1/65536, least and most brightness in 1/256,
//!                     least contrast in 1/256, most clipped pixels in 1/65536
//! 156  liveness       live u8: the class of a live face, zero u8, span u16: width and height of the part that the liveness
//!                     network sees, in 1/256 of the box's, least score u16 in 1/65536
//! 162  zero           14 bytes
//! ```

use crate::bytes::{is_zero, put, u16_at, u32_at};
use crate::gates::Gates;
use crate::layer::MAX_EXTENT;
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

impl Level {
    /// The sizes in use.
    pub fn sizes(&self) -> &[u16] {
        let count = self.sizes.iter().take_while(|&&size| size != 0).count();
        self.sizes.get(..count).unwrap_or(&self.sizes)
    }
}

/// What a SIGHT section says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// How the detector's outputs are read.
    pub family: Family,
    /// Least score of a face, in 1/65536. Of a single-shot detector before the sigmoid; of YuNet 0 to 1.
    pub least_q16: i32,
    /// Factors of a box's place and of the logarithm of its size, in 1/65536. 0 for YuNet.
    pub variances_q16: [u16; 2],
    /// The levels of a single-shot detector, the finest first; unused ones are all zero and come last.
    pub levels: [Level; MAX_LEVELS],
    /// Side of the square that the landmark network sees, in 1/65536 of the box's width.
    pub side_q16: u32,
    /// How far the square's centre lies below the box's, in 1/65536 of the box's width.
    pub down_q16: i32,
    /// Added to a detector's own landmarks: along and across the line of the eyes, in 1/65536 of their distance.
    pub points_q16: [[i16; 2]; 5],
    /// Added to the landmark network's landmarks, in the same way.
    pub landmarks_q16: [[i16; 2]; 5],
    /// Limits of a usable face.
    pub gates: Gates,
    /// The liveness network's class for a live face.
    pub live: u8,
    /// Width and height of the part that the liveness network sees, in 1/256 of the box's.
    pub span_q8: u16,
    /// Least score of a live face, 0 to 1 in 1/65536.
    pub alive_q16: u16,
}

impl Sight {
    /// The levels in use.
    pub fn levels(&self) -> &[Level] {
        let count = self.levels.iter().take_while(|level| level.stride != 0).count();
        self.levels.get(..count).unwrap_or(&self.levels)
    }

    /// Reads a section that is already checked.
    fn of_checked(section: &[u8; BYTES]) -> Self {
        let shifts = |at: usize| {
            [0, 1, 2, 3, 4].map(|point| [0, 2].map(|axis| u16_at(section, at + 4 * point + axis) as i16))
        };
        Sight {
            family: if section[0] == Family::YuNet as u8 { Family::YuNet } else { Family::Ssd },
            least_q16: u32_at(section, 4) as i32,
            variances_q16: [u16_at(section, 8), u16_at(section, 10)],
            levels: [0, 1, 2, 3, 4, 5].map(|level| {
                let at = 16 + 12 * level;
                let sizes = [2, 4, 6, 8].map(|shift| u16_at(section, at + shift));
                Level { stride: u16_at(section, at), sizes }
            }),
            side_q16: u32_at(section, 88),
            down_q16: u32_at(section, 92) as i32,
            points_q16: shifts(96),
            landmarks_q16: shifts(116),
            gates: Gates::of_fields([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|i| u16_at(section, 136 + 2 * i))),
            live: section[156],
            span_q8: u16_at(section, 158),
            alive_q16: u16_at(section, 160),
        }
    }

    /// The section's bytes.
    pub fn emit(&self) -> [u8; BYTES] {
        let mut section = [0; BYTES];
        section[0] = self.family as u8;
        section[1] = self.levels().len() as u8;
        put(&mut section, 4, self.least_q16.to_le_bytes());
        put(&mut section, 8, self.variances_q16[0].to_le_bytes());
        put(&mut section, 10, self.variances_q16[1].to_le_bytes());
        for (index, level) in self.levels().iter().enumerate() {
            put(&mut section, 16 + 12 * index, level.stride.to_le_bytes());
            for (place, size) in level.sizes.iter().enumerate() {
                put(&mut section, 18 + 12 * index + 2 * place, size.to_le_bytes());
            }
        }
        put(&mut section, 88, self.side_q16.to_le_bytes());
        put(&mut section, 92, self.down_q16.to_le_bytes());
        for (at, shifts) in [(96, self.points_q16), (116, self.landmarks_q16)] {
            for (place, shift) in shifts.iter().flatten().enumerate() {
                put(&mut section, at + 2 * place, shift.to_le_bytes());
            }
        }
        for (place, field) in self.gates.fields().into_iter().enumerate() {
            put(&mut section, 136 + 2 * place, field.to_le_bytes());
        }
        section[156] = self.live;
        put(&mut section, 158, self.span_q8.to_le_bytes());
        put(&mut section, 160, self.alive_q16.to_le_bytes());
        section
    }
}

/// A checked SIGHT section. It is read in place.
#[derive(Clone, Copy, Debug)]
pub struct SightSection<'a>(&'a [u8; BYTES]);

impl<'a> SightSection<'a> {
    /// Checks a section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field.
    pub fn new_checked(section: &'a [u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Sight, field };
        let section: &[u8; BYTES] = section.try_into().map_err(|_| record("length"))?;
        let sight = Sight::of_checked(section);
        let is_yunet = sight.family == Family::YuNet;
        if section[0] != sight.family as u8 {
            return Err(record("family of the detector"));
        }
        let count = usize::from(section[1]);
        let counts = if is_yunet { 0..=0 } else { 1..=MAX_LEVELS };
        if !counts.contains(&count) {
            return Err(record("number of levels"));
        }
        let padding = [2..4, 12..16, 157..158, 162..BYTES, 16 + 12 * count..88];
        if !padding.into_iter().all(|range| is_zero(section, range)) {
            return Err(record("padding"));
        }
        if is_yunet && !(0..=1 << 16).contains(&sight.least_q16) {
            return Err(record("least score"));
        }
        if is_yunet && sight.variances_q16 != [0; 2] {
            return Err(record("variances"));
        }
        for (index, level) in sight.levels.iter().take(count).enumerate() {
            let (at, used) = (16 + 12 * index, level.sizes().len());
            if level.stride == 0
                || used == 0
                || !is_zero(section, at + 2 + 2 * used..at + 12)
                || level.sizes.iter().any(|&size| size > MAX_EXTENT)
            {
                return Err(record("level of the detector"));
            }
        }
        if !(1 << 14..=1 << 18).contains(&sight.side_q16) || sight.down_q16.unsigned_abs() > 1 << 16 {
            return Err(record("cut of the landmark network"));
        }
        if sight.gates.dark_q8 > sight.gates.bright_q8 {
            return Err(record("gates: the least brightness is above the most"));
        }
        if !(128..=2048).contains(&sight.span_q8) {
            return Err(record("span of the liveness network"));
        }
        Ok(SightSection(section))
    }

    /// What it says.
    // Not inlined, as it is read in several places.
    #[inline(never)]
    pub fn read(&self) -> Sight {
        Sight::of_checked(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(section: &[u8]) -> Result<Sight, ImageError> {
        SightSection::new_checked(section).map(|section| section.read())
    }

    fn sight() -> Sight {
        let mut levels = [Level::default(); MAX_LEVELS];
        levels[0] = Level { stride: 8, sizes: [10, 16, 24, 0] };
        levels[1] = Level { stride: 16, sizes: [0x0201, 0, 0, 0] };
        Sight {
            family: Family::Ssd,
            least_q16: -2,
            variances_q16: [6554, 13107],
            levels,
            side_q16: 0x13f3b,
            down_q16: 7320,
            points_q16: [[1, 2], [3, 4], [5, 6], [7, 8], [9, -10]],
            landmarks_q16: [[-1, 0]; 5],
            gates: Gates::of_fields([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            live: 1,
            span_q8: 691,
            alive_q16: 0x8000,
        }
    }

    #[test]
    fn section_has_these_bytes() {
        let bytes = sight().emit();
        let mut expected = [0; BYTES];
        expected[..12].copy_from_slice(&[0, 2, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x9a, 0x19, 0x33, 0x33]);
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
        assert_eq!(parse(&bytes), Ok(sight()));
    }

    #[test]
    fn malformed_fields_are_named() {
        let field = |at: usize, value: u8| {
            let mut bytes = sight().emit();
            bytes[at] = value;
            match parse(&bytes) {
                Err(ImageError::Record { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(field(0, 2), "family of the detector");
        assert_eq!(field(0, 1), "number of levels");
        assert_eq!(field(1, 0), "number of levels");
        assert_eq!(field(1, 7), "number of levels");
        assert_eq!(field(2, 1), "padding");
        assert_eq!(field(13, 1), "padding");
        assert_eq!(field(175, 1), "padding");
        assert_eq!(field(16, 0), "level of the detector");
        assert_eq!(field(27, 1), "level of the detector");
        assert_eq!(field(90, 9), "cut of the landmark network");
        assert_eq!(field(149, 1), "gates: the least brightness is above the most");
        assert_eq!(field(159, 200), "span of the liveness network");
        assert!(parse(&sight().emit()[..BYTES - 1]).is_err());
    }

    #[test]
    fn yunet_has_no_fields_of_a_single_shot_detector() {
        let family = Family::YuNet;
        let yunet =
            Sight { family, least_q16: 0xb333, variances_q16: [0; 2], levels: Default::default(), ..sight() };
        assert_eq!(parse(&yunet.emit()), Ok(yunet));
        let field = |sight: Sight| match parse(&sight.emit()) {
            Err(ImageError::Record { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(field(Sight { least_q16: -1, ..yunet }), "least score");
        assert_eq!(field(Sight { least_q16: 1 << 17, ..yunet }), "least score");
        assert_eq!(field(Sight { variances_q16: [0, 1], ..yunet }), "variances");
    }
}
