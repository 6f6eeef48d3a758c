//! Luminance of colours.

use core::arch::naked_asm;

use super::{places, widen};
use crate::kernels::helium::ops::{SHARES, WEIGHTS, WHOLE};

/// The loop. r0: pixels; r1: luminance; r3–r5: weights; r6–r8: shares; r9: 0 − the weights' sum; r10: the sum; r12: 1; q3:
/// weighted sums, then their rest; q4: places of eight pixels' bytes.
macro_rules! luminance {
    ($name:ident, $bits:literal, $count:literal, $load:expr) => {
        /// `ops::luminance`.
        ///
        /// # Safety
        /// There must be `count` pixels, at least one, and as much room for their luminance.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(pixels: *const u8, out: *mut u8, count: usize) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r4-r10, lr}}",
                "vpush {{d8-d9}}",
                "movw r3, #{red}",
                "movw r4, #{green}",
                "movw r5, #{blue}",
                "mov.w r6, #{red_share}",
                "mov.w r7, #{green_share}",
                "mov.w r8, #{blue_share}",
                "movw r10, #{whole}",
                "rsb r9, r10, #0",
                places!(),
                "mov.w r12, #1",
                // Eight pixels in each turn; in the last turn only the remaining lanes load and store.
                $count,
                concat!("dlstp.", $bits, " lr, r2"),
                "2:",
                $load,
                "vmul.i16 q3, q0, r3",
                "vmul.i16 q0, q0, r6",
                "vmla.s16 q3, q1, r4",
                "vmla.s16 q0, q1, r7",
                "vmla.s16 q3, q2, r5",
                "vmla.s16 q0, q2, r8",
                "vshr.u16 q0, q0, #8",
                "vmla.s16 q3, q0, r9",
                "vpt.s16 ge, q3, r10",
                "vaddt.i16 q0, q0, r12",
                "vstrb.16 q0, [r1], #8",
                "letp lr, 2b",
                "vpop {{d8-d9}}",
                "pop {{r4-r10, pc}}",
                red = const WEIGHTS[0],
                green = const WEIGHTS[1],
                blue = const WEIGHTS[2],
                red_share = const SHARES[0],
                green_share = const SHARES[1],
                blue_share = const SHARES[2],
                whole = const WHOLE,
            )
        }
    };
}

// Pixels of two bytes are loaded as bytes, which may have any address; the loop then counts bytes.
luminance!(
    luminance_big,
    "8",
    "lsls r2, r2, #1",
    concat!("vldrb.u8 q0, [r0], #16\nvrev16.8 q0, q0\n", widen!())
);
luminance!(luminance_little, "8", "lsls r2, r2, #1", concat!("vldrb.u8 q0, [r0], #16\n", widen!()));
luminance!(
    luminance_bytes,
    "16",
    "",
    "vldrb.u16 q0, [r0, q4]
    adds r0, #1
    vldrb.u16 q1, [r0, q4]
    adds r0, #1
    vldrb.u16 q2, [r0, q4]
    adds r0, #22"
);
