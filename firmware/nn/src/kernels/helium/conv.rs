//! Convolution over all input channels: two pixels and four filters at a time.
//!
//! Pixels are read where they lie when a window is one run of whole vectors; else their patches are gathered first.

use super::{Scratch, VECTORS, ops};
use crate::kernels::{Element, Rows, portable};
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
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    assert_eq!(weights.len(), channels * taps);
    let steps = taps.div_ceil(16);
    let whole = channels / 4 * 4;
    // The last filters may be fewer than four: they and their elements are computed apart.
    let spare_filters = if whole < channels { 4 * steps } else { 0 };
    let room = VECTORS.saturating_sub(4 * steps + spare_filters) / (steps + 1);
    if size_of::<I>() != 1 || room < 2 {
        return portable::conv(input, weights, stage, &mut portable::Scratch, output);
    }
    let (filters, rest) = scratch.vectors.split_at_mut(4 * steps);
    let (spare_filters, rest) = rest.split_at_mut(spare_filters);
    let (spare, patches) = rest.split_at_mut(room);
    let (patches, spare_filters) = (patches.as_flattened_mut(), spare_filters.as_flattened_mut());
    for (block, output) in output.chunks_mut(room * channels).enumerate() {
        let count = output.len() / channels;
        let pixels = match in_place(input, block * room, count) {
            Some((pixels, pixel_bytes)) => (pixels, pixel_bytes, count),
            None => {
                gather(input, block * room, 16 * steps, &mut patches[..count * 16 * steps]);
                (&*patches, 16 * steps, count)
            }
        };
        let (weights, last_weights) = weights.split_at(whole * taps);
        if whole > 0 {
            let place = ops::Place { elements: &mut *output, stride: channels };
            let arrays = [stage.bias, stage.positive, stage.negative].map(|array| &array[..whole]);
            ops::multiply(pixels, (weights, taps), filters, &with_arrays(stage, arrays), place);
        }
        if whole < channels {
            let spare_filters = &mut spare_filters[..4 * taps];
            spare_filters[..last_weights.len()].copy_from_slice(last_weights);
            let spare: &mut [O] = &mut bytemuck::cast_slice_mut(&mut *spare)[..4 * count];
            let arrays: [[i32; 4]; 3] = [stage.bias, stage.positive, stage.negative].map(|array| {
                core::array::from_fn(|lane| array.get(whole + lane).copied().unwrap_or_default())
            });
            let stage = with_arrays(stage, arrays.each_ref().map(|array| &array[..]));
            let place = ops::Place { elements: &mut *spare, stride: 4 };
            ops::multiply(pixels, (spare_filters, taps), filters, &stage, place);
            for (pixel, four) in output.chunks_exact_mut(channels).zip(spare.chunks_exact(4)) {
                pixel[whole..].copy_from_slice(&four[..channels - whole]);
            }
        }
    }
}

/// A stage with other biases and multipliers.
fn with_arrays<'a>(stage: &Stage<'_>, [bias, positive, negative]: [&'a [i32]; 3]) -> Stage<'a> {
    Stage { bias, positive, negative, ..*stage }
}

/// The pixels under the windows of `count` output pixels from `first`, and the distance of one from the next, if each window is
/// one run of whole vectors in the tensor.
fn in_place<'a, I: Element>(input: &Rows<'a, I>, first: usize, count: usize) -> Option<(&'a [i8], usize)> {
    let filter_row = input.kernel_width * input.channels;
    let start = (first * input.stride).checked_sub(input.pad)?;
    let end = start + (count - 1) * input.stride + input.kernel_width;
    let &[Some(row)] = input.rows else { return None };
    let fits = filter_row.is_multiple_of(16) && end <= input.width;
    fits.then(|| {
        let pixels = &row[start * input.channels..end * input.channels];
        (bytemuck::cast_slice(pixels), input.stride * input.channels)
    })
}

/// Gathers the patches under the windows from output pixel `first`. Taps that there are not are zero.
fn gather<I: Element>(input: &Rows<'_, I>, first: usize, patch_bytes: usize, patches: &mut [i8]) {
    let zero = input.zero_point as i8;
    let filter_row = input.kernel_width * input.channels;
    for (x, patch) in (first..).zip(patches.chunks_exact_mut(patch_bytes)) {
        let (low, high, column) = input.columns(x);
        let [low, high, column] = [low, high, column].map(|columns| columns * input.channels);
        let (taps, behind) = patch.split_at_mut(input.rows.len() * filter_row);
        behind.fill(0);
        for (row, taps) in input.rows.iter().zip(taps.chunks_exact_mut(filter_row)) {
            match row.map(bytemuck::cast_slice::<I, i8>) {
                Some(row) if high - low == filter_row => {
                    taps.copy_from_slice(&row[column..column + filter_row])
                }
                Some(row) => {
                    taps.fill(zero);
                    taps[low..high].copy_from_slice(&row[column..column + high - low]);
                }
                None => taps.fill(zero),
            }
        }
    }
}
