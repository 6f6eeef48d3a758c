//! The conditions of acceptance: the absolute rule and the margin rule, both exact.
//!
//! With `a` and `b` the inner products of the probe with the best and the runner-up centre, `n₁`, `n₂` and `p` the
//! squared norms of the two centres and of the probe, `C` and `S` the margin's cosine and sine in Q30:
//!
//! ```text
//! cos θ₁ = a / √(n₁p)    sin θ₁ = √E / √(n₁p),  E = n₁p − a² ≥ 0    cos θ₂ = b / √(n₂p)
//! ```

use core::fmt;

use crate::nearest::Sight;
use crate::root::Root;
use crate::wide::Wide;

/// One, in the fixed-point format of cosines and sines.
pub const ONE_Q30: i32 = 1 << 30;

/// The conditions of acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Least cosine of the best person's angle, Q30. Any value is valid: above [`ONE_Q30`] nobody is accepted, at or
    /// below its negative everybody is near enough.
    pub threshold_q30: i32,
    /// The runner-up must be farther than the best by this margin. `None` if the runner-up does not matter.
    pub margin: Option<Margin>,
    /// Margin of the cap in which the probe must lie ([`crate::cap`]). `None` if it need not lie in one.
    pub cap: Option<Margin>,
    /// Margin of the cap in which an accepted probe is certified. `None` if no probe is certified.
    pub certificate: Option<Margin>,
}

impl Rules {
    /// The absolute rule alone.
    pub fn absolute(threshold_q30: i32) -> Self {
        Rules { threshold_q30, margin: None, cap: None, certificate: None }
    }
}

/// An angle from 0 to π/2 as its cosine and sine, Q30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    cos: u32,
    sin: u32,
}

/// Why a margin is refused: the numbers are not the cosine and sine of one angle from 0 to π/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginError {
    /// The given cosine.
    pub cos_q30: i32,
    /// The given sine.
    pub sin_q30: i32,
}

impl fmt::Display for MarginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MarginError { cos_q30, sin_q30 } = self;
        write!(f, "{cos_q30} and {sin_q30} are not cosine and sine (Q30) of one angle from 0 to 90 degrees")
    }
}

impl core::error::Error for MarginError {}

impl Margin {
    /// Lower bound of its cosine and upper bound of its sine, Q30. They hold for every margin that
    /// [`Self::new_checked`] accepts.
    pub(crate) fn bounds(&self) -> (u32, u32) {
        (self.cos.saturating_sub(4), self.sin + 4)
    }

    /// No margin: it is enough that the runner-up is not nearer than the best.
    pub const ZERO: Margin = Margin { cos: ONE_Q30 as u32, sin: 0 };

    /// The margin with this cosine and sine, Q30, each in 0..=[`ONE_Q30`].
    ///
    /// # Errors
    /// [`MarginError`] if one is out of range, or the sum of their squares differs from one by more than 2⁻²⁸
    /// (correct rounding stays within 2⁻²⁹).
    pub fn new_checked(cos_q30: i32, sin_q30: i32) -> Result<Self, MarginError> {
        let range = 0..=ONE_Q30;
        let [cos, sin] = [cos_q30, sin_q30].map(i64::from);
        let norm_error = (cos * cos + sin * sin - (1 << 60)).abs();
        if !range.contains(&cos_q30) || !range.contains(&sin_q30) || norm_error > 1 << 32 {
            return Err(MarginError { cos_q30, sin_q30 });
        }
        Ok(Margin { cos: cos_q30 as u32, sin: sin_q30 as u32 })
    }

