//! Updates of the image: signed, written beside the image that runs, tried, and kept or taken back.
//!
//! ```text
//! None → Receiving(offset) → checks → Verified → Trial ─golden embedding→ Kept
//!                                │                 └──────fails─────────→ Reverted
//!                                └─fails→ None
//! ```
//!
//! * [`mod@verify`]: whether an image is whole, the maker's, new enough, and usable on this board.
//! * [`slots`]: the places of two images in flash.
//! * [`record`]: the note about an update that is being received.
//! * [`transfer`]: the [`Updater`], which answers the link's requests and writes the idle slot.
//! * [`boot`]: the slot to start, as a pure function.
//! * [`mod@start`]: a start, from the slots to an image that has passed its test.
//!
//! # Rules
//!
//! * Only the idle slot is ever written. The image that runs, and the counters in the store, do not change before
//!   [`Updater::confirm`].
//! * Every call does a bounded step: it erases the pages of one chunk, programs one chunk, or reads one page. The check of
//!   the received image is one call, and takes as long as a start.
//! * A power cut at any moment costs at most the pages since the last mark of the [`record`]. What was written is judged
//!   by the digest of all of it, never by how the flash looks.
//! * A start on trial is counted in the store before the image runs. A new image that hangs or restarts the board is therefore
//!   given up after [`boot::TRIALS`] starts.
//! * The floor, the lowest version that a board starts, rises only when an image has passed its trial.

pub mod boot;
pub mod record;
pub mod slots;
pub mod start;
pub mod transfer;
pub mod verify;

#[cfg(test)]
pub mod tests;

pub use boot::{Boot, choose};
pub use slots::{ImageFlash, Slots, SlotsError};
pub use start::{Started, Trouble, start};
pub use transfer::Updater;
pub use verify::{Demands, StoredPeople, Verified, VerifyError, verify};
