//! The GOLDEN section: a crop and the embedding that the embedder must give for it, so that a board can test itself.
//!
//! ```text
//!   0  crop bytes  u32
//!   4  dimension   u16
//!   6  zero        u16
//!   8  zero        8 bytes
//!  16  embedding   i16 [dimension], then zero up to a multiple of 16
//! ...  crop        [height][width][channels] bytes, as the embedder takes them
//! ```

use crate::bytes::{array, is_zero, put, u16_at, u32_at};
use crate::{ALIGNMENT, ImageError, Section};

const HEAD_BYTES: usize = 16;

/// A checked GOLDEN section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Golden<'a> {
    /// The embedding that the embedder must give.
    pub embedding: &'a [i16],
    /// The crop, `[height][width][channels]`.
    pub crop: &'a [u8],
}

/// Length of the section for an embedding of `dimension` elements and a crop of `crop_bytes` bytes.
pub const fn emitted_bytes(dimension: usize, crop_bytes: usize) -> usize {
    HEAD_BYTES + (2 * dimension).next_multiple_of(ALIGNMENT) + crop_bytes
}

impl<'a> Golden<'a> {
    /// Reads the section for an embedder that takes crops of `crop_bytes` and gives `dimension` elements.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field.
    pub fn new_checked(section: &'a [u8], crop_bytes: usize, dimension: usize) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Golden, field };
        if section.len() != emitted_bytes(dimension, crop_bytes) {
            return Err(record("length"));
        }
        if u32_at(section, 0) as usize != crop_bytes || usize::from(u16_at(section, 4)) != dimension {
            return Err(record("crop bytes or dimension"));
        }
        let crop = section.len() - crop_bytes;
        if !is_zero(section, 6..HEAD_BYTES) || !is_zero(section, HEAD_BYTES + 2 * dimension..crop) {
            return Err(record("padding"));
        }
        let embedding = array(section, HEAD_BYTES as u32, dimension).ok_or(record("embedding"))?;
        let crop = section.get(crop..).ok_or(record("length"))?;
        Ok(Golden { embedding, crop })
    }

    /// Writes the section.
    ///
    /// # Panics
    /// When the length of `out` differs from [`emitted_bytes`].
    pub fn emit(&self, out: &mut [u8]) {
        assert_eq!(out.len(), emitted_bytes(self.embedding.len(), self.crop.len()));
        out.fill(0);
        put(out, 0, (self.crop.len() as u32).to_le_bytes());
        put(out, 4, (self.embedding.len() as u16).to_le_bytes());
        out[HEAD_BYTES..][..2 * self.embedding.len()].copy_from_slice(bytemuck::cast_slice(self.embedding));
        let crop = out.len() - self.crop.len();
        out[crop..].copy_from_slice(self.crop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(align(16))]
    struct Aligned([u8; 37]);

    #[test]
    fn section_has_these_bytes() {
        let golden = Golden { embedding: &[1, -2, 300], crop: &[10, 20, 30, 40, 50] };
        let mut bytes = Aligned([0xa5; 37]);
        golden.emit(&mut bytes.0);
        let mut expected = [0; 37];
        expected[..5].copy_from_slice(&[5, 0, 0, 0, 3]);
        expected[16..22].copy_from_slice(&[1, 0, 0xfe, 0xff, 0x2c, 1]);
        expected[32..].copy_from_slice(&[10, 20, 30, 40, 50]);
        assert_eq!(bytes.0, expected);
        assert_eq!(Golden::new_checked(&bytes.0, 5, 3), Ok(golden));
        assert!(Golden::new_checked(&bytes.0, 4, 3).is_err());
        bytes.0[24] = 1;
        let error = Golden::new_checked(&bytes.0, 5, 3).unwrap_err();
        assert_eq!(error, ImageError::Record { section: Section::Golden, field: "padding" });
    }
}
