//! From elements to pairs, and from sums to elements.

use super::ops;
use crate::kernels::Element;
use crate::quant::Stage;

/// Four elements as two pairs: 0 and 2, 1 and 3.
#[inline(always)]
pub fn expand<T: Element>(quad: [T; 4]) -> [u32; 2] {
    if size_of::<T>() == 1 {
        let word: u32 = bytemuck::cast([quad[0], quad[1], quad[2], quad[3]].map(|e| e.into() as i8));
        [ops::sxtb16(word), ops::sxtb16_ror8(word)]
    } else {
        let [first, second]: [u32; 2] = bytemuck::cast(quad.map(|e| e.into() as i16));
        [ops::pkhbt(first, second), ops::pkhtb(second, first)]
    }
}

/// [`expand`] of up to four elements, zeros behind them.
#[inline(always)]
pub fn expand_short<T: Element>(elements: &[T]) -> [u32; 2] {
    let mut quad = [T::from_i32(0); 4];
    quad[..elements.len()].copy_from_slice(elements);
    expand(quad)
}

/// What makes a channel's sums elements.
#[derive(Clone, Copy)]
pub struct Channel {
    positive: i32,
    negative: i32,
    shift: u32,
    zero_point: i32,
    low: i32,
    high: i32,
}

impl Channel {
    /// Of channel `index`.
    #[inline(always)]
    pub fn of(stage: &Stage<'_>, index: usize) -> Self {
        Self::new(stage, stage.positive[index], stage.negative[index])
    }

    /// With these multipliers.
    #[inline(always)]
    pub fn new(stage: &Stage<'_>, positive: i32, negative: i32) -> Self {
        Channel {
            positive,
            negative,
            shift: stage.shift,
            zero_point: stage.zero_point,
            low: stage.low,
            high: stage.high,
        }
    }

    /// [`Stage::requantise`].
    #[inline(always)]
    pub fn requantise<O: Element>(&self, sum: i32) -> O {
        let multiplier = if sum < 0 { self.negative } else { self.positive };
        let scaled = ops::smmlar(sum.wrapping_shl(self.shift), multiplier, self.zero_point);
        O::from_i32(scaled.max(self.low).min(self.high))
    }
}
