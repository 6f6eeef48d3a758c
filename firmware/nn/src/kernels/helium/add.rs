//! Weighted sum of two tensors: a whole row, or a pixel at a time.

use super::choose::{self, Sum};
use super::ops;
use crate::kernels::Element;
use crate::quant::Stage;
use crate::{elements, elements_mut, ensure};

/// See [`crate::kernels::portable::add`].
pub fn add<I: Element, O: Element>(
    a: &[I],
    b: &[I],
    gains: [i16; 2],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    ensure(channels > 0 && a.len() == output.len() && b.len() == output.len())?;
    ensure(output.len().is_multiple_of(channels))?;
    if choose::add([size_of::<I>(), size_of::<O>()], stage, output.len()) == Sum::Row {
        return ops::add_row(elements(a)?, elements(b)?, gains, stage, elements_mut(output)?);
    }
    let inputs = a.chunks_exact(channels).zip(b.chunks_exact(channels));
    for (output, (a, b)) in output.chunks_exact_mut(channels).zip(inputs) {
        ops::add(a, b, gains, stage, output)?;
    }
    Some(())
}

/// See [`crate::kernels::portable::add_in_place`].
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) -> Option<()> {
    let channels = stage.bias.len();
    ensure(channels > 0 && a.len() == b.len() && a.len().is_multiple_of(channels))?;
    if choose::add([size_of::<T>(); 2], stage, a.len()) == Sum::Row {
        return ops::add_row_in_place(elements_mut(a)?, elements(b)?, gains, stage);
    }
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        ops::add_in_place(a, b, gains, stage)?;
    }
    Some(())
}
