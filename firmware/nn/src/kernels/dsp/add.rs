//! Weighted sum of two tensors, four elements at a time.

use super::lanes::{Channel, are_bytes};
use super::{Quad, ops};
use crate::kernels::Element;
use crate::quant::Stage;

/// See [`crate::kernels::portable::add`].
///
/// # Panics
/// When lengths do not agree.
pub fn add<I: Element, O: Element>(a: &[I], b: &[I], gains: [i16; 2], stage: &Stage<'_>, output: &mut [O]) {
    let channels = stage.bias.len();
    assert!(a.len() == output.len() && b.len() == output.len());
    let pixels =
        output.chunks_exact_mut(channels).zip(a.chunks_exact(channels)).zip(b.chunks_exact(channels));
    let quads = quads::<I, O>(stage);
    for ((out, a), b) in pixels {
        let mut done = 0;
        if let Some((bias, multipliers)) = quads {
            done = 4 * bias.len();
            let (a, b) = (bytemuck::cast_slice(&a[..done]), bytemuck::cast_slice(&b[..done]));
            let out = bytemuck::cast_slice_mut(&mut out[..done]);
            ops::add_bytes(a, b, gains, (bias, multipliers), stage.zero_point, out);
        }
        for (channel, ((out, &a), &b)) in out.iter_mut().zip(a).zip(b).enumerate().skip(done) {
            *out = one(a, b, gains, stage, channel);
        }
    }
}

/// See [`crate::kernels::portable::add_in_place`].
///
/// # Panics
/// When lengths do not agree.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) {
    let channels = stage.bias.len();
    assert_eq!(a.len(), b.len());
    let quads = quads::<T, T>(stage);
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        let mut done = 0;
        if let Some((bias, multipliers)) = quads {
            done = 4 * bias.len();
            let (a, b) = (bytemuck::cast_slice_mut(&mut a[..done]), bytemuck::cast_slice(&b[..done]));
            ops::add_bytes_in_place(a, b, gains, (bias, multipliers), stage.zero_point);
        }
        for (channel, (a, &b)) in a.iter_mut().zip(b).enumerate().skip(done) {
            *a = one(*a, b, gains, stage, channel);
        }
    }
}

/// Biases and multipliers of as many channels as come in fours, if [`ops::add_bytes`] makes the stage's elements.
fn quads<'a, I: Element, O: Element>(stage: &Stage<'a>) -> Option<(&'a [Quad], &'a [Quad])> {
    let (bias, _) = stage.bias.as_chunks::<4>();
    let (multipliers, _) = stage.positive[..stage.bias.len()].as_chunks::<4>();
    let fits =
        size_of::<I>() == 1 && size_of::<O>() == 1 && are_bytes(stage) && stage.positive == stage.negative;
    fits.then(|| (bytemuck::cast_slice(bias), bytemuck::cast_slice(multipliers)))
}

fn one<I: Element, O: Element>(a: I, b: I, gains: [i16; 2], stage: &Stage<'_>, channel: usize) -> O {
    let pair = ops::pkhbt(a.into() as u32, b.into() as u32);
    let sum = ops::smlad(pair, bytemuck::cast(gains), stage.bias[channel]);
    Channel::of(stage, channel).requantise(sum)
}
