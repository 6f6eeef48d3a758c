//! Geode on a Cortex-M4: QEMU machine `mps2-an386`. The image lies in internal flash, or in 15 MB of PSRAM that
//! replaces memory-mapped flash.
#![no_std]

mod drivers;

mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
