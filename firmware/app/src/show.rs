//! Numbers for people to read: angles and confidence, in float. No decision depends on them.

use format::gallery::MAX_CENTRES;
use format::policy::Angle;
use matcher::{Candidate, ONE_Q30};
// Called by its path: on a host with `std`, `x.sin()` would call another function than on the board.
use micromath::F32Ext;

/// A number in Q30.
fn q30(number: i32) -> f32 {
    number as f32 / ONE_Q30 as f32
}

/// Angle of a cosine in degrees, within a tenth.
pub fn angle_degrees(cosine_q30: i32) -> f32 {
    let cosine = q30(cosine_q30);
    let mut angle = F32Ext::acos(cosine.clamp(-1.0, 1.0));
    // micromath's arc cosine is off by up to 1.7 degrees: two Newton steps correct it.
    for _ in 0..2 {
        let sine = F32Ext::sin(angle);
        if sine > 0.02 {
            angle += (F32Ext::cos(angle) - cosine) / sine;
        }
    }
    angle.clamp(0.0, core::f32::consts::PI).to_degrees()
}

/// The best person's probability among everybody enrolled by ArcFace's softmax, within 0.0005:
/// `1 / (1 + Σ e^(s (cos θⱼ − t)))`. The sum is over the others j, and `t = cos(θ₁ + m)` (Deng et al., CVPR 2019,
/// equation 3, without the logarithm).
///
/// People at [`Posterior::least_cosine_q30`] or farther can be left out.
#[derive(Clone, Copy, Debug)]
pub struct Posterior {
    scale: f32,
    target: f32,
    /// Length of the probe.
    length: f32,
    others: f32,
}

impl Posterior {
    /// Terms below `e^−REACH` are left out. Those of [`MAX_CENTRES`] people add up to less than 0.0001.
    const REACH: f32 = 19.0;

    /// For a best person, a scale `s` of logits, and a margin `m`.
    pub fn new(scale: f32, margin: Angle, best: &Candidate) -> Self {
        const { assert!(MAX_CENTRES <= 1 << 14) };
        let length = root(best.probe_norm as f32);
        let cosine = cosine(best, length);
        // cos(θ + m) = cos θ cos m − sin θ sin m.
        let target = cosine * q30(margin.cos_q30) - root(1.0 - cosine * cosine) * q30(margin.sin_q30);
        Posterior { scale, target, length, others: 0.0 }
    }

    /// Other people at or below this cosine (Q30) do not change the result.
    pub fn least_cosine_q30(&self) -> i32 {
        ((self.target - Self::REACH / self.scale) * ONE_Q30 as f32) as i32
    }

    /// Adds another person.
    pub fn add(&mut self, other: &Candidate) {
        // Larger terms are limited: they would not change the result, but the exponential would overflow.
        let logit = self.scale * (cosine(other, self.length) - self.target);
        self.others += exp(logit.clamp(-60.0, 60.0));
    }

    /// The probability, 0 to 1.
    pub fn probability(&self) -> f32 {
        1.0 / (1.0 + self.others)
    }
}

/// Cosine of a candidate's angle to a probe of this length.
fn cosine(candidate: &Candidate, length: f32) -> f32 {
    candidate.dot as f32 / (root(candidate.norm as f32) * length)
}

/// Square root. Zero for negative numbers.
fn root(square: f32) -> f32 {
    if square <= 0.0 {
        return 0.0;
    }
    // micromath's root is off by up to 6 %: three Newton steps correct it.
    (0..3).fold(F32Ext::sqrt(square), |root, _| 0.5 * (root + square / root))
}

