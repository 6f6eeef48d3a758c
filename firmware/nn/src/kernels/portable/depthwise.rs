//! Convolution of each channel with its own filter.

use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Channels summed side by side.
const LANES: usize = 32;

/// One output row `[width][c]` of a depthwise convolution. `weights` is `[kh][kw][c]`.
///
/// # Panics
/// When lengths do not agree.
pub fn depthwise<I: Element, O: Element, S>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    _: &mut S,
    output: &mut [O],
) {
    let channels = input.channels;
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), input.rows.len() * input.kernel_width * channels);
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        for (block, out) in pixel.chunks_mut(LANES).enumerate() {
            let first = block * LANES;
            let lanes = first..first + out.len();
            let mut sums = [0i32; LANES];
            sums[..out.len()].copy_from_slice(&stage.bias[lanes.clone()]);
            let taps = weights.chunks_exact(input.kernel_width * channels);
            for (row, taps) in input.rows.iter().zip(taps) {
                for (kx, tap) in taps.chunks_exact(channels).enumerate() {
                    let tap = &tap[lanes.clone()];
                    match row {
                        Some(row) if (low..high).contains(&kx) => {
                            let values =
                                &row[(column + (kx - low) * input.dilation) * channels..][lanes.clone()];
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
                *out = O::from_i32(stage.requantise(sum, channel));
            }
        }
    }
}
