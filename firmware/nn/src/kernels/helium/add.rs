//! Weighted sum of two tensors, a pixel at a time.

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
    let inputs = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    for (output, (a, b)) in output.chunks_exact_mut(channels).zip(inputs) {
        ops::add(a, b, gains, stage, output);
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
        ops::add_in_place(a, b, gains, stage);
    }
}
