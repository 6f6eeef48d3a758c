//! Vectors made zero.

use core::arch::naked_asm;

use crate::kernels::helium::Vector;

// The loop steps by what a store writes.
const _: () = assert!(size_of::<Vector>() == 16);

/// `ops::clear`.
///
/// # Safety
/// There are `count` vectors, and one at least.
#[unsafe(naked)]
pub unsafe extern "C" fn clear(vectors: *mut Vector, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        // The loop counts in lr. No tail: vectors are whole.
        "dls lr, r1",
        "vmov.i32 q0, #0",
        "2:",
        "vstrb.8 q0, [r0], #16",
        "le lr, 2b",
        "pop {{r7, pc}}",
    )
}
