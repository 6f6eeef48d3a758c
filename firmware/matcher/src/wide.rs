//! An integer of 320 bits, for the one comparison that needs it.

use core::cmp::Ordering;

const LIMBS: usize = 10;

/// Unsigned integer below 2³²⁰, least significant limb first.
///
/// Operations do not check for overflow beyond 320 bits (higher bits are lost): the caller shows that there is none.
/// They are not inlined, because a decision calls them a few dozen times and their code is long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wide([u32; LIMBS]);

impl From<u64> for Wide {
    fn from(value: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value as u32;
        limbs[1] = (value >> 32) as u32;
        Wide(limbs)
    }
}

impl Wide {
    /// `self · factor`.
    #[inline(never)]
    pub fn times(self, factor: u32) -> Self {
        let mut carry = 0;
        Wide(self.0.map(|limb| {
            carry += u64::from(limb) * u64::from(factor);
            let low = carry as u32;
            carry >>= 32;
            low
        }))
    }

    /// `self + other`.
    #[inline(never)]
    pub fn plus(mut self, other: Self) -> Self {
        let mut carry = 0;
        for (limb, added) in self.0.iter_mut().zip(other.0) {
            carry += u64::from(*limb) + u64::from(added);
            *limb = carry as u32;
            carry >>= 32;
        }
        self
    }

    /// `|self − other|`.
    pub fn distance(self, other: Self) -> Self {
        let (mut large, small) = if self < other { (other, self) } else { (self, other) };
        let mut borrow = false;
        for (limb, taken) in large.0.iter_mut().zip(small.0) {
            let (difference, under) = limb.overflowing_sub(taken);
            let (difference, under_again) = difference.overflowing_sub(u32::from(borrow));
            *limb = difference;
            borrow = under || under_again;
        }
        large
    }

    /// `self²`.
    #[inline(never)]
    pub fn squared(self) -> Self {
        let mut shifted = self;
        let mut sum = Wide::default();
        for limb in self.0 {
            if limb != 0 {
                sum = sum.plus(shifted.times(limb));
            }
            shifted.0.rotate_right(1);
            shifted.0[0] = 0;
        }
        sum
    }
}

impl Ord for Wide {
    #[inline(never)]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn big(wide: Wide) -> BigUint {
        BigUint::from_slice(&wide.0)
    }

    /// Values of every length up to `limbs`, with many limbs that carry and borrow.
    fn wides(limbs: usize) -> impl Strategy<Value = Wide> {
        let limb = prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()];
        proptest::collection::vec(limb, 0..=limbs).prop_map(|low| {
            let mut limbs = [0; LIMBS];
            limbs[..low.len()].copy_from_slice(&low);
            Wide(limbs)
        })
    }

    #[test]
    fn carries_and_borrows_pass_through_every_limb() {
        let mut power = [0; LIMBS];
        power[9] = 1;
        let mut ones = [u32::MAX; LIMBS];
        ones[9] = 0;
        assert_eq!(Wide(ones).plus(Wide::from(1)), Wide(power));
        assert_eq!(Wide(power).distance(Wide::from(1)), Wide(ones));
        assert_eq!(Wide::from(1).distance(Wide(power)), Wide(ones));
        assert!(Wide(ones) < Wide(power));
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_the_integers(
            a in wides(9), b in wides(9), half in wides(5), factor: u32, value: u64,
        ) {
            prop_assert_eq!(big(Wide::from(value)), BigUint::from(value));
            prop_assert_eq!(big(a.plus(b)), big(a) + big(b));
            prop_assert_eq!(big(a.times(factor)), big(a) * factor);
            prop_assert_eq!(big(half.squared()), big(half) * big(half));
            prop_assert_eq!(a.cmp(&b), big(a).cmp(&big(b)));
            prop_assert_eq!(big(a.distance(b)) + big(a.min(b)), big(a.max(b)));
        }
    }
}
