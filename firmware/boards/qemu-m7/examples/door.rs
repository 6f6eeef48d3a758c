//! A device that sees, remembers and opens.
#![no_std]
#![no_main]

programs::door!(qemu_m7::Board);
