//! The loops that compilers do not find: assembly on the target, its arithmetic elsewhere, so that every kernel can be tested
//! on any machine.
#![allow(unsafe_code)]

use super::Vector;
use crate::kernels::Element;
use crate::quant::Stage;

/// Whether a stage does not shift, and uses every byte as networks do: then saturation to a byte is its clamp.
#[cfg(arm_helium)]
fn is_whole(stage: &Stage<'_>) -> bool {
    let bytes = i8::MIN as i32..=i8::MAX as i32;
    let clamp = stage.low..=stage.high;
    stage.shift == 0 && clamp == bytes && bytes.contains(&stage.zero_point)
}

/// Where elements go.
pub struct Place<'a, O> {
    /// The first pixel's, and what follows.
    pub elements: &'a mut [O],
    /// Elements from a pixel to the next.
    pub stride: usize,
}

/// Products of `count` pixels, `pixel_bytes` from one to the next, and filters `[channels][taps]`, requantised by the stage of
/// as many channels, which come in fours. Pixels are read in whole vectors, and are zero where there are no taps.
/// `filters` is memory for four filters in whole vectors.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn multiply<O: Element>(
    (pixels, pixel_bytes, count): (&[i8], usize, usize),
    (weights, taps): (&[i8], usize),
    filters: &mut [Vector],
    stage: &Stage<'_>,
    place: Place<'_, O>,
) {
    let steps = taps.div_ceil(16);
    let channels = stage.bias.len();
    assert!(stage.positive.len() == channels && stage.negative.len() == channels);
    assert!(count > 0 && taps > 0 && channels > 0 && channels.is_multiple_of(4));
    assert!(weights.len() == channels * taps && filters.len() == 4 * steps);
    assert!((count - 1) * pixel_bytes + 16 * steps <= pixels.len());
    assert!((count - 1) * place.stride + channels <= place.elements.len());
    #[cfg(arm_helium)]
    {
        // A pixel without a neighbour is its own.
        let (pixel_bytes, stride) = if count == 1 { (0, 0) } else { (pixel_bytes, place.stride) };
        let filters = filters.as_ptr_range();
        let job = arm::Products {
            pixels: pixels.as_ptr(),
            pixel_bytes,
            filters: filters.start,
            filters_end: filters.end,
            zero_point: stage.zero_point,
            shift: stage.shift,
            output: place.elements.as_mut_ptr().cast(),
            stride_bytes: stride * size_of::<O>(),
            first_pixel: pixels.as_ptr(),
            pairs: count.div_ceil(2) - usize::from(count > 1 && count % 2 == 1),
            first_output: place.elements.as_mut_ptr().cast(),
            weights: weights.as_ptr(),
            taps,
            bias: stage.bias.as_ptr(),
            positive: stage.positive.as_ptr(),
            negative: stage.negative.as_ptr(),
            groups: channels / 4,
            is_odd: usize::from(count > 1 && count % 2 == 1),
            low: stage.low,
            high: stage.high,
            skipped_bytes: arm::skipped_bytes(steps),
        };
        let is_linear = stage.positive == stage.negative;
        let run = match (size_of::<O>(), is_whole(stage), is_linear) {
            (1, true, true) => arm::multiply_linear_to_bytes,
            (1, true, false) => arm::multiply_signed_to_bytes,
            (1, false, _) => arm::multiply_to_bytes,
            _ => arm::multiply_to_halves,
        };
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { run(&job) };
    }
    #[cfg(not(arm_helium))]
    for pixel in 0..count {
        let elements = &mut place.elements[pixel * place.stride..];
        let pixel = &pixels[pixel * pixel_bytes..];
        for (channel, (out, filter)) in elements.iter_mut().zip(weights.chunks_exact(taps)).enumerate() {
            let products = pixel.iter().zip(filter).map(|(&x, &w)| x as i32 * w as i32);
            let sum = products.fold(stage.bias[channel], i32::wrapping_add);
            *out = O::from_i32(stage.requantise(sum, channel));
        }
    }
}

