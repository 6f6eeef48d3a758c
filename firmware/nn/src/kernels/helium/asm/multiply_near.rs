//! Products of tiles, for the common filter lengths. One or two pointers that do not move reach all four filters.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::products::*;

/// The next vector, for filters that pointers reach without moving.
macro_rules! near_products {
    ($load:literal, $first:literal, $second:literal, $third:literal, $fourth:literal) => {
        concat!(
            "vldrb.u8 q0, [r1], #16\n",
            $load,
            " q2, [",
            $first,
            " + \\step]
            vmladava.s8 r0, q0, q2
            vldrb.u8 q1, [r3], #16
            vmladava.s8 r8, q1, q2\n",
            $load,
            " q2, [",
            $second,
            " + \\step]
            vmladava.s8 r2, q0, q2
            vmladava.s8 r10, q1, q2\n",
            $load,
            " q2, [",
            $third,
            " + \\step]
            vmladava.s8 r4, q0, q2
            vmladava.s8 r12, q1, q2\n",
            $load,
            " q2, [",
            $fourth,
            " + \\step]
            vmladava.s8 r6, q0, q2
            vmladava.s8 lr, q1, q2"
        )
    };
}

/// The loop. Tiles and registers are as in [`super::multiply`], except r5: filters; r7, r9: output, remaining pairs
/// of tiles with the zero point; r11: twice the output stride, or the third filter. The text contains two tiles, with
/// one counter for both and separate places.
///
/// 5: four channels; 2: two tiles; 6: the second tile.
///
/// On the stack: at 0 the initial sums of a tile; 32 bias, 36 multipliers, 40 negative multipliers, 44 pairs of tiles
/// with the zero point, 48 pixels, 56 remaining groups, 60 distance from the output's end to the next channels, 64
/// the output stride if the number of tiles is odd, 68 twice the output stride, 80 and from 96 on as in
/// [`super::multiply`], 160 places of the second tile.
macro_rules! multiply_near {
    (
        $name:ident, $multiply:ident, $finish:ident, $load:literal, $steps:literal,
        ($first:literal, $second:literal, $third:literal, $fourth:literal, $group:literal),
        $enter:literal, $advance:literal
    ) => {
        /// `ops::multiply`.
        ///
        /// # Safety
        /// The conditions that `ops::multiply` checks. Filters must have the length in the function's name, and be
        /// whole words unless they have 27 taps.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(job: &mut Products) {
            naked_asm!(
                ".cpu cortex-m55",
                enter_multiply!("16"),
                "ldm.w r12, {{r0, r3, r4, r5, r7}}",
                "strd r0, r3, [sp, #32]",
                // Pairs of tiles minus one. If the number of tiles is odd, each four channels begin at the second
                // tile.
                "ldr.w r0, [r12, #{pairs}]",
                "lsls r3, r0, #15",
                "lsr.w r3, r0, #17",
                "pkhbt r3, r0, r3, lsl #16",
                "strd r4, r3, [sp, #40]",
                "lsl.w r11, r2, #1",
                "it mi",
                "movmi r2, #0",
                "str r2, [sp, #64]",
                "str.w r11, [sp, #68]",
                "ldrd r0, r2, [r12, #{pixels}]",
                "strd r0, r2, [sp, #48]",
                "ldr.w r0, [r12, #{next_bytes}]",
                "strd r1, r0, [sp, #56]",
                // Four channels: load their multipliers, and their biases as the initial sums of both pixels.
                "5:",
                "ldrd r1, r3, [sp, #32]",
                "ldr.w r8, [sp, #40]",
                "ldm r1!, {{r0, r2, r4, r6}}",
                "vldrw.u32 q3, [r3], #16",
                "vldrw.u32 q0, [r8], #16",
                "strd r1, r3, [sp, #32]",
                "vstrw.32 q0, [sp, #96]",
                "str.w r8, [sp, #40]",
                "strd r0, r2, [sp]",
                "strd r4, r6, [sp, #8]",
                "strd r0, r2, [sp, #16]",
                "strd r4, r6, [sp, #24]",
                // The first vector of each filter stays in a register for all tiles.
                $enter,
                concat!($load, " q4, [", $first, "]"),
                concat!($load, " q5, [", $second, "]"),
                concat!($load, " q6, [", $third, "]"),
                concat!($load, " q7, [", $fourth, "]"),
                "ldrd r1, r3, [sp, #48]",
                "ldr r0, [sp, #64]",
                "ldr.w r9, [sp, #44]",
                // An entry at the second tile adds this tile's stride, although the first tile did not run: correct
                // for that.
                "cbz r0, 2f",
                "subs r7, r7, r0",
                "b.w 6f",
                // Two tiles. The other vectors of the filters are loaded in place: only the pixels' pointers move.
                "2:",
                "ldm.w sp, {{r0, r2, r4, r6, r8, r10, r12, lr}}",
                first_products!(),
                concat!(".irp step, ", $steps),
                near_products!($load, $first, $second, $third, $fourth),
                ".endr",
                place_products!(),
                $multiply!(),
                $finish!("[sp, #112]"),
                "6:",
                "ldm.w sp, {{r0, r2, r4, r6, r8, r10, r12, lr}}",
                first_products!(),
                concat!(".irp step, ", $steps),
                near_products!($load, $first, $second, $third, $fourth),
                ".endr",
                place_products!(),
                $multiply!(),
                $finish!("[sp, #160]"),
                // Advance by both tiles' strides, and count one pair of tiles less, above the zero point: a borrow
                // ends the row.
                $advance,
                "subs.w r9, r9, #65536",
                "bcs.w 2b",
                // Move on to the next four channels and back to the start of the row.
                "ldrd r0, r2, [sp, #56]",
                concat!("add.w r5, r5, #", $group),
                "add r7, r2",
                "subs r0, #1",
                "str r0, [sp, #56]",
                "bne.w 5b",
                leave_multiply!(),
                places = const offset_of!(Products, places),
                pairs = const offset_of!(Products, pairs),
                pixels = const offset_of!(Products, pixels),
                next_bytes = const offset_of!(Products, next_bytes),
            )
        }
    };
}

