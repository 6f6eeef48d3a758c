//! Counts the instructions of an embedding on the emulated Cortex-M55, layer by layer.
#![no_std]
#![no_main]

#[path = "../src/machine.rs"]
mod machine;

use core::fmt::Write;
use core::panic::PanicInfo;

use machine::MACHINE;
use mps::{Console, bench, exit};
use nn::Arena;

static mut ARENA: Arena<{ 1 << 20 }> = Arena([0; 1 << 20]);

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: the addresses are the machine's; this is the only use of the arena, once; QEMU answers semihosting.
    unsafe {
        let mut console = Console::new(&MACHINE);
        let result = bench(&MACHINE, &mut *&raw mut ARENA, &mut console);
        if let Err(error) = result {
            let _ = writeln!(console, "failed: {error:?}");
        }
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
