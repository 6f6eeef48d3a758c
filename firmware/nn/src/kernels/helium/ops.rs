//! The loops that compilers do not find: assembly on the target, its arithmetic elsewhere, so that every kernel can be tested
//! on any machine.
#![allow(unsafe_code)]

use core::ops::Range;

use super::Vector;
use crate::kernels::Element;
use crate::quant::Stage;

/// Whether the clamp of a stage is that to a byte.
#[cfg(arm_helium)]
fn is_whole(stage: &Stage<'_>) -> bool {
    stage.low == i8::MIN as i32 && stage.high == i8::MAX as i32
}

/// What a stage needs to do with an accumulator.
#[cfg(arm_helium)]
enum Kind {
    /// Multiply by one multiplier, and add a byte.
    Linear,
    /// Shift before that.
    LinearShifted,
    /// Multiply by the multiplier for its sign, and add a byte.
    Signed,
    /// Whatever stages can do.
    General,
}

#[cfg(arm_helium)]
impl Kind {
    fn of(stage: &Stage<'_>) -> Kind {
        let &Stage { positive, negative, shift, zero_point, .. } = stage;
        let is_byte = (i8::MIN as i32..=i8::MAX as i32).contains(&zero_point);
        let is_linear = core::ptr::eq(positive, negative) || positive == negative;
        match (is_byte, is_linear, shift == 0) {
            (true, true, true) => Kind::Linear,
            (true, true, false) => Kind::LinearShifted,
            (true, false, true) => Kind::Signed,
            _ => Kind::General,
        }
    }
}

/// Where elements go.
pub struct Place<'a, O> {
    /// The first pixel's, and what follows.
    pub elements: &'a mut [O],
    /// Elements from a pixel to the next.
    pub stride: usize,
}

#[cfg(arm_helium)]
impl<O> Place<'_, O> {
    /// Whether 16 bits count elements as far as the pixel behind that half of `count` pixels on, and four channels of it.
    fn is_near(&self, count: usize) -> bool {
        (count / 2 + 1) * self.stride + 3 <= u16::MAX as usize
    }
}

/// Whether elements start at a word, as vectors of words need it.
pub fn is_aligned<T>(elements: &[T]) -> bool {
    elements.as_ptr().addr().is_multiple_of(4)
}

/// Products of pixels, `taps` rounded up to whole vectors each, and filters `[channels][taps]`, requantised by the stage of as
/// many channels, which come in fours. Pixels are zero where there are no taps; what follows the last filter is read up to a
/// whole vector.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn multiply<O: Element>(
    pixels: &[i8],
    (weights, taps): (&[i8], usize),
    stage: &Stage<'_>,
    place: Place<'_, O>,
) {
    let steps = taps.div_ceil(16);
    let count = pixels.len() / (16 * steps);
    let channels = stage.bias.len();
    assert!(stage.positive.len() == channels && stage.negative.len() == channels);
    assert!(count > 0 && taps > 0 && channels > 0 && channels.is_multiple_of(4));
    assert!(pixels.len() == count * 16 * steps);
    assert!((channels - 1) * taps + 16 * steps <= weights.len());
    assert!((count - 1) * place.stride + channels <= place.elements.len());
    #[cfg(arm_helium)]
    if !place.is_near(count) && count > 1 {
        let half = count / 2;
        let (first, second) = pixels.split_at(half * 16 * steps);
        let Place { elements, stride } = place;
        let (first_elements, second_elements) = elements.split_at_mut(half * stride);
        multiply(first, (weights, taps), stage, Place { elements: first_elements, stride });
        multiply(second, (weights, taps), stage, Place { elements: second_elements, stride });
    } else {
        let filters = if place.is_near(count) && (taps == 27 || is_aligned(weights)) { taps } else { 0 };
        let run = match (size_of::<O>(), Kind::of(stage), is_whole(stage), filters) {
            (1, Kind::Linear, true, 27) => arm::multiply_27_linear_to_whole_bytes,
            (1, Kind::Linear, true, 64) => arm::multiply_64_linear_to_whole_bytes,
            (1, Kind::Linear, true, 128) => arm::multiply_128_linear_to_whole_bytes,
            (1, Kind::Linear, true, 256) => arm::multiply_256_linear_to_whole_bytes,
            (1, Kind::Linear, true, _) => arm::multiply_linear_to_whole_bytes,
            (1, Kind::Linear | Kind::LinearShifted, ..) => arm::multiply_linear_to_bytes,
            (1, Kind::Signed, true, 27) => arm::multiply_27_signed_to_whole_bytes,
            (1, Kind::Signed, true, 64) => arm::multiply_64_signed_to_whole_bytes,
            (1, Kind::Signed, true, 128) => arm::multiply_128_signed_to_whole_bytes,
            (1, Kind::Signed, true, _) => arm::multiply_signed_to_whole_bytes,
            (1, ..) => arm::multiply_to_bytes,
            _ => arm::multiply_to_halves,
        };
        let mut job = arm::Products::new((pixels, count), (weights, taps), stage, place);
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { run(&mut job) };
    }
    #[cfg(not(arm_helium))]
    for (pixel, elements) in pixels.chunks_exact(16 * steps).zip(place.elements.chunks_mut(place.stride)) {
        for (channel, (out, filter)) in
            elements.iter_mut().zip(weights.chunks(taps)).take(channels).enumerate()
        {
            let products = pixel.iter().zip(filter).map(|(&x, &w)| x as i32 * w as i32);
            let sum = products.fold(stage.bias[channel], i32::wrapping_add);
            *out = O::from_i32(stage.requantise(sum, channel));
        }
    }
}

/// Copies runs of `run_bytes`, `step_bytes` from one to the next, to the start of patches.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn gather(
    (source, step_bytes, run_bytes): (&[i8], usize, usize),
    (patches, patch_bytes): (&mut [i8], usize),
    count: usize,
) {
    assert!(count > 0 && run_bytes > 0);
    assert!((count - 1) * step_bytes + run_bytes <= source.len());
    assert!((count - 1) * patch_bytes + run_bytes <= patches.len());
    #[cfg(arm_helium)]
    {
        let (source, patches) = (source.as_ptr(), patches.as_mut_ptr());
        let job = arm::Gathering { source, step_bytes, patches, patch_bytes, run_bytes, count };
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { arm::gather(&job) };
    }
    #[cfg(not(arm_helium))]
    for index in 0..count {
        let run = &source[index * step_bytes..][..run_bytes];
        patches[index * patch_bytes..][..run_bytes].copy_from_slice(run);
    }
}

