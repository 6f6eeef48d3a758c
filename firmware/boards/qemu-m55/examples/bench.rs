//! Counts the instructions of an embedding on the emulated Cortex-M55, layer by layer.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

mps::program!(machine::MACHINE, mps::bench);
