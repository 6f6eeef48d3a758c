//! Convolution over all input channels.

use nn::kernels::{Element, Rows};
use nn::quant::Stage;

use crate::naive::{requantise, under};
use crate::room::Case;
use crate::windows::Parts;
use crate::{Failure, Set};

fn naive<I: Element, O: Element>(input: &Rows<'_, I>, weights: &[i8], stage: &Stage<'_>, output: &mut [O]) {
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

pub fn attempt<S: Set, I: Element, O: Element, const N: usize>(
    case: &mut Case<'_, O, N>,
    input: &Rows<'_, I>,
    parts: &Parts<'_>,
    [pixels, channels]: [usize; 2],
) -> Result<(), Failure> {
    let taps = input.rows.len() * input.kernel_width * input.channels;
    // A filter over all channels may be too large where one a channel is not.
    let channels = channels.min(N / taps);
    let stage = &parts.arrays.stage::<O>(case.random, channels);
    let weights = &parts.weights[..channels * taps];
    let scratch = &mut S::Scratch::default();
    case.attempt(
        "conv",
        pixels * channels,
        |output| S::conv(input, weights, stage, scratch, output),
        |output| naive(input, weights, stage, output),
    )
}
