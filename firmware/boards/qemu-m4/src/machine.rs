//! Where things are on this machine.

use mps::{Counter, Machine};

/// The machine.
pub const MACHINE: Machine = Machine {
    name: "qemu-m4",
    uart: 0x4000_4000,
    image: 0x2100_0000,
    image_bytes: 16 << 20,
    counter: Counter::CmsdkTimer { base: 0x4000_0000 },
};
