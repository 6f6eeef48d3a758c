//! The decision exactly as a board makes it, with thresholds and margins measured as export does: the shares of
//! strangers and of probes that it accepts.

use anyhow::{Context, Result, anyhow};
use matcher::{Centres, Margin, Matcher, Rules, ScanError, Verdict};
use rayon::prelude::*;
use serde::Serialize;

use super::scene::Scene;
use crate::bounds::{self, Rate};
use crate::calibrate::margin;
use crate::calibrate::{self, Person, Point, angle_record, q30};
use crate::sections::quantise_centre;

/// Figures of the matcher's decisions, with thresholds from the cohort.
#[derive(Clone, Debug, Serialize)]
pub struct Decisions {
    /// People enrolled.
    pub people: usize,
    /// Number of galleries of that size.
    pub galleries: usize,
    /// Rate asked for.
    pub fpir_asked: f64,
    /// The 95 % bounds that calibration states for it.
    pub fpir_bounds: [f64; 2],
    /// Share of strangers accepted.
    pub fpir: f64,
    /// Share of probes accepted as the right person.
    pub tpir: f64,
    /// Share of accepted probes that are certified.
    pub certified: f64,
    /// Least cosine, mean over galleries.
    pub threshold: f32,
    /// Margin, mean over galleries, radians.
    pub margin: f32,
    /// Whether the measured rate is no higher than the stated bound.
    pub holds: bool,
    /// Confidence bounds of the strangers' measured rate, over all galleries.
    pub strangers: Rate,
    /// Confidence bounds of the probes' measured rate.
    pub probes: Rate,
}

/// Decides on all probes and strangers with the matcher, for each gallery, with thresholds and margins measured as
/// export does. `embeddings` are the board's, of every photo. `quantisation` is their largest distance from the float
/// network's, radians.
///
/// # Errors
/// When the matcher refuses a gallery or an embedding.
pub(super) fn decide(
    scene: &Scene,
    embeddings: &[Vec<i16>],
    galleries: &[Vec<usize>],
    rate: f64,
    quantisation: f64,
) -> Result<Decisions> {
    let cohort: Vec<Vec<i8>> = scene.cohort.iter().map(|stranger| quantise_centre(stranger)).collect();
    let cohort = Stored::new(cohort.iter().map(|centre| (0, centre)));
    let counts = galleries.iter().map(|gallery| {
        let limits = Limits::measure(scene, gallery, rate)?;
        let stored = Stored::new(gallery.iter().enumerate().flat_map(|(owner, &number)| {
            scene.members[number].stored.iter().map(move |centre| (owner as u16, centre))
        }));
        let matcher = Matcher::new_checked(stored.view()?, Some(cohort.view()?), limits.rules(quantisation)?)
            .map_err(|error| {
                anyhow!("the matcher does not take a gallery of {} people: {error:?}", gallery.len())
            })?;
        let counts = Counts::of(scene, embeddings, gallery, &matcher)
            .with_context(|| format!("a gallery of {} people", gallery.len()))?;
        Ok((limits, counts))
    });
    let counts = counts.collect::<Result<Vec<(Limits, Counts)>>>()?;
    let (first, _) = counts.first().context("no galleries")?;
    let count = counts.len() as f64;
    let mean =
        |of: fn(&Limits) -> f32| counts.iter().map(|(limits, _)| of(limits)).sum::<f32>() / count as f32;
    let all = |of: fn(&Counts) -> &Vec<(usize, f64)>| -> Vec<(usize, f64)> {
        counts.iter().flat_map(|(_, counts)| of(counts)).copied().collect()
    };
    let (strangers, probes) = (all(|counts| &counts.strangers), all(|counts| &counts.probes));
    let share = |events: &[(usize, f64)]| {
        events.iter().map(|(_, event)| event).sum::<f64>() / (events.len() as f64).max(1.0)
    };
    let certified: usize = counts.iter().map(|(_, counts)| counts.certified).sum();
    let recognised: f64 = probes.iter().map(|(_, event)| event).sum();
    let fpir = share(&strangers);
    let fpir_bounds = first.point.fpir_bounds;
    Ok(Decisions {
        people: galleries[0].len(),
        galleries: galleries.len(),
        fpir_asked: rate,
        fpir_bounds,
        fpir,
        tpir: share(&probes),
        certified: certified as f64 / recognised.max(1.0),
        threshold: mean(|limits| limits.point.cosine),
        margin: mean(|limits| limits.margin),
        holds: fpir <= fpir_bounds[1],
        strangers: bounds::of_probes(&strangers),
        probes: bounds::of_probes(&probes),
    })
}

