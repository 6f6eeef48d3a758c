//! Compares rules: how many probes each accepts when it accepts the same share of the strangers.

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;

use super::decisions::Limits;
use super::networks::threshold_at;
use super::scene::{Scene, cosines, two_best};
use crate::bounds::can_tell;
use crate::calibrate::margin::CAP_MARGIN;
use crate::embedding::{angle, cosine};

/// TPIR of each rule at equal measured FPIR.
#[derive(Clone, Debug, Serialize)]
pub struct RuleFigures {
    /// People enrolled.
    pub people: usize,
    /// Share of strangers accepted.
    pub fpir: f64,
    /// The threshold alone; `None` if strangers are too few for this share.
    pub absolute: Option<f64>,
    /// Threshold and margin; `None` as above.
    pub combined: Option<f64>,
    /// The caps alone, with ArcFace's margin of 0.5: share of probes they accept, at whatever FPIR results.
    pub caps: f64,
}

/// TPIR of the threshold alone, and of threshold and margin, when each accepts the same share of the strangers.
///
/// # Errors
/// When there are no thresholds for so many people.
pub(super) fn compare_rules(scene: &Scene, galleries: &[Vec<usize>], rate: f64) -> Result<RuleFigures> {
    let [probes, strangers] =
        [&scene.probes, &scene.strangers].map(|embeddings| Looks::of(scene, embeddings));
    let mut sum = Accepted::default();
    for gallery in galleries {
        let margin = Limits::measure(scene, gallery, rate)?.margin;
        sum.add(&count(scene, gallery, &probes, &strangers, rate, margin));
    }
    let share = |accepted: usize| accepted as f64 / sum.probes.max(1) as f64;
    let told = can_tell(rate, scene.strangers.len());
    Ok(RuleFigures {
        people: galleries[0].len(),
        fpir: rate,
        absolute: told.then(|| share(sum.absolute)),
        combined: told.then(|| share(sum.combined)),
        caps: share(sum.caps),
    })
}

/// Similarity of embeddings to everybody.
struct Looks {
    /// Cosines `[embedding][member]`.
    members: Vec<Vec<f32>>,
    /// Cosine to the nearest stranger of the cohort.
    cohort: Vec<f32>,
}

impl Looks {
    fn of(scene: &Scene, embeddings: &[Vec<f32>]) -> Self {
        let nearest =
            |e: &Vec<f32>| scene.cohort.iter().map(|stranger| cosine(stranger, e)).fold(-1f32, f32::max);
        Looks {
            members: cosines(embeddings, &scene.members),
            cohort: embeddings.par_iter().map(nearest).collect(),
        }
    }
}

/// Probes of people in a gallery, and how many of them each rule accepts.
#[derive(Default)]
struct Accepted {
    probes: usize,
    absolute: usize,
    combined: usize,
    caps: usize,
}

impl Accepted {
    fn add(&mut self, other: &Accepted) {
        self.probes += other.probes;
        self.absolute += other.absolute;
        self.combined += other.combined;
        self.caps += other.caps;
    }
}

fn count(
    scene: &Scene,
    gallery: &[usize],
    probes: &Looks,
    strangers: &Looks,
    rate: f64,
    margin: f32,
) -> Accepted {
    let is_clear = |best: f32, next: f32, cohort: f32| angle(best) + margin <= angle(next) && best >= cohort;
    let scores = |with_margin: bool| -> Vec<f32> {
        let score = |(row, &cohort): (&Vec<f32>, &f32)| {
            let (best, next, _) = two_best(row, gallery);
            if !with_margin || is_clear(best, next, cohort) { best } else { -1.0 }
        };
        strangers.members.iter().zip(&strangers.cohort).map(score).collect()
    };
    let [alone, both] = [false, true].map(|with_margin| threshold_at(scores(with_margin), rate));
    let phi = nearest_others(scene, gallery);
    let mut counts = Accepted::default();
    for (index, row) in probes.members.iter().enumerate() {
        let Ok(owner) = gallery.binary_search(&scene.owners[index]) else { continue };
        let (best, next, place) = two_best(row, gallery);
        counts.probes += 1;
        if place == owner {
            counts.absolute += usize::from(alone.is_some_and(|least| best > least));
            let is_clear = is_clear(best, next, probes.cohort[index]);
            counts.combined += usize::from(is_clear && both.is_some_and(|least| best > least));
            counts.caps += usize::from(angle(best) <= (phi[owner] - CAP_MARGIN) / 2.0);
        }
    }
    counts
}

/// The angle φ from each person of a gallery to the nearest other, radians, limited to a right angle.
fn nearest_others(scene: &Scene, gallery: &[usize]) -> Vec<f32> {
    let nearest = |&number: &usize| {
        let own = &scene.members[number].centres[0];
        let others = gallery.iter().filter(|&&other| other != number);
        angle(others.map(|&other| scene.members[other].cosine(own)).fold(0f32, f32::max))
    };
    gallery.iter().map(nearest).collect()
}
