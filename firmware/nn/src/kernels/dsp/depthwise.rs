//! Convolution of each channel with a filter of its own, four channels at a time.
//!
//! The columns of input under the row are packed once: rows in twos, so that a word is a channel's pair from an upper and a
//! lower row. A window is then as many neighbouring quads as there are of weights.

use super::lanes::{Channel, are_bytes, expand, expand_short, lanes};
use super::ops::Slide;
use super::{QUADS, Quad, SUMS, Scratch, ops};
use crate::kernels::{Element, Rows, portable};
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
    let channels = input.channels;
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), input.rows.len() * input.kernel_width * channels);
    let step = input.stride * input.rows.len().div_ceil(2);
    let window = input.kernel_width * input.rows.len().div_ceil(2);
    if QUADS < 2 * window {
        return portable::depthwise(input, weights, stage, &mut portable::Scratch, output);
    }
    let (taps, columns) = scratch.quads.split_at_mut(window);
    let block_pixels = ((columns.len() - window) / step + 1).min(SUMS);
    for first in (0..channels).step_by(4) {
        let count = (channels - first).min(4);
        pack_weights(weights, input, first, count, taps);
        // Lanes that there are not compute what the first does, and are not used.
        let channel = |lane| first + if lane < count { lane } else { 0 };
        let lanes = lanes(stage, [0, 1, 2, 3].map(channel));
        for (block, output) in output.chunks_mut(block_pixels * channels).enumerate() {
            let pixels = output.len() / channels;
            let columns = &mut columns[..(pixels - 1) * step + window];
            pack_columns(input, block * block_pixels * input.stride, first, count, columns);
            if are_bytes::<O>(stage) && count == 4 {
                let bytes = &mut bytemuck::cast_slice_mut(output)[first..];
                ops::bytes::<Slide>(taps, columns, step, &lanes, pixels, bytes, channels);
                continue;
            }
            let sums = &mut scratch.sums[..pixels];
            ops::sums::<Slide>(taps, columns, step, &lanes, sums);
            for lane in 0..count {
                let stage = Channel::of(stage, first + lane);
                for (pixel, sums) in output.chunks_exact_mut(channels).zip(&*sums) {
                    pixel[first + lane] = stage.requantise(sums[lane]);
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
    let height = input.rows.len();
    let pairs = height.div_ceil(2);
    for (kx, taps) in taps.chunks_exact_mut(pairs).enumerate() {
        let tap = |ky: usize| four(weights, (ky * input.kernel_width + kx) * input.channels + first, count);
        for (pair, out) in taps.iter_mut().enumerate() {
            *out = if 2 * pair + 1 < height {
                quad(tap(2 * pair), tap(2 * pair + 1))
            } else {
                let [a, b] = tap(2 * pair);
                [a & 0xffff, b & 0xffff, a & !0xffff, b & !0xffff]
            };
        }
    }
}

/// For each column from `start`, counted from where the first window stands, the quads of its rows.
fn pack_columns<I: Element>(
    input: &Rows<'_, I>,
    start: usize,
    first: usize,
    count: usize,
    columns: &mut [Quad],
) {
    let pairs = input.rows.len().div_ceil(2);
    let outside = expand([I::from_i32(input.zero_point); 4]);
    for (pair, rows) in input.rows.chunks(2).enumerate() {
        let slots = columns[pair..].iter_mut().step_by(pairs);
        for (column, slot) in (start..).zip(slots) {
            let inside = column.checked_sub(input.pad).filter(|&column| column < input.width);
            let element = |row: Option<&[I]>| match (row, inside) {
                (Some(row), Some(column)) => four(row, column * input.channels + first, count),
                _ => outside,
            };
            *slot = match *rows {
                [upper, lower] => quad(element(upper), element(lower)),
                [last] => last_quad(element(last)),
                _ => unreachable!("rows come in ones and twos"),
            };
        }
    }
}
