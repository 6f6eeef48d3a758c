//! Memory that is read in place: flash, or RAM in the place of flash.
#![allow(unsafe_code)]

/// All bytes of a memory, from its address and its length.
///
/// # Safety
/// These addresses must be readable memory that does not include address 0, and nothing may write to it while the
/// program runs.
pub const unsafe fn bytes((address, bytes): (usize, usize)) -> &'static [u8] {
    // SAFETY: passed on to the caller.
    unsafe { core::slice::from_raw_parts(address as *const u8, bytes) }
}
