//! Verification as in LFW's view 2 (Huang et al. 2007): each fold is decided with the threshold that is best on the
//! other folds. TAR at a given FAR is over all pairs.

use std::collections::BTreeSet;
use std::time::Instant;

use serde::Serialize;

use super::embedded::{Embedded, Seconds};
use super::pairs::{Pair, Pairs};
use crate::agreement::Agreement;
use crate::bounds::{LIKE_THE_COHORT, Scored, can_tell, least_trials, tar_at_far};
use crate::embedding::cosine;

/// Shares of impostor pairs accepted for which TAR is given.
const FARS: [f64; 2] = [1e-2, 1e-3];

/// Verification figures, as fractions. TAR at a FAR, and its intervals, are `None` if impostor pairs are too few to tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    /// Mean over folds.
    pub accuracy: f64,
    /// Standard error of that mean as LFW's view 2 requires: the folds' standard deviation divided by the root of
    /// their number. 0 with one fold.
    pub standard_error: f64,
    /// Share of genuine pairs accepted when 1 % of impostor pairs are.
    pub tar_at_far_1e2: Option<f64>,
    /// The same at 0.1 %.
    pub tar_at_far_1e3: Option<f64>,
    /// 95 % intervals of both as if pairs were independent, at the thresholds found.
    pub tar_bounds_by_comparisons: [Option<[f64; 2]>; 2],
    /// 95 % intervals of both by people.
    pub tar_bounds_by_people: [Option<[f64; 2]>; 2],
}

/// Pairs scored by cosine, in their order.
pub(super) fn scored(pairs: &Pairs, embeddings: &[Vec<f32>]) -> Vec<Scored> {
    let people = pairs.people();
    let scored = |pair: &Pair| {
        let [a, b] = pair.photos;
        let score = cosine(&embeddings[a], &embeddings[b]);
        Scored { people: [people[a], people[b]], score, same: pair.same }
    };
    pairs.pairs.iter().map(scored).collect()
}

/// Figures of scored pairs, each in the fold of the same place.
///
/// # Panics
/// When there are no pairs.
fn rates(scored: &[Scored], folds: &[usize]) -> Rates {
    let numbers: BTreeSet<usize> = folds.iter().copied().collect();
    let accuracy = |fold: usize| {
        let others = scored.iter().zip(folds).filter(|&(_, &other)| other != fold || numbers.len() == 1);
        let threshold = best_threshold(others.map(|(pair, _)| (pair.score, pair.same)).collect());
        let (mut right, mut count) = (0, 0);
        for (pair, _) in scored.iter().zip(folds).filter(|&(_, &other)| other == fold) {
            right += usize::from((pair.score >= threshold) == pair.same);
            count += 1;
        }
        right as f64 / count as f64
    };
    let tars = FARS.map(|far| tar_at_far(scored, far));
    let accuracies: Vec<f64> = numbers.iter().map(|&fold| accuracy(fold)).collect();
    let count = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / count;
    let squares = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum::<f64>();
    Rates {
        accuracy: mean,
        standard_error: (squares / (count - 1.0).max(1.0) / count).sqrt(),
        tar_at_far_1e2: tars[0].map(|tar| tar.rate),
        tar_at_far_1e3: tars[1].map(|tar| tar.rate),
        tar_bounds_by_comparisons: tars.map(|tar| Some(tar?.bounds_by_comparisons)),
        tar_bounds_by_people: tars.map(|tar| Some(tar?.bounds_by_people)),
    }
}

/// The threshold with the most right decisions; the middle between two scores.
fn best_threshold(mut scores: Vec<(f32, bool)>) -> f32 {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Everything is accepted at first; moving the threshold above a score rejects that pair.
    let mut right = scores.iter().filter(|score| score.1).count();
    let mut best = (right, f32::NEG_INFINITY);
    for (index, &(score, same)) in scores.iter().enumerate() {
        right = if same { right - 1 } else { right + 1 };
        let next = scores.get(index + 1).map_or(score + 1.0, |next| next.0);
        // No threshold parts equal scores.
        if right > best.0 && next > score {
            best = (right, (score + next) / 2.0);
        }
    }
    best.1
}

