//! The messages between board and host, and their framing. The crate does no input or output: it takes and returns
//! bytes, so that a board, a program and a browser use the same code over any transport.
//!
//! # Layers
//!
//! * [`frame`]: a message and its CRC-32, encoded with COBS, between zero bytes. A [`Decoder`] takes bytes and
//!   returns messages. It synchronises again at every zero byte.
//! * [`message`]: the meaning of the messages.
//! * [`session`]: messages that only the two ends can read and make, between them.
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
//!                        ←     Working, repeated during a long computation
//!                        ←     Row(1) …
//!                        ←     Recognised, or several Embedding and then Embedded
//! See                    →
//!                        ←     Row(0), if the frame is not in the board's memory already
//! Pixels(0) …            →
//!                        ←     Working, repeated during a long computation
//!                        ←     Seen
//! ```
//!
//! Administrators say the same in a session, sealed; there they also enrol people and update the device:
//!
//! ```text
//! Open                   →
//!                        ←     Opened
//! sealed(Enrol("Ada"))   →
//!                        ←     sealed(Shot) …
//! sealed(Commit)         →
//!                        ←     sealed(Committed)
//! Close                  →
//!                        ←     Closed
//! ```
//!
//! The board asks for each row when it needs it: neither side needs flow control, and a face needs no buffer. A frame
//! is read more than once, so a board without memory for frames cannot see.
//!
//! # Rules
//!
//! * **Turns.** Every request carries a *turn*: a number other than 0 that the host chooses anew for each task; it
//!   chooses the first at random. Pixels and questions about a task carry the task's turn. A reply carries the turn
//!   of its request. The host skips replies with other turns, so that it never mistakes a late reply to an earlier
//!   host for an answer. The board skips pixels with other turns, and rows that it does not wait for. Messages that
//!   answer no request have turn 0.
//! * **`Hello` always works.** A board that waits for a row listens to every request. Pixels continue the task and
//!   [`Request::Status`] asks about it; every other request ends the task and is answered. A computing board listens
//!   only when it is done, and may lose requests until then, so a host repeats its `Hello` until it is answered.
//! * **The receiver of a damaged frame asks again.** The board requests the row again. The host asks for the status;
//!   the answer is the row that the board waits for, or [`Reply::Idle`] if it has no task (any more).
//! * **Rights.** Who may send which message is said once, by [`Right`](message::Right).
//! * **Silence means failure.** A board that has a task sends a message at least every [`SILENCE_MS`].
//! * **Echoes are ignored.** The numbers of replies have their highest bit set. A board ignores messages with such
//!   numbers, a host ignores all others.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod frame;
pub mod message;
pub mod session;

pub use frame::{Decoder, FrameError, encode};
pub use message::{Message, Reply, Request};

/// Longest row of pixels: 1,024 RGB pixels. A network with longer rows cannot get them over the link.
pub const MAX_ROW_BYTES: usize = 3 * 1024;

/// Longest message that is not sealed: a row of pixels, with its number and its length in at most three bytes each.
pub const MAX_PLAIN_BYTES: usize = message::HEADER_BYTES + 2 * 3 + MAX_ROW_BYTES;

/// Longest message.
pub const MAX_MESSAGE_BYTES: usize = MAX_PLAIN_BYTES + session::SEAL_BYTES;

/// Longest message of a board that is not sealed.
pub const MAX_PLAIN_REPLY_BYTES: usize = 400;

/// Longest message of a board.
pub const MAX_REPLY_BYTES: usize = MAX_PLAIN_REPLY_BYTES + session::SEAL_BYTES;

/// Longest frame, with its zero bytes.
pub const MAX_FRAME_BYTES: usize = frame::max_frame_bytes(MAX_MESSAGE_BYTES);

/// Longest frame of a board, with its zero bytes.
pub const MAX_REPLY_FRAME_BYTES: usize = frame::max_frame_bytes(MAX_REPLY_BYTES);

/// If a board with a task sends nothing for this many milliseconds, the host considers the board dead.
pub const SILENCE_MS: u64 = 3_000;
