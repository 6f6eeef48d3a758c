//! Who is enrolled in an image, at a glance.

use format::Image;
use serde::Serialize;

use super::closeness::closeness;
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
    let pairs = closeness(&people);
    let row = |person: &Enrolled| {
        let nearest = pairs.iter().find(|pair| pair.names.contains(&person.name));
        let other = |names: &[String; 2]| names.iter().find(|name| **name != person.name).cloned();
        Listed {
            name: person.name.clone(),
            photos: person.photos,
            centres: person.centres.len(),
            nearest: nearest.and_then(|pair| other(&pair.names)),
            nearest_degrees: nearest.map(|pair| pair.angle_degrees),
        }
    };
    people.iter().map(row).collect()
}
