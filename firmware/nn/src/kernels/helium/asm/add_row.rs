//! The weighted sum of two rows of bytes, by a stage with one multiplier a channel.

use core::arch::naked_asm;

use crate::quant::Stage;

/// What [`add_row`] works on besides elements. In the order in which it loads it.
#[repr(C)]
pub struct RowAddition {
    gains: [i32; 2],
    zero_point: i32,
    bias: *const i32,
    pixels: usize,
    /// Eight channels each.
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
    /// Of `count` elements by this stage.
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

/// `ops::add_row`. r0–r2: addends, output; r3, r10: bias and multipliers of a channel; r4, r5: gains; r6: zero
/// point; r7, r12: bias and multipliers of the first; r8: pixels left; r9: groups of a pixel; q4, q5: smallest and largest
/// result.
///
/// # Safety
/// `a`, `b` and `output`, which may be `a`, have the elements that the job counts.
#[unsafe(naked)]
pub unsafe extern "C" fn add_row(a: *const i8, b: *const i8, output: *mut i8, job: &RowAddition) {
    naked_asm!(
        ".cpu cortex-m55",
        "push {{r4-r11, lr}}",
        "ldm r3, {{r4-r12}}",
        "vpush {{d8-d11}}",
        // r10 and r11 are smallest and largest until here; r10 then walks along multipliers.
        "vdup.16 q4, r10",
        "vdup.16 q5, r11",
        // A pixel: biases and multipliers from the first channel on.
        "2:",
        "mov r3, r7",
        "mov r10, r12",
        "dls lr, r9",
        // Eight channels. Loads stand between multiplications, which take as long.
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
        // The first four results in even halves, the others in odd ones. What saturates here lies outside bytes by more than
        // a zero point of a byte brings back.
        "vqmovnb.s32 q0, q0",
        "vqmovnt.s32 q0, q1",
        "vqadd.s16 q0, q0, r6",
        "vmax.s16 q0, q0, q4",
        "vmin.s16 q0, q0, q5",
        // A store of words' low bytes takes the even halves; the odd ones follow.
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
