//! Where things are on this machine.

use mps::{Counter, Machine};

/// The machine.
pub const MACHINE: Machine = Machine {
    name: "qemu-m4",
    uart: 0x4000_4000,
    images: [(0x0010_0000, 3 << 20), (0x2100_0000, 16 << 20)],
    counter: Counter::CmsdkTimer { base: 0x4000_0000 },
};
