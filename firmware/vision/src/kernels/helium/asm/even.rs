//! Copies every second byte.

use core::arch::naked_asm;

/// `ops::even`. r0: bytes; r1: output; r2: number of bytes; q0: sixteen bytes.
///
/// # Safety
/// `bytes` must have `count` bytes, an even number above zero, and `out` half of them.
#[unsafe(naked)]
pub unsafe extern "C" fn even(bytes: *const u8, out: *mut u8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        // Sixteen bytes in each turn; in the last turn only the remaining lanes load and store.
        "dlstp.8 lr, r2",
        "2:",
        "vldrb.u8 q0, [r0], #16",
        // The store takes q0 as eight lanes of 16 bits and keeps the low byte of each: the bytes at even places.
        "vstrb.16 q0, [r1], #8",
        "letp lr, 2b",
        "pop {{r7, pc}}",
    )
}
