//! Button K1 (PC13), light E3 (PE3), and the relay's pin (PB12).

use core::convert::Infallible;

use embassy_stm32::gpio::{Input, Level, Output, Pull, Speed};
use embassy_stm32::{Peri, pac, peripherals};
use embassy_time::{Duration, Instant};
use programs::app::output::{Active, Relay, Switch};

/// Contacts that do not change for this long have stopped bouncing.
const BOUNCE: Duration = Duration::from_millis(20);
/// The relay's pin in its port.
const RELAY_PIN: usize = 12;

/// What the device switches.
pub type Switches = Relay<Output<'static>, Output<'static>>;

/// The relay on PB12, which is on when the pin is high, and the light on PE3.
///
/// # Errors
/// Never.
pub fn switches(
    relay: Peri<'static, peripherals::PB12>,
    light: Peri<'static, peripherals::PE3>,
) -> Result<Switches, Infallible> {
    let relay = Switch::new(Output::new(relay, Level::Low, Speed::Low), Active::High)?;
    let light = Switch::new(Output::new(light, Level::Low, Speed::Low), Active::High)?;
    Ok(Relay { relay, light })
}

/// Turns the relay off, whatever state program and chip are in.
pub fn relay_off() {
    // Before the clocks are started the port has none, and the pin floats: the relay's input has a resistor to ground.
    pac::RCC.ahb4enr().modify(|w| w.set_gpioben(true));
    // Reading it back lets the clock arrive.
    let _ = pac::RCC.ahb4enr().read();
    pac::GPIOB.bsrr().write(|w| w.set_br(RELAY_PIN, true));
}

/// The button, which connects PC13 to 3.3 V.
pub struct Button {
    pin: Input<'static>,
    is_held: bool,
    /// Since when the pin says otherwise.
    other_since: Option<Instant>,
}

impl Button {
    /// The button, let go.
    pub fn new(pin: Peri<'static, peripherals::PC13>) -> Self {
        Button { pin: Input::new(pin, Pull::Down), is_held: false, other_since: None }
    }

    /// Whether it is held down, without the bouncing of its contacts.
    pub fn is_held(&mut self) -> bool {
        if self.pin.is_high() == self.is_held {
            self.other_since = None;
            return self.is_held;
        }
        let now = Instant::now();
        let since = *self.other_since.get_or_insert(now);
        if now.duration_since(since) >= BOUNCE {
            self.is_held = !self.is_held;
            self.other_since = None;
        }
        self.is_held
    }
}