/// Packs sixteen bytes of each of four rows, with their distances from column to column, into columns of four vectors: four
/// bytes a channel, one a row.
///
/// # Panics
/// When a row is too short, or there is nothing to do.
pub fn pack(rows: [(&[i8], usize); 4], columns: &mut [[Vector; 4]]) {
    assert!(!columns.is_empty());
    assert!(rows.iter().all(|(row, stride)| (columns.len() - 1) * stride + 16 <= row.len()));
    #[cfg(arm_helium)]
    {
        let job = arm::Packing {
            rows: rows.map(|(row, _)| row.as_ptr()),
            strides: rows.map(|(_, stride)| stride),
            columns: columns.as_mut_ptr(),
            count: columns.len(),
        };
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { arm::pack(&job) };
    }
    #[cfg(not(arm_helium))]
    for (index, column) in columns.iter_mut().enumerate() {
        for (byte, slot) in column.as_flattened_mut().iter_mut().enumerate() {
            let (row, stride) = rows[byte % 4];
            *slot = row[index * stride + byte / 4];
        }
    }
}

/// Products of windows of four packed columns with four columns of packed weights, for `pixels` pixels that are `step` columns
/// apart; requantised by the stage of sixteen channels.
///
/// # Panics
/// When lengths do not agree, there is nothing to do, or `step` is neither 1 nor 2.
pub fn slide<O: Element>(
    columns: &[[Vector; 4]],
    step: usize,
    weights: &[[Vector; 4]; 4],
    pixels: usize,
    stage: &Stage<'_>,
    place: Place<'_, O>,
) {
    assert!([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() == 16));
    assert!(pixels > 0 && (1..=2).contains(&step));
    assert!((pixels - 1) * step + 4 <= columns.len());
    assert!((pixels - 1) * place.stride + 16 <= place.elements.len());
    #[cfg(arm_helium)]
    {
        let start = columns.as_flattened().as_flattened().as_ptr();
        let job = arm::Sliding {
            // The loop steps before it loads.
            columns: start.wrapping_sub(step * size_of::<[Vector; 4]>()),
            bias: stage.bias.as_ptr(),
            weights: weights.as_flattened().as_flattened().as_ptr(),
            positive: stage.positive.as_ptr(),
            pixels,
            negative: stage.negative.as_ptr(),
            low: stage.low,
            high: stage.high,
            shift: stage.shift,
            output: place.elements.as_mut_ptr().cast(),
            zero_point: stage.zero_point,
            stride_bytes: place.stride * size_of::<O>(),
        };
        let is_linear = stage.positive == stage.negative;
        let [one, two] = match (size_of::<O>(), is_whole(stage), is_linear) {
            (1, true, true) => [arm::slide_linear_to_bytes, arm::skip_linear_to_bytes],
            (1, true, false) => [arm::slide_signed_to_bytes, arm::skip_signed_to_bytes],
            (1, false, _) => [arm::slide_to_bytes, arm::skip_to_bytes],
            _ => [arm::slide_to_halves, arm::skip_to_halves],
        };
        let run = if step == 1 { one } else { two };
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { run(&job) };
    }
    #[cfg(not(arm_helium))]
    for pixel in 0..pixels {
        let window = &columns[pixel * step..][..4];
        for (channel, out) in place.elements[pixel * place.stride..][..16].iter_mut().enumerate() {
            let bytes = 4 * channel..4 * (channel + 1);
            let products = window.iter().zip(weights).flat_map(|(x, w)| {
                let [x, w] = [x, w].map(|column| &column.as_flattened()[bytes.clone()]);
                x.iter().zip(w).map(|(&x, &w)| x as i32 * w as i32)
            });
            let sum = products.fold(stage.bias[channel], i32::wrapping_add);
            *out = O::from_i32(stage.requantise(sum, channel));
        }
    }
}

/// `gains[0] · a + gains[1] · b` of a pixel, requantised by the stage of all its channels.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    let count = output.len();
    assert!(a.len() == count && b.len() == count);
    check_addition(stage, count);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        arm::Addition::new(gains, stage).run(a.as_ptr(), b.as_ptr(), output.as_mut_ptr(), count);
    }
    #[cfg(not(arm_helium))]
    for (channel, (output, (&a, &b))) in output.iter_mut().zip(a.iter().zip(b)).enumerate() {
        *output = added(a, b, gains, stage, channel);
    }
}

/// [`add`] whose output takes the place of `a`.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) {
    let count = a.len();
    assert!(b.len() == count);
    check_addition(stage, count);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads each element before it writes it.
    unsafe {
        let a = a.as_mut_ptr();
        arm::Addition::new(gains, stage).run(a.cast_const(), b.as_ptr(), a, count);
    }
    #[cfg(not(arm_helium))]
    for (channel, (a, &b)) in a.iter_mut().zip(b).enumerate() {
        *a = added(*a, b, gains, stage, channel);
    }
}

