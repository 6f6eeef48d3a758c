//! Weighted sum of two tensors, four elements at a time.

use super::lanes::{Channel, expand};
use super::ops;
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
    for ((out, a), b) in pixels {
        let ((out, out_rest), (a, a_rest), (b, b_rest)) =
            (out.as_chunks_mut::<4>(), a.as_chunks::<4>(), b.as_chunks::<4>());
        let rest = 4 * out.len();
        for (index, ((out, &a), &b)) in out.iter_mut().zip(a).zip(b).enumerate() {
            *out = four(a, b, gains, stage, 4 * index);
        }
        for (index, ((out, &a), &b)) in out_rest.iter_mut().zip(a_rest).zip(b_rest).enumerate() {
            *out = one(a, b, gains, stage, rest + index);
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
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks_mut::<4>(), b.as_chunks::<4>());
        let rest = 4 * a.len();
        for (index, (a, &b)) in a.iter_mut().zip(b).enumerate() {
            *a = four(*a, b, gains, stage, 4 * index);
        }
        for (index, (a, &b)) in a_rest.iter_mut().zip(b_rest).enumerate() {
            *a = one(*a, b, gains, stage, rest + index);
        }
    }
}

/// Four elements, of channels from `channel`.
#[inline(always)]
fn four<I: Element, O: Element>(
    a: [I; 4],
    b: [I; 4],
    gains: [i16; 2],
    stage: &Stage<'_>,
    channel: usize,
) -> [O; 4] {
    let gains = bytemuck::cast(gains);
    let ([a02, a13], [b02, b13]) = (expand(a), expand(b));
    let pairs = [ops::pkhbt(a02, b02), ops::pkhbt(a13, b13), ops::pkhtb(b02, a02), ops::pkhtb(b13, a13)];
    let channels = channel..channel + 4;
    let arrays = [stage.bias, stage.positive, stage.negative].map(|array| &array[channels.clone()]);
    core::array::from_fn(|i| {
        let [bias, positive, negative] = arrays.map(|array| array[i]);
        Channel::new(stage, positive, negative).requantise(ops::smlad(pairs[i], gains, bias))
    })
}

#[inline(always)]
fn one<I: Element, O: Element>(a: I, b: I, gains: [i16; 2], stage: &Stage<'_>, channel: usize) -> O {
    let pair = ops::pkhbt(a.into() as u32, b.into() as u32);
    let sum = ops::smlad(pair, bytemuck::cast(gains), stage.bias[channel]);
    Channel::of(stage, channel).requantise(sum)
}
