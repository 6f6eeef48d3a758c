//! What drivers for an RP2350 decide without touching it, so that it is tested on the host.
//!
//! * [`port`]: a camera's parallel port: the PIO programs that take its frames, and what became of a frame.
//! * [`pages`]: how bytes for the flash become pages that the boot ROM programs.
//!
//! Registers, pins and the boot ROM are the board's.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod pages;
pub mod port;

#[cfg(test)]
mod machine;