/// Figures of both networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// Photos embedded.
    pub photos: usize,
    /// Pairs compared.
    pub pairs: usize,
    /// The network as trained, run by tract.
    pub float: Option<Rates>,
    /// The image.
    pub quantised: Rates,
    /// The strangers for whom all bounds hold.
    pub bounds_hold_for: &'static str,
    /// Agreement of the two networks.
    #[serde(flatten)]
    pub agreement: Option<Agreement>,
    /// Lines on photos that are not used.
    pub warnings: Vec<String>,
    /// Times of the parts.
    pub seconds: Seconds,
}

/// Figures over pairs of embedded photos.
///
/// # Panics
/// When there are no pairs.
pub fn verify(pairs: &Pairs, embedded: &Embedded) -> Verification {
    let start = Instant::now();
    let folds: Vec<usize> = pairs.pairs.iter().map(|pair| pair.fold).collect();
    let quantised = rates(&scored(pairs, &embedded.quantised), &folds);
    let float = embedded.float.as_deref().map(|float| rates(&scored(pairs, float), &folds));
    let seconds = Seconds { scoring: start.elapsed().as_secs_f64(), ..embedded.seconds };
    Verification {
        photos: embedded.quantised.len(),
        pairs: pairs.pairs.len(),
        float,
        quantised,
        bounds_hold_for: LIKE_THE_COHORT,
        agreement: embedded.agreement(),
        warnings: warnings(pairs, embedded),
        seconds,
    }
}

/// Warnings of the photos, that thresholds could not be chosen on other folds, and of rates that so few pairs cannot tell.
fn warnings(pairs: &Pairs, embedded: &Embedded) -> Vec<String> {
    let mut warnings = embedded.warnings.clone();
    if pairs.pairs.iter().all(|pair| pair.fold == pairs.pairs[0].fold) {
        warnings.push(
            "all pairs are of one fold: its accuracy is that of the threshold which suits these pairs best"
                .to_string(),
        );
    }
    let impostors = pairs.pairs.iter().filter(|pair| !pair.same).count();
    warnings.extend(FARS.into_iter().filter(|&far| !can_tell(far, impostors)).map(|far| {
        format!(
            "TAR at FAR {far} is not told: it needs {} pairs of two people, and there are {impostors}",
            least_trials(far)
        )
    }));
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_on_one_side_of_the_threshold() {
        // Between the equal scores four decisions would be right; below them three are, above them two.
        let scores = vec![(0.2, false), (0.5, false), (0.5, true), (0.9, true)];
        let threshold = best_threshold(scores);
        assert!((0.2..0.5).contains(&threshold), "{threshold}");
        assert_eq!(best_threshold(vec![(0.5, false), (0.5, false)]), 1.0);
    }

    #[test]
    fn each_fold_is_decided_by_the_others() {
        // Fold 0 alone would set the threshold to 0.5; fold 1 needs 0.8.
        let pairs =
            [(0.6, [0, 0]), (0.4, [0, 1]), (0.9, [2, 2]), (0.7, [2, 3]), (0.95, [3, 3]), (0.75, [2, 3])];
        let pairs = pairs.map(|(score, people)| Scored { people, score, same: people[0] == people[1] });
        let figures = rates(&pairs, &[0, 0, 1, 1, 1, 1]);
        assert_eq!((figures.accuracy, figures.standard_error), ((0.5 + 0.5) / 2.0, 0.0));
        // Three pairs of two people do not tell where one in a hundred is.
        assert_eq!((figures.tar_at_far_1e2, figures.tar_bounds_by_people), (None, [None; 2]));
    }

    #[test]
    fn tar_is_told_where_impostors_are_enough() {
        let impostors = (0..100).map(|n| ([n, n + 1], if n == 0 { 0.65 } else { 0.1 }));
        let pairs = impostors.chain([([0, 0], 0.6), ([1, 1], 0.9), ([2, 2], 0.05)]);
        let pairs = pairs.map(|(people, score)| Scored { people, score, same: people[0] == people[1] });
        let figures = rates(&pairs.collect::<Vec<_>>(), &[0; 103]);
        assert_eq!((figures.tar_at_far_1e2, figures.tar_at_far_1e3), (Some(2.0 / 3.0), None));
        // R: binom.test(2, 3)$conf.int.
        let [low, high] = figures.tar_bounds_by_comparisons[0].unwrap();
        assert!((low - 0.0943).abs() < 1e-4 && (high - 0.9916).abs() < 1e-4, "{low} {high}");
    }
}
