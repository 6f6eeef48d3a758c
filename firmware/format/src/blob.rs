//! A section's two halves: postcard records in front, raw arrays behind, aligned for reading in place.

use crate::{ALIGNMENT, align_up};

/// A section split into records and blob.
#[derive(Clone, Copy, Debug)]
pub struct Halves<'a> {
    /// Postcard records, one after another.
    pub records: &'a [u8],
    /// Arrays; starts at a multiple of [`ALIGNMENT`] from the section's start.
    pub blob: &'a [u8],
}

const LENGTH_BYTES: usize = 4;

/// Splits a section; `None` when it is too short for what its length field says, or a padding byte is not zero.
pub fn parse(section: &[u8]) -> Option<Halves<'_>> {
    let (length, rest) = section.split_first_chunk::<LENGTH_BYTES>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let records = rest.get(..length)?;
    let blob_start = align_up(length.checked_add(LENGTH_BYTES)?)?;
    let padding = section.get(LENGTH_BYTES + length..blob_start)?;
    if padding.iter().any(|&byte| byte != 0) {
        return None;
    }
    Some(Halves { records, blob: &section[blob_start..] })
}

/// Length of a section made of so many bytes of records and of blob.
pub fn emitted_bytes(records: usize, blob: usize) -> usize {
    (LENGTH_BYTES + records).next_multiple_of(ALIGNMENT) + blob
}

/// Joins records and blob into a section.
///
/// # Panics
/// When `out` does not have the length that [`emitted_bytes`] gives.
pub fn emit(records: &[u8], blob: &[u8], out: &mut [u8]) {
    assert_eq!(out.len(), emitted_bytes(records.len(), blob.len()));
    out.fill(0);
    out[..LENGTH_BYTES].copy_from_slice(&(records.len() as u32).to_le_bytes());
    out[LENGTH_BYTES..][..records.len()].copy_from_slice(records);
    let blob_start = out.len() - blob.len();
    out[blob_start..].copy_from_slice(blob);
}

/// An array of `count` elements at byte `offset` of a blob; `None` when out of bounds or not aligned to
/// [`ALIGNMENT`].
pub fn array<T: bytemuck::Pod>(blob: &[u8], offset: u32, count: usize) -> Option<&[T]> {
    let start = offset as usize;
    let end = start.checked_add(count.checked_mul(size_of::<T>())?)?;
    if !start.is_multiple_of(ALIGNMENT) {
        return None;
    }
    bytemuck::try_cast_slice(blob.get(start..end)?).ok()
}
