//! What is the board's own: the memories of `board.toml`. Only this module contains unsafe code.
#![allow(unsafe_code)]

use wiring::frame::FrameMemory;

use crate::facts;

/// The memory for frames; whoever comes second has none.
pub fn frame() -> FrameMemory {
    // SAFETY: RAM that no other fact names.
    unsafe { FrameMemory::take(facts::FRAME) }
}
