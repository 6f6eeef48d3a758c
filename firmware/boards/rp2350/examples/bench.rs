//! Counts the instructions of an embedding, layer by layer.
#![no_std]
#![no_main]

programs::bench!(rp2350::Board);