    /// The margin rule: whether `θ₁ + m ≤ θ₂`, for a probe of squared norm `probe_norm` (`p`).
    ///
    /// By ArcFace's identity (Deng et al., CVPR 2019, equation 3) that is `C cos θ₁ − S sin θ₁ ≥ 2³⁰ cos θ₂` if
    /// `θ₁ + m ≤ π`. Otherwise it is false; the cosine of a sum above π would rise again. The inequality multiplied by
    /// `√(n₁n₂p)` is:
    ///
    /// ```text
    /// L − R ≥ Y,   L = aC√n₂   R = 2³⁰b√n₁   Y = S√(En₂)
    /// ⇔  L ≥ R  and  L² + R² − Y² ≥ 2LR
    /// ```
    ///
    /// `L²`, `R²`, `Y²` and `(2LR)² = 4L²R²` are integers, so both parts are comparisons of [`Root`]s. The squares in
    /// the second comparison are below 2²⁹⁴. `θ₁ + m ≤ π` is `sin(θ₁ + m) ≥ 0`, that is `C√E ≥ −Sa`.
    ///
    /// The inequality is tested exactly, with the given `C` and `S`. Their rounding moves `cos(θ₁ + m)` by up to
    /// 2⁻³⁰, which is the same on every machine.
    ///
    /// * A runner-up nearer than the best fails every margin. Only a stranger of the cohort can be one.
    /// * An equally near runner-up passes [`Margin::ZERO`].
    /// * With `θ₁ + m = π` only a runner-up opposite to the probe passes, with `θ₁ + m > π` none does.
    pub fn holds(&self, best: &Sight, runner_up: &Sight, probe_norm: u64) -> bool {
        // The test below implies this, except for a margin whose squares add up to less than one. With such a margin,
        // a probe more than a right angle away would pass by a tiny amount.
        if runner_up.is_nearer_than(best) {
            return false;
        }
        let (a, b) = (best.dot.unsigned_abs(), runner_up.dot.unsigned_abs());
        let (n1, n2) = (best.norm, runner_up.norm);
        let square = |x: u32| u64::from(x) * u64::from(x);
        // Below 2⁶², and not negative by Cauchy-Schwarz.
        let e = (u64::from(n1) * probe_norm).saturating_sub(square(a));

        let sine_of_best = u128::from(square(self.cos)) * u128::from(e);
        let toward_opposite = u128::from(square(self.sin)) * u128::from(square(a));
        if Root::new(false, sine_of_best) < Root::new(best.dot > 0, toward_opposite) {
            return false;
        }

        let one = ONE_Q30 as u32;
        let l_squared = Wide::from(square(a)).times(self.cos).times(self.cos).times(n2);
        let r_squared = Wide::from(square(b)).times(one).times(one).times(n1);
        let y_squared = Wide::from(e).times(self.sin).times(self.sin).times(n2);
        if Root::new(best.dot < 0, l_squared) < Root::new(runner_up.dot < 0, r_squared) {
            return false;
        }

        let sum = l_squared.plus(r_squared);
        let left = Root::new(sum < y_squared, sum.distance(y_squared).squared());
        // 4 · L² · R², multiplied factor by factor.
        let product = l_squared.times(b).times(b).times(one).times(one).times(n1).times(4);
        left >= Root::new((best.dot < 0) != (runner_up.dot < 0), product)
    }
}

