//! How photos are read: options of several commands.

use std::path::{Path, PathBuf};

use clap::Args;
use host::crops::{Content, Sight, Source};
use host::face::{Choice, Gates};
use host::output::Named;
use host::sight::Networks;

use super::values::{CHOICES, one_of};

/// The default networks that find faces.
pub const DETECTOR: &str = "data/faceplugin";

/// What finds faces with a detector.
pub fn sight(detector: PathBuf, is_float: bool) -> Sight {
    match is_float {
        true => Sight::Float(detector),
        false => Sight::Board(Networks { detector, ..Networks::default() }),
    }
}

#[derive(Debug, Args)]
pub struct Photos {
    /// The photos are already aligned crops of the network's size; do not search for faces.
    #[arg(long)]
    aligned: bool,
    /// Face detector: folder of the default networks, or the ONNX file of an UltraFace network or of YuNet [default:
    /// the image's eyes, or data/faceplugin].
    #[arg(long)]
    detector: Option<PathBuf>,
    /// See with the networks in float instead of quantised, as a board does.
    #[arg(long)]
    float_eyes: bool,
    /// Face to take from a photo with several. Photos of one person have only one face taken.
    #[arg(long, value_parser = one_of(CHOICES), default_value = "largest")]
    face: Choice,
    /// Also take faces that are too small, blurred, turned aside or badly lit.
    #[arg(long)]
    no_quality: bool,
    /// Stop at the first file that cannot be used [default: leave it out and say so].
    #[arg(long)]
    strict: bool,
}

impl Photos {
    /// The file or folder that is read besides the photos.
    pub fn named(&self) -> Option<Named> {
        (!self.aligned).then(|| Named::new("--detector", self.detector()))
    }

    /// The detector.
    fn detector(&self) -> &Path {
        self.detector.as_deref().unwrap_or(Path::new(DETECTOR))
    }

    /// The detector that was named.
    pub fn named_detector(&self) -> Option<&Path> {
        self.detector.as_deref()
    }

    /// Whether photos are aligned already.
    pub fn is_aligned(&self) -> bool {
        self.aligned
    }

    /// Whether the first file that cannot be used ends it.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether it is chosen how faces are found.
    pub fn is_chosen(&self) -> bool {
        self.aligned
            || self.no_quality
            || self.face != Choice::Largest
            || self.detector.is_some()
            || self.float_eyes
    }

    pub fn source(&self) -> Source {
        let content = match self.aligned {
            true => Content::Aligned,
            false => Content::Raw {
                sight: sight(self.detector().to_path_buf(), self.float_eyes),
                choice: self.face,
                gates: (!self.no_quality).then(Gates::default),
            },
        };
        Source { content, is_strict: self.strict }
    }
}
