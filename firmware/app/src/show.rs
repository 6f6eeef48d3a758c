//! Numbers for people: angles and confidence, in float. Nothing is decided with them.

// Called by name: on a host that has `std`, `x.sin()` would be another function than on the board.
use micromath::F32Ext;

/// A cosine in Q30 as a number.
fn cosine(cosine_q30: i32) -> f32 {
    cosine_q30 as f32 / (1u32 << 30) as f32
}

/// Angle of a cosine in degrees, within a tenth.
pub fn angle_degrees(cosine_q30: i32) -> f32 {
    let cosine = cosine(cosine_q30);
    let mut angle = F32Ext::acos(cosine.clamp(-1.0, 1.0));
    // micromath's arc cosine is up to 1.7 degrees off: two of Newton's steps.
    for _ in 0..2 {
        let sine = F32Ext::sin(angle);
        if sine > 0.02 {
            angle += (F32Ext::cos(angle) - cosine) / sine;
        }
    }
    angle.clamp(0.0, core::f32::consts::PI).to_degrees()
}

/// ArcFace's posterior of the best person: `e^(s cos(θ₁ + m)) / (e^(s cos(θ₁ + m)) + Σ e^(s cos θⱼ))` over the others j
/// (Deng et al., CVPR 2019, equation 3, without the logarithm).
#[derive(Clone, Copy, Debug)]
pub struct Posterior {
    scale: f32,
    target: f32,
    others: f32,
}

impl Posterior {
    /// For a best person at this cosine (Q30), a scale `s` of logits and a margin `m` in radians.
    pub fn new(scale: f32, margin_rad: f32, best_q30: i32) -> Self {
        let cosine = cosine(best_q30);
        // cos(θ + m) = cos θ cos m − sin θ sin m.
        let sine = F32Ext::sqrt((1.0 - cosine * cosine).max(0.0));
        Posterior {
            scale,
            target: cosine * F32Ext::cos(margin_rad) - sine * F32Ext::sin(margin_rad),
            others: 0.0,
        }
    }

    /// Another person at this cosine (Q30).
    pub fn add(&mut self, cosine_q30: i32) {
        // Beyond this the result does not change, but the exponential would overflow.
        let logit = (self.scale * (cosine(cosine_q30) - self.target)).clamp(-60.0, 60.0);
        self.others += F32Ext::exp(logit);
    }

    /// The probability, 0 to 1.
    pub fn probability(&self) -> f32 {
        1.0 / (1.0 + self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q30(x: f64) -> i32 {
        (x * f64::from(1 << 30)).round() as i32
    }

    #[test]
    fn shown_angle_is_within_a_tenth_of_a_degree() {
        for step in 0..=1800 {
            let degrees = f64::from(step) / 10.0;
            let shown = angle_degrees(q30(degrees.to_radians().cos()));
            let tolerance = if (2.0..178.0).contains(&degrees) { 0.1 } else { 1.0 };
            assert!((f64::from(shown) - degrees).abs() < tolerance, "{degrees}: {shown}");
        }
    }

    #[test]
    fn posterior_is_the_softmax() {
        for (scale, margin, best, others) in [
            (30.0, 0.1, 0.6, &[0.3, 0.55, -0.2][..]),
            (64.0, 0.0, 0.4, &[0.4]),
            (64.0, 0.5, 0.7, &[0.1, 0.05]),
        ] {
            let mut posterior = Posterior::new(scale, margin, q30(best));
            others.iter().for_each(|&other| posterior.add(q30(other)));
            let exp = |cosine: f64| (f64::from(scale) * cosine).exp();
            let target = exp((best.acos() + f64::from(margin)).cos());
            let expected = target / (target + others.iter().map(|&c| exp(c)).sum::<f64>());
            assert!((f64::from(posterior.probability()) - expected).abs() < 0.02, "{expected} {posterior:?}");
        }
    }

    #[test]
    fn nobody_else_is_certainty_and_extremes_stay_in_range() {
        assert_eq!(Posterior::new(64.0, 0.1, q30(0.5)).probability(), 1.0);
        let mut sure = Posterior::new(1000.0, 0.0, q30(1.0));
        sure.add(q30(-1.0));
        assert!(sure.probability() > 0.999);
        let mut lost = Posterior::new(1000.0, 0.0, q30(-1.0));
        lost.add(q30(1.0));
        assert!((0.0..1e-6).contains(&lost.probability()));
    }
}
