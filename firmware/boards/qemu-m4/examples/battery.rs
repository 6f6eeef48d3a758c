//! Runs the battery of kernel cases on the emulated Cortex-M4.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

use mps::{BoardArena, Console, Machine};

/// Cases a kernel: some seconds of QEMU.
const CASES: u32 = 4000;

fn battery(_: &Machine, _: &mut BoardArena, _: &mut Console) -> Result<cases::Counts, cases::Failure> {
    cases::run::<cases::Chosen>(CASES)
}

mps::program!(machine::MACHINE, battery);
