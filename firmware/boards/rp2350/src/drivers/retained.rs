//! RAM that no restart clears: a page of the main RAM which neither the run-time nor the boot ROM's start from flash touches. It is
//! lost with the supply.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};
use core::{ptr, slice};

use crate::facts;

/// The memory; whoever comes second has none.
pub fn take() -> &'static mut [u8] {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return &mut [];
    }
    let (address, bytes) = facts::RETAINED;
    // SAFETY: RAM that no other fact names, and that is taken once. Any content is a slice of bytes.
    unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), bytes) }
}
