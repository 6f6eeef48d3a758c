//! Drivers of Arm's MPS2 and MPS3 platforms, which QEMU emulates: the UART of the link, timers that count instructions, and
//! frames in memory that the emulator shares with its computer.
#![no_std]

mod counters;
pub mod door;
mod drivers;
mod frames;
mod uart;

#[doc(hidden)] // Used by the macro.
pub use programs;

pub use counters::{SysTick, Timer};
pub use frames::Frames;
pub use uart::Uart;
