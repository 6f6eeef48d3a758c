//! Newcomers: the people of a folder, enrolled with a network.

use anyhow::Result;

use super::enrol::{Enrolment, duplicates, enrol};
use super::folder::{Folder, Photographed};
use crate::embedding::{embed, units};
use crate::output;
use crate::sections::{Enrolled, quantise_centre};
use crate::simulator::Simulator;

/// A person enrolled from photos.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Name.
    pub name: String,
    /// Unit embeddings of their photos, by the quantised network.
    pub photos: Vec<Vec<f32>>,
    /// Their centres.
    pub enrolment: Enrolment,
}

impl Newcomer {
    /// What the image holds of them.
    pub fn enrolled(&self) -> Enrolled {
        Enrolled {
            name: self.name.clone(),
            photos: self.enrolment.kept(),
            centres: self.enrolment.centres.iter().map(|centre| quantise_centre(centre)).collect(),
        }
    }
}

/// Enrols the people of a folder. Warnings are added to.
///
/// # Errors
/// When embedding fails.
pub fn enrol_all(
    folder: Folder,
    simulator: &Simulator<'_>,
    keep_outliers: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<Newcomer>> {
    warnings.extend(folder.warnings);
    let crops: Vec<Vec<u8>> = folder.people.iter().flat_map(|person| person.crops.clone()).collect();
    let mut embeddings = units(&embed(simulator, &crops, "enrolling")?).into_iter();
    let mut newcomers = Vec::new();
    let mut from_one = Vec::new();
    for Photographed { name, files, .. } in folder.people {
        let photos: Vec<Vec<f32>> = embeddings.by_ref().take(files.len()).collect();
        let enrolment = enrol(&photos, keep_outliers);
        for dropped in enrolment.dropped() {
            warnings.push(format!(
                "{name}: {} is {:.0}° from the person's other photos and looks like somebody else; not used (--keep-outliers uses it)",
                files[dropped].display(),
                enrolment.angles_degrees[dropped]
            ));
        }
        for [a, b] in duplicates(&photos) {
            warnings.push(format!(
                "{name}: {} and {} are one picture",
                files[a].display(),
                files[b].display()
            ));
        }
        if enrolment.kept() == 1 {
            from_one.push(name.clone());
        }
        newcomers.push(Newcomer { name, photos, enrolment });
    }
    if !from_one.is_empty() {
        let who = match from_one.len() {
            1 => "one person is".to_string(),
            count => format!("{count} people are"),
        };
        let names = output::some_of(&from_one);
        warnings.push(format!("{who} enrolled from one photo ({names}); three of different days are better"));
    }
    Ok(newcomers)
}