/// The limits of a gallery's decision.
pub(super) struct Limits {
    point: Point,
    /// Radians.
    pub margin: f32,
}

impl Limits {
    /// Measures them as export does.
    pub fn measure(scene: &Scene, gallery: &[usize], rate: f64) -> Result<Self> {
        let people: Vec<Person<'_>> = gallery.iter().map(|&number| scene.members[number].person()).collect();
        let table = calibrate::measure(&scene.cohort, &people, rate);
        let point = table.at(gallery.len()).copied();
        let point = point
            .with_context(|| format!("{} people are more than there are thresholds for", gallery.len()))?;
        let margin = margin::derive_margin(&margin::left_out(&people), point.cosine).radians;
        Ok(Limits { point, margin })
    }

    /// In the matcher's form.
    fn rules(&self, quantisation: f64) -> Result<Rules> {
        let record = |radians: f64| {
            let angle = angle_record(radians);
            Margin::new_checked(angle.cos_q30, angle.sin_q30).map_err(|error| anyhow!("{error:?}"))
        };
        let margin = f64::from(self.margin);
        Ok(Rules {
            threshold_q30: q30(self.point.cosine.into()),
            margin: Some(record(margin)?),
            cap: None,
            certificate: Some(record(margin + 2.0 * quantisation)?),
        })
    }
}

/// Decisions on probes and strangers with one gallery: the person of each photo, and 1 if it was accepted (a probe:
/// as the right person).
struct Counts {
    strangers: Vec<(usize, f64)>,
    /// Probes of people in the gallery.
    probes: Vec<(usize, f64)>,
    /// Accepted probes that are certified.
    certified: usize,
}

impl Counts {
    fn of(
        scene: &Scene,
        embeddings: &[Vec<i16>],
        gallery: &[usize],
        matcher: &Matcher<'_>,
    ) -> Result<Self, ScanError> {
        let event = |happened: bool| f64::from(u8::from(happened));
        let accepted = |&photo: &usize| Ok(matcher.decide(&embeddings[photo])?.verdict == Verdict::Accepted);
        let strangers = scene.stranger_photos.par_iter().map(accepted).collect::<Result<Vec<bool>, _>>()?;
        let strangers = scene.stranger_people.iter().copied().zip(strangers.into_iter().map(event)).collect();
        let mut counts = Counts { strangers, probes: Vec::new(), certified: 0 };
        for (photo, person) in scene.probe_photos.iter().zip(&scene.owners) {
            let Ok(owner) = gallery.binary_search(person) else { continue };
            let outcome = matcher.decide(&embeddings[*photo])?;
            let best = outcome.best.map(|best| usize::from(best.person));
            let is_right = outcome.verdict == Verdict::Accepted && best == Some(owner);
            counts.probes.push((*person, event(is_right)));
            counts.certified += usize::from(is_right && outcome.certified);
        }
        Ok(counts)
    }
}

/// Centres in the form the matcher reads.
struct Stored {
    dimension: usize,
    vectors: Vec<i8>,
    norms: Vec<u32>,
    owners: Vec<u16>,
}

impl Stored {
    fn new<'a>(centres: impl Iterator<Item = (u16, &'a Vec<i8>)>) -> Self {
        let mut stored = Stored { dimension: 1, vectors: Vec::new(), norms: Vec::new(), owners: Vec::new() };
        for (owner, centre) in centres {
            stored.dimension = centre.len();
            stored.vectors.extend_from_slice(centre);
            stored.norms.push(centre.iter().map(|&x| (i32::from(x) * i32::from(x)) as u32).sum());
            stored.owners.push(owner);
        }
        stored
    }

    fn view(&self) -> Result<Centres<'_>> {
        Centres::new_checked(self.dimension, &self.vectors, &self.norms, &self.owners)
            .map_err(|error| anyhow!("the matcher does not take these centres: {error:?}"))
    }
}
