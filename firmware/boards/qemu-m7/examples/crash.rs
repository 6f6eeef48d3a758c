//! Panics when its button is pressed.
#![no_std]
#![no_main]

programs::crash!(qemu_m7::Board);
