//! The whole image, checked: a borrowed view of its sections.

use core::fmt;

use crate::gallery::Gallery;
use crate::header::{self, Digest, ModelId, Section};
use crate::model::Model;
use crate::policy::Policy;
use crate::preprocess::Preprocess;

/// Why an image was refused: the field that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// The image does not start at a multiple of 16 in memory.
    Misaligned,
    /// It ends too early.
    Truncated {
        /// Bytes it should have.
        needed: u32,
        /// Bytes there are.
        found: u32,
    },
    /// It does not begin with `GEOD`: not an image.
    Magic,
    /// Made for another version of the firmware.
    Version {
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
    },
    /// The header's length is not where the last section ends.
    Length {
        /// What the header says.
        header: u32,
        /// Where the last section ends.
        sections: u32,
    },
    /// A flag this firmware does not know.
    Flags,
    /// Impossible number of sections.
    SectionCount(
        /// The number.
        u16,
    ),
    /// The header does not match its digest.
    HeaderDigest,
    /// A section of unknown kind.
    SectionKind(
        /// The kind.
        u32,
    ),
    /// A section's offset or length is impossible.
    SectionRange(
        /// Which.
        Section,
    ),
    /// A section twice, or out of order.
    SectionOrder(
        /// Which.
        Section,
    ),
    /// Bytes before a section are not zero.
    Padding(
        /// Which.
        Section,
    ),
    /// A section does not match its digest.
    SectionDigest(
        /// Which.
        Section,
    ),
    /// A section is missing.
    MissingSection(
        /// Which.
        Section,
    ),
    /// A record is malformed.
    Record {
        /// In which section.
        section: Section,
        /// Which field.
        field: &'static str,
    },
    /// A layer is malformed.
    Layer {
        /// Its number; 0 is the input.
        index: u16,
        /// Which field.
        field: &'static str,
    },
    /// Made with another network than the image's.
    ForeignGallery(
        /// Which section.
        Section,
    ),
    /// Centres and embeddings differ in length.
    Dimension {
        /// Which section.
        section: Section,
        /// Elements a centre.
        gallery: u16,
        /// Elements an embedding.
        network: u16,
    },
    /// The crop is not what the network takes.
    CropSize,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned => write!(f, "image does not start at a multiple of 16 in memory"),
            Self::Truncated { needed, found } => {
                write!(f, "image is cut short: {found} bytes of {needed}")
            }
            Self::Magic => write!(f, "not a Geode image: it does not begin with GEOD"),
            Self::Version { major, minor } => write!(
                f,
                "image of version {major}.{minor}, this program reads {}.0 to {}.{}: export it again, or update the firmware",
                header::MAJOR,
                header::MAJOR,
                header::MINOR
            ),
            Self::Length { header, sections } => {
                write!(f, "header: length is {header} bytes but sections end at {sections}")
            }
            Self::Flags => write!(f, "header: unknown flags"),
            Self::SectionCount(count) => write!(f, "header: impossible number of sections ({count})"),
            Self::HeaderDigest => write!(f, "header: SHA-256 does not match, the image is corrupted"),
            Self::SectionKind(kind) => write!(f, "section table: unknown kind {kind}"),
            Self::SectionRange(section) => write!(f, "section table: impossible place of {section:?}"),
            Self::SectionOrder(section) => write!(f, "section table: {section:?} twice or out of order"),
            Self::Padding(section) => write!(f, "padding before {section:?} is not zero"),
            Self::SectionDigest(section) => {
                write!(f, "{section:?}: SHA-256 does not match, the image is corrupted")
            }
            Self::MissingSection(section) => write!(f, "{section:?}: section is missing"),
            Self::Record { section, field } => write!(f, "{section:?}: bad {field}"),
            Self::Layer { index, field } => write!(f, "Model: layer {index}: bad {field}"),
            Self::ForeignGallery(section) => {
                write!(
                    f,
                    "{section:?}: made with another network or preprocessing; enrol again with this one"
                )
            }
            Self::Dimension { section, gallery, network } => {
                write!(f, "{section:?}: {gallery} dimensions, the network gives {network}")
            }
            Self::CropSize => write!(f, "Preprocess: crop size is not the network's input size"),
        }
    }
}

impl core::error::Error for ImageError {}

/// A checked image.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// The network.
    pub model: Model<'a>,
    /// What pixels mean.
    pub preprocess: Preprocess,
    /// Enrolled people.
    pub gallery: Gallery<'a>,
    /// Strangers, if the image has any.
    pub cohort: Option<Gallery<'a>>,
    /// What it takes to be accepted.
    pub policy: Policy,
    /// Id of network and preprocessing.
    pub model_id: ModelId,
    /// SHA-256 of the image's header, which holds those of its sections.
    pub digest: Digest,
}

impl<'a> Image<'a> {
    /// Checks an image that starts at `bytes[0]`, at a multiple of 16 in memory. What follows the image's own
    /// length is ignored.
    ///
    /// # Errors
    /// The first field found wrong.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let sections = header::parse(bytes)?;
        let model_id = sections.model_id;
        let model = Model::new_checked(sections.require(Section::Model)?)?;
        let preprocess = Preprocess::new_checked(sections.require(Section::Preprocess)?)?;
        let input = model.input();
        let crop = (preprocess.height, preprocess.width, preprocess.colour.channels() as u16);
        if crop != (input.height, input.width, input.channels) {
            return Err(ImageError::CropSize);
        }
        let centres = |section, bytes| Gallery::new_checked(section, bytes, model_id, model.dimension());
        let gallery = centres(Section::Gallery, sections.require(Section::Gallery)?)?;
        let cohort = match sections.get(Section::Cohort) {
            Some(bytes) => Some(centres(Section::Cohort, bytes)?),
            None => None,
        };
        let policy = Policy::new_checked(sections.require(Section::Policy)?, model_id)?;
        Ok(Image { model, preprocess, gallery, cohort, policy, model_id, digest: sections.digest })
    }
}
