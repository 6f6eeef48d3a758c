//! How photos are read: options of several commands.

use std::path::{Path, PathBuf};

use clap::Args;
use host::crops::{Content, Finding, Source};
use host::face::{Choice, DEFAULT};
use host::output::Named;
use host::sight::Networks;

use super::values::{CHOICES, one_of, size};

/// Ids of the options that say how faces are found, which change nothing where photos are aligned or frames are seen.
pub const READING: [&str; 5] = ["aligned", "detector", "float_eyes", "face", "no_quality"];

#[derive(Debug, Args)]
pub struct Photos {
    /// The photos are already aligned crops of the network's size; do not search for faces.
    #[arg(long, conflicts_with_all = ["float_eyes", "face", "no_quality"])]
    aligned: bool,
    /// Face detector: folder of the default networks, or the ONNX file of an UltraFace network or of YuNet [default:
    /// the image's eyes, or data/faceplugin].
    #[arg(long)]
    detector: Option<PathBuf>,
    /// Find faces with the detector as it was trained, in float; without, with its quantised form in the image, as a board does,
    /// if the image has eyes.
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
        let default = (!self.aligned).then(|| Path::new(DEFAULT));
        self.detector.as_deref().or(default).map(|path| Named::new("--detector", path))
    }

    /// The detector that was named.
    pub fn detector(&self) -> Option<&Path> {
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

    /// What finds faces.
    fn finding(&self) -> Finding {
        match (&self.detector, self.float_eyes) {
            (None, false) => Finding::Image,
            (Some(detector), false) => {
                Finding::Board(Networks { detector: detector.clone(), ..Networks::default() })
            }
            (detector, true) => Finding::Float(detector.clone().unwrap_or(DEFAULT.into())),
        }
    }

    pub fn source(&self) -> Source {
        self.source_of(self.finding())
    }

    /// [`Self::source`] for an image that has eyes: the detector that was named is in them.
    pub fn source_with_eyes(&self) -> Source {
        self.source_of(if self.float_eyes { self.finding() } else { Finding::Image })
    }

    fn source_of(&self, finding: Finding) -> Source {
        let content = match self.aligned {
            true => Content::Aligned,
            false => Content::Raw { finding, choice: self.face, has_gates: !self.no_quality },
        };
        Source { content, is_strict: self.strict }
    }
}

/// Which networks become a board's eyes, besides the detector.
#[derive(Debug, Args)]
pub struct EyeNetworks {
    /// Height and width of the detector's picture [default: 120x160, of YuNet 128x160].
    #[arg(long, value_parser = size)]
    detector_size: Option<[usize; 2]>,
    /// ONNX file of the landmark network [default: fr_landmark.onnx in the detector's folder].
    #[arg(long)]
    landmarks: Option<PathBuf>,
}

impl EyeNetworks {
    /// Whether any is named.
    pub fn is_chosen(&self) -> bool {
        self.detector_size.is_some() || self.landmarks.is_some()
    }

    /// The networks with this detector, or the default one.
    pub fn with(&self, detector: Option<&Path>) -> Networks {
        let default = Networks::default();
        Networks {
            detector: detector.map_or(default.detector, Path::to_path_buf),
            size: self.detector_size,
            landmarks: self.landmarks.clone(),
            liveness: None,
        }
    }

    /// The files that are read.
    pub fn named(&self) -> Option<Named> {
        Named::given("--landmarks", self.landmarks.as_ref())
    }
}
