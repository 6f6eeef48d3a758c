//! Geode on a Cortex-M7: QEMU machine `mps2-an500`. The image lies in the 16 MB PSRAM, which stands for memory-mapped flash.
#![no_std]
#![no_main]

mod machine;

use core::panic::PanicInfo;

use machine::MACHINE;
use nn::Arena;

static mut ARENA: Arena<{ 1 << 20 }> = Arena([0; 1 << 20]);

#[cortex_m_rt::entry]
fn main() -> ! {
    // SAFETY: the addresses are the machine's; this is the only use of the arena, once.
    unsafe { mps::run(MACHINE, &mut *&raw mut ARENA) }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // SAFETY: the addresses are the machine's; the program has stopped.
    unsafe { mps::report_panic(&MACHINE, info) }
}
