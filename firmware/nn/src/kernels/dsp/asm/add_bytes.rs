//! The weighted sum of bytes, a word at a time.

use core::arch::naked_asm;

use crate::kernels::dsp::Quad;

/// Arguments of [`add_bytes`] except the output, in the order in which it loads them.
#[repr(C)]
pub struct Addition {
    /// The addend that is not overwritten.
    pub b: *const [i8; 4],
    /// Four words for each word of bytes.
    pub bias: *const Quad,
    /// Four words for each word of bytes.
    pub multipliers: *const Quad,
    /// Gains of `a` and `b`.
    pub gains: [i16; 2],
    /// Added after multiplying.
    pub zero_point: i32,
    /// End of the words.
    pub output_end: *const [i8; 4],
}

super::assert_layout!(Addition, 24, b: 0, bias: 4, multipliers: 8, gains: 12, zero_point: 16, output_end: 20);
// Both gains in one word; the low half is for `a`.
const _: () = assert!(size_of::<[i16; 2]>() == 4 && cfg!(target_endian = "little"));

/// `ops::add_bytes`. r0–r3, r12: addends, biases, multipliers, output; r4–r7: elements, then sums; lr: gains, then
/// the zero point.
///
/// The conditions that `ops::add_bytes` checks, and at least one word; `output` may be `a`.
#[unsafe(naked)]
pub unsafe extern "C" fn add_bytes(job: &Addition, a: *const [i8; 4], output: *mut [i8; 4]) {
    naked_asm!(
        ".arch armv7e-m",
        "push {{r4-r11, lr}}",
        "mov r12, r2",
        "mov r4, r0",
        "mov r0, r1",
        "ldm r4, {{r1, r2, r3, r5, r6, r7}}",
        // There are too few registers: gains, zero point and end lie on the stack.
        "push {{r5, r6, r7}}",
        // A word of each addend, then pairs of both, one for each channel.
        "2:",
        "ldr r4, [r0], #4",
        "ldr r6, [r1], #4",
        "ldr lr, [sp]",
        "sxtb16 r8, r4",
        "sxtb16 r9, r4, ror #8",
        "sxtb16 r10, r6",
        "sxtb16 r11, r6, ror #8",
        "pkhbt r4, r8, r10, lsl #16",
        "pkhbt r5, r9, r11, lsl #16",
        "pkhtb r6, r10, r8, asr #16",
        "pkhtb r7, r11, r9, asr #16",
        // Four sums. Gains and zero point share one register.
        "ldm r2!, {{r8-r11}}",
        "smlad r4, r4, lr, r8",
        "smlad r5, r5, lr, r9",
        "smlad r6, r6, lr, r10",
        "smlad r7, r7, lr, r11",
        "ldm r3!, {{r8-r11}}",
        "ldr lr, [sp, #4]",
        "smmlar r4, r4, r8, lr",
        "smmlar r5, r5, r9, lr",
        "smmlar r6, r6, r10, lr",
        "smmlar r7, r7, r11, lr",
        "ssat r4, #8, r4",
        "ssat r5, #8, r5",
        "ssat r6, #8, r6",
        "ssat r7, #8, r7",
        // Four bytes become a word. The output may be `a`: each word is read before it is written.
        "bfi r4, r5, #8, #8",
        "bfi r6, r7, #8, #8",
        "pkhbt r4, r4, r6, lsl #16",
        "str r4, [r12], #4",
        "ldr r5, [sp, #8]",
        "cmp r12, r5",
        "bne 2b",
        "add sp, #12",
        "pop {{r4-r11, pc}}",
    )
}
