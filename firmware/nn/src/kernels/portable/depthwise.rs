//! Convolution of each channel with its own filter.

use crate::kernels::{Element, Rows};
use crate::quant::Stage;
use crate::{copy, ensure};

/// Channels summed side by side.
const LANES: usize = 32;

/// One output row `[width][c]` of a depthwise convolution. `weights` is `[kh][kw][c]`. `None` when lengths do not agree.
pub fn depthwise<I: Element, O: Element, S>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    _: &mut S,
    output: &mut [O],
) -> Option<()> {
    let channels = input.channels;
    let filter_row = input.kernel_width * channels;
    ensure(input.dilation > 0 && channels > 0 && filter_row > 0 && stage.bias.len() == channels)?;
    ensure(output.len().is_multiple_of(channels))?;
    ensure(weights.len() == input.rows.len() * input.kernel_width * channels)?;
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        for (block, out) in pixel.chunks_mut(LANES).enumerate() {
            let first = block * LANES;
            let lanes = first..first + out.len();
            let mut sums = [0i32; LANES];
            copy(stage.bias.get(lanes.clone())?, sums.get_mut(..out.len())?)?;
            let taps = weights.chunks_exact(filter_row);
            for (row, taps) in input.rows.iter().zip(taps) {
                for (kx, tap) in taps.chunks_exact(channels).enumerate() {
                    let tap = tap.get(lanes.clone())?;
                    match row {
                        Some(row) if (low..high).contains(&kx) => {
                            let pixel = (column + (kx - low) * input.dilation) * channels;
                            let values = row.get(pixel + lanes.start..pixel + lanes.end)?;
                            for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(tap) {
                                *sum = sum.wrapping_add(value.into() * weight as i32);
                            }
                        }
                        _ => {
                            for (sum, &weight) in sums.iter_mut().zip(tap) {
                                *sum = sum.wrapping_add(input.zero_point * weight as i32);
                            }
                        }
                    }
                }
            }
            for ((channel, out), &sum) in lanes.zip(out).zip(&sums) {
                *out = O::from_i32(stage.channel(channel)?.requantise(sum));
            }
        }
    }
    Some(())
}
