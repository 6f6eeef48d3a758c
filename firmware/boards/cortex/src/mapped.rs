//! Memory that is read in place: flash, or RAM that stands for it.
#![allow(unsafe_code)]

/// All bytes of a memory, from its address and its length.
///
/// # Safety
/// There is memory at these addresses, not address 0 among them, and nothing writes to it while the program runs.
pub const unsafe fn bytes((address, bytes): (usize, usize)) -> &'static [u8] {
    // SAFETY: passed on to the caller.
    unsafe { core::slice::from_raw_parts(address as *const u8, bytes) }
}
