//! Drivers of an STM32H743 or STM32H747.
//!
//! * [`clocks`], [`random`]: the clocks, and random numbers.
//! * [`core_memory`]: caches and the memory protection unit.
//! * [`quadspi`]: a serial flash chip: mapped, erased, written.
//! * [`sector`]: the sector of internal flash for keys.
//! * [`retained`]: RAM that no restart clears.
//! * [`usb`]: a byte stream.
//! * [`bus`], [`receiver`]: a sensor's bus, and the port that receives its frames.

pub mod bus;
pub mod clocks;
pub mod core_memory;
pub mod quadspi;
pub mod random;
pub mod receiver;
pub mod retained;
pub mod sector;
pub mod usb;
