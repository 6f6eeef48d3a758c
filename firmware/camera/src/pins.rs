//! The reset and power-down pins of a camera module.

use core::convert::Infallible;
use core::fmt;

use embedded_hal::digital::{ErrorType, OutputPin};

/// The place of a pin that the board does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unconnected;

impl ErrorType for Unconnected {
    type Error = Infallible;
}

impl OutputPin for Unconnected {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The pins that reset a module and take its power. A module whose pins lead nowhere has pull resistors on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins<R = Unconnected, P = Unconnected> {
    /// RESETB: low resets.
    pub reset: R,
    /// PWDN: high takes the power.
    pub power_down: P,
}

/// The name of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// [`Pins::reset`].
    Reset,
    /// [`Pins::power_down`].
    PowerDown,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pin::Reset => "reset (RESETB)",
            Pin::PowerDown => "power-down (PWDN)",
        })
    }
}