/// Filters of 27 taps may start at any address: they are loaded in bytes, up to 127 bytes from the pointer.
macro_rules! multiply_27 {
    ($name:ident, $multiply:ident, $finish:ident) => {
        multiply_near!(
            $name,
            $multiply,
            $finish,
            "vldrb.u8",
            "16",
            ("r5, #0", "r5, #27", "r5, #54", "r5, #81", "108"),
            "",
            "add r7, r11"
        );
    };
}

/// Longer filters are loaded in words, up to 508 bytes from the pointer.
macro_rules! multiply_64 {
    ($name:ident, $multiply:ident, $finish:ident) => {
        multiply_near!(
            $name,
            $multiply,
            $finish,
            "vldrw.u32",
            "16, 32, 48",
            ("r5, #0", "r5, #64", "r5, #128", "r5, #192", "256"),
            "",
            "add r7, r11"
        );
    };
}

/// The last vector lies 496 bytes from the pointer.
macro_rules! multiply_128 {
    ($name:ident, $multiply:ident, $finish:ident) => {
        multiply_near!(
            $name,
            $multiply,
            $finish,
            "vldrw.u32",
            "16, 32, 48, 64, 80, 96, 112",
            ("r5, #0", "r5, #128", "r5, #256", "r5, #384", "512"),
            "",
            "add r7, r11"
        );
    };
}

// Filters of 256 taps need a second pointer. It uses the register of the output's stride, so the stack holds the
// stride.
multiply_near!(
    multiply_256_linear_to_whole_bytes,
    linear,
    whole_bytes,
    "vldrw.u32",
    "16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240",
    ("r5, #0", "r5, #256", "r11, #0", "r11, #256", "1024"),
    "add.w r11, r5, #512",
    "ldr r0, [sp, #68]
    add r7, r0"
);
multiply_27!(multiply_27_linear_to_whole_bytes, linear, whole_bytes);
multiply_27!(multiply_27_signed_to_whole_bytes, signed, whole_bytes);
multiply_64!(multiply_64_linear_to_whole_bytes, linear, whole_bytes);
multiply_64!(multiply_64_signed_to_whole_bytes, signed, whole_bytes);
multiply_128!(multiply_128_linear_to_whole_bytes, linear, whole_bytes);
multiply_128!(multiply_128_signed_to_whole_bytes, signed, whole_bytes);
