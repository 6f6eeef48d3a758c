//! Means of two by two bytes.

use core::arch::naked_asm;

/// `ops::halve`. r0, r1: the rows above and below; r2: output; r3: number of bytes of a row; q0, q1: bytes of the rows,
/// then those at even places; q2: bytes at odd places; q0: later the sums.
///
/// # Safety
/// The rows must have `count` bytes, an even number above zero, and `out` half of them.
#[unsafe(naked)]
pub unsafe extern "C" fn halve(above: *const u8, below: *const u8, out: *mut u8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r7, lr}}",
        // Sixteen bytes of each row in each turn; in the last turn only the remaining lanes load and store.
        "dlstp.8 lr, r3",
        "2:",
        "vldrb.u8 q0, [r0], #16",
        "vldrb.u8 q1, [r1], #16",
        // The row above: bytes at odd places in q2, at even places in q0, both widened to 16 bits. q0 becomes the
        // sums of neighbours.
        "vmovlt.u8 q2, q0",
        "vmovlb.u8 q0, q0",
        "vadd.i16 q0, q0, q2",
        // The row below: the same in q2 and q1. Both are added to q0, which then has the sums of four bytes.
        "vmovlt.u8 q2, q1",
        "vmovlb.u8 q1, q1",
        "vadd.i16 q0, q0, q2",
        "vadd.i16 q0, q0, q1",
        // A quarter of each sum: the shift adds 2 before it, and so rounds half up. The store keeps the low byte of
        // each lane.
        "vrshr.u16 q0, q0, #2",
        "vstrb.16 q0, [r2], #8",
        "letp lr, 2b",
        "pop {{r7, pc}}",
    )
}
