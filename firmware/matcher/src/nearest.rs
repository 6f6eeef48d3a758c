//! How near centres are to a probe, and the search for those nearer than a bar.

use core::fmt;

use crate::centres::{Centre, Centres};
use crate::kernels::{Elements, Probe};

/// Why centres were not searched to their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanError {
    /// The probe and the centres differ in dimension.
    Dimension {
        /// Elements of the probe.
        probe: usize,
        /// Elements of a centre.
        centres: usize,
    },
    /// The kernels found a centre that does not exist: their code is damaged.
    Centre {
        /// Its number.
        number: usize,
        /// Number of centres.
        centres: usize,
    },
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimension { probe, centres } => {
                write!(f, "an embedding of {probe} elements cannot be compared with centres of {centres}")
            }
            Self::Centre { number, centres } => write!(f, "centre {number} was found among {centres}"),
        }
    }
}

impl core::error::Error for ScanError {}

/// A centre as seen from one probe: `cos θ = dot / √(norm · p)`, with `p` the probe's squared norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Number of the person.
    pub owner: u16,
    /// Number of the centre.
    pub centre: u16,
    /// Inner product of centre and probe.
    pub dot: i32,
    /// Squared norm of the centre, not zero.
    pub norm: u32,
}

impl Sight {
    /// Whether this centre's angle is smaller. Exact: `dot / √norm` is ordered by sign, and within a sign by `dot²`
    /// times the other's `norm`, which has 85 bits.
    #[inline]
    pub fn is_nearer_than(&self, other: &Sight) -> bool {
        let scaled = |a: &Sight, b: &Sight| {
            let magnitude = u64::from(a.dot.unsigned_abs());
            product(magnitude * magnitude, b.norm)
        };
        match (self.dot < 0, other.dot < 0) {
            (true, false) => false,
            (false, true) => true,
            (false, false) => scaled(self, other) > scaled(other, self),
            (true, true) => scaled(self, other) < scaled(other, self),
        }
    }
}

/// `square · norm`, composed of two 32-bit by 32-bit products: a multiplication of `u128` would take ten.
#[inline]
fn product(square: u64, norm: u32) -> u128 {
    let low = (square & 0xffff_ffff) * u64::from(norm);
    let high = (square >> 32) * u64::from(norm) + (low >> 32);
    (u128::from(high) << 32) | u128::from(low as u32)
}

/// The nearest centre, if it is nearer than `rival`. Among equally near ones the first wins.
///
/// # Errors
/// [`ScanError`].
pub fn nearest_beyond(
    centres: &Centres,
    probe: &[i16],
    rival: Option<Sight>,
) -> Result<Option<Sight>, ScanError> {
    let mut nearest = None;
    scan(centres, probe, rival, &mut |sight, _| {
        if nearest.or(rival).is_none_or(|bar| sight.is_nearer_than(&bar)) {
            nearest = Some(sight);
            return nearest;
        }
        None
    })?;
    Ok(nearest)
}

/// Calls `see` with centres as seen from the probe and their vectors, in order. Centres that are no nearer than the current
/// bar may be skipped. The current bar starts as `bar`; `see` may return a nearer one, which replaces it.
///
/// # Errors
/// [`ScanError`].
pub(crate) fn scan(
    centres: &Centres,
    probe: &[i16],
    bar: Option<Sight>,
    see: &mut dyn FnMut(Sight, &[i8]) -> Option<Sight>,
) -> Result<(), ScanError> {
    let elements = Elements::new_checked(probe)
        .filter(|elements| elements.dimension().get() == centres.dimension())
        .ok_or(ScanError::Dimension { probe: probe.len(), centres: centres.dimension() })?;
    let probe = Probe::new(elements);
    let bound_of = |bar| bound(bar, centres.least_norm());
    let mut bound = bound_of(bar);
    let (mut first, mut vectors) = (0, centres.vectors());
    while let Some((skipped, dot)) = probe.first_above(vectors, bound) {
        let number = first + skipped;
        let (Centre { vector, norm, owner }, after) =
            centres.split_at(number).ok_or(ScanError::Centre { number, centres: centres.len() })?;
        (first, vectors) = (number + 1, after);
        if let Some(bar) = see(Sight { owner, centre: number as u16, dot, norm }, vector) {
            bound = bound_of(Some(bar));
        }
    }
    Ok(())
}

