//! The generator of random numbers. (RP2350 data sheet, section 12.12.)
//!
//! It samples a ring oscillator, and refuses samples that repeat or follow each other too regularly. `embassy-rp` panics when
//! it does so; here that is an error.

use chips::random::{Generator, RandomError};
use chips::wait::wait;
use embassy_rp::pac::TRNG;
use embassy_rp::{Peri, peripherals};
use embassy_time::Duration;

/// Cycles between two samples. The data sheet wants 20 to 25 or more.
const SAMPLE_CYCLES: u32 = 100;
/// Inverters of the ring: the second shortest of four chains.
const CHAIN: u8 = 1;
/// 192 bits take a millisecond or some.
const LIMIT: Duration = Duration::from_millis(100);
/// Words that it gives at a time.
const WORDS: usize = 6;

/// The generator.
pub struct Random {
    _generator: Peri<'static, peripherals::TRNG>,
    words: [u32; WORDS],
    /// Words that nobody has taken yet, the last of them first.
    left: usize,
}

impl Random {
    /// The generator. It rests while nobody asks.
    pub fn new(generator: Peri<'static, peripherals::TRNG>) -> Self {
        Random { _generator: generator, words: [0; WORDS], left: 0 }
    }

    fn fill(&mut self) -> Result<(), RandomError> {
        TRNG.trng_sw_reset().write(|w| w.set_trng_sw_reset(true));
        // The reset takes a moment, in which this read waits.
        let _ = TRNG.trng_sw_reset().read();
        TRNG.rng_icr().write(|w| w.0 = u32::MAX);
        TRNG.trng_config().write(|w| w.set_rnd_src_sel(CHAIN));
        TRNG.sample_cnt1().write_value(SAMPLE_CYCLES);
        TRNG.rnd_source_enable().write(|w| w.set_rnd_src_en(true));
        let is_over = || {
            let state = TRNG.rng_isr().read();
            state.ehr_valid() || state.autocorr_err() || state.crngt_err() || state.vn_err()
        };
        let found = match wait(LIMIT, is_over) {
            Err(_) => Err(RandomError::TimedOut),
            Ok(()) if TRNG.trng_valid().read().ehr_valid() => Ok(()),
            Ok(()) => Err(RandomError::Seed),
        };
        self.words = [
            TRNG.ehr_data0(),
            TRNG.ehr_data1(),
            TRNG.ehr_data2(),
            TRNG.ehr_data3(),
            TRNG.ehr_data4(),
            TRNG.ehr_data5(),
        ]
        .map(|word| word.read());
        TRNG.rnd_source_enable().write(|w| w.set_rnd_src_en(false));
        found
    }
}

impl Generator for Random {
    fn word(&mut self) -> Result<u32, RandomError> {
        if self.left == 0 {
            self.fill()?;
            self.left = WORDS;
        }
        self.left -= 1;
        Ok(core::mem::take(&mut self.words[self.left]))
    }

    fn restart(&mut self) {
        // It is restarted each time it is asked.
        self.left = 0;
    }
}
