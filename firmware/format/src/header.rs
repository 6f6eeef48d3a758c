//! The header: magic, version, section table, digests. Parsing beside emitting.

use sha2::{Digest as _, Sha256};

use crate::{ALIGNMENT, ImageError, align_up};

/// First four bytes of an image.
pub const MAGIC: [u8; 4] = *b"GEOD";
/// Layout version; must match exactly.
pub const MAJOR: u16 = 1;
/// Additions within a major version; an image may not be newer than its reader.
pub const MINOR: u16 = 0;

/// SHA-256.
pub type Digest = [u8; 32];

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
    pub const KIND: Range<usize> = 0..4;
    pub const OFFSET: Range<usize> = 4..8;
    pub const SECTION_LENGTH: Range<usize> = 8..12;
    pub const ZERO: Range<usize> = 12..16;
    pub const SECTION_DIGEST: Range<usize> = 16..48;
}

/// Length of the fixed part of the header, in bytes.
pub const FIXED_BYTES: usize = field::TABLE;

/// A part of the image. The order is the order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    /// The network.
    Model = 1,
    /// Meaning of a pixel.
    Preprocess = 2,
    /// Enrolled people.
    Gallery = 3,
    /// Strangers.
    Cohort = 4,
    /// Margin and thresholds.
    Policy = 5,
}

impl Section {
    /// All sections, in file order.
    pub const ALL: [Section; 5] =
        [Section::Model, Section::Preprocess, Section::Gallery, Section::Cohort, Section::Policy];

    fn from_kind(kind: u32) -> Option<Section> {
        Self::ALL.into_iter().find(|&section| section as u32 == kind)
    }

    fn index(self) -> usize {
        self as usize - 1
    }
}

/// Identifies a network together with its preprocessing: the first 16 bytes of the SHA-256 over the digests of
/// the MODEL and PREPROCESS sections. Two images with the same id give the same embedding for the same pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ModelId(pub [u8; 16]);

impl ModelId {
    /// The id for the given MODEL and PREPROCESS sections.
    pub fn of_sections(model: &[u8], preprocess: &[u8]) -> Self {
        Self::of_digests(&Sha256::digest(model).into(), &Sha256::digest(preprocess).into())
    }

    fn of_digests(model: &Digest, preprocess: &Digest) -> Self {
        let digest: Digest = Sha256::new().chain_update(model).chain_update(preprocess).finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        ModelId(id)
    }
}

/// What the header says: where each section lies, all digests verified.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a> {
    bytes: [Option<&'a [u8]>; Section::ALL.len()],
    /// Digest of the whole image (of its header, which holds the sections' digests).
    pub digest: Digest,
    /// Id of the network and its preprocessing.
    pub model_id: ModelId,
}

impl<'a> Sections<'a> {
    /// The bytes of a section, or `None` when the image has none.
    pub fn get(&self, section: Section) -> Option<&'a [u8]> {
        self.bytes[section.index()]
    }

    /// The bytes of a section that every image has.
    ///
    /// # Errors
    /// [`ImageError::MissingSection`].
    pub fn require(&self, section: Section) -> Result<&'a [u8], ImageError> {
        self.get(section).ok_or(ImageError::MissingSection(section))
    }
}

fn u16_at(bytes: &[u8], range: core::ops::Range<usize>) -> u16 {
    let mut value = [0; 2];
    value.copy_from_slice(&bytes[range]);
    u16::from_le_bytes(value)
}

fn u32_at(bytes: &[u8], range: core::ops::Range<usize>) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[range]);
    u32::from_le_bytes(value)
}

/// Digest over the header without its own digest field.
fn header_digest(header: &[u8]) -> Digest {
    Sha256::new()
        .chain_update(&header[..field::DIGEST.start])
        .chain_update(&header[field::TABLE..])
        .finalize()
        .into()
}

/// Length in bytes of the image that starts `bytes`, read from its header without checking anything else: how
/// much a loader must read before [`parse`].
///
/// # Errors
/// [`ImageError::Truncated`], [`ImageError::Magic`].
pub fn image_bytes(bytes: &[u8]) -> Result<usize, ImageError> {
    if bytes.len() < FIXED_BYTES {
        return Err(ImageError::Truncated { needed: FIXED_BYTES as u32, found: bytes.len() as u32 });
    }
    if bytes[field::MAGIC] != MAGIC {
        return Err(ImageError::Magic);
    }
    Ok(u32_at(bytes, field::LENGTH) as usize)
}

/// Reads header and section table, verifies every digest. Bytes after the image's own length are ignored, so
/// that a whole flash region can be passed.
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
    let image = &bytes[..length];
    let (header, _) = image.split_at(table_end);
    let digest = header_digest(header);
    if header[field::DIGEST] != digest {
        return Err(ImageError::HeaderDigest);
    }

    let mut sections = [None; Section::ALL.len()];
    let mut digests = [[0; 32]; Section::ALL.len()];
    let mut previous = None;
    let mut end = table_end;
    for entry in header[field::TABLE..].chunks_exact(field::ENTRY) {
        let section = Section::from_kind(u32_at(entry, field::KIND))
            .ok_or(ImageError::SectionKind(u32_at(entry, field::KIND)))?;
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
        if image[end..offset].iter().any(|&byte| byte != 0) {
            return Err(ImageError::Padding(section));
        }
        let body = &image[offset..section_end];
        let body_digest: Digest = Sha256::digest(body).into();
        if entry[field::SECTION_DIGEST] != body_digest {
            return Err(ImageError::SectionDigest(section));
        }
        sections[section.index()] = Some(body);
        digests[section.index()] = body_digest;
        previous = Some(section);
        end = section_end;
    }
    if end != length {
        return Err(ImageError::Length { header: length as u32, sections: end as u32 });
    }
    let model_id =
        ModelId::of_digests(&digests[Section::Model.index()], &digests[Section::Preprocess.index()]);
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

/// Writes an image into `out`, which [`emitted_bytes`] gives the length of.
///
/// # Panics
/// When `out` has another length, or sections are not in ascending order.
pub fn emit(sections: &[(Section, &[u8])], out: &mut [u8]) {
    assert_eq!(Some(out.len()), emitted_bytes(sections));
    assert!(sections.is_sorted_by(|a, b| a.0 < b.0), "sections in ascending order");
    out.fill(0);
    out[field::MAGIC].copy_from_slice(&MAGIC);
    out[field::MAJOR].copy_from_slice(&MAJOR.to_le_bytes());
    out[field::MINOR].copy_from_slice(&MINOR.to_le_bytes());
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
        entry[field::KIND].copy_from_slice(&(*section as u32).to_le_bytes());
        entry[field::OFFSET].copy_from_slice(&(offset as u32).to_le_bytes());
        entry[field::SECTION_LENGTH].copy_from_slice(&(body.len() as u32).to_le_bytes());
        entry[field::SECTION_DIGEST].copy_from_slice(&Sha256::digest(body));
    }
    let digest = header_digest(&out[..table_end]);
    out[field::DIGEST].copy_from_slice(&digest);
}
