//! Products of tiles, for filters of any length and elements of 16 bits.
//!
//! The tiles, the record and the stack are those of [`super::multiply`]. Only the lower registers can address bytes that are
//! widened, so filters and pixels have other registers.

use core::arch::naked_asm;
use core::mem::offset_of;

use super::products::*;
use crate::kernels::helium::choose::{AHEAD, UNROLLED};

/// Adds to the sums the products of the first vectors of two pixels and of four filters.
macro_rules! first_wide_products {
    () => {
        "vldrh.u16 q0, [r9], #16
        vldrh.u16 q1, [r11], #16
        vmladava.s16 r0, q0, q4
        vmladava.s16 r8, q1, q4
        vmladava.s16 r2, q0, q5
        vmladava.s16 r10, q1, q5
        vmladava.s16 r4, q0, q6
        vmladava.s16 r12, q1, q6
        vmladava.s16 r6, q0, q7
        vmladava.s16 lr, q1, q7"
    };
}

/// The same for the next vector.
macro_rules! wide_products {
    () => {
        "vldrh.u16 q0, [r9], #16
        vldrb.s16 q2, [r1], #8
        vmladava.s16 r0, q0, q2
        vldrh.u16 q1, [r11], #16
        vmladava.s16 r8, q1, q2
        vldrb.s16 q2, [r3], #8
        vmladava.s16 r2, q0, q2
        vmladava.s16 r10, q1, q2
        vldrb.s16 q2, [r5], #8
        vmladava.s16 r4, q0, q2
        vmladava.s16 r12, q1, q2
        vldrb.s16 q2, [r7], #8
        vmladava.s16 r6, q0, q2
        vmladava.s16 lr, q1, q2"
    };
}

ahead!(multiply_wide_ahead, wide_products, "r1");

/// The loop. r0, r2, r4, r6: sums of the first pixel; r8, r10, r12, lr: of the second; r9, r11: pixels; r1, r3, r5, r7:
/// filters; later r7, r1, r3: output, remaining pairs with the zero point, output stride. q3: multipliers; q4–q7: first
/// vectors of the filters.
///
/// 5: four channels; 2: a tile; 4: vectors of the filters after the first.
macro_rules! multiply_wide {
    ($name:ident, $finish:ident, $group_bytes:literal) => {
        /// `ops::multiply`.
        ///
        /// # Safety
        /// The conditions that `ops::multiply` checks.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(job: &mut Products) {
            naked_asm!(
                ".cpu cortex-m55",
                enter_multiply!("32"),
                enter_groups!($group_bytes),
                // The first vector of each filter stays in a register for all tiles.
                "mov r1, r7",
                "add.w r3, r1, r11",
                "add.w r5, r3, r11",
                "add.w r7, r5, r11",
                "vldrb.s16 q4, [r1], #8",
                "vldrb.s16 q5, [r3], #8",
                "vldrb.s16 q6, [r5], #8",
                "vldrb.s16 q7, [r7], #8",
                "ldrd r8, r10, [lr, #{pairs}]",
                "str.w r8, [sp, #60]",
                "add r10, r1",
                "str.w r10, [sp, #52]",
                "ldrd r9, r11, [lr, #{pixels}]",
                // The initial values of every tile are stored in the order in which one instruction loads them:
                // biases of both pixels, and the filters after their first vectors.
                "mov r8, r0",
                "mov r10, r2",
                "mov r12, r4",
                "mov lr, r6",
                "stm.w sp, {{r0-r8, r10, r12, lr}}",
                // A tile. Pixels are adjacent, so their pointers just advance.
                "2:",
                "ldm.w sp, {{r0-r8, r10, r12, lr}}",
                first_wide_products!(),
                "ldr.w pc, [sp, #48]",
                ".p2align 2",
                "4:",
                ".rept {unrolled}",
                wide_products!(),
                ".endr",
                "3:",
                // The sums in core registers are finished, so these now hold output, pairs and stride.
                place_products!(),
                "ldrd r7, r1, [sp, #56]",
                "ldr r3, [sp, #64]",
                shifted!(),
                $finish!(""),
                "add r7, r3",
                // One pair less, counted above the zero point: a borrow ends the row.
                "subs.w r1, r1, #65536",
                "strd r7, r1, [sp, #56]",
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

multiply_wide!(multiply_wide_to_bytes, bytes, "4");
multiply_wide!(multiply_wide_to_halves, halves, "8");
