//! Weighted sum of two tensors: a whole row, or a pixel at a time.

use super::choose::{self, Sum};
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
    if choose::add([size_of::<I>(), size_of::<O>()], stage, output.len()) == Sum::Row {
        let [a, b] = [a, b].map(bytemuck::cast_slice);
        return ops::add_row(a, b, gains, stage, bytemuck::cast_slice_mut(output));
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
    if choose::add([size_of::<T>(); 2], stage, a.len()) == Sum::Row {
        return ops::add_row_in_place(bytemuck::cast_slice_mut(a), bytemuck::cast_slice(b), gains, stage);
    }
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        ops::add_in_place(a, b, gains, stage);
    }
}
