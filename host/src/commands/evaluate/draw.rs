//! An evaluation as data for the report's plots.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::identification::{Evaluation, Roles, Scene, Worst};
use super::verification::Pairs;
use super::{Embedded, Reading};
use crate::calibrate::Table;
use crate::embedding::cosine;
use crate::report::{Report, angles, arena, det, pairs, scores, sphere, thresholds};
use crate::simulator::AlignedBytes;

/// Rates whose points are marked on trade-off curves.
const RATES: [f64; 2] = [0.003, 0.01];
/// Pairs shown of the worst impostors and of the worst genuine ones.
const WORST: usize = 6;

/// What both protocols show: the image, its memory over time, and what quantisation does to its tensors.
fn common(image: &Path, title: &str, embedded: &Embedded) -> Result<Report> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    let mut facts = vec![
        ("image".to_string(), image.display().to_string()),
        ("network".to_string(), checked.model.head().name.to_string()),
        ("photos".to_string(), embedded.quantised.len().to_string()),
    ];
    if let Some(agreement) = embedded.agreement() {
        facts.push((
            "cosine between int8 and float, mean".to_string(),
            format!("{:.4}", agreement.mean_cosine),
        ));
        facts.push((
            "cosine between int8 and float, least".to_string(),
            format!("{:.4}", agreement.least_cosine),
        ));
    }
    let layer = |index: usize| match embedded.layers.get(index) {
        Some(layer) => layer.name.clone(),
        None => format!("layer {index}"),
    };
    Ok(Report {
        title: title.to_string(),
        facts,
        layers: embedded.layers.clone(),
        arena: Some(arena::Arena::of(&checked.model, layer)),
        ..Report::default()
    })
}

fn networks(embedded: &Embedded) -> Vec<(&'static str, &[Vec<f32>])> {
    let float = embedded.float.as_deref().map(|float| ("float", float));
    float.into_iter().chain([("int8", &*embedded.quantised)]).collect()
}

/// The report of a verification.
///
/// # Errors
/// When a photo of the worst pairs cannot be read again.
pub fn verification(
    image: &Path,
    pairs: &Pairs,
    embedded: &Embedded,
    reading: &Reading<'_>,
) -> Result<Report> {
    let of = |embeddings: &[Vec<f32>], same: bool| -> Vec<f32> {
        let pairs = pairs.pairs.iter().filter(|pair| pair.same == same);
        pairs.map(|pair| cosine(&embeddings[pair.photos[0]], &embeddings[pair.photos[1]])).collect()
    };
    let series: Vec<scores::Series> = networks(embedded)
        .into_iter()
        .map(|(name, e)| scores::Series {
            name: name.to_string(),
            genuine: of(e, true),
            impostor: of(e, false),
        })
        .collect();
    let curves = series.iter().map(|s| det::Curve::of(&s.name, &s.genuine, &s.impostor, &RATES)).collect();
    let mut report = common(image, "Verification", embedded)?;
    report.det = Some(det::Det {
        positives: "FMR: share of impostor pairs accepted".to_string(),
        negatives: "FNMR: share of genuine pairs refused".to_string(),
        curves,
    });
    report.scores = Some(scores::Scores { series, threshold: None, log_counts: true });
    report.pairs = Some(worst_pairs(pairs, embedded, reading)?);
    Ok(report)
}

fn worst_pairs(pairs: &Pairs, embedded: &Embedded, reading: &Reading<'_>) -> Result<pairs::Pairs> {
    let worst = |same: bool| -> Vec<Worst> {
        let mut ranked: Vec<Worst> = (pairs.pairs.iter().filter(|pair| pair.same == same))
            .map(|pair| {
                let [a, b] = pair.photos;
                let cosine = cosine(&embedded.quantised[a], &embedded.quantised[b]);
                Worst { photos: pair.photos, cosine }
            })
            .collect();
        ranked.sort_by(
            |a, b| {
                if same { a.cosine.total_cmp(&b.cosine) } else { b.cosine.total_cmp(&a.cosine) }
            },
        );
        ranked.truncate(WORST);
        ranked
    };
    let float = |photos: [usize; 2]| {
        embedded.float.as_deref().map(|float| cosine(&float[photos[0]], &float[photos[1]]))
    };
    show_pairs([worst(false), worst(true)], &pairs.photos, float, None, reading)
}

