//! The gallery of an image: who is in it, and the image with other people.

use anyhow::{Result, bail};
use format::header::Section;
use format::{Image, gallery};

use crate::embedding::unit;
use crate::sections::{self, Enrolled};

/// A centre of an image as a unit vector.
pub fn unit_centre(centre: &[i8]) -> Vec<f32> {
    unit(&centre.iter().map(|&x| f32::from(x)).collect::<Vec<_>>())
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
    sections::replaced(bytes, &[(Section::Gallery, &fresh)])
}
