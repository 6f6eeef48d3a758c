//! The GALLERY and COHORT sections: int8 centres on the unit sphere. A gallery has names, a cohort has none.
//!
//! ```text
//!   0  model        [`ModelId`] of the network that the centres were made with
//!  16  dimension    u16, elements of a centre
//!  18  people       u16; in a cohort, strangers
//!  20  centres      u16, at least one for each person
//!  22  zero         u16
//!  24  names bytes  u32
//!  28  zero         u32
//!  32  people       postcard records: name, photos; none in a cohort. Zero up to a multiple of 16
//! ...  centres      i8 [centre][dimension], up to a multiple of 16
//! ...  norms        u32 [centre], their squared lengths, up to a multiple of 16
//! ...  owners       u16 [centre], the number of each centre's person, ascending
//! ```
//!
//! In a cohort each centre belongs to a different stranger. Strangers are numbered in order.

use serde::{Deserialize, Serialize};

use crate::bytes::{array, is_zero, put, u16_at, u32_at};
use crate::network::MAX_DIMENSION;
use crate::{ALIGNMENT, ImageError, ModelId, Section};

/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;
/// Most people, and most centres, in a section.
pub const MAX_CENTRES: usize = 16384;

const HEAD_BYTES: usize = 32;

/// One enrolled person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person<'a> {
    /// Name, 1 to [`MAX_NAME`] bytes.
    pub name: &'a str,
    /// Number of photos that the centres were made from.
    pub photos: u16,
}

/// A checked GALLERY or COHORT section.
#[derive(Clone, Copy, Debug)]
pub struct Gallery<'a> {
    people: &'a [u8],
    people_count: u16,
    dimension: u16,
    /// Centres, one after another.
    pub vectors: &'a [i8],
    /// Squared norm of each centre.
    pub norms: &'a [u32],
    /// Person of each centre, ascending.
    pub owners: &'a [u16],
}

/// Offsets of the arrays from the section's start, and the section's end.
struct Layout {
    vectors: usize,
    norms: usize,
    owners: usize,
    end: usize,
}

impl Layout {
    /// Nothing overflows: the counts are within their limits, and `names_bytes` is at most the length of a section.
    fn of(names_bytes: usize, dimension: usize, centres: usize) -> Layout {
        let vectors = (HEAD_BYTES + names_bytes).next_multiple_of(ALIGNMENT);
        let norms = (vectors + centres * dimension).next_multiple_of(ALIGNMENT);
        let owners = (norms + 4 * centres).next_multiple_of(ALIGNMENT);
        Layout { vectors, norms, owners, end: owners + 2 * centres }
    }
}

