//! The camera: an OV2640 on I²C, its frames through DCMI.

use camera::settings::{Exposure, Limits, Mains, Orientation};
use camera::{Ov2640, Pins, Settings, Unconnected};
use chips::bus::Freed;
use chips::eye::frame_bytes;
use embassy_stm32::i2c::I2c;
use embassy_stm32::rcc::{Mco, Mco1Source, McoConfig, McoPrescaler};
use embassy_stm32::{Peri, pac, peripherals};
use embassy_time::Delay;
use stm32::h7::bus::{self, Bus};
use stm32::h7::receiver::{self, Edge, Receiver};

/// HSI48 divided by 2, on the pin MCO1.
const SENSOR_CLOCK_HZ: u32 = 24_000_000;

const SETTINGS: Settings = Settings {
    clock_hz: SENSOR_CLOCK_HZ,
    limits: Limits { pixel_clock_hz: 24_000_000, frames_per_s: 15 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

type Sensor = Ov2640<Bus, Delay>;

/// The camera.
pub type Eye = chips::eye::Eye<Sensor, Receiver>;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = frame_bytes::<Sensor>();
const _: () = assert!(crate::facts::FRAME.1 >= FRAME_BYTES, "room for a frame");

/// The sensor's wires besides the port.
pub struct Wires {
    /// The bus.
    pub bus: Peri<'static, peripherals::I2C1>,
    /// Its clock.
    pub scl: Peri<'static, peripherals::PB8>,
    /// Its data.
    pub sda: Peri<'static, peripherals::PB9>,
    /// Gives the sensor's clock,
    pub mco: Peri<'static, peripherals::MCO1>,
    /// on this pin.
    pub xvclk: Peri<'static, peripherals::PA8>,
}

/// The camera, with frames from now on if the sensor answers.
pub fn open(wires: Wires, port: receiver::Pins) -> Eye {
    let Wires { bus, scl, sda, mco, xvclk } = wires;
    let mut clock = McoConfig::default();
    clock.prescaler = McoPrescaler::DIV2;
    // It goes on when this is dropped.
    let _ = Mco::new(mco, xvclk, Mco1Source::HSI48, clock);
    let bus: Bus = Freed::new(I2c::new_blocking(bus, scl, sda, bus::config()), || {
        bus::recover(pac::I2C1, (pac::GPIOB, 8), (pac::GPIOB, 9));
    });
    let pins = Pins { reset: Unconnected, power_down: Unconnected };
    let receiver = Receiver::new(port, Edge::Rising, super::frame(), FRAME_BYTES);
    Eye::new(Ov2640::new(bus, Delay, pins), SETTINGS, receiver)
}
