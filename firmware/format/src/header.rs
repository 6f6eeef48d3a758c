//! The header: magic, version, section table, digests. Each is parsed and emitted here.

use crate::{ALIGNMENT, ImageError, align_up, bytes};

/// First four bytes of an image.
pub const MAGIC: [u8; 4] = *b"GEOD";
/// Layout version; must match exactly.
pub const MAJOR: u16 = 3;
/// Version of additions within a major version. An image newer than its reader is refused.
pub const MINOR: u16 = 1;

/// BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020), 32 bytes. On a Cortex-M7 it costs less than half of SHA-256, and every
/// start hashes the whole image.
pub type Digest = [u8; 32];

fn digest_of(bytes: &[u8]) -> Digest {
    *blake3::hash(bytes).as_bytes()
}

mod field {
    use core::ops::Range;

    pub const MAGIC: Range<usize> = 0..4;
    pub const MAJOR: Range<usize> = 4..6;
    pub const MINOR: Range<usize> = 6..8;
    pub const LENGTH: Range<usize> = 8..12;
    pub const SECTIONS: Range<usize> = 12..14;
    pub const FLAGS: Range<usize> = 14..16;
    pub const DIGEST: Range<usize> = 16..48;
    pub const TABLE: usize = 48;

    pub const ENTRY: usize = 48;
    pub const KIND: Range<usize> = 0..2;
    pub const ROLE: Range<usize> = 2..4;
    pub const OFFSET: Range<usize> = 4..8;
    pub const SECTION_LENGTH: Range<usize> = 8..12;
    pub const ZERO: Range<usize> = 12..16;
    pub const SECTION_DIGEST: Range<usize> = 16..48;
}

/// Length of the fixed part of the header, in bytes.
pub const FIXED_BYTES: usize = field::TABLE;

/// The purpose of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Role {
    /// Turns a face's crop into its embedding. Every image has one.
    Embedder = 1,
    /// Finds the faces of a frame.
    Detector = 2,
    /// Finds the landmarks of a face.
    Landmarks = 3,
    /// Tells how likely a face is alive.
    Liveness = 4,
}

impl Role {
    /// All roles, in file order.
    pub const ALL: [Role; 4] = [Role::Embedder, Role::Detector, Role::Landmarks, Role::Liveness];

    /// The role's name in commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Embedder => "embedder",
            Role::Detector => "detector",
            Role::Landmarks => "landmarks",
            Role::Liveness => "liveness",
        }
    }

    /// Index in an array with one element for each role.
    pub(crate) const fn index(self) -> usize {
        self as usize - 1
    }
}

/// A part of the image. The order here is the order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// A network and the description of its input.
    Network(Role),
    /// Enrolled people.
    Gallery,
    /// Strangers.
    Cohort,
    /// Margin and thresholds.
    Policy,
    /// A crop and its embedding.
    Golden,
    /// The signature of the image.
    Signature,
    /// How faces are found and examined.
    Sight,
}

impl Section {
    /// All sections, in file order.
    pub const ALL: [Section; 10] = [
        Section::Network(Role::Embedder),
        Section::Network(Role::Detector),
        Section::Network(Role::Landmarks),
        Section::Network(Role::Liveness),
        Section::Gallery,
        Section::Cohort,
        Section::Policy,
        Section::Golden,
        Section::Signature,
        Section::Sight,
    ];

    /// Kind and role in the section table. Kinds without a role have role 0.
    pub const fn code(self) -> [u16; 2] {
        match self {
            Section::Network(role) => [1, role as u16],
            Section::Gallery => [2, 0],
            Section::Cohort => [3, 0],
            Section::Policy => [4, 0],
            Section::Golden => [5, 0],
            Section::Signature => [6, 0],
            Section::Sight => [7, 0],
        }
    }

    /// The minor version that brought the section.
    const fn minor(self) -> u16 {
        match self {
            Section::Network(_) | Section::Gallery | Section::Cohort | Section::Policy => 0,
            Section::Golden | Section::Signature => 0,
            Section::Sight => 1,
        }
    }

    fn of_code(code: [u16; 2]) -> Option<Section> {
        Self::ALL.into_iter().find(|section| section.code() == code)
    }

    /// Index in [`Self::ALL`].
    const fn index(self) -> usize {
        match self {
            Section::Network(role) => role.index(),
            other => other.code()[0] as usize + Role::ALL.len() - 2,
        }
    }
}

/// Identifies the embedder and the meaning of its input: the first 16 bytes of the digest of its NETWORK section.
/// Two images with the same id give the same embedding for the same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelId(pub [u8; 16]);

impl ModelId {
    /// The id for the embedder's NETWORK section.
    pub fn of_section(network: &[u8]) -> Self {
        Self::of_digest(&digest_of(network))
    }

