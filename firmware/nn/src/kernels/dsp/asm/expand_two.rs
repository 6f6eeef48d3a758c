//! Words of bytes, expanded to pairs.

use core::arch::naked_asm;

use crate::kernels::dsp::Quad;

// The number of quads is computed from the number of bytes by a shift.
const _: () = assert!(size_of::<Quad>() == 1 << 4);

/// Binary logarithm of the number of unrolled turns.
const TURNS_LOG: u32 = 3;

/// `ops::expand_two`. r0, r1: words; r2, r3: quads and their end; r4–r7: a quad; r12: entry of the loop.
///
/// # Safety
/// The conditions that `ops::expand_two` checks, and at least one quad.
#[unsafe(naked)]
pub unsafe extern "C" fn expand_two(
    a: *const [u8; 4],
    b: *const [u8; 4],
    quads: *mut Quad,
    quads_end: *mut Quad,
) {
    naked_asm!(
        ".arch armv7e-m",
        "push {{r4-r7, lr}}",
        // Eight turns are unrolled. The loop is entered so that as many turns remain as the number of quads modulo
        // eight: at the start minus that number times the bytes of a turn. The odd address selects Thumb.
        "sub r12, r2, r3",
        "ubfx r12, r12, #4, #{turns_log}",
        "movs r4, #{turn_bytes}",
        "mul r12, r12, r4",
        "adr.w r4, 3f",
        "add r12, r4",
        "orr r12, #1",
        "bx r12",
        // A turn: the pairs of a word of each input, stored at once.
        "3:",
        ".rept {turns}",
        "ldr r5, [r0], #4",
        "ldr r7, [r1], #4",
        "sxtb16 r4, r5",
        "sxtb16 r5, r5, ror #8",
        "sxtb16 r6, r7",
        "sxtb16 r7, r7, ror #8",
        "stm.w r2!, {{r4-r7}}",
        ".endr",
        "4:",
        "cmp r2, r3",
        "bne 3b",
        "pop {{r4-r7, pc}}",
        // The entry relies on the loop's length: for any other length the number of bytes here is negative, which
        // does not assemble.
        ".space (4b - 3b) - {turns} * {turn_bytes}",
        ".space {turns} * {turn_bytes} - (4b - 3b)",
        turns = const 1 << TURNS_LOG,
        turns_log = const TURNS_LOG,
        turn_bytes = const 28,
    )
}
