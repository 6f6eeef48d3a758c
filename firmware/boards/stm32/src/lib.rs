//! What the firmware of every STM32 shares. A board's package says which chip it is, where its memories lie and which pins lead
//! where. Only this crate and the boards' drivers contain unsafe code.
//!
//! # Layers
//!
//! * [`wiring`]: a board as the programs see it, made from its wiring.
//! * [`uart`], [`watchdog`], [`frame`]: a byte stream, what restarts the chip, the memory for frames.
//! * `arena`: the arena's zeros.
//! * `h7`, `n6`: the drivers of a family of chips.
#![no_std]

mod arena;
pub mod frame;
#[cfg(feature = "h7")]
pub mod h7;
#[cfg(feature = "n6")]
pub mod n6;
pub mod uart;
pub mod watchdog;
pub mod wiring;

#[doc(hidden)] // Used by the macro.
pub use {chips, embassy_stm32, embedded_storage, programs};
