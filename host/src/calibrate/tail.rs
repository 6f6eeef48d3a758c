//! The upper tail of a sample. Far quantiles, beyond most of the comparisons, come from a generalised Pareto
//! distribution fitted to the largest scores (Pickands 1975) by probability-weighted moments (Hosking and Wallis
//! 1987).

/// The upper tail of a sample.
pub(super) struct Tail {
    /// The scores, in falling order.
    pub scores: Vec<f32>,
    /// The fit uses the scores above score number `above`.
    above: usize,
    scale: f64,
    shape: f64,
}

impl Tail {
    pub fn new(mut scores: Vec<f32>) -> Self {
        scores.sort_by(|a, b| b.total_cmp(a));
        let above = (scores.len() / 500).max(50).min(scores.len() / 4);
        let mut excess: Vec<f64> = scores[..above].iter().map(|&s| f64::from(s - scores[above])).collect();
        excess.sort_by(f64::total_cmp);
        let n = excess.len() as f64;
        let mean = excess.iter().sum::<f64>() / n;
        // E[X (1 − F(X))], with the plotting positions of Hosking and Wallis.
        let weighted = |(rank, x): (usize, &f64)| x * (1.0 - (rank as f64 + 0.65) / n);
        let weighted = excess.iter().enumerate().map(weighted).sum::<f64>() / n;
        let (scale, shape) =
            (2.0 * mean * weighted / (mean - 2.0 * weighted), 2.0 - mean / (mean - 2.0 * weighted));
        // If the fit fails, the tail is exponential. Cosines do not have heavier tails than that.
        let fits = scale.is_finite() && scale > 0.0 && above >= 20;
        let (scale, shape) = if fits { (scale, shape.clamp(-0.5, 0.1)) } else { (mean.max(1e-3), 0.0) };
        Tail { scores, above, scale, shape }
    }

    /// The score that a share `p` exceeds.
    pub fn quantile(&self, p: f64) -> f32 {
        if self.scores.len() < 8 {
            return 1.0;
        }
        let rank = p * self.scores.len() as f64;
        if rank >= self.above as f64 {
            return self.scores[(rank as usize).min(self.scores.len() - 1)];
        }
        let times = self.above as f64 / rank;
        let excess = match self.shape.abs() < 1e-6 {
            true => self.scale * times.ln(),
            false => self.scale / self.shape * (times.powf(self.shape) - 1.0),
        };
        self.scores[self.above] + excess as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_quantiles_follow_the_tail() {
        // The quantile of p of an exponential sample is −ln p, also beyond the sample.
        let scores: Vec<f32> =
            (0..20_000).map(|i| -((f64::from(i) + 0.5) / 20_000.0).ln() as f32 * 0.1).collect();
        let tail = Tail::new(scores);
        for p in [0.1f64, 0.01, 1e-3, 1e-4, 1e-6] {
            let expected = -p.ln() * 0.1;
            let found = f64::from(tail.quantile(p));
            assert!((found - expected).abs() < 0.05 * expected, "{p}: {found} for {expected}");
        }
    }
}
