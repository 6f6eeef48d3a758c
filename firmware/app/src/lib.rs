//! What a board does: capture, embed, match, report; and the link it is spoken to over.
//!
//! # Layers
//!
//! * [`protocol`]: the messages, the same types on host and board.
//! * [`link`]: frames them over any byte stream (`embedded-io`): postcard, CRC-32, COBS.
//! * [`recogniser`]: a checked image, its network and its matcher in one.
//! * [`show`]: angles and confidence for people, computed when they are asked for.
//! * [`serve`]: answers the link's requests. Pixels are asked for row by row while the network runs: the link is one
//!   more source of rows, like a camera, and no buffer holds a photo.
//!
//! A board adds a byte stream, an arena and a [`serve::Meter`]; the host uses [`protocol`] and [`link`] from the
//! other end.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod link;
pub mod protocol;
pub mod recogniser;
pub mod serve;
pub mod show;

pub use recogniser::{Recogniser, StartError};
