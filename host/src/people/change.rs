//! Changes of who is enrolled in an image. What they give is the whole image, changed.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use format::Image;
use format::policy::ONE_Q30;
use serde::Serialize;

use super::closeness::{self, Closeness, is_same, separate};
use super::gallery::{people_of, unit_centre, with_people};
use super::{folder, newcomers};
use crate::crops::{Loader, Source};
use crate::embedding::angle;
use crate::name::{composed, visible};
use crate::sections::Enrolled;
use crate::simulator::{AlignedBytes, Simulator};

/// A changed image and what changed; as JSON without the image itself.
#[derive(Clone, Debug, Serialize)]
pub struct Changed {
    /// The image.
    #[serde(skip)]
    pub image: Vec<u8>,
    /// Names of people who were added.
    pub added: Vec<String>,
    /// Names of people who were removed.
    pub removed: Vec<String>,
    /// People enrolled now.
    pub people: usize,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// The image with the people of a folder enrolled besides those it has.
///
/// # Errors
/// When somebody is enrolled already, looks like somebody who is, or a photo cannot be used.
pub fn add(
    path: &Path,
    people: &Path,
    source: &Source,
    keep_outliers: bool,
    allow_duplicates: bool,
) -> Result<Changed> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let simulator = Simulator::new(&image.embedder)?;
    let loader = Loader::of_image(&bytes, path, source)?;
    let mut warnings = Vec::new();
    let read = folder::read(people, &loader)?;
    let newcomers = newcomers::enrol_all(read, &simulator, keep_outliers, &mut warnings)?;
    let added: Vec<Enrolled> = newcomers.iter().map(|newcomer| newcomer.enrolled()).collect();
    joined(&image, bytes.bytes(), added, allow_duplicates, warnings)
}

/// The image with more people, after the checks that enrolling somebody needs. Warnings are added to.
fn joined(
    image: &Image<'_>,
    bytes: &[u8],
    added: Vec<Enrolled>,
    allow_duplicates: bool,
    mut warnings: Vec<String>,
) -> Result<Changed> {
    let mut people = people_of(image);
    people.extend(added.iter().cloned());
    let threshold = image.policy.threshold_q30(people.len());
    ensure!(threshold <= ONE_Q30, "{} people are more than the image's thresholds are for", people.len());
    let reach = angle(threshold as f32 / ONE_Q30 as f32);
    let margin = image.policy.terms().margin.urad as f32 * 1e-6;
    let fresh = with_people(image, bytes, people.clone())?;
    warnings.extend(unsigned_words(image));
    // Of the pairs that were there before the user knows.
    let names: HashSet<&str> = added.iter().map(|person| &*person.name).collect();
    let is_new = |pair: &Closeness| pair.names.iter().any(|name| names.contains(&**name));
    let mut pairs = separate(&people, reach, margin, |pair| !allow_duplicates && is_new(pair))?;
    pairs.retain(is_new);
    warnings.extend(closeness::words(&pairs));
    if let Some(cohort) = image.cohort.as_ref().filter(|_| !allow_duplicates) {
        let strangers: Vec<Vec<f32>> =
            cohort.vectors.chunks_exact(cohort.dimension()).map(unit_centre).collect();
        for person in &added {
            let is_stranger =
                |centre: &Vec<i8>| strangers.iter().any(|stranger| is_same(stranger, &unit_centre(centre)));
            ensure!(
                !person.centres.iter().any(is_stranger),
                "{} looks like one of the strangers the image was exported with, and would be refused as one; \
                 export anew without that photo, or give --allow-duplicates",
                person.name
            );
        }
    }
    let names = added.into_iter().map(|person| person.name).collect();
    Ok(Changed { image: fresh, added: names, removed: Vec::new(), people: people.len(), warnings })
}

/// What is to be said where a signed image is changed.
fn unsigned_words(image: &Image<'_>) -> Option<String> {
    let version = image.signature?.version;
    Some(format!(
        "the image was signed as version {version}, and the signature is left out: it was of the image with its people as they were; \
         sign again with `host sign IMAGE --key FILE --version {}`",
        version.saturating_add(1)
    ))
}

/// The image without some people.
///
/// # Errors
/// When one of them is not enrolled.
pub fn remove(path: &Path, names: &[String]) -> Result<Changed> {
    let bytes = AlignedBytes::read(path)?;
    let image = bytes.image(path)?;
    let mut people = people_of(&image);
    let mut removed = Vec::new();
    for name in names {
        let before = people.len();
        // A name that cannot be typed is given as it is listed.
        let is_wanted =
            |person: &Enrolled| composed(&person.name) == composed(name) || visible(&person.name) == *name;
        removed.extend(people.iter().filter(|person| is_wanted(person)).map(|person| person.name.clone()));
        people.retain(|person| !is_wanted(person));
        ensure!(
            people.len() < before,
            "{name} is not enrolled in {}; `host gallery list` shows who is",
            path.display()
        );
    }
    let count = people.len();
    let warnings = unsigned_words(&image).into_iter().collect();
    let image = with_people(&image, bytes.bytes(), people)?;
    Ok(Changed { image, added: Vec::new(), removed, people: count, warnings })
}

/// The image with the people of another as well.
///
/// # Errors
/// When the other is of another network, or somebody is in both, be it under two names.
pub fn merge(path: &Path, other: &Path, allow_duplicates: bool) -> Result<Changed> {
    let (bytes, other_bytes) = (AlignedBytes::read(path)?, AlignedBytes::read(other)?);
    let (image, other_image) = (bytes.image(path)?, other_bytes.image(other)?);
    if image.model_id != other_image.model_id {
        bail!(
            "{} and {} were exported with different networks or preprocessing: their people cannot be compared; export one anew",
            path.display(),
            other.display()
        );
    }
    let added = people_of(&other_image);
    joined(&image, bytes.bytes(), added, allow_duplicates, Vec::new())
}
