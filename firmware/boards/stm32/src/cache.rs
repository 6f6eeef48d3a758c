//! What the core's cache holds of memory that others read and write.
#![allow(unsafe_code)]

use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;

/// Bytes of a line of the cache.
const LINE_BYTES: usize = 32;

/// Forgets what the cache holds of these addresses, also what was written to them.
///
/// # Safety
/// Whatever the program wrote to these addresses and to the rest of the lines at their ends may be lost.
pub unsafe fn forget(address: usize, bytes: usize) {
    if !SCB::dcache_enabled() || bytes == 0 {
        return;
    }
    let start = address / LINE_BYTES * LINE_BYTES;
    let bytes = (address + bytes - start).next_multiple_of(LINE_BYTES);
    // SAFETY: whole lines, which the caller gives up.
    unsafe { core().SCB.invalidate_dcache_by_address(start, bytes) };
}

/// Writes to memory what the cache holds of these addresses, and forgets it.
pub fn flush(address: usize, bytes: usize) {
    if SCB::dcache_enabled() {
        core().SCB.clean_invalidate_dcache_by_address(address, bytes);
    }
}

/// The core's parts.
pub(crate) fn core() -> Peripherals {
    // SAFETY: only this module and `core_memory` use MPU and caches, from the one loop; their registers keep no state in the program.
    unsafe { Peripherals::steal() }
}
