//! Parts common to all boards with a Cortex-M core, of any maker: the stack, faults, memory mapped for reading, and
//! semihosting.
#![no_std]

mod faults;
pub mod mapped;
pub mod semihosting;
pub mod stack;

/// Stops the core; interrupts are still served.
pub fn stop() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}

/// Resets the processor.
pub fn reset() -> ! {
    cortex_m::peripheral::SCB::sys_reset()
}