/// Impostors and genuine pairs with their photos, read again; `float` tells the float network's cosine of a pair.
fn show_pairs(
    [impostors, genuine]: [Vec<Worst>; 2],
    photos: &[PathBuf],
    float: impl Fn([usize; 2]) -> Option<f32>,
    threshold: Option<f32>,
    reading: &Reading<'_>,
) -> Result<pairs::Pairs> {
    let show = |worst: &Worst| -> Result<pairs::Pair> {
        let [a, b] = worst.photos.map(|photo| reading.photo(&photos[photo]));
        Ok(pairs::Pair { photos: [a?, b?], cosine: worst.cosine, float_cosine: float(worst.photos) })
    };
    let show = |worst: Vec<Worst>| worst.iter().map(show).collect::<Result<_>>();
    Ok(pairs::Pairs { impostors: show(impostors)?, genuine: show(genuine)?, threshold })
}

/// Thresholds by gallery size; each row of the plot holds from its number of people on.
pub fn threshold_plot(table: &Table, enrolled: usize) -> thresholds::Thresholds {
    let from = [0].into_iter().chain(table.points.iter().map(|point| u32::from(point.people)));
    let rows = from.zip(&table.points);
    thresholds::Thresholds {
        rows: rows
            .map(|(previous, point)| thresholds::Row {
                people: previous + 1,
                cosine: point.cosine,
                band: None,
            })
            .collect(),
        supported_people: if table.is_supported { u32::from(u16::MAX) } else { 0 },
        enrolled: Some(enrolled as u32),
        fpir: table.fpir,
    }
}

/// The report of an identification. `scenes` are named after their networks.
///
/// # Errors
/// When the image, or a photo of the worst decisions, cannot be read again.
pub fn identification(
    image: &Path,
    roles: &Roles,
    evaluation: &Evaluation,
    scenes: &[(&str, &Scene)],
    embedded: &Embedded,
    reading: &Reading<'_>,
) -> Result<Report> {
    let mut report = common(image, "Open-set identification", embedded)?;
    let [enrolled, probes, strangers, cohort] = evaluation.counts;
    for (name, count) in
        [("people enrolled", enrolled), ("probes", probes), ("strangers", strangers), ("cohort", cohort)]
    {
        report.facts.push((name.to_string(), count.to_string()));
    }
    for network in &evaluation.networks {
        let [at_1e2, at_3e3] = network.tpir.map(|share| format!("{:.2} %", 100.0 * share));
        report.facts.push((
            format!("TPIR at FPIR 0.01 and 0.003, {}", network.network),
            format!("{at_1e2}, {at_3e3}"),
        ));
    }
    let scored: Vec<_> = scenes
        .iter()
        .map(|(name, scene)| {
            let (own, accepted, strangers) = scene.scores();
            (name.to_string(), own, accepted, strangers)
        })
        .collect();
    let curves =
        scored.iter().map(|(name, _, accepted, s)| det::Curve::of(name, accepted, s, &RATES)).collect();
    report.det = Some(det::Det {
        positives: "FPIR: share of strangers accepted".to_string(),
        negatives: "FNIR: share of probes not recognised".to_string(),
        curves,
    });
    let table = evaluation.table.clone();
    let threshold = table.at(enrolled).map(|point| point.cosine);
    let series = scored
        .into_iter()
        .map(|(name, genuine, _, impostor)| scores::Series { name, genuine, impostor })
        .collect();
    report.scores = Some(scores::Scores { series, threshold, log_counts: true });
    report.thresholds = Some(threshold_plot(&table, enrolled));
    let Some((_, scene)) = scenes.first() else { return Ok(report) };
    // What decides is the cosine to a centre, of which the float network has another.
    report.pairs = Some(show_pairs(scene.worst(WORST), &roles.photos, |_| None, threshold, reading)?);
    let people = scene.people();
    let angles = angles::Angles::of(&people, None);
    if let (Some(&(person, ..)), Some(threshold)) = (angles.closest().first(), threshold)
        && let Some(mut sphere) = sphere::Sphere::of(&people, person, &scene.seen(), threshold.acos())
    {
        sphere.margin_rad = evaluation.decisions.last().map(|decision| decision.margin);
        sphere.cap_margin_rad = Some(0.5);
        report.spheres.push(sphere);
    }
    report.angles = Some(angles);
    Ok(report)
}
