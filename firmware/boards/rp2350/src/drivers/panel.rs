//! Button (GP18), light (GP25) and the relay's pin (GP17).

use core::convert::Infallible;

use chips::button::Button;
use embassy_rp::gpio::{Input, Level, Output, Pull};
use embassy_rp::{Peri, pac, peripherals};
use programs::app::output::{Active, Relay, Switch};

/// The relay's pin.
const RELAY_PIN: u32 = 17;

/// What the device switches.
pub type Switches = Relay<Output<'static>, Output<'static>>;

/// The relay on GP17, which is on when the pin is high, and the light on GP25.
///
/// # Errors
/// Never.
pub fn switches(
    relay: Peri<'static, peripherals::PIN_17>,
    light: Peri<'static, peripherals::PIN_25>,
) -> Result<Switches, Infallible> {
    let relay = Switch::new(Output::new(relay, Level::Low), Active::High)?;
    let light = Switch::new(Output::new(light, Level::Low), Active::High)?;
    Ok(Relay { relay, light })
}

/// Turns the relay off, whatever state program and chip are in. Before the pin is an output it floats: the relay's input has a
/// resistor to ground.
pub fn relay_off() {
    pac::SIO.gpio_out(0).value_clr().write_value(1 << RELAY_PIN);
}

/// The button, which connects GP18 to ground. (A pull-down of this chip may hold a pin high: erratum RP2350-E9.)
pub fn button(pin: Peri<'static, peripherals::PIN_18>) -> Button<Input<'static>> {
    Button::new(Input::new(pin, Pull::Up), Active::Low)
}
