//! Convolution over all input channels, as products of expanded patches and expanded filters.
//!
//! The patches of as many pixels as fit in scratch are expanded once. Then each pair of filters is expanded and
//! multiplied with all of them, two pixels at a time.

use format::layer::MAX_KERNEL;

use super::choose::{self, Conv, Tiles};
use super::lanes::{Input, Output, expand, expand_two, expand_two_bytes, lanes, value};
use super::ops::Tile;
use super::{Scratch, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;
use crate::{copy, elements, elements_mut, ensure};

/// See [`crate::kernels::portable::conv`].
/// Also `None` when a kernel has more than [`MAX_KERNEL`] rows.
pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) -> Option<()> {
    let mut rows = [None; MAX_KERNEL];
    multiply(&Input::of(input, &mut rows)?, weights, stage, scratch, Output::of(output)?)
}

// One function for all types, to keep the code small.
#[inline(never)]
fn multiply(
    input: &Input<'_>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    mut output: Output<'_>,
) -> Option<()> {
    let channels = stage.bias.len();
    let taps = input.taps();
    ensure(input.rows.dilation > 0 && channels > 0 && taps > 0 && weights.len() == channels * taps)?;
    let pair_taps = taps.checked_mul(2)?;
    let pixel_count = output.len() / channels;
    ensure(pixel_count * channels == output.len())?;
    let stage = &stage.part(0..channels)?;
    let Conv::Tiles(tiles) = choose::conv(input, pixel_count) else {
        return one_by_one(input, weights, stage, output);
    };
    let Tiles { quads, patch_bytes, patch_quads, pixels: block_pixels } = tiles;
    ensure(quads > 0 && block_pixels > 0)?;
    let weights: &[u8] = elements(weights)?;
    let (filters, rest) = scratch.quads.split_at_mut_checked(quads)?;
    let (patches, pixels) = rest.split_at_mut_checked(2 * patch_quads)?;
    let (one, other) = patches.split_at_mut_checked(patch_quads)?;
    let one = elements_mut(one)?.get_mut(..patch_bytes)?;
    let other = elements_mut(other)?.get_mut(..patch_bytes)?;
    let makes_bytes = choose::makes_bytes(stage);
    for start in (0..pixel_count).step_by(block_pixels) {
        let mut output = output.part(start * channels, block_pixels * channels)?;
        let count = output.len() / channels;
        let pixels = pixels.get_mut(..count.div_ceil(2) * quads)?;
        for (tile, pixels) in pixels.chunks_exact_mut(quads).enumerate() {
            // The last pixel may be alone; it is then paired with itself.
            let x = start + 2 * tile;
            let next = (x + 1).min(start + count - 1);
            expand_two(under(input, x, one)?, under(input, next, other)?, input.size, pixels)?;
        }
        for (pair, weights) in weights.chunks(pair_taps).enumerate() {
            let channel = 2 * pair;
            let (filter, next) = weights.split_at_checked(taps)?;
            // The last filter may be alone, too.
            let is_pair = !next.is_empty();
            expand_two_bytes(filter, if is_pair { next } else { filter }, filters)?;
            if let Output::Bytes(bytes) = &mut output
                && makes_bytes
                && is_pair
            {
                let lanes = lanes::<2>(stage, channel)?;
                let bytes = bytes.get_mut(channel..)?;
                ops::bytes::<Tile>(filters, pixels, quads, &lanes, count, bytes, channels)?;
                continue;
            }
            let next = if is_pair { channel + 1 } else { channel };
            let mut lanes = lanes::<1>(stage, channel)?;
            let next_bias = *stage.bias.get(next)?;
            (lanes.bias[1], lanes.bias[3]) = (next_bias, next_bias);
            let sums = scratch.sums.get_mut(..count.div_ceil(2))?;
            ops::sums::<Tile>(filters, pixels, quads, &lanes, sums)?;
            for channel in channel..=next {
                let sums = sums.as_flattened().get(channel % 2..)?;
                output.put_channel(channel, channels, stage, sums, 2)?;
            }
        }
    }
    Some(())
}

