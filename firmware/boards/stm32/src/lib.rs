//! What the firmware of every STM32 shares. A board's package says which chip it is, where its memories lie and which pins lead
//! where. Only this crate and the boards' drivers contain unsafe code.
//!
//! * [`core_memory`]: caches, the memory protection unit, the arena's zeros.
//! * [`quadspi`]: a serial flash chip: mapped, erased, written.
//! * [`sector`]: the sector of internal flash for keys.
//! * [`usb`], [`uart`]: the byte streams that there are.
//! * [`frame`]: the memory for frames.
//! * [`receiver`]: frames from the camera's port.
//! * [`watchdog`]: restarts the chip.
#![no_std]

pub mod core_memory;
pub mod frame;
pub mod quadspi;
pub mod receiver;
pub mod sector;
pub mod uart;
pub mod usb;
pub mod watchdog;
