//! What the device switches: a relay, a light, and a Wiegand line to an access controller.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;

use crate::door::PersonId;

/// What opens the door.
pub trait Output {
    /// Why it cannot be switched.
    type Error;

    /// Opens for a person.
    ///
    /// # Errors
    /// The hardware's. The door counts as closed.
    fn open(&mut self, person: PersonId) -> Result<(), Self::Error>;

    /// Closes.
    ///
    /// # Errors
    /// The hardware's.
    fn close(&mut self) -> Result<(), Self::Error>;

    /// Shows that somebody was not let in.
    ///
    /// # Errors
    /// The hardware's.
    fn reject(&mut self) -> Result<(), Self::Error>;
}

/// The level of a pin that is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Active {
    /// High is on.
    High,
    /// Low is on.
    Low,
}

/// A pin that is on or off.
#[derive(Debug)]
pub struct Switch<P> {
    pin: P,
    active: Active,
}

impl<P: OutputPin> Switch<P> {
    /// A switch, off.
    ///
    /// # Errors
    /// The pin's.
    pub fn new(pin: P, active: Active) -> Result<Self, P::Error> {
        let mut switch = Switch { pin, active };
        switch.set(false)?;
        Ok(switch)
    }

    /// Turns it on or off.
    ///
    /// # Errors
    /// The pin's.
    pub fn set(&mut self, is_on: bool) -> Result<(), P::Error> {
        match is_on == (self.active == Active::High) {
            true => self.pin.set_high(),
            false => self.pin.set_low(),
        }
    }
}

/// A relay that opens the door, and a light that is on while it is open.
#[derive(Debug)]
pub struct Relay<R, L> {
    /// Opens the door while it is on.
    pub relay: Switch<R>,
    /// The light.
    pub light: Switch<L>,
}

impl<R: OutputPin, L: OutputPin<Error = R::Error>> Output for Relay<R, L> {
    type Error = R::Error;

    fn open(&mut self, _person: PersonId) -> Result<(), R::Error> {
        self.relay.set(true)?;
        self.light.set(true)
    }

    fn close(&mut self) -> Result<(), R::Error> {
        // The relay first, and the light also if that fails.
        let relay = self.relay.set(false);
        self.light.set(false)?;
        relay
    }

    fn reject(&mut self) -> Result<(), R::Error> {
        Ok(())
    }
}

/// A Wiegand message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 26 bits: even parity of the first half, facility (8 bits), number (16 bits), odd parity of the second half.
    Bits26,
    /// 34 bits: even parity of the first half, facility (16 bits), number (16 bits), odd parity of the second half.
    Bits34,
}

impl Format {
    /// Bits of a message.
    pub const fn bits(self) -> u32 {
        match self {
            Format::Bits26 => 26,
            Format::Bits34 => 34,
        }
    }

    /// The message of a person, its first bit the highest of [`Self::bits`]; `None` when facility or number do not fit.
    pub fn message(self, facility: u16, person: PersonId) -> Option<u64> {
        let data_bits = self.bits() - 2;
        let number = u16::try_from(person).ok()?;
        if u32::from(facility) >> (data_bits - 16) != 0 {
            return None;
        }
        let data = u64::from(facility) << 16 | u64::from(number);
        let half = data_bits / 2;
        let even = u64::from((data >> half).count_ones() % 2);
        let odd = u64::from((data & ((1 << half) - 1)).count_ones().is_multiple_of(2));
        Some(even << (data_bits + 1) | data << 1 | odd)
    }
}

/// Length of a pulse, in microseconds.
const PULSE_US: u32 = 50;
/// From the start of a pulse to the start of the next, in microseconds.
const PERIOD_US: u32 = 1_000;

/// A Wiegand line: an access controller opens the door. Both wires are high between messages; a pulse on the first is a 0,
/// one on the second a 1.
#[derive(Debug)]
pub struct Wiegand<Z, O, D> {
    zero: Z,
    one: O,
    delay: D,
    format: Format,
    facility: u16,
}

/// Why a person is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WiegandError<E> {
    /// A wire cannot be switched.
    Pin(E),
    /// The person's number or the facility needs more bits than the message has.
    Number(PersonId),
}

