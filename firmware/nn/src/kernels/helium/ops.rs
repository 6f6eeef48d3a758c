//! Loops that compilers do not generate well: assembly on the target and equivalent arithmetic elsewhere, so that
//! every kernel can be tested on any machine.
#![allow(unsafe_code)]

use core::ops::Range;

use super::Vector;
#[cfg(arm_helium)]
use super::asm;
use super::choose::{self, MAX_STRIDE};
#[cfg(arm_helium)]
use super::choose::{Epilogue, Multipliers, Product};
use crate::ensure;
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Destination of elements.
pub struct Place<'a, O> {
    /// The elements from the first pixel's place on.
    pub elements: &'a mut [O],
    /// Elements from a pixel to the next.
    pub stride: usize,
}

/// Whether elements are aligned to words, as vectors of words require.
pub fn is_aligned<T>(elements: &[T]) -> bool {
    elements.as_ptr().addr().is_multiple_of(4)
}

/// Products of pixels and filters `[channels][taps]`, requantised by the stage. The stage has the same number of
/// channels, a multiple of four. Each pixel has its taps rounded up to whole vectors, with zeros after the taps. The
/// last filter is read to the end of its last vector of [`choose::lanes`]. `None` when lengths do not agree, there are more
/// than [`choose::pixels_in_reach`], or there is nothing to do.
pub fn multiply<I: Element, O: Element>(
    pixels: &[I],
    (weights, taps): (&[i8], usize),
    stage: &Stage<'_>,
    place: Place<'_, O>,
) -> Option<()> {
    let padded = taps.next_multiple_of(choose::lanes::<I>());
    let count = pixels.len().checked_div(padded)?;
    let channels = stage.bias.len();
    ensure(stage.positive.len() == channels && stage.negative.len() == channels)?;
    ensure(count > 0 && taps > 0 && channels > 0 && channels.is_multiple_of(4))?;
    ensure(place.stride >= channels)?;
    ensure(pixels.len() == count * padded && (channels - 1) * taps + padded <= weights.len())?;
    ensure((count - 1) * place.stride + channels <= place.elements.len())?;
    ensure(count <= choose::pixels_in_reach(place.stride))?;
    #[cfg(arm_helium)]
    {
        let run = if size_of::<I>() == 1 {
            bytes_loop(taps, is_aligned(weights), place.stride, Epilogue::of(stage, size_of::<O>()))
        } else if size_of::<O>() == 1 {
            asm::multiply_wide_to_bytes
        } else {
            asm::multiply_wide_to_halves
        };
        // Not taken out of the `Option`, which would copy it.
        let mut job = asm::Products::new((pixels, count), (weights, taps), stage, place);
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { run(job.as_mut()?) };
    }
    #[cfg(not(arm_helium))]
    for (pixel, elements) in pixels.chunks_exact(padded).zip(place.elements.chunks_mut(place.stride)) {
        for (channel, (out, filter)) in
            elements.iter_mut().zip(weights.chunks(taps)).take(channels).enumerate()
        {
            let stage = stage.channel(channel)?;
            let products = pixel.iter().zip(filter).map(|(&x, &w)| x.into() * w as i32);
            *out = O::from_i32(stage.requantise(products.fold(stage.bias, i32::wrapping_add)));
        }
    }
    Some(())
}

/// The loop for pixels of bytes.
#[cfg(arm_helium)]
#[inline(always)]
fn bytes_loop(
    taps: usize,
    are_words: bool,
    stride: usize,
    epilogue: Epilogue,
) -> unsafe extern "C" fn(&mut asm::Products) {
    match Product::of(taps, are_words, stride, epilogue) {
        Product::Any(Epilogue::LinearToWholeBytes) => asm::multiply_linear_to_whole_bytes,
        Product::Any(Epilogue::LinearToBytes) => asm::multiply_linear_to_bytes,
        Product::Any(Epilogue::SignedToWholeBytes) => asm::multiply_signed_to_whole_bytes,
        Product::Any(Epilogue::ToBytes) => asm::multiply_to_bytes,
        Product::Any(Epilogue::ToHalves) => asm::multiply_to_halves,
        Product::Near27(Multipliers::One) => asm::multiply_27_linear_to_whole_bytes,
        Product::Near27(Multipliers::Two) => asm::multiply_27_signed_to_whole_bytes,
        Product::Near64(Multipliers::One) => asm::multiply_64_linear_to_whole_bytes,
        Product::Near64(Multipliers::Two) => asm::multiply_64_signed_to_whole_bytes,
        Product::Near128(Multipliers::One) => asm::multiply_128_linear_to_whole_bytes,
        Product::Near128(Multipliers::Two) => asm::multiply_128_signed_to_whole_bytes,
        Product::Near256 => asm::multiply_256_linear_to_whole_bytes,
    }
}

