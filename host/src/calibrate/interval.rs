//! How sure a rate is (Clopper and Pearson 1934).

use statrs::distribution::{Beta, ContinuousCDF};

/// 95 % interval of a rate of which `events` (any number, not only whole ones) of `trials` were seen or are expected.
pub fn clopper_pearson(events: f64, trials: f64) -> [f64; 2] {
    if trials == 0.0 {
        return [0.0, 1.0];
    }
    let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(p));
    let low = if events > 0.0 { quantile(events, trials - events + 1.0, 0.025).unwrap_or(0.0) } else { 0.0 };
    let high =
        if events < trials { quantile(events + 1.0, trials - events, 0.975).unwrap_or(1.0) } else { 1.0 };
    [low, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_is_the_exact_one() {
        // R: binom.test(3, 1000)$conf.int and binom.test(0, 1000)$conf.int.
        let [low, high] = clopper_pearson(3.0, 1000.0);
        assert!((low - 0.000619).abs() < 1e-6 && (high - 0.008743).abs() < 1e-5, "{low} {high}");
        let [low, high] = clopper_pearson(0.0, 1000.0);
        assert!(low == 0.0 && (high - 0.003682).abs() < 1e-5, "{high}");
    }
}