/// `e^x` for an `x` from −60 to 60.
fn exp(x: f32) -> f32 {
    // micromath's error is 0.3 % at the ends of its reduced range and 0.005 % in the inner half.
    let whole = F32Ext::round(x * core::f32::consts::LOG2_E);
    let power = f32::from_bits(((whole as i32 + 127) as u32) << 23);
    F32Ext::exp(x - whole * core::f32::consts::LN_2) * power
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use matcher::{Centres, Matcher, Rules};

    use super::*;

    fn to_q30(x: f64) -> i32 {
        (x * f64::from(ONE_Q30)).round() as i32
    }

    #[test]
    fn shown_angle_is_within_a_tenth_of_a_degree() {
        for step in 0..=1800 {
            let degrees = f64::from(step) / 10.0;
            let shown = angle_degrees(to_q30(degrees.to_radians().cos()));
            let tolerance = if (2.0..178.0).contains(&degrees) { 0.1 } else { 1.0 };
            assert!((f64::from(shown) - degrees).abs() < tolerance, "{degrees}: {shown}");
        }
    }

    fn angle(radians: f64) -> Angle {
        Angle { urad: 0, cos_q30: to_q30(radians.cos()), sin_q30: to_q30(radians.sin()) }
    }

    /// A candidate at this cosine to a probe along the first axis, with a centre in the plane.
    fn centre(cosine: f64) -> [i8; 2] {
        [(127.0 * cosine).round() as i8, (127.0 * (1.0 - cosine * cosine).sqrt()).round() as i8]
    }

    /// The computed confidence, and the softmax over everybody in double precision, for people at about these
    /// cosines.
    fn shown_and_exact(scale: f32, margin: f64, cosines: &[f64]) -> (f32, f64) {
        let vectors: Vec<i8> = cosines.iter().flat_map(|&cosine| centre(cosine)).collect();
        let norms: Vec<u32> = vectors.chunks(2).map(matcher::dot::centre_norm).collect();
        let owners: Vec<u16> = (0..cosines.len() as u16).collect();
        let gallery = Centres::new_checked(2, &vectors, &norms, &owners).unwrap();
        let matcher = Matcher::new_checked(gallery, None, Rules::absolute(0)).unwrap();
        let probe = [12_345, 0];
        let best = matcher.decide(&probe).unwrap().best.unwrap();
        let mut posterior = Posterior::new(scale, angle(margin), &best);
        let least_q30 = posterior.least_cosine_q30();
        matcher.others_within(&probe, &best, least_q30, &mut |other| posterior.add(other)).unwrap();

        let cosine = |owner: usize| f64::from(vectors[2 * owner]) / f64::from(norms[owner]).sqrt();
        let target = (cosine(best.person.into()).acos() + margin).cos();
        let others = (0..cosines.len()).filter(|&owner| owner != usize::from(best.person));
        let sum: f64 = others.map(|owner| (f64::from(scale) * (cosine(owner) - target)).exp()).sum();
        (posterior.probability(), 1.0 / (1.0 + sum))
    }

    #[test]
    fn confidence_is_the_softmax_over_everybody() {
        let mut state = 1u32;
        let mut uniform = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        let (mut sure, mut unsure, mut lost) = (0, 0, 0);
        for case in 0..400 {
            let scale = [16.0, 30.0, 64.0, 128.0][case % 4];
            let margin = [0.0, 0.1, 0.5][case / 4 % 3];
            let best = 0.2 + 0.8 * uniform();
            // Around the cosine where others begin to matter, on both sides.
            let bound = (f64::acos(best) + margin).cos() - 19.0 / f64::from(scale);
            let people = [1, 2, 50, 3000][case / 12 % 4];
            let crowd = (0..people).map(|_| match case / 48 % 3 {
                0 => bound + 0.1 * (uniform() - 0.5),
                1 => bound + 19.0 / f64::from(scale) * uniform(),
                _ => 2.0 * uniform() - 1.0,
            });
            let cosines: Vec<f64> = crowd.map(|cosine| cosine.clamp(-1.0, best)).chain([best]).collect();
            let (shown, exact) = shown_and_exact(scale, margin, &cosines);
            assert!((f64::from(shown) - exact).abs() < 0.0005, "case {case}: {shown} for {exact}");
            match exact {
                0.99.. => sure += 1,
                0.01.. => unsure += 1,
                _ => lost += 1,
            }
        }
        assert!(sure > 50 && unsure > 50 && lost > 50, "{sure} {unsure} {lost}");
    }

    #[test]
    fn full_gallery_just_beyond_reach_is_within_the_error() {
        let cosine = |[x, y]: [i8; 2]| f64::from(x) / f64::from(x).hypot(y.into());
        let gap = cosine(centre(0.9)) - cosine(centre(0.6));
        let mut cosines = std::vec![0.6; MAX_CENTRES];
        cosines[7] = 0.9;
        let (shown, exact) = shown_and_exact((19.01 / gap) as f32, 0.0, &cosines);
        assert_eq!(shown, 1.0);
        assert!((0.9999..0.99992).contains(&exact), "{exact}");
    }

    #[test]
    fn root_and_exponential_are_near_enough() {
        for step in -6000..=6000 {
            let x = step as f32 / 100.0;
            let (expected, scaled) = (f64::from(x).exp(), f64::from(x * x + 1e-3));
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 1e-4, "{x}: {} {expected}", exp(x));
            assert!((f64::from(root(scaled as f32)) / scaled.sqrt() - 1.0).abs() < 1e-6, "{scaled}");
        }
        assert_eq!((root(0.0), root(-1.0)), (0.0, 0.0));
    }

    #[test]
    fn nobody_else_is_certainty_and_extremes_stay_in_range() {
        let same = Candidate { person: 0, centre: 0, dot: 25, norm: 25, probe_norm: 25 };
        let opposite = Candidate { person: 1, dot: -25, ..same };
        let after = |scale, best, other| {
            let mut posterior = Posterior::new(scale, angle(0.0), best);
            assert_eq!(posterior.probability(), 1.0);
            posterior.add(other);
            posterior.probability()
        };
        assert!(after(1000.0, &same, &opposite) > 0.999);
        assert!((0.0..1e-6).contains(&after(1000.0, &opposite, &same)));
        // A scale so small that everybody matters.
        assert!((after(1e-6, &same, &opposite) - 0.5).abs() < 0.001);
    }
}
