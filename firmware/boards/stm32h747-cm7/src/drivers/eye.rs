//! The camera: an HM01B0 on I²C, its frames through DCMI.

use camera::settings::{Exposure, Limits, Mains, Orientation};
use camera::{Hm01b0, Settings};
use chips::bus::Freed;
use chips::eye::frame_bytes;
use embassy_stm32::gpio::{Level, Output, OutputType, Speed};
use embassy_stm32::i2c::I2c;
use embassy_stm32::time::Hertz;
use embassy_stm32::timer::low_level::CountingMode;
use embassy_stm32::timer::simple_pwm::{PwmPin, SimplePwm};
use embassy_stm32::{Peri, pac, peripherals};
use embassy_time::{Delay, Duration, block_for};
use stm32::h7::bus::{self, Bus};
use stm32::h7::receiver::{self, Edge, Receiver};

/// From TIM1, whose input is 200 MHz: 6.06 MHz, which the sensor takes as it is.
const SENSOR_CLOCK_HZ: u32 = 6_000_000;
/// The shield's regulator and the sensor's own start.
const POWER_UP: Duration = Duration::from_millis(100);

const SETTINGS: Settings = Settings {
    clock_hz: SENSOR_CLOCK_HZ,
    limits: Limits { pixel_clock_hz: 24_000_000, frames_per_s: 15 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

type Sensor = Hm01b0<Bus, Delay>;

/// The camera.
pub type Eye = chips::eye::Eye<Sensor, Receiver>;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = frame_bytes::<Sensor>();
const _: () = assert!(crate::facts::FRAME.1 >= FRAME_BYTES, "room for a frame");

/// The sensor's wires besides the port.
pub struct Wires {
    /// The bus.
    pub bus: Peri<'static, peripherals::I2C3>,
    /// Its clock.
    pub scl: Peri<'static, peripherals::PH7>,
    /// Its data.
    pub sda: Peri<'static, peripherals::PH8>,
    /// Gives the sensor's clock,
    pub timer: Peri<'static, peripherals::TIM1>,
    /// on this pin.
    pub mclk: Peri<'static, peripherals::PK1>,
    /// Turns the shield's regulator on.
    pub power: Peri<'static, peripherals::PC13>,
}

/// The camera, with frames from now on if the sensor answers.
pub fn open(wires: Wires, port: receiver::Pins) -> Eye {
    let Wires { bus, scl, sda, timer, mclk, power } = wires;
    // Pin and timer go on for ever.
    core::mem::forget(Output::new(power, Level::High, Speed::Low));
    let pin = PwmPin::new(mclk, OutputType::PushPull);
    let rate = Hertz(SENSOR_CLOCK_HZ);
    let mut clock = SimplePwm::new(timer, Some(pin), None, None, None, rate, CountingMode::EdgeAlignedUp);
    clock.ch1().set_duty_cycle_percent(50);
    clock.ch1().enable();
    core::mem::forget(clock);
    block_for(POWER_UP);
    let bus: Bus = Freed::new(I2c::new_blocking(bus, scl, sda, bus::config()), || {
        bus::recover(pac::I2C3, (pac::GPIOH, 7), (pac::GPIOH, 8));
    });
    let receiver = Receiver::new(port, Edge::Falling, super::frame(), FRAME_BYTES);
    Eye::new(Hm01b0::new(bus, Delay), SETTINGS, receiver)
}
