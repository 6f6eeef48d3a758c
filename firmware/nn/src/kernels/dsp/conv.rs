//! Convolution over all input channels, as products of expanded patches and expanded filters.
//!
//! The patches of as many pixels as fit in scratch are expanded once. Then each pair of filters is expanded and
//! multiplied with all of them, two pixels at a time.

use format::layer::MAX_KERNEL;

use super::choose::{self, Conv, Tiles};
use super::lanes::{Channel, Input, Output, expand, expand_two, lanes};
use super::ops::Tile;
use super::{Scratch, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// See [`crate::kernels::portable::conv`].
///
/// # Panics
/// When lengths do not agree, or a kernel has more than [`MAX_KERNEL`] rows.
pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    let mut rows = [None; MAX_KERNEL];
    multiply(&Input::of(input, &mut rows), weights, stage, scratch, Output::of(output));
}

// One function for all types, to keep the code small.
#[inline(never)]
fn multiply(
    input: &Input<'_>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    mut output: Output<'_>,
) {
    let channels = stage.bias.len();
    let taps = input.taps();
    assert_eq!(weights.len(), channels * taps);
    let Conv::Tiles(tiles) = choose::conv(input, output.len() / channels) else {
        return one_by_one(input, weights, stage, output);
    };
    let Tiles { quads, patch_bytes, patch_quads, pixels: block_pixels } = tiles;
    let weights: &[u8] = bytemuck::cast_slice(weights);
    let (filters, rest) = scratch.quads.split_at_mut(quads);
    let (patches, pixels) = rest.split_at_mut(2 * patch_quads);
    let (first_patch, second_patch) = patches.split_at_mut(patch_quads);
    let [one, other] =
        [first_patch, second_patch].map(|patch| &mut bytemuck::cast_slice_mut(patch)[..patch_bytes]);
    let makes_bytes = choose::makes_bytes(stage);
    for start in (0..output.len() / channels).step_by(block_pixels) {
        let mut output = output.part(start * channels, block_pixels * channels);
        let count = output.len() / channels;
        let pixels = &mut pixels[..count.div_ceil(2) * quads];
        for (tile, pixels) in pixels.chunks_exact_mut(quads).enumerate() {
            // The last pixel may be alone; it is then paired with itself.
            let x = start + 2 * tile;
            let next = (x + 1).min(start + count - 1);
            expand_two(under(input, x, one), under(input, next, other), input.size, pixels);
        }
        for (pair, weights) in weights.chunks(2 * taps).enumerate() {
            let channel = 2 * pair;
            let (filter, next) = weights.split_at(taps);
            // The last filter may be alone, too.
            let is_pair = !next.is_empty();
            expand_two(filter, if is_pair { next } else { filter }, 1, filters);
            if let Output::Bytes(bytes) = &mut output
                && makes_bytes
                && is_pair
            {
                let lanes = lanes::<2>(stage, channel);
                ops::bytes::<Tile>(filters, pixels, quads, &lanes, count, &mut bytes[channel..], channels);
                continue;
            }
            let next = if is_pair { channel + 1 } else { channel };
            let mut lanes = lanes::<1>(stage, channel);
            (lanes.bias[1], lanes.bias[3]) = (stage.bias[next], stage.bias[next]);
            let sums = &mut scratch.sums[..count.div_ceil(2)];
            ops::sums::<Tile>(filters, pixels, quads, &lanes, sums);
            for channel in channel..=next {
                output.put_channel(channel, channels, stage, &sums.as_flattened()[channel % 2..], 2);
            }
        }
    }
}