/// Copies runs of `run` elements, which are `step` apart, to the start of patches, which are `patch` apart. `None` when lengths
/// do not agree, or there is nothing to do.
pub fn gather<T: Element>(
    (source, step, run): (&[T], usize, usize),
    (patches, patch): (&mut [T], usize),
    count: usize,
) -> Option<()> {
    ensure(count > 0 && run > 0)?;
    ensure((count - 1) * step + run <= source.len() && (count - 1) * patch + run <= patches.len())?;
    #[cfg(arm_helium)]
    {
        let [step_bytes, run_bytes, patch_bytes] = [step, run, patch].map(|count| count * size_of::<T>());
        let (source, patches) = (source.as_ptr().cast(), patches.as_mut_ptr().cast());
        let job = asm::Gathering { source, step_bytes, patches, patch_bytes, run_bytes, count };
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { asm::gather(&job) };
    }
    #[cfg(not(arm_helium))]
    for index in 0..count {
        patches[index * patch..][..run].copy_from_slice(&source[index * step..][..run]);
    }
    Some(())
}

/// Sets vectors to zero. `None` when there are none.
pub fn clear(vectors: &mut [Vector]) -> Option<()> {
    ensure(!vectors.is_empty())?;
    #[cfg(arm_helium)]
    // SAFETY: the function writes only these vectors.
    unsafe {
        asm::clear(vectors.as_mut_ptr(), vectors.len());
    }
    #[cfg(not(arm_helium))]
    vectors.fill([0; 16]);
    Some(())
}

/// Input of [`slide`]: the rows of a window from the first column in the tensor, with the distance from one column to
/// the next (0 for rows outside, whose columns all read the same sixteen bytes), and the packed columns.
pub struct Strip<'a> {
    /// From top to bottom.
    pub rows: [(&'a [i8], usize); 4],
    /// Destination of the rows' columns. The columns around them hold the values outside the tensor.
    pub inside: Range<usize>,
    /// Sixteen channels of a column, four bytes each: one from each row.
    pub columns: &'a mut [Column],
    /// Room for filters four columns wide, with a column of zeros before them.
    pub taps: &'a mut [Column; 5],
}

/// Four bytes of each of sixteen channels, from top to bottom.
pub type Column = [Vector; 4];

/// Products of windows of a strip, `step` columns apart, and filters `[height][width][channels]`, for `pixels`
/// pixels. They are requantised by the stage, which has the same number of channels, a multiple of sixteen. A window
/// is at most four by four, or three wide if `step` is 1. `None` when lengths do not agree, columns are not whole words,
/// `place.stride` is above [`MAX_STRIDE`], there are fewer than four pixels, or `step` is neither 1 nor 2.
pub fn slide(
    strip: Strip<'_>,
    step: usize,
    (weights, [height, width]): (&[i8], [usize; 2]),
    pixels: usize,
    stage: &Stage<'_>,
    place: Place<'_, i8>,
) -> Option<()> {
    let channels = stage.bias.len();
    let Strip { rows, inside, columns, taps } = strip;
    ensure(stage.positive.len() == channels && stage.negative.len() == channels)?;
    ensure(channels > 0 && channels.is_multiple_of(16) && weights.len() == height * width * channels)?;
    ensure(pixels >= 4 && matches!((step, width), (1, 1..=3) | (2, 1..=4)) && (1..=4).contains(&height))?;
    ensure(is_aligned(columns) && is_aligned(taps) && place.stride <= MAX_STRIDE)?;
    ensure(inside.end <= columns.len() && (pixels - 1) * step + 4 <= columns.len())?;
    ensure((pixels - 1) * place.stride + channels <= place.elements.len())?;
    for (row, stride) in rows {
        let bytes = if stride == 0 { 16 } else { inside.len().saturating_sub(1) * stride + channels };
        ensure(inside.is_empty() || bytes <= row.len())?;
    }
    let mut filters = [(&[0; 16][..], 0); 4];
    for (y, filter) in filters.iter_mut().enumerate().take(height) {
        *filter = (weights.get(y * width * channels..)?, channels);
    }
    #[cfg(arm_helium)]
    {
        clear(taps.as_flattened_mut())?;
        type Run = unsafe extern "C" fn(&mut asm::Sliding);
        let runs: [Run; 2] = match Epilogue::of(stage, 1) {
            Epilogue::LinearToWholeBytes => {
                [asm::slide_linear_to_whole_bytes, asm::skip_linear_to_whole_bytes]
            }
            Epilogue::LinearToBytes => [asm::slide_linear_to_bytes, asm::skip_linear_to_bytes],
            Epilogue::SignedToWholeBytes => {
                [asm::slide_signed_to_whole_bytes, asm::skip_signed_to_whole_bytes]
            }
            Epilogue::ToBytes | Epilogue::ToHalves => [asm::slide_to_bytes, asm::skip_to_bytes],
        };
        let [slide, skip] = runs;
        let run = if step == 1 { slide } else { skip };
        let image = asm::Packing::new(rows, columns.get_mut(inside)?);
        let taps = asm::Packing::new(filters, taps.get_mut(1..=width)?);
        let mut job = asm::Sliding::new(image, taps, columns.as_ptr(), step, pixels, stage, place);
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { run(&mut job) };
    }
    #[cfg(not(arm_helium))]
    let _ = taps;
    #[cfg(not(arm_helium))]
    for pixel in 0..pixels {
        for (channel, out) in place.elements[pixel * place.stride..][..channels].iter_mut().enumerate() {
            let stage = stage.channel(channel)?;
            let byte = |(row, stride): (&[i8], usize), x: usize| match stride {
                0 => row[channel % 16] as i32,
                _ => row[x * stride + channel] as i32,
            };
            let mut sum = stage.bias;
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
            *out = stage.requantise(sum) as i8;
        }
    }
    Some(())
}

/// `gains[0] · a + gains[1] · b` for a pixel, requantised by the stage of all its channels. `None` when lengths do not
/// agree, or there is nothing to do.
pub fn add<I: Element, O: Element>(
    a: &[I],
    b: &[I],
    gains: [i16; 2],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let count = output.len();
    ensure(a.len() == count && b.len() == count)?;
    check_addition(stage, count)?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::Addition::new(gains, stage).run(a.as_ptr(), b.as_ptr(), output.as_mut_ptr(), count);
    }
    #[cfg(not(arm_helium))]
    for (channel, (output, (&a, &b))) in output.iter_mut().zip(a.iter().zip(b)).enumerate() {
        *output = added(a, b, gains, stage, channel)?;
    }
    Some(())
}

