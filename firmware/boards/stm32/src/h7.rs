//! Drivers of an STM32H743 or STM32H747.
//!
//! * [`clocks`], [`random`]: the clocks, and random numbers.
//! * [`core_memory`]: caches and the memory protection unit.
//! * [`quadspi`]: a serial flash chip: mapped, erased, written.
//! * [`sector`]: the sector of internal flash for keys.
//! * [`retained`]: RAM that no restart clears.
//! * [`bus`], [`receiver`]: a sensor's bus, and the port that receives its frames.

pub mod bus;
pub mod clocks;
pub mod core_memory;
pub mod quadspi;
pub mod random;
pub mod receiver;
pub mod retained;
pub mod sector;

use chips::trouble::Troubles;

/// Turns the caches on, and maps the flash if it was started.
pub fn open_memories(flash: quadspi::Quadspi, troubles: &mut Troubles) {
    core_memory::start();
    // A flash that fails is no flash: there is no image.
    if troubles.flash.is_none() {
        troubles.flash = flash.map().err();
    }
}

/// The memories of a board, from the facts in its `board.toml`: the sector for keys, the memory for frames, RAM that no restart
/// clears, and the internal flash for images.
#[macro_export]
macro_rules! h7_memories {
    ($facts:path) => {
        use $facts as memories;

        /// The sector for keys.
        pub fn sector() -> $crate::h7::sector::Sector {
            // SAFETY: by `board.toml` the sector holds nothing else, and the program is in the first bank.
            const { unsafe { $crate::h7::sector::Sector::new(memories::KEYS) } }
        }

        /// The memory for frames; whoever comes second has none.
        pub fn frame() -> $crate::wiring::frame::FrameMemory {
            // SAFETY: RAM that no other fact names.
            unsafe { $crate::wiring::frame::FrameMemory::take(memories::FRAME) }
        }

        /// RAM that no restart clears; called once.
        pub fn retained() -> &'static mut [u8] {
            const { assert!($crate::h7::retained::is_backup_sram(memories::RETAINED), "the backup SRAM") };
            // SAFETY: RAM that no other fact names.
            unsafe { $crate::h7::retained::take() }
        }

        /// The internal flash for images.
        pub fn internal() -> &'static [u8] {
            // SAFETY: flash. The program writes to it in the sector of the keys only.
            unsafe { $crate::cortex::mapped::bytes(memories::IMAGES[0]) }
        }
    };
}
