//! Convolution over all input channels.

use nn::kernels::{Element, Rows};

use crate::grouped::naive;
use crate::room::Case;
use crate::windows::Parts;
use crate::{Failure, Set};

pub fn attempt<S: Set, I: Element, O: Element, const N: usize>(
    case: &mut Case<'_, O, N>,
    input: &Rows<'_, I>,
    parts: &Parts<'_>,
    [pixels, channels]: [usize; 2],
) -> Result<(), Failure> {
    let taps = input.rows.len() * input.kernel_width * input.channels;
    // A filter over all channels may be too large for a case; one over a single channel is not.
    let channels = channels.min(N / taps);
    let stage = &parts.arrays.stage::<O>(case.random, channels);
    let weights = &parts.weights[..channels * taps];
    let scratch = &mut S::Scratch::default();
    case.attempt(
        "conv",
        pixels * channels,
        |output| S::conv(input, weights, stage, scratch, output),
        |output| naive(input, 1, weights, stage, output),
    )
}