fn check_addition(stage: &Stage<'_>, count: usize) {
    assert!(count > 0);
    assert!([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() >= count));
}

#[cfg(not(arm_helium))]
fn added<I: Element, O: Element>(a: I, b: I, gains: [i16; 2], stage: &Stage<'_>, channel: usize) -> O {
    let [a, b] = [(a, gains[0]), (b, gains[1])].map(|(x, gain)| x.into().wrapping_mul(gain.into()));
    O::from_i32(stage.requantise(stage.bias[channel].wrapping_add(a).wrapping_add(b), channel))
}

// Naked functions are assembled without the target's features: each names what it needs.
#[cfg(arm_helium)]
mod arm {
    use core::arch::naked_asm;

    use super::Vector;
    use crate::quant::Stage;

    /// What [`multiply_to_bytes`] works on. It takes a copy onto its stack, in this order.
    #[repr(C)]
    pub struct Products {
        pub pixels: *const i8,
        pub pixel_bytes: usize,
        pub filters: *const Vector,
        pub filters_end: *const Vector,
        pub zero_point: i32,
        pub shift: u32,
        pub output: *mut u8,
        pub stride_bytes: usize,
        pub first_pixel: *const i8,
        /// Pairs of pixels; the last overlaps the one before if their number is odd.
        pub pairs: usize,
        pub first_output: *mut u8,
        pub weights: *const i8,
        pub taps: usize,
        pub bias: *const i32,
        pub positive: *const i32,
        pub negative: *const i32,
        pub groups: usize,
        pub is_odd: usize,
        pub low: i32,
        pub high: i32,
        /// Bytes of the unrolled loop to skip at first; see [`skipped_bytes`].
        pub skipped_bytes: usize,
    }

    /// Vectors of each filter that the loop multiplies before it looks whether it has finished.
    const UNROLLED: usize = 8;
    const BODY_BYTES: usize = 56;

