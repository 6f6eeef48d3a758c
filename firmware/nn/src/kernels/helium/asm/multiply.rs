//! Products of tiles, for filters of any length.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::products::*;
use crate::kernels::helium::choose::{AHEAD, UNROLLED};

ahead!(multiply_ahead, products, "r5");

/// The loop. A tile is two pixels of four channels. The two pixels are half a row apart, and both advance from tile to
/// tile. r0, r2, r4, r6: sums of the first pixel; r8, r10, r12, lr: of the second; r1, r3: pixels; r5, r7, r9, r11:
/// filters; later r7, r9, r11: output, remaining pairs with the zero point, output stride. q3: multipliers; q4–q7:
/// first vectors of the filters.
///
/// 5: four channels; 2: a tile; 4: vectors of the filters after the first.
///
/// On the stack: at 0 the initial values of a tile; 48 start of the vectors after the first, 52 end of those that
/// [`multiply_ahead`] multiplies, 56 and 60 output and remaining pairs, 64 output stride, 68 start of the last
/// vectors, 72 the job, 80 shift, 84 distance of a pair in the output, 88 zero point, 96 negative multipliers, 112
/// places, 128 and 144 smallest and largest result.
macro_rules! multiply {
    ($name:ident, $multiply:ident, $finish:ident, $clamped:literal, $group_bytes:literal) => {
        /// `ops::multiply`.
        ///
        /// # Safety
        /// The conditions that `ops::multiply` checks.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(job: &mut Products) {
            naked_asm!(
                ".cpu cortex-m55",
                enter_multiply!($clamped),
                enter_groups!($group_bytes),
                // The first vector of each filter stays in a register for all tiles.
                "mov r5, r7",
                "add r7, r11",
                "add.w r9, r7, r11",
                "add r11, r9",
                "vldrb.u8 q4, [r5], #16",
                "vldrb.u8 q5, [r7], #16",
                "vldrb.u8 q6, [r9], #16",
                "vldrb.u8 q7, [r11], #16",
                "ldrd r1, r3, [lr, #{pairs}]",
                "str r1, [sp, #60]",
                "add r3, r5",
                "str r3, [sp, #52]",
                "ldrd r1, r3, [lr, #{pixels}]",
                // The initial values of every tile are stored in the order in which one instruction loads them:
                // biases of both pixels, and the filters after their first vectors.
                "mov r8, r0",
                "mov r10, r2",
                "mov r12, r4",
                "mov lr, r6",
                "stm.w sp, {{r0, r2, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
                // A tile. Pixels are adjacent, so their pointers just advance.
                "2:",
                "ldm.w sp, {{r0, r2, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
                first_products!(),
                "ldr.w pc, [sp, #48]",
                ".p2align 2",
                "4:",
                ".rept {unrolled}",
                products!(),
                ".endr",
                "3:",
                // The sums in core registers are finished, so these now hold output, pairs and stride.
                place_products!(),
                "ldrd r7, r9, [sp, #56]",
                "ldr.w r11, [sp, #64]",
                $multiply!(),
                $finish!("[sp, #112]"),
                "add r7, r11",
                // One pair less, counted above the zero point: a borrow ends the row.
                "subs.w r9, r9, #65536",
                "strd r7, r9, [sp, #56]",
                "bcs.w 2b",
                leave_groups!(),
                places = const offset_of!(Products, places),
                pairs = const offset_of!(Products, pairs),
                pixels = const offset_of!(Products, pixels),
                groups = const offset_of!(Products, groups),
                unrolled = const UNROLLED,
                body_bytes = const BODY_BYTES,
            )
        }
    };
}

multiply!(multiply_linear_to_whole_bytes, linear, whole_bytes, "16", "4");
multiply!(multiply_linear_to_bytes, linear_shifted, clamped_bytes, "16", "4");
multiply!(multiply_signed_to_whole_bytes, signed, whole_bytes, "16", "4");
multiply!(multiply_to_bytes, shifted, bytes, "32", "4");
multiply!(multiply_to_halves, shifted, halves, "32", "8");
