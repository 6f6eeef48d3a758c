//! Weighted sum of two tensors, channels side by side.

use super::Lanes;
use super::depthwise::End;
use crate::kernels::portable;
use crate::quant::Stage;

/// [`crate::kernels::portable::add_in_place`] of bytes.
///
/// # Panics
/// When lengths do not agree.
#[inline(always)]
pub fn add_in_place<S: Lanes>(set: S, a: &mut [i8], b: &[i8], gains: [i16; 2], stage: &Stage<'_>) {
    let channels = stage.bias.len();
    assert_eq!(a.len(), b.len());
    let vectors = channels / S::LANES * S::LANES;
    let [gain_a, gain_b] = gains.map(|gain| set.factors(set.splat(gain.into())));
    for first in (0..vectors).step_by(S::LANES) {
        let end = End::new(set, stage, first);
        let bias = set.load(&stage.bias[first..]);
        for (a, b) in a.chunks_exact_mut(channels).zip(b.chunks_exact(channels)) {
            let sums = set.multiply_add(bias, set.widen(&a[first..]), gain_a);
            let sums = set.multiply_add(sums, set.widen(&b[first..]), gain_b);
            end.store(set, sums, &mut a[first..]);
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
            portable::add_in_place(&mut a[vectors..], &b[vectors..], gains, &rest);
        }
    }
}
