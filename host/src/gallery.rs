//! The gallery: people enrolled from photos, and the people of an image changed without the photos of the others.

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use format::header::Section;
use format::{Image, gallery};
use rayon::prelude::*;
use serde::Serialize;

use crate::crops::Loader;
use crate::embedding::{angle, cosine, unit, unit_of_i16};
use crate::enrol::{Enrolment, duplicates, enrol};
use crate::sections::{self, Enrolled};
use crate::simulator::Simulator;
use crate::{output, photo};

/// Share of the acceptance angle within which two people are taken for one under two names.
const SAME_PERSON: f32 = 0.6;

/// Angle within which a stranger is taken for an enrolled person, radians.
const SAME_STRANGER: f32 = 0.6;

/// Whether an embedding and a centre look like one person's, far beyond doubt.
pub fn is_same(embedding: &[f32], centre: &[f32]) -> bool {
    angle(cosine(embedding, centre)) < SAME_STRANGER
}

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
            centres: self.enrolment.centres.iter().map(|centre| sections::quantise_centre(centre)).collect(),
        }
    }
}

/// People read from a folder with the crops of their photos, not yet embedded.
pub struct Folder {
    /// Name, files, crops.
    pub people: Vec<(String, Vec<std::path::PathBuf>, Vec<Vec<u8>>)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Reads a folder of people.
///
/// # Errors
/// When a folder has no photos, a name is too long, a photo is unreadable, or a person has no usable photo.
pub fn read_folder(folder: &Path, loader: &Loader) -> Result<Folder> {
    let mut read = Folder { people: Vec::new(), warnings: Vec::new() };
    for (name, files) in photo::people(folder)? {
        ensure!(
            name.len() <= gallery::MAX_NAME,
            "the name {name:?} is longer than {} bytes; shorten the folder's name",
            gallery::MAX_NAME
        );
        let loaded = loader.load(&files)?;
        for skipped in &loaded.skipped {
            read.warnings.push(format!(
                "{name}: {} is not used: {}",
                skipped.photo.display(),
                skipped.reason
            ));
        }
        if loaded.crops.is_empty() {
            let why = loaded.skipped.first().map_or("", |skipped| &skipped.reason);
            bail!("no photo of {name} can be used: {why}; add a better one or remove the folder");
        }
        let (files, crops) = loaded.crops.into_iter().unzip();
        read.people.push((name, files, crops));
    }
    Ok(read)
}

/// Unit embeddings of crops, on all cores.
///
/// # Errors
/// When a crop has another size than the network's.
pub fn embed(simulator: &Simulator<'_>, crops: &[Vec<u8>], what: &'static str) -> Result<Vec<Vec<f32>>> {
    let bar = output::bar(crops.len(), what);
    let embed = |crop: &Vec<u8>| {
        bar.inc(1);
        simulator.embed(crop).map(|embedding| unit_of_i16(&embedding))
    };
    let embeddings = crops.par_iter().map(embed).collect();
    bar.finish_and_clear();
    embeddings
}

/// Enrols the people of a folder. Warnings are added to.
///
/// # Errors
/// When embedding fails.
pub fn newcomers(
    folder: Folder,
    simulator: &Simulator<'_>,
    keep_outliers: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<Newcomer>> {
    warnings.extend(folder.warnings);
    let crops: Vec<Vec<u8>> = folder.people.iter().flat_map(|(.., crops)| crops.clone()).collect();
    let mut embeddings = embed(simulator, &crops, "enrolling")?.into_iter();
    let mut newcomers = Vec::new();
    for (name, files, _) in folder.people {
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
            warnings.push(format!("{name} is enrolled from one photo; three of different days are better"));
        }
        newcomers.push(Newcomer { name, photos, enrolment });
    }
    Ok(newcomers)
}

/// Two people and the angle between their nearest centres.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Closeness {
    /// Their names.
    pub names: [String; 2],
    /// Degrees.
    pub angle_degrees: f32,
}

