//! The random number generator of an STM32N657. (ST RM0486, "True random number generator"; its configuration A.)
//! `embassy-stm32` 0.6 does not know it, so that its registers are here.
#![allow(unsafe_code)]

use core::ptr;

use chips::random::{Generator, RandomError, word_within};
use embassy_stm32::pac::RCC;
use embassy_time::Duration;

/// Its registers, at the addresses that a secure program uses.
const CR: usize = 0x5402_0000;
const SR: usize = CR + 0x04;
const DR: usize = CR + 0x08;
const HTCR: usize = CR + 0x10;

const ENABLE: u32 = 1 << 2;
/// While it is set, the configuration can be written.
const CONDITIONING_RESET: u32 = 1 << 30;
/// Of three stages of noise, as NIST SP 800-90B wants them.
const CONFIGURATION: u32 = 0x00f0_0d00;
const HEALTH_KEY: u32 = 0x1759_0abc;
const HEALTH_LIMITS: u32 = 0xaac7;
const READY: u32 = 1 << 0;
const CLOCK_ERRORS: u32 = 1 << 1 | 1 << 5;
const SEED_ERRORS: u32 = 1 << 2 | 1 << 6;

/// The first word comes after the conditioning of its noise.
const LIMIT: Duration = Duration::from_millis(10);

/// The generator.
pub struct Rng {
    _only: (),
}

impl Rng {
    /// Turns it on; called once.
    pub fn new() -> Self {
        RCC.ahb3enr().modify(|w| w.set_rngen(true));
        // Reading it back lets the clock arrive.
        let _ = RCC.ahb3enr().read();
        let mut rng = Rng { _only: () };
        rng.restart();
        rng
    }
}

impl Default for Rng {
    fn default() -> Self {
        Self::new()
    }
}

fn read(register: usize) -> u32 {
    // SAFETY: a register of the generator, which only this module uses.
    unsafe { ptr::with_exposed_provenance::<u32>(register).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: as above.
    unsafe { ptr::with_exposed_provenance_mut::<u32>(register).write_volatile(value) }
}

impl Generator for Rng {
    fn word(&mut self) -> Result<u32, RandomError> {
        word_within(LIMIT, || {
            let state = read(SR);
            if state & SEED_ERRORS != 0 {
                Some(Err(RandomError::Seed))
            } else if state & CLOCK_ERRORS != 0 {
                Some(Err(RandomError::Clock))
            } else {
                (state & READY != 0).then(|| Ok(read(DR)))
            }
        })
    }

    fn restart(&mut self) {
        write(CR, CONDITIONING_RESET | CONFIGURATION);
        // The key comes before each access.
        write(HTCR, HEALTH_KEY);
        write(HTCR, HEALTH_LIMITS);
        write(CR, CONFIGURATION | ENABLE);
        write(SR, 0);
        // That the reset ends, the first word tells.
    }
}
