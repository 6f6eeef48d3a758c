//! Geode on an STM32N657: the board NUCLEO-N657X0-Q with its 64 MB of flash on XSPI2. It has no camera: frames and crops come over
//! the link.
//!
//! It builds, links and fits; it never ran on a board.
//!
//! # Layers
//!
//! * [`drivers`]: what is the board's own.
//! * `board`: the board's wiring.
//!
//! # Memories
//!
//! ```text
//! DTCM            stack, arena                 the core's own, without a cache
//! AXI SRAM 2      the program                  copied there by the boot ROM
//!                 frames, all other statics    cached
//! XSPI2           the program for the boot ROM, two images, the store, the keys
//! ```
//!
//! # Rules
//!
//! * One loop does everything. Interrupts only move bytes between ports and rings, and count time; they never touch XSPI2.
//! * Whatever is waited for has a limit. Beyond it there is an error, or the watchdog restarts the chip.
//! * The program is secure and privileged, as the boot ROM starts it, and leaves it at that.
#![no_std]

mod board;
pub mod drivers;

// Without USB its identity is not used.
#[cfg_attr(not(feature = "usb"), allow(dead_code))]
mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
