//! Parts of the image from what the exporter computed: records and arrays to section bytes.

use anyhow::{Context, Result, ensure};
use format::gallery::{self, Layout};
use format::header::{self, Section};
use format::layer::Layer;
use format::model::{self, MAX_BARRIERS, Packing};
use format::policy::Policy;
use format::preprocess::Preprocess;
use format::{ModelId, blob};

use crate::plan::Plan;

/// Longest prefix of `text` that fits `limit` bytes.
fn prefix(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Bytes of a record.
fn record(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).context("cannot write a record")
}

fn section(records: &[u8], arrays: &[u8]) -> Vec<u8> {
    let mut section = vec![0; blob::emitted_bytes(records.len(), arrays.len())];
    blob::emit(records, arrays, &mut section);
    section
}

/// The MODEL section.
///
/// # Errors
/// When there are too many layers or barriers.
pub fn model(name: &str, source: [u8; 32], layers: &[Layer], plan: &Plan, arrays: &[u8]) -> Result<Vec<u8>> {
    ensure!(
        layers.len() <= model::MAX_LAYERS,
        "the network has {} layers, at most {} are supported",
        layers.len(),
        model::MAX_LAYERS
    );
    let barriers = plan.barriers.iter().copied().collect::<heapless::Vec<u16, MAX_BARRIERS>>();
    let head = model::Head {
        name: prefix(name, model::MAX_NAME),
        source,
        packing: Packing::Plain,
        layers: layers.len() as u16,
        barriers,
        arena_bytes: plan.arena_bytes as u32,
    };
    let mut records = record(&head)?;
    for layer in layers {
        records.extend(record(layer)?);
    }
    Ok(section(&records, arrays))
}

/// The PREPROCESS section.
///
/// # Errors
/// None that the input can cause.
pub fn preprocess(preprocess: &Preprocess) -> Result<Vec<u8>> {
    record(preprocess)
}

/// The POLICY section.
///
/// # Errors
/// None that the input can cause.
pub fn policy(policy: &Policy) -> Result<Vec<u8>> {
    record(policy)
}

/// A person to enrol.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Enrolled {
    /// Name.
    pub name: String,
    /// Photos the centres were made from.
    pub photos: usize,
    /// Centres on the unit sphere, as [`quantise_centre`] makes them.
    pub centres: Vec<Vec<i8>>,
}

/// A unit vector in `int8`, its largest component at ±127.
pub fn quantise_centre(centre: &[f32]) -> Vec<i8> {
    let largest = centre.iter().fold(0f32, |largest, x| largest.max(x.abs())).max(f32::MIN_POSITIVE);
    centre.iter().map(|x| (x * 127.0 / largest).round() as i8).collect()
}

/// The GALLERY section.
///
/// # Errors
/// When a name is empty or too long, a person has no centre, or there are too many.
pub fn gallery(model: ModelId, dimension: usize, people: &[Enrolled]) -> Result<Vec<u8>> {
    let mut persons = Vec::new();
    for person in people {
        ensure!(
            (1..=gallery::MAX_NAME).contains(&person.name.len()),
            "name {:?} has {} bytes, 1 to {} are possible",
            person.name,
            person.name.len(),
            gallery::MAX_NAME
        );
        ensure!(!person.centres.is_empty(), "{} has no centre", person.name);
        persons.extend(record(&gallery::Person { name: &person.name, photos: person.photos as u16 })?);
    }
    let centres: Vec<(u16, &[i8])> = people
        .iter()
        .enumerate()
        .flat_map(|(number, person)| person.centres.iter().map(move |c| (number as u16, &**c)))
        .collect();
    centre_section(model, dimension, people.len(), &persons, &centres)
}

/// The COHORT section: one centre a stranger.
///
/// # Errors
/// When there are too many.
pub fn cohort(model: ModelId, dimension: usize, strangers: &[Vec<i8>]) -> Result<Vec<u8>> {
    let centres: Vec<(u16, &[i8])> =
        strangers.iter().enumerate().map(|(number, centre)| (number as u16, &**centre)).collect();
    centre_section(model, dimension, strangers.len(), &[], &centres)
}

fn centre_section(
    model: ModelId,
    dimension: usize,
    people: usize,
    persons: &[u8],
    centres: &[(u16, &[i8])],
) -> Result<Vec<u8>> {
    ensure!(
        centres.len() <= gallery::MAX_CENTRES,
        "{} centres, at most {} are supported",
        centres.len(),
        gallery::MAX_CENTRES
    );
    let head = gallery::Head {
        model,
        dimension: dimension as u16,
        people: people as u16,
        centres: centres.len() as u16,
    };
    let mut records = record(&head)?;
    records.extend_from_slice(persons);
    let layout = Layout::of(dimension, centres.len());
    let mut arrays = vec![0; layout.bytes];
    for (index, (owner, centre)) in centres.iter().enumerate() {
        ensure!(centre.len() == dimension, "centre of {} elements for {dimension} dimensions", centre.len());
        let norm: u32 = centre.iter().map(|&x| (x as i32 * x as i32) as u32).sum();
        ensure!(norm > 0, "centre {index} is all zero");
        arrays[index * dimension..][..dimension].copy_from_slice(bytemuck::cast_slice(centre));
        arrays[layout.norms as usize + index * 4..][..4].copy_from_slice(&norm.to_le_bytes());
        arrays[layout.owners as usize + index * 2..][..2].copy_from_slice(&owner.to_le_bytes());
    }
    Ok(section(&records, &arrays))
}

/// Joins sections, in ascending order, into an image.
///
/// # Errors
/// When it would be over 4 GiB.
pub fn image(sections: &[(Section, &[u8])]) -> Result<Vec<u8>> {
    let bytes = header::emitted_bytes(sections).context("the image would be over 4 GiB")?;
    let mut image = vec![0; bytes];
    header::emit(sections, &mut image);
    Ok(image)
}
