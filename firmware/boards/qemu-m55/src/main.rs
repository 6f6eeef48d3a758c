//! Geode on a Cortex-M55 with Helium: QEMU machine `mps3-an547`. The image lies in DDR, which stands for memory-mapped flash.
#![no_std]
#![no_main]

mod machine;

mps::firmware!(machine::MACHINE);
