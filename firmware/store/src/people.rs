//! A person as enrolled ([`Draft`]), listed ([`Entry`], [`Head`]) and opened ([`Record`]).

use zeroize::Zeroize;

use crate::{MAX_CENTRES, MAX_DIMENSION, MAX_NAME};

/// A sub-centre of a person: the direction of a group of photos.
#[derive(Clone, Copy)]
pub struct SubCentre<'a> {
    /// Number of photos that it was made from.
    pub photos: u16,
    /// As many elements as the store's dimension, from -127 to 127, not all zero.
    pub vector: &'a [i8],
}

/// A person to be stored.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// 1 to [`MAX_NAME`] bytes.
    pub name: &'a str,
    /// The device's own marks.
    pub flags: u16,
    /// 1 to [`MAX_CENTRES`].
    pub centres: &'a [SubCentre<'a>],
}

/// What the store keeps of a person in RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the person, never used again.
    pub id: u32,
    /// Photos of all sub-centres together, at most 65,535.
    pub photos: u16,
    /// The device's own marks.
    pub flags: u16,
    /// Number of sub-centres, 1 to [`MAX_CENTRES`].
    pub centres: u8,
}

/// A person without centres. It is wiped when dropped.
pub struct Head {
    pub(crate) id: u32,
    pub(crate) flags: u16,
    pub(crate) centres: u8,
    pub(crate) name_bytes: u8,
    pub(crate) photos: [u16; MAX_CENTRES],
    pub(crate) name: [u8; MAX_NAME],
}

impl Default for Head {
    fn default() -> Self {
        Self::new()
    }
}

impl Head {
    /// Nobody.
    pub const fn new() -> Self {
        Head { id: 0, flags: 0, centres: 0, name_bytes: 0, photos: [0; MAX_CENTRES], name: [0; MAX_NAME] }
    }

    /// The draft's head. The draft was checked.
    pub(crate) fn of(id: u32, draft: &Draft) -> Self {
        let mut head = Head { id, flags: draft.flags, centres: draft.centres.len() as u8, ..Head::new() };
        for (photos, centre) in head.photos.iter_mut().zip(draft.centres) {
            *photos = centre.photos;
        }
        head.rename(draft.name);
        head
    }

    /// Takes a name that was checked.
    pub(crate) fn rename(&mut self, name: &str) {
        self.name = [0; MAX_NAME];
        self.name.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
        self.name_bytes = name.len() as u8;
    }

    pub(crate) fn entry(&self) -> Entry {
        let photos = self.photos.iter().fold(0u16, |sum, &photos| sum.saturating_add(photos));
        Entry { id: self.id, photos, flags: self.flags, centres: self.centres }
    }

    /// Number of the person; 0 is nobody.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The device's own marks.
    pub fn flags(&self) -> u16 {
        self.flags
    }

    /// The name; empty for nobody.
    pub fn name(&self) -> &str {
        let bytes = self.name.get(..self.name_bytes.into()).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Number of photos of each sub-centre.
    pub fn photos(&self) -> &[u16] {
        self.photos.get(..self.centres.into()).unwrap_or_default()
    }

    /// Overwrites everything with nobody.
    pub fn wipe(&mut self) {
        self.id = 0;
        self.flags = 0;
        self.centres = 0;
        self.name_bytes = 0;
        self.photos.zeroize();
        self.name.zeroize();
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// An opened person, with centres: about 4 KB. It is wiped when dropped.
pub struct Record {
    pub(crate) head: Head,
    pub(crate) dimension: u16,
    pub(crate) vectors: [i8; MAX_CENTRES * MAX_DIMENSION],
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Record {
    /// Nobody.
    pub const fn new() -> Self {
        Record { head: Head::new(), dimension: 0, vectors: [0; MAX_CENTRES * MAX_DIMENSION] }
    }

    /// The person without centres.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The sub-centres in order; none for nobody.
    pub fn centres(&self) -> impl Iterator<Item = SubCentre<'_>> {
        let vectors = self.vectors.chunks_exact(usize::from(self.dimension).max(1));
        self.head.photos().iter().zip(vectors).map(|(&photos, vector)| SubCentre { photos, vector })
    }

    /// Overwrites everything with nobody.
    pub fn wipe(&mut self) {
        self.head.wipe();
        self.vectors.zeroize();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.wipe();
    }
}
