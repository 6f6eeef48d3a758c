//! A device that sees, remembers and opens.
#![no_std]
#![no_main]

programs::door!(stm32n657::Board);
