//! Where things are on this machine.

use mps::{Counter, Machine};

/// The machine.
pub const MACHINE: Machine = Machine {
    name: "qemu-m55",
    uart: 0x4930_3000,
    images: [(0x0100_0000, 2 << 20), (0x6000_0000, 16 << 20)],
    counter: Counter::SysTick,
};
