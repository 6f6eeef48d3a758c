//! Mean of the elements under a window that lie inside the tensor.
//!
//! Uses `window`, which is not dilated, `weights` (`i8 [kh][kw][c]`, the same for all taps of a channel) and `stage`. It
//! is a depthwise convolution whose sum, without the bias, is multiplied by the number of taps and divided by the
//! number of taps inside the tensor. The two differ only at the borders, so a kernel makes the row first.

use core::ops::Range;

use format::bytes;
use format::layer::{Element, Layer};

use super::{Inputs, Work, cast, depthwise, window};
use crate::kernels::{self, Rows};
use crate::quant::{self, Channel, Stage};

pub(super) fn check(layer: &Layer, inputs: &Inputs, blob: &[u8]) -> Result<(), &'static str> {
    depthwise::check(layer, inputs, blob)?;
    // Without dilation, every window that the check above accepts has a tap inside the tensor.
    if layer.window.dilation != [1, 1] {
        return Err("dilation");
    }
    let channels = usize::from(layer.output.channels);
    let weights: &[i8] =
        bytes::array(blob, layer.weights, window::taps(layer) * channels).ok_or("weights")?;
    let after_first = weights.get(channels..).unwrap_or(&[]);
    if weights.iter().zip(after_first).all(|(tap, next)| tap == next) { Ok(()) } else { Err("weights") }
}

pub(super) fn rows(layer: &Layer, _: usize, height: u16, row: u16) -> Range<u16> {
    window::rows(&layer.window, height, row)
}

pub(super) fn macs(layer: &Layer, inputs: &Inputs) -> u64 {
    depthwise::macs(layer, inputs)
}

// Not inlined, so that each operator's code is separate.
#[inline(never)]
pub(super) fn run(work: &mut Work<'_>) -> Option<()> {
    window::run(work, row::<i8>, row::<i16>)
}

fn row<I: kernels::Element>(work: &mut Work<'_>, rows: &Rows<'_, I>) -> Option<()> {
    depthwise::row(work, rows)?;
    let weights = work.array(work.layer().weights, rows.channels)?;
    let stage = &work.stage()?;
    let pixels = work.tensor.width.into();
    match work.tensor.element {
        Element::I8 => complete(rows, weights, stage, pixels, &mut put(cast::<i8>(work.output)?)),
        Element::I16 => complete(rows, weights, stage, pixels, &mut put(cast::<i16>(work.output)?)),
    }
}

/// Writes elements to their places in an output row; `None` for a place that there is not.
pub fn put<O: kernels::Element>(output: &mut [O]) -> impl FnMut(usize, i32) -> Option<()> {
    |place, element| {
        *output.get_mut(place)? = O::from_i32(element);
        Some(())
    }
}

/// Replaces the pixels of an output row `[pixels][c]` whose windows lie partly outside the tensor: passes the place and
/// the value of each of their elements to `put`. The others stay as the depthwise convolution made them. `weights` is
/// `[c]`: those of one tap.
///
/// The bias contains the input's zero point for all taps. Sums of products do not overflow, neither before nor after
/// they are scaled to all taps: the largest, of a whole window, is 2³⁰. `None` when lengths do not agree, or a window lies
/// outside entirely.
pub fn complete<I: kernels::Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    pixels: usize,
    put: &mut dyn FnMut(usize, i32) -> Option<()>,
) -> Option<()> {
    crate::ensure(weights.len() == input.channels)?;
    let rows = input.rows.iter().flatten().count();
    let taps = input.rows.len() * input.kernel_width;
    for x in 0..pixels {
        let (low, high, column) = input.columns(x);
        let inside = rows * (high - low);
        if inside == taps {
            continue;
        }
        let ratio = quant::ratio_q22(taps as u32, inside as u32)?;
        for (channel, &weight) in weights.iter().enumerate() {
            let sum = sum(input, column..column + high - low, channel)?;
            let element = element(sum * i32::from(weight), ratio, &stage.channel(channel)?);
            put(x * weights.len() + channel, element)?;
        }
    }
    Some(())
}

/// Sum of a channel over the rows inside the tensor and these columns.
// Not inlined, so that it exists once for each type of input.
#[inline(never)]
fn sum<I: kernels::Element>(input: &Rows<'_, I>, columns: Range<usize>, channel: usize) -> Option<i32> {
    let mut sum = 0;
    for row in input.rows.iter().flatten() {
        for column in columns.clone() {
            sum += (*row.get(column * input.channels + channel)?).into();
        }
    }
    Some(sum)
}

/// The element of a channel from its sum of products.
// Not inlined, so that it exists once for all types.
#[inline(never)]
fn element(products: i32, ratio: i32, stage: &Channel) -> i32 {
    stage.requantise(stage.bias.wrapping_add(quant::times_q22(products, ratio)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of three pixels of two channels, with weights of 1 and 2 and biases of 0 and 100. Each element is its
    /// accumulator.
    fn complete_row(rows: &[Option<&[i8]>], pad: usize) -> [i16; 6] {
        let rows =
            Rows { rows, width: 3, channels: 2, zero_point: 7, kernel_width: 3, stride: 1, pad, dilation: 1 };
        let stage = Stage {
            bias: &[0, 100],
            positive: &[1 << 30; 2],
            negative: &[1 << 30; 2],
            shift: 2,
            zero_point: 0,
            low: -1000,
            high: 1000,
        };
        let mut output = [0x2a5; 6];
        complete(&rows, &[1, 2], &stage, 3, &mut put(&mut output)).unwrap();
        output
    }

    #[test]
    fn sums_at_the_borders_are_scaled_to_all_taps() {
        let first = [1, 10, 2, 20, 4, 40];
        let second = [8, -10, 16, -20, 32, -40];
        // Two rows are inside: four taps of nine at the ends, six of nine between them. 60.75, 94.5, 121.5 are rounded.
        assert_eq!(complete_row(&[Some(&first), Some(&second), None], 1), [61, 100, 95, 100, 122, 100]);
        // All nine taps of the pixel in the middle are inside, so it stays.
        let all = [Some(&first[..]), Some(&second), Some(&first)];
        assert_eq!(complete_row(&all, 1), [45, 190, 0x2a5, 0x2a5, 90, 280]);
    }

    #[test]
    fn window_with_one_element_inside_has_its_value() {
        let sums = complete_row(&[None, None, Some(&[-5, 7, 0, 0, 0, 0])], 2);
        assert_eq!(sums[..2], [-45, 226]);
    }
}
