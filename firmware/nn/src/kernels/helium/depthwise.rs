//! Convolution of each channel with its own filter. For a window of up to four by four, sixteen channels are packed at
//! a time, so that one vector holds a channel's window. Other windows, and elements of 16 bits, are computed tap by
//! tap, eight channels at a time.

use super::choose::{self, COLUMNS, Depthwise};
use super::{Scratch, ops};
use crate::kernels::{Element, Rows, portable};
use crate::quant::Stage;
use crate::{elements, elements_mut, ensure};

/// See [`crate::kernels::portable::depthwise`].
pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) -> Option<()> {
    let channels = input.channels;
    ensure(
        input.dilation > 0
            && channels > 0
            && stage.bias.len() == channels
            && output.len().is_multiple_of(channels),
    )?;
    ensure(weights.len() == input.rows.len() * input.kernel_width * channels)?;
    match choose::depthwise(input, size_of::<O>(), output.len() / channels) {
        Depthwise::Packed { block_pixels } => {
            packed(input, weights, stage, scratch, elements_mut(output)?, block_pixels)
        }
        Depthwise::Taps => by_taps(input, weights, stage, scratch, output),
        Depthwise::Portable => portable::depthwise(input, weights, stage, &mut portable::Scratch, output),
    }
}

/// Computes sixteen channels of a block of pixels at a time, with packed columns.
fn packed<I: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [i8],
    block_pixels: usize,
) -> Option<()> {
    let channels = input.channels;
    let kernel = [input.rows.len(), input.kernel_width];
    let (columns, taps) = scratch.vectors.split_at_mut_checked(4 * COLUMNS)?;
    let (columns, taps) = (columns.as_chunks_mut::<4>().0, taps.as_chunks_mut::<4>().0);
    let taps: &mut [ops::Column; 5] = taps.try_into().ok()?;
    let outside = [input.zero_point as i8; 16];
    for block in choose::blocks(output.len().checked_div(channels)?, block_pixels) {
        let columns = columns.get_mut(..block.len().checked_sub(1)? * input.stride + 4)?;
        // Columns before, in and after the tensor.
        let start = block.start * input.stride;
        let left = input.pad.saturating_sub(start).min(columns.len());
        let column = (start + left).saturating_sub(input.pad);
        let right = (left + input.width.saturating_sub(column)).min(columns.len());
        columns.get_mut(..left)?.as_flattened_mut().as_flattened_mut().fill(outside[0]);
        columns.get_mut(right..)?.as_flattened_mut().as_flattened_mut().fill(outside[0]);
        let mut rows = [(&outside[..], 0); 4];
        for (place, row) in rows.iter_mut().zip(input.rows) {
            if let Some(row) = row
                && left < right
            {
                *place = (elements(row.get(column * channels..)?)?, channels);
            }
        }
        let strip = ops::Strip { rows, inside: left..right, columns, taps: &mut *taps };
        let place = ops::Place { elements: output.get_mut(block.start * channels..)?, stride: channels };
        ops::slide(strip, input.stride, (weights, kernel), block.len(), stage, place)?;
    }
    Some(())
}

/// Computes any window, all taps of eight channels at a time.
fn by_taps<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) -> Option<()> {
    let channels = input.channels;
    let (sums, rest) = scratch.vectors.split_at_mut_checked(channels.div_ceil(8) * 2)?;
    let sums: &mut [i32] = elements_mut(sums)?;
    let outside: &mut [I] = elements_mut(rest)?.get_mut(..channels)?;
    outside.fill(I::from_i32(input.zero_point));
    ops::taps(input, outside, weights, sums, stage, output)
}
