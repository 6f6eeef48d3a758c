//! What the firmware of every real chip shares. No register, address or interrupt appears here: a chip's crate implements
//! the traits, and the tests run on the host.
//!
//! # Layers
//!
//! * [`wait`]: time, and waiting with a limit.
//! * [`ring`], [`mod@line`]: byte streams that interrupts serve.
//! * [`button`]: a button without the bouncing of its contacts.
//! * [`bus`]: an I²C bus that comes back.
//! * [`nor`]: a serial flash chip's commands.
//! * [`random`], [`keys`]: random numbers, and the device's keys at its start.
//! * [`trouble`]: what does not work although the device goes on.
//! * [`eye`]: a camera of a sensor and of the port that receives its frames.
//! * [`flash`]: parts of a mapped flash, for the store and for images.
//! * [`maker`]: the maker's public key, from the build.
//! * [`platform`]: all of it as the platform of a device.
//!
//! # Rules
//!
//! * Whatever is waited for has a limit.
//! * One loop does everything. Interrupts only move bytes and count time.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod bus;
pub mod button;
pub mod eye;
pub mod flash;
pub mod keys;
pub mod line;
pub mod maker;
pub mod nor;
pub mod platform;
pub mod random;
pub mod ring;
pub mod trouble;
pub mod wait;

#[cfg(test)]
mod clock;
