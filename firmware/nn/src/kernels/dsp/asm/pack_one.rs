//! Packs columns of one row.

use core::arch::naked_asm;

use crate::kernels::dsp::Quad;

// A quad is two pairs of registers.
const _: () = assert!(size_of::<Quad>() == 16);

/// `ops::pack_one`. r0, r1: row and its stride; r2, r3: quads and their distance; lr: remaining pixels.
///
/// # Safety
/// The conditions that `ops::pack_one` checks.
#[unsafe(naked)]
pub unsafe extern "C" fn pack_one(
    row: *const u8,
    stride: usize,
    quads: *mut Quad,
    step_bytes: usize,
    pixels: usize,
) {
    naked_asm!(
        ".arch armv7e-m",
        "push {{r4, r5, lr}}",
        // The fifth argument lies above the three saved registers.
        "ldr lr, [sp, #12]",
        // A pixel: its pairs unchanged, twice. The weights select the channel, because one half of each is zero.
        "2:",
        "ldr r5, [r0]",
        "add r0, r1",
        "sxtb16 r4, r5",
        "sxtb16 r5, r5, ror #8",
        "strd r4, r5, [r2]",
        "strd r4, r5, [r2, #8]",
        "add r2, r3",
        "subs lr, #1",
        "bne 2b",
        "pop {{r4, r5, pc}}",
    )
}
