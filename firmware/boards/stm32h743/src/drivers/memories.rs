//! The memories of `board.toml`.
#![allow(unsafe_code)]

use chips::flash::{Mapped as _, Part};
use programs::cortex::mapped::bytes;
use stm32::frame::FrameMemory;
use stm32::quadspi::Quadspi;
use stm32::sector::Sector;

use crate::facts;

/// The flash chip.
pub const FLASH: Quadspi = Quadspi::new(facts::FLASH);

/// The part of the flash for a device's images.
pub const IMAGES: Part<Quadspi> = Part::images(FLASH, facts::FLASH, facts::SLOTS);

/// The part of the flash for people and counters. It can be used if the device has keys.
pub const fn store(has_keys: bool) -> Part<Quadspi> {
    Part::store(FLASH, facts::FLASH, facts::STORE, has_keys)
}

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

/// Internal flash, and all places for images in the flash chip; nothing in the place of a chip that is not mapped.
pub fn images() -> [&'static [u8]; 2] {
    let [internal, (address, length)] = facts::IMAGES;
    let external: &[u8] = match FLASH.is_mapped() {
        true => FLASH.memory((address - facts::FLASH.0) as u32, length as u32),
        false => &[],
    };
    // SAFETY: flash. The program writes to it in the sector of the keys only.
    [unsafe { bytes(internal) }, external]
}