/// Every two people, the closest first.
pub fn closeness(people: &[Enrolled]) -> Vec<Closeness> {
    let centres: Vec<Vec<Vec<f32>>> = people
        .iter()
        .map(|person| person.centres.iter().map(|centre| unit_centre(centre)).collect())
        .collect();
    let pairs: Vec<[usize; 2]> = (0..people.len()).flat_map(|b| (0..b).map(move |a| [a, b])).collect();
    let mut pairs: Vec<Closeness> = pairs
        .par_iter()
        .map(|&[a, b]| {
            let cosines = centres[a].iter().flat_map(|x| centres[b].iter().map(move |y| cosine(x, y)));
            Closeness {
                names: [a, b].map(|number| people[number].name.clone()),
                angle_degrees: angle(cosines.fold(-1f32, f32::max)).to_degrees(),
            }
        })
        .collect();
    pairs.sort_by(|a, b| a.angle_degrees.total_cmp(&b.angle_degrees));
    pairs
}

/// A centre of an image as a unit vector.
pub fn unit_centre(centre: &[i8]) -> Vec<f32> {
    unit(&centre.iter().map(|&x| f32::from(x)).collect::<Vec<_>>())
}

impl fmt::Display for Closeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = &self.names;
        write!(
            f,
            "{a} and {b} are only {:.0}° apart: each may be taken for the other, or be refused as ambiguous",
            self.angle_degrees
        )
    }
}

/// People whom the decision cannot always tell apart, the closest first, and refuses one person under two names. `reach` is the
/// largest angle from a probe to its person that is accepted, `margin` how much farther the next has to be, radians.
///
/// Told are those no farther apart than both together: a good photo of one, near their centre, may then be within reach of the
/// other, or too near for the margin. That any photo within reach of one be clear of the other would take `2 · reach + margin`,
/// which is more than a right angle: any two people are closer than that.
///
/// # Errors
/// Names the two, unless duplicates are allowed.
pub fn separate(
    people: &[Enrolled],
    reach: f32,
    margin: f32,
    allow_duplicates: bool,
) -> Result<Vec<Closeness>> {
    let mut pairs = closeness(people);
    pairs.retain(|pair| pair.angle_degrees.to_radians() <= reach + margin);
    for pair in pairs.iter().filter(|_| !allow_duplicates) {
        let [a, b] = &pair.names;
        ensure!(
            pair.angle_degrees.to_radians() > SAME_PERSON * reach,
            "{a} and {b} are {:.0}° apart: one person under two names? Join their folders, or give --allow-duplicates",
            pair.angle_degrees
        );
    }
    Ok(pairs)
}

/// The people of an image.
pub fn people_of(image: &Image<'_>) -> Vec<Enrolled> {
    let gallery = &image.gallery;
    let centres = |number: usize| {
        let owned = gallery.owners.iter().zip(gallery.vectors.chunks_exact(gallery.dimension()));
        owned
            .filter(move |(owner, _)| usize::from(**owner) == number)
            .map(|(_, centre)| centre.to_vec())
            .collect()
    };
    let person = |(number, person): (usize, gallery::Person<'_>)| Enrolled {
        name: person.name.to_string(),
        photos: person.photos.into(),
        centres: centres(number),
    };
    gallery.people().enumerate().map(person).collect()
}

/// The image with other people, ordered by name; everything else as it was.
///
/// # Errors
/// When two have one name, or there are too many.
pub fn with_people(image: &Image<'_>, bytes: &[u8], mut people: Vec<Enrolled>) -> Result<Vec<u8>> {
    people.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(twice) = people.windows(2).find(|pair| pair[0].name == pair[1].name) {
        bail!("{} is enrolled already; remove them first, or give another name", twice[0].name);
    }
    let fresh = sections::gallery(image.model_id, image.gallery.dimension(), &people)?;
    let table = format::header::parse(bytes)?;
    let mut parts: Vec<(Section, &[u8])> = Vec::new();
    for section in Section::ALL {
        match table.require(section) {
            _ if section == Section::Gallery => parts.push((section, &fresh)),
            Ok(part) => parts.push((section, part)),
            Err(_) => {}
        }
    }
    sections::image(&parts)
}
