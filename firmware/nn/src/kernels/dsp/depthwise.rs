//! Convolution of each channel with its own filter, four channels at a time.
//!
//! The input columns under the row are packed once, with rows in twos, so that a word holds a channel's pair from an
//! upper and a lower row. A window is then a sequence of neighbouring quads, as many as the weights have. With
//! dilated taps the packed columns are the dilated ones, and pixels are computed in passes.

use core::ops::Range;

use format::layer::MAX_KERNEL;

use super::choose::{self, Depthwise, Packing};
use super::lanes::{Input, Output, bias, expand_few, lanes};
use super::ops::Slide;
use super::{Quad, Scratch, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;
use crate::{elements, ensure, map_if_any};

/// See [`crate::kernels::portable::depthwise`].
/// Also `None` when a kernel has more than [`MAX_KERNEL`] rows.
pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) -> Option<()> {
    let mut rows = [None; MAX_KERNEL];
    slide(&Input::of(input, &mut rows)?, weights, stage, scratch, Output::of(output)?)
}

// One function for all types, to keep the code small.
#[inline(never)]
fn slide(
    input: &Input<'_>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    mut output: Output<'_>,
) -> Option<()> {
    let channels = input.channels;
    ensure(stage.bias.len() == channels && weights.len() == input.taps())?;
    let stage = &stage.part(0..channels)?;
    let Depthwise { passes, distance, step, window, block_pixels } = choose::depthwise(input)?;
    let (taps, columns) = scratch.quads.split_at_mut_checked(window)?;
    let makes_bytes = choose::makes_bytes(stage);
    let count = output.len().checked_div(channels)?;
    // From a block of a pass to the next.
    let apart = passes * block_pixels;
    ensure(count * channels == output.len() && passes > 0 && apart > 0)?;
    // Blocks of all passes.
    let starts = (0..passes).flat_map(|pass| (pass..count).step_by(apart));
    for start in starts {
        let pixels = (count - start).div_ceil(passes).min(block_pixels);
        let mut output = output.part(start * channels, ((pixels - 1) * passes + 1) * channels)?;
        let columns = columns.get_mut(..(pixels - 1) * step + window)?;
        let inside = fill_edges(&input.rows, start * input.rows.stride, distance, columns)?;
        for first in (0..channels).step_by(4) {
            let count = (channels - first).min(4);
            pack_weights(elements(weights)?, input, first, count, taps)?;
            pack_columns(input, &inside, distance, first, count, columns)?;
            if let Output::Bytes(bytes) = &mut output
                && makes_bytes
                && count == 4
            {
                let lanes = lanes::<4>(stage, first)?;
                let bytes = bytes.get_mut(first..)?;
                ops::bytes::<Slide>(taps, columns, step, &lanes, pixels, bytes, passes * channels)?;
                continue;
            }
            let sums = scratch.sums.get_mut(..pixels)?;
            ops::sums::<Slide>(taps, columns, step, &bias(stage, first..first + count)?, sums)?;
            for lane in 0..count {
                let sums = sums.as_flattened().get(lane..)?;
                output.put_channel(first + lane, passes * channels, stage, sums, 4)?;
            }
        }
    }
    Some(())
}

/// The quads of the rows, for each kernel column.
fn pack_weights(
    weights: &[u8],
    input: &Input<'_>,
    first: usize,
    count: usize,
    taps: &mut [Quad],
) -> Option<()> {
    let Input { rows: Rows { rows, kernel_width: width, .. }, channels, .. } = *input;
    let pairs = rows.len().div_ceil(2);
    let two_rows = 2 * width * channels;
    ensure(two_rows > 0 && pairs > 0)?;
    for (pair, rows) in weights.chunks(two_rows).enumerate() {
        let strip = |row: usize| {
            let start = row * width * channels + first;
            let bytes = rows.get(start..).filter(|bytes| !bytes.is_empty())?;
            Some(Strip { bytes, stride: channels, size: 1 })
        };
        let taps = taps.get_mut(pair..)?;
        let (upper, lower) = (strip(0)?, strip(1));
        pack(upper, lower, count, width, taps, pairs)?;
        if lower.is_none() {
            for [a, b, c, d] in taps.iter_mut().step_by(pairs) {
                (*a, *b, *c, *d) = (*a & 0xffff, *b & 0xffff, *c & !0xffff, *d & !0xffff);
            }
        }
    }
    Some(())
}

/// Columns that lie inside the tensor.
struct Inside {
    /// Their number.
    count: usize,
    /// Their quads.
    quads: Range<usize>,
    /// Number of the first one in the tensor.
    column: usize,
}

