//! The firmware.
#![no_std]
#![no_main]

programs::firmware!(qemu_m7::Board);
