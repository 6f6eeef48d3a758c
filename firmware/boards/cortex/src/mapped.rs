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

/// Copies memory from an address on.
///
/// # Safety
/// There must be as many bytes of readable memory, none at address 0, and nothing may write to them meanwhile.
pub unsafe fn copy(address: usize, bytes: &mut [u8]) {
    // SAFETY: passed on to the caller; `bytes` is borrowed alone.
    unsafe {
        core::ptr::copy_nonoverlapping(
            core::ptr::with_exposed_provenance(address),
            bytes.as_mut_ptr(),
            bytes.len(),
        );
    }
}
