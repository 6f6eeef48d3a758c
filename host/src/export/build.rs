//! The image from its parts.

use std::path::Path;

use anyhow::{Context as _, Result};
use format::Role;
use format::header::{ModelId, Section};
use format::policy::Terms;

use super::fit::Fitted;
use super::job::Job;
use super::thresholds::Settled;
use crate::calibrate::angle_record;
use crate::sections::{self, quantise_centre};
use crate::sight::QuantisedEyes;
use crate::simulator::AlignedBytes;

/// Lays out the image and reads it back.
///
/// # Errors
/// When a part has more than the format holds.
pub(super) fn build(
    job: &Job,
    fitted: &Fitted,
    settled: &Settled,
    eyes: Option<&QuantisedEyes>,
) -> Result<Vec<u8>> {
    let network = fitted.network()?;
    let dimension = network.dimension()?;
    let embedder = fitted.model.bytes();
    let id = ModelId::of_section(embedder);
    let gallery = sections::gallery(id, dimension, &settled.enrolled)?;
    let strangers: Vec<Vec<i8>> = match job.without_cohort {
        true => Vec::new(),
        false => settled.cohort.iter().map(|stranger| quantise_centre(stranger)).collect(),
    };
    let cohort = sections::cohort(id, dimension, &strangers)
        .context("the strangers do not fit into the image; --without-cohort leaves them out")?;
    let thresholds: Vec<_> = settled.table.records().collect();
    let policy = sections::policy(&terms(job, id, fitted, settled), &thresholds);
    let mut parts: Vec<(Section, &[u8])> =
        vec![(Section::Network(Role::Embedder), embedder), (Section::Gallery, &gallery)];
    if !strangers.is_empty() {
        parts.push((Section::Cohort, &cohort));
    }
    let golden = sections::golden(&network)?;
    parts.extend([(Section::Policy, &*policy), (Section::Golden, &*golden)]);
    let eyes = eyes.map(QuantisedEyes::sections).unwrap_or_default();
    parts.extend(eyes.iter().map(|(section, bytes)| (*section, &**bytes)));
    parts.sort_by_key(|(section, _)| *section);
    let image = sections::image(&parts)?;
    // Check the written bytes themselves.
    AlignedBytes::copy(&image).image(Path::new("the image as exported"))?;
    Ok(image)
}

fn terms(job: &Job, model: ModelId, fitted: &Fitted, settled: &Settled) -> Terms {
    let quantisation = f64::from(fitted.agreement.reach());
    let margin = f64::from(settled.margin.radians);
    Terms {
        model,
        kind: job.policy,
        fpir_ppm: (job.fpir * 1e6).round() as u32,
        basis: settled.basis,
        margin: angle_record(margin),
        cap: angle_record(settled.cap_margin.into()),
        certificate: angle_record(margin + 2.0 * quantisation),
        quantisation_urad: (quantisation * 1e6).round() as u32,
        logit_scale: job.logit_scale,
    }
}