impl<Z: OutputPin, O: OutputPin<Error = Z::Error>, D: DelayNs> Wiegand<Z, O, D> {
    /// A line, both wires high.
    ///
    /// # Errors
    /// [`WiegandError::Pin`].
    pub fn new(
        mut zero: Z,
        mut one: O,
        delay: D,
        format: Format,
        facility: u16,
    ) -> Result<Self, WiegandError<Z::Error>> {
        zero.set_high().map_err(WiegandError::Pin)?;
        one.set_high().map_err(WiegandError::Pin)?;
        Ok(Wiegand { zero, one, delay, format, facility })
    }
}

impl<Z: OutputPin, O: OutputPin<Error = Z::Error>, D: DelayNs> Output for Wiegand<Z, O, D> {
    type Error = WiegandError<Z::Error>;

    /// Sends the person's number. Takes a millisecond for each bit.
    fn open(&mut self, person: PersonId) -> Result<(), Self::Error> {
        let message = self.format.message(self.facility, person).ok_or(WiegandError::Number(person))?;
        for place in (0..self.format.bits()).rev() {
            let (low, high);
            if message >> place & 1 == 0 {
                low = self.zero.set_low();
                self.delay.delay_us(PULSE_US);
                high = self.zero.set_high();
            } else {
                low = self.one.set_low();
                self.delay.delay_us(PULSE_US);
                high = self.one.set_high();
            }
            low.and(high).map_err(WiegandError::Pin)?;
            self.delay.delay_us(PERIOD_US - PULSE_US);
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    fn reject(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use embedded_hal_mock::eh1::delay::NoopDelay;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    fn pin(states: &[State]) -> Mock {
        let expected: Vec<Transaction> = states.iter().map(|&state| Transaction::set(state)).collect();
        Mock::new(&expected)
    }

    #[test]
    fn relay_is_off_from_the_start_and_switched_by_its_level() {
        use State::{High, Low};
        // Off, on, off; the light has the other level.
        let mut relay = pin(&[Low, High, Low]);
        let mut light = pin(&[High, Low, High]);
        let switch = Switch::new(relay.clone(), Active::High).unwrap();
        let lamp = Switch::new(light.clone(), Active::Low).unwrap();
        let mut output = Relay { relay: switch, light: lamp };
        output.open(3).unwrap();
        output.reject().unwrap();
        output.close().unwrap();
        relay.done();
        light.done();
    }

    #[test]
    // Groups are the fields of a message.
    #[allow(clippy::unusual_byte_groupings)]
    fn messages_have_their_parities() {
        // Facility 1, number 1: one bit in each half, so that even parity is 1 and odd parity 0.
        assert_eq!(Format::Bits26.message(1, 1), Some(0b1_00000001_0000000000000001_0));
        // Nothing: even parity 0, odd parity 1.
        assert_eq!(Format::Bits26.message(0, 0), Some(1));
        assert_eq!(Format::Bits26.message(0x55, 0x1234), Some(0b1_01010101_0001001000110100_1));
        assert_eq!(Format::Bits34.message(0x0101, 7), Some(0b0_0000000100000001_0000000000000111_0));
        for format in [Format::Bits26, Format::Bits34] {
            for (facility, person) in [(3, 500), (255, 65535), (77, 1)] {
                let message = format.message(facility, person).unwrap();
                let half = format.bits() / 2;
                assert_eq!((message >> half).count_ones() % 2, 0);
                assert_eq!((message & ((1 << half) - 1)).count_ones() % 2, 1);
            }
        }
        assert_eq!(Format::Bits26.message(256, 1), None);
        assert_eq!(Format::Bits34.message(1, 65536), None);
    }

    #[test]
    fn bits_are_pulses_on_their_wire() {
        use State::{High, Low};
        let message = Format::Bits26.message(1, 1).unwrap();
        let ones = message.count_ones() as usize;
        let wire = |pulses: usize| {
            let states = core::iter::once(High).chain([Low, High].into_iter().cycle().take(2 * pulses));
            pin(&states.collect::<Vec<_>>())
        };
        let (mut zero, mut one) = (wire(26 - ones), wire(ones));
        let mut line = Wiegand::new(zero.clone(), one.clone(), NoopDelay::new(), Format::Bits26, 1).unwrap();
        line.open(1).unwrap();
        assert_eq!(line.open(1 << 16), Err(WiegandError::Number(1 << 16)));
        zero.done();
        one.done();
    }
}
