//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(rp2350::Board);
