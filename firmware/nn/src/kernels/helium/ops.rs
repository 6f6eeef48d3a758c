//! The loops that compilers do not find: assembly on the target, its arithmetic elsewhere, so that every kernel can be tested
//! on any machine.
#![allow(unsafe_code)]

use super::Vector;
use crate::kernels::Element;
use crate::quant::Stage;

/// What makes elements of the sums of four neighbouring channels. In the order in which the loops load it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lanes {
    bias: [i32; 4],
    positive: [i32; 4],
    negative: [i32; 4],
    low: [i32; 4],
    high: [i32; 4],
    zero_point: i32,
    shift: u32,
}

impl Lanes {
    /// Of channels from `channel`; zeros for those that there are not.
    pub fn new(stage: &Stage<'_>, channel: usize) -> Self {
        let part = |array: &[i32]| -> [i32; 4] {
            let array = &array[channel..];
            array
                .first_chunk()
                .copied()
                .unwrap_or_else(|| core::array::from_fn(|lane| array.get(lane).copied().unwrap_or(0)))
        };
        let [bias, positive, negative] = [stage.bias, stage.positive, stage.negative].map(part);
        Lanes {
            bias,
            positive,
            negative,
            low: [stage.low; 4],
            high: [stage.high; 4],
            zero_point: stage.zero_point,
            shift: stage.shift,
        }
    }

    #[cfg(not(arm_helium))]
    fn requantise<O: Element>(&self, sums: [i32; 4]) -> [O; 4] {
        core::array::from_fn(|lane| {
            let stage = Stage {
                bias: &self.bias,
                positive: &self.positive,
                negative: &self.negative,
                shift: self.shift,
                zero_point: self.zero_point,
                low: self.low[lane],
                high: self.high[lane],
            };
            O::from_i32(stage.requantise(self.bias[lane].wrapping_add(sums[lane]), lane))
        })
    }
}

/// Where elements of four channels go.
pub struct Place<'a, O> {
    /// The first pixel's, and what follows.
    pub elements: &'a mut [O],
    /// Elements from a pixel to the next.
    pub stride: usize,
}

/// Puts four filters of as many vectors side by side, a vector of each in turn.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn interleave(weights: &[Vector], filters: &mut [Vector]) {
    let steps = filters.len() / 4;
    assert!(steps > 0 && weights.len() == 4 * steps && filters.len() == 4 * steps);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        arm::interleave(weights.as_ptr(), steps * size_of::<Vector>(), filters.as_mut_ptr(), steps);
    }
    #[cfg(not(arm_helium))]
    for (lane, filter) in weights.chunks_exact(steps).enumerate() {
        filters.iter_mut().skip(lane).step_by(4).zip(filter).for_each(|(slot, vector)| *slot = *vector);
    }
}

/// Products of twice `pairs` pixels, `pixel_bytes` from one to the next, and four filters that lie side by side; requantised.
///
/// # Panics
/// When `pixels` or `place` are too short, or there is nothing to do.
pub fn multiply<O: Element>(
    pixels: &[i8],
    pixel_bytes: usize,
    pairs: usize,
    filters: &[Vector],
    lanes: &Lanes,
    place: Place<'_, O>,
) {
    let steps = filters.len() / 4;
    assert!(pairs > 0 && steps > 0 && filters.len() == 4 * steps);
    assert!((2 * pairs - 1) * pixel_bytes + 16 * steps <= pixels.len());
    assert!((2 * pairs - 1) * place.stride + 4 <= place.elements.len());
    #[cfg(arm_helium)]
    {
        let job = arm::Products::new(pixels, pixel_bytes, pairs, filters, lanes, place);
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe {
            if size_of::<O>() == 1 {
                arm::multiply_to_bytes(&job);
            } else {
                arm::multiply_to_halves(&job);
            }
        }
    }
    #[cfg(not(arm_helium))]
    for pixel in 0..2 * pairs {
        let taps = &pixels[pixel * pixel_bytes..][..16 * steps];
        let sums = core::array::from_fn(|lane| {
            let filter = filters.iter().skip(lane).step_by(4).flatten();
            taps.iter().zip(filter).map(|(&x, &w)| x as i32 * w as i32).sum()
        });
        place.elements[pixel * place.stride..][..4].copy_from_slice(&lanes.requantise(sums));
    }
}