/// Packs the columns outside the tensor, which are the same for all channels. The first column is `start`, counted
/// from the first window's, and the next is `distance` further. Returns the columns inside.
fn fill_edges(input: &Rows<'_, u8>, start: usize, distance: usize, columns: &mut [Quad]) -> Option<Inside> {
    let pairs = input.rows.len().div_ceil(2);
    let width = columns.len().checked_div(pairs)?;
    ensure(distance > 0)?;
    let left = input.pad.saturating_sub(start).div_ceil(distance).min(width);
    let column = (start + left * distance).saturating_sub(input.pad);
    let inside = input.width.saturating_sub(column).div_ceil(distance).min(width - left);
    let quads = left * pairs..(left + inside) * pairs;
    // Because all elements are equal, packing one row gives the same as packing two.
    let zero = input.zero_point as u32;
    let outside = [ops::pkhbt(zero, zero); 4];
    columns.get_mut(..quads.start)?.fill(outside);
    columns.get_mut(quads.end..)?.fill(outside);
    Some(Inside { count: inside, quads, column })
}

/// Packs the columns inside the tensor, which are `distance` columns apart.
fn pack_columns<'a>(
    input: &Input<'a>,
    inside: &Inside,
    distance: usize,
    first: usize,
    count: usize,
    columns: &mut [Quad],
) -> Option<()> {
    let columns = columns.get_mut(inside.quads.clone())?;
    if columns.is_empty() {
        return Some(());
    }
    let Input { rows: Rows { rows, channels: stride, .. }, size, .. } = *input;
    let pairs = rows.len().div_ceil(2);
    let start = inside.column * stride + first * size;
    let stride = stride * distance;
    let zero: &[u8] = &bytemuck::cast::<_, [u8; 8]>([input.zero(); 4]);
    let strip = |row: Option<&'a [u8]>| match row {
        Some(row) => Some(Strip { bytes: row.get(start..)?, stride, size }),
        None => Some(Strip { bytes: zero, stride: 0, size }),
    };
    for (pair, rows) in rows.chunks(2).enumerate() {
        let (upper, lower) = (strip(*rows.first()?)?, map_if_any(rows.get(1).copied(), strip)?);
        pack(upper, lower, count, inside.count, columns.get_mut(pair..)?, pairs)?;
    }
    Some(())
}

/// The place of elements: up to four adjacent channels of a pixel, with `stride` bytes from pixel to pixel.
#[derive(Clone, Copy)]
struct Strip<'a> {
    bytes: &'a [u8],
    stride: usize,
    /// Bytes of an element.
    size: usize,
}

/// Packs `count` channels of each of `pixels` pixels into every `step`-th quad, from an upper and a lower row, or
/// from a last row that has no row below.
#[inline(always)]
fn pack(
    upper: Strip<'_>,
    lower: Option<Strip<'_>>,
    count: usize,
    pixels: usize,
    quads: &mut [Quad],
    step: usize,
) -> Option<()> {
    match (Packing::of(upper.size, count), lower) {
        (Packing::Few, _) => pack_few(upper, lower, count, pixels, quads, step),
        (Packing::Fours, Some(lower)) => {
            let rows = [upper, lower].map(|strip| (strip.bytes, strip.stride));
            ops::pack_two(rows[0], rows[1], pixels, quads, step)
        }
        (Packing::Fours, None) => ops::pack_one((upper.bytes, upper.stride), pixels, quads, step),
    }
}

/// Packs 16-bit elements, or fewer than four channels. Not inlined, so that it does not slow down the common case.
#[inline(never)]
fn pack_few(
    upper: Strip<'_>,
    lower: Option<Strip<'_>>,
    count: usize,
    pixels: usize,
    quads: &mut [Quad],
    step: usize,
) -> Option<()> {
    ensure(step > 0 && pixels.saturating_sub(1) * step < quads.len())?;
    for (pixel, slot) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        let pairs = |strip: Strip<'_>| expand_few(strip.bytes, strip.size, pixel * strip.stride, count);
        let [a, b] = pairs(upper)?;
        *slot = match lower {
            Some(lower) => {
                let [c, d] = pairs(lower)?;
                [ops::pkhbt(a, c), ops::pkhbt(b, d), ops::pkhtb(c, a), ops::pkhtb(d, b)]
            }
            // The low half of words 0 and 2 holds an element. The high half holds an element of the next channel,
            // which words 1 and 3 use.
            None => [a, b, a, b],
        };
    }
    Some(())
}
