//! The decision as a board makes it, with thresholds and margins measured as export does: how many strangers it accepts, and how
//! many probes.

use anyhow::{Context, Result, anyhow};
use matcher::{Centres, Margin, Matcher, Rules, Verdict};
use rayon::prelude::*;
use serde::Serialize;

use super::scene::Scene;
use crate::bounds::{self, Rate};
use crate::calibrate::{self, Person, angle_record, q30};
use crate::sections::quantise_centre;

/// Decisions with thresholds from the cohort, the matcher's own.
#[derive(Clone, Debug, Serialize)]
pub struct Decisions {
    /// People enrolled.
    pub people: usize,
    /// Galleries of that size.
    pub galleries: usize,
    /// Rate asked for.
    pub fpir_asked: f64,
    /// Its bounds as calibration states them, 95 %.
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
    /// How sure the measured rate of strangers is, over all galleries.
    pub strangers: Rate,
    /// How sure that of probes is.
    pub probes: Rate,
}

/// Decides on all probes and strangers with the matcher, for each gallery, thresholds and margins measured as export does.
/// `embeddings` are a board's, of every photo; `quantisation` is how far they may be from the float network's, radians.
///
/// # Errors
/// When the matcher does not take a gallery.
pub(super) fn decide(
    scene: &Scene,
    embeddings: &[Vec<i16>],
    galleries: &[Vec<usize>],
    rate: f64,
    quantisation: f64,
) -> Result<Decisions> {
    let of = |photos: &[usize]| photos.iter().map(|&photo| &*embeddings[photo]).collect::<Vec<&[i16]>>();
    let (probes, strangers) = (of(&scene.probe_photos), of(&scene.stranger_photos));
    let cohort: Vec<Vec<i8>> = scene.cohort.iter().map(|stranger| quantise_centre(stranger)).collect();
    let cohort = Stored::new(cohort.iter().map(|centre| (0, centre)));
    let mut sum = Decisions {
        people: galleries[0].len(),
        galleries: galleries.len(),
        fpir_asked: rate,
        fpir_bounds: [0.0; 2],
        fpir: 0.0,
        tpir: 0.0,
        certified: 0.0,
        threshold: 0.0,
        margin: 0.0,
        holds: false,
        strangers: bounds::of_probes(&[]),
        probes: bounds::of_probes(&[]),
    };
    let mut genuine = 0;
    let (mut stranger_events, mut probe_events) = (Vec::new(), Vec::new());
    let event = |happened: bool| f64::from(u8::from(happened));
    for gallery in galleries {
        let people: Vec<Person<'_>> = gallery.iter().map(|&number| scene.members[number].person()).collect();
        let table = calibrate::measure(&scene.cohort, &people, rate);
        let point = table.at(gallery.len()).copied();
        let point = point
            .with_context(|| format!("{} people are more than there are thresholds for", gallery.len()))?;
        let margin = calibrate::derive_margin(&calibrate::left_out(&people), point.cosine);
        let record = |radians: f64| {
            let angle = angle_record(radians);
            Margin::new_checked(angle.cos_q30, angle.sin_q30).map_err(|error| anyhow!("{error:?}"))
        };
        let rules = Rules {
            threshold_q30: q30(point.cosine.into()),
            margin: Some(record(margin.radians.into())?),
            cap: None,
            certificate: Some(record(f64::from(margin.radians) + 2.0 * quantisation)?),
        };
        let stored = gallery.iter().enumerate().flat_map(|(owner, &number)| {
            scene.members[number].stored.iter().map(move |centre| (owner as u16, centre))
        });
        let stored = Stored::new(stored);
        let refused =
            |error| anyhow!("the matcher does not take a gallery of {} people: {error}", gallery.len());
        let matcher = Matcher::new_checked(stored.view()?, Some(cohort.view()?), rules)
            .map_err(|error| refused(format!("{error:?}")))?;
        let is_accepted: Vec<bool> =
            strangers.par_iter().map(|s| matcher.decide(s).verdict == Verdict::Accepted).collect();
        let accepted = is_accepted.iter().filter(|&&accepted| accepted).count();
        let people = scene.stranger_people.iter().copied();
        stranger_events.extend(people.zip(is_accepted).map(|(person, accepted)| (person, event(accepted))));
        let right = |index: usize| -> Option<bool> {
            let owner = gallery.binary_search(&scene.owners[index]).ok()?;
            let outcome = matcher.decide(probes[index]);
            let person = outcome.best.map(|best| usize::from(best.person));
            (outcome.verdict == Verdict::Accepted && person == Some(owner)).then_some(outcome.certified)
        };
        let here = (0..probes.len()).filter(|&index| gallery.binary_search(&scene.owners[index]).is_ok());
        let answers: Vec<Option<bool>> = here.clone().map(right).collect();
        let owners = here.map(|index| scene.owners[index]);
        probe_events.extend(owners.zip(&answers).map(|(owner, answer)| (owner, event(answer.is_some()))));
        genuine += answers.len();
        sum.tpir += answers.iter().flatten().count() as f64;
        sum.certified += answers.iter().flatten().filter(|&&certified| certified).count() as f64;
        sum.fpir += accepted as f64 / strangers.len() as f64;
        sum.threshold += point.cosine;
        sum.margin += margin.radians;
        sum.fpir_bounds = point.fpir_bounds;
    }
    let count = galleries.len() as f64;
    let fpir = sum.fpir / count;
    Ok(Decisions {
        fpir,
        certified: sum.certified / sum.tpir.max(1.0),
        tpir: sum.tpir / (genuine as f64).max(1.0),
        threshold: sum.threshold / count as f32,
        margin: sum.margin / count as f32,
        holds: fpir <= sum.fpir_bounds[1],
        strangers: bounds::of_probes(&stranger_events),
        probes: bounds::of_probes(&probe_events),
        ..sum
    })
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
