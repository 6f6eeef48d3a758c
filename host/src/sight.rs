//! The board's eyes: which networks find and examine faces, how they are quantised, and what they see in a photo on
//! this computer.
//!
//! The host sees with the very code of the boards (the crates `vision` and `face`), so that people are enrolled with
//! the eyes that will look at them.
//!
//! [`networks`] knows the files, [`fit`](mod@fit) quantises them on [`frames`], [`seer`] sees a frame, [`photo`] a whole photo at
//! several sizes. [`float`] sees without rounding, [`report`] compares both; [`camera`] has frames as cameras send them, [`places`]
//! boxes and points in pixels, [`gates`] the limits of a usable face and the names of refusals.

use std::path::Path;

pub mod camera;
pub mod fit;
pub mod float;
pub mod frames;
pub mod gates;
pub mod networks;
pub mod photo;
pub mod places;
pub mod report;
pub mod seer;

pub use fit::{QuantisedEyes, fit};
pub use networks::Networks;
pub use report::{BesideFloat, EyesReport};
pub use seer::Seer;

/// What an image that cannot see has, and what would do.
pub const NO_EYES: &str = "has no eyes, the networks that find faces: export it again without --without-eyes (with --aligned photos \
                           name --detector), or give aligned photos";

/// Words on such an image.
pub fn no_eyes(image: &Path) -> String {
    format!("{} {NO_EYES}", image.display())
}
