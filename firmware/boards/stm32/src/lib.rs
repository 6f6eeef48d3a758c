//! What the firmware of every STM32 shares. A board's package says which chip it is, where its memories lie and which pins lead
//! where. Only this crate and the boards' drivers contain unsafe code.
//!
//! # Layers
//!
//! * [`wiring`]: a board as the programs see it, made from its wiring.
//! * [`uart`], [`watchdog`], [`frame`]: a byte stream, what restarts the chip, the memory for frames.
//!
//! Of an STM32H7 only:
//!
//! * `clocks`, `random`: the clocks, and random numbers.
//! * `core_memory`: caches, the memory protection unit, the arena's zeros.
//! * `quadspi`: a serial flash chip: mapped, erased, written.
//! * `sector`: the sector of internal flash for keys.
//! * `retained`: RAM that no restart clears.
//! * `usb`: a byte stream.
//! * `bus`, `receiver`: a sensor's bus, and the port that receives its frames.
#![no_std]

#[cfg(feature = "h7")]
pub mod bus;
#[cfg(feature = "h7")]
pub mod clocks;
#[cfg(feature = "h7")]
pub mod core_memory;
pub mod frame;
#[cfg(feature = "h7")]
pub mod quadspi;
#[cfg(feature = "h7")]
pub mod random;
#[cfg(feature = "h7")]
pub mod receiver;
#[cfg(feature = "h7")]
pub mod retained;
#[cfg(feature = "h7")]
pub mod sector;
pub mod uart;
#[cfg(feature = "h7")]
pub mod usb;
pub mod watchdog;
pub mod wiring;

#[doc(hidden)] // Used by the macro.
pub use {chips, embassy_stm32, embedded_storage, programs};