/// Makes vectors zero.
///
/// # Panics
/// When there are none.
pub fn clear(vectors: &mut [Vector]) {
    assert!(!vectors.is_empty());
    #[cfg(arm_helium)]
    // SAFETY: the function writes the vectors and nothing else.
    unsafe {
        arm::clear(vectors.as_mut_ptr(), vectors.len());
    }
    #[cfg(not(arm_helium))]
    vectors.fill([0; 16]);
}

/// What [`slide`] slides over: a window's rows from the first column that lies in the tensor, with the distance from one column
/// to the next; 0 for rows outside, which are the same sixteen bytes everywhere. And the columns that are so filled.
pub struct Strip<'a> {
    /// From top to bottom.
    pub rows: [(&'a [i8], usize); 4],
    /// Where the rows' columns go. Columns around them hold what is outside.
    pub inside: Range<usize>,
    /// Sixteen channels of a column, four bytes each: one a row.
    pub columns: &'a mut [Column],
    /// Room for filters four columns wide, and a column of zeros before them.
    pub taps: &'a mut [Column; 5],
}

/// Elements from a pixel to the next for which [`slide`] reaches three pixels on.
pub const MAX_STRIDE: usize = (u16::MAX as usize - 1) / 3;

/// Four bytes of each of sixteen channels, from top to bottom.
pub type Column = [Vector; 4];

/// Products of windows of a strip, `step` columns apart, and filters `[height][width][channels]`, requantised by the stage of as
/// many channels, which come in sixteens, for `pixels` pixels. A window is at most four by four, three wide if `step` is 1.
///
/// # Panics
/// When lengths do not agree, columns do not lie in whole words, `place.stride` is above [`MAX_STRIDE`], there are fewer than
/// four pixels, or `step` is neither 1 nor 2.
pub fn slide(
    strip: Strip<'_>,
    step: usize,
    (weights, [height, width]): (&[i8], [usize; 2]),
    pixels: usize,
    stage: &Stage<'_>,
    place: Place<'_, i8>,
) {
    let channels = stage.bias.len();
    let Strip { rows, inside, columns, taps } = strip;
    assert!(stage.positive.len() == channels && stage.negative.len() == channels);
    assert!(channels > 0 && channels.is_multiple_of(16) && weights.len() == height * width * channels);
    assert!(pixels >= 4 && matches!((step, width), (1, 1..=3) | (2, 1..=4)) && (1..=4).contains(&height));
    assert!(is_aligned(columns) && is_aligned(taps) && place.stride <= MAX_STRIDE);
    assert!(inside.end <= columns.len() && (pixels - 1) * step + 4 <= columns.len());
    assert!((pixels - 1) * place.stride + channels <= place.elements.len());
    for (row, stride) in rows {
        let bytes = if stride == 0 { 16 } else { inside.len().saturating_sub(1) * stride + channels };
        assert!(inside.is_empty() || bytes <= row.len());
    }
    let filter = |y: usize| match y < height {
        true => (&weights[y * width * channels..], channels),
        false => (&[0; 16][..], 0),
    };
    let filters = [0, 1, 2, 3].map(filter);
    #[cfg(arm_helium)]
    {
        clear(taps.as_flattened_mut());
        let kind = match (Kind::of(stage), is_whole(stage)) {
            (Kind::Linear, true) => [arm::slide_linear_to_whole_bytes, arm::skip_linear_to_whole_bytes],
            (Kind::Linear | Kind::LinearShifted, _) => {
                [arm::slide_linear_to_bytes, arm::skip_linear_to_bytes]
            }
            (Kind::Signed, true) => [arm::slide_signed_to_whole_bytes, arm::skip_signed_to_whole_bytes],
            _ => [arm::slide_to_bytes, arm::skip_to_bytes],
        };
        let run = kind[step - 1];
        let image = arm::Packing::new(rows, &mut columns[inside]);
        let taps = arm::Packing::new(filters, &mut taps[1..=width]);
        let mut job = arm::Sliding::new(image, taps, columns.as_ptr(), step, pixels, stage, place);
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { run(&mut job) };
    }
    #[cfg(not(arm_helium))]
    let _ = taps;
    #[cfg(not(arm_helium))]
    for pixel in 0..pixels {
        for (channel, out) in place.elements[pixel * place.stride..][..channels].iter_mut().enumerate() {
            let byte = |(row, stride): (&[i8], usize), x: usize| match stride {
                0 => row[channel % 16] as i32,
                _ => row[x * stride + channel] as i32,
            };
            let mut sum = stage.bias[channel];
            for (y, (row, filter)) in rows.into_iter().zip(filters).enumerate() {
                for x in 0..width {
                    let column = pixel * step + x;
                    let value = match inside.contains(&column) {
                        true => byte(row, column - inside.start),
                        false => columns[column].as_flattened()[channel % 16 * 4 + y] as i32,
                    };
                    sum = sum.wrapping_add(value * byte(filter, x));
                }
            }
            *out = stage.requantise(sum, channel) as i8;
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

/// [`add`] of a row of bytes to bytes, in pixels of a multiple of eight channels, by a linear stage whose zero point is a byte,
/// and that does not shift.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn add_bytes(a: &[i8], b: &[i8], gains: [i16; 2], stage: &Stage<'_>, output: &mut [i8]) {
    let count = output.len();
    assert!(a.len() == count && b.len() == count);
    check_row(stage, count);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        arm::add_bytes(
            a.as_ptr(),
            b.as_ptr(),
            output.as_mut_ptr(),
            &arm::RowAddition::new(gains, stage, count),
        );
    }
    #[cfg(not(arm_helium))]
    for (index, (output, (&a, &b))) in output.iter_mut().zip(a.iter().zip(b)).enumerate() {
        *output = added(a, b, gains, stage, index % stage.bias.len());
    }
}

/// [`add_bytes`] whose output takes the place of `a`.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn add_bytes_in_place(a: &mut [i8], b: &[i8], gains: [i16; 2], stage: &Stage<'_>) {
    let count = a.len();
    assert!(b.len() == count);
    check_row(stage, count);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads each element before it writes it.
    unsafe {
        let a = a.as_mut_ptr();
        arm::add_bytes(a.cast_const(), b.as_ptr(), a, &arm::RowAddition::new(gains, stage, count));
    }
    #[cfg(not(arm_helium))]
    for (index, (a, &b)) in a.iter_mut().zip(b).enumerate() {
        *a = added(*a, b, gains, stage, index % stage.bias.len());
    }
}

fn check_row(stage: &Stage<'_>, count: usize) {
    let channels = stage.bias.len();
    check_addition(stage, channels);
    assert!(channels.is_multiple_of(8) && count > 0 && count.is_multiple_of(channels));
}

fn check_addition(stage: &Stage<'_>, count: usize) {
    assert!(count > 0);
    assert!([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() >= count));
}

/// Adds products of values and weights to sums.
///
/// # Panics
/// When lengths do not agree, or there is nothing to do.
pub fn add_products(sums: &mut [i32], values: &[i8], weights: &[i8]) {
    let count = sums.len();
    assert!(count > 0 && values.len() == count && weights.len() == count);
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        arm::add_products(sums.as_mut_ptr(), values.as_ptr(), weights.as_ptr(), count);
    }
    #[cfg(not(arm_helium))]
    for (sum, (&value, &weight)) in sums.iter_mut().zip(values.iter().zip(weights)) {
        *sum = sum.wrapping_add(value as i32 * weight as i32);
    }
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

    use super::{Column, Place, is_aligned};
    use crate::quant::Stage;

    /// What [`multiply_to_bytes`] works on; it moves pointers on as it goes. Offsets are part of the assembly.
    #[repr(C)]
    pub struct Products {
        bias: *const i32,
        positive: *const i32,
        negative: *const i32,
        weights: *const i8,
        output: *mut u8,
        taps: usize,
        /// The first pixel, and that with which it goes in pairs, and so on.
        pixels: [*const i8; 2],
        /// Pairs but one in the upper half, the zero point in the lower.
        pairs: u32,
        /// Bytes of a filter that [`multiply_ahead`] multiplies.
        ahead_bytes: usize,
        /// Four channels each.
        groups: usize,
        /// Bytes of output from a pixel to the next.
        stride_bytes: usize,
        /// And to that with which it goes in pairs.
        distance_bytes: usize,
        zero_point: i32,
        shift: u32,
        low: i32,
        high: i32,
        /// Code for the first vectors of filters too long for the unrolled loop, or 0.
        ahead: usize,
        /// Bytes of the unrolled loop to skip.
        skipped_bytes: usize,
        /// From the end of a row's output to the start of the next channels'.
        next_bytes: usize,
        /// Where the bytes of a pair go: channel by channel, first one pixel's and then the other's.
        places: [u16; 8],
    }

    impl Products {
        pub fn new<O>(
            (pixels, count): (&[i8], usize),
            (weights, taps): (&[i8], usize),
            stage: &Stage<'_>,
            place: Place<'_, O>,
        ) -> Self {
            let steps = taps.div_ceil(16);
            let ahead_steps = (steps - 1).saturating_sub(UNROLLED).next_multiple_of(AHEAD);
            let [element, pairs] = [size_of::<O>(), count.div_ceil(2)];
            let stride_bytes = place.stride * element;
            let distance = count / 2;
            let other = distance * stride_bytes;
            Products {
                bias: stage.bias.as_ptr(),
                positive: stage.positive.as_ptr(),
                negative: stage.negative.as_ptr(),
                weights: weights.as_ptr(),
                output: place.elements.as_mut_ptr().cast(),
                taps,
                pixels: [pixels.as_ptr(), pixels[16 * steps * distance..].as_ptr()],
                pairs: (pairs as u32 - 1) << 16 | stage.zero_point as u16 as u32,
                ahead_bytes: 16 * ahead_steps,
                groups: stage.bias.len() / 4,
                stride_bytes,
                distance_bytes: other,
                zero_point: stage.zero_point,
                shift: stage.shift,
                low: stage.low,
                high: stage.high,
                ahead: if ahead_steps == 0 { 0 } else { multiply_ahead as *const () as usize },
                skipped_bytes: BODY_BYTES * (UNROLLED + ahead_steps - (steps - 1)),
                next_bytes: (4 * element).wrapping_sub(pairs * stride_bytes),
                places: [0, 1, 2, 3, 4, 5, 6, 7].map(|i| (i / 2 + i % 2 * other) as u16),
            }
        }
    }

    /// Vectors of each filter, after the first, that are multiplied without looking whether that was the last.
    const UNROLLED: usize = 15;
    /// Vectors before them after which [`multiply_ahead`] looks.
    const AHEAD: usize = 8;
    const BODY_BYTES: usize = 56;

    /// The first vector of two pixels times that of four filters, added to sums.
    macro_rules! first_products {
        () => {
            "vldrb.u8 q0, [r1], #16
            vldrb.u8 q1, [r3], #16
            vmladava.s8 r0, q0, q4
            vmladava.s8 r8, q1, q4
            vmladava.s8 r2, q0, q5
            vmladava.s8 r10, q1, q5
            vmladava.s8 r4, q0, q6
            vmladava.s8 r12, q1, q6
            vmladava.s8 r6, q0, q7
            vmladava.s8 lr, q1, q7"
        };
    }

    /// The next vector.
    macro_rules! products {
        () => {
            "vldrb.u8 q0, [r1], #16
            vldrb.u8 q2, [r5], #16
            vmladava.s8 r0, q0, q2
            vldrb.u8 q1, [r3], #16
            vmladava.s8 r8, q1, q2
            vldrb.u8 q2, [r7], #16
            vmladava.s8 r2, q0, q2
            vmladava.s8 r10, q1, q2
            vldrb.u8 q2, [r9], #16
            vmladava.s8 r4, q0, q2
            vmladava.s8 r12, q1, q2
            vldrb.u8 q2, [r11], #16
            vmladava.s8 r6, q0, q2
            vmladava.s8 lr, q1, q2"
        };
    }

    /// The next vector, of filters in reach of pointers that stay.
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

    /// Vectors of long filters, all between the first and the last of [`UNROLLED`]. It has the registers and the stack of
    /// [`multiply_to_bytes`], which it returns to.
    #[unsafe(naked)]
    unsafe extern "C" fn multiply_ahead() {
        naked_asm!(
            ".cpu cortex-m55",
            "2:",
            ".rept 8",
            products!(),
            ".endr",
            "vmov s0, r0",
            "ldr r0, [sp, #52]",
            "sub.w r0, r0, r5",
            "cbz r0, 3f",
            "vmov r0, s0",
            "b.w 2b",
            "3:",
            "vmov r0, s0",
            "ldr pc, [sp, #68]",
        )
    }

    /// Sums to vectors, one a pixel.
    macro_rules! place_products {
        () => {
            "vmov q0[2], q0[0], r0, r4
            vmov q1[2], q1[0], r8, r12
            vmov q0[3], q0[1], r2, r6
            vmov q1[3], q1[1], r10, lr"
        };
    }

    /// Sums to products: one multiplier for both signs, no shift.
    macro_rules! linear {
        () => {
            "vrmulh.s32 q0, q0, q3
            vrmulh.s32 q1, q1, q3"
        };
    }

    /// One multiplier, shifted.
    macro_rules! linear_shifted {
        () => {
            concat!(
                "ldr r0, [sp, #80]
                vshl.s32 q0, r0
                vshl.s32 q1, r0\n",
                linear!()
            )
        };
    }

    /// Two multipliers, no shift.
    macro_rules! signed {
        () => {
            "vldrw.u32 q2, [sp, #96]
            vpte.s32 ge, q0, zr
            vrmulht.s32 q0, q0, q3
            vrmulhe.s32 q0, q0, q2
            vpte.s32 ge, q1, zr
            vrmulht.s32 q1, q1, q3
            vrmulhe.s32 q1, q1, q2"
        };
    }

    /// Two multipliers, shifted. The sign is that before the shift.
    macro_rules! shifted {
        () => {
            "ldr r0, [sp, #80]
            vldrw.u32 q2, [sp, #96]
            vpttee.s32 ge, q0, zr
            vshlt.s32 q0, r0
            vrmulht.s32 q0, q0, q3
            vshle.s32 q0, r0
            vrmulhe.s32 q0, q0, q2
            vpttee.s32 ge, q1, zr
            vshlt.s32 q1, r0
            vrmulht.s32 q1, q1, q3
            vshle.s32 q1, r0
            vrmulhe.s32 q1, q1, q2"
        };
    }

    /// Products to bytes. 16 bits on the way suffice for the zero point of bytes.
    macro_rules! whole_bytes {
        ($places:literal) => {
            concat!(
                "vqmovnb.s32 q0, q0
                vldrw.u32 q2, ",
                $places,
                "\nvqmovnt.s32 q0, q1
                vqadd.s16 q0, q0, r9
                vqmovnb.s16 q0, q0
                vstrb.16 q0, [r7, q2]"
            )
        };
    }

    /// The same, clamped.
    macro_rules! clamped_bytes {
        ($places:literal) => {
            concat!(
                "vqmovnb.s32 q0, q0
                vldrw.u32 q2, [sp, #128]
                vqmovnt.s32 q0, q1
                vldrw.u32 q1, [sp, #144]
                vqadd.s16 q0, q0, r9
                vmax.s16 q0, q0, q2
                vldrw.u32 q2, ",
                $places,
                "\nvmin.s16 q0, q0, q1
                vstrb.16 q0, [r7, q2]"
            )
        };
    }

    /// Products to elements, a pixel at a time.
    macro_rules! elements {
        ($store:literal) => {
            concat!(
                "ldrd r0, r2, [sp, #84]
                vldrw.u32 q2, [sp, #128]
                vadd.i32 q0, q0, r2
                vadd.i32 q1, q1, r2
                vmax.s32 q0, q0, q2
                vmax.s32 q1, q1, q2
                vldrw.u32 q2, [sp, #144]
                vmin.s32 q0, q0, q2
                vmin.s32 q1, q1, q2
                add r0, r7\n",
                $store,
                " q0, [r7]\n",
                $store,
                " q1, [r0]"
            )
        };
    }

    macro_rules! bytes {
        ($places:literal) => {
            elements!("vstrb.32")
        };
    }

    macro_rules! halves {
        ($places:literal) => {
            elements!("vstrh.32")
        };
    }

    /// What [`super::multiply`]'s functions begin with. r0: the job, which r12 becomes.
    macro_rules! enter_multiply {
        ($clamped:literal) => {
            concat!(
                "push {{r4-r11, lr}}
                sub sp, #4
                vpush {{d8-d15}}
                sub sp, #176
                mov r12, r0
                str r0, [sp, #72]
                add r0, #40
                ldm r0, {{r1-r9}}
                str r2, [sp, #64]
                str r5, [sp, #80]
                strd r3, r4, [sp, #84]
                vdup.",
                $clamped,
                " q0, r6
                vdup.",
                $clamped,
                " q1, r7
                vldrw.u32 q2, [r12, #80]
                vstrw.32 q0, [sp, #128]
                vstrw.32 q1, [sp, #144]
                vstrw.32 q2, [sp, #112]
                vadd.i16 q2, q2, r2
                vstrw.32 q2, [sp, #160]"
            )
        };
    }

    /// And end with.
    macro_rules! leave_multiply {
        () => {
            "add sp, #176
            vpop {{d8-d15}}
            add sp, #4
            pop {{r4-r11, pc}}"
        };
    }

    /// [`super::multiply`]. A tile is two pixels of four channels, the pixels half a row apart, so that each runs on to the
    /// next. r0, r2, r4, r6: sums of the first pixel; r8, r10, r12, lr: of the second; r1, r3: pixels; r5, r7, r9, r11:
    /// filters; later r7, r9, r11: output, pairs left with the zero point, output stride. q3: multipliers; q4–q7: first vectors
    /// of filters.
    ///
    /// 5: four channels; 2: a tile; 4: vectors of filters after the first.
    ///
    /// On the stack: at 0 what a tile starts with; 48 where vectors after the first start, 52 see [`multiply_ahead`], 56 and 60
    /// output and pairs left, 64 output stride, 68 where the last vectors start, 72 the job, 80 shift, 84 distance of a pair in
    /// the output, 88 zero point, 96 negative multipliers, 112 places, 128 and 144 smallest and largest result.
    macro_rules! multiply {
        ($name:ident, $multiply:ident, $finish:ident, $clamped:literal, $group_bytes:literal) => {
            /// [`super::multiply`].
            ///
            /// # Safety
            /// As [`super::multiply`] checks.
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &mut Products) {
                naked_asm!(
                    ".cpu cortex-m55",
                    enter_multiply!($clamped),
                    "adr.w r1, 4f",
                    "add r1, r9",
                    "orr r1, #1",
                    "str r1, [sp, #68]",
                    "cmp r8, #0",
                    "it eq",
                    "moveq r8, r1",
                    "str.w r8, [sp, #48]",
                    "5:",
                    "ldr.w lr, [sp, #72]",
                    "ldm.w lr, {{r1, r3, r5, r7, r9, r11}}",
                    "vldrw.u32 q3, [r3], #16",
                    "vldrw.u32 q0, [r5], #16",
                    "vstrw.32 q0, [sp, #96]",
                    "str.w r9, [sp, #56]",
                    concat!("add.w r9, r9, #", $group_bytes),
                    "ldm r1!, {{r0, r2, r4, r6}}",
                    "add.w r8, r7, r11, lsl #2",
                    "stm.w lr, {{r1, r3, r5, r8, r9}}",
                    "mov r5, r7",
                    "add r7, r11",
                    "add.w r9, r7, r11",
                    "add r11, r9",
                    "vldrb.u8 q4, [r5], #16",
                    "vldrb.u8 q5, [r7], #16",
                    "vldrb.u8 q6, [r9], #16",
                    "vldrb.u8 q7, [r11], #16",
                    "ldrd r1, r3, [lr, #32]",
                    "str r1, [sp, #60]",
                    "add r3, r5",
                    "str r3, [sp, #52]",
                    "ldrd r1, r3, [lr, #24]",
                    "mov r8, r0",
                    "mov r10, r2",
                    "mov r12, r4",
                    "mov lr, r6",
                    "stm.w sp, {{r0, r2, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
                    "2:",
                    "ldm.w sp, {{r0, r2, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}",
                    first_products!(),
                    "ldr.w pc, [sp, #48]",
                    ".p2align 2",
                    "4:",
                    ".rept 15",
                    products!(),
                    ".endr",
                    place_products!(),
                    "ldrd r7, r9, [sp, #56]",
                    "ldr.w r11, [sp, #64]",
                    $multiply!(),
                    $finish!("[sp, #112]"),
                    "add r7, r11",
                    "subs.w r9, r9, #65536",
                    "strd r7, r9, [sp, #56]",
                    "bcs.w 2b",
                    "ldr r1, [sp, #72]",
                    "ldr r0, [r1, #40]",
                    "subs r0, #1",
                    "str r0, [r1, #40]",
                    "bne.w 5b",
                    leave_multiply!(),
                )
            }
        };
    }

    multiply!(multiply_linear_to_whole_bytes, linear, whole_bytes, "16", "4");
    multiply!(multiply_linear_to_bytes, linear_shifted, clamped_bytes, "16", "4");
    multiply!(multiply_signed_to_whole_bytes, signed, whole_bytes, "16", "4");
    multiply!(multiply_to_bytes, shifted, bytes, "32", "4");
    multiply!(multiply_to_halves, shifted, halves, "32", "8");

    /// [`super::multiply`] where filters of four channels are in reach of one or two pointers. As [`multiply_to_bytes`], but
    /// for r5: filters; r7, r9: output, pairs of tiles left with the zero point; r11: twice the output stride, or the third
    /// filter.
    ///
    /// 5: four channels; 2: two tiles; 6: the second of them.
    ///
    /// On the stack: at 0 sums that a tile starts with; 32 bias, 36 multipliers, 40 negative multipliers, 44 pairs of tiles
    /// with the zero point, 48 pixels, 56 groups left, 60 what goes from the output's end to the next channels, 64 the output
    /// stride if tiles are odd, 68 twice the output stride, 160 places of the second tile.
    macro_rules! multiply_near {
        (
            $name:ident, $multiply:ident, $finish:ident, $load:literal, $steps:literal,
            ($first:literal, $second:literal, $third:literal, $fourth:literal, $group:literal),
            $enter:literal, $advance:literal
        ) => {
            /// [`super::multiply`].
            ///
            /// # Safety
            /// As [`super::multiply`] checks, with filters as long as the name says; not of 27 taps in whole words.
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &mut Products) {
                naked_asm!(
                    ".cpu cortex-m55",
                    enter_multiply!("16"),
                    "ldm.w r12, {{r0, r3, r4, r5, r7}}",
                    "strd r0, r3, [sp, #32]",
                    "ldr.w r0, [r12, #32]",
                    "lsls r3, r0, #15",
                    "lsr.w r3, r0, #17",
                    "pkhbt r3, r0, r3, lsl #16",
                    "strd r4, r3, [sp, #40]",
                    "lsl.w r11, r2, #1",
                    "it mi",
                    "movmi r2, #0",
                    "str r2, [sp, #64]",
                    "str.w r11, [sp, #68]",
                    "ldrd r0, r2, [r12, #24]",
                    "strd r0, r2, [sp, #48]",
                    "ldr.w r0, [r12, #76]",
                    "strd r1, r0, [sp, #56]",
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
                    $enter,
                    concat!($load, " q4, [", $first, "]"),
                    concat!($load, " q5, [", $second, "]"),
                    concat!($load, " q6, [", $third, "]"),
                    concat!($load, " q7, [", $fourth, "]"),
                    "ldrd r1, r3, [sp, #48]",
                    "ldr r0, [sp, #64]",
                    "ldr.w r9, [sp, #44]",
                    "cbz r0, 2f",
                    "subs r7, r7, r0",
                    "b.w 6f",
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
                    $advance,
                    "subs.w r9, r9, #65536",
                    "bcs.w 2b",
                    "ldrd r0, r2, [sp, #56]",
                    concat!("add.w r5, r5, #", $group),
                    "add r7, r2",
                    "subs r0, #1",
                    "str r0, [sp, #56]",
                    "bne.w 5b",
                    leave_multiply!(),
                )
            }
        };
    }

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

    /// What [`gather`] works on. In the order in which it loads it.
    #[repr(C)]
    pub struct Gathering {
        pub source: *const i8,
        pub step_bytes: usize,
        pub patches: *mut i8,
        pub patch_bytes: usize,
        pub run_bytes: usize,
        pub count: usize,
    }

    /// [`super::gather`].
    ///
    /// # Safety
    /// As [`super::gather`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn gather(job: &Gathering) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r7, lr}}",
            "ldm r0, {{r0-r5}}",
            "cmp r4, #16",
            "bls 4f",
            "2:",
            "mov r6, r0",
            "mov r7, r2",
            "dlstp.8 lr, r4",
            "3:",
            "vldrb.u8 q0, [r6], #16",
            "vstrb.8 q0, [r7], #16",
            "letp lr, 3b",
            "add r0, r1",
            "add r2, r3",
            "subs r5, #1",
            "bne 2b",
            "pop {{r4-r7, pc}}",
            "4:",
            "vctp.8 r4",
            "dls lr, r5",
            "5:",
            "vpstt",
            "vldrbt.u8 q0, [r0]",
            "vstrbt.8 q0, [r2]",
            "add r0, r1",
            "add r2, r3",
            "le lr, 5b",
            "pop {{r4-r7, pc}}",
        )
    }

    /// [`super::clear`].
    ///
    /// # Safety
    /// There are `count` vectors, and one at least.
    #[unsafe(naked)]
    pub unsafe extern "C" fn clear(vectors: *mut super::Vector, count: usize) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r7, lr}}",
            "dls lr, r1",
            "vmov.i32 q0, #0",
            "2:",
            "vstrb.8 q0, [r0], #16",
            "le lr, 2b",
            "pop {{r7, pc}}",
        )
    }

    /// Rows to be packed into columns, sixteen channels at a time: four bytes a channel, one a row. In the order in which it is
    /// loaded.
    #[repr(C)]
    pub struct Packing {
        rows: [*const i8; 4],
        strides: [usize; 4],
        columns: *mut Column,
        count: usize,
        /// Bytes from sixteen channels to the next.
        advances: [usize; 4],
        /// The stride of three rows in whole words, or 0.
        step: usize,
    }

    impl Packing {
        pub fn new(rows: [(&[i8], usize); 4], columns: &mut [Column]) -> Self {
            let strides = rows.map(|(_, stride)| stride);
            let is_even = strides[1] == strides[0] && strides[2] == strides[0] && strides[3] == 0;
            let are_words = rows[..3].iter().all(|(row, _)| is_aligned(row));
            Packing {
                rows: rows.map(|(row, _)| row.as_ptr()),
                strides,
                columns: columns.as_mut_ptr(),
                count: columns.len(),
                advances: strides.map(|stride| if stride == 0 { 0 } else { 16 }),
                step: if is_even && are_words { strides[0] } else { 0 },
            }
        }
    }

    /// A column of sixteen channels of four rows, of which registers hold the first. r8: where it goes.
    macro_rules! pack_columns {
        ($label:literal, $($load:literal),*) => {
            concat!(
                $label,
                ":\n",
                $($load, "\n",)*
                "vst40.8 {{q0, q1, q2, q3}}, [r8]
                vst41.8 {{q0, q1, q2, q3}}, [r8]
                vst42.8 {{q0, q1, q2, q3}}, [r8]
                vst43.8 {{q0, q1, q2, q3}}, [r8]!
                le lr, ",
                $label,
                "b"
            )
        };
    }

    /// Packs sixteen channels and moves on to the next. r10: the packing. Changes r0–r9, r11, r12 and q0–q3.
    #[unsafe(naked)]
    unsafe extern "C" fn pack() {
        naked_asm!(
            ".cpu cortex-m55",
            "mov r12, lr",
            "ldm.w r10, {{r0-r9}}",
            "cmp r9, #0",
            "beq 9f",
            "dls lr, r9",
            "cbnz r7, 2f",
            "vldrb.u8 q3, [r3]",
            "ldr.w r11, [r10, #56]",
            "cmp.w r11, #64",
            "beq 4f",
            "cmp.w r11, #128",
            "beq 5f",
            "cmp.w r11, #256",
            "beq 6f",
            pack_columns!(
                "3",
                "vldrb.u8 q0, [r0]",
                "vldrb.u8 q1, [r1]",
                "vldrb.u8 q2, [r2]",
                "add r0, r4",
                "add r1, r5",
                "add r2, r6"
            ),
            "b 9f",
            pack_columns!(
                "2",
                "vldrb.u8 q0, [r0]",
                "vldrb.u8 q1, [r1]",
                "vldrb.u8 q2, [r2]",
                "vldrb.u8 q3, [r3]",
                "add r0, r4",
                "add r1, r5",
                "add r2, r6",
                "add r3, r7"
            ),
            "b 9f",
            pack_columns!(
                "4",
                "vldrw.u32 q0, [r0], #64",
                "vldrw.u32 q1, [r1], #64",
                "vldrw.u32 q2, [r2], #64"
            ),
            "b 9f",
            pack_columns!(
                "5",
                "vldrw.u32 q0, [r0], #128",
                "vldrw.u32 q1, [r1], #128",
                "vldrw.u32 q2, [r2], #128"
            ),
            "b 9f",
            pack_columns!(
                "6",
                "vldrw.u32 q0, [r0], #256",
                "vldrw.u32 q1, [r1], #256",
                "vldrw.u32 q2, [r2], #256"
            ),
            "9:",
            "vldrw.u32 q0, [r10]",
            "vldrw.u32 q1, [r10, #40]",
            "vadd.i32 q0, q0, q1",
            "vstrw.32 q0, [r10]",
            "bx r12",
        )
    }

    /// What [`slide_to_bytes`] works on. Offsets are part of the assembly.
    #[repr(C)]
    pub struct Sliding {
        image: Packing,
        taps: Packing,
        bias: *const i32,
        positive: *const i32,
        negative: *const i32,
        output: *mut i8,
        /// Four pixels each.
        blocks: usize,
        /// The zero point in the lower half; negative if pixels are left: then a last block overlaps the one before.
        rest: u32,
        /// By which it overlaps it, in columns and in the output.
        overlap_bytes: [usize; 2],
        shift: u32,
        zero_point: i32,
        block_stride_bytes: usize,
        /// Sixteen channels each.
        groups: usize,
        low: i32,
        high: i32,
        /// Filters, less the first step; from filters to the first columns, less theirs.
        filters: *const u8,
        windows_offset: usize,
        /// Where the bytes of a block go: two channels, pixel by pixel.
        places: [u16; 8],
    }

    impl Sliding {
        pub fn new(
            image: Packing,
            taps: Packing,
            columns: *const Column,
            step: usize,
            pixels: usize,
            stage: &Stage<'_>,
            place: Place<'_, i8>,
        ) -> Self {
            let rest = pixels % 4;
            let overlap = (4 - rest) % 4;
            let first_step = if step == 1 { 256 } else { 252 };
            let filters = taps.columns.cast_const().cast::<u8>().wrapping_sub(8);
            let taps_address = taps.columns.addr();
            Sliding {
                image,
                taps,
                bias: stage.bias.as_ptr(),
                positive: stage.positive.as_ptr(),
                negative: stage.negative.as_ptr(),
                output: place.elements.as_mut_ptr(),
                blocks: pixels / 4,
                rest: u32::from(rest > 0) << 31 | stage.zero_point as u16 as u32,
                overlap_bytes: [overlap * step * size_of::<Column>(), overlap * place.stride],
                shift: stage.shift,
                zero_point: stage.zero_point,
                block_stride_bytes: 4 * place.stride,
                groups: stage.bias.len() / 16,
                low: stage.low,
                high: stage.high,
                filters,
                windows_offset: columns.addr().wrapping_sub(first_step).wrapping_sub(taps_address),
                places: [0, 1, 2, 3, 4, 5, 6, 7].map(|i| (i / 2 * place.stride + i % 2) as u16),
            }
        }
    }

    /// Sums of four pixels side by side, for two channels: two windows, each multiplied with the filter and with the filter moved
    /// by a column.
    macro_rules! near {
        () => {
            "vldrw.u32 q0, [q3, #256]!
            vldrw.u32 q1, [q3, #128]
            vmladav.s8 r0, q0, q4
            vmladav.s8 r2, q0, q5
            vldrw.u32 q0, [q3, #4]
            vmladav.s8 r4, q1, q4
            vmladav.s8 r6, q1, q5
            vldrw.u32 q1, [q3, #132]
            vmov q2[2], q2[0], r0, r4
            vmladav.s8 r0, q0, q6
            vmov q2[3], q2[1], r2, r6
            vmladav.s8 r2, q0, q7
            vmladav.s8 r4, q1, q6
            vmladav.s8 r6, q1, q7"
        };
    }

    /// The same where windows are two columns apart: four windows.
    macro_rules! apart {
        () => {
            "vldrw.u32 q0, [q3, #252]!
            vldrw.u32 q1, [q3, #128]
            vmladav.s8 r0, q0, q4
            vldrw.u32 q0, [q3, #256]
            vmladav.s8 r2, q1, q4
            vldrw.u32 q1, [q3, #384]
            vmladav.s8 r4, q0, q4
            vldrw.u32 q0, [q3, #4]
            vmladav.s8 r6, q1, q4
            vldrw.u32 q1, [q3, #132]
            vmov q2[2], q2[0], r0, r4
            vmladav.s8 r0, q0, q6
            vldrw.u32 q0, [q3, #388]
            vmov q2[3], q2[1], r2, r6
            vmladav.s8 r2, q1, q6
            vldrw.u32 q1, [q3, #260]!
            vmladav.s8 r6, q0, q6
            vmladav.s8 r4, q1, q6"
        };
    }

    macro_rules! slide_linear {
        () => {
            "vdup.32 q0, r10
            vrmulh.s32 q2, q2, q0
            vdup.32 q0, r11
            vrmulh.s32 q1, q1, q0"
        };
    }

    macro_rules! slide_linear_shifted {
        () => {
            concat!(
                "ldr r0, [sp, #112]
                vshl.s32 q2, r0
                vshl.s32 q1, r0\n",
                slide_linear!()
            )
        };
    }

    macro_rules! slide_signed {
        () => {
            "vdup.32 q0, r10
            vpt.s32 lt, q2, zr
            vdupt.32 q0, r8
            vrmulh.s32 q2, q2, q0
            vdup.32 q0, r11
            vpt.s32 lt, q1, zr
            vdupt.32 q0, r9
            vrmulh.s32 q1, q1, q0"
        };
    }

    macro_rules! slide_shifted {
        () => {
            "ldr r0, [sp, #112]
            vdup.32 q0, r10
            vpt.s32 lt, q2, zr
            vdupt.32 q0, r8
            vshl.s32 q2, r0
            vrmulh.s32 q2, q2, q0
            vdup.32 q0, r11
            vpt.s32 lt, q1, zr
            vdupt.32 q0, r9
            vshl.s32 q1, r0
            vrmulh.s32 q1, q1, q0"
        };
    }

    /// Products to bytes, two a pixel. 16 bits on the way suffice for the zero point of bytes.
    macro_rules! slide_to_whole_bytes {
        () => {
            "vqmovnb.s32 q2, q2
            vldrw.u32 q0, [sp, #64]
            vqmovnt.s32 q2, q1
            vqadd.s16 q2, q2, r12
            vqmovnb.s16 q2, q2"
        };
    }

    /// The same, clamped.
    macro_rules! slide_to_clamped_bytes {
        () => {
            "vqmovnb.s32 q2, q2
            vldrw.u32 q0, [sp, #32]
            vqmovnt.s32 q2, q1
            vldrw.u32 q1, [sp, #48]
            vqadd.s16 q2, q2, r12
            vmax.s16 q2, q2, q0
            vldrw.u32 q0, [sp, #64]
            vmin.s16 q2, q2, q1"
        };
    }

    /// Adds the zero point and clamps 32 bits.
    macro_rules! slide_to_bytes {
        () => {
            "ldr r0, [sp, #128]
            vldrw.u32 q0, [sp, #32]
            vadd.i32 q2, q2, r0
            vadd.i32 q1, q1, r0
            vmax.s32 q2, q2, q0
            vmax.s32 q1, q1, q0
            vldrw.u32 q0, [sp, #48]
            vmin.s32 q2, q2, q0
            vmin.s32 q1, q1, q0
            vldrw.u32 q0, [sp, #64]
            vmovnt.i32 q2, q1"
        };
    }

    /// [`super::slide`]. r1, r3: biases of two channels; r10, r11: their multipliers; r8, r9: their negative multipliers; r5:
    /// where a block goes; r7: from it to the next; r12: zero point and whether pixels are left; r0, r2, r4, r6: sums of four
    /// pixels; q3: where the four columns of a window are; q4–q7: filters of two channels, each followed by itself moved by a
    /// column.
    ///
    /// 5: sixteen channels; 2: two of them; 3: four pixels; 4: the next two channels.
    ///
    /// On the stack: at 0 channels left in twos, 4 from filters to windows, 16 where the last channels' filters are, 32 and 48
    /// smallest and largest result, 64 places, 80 bias, 84 multipliers, 88 negative multipliers, 92 output, 96 blocks, 100 see
    /// r12, 104 the last block's overlap, 112 shift, 116 the job, 124 groups left, 128 zero point.
    macro_rules! slide {
        ($name:ident, $sum:ident, $multiply:ident, $finish:ident, $clamped:literal) => {
            /// [`super::slide`].
            ///
            /// # Safety
            /// As [`super::slide`] checks.
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &mut Sliding) {
                naked_asm!(
                    ".cpu cortex-m55",
                    "push {{r4-r11, lr}}",
                    "sub sp, #4",
                    "vpush {{d8-d15}}",
                    "sub sp, #136",
                    "str r0, [sp, #116]",
                    "add.w r12, r0, #120",
                    "ldm.w r12, {{r1-r10}}",
                    "add.w r12, sp, #80",
                    "stm.w r12, {{r1-r9}}",
                    "str.w r10, [sp, #128]",
                    "ldrd r1, r2, [r0, #164]",
                    "str r1, [sp, #124]",
                    "ldr.w r3, [r0, #172]",
                    concat!("vdup.", $clamped, " q0, r2"),
                    concat!("vdup.", $clamped, " q1, r3"),
                    "vldrw.u32 q2, [r0, #184]",
                    "vstrw.32 q0, [sp, #32]",
                    "vstrw.32 q1, [sp, #48]",
                    "vstrw.32 q2, [sp, #64]",
                    "5:",
                    "ldr.w r10, [sp, #116]",
                    "bl {pack}",
                    "add.w r10, r10, #60",
                    "bl {pack}",
                    "ldr r6, [sp, #116]",
                    "ldr.w r7, [r6, #160]",
                    "ldrd r1, r2, [r6, #176]",
                    "movs r0, #0",
                    "vidup.u32 q0, r0, #8",
                    "vshl.i32 q0, q0, #3",
                    "vadd.i32 q0, q0, r1",
                    "vstrw.32 q0, [sp, #16]",
                    "movs r1, #8",
                    "strd r1, r2, [sp]",
                    "2:",
                    "ldrd r0, r2, [sp, #80]",
                    "ldrd r4, r5, [sp, #88]",
                    "ldrd r1, r3, [r0], #8",
                    "ldrd r10, r11, [r2], #8",
                    "ldrd r8, r9, [r4], #8",
                    "adds r6, r5, #2",
                    "strd r0, r2, [sp, #80]",
                    "strd r4, r6, [sp, #88]",
                    "vldrw.u32 q0, [sp, #16]",
                    "vldrw.u32 q4, [q0, #8]!",
                    "ldr r0, [sp, #4]",
                    "vldrw.u32 q5, [q0, #-64]",
                    "vldrw.u32 q6, [q0, #4]",
                    "vldrw.u32 q7, [q0, #-60]",
                    "vadd.i32 q3, q0, r0",
                    "vstrw.32 q0, [sp, #16]",
                    "ldrd r0, r12, [sp, #96]",
                    "dls lr, r0",
                    "3:",
                    $sum!(),
                    "vmov q1[2], q1[0], r0, r4",
                    "vmov q1[3], q1[1], r2, r6",
                    "vadd.i32 q2, q2, r1",
                    "vadd.i32 q1, q1, r3",
                    $multiply!(),
                    $finish!(),
                    "vstrb.16 q2, [r5, q0]",
                    "add r5, r7",
                    "le lr, 3b",
                    "cmp.w r12, #0",
                    "bge 4f",
                    "uxth.w r12, r12",
                    "ldrd r2, r4, [sp, #104]",
                    "vsub.i32 q3, q3, r2",
                    "subs r5, r5, r4",
                    "mov.w lr, #1",
                    "b.w 3b",
                    "4:",
                    "ldr r0, [sp]",
                    "subs r0, #1",
                    "str r0, [sp]",
                    "bne.w 2b",
                    "ldr r0, [sp, #124]",
                    "subs r0, #1",
                    "str r0, [sp, #124]",
                    "bne.w 5b",
                    "add sp, #136",
                    "vpop {{d8-d15}}",
                    "add sp, #4",
                    "pop {{r4-r11, pc}}",
                    pack = sym pack,
                )
            }
        };
    }

    slide!(slide_linear_to_whole_bytes, near, slide_linear, slide_to_whole_bytes, "16");
    slide!(slide_linear_to_bytes, near, slide_linear_shifted, slide_to_clamped_bytes, "16");
    slide!(slide_signed_to_whole_bytes, near, slide_signed, slide_to_whole_bytes, "16");
    slide!(slide_to_bytes, near, slide_shifted, slide_to_bytes, "32");
    slide!(skip_linear_to_whole_bytes, apart, slide_linear, slide_to_whole_bytes, "16");
    slide!(skip_linear_to_bytes, apart, slide_linear_shifted, slide_to_clamped_bytes, "16");
    slide!(skip_signed_to_whole_bytes, apart, slide_signed, slide_to_whole_bytes, "16");
    slide!(skip_to_bytes, apart, slide_shifted, slide_to_bytes, "32");

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

    /// What [`add_bytes`] works on besides elements. In the order in which it loads it.
    #[repr(C)]
    pub struct RowAddition {
        gains: [i32; 2],
        zero_point: i32,
        bias: *const i32,
        pixels: usize,
        /// Eight channels each.
        groups: usize,
        low: i32,
        high: i32,
        multipliers: *const i32,
    }

    impl RowAddition {
        pub fn new(gains: [i16; 2], stage: &Stage<'_>, count: usize) -> Self {
            RowAddition {
                gains: gains.map(i32::from),
                zero_point: stage.zero_point,
                bias: stage.bias.as_ptr(),
                pixels: count / stage.bias.len(),
                groups: stage.bias.len() / 8,
                low: stage.low,
                high: stage.high,
                multipliers: stage.positive.as_ptr(),
            }
        }
    }

    /// [`super::add_bytes`]. r3, r10: bias and multipliers of a channel; r4, r5: gains; r6: zero point; r7, r12: bias and
    /// multipliers of the first; r8: pixels left; r9: groups of a pixel; q4, q5: smallest and largest result.
    ///
    /// # Safety
    /// `a`, `b` and `output`, which may be `a`, have the elements that the job counts.
    #[unsafe(naked)]
    pub unsafe extern "C" fn add_bytes(a: *const i8, b: *const i8, output: *mut i8, job: &RowAddition) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r11, lr}}",
            "ldm r3, {{r4-r12}}",
            "vpush {{d8-d11}}",
            "vdup.16 q4, r10",
            "vdup.16 q5, r11",
            "2:",
            "mov r3, r7",
            "mov r10, r12",
            "dls lr, r9",
            "3:",
            "vldrw.u32 q0, [r3], #16",
            "vldrb.s32 q2, [r0], #4",
            "vldrw.u32 q1, [r3], #16",
            "vmla.s32 q0, q2, r4",
            "vldrb.s32 q3, [r0], #4",
            "vldrb.s32 q2, [r1], #4",
            "vmla.s32 q1, q3, r4",
            "vldrb.s32 q3, [r1], #4",
            "vmla.s32 q0, q2, r5",
            "vldrw.u32 q2, [r10], #16",
            "vmla.s32 q1, q3, r5",
            "vldrw.u32 q3, [r10], #16",
            "vrmulh.s32 q0, q0, q2",
            "vrmulh.s32 q1, q1, q3",
            "vqmovnb.s32 q0, q0",
            "vqmovnt.s32 q0, q1",
            "vqadd.s16 q0, q0, r6",
            "vmax.s16 q0, q0, q4",
            "vmin.s16 q0, q0, q5",
            "vstrb.32 q0, [r2], #4",
            "vshr.u32 q0, q0, #16",
            "vstrb.32 q0, [r2], #4",
            "le lr, 3b",
            "subs.w r8, r8, #1",
            "bne 2b",
            "vpop {{d8-d11}}",
            "pop {{r4-r11, pc}}",
        )
    }

    /// [`super::add_products`].
    ///
    /// # Safety
    /// All have `count` elements.
    #[unsafe(naked)]
    pub unsafe extern "C" fn add_products(
        sums: *mut i32,
        values: *const i8,
        weights: *const i8,
        count: usize,
    ) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r7, lr}}",
            "dlstp.32 lr, r3",
            "2:",
            "vldrb.s32 q0, [r1], #4",
            "vldrb.s32 q1, [r2], #4",
            "vldrw.u32 q2, [r0]",
            "vmul.i32 q0, q0, q1",
            "vadd.i32 q2, q2, q0",
            "vstrw.32 q2, [r0], #16",
            "letp lr, 2b",
            "pop {{r7, pc}}",
        )
    }
}
