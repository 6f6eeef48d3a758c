//! The weighted sum of two rows of bytes, by a stage with one multiplier for each channel.

use core::arch::naked_asm;

use crate::quant::Stage;

/// Arguments of [`add_row`] except the elements, in the order in which it loads them.
#[repr(C)]
pub struct RowAddition {
    gains: [i32; 2],
    zero_point: i32,
    bias: *const i32,
    pixels: usize,
    /// Number of groups of eight channels.
    groups: usize,
    low: i32,
    high: i32,
    multipliers: *const i32,
}

super::assert_layout!(
    RowAddition, 36,
    gains: 0, zero_point: 8, bias: 12, pixels: 16, groups: 20, low: 24, high: 28, multipliers: 32
);

impl RowAddition {
    /// For `count` elements with this stage.
    pub fn new(gains: [i16; 2], stage: &Stage<'_>, count: usize) -> Self {
        RowAddition {
            gains: gains.map(i32::from),
            zero_point: stage.zero_point,
            bias: stage.bias.as_ptr(),
            pixels: count / stage.bias.len(),
            groups: stage.bias.len() / 8,
            low: stage.low,
            high: stage.high,
            multipliers: stage.positive.as_ptr(),
        }
    }
}

/// `ops::add_row`. r0–r2: addends, output; r3, r10: bias and multipliers of a channel; r4, r5: gains; r6: zero point;
/// r7, r12: bias and multipliers of the first channel; r8: remaining pixels; r9: groups of a pixel; q4, q5: smallest
/// and largest result.
///
/// # Safety
/// `a`, `b` and `output` must have the number of elements in the job. `output` may be `a`.
#[unsafe(naked)]
pub unsafe extern "C" fn add_row(a: *const i8, b: *const i8, output: *mut i8, job: &RowAddition) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "ldm r3, {{r4-r12}}",
        "vpush {{d8-d11}}",
        // Up to here r10 and r11 are the smallest and largest result; then r10 walks along the multipliers.
        "vdup.16 q4, r10",
        "vdup.16 q5, r11",
        // A pixel: biases and multipliers start at the first channel.
        "2:",
        "mov r3, r7",
        "mov r10, r12",
        "dls lr, r9",
        // Eight channels. Loads are placed between multiplications to run in parallel with them.
        "3:",
        "vldrw.u32 q0, [r3], #16",
        "vldrb.s32 q2, [r0], #4",
        "vldrw.u32 q1, [r3], #16",
        "vmla.s32 q0, q2, r4",
        "vldrb.s32 q3, [r0], #4",
        "vldrb.s32 q2, [r1], #4",
        "vmla.s32 q1, q3, r4",
        "vldrb.s32 q3, [r1], #4",
        "vmla.s32 q0, q2, r5",
        "vldrw.u32 q2, [r10], #16",
        "vmla.s32 q1, q3, r5",
        "vldrw.u32 q3, [r10], #16",
        "vrmulh.s32 q0, q0, q2",
        "vrmulh.s32 q1, q1, q3",
        // The first four results go to the even halves, the others to the odd halves. A value that saturates here is
        // so far outside the bytes that adding a zero point of a byte does not bring it back.
        "vqmovnb.s32 q0, q0",
        "vqmovnt.s32 q0, q1",
        "vqadd.s16 q0, q0, r6",
        "vmax.s16 q0, q0, q4",
        "vmin.s16 q0, q0, q5",
        // Storing the low bytes of words takes the even halves; the odd halves follow.
        "vstrb.32 q0, [r2], #4",
        "vshr.u32 q0, q0, #16",
        "vstrb.32 q0, [r2], #4",
        "le lr, 3b",
        "subs.w r8, r8, #1",
        "bne 2b",
        "vpop {{d8-d11}}",
        "pop {{r4-r11, pc}}",
    )
}
