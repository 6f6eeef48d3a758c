//! Answers controllers that speak to a face recognition module of the family HLK-FM22x, so that locks and Home
//! Assistant's ESPHome work with a board unchanged. The crate does no input or output: it takes and returns bytes, and
//! time is an argument.
//!
//! # Layers
//!
//! * [`frame`]: bytes to frames and back. A [`Decoder`] synchronises again after any noise.
//! * [`message`]: the meaning of frames, both directions, so that a client and a simulator use the same code.
//! * [`outgoing`]: the frames that wait to be sent, at a pace that slow controllers follow.
//! * [`door`]: what the front end needs of a device.
//! * [`front_end`]: commands in, replies and notes out.
//!
//! # Rules
//!
//! * **No one proves anything on this wire.** Whoever holds it may ask who stands in front of the camera, and how many
//!   people are enrolled. Enrolling, deleting and names need a button that is held, or a [`Window`] that an
//!   authenticated session opened elsewhere.
//! * **One reply for each command, and one task at a time.** A new task replaces the one before, which then gets no
//!   reply: a controller that asks again does not wait for the earlier answer any more.
//! * **A frame is sent whole.** Nothing is put into it, and the next one follows after a gap.
//! * **Nobody needs the note "ready".** It is sent only to a controller that is silent. Controllers take it for the end
//!   of the command that they wait for.
//! * **Ids are narrow here.** The wire has 16 bits, and controllers read them with a sign; see [`message::wire_id`].
#![no_std]

#[cfg(test)]
extern crate std;

pub mod door;
pub mod frame;
pub mod front_end;
pub mod message;
pub mod outgoing;

pub use door::{Door, Enrolment, Failure, Person, Progress, Task};
pub use frame::{Decoder, Frame, emit};
pub use front_end::{FrontEnd, Window};
pub use message::{Command, FaceState, Note, Outcome, Reply, Status};
