//! The margin losses in the training of embedding networks, as functions of an angle.

use serde::Serialize;

/// The place of the margin in a training loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginKind {
    /// None, also for networks trained with triplets.
    Softmax,
    /// m₁ times the angle.
    Sphereface,
    /// m₂ added to the angle.
    Arcface,
    /// m₃ taken off the cosine.
    Cosface,
}

/// The logit of the right class: `s (cos(m₁ θ + m₂) − m₃)`; of the others `s cos θ` (the combined form of Deng et al., CVPR
/// 2019, section 2.3, equation 4).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// Scale.
    pub s: f32,
    /// Factor of the angle (SphereFace).
    pub m1: f32,
    /// Added to the angle, radians (ArcFace).
    pub m2: f32,
    /// Subtracted from the cosine (CosFace).
    pub m3: f32,
}

impl Loss {
    /// The loss of one kind, with the given margin or the kind's usual one.
    pub fn of_kind(kind: MarginKind, margin: Option<f32>, s: f32) -> Self {
        let none = Loss { s, m1: 1.0, m2: 0.0, m3: 0.0 };
        match kind {
            MarginKind::Softmax => none,
            MarginKind::Sphereface => Loss { m1: margin.unwrap_or(4.0), ..none },
            MarginKind::Arcface => Loss { m2: margin.unwrap_or(0.5), ..none },
            MarginKind::Cosface => Loss { m3: margin.unwrap_or(0.35), ..none },
        }
    }

    /// The right class's cosine with margins, for an angle in radians. Where `m₁ θ + m₂` passes π it goes on falling, as
    /// SphereFace has it: `(−1)^k cos x − 2 k` for `x` in `[k π, (k + 1) π]` (Liu et al., CVPR 2017, equation 7).
    pub fn target(&self, angle: f32) -> f32 {
        let x = self.m1 * angle + self.m2;
        let k = (x / std::f32::consts::PI).floor().max(0.0);
        let sign = if (k as i32) % 2 == 0 { 1.0 } else { -1.0 };
        sign * x.cos() - 2.0 * k - self.m3
    }

    /// Cross-entropy of a photo at `angle` from its own person and at these cosines from the others.
    pub fn of(&self, angle: f32, others: impl Iterator<Item = f32>) -> f32 {
        let target = self.s * self.target(angle);
        let logits: Vec<f32> = others.map(|cosine| self.s * cosine).chain([target]).collect();
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f32>().ln() - target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_the_cross_entropy() {
        let loss = Loss::of_kind(MarginKind::Arcface, None, 10.0);
        let (angle, others) = (0.6f32, [0.3f32, 0.1]);
        let target = (10.0 * (angle + 0.5).cos()).exp();
        let sum = target + others.iter().map(|c| (10.0 * c).exp()).sum::<f32>();
        assert!((loss.of(angle, others.into_iter()) + (target / sum).ln()).abs() < 1e-4);
        assert_eq!(loss.of(0.1, std::iter::empty()), 0.0);
    }

    #[test]
    fn kinds_differ_in_where_the_margin_is() {
        let target = |kind, margin| Loss::of_kind(kind, Some(margin), 1.0).target(0.5);
        assert_eq!(target(MarginKind::Softmax, 9.0), 0.5f32.cos());
        assert_eq!(target(MarginKind::Arcface, 0.25), 0.75f32.cos());
        assert_eq!(target(MarginKind::Cosface, 0.25), 0.5f32.cos() - 0.25);
        assert_eq!(target(MarginKind::Sphereface, 2.0), 1f32.cos());
    }

    #[test]
    fn target_falls_over_all_angles() {
        for kind in [MarginKind::Softmax, MarginKind::Sphereface, MarginKind::Arcface, MarginKind::Cosface] {
            let loss = Loss::of_kind(kind, None, 1.0);
            let targets: Vec<f32> = (0..=314).map(|step| loss.target(step as f32 / 100.0)).collect();
            assert!(targets.is_sorted_by(|a, b| a >= b), "{kind:?}");
        }
    }
}
