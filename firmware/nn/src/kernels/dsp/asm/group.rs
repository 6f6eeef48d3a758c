//! Sums of groups: the innermost loop of convolutions.

use core::arch::naked_asm;
use core::mem::offset_of;
use core::ops::Range;

use crate::kernels::dsp::Quad;
use crate::kernels::dsp::choose::Finish;
use crate::kernels::dsp::ops::Lanes;

/// Arguments of a loop, in the order in which it loads them.
#[repr(C)]
pub struct Job {
    weights: *const Quad,
    weights_end: *const Quad,
    finish: Finish,
    output: *mut u8,
    stride: usize,
    output_end: *mut u8,
    /// Bytes from the last of a group's elements to the first of the next group's.
    skip_bytes: isize,
    elements: *const Quad,
}

super::assert_layout!(
    Job, 32,
    weights: 0, weights_end: 4, finish: 8, output: 12, stride: 16, output_end: 20, skip_bytes: 24, elements: 28
);
super::assert_layout!(Lanes, 52, bias: 0, zero_point: 16, positive: 20, difference: 36);
// The number of quads is computed from the number of bytes by a shift.
const _: () = assert!(size_of::<Quad>() == 1 << 4);
// The table of finishing code has one entry for each variant, in this order.
const _: () = assert!(
    Finish::Sums as usize == 0 && Finish::LinearBytes as usize == 1 && Finish::SignedBytes as usize == 2
);

/// Binary logarithm of the unrolled turns of the loop over weights.
const TURNS_LOG: u32 = 4;

impl Job {
    /// A job from a group's weights, the elements of all groups (`step` quads apart), and outputs (`stride` bytes apart).
    pub fn new<T>(
        weights: &[Quad],
        elements: &[Quad],
        step: usize,
        finish: Finish,
        output: Range<*mut T>,
        stride: usize,
    ) -> Self {
        let skip = step as isize - weights.len() as isize;
        let weights = weights.as_ptr_range();
        Job {
            weights: weights.start,
            weights_end: weights.end,
            finish,
            output: output.start.cast(),
            stride,
            output_end: output.end.cast(),
            skip_bytes: skip * size_of::<Quad>() as isize,
            elements: elements.as_ptr(),
        }
    }
}

/// A loop over groups.
///
/// # Safety
/// The job's pointers must be valid for the loop's reads and writes, as `ops::sums` and `ops::bytes` check.
pub type Loop = unsafe extern "C" fn(&Job, &Lanes);

/// Multiplies words of two filters with words of two pixels.
macro_rules! tile {
    () => {
        "smlad r0, r4, r8, r0
        smlad r1, r4, r10, r1
        smlad r2, r6, r8, r2
        smlad r3, r6, r10, r3
        smlad r0, r5, r9, r0
        smlad r1, r5, r11, r1
        smlad r2, r7, r9, r2
        smlad r3, r7, r11, r3"
    };
}

/// Multiplies words of four channels.
macro_rules! slide {
    () => {
        "smlad r0, r4, r8, r0
        smlad r1, r5, r9, r1
        smlad r2, r6, r10, r2
        smlad r3, r7, r11, r3"
    };
}

/// Turns sums into bytes. r4: zero point; r5–r8: multipliers.
macro_rules! requantise {
    () => {
        "smmlar r0, r0, r5, r4
        smmlar r1, r1, r6, r4
        smmlar r2, r2, r7, r4
        smmlar r3, r3, r8, r4
        ssat r0, #8, r0
        ssat r1, #8, r1
        ssat r2, #8, r2
        ssat r3, #8, r3"
    };
}

