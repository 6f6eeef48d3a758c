//! What the firmware of every STM32 shares. A board's package says which chip it is, where its memories lie and which pins lead
//! where. Only this crate and the boards' drivers contain unsafe code.
//!
//! # Layers
//!
//! * [`uart`], `usb`, [`panel`], [`watchdog`]: byte streams, button and relay, what restarts the chip.
//! * [`cache`]: what the core's cache holds of memory that others write to.
//! * `arena`: the arena's zeros.
//! * `h7`, `n6`: the drivers of a family of chips.
#![no_std]

mod arena;
pub mod cache;
#[cfg(feature = "h7")]
pub mod h7;
#[cfg(feature = "n6")]
pub mod n6;
pub mod panel;
pub mod uart;
#[cfg(feature = "usb")]
pub mod usb;
pub mod watchdog;

use embassy_stm32::gpio::Input;
use embassy_stm32::uid;
use heapless::String;
use programs::app::device::MAX_SERIAL;
use wiring::Processor;

#[doc(hidden)] // Used by the macros.
pub use {cortex, wiring};

/// The chip.
pub struct Stm32;

impl Processor for Stm32 {
    type Pin = Input<'static>;

    fn start_watchdog() {
        watchdog::start();
    }

    fn feed() {
        watchdog::feed();
    }

    fn serial() -> String<MAX_SERIAL> {
        uid::uid_hex().try_into().unwrap_or_default()
    }
}
