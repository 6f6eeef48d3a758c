//! Rules beside each other: how many probes each accepts where it accepts the same share of the strangers.

use rayon::prelude::*;
use serde::Serialize;

use super::networks::threshold_at;
use super::scene::{Scene, cosines, two_best};
use crate::calibrate::{self, Person};
use crate::embedding::{angle, cosine};

/// TPIR of each rule at equal measured FPIR.
#[derive(Clone, Debug, Serialize)]
pub struct RuleFigures {
    /// People enrolled.
    pub people: usize,
    /// Share of strangers accepted.
    pub fpir: f64,
    /// The threshold alone.
    pub absolute: f64,
    /// Threshold and margin.
    pub combined: f64,
    /// The caps alone, with ArcFace's margin of 0.5: share of probes they accept, whatever strangers do.
    pub caps: f64,
}

/// TPIR of the threshold alone and of threshold and margin where each accepts the same share of the strangers.
pub(super) fn compare_rules(scene: &Scene, galleries: &[Vec<usize>], rate: f64) -> RuleFigures {
    let (probes, strangers) =
        (cosines(&scene.probes, &scene.members), cosines(&scene.strangers, &scene.members));
    let nearest_of_cohort = |embeddings: &[Vec<f32>]| -> Vec<f32> {
        let nearest =
            |e: &Vec<f32>| scene.cohort.iter().map(|stranger| cosine(stranger, e)).fold(-1f32, f32::max);
        embeddings.par_iter().map(nearest).collect()
    };
    let (probe_cohort, stranger_cohort) =
        (nearest_of_cohort(&scene.probes), nearest_of_cohort(&scene.strangers));
    let (mut absolute, mut combined, mut caps, mut count) = (0, 0, 0, 0);
    for gallery in galleries {
        let people: Vec<Person<'_>> = gallery.iter().map(|&number| scene.members[number].person()).collect();
        let table = calibrate::measure(&scene.cohort, &people, rate);
        let cosine_asked = table.at(gallery.len()).map_or(1.0, |point| point.cosine);
        let margin = calibrate::derive_margin(&calibrate::left_out(&people), cosine_asked).radians;
        let clear = |best: f32, next: f32, cohort: f32| angle(best) + margin <= angle(next) && best >= cohort;
        let scores = |rule: bool| -> Vec<f32> {
            let score = |(row, &cohort): (&Vec<f32>, &f32)| {
                let (best, next, _) = two_best(row, gallery);
                if !rule || clear(best, next, cohort) { best } else { -1.0 }
            };
            strangers.iter().zip(&stranger_cohort).map(score).collect()
        };
        let [alone, both] = [false, true].map(|rule| threshold_at(scores(rule), rate));
        let phi: Vec<f32> = gallery
            .iter()
            .map(|&number| {
                let own = &scene.members[number].centres[0];
                let others = gallery.iter().filter(|&&other| other != number);
                let nearest = others.map(|&other| scene.members[other].cosine(own)).fold(0f32, f32::max);
                angle(nearest)
            })
            .collect();
        for (index, row) in probes.iter().enumerate() {
            let Ok(owner) = gallery.binary_search(&scene.owners[index]) else { continue };
            let (best, next, place) = two_best(row, gallery);
            count += 1;
            if place == owner {
                absolute += usize::from(best > alone);
                combined += usize::from(best > both && clear(best, next, probe_cohort[index]));
                caps += usize::from(angle(best) <= (phi[owner] - 0.5) / 2.0);
            }
        }
    }
    let share = |accepted: usize| accepted as f64 / count.max(1) as f64;
    RuleFigures {
        people: galleries[0].len(),
        fpir: rate,
        absolute: share(absolute),
        combined: share(combined),
        caps: share(caps),
    }
}