/// A bound for inner products: a centre whose product is at most this is no nearer than `bar`, if its norm is at
/// least `least_norm`.
///
/// Let `s` be the product and `n` the norm of a bar that is not behind the probe. Then `dot ≤ s √(least_norm / n)`
/// implies `dot / √norm ≤ s / √n`. The quotient, its root and the product are rounded down; the quotient is limited to
/// values below one.
fn bound(bar: Option<Sight>, least_norm: u32) -> i32 {
    match bar {
        Some(Sight { dot, norm, .. }) if dot >= 0 => {
            const { assert!(127 * 127 * (crate::dot::MAX_DIMENSION as u64) < 1 << 23) };
            let quotient_q16 = ((least_norm << 9) / ((norm >> 7) + 1)).min(0xffff);
            let root_q16 = (quotient_q16 << 16).isqrt();
            ((dot as u64 * u64::from(root_q16)) >> 16) as i32
        }
        _ => i32::MIN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sight(dot: i32, norm: u32) -> Sight {
        Sight { owner: 0, centre: 0, dot, norm }
    }

    #[test]
    fn nearness_weighs_norms_and_signs() {
        // 3/√9 = 1 against 3/√10; −3/√9 = −1 against −3/√10; zero between.
        let ascending = [sight(-3, 9), sight(-3, 10), sight(0, 1), sight(3, 10), sight(3, 9)];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(a.is_nearer_than(b), i > j, "{a:?} {b:?}");
            }
        }
        assert!(!sight(3, 9).is_nearer_than(&sight(6, 36)));
        assert!(!sight(0, 5).is_nearer_than(&sight(0, 7)));
    }

    #[test]
    fn neighbouring_cosines_at_the_top_of_the_range_are_told_apart() {
        let largest = sight(2_130_706_432, 8_258_048);
        assert!(largest.is_nearer_than(&sight(2_130_706_431, 8_258_048)));
        assert!(largest.is_nearer_than(&sight(-2_130_706_432, 8_258_048)));
        assert!(!largest.is_nearer_than(&largest));
    }

    #[test]
    fn product_keeps_every_bit() {
        for (square, norm) in [(u64::MAX, u32::MAX), (1 << 62, 8_258_048), (0xffff_ffff, 3), (0, 7)] {
            assert_eq!(product(square, norm), u128::from(square) * u128::from(norm));
        }
    }

    #[test]
    fn first_of_equals_counts_and_a_rival_must_be_beaten() {
        let centres = Centres::new_checked(1, &[2, 1, 1, 127], &[4, 1, 1, 16129], &[3, 3, 5, 6]).unwrap();
        let nearest = |rival| nearest_beyond(&centres, &[9], rival).unwrap().map(|sight| sight.centre);
        assert_eq!(nearest(None), Some(0));
        assert_eq!(nearest(Some(sight(1, 1))), Some(0));
        assert_eq!(nearest(Some(sight(9, 1))), None);
    }

    #[test]
    fn probe_of_another_dimension_is_refused() {
        let centres = Centres::new_checked(2, &[3, 4], &[25], &[0]).unwrap();
        for probe in [&[][..], &[1], &[1, 2, 3], &[1; 513]] {
            let refused = nearest_beyond(&centres, probe, None).unwrap_err();
            assert_eq!(refused, ScanError::Dimension { probe: probe.len(), centres: 2 });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn nothing_at_or_below_the_bound_is_nearer(
            bar_dot in -2_130_706_432..=2_130_706_432i32, bar_bits in 0..23u32, bar_norm in 1..=8_258_048u32,
            least_bits in 0..23u32, least_norm in 1..=8_258_048u32, more in 0..=8_258_047u32, below in 0..100i32,
        ) {
            let bar = sight(bar_dot >> bar_bits, (bar_norm >> bar_bits).max(1));
            let least_norm = (least_norm >> least_bits).max(1);
            let bound = bound(Some(bar), least_norm);
            for norm in [least_norm, least_norm + more % (8_258_049 - least_norm)] {
                let dot = bound.saturating_sub(below * below * below);
                prop_assert!(dot == i32::MIN || !sight(dot, norm).is_nearer_than(&bar), "{dot} {norm} {bar:?}");
            }
            prop_assert!(bound == i32::MIN || (bar.dot >= 0 && bound >= 0));
        }
    }
}
