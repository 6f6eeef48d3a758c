//! Convolution of groups of channels.

use nn::kernels::{Element, Rows};
use nn::quant::Stage;

use crate::naive::{requantise, under};
use crate::room::{CHANNELS, Case};
use crate::windows::Parts;
use crate::{Failure, Set};

/// Most groups of a case, except cases with groups of one channel.
const GROUPS: usize = 16;

/// With one group it is the convolution over all channels.
pub fn naive<I: Element, O: Element>(
    input: &Rows<'_, I>,
    groups: usize,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let (kh, kw) = (input.rows.len(), input.kernel_width);
    let channels = stage.bias.len();
    let channels_in = input.channels / groups;
    for (index, out) in output.iter_mut().enumerate() {
        let (x, o) = (index / channels, index % channels);
        let group = o * groups / channels;
        let mut sum = stage.bias[o];
        for ky in 0..kh {
            for kx in 0..kw {
                for c in 0..channels_in {
                    let value = under(input, x, ky, kx, group * channels_in + c).unwrap_or(input.zero_point);
                    let weight = weights[((o * kh + ky) * kw + kx) * channels_in + c];
                    sum = sum.wrapping_add(value.wrapping_mul(weight.into()));
                }
            }
        }
        *out = O::from_i32(requantise(stage, sum, o));
    }
}

pub fn attempt<S: Set, I: Element, O: Element, const N: usize>(
    case: &mut Case<'_, O, N>,
    input: &Rows<'_, I>,
    parts: &Parts<'_>,
    pixels: usize,
) -> Result<(), Failure> {
    let taps = input.rows.len() * input.kernel_width * input.channels;
    let asked = 1 + case.random.below(GROUPS);
    let groups = match case.random.is_one_in(8) {
        true => input.channels,
        false => (1..=asked).rev().find(|groups| input.channels.is_multiple_of(*groups)).unwrap_or(1),
    };
    let most = (N / taps).min(N / (pixels * groups)).min(CHANNELS / groups);
    if most == 0 {
        return Ok(());
    }
    let channels = groups * (1 + case.random.below(most.min(4)));
    let stage = &parts.arrays.stage::<O>(case.random, channels);
    let weights = &parts.weights[..channels * (taps / groups)];
    let scratch = &mut S::Scratch::default();
    case.attempt(
        "grouped",
        pixels * channels,
        |output| S::grouped(input, groups, weights, stage, scratch, output),
        |output| naive(input, groups, weights, stage, output),
    )
}
