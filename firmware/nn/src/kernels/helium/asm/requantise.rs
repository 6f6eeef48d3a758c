//! Turns the sums of a pixel into elements, with any stage.

use core::arch::naked_asm;

use crate::quant::Stage;

/// Arguments of the loop except sums and elements, in the order in which it loads them.
#[repr(C)]
pub struct Requantisation {
    bias: *const i32,
    positive: *const i32,
    negative: *const i32,
    low: i32,
    high: i32,
    shift: u32,
    zero_point: i32,
}

super::assert_layout!(
    Requantisation, 28, bias: 0, positive: 4, negative: 8, low: 12, high: 16, shift: 20, zero_point: 24
);

impl Requantisation {
    /// By this stage.
    pub fn new(stage: &Stage<'_>) -> Self {
        Requantisation {
            bias: stage.bias.as_ptr(),
            positive: stage.positive.as_ptr(),
            negative: stage.negative.as_ptr(),
            low: stage.low,
            high: stage.high,
            shift: stage.shift,
            zero_point: stage.zero_point,
        }
    }

    /// Requantises.
    ///
    /// # Safety
    /// `sums`, `output` and the stage must have `count` elements, those of `output` one or two bytes.
    pub unsafe fn run<O>(&self, sums: *const i32, output: *mut O, count: usize) {
        let requantise = if size_of::<O>() == 1 { to_bytes } else { to_halves };
        // SAFETY: the caller promises this.
        unsafe { requantise(sums, output.cast(), count, self) };
    }
}

/// `ops::requantise`. r0: sums; r1: output; r3–r5: bias and multipliers; r6, r7: smallest and largest result; r8: shift; r9:
/// zero point. q2, q3: smallest and largest result.
macro_rules! requantise {
    ($name:ident, $store:literal, $bytes:literal) => {
        /// `ops::requantise`.
        ///
        /// # Safety
        /// See [`Requantisation::run`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(sums: *const i32, output: *mut u8, count: usize, job: &Requantisation) {
            naked_asm!(
                ".cpu cortex-m55",
                "push {{r4-r9, r10, lr}}",
                "vpush {{d8-d9}}",
                "ldm r3, {{r3-r9}}",
                "vdup.32 q2, r6",
                "vdup.32 q3, r7",
                // Four channels in each turn; in the last turn only the remaining lanes load and store.
                "dlstp.32 lr, r2",
                "2:",
                "vldrw.u32 q0, [r0], #16",
                "vldrw.u32 q1, [r3], #16",
                "vadd.i32 q0, q0, q1",
                "vldrw.u32 q1, [r4], #16",
                "vldrw.u32 q4, [r5], #16",
                // The multiplier is chosen by the sign before the shift.
                "vpt.s32 lt, q0, zr",
                "vorrt q1, q4, q4",
                "vshl.s32 q0, r8",
                "vrmulh.s32 q0, q0, q1",
                // 32 bits up to the clamp, because a 16-bit zero point must not saturate.
                "vadd.i32 q0, q0, r9",
                "vmax.s32 q0, q0, q2",
                "vmin.s32 q0, q0, q3",
                concat!($store, " q0, [r1], #", $bytes),
                "letp lr, 2b",
                "vpop {{d8-d9}}",
                "pop {{r4-r9, r10, pc}}",
            )
        }
    };
}

requantise!(to_bytes, "vstrb.32", "4");
requantise!(to_halves, "vstrh.32", "8");
