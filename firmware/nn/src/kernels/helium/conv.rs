//! Convolution over all input channels: two pixels and four filters at a time.
//!
//! Pixels are read in place if windows are adjacent runs of whole vectors. Otherwise their patches are gathered
//! first: row by row, or tap by tap if taps are dilated.

use core::ops::Range;

use super::choose::{self, Conv, Tiles, Windows};
use super::{Scratch, ops};
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
    let Conv::Tiles(tiles) = choose::conv(input, channels) else {
        return portable::conv(input, weights, stage, &mut portable::Scratch, output);
    };
    let Tiles { steps, whole, spare_filters, pixels: room, windows } = tiles;
    let (spare_filters, rest) = scratch.vectors.split_at_mut(spare_filters);
    let (spare, patches) = rest.split_at_mut(room);
    let spare_filters = spare_filters.as_flattened_mut();
    let patch_elements = steps * choose::lanes::<I>();
    for (block, output) in output.chunks_mut(room * channels).enumerate() {
        let count = output.len() / channels;
        let (in_place, run_columns) = match windows {
            Windows::InPlace => (in_place(input, block * room, count), input.kernel_width),
            Windows::Gathered(columns) => (None, columns),
        };
        let pixels = in_place.unwrap_or_else(|| {
            let patches = &mut patches[..count * steps];
            ops::clear(patches);
            let patches: &mut [I] = bytemuck::cast_slice_mut(patches);
            for tap in (0..input.kernel_width).step_by(run_columns) {
                let taps = tap..tap + run_columns;
                gather(input, taps, block * room, patch_elements, patches);
            }
            patches
        });
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

/// The pixels under the windows of `count` output pixels from `first`, if they are contiguous in a single row and lie
/// in the tensor.
fn in_place<'a, I: Element>(input: &Rows<'a, I>, first: usize, count: usize) -> Option<&'a [I]> {
    let start = (first * input.stride).checked_sub(input.pad)?;
    let end = start + count * input.kernel_width;
    let &[Some(row)] = input.rows else { return None };
    (end <= input.width).then(|| &row[start * input.channels..end * input.channels])
}

/// Gathers the elements under these kernel columns, which are adjacent in the input, for the windows from output
/// pixel `first`. The rest of the patches is unchanged.
fn gather<I: Element>(
    input: &Rows<'_, I>,
    taps: Range<usize>,
    first: usize,
    patch: usize,
    patches: &mut [I],
) {
    let zero = I::from_i32(input.zero_point);
    let filter_row = input.kernel_width * input.channels;
    // The kernel columns form a window of their own. Its tensor omits the columns that the first tap never reaches.
    let shift = taps.start * input.dilation;
    let skipped = shift.saturating_sub(input.pad).min(input.width);
    let run = Rows {
        rows: input.rows,
        width: input.width - skipped,
        kernel_width: taps.len(),
        pad: input.pad.saturating_sub(shift),
        dilation: 1,
        ..*input
    };
    let run_elements = taps.len() * input.channels;
    let last = first + patches.len() / patch;
    // Output pixels whose windows lie inside.
    let end = (run.width + run.pad).checked_sub(run.kernel_width).map_or(0, |x| x / run.stride + 1);
    let end = end.clamp(first, last);
    let start = run.pad.div_ceil(run.stride).clamp(first, end);
    for (y, row) in run.rows.iter().enumerate() {
        let patches = &mut patches[y * filter_row + taps.start * input.channels..];
        let row = row.map(|row| &row[skipped * input.channels..]);
        if let Some(row) = row
            && start < end
        {
            let column = (start * run.stride - run.pad) * run.channels;
            let runs = (&row[column..], run.stride * run.channels, run_elements);
            ops::gather(runs, (&mut patches[(start - first) * patch..], patch), end - start);
        }
        let whole = if row.is_some() { start..end } else { first..first };
        for x in (first..whole.start).chain(whole.end..last) {
            let (low, high, column) = run.columns(x);
            let [low, high, column] = [low, high, column].map(|columns| columns * run.channels);
            let taps = &mut patches[(x - first) * patch..][..run_elements];
            taps.fill(zero);
            if let Some(row) = row {
                taps[low..high].copy_from_slice(&row[column..column + high - low]);
            }
        }
    }
}
