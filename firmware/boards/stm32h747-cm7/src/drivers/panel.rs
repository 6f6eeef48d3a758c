//! The button (D3, PG7), the green light (PK6), and the relay's pin (D2, PJ11).

use core::convert::Infallible;

use embassy_stm32::gpio::{Input, Level, Output, Pull, Speed};
use embassy_stm32::{Peri, pac, peripherals};
use programs::app::output::{Active, Relay, Switch};

/// The relay's pin in its port.
const RELAY_PIN: usize = 11;

/// What the device switches.
pub type Switches = Relay<Output<'static>, Output<'static>>;

/// The button.
pub type Button = chips::button::Button<Input<'static>>;

/// The relay on PJ11, which is on when the pin is high, and the light on PK6, which is on when the pin is low.
///
/// # Errors
/// Never.
pub fn switches(
    relay: Peri<'static, peripherals::PJ11>,
    light: Peri<'static, peripherals::PK6>,
) -> Result<Switches, Infallible> {
    let relay = Switch::new(Output::new(relay, Level::Low, Speed::Low), Active::High)?;
    let light = Switch::new(Output::new(light, Level::High, Speed::Low), Active::Low)?;
    Ok(Relay { relay, light })
}

/// The button, which connects PG7 to ground.
pub fn button(pin: Peri<'static, peripherals::PG7>) -> Button {
    Button::new(Input::new(pin, Pull::Up), Active::Low)
}

/// Turns the relay off, whatever state program and chip are in.
pub fn relay_off() {
    // Before the clocks are started the port has none, and the pin floats: the relay's input has a resistor to ground.
    pac::RCC.ahb4enr().modify(|w| w.set_gpiojen(true));
    // Reading it back lets the clock arrive.
    let _ = pac::RCC.ahb4enr().read();
    pac::GPIOJ.bsrr().write(|w| w.set_br(RELAY_PIN, true));
}