/// The bytes under the window of output pixel `x`: in the input if they are contiguous, otherwise gathered in
/// `patch`.
fn under<'a>(input: &Input<'a>, x: usize, patch: &'a mut [u8]) -> &'a [u8] {
    let rows = &input.rows;
    if input.run_columns() < rows.kernel_width {
        return scattered(input, x, patch);
    }
    let (low, high, column) = rows.columns(x);
    let [low, high, column] = [low, high, column].map(|columns| columns * rows.channels);
    let filter_row = rows.kernel_width * rows.channels;
    if let [Some(row)] = rows.rows
        && high - low == filter_row
    {
        return &row[column..column + filter_row];
    }
    let zero = input.zero();
    for (row, patch) in rows.rows.iter().zip(patch.chunks_exact_mut(filter_row)) {
        let inside = if row.is_some() { low..high } else { 0..0 };
        if inside.len() < filter_row {
            for (index, byte) in patch.iter_mut().enumerate() {
                *byte = zero[index % 2];
            }
        }
        if let Some(row) = row {
            patch[inside].copy_from_slice(&row[column..column + high - low]);
        }
    }
    patch
}

/// [`under`] for dilated taps.
#[inline(never)]
fn scattered<'a>(input: &Input<'a>, x: usize, patch: &'a mut [u8]) -> &'a [u8] {
    let rows = &input.rows;
    let (low, high, column) = rows.columns(x);
    let zero = input.zero();
    for (index, byte) in patch.iter_mut().enumerate() {
        *byte = zero[index % 2];
    }
    for (row, patch) in rows.rows.iter().zip(patch.chunks_exact_mut(rows.kernel_width * rows.channels)) {
        let Some(row) = row else { continue };
        let pixels = row[column * rows.channels..].chunks_exact(rows.channels).step_by(rows.dilation);
        let taps = patch.chunks_exact_mut(rows.channels).skip(low).take(high - low);
        for (tap, pixel) in taps.zip(pixels) {
            tap.copy_from_slice(pixel);
        }
    }
    patch
}

/// For a single pixel, or for filters too large for scratch. Every weight is expanded when it is used.
#[inline(never)]
fn one_by_one(input: &Input<'_>, weights: &[i8], stage: &Stage<'_>, mut output: Output<'_>) {
    let channels = stage.bias.len();
    let rows = &input.rows;
    let filter_row = rows.kernel_width * input.channels;
    for x in 0..output.len() / channels {
        let (low, high, column) = rows.columns(x);
        // Neighbouring taps form one run.
        let run = input.run_columns().min(high - low);
        let (starts, step) = (column..column + (high - low) * rows.dilation, rows.dilation * run);
        let [low, high, run] = [low, high, run].map(|columns| columns * input.channels);
        for (channel, filter) in weights.chunks_exact(input.taps()).enumerate() {
            let mut sum = stage.bias[channel];
            for (row, weights) in rows.rows.iter().zip(filter.chunks_exact(filter_row)) {
                let inside = if row.is_some() { low..high } else { 0..0 };
                if let Some(row) = row
                    && run > 0
                {
                    for (start, weights) in starts.clone().step_by(step).zip(weights[low..high].chunks(run)) {
                        let row = &row[start * rows.channels..][..run * input.size];
                        sum = match input.size {
                            1 => dot::<i8>(bytemuck::cast_slice(row), weights, sum),
                            _ => dot::<i16>(bytemuck::cast_slice(row), weights, sum),
                        };
                    }
                }
                if inside.len() < filter_row {
                    let outside = total(&weights[..inside.start]) + total(&weights[inside.end..]);
                    sum = sum.wrapping_add(outside.wrapping_mul(rows.zero_point));
                }
            }
            output.put(x * channels + channel, Channel::of(stage, channel).value(sum));
        }
    }
}

fn dot<I: Element>(values: &[I], weights: &[i8], sum: i32) -> i32 {
    let ((values, values_rest), (weights, weights_rest)) =
        (values.as_chunks::<4>(), weights.as_chunks::<4>());
    let mut sum = sum;
    for (&values, &weights) in values.iter().zip(weights) {
        let (x, w) = (expand(values), expand(weights));
        sum = ops::smlad(x[1], w[1], ops::smlad(x[0], w[0], sum));
    }
    let rest = values_rest.iter().zip(weights_rest);
    rest.fold(sum, |sum, (&value, &weight)| sum.wrapping_add(value.into() * weight as i32))
}

fn total(weights: &[i8]) -> i32 {
    weights.iter().map(|&w| w as i32).sum()
}
