//! What is the board's own: the memories of `board.toml`, and what its pins lead to. Only these modules contain unsafe code.
//!
//! * [`eye`]: the camera.
//! * [`panel`]: button, light and relay.
#![allow(unsafe_code)]

pub mod eye;
pub mod panel;

use programs::cortex::mapped::bytes;
use stm32::frame::FrameMemory;
use stm32::h7::sector::Sector;

use crate::facts;

/// The sector for keys.
pub fn sector() -> Sector {
    // SAFETY: by `board.toml` the sector holds nothing else, and the program is in the first bank.
    const { unsafe { Sector::new(facts::KEYS) } }
}

/// The memory for frames; whoever comes second has none.
pub fn frame() -> FrameMemory {
    // SAFETY: RAM that no other fact names.
    unsafe { FrameMemory::take(facts::FRAME) }
}

/// RAM that no restart clears; called once.
pub fn retained() -> &'static mut [u8] {
    // SAFETY: RAM that no other fact names.
    unsafe { stm32::h7::retained::take(facts::RETAINED) }
}

/// The internal flash for images.
pub fn internal() -> &'static [u8] {
    // SAFETY: flash. The program writes to it in the sector of the keys only.
    unsafe { bytes(facts::IMAGES[0]) }
}
