//! The GALLERY and COHORT sections: int8 centres on the unit sphere, with people's names or without.
//!
//! The blob holds three arrays, each starting at a multiple of 16: centres `i8 [centre][dimension]`, their squared
//! norms `u32 [centre]`, and the number of the person each belongs to, `u16 [centre]`, ascending. A cohort has
//! no person records; each of its centres is a stranger of their own, numbered in order.

use serde::{Deserialize, Serialize};

use crate::blob::{self, Halves};
use crate::model::MAX_DIMENSION;
use crate::{ImageError, ModelId, Section, align_up};

/// Most bytes of a name.
pub const MAX_NAME: usize = 64;
/// Most people, and most centres.
pub const MAX_CENTRES: usize = 16384;

/// First record of the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The network the centres were made with.
    pub model: ModelId,
    /// Elements a centre.
    pub dimension: u16,
    /// People; in a cohort, strangers.
    pub people: u16,
    /// Centres; at least one a person.
    pub centres: u16,
}

/// One enrolled person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person<'a> {
    /// Name, 1 to [`MAX_NAME`] bytes.
    pub name: &'a str,
    /// Photos the centres were made from.
    pub photos: u16,
}

/// A checked GALLERY or COHORT section.
#[derive(Clone, Copy, Debug)]
pub struct Gallery<'a> {
    head: Head,
    people: &'a [u8],
    /// Centres, one after another.
    pub vectors: &'a [i8],
    /// Squared norm of each centre.
    pub norms: &'a [u32],
    /// Person of each centre, ascending.
    pub owners: &'a [u16],
}

impl<'a> Gallery<'a> {
    /// Checks records, bounds, norms and owners.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field; [`ImageError::ForeignGallery`] when the centres were made with
    /// another network than `model`; [`ImageError::Dimension`].
    pub fn new_checked(
        section: Section,
        bytes: &'a [u8],
        model: ModelId,
        dimension: usize,
    ) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section, field };
        let Halves { records, blob } = blob::parse(bytes).ok_or(record("record length"))?;
        let (head, people): (Head, _) = postcard::take_from_bytes(records).map_err(|_| record("head"))?;
        if head.model != model {
            return Err(ImageError::ForeignGallery(section));
        }
        if head.dimension as usize != dimension || dimension > MAX_DIMENSION {
            return Err(ImageError::Dimension {
                section,
                gallery: head.dimension,
                network: dimension as u16,
            });
        }
        let centres = head.centres as usize;
        if centres > MAX_CENTRES || head.people > head.centres {
            return Err(record("number of centres"));
        }
        let layout = Layout::of(dimension, centres);
        if blob.len() != layout.bytes {
            return Err(record("blob length"));
        }
        let vectors = blob::array(blob, 0, centres * dimension).ok_or(record("centres"))?;
        let norms: &[u32] = blob::array(blob, layout.norms, centres).ok_or(record("norms"))?;
        let owners: &[u16] = blob::array(blob, layout.owners, centres).ok_or(record("owners"))?;

        let squared = |centre: &[i8]| centre.iter().map(|&x| (x as i32 * x as i32) as u32).sum::<u32>();
        let true_norms = vectors.chunks_exact(dimension).map(squared);
        if vectors.contains(&i8::MIN) {
            return Err(record("centres: an element of -128"));
        }
        if norms.contains(&0) || !true_norms.eq(norms.iter().copied()) {
            return Err(record("norms"));
        }
        // Every person has a centre and owners ascend, so owners step by nought or one from 0 to people - 1.
        let mut next = 0;
        for &owner in owners {
            if owner == next {
                next += 1;
            } else if owner + 1 != next {
                return Err(record("owners"));
            }
        }
        if next != head.people {
            return Err(record("owners"));
        }
        let gallery = Gallery { head, people, vectors, norms, owners };
        if section == Section::Gallery {
            gallery.check_people().map_err(record)?;
        } else if !people.is_empty() {
            return Err(record("names in a cohort"));
        }
        Ok(gallery)
    }

    fn check_people(&self) -> Result<(), &'static str> {
        let mut rest = self.people;
        for _ in 0..self.head.people {
            let person: Person;
            (person, rest) = postcard::take_from_bytes(rest).map_err(|_| "person")?;
            if person.name.is_empty() || person.name.len() > MAX_NAME {
                return Err("name");
            }
        }
        if rest.is_empty() { Ok(()) } else { Err("bytes after the last person") }
    }

    /// Number of people (strangers, in a cohort).
    pub fn people_count(&self) -> usize {
        self.head.people as usize
    }

    /// Elements a centre.
    pub fn dimension(&self) -> usize {
        self.head.dimension as usize
    }

    /// The network the centres were made with.
    pub fn model(&self) -> ModelId {
        self.head.model
    }

    /// The people in order of their numbers; none in a cohort.
    pub fn people(&self) -> impl Iterator<Item = Person<'a>> + use<'a> {
        let mut rest = self.people;
        core::iter::from_fn(move || {
            let (person, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            Some(person)
        })
    }

    /// The person with this number.
    pub fn person(&self, number: u16) -> Option<Person<'a>> {
        self.people().nth(number as usize)
    }
}

/// Where the arrays of a blob lie, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Of the norms.
    pub norms: u32,
    /// Of the owners.
    pub owners: u32,
    /// Length of the blob.
    pub bytes: usize,
}

impl Layout {
    /// The layout for `centres` (at most [`MAX_CENTRES`]) of `dimension` (at most [`MAX_DIMENSION`]).
    ///
    /// # Panics
    /// When one of them is over its limit.
    pub fn of(dimension: usize, centres: usize) -> Self {
        assert!(dimension <= MAX_DIMENSION && centres <= MAX_CENTRES);
        let up = |bytes| align_up(bytes).unwrap_or(usize::MAX);
        let norms = up(centres * dimension);
        let owners = up(norms + centres * size_of::<u32>());
        Layout { norms: norms as u32, owners: owners as u32, bytes: owners + centres * size_of::<u16>() }
    }
}
