//! The images, read in place.
#![allow(unsafe_code)]

use programs::cortex::mapped::bytes;

use super::quadspi;
use crate::facts;

/// Internal flash and the first place in the flash on QUADSPI; nothing in the place of a flash that is not mapped.
pub fn images() -> [&'static [u8]; 2] {
    let [internal, external] = facts::IMAGES;
    // SAFETY: flash. The program writes to the internal one in the sector of the keys only.
    let internal = unsafe { bytes(internal) };
    if !quadspi::is_mapped() {
        return [internal, &[]];
    }
    // SAFETY: mapped flash. Nothing writes to this place, and nobody reads it in the moments in which another place is
    // written and nothing is mapped: `quadspi` returns only when it is mapped again.
    [internal, unsafe { bytes(external) }]
}
