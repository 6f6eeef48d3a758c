//! Flash read in parts, so that a small buffer does.

use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use crate::layout::MAX_WORD;

/// Bytes that are read at once: a multiple of every word.
const PART_BYTES: usize = 4 * MAX_WORD;

/// Reads a range in order, from an address at which the flash can be read. `take` returns whether to go on; the result is
/// whether it always did.
///
/// # Errors
/// The flash's.
pub fn scan<F: NorFlash>(
    flash: &mut F,
    range: Range<u32>,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<bool, F::Error> {
    let mut part = [0; PART_BYTES];
    for at in range.clone().step_by(PART_BYTES) {
        let bytes = range.end.saturating_sub(at).min(PART_BYTES as u32) as usize;
        // The flash may not read less than some bytes, of which the buffer has a multiple.
        let readable = bytes.next_multiple_of(F::READ_SIZE.max(1)).min(PART_BYTES);
        let Some(read) = part.get_mut(..readable) else { return Ok(false) };
        flash.read(at, read)?;
        if !take(read.get(..bytes).unwrap_or_default()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether every bit of the range is 1.
///
/// # Errors
/// The flash's.
pub fn is_blank<F: NorFlash>(flash: &mut F, range: Range<u32>) -> Result<bool, F::Error> {
    scan(flash, range, |part| part.iter().all(|&byte| byte == 0xff))
}
