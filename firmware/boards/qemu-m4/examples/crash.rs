//! Panics when its button is pressed.
#![no_std]
#![no_main]

programs::crash!(qemu_m4::Board);
