//! Convolution of each channel with its own filter.

use nn::kernels::{Element, Rows};
use nn::quant::Stage;

use crate::naive::{requantise, under};
use crate::room::{CHANNELS, Case};
use crate::windows::Parts;
use crate::{Failure, Set};

fn naive<I: Element, O: Element>(input: &Rows<'_, I>, weights: &[i8], stage: &Stage<'_>, output: &mut [O]) {
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

pub fn attempt<S: Set, I: Element, O: Element, const N: usize>(
    case: &mut Case<'_, O, N>,
    input: &Rows<'_, I>,
    parts: &Parts<'_>,
    pixels: usize,
) -> Result<(), Failure> {
    if input.channels > CHANNELS {
        return Ok(());
    }
    let stage = &parts.arrays.stage::<O>(case.random, input.channels);
    let weights = &parts.weights[..input.rows.len() * input.kernel_width * input.channels];
    let scratch = &mut S::Scratch::default();
    case.attempt(
        "depthwise",
        pixels * input.channels,
        |output| S::depthwise(input, weights, stage, scratch, output),
        |output| naive(input, weights, stage, output),
    )
}