/// The bytes under the window of output pixel `x`: in the input if they are contiguous, otherwise gathered in
/// `patch`.
fn under<'a>(input: &Input<'a>, x: usize, patch: &'a mut [u8]) -> Option<&'a [u8]> {
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
        return row.get(column..column + filter_row);
    }
    let zero = input.zero();
    ensure(filter_row > 0)?;
    for (row, patch) in rows.rows.iter().zip(patch.chunks_exact_mut(filter_row)) {
        let inside = if row.is_some() { low..high } else { 0..0 };
        if inside.len() < filter_row {
            for (index, byte) in patch.iter_mut().enumerate() {
                *byte = zero[index % 2];
            }
        }
        if let Some(row) = row {
            copy(row.get(column..column + high - low)?, patch.get_mut(inside)?)?;
        }
    }
    Some(patch)
}

/// [`under`] for dilated taps.
#[inline(never)]
fn scattered<'a>(input: &Input<'a>, x: usize, patch: &'a mut [u8]) -> Option<&'a [u8]> {
    let rows = &input.rows;
    let (low, high, column) = rows.columns(x);
    let zero = input.zero();
    for (index, byte) in patch.iter_mut().enumerate() {
        *byte = zero[index % 2];
    }
    let filter_row = rows.kernel_width * rows.channels;
    ensure(filter_row > 0 && rows.channels > 0)?;
    for (row, patch) in rows.rows.iter().zip(patch.chunks_exact_mut(filter_row)) {
        let Some(row) = row else { continue };
        let taps = patch.chunks_exact_mut(rows.channels).skip(low).take(high - low);
        for (number, tap) in taps.enumerate() {
            let pixel = (column + number * rows.dilation) * rows.channels;
            copy(row.get(pixel..pixel + rows.channels)?, tap)?;
        }
    }
    Some(patch)
}

/// For a single pixel, or for filters too large for scratch. Every weight is expanded when it is used.
#[inline(never)]
fn one_by_one(input: &Input<'_>, weights: &[i8], stage: &Stage<'_>, mut output: Output<'_>) -> Option<()> {
    let (channels, taps) = (stage.bias.len(), input.taps());
    let rows = &input.rows;
    let filter_row = rows.kernel_width * input.channels;
    ensure(taps > 0 && filter_row > 0)?;
    for x in 0..output.len().checked_div(channels)? {
        let (low, high, column) = rows.columns(x);
        // Neighbouring taps form one run.
        let run = input.run_columns().min(high - low);
        let (starts, step) = (column..column + (high - low) * rows.dilation, rows.dilation * run);
        let [low, high, run] = [low, high, run].map(|columns| columns * input.channels);
        for (channel, filter) in weights.chunks_exact(taps).enumerate() {
            let stage = stage.channel(channel)?;
            let mut sum = stage.bias;
            for (row, weights) in rows.rows.iter().zip(filter.chunks_exact(filter_row)) {
                let inside = if row.is_some() { low..high } else { 0..0 };
                if let Some(row) = row
                    && run > 0
                    && step > 0
                {
                    for (start, weights) in
                        starts.clone().step_by(step).zip(weights.get(low..high)?.chunks(run))
                    {
                        let start = start * rows.channels;
                        let row = row.get(start..start + run * input.size)?;
                        sum = match input.size {
                            1 => dot::<i8>(elements(row)?, weights, sum),
                            _ => dot::<i16>(elements(row)?, weights, sum),
                        };
                    }
                }
                if inside.len() < filter_row {
                    let outside = total(weights.get(..inside.start)?) + total(weights.get(inside.end..)?);
                    sum = sum.wrapping_add(outside.wrapping_mul(rows.zero_point));
                }
            }
            output.put(x * channels + channel, value(&stage, sum))?;
        }
    }
    Some(())
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
