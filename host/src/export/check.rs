//! A second population: strangers who are not like the cohort are run through an image, and the accepted share is
//! compared with the promised one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use app::Recogniser;
use format::Image;
use format::policy::{Basis, Kind};
use rayon::prelude::*;
use serde::Serialize;

use super::read::by_person;
use link::message::Ruling;

use crate::bounds::{self, LIKE_THE_COHORT, Rate};
use crate::calibrate::HARDLY_ANY_STRANGERS;
use crate::crops::{Loaded, Loader, Photo, Source, skipped_words};
use crate::embedding::embed;
use crate::people::copies;
use crate::photo::folder::{Listed, list};
use crate::simulator::{AlignedBytes, Simulator};

/// A photo of somebody who is not enrolled.
pub struct Stranger {
    /// Number of the person.
    pub person: usize,
    /// The photo.
    pub photo: Photo,
}

/// The result of a population of strangers with an image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckReport {
    /// Photos tried.
    pub photos: usize,
    /// People they show.
    pub people: usize,
    /// Photos that are copies of another and were left out.
    pub copies: usize,
    /// People enrolled.
    pub enrolled: usize,
    /// Photos accepted as somebody enrolled.
    pub accepted: Vec<Accepted>,
    /// Their share, with its confidence intervals.
    pub measured: Rate,
    /// The image's promise; `None` if its threshold was not measured on strangers.
    pub promised: Option<Promise>,
    /// The strangers for whom the promise and the measured bounds hold.
    pub bounds_hold_for: &'static str,
}

/// A stranger taken for somebody enrolled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accepted {
    /// The photo.
    pub photo: PathBuf,
    /// The person whom they were taken for.
    pub person: String,
    /// Angle to that person, degrees.
    pub angle_degrees: f32,
}

/// The promise of an image about strangers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Promise {
    /// Share of them that is accepted.
    pub fpir: f64,
    /// Its upper bound (95 %).
    pub bound: f64,
}

impl CheckReport {
    /// Advice for the user.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let [low, _] = self.measured.bounds_by_people;
        if let Some(Promise { bound, .. }) =
            self.promised.filter(|promise| self.measured.rate > promise.bound)
        {
            let sure = if low > bound { "" } else { ", though so few people are not sure of it" };
            warnings.push(format!(
                "{:.2} % of the strangers of --check are accepted, at most {:.2} % was promised{sure}: give a --cohort of people, \
                 cameras and light like those the device will meet, or a lower --fpir",
                100.0 * self.measured.rate,
                100.0 * bound
            ));
        }
        if let Some(Accepted { photo, person, angle_degrees }) = self.accepted.first() {
            warnings.push(format!(
                "{} photos of --check are accepted, {} as {person} at {angle_degrees:.0}° first: is nobody of them enrolled?",
                self.accepted.len(),
                photo.display()
            ));
        }
        warnings
    }
}

/// Runs strangers through an image with the board's own code.
///
/// # Errors
/// When the image's network does not run, its embeddings cannot be matched, or a crop has another size than it takes.
pub fn measured_on(image: &Image<'_>, strangers: &[Stranger]) -> Result<CheckReport> {
    let mut arena = AlignedBytes::zeroed(image.arena_bytes());
    let recogniser =
        Recogniser::of_image(image.clone(), arena.bytes_mut()).map_err(|error| anyhow!("{error}"))?;
    let simulator = Simulator::new(&image.embedder)?;
    let crops: Vec<Vec<u8>> = strangers.iter().map(|stranger| stranger.photo.crop.clone()).collect();
    let embeddings = embed(&simulator, &crops, "second population")?;
    let decisions: Result<Vec<_>, _> =
        embeddings.par_iter().map(|embedding| recogniser.recognise(embedding)).collect();
    let decisions = decisions.context("second population")?;
    let is_accepted = |ruling: Ruling| ruling == Ruling::Accepted;
    let probes: Vec<(usize, f64)> = strangers
        .iter()
        .zip(&decisions)
        .map(|(stranger, decision)| (stranger.person, f64::from(u8::from(is_accepted(decision.ruling)))))
        .collect();
    let measured = bounds::of_probes(&probes);
    let accepted = strangers.iter().zip(decisions).filter_map(|(stranger, decision)| {
        let best = decision.best.filter(|_| is_accepted(decision.ruling))?;
        let (photo, person) = (stranger.photo.path.clone(), best.name.to_string());
        Some(Accepted { photo, person, angle_degrees: best.angle_degrees })
    });
    let mut accepted: Vec<Accepted> = accepted.collect();
    accepted.sort_by(|a, b| a.angle_degrees.total_cmp(&b.angle_degrees));
    let enrolled = image.gallery.people().count();
    Ok(CheckReport {
        photos: strangers.len(),
        people: measured.people,
        copies: 0,
        enrolled,
        accepted,
        measured,
        promised: promise(image, enrolled),
        bounds_hold_for: LIKE_THE_COHORT,
    })
}

/// The promise of an image for this number of enrolled people.
fn promise(image: &Image<'_>, enrolled: usize) -> Option<Promise> {
    let terms = image.policy.terms();
    // Caps alone promise nothing about strangers.
    if terms.kind == Kind::Margin {
        return None;
    }
    let Basis::Cohort { strangers } = terms.basis else { return None };
    // With fewer the thresholds were not measured.
    if (strangers as usize) < HARDLY_ANY_STRANGERS {
        return None;
    }
    let threshold =
        image.policy.thresholds.iter().find(|threshold| usize::from(threshold.people) >= enrolled)?;
    Some(Promise { fpir: f64::from(terms.fpir_ppm) / 1e6, bound: f64::from(threshold.fpir_upper_ppm) / 1e6 })
}

/// Runs the photos of a folder through an image: people who are not enrolled, a photo or a subfolder each. Copies count once.
/// Warnings are added to.
///
/// # Errors
/// When a photo or the image cannot be used, or there is none.
pub fn check_folder(
    image: &AlignedBytes,
    folder: &Path,
    source: &Source,
    warnings: &mut Vec<String>,
) -> Result<CheckReport> {
    let path = Path::new("the image as exported");
    let loader = Loader::of_image(image, path, source)?;
    let image = image.image(path)?;
    let Listed { found, unused, .. } = list(folder)?.checked(loader.is_strict())?;
    warnings.extend(unused);
    let Loaded { photos, skipped } = loader.load(&found)?;
    let words = skipped_words(&skipped);
    ensure!(
        !photos.is_empty(),
        "no photo in {} can be used{}",
        folder.display(),
        words.map_or(String::new(), |words| format!(": {words}"))
    );
    warnings.extend(words);
    let (photos, copies) = copies::without(photos, loader.shape());
    warnings.extend(copies::words("photos of --check", photos.len(), &copies));
    let people = by_person(folder, photos, warnings).into_iter().enumerate();
    let strangers: Vec<Stranger> = people
        .flat_map(|(person, photos)| photos.into_iter().map(move |photo| Stranger { person, photo }))
        .collect();
    let report = measured_on(&image, &strangers)?;
    Ok(CheckReport { copies: copies.len(), ..report })
}
