//! An I²C bus that comes back: a device that was cut off in the middle of a byte may hold the data line low for ever.
//! (NXP UM10204, section 3.1.16.)

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::i2c::{Error as _, ErrorKind, ErrorType, I2c, Operation};

/// Half a period of the clock, at 100 kHz.
const HALF_US: u32 = 5;
/// Periods in which any device ends its byte.
const PERIODS: usize = 9;

/// Frees a bus by hand: gives the clock until nobody holds the data line, then a stop. Both lines are open drains. Returns whether
/// the data line is free.
///
/// # Errors
/// The pins'.
pub fn free<P: InputPin + OutputPin>(
    scl: &mut P,
    sda: &mut P,
    delay: &mut impl DelayNs,
) -> Result<bool, P::Error> {
    sda.set_high()?;
    scl.set_high()?;
    delay.delay_us(HALF_US);
    for _ in 0..PERIODS {
        if sda.is_high()? {
            break;
        }
        scl.set_low()?;
        delay.delay_us(HALF_US);
        scl.set_high()?;
        delay.delay_us(HALF_US);
    }
    // A stop: data rises while the clock is high.
    scl.set_low()?;
    delay.delay_us(HALF_US);
    sda.set_low()?;
    delay.delay_us(HALF_US);
    scl.set_high()?;
    delay.delay_us(HALF_US);
    sda.set_high()?;
    delay.delay_us(HALF_US);
    sda.is_high()
}

/// A bus that is freed after each error that is not an answer of a device.
pub struct Freed<I, F> {
    bus: I,
    free: F,
}

impl<I, F: FnMut()> Freed<I, F> {
    /// A bus. `free` frees it and starts its controller anew; it is called before the first transaction too.
    pub fn new(bus: I, mut free: F) -> Self {
        free();
        Freed { bus, free }
    }
}

impl<I: ErrorType, F> ErrorType for Freed<I, F> {
    type Error = I::Error;
}

impl<I: I2c, F: FnMut()> Freed<I, F> {
    fn run(&mut self, transaction: impl FnOnce(&mut I) -> Result<(), I::Error>) -> Result<(), I::Error> {
        let done = transaction(&mut self.bus);
        if let Err(error) = &done
            && !matches!(error.kind(), ErrorKind::NoAcknowledge(_))
        {
            (self.free)();
        }
        done
    }
}

impl<I: I2c, F: FnMut()> I2c for Freed<I, F> {
    fn read(&mut self, address: u8, read: &mut [u8]) -> Result<(), I::Error> {
        self.run(|bus| bus.read(address, read))
    }

    fn write(&mut self, address: u8, write: &[u8]) -> Result<(), I::Error> {
        self.run(|bus| bus.write(address, write))
    }

    fn write_read(&mut self, address: u8, write: &[u8], read: &mut [u8]) -> Result<(), I::Error> {
        self.run(|bus| bus.write_read(address, write, read))
    }

    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), I::Error> {
        self.run(|bus| bus.transaction(address, operations))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use embedded_hal::i2c::NoAcknowledgeSource;
    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction as Level};
    use embedded_hal_mock::eh1::i2c::{Mock as Bus, Transaction};

    use super::*;

    const HIGH: State = State::High;
    const LOW: State = State::Low;

    /// The levels of the pins when the data line is free after some periods.
    fn freed_after(periods: usize, ends: State) -> bool {
        let clock: Vec<_> = (0..periods).flat_map(|_| [Level::set(LOW), Level::set(HIGH)]).collect();
        let stop = [Level::set(LOW), Level::set(HIGH)];
        let mut scl = Pin::new(&[&[Level::set(HIGH)][..], &clock, &stop].concat());
        let mut looks: Vec<_> = (0..periods).map(|_| Level::get(LOW)).collect();
        if periods < PERIODS {
            looks.push(Level::get(HIGH));
        }
        let stop = [Level::set(LOW), Level::set(HIGH), Level::get(ends)];
        let mut sda = Pin::new(&[&[Level::set(HIGH)][..], &looks, &stop].concat());
        let is_free = free(&mut scl, &mut sda, &mut NoopDelay).unwrap();
        scl.done();
        sda.done();
        is_free
    }

    #[test]
    fn clock_is_given_until_the_data_line_is_free() {
        for periods in 0..PERIODS {
            assert!(freed_after(periods, HIGH));
        }
        assert!(!freed_after(PERIODS, LOW), "a short circuit stays");
    }

    #[test]
    fn bus_is_freed_after_errors_that_are_no_answers() {
        let nack = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
        let mut bus = Bus::new(&[
            Transaction::write(0x30, [1].to_vec()).with_error(nack),
            Transaction::write(0x30, [2].to_vec()).with_error(ErrorKind::Bus),
            Transaction::write(0x30, [3].to_vec()),
        ]);
        let mut freed = 0;
        let mut line = Freed::new(bus.clone(), || freed += 1);
        assert_eq!(line.write(0x30, &[1]), Err(nack));
        assert_eq!(line.write(0x30, &[2]), Err(ErrorKind::Bus));
        assert_eq!(line.write(0x30, &[3]), Ok(()));
        drop(line);
        assert_eq!(freed, 2, "at the start, and after the error of the bus");
        bus.done();
    }
}
