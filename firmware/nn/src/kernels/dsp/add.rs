//! Weighted sum of two tensors, four elements at a time.

use super::lanes::{Output, element, value};
use super::{Quad, choose, ops};
use crate::kernels::Element;
use crate::quant::Stage;
use crate::{elements, elements_mut, ensure, map_if_any};

/// See [`crate::kernels::portable::add`].
pub fn add<I: Element, O: Element>(
    a: &[I],
    b: &[I],
    gains: [i16; 2],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    sum(Some(elements(a)?), elements(b)?, size_of::<I>(), gains, stage, Output::of(output)?)
}

/// See [`crate::kernels::portable::add_in_place`].
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) -> Option<()> {
    sum(None, elements(b)?, size_of::<T>(), gains, stage, Output::of(a)?)
}

/// Adds elements of `size` bytes. If `a` is `None`, `output` holds its elements.
// One function for all types, to keep the code small.
#[inline(never)]
fn sum(
    a: Option<&[u8]>,
    b: &[u8],
    size: usize,
    gains: [i16; 2],
    stage: &Stage<'_>,
    mut output: Output<'_>,
) -> Option<()> {
    let channels = stage.bias.len();
    let bytes = output.len() * size;
    ensure(a.is_none_or(|a| a.len() == bytes) && b.len() == bytes)?;
    let pixels = output.len().checked_div(channels)?;
    ensure(pixels * channels == output.len())?;
    let quads = quads(stage);
    for first in (0..pixels).map(|pixel| pixel * channels) {
        let mut done = 0;
        if let (1, Output::Bytes(output), Some((bias, multipliers))) = (size, &mut output, quads) {
            done = 4 * bias.len();
            let part = first..first + done;
            let a = map_if_any(a, |a| elements(a.get(part.clone())?))?;
            let (b, output) = (elements(b.get(part.clone())?)?, elements_mut(output.get_mut(part)?)?);
            ops::add_bytes(a, b, gains, (bias, multipliers), stage.zero_point, output)?;
        }
        for channel in done..channels {
            let index = first + channel;
            let a = match a {
                Some(a) => element(a, size, index)?,
                None => output.get(index)?,
            };
            let channel = stage.channel(channel)?;
            let pair = ops::pkhbt(a as u32, element(b, size, index)? as u32);
            let sum = ops::smlad(pair, bytemuck::cast(gains), channel.bias);
            output.put(index, value(&channel, sum))?;
        }
    }
    Some(())
}

/// Biases and multipliers of whole groups of four channels, if [`ops::add_bytes`] can compute the stage's elements.
fn quads<'a>(stage: &Stage<'a>) -> Option<(&'a [Quad], &'a [Quad])> {
    let (bias, _) = stage.bias.as_chunks::<4>();
    let (multipliers, _) = stage.positive.get(..stage.bias.len())?.as_chunks::<4>();
    ensure(choose::adds_bytes(stage))?;
    Some((elements(bias)?, elements(multipliers)?))
}
