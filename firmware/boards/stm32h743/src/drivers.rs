//! The devices of chip and board. Only these modules contain unsafe code.
//!
//! * [`clocks`]: clocks, and waiting with a limit.
//! * [`core_memory`]: caches, the memory protection unit, the arena's zeros.
//! * [`quadspi`]: the serial flash chip: mapped, erased, written.
//! * [`flash`]: parts of that flash, for the store and for images.
//! * [`mapped`]: the images, read in place.
//! * [`sector`]: the sector of internal flash for keys.
//! * [`ring`], [`line`]: byte streams that interrupts serve.
//! * [`usb`], [`uart`]: the two of them that there are.
//! * [`receiver`]: frames from the camera's port.
//! * [`eye`]: the camera: sensor and receiver.
//! * [`panel`]: button, light and relay.
//! * [`watchdog`]: restarts the chip.
//! * `faults`: what the core does when it cannot go on.

pub mod clocks;
pub mod core_memory;
pub mod eye;
mod faults;
pub mod flash;
pub mod line;
pub mod mapped;
pub mod panel;
pub mod quadspi;
pub mod receiver;
pub mod ring;
pub mod sector;
pub mod uart;
pub mod usb;
pub mod watchdog;
