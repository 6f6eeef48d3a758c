//! Faces in a frame: found by a detector, examined with landmarks, judged, and cut out for recognition.
//!
//! # Layers
//!
//! * [`fixed`]: factors, exponential, sigmoid and angles in fixed point.
//! * `ssd`, `yunet`: a detector's outputs to boxes; [`found`]: the choice among boxes of one face.
//! * [`picture`]: what the networks see of a frame.
//! * [`glance`]: a network at work on such a picture, a few rows at a time.
//! * [`landmarks`], [`pose`], [`quality`]: five points, the pose that they show, and the measurements that decide whether
//!   the face is fit.
//! * [`liveness`]: the score of a network that looks at one picture.
//! * [`track`]: the same face from frame to frame.
//! * [`eyes`]: all of this with an image's networks.
//!
//! # Principles
//!
//! * Integers only, so that host and boards see the same.
//! * The image says how outputs are read ([`format::sight`]). Sigmoids and exponentials are computed for the few boxes
//!   that pass.
//! * Networks are checked against that description once ([`eyes::Eyes::new_checked`]). Afterwards nothing fails.
//! * Places are in 1/256 pixel of the frame; whole numbers are centres of pixels. Shares are in 1/65536, angles in 1/16
//!   degree.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod eyes;
pub mod fixed;
pub mod found;
pub mod glance;
mod grid;
pub mod landmarks;
pub mod liveness;
pub mod picture;
pub mod pose;
pub mod quality;
mod ssd;
pub mod track;
mod yunet;

pub use eyes::{Detector, Eyes, EyesError, Landmarks, Look, Looking};
pub use format::gates::{Gates, Quality, Refusal};
pub use found::{Faces, Found};
pub use glance::{Glance, Picture};
pub use pose::Pose;
pub use track::Track;
