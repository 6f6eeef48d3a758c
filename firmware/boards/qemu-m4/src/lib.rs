//! Geode on a Cortex-M4: QEMU machine `mps2-an386`. The image lies in internal flash, or in the 16 MB PSRAM, which stands for memory-mapped flash.
#![no_std]

mod drivers;

mod facts {
    //! The facts of `board.toml`, as the build script writes them.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
