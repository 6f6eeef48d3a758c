//! Convolution of each channel with a filter of its own: sixteen channels packed at a time, so that a window of up to four by four
//! is one vector.

use super::{Scratch, VECTORS, Vector, ops};
use crate::kernels::{Element, Rows, portable};
use crate::quant::Stage;

/// Four bytes of each of sixteen channels, from top to bottom.
type Column = [Vector; 4];

/// Columns that scratch has room for.
const COLUMNS: usize = VECTORS / 4;

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
    let channels = input.channels;
    let (height, width) = (input.rows.len(), input.kernel_width);
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), height * width * channels);
    let fits = height <= 4 && width <= 4 && input.stride <= 2 && channels.is_multiple_of(16);
    if size_of::<I>() != 1 || !fits {
        return portable::depthwise(input, weights, stage, &mut portable::Scratch, output);
    }
    let (columns, _) = scratch.vectors.as_chunks_mut::<4>();
    let block_pixels = (COLUMNS - 4) / input.stride + 1;
    let outside = [input.zero_point as i8; 16];
    // Columns behind the kernel stay zero.
    let mut taps: [Column; 4] = [[[0; 16]; 4]; 4];
    for (block, output) in output.chunks_mut(block_pixels * channels).enumerate() {
        let pixels = output.len() / channels;
        let columns = &mut columns[..(pixels - 1) * input.stride + 4];
        // Columns before the tensor, in it, and behind.
        let start = block * block_pixels * input.stride;
        let left = input.pad.saturating_sub(start).min(columns.len());
        let column = (start + left).saturating_sub(input.pad);
        let right = (left + input.width.saturating_sub(column)).min(columns.len());
        columns[..left].fill([outside; 4]);
        columns[right..].fill([outside; 4]);
        for first in (0..channels).step_by(16) {
            if left < right {
                let row = |y: usize| match input.rows.get(y) {
                    Some(Some(row)) => (bytemuck::cast_slice(&row[column * channels + first..]), channels),
                    _ => (&outside[..], 0),
                };
                ops::pack([0, 1, 2, 3].map(row), &mut columns[left..right]);
            }
            let row = |y: usize| match y < height {
                true => (&weights[y * width * channels + first..], channels),
                false => (&[0; 16][..], 0),
            };
            ops::pack([0, 1, 2, 3].map(row), &mut taps[..width]);
            let lanes = first..first + 16;
            let stage = Stage {
                bias: &stage.bias[lanes.clone()],
                positive: &stage.positive[lanes.clone()],
                negative: &stage.negative[lanes],
                ..*stage
            };
            let place = ops::Place { elements: &mut output[first..], stride: channels };
            ops::slide(columns, input.stride, &taps, pixels, &stage, place);
        }
    }
}
