//! Geode on a Cortex-M55 with Helium: QEMU machine `mps3-an547`. The image lies in internal flash, or in DDR that
//! replaces memory-mapped flash.
#![no_std]

mod drivers;

mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
