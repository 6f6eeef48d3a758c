//! Open-set identification: people are enrolled, their other photos are probes, strangers are nobody's.
//!
//! As NIST's FRTE 1:N counts it: TPIR is the share of probes accepted as the right person, FNIR the rest, FPIR the share
//! of strangers accepted as anybody. Thresholds come from the cohort, which shares nobody with probes or strangers.
//! Smaller galleries are drawn from the enrolled, several of a size, and figures are means over them.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::RATES;
use super::decisions::{Decisions, decide};
use super::embedded::{Embedded, Seconds};
use super::galleries;
use super::labels::{WrongLabels, wrong_labels};
use super::networks::{NetworkFigures, network_figures};
use super::roles::Roles;
use super::rules::{RuleFigures, compare_rules};
use super::scene::{Member, Scene};
use crate::agreement::Agreement;
use crate::bounds::LIKE_THE_COHORT;
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
    /// Thresholds for everybody enrolled, for the rate asked for.
    pub table: calibrate::Table,
    /// TPIR where exactly the stated share of the strangers themselves is accepted, by rule.
    pub rules: Vec<RuleFigures>,
    /// The whole gallery by network.
    pub networks: Vec<NetworkFigures>,
    /// What wrong labels do, if enough people have photos enough.
    pub wrong_labels: Option<WrongLabels>,
    /// What strangers every bound holds for.
    pub bounds_hold_for: &'static str,
    /// Between the quantised and the float network.
    pub agreement: Option<Agreement>,
    /// What took how long.
    pub seconds: Seconds,
}

/// Evaluates with the board's decision at the rates of NIST and at `fpir`.
///
/// # Errors
/// When a probe is of nobody enrolled, or the matcher does not take a gallery.
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
        rules.extend(RATES.map(|rate| compare_rules(&scene, &galleries, rate)));
    }
    let people: Vec<Person<'_>> = scene.members.iter().map(Member::person).collect();
    let table = calibrate::measure(&scene.cohort, &people, fpir);
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
        seconds,
    })
}
