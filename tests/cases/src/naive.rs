//! Each operator as its definition reads: one element at a time, every index computed.

use nn::kernels::{Element, Rows};
use nn::quant::Stage;

/// The element under a kernel position, or `None` outside.
fn under<T: Element>(input: &Rows<'_, T>, x: usize, ky: usize, kx: usize, channel: usize) -> Option<i32> {
    let column = (x * input.stride + kx) as isize - input.pad as isize;
    if column < 0 || column >= input.width as isize {
        return None;
    }
    input.rows[ky].map(|row| row[column as usize * input.channels + channel].into())
}

fn requantise(stage: &Stage<'_>, sum: i32, channel: usize) -> i32 {
    let multiplier = if sum >= 0 { stage.positive[channel] } else { stage.negative[channel] };
    // Floor of the exact quotient plus a half, in numbers too wide to overflow.
    let shifted = sum.wrapping_mul(1 << stage.shift);
    let product = i128::from(shifted) * i128::from(multiplier);
    let rounded = (product + (1i128 << 31)).div_euclid(1i128 << 32) as i32;
    rounded.wrapping_add(stage.zero_point).clamp(stage.low, stage.high)
}

pub fn conv<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let (kh, kw, channels_in) = (input.rows.len(), input.kernel_width, input.channels);
    let channels = stage.bias.len();
    for (index, out) in output.iter_mut().enumerate() {
        let (x, o) = (index / channels, index % channels);
        let mut sum = stage.bias[o];
        for ky in 0..kh {
            for kx in 0..kw {
                for c in 0..channels_in {
                    let value = under(input, x, ky, kx, c).unwrap_or(input.zero_point);
                    let weight = weights[((o * kh + ky) * kw + kx) * channels_in + c];
                    sum = sum.wrapping_add(value.wrapping_mul(weight.into()));
                }
            }
        }
        *out = O::from_i32(requantise(stage, sum, o));
    }
}

pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let channels = input.channels;
    for (index, out) in output.iter_mut().enumerate() {
        let (x, c) = (index / channels, index % channels);
        let mut sum = stage.bias[c];
        for ky in 0..input.rows.len() {
            for kx in 0..input.kernel_width {
                let value = under(input, x, ky, kx, c).unwrap_or(input.zero_point);
                let weight = weights[(ky * input.kernel_width + kx) * channels + c];
                sum = sum.wrapping_add(value.wrapping_mul(weight.into()));
            }
        }
        *out = O::from_i32(requantise(stage, sum, c));
    }
}

pub fn max_pool<T: Element>(input: &Rows<'_, T>, output: &mut [T]) {
    for (index, out) in output.iter_mut().enumerate() {
        let (x, c) = (index / input.channels, index % input.channels);
        let positions = (0..input.rows.len()).flat_map(|ky| (0..input.kernel_width).map(move |kx| (ky, kx)));
        let largest = positions.filter_map(|(ky, kx)| under(input, x, ky, kx, c)).max();
        *out = T::from_i32(largest.expect("a window covers a pixel"));
    }
}

pub fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    for (index, out) in output.iter_mut().enumerate() {
        let c = index % stage.bias.len();
        let [x, y]: [i32; 2] = [a[index].into(), b[index].into()];
        let sum = x.wrapping_mul(gains[0].into()).wrapping_add(y.wrapping_mul(gains[1].into()));
        *out = O::from_i32(requantise(stage, sum.wrapping_add(stage.bias[c]), c));
    }
}

pub fn dots(probe: &[i16], centres: &[i8], dots: &mut [i32]) {
    for (centre, dot) in dots.iter_mut().enumerate() {
        let products =
            (0..probe.len()).map(|i| i64::from(centres[centre * probe.len() + i]) * i64::from(probe[i]));
        *dot = products.sum::<i64>().try_into().expect("the largest sum fits");
    }
}
