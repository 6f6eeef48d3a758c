//! What a board does: capture, embed, match, report; and the link it is spoken to over.
//!
//! # Layers
//!
//! * [`recogniser`]: a checked image, its network and its matcher in one.
//! * [`show`]: angles and confidence for people, computed when they are asked for.
//! * [`pattern`]: pixels that stand for a photo, to compare boards and simulator with.
//! * [`port`]: a board's end of the [`link`] over any byte stream (`embedded-io`).
//! * [`serve`]: answers the link's requests. Pixels are asked for row by row while the network runs: the link is one
//!   more source of rows, like a camera, and no buffer holds a photo.
//!
//! A board adds a byte stream, an arena and a [`serve::Meter`].
#![no_std]

#[cfg(test)]
extern crate std;

pub mod pattern;
pub mod port;
pub mod recogniser;
pub mod serve;
pub mod show;

pub use recogniser::{Recogniser, StartError};
