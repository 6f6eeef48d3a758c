//! Geode on an RP2350: a board with the pins of a Raspberry Pi Pico 2, with an OV2640.
//!
//! It builds, links and fits; it never ran on a board.
//!
//! # Layers
//!
//! * [`drivers`]: the devices of chip and board.
//! * `board`: what the board's pins lead to; `wiring` makes of it the board as the programs see it.
//!
//! # Memories
//!
//! ```text
//! SRAM    the stack                         has a limit: the core faults below it
//!         statics, among them the arena
//!         the last decisions                no restart clears them
//!         the camera's frame                written by DMA
//! flash   the program, the keys             one chip, read through a cache; not there while any of it is erased or written
//!         two images, the store
//! ```
//!
//! # Rules
//!
//! * One loop does everything. Interrupts only move bytes between ports and rings, and count time.
//! * The flash is erased and written by the boot ROM, with interrupts off: whatever they run lies in the flash.
//! * Whatever is waited for has a limit. Beyond it there is an error, or the watchdog restarts the chip.
//! * The second core sleeps in the boot ROM.
#![no_std]

mod board;
pub mod drivers;

mod facts {
    //! The facts of `board.toml`, written by the build script.
    include!(concat!(env!("OUT_DIR"), "/facts.rs"));
}

/// The board.
pub struct Board;
