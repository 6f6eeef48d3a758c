//! Convolution over all input channels, as products of expanded patches and expanded filters.
//!
//! The patches of as many pixels as scratch holds are expanded once; then each two filters are expanded and multiplied
//! with all of them, two pixels at a time.

use super::lanes::{Channel, Output, are_bytes, expand, expand_two, lanes};
use super::ops::Tile;
use super::{QUADS, SUMS, Scratch, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// See [`crate::kernels::portable::conv`].
///
/// # Panics
/// When lengths do not agree.
pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) {
    multiply(input, weights, stage, scratch, Output::of(output));
}

// One piece of code for both types of output.
#[inline(never)]
fn multiply<I: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    mut output: Output<'_>,
) {
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    assert_eq!(weights.len(), channels * taps);
    // Four taps of two filters, or of two pixels, are a quad.
    let quads = taps.div_ceil(4);
    let patch_quads = taps.div_ceil(16 / size_of::<I>());
    let tiles = (QUADS.saturating_sub(quads + 2 * patch_quads) / quads).min(SUMS);
    if tiles == 0 || output.len() < 2 * channels {
        return one_by_one(input, weights, stage, output);
    }
    let (filters, rest) = scratch.quads.split_at_mut(quads);
    let (patches, pixels) = rest.split_at_mut(2 * patch_quads);
    let (first_patch, second_patch) = patches.split_at_mut(patch_quads);
    let [one, other] = [first_patch, second_patch].map(|patch| &mut bytemuck::cast_slice_mut(patch)[..taps]);
    let are_bytes = are_bytes(stage);
    for start in (0..output.len() / channels).step_by(2 * tiles) {
        let mut output = output.part(start * channels, 2 * tiles * channels);
        let count = output.len() / channels;
        let pixels = &mut pixels[..count.div_ceil(2) * quads];
        for (tile, pixels) in pixels.chunks_exact_mut(quads).enumerate() {
            // The last pixel may be alone: then it is its own neighbour.
            let x = start + 2 * tile;
            let next = (x + 1).min(start + count - 1);
            expand_two(under(input, x, one), under(input, next, other), pixels);
        }
        for (pair, weights) in weights.chunks(2 * taps).enumerate() {
            let channel = 2 * pair;
            let (filter, next) = weights.split_at(taps);
            // So may the last filter.
            let is_pair = !next.is_empty();
            expand_two(filter, if is_pair { next } else { filter }, filters);
            if let Output::Bytes(bytes) = &mut output
                && are_bytes
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
            finish(
                sums,
                [channel, next].map(|index| Channel::of(stage, index)),
                channels,
                channel,
                &mut output,
            );
        }
    }
}

/// The elements under the window of output pixel `x`: where they are, if they lie together, or gathered in `patch`.
fn under<'a, I: Element>(input: &Rows<'a, I>, x: usize, patch: &'a mut [I]) -> &'a [I] {
    let (low, high, column) = input.columns(x);
    let [low, high, column] = [low, high, column].map(|columns| columns * input.channels);
    let filter_row = input.kernel_width * input.channels;
    if let [Some(row)] = input.rows
        && high - low == filter_row
    {
        return &row[column..column + filter_row];
    }
    for (row, patch) in input.rows.iter().zip(patch.chunks_exact_mut(filter_row)) {
        match row {
            Some(row) if high - low == filter_row => patch.copy_from_slice(&row[column..column + filter_row]),
            Some(row) => {
                patch.fill(I::from_i32(input.zero_point));
                patch[low..high].copy_from_slice(&row[column..column + high - low]);
            }
            None => patch.fill(I::from_i32(input.zero_point)),
        }
    }
    patch
}

/// Requantises the sums of two channels into `output`, whose pixels have `channels` of which they are the ones from
/// `channel`.
fn finish(sums: &[[i32; 4]], stages: [Channel; 2], channels: usize, channel: usize, output: &mut Output<'_>) {
    for (pixel, &sums) in (0..output.len() / channels).zip(sums.as_flattened().as_chunks::<2>().0) {
        let place = pixel * channels + channel;
        output.put(place, stages[0].value(sums[0]));
        if channel + 1 < channels {
            output.put(place + 1, stages[1].value(sums[1]));
        }
    }
}

/// For a single pixel, or filters too large for scratch: every weight is expanded when it is used.
#[inline(never)]
fn one_by_one<I: Element>(input: &Rows<'_, I>, weights: &[i8], stage: &Stage<'_>, mut output: Output<'_>) {
    let channels = stage.bias.len();
    let filter_row = input.kernel_width * input.channels;
    for x in 0..output.len() / channels {
        let (low, high, column) = input.columns(x);
        let [low, high, column] = [low, high, column].map(|columns| columns * input.channels);
        for (channel, filter) in weights.chunks_exact(input.rows.len() * filter_row).enumerate() {
            let mut sum = stage.bias[channel];
            for (row, weights) in input.rows.iter().zip(filter.chunks_exact(filter_row)) {
                let (inside, values) = match row {
                    Some(row) => (low..high, &row[column..column + high - low]),
                    None => (0..0, &[][..]),
                };
                sum = dot(values, &weights[inside.clone()], sum);
                if inside.len() < filter_row {
                    let outside = total(&weights[..inside.start]) + total(&weights[inside.end..]);
                    sum = sum.wrapping_add(outside.wrapping_mul(input.zero_point));
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
