//! Convolution of each channel with a filter of its own, four channels at a time.
//!
//! The columns of input under the row are packed once: rows in twos, so that a word is a channel's pair from an upper and a
//! lower row. A window is then as many neighbouring quads as there are of weights.

use core::ops::Range;

use super::lanes::{Channel, Output, are_bytes, bias, expand, expand_short, lanes};
use super::ops::Slide;
use format::layer::MAX_KERNEL;

use super::{QUADS, Quad, SUMS, Scratch, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// See [`crate::kernels::portable::depthwise`].
///
/// # Panics
/// When lengths do not agree.
pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    slide(input, weights, stage, scratch, Output::of(output));
}

// One piece of code for both types of output.
#[inline(never)]
fn slide<I: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    mut output: Output<'_>,
) {
    let channels = input.channels;
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), input.rows.len() * input.kernel_width * channels);
    let step = input.stride * input.rows.len().div_ceil(2);
    let window = input.kernel_width * input.rows.len().div_ceil(2);
    // Room for the largest window twice: as weights, and as columns of one pixel at least.
    const { assert!(QUADS >= 2 * MAX_KERNEL * MAX_KERNEL.div_ceil(2)) };
    let (taps, columns) = scratch.quads.split_at_mut(window);
    let block_pixels = ((columns.len() - window) / step + 1).min(SUMS);
    let are_bytes = are_bytes(stage);
    for start in (0..output.len() / channels).step_by(block_pixels) {
        let mut output = output.part(start * channels, block_pixels * channels);
        let pixels = output.len() / channels;
        let columns = &mut columns[..(pixels - 1) * step + window];
        let inside = fill_edges(input, start * input.stride, columns);
        for first in (0..channels).step_by(4) {
            let count = (channels - first).min(4);
            pack_weights(weights, input, first, count, taps);
            pack_columns(input, &inside, first, count, columns);
            if let Output::Bytes(bytes) = &mut output
                && are_bytes
                && count == 4
            {
                let lanes = lanes::<4>(stage, first);
                ops::bytes::<Slide>(taps, columns, step, &lanes, pixels, &mut bytes[first..], channels);
                continue;
            }
            let sums = &mut scratch.sums[..pixels];
            ops::sums::<Slide>(taps, columns, step, &bias(stage, first, count), sums);
            for lane in 0..count {
                let stage = Channel::of(stage, first + lane);
                for (pixel, sums) in sums.iter().enumerate() {
                    output.put(pixel * channels + first + lane, stage.value(sums[lane]));
                }
            }
        }
    }
}

/// Four neighbouring elements as two pairs; those of channels that there are not are zero.
#[inline(always)]
fn four<T: Element>(elements: &[T], start: usize, count: usize) -> [u32; 2] {
    match elements.get(start..start + 4).and_then(|four| four.try_into().ok()) {
        Some(four) if count == 4 => expand(four),
        _ => expand_short(&elements[start..start + count]),
    }
}

/// A quad from an upper and a lower row.
#[inline(always)]
fn quad(upper: [u32; 2], lower: [u32; 2]) -> Quad {
    let [a, b] = [0, 1].map(|i| [ops::pkhbt(upper[i], lower[i]), ops::pkhtb(lower[i], upper[i])]);
    [a[0], b[0], a[1], b[1]]
}

/// A quad from a last row that has none below: words 0 and 2 have its element in their low half, and the next
/// channel's in the high one, which is what words 1 and 3 use.
#[inline(always)]
fn last_quad([a, b]: [u32; 2]) -> Quad {
    [a, b, a, b]
}

/// For each kernel column, the quads of its rows.
fn pack_weights<I: Element>(
    weights: &[i8],
    input: &Rows<'_, I>,
    first: usize,
    count: usize,
    taps: &mut [Quad],
) {
    let (pairs, width) = (input.rows.len().div_ceil(2), input.kernel_width);
    for (pair, rows) in weights.chunks(2 * width * input.channels).enumerate() {
        let strip = |row: usize| {
            let start = row * width * input.channels + first;
            (start < rows.len()).then(|| Strip { elements: &rows[start..], stride: input.channels })
        };
        let taps = &mut taps[pair..];
        match [0, 1].map(strip) {
            [Some(upper), Some(lower)] => pack_two(upper, lower, count, width, taps, pairs),
            [Some(upper), None] => {
                pack_one(upper, count, width, taps, pairs);
                for [a, b, c, d] in taps.iter_mut().step_by(pairs) {
                    (*a, *b, *c, *d) = (*a & 0xffff, *b & 0xffff, *c & !0xffff, *d & !0xffff);
                }
            }
            _ => unreachable!("rows come in ones and twos"),
        }
    }
}

