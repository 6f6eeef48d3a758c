//! Convolution over all input channels.

use super::grouped;
use crate::ensure;
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// One output row `[width][c_out]` of a convolution. `weights` is `[c_out][kh][kw][c_in]`. `None` when lengths do not
/// agree.
pub fn conv<I: Element, O: Element, S>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    scratch: &mut S,
    output: &mut [O],
) -> Option<()> {
    // Without dilation the taps of a row are contiguous.
    if input.dilation != 1 {
        return grouped(input, 1, weights, stage, scratch, output);
    }
    let channels = stage.bias.len();
    let filter_row = input.kernel_width * input.channels;
    let filter = input.rows.len() * filter_row;
    ensure(channels > 0 && filter_row > 0 && filter > 0 && weights.len() == channels * filter)?;
    ensure(output.len().is_multiple_of(channels))?;
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        let (low, high) = (low * input.channels, high * input.channels);
        let start = column * input.channels;
        for (channel, (out, filter)) in pixel.iter_mut().zip(weights.chunks_exact(filter)).enumerate() {
            let stage = stage.channel(channel)?;
            let mut sum = stage.bias;
            for (row, weights) in input.rows.iter().zip(filter.chunks_exact(filter_row)) {
                let outside = if let Some(row) = row {
                    let inside = row.get(start..start + high - low)?;
                    sum = sum.wrapping_add(dot(inside, weights.get(low..high)?));
                    if high - low == filter_row {
                        continue;
                    }
                    total(weights.get(..low)?).wrapping_add(total(weights.get(high..)?))
                } else {
                    total(weights)
                };
                sum = sum.wrapping_add(outside.wrapping_mul(input.zero_point));
            }
            *out = O::from_i32(stage.requantise(sum));
        }
    }
    Some(())
}

pub fn dot<I: Element>(values: &[I], weights: &[i8]) -> i32 {
    let products = values.iter().zip(weights).map(|(&v, &w)| v.into() * w as i32);
    products.fold(0, i32::wrapping_add)
}

pub fn total(weights: &[i8]) -> i32 {
    weights.iter().map(|&w| w as i32).sum()
}
