//! Newcomers: the people of a folder, enrolled with a network.

use anyhow::{Result, ensure};

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
/// When embedding fails, or most photos do not look like the person's others.
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
    let (mut outliers, mut alike, mut from_one) = (Vec::new(), Vec::new(), Vec::new());
    for Photographed { name, files, .. } in folder.people {
        let photos: Vec<Vec<f32>> = embeddings.by_ref().take(files.len()).collect();
        let enrolment = enrol(&photos, keep_outliers);
        let words = |dropped: usize| {
            format!(
                "{} ({:.0}° from {name}'s others)",
                files[dropped].display(),
                enrolment.angles_degrees[dropped]
            )
        };
        outliers.extend(enrolment.dropped().map(words));
        alike.extend(
            duplicates(&photos)
                .into_iter()
                .map(|[a, b]| format!("{} and {}", files[a].display(), files[b].display())),
        );
        if enrolment.kept() == 1 {
            from_one.push(name.clone());
        }
        newcomers.push(Newcomer { name, photos, enrolment });
    }
    let several = newcomers.iter().map(|newcomer| newcomer.photos.len()).filter(|&photos| photos > 1);
    let several: usize = several.sum();
    ensure!(
        2 * outliers.len() <= several,
        "{} of {several} photos look like somebody else than the person's other photos, which is most of them: {}. Either folders mix \
         people, or the network does not know people by these photos (suspect its preprocessing, photos that are not aligned faces, \
         and weights that are not trained); --keep-outliers uses them all",
        outliers.len(),
        output::some_of(&outliers)
    );
    if !outliers.is_empty() {
        warnings.push(format!(
            "{} not used, as they look like somebody else than the person's other photos (--keep-outliers uses them): {}",
            counted(outliers.len(), "photo is", "photos are"),
            output::some_of(&outliers)
        ));
    }
    if !alike.is_empty() {
        warnings.push(format!(
            "{} one picture: {}",
            counted(alike.len(), "pair of photos is", "pairs of photos are"),
            output::some_of(&alike)
        ));
    }
    if !from_one.is_empty() {
        let who = counted(from_one.len(), "person is", "people are");
        let names = output::some_of(&from_one);
        warnings.push(format!("{who} enrolled from one photo ({names}); three of different days are better"));
    }
    Ok(newcomers)
}

/// A number of things, as the subject of a sentence.
fn counted(count: usize, one: &str, several: &str) -> String {
    if count == 1 { format!("one {one}") } else { format!("{count} {several}") }
}
