//! Why a sensor cannot be used.

use core::fmt;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use format::PixelFormat;

use crate::pins::Pin;
use crate::settings::TestPattern;

/// Why a sensor cannot be used. After an error of `init`, the other functions refuse until `init` succeeds. After an
/// error of another function the old or the new setting is active, and the function can be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nothing has this address.
    NoAnswer {
        /// The address on the bus, 7 bits.
        address: u8,
    },
    /// The bus failed in the middle.
    Bus {
        /// The address on the bus, 7 bits.
        address: u8,
        /// The register; of an OV2640, its bank is the upper byte.
        register: u16,
        /// What the bus says.
        kind: ErrorKind,
    },
    /// Another chip answers.
    WrongChip {
        /// The address on the bus, 7 bits.
        address: u8,
        /// The first of the two registers that were read.
        register: u16,
        /// What they hold.
        found: u16,
        /// What they should hold.
        wanted: u16,
    },
    /// The sensor does not come back from its reset.
    Reset {
        /// The address on the bus, 7 bits.
        address: u8,
    },
    /// A pin cannot be switched.
    Pin(Pin),
    /// The sensor does not send this format.
    Format(PixelFormat),
    /// The sensor does not make this pattern.
    Pattern(TestPattern),
    /// The slowest division of the clock is too fast for the limits, or one of them is 0.
    Limits {
        /// The sensor's clock.
        clock_hz: u32,
    },
    /// The window of the exposure is empty, or not in 1–254.
    Exposure {
        /// The mean luminance that was wanted.
        mean: u8,
        /// The tolerance that was wanted.
        tolerance: u8,
    },
    /// `init` has not succeeded yet.
    NotInitialised,
}

impl Error {
    /// The error at the first transaction with a sensor: without an acknowledgement, nothing is there.
    pub(crate) fn at_first(self) -> Self {
        use NoAcknowledgeSource::{Address, Unknown};
        match self {
            Error::Bus { address, kind: ErrorKind::NoAcknowledge(Address | Unknown), .. } => {
                Error::NoAnswer { address }
            }
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::NoAnswer { address } => write!(
                f,
                "no answer from the camera at address {address:#04x}: check SDA, SCL and their pull-ups, power, the \
                 clock that the board feeds to the camera, and the reset and power-down lines"
            ),
            Error::Bus { address, register, kind } => write!(
                f,
                "the camera at address {address:#04x} failed at register {register:#06x} ({kind}): check the length \
                 of SDA and SCL, their pull-ups and the bus clock (400 kHz at most), and initialise it again"
            ),
            Error::WrongChip { address, register, found, wanted } => write!(
                f,
                "the chip at address {address:#04x} says {found:#06x} in register {register:#06x}, where the camera \
                 says {wanted:#06x}: check the type of the module; 0x0000 and 0xffff point to SDA"
            ),
            Error::Reset { address } => write!(
                f,
                "the camera at address {address:#04x} does not come back from a reset: check its power and its clock"
            ),
            Error::Pin(pin) => {
                write!(f, "the {pin} pin of the camera cannot be switched: check the board's code")
            }
            Error::Format(format) => {
                write!(f, "the camera does not send {}: choose another format", format.name())
            }
            Error::Pattern(pattern) => {
                write!(f, "the camera does not make the test pattern {pattern:?}: choose the other one")
            }
            Error::Limits { clock_hz } => write!(
                f,
                "no division of the camera's clock of {clock_hz} Hz is slow enough: raise the limits of pixel clock \
                 and frame rate, or feed a slower clock"
            ),
            Error::Exposure { mean, tolerance } => write!(
                f,
                "a mean luminance of {mean} ± {tolerance} is no window in 1–254: choose others, such as 60 ± 4"
            ),
            Error::NotInitialised => {
                f.write_str("the camera is not initialised: call init until it succeeds")
            }
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn errors_say_what_where_and_what_to_do() {
        let kind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data);
        let texts = [
            (Error::NoAnswer { address: 0x30 }, ["no answer", "0x30", "check SDA, SCL"]),
            (Error::Bus { address: 0x30, register: 0x0112, kind }, ["0x30", "0x0112", "initialise it again"]),
            (
                Error::WrongChip { address: 0x24, register: 0, found: 0x360, wanted: 0x1b0 },
                ["0x24", "0x0360", "0x01b0"],
            ),
            (Error::Reset { address: 0x24 }, ["0x24", "reset", "check its power"]),
            (Error::Pin(Pin::PowerDown), ["PWDN", "cannot be switched", "check"]),
            (Error::Format(PixelFormat::Rgb888), ["rgb888", "does not send", "choose"]),
            (Error::Pattern(TestPattern::WalkingOnes), ["WalkingOnes", "does not make", "choose"]),
            (Error::Limits { clock_hz: 24_000_000 }, ["24000000 Hz", "slow enough", "raise"]),
            (Error::Exposure { mean: 3, tolerance: 4 }, ["3 ± 4", "1–254", "choose"]),
            (Error::NotInitialised, ["not initialised", "call init", "until it succeeds"]),
        ];
        for (error, parts) in texts {
            let text = error.to_string();
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
            assert!(!text.contains('\n') && !text.contains("  "), "{text}");
        }
    }

    #[test]
    fn only_a_silent_address_is_no_answer() {
        use NoAcknowledgeSource::{Address, Data, Unknown};
        let bus = |kind| Error::Bus { address: 0x30, register: 0xff, kind };
        for source in [Address, Unknown] {
            assert_eq!(bus(ErrorKind::NoAcknowledge(source)).at_first(), Error::NoAnswer { address: 0x30 });
        }
        for kind in [ErrorKind::NoAcknowledge(Data), ErrorKind::Bus, ErrorKind::ArbitrationLoss] {
            assert_eq!(bus(kind).at_first(), bus(kind));
        }
    }
}
