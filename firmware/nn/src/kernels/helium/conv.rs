//! Convolution over all input channels: two pixels and four filters at a time.
//!
//! Pixels are read where they lie when a window is one run of whole vectors; else their patches are gathered first.

use super::{Scratch, VECTORS, Vector, ops};
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
    // Pixels whose patches fit beside four filters and the elements of a last group of channels.
    let room = VECTORS.saturating_sub(4 * steps) / (steps + 1);
    if size_of::<I>() != 1 || room < 2 {
        return portable::conv(input, weights, stage, &mut portable::Scratch, output);
    }
    let (filters, rest) = scratch.vectors.split_at_mut(4 * steps);
    let (spare, patches) = rest.split_at_mut(room);
    let patches = patches.as_flattened_mut();
    for (block, output) in output.chunks_mut(room * channels).enumerate() {
        let count = output.len() / channels;
        let (pixels, pixel_bytes) = match in_place(input, block * room, count) {
            Some(pixels) => pixels,
            None => {
                gather(input, block * room, 16 * steps, &mut patches[..count * 16 * steps]);
                (&*patches, 16 * steps)
            }
        };
        for (group, weights) in weights.chunks(4 * taps).enumerate() {
            interleave(weights, taps, filters);
            let channel = 4 * group;
            if channel + 4 <= channels {
                let place = ops::Place { elements: &mut output[channel..], stride: channels };
                multiply(pixels, pixel_bytes, count, filters, &ops::four(stage, channel), place);
                continue;
            }
            let [bias, positive, negative] = [stage.bias, stage.positive, stage.negative].map(|array| {
                core::array::from_fn::<i32, 4, _>(|lane| array.get(channel + lane).copied().unwrap_or(0))
            });
            let stage = Stage { bias: &bias, positive: &positive, negative: &negative, ..*stage };
            let spare: &mut [O] = &mut bytemuck::cast_slice_mut(&mut *spare)[..4 * count];
            multiply(pixels, pixel_bytes, count, filters, &stage, ops::Place { elements: spare, stride: 4 });
            for (pixel, four) in output.chunks_exact_mut(channels).zip(spare.chunks_exact(4)) {
                pixel[channel..].copy_from_slice(&four[..channels - channel]);
            }
        }
    }
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
            let Some(row) = row else {
                taps.fill(zero);
                continue;
            };
            taps[..low].fill(zero);
            taps[low..high].copy_from_slice(bytemuck::cast_slice(&row[column..column + high - low]));
            taps[high..].fill(zero);
        }
    }
}

/// Puts up to four filters side by side, a vector of each in turn. Taps and filters that there are not are zero.
fn interleave(weights: &[i8], taps: usize, filters: &mut [Vector]) {
    if weights.len() == 4 * taps && taps.is_multiple_of(16) {
        return ops::interleave(bytemuck::cast_slice(weights), filters);
    }
    for lane in 0..4 {
        let filter = weights.get(lane * taps..(lane + 1) * taps).unwrap_or(&[]);
        let mut vectors = filter.chunks(16);
        for slot in filters.iter_mut().skip(lane).step_by(4) {
            let vector = vectors.next().unwrap_or(&[]);
            slot[..vector.len()].copy_from_slice(vector);
            slot[vector.len()..].fill(0);
        }
    }
}

/// Multiplies `count` pixels with four filters. A pixel without a neighbour is its own.
fn multiply<O: Element>(
    pixels: &[i8],
    pixel_bytes: usize,
    count: usize,
    filters: &[Vector],
    stage: &Stage<'_>,
    place: ops::Place<'_, O>,
) {
    let ops::Place { elements, stride } = place;
    if count > 1 {
        let place = ops::Place { elements: &mut *elements, stride };
        ops::multiply(pixels, pixel_bytes, count / 2, filters, stage, place);
    }
    if count % 2 == 1 {
        let elements = &mut elements[(count - 1) * stride..];
        ops::multiply(
            &pixels[(count - 1) * pixel_bytes..],
            0,
            1,
            filters,
            stage,
            ops::Place { elements, stride: 0 },
        );
    }
}
