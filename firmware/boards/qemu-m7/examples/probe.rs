//! Linked, never run: shows what can panic.
#![no_std]
#![no_main]

programs::probe!(qemu_m7::Board);
