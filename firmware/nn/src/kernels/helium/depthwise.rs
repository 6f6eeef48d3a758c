//! Convolution of each channel with a filter of its own: sixteen channels packed at a time, so that a window of up to four by
//! four is one vector; other windows tap by tap.

use super::{Scratch, VECTORS, ops};
use crate::kernels::{Element, Rows, portable};
use crate::quant::Stage;

/// Columns that scratch has room for besides filters.
const COLUMNS: usize = VECTORS / 4 - 5;

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
    if input.dilation != 1 {
        return portable::depthwise(input, weights, stage, scratch, output);
    }
    let channels = input.channels;
    let (height, width) = (input.rows.len(), input.kernel_width);
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), height * width * channels);
    let pixels = output.len() / channels;
    let fits = height <= 4 && matches!((input.stride, width), (1, ..=3) | (2, ..=4));
    let are_bytes = size_of::<I>() + size_of::<O>() == 2;
    let is_near = channels <= ops::MAX_STRIDE;
    if !(are_bytes && fits && channels.is_multiple_of(16) && is_near && pixels >= 4) {
        return by_taps(input, weights, stage, scratch, output);
    }
    let output: &mut [i8] = bytemuck::cast_slice_mut(output);
    let (columns, taps) = scratch.vectors.split_at_mut(4 * COLUMNS);
    let (columns, taps) = (columns.as_chunks_mut::<4>().0, taps.as_chunks_mut::<4>().0);
    let taps: &mut [ops::Column; 5] = taps.try_into().expect("scratch has room for five columns besides");
    let block_pixels = (COLUMNS - 4) / input.stride + 1;
    let outside = [input.zero_point as i8; 16];
    for first in (0..pixels).step_by(block_pixels) {
        // Of a last block that is too short some pixels are computed again.
        let count = (pixels - first).clamp(4, block_pixels);
        let first = first.min(pixels - count);
        let columns = &mut columns[..(count - 1) * input.stride + 4];
        // Columns before the tensor, in it, and behind.
        let start = first * input.stride;
        let left = input.pad.saturating_sub(start).min(columns.len());
        let column = (start + left).saturating_sub(input.pad);
        let right = (left + input.width.saturating_sub(column)).min(columns.len());
        columns[..left].as_flattened_mut().as_flattened_mut().fill(outside[0]);
        columns[right..].as_flattened_mut().as_flattened_mut().fill(outside[0]);
        let row = |y: usize| match input.rows.get(y) {
            Some(Some(row)) if left < right => (bytemuck::cast_slice(&row[column * channels..]), channels),
            _ => (&outside[..], 0),
        };
        let strip =
            ops::Strip { rows: [0, 1, 2, 3].map(row), inside: left..right, columns, taps: &mut *taps };
        let place = ops::Place { elements: &mut output[first * channels..], stride: channels };
        ops::slide(strip, input.stride, (weights, [height, width]), count, stage, place);
    }
}

/// A tap of all channels at a time, whatever the window.
fn by_taps<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    let channels = input.channels;
    let (sums, rest) = scratch.vectors.split_at_mut(channels.div_ceil(4).min(VECTORS));
    let outside = rest.as_flattened_mut().get_mut(..channels);
    let (Some(outside), 1) = (outside, size_of::<I>()) else {
        return portable::depthwise(input, weights, stage, &mut portable::Scratch, output);
    };
    outside.fill(input.zero_point as i8);
    let sums: &mut [i32] = &mut bytemuck::cast_slice_mut(sums)[..channels];
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        sums.copy_from_slice(stage.bias);
        for (row, taps) in input.rows.iter().zip(weights.chunks_exact(input.kernel_width * channels)) {
            for (kx, tap) in taps.chunks_exact(channels).enumerate() {
                let values = match row {
                    Some(row) if (low..high).contains(&kx) => {
                        bytemuck::cast_slice(&row[(column + kx - low) * channels..][..channels])
                    }
                    _ => &*outside,
                };
                ops::add_products(sums, values, tap);
            }
        }
        for (channel, (out, &sum)) in pixel.iter_mut().zip(&*sums).enumerate() {
            *out = O::from_i32(stage.requantise(sum, channel));
        }
    }
}
