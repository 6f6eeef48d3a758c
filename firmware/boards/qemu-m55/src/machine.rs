//! Where things are on this machine.

use mps::{Counter, Machine};

/// The machine.
pub const MACHINE: Machine = Machine {
    name: "qemu-m55",
    uart: 0x4930_3000,
    image: 0x6000_0000,
    image_bytes: 16 << 20,
    counter: Counter::SysTick,
};
