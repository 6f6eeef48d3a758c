//! What is the board's own: the memories of `board.toml`, and what its pins lead to. Only these modules contain unsafe code.
//!
//! * [`panel`]: button, light and relay.
#![allow(unsafe_code)]

pub mod panel;

use stm32::frame::FrameMemory;

use crate::facts;

/// The memory for frames; whoever comes second has none.
pub fn frame() -> FrameMemory {
    // SAFETY: RAM that no other fact names.
    unsafe { FrameMemory::take(facts::FRAME) }
}
