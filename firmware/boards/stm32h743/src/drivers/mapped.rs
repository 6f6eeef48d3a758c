//! The images, read in place.
#![allow(unsafe_code)]

use programs::cortex::mapped::bytes;

use super::quadspi;
use crate::facts;

/// Internal flash, and all places for images in the flash on QUADSPI; nothing in the place of a flash that is not mapped.
pub fn images() -> [&'static [u8]; 2] {
    let [internal, external] = facts::IMAGES;
    // SAFETY: flash. The program writes to the internal one in the sector of the keys only.
    [unsafe { bytes(internal) }, in_quadspi(external)]
}

/// A slot of a device's image; nothing if the flash is not mapped.
pub fn slot(is_second: bool) -> &'static [u8] {
    in_quadspi(facts::SLOTS[usize::from(is_second)])
}

fn in_quadspi(memory: (usize, usize)) -> &'static [u8] {
    if !quadspi::is_mapped() {
        return &[];
    }
    // SAFETY: mapped flash. The slot of the image that runs is not written to, and whoever verifies the other one does not
    // keep it. Nobody reads in the moments in which a place is written and nothing is mapped: `quadspi` returns only when
    // it is mapped again, and should that fail, the MPU makes a fault of the next read.
    unsafe { bytes(memory) }
}
