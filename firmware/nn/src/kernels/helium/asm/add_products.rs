//! Adds products of bytes to sums.

use core::arch::naked_asm;

/// `ops::add_products`.
///
/// # Safety
/// All slices must have `count` elements.
#[unsafe(naked)]
pub unsafe extern "C" fn add_products(sums: *mut i32, values: *const i8, weights: *const i8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        // Four channels in each turn; in the last turn only the remaining lanes load and store.
        "dlstp.32 lr, r3",
        "2:",
        "vldrb.s32 q0, [r1], #4",
        "vldrb.s32 q1, [r2], #4",
        "vldrw.u32 q2, [r0]",
        "vmul.i32 q0, q0, q1",
        "vadd.i32 q2, q2, q0",
        "vstrw.32 q2, [r0], #16",
        "letp lr, 2b",
        "pop {{r7, pc}}",
    )
}
