//! Camera sensors, and the account of the frames that they send.
//!
//! A sensor is two things to a board: registers on an I²C bus, and a parallel port that sends frames. This crate knows
//! the registers. What receives the frames (DCMI, PIO, each with DMA) is the board's; it reports to a [`Capture`], which
//! says whether a frame is whole.
//!
//! # Layers
//!
//! * [`ov2640`]: a colour sensor: RGB565 or YUV422, 320×240.
//! * [`hm01b0`]: a grey sensor: 324×244.
//! * [`settings`]: what both are told: clock, limits of the receiver, light, orientation.
//! * [`pins`]: the reset and power-down pins of a module.
//! * [`error`]: why a sensor cannot be used.
//! * [`pattern`]: whether a frame shows a sensor's test pattern, which proves every wire of the port.
//! * [`capture`]: lines, bytes and overruns in, verdicts out.
//!
//! # Principles
//!
//! * **A sensor is as fast as its receiver allows.** The caller gives limits, the driver divides the clock. When frames
//!   are lost all the same, [`Capture`] asks for half the speed, and [`Ov2640::slow_down`] gives it.
//! * **`init` can always be called again.** It starts from a reset and relies on nothing that was written before. Until
//!   it succeeds, the other functions refuse with [`Error::NotInitialised`], and frames must not be used. A failure behind
//!   the reset leaves the sensor without frames.
//! * **Nothing is read to be changed.** The driver knows what it wrote, so that a sensor that lost its registers is
//!   not mixed with one that did not.
//! * **Values without a meaning in a data sheet are named so.** They are the makers', as public drivers agree on them.
//!
//! No heap, no float. Drivers ran against simulated buses only, never on a sensor.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod capture;
pub mod error;
pub mod hm01b0;
pub mod ov2640;
pub mod pattern;
pub mod pins;
pub mod settings;

pub use capture::Capture;
pub use error::Error;
pub use hm01b0::Hm01b0;
pub use ov2640::Ov2640;
pub use pins::{Pins, Unconnected};
pub use settings::Settings;
