//! The random number generator of an STM32H7. (ST RM0433, section 34.) `embassy-stm32` waits for ever if it gives nothing.

use chips::random::{Generator, RandomError, word_within};
use embassy_stm32::pac::RNG;
use embassy_stm32::{Peri, peripherals, rcc};
use embassy_time::Duration;

/// A word takes 40 periods of 48 MHz. After an error of the seed come some more.
const LIMIT: Duration = Duration::from_millis(2);

/// The generator.
pub struct Rng {
    _rng: Peri<'static, peripherals::RNG>,
}

impl Rng {
    /// Turns it on.
    pub fn new(rng: Peri<'static, peripherals::RNG>) -> Self {
        rcc::enable_and_reset::<peripherals::RNG>();
        let mut rng = Rng { _rng: rng };
        rng.restart();
        rng
    }
}

impl Generator for Rng {
    fn word(&mut self) -> Result<u32, RandomError> {
        word_within(LIMIT, || {
            let state = RNG.sr().read();
            if state.seis() || state.secs() {
                Some(Err(RandomError::Seed))
            } else if state.ceis() || state.cecs() {
                Some(Err(RandomError::Clock))
            } else {
                state.drdy().then(|| Ok(RNG.dr().read()))
            }
        })
    }

    fn restart(&mut self) {
        RNG.cr().modify(|w| w.set_rngen(false));
        RNG.sr().modify(|w| {
            w.set_seis(false);
            w.set_ceis(false);
        });
        RNG.cr().modify(|w| w.set_rngen(true));
    }
}
