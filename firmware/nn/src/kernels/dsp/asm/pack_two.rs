//! Packs columns of two rows.

use core::arch::naked_asm;

use crate::kernels::dsp::Quad;

// Four registers store a quad.
const _: () = assert!(size_of::<Quad>() == 16);

/// `ops::pack_two`. r0–r3: rows and their strides; r10, r12: quads and their distance; lr: remaining pixels.
///
/// # Safety
/// The conditions that `ops::pack_two` checks.
#[unsafe(naked)]
pub unsafe extern "C" fn pack_two(
    upper: *const u8,
    lower: *const u8,
    upper_stride: usize,
    lower_stride: usize,
    quads: *mut Quad,
    step_bytes: usize,
    pixels: usize,
) {
    naked_asm!(
        ".arch armv7e-m",
        "push {{r4-r10, lr}}",
        // The fifth argument and those after it lie above the eight saved registers.
        "ldrd r10, r12, [sp, #32]",
        "ldr lr, [sp, #40]",
        // A pixel: a word of each row, at any address.
        "2:",
        "ldr r5, [r0]",
        "ldr r7, [r1]",
        "add r0, r2",
        "add r1, r3",
        // Bytes become pairs of one row (channels 0 and 2, 1 and 3); then halves are exchanged to make pairs of one
        // channel.
        "sxtb16 r8, r5",
        "sxtb16 r9, r5, ror #8",
        "sxtb16 r6, r7",
        "sxtb16 r7, r7, ror #8",
        "pkhbt r4, r8, r6, lsl #16",
        "pkhbt r5, r9, r7, lsl #16",
        "pkhtb r6, r6, r8, asr #16",
        "pkhtb r7, r7, r9, asr #16",
        "stm r10, {{r4-r7}}",
        "add r10, r12",
        "subs lr, #1",
        "bne 2b",
        "pop {{r4-r10, pc}}",
    )
}
