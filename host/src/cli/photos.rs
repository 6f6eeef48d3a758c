//! How photos are read: options of several commands.

use std::path::PathBuf;

use clap::Args;
use host::crops::{Content, Source};
use host::face::{Choice, Gates};
use host::output::Named;

use super::values::{CHOICES, one_of};

#[derive(Debug, Args)]
pub struct Photos {
    /// The photos are already aligned crops of the network's size; do not search for faces.
    #[arg(long)]
    aligned: bool,
    /// Face detector: folder of the default networks, or YuNet's ONNX file.
    #[arg(long, default_value = "data/faceplugin")]
    detector: PathBuf,
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
        (!self.aligned).then(|| Named::new("--detector", &self.detector))
    }

    pub fn source(&self) -> Source {
        let content = match self.aligned {
            true => Content::Aligned,
            false => Content::Raw {
                detector: self.detector.clone(),
                choice: self.face,
                gates: (!self.no_quality).then(Gates::default),
            },
        };
        Source { content, is_strict: self.strict }
    }
}
