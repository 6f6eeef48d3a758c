//! Lets its stack overflow when its button is pressed.
#![no_std]
#![no_main]

programs::overflow!(qemu_m4::Board);
