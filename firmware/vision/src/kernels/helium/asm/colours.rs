//! Red, green and blue of RGB565.

use core::arch::naked_asm;

use super::{places, widen};

/// The loop. r0: pixels; r1: bytes of colours; r2: number of the pixels' bytes; q0: eight pixels; q0, q1, q2: their red,
/// green and blue; q4: places of eight pixels' bytes.
///
/// `$swap` brings the byte with red to the high half of each lane of 16 bits.
macro_rules! colours {
    ($name:ident, $swap:literal) => {
        /// `ops::colours`.
        ///
        /// # Safety
        /// `pixels` must have `count` bytes, an even number above zero, and `out` half as many again.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(pixels: *const u8, out: *mut u8, count: usize) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r7, lr}}",
                "vpush {{d8-d9}}",
                places!(),
                // Sixteen bytes in each turn; in the last turn only the remaining lanes load and store.
                "dlstp.8 lr, r2",
                "2:",
                "vldrb.u8 q0, [r0], #16",
                // Eight pixels in lanes of 16 bits, with red in the highest bits. They become red in q0, green in q1, blue
                // in q2.
                $swap,
                widen!(),
                // Each store writes one channel of eight pixels, three bytes apart: the low bytes of the lanes. The next
                // channel starts one byte later.
                "vstrb.16 q0, [r1, q4]",
                "adds r1, #1",
                "vstrb.16 q1, [r1, q4]",
                "adds r1, #1",
                "vstrb.16 q2, [r1, q4]",
                // With the two bytes before, 24: eight pixels of three bytes.
                "adds r1, #22",
                "letp lr, 2b",
                "vpop {{d8-d9}}",
                "pop {{r7, pc}}",
            )
        }
    };
}

colours!(colours_big, "vrev16.8 q0, q0");
colours!(colours_little, "");
