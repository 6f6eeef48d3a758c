//! Counts the instructions of an embedding, layer by layer.
#![no_std]
#![no_main]

programs::bench!(qemu_m7::Board);
