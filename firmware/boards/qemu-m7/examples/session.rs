//! Counts the instructions of a session on the link.
#![no_std]
#![no_main]

programs::session!(qemu_m7::Board);