/// [`add`] with the output in place of `a`.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) -> Option<()> {
    let count = a.len();
    ensure(b.len() == count)?;
    check_addition(stage, count)?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads each element before it writes it.
    unsafe {
        let a = a.as_mut_ptr();
        asm::Addition::new(gains, stage).run(a.cast_const(), b.as_ptr(), a, count);
    }
    #[cfg(not(arm_helium))]
    for (channel, (a, &b)) in a.iter_mut().zip(b).enumerate() {
        *a = added(*a, b, gains, stage, channel)?;
    }
    Some(())
}

/// [`add`] of a row of bytes to bytes. Pixels have a multiple of eight channels; the stage is linear, has a zero
/// point of a byte and does not shift.
pub fn add_row(a: &[i8], b: &[i8], gains: [i16; 2], stage: &Stage<'_>, output: &mut [i8]) -> Option<()> {
    let count = output.len();
    ensure(a.len() == count && b.len() == count)?;
    check_row(stage, count)?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::add_row(
            a.as_ptr(),
            b.as_ptr(),
            output.as_mut_ptr(),
            &asm::RowAddition::new(gains, stage, count),
        );
    }
    #[cfg(not(arm_helium))]
    for (index, (output, (&a, &b))) in output.iter_mut().zip(a.iter().zip(b)).enumerate() {
        *output = added(a, b, gains, stage, index % stage.bias.len())?;
    }
    Some(())
}

/// [`add_row`] with the output in place of `a`.
pub fn add_row_in_place(a: &mut [i8], b: &[i8], gains: [i16; 2], stage: &Stage<'_>) -> Option<()> {
    let count = a.len();
    ensure(b.len() == count)?;
    check_row(stage, count)?;
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked; the function reads each element before it writes it.
    unsafe {
        let a = a.as_mut_ptr();
        asm::add_row(a.cast_const(), b.as_ptr(), a, &asm::RowAddition::new(gains, stage, count));
    }
    #[cfg(not(arm_helium))]
    for (index, (a, &b)) in a.iter_mut().zip(b).enumerate() {
        *a = added(*a, b, gains, stage, index % stage.bias.len())?;
    }
    Some(())
}

