//! Convolution of groups of channels, each with its own filters.

use core::ops::Range;

use super::conv::{dot, total};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;
use crate::{ensure, map_if_any};

/// Most taps of a filter for which a group's pixels are gathered once for all of its filters.
const PATCH: usize = 512;

/// One output row `[width][c_out]` of a grouped convolution. `weights` is `[c_out][kh][kw][c_in / groups]`; output channel
/// `o` reads the input channels of group `o / (c_out / groups)`.
/// `None` when lengths do not agree, or groups do not divide channels.
pub fn grouped<I: Element, O: Element, S>(
    input: &Rows<'_, I>,
    groups: usize,
    weights: &[i8],
    stage: &Stage<'_>,
    _: &mut S,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    let (members, outputs) = (input.channels.checked_div(groups)?, channels.checked_div(groups)?);
    let filter = input.rows.len() * input.kernel_width * members;
    ensure(members * groups == input.channels && outputs * groups == channels)?;
    ensure(
        input.dilation > 0 && outputs > 0 && channels > 0 && filter > 0 && weights.len() == channels * filter,
    )?;
    ensure(output.len().is_multiple_of(channels))?;
    let mut patch = [I::from_i32(0); PATCH];
    for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
        for (group, out) in pixel.chunks_exact_mut(outputs).enumerate() {
            let (first, channel) = (group * members, group * outputs);
            let filters = weights.get(channel * filter..)?.chunks_exact(filter);
            let patch = map_if_any(patch.get_mut(..filter), |patch| {
                gather(input, x, first..first + members, patch)?;
                Some(&*patch)
            })?;
            for ((channel, out), filter) in (channel..).zip(out).zip(filters) {
                let stage = stage.channel(channel)?;
                let products = products(patch, input, x, first..first + members, filter)?;
                *out = O::from_i32(stage.requantise(stage.bias.wrapping_add(products)));
            }
        }
    }
    Some(())
}

/// Gathers the taps of output pixel `x` in these channels.
// Not inlined, as `products`.
#[inline(never)]
fn gather<I: Element>(input: &Rows<'_, I>, x: usize, channels: Range<usize>, patch: &mut [I]) -> Option<()> {
    patch.fill(I::from_i32(input.zero_point));
    input.copy_taps(x, channels, patch)
}

/// Sum of a filter's products with its patch, or at output pixel `x` if there is none.
// Not inlined, so that it exists once for all types of output.
#[inline(never)]
fn products<I: Element>(
    patch: Option<&[I]>,
    input: &Rows<'_, I>,
    x: usize,
    channels: Range<usize>,
    filter: &[i8],
) -> Option<i32> {
    match patch {
        Some(patch) => Some(dot(patch, filter)),
        None => by_taps(input, x, channels, filter),
    }
}

/// Sum of a filter's products at output pixel `x`. The filter reads these input channels.
fn by_taps<I: Element>(input: &Rows<'_, I>, x: usize, channels: Range<usize>, filter: &[i8]) -> Option<i32> {
    let members = channels.len();
    let (low, high, column) = input.columns(x);
    let mut sum = 0i32;
    for (y, row) in input.rows.iter().enumerate() {
        for kx in 0..input.kernel_width {
            let start = (y * input.kernel_width + kx) * members;
            let tap = filter.get(start..start + members)?;
            sum = sum.wrapping_add(match row {
                Some(row) if (low..high).contains(&kx) => {
                    let start = (column + (kx - low) * input.dilation) * input.channels + channels.start;
                    dot(row.get(start..start + members)?, tap)
                }
                _ => total(tap).wrapping_mul(input.zero_point),
            });
        }
    }
    Some(sum)
}
