//! Counts the instructions of an embedding, layer by layer.
#![no_std]
#![no_main]

programs::bench!(stm32n657::Board);
