//! Geode on the Cortex-M7 of an STM32H747: the board Arduino Portenta H7 with the HM01B0 of its Vision Shield, and 16 MB of flash
//! on QUADSPI.
//!
//! It builds, links and fits; it never ran on a board.
//!
//! # Layers
//!
//! * [`drivers`]: what is the board's own.
//! * `board`: the board's wiring.
//!
//! Memories and rules are those of the board with an STM32H743, which has the same core, memories and devices.
//!
//! # The other core
//!
//! The Cortex-M4 is not used. It does not start unless the chip's option BCM4 says so, and nothing here starts it. If it does start,
//! it finds no program at `0x0810_0000`, where `board.toml` leaves a sector blank, and locks up; the Cortex-M7 does not notice.
#![no_std]

mod board;
pub mod drivers;

mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