#[cfg(arm_helium)]
mod arm {
    use core::arch::naked_asm;
    use core::mem::offset_of;

    use super::{Lanes, Place, Vector};

    /// [`super::interleave`].
    ///
    /// # Safety
    /// As [`super::interleave`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn interleave(
        weights: *const Vector,
        filter_bytes: usize,
        filters: *mut Vector,
        steps: usize,
    ) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4, lr}}",
            "add r12, r0, r1, lsl #1",
            "add r4, r12, r1",
            "add r1, r0",
            "dls lr, r3",
            "2:",
            "vldrb.u8 q0, [r0], #16",
            "vldrb.u8 q1, [r1], #16",
            "vldrb.u8 q2, [r12], #16",
            "vldrb.u8 q3, [r4], #16",
            "vstrb.8 q0, [r2], #16",
            "vstrb.8 q1, [r2], #16",
            "vstrb.8 q2, [r2], #16",
            "vstrb.8 q3, [r2], #16",
            "le lr, 2b",
            "pop {{r4, pc}}",
        )
    }

    /// What [`multiply_to_bytes`] works on. It takes a copy onto its stack, in this order.
    #[repr(C)]
    pub struct Products {
        pixels: *const i8,
        pixel_bytes: usize,
        filters: *const Vector,
        pairs: usize,
        zero_point: i32,
        shift: u32,
        output: *mut u8,
        stride_bytes: usize,
        lanes: *const Lanes,
        filters_end: *const Vector,
        /// Bytes of the loop to skip at first.
        skipped_bytes: usize,
    }

    /// Vectors of each filter that the loop multiplies before it looks whether it has finished.
    const UNROLLED: usize = 8;
    const BODY_BYTES: usize = 56;

    impl Products {
        pub fn new<O>(
            pixels: &[i8],
            pixel_bytes: usize,
            pairs: usize,
            filters: &[Vector],
            lanes: &Lanes,
            place: Place<'_, O>,
        ) -> Self {
            const {
                assert!(offset_of!(Lanes, positive) == 16 && offset_of!(Lanes, negative) == 32);
                assert!(offset_of!(Lanes, low) == 48 && offset_of!(Lanes, high) == 64);
            }
            // The first vector is multiplied before the loop.
            let rest = filters.len() / 4 - 1;
            let skipped = if rest == 0 { UNROLLED } else { rest.wrapping_neg() % UNROLLED };
            let filters = filters.as_ptr_range();
            Products {
                pixels: pixels.as_ptr(),
                pixel_bytes,
                filters: filters.start,
                pairs,
                zero_point: lanes.zero_point,
                shift: lanes.shift,
                output: place.elements.as_mut_ptr().cast(),
                stride_bytes: place.stride * size_of::<O>(),
                lanes,
                filters_end: filters.end,
                skipped_bytes: skipped * BODY_BYTES,
            }
        }
    }

    /// A vector of two pixels times one of four filters. The argument is `a` to add to sums.
    macro_rules! products {
        ($a:literal) => {
            concat!(
                "vldrb.u8 q0, [r1], #16\n",
                "vldrb.u8 q1, [r3], #16\n",
                "vldrb.u8 q2, [r5], #16\n",
                "vmladav",
                $a,
                ".s8 r0, q0, q2\n",
                "vmladav",
                $a,
                ".s8 r8, q1, q2\n",
                "vldrb.u8 q3, [r5], #16\n",
                "vmladav",
                $a,
                ".s8 r2, q0, q3\n",
                "vmladav",
                $a,
                ".s8 r10, q1, q3\n",
                "vldrb.u8 q2, [r5], #16\n",
                "vmladav",
                $a,
                ".s8 r4, q0, q2\n",
                "vmladav",
                $a,
                ".s8 r12, q1, q2\n",
                "vldrb.u8 q3, [r5], #16\n",
                "vmladav",
                $a,
                ".s8 r6, q0, q3\n",
                "vmladav",
                $a,
                ".s8 lr, q1, q3",
            )
        };
    }

    /// [`super::multiply`]. r0, r2, r4, r6: sums of the first pixel; r8, r10, r12, lr: of the second; r1, r3: pixels; r5:
    /// filters; r7: their end; r9: pairs left; r11: where the loop is entered; q4–q7: biases, multipliers, smallest result.
    macro_rules! multiply {
        ($name:ident, $store:literal) => {
            /// [`super::multiply`].
            ///
            /// # Safety
            /// As [`super::multiply`] checks.
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &Products) {
                naked_asm!(
                    ".cpu cortex-m55",
                    "push {{r4-r11, lr}}",
                    "sub sp, #4",
                    "vpush {{d8-d15}}",
                    "ldm r0, {{r0-r9, r12}}",
                    "vldrw.u32 q4, [r8]",
                    "vldrw.u32 q5, [r8, #16]",
                    "vldrw.u32 q6, [r8, #32]",
                    "vldrw.u32 q7, [r8, #48]",
                    "vldrw.u32 q0, [r8, #64]",
                    "adr.w r11, 3f",
                    "add r11, r12",
                    "orr r11, #1",
                    "sub sp, #16",
                    "vstrw.32 q0, [sp]",
                    "push {{r0-r7}}",
                    "mov r7, r9",
                    "mov r9, r3",
                    "2:",
                    "ldrd r1, r3, [sp]",
                    "add r5, r1, r3, lsl #1",
                    "str r5, [sp]",
                    "ldr r5, [sp, #8]",
                    "add r3, r1",
                    products!(""),
                    "bx r11",
                    "3:",
                    ".rept 8",
                    products!("a"),
                    ".endr",
                    "cmp r5, r7",
                    "bne 3b",
                    "vmov q0[2], q0[0], r0, r4",
                    "vmov q0[3], q0[1], r2, r6",
                    "vmov q1[2], q1[0], r8, r12",
                    "vmov q1[3], q1[1], r10, lr",
                    "ldrd r0, r2, [sp, #16]",
                    "ldrd r1, r3, [sp, #24]",
                    "vadd.i32 q0, q0, q4",
                    "vadd.i32 q1, q1, q4",
                    "vshl.s32 q0, r2",
                    "vshl.s32 q1, r2",
                    "vrmulh.s32 q2, q0, q5",
                    "vrmulh.s32 q3, q1, q5",
                    "vpt.s32 lt, q0, zr",
                    "vrmulht.s32 q2, q0, q6",
                    "vpt.s32 lt, q1, zr",
                    "vrmulht.s32 q3, q1, q6",
                    "vldrw.u32 q0, [sp, #32]",
                    "vadd.i32 q2, q2, r0",
                    "vadd.i32 q3, q3, r0",
                    "vmax.s32 q2, q2, q7",
                    "vmax.s32 q3, q3, q7",
                    "vmin.s32 q2, q2, q0",
                    "vmin.s32 q3, q3, q0",
                    concat!($store, " q2, [r1]"),
                    "add r1, r3",
                    concat!($store, " q3, [r1]"),
                    "add r1, r3",
                    "str r1, [sp, #24]",
                    "subs r9, #1",
                    "bne 2b",
                    "add sp, #48",
                    "vpop {{d8-d15}}",
                    "add sp, #4",
                    "pop {{r4-r11, pc}}",
                )
            }
        };
    }

    multiply!(multiply_to_bytes, "vstrb.32");
    multiply!(multiply_to_halves, "vstrh.32");
}