/// Squared length of a centre: at most 512 · 127², which fits.
fn squared(centre: &[i8]) -> u32 {
    centre.iter().map(|&x| (x as i32 * x as i32) as u32).sum()
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
        let head = bytes.get(..HEAD_BYTES).ok_or(record("length"))?;
        if !head.starts_with(&model.0) {
            return Err(ImageError::ForeignGallery(section));
        }
        let [found, people, centres] = [16, 18, 20].map(|at| u16_at(head, at));
        if usize::from(found) != dimension || dimension > MAX_DIMENSION {
            return Err(ImageError::Dimension { section, gallery: found, network: dimension as u16 });
        }
        if usize::from(centres) > MAX_CENTRES || people > centres {
            return Err(record("number of centres"));
        }
        let names_bytes = u32_at(head, 24) as usize;
        if names_bytes > bytes.len() {
            return Err(record("names bytes"));
        }
        let count = usize::from(centres);
        let layout = Layout::of(names_bytes, dimension, count);
        if bytes.len() != layout.end {
            return Err(record("length"));
        }
        let gaps = [
            22..24,
            28..HEAD_BYTES,
            HEAD_BYTES + names_bytes..layout.vectors,
            layout.vectors + count * dimension..layout.norms,
            layout.norms + 4 * count..layout.owners,
        ];
        if !gaps.into_iter().all(|gap| is_zero(bytes, gap)) {
            return Err(record("padding"));
        }
        let vectors = array(bytes, layout.vectors as u32, count * dimension).ok_or(record("centres"))?;
        let norms: &[u32] = array(bytes, layout.norms as u32, count).ok_or(record("norms"))?;
        let owners: &[u16] = array(bytes, layout.owners as u32, count).ok_or(record("owners"))?;

        if vectors.contains(&i8::MIN) {
            return Err(record("centres: an element of -128"));
        }
        let mut rows = vectors.chunks_exact(dimension.max(1));
        if !norms.iter().all(|&norm| norm != 0 && rows.next().map(squared) == Some(norm)) {
            return Err(record("norms"));
        }
        // Owners ascend and every person has a centre, so owners step by 0 or 1, from 0 to people - 1.
        let mut next: u16 = 0;
        for &owner in owners {
            if owner == next && next < people {
                next += 1;
            } else if owner.checked_add(1) != Some(next) {
                return Err(record("owners"));
            }
        }
        if next != people {
            return Err(record("owners"));
        }
        let names = bytes.get(HEAD_BYTES..HEAD_BYTES + names_bytes).ok_or(record("names bytes"))?;
        let gallery =
            Gallery { people: names, people_count: people, dimension: found, vectors, norms, owners };
        if section == Section::Gallery {
            gallery.check_people().map_err(record)?;
        } else if !names.is_empty() {
            return Err(record("names in a cohort"));
        } else if people != centres {
            return Err(record("a stranger with several centres"));
        }
        Ok(gallery)
    }

    fn check_people(&self) -> Result<(), &'static str> {
        let mut rest = self.people;
        for _ in 0..self.people_count {
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
        self.people_count.into()
    }

    /// Elements of a centre.
    pub fn dimension(&self) -> usize {
        self.dimension.into()
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

/// A centre and the number of the person it belongs to.
pub type Centre<'a> = (u16, &'a [i8]);

/// Length of the section that [`emit`] writes.
///
/// # Panics
/// When `dimension` or the number of centres is over its limit.
pub fn emitted_bytes(dimension: usize, people: &[Person<'_>], centres: usize) -> usize {
    assert!(dimension <= MAX_DIMENSION && centres <= MAX_CENTRES);
    Layout::of(names_bytes(people), dimension, centres).end
}

fn names_bytes(people: &[Person<'_>]) -> usize {
    // A record of a text and a number always has a size.
    people.iter().map(|person| postcard::experimental::serialized_size(person).unwrap_or(0)).sum()
}

/// Writes a section. `people` is empty for a cohort, whose strangers are its centres. Norms are computed here.
///
/// # Panics
/// When the length of `out` differs from [`emitted_bytes`], or a centre does not have `dimension` elements.
pub fn emit(model: ModelId, dimension: usize, people: &[Person<'_>], centres: &[Centre<'_>], out: &mut [u8]) {
    assert_eq!(out.len(), emitted_bytes(dimension, people, centres.len()));
    out.fill(0);
    let names_bytes = names_bytes(people);
    let layout = Layout::of(names_bytes, dimension, centres.len());
    let count = if people.is_empty() { centres.len() } else { people.len() };
    put(out, 0, model.0);
    for (at, value) in [(16, dimension), (18, count), (20, centres.len())] {
        put(out, at, (value as u16).to_le_bytes());
    }
    put(out, 24, (names_bytes as u32).to_le_bytes());
    let mut names = &mut out[HEAD_BYTES..HEAD_BYTES + names_bytes];
    for person in people {
        // The buffer is long enough: it was sized for these records.
        let written = postcard::to_slice(person, names).map_or(0, |written| written.len());
        names = &mut names[written..];
    }
    for (index, (owner, centre)) in centres.iter().enumerate() {
        assert_eq!(centre.len(), dimension);
        out[layout.vectors + index * dimension..][..dimension].copy_from_slice(bytemuck::cast_slice(centre));
        put(out, layout.norms + 4 * index, squared(centre).to_le_bytes());
        put(out, layout.owners + 2 * index, owner.to_le_bytes());
    }
}
