//! Reads and writes numbers and arrays in bytes: little-endian fields at fixed offsets, and arrays that are read in
//! place.

use core::ops::Range;

use crate::ALIGNMENT;

/// The `u16` at offset `at` of a record. The caller has checked that the record is long enough.
#[inline(always)]
pub(crate) const fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

/// The `u32` at offset `at` of a record. The caller has checked that the record is long enough.
#[inline(always)]
pub(crate) const fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
}

/// Writes a field at offset `at` of a record.
pub(crate) fn put<const N: usize>(record: &mut [u8], at: usize, value: [u8; N]) {
    record[at..at + N].copy_from_slice(&value);
}

/// Whether all bytes of a range are zero.
pub(crate) fn is_zero(record: &[u8], range: Range<usize>) -> bool {
    record[range].iter().all(|&byte| byte == 0)
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