/// Stores the bytes of two pixels, or of one if it is the last.
macro_rules! store_tile {
    () => {
        "ldrd r4, r5, [sp, #32]
        ldr r6, [sp, #40]
        bfi r0, r1, #8, #8
        bfi r2, r3, #8, #8
        strh r0, [r4]
        add r4, r5
        cmp r4, r6
        beq 9f
        strh r2, [r4]
        add r4, r5"
    };
}

/// Stores the bytes of a pixel.
macro_rules! store_slide {
    () => {
        "ldrd r4, r5, [sp, #32]
        bfi r0, r1, #8, #8
        bfi r2, r3, #8, #8
        pkhbt r0, r0, r2, lsl #16
        ldr r6, [sp, #40]
        str r0, [r4]
        add r4, r5"
    };
}

/// Tiles are adjacent.
macro_rules! next_tile {
    () => {
        ""
    };
}

/// Moves on to the next group's elements.
macro_rules! next_slide {
    () => {
        "ldr r5, [sp, #44]
        add r12, r5"
    };
}

/// Moves on to the next group, if there is one. r4: its output; r6: the end.
macro_rules! next {
    ($next:ident) => {
        concat!($next!(), "\ncmp r4, r6\nstr r4, [sp, #32]\nbne 2b")
    };
}

/// The loop. r0–r3: sums; r4–r7: elements; r8–r11: weights; r12, lr: the addresses of both. The loop over weights is
/// unrolled with `$turn_bytes` bytes for each turn. The first pass enters it so that only the turns that it needs
/// remain before the end.
///
/// 2: a group; 3: the loop over weights; 4: the finishing code; 6, 7, 8: its variants; 9: the end.
///
/// On the stack: biases; at 16 the entry of the loop over weights, then the job up to its elements with the address
/// of the finishing code; at 48 the rest of the lanes.
macro_rules! group_loop {
    ($name:ident, $multiply:ident, $turn_bytes:literal, $store:ident, $next:ident) => {
        /// # Safety
        /// See [`Loop`].
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(job: &Job, lanes: &Lanes) {
            naked_asm!(
                ".arch armv7e-m",
                "push {{r4-r11, lr}}",
                // The lanes without the biases go onto the stack. The job goes below them, and the biases below the
                // job.
                "add r2, r1, #{zero_point}",
                "ldm r2, {{r4-r12}}",
                "push {{r4-r12}}",
                "ldm r0, {{r5-r12}}",
                // Entry of the loop over weights: the start minus the number of quads, modulo the number of turns,
                // times the bytes of a turn. The odd address selects Thumb.
                "sub r4, r5, r6",
                "ubfx r4, r4, #4, #{turns_log}",
                "movs r2, #{turn_bytes}",
                "mul r4, r4, r2",
                "adr.w r2, 3f",
                "add r4, r2",
                "orr r4, #1",
                // The job's number of the finishing code is replaced by its address, looked up once.
                "adr.w r2, 4f",
                "ldr r7, [r2, r7, lsl #2]",
                "add r7, r2",
                "push {{r4-r11}}",
                "ldm r1, {{r0-r3}}",
                "push {{r0-r3}}",
                // A group: one load gives its initial sums and jumps into the loop.
                "2:",
                "ldr lr, [sp, #20]",
                "ldm sp, {{r0-r3, pc}}",
                "3:",
                ".rept {turns}",
                "ldm r12!, {{r4-r7}}",
                "ldm lr!, {{r8-r11}}",
                $multiply!(),
                ".endr",
                "5:",
                "ldr r4, [sp, #24]",
                "cmp lr, r4",
                "bne 3b",
                "ldr pc, [sp, #28]",
                // Distances of the finishing code, in the order of `Finish`.
                ".p2align 2",
                "4:",
                ".word 6f - 4b + 1",
                ".word 7f - 4b + 1",
                ".word 8f - 4b + 1",
                // `Finish::Sums`: unchanged.
                "6:",
                "ldr r4, [sp, #32]",
                "ldr r6, [sp, #40]",
                "stm r4!, {{r0-r3}}",
                next!($next),
                "b 9f",
                // `Finish::LinearBytes`.
                "7:",
                "add lr, sp, #48",
                "ldm lr, {{r4-r8}}",
                requantise!(),
                $store!(),
                next!($next),
                "b 9f",
                // `Finish::SignedBytes`: the differences of the multipliers, r9–r11 and lr, are added where a sum is
                // negative.
                "8:",
                "add lr, sp, #48",
                "ldm lr, {{r4-r11, lr}}",
                "and r9, r9, r0, asr #31",
                "and r10, r10, r1, asr #31",
                "and r11, r11, r2, asr #31",
                "and lr, lr, r3, asr #31",
                "add r5, r9",
                "add r6, r10",
                "add r7, r11",
                "add r8, lr",
                requantise!(),
                $store!(),
                next!($next),
                "9:",
                "add sp, #84",
                "pop {{r4-r11, pc}}",
                // The entry relies on the loop's length: for any other length the number of bytes here is negative,
                // which does not assemble.
                ".space (5b - 3b) - {turns} * {turn_bytes}",
                ".space {turns} * {turn_bytes} - (5b - 3b)",
                zero_point = const offset_of!(Lanes, zero_point),
                turns = const 1 << TURNS_LOG,
                turns_log = const TURNS_LOG,
                turn_bytes = const $turn_bytes,
            )
        }
    };
}

group_loop!(tile, tile, 40, store_tile, next_tile);
group_loop!(slide, slide, 24, store_slide, next_slide);
