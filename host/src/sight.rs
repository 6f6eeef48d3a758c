//! The board's eyes: which networks find and examine faces, how they are quantised, and what they see in a photo on
//! this computer.
//!
//! The host sees with the very code of the boards (the crates `vision` and `face`), so that people are enrolled with
//! the eyes that will look at them.
//!
//! [`networks`] knows the files, [`fit`](mod@fit) quantises them on [`frames`], [`seer`] sees. [`float`] sees without rounding,
//! [`report`] compares both; [`places`] has boxes and points in pixels, [`gates`] the names of refusals.

pub mod camera;
pub mod fit;
pub mod float;
pub mod frames;
pub mod gates;
pub mod networks;
pub mod places;
pub mod report;
pub mod seer;

pub use fit::{Fitted, NetworkReport, fit};
pub use networks::Networks;
pub use report::EyesReport;
pub use seer::Seer;
