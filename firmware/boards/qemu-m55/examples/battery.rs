//! Runs the battery of kernel cases.
#![no_std]
#![no_main]

programs::battery!(qemu_m55::Board, 4_000);
