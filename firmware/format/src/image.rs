//! The whole image, checked: a borrowed view of its sections.

use core::fmt;

use crate::gallery::Gallery;
use crate::golden::Golden;
use crate::header::{self, Digest, ModelId, Role, Section};
use crate::network::Model;
use crate::policy::Policy;
use crate::sight::SightSection;
use crate::signature::Signature;

/// Why an image was refused. Names the field that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The image does not start at a multiple of 16 in memory.
    Misaligned,
    /// It ends too early.
    Truncated {
        /// Bytes it should have.
        needed: u32,
        /// Bytes that were found.
        found: u32,
    },
    /// It does not begin with `GEOD`, so it is not an image.
    Magic,
    /// This firmware cannot read the version of its format.
    Version {
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
    },
    /// The header's length differs from the end of the last section.
    Length {
        /// Length in the header.
        header: u32,
        /// End of the last section.
        sections: u32,
    },
    /// A flag is set that this firmware does not know.
    Flags,
    /// The number of sections is impossible.
    SectionCount(
        /// The count.
        u16,
    ),
    /// The header does not match its digest.
    HeaderDigest,
    /// A section has an unknown kind or role.
    SectionKind {
        /// The kind.
        kind: u16,
        /// The role.
        role: u16,
    },
    /// A section's offset or length is impossible.
    SectionRange(
        /// The section.
        Section,
    ),
    /// A section occurs twice, or is out of order.
    SectionOrder(
        /// The section.
        Section,
    ),
    /// Bytes before a section are not zero.
    Padding(
        /// The section.
        Section,
    ),
    /// A section does not match its digest.
    SectionDigest(
        /// The section.
        Section,
    ),
    /// A section is missing.
    MissingSection(
        /// The section.
        Section,
    ),
    /// A record is malformed.
    Record {
        /// The section.
        section: Section,
        /// The field.
        field: &'static str,
    },
    /// A layer is malformed.
    Layer {
        /// The network.
        role: Role,
        /// The layer's number; 0 is the input.
        index: u16,
        /// The field.
        field: &'static str,
    },
    /// The section was made with another network than the image's.
    ForeignGallery(
        /// The section.
        Section,
    ),
    /// Centres and embeddings differ in length.
    Dimension {
        /// The section.
        section: Section,
        /// Elements of a centre.
        gallery: u16,
        /// Elements of an embedding.
        network: u16,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned => write!(f, "image does not start at a multiple of 16 in memory"),
            Self::Truncated { needed, found } => {
                write!(f, "image is cut short: {found} bytes of {needed}")
            }
            Self::Magic => write!(f, "not a Geode image: it does not begin with GEOD"),
            Self::Version { major, minor } => {
                let advice = if major < header::MAJOR {
                    "it was made by an older host: export again"
                } else {
                    "it was made by a newer host: update this program or the board's firmware"
                };
                let (known, newest) = (header::MAJOR, header::MINOR);
                write!(
                    f,
                    "image of format {major}.{minor}, {known}.0 to {known}.{newest} can be read; {advice}"
                )
            }
            Self::Length { header, sections } => {
                write!(f, "header: length is {header} bytes but sections end at {sections}")
            }
            Self::Flags => write!(f, "header: unknown flags"),
            Self::SectionCount(count) => write!(f, "header: impossible number of sections ({count})"),
            Self::HeaderDigest => write!(f, "header: digest does not match, the image is corrupted"),
            Self::SectionKind { kind, role } => {
                write!(f, "section table: unknown section of kind {kind}, role {role}")
            }
            Self::SectionRange(section) => write!(f, "section table: impossible place of {section:?}"),
            Self::SectionOrder(section) => write!(f, "section table: {section:?} repeated or out of order"),
            Self::Padding(section) => write!(f, "padding before {section:?} is not zero"),
            Self::SectionDigest(section) => {
                write!(f, "{section:?}: digest does not match, the image is corrupted")
            }
            Self::MissingSection(section) => write!(f, "{section:?}: section is missing"),
            Self::Record { section, field } => write!(f, "{section:?}: bad {field}"),
            Self::Layer { role, index, field } => write!(f, "{}: layer {index}: bad {field}", role.name()),
            Self::ForeignGallery(section) => {
                write!(
                    f,
                    "{section:?}: made with another network or preprocessing; enrol again with this one"
                )
            }
            Self::Dimension { section, gallery, network } => {
                write!(f, "{section:?}: centres have {gallery} elements, embeddings have {network}")
            }
        }
    }
}

