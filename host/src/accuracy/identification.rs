//! Open-set identification: enrolled people's other photos are probes, and strangers belong to nobody enrolled.
//!
//! Counted as in NIST's FRTE 1:N: TPIR is the share of probes accepted as the right person, FNIR the rest, FPIR the
//! share of strangers accepted as anybody. Thresholds come from the cohort, which shares nobody with probes or
//! strangers. Smaller galleries are drawn from the enrolled people, several of each size; figures are means over
//! them.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::RATES;
use super::decisions::{Decisions, decide};
use super::embedded::{Embedded, Seconds};
use super::galleries;
use super::labels::{WrongLabels, wrong_labels};
use super::networks::{FPIRS, NetworkFigures, network_figures};
use super::roles::Roles;
use super::rules::{RuleFigures, compare_rules};
use super::scene::{Member, Scene};
use crate::agreement::Agreement;
use crate::bounds::{LIKE_THE_COHORT, can_tell, least_trials};
use crate::calibrate::{self, Person};

/// Figures of open-set identification.
#[derive(Clone, Debug, Serialize)]
pub struct Identification {
    /// Photos embedded.
    pub photos: usize,
    /// People enrolled, probes, strangers, strangers of the cohort.
    pub counts: [usize; 4],
    /// The decision as a board makes it, with thresholds from the cohort.
    pub decisions: Vec<Decisions>,
    /// Thresholds for the whole gallery and the rate asked for.
    pub table: calibrate::Table,
    /// TPIR of each rule at the limit that accepts exactly the stated share of the strangers themselves.
    pub rules: Vec<RuleFigures>,
    /// The whole gallery by network.
    pub networks: Vec<NetworkFigures>,
    /// Effect of wrong labels, if enough people have enough photos.
    pub wrong_labels: Option<WrongLabels>,
    /// The strangers for whom all bounds hold.
    pub bounds_hold_for: &'static str,
    /// Agreement of the quantised and the float network.
    pub agreement: Option<Agreement>,
    /// Lines on photos that are not used.
    pub warnings: Vec<String>,
    /// Times of the parts.
    pub seconds: Seconds,
}

/// Evaluates the board's decision at NIST's rates and at `fpir`.
///
/// # Errors
/// When a probe's person is not enrolled, or the matcher refuses a gallery.
pub fn identify(roles: &Roles, embedded: &Embedded, fpir: f64) -> Result<Identification> {
    let start = Instant::now();
    let scene = Scene::new(roles, &embedded.quantised)?;
    let quantisation = embedded.agreement().map_or(0.0, |agreement| f64::from(agreement.reach()));
    let all = scene.members.len();
    let mut rates = RATES.to_vec();
    if !rates.contains(&fpir) {
        rates.push(fpir);
    }
    let mut decisions = Vec::new();
    let mut rules = Vec::new();
    for galleries in galleries::of_sizes(all) {
        for &rate in &rates {
            decisions.push(decide(&scene, &embedded.integers, &galleries, rate, quantisation)?);
        }
        for rate in RATES {
            rules.push(compare_rules(&scene, &galleries, rate)?);
        }
    }
    let people: Vec<Person<'_>> = scene.members.iter().map(Member::person).collect();
    let table = calibrate::measure(&scene.cohort, &people, fpir);
    let mut warnings = embedded.warnings.clone();
    let strangers = scene.strangers.len();
    warnings.extend(FPIRS.into_iter().filter(|&rate| !can_tell(rate, strangers)).map(|rate| {
        let least = least_trials(rate);
        format!("TPIR where FPIR is measured as {rate} is not told: it needs {least} photos of strangers, and there are {strangers}")
    }));
    let mut networks = vec![network_figures("int8", &scene)];
    if let Some(float) = &embedded.float {
        networks.push(network_figures("float", &Scene::new(roles, float)?));
    }
    let seconds = Seconds { scoring: start.elapsed().as_secs_f64(), ..embedded.seconds };
    Ok(Identification {
        photos: roles.photos.len(),
        counts: [all, scene.probes.len(), scene.strangers.len(), scene.cohort.len()],
        decisions,
        table,
        rules,
        networks,
        wrong_labels: wrong_labels(&scene),
        bounds_hold_for: LIKE_THE_COHORT,
        agreement: embedded.agreement(),
        warnings,
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::super::roles::Role;
    use super::*;
    use crate::embedding::units;

    /// A list of two people with two photos to enrol and one probe each, of 20 strangers and a cohort of 20; and embeddings of
    /// 24 elements in the same order.
    fn scene() -> (Roles, Vec<Vec<i16>>) {
        let mut lines = vec!["path,identity,role".to_string()];
        let mut embeddings = Vec::new();
        let mut state = 1u64;
        let mut photo = |identity: String, role: &str, axis: Option<usize>| {
            let mut embedding: Vec<i16> = (0..24)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    ((state >> 52) as i16) - 2048
                })
                .collect();
            if let Some(axis) = axis {
                embedding[axis] = 30_000;
            }
            lines.push(format!("{}.png,{identity},{role}", lines.len()));
            embeddings.push(embedding);
        };
        for (axis, name) in ["Ada", "Grace"].into_iter().enumerate() {
            for role in ["enrol", "enrol", "probe"] {
                photo(name.to_string(), role, Some(axis));
            }
        }
        for number in 0..20 {
            photo(format!("stranger {number}"), "stranger", None);
            photo(format!("cohort {number}"), "cohort", None);
        }
        (Roles::parse(&lines.join("\n")).unwrap(), embeddings)
    }

    fn embedded(integers: Vec<Vec<i16>>) -> Embedded {
        let quantised = units(&integers);
        Embedded {
            integers,
            quantised,
            float: None,
            layers: Vec::new(),
            warnings: Vec::new(),
            seconds: Seconds::default(),
        }
    }

    #[test]
    fn everybody_is_recognised_where_people_are_far_apart() {
        let (roles, integers) = scene();
        let measured = identify(&roles, &embedded(integers), 0.01).unwrap();
        assert_eq!(measured.counts, [2, 2, 20, 20]);
        assert_eq!(measured.networks[0].rank1, 1.0);
        assert!(measured.decisions.iter().all(|row| row.tpir == 1.0), "{:?}", measured.decisions);
        // Twenty strangers do not tell where one in a hundred of them is accepted.
        assert_eq!(measured.networks[0].tpir, [None; 2]);
        assert!(measured.rules.iter().all(|row| row.absolute.is_none() && row.combined.is_none()));
        assert_eq!(measured.warnings.iter().filter(|line| line.contains("and there are 20")).count(), 2);
    }

    #[test]
    fn decisions_are_made_on_a_boards_own_embeddings() {
        let (roles, integers) = scene();
        let mut embedded = embedded(integers);
        for probe in roles.of_role(Role::Probe) {
            embedded.integers[probe].fill(0);
        }
        let measured = identify(&roles, &embedded, 0.01).unwrap();
        assert_eq!(measured.networks[0].rank1, 1.0);
        assert!(measured.decisions.iter().all(|row| row.tpir == 0.0), "{:?}", measured.decisions);
    }

    #[test]
    fn gallery_that_the_matcher_refuses_ends_the_evaluation() {
        let (roles, mut integers) = scene();
        integers[..2].iter_mut().for_each(|embedding| embedding.fill(0));
        let error = format!("{:#}", identify(&roles, &embedded(integers), 0.01).unwrap_err());
        assert!(error.contains("the matcher does not take"), "{error}");
    }
}
