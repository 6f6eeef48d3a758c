//! What every board with a Cortex-M core has, whatever its maker: a stack, memory that is mapped for reading, and a debugger
//! that can be spoken to.
#![no_std]

pub mod mapped;
pub mod semihosting;
pub mod stack;

/// Stops the core; interrupts are still served.
pub fn stop() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
