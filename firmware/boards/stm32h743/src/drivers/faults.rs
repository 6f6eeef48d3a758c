//! What the core does when it cannot go on: the door is closed, and the watchdog restarts the chip.
#![allow(unsafe_code)]

use cortex_m_rt::{ExceptionFrame, exception};

use super::panel;

/// A bus error, a fault that nobody else takes, or memory that the MPU closes.
#[exception]
unsafe fn HardFault(_frame: &ExceptionFrame) -> ! {
    stop()
}

/// An interrupt that nobody expects.
#[exception]
unsafe fn DefaultHandler(_number: i16) {
    stop()
}

fn stop() -> ! {
    panel::relay_off();
    loop {
        core::hint::spin_loop();
    }
}
