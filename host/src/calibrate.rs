//! Thresholds from strangers: least cosine to be accepted, by gallery size.
//!
//! With independent comparisons a gallery of `N` accepts a stranger at the rate 1 − (1 − FMR)^N, so that the rate asked
//! for (FPIR) gives the rate allowed to one comparison (FMR), and that a quantile of strangers' cosines.

use format::policy::Threshold;

use crate::embedding::cosine;

/// Gallery sizes that the table holds thresholds for.
const SIZES: [u16; 14] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 16384];

/// Used when there are no strangers to measure on: for 128 to 512-dimensional ArcFace networks, a little above what LFW asks
/// for at FPIR 0.003.
const CAUTIOUS: [(u16, f32); 6] =
    [(1, 0.35), (10, 0.43), (50, 0.48), (200, 0.52), (1000, 0.57), (10000, 0.63)];

/// Thresholds and what they rest on.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Table {
    /// People enrolled, least cosine.
    pub thresholds: Vec<(u16, f32)>,
    /// Largest gallery that the number of comparisons supports the rate for (rule of three); 0 when none.
    pub supported_people: u16,
    /// Comparisons between strangers.
    pub comparisons: usize,
}

impl Table {
    /// The image's form.
    pub fn records(&self) -> impl Iterator<Item = Threshold> + '_ {
        self.thresholds.iter().map(|&(people, cosine)| Threshold { people, cosine_q30: q30(cosine.into()) })
    }
}

/// A cosine or sine in Q30.
pub fn q30(value: f64) -> i32 {
    (value * f64::from(1 << 30)).round() as i32
}

/// The table for networks nothing is known about.
pub fn cautious() -> Table {
    Table { thresholds: CAUTIOUS.to_vec(), supported_people: 0, comparisons: 0 }
}

/// The same threshold for every gallery.
pub fn given(cosine: f32) -> Table {
    Table { thresholds: vec![(1, cosine)], supported_people: 0, comparisons: 0 }
}

/// Thresholds at which strangers (unit embeddings, one each) are taken for another with the rate `fpir`.
pub fn measure(strangers: &[Vec<f32>], centres: &[Vec<f32>], fpir: f64) -> Table {
    let mut scores: Vec<f32> = Vec::new();
    for (index, a) in strangers.iter().enumerate() {
        scores.extend(strangers[..index].iter().map(|b| cosine(a, b)));
        scores.extend(centres.iter().map(|centre| cosine(a, centre)));
    }
    scores.sort_by(|a, b| b.total_cmp(a));
    let mut thresholds = Vec::new();
    let mut supported_people = 0;
    let mut least = -1f32;
    for people in SIZES {
        let fmr = 1.0 - (1.0 - fpir).powf(1.0 / f64::from(people));
        let accepted = (fmr * scores.len() as f64).floor() as usize;
        if fmr * scores.len() as f64 >= 3.0 {
            supported_people = people;
        }
        // Just above the first score that must not be accepted any more; where even one is too many, beyond the
        // largest by a step that grows with what is not known.
        let beyond = (3.0 / (fmr * scores.len().max(1) as f64)).log10().max(0.0) as f32 * 0.03;
        let score = scores.get(accepted).copied().unwrap_or(0.5) + 1e-4 + beyond;
        least = least.max(score.min(0.95));
        thresholds.push((people, least));
    }
    Table { thresholds, supported_people, comparisons: scores.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_rate_is_kept_and_thresholds_rise() {
        // Strangers on a circle of directions in 8 dimensions, from a small generator.
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
        };
        let strangers: Vec<Vec<f32>> =
            (0..200).map(|_| crate::embedding::unit(&(0..8).map(|_| next()).collect::<Vec<_>>())).collect();
        let table = measure(&strangers, &[], 0.01);
        assert!(table.thresholds.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        let over = |t: f32| {
            let pairs = (0..200).flat_map(|a| (0..a).map(move |b| (a, b)));
            pairs.filter(|&(a, b)| cosine(&strangers[a], &strangers[b]) >= t).count()
        };
        let (_, first) = table.thresholds[0];
        assert!(over(first) as f64 <= 0.01 * 19900.0 && over(first - 0.01) as f64 > 0.01 * 19900.0);
        assert_eq!(table.supported_people, 50);
    }
}