/// Columns that lie inside the tensor.
struct Inside {
    /// How many.
    count: usize,
    /// Their quads.
    quads: Range<usize>,
    /// Which column of the tensor the first is.
    column: usize,
}

/// Packs the columns outside the tensor, which are the same for all channels. The first column is `start`, counted from where
/// the first window stands. Gives the columns inside.
fn fill_edges<I: Element>(input: &Rows<'_, I>, start: usize, columns: &mut [Quad]) -> Inside {
    let pairs = input.rows.len().div_ceil(2);
    let width = columns.len() / pairs;
    let left = input.pad.saturating_sub(start).min(width);
    let column = (start + left).saturating_sub(input.pad);
    let inside = input.width.saturating_sub(column).min(width - left);
    let quads = left * pairs..(left + inside) * pairs;
    // With the same element everywhere, a row alone looks like one of two.
    let outside = expand([I::from_i32(input.zero_point); 4]);
    columns[..quads.start].fill(quad(outside, outside));
    columns[quads.end..].fill(quad(outside, outside));
    Inside { count: inside, quads, column }
}

/// Packs the columns inside the tensor.
fn pack_columns<I: Element>(
    input: &Rows<'_, I>,
    inside: &Inside,
    first: usize,
    count: usize,
    columns: &mut [Quad],
) {
    let columns = &mut columns[inside.quads.clone()];
    if columns.is_empty() {
        return;
    }
    let pairs = input.rows.len().div_ceil(2);
    let start = inside.column * input.channels + first;
    let zero = [I::from_i32(input.zero_point); 4];
    let strip = |row: Option<_>| {
        row.map_or(Strip { elements: &zero, stride: 0 }, |row: &[I]| Strip {
            elements: &row[start..],
            stride: input.channels,
        })
    };
    for (pair, rows) in input.rows.chunks(2).enumerate() {
        match rows {
            [upper, lower] => {
                pack_two(strip(*upper), strip(*lower), count, inside.count, &mut columns[pair..], pairs)
            }
            [last] => pack_one(strip(*last), count, inside.count, &mut columns[pair..], pairs),
            _ => unreachable!("rows come in ones and twos"),
        }
    }
}

/// Where elements lie: four channels (or fewer) of a pixel together, the next pixel's `stride` further.
#[derive(Clone, Copy)]
struct Strip<'a, T> {
    elements: &'a [T],
    stride: usize,
}

impl<T: Element> Strip<'_, T> {
    fn pairs(&self, pixel: usize, count: usize) -> [u32; 2] {
        four(self.elements, pixel * self.stride, count)
    }
}

/// Packs `count` channels of each of `pixels` pixels of an upper and a lower row into every `step`-th quad.
#[inline(always)]
fn pack_two<T: Element>(
    upper: Strip<'_, T>,
    lower: Strip<'_, T>,
    count: usize,
    pixels: usize,
    quads: &mut [Quad],
    step: usize,
) {
    if size_of::<T>() == 1 && count == 4 {
        let strips = [upper, lower].map(|strip| (bytemuck::cast_slice(strip.elements), strip.stride));
        return ops::pack_two(strips[0], strips[1], pixels, quads, step);
    }
    pack_few(|pixel| quad(upper.pairs(pixel, count), lower.pairs(pixel, count)), pixels, quads, step);
}

/// Packs `count` channels of each of `pixels` pixels of a last row into every `step`-th quad.
#[inline(always)]
fn pack_one<T: Element>(row: Strip<'_, T>, count: usize, pixels: usize, quads: &mut [Quad], step: usize) {
    if size_of::<T>() == 1 && count == 4 {
        return ops::pack_one((bytemuck::cast_slice(row.elements), row.stride), pixels, quads, step);
    }
    pack_few(|pixel| last_quad(row.pairs(pixel, count)), pixels, quads, step);
}

/// Packs what is not four bytes. Not inlined, so that it does not slow down what is.
#[inline(never)]
fn pack_few(pack: impl Fn(usize) -> Quad, pixels: usize, quads: &mut [Quad], step: usize) {
    for (pixel, slot) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        *slot = pack(pixel);
    }
}
