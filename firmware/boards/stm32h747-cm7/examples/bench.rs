//! Counts the instructions of an embedding, layer by layer.
#![no_std]
#![no_main]

programs::bench!(stm32h747_cm7::Board);
