//! An I²C bus on an STM32H7, with limits, which comes back after it was stuck.

use core::convert::Infallible;

use chips::bus::{Freed, free};
use embassy_stm32::i2c::{self, I2c, Master};
use embassy_stm32::mode::Blocking;
use embassy_stm32::pac::gpio::Gpio;
use embassy_stm32::pac::gpio::vals::{Moder, Ot};
use embassy_stm32::time::Hertz;
use embassy_time::{Delay, Duration};
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

const BUS_HZ: u32 = 100_000;
/// The longest wait of a transaction.
const LIMIT: Duration = Duration::from_millis(50);

/// A bus. It is freed at its start, and after errors that are no answers.
pub type Bus = Freed<I2c<'static, Blocking, Master>, fn()>;

/// The settings of a bus: 100 kHz, pull-ups beside those of a module, if it has any.
pub fn config() -> i2c::Config {
    let mut config = i2c::Config::default();
    config.frequency = Hertz(BUS_HZ);
    config.timeout = LIMIT;
    config.scl_pullup = true;
    config.sda_pullup = true;
    config
}

/// Frees a bus whose controller has these pins, and starts the controller anew.
pub fn recover(controller: embassy_stm32::pac::i2c::I2c, scl: (Gpio, usize), sda: (Gpio, usize)) {
    controller.cr1().modify(|w| w.set_pe(false));
    let (mut clock, mut data) = (ByHand::new(scl), ByHand::new(sda));
    // A bus that stays stuck says so at the next transaction.
    let Ok(_) = free(&mut clock, &mut data, &mut Delay);
    drop((clock, data));
    // Off for three of its clocks, which the above has taken (ST RM0433, section 47.4.5).
    controller.cr1().modify(|w| w.set_pe(true));
}

/// A pin of the bus as an open drain; it is the controller's again when this is dropped.
struct ByHand {
    port: Gpio,
    pin: usize,
}

impl ByHand {
    fn new((port, pin): (Gpio, usize)) -> Self {
        critical_section::with(|_| {
            port.otyper().modify(|w| w.set_ot(pin, Ot::OPEN_DRAIN));
            port.bsrr().write(|w| w.set_bs(pin, true));
            port.moder().modify(|w| w.set_moder(pin, Moder::OUTPUT));
        });
        ByHand { port, pin }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        critical_section::with(|_| self.port.moder().modify(|w| w.set_moder(self.pin, Moder::ALTERNATE)));
    }
}

impl ErrorType for ByHand {
    type Error = Infallible;
}

impl OutputPin for ByHand {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.port.bsrr().write(|w| w.set_br(self.pin, true));
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.port.bsrr().write(|w| w.set_bs(self.pin, true));
        Ok(())
    }
}

impl InputPin for ByHand {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.port.idr().read().idr(self.pin) == embassy_stm32::pac::gpio::vals::Idr::HIGH)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|is_high| !is_high)
    }
}
