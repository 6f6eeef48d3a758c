//! The weighted sum of two pixels, with any stage.

use core::arch::naked_asm;

use super::requantise::Requantisation;
use crate::quant::Stage;

/// Arguments of the loop except the elements, in the order in which it loads them.
#[repr(C)]
pub struct Addition {
    stage: Requantisation,
    gains: [i32; 2],
}

super::assert_layout!(Addition, 36, stage: 0, gains: 28);

impl Addition {
    /// With this stage.
    pub fn new(gains: [i16; 2], stage: &Stage<'_>) -> Self {
        Addition { stage: Requantisation::new(stage), gains: gains.map(i32::from) }
    }

    /// Adds.
    ///
    /// # Safety
    /// `a`, `b`, `output` and the stage must have `count` elements of one or two bytes; `output` may be `a`.
    pub unsafe fn run<I, O>(&self, a: *const I, b: *const I, output: *mut O, count: usize) {
        let add = match (size_of::<I>(), size_of::<O>()) {
            (1, 1) => add_bytes_to_bytes,
            (1, _) => add_bytes_to_halves,
            (_, 1) => add_halves_to_bytes,
            _ => add_halves_to_halves,
        };
        // SAFETY: the caller promises this.
        unsafe { add(a.cast(), b.cast(), output.cast(), count, self) };
    }
}

/// `ops::add`. r0–r2: addends, output; r3–r5: bias and multipliers; r6, r7: smallest and largest result; r8–r11:
/// shift, zero point, gains. q4, q5: smallest and largest result.
macro_rules! add {
    ($name:ident, $load:literal, $bytes_in:literal, $store:literal, $bytes_out:literal) => {
        /// `ops::add`.
        ///
        /// # Safety
        /// See [`Addition::run`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            a: *const u8,
            b: *const u8,
            output: *mut u8,
            count: usize,
            job: &Addition,
        ) {
            naked_asm!(
                ".cpu cortex-m55",
                // The job is the fifth argument, above the nine saved registers.
                "push {{r4-r11, lr}}",
                "ldr r12, [sp, #36]",
                "vpush {{d8-d11}}",
                // Four channels in each turn; in the last turn only the remaining lanes load and store.
                "dlstp.32 lr, r3",
                "ldm r12, {{r3-r11}}",
                "vdup.32 q4, r6",
                "vdup.32 q5, r7",
                "2:",
                concat!($load, " q0, [r0], #", $bytes_in),
                concat!($load, " q1, [r1], #", $bytes_in),
                "vldrw.u32 q2, [r3], #16",
                "vmla.s32 q2, q0, r10",
                "vldrw.u32 q0, [r4], #16",
                "vmla.s32 q2, q1, r11",
                "vldrw.u32 q1, [r5], #16",
                // The multiplier is chosen by the sign before the shift.
                "vpt.s32 lt, q2, zr",
                "vorrt q0, q1, q1",
                "vshl.s32 q2, r8",
                "vrmulh.s32 q2, q2, q0",
                // 32 bits up to the clamp, because a 16-bit zero point must not saturate.
                "vadd.i32 q2, q2, r9",
                "vmax.s32 q2, q2, q4",
                "vmin.s32 q2, q2, q5",
                concat!($store, " q2, [r2], #", $bytes_out),
                "letp lr, 2b",
                "vpop {{d8-d11}}",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

add!(add_bytes_to_bytes, "vldrb.s32", "4", "vstrb.32", "4");
add!(add_bytes_to_halves, "vldrb.s32", "4", "vstrh.32", "8");
add!(add_halves_to_bytes, "vldrh.s32", "8", "vstrb.32", "4");
add!(add_halves_to_halves, "vldrh.s32", "8", "vstrh.32", "8");
