//! Geode on an STM32H743: the board WeAct MiniSTM32H743VIT6 with an OV2640, and 8 MB of flash on QUADSPI.
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
//! AXI SRAM        the camera's frame           cached; written by DMA
//!                 all other statics            cached
//! internal flash  bank 1 the program           read while the last sector is written
//!                 bank 2 an image, the keys
//! QUADSPI         two images, the store        cached; not there while it is erased or written
//! backup SRAM     the last decisions           not cached
//! ```
//!
//! # Rules
//!
//! * One loop does everything. Interrupts only move bytes between ports and rings, and count time; they never touch QUADSPI.
//! * Whatever is waited for has a limit. Beyond it there is an error, or the watchdog restarts the chip.
//! * No memory is cached with write-through: such stores can corrupt data (ST ES0392, section 2.1.1).
#![no_std]

mod board;
pub mod drivers;

mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
