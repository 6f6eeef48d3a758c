//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(stm32n657::Board);
