//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(stm32h747_cm7::Board);