    fn of_digest(digest: &Digest) -> Self {
        ModelId(bytes::chunk_at(digest, 0))
    }
}

/// A parsed header: where each section lies. All digests are verified.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a> {
    bytes: [Option<&'a [u8]>; Section::ALL.len()],
    /// Digest of the header. It covers the whole image, because the header holds the sections' digests.
    pub digest: Digest,
    /// Id of the embedder.
    pub model_id: ModelId,
}

impl<'a> Sections<'a> {
    /// The bytes of a section, or `None` if the image does not have it.
    pub fn get(&self, section: Section) -> Option<&'a [u8]> {
        self.bytes.get(section.index()).copied().flatten()
    }

    /// The bytes of a section that every image has.
    ///
    /// # Errors
    /// [`ImageError::MissingSection`].
    pub fn require(&self, section: Section) -> Result<&'a [u8], ImageError> {
        self.get(section).ok_or(ImageError::MissingSection(section))
    }
}

fn u16_at(record: &[u8], range: core::ops::Range<usize>) -> u16 {
    bytes::u16_at(record, range.start)
}

fn u32_at(record: &[u8], range: core::ops::Range<usize>) -> u32 {
    bytes::u32_at(record, range.start)
}

/// The longest header without its digest, in bytes.
const MOST_COVERED_BYTES: usize =
    FIXED_BYTES + Section::ALL.len() * field::ENTRY - field::DIGEST.end + field::DIGEST.start;

/// Digest over the header without its own digest field.
fn header_digest(header: &[u8]) -> Digest {
    let (before, rest) = header.split_at_checked(field::DIGEST.start).unwrap_or_default();
    let table = rest.get(field::DIGEST.len()..).unwrap_or_default();
    // In one piece, as hashing pieces would be four kilobytes of code more. A longer header was refused.
    let mut covered = [0; MOST_COVERED_BYTES];
    covered.iter_mut().zip(before.iter().chain(table)).for_each(|(place, byte)| *place = *byte);
    digest_of(covered.get(..before.len() + table.len()).unwrap_or_default())
}

/// Length in bytes of the image that starts `bytes`, read from its header without any other check. A loader must read
/// this many bytes before [`parse`].
///
/// # Errors
/// [`ImageError::Truncated`], [`ImageError::Magic`].
pub fn image_bytes(bytes: &[u8]) -> Result<usize, ImageError> {
    if bytes.len() < FIXED_BYTES {
        return Err(ImageError::Truncated { needed: FIXED_BYTES as u32, found: bytes.len() as u32 });
    }
    if !bytes.starts_with(&MAGIC) {
        return Err(ImageError::Magic);
    }
    Ok(u32_at(bytes, field::LENGTH) as usize)
}

/// Reads the header and the section table and verifies every digest. Bytes after the image's own length are ignored,
/// so that a whole flash region can be passed.
///
/// # Errors
/// An [`ImageError`] naming the first field that is wrong.
pub fn parse(bytes: &[u8]) -> Result<Sections<'_>, ImageError> {
    if bytes.as_ptr().align_offset(ALIGNMENT) != 0 {
        return Err(ImageError::Misaligned);
    }
    let length = image_bytes(bytes)?;
    let (major, minor) = (u16_at(bytes, field::MAJOR), u16_at(bytes, field::MINOR));
    if major != MAJOR || minor > MINOR {
        return Err(ImageError::Version { major, minor });
    }
    if length > bytes.len() {
        return Err(ImageError::Truncated { needed: length as u32, found: bytes.len() as u32 });
    }
    if u16_at(bytes, field::FLAGS) != 0 {
        return Err(ImageError::Flags);
    }
    let count = u16_at(bytes, field::SECTIONS) as usize;
    let table_end = field::TABLE + count * field::ENTRY;
    if count == 0 || count > Section::ALL.len() || table_end > length {
        return Err(ImageError::SectionCount(count as u16));
    }
    let image = bytes.get(..length).unwrap_or_default();
    let header = image.get(..table_end).unwrap_or_default();
    let digest = header_digest(header);
    if header.get(field::DIGEST) != Some(&digest) {
        return Err(ImageError::HeaderDigest);
    }

    let mut sections = [None; Section::ALL.len()];
    let mut model_id = ModelId([0; 16]);
    let mut previous = None;
    let mut end = table_end;
    let (entries, _) = header.get(field::TABLE..).unwrap_or_default().as_chunks::<{ field::ENTRY }>();
    for entry in entries {
        let [kind, role] = [field::KIND, field::ROLE].map(|range| u16_at(entry, range));
        let section = Section::of_code([kind, role])
            .filter(|section| section.minor() <= minor)
            .ok_or(ImageError::SectionKind { kind, role })?;
        let offset = u32_at(entry, field::OFFSET) as usize;
        let section_end = offset.checked_add(u32_at(entry, field::SECTION_LENGTH) as usize);
        let section_end = section_end.filter(|&e| e <= length).ok_or(ImageError::SectionRange(section))?;
        if !offset.is_multiple_of(ALIGNMENT)
            || Some(offset) != align_up(end)
            || u32_at(entry, field::ZERO) != 0
        {
            return Err(ImageError::SectionRange(section));
        }
        if previous.is_some_and(|p| p >= section) {
            return Err(ImageError::SectionOrder(section));
        }
        if !bytes::is_zero(image, end..offset) {
            return Err(ImageError::Padding(section));
        }
        let body = image.get(offset..section_end).ok_or(ImageError::SectionRange(section))?;
        // The signature covers the table, so the table cannot hold the signature's digest.
        let body_digest: Digest = match section {
            Section::Signature => [0; 32],
            _ => digest_of(body),
        };
        if entry.get(field::SECTION_DIGEST) != Some(&body_digest) {
            return Err(ImageError::SectionDigest(section));
        }
        if let Some(place) = sections.get_mut(section.index()) {
            *place = Some(body);
        }
        if section == Section::Network(Role::Embedder) {
            model_id = ModelId::of_digest(&body_digest);
        }
        previous = Some(section);
        end = section_end;
    }
    if end != length {
        return Err(ImageError::Length { header: length as u32, sections: end as u32 });
    }
    Ok(Sections { bytes: sections, digest, model_id })
}

