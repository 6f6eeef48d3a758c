//! Camera sensors, and the account of the frames that they send.
//!
//! A sensor is two things to a board: registers on an I²C bus, and a parallel port that sends frames. This crate knows
//! the registers. What receives the frames (DCMI, PIO, each with DMA) is the board's; it reports to a [`Capture`], which
//! says whether a frame is whole.
//!
//! # Layers
//!
//! * [`pattern`]: whether a frame shows a sensor's test pattern, which proves every wire of the port.
//! * [`capture`]: lines, bytes and overruns in, verdicts out.
//!
//! No heap, no float.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod capture;
pub mod pattern;

pub use capture::Capture;
