//! A network's figures with everybody enrolled and a threshold set on the strangers themselves.

use serde::Serialize;

use super::scene::{Scene, cosines, two_best};
use crate::bounds::can_tell;

/// Shares of strangers accepted for which TPIR is given.
pub(super) const FPIRS: [f64; 2] = [0.01, 0.003];

/// A network's figures with everybody enrolled.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkFigures {
    /// `int8` or `float`.
    pub network: &'static str,
    /// Share of probes whose nearest person is the right one.
    pub rank1: f64,
    /// TPIR at FPIR 0.01 and 0.003, measured on the strangers; `None` if they are too few to tell.
    pub tpir: [Option<f64>; 2],
    /// The DET curve: threshold, FPIR, FNIR.
    pub curve: Vec<[f64; 3]>,
}

/// The cosine that at most a share `rate` of the scores exceeds; `None` if the scores are too few to tell.
pub(super) fn threshold_at(mut scores: Vec<f32>, rate: f64) -> Option<f32> {
    scores.sort_by(|a, b| b.total_cmp(a));
    let allowed = (rate * scores.len() as f64) as usize;
    can_tell(rate, scores.len()).then(|| scores[allowed.min(scores.len() - 1)])
}

pub(super) fn network_figures(network: &'static str, scene: &Scene) -> NetworkFigures {
    let all: Vec<usize> = (0..scene.members.len()).collect();
    let probes = cosines(&scene.probes, &scene.members);
    let strangers: Vec<f32> =
        cosines(&scene.strangers, &scene.members).iter().map(|row| two_best(row, &all).0).collect();
    let genuine: Vec<(f32, bool)> = probes
        .iter()
        .zip(&scene.owners)
        .map(|(row, &owner)| {
            let (best, _, place) = two_best(row, &all);
            (best, place == owner)
        })
        .collect();
    let tpir = |threshold: f32| {
        genuine.iter().filter(|(best, right)| *right && *best > threshold).count() as f64
            / genuine.len() as f64
    };
    let mut thresholds = strangers.clone();
    thresholds.sort_by(f32::total_cmp);
    let fpir = |threshold: f32| {
        let above = thresholds.len() - thresholds.partition_point(|&score| score <= threshold);
        above as f64 / thresholds.len() as f64
    };
    NetworkFigures {
        network,
        rank1: genuine.iter().filter(|(_, right)| *right).count() as f64 / genuine.len() as f64,
        tpir: FPIRS.map(|rate| threshold_at(strangers.clone(), rate).map(tpir)),
        curve: thresholds.iter().map(|&t| [t.into(), fpir(t), 1.0 - tpir(t)]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_accept_the_stated_share() {
        let scores: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        let threshold = threshold_at(scores.clone(), 0.003).unwrap();
        assert_eq!(scores.iter().filter(|&&score| score > threshold).count(), 3);
        assert_eq!(threshold_at(scores[..333].to_vec(), 0.003), None);
        assert_eq!(threshold_at(Vec::new(), 1.0), None);
    }
}
