//! What the device switches and is pressed on: lines of GPIO where they are given, and always a line of JSON on standard output
//! for each change, for programs that open the door in another way. The signal SIGUSR1 presses the button shortly.
//!
//! Never tried on real lines.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use app::door::PersonId;
use app::output::{Active, Output, Switch};
use embedded_hal::digital::{self, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::{Bias, Value};
use serde::Serialize;

use crate::outlet;

/// How long a contact must be still to count.
const BOUNCE: Duration = Duration::from_millis(20);
/// How often a button that a signal presses is found to be held.
const PRESSED: u8 = 3;

/// A line of a chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    chip: PathBuf,
    line: u32,
    active: Active,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, active) = match text.strip_suffix(":low") {
            Some(rest) => (rest, Active::Low),
            None => (text, Active::High),
        };
        let wrong = || format!("{text} is no line such as /dev/gpiochip0:17; `gpioinfo` lists them");
        let (chip, line) = text.rsplit_once(':').ok_or_else(wrong)?;
        let line = line.parse().map_err(|_| wrong())?;
        Ok(Place { chip: chip.into(), line, active })
    }
}

impl Place {
    fn explain(&self) -> String {
        format!(
            "cannot use line {} of {}; is it there, free, and may this user open it (group gpio)?",
            self.line,
            self.chip.display()
        )
    }
}

/// An output.
struct Pin {
    request: Request,
    line: u32,
}

impl digital::Error for PinError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl digital::ErrorType for Pin {
    type Error = PinError;
}

/// A line that cannot be switched.
#[derive(Clone, Copy, Debug)]
pub struct PinError;

impl Pin {
    fn set(&mut self, value: Value) -> Result<(), PinError> {
        self.request.set_value(self.line, value).map(drop).map_err(|error| {
            crate::say(format_args!("cannot switch line {}: {error}", self.line));
            PinError
        })
    }
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), PinError> {
        self.set(Value::Inactive)
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        self.set(Value::Active)
    }
}

fn switch(place: &Place) -> Result<Switch<Pin>> {
    // The line gets its level when it becomes an output, not a moment later.
    let off = if place.active == Active::High { Value::Inactive } else { Value::Active };
    let request = Request::builder()
        .on_chip(&place.chip)
        .with_consumer("geode-door")
        .with_line(place.line)
        .as_output(off)
        .request()
        .with_context(|| place.explain())?;
    let pin = Pin { request, line: place.line };
    Switch::new(pin, place.active).map_err(|PinError| anyhow::anyhow!("{}", place.explain()))
}

/// What happened to the door, as standard output tells it.
#[derive(Serialize)]
#[serde(tag = "door", rename_all = "lowercase")]
enum Change {
    Open { person: PersonId },
    Closed,
    Rejected,
}

/// The door: relay and light, and standard output.
pub struct Door {
    relay: Option<Switch<Pin>>,
    light: Option<Switch<Pin>>,
}

impl Door {
    /// Off, whatever it was before.
    ///
    /// # Errors
    /// When a line cannot be used.
    pub fn new(relay: Option<&Place>, light: Option<&Place>) -> Result<Self> {
        Ok(Door { relay: relay.map(switch).transpose()?, light: light.map(switch).transpose()? })
    }

    fn set(&mut self, is_open: bool) -> Result<(), PinError> {
        // The relay first, and the light also if that fails.
        let [relay, light] = [&mut self.relay, &mut self.light]
            .map(|switch| switch.as_mut().map_or(Ok(()), |switch| switch.set(is_open)));
        relay.and(light)
    }
}

fn tell(change: &Change) -> Result<(), PinError> {
    let line = serde_json::to_string(change).map_err(io::Error::from);
    let told = line.and_then(|line| outlet::put(io::stdout(), &format!("{line}\n")));
    told.map_err(|error| {
        crate::say(format_args!("nobody reads on standard output ({error}), so that the door may not open"));
        PinError
    })
}

impl Output for Door {
    type Error = PinError;

    fn open(&mut self, person: PersonId) -> Result<(), PinError> {
        tell(&Change::Open { person })?;
        self.set(true)
    }

    fn close(&mut self) -> Result<(), PinError> {
        let closed = self.set(false);
        tell(&Change::Closed)?;
        closed
    }

    fn reject(&mut self) -> Result<(), PinError> {
        tell(&Change::Rejected)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // Whoever ends the program does not leave the door open. There is nothing more to do if this fails.
        let _ = self.close();
    }
}

/// The button.
pub struct Button {
    line: Option<(Request, u32)>,
    /// Set by the signal.
    is_signalled: Arc<AtomicBool>,
    /// How often it is still found to be held.
    left: u8,
}

impl Button {
    /// A button between a line and 3.3 V; if the line is low when it is pressed, between the line and ground.
    ///
    /// # Errors
    /// When the line cannot be used, or the signal not be caught.
    pub fn new(place: Option<&Place>) -> Result<Self> {
        let line = place.map(|place| {
            let mut builder = Request::builder();
            builder.on_chip(&place.chip).with_consumer("geode-door").with_line(place.line).as_input();
            builder.with_debounce_period(BOUNCE);
            match place.active {
                Active::Low => builder.with_bias(Bias::PullUp).as_active_low(),
                Active::High => builder.with_bias(Bias::PullDown).as_active_high(),
            };
            builder.request().map(|request| (request, place.line)).with_context(|| place.explain())
        });
        let is_signalled = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGUSR1, is_signalled.clone())
            .context("cannot catch the signal SIGUSR1")?;
        Ok(Button { line: line.transpose()?, is_signalled, left: 0 })
    }

    /// Whether it is held down.
    pub fn is_held(&mut self) -> bool {
        if self.is_signalled.swap(false, Ordering::Relaxed) {
            self.left = PRESSED;
        }
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        // A line that cannot be read is not pressed.
        self.line
            .as_ref()
            .is_some_and(|(request, line)| request.value(*line).is_ok_and(|value| value == Value::Active))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_by_chip_and_number() {
        let place = |active| Place { chip: "/dev/gpiochip0".into(), line: 17, active };
        assert_eq!("/dev/gpiochip0:17".parse(), Ok(place(Active::High)));
        assert_eq!("/dev/gpiochip0:17:low".parse(), Ok(place(Active::Low)));
        for wrong in ["17", "/dev/gpiochip0", "/dev/gpiochip0:x", "/dev/gpiochip0:low", ""] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn chip_that_is_not_there_is_told() {
        let place = "/dev/no-such-chip:3".parse().unwrap();
        let said = |error: anyhow::Error| error.to_string();
        let relay = said(Door::new(Some(&place), None).err().unwrap());
        assert!(relay.contains("line 3 of /dev/no-such-chip"), "{relay}");
        assert!(said(Button::new(Some(&place)).err().unwrap()).contains("/dev/no-such-chip"));
    }

    #[test]
    fn changes_are_lines_of_json() {
        let line = |change| serde_json::to_string(&change).unwrap();
        assert_eq!(line(Change::Open { person: 3 }), r#"{"door":"open","person":3}"#);
        assert_eq!(line(Change::Closed), r#"{"door":"closed"}"#);
        assert_eq!(line(Change::Rejected), r#"{"door":"rejected"}"#);
    }
}