impl core::error::Error for ImageError {}

/// A checked image.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// The network that makes embeddings.
    pub embedder: Model<'a>,
    /// The other networks, in the order of [`Role::ALL`] without the embedder.
    others: [Option<&'a [u8]>; Role::ALL.len() - 1],
    /// Bytes of arena for the largest network.
    arena_bytes: u32,
    /// Enrolled people.
    pub gallery: Gallery<'a>,
    /// Strangers, if the image has any.
    pub cohort: Option<Gallery<'a>>,
    /// The rules and thresholds of acceptance.
    pub policy: Policy<'a>,
    /// How faces are found and examined, if the image has eyes. Then it has a detector.
    pub sight: Option<SightSection<'a>>,
    /// A crop and the embedding that the embedder must give for it, if the image has one.
    pub golden: Option<Golden<'a>>,
    /// The signature, if the image is signed. It is not verified here.
    pub signature: Option<Signature<'a>>,
    /// Id of the embedder.
    pub model_id: ModelId,
    /// Digest (BLAKE3) of the image's header, which holds the digests of its sections.
    pub digest: Digest,
}

impl<'a> Image<'a> {
    /// Checks an image that starts at `bytes[0]`, which must be aligned to 16 in memory. Bytes after the image's own
    /// length are ignored.
    ///
    /// # Errors
    /// The first wrong field found.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let sections = header::parse(bytes)?;
        let model_id = sections.model_id;
        let embedder =
            Model::new_checked(Role::Embedder, sections.require(Section::Network(Role::Embedder))?)?;
        let dimension = embedder.dimension()?;
        let mut others = [None; Role::ALL.len() - 1];
        let mut arena_bytes = embedder.arena_bytes();
        for role in Role::ALL {
            if role != Role::Embedder
                && let Some(section) = sections.get(Section::Network(role))
            {
                arena_bytes = arena_bytes.max(Model::new_checked(role, section)?.arena_bytes());
                others[role.index() - 1] = Some(section);
            }
        }
        let centres = |section, bytes| Gallery::new_checked(section, bytes, model_id, dimension);
        let gallery = centres(Section::Gallery, sections.require(Section::Gallery)?)?;
        let cohort = match sections.get(Section::Cohort) {
            Some(bytes) => Some(centres(Section::Cohort, bytes)?),
            None => None,
        };
        let policy = Policy::new_checked(sections.require(Section::Policy)?, model_id)?;
        let sight = sections.get(Section::Sight).map(SightSection::new_checked).transpose()?;
        if sight.is_some() && others[Role::Detector.index() - 1].is_none() {
            return Err(ImageError::MissingSection(Section::Network(Role::Detector)));
        }
        let golden = match sections.get(Section::Golden) {
            Some(bytes) => Some(Golden::new_checked(bytes, embedder.preprocess().crop_bytes(), dimension)?),
            None => None,
        };
        let signature = sections.get(Section::Signature).map(Signature::new_checked).transpose()?;
        let digest = sections.digest;
        let arena_bytes = arena_bytes as u32;
        Ok(Image {
            embedder,
            others,
            arena_bytes,
            gallery,
            cohort,
            policy,
            sight,
            golden,
            signature,
            model_id,
            digest,
        })
    }

    /// The network of this role, if the image has one. Reads all of its records: to be kept, not asked for again.
    pub fn network(&self, role: Role) -> Option<Model<'a>> {
        match role {
            Role::Embedder => Some(self.embedder),
            // Checked with the image.
            other => Model::new_checked(other, self.others[other.index() - 1]?).ok(),
        }
    }

    /// Elements of an embedding.
    pub fn dimension(&self) -> usize {
        self.gallery.dimension()
    }

    /// Bytes of arena for the largest network of the image. The networks run one after another in it.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes as usize
    }
}
