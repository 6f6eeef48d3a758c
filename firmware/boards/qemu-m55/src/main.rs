//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(qemu_m55::Board);
