//! The only rounding: of `i32` accumulators, and from an accumulator to an element.

use core::ops::Range;

/// High half of a 64-bit product, rounded half up: `(a · b + 2³¹) >> 32`. One instruction on Cortex-M
/// (`SMMULR`, `VRMULH`).
#[inline(always)]
pub const fn mulhi(a: i32, b: i32) -> i32 {
    ((a as i64 * b as i64 + (1 << 31)) >> 32) as i32
}

/// Bits of a ratio after the binary point.
const RATIO_BITS: u32 = 22;

/// `numerator / denominator` in units of 2⁻²², rounded half up; `None` if the denominator is zero. The numerator is at most
/// 256.
#[inline(always)]
pub const fn ratio_q22(numerator: u32, denominator: u32) -> Option<i32> {
    match ((numerator << RATIO_BITS) + denominator / 2).checked_div(denominator) {
        Some(ratio) => Some(ratio as i32),
        None => None,
    }
}

/// Product with a ratio of [`ratio_q22`], rounded half up: `(a · ratio + 2²¹) >> 22`.
#[inline(always)]
pub const fn times_q22(a: i32, ratio: i32) -> i32 {
    ((a as i64 * ratio as i64 + (1 << (RATIO_BITS - 1))) >> RATIO_BITS) as i32
}

/// Output stage of a layer; see [`format::layer::Stage`]. Arrays have one element for each channel.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// Initial values of accumulators.
    pub bias: &'a [i32],
    /// Multipliers for accumulators ≥ 0.
    pub positive: &'a [i32],
    /// Multipliers for accumulators < 0.
    pub negative: &'a [i32],
    /// Left shift before multiplying.
    pub shift: u32,
    /// Added after multiplying.
    pub zero_point: i32,
    /// Smallest result.
    pub low: i32,
    /// Largest result.
    pub high: i32,
}

impl<'a> Stage<'a> {
    /// Whether accumulators of both signs have one array of multipliers, as the exporter writes equal ones. Two arrays of equal
    /// multipliers give the same elements, in slower loops.
    #[inline(always)]
    pub fn is_linear(&self) -> bool {
        core::ptr::eq(self.positive, self.negative)
    }

    /// The stage of these channels, if they are there.
    // Inlined, so that a compiler knows that all arrays are equally long.
    #[inline(always)]
    pub fn part(&self, channels: Range<usize>) -> Option<Stage<'a>> {
        let (bias, positive) = (self.bias.get(channels.clone())?, self.positive.get(channels.clone())?);
        Some(Stage { bias, positive, negative: self.negative.get(channels)?, ..*self })
    }

    /// The stage of a channel, if there is one.
    #[inline(always)]
    pub fn channel(&self, channel: usize) -> Option<Channel> {
        let &Stage { shift, zero_point, low, high, .. } = self;
        Some(Channel {
            bias: *self.bias.get(channel)?,
            positive: *self.positive.get(channel)?,
            negative: *self.negative.get(channel)?,
            shift,
            zero_point,
            low,
            high,
        })
    }
}

/// Output stage of one channel; see [`Stage`].
#[derive(Clone, Copy, Debug)]
pub struct Channel {
    /// Initial value of an accumulator.
    pub bias: i32,
    /// Multiplier for accumulators ≥ 0.
    pub positive: i32,
    /// Multiplier for accumulators < 0.
    pub negative: i32,
    /// Left shift before multiplying.
    pub shift: u32,
    /// Added after multiplying.
    pub zero_point: i32,
    /// Smallest result.
    pub low: i32,
    /// Largest result.
    pub high: i32,
}

impl Channel {
    /// Requantises an accumulator to an element.
    #[inline(always)]
    pub fn requantise(&self, accumulator: i32) -> i32 {
        let multiplier = if accumulator < 0 { self.negative } else { self.positive };
        let scaled = mulhi(accumulator.wrapping_shl(self.shift), multiplier);
        scaled.wrapping_add(self.zero_point).max(self.low).min(self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mulhi_rounds_half_up() {
        assert_eq!(mulhi(1, 1 << 30), 0);
        assert_eq!(mulhi(2, 1 << 30), 1);
        assert_eq!(mulhi(-2, 1 << 30), 0);
        assert_eq!(mulhi(-3, 1 << 30), -1);
        assert_eq!(mulhi(-6, 1 << 30), -1);
        assert_eq!(mulhi(i32::MIN, i32::MIN), 1 << 30);
        assert_eq!(mulhi(i32::MIN, i32::MAX), -(1 << 30) + 1);
    }

    #[test]
    fn ratio_rounds_half_up() {
        assert_eq!(ratio_q22(9, 9), Some(1 << 22));
        assert_eq!(ratio_q22(9, 4), Some(9 << 20));
        assert_eq!(ratio_q22(4, 3), Some(5_592_405));
        assert_eq!(ratio_q22(5, 3), Some(6_990_507));
        assert_eq!(ratio_q22(256, 1), Some(1 << 30));
        assert_eq!(ratio_q22(256, 0), None);
        let [half, third] = [ratio_q22(3, 2), ratio_q22(4, 3)].map(Option::unwrap);
        assert_eq!([-3, -1, 0, 1, 3].map(|a| times_q22(a, half)), [-4, -1, 0, 2, 5]);
        assert_eq!([-3, -1, 0, 1, 3].map(|a| times_q22(a, third)), [-4, -1, 0, 1, 4]);
        assert_eq!(times_q22(-(1 << 22), ratio_q22(256, 1).unwrap()), -(1 << 30));
    }

    #[test]
    fn sign_of_the_accumulator_picks_the_multiplier() {
        let stage = Stage {
            bias: &[0],
            positive: &[1 << 30],
            negative: &[1 << 28],
            shift: 1,
            zero_point: -3,
            low: -100,
            high: 90,
        };
        let channel = stage.channel(0).unwrap();
        assert_eq!([40, -40, 4000, -4000].map(|sum| channel.requantise(sum)), [17, -8, 90, -100]);
        assert!(stage.channel(1).is_none());
    }
}
