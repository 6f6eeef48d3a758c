//! Weighted sum of two tensors: a row of bytes at once if its stage is linear, else a pixel at a time.

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
    if size_of::<I>() + size_of::<O>() == 2 && is_simple(stage, output.len()) {
        let [a, b] = [a, b].map(bytemuck::cast_slice);
        return ops::add_bytes(a, b, gains, stage, bytemuck::cast_slice_mut(output));
    }
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
    if size_of::<T>() == 1 && is_simple(stage, a.len()) {
        return ops::add_bytes_in_place(bytemuck::cast_slice_mut(a), bytemuck::cast_slice(b), gains, stage);
    }
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        ops::add_in_place(a, b, gains, stage);
    }
}

/// Whether the stage is linear, its zero point a byte, and without shift, and `count` elements are whole pixels of a multiple of
/// eight channels.
fn is_simple(stage: &Stage<'_>, count: usize) -> bool {
    let channels = stage.bias.len();
    let is_byte = (i8::MIN as i32..=i8::MAX as i32).contains(&stage.zero_point);
    let is_linear = core::ptr::eq(stage.positive, stage.negative) || stage.positive == stage.negative;
    let is_whole = count > 0 && channels.is_multiple_of(8) && count.is_multiple_of(channels);
    is_whole && is_byte && is_linear && stage.shift == 0
}