/// The absolute rule: whether `cos θ₁ ≥ t`, for a probe of squared norm `probe_norm` (`p`).
///
/// `2³⁰a ≥ t√(n₁p)`, compared by sign and square; the squares are below 2¹²⁴.
pub fn is_within(threshold_q30: i32, best: &Sight, probe_norm: u64) -> bool {
    let square = |x: u32| u128::from(x) * u128::from(x);
    let cosine = Root::new(best.dot < 0, square(best.dot.unsigned_abs()) << 60);
    let norms = u128::from(best.norm) * u128::from(probe_norm);
    cosine >= Root::new(threshold_q30 < 0, square(threshold_q30.unsigned_abs()) * norms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(dot: i32, norm: u32) -> Sight {
        Sight { owner: 0, centre: 0, dot, norm }
    }

    #[test]
    fn threshold_met_exactly_is_within() {
        // Centre (1, 1, 1, 1), probe (±2, 0, 0, 0): the cosine is ±1/2.
        let half = ONE_Q30 / 2;
        for (dot, cosine) in [(2, half), (-2, -half), (0, 0)] {
            assert!(is_within(cosine, &sight(dot, 4), 4));
            assert!(is_within(cosine - 1, &sight(dot, 4), 4));
            assert!(!is_within(cosine + 1, &sight(dot, 4), 4));
        }
    }

    #[test]
    fn thresholds_at_and_beyond_the_ends() {
        let (same, opposite) = (sight(25, 25), sight(-25, 25));
        assert!(is_within(ONE_Q30, &same, 25));
        assert!(!is_within(ONE_Q30 + 1, &same, 25));
        assert!(!is_within(i32::MAX, &same, 25));
        assert!(is_within(-ONE_Q30, &opposite, 25));
        assert!(!is_within(-ONE_Q30 + 1, &opposite, 25));
        assert!(is_within(i32::MIN, &opposite, 25));
        let largest = sight(2_130_706_432, 8_258_048);
        assert!(is_within(ONE_Q30, &largest, 1 << 39));
        assert!(!is_within(ONE_Q30, &sight(2_130_706_431, 8_258_048), 1 << 39));
    }

    #[test]
    fn only_cosine_and_sine_of_one_angle_make_a_margin() {
        assert_eq!(Margin::new_checked(ONE_Q30, 0), Ok(Margin::ZERO));
        // 0.5 rad and π/2.
        assert!(Margin::new_checked(942_297_101, 514_779_252).is_ok());
        assert!(Margin::new_checked(0, ONE_Q30).is_ok());
        for (cos_q30, sin_q30) in [
            (0, 0),
            (ONE_Q30, ONE_Q30),
            (-1, ONE_Q30),
            (ONE_Q30, -1),
            (i32::MIN, 0),
            (942_297_101, 514_779_262),
        ] {
            assert_eq!(Margin::new_checked(cos_q30, sin_q30), Err(MarginError { cos_q30, sin_q30 }));
        }
    }

    #[test]
    fn right_angle_met_exactly_holds() {
        // Probe (1, 0), best (4, 3), runner-up (-3, 4): θ₂ = θ₁ + π/2. Then a runner-up a little nearer, and farther.
        let right = Margin::new_checked(0, ONE_Q30).unwrap();
        assert!(right.holds(&sight(4, 25), &sight(-3, 25), 1));
        assert!(!right.holds(&sight(4, 25), &sight(-75, 75 * 75 + 101 * 101), 1));
        assert!(right.holds(&sight(4, 25), &sight(-75, 75 * 75 + 99 * 99), 1));
    }

    #[test]
    fn margin_met_exactly_holds_and_a_larger_one_does_not() {
        // The best in the probe's direction (2, 0, 0, 0), the runner-up (1, 1, 1, 1) at 60°.
        let (best, runner_up) = (sight(4, 4), sight(2, 4));
        let (half, sin) = (ONE_Q30 / 2, 929_887_697);
        assert!(Margin::new_checked(half, sin).unwrap().holds(&best, &runner_up, 4));
        assert!(!Margin::new_checked(half - 1, sin).unwrap().holds(&best, &runner_up, 4));
    }

    #[test]
    fn no_margin_accepts_equals_and_no_more() {
        for dot in [5, 0, -5] {
            // The same direction with twice the length.
            let (near, same) = (sight(dot, 50), sight(2 * dot, 200));
            assert!(Margin::ZERO.holds(&near, &same, 1));
            assert!(!Margin::ZERO.holds(&near, &sight(2 * dot + 1, 200), 1));
            assert!(Margin::ZERO.holds(&near, &sight(2 * dot - 1, 200), 1));
            if dot != 5 {
                continue;
            }
            let least = Margin::new_checked(ONE_Q30, 1).unwrap();
            assert!(!least.holds(&near, &same, 1));
        }
    }

    #[test]
    fn nothing_is_farther_than_the_opposite() {
        // θ₁ = 135°, θ₂ = 180°. With 45° more than the half circle the cosine of the sum is above −1 again.
        let (best, opposite) = (sight(-1, 2), sight(-1, 1));
        let slightly_less = Margin::new_checked(759_250_126, 759_250_123).unwrap();
        let sixty = Margin::new_checked(ONE_Q30 / 2, 929_887_697).unwrap();
        let right = Margin::new_checked(0, ONE_Q30).unwrap();
        assert!(slightly_less.holds(&best, &opposite, 1));
        assert!(!sixty.holds(&best, &opposite, 1));
        assert!(!right.holds(&best, &opposite, 1));
        // Both are opposite to the probe: only the zero margin holds.
        assert!(Margin::ZERO.holds(&opposite, &opposite, 1));
        assert!(!Margin::new_checked(ONE_Q30, 1).unwrap().holds(&opposite, &opposite, 1));
        // From a right angle, a margin of a right angle reaches the opposite direction and no farther.
        assert!(right.holds(&sight(0, 1), &opposite, 1));
        assert!(!right.holds(&sight(0, 1), &sight(-7, 50), 1));
    }

    #[test]
    fn nearer_runner_up_fails_every_margin() {
        let right = Margin::new_checked(0, ONE_Q30).unwrap();
        for margin in [Margin::ZERO, right] {
            assert!(!margin.holds(&sight(3, 25), &sight(4, 25), 1));
            assert!(!margin.holds(&sight(-4, 25), &sight(-3, 25), 1));
        }
        // Opposite except for one part in 2³¹, and a margin that is 2⁻³⁰ short of one.
        let short = Margin::new_checked(ONE_Q30 - 1, 0).unwrap();
        let [opposite, nearer] = [-2_130_706_432, -2_130_706_431].map(|dot| sight(dot, 8_258_048));
        assert!(!short.holds(&opposite, &nearer, 1 << 39));
        assert!(short.holds(&nearer, &opposite, 1 << 39));
    }
}