/// Length in bytes of the image that [`emit`] makes of these sections, or `None` when over 4 GiB.
pub fn emitted_bytes(sections: &[(Section, &[u8])]) -> Option<usize> {
    let mut end = field::TABLE + sections.len() * field::ENTRY;
    for (_, body) in sections {
        end = align_up(end)?.checked_add(body.len())?;
    }
    u32::try_from(end).ok().map(|end| end as usize)
}

/// Writes an image into `out`, whose length must be [`emitted_bytes`]. Its minor version is the oldest that has all of
/// its sections.
///
/// # Panics
/// When `out` has another length, or sections are not in ascending order.
pub fn emit(sections: &[(Section, &[u8])], out: &mut [u8]) {
    assert_eq!(Some(out.len()), emitted_bytes(sections));
    assert!(sections.is_sorted_by(|a, b| a.0 < b.0), "sections in ascending order");
    out.fill(0);
    out[field::MAGIC].copy_from_slice(&MAGIC);
    out[field::MAJOR].copy_from_slice(&MAJOR.to_le_bytes());
    let minor = sections.iter().map(|(section, _)| section.minor()).max().unwrap_or(0);
    out[field::MINOR].copy_from_slice(&minor.to_le_bytes());
    let length = out.len() as u32;
    out[field::LENGTH].copy_from_slice(&length.to_le_bytes());
    out[field::SECTIONS].copy_from_slice(&(sections.len() as u16).to_le_bytes());
    let table_end = field::TABLE + sections.len() * field::ENTRY;
    let mut end = table_end;
    for (index, (section, body)) in sections.iter().enumerate() {
        let offset = end.next_multiple_of(ALIGNMENT);
        end = offset + body.len();
        out[offset..end].copy_from_slice(body);
        let entry = &mut out[field::TABLE + index * field::ENTRY..][..field::ENTRY];
        let [kind, role] = section.code();
        entry[field::KIND].copy_from_slice(&kind.to_le_bytes());
        entry[field::ROLE].copy_from_slice(&role.to_le_bytes());
        entry[field::OFFSET].copy_from_slice(&(offset as u32).to_le_bytes());
        entry[field::SECTION_LENGTH].copy_from_slice(&(body.len() as u32).to_le_bytes());
        if *section != Section::Signature {
            entry[field::SECTION_DIGEST].copy_from_slice(&digest_of(body));
        }
    }
    let digest = header_digest(&out[..table_end]);
    out[field::DIGEST].copy_from_slice(&digest);
}

#[cfg(test)]
mod tests {
    use super::digest_of;

    /// The test vectors of the BLAKE3 team for inputs of two chunks and of a hundred: byte `i` is `i % 251`.
    #[test]
    fn digest_is_blake3() {
        for (bytes, expected) in [
            (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
            (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
        ] {
            let input: std::vec::Vec<u8> = (0..bytes).map(|place| (place % 251) as u8).collect();
            let found: std::string::String =
                digest_of(&input).iter().map(|byte| std::format!("{byte:02x}")).collect();
            assert_eq!(found, expected);
        }
    }
}
