//! Red, green and blue of YUV422.

use core::arch::naked_asm;

use super::places;
use crate::kernels::helium::ops::{FACTORS, HALVES};

/// From sums of products in q3, one for each pair, to one channel of eight pixels in bytes. r1: first byte of this channel;
/// q0: Y of the pixels; q4: places.
///
/// `vshr.s32` leaves the difference from Y in the low half of each word. Both pixels of a pair have the same U and V, so
/// `vsli.32` copies the low half to the high half: a lane of 16 bits for each pixel, as in q0. Y is added, the result is
/// limited to 0 to 255, and the low byte of each lane is stored.
macro_rules! bytes {
    () => {
        "vshr.s32 q3, q3, #16
        vsli.32 q3, q3, #16
        vadd.i16 q3, q3, q0
        vqmovunb.s16 q3, q3
        vstrb.16 q3, [r1, q4]"
    };
}

/// `ops::yuv_colours`. r0: pairs; r1: bytes of colours; r2: number of the pairs' bytes; r3–r6: factors; r7–r9: halves;
/// q0: Y of eight pixels; q1, q2: V and U of four pairs; q3: sums of one channel; q4: places of eight pixels' bytes.
///
/// # Safety
/// `pairs` must have `count` bytes, a multiple of four above zero, and `out` half as many again.
#[unsafe(naked)]
pub unsafe extern "C" fn yuv_colours(pairs: *const u8, out: *mut u8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r9, r10, lr}}",
        "vpush {{d8-d9}}",
        // The words at 3, in their order: factors of V in red (r3), of U in green (r4), of V in green (r5), of U in
        // blue (r6), then the halves of red, green and blue (r7, r8, r9).
        "adr r12, 3f",
        "ldm r12, {{r3-r9}}",
        places!(),
        // Sixteen bytes in each turn; in the last turn only the remaining lanes load and store.
        "dlstp.8 lr, r2",
        "2:",
        "vldrb.u8 q0, [r0], #16",
        // A pair is a word of Y, U, Y and V, the first in the low byte. V is the high byte: it goes to q1. U is the
        // second byte: it goes to q2, and a shift to the left removes the bytes above it. The two Y are the bytes at
        // even places: q0 becomes Y of eight pixels, in lanes of 16 bits.
        "vshr.u32 q1, q0, #24",
        "vshl.i32 q2, q0, #16",
        "vshr.u32 q2, q2, #24",
        "vmovlb.u8 q0, q0",
        // Red: its half, and V times its factor. Most factors exceed 16 bits, so sums have 32 bits, one for each pair.
        "vdup.32 q3, r7",
        "vmla.s32 q3, q1, r3",
        bytes!(),
        "adds r1, #1",
        // Green, one byte later: its half, and U and V times their factors.
        "vdup.32 q3, r8",
        "vmla.s32 q3, q2, r4",
        "vmla.s32 q3, q1, r5",
        bytes!(),
        "adds r1, #1",
        // Blue, one byte later: its half, and U times its factor.
        "vdup.32 q3, r9",
        "vmla.s32 q3, q2, r6",
        bytes!(),
        // With the two bytes before, 24: eight pixels of three bytes.
        "adds r1, #22",
        "letp lr, 2b",
        "vpop {{d8-d9}}",
        "pop {{r4-r9, r10, pc}}",
        ".p2align 2",
        "3:",
        ".word {of_v_in_red}, {of_u_in_green}, {of_v_in_green}, {of_u_in_blue}, {red}, {green}, {blue}",
        of_v_in_red = const FACTORS[0],
        of_u_in_green = const FACTORS[1],
        of_v_in_green = const FACTORS[2],
        of_u_in_blue = const FACTORS[3],
        red = const HALVES[0],
        green = const HALVES[1],
        blue = const HALVES[2],
    )
}
