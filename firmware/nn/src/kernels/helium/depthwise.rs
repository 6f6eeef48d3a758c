//! Convolution of each channel with a filter of its own.

use super::Scratch;
use crate::kernels::{Element, Rows, portable};
use crate::quant::Stage;

/// See [`crate::kernels::portable::depthwise`].
///
/// # Panics
/// When lengths do not agree.
pub fn depthwise<I: Element, O: Element>(
    input: &Rows<'_, I>,
    weights: &[i8],
    stage: &Stage<'_>,
    _: &mut Scratch,
    output: &mut [O],
) {
    portable::depthwise(input, weights, stage, &mut portable::Scratch, output);
}
