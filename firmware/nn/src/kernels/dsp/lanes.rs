//! From elements to pairs, and from sums to elements.

use super::{Quad, ops};
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

/// The pairs of `a` and `b`, of one length, side by side: in each quad two of `a`, then two of `b`. Elements that there are
/// not are zero.
pub fn expand_two<T: Element>(a: &[T], b: &[T], quads: &mut [Quad]) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let (full, last) = quads.split_at_mut(a.len());
    if size_of::<T>() == 1 {
        ops::expand_two(bytemuck::cast_slice(a), bytemuck::cast_slice(b), full);
    } else {
        for (quad, (&a, &b)) in full.iter_mut().zip(a.iter().zip(b)) {
            *quad = bytemuck::cast([expand(a), expand(b)]);
        }
    }
    if let Some(last) = last.first_mut() {
        *last = bytemuck::cast([expand_short(a_rest), expand_short(b_rest)]);
    }
}

/// What [`ops::bytes`] needs for `N` neighbouring channels, over and over.
pub fn lanes<const N: usize>(stage: &Stage<'_>, channel: usize) -> ops::Lanes {
    let part = |array: &[i32]| -> [i32; 4] {
        let array = &array[channel..channel + N];
        core::array::from_fn(|lane| array[lane % N])
    };
    let [positive, negative, bias] = [stage.positive, stage.negative, stage.bias].map(part);
    ops::Lanes {
        zero_point: stage.zero_point,
        positive,
        difference: core::array::from_fn(|lane| negative[lane].wrapping_sub(positive[lane])),
        bias,
    }
}

/// What [`ops::sums`] needs for `count` neighbouring channels, the first of them in place of those that there are not.
pub fn bias(stage: &Stage<'_>, channel: usize, count: usize) -> ops::Lanes {
    let bias = core::array::from_fn(|lane| stage.bias[channel + if lane < count { lane } else { 0 }]);
    ops::Lanes { zero_point: 0, positive: [0; 4], difference: [0; 4], bias }
}

/// Whether [`ops::bytes`] makes the stage's elements, if they are bytes.
pub fn are_bytes(stage: &Stage<'_>) -> bool {
    stage.shift == 0 && stage.low == -128 && stage.high == 127
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
        O::from_i32(self.value(sum))
    }

    /// [`Self::requantise`], as a number.
    #[inline(always)]
    pub fn value(&self, sum: i32) -> i32 {
        let multiplier = if sum < 0 { self.negative } else { self.positive };
        let scaled = ops::smmlar(sum.wrapping_shl(self.shift), multiplier, self.zero_point);
        scaled.max(self.low).min(self.high)
    }
}

/// Elements of output, of either type.
pub enum Output<'a> {
    /// 8-bit.
    Bytes(&'a mut [i8]),
    /// 16-bit.
    Halves(&'a mut [i16]),
}

impl<'a> Output<'a> {
    /// These elements.
    #[inline(always)]
    pub fn of<O: Element>(elements: &'a mut [O]) -> Self {
        if size_of::<O>() == 1 {
            Output::Bytes(bytemuck::cast_slice_mut(elements))
        } else {
            Output::Halves(bytemuck::cast_slice_mut(elements))
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Output::Bytes(bytes) => bytes.len(),
            Output::Halves(halves) => halves.len(),
        }
    }

    /// `count` elements from `start` on, or as many as there are.
    pub fn part(&mut self, start: usize, count: usize) -> Output<'_> {
        let end = self.len().min(start + count);
        match self {
            Output::Bytes(bytes) => Output::Bytes(&mut bytes[start..end]),
            Output::Halves(halves) => Output::Halves(&mut halves[start..end]),
        }
    }

    /// Writes one.
    #[inline(always)]
    pub fn put(&mut self, index: usize, value: i32) {
        match self {
            Output::Bytes(bytes) => bytes[index] = Element::from_i32(value),
            Output::Halves(halves) => halves[index] = Element::from_i32(value),
        }
    }
}
