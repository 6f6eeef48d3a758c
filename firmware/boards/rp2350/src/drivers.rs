//! The devices of chip and board. Only these modules contain unsafe code.
//!
//! * [`clocks`]: clocks and cycles.
//! * [`flash`]: the flash chip, through the boot ROM.
//! * [`usb`], [`uart`]: byte streams.
//! * [`bus`]: the camera's registers, with a limit of time.
//! * [`receiver`]: frames from the camera's port.
//! * [`eye`]: the camera: sensor and receiver.
//! * [`panel`]: button, light and relay.
//! * [`identity`]: the chip's own number.
//! * [`random`]: random numbers.
//! * [`retained`]: memory for the last decisions.
//! * [`watchdog`]: restarts the chip.

pub mod bus;
pub mod clocks;
pub mod eye;
pub mod flash;
pub mod identity;
pub mod panel;
pub mod random;
pub mod receiver;
pub mod retained;
pub mod uart;
pub mod usb;
pub mod watchdog;
