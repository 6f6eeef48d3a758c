//! Weighted sum of two tensors, channels side by side.

use super::depthwise::End;
use super::{Columns, Limits, unrolled};
use crate::ensure;
use crate::kernels::portable;
use crate::quant::Stage;

/// [`crate::kernels::portable::add_in_place`] of bytes.
#[inline(always)]
pub fn add_in_place<S: Columns>(
    set: S,
    a: &mut [i8],
    b: &[i8],
    gains: [i16; 2],
    stage: &Stage<'_>,
) -> Option<()> {
    let channels = stage.bias.len();
    ensure(channels > 0 && a.len() == b.len() && a.len().is_multiple_of(channels))?;
    ensure(stage.positive.len() == channels && stage.negative.len() == channels)?;
    let blocks = match Limits::of(stage) {
        Some(limits) => {
            let blocks = channels / S::CHANNELS * S::CHANNELS;
            for first in (0..blocks).step_by(S::CHANNELS) {
                block(set, a, b, gains, stage, limits, first);
            }
            blocks
        }
        None => 0,
    };
    let vectors = channels / S::LANES * S::LANES;
    let [gain_a, gain_b] = gains.map(|gain| set.factors(set.splat(gain.into())));
    for first in (blocks..vectors).step_by(S::LANES) {
        let end = End::new(set, stage, first);
        let bias = set.load(&stage.bias[first..]);
        for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
            let sums = set.multiply_add(bias, set.widen(&a[first..]), gain_a);
            let sums = set.multiply_add(sums, set.widen(&b[first..]), gain_b);
            end.store(set, sums, &mut a[first..])?;
        }
    }
    if vectors < channels {
        let rest = Stage {
            bias: &stage.bias[vectors..],
            positive: &stage.positive[vectors..],
            negative: &stage.negative[vectors..],
            ..*stage
        };
        for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
            portable::add_in_place(&mut a[vectors..], &b[vectors..], gains, &rest)?;
        }
    }
    Some(())
}

/// Adds the channels of one column, from `first` on.
#[inline(always)]
fn block<S: Columns>(
    set: S,
    a: &mut [i8],
    b: &[i8],
    gains: [i16; 2],
    stage: &Stage<'_>,
    limits: Limits,
    first: usize,
) {
    let channels = stage.bias.len();
    let shift = stage.shift & 31;
    let is_linear = stage.is_linear();
    let bias = set.arrange(&stage.bias[first..]);
    let mut positive = set.arrange(&stage.positive[first..]);
    let mut negative = set.arrange(&stage.negative[first..]);
    unrolled!(4, I => {
        positive[I] = set.multipliers(positive[I]);
        negative[I] = set.multipliers(negative[I]);
    });
    for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
        let a = &mut a[first..];
        let mut sums = set.weigh(bias, [a, &b[first..]], gains);
        if is_linear {
            unrolled!(4, I => sums[I] = set.scale(sums[I], shift, positive[I], None));
        } else {
            unrolled!(4, I => sums[I] = set.scale(sums[I], shift, positive[I], Some(negative[I])));
        }
        set.store_four(sums, limits, a);
    }
}
