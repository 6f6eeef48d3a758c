//! Convolution of groups of channels, each with its own filters.

use super::conv::{dot, total};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Most taps of a filter for which a group's pixels are gathered once for all of its filters.
const PATCH: usize = 512;

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
    let filter = input.rows.len() * input.kernel_width * members;
    assert!(members * groups == input.channels && outputs * groups == channels);
    assert_eq!(weights.len(), channels * filter);
    let mut patch = [I::from_i32(0); PATCH];
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        for (group, out) in pixel.chunks_exact_mut(outputs).enumerate() {
            let (first, channel) = (group * members, group * outputs);
            let filters = weights[channel * filter..].chunks_exact(filter);
            let patch = patch.get_mut(..filter).map(|patch| {
                gather(input, x, first, patch);
                &*patch
            });
            for ((channel, out), filter) in (channel..).zip(out).zip(filters) {
                let products = products(patch, input, x, first, filter);
                let sum = stage.bias[channel].wrapping_add(products);
                *out = O::from_i32(stage.requantise(sum, channel));
            }
        }
    }
}

/// Gathers the taps of output pixel `x` in the channels from `first` on.
// Not inlined, as `products`.
#[inline(never)]
fn gather<I: Element>(input: &Rows<'_, I>, x: usize, first: usize, patch: &mut [I]) {
    let members = patch.len() / (input.rows.len() * input.kernel_width);
    patch.fill(I::from_i32(input.zero_point));
    input.copy_taps(x, first..first + members, patch);
}

/// Sum of a filter's products with its patch, or at output pixel `x` if there is none.
// Not inlined, so that it exists once for all types of output.
#[inline(never)]
fn products<I: Element>(
    patch: Option<&[I]>,
    input: &Rows<'_, I>,
    x: usize,
    first: usize,
    filter: &[i8],
) -> i32 {
    match patch {
        Some(patch) => dot(patch, filter),
        None => by_taps(input, x, first, filter),
    }
}

/// Sum of a filter's products at output pixel `x`. `first` is the first input channel that the filter reads.
fn by_taps<I: Element>(input: &Rows<'_, I>, x: usize, first: usize, filter: &[i8]) -> i32 {
    let members = filter.len() / (input.rows.len() * input.kernel_width);
    let (low, high, column) = input.columns(x);
    let mut sum = 0i32;
    for (row, taps) in input.rows.iter().zip(filter.chunks_exact(input.kernel_width * members)) {
        for (kx, tap) in taps.chunks_exact(members).enumerate() {
            sum = sum.wrapping_add(match row {
                Some(row) if (low..high).contains(&kx) => {
                    let start = (column + (kx - low) * input.dilation) * input.channels + first;
                    dot(&row[start..start + members], tap)
                }
                _ => total(tap).wrapping_mul(input.zero_point),
            });
        }
    }
    sum
}
