//! Weighted sum of two tensors.

use crate::ensure;
use crate::kernels::Element;
use crate::quant::Stage;

#[inline(always)]
fn sum<I: Element>(a: I, b: I, gains: [i16; 2], bias: i32) -> i32 {
    let [a, b]: [i32; 2] = [a.into(), b.into()];
    let [ga, gb] = gains.map(i32::from);
    bias.wrapping_add(a.wrapping_mul(ga)).wrapping_add(b.wrapping_mul(gb))
}

/// One output row `[width][c]`: `bias + gains[0] · a + gains[1] · b`, requantised. `None` when lengths do not agree.
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
    let pixels =
        output.chunks_exact_mut(channels).zip(a.chunks_exact(channels)).zip(b.chunks_exact(channels));
    for ((out, a), b) in pixels {
        for (channel, ((out, &a), &b)) in out.iter_mut().zip(a).zip(b).enumerate() {
            let stage = stage.channel(channel)?;
            *out = O::from_i32(stage.requantise(sum(a, b, gains, stage.bias)));
        }
    }
    Some(())
}

/// [`add`] with the output in place of `a`.
pub fn add_in_place<T: Element>(a: &mut [T], b: &[T], gains: [i16; 2], stage: &Stage<'_>) -> Option<()> {
    let channels = stage.bias.len();
    ensure(channels > 0 && a.len() == b.len() && a.len().is_multiple_of(channels))?;
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        for (channel, (a, &b)) in a.iter_mut().zip(b).enumerate() {
            let stage = stage.channel(channel)?;
            *a = T::from_i32(stage.requantise(sum(*a, b, gains, stage.bias)));
        }
    }
    Some(())
}
