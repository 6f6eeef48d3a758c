//! Drivers of Arm's MPS2 and MPS3 platforms, which QEMU emulates: the UART of the link, and timers that count instructions.
#![no_std]

mod counters;
mod drivers;
mod uart;

#[doc(hidden)] // Used by the macro.
pub use programs;

pub use counters::{SysTick, Timer};
pub use uart::Uart;
