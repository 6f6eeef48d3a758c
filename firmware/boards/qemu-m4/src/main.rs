//! Geode on a Cortex-M4: QEMU machine `mps2-an386`. The image lies in the 16 MB PSRAM, which stands for memory-mapped flash.
#![no_std]
#![no_main]

mod machine;

mps::firmware!(machine::MACHINE);
