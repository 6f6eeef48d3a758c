//! Button B2 (PC13), the green light (PG0), and the relay's pin (D2, PD0).

use core::convert::Infallible;

use embassy_stm32::gpio::{Input, Level, Output, Pull, Speed};
use embassy_stm32::{Peri, pac, peripherals};
use programs::app::output::{Active, Relay, Switch};

/// The relay's pin in its port.
const RELAY_PIN: usize = 0;

/// What the device switches.
pub type Switches = Relay<Output<'static>, Output<'static>>;

/// The button.
pub type Button = chips::button::Button<Input<'static>>;

/// The relay on PD0, which is on when the pin is high, and the light on PG0, which is on when the pin is low.
///
/// # Errors
/// Never.
pub fn switches(
    relay: Peri<'static, peripherals::PD0>,
    light: Peri<'static, peripherals::PG0>,
) -> Result<Switches, Infallible> {
    let relay = Switch::new(Output::new(relay, Level::Low, Speed::Low), Active::High)?;
    let light = Switch::new(Output::new(light, Level::High, Speed::Low), Active::Low)?;
    Ok(Relay { relay, light })
}

/// The button, which connects PC13 to 3.3 V.
pub fn button(pin: Peri<'static, peripherals::PC13>) -> Button {
    Button::new(Input::new(pin, Pull::Down), Active::High)
}

/// Turns the relay off, whatever state program and chip are in.
pub fn relay_off() {
    // Before the clocks are started the port has none, and the pin floats: the relay's input has a resistor to ground.
    pac::RCC.ahb4enr().modify(|w| w.set_gpioden(true));
    // Reading it back lets the clock arrive.
    let _ = pac::RCC.ahb4enr().read();
    pac::GPIOD.bsrr().write(|w| w.set_br(RELAY_PIN, true));
}
