//! Convolution over all input channels: two pixels and four filters at a time.
//!
//! Pixels are read in place if windows are adjacent runs of whole vectors. Otherwise their patches are gathered
//! first: row by row, or tap by tap if taps are dilated.

use core::ops::Range;

use super::choose::{self, Conv, Tiles, Windows};
use super::{Scratch, ops};
use crate::kernels::{Element, Rows, portable};
use crate::quant::Stage;
use crate::{copy, elements_mut, ensure, map_if_any};

/// See [`crate::kernels::portable::conv`].
pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut Scratch,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    ensure(input.dilation > 0 && channels > 0 && taps > 0 && weights.len() == channels * taps)?;
    let four_taps = taps.checked_mul(4)?;
    ensure(output.len().is_multiple_of(channels))?;
    let Conv::Tiles(tiles) = choose::conv(input, channels) else {
        return portable::conv(input, weights, stage, &mut portable::Scratch, output);
    };
    let Tiles { steps, whole, spare_filters, pixels: room, windows } = tiles;
    let block_elements = room.checked_mul(channels)?;
    ensure(block_elements > 0 && four_taps > 0 && steps > 0)?;
    let (spare_filters, rest) = scratch.vectors.split_at_mut_checked(spare_filters)?;
    let (spare, patches) = rest.split_at_mut_checked(room)?;
    let spare_filters = spare_filters.as_flattened_mut();
    let patch_elements = steps * choose::lanes::<I>();
    for (block, output) in output.chunks_mut(block_elements).enumerate() {
        let count = output.len() / channels;
        let (in_place, run_columns) = match windows {
            Windows::InPlace => (in_place(input, block * room, count), input.kernel_width),
            Windows::Gathered(columns) => (None, columns),
        };
        ensure(run_columns > 0)?;
        let pixels = match in_place {
            Some(pixels) => pixels,
            None => {
                let patches = patches.get_mut(..count * steps)?;
                ops::clear(patches)?;
                let patches: &mut [I] = elements_mut(patches)?;
                for tap in (0..input.kernel_width).step_by(run_columns) {
                    let taps = tap..tap + run_columns;
                    gather(input, taps, block * room, patch_elements, patches)?;
                }
                patches
            }
        };
        if whole > 0 {
            let place = ops::Place { elements: &mut *output, stride: channels };
            ops::multiply(pixels, (weights, taps), &stage.part(0..whole)?, place)?;
        }
        for (index, filters) in weights.get(whole * taps..)?.chunks(four_taps).enumerate() {
            copy(filters, spare_filters.get_mut(..filters.len())?)?;
            let lanes = whole + 4 * index..channels.min(whole + 4 * (index + 1));
            if lanes.len() == 4 {
                let place = ops::Place { elements: output.get_mut(lanes.start..)?, stride: channels };
                ops::multiply(pixels, (spare_filters, taps), &stage.part(lanes)?, place)?;
                continue;
            }
            let spare: &mut [O] = elements_mut(&mut *spare)?.get_mut(..4 * count)?;
            let [bias, positive, negative] = [stage.bias, stage.positive, stage.negative].map(|array| {
                core::array::from_fn::<_, 4, _>(|lane| {
                    array.get(lanes.start + lane).copied().unwrap_or_default()
                })
            });
            let negative = if stage.is_linear() { &positive } else { &negative };
            let stage = Stage { bias: &bias, positive: &positive, negative, ..*stage };
            let place = ops::Place { elements: &mut *spare, stride: 4 };
            ops::multiply(pixels, (spare_filters, taps), &stage, place)?;
            for (x, four) in spare.as_chunks::<4>().0.iter().enumerate() {
                let pixel = x * channels;
                let places = output.get_mut(pixel + lanes.start..pixel + lanes.end)?;
                copy(four.get(..lanes.len())?, places)?;
            }
        }
    }
    Some(())
}

/// The pixels under the windows of `count` output pixels from `first`, if they are contiguous in a single row and lie
/// in the tensor.
fn in_place<'a, I: Element>(input: &Rows<'a, I>, first: usize, count: usize) -> Option<&'a [I]> {
    let start = (first * input.stride).checked_sub(input.pad)?;
    let end = start + count * input.kernel_width;
    let &[Some(row)] = input.rows else { return None };
    ensure(end <= input.width)?;
    row.get(start * input.channels..end * input.channels)
}

/// Gathers the elements under these kernel columns, which are adjacent in the input, for the windows from output
/// pixel `first`. The rest of the patches is unchanged.
fn gather<I: Element>(
    input: &Rows<'_, I>,
    taps: Range<usize>,
    first: usize,
    patch: usize,
    patches: &mut [I],
) -> Option<()> {
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
    let last = first + patches.len().checked_div(patch)?;
    ensure(run.stride > 0)?;
    // Output pixels whose windows lie inside.
    let end = (run.width + run.pad).checked_sub(run.kernel_width).map_or(0, |x| x / run.stride + 1);
    let end = end.max(first).min(last);
    let start = run.pad.div_ceil(run.stride).max(first).min(end);
    for (y, row) in run.rows.iter().enumerate() {
        let patches = patches.get_mut(y * filter_row + taps.start * input.channels..)?;
        let row = map_if_any(*row, |row| row.get(skipped * input.channels..))?;
        if let Some(row) = row
            && start < end
        {
            let column = (start * run.stride - run.pad) * run.channels;
            let runs = (row.get(column..)?, run.stride * run.channels, run_elements);
            ops::gather(runs, (patches.get_mut((start - first) * patch..)?, patch), end - start)?;
        }
        let whole = if row.is_some() { start..end } else { first..first };
        for x in (first..whole.start).chain(whole.end..last) {
            let (low, high, column) = run.columns(x);
            let [low, high, column] = [low, high, column].map(|columns| columns * run.channels);
            let taps = patches.get_mut((x - first) * patch..)?.get_mut(..run_elements)?;
            taps.fill(zero);
            if let Some(row) = row {
                copy(row.get(column..column + high - low)?, taps.get_mut(low..high)?)?;
            }
        }
    }
    Some(())
}
