//! Sets vectors to zero.

use core::arch::naked_asm;

use crate::kernels::helium::Vector;

// The loop advances by the size of a store.
const _: () = assert!(size_of::<Vector>() == 16);

/// `ops::clear`.
///
/// # Safety
/// There must be `count` vectors, at least one.
#[unsafe(naked)]
pub unsafe extern "C" fn clear(vectors: *mut Vector, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        // The loop counts in lr. There is no tail, because vectors are whole.
        "dls lr, r1",
        "vmov.i32 q0, #0",
        "2:",
        "vstrb.8 q0, [r0], #16",
        "le lr, 2b",
        "pop {{r7, pc}}",
    )
}
