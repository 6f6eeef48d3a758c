//! Convolution of groups of channels, each group with filters of its own.

use super::conv::{dot, total};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// One output row `[width][c_out]` of a grouped convolution. `weights` is `[c_out][kh][kw][c_in / groups]`; output channel
/// `o` reads the input channels of group `o / (c_out / groups)`.
///
/// # Panics
/// When lengths do not agree, or groups do not divide channels.
pub fn grouped<I: Element, O: Element, S>(
    input: &Rows<'_, I>,
    groups: usize,
    weights: &[i8],
    stage: &Stage<'_>,
    _: &mut S,
    output: &mut [O],
) {
    let channels = stage.bias.len();
    let [members, outputs] = [input.channels, channels].map(|channels| channels / groups);
    let filter_row = input.kernel_width * members;
    let filter = input.rows.len() * filter_row;
    assert!(members * groups == input.channels && outputs * groups == channels);
    assert_eq!(weights.len(), channels * filter);
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        let (low, high, column) = input.columns(x);
        for (channel, (out, filter)) in pixel.iter_mut().zip(weights.chunks_exact(filter)).enumerate() {
            let first = column * input.channels + channel / outputs * members;
            let mut sum = stage.bias[channel];
            for (row, weights) in input.rows.iter().zip(filter.chunks_exact(filter_row)) {
                for (kx, tap) in weights.chunks_exact(members).enumerate() {
                    sum = sum.wrapping_add(match row {
                        Some(row) if (low..high).contains(&kx) => {
                            let start = first + (kx - low) * input.dilation * input.channels;
                            dot(&row[start..start + members], tap)
                        }
                        _ => total(tap).wrapping_mul(input.zero_point),
                    });
                }
            }
            *out = O::from_i32(stage.requantise(sum, channel));
        }
    }
}
