//! Runs the battery of kernel cases on the emulated Cortex-M4.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

use core::fmt::Write;
use core::panic::PanicInfo;

use machine::MACHINE;
use mps::{Console, exit};

/// Cases a kernel: some seconds of QEMU.
const CASES: u32 = 4000;

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: the addresses are the machine's; QEMU answers semihosting.
    unsafe {
        let mut console = Console::new(&MACHINE);
        let result = cases::run::<cases::Chosen>(CASES);
        let _ = writeln!(console, "{result:?}");
        exit(result.is_err().into())
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: the addresses are the machine's; the program has stopped; QEMU answers semihosting.
    unsafe {
        let _ = writeln!(Console::new(&MACHINE), "{info}");
        exit(2)
    }
}
