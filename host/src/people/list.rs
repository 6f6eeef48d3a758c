//! Who is enrolled in an image, at a glance.

use format::Image;
use serde::Serialize;

use super::closeness::spread;
use super::gallery::people_of;
use crate::sections::Enrolled;

/// Somebody enrolled.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Name.
    pub name: String,
    /// Photos their centres are made from.
    pub photos: usize,
    /// Their centres.
    pub centres: usize,
    /// The nearest other person.
    pub nearest: Option<String>,
    /// Angle between the two, degrees.
    pub nearest_degrees: Option<f32>,
}

/// The people of an image, each with the nearest other.
pub fn list(image: &Image<'_>) -> Vec<Listed> {
    let people = people_of(image);
    let spread = spread(&people);
    let row = |(person, nearest): (&Enrolled, &Option<(usize, f32)>)| Listed {
        name: person.name.clone(),
        photos: person.photos,
        centres: person.centres.len(),
        nearest: nearest.map(|(other, _)| people[other].name.clone()),
        nearest_degrees: nearest.map(|(_, degrees)| degrees),
    };
    people.iter().zip(&spread.nearest).map(row).collect()
}
