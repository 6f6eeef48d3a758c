//! Luminance of colours.

use core::arch::naked_asm;

use super::{places, widen};
use crate::kernels::helium::ops::{SHARES, WEIGHTS, WHOLE};

/// The loop. r0: pixels; r1: luminance; r2: number of pixels, or of their bytes; r3–r5: weights; r6–r8: shares; r9: 0 −
/// the weights' sum; r10: the sum; r12: 1; q0, q1, q2: red, green and blue of eight pixels; q0: later the estimates; q3:
/// weighted sums, then their rest; q4: places of eight pixels' bytes.
///
/// `$bits` is the size of the lanes that the loop counts, `$count` turns the number of pixels into that of lanes, and
/// `$load` sets q0, q1 and q2.
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
                // Weights of red, green and blue in r3–r5, and shares in r6–r8.
                "movw r3, #{red}",
                "movw r4, #{green}",
                "movw r5, #{blue}",
                "mov.w r6, #{red_share}",
                "mov.w r7, #{green_share}",
                "mov.w r8, #{blue_share}",
                // The weights' sum in r10 and its negative in r9: `vmla` adds a product, so this factor subtracts one.
                "movw r10, #{whole}",
                "rsb r9, r10, #0",
                // Places in q4, which only pixels of three bytes use. They change r12, so its 1 comes after them.
                places!(),
                "mov.w r12, #1",
                // Eight pixels in each turn; in the last turn only the remaining lanes load and store.
                $count,
                concat!("dlstp.", $bits, " lr, r2"),
                "2:",
                // Red, green and blue of eight pixels in q0, q1, q2.
                $load,
                // Two weighted sums of red, green and blue: with the weights in q3, which wraps, and with the shares in q0,
                // which does not.
                "vmul.i16 q3, q0, r3",
                "vmul.i16 q0, q0, r6",
                "vmla.s16 q3, q1, r4",
                "vmla.s16 q0, q1, r7",
                "vmla.s16 q3, q2, r5",
                "vmla.s16 q0, q2, r8",
                // Shares are in 1/256: q0 becomes the estimate of luminance, which is right or one too small.
                "vshr.u16 q0, q0, #8",
                // q3 becomes the rest of the division: the weighted sum less the estimate times the weights' sum. The rest
                // is below twice that sum and fits 16 bits, so it is right although q3 wraps.
                "vmla.s16 q3, q0, r9",
                // Where the rest is not below the weights' sum, the estimate is one too small: add the 1 in r12.
                "vpt.s16 ge, q3, r10",
                "vaddt.i16 q0, q0, r12",
                // The low bytes of eight lanes.
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

// Pixels of two bytes are loaded as bytes, which may have any address; the loop then counts bytes. If red is first, the
// bytes of each pixel are swapped.
luminance!(
    luminance_big,
    "8",
    "lsls r2, r2, #1",
    concat!("vldrb.u8 q0, [r0], #16\nvrev16.8 q0, q0\n", widen!())
);
luminance!(luminance_little, "8", "lsls r2, r2, #1", concat!("vldrb.u8 q0, [r0], #16\n", widen!()));
// Pixels of three bytes: each load takes one channel of eight pixels at the places in q4 and widens it to 16 bits. The
// next channel starts one byte later, so r0 advances by 1, 1 and 22: 24 bytes in each turn.
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
