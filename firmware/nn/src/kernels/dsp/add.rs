//! Weighted sum of two tensors, four elements at a time.

use super::lanes::{Channel, Output, element};
use super::{Quad, choose, ops};
use crate::kernels::Element;
use crate::quant::Stage;

/// See [`crate::kernels::portable::add`].
///
/// # Panics
/// When lengths do not agree.
pub fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    let [a, b] = [a, b].map(bytemuck::cast_slice);
    sum(Some(a), b, size_of::<I>(), gains, stage, Output::of(output));
}

/// See [`crate::kernels::portable::add_in_place`].
///
/// # Panics
/// When lengths do not agree.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) {
    sum(None, bytemuck::cast_slice(b), size_of::<T>(), gains, stage, Output::of(a));
}

/// Adds elements of `size` bytes. If `a` is `None`, `output` holds its elements.
// One function for all types, to keep the code small.
#[inline(never)]
fn sum(a: Option<&[u8]>, b: &[u8], size: usize, gains: [i16; 2], stage: &Stage<'_>, mut output: Output<'_>) {
    let channels = stage.bias.len();
    let bytes = output.len() * size;
    assert!(a.is_none_or(|a| a.len() == bytes) && b.len() == bytes);
    let quads = quads(stage);
    for first in (0..output.len() / channels).map(|pixel| pixel * channels) {
        let mut done = 0;
        if let (1, Output::Bytes(output), Some((bias, multipliers))) = (size, &mut output, quads) {
            done = 4 * bias.len();
            let part = first..first + done;
            let a = a.map(|a| bytemuck::cast_slice(&a[part.clone()]));
            let b = bytemuck::cast_slice(&b[part.clone()]);
            let output = bytemuck::cast_slice_mut(&mut output[part]);
            ops::add_bytes(a, b, gains, (bias, multipliers), stage.zero_point, output);
        }
        for channel in done..channels {
            let index = first + channel;
            let a = a.map_or_else(|| output.get(index), |a| element(a, size, index));
            let pair = ops::pkhbt(a as u32, element(b, size, index) as u32);
            let sum = ops::smlad(pair, bytemuck::cast(gains), stage.bias[channel]);
            output.put(index, Channel::of(stage, channel).value(sum));
        }
    }
}

/// Biases and multipliers of whole groups of four channels, if [`ops::add_bytes`] can compute the stage's elements.
fn quads<'a>(stage: &Stage<'a>) -> Option<(&'a [Quad], &'a [Quad])> {
    let (bias, _) = stage.bias.as_chunks::<4>();
    let (multipliers, _) = stage.positive[..stage.bias.len()].as_chunks::<4>();
    choose::adds_bytes(stage).then(|| (bytemuck::cast_slice(bias), bytemuck::cast_slice(multipliers)))
}
