//! A device that sees, remembers and opens.
#![no_std]
#![no_main]

programs::door!(stm32h747_cm7::Board);
