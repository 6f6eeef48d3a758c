//! Reads and writes numbers and arrays in bytes: little-endian fields at fixed offsets, and arrays that are read in
//! place.

use core::ops::Range;

use crate::ALIGNMENT;

/// The `u16` at offset `at` of a record. The caller has checked that the record is long enough; otherwise it is 0.
#[inline(always)]
pub(crate) fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(chunk_at(record, at))
}

/// The `u32` at offset `at` of a record. The caller has checked that the record is long enough; otherwise it is 0.
#[inline(always)]
pub(crate) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(chunk_at(record, at))
}

/// The `N` bytes at offset `at` of a record. The caller has checked that the record is long enough; otherwise they are 0.
#[inline(always)]
pub(crate) fn chunk_at<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    record.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// Writes a field at offset `at` of a record that is long enough.
pub(crate) fn put<const N: usize>(record: &mut [u8], at: usize, value: [u8; N]) {
    let field = record.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    debug_assert!(field.is_some(), "the record is long enough");
    if let Some(field) = field {
        *field = value;
    }
}

/// Whether a record has all bytes of a range, and they are zero.
pub(crate) fn is_zero(record: &[u8], range: Range<usize>) -> bool {
    record.get(range).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0))
}

/// An array of `count` elements at byte `offset` of a blob; `None` when out of bounds or not aligned to
/// [`ALIGNMENT`].
pub fn array<T: bytemuck::Pod>(blob: &[u8], offset: u32, count: usize) -> Option<&[T]> {
    let start = offset as usize;
    if !start.is_multiple_of(ALIGNMENT) {
        return None;
    }
    let bytes = count.checked_mul(size_of::<T>())?;
    bytemuck::try_cast_slice(blob.get(start..)?.get(..bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_those_that_lie_in_the_blob() {
        #[repr(C, align(16))]
        struct Blob([u8; 48]);
        let blob = Blob(core::array::from_fn(|place| place as u8));
        let blob = &blob.0[..];
        assert_eq!(array::<i8>(blob, 16, 3), Some(&[16, 17, 18][..]));
        assert_eq!(array::<i32>(blob, 32, 4).map(<[i32]>::len), Some(4));
        assert_eq!(array::<i32>(blob, 48, 0), Some(&[][..]));
        for (offset, count) in
            [(32, 5), (48, 1), (64, 0), (u32::MAX - 15, 1), (0, usize::MAX), (0, usize::MAX / 4 + 1)]
        {
            assert_eq!(array::<i32>(blob, offset, count), None, "{count} at {offset}");
        }
        for offset in [1, 4, 8] {
            assert_eq!(array::<i8>(blob, offset, 1), None, "not aligned");
        }
    }
}