    /// Bytes of the unrolled loop to skip for filters of `steps` vectors, of which the first is multiplied before the loop.
    pub fn skipped_bytes(steps: usize) -> usize {
        let rest = steps - 1;
        BODY_BYTES * if rest == 0 { UNROLLED } else { rest.wrapping_neg() % UNROLLED }
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

    /// Sums in q0 and q1 to products in q2 and q3: one multiplier for both signs, no shift.
    macro_rules! linear {
        () => {
            "vrmulh.s32 q2, q0, q5
            vrmulh.s32 q3, q1, q5"
        };
    }

    /// Two multipliers, no shift.
    macro_rules! signed {
        () => {
            "vrmulh.s32 q2, q0, q5
            vrmulh.s32 q3, q1, q5
            vpt.s32 lt, q0, zr
            vrmulht.s32 q2, q0, q6
            vpt.s32 lt, q1, zr
            vrmulht.s32 q3, q1, q6"
        };
    }

    /// Two multipliers, shifted by r2. The sign is that before the shift.
    macro_rules! shifted {
        () => {
            "vmov q2, q5
            vmov q3, q5
            vpt.s32 lt, q0, zr
            vorrt q2, q6, q6
            vpt.s32 lt, q1, zr
            vorrt q3, q6, q6
            vshl.s32 q0, r2
            vshl.s32 q1, r2
            vrmulh.s32 q2, q0, q2
            vrmulh.s32 q3, q1, q3"
        };
    }

    /// Adds the zero point, r0, to q2 and q3 and clamps to the smallest and largest result.
    macro_rules! clamp_both {
        () => {
            "vldrw.u32 q0, [sp, #80]
            vadd.i32 q2, q2, r0
            vadd.i32 q3, q3, r0
            vmax.s32 q2, q2, q7
            vmax.s32 q3, q3, q7
            vmin.s32 q2, q2, q0
            vmin.s32 q3, q3, q0"
        };
    }

    /// Adds the zero point, r0, and clamps to a byte. 16 bits on the way suffice for the zero point of bytes.
    macro_rules! saturate_both {
        () => {
            "vqmovnb.s32 q2, q2
            vqmovnt.s32 q2, q3
            vqadd.s16 q2, q2, r0
            vqmovnb.s16 q2, q2
            vshr.u32 q3, q2, #16"
        };
    }

    /// [`super::multiply`]. r0, r2, r4, r6: sums of the first pixel; r8, r10, r12, lr: of the second; r1, r3: pixels; r5:
    /// filters; r7: their end; r9: pairs left; r11: where the loop is entered; q4–q7: biases, multipliers, smallest result.
    ///
    /// 5: four channels; 6: their filters side by side, a vector of each in turn; 2: two pixels; 3: vectors of filters; 7: the
    /// next four channels. On the stack: the job to offset 72, whether a last pixel is left, and at 80 the largest result.
    macro_rules! multiply {
        ($name:ident, $multiply:ident, $finish:ident, $store:literal, $group_bytes:literal) => {
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
                    "add r12, r0, #72",
                    "ldm r12, {{r1, r2, r3}}",
                    "vdup.32 q7, r1",
                    "vdup.32 q0, r2",
                    "adr.w r11, 3f",
                    "add r11, r3",
                    "orr r11, #1",
                    "sub sp, #24",
                    "add r12, sp, #8",
                    "vstrw.32 q0, [r12]",
                    "add r12, r0, #36",
                    "ldm r12, {{r1-r9}}",
                    "push {{r1-r9}}",
                    "ldm r0, {{r0-r8}}",
                    "push {{r0-r8}}",
                    "5:",
                    "ldrd r0, r1, [sp, #44]",
                    "ldr r2, [sp, #8]",
                    "add r3, r0, r1",
                    "add r5, r3, r1",
                    "add r7, r5, r1",
                    "add r9, r7, r1",
                    "str r9, [sp, #44]",
                    "dlstp.8 lr, r1",
                    "6:",
                    "vldrb.u8 q0, [r0], #16",
                    "vldrb.u8 q1, [r3], #16",
                    "vldrb.u8 q2, [r5], #16",
                    "vldrb.u8 q3, [r7], #16",
                    "vstrb.8 q0, [r2], #16",
                    "vstrb.8 q1, [r2], #16",
                    "vstrb.8 q2, [r2], #16",
                    "vstrb.8 q3, [r2], #16",
                    "letp lr, 6b",
                    "ldrd r0, r1, [sp, #52]",
                    "ldr r2, [sp, #60]",
                    "vldrw.u32 q4, [r0], #16",
                    "vldrw.u32 q5, [r1], #16",
                    "vldrw.u32 q6, [r2], #16",
                    "strd r0, r1, [sp, #52]",
                    "str r2, [sp, #60]",
                    "ldr r0, [sp, #32]",
                    "ldr r1, [sp, #40]",
                    "ldr r2, [sp, #68]",
                    "str r0, [sp]",
                    "str r1, [sp, #24]",
                    "str r2, [sp, #72]",
                    concat!("add r1, #", $group_bytes),
                    "str r1, [sp, #40]",
                    "ldr r7, [sp, #12]",
                    "ldr r9, [sp, #36]",
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
                    $multiply!(),
                    $finish!(),
                    concat!($store, " q2, [r1]"),
                    "add r1, r3",
                    concat!($store, " q3, [r1]"),
                    "add r1, r3",
                    "str r1, [sp, #24]",
                    "subs r9, #1",
                    "bne 2b",
                    "ldr r0, [sp, #72]",
                    "cbz r0, 7f",
                    "movs r0, #0",
                    "str r0, [sp, #72]",
                    "ldrd r0, r2, [sp]",
                    "subs r1, r1, r3",
                    "subs r0, r0, r2",
                    "str r1, [sp, #24]",
                    "str r0, [sp]",
                    "mov r9, #1",
                    "b 2b",
                    "7:",
                    "ldr r0, [sp, #64]",
                    "subs r0, #1",
                    "str r0, [sp, #64]",
                    "bne 5b",
                    "add sp, #96",
                    "vpop {{d8-d15}}",
                    "add sp, #4",
                    "pop {{r4-r11, pc}}",
                )
            }
        };
    }

    multiply!(multiply_linear_to_bytes, linear, saturate_both, "vstrb.32", "4");
    multiply!(multiply_signed_to_bytes, signed, saturate_both, "vstrb.32", "4");
    multiply!(multiply_to_bytes, shifted, clamp_both, "vstrb.32", "4");
    multiply!(multiply_to_halves, shifted, clamp_both, "vstrh.32", "8");

    /// What [`pack`] works on.
    #[repr(C)]
    pub struct Packing {
        pub rows: [*const i8; 4],
        pub strides: [usize; 4],
        pub columns: *mut [Vector; 4],
        pub count: usize,
    }

    /// [`super::pack`].
    ///
    /// # Safety
    /// As [`super::pack`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn pack(job: &Packing) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r9, lr}}",
            "ldm r0, {{r0-r9}}",
            "dls lr, r9",
            "2:",
            "vldrb.u8 q0, [r0]",
            "vldrb.u8 q1, [r1]",
            "vldrb.u8 q2, [r2]",
            "vldrb.u8 q3, [r3]",
            "add r0, r4",
            "add r1, r5",
            "add r2, r6",
            "add r3, r7",
            "vst40.8 {{q0, q1, q2, q3}}, [r8]",
            "vst41.8 {{q0, q1, q2, q3}}, [r8]",
            "vst42.8 {{q0, q1, q2, q3}}, [r8]",
            "vst43.8 {{q0, q1, q2, q3}}, [r8]!",
            "le lr, 2b",
            "pop {{r4-r9, pc}}",
        )
    }

    /// What [`slide_to_bytes`] works on. In the order in which it loads it.
    #[repr(C)]
    pub struct Sliding {
        pub columns: *const i8,
        pub bias: *const i32,
        pub weights: *const i8,
        pub positive: *const i32,
        pub pixels: usize,
        pub negative: *const i32,
        pub low: i32,
        pub high: i32,
        pub shift: u32,
        pub output: *mut u8,
        pub zero_point: i32,
        pub stride_bytes: usize,
    }

    /// Sums in q0 to products in q1: one multiplier for both signs, no shift.
    macro_rules! slide_linear {
        () => {
            "vldrw.u32 q1, [r3]
            vrmulh.s32 q1, q0, q1"
        };
    }

    /// Two multipliers, no shift.
    macro_rules! slide_signed {
        () => {
            "vldrw.u32 q1, [r3]
            vldrw.u32 q2, [r5]
            vpt.s32 lt, q0, zr
            vorrt q1, q2, q2
            vrmulh.s32 q1, q0, q1"
        };
    }

    /// Two multipliers, shifted by r8. The sign is that before the shift.
    macro_rules! slide_shifted {
        () => {
            "vldrw.u32 q1, [r3]
            vldrw.u32 q2, [r5]
            vpt.s32 lt, q0, zr
            vorrt q1, q2, q2
            vshl.s32 q0, r8
            vrmulh.s32 q1, q0, q1"
        };
    }

    /// Clamps to the smallest and the largest result.
    macro_rules! clamp {
        () => {
            "vldrw.u32 q0, [sp]
            vldrw.u32 q2, [sp, #16]
            vmax.s32 q1, q1, q0
            vmin.s32 q1, q1, q2"
        };
    }

    /// Clamps to a byte.
    macro_rules! saturate {
        () => {
            "vqmovnb.s32 q1, q1
            vqmovnb.s16 q1, q1"
        };
    }

    /// [`super::slide`] with a step of `$step_bytes`. q3: where the four columns of a window are; q4–q7: weights of four
    /// channels; r0, r2, r4, r6: their sums; r1, r3, r5: biases and multipliers; r7: output; r9–r11: first output, zero point,
    /// distance of pixels; r12: groups left.
    ///
    /// 2: four channels; 3: a pixel. On the stack: the smallest and largest result; at 32 columns, weights and pixels.
    macro_rules! slide {
        ($name:ident, $step_bytes:literal, $multiply:ident, $clamp:ident, $store:literal, $group_bytes:literal) => {
            /// [`super::slide`].
            ///
            /// # Safety
            /// As [`super::slide`] checks.
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &Sliding) {
                naked_asm!(
                    ".cpu cortex-m55",
                    "push {{r4-r11, lr}}",
                    "sub sp, #4",
                    "vpush {{d8-d15}}",
                    "ldm r0, {{r0-r11}}",
                    "sub sp, #48",
                    "vdup.32 q0, r6",
                    "vdup.32 q1, r7",
                    "vstrw.32 q0, [sp]",
                    "vstrw.32 q1, [sp, #16]",
                    "strd r0, r2, [sp, #32]",
                    "str r4, [sp, #40]",
                    "mov r12, #4",
                    "2:",
                    "ldrd r0, r2, [sp, #32]",
                    "ldr lr, [sp, #40]",
                    "movs r4, #0",
                    "vidup.u32 q0, r4, #8",
                    "mov r7, r9",
                    "vshl.i32 q0, q0, #3",
                    "vadd.i32 q3, q0, r0",
                    "vadd.i32 q2, q0, r2",
                    "vldrw.u32 q4, [q2]",
                    "vldrw.u32 q5, [q2, #4]",
                    "vldrw.u32 q6, [q2, #8]",
                    "vldrw.u32 q7, [q2, #12]",
                    "adds r0, #16",
                    "adds r2, #16",
                    "strd r0, r2, [sp, #32]",
                    concat!("add r9, #", $group_bytes),
                    "dls lr, lr",
                    "3:",
                    concat!("vldrw.u32 q0, [q3, #", $step_bytes, "]!"),
                    "vldrw.u32 q1, [q3, #4]",
                    "vmladav.s8 r0, q0, q4",
                    "vldrw.u32 q0, [q3, #8]",
                    "vmladav.s8 r2, q1, q5",
                    "vldrw.u32 q1, [q3, #12]",
                    "vmladav.s8 r4, q0, q6",
                    "vldrw.u32 q2, [r1]",
                    "vmladav.s8 r6, q1, q7",
                    "vmov q0[2], q0[0], r0, r4",
                    "vmov q0[3], q0[1], r2, r6",
                    "vadd.i32 q0, q0, q2",
                    $multiply!(),
                    "vadd.i32 q1, q1, r10",
                    $clamp!(),
                    concat!($store, " q1, [r7]"),
                    "add r7, r11",
                    "le lr, 3b",
                    "adds r1, #16",
                    "adds r3, #16",
                    "adds r5, #16",
                    "subs r12, #1",
                    "bne 2b",
                    "add sp, #48",
                    "vpop {{d8-d15}}",
                    "add sp, #4",
                    "pop {{r4-r11, pc}}",
                )
            }
        };
    }

    slide!(slide_linear_to_bytes, "64", slide_linear, saturate, "vstrb.32", "4");
    slide!(slide_signed_to_bytes, "64", slide_signed, saturate, "vstrb.32", "4");
    slide!(slide_to_bytes, "64", slide_shifted, clamp, "vstrb.32", "4");
    slide!(slide_to_halves, "64", slide_shifted, clamp, "vstrh.32", "8");
    slide!(skip_linear_to_bytes, "128", slide_linear, saturate, "vstrb.32", "4");
    slide!(skip_signed_to_bytes, "128", slide_signed, saturate, "vstrb.32", "4");
    slide!(skip_to_bytes, "128", slide_shifted, clamp, "vstrb.32", "4");
    slide!(skip_to_halves, "128", slide_shifted, clamp, "vstrh.32", "8");

    /// What [`add_bytes_to_bytes`] works on besides elements. In the order in which it loads it.
    #[repr(C)]
    pub struct Addition {
        bias: *const i32,
        positive: *const i32,
        negative: *const i32,
        low: i32,
        high: i32,
        shift: u32,
        zero_point: i32,
        gains: [i32; 2],
    }

    impl Addition {
        pub fn new(gains: [i16; 2], stage: &Stage<'_>) -> Self {
            Addition {
                bias: stage.bias.as_ptr(),
                positive: stage.positive.as_ptr(),
                negative: stage.negative.as_ptr(),
                low: stage.low,
                high: stage.high,
                shift: stage.shift,
                zero_point: stage.zero_point,
                gains: gains.map(i32::from),
            }
        }

        /// # Safety
        /// `a`, `b`, `output` and the stage have `count` elements, of one or two bytes; `output` may be `a`.
        pub unsafe fn run<I, O>(&self, a: *const I, b: *const I, output: *mut O, count: usize) {
            let add = match (size_of::<I>(), size_of::<O>()) {
                (1, 1) => add_bytes_to_bytes,
                (1, _) => add_bytes_to_halves,
                (_, 1) => add_halves_to_bytes,
                _ => add_halves_to_halves,
            };
            // SAFETY: passed on to the caller.
            unsafe { add(a.cast(), b.cast(), output.cast(), count, self) };
        }
    }

    /// [`super::add`]. r0–r2: addends, output; r3–r5: bias and multipliers; r8–r11: shift, zero point, gains.
    macro_rules! add {
        ($name:ident, $load:literal, $bytes_in:literal, $store:literal, $bytes_out:literal) => {
            /// [`super::add`].
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
                    "push {{r4-r11, lr}}",
                    "ldr r12, [sp, #36]",
                    "vpush {{d8-d11}}",
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
                    "vpt.s32 lt, q2, zr",
                    "vorrt q0, q1, q1",
                    "vshl.s32 q2, r8",
                    "vrmulh.s32 q2, q2, q0",
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
}
