//! Button, light and relay.

use embassy_stm32::Peri;
use embassy_stm32::gpio::{Input, Level, Output, Pin, Pull, Speed};
use embassy_stm32::pac::gpio::Gpio;
use programs::app::output::{Active, Relay, Switch};

/// What a device switches.
pub type Switches = Relay<Output<'static>, Output<'static>>;

/// The button.
pub type Button = chips::button::Button<Input<'static>>;

fn switch(pin: Peri<'static, impl Pin>, active: Active) -> Switch<Output<'static>> {
    let off = if active == Active::High { Level::Low } else { Level::High };
    let Ok(switch) = Switch::new(Output::new(pin, off, Speed::Low), active);
    switch
}

/// The relay, which is on when its pin is high, and the light. Both are off.
pub fn switches(
    relay: Peri<'static, impl Pin>,
    light: Peri<'static, impl Pin>,
    light_is_on: Active,
) -> Switches {
    Relay { relay: switch(relay, Active::High), light: switch(light, light_is_on) }
}

/// The button, which connects its pin to 3.3 V (high while it is held) or to ground.
pub fn button(pin: Peri<'static, impl Pin>, is_held: Active) -> Button {
    let pull = if is_held == Active::High { Pull::Down } else { Pull::Up };
    Button::new(Input::new(pin, pull), is_held)
}

/// Turns the relay at this pin off. The port has its clock: before that the pin floats, and the relay's input has a resistor to
/// ground.
pub fn relay_off(port: Gpio, pin: usize) {
    port.bsrr().write(|w| w.set_br(pin, true));
}
