//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(stm32h743::Board);
