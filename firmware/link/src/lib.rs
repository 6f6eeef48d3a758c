//! What board and host say to each other, and how it is framed. Nothing here reads or writes: bytes are arguments, so
//! that a board, a program and a browser use the same code over whatever carries their bytes.
//!
//! # Layers
//!
//! * [`frame`]: a message and its CRC-32, stuffed by COBS, between zero bytes. A [`Decoder`] takes bytes and gives messages;
//!   it is in step again at every zero byte, whatever came before.
//! * [`message`]: what the messages mean.
//!
//! # A conversation
//!
//! ```text
//! host                         board
//! Hello                  →
//!                        ←     Hello, or Failed when the board has no usable image
//! Recognise, or Embed    →
//!                        ←     Row(0)
//! Pixels(0)              →
//!                        ←     Working, as often as the board computes for long
//!                        ←     Row(1) …
//!                        ←     Recognised, or some Embedding and Embedded
//! ```
//!
//! The board asks for each row when it needs it: neither side needs flow control or a buffer for a photo.
//!
//! # Rules
//!
//! * **Turns.** Every request carries a *turn*: a number that the host chooses, not 0, for each task anew and at random for
//!   its first. Pixels and questions about a task carry the turn of the task. A reply carries the turn of the request it
//!   answers. The host skips replies of other turns, so that what a board still had to say to a host that went away
//!   is never taken for an answer. The board skips pixels of other turns and of rows that it does not wait for. What a
//!   board says that answers nobody has turn 0.
//! * **`Hello` always works.** A board that waits for a row listens to every request. Pixels continue the task and
//!   [`Request::Status`] asks about it; every other request ends it and is answered. A board that computes listens
//!   when it is done; as it may lose what it does not listen to, a host greets again until it is answered.
//! * **Whoever gets a damaged frame asks again.** The board asks for the row again; the host asks for the status, which
//!   is the row that the board waits for, or [`Reply::Idle`] when it has no task (any more).
//! * **Silence is an answer.** A board that has a task says something at least every [`SILENCE_MS`].
//! * **Nobody answers an echo.** The numbers of replies have their highest bit set. A board ignores them, a host
//!   ignores the others.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod frame;
pub mod message;

pub use frame::{Decoder, FrameError, encode};
pub use message::{Message, Reply, Request};

/// Longest row of pixels: 1,024 RGB pixels. A network with a longer one cannot get its rows over the link.
pub const MAX_ROW_BYTES: usize = 3 * 1024;

/// Longest message: a row of pixels, with its number and its length of at most three bytes each.
pub const MAX_MESSAGE_BYTES: usize = message::HEADER_BYTES + 2 * 3 + MAX_ROW_BYTES;

/// Longest message of a board.
pub const MAX_REPLY_BYTES: usize = 256;

/// Longest frame, with its zero bytes.
pub const MAX_FRAME_BYTES: usize = frame::max_frame_bytes(MAX_MESSAGE_BYTES);

/// Longest frame of a board, with its zero bytes.
pub const MAX_REPLY_FRAME_BYTES: usize = frame::max_frame_bytes(MAX_REPLY_BYTES);

/// Milliseconds after which a board that has a task and says nothing is taken for dead.
pub const SILENCE_MS: u64 = 3_000;
