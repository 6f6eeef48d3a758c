//! What a board does: capture, embed, match and report. Also the board's side of the link to the host.
//!
//! # Layers
//!
//! * [`recogniser`]: a checked image with its networks and its matcher.
//! * [`seeing`]: one frame, from the search for faces to the embedding, a few rows at a time.
//! * [`sight`]: one frame from the search to the decision, at one go.
//! * [`device`]: all of this joined with camera, store and link.
//! * [`door`]: what the device does with what it sees, as a state machine.
//! * [`output`]: relay, light and Wiegand line over `embedded-hal`.
//! * [`selftest`]: the golden embedding.
//! * [`update`]: signed images, written beside the one that runs, tried, kept or taken back.
//! * [`show`]: angles and confidence for people to read, computed when they are requested.
//! * [`port`]: a board's end of the [`link`] over any byte stream (`embedded-io`).
//! * [`serve`]: answers the link's requests. Pixels are asked for row by row while the network runs: the link is one
//!   more source of rows, like a camera, and no buffer holds a photo.
//!
//! A board adds a byte stream, an arena, a [`serve::Meter`] and a [`sight::FrameSource`].
#![no_std]

#[cfg(test)]
extern crate std;

pub mod device;
pub mod door;
pub mod output;
pub mod pattern;
pub mod pictures;
pub mod port;
pub mod recogniser;
pub mod seeing;
pub mod selftest;
pub mod serve;
pub mod show;
pub mod sight;
pub mod update;

pub use recogniser::{Recogniser, StartError};
