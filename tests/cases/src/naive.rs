//! Code shared by the definitions of several operators and of the matcher.

use nn::kernels::{Element, Rows};
use nn::quant::Stage;

/// The element under a kernel position, or `None` outside.
pub fn under<T: Element>(input: &Rows<'_, T>, x: usize, ky: usize, kx: usize, channel: usize) -> Option<i32> {
    let column = (x * input.stride + kx * input.dilation) as isize - input.pad as isize;
    if column < 0 || column >= input.width as isize {
        return None;
    }
    input.rows[ky].map(|row| row[column as usize * input.channels + channel].into())
}

pub fn requantise(stage: &Stage<'_>, sum: i32, channel: usize) -> i32 {
    let multiplier = if sum >= 0 { stage.positive[channel] } else { stage.negative[channel] };
    // Floor of the exact quotient plus a half, in numbers too wide to overflow.
    let shifted = sum.wrapping_mul(1 << stage.shift);
    let product = i128::from(shifted) * i128::from(multiplier);
    let rounded = (product + (1i128 << 31)).div_euclid(1i128 << 32) as i32;
    rounded.wrapping_add(stage.zero_point).clamp(stage.low, stage.high)
}

pub fn dots(probe: &[i16], centres: &[i8], dots: &mut [i32]) {
    for (centre, dot) in dots.iter_mut().enumerate() {
        let products =
            (0..probe.len()).map(|i| i64::from(centres[centre * probe.len() + i]) * i64::from(probe[i]));
        *dot = products.sum::<i64>().try_into().expect("the largest sum fits");
    }
}