fn check_row(stage: &Stage<'_>, count: usize) -> Option<()> {
    let channels = stage.bias.len();
    check_addition(stage, channels)?;
    ensure(channels.is_multiple_of(8) && count > 0 && count.is_multiple_of(channels))
}

fn check_addition(stage: &Stage<'_>, count: usize) -> Option<()> {
    ensure(count > 0)?;
    ensure([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() >= count))
}

/// Products of the taps of each channel and of its filter, `weights` `[kh][kw][channels]`, for the pixels of `output`,
/// requantised by the stage of all channels. `outside` has a pixel's elements outside the tensor, and `sums` room for
/// whole groups of eight channels. `None` when lengths do not agree, there are more than [`choose::MAX_TAPS`], or there is
/// nothing to do.
pub fn taps<I: Element, O: Element>(
    input: &Rows<'_, I>,
    outside: &[I],
    weights: &[i8],
    sums: &mut [i32],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let (channels, count) = (input.channels, input.rows.len() * input.kernel_width);
    ensure(channels > 0 && (1..=choose::MAX_TAPS).contains(&count) && outside.len() == channels)?;
    ensure(weights.len() == count * channels && sums.len() >= channels.next_multiple_of(8))?;
    ensure([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() == channels))?;
    let mut taps = [outside.as_ptr(); choose::MAX_TAPS];
    let taps = taps.get_mut(..count)?;
    ensure(input.kernel_width > 0)?;
    for (x, output) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        let step = input.dilation * channels;
        for (row, taps) in input.rows.iter().zip(taps.chunks_exact_mut(input.kernel_width)) {
            let Some(row) = row else { continue };
            let (before, inside) = taps.split_at_mut_checked(low)?;
            let (inside, after) = inside.split_at_mut_checked(high - low)?;
            before.fill(outside.as_ptr());
            after.fill(outside.as_ptr());
            let mut start = column * channels;
            for tap in inside {
                *tap = row.get(start..start + channels)?.as_ptr();
                start += step;
            }
        }
        // SAFETY: every tap points to the elements of all channels, in a row or outside; the other lengths were checked.
        unsafe { sum_taps(taps, channels, weights, sums) };
        requantise(sums, stage, output)?;
    }
    Some(())
}

/// For each channel the sum of the products of its taps and its filter.
///
/// # Safety
/// Each tap must point to `channels` elements. There are filters for all of them, and room for sums as [`taps()`] checks.
#[inline(always)]
unsafe fn sum_taps<I: Element>(taps: &[*const I], channels: usize, weights: &[i8], sums: &mut [i32]) {
    #[cfg(arm_helium)]
    {
        let (count, taps) = (taps.len(), taps.as_ptr());
        let (weights, sums) = (weights.as_ptr(), sums.as_mut_ptr());
        // SAFETY: the caller promises this.
        unsafe { asm::Taps { taps, count, weights, channels, sums }.run() };
    }
    #[cfg(not(arm_helium))]
    {
        sums.fill(0);
        for (&values, weights) in taps.iter().zip(weights.chunks_exact(channels)) {
            // SAFETY: the caller promises this.
            let values = unsafe { core::slice::from_raw_parts(values, channels) };
            for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
                *sum = sum.wrapping_add(value.into() * weight as i32);
            }
        }
    }
}

/// A pixel's elements from its sums without biases. [`taps()`] has checked the lengths.
#[inline(always)]
fn requantise<O: Element>(sums: &[i32], stage: &Stage<'_>, output: &mut [O]) -> Option<()> {
    #[cfg(arm_helium)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::Requantisation::new(stage).run(sums.as_ptr(), output.as_mut_ptr(), output.len());
    }
    #[cfg(not(arm_helium))]
    for (channel, (out, &sum)) in output.iter_mut().zip(sums).enumerate() {
        let stage = stage.channel(channel)?;
        *out = O::from_i32(stage.requantise(sum.wrapping_add(stage.bias)));
    }
    Some(())
}

#[cfg(not(arm_helium))]
fn added<I: Element, O: Element>(
    a: I,
    b: I,
    gains: [i16; 2],
    stage: &Stage<'_>,
    channel: usize,
) -> Option<O> {
    let stage = stage.channel(channel)?;
    let [a, b] = [(a, gains[0]), (b, gains[1])].map(|(x, gain)| x.into().wrapping_mul(gain.into()));
    Some(O::from_i32(stage.requantise(stage.bias.wrapping_add(a).wrapping_add(b))))
}
