//! Counts executed instructions with a timer.
//!
//! QEMU's `-icount shift=0` makes virtual time the number of instructions in nanoseconds. A timer that ticks every
//! `n` nanoseconds counts `n` instructions per tick.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use programs::Counter;

const CTRL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;

/// A CMSDK timer, 32 bits, counting down at 25 MHz: 40 instructions per tick. It wraps after 171 · 10⁹.
pub struct Timer {
    base: usize,
}

impl Timer {
    /// Starts the timer.
    ///
    /// # Safety
    /// `base` is the address of a CMSDK timer that nothing else uses.
    pub unsafe fn start(base: usize) -> Self {
        for (register, value) in [(RELOAD, u32::MAX), (VALUE, u32::MAX), (CTRL, 1)] {
            // SAFETY: a register of the timer whose address the caller gave.
            unsafe { ptr::write_volatile((base + register) as *mut u32, value) };
        }
        Timer { base }
    }
}

impl Timer {
    /// A timer that was started before.
    ///
    /// # Safety
    /// `base` is the address of a CMSDK timer that was started.
    pub const unsafe fn started(base: usize) -> Self {
        Timer { base }
    }

    /// Instructions of a tick.
    pub const TICK: u64 = 40;

    /// Ticks since the start. They wrap.
    pub fn ticks(&self) -> u32 {
        // SAFETY: a register of the timer that `start` was promised.
        let value = unsafe { ptr::read_volatile((self.base + VALUE) as *const u32) };
        u32::MAX - value
    }
}

impl Counter for Timer {
    fn instructions(&self) -> u64 {
        u64::from(self.ticks()) * Self::TICK
    }
}

const SYSTICK_TICKS: u32 = 1 << 24;

static SYSTICK_WRAPS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    // A load and a store suffice, because nothing else writes it.
    SYSTICK_WRAPS.store(SYSTICK_WRAPS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The core's SysTick, 24 bits, counting down at 32 MHz: 125/4 instructions per tick.
pub struct SysTick(());

impl SysTick {
    /// Starts the timer.
    ///
    /// # Safety
    /// Nothing else uses SysTick.
    pub unsafe fn start() -> Self {
        // SAFETY: of the peripherals only SysTick is used, and the caller promised that nothing else uses it.
        let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(SYSTICK_TICKS - 1);
        systick.clear_current();
        systick.enable_interrupt();
        systick.enable_counter();
        // The timer starts at zero, which would be read as a whole turn until the first tick.
        while SYST::get_current() == 0 {}
        SysTick(())
    }
}

impl Counter for SysTick {
    fn instructions(&self) -> u64 {
        loop {
            let wraps = SYSTICK_WRAPS.load(Ordering::Relaxed);
            let ticks = SYSTICK_TICKS - 1 - SYST::get_current();
            if wraps == SYSTICK_WRAPS.load(Ordering::Relaxed) {
                break (u64::from(wraps) * u64::from(SYSTICK_TICKS) + u64::from(ticks)) * 125 / 4;
            }
        }
    }
}
