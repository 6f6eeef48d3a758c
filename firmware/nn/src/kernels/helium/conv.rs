//! Convolution over all input channels: two pixels and four filters at a time.
//!
//! Pixels are read where they lie when windows are runs of whole vectors side by side; else their patches are gathered first.

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
    // Windows of one row may be read where they lie.
    if input.dilation != 1 && input.rows.len() == 1 {
        return portable::conv(input, weights, stage, scratch, output);
    }
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    assert_eq!(weights.len(), channels * taps);
    let steps = taps.div_ceil(16);
    // The last filters may not be followed by what a whole vector reads, or not be four: they are computed apart.
    let fits = |&channels: &usize| (channels - 1) * taps + 16 * steps <= weights.len();
    let whole = (4..=channels / 4 * 4).rev().step_by(4).find(fits).unwrap_or(0);
    let spare_filters = if whole < channels { 4 * steps } else { 0 };
    let room = VECTORS.saturating_sub(spare_filters) / (steps + 1);
    if size_of::<I>() != 1 || room < 2 {
        return portable::conv(input, weights, stage, &mut portable::Scratch, output);
    }
    let (spare_filters, rest) = scratch.vectors.split_at_mut(spare_filters);
    let (spare, patches) = rest.split_at_mut(room);
    let spare_filters = spare_filters.as_flattened_mut();
    for (block, output) in output.chunks_mut(room * channels).enumerate() {
        let count = output.len() / channels;
        let pixels = match in_place(input, block * room, count) {
            Some(pixels) => pixels,
            None => {
                let patches = &mut patches[..count * steps];
                ops::clear(patches);
                let patches = patches.as_flattened_mut();
                gather(input, block * room, 16 * steps, patches);
                &*patches
            }
        };
        if whole > 0 {
            let place = ops::Place { elements: &mut *output, stride: channels };
            let arrays = [stage.bias, stage.positive, stage.negative].map(|array| &array[..whole]);
            ops::multiply(pixels, (weights, taps), &with_arrays(stage, arrays), place);
        }
        for (index, filters) in weights[whole * taps..].chunks(4 * taps).enumerate() {
            spare_filters[..filters.len()].copy_from_slice(filters);
            let lanes = whole + 4 * index..channels.min(whole + 4 * (index + 1));
            if lanes.len() == 4 {
                let arrays = [stage.bias, stage.positive, stage.negative].map(|array| &array[lanes.clone()]);
                let place = ops::Place { elements: &mut output[lanes.start..], stride: channels };
                ops::multiply(pixels, (spare_filters, taps), &with_arrays(stage, arrays), place);
                continue;
            }
            let spare: &mut [O] = &mut bytemuck::cast_slice_mut(&mut *spare)[..4 * count];
            let arrays: [[i32; 4]; 3] = [stage.bias, stage.positive, stage.negative].map(|array| {
                core::array::from_fn(|lane| array.get(lanes.start + lane).copied().unwrap_or_default())
            });
            let stage = with_arrays(stage, arrays.each_ref().map(|array| &array[..]));
            let place = ops::Place { elements: &mut *spare, stride: 4 };
            ops::multiply(pixels, (spare_filters, taps), &stage, place);
            for (pixel, four) in output.chunks_exact_mut(channels).zip(spare.chunks_exact(4)) {
                pixel[lanes.clone()].copy_from_slice(&four[..lanes.len()]);
            }
        }
    }
}

/// A stage with other biases and multipliers.
fn with_arrays<'a>(stage: &Stage<'_>, [bias, positive, negative]: [&'a [i32]; 3]) -> Stage<'a> {
    Stage { bias, positive, negative, ..*stage }
}

/// The pixels under the windows of `count` output pixels from `first`, if each window is one run of whole vectors in the tensor,
/// and they follow one another.
fn in_place<'a, I: Element>(input: &Rows<'a, I>, first: usize, count: usize) -> Option<&'a [i8]> {
    let filter_row = input.kernel_width * input.channels;
    let start = (first * input.stride).checked_sub(input.pad)?;
    let end = start + count * input.kernel_width;
    let &[Some(row)] = input.rows else { return None };
    let fits = filter_row.is_multiple_of(16) && input.stride == input.kernel_width && end <= input.width;
    fits.then(|| bytemuck::cast_slice(&row[start * input.channels..end * input.channels]))
}

/// Gathers the patches under the windows from output pixel `first`; what of them is no tap stays.
fn gather<I: Element>(input: &Rows<'_, I>, first: usize, patch_bytes: usize, patches: &mut [i8]) {
    let zero = input.zero_point as i8;
    let filter_row = input.kernel_width * input.channels;
    if input.dilation != 1 {
        for (x, patch) in (first..).zip(patches.chunks_exact_mut(patch_bytes)) {
            let patch: &mut [I] = bytemuck::cast_slice_mut(&mut patch[..input.rows.len() * filter_row]);
            patch.fill(I::from_i32(input.zero_point));
            input.copy_taps(x, 0..input.channels, patch);
        }
        return;
    }
    let last = first + patches.len() / patch_bytes;
    // Output pixels whose windows are not cut.
    let end = (input.width + input.pad).checked_sub(input.kernel_width).map_or(0, |x| x / input.stride + 1);
    let end = end.clamp(first, last);
    let start = input.pad.div_ceil(input.stride).clamp(first, end);
    for (y, row) in input.rows.iter().enumerate() {
        let patches = &mut patches[y * filter_row..];
        let row = row.map(bytemuck::cast_slice::<I, i8>);
        if let Some(row) = row
            && start < end
        {
            let column = (start * input.stride - input.pad) * input.channels;
            let runs = (&row[column..], input.stride * input.channels, filter_row);
            ops::gather(runs, (&mut patches[(start - first) * patch_bytes..], patch_bytes), end - start);
        }
        let whole = if row.is_some() { start..end } else { first..first };
        for x in (first..whole.start).chain(whole.end..last) {
            let (low, high, column) = input.columns(x);
            let [low, high, column] = [low, high, column].map(|columns| columns * input.channels);
            let taps = &mut patches[(x - first) * patch_bytes..][..filter_row];
            taps.fill(zero);
            if let Some(row) = row {
                taps[low..high].copy_from_slice(&row[column..column + high - low]);
            }
        }
    }
}
