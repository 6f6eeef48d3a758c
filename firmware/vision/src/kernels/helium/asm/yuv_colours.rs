//! Red, green and blue of YUV422.

use core::arch::naked_asm;

use super::places;
use crate::kernels::helium::ops::{FACTORS, HALVES};

/// From products in q3, one for each pair, to bytes of eight pixels. q0: their Y.
macro_rules! bytes {
    () => {
        "vshr.s32 q3, q3, #16
        vsli.32 q3, q3, #16
        vadd.i16 q3, q3, q0
        vqmovunb.s16 q3, q3
        vstrb.16 q3, [r1, q4]"
    };
}

/// `ops::yuv_colours`. r0: pairs; r1: bytes; r3–r6: factors; r7–r9: halves; q0: Y of eight pixels; q1, q2: V and U of
/// four pairs; q4: places of eight pixels' bytes.
///
/// # Safety
/// `pairs` must have `count` bytes, a multiple of four above zero, and `out` half as many again.
#[unsafe(naked)]
pub unsafe extern "C" fn yuv_colours(pairs: *const u8, out: *mut u8, count: usize) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r9, r10, lr}}",
        "vpush {{d8-d9}}",
        "adr r12, 3f",
        "ldm r12, {{r3-r9}}",
        places!(),
        // Sixteen bytes in each turn; in the last turn only the remaining lanes load and store.
        "dlstp.8 lr, r2",
        "2:",
        "vldrb.u8 q0, [r0], #16",
        "vshr.u32 q1, q0, #24",
        "vshl.i32 q2, q0, #16",
        "vshr.u32 q2, q2, #24",
        "vmovlb.u8 q0, q0",
        "vdup.32 q3, r7",
        "vmla.s32 q3, q1, r3",
        bytes!(),
        "adds r1, #1",
        "vdup.32 q3, r8",
        "vmla.s32 q3, q2, r4",
        "vmla.s32 q3, q1, r5",
        bytes!(),
        "adds r1, #1",
        "vdup.32 q3, r9",
        "vmla.s32 q3, q2, r6",
        bytes!(),
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
