//! The camera: a sensor on I²C, its frames through the receiver. An OV2640, or an HM01B0 with the feature `hm01b0`.

use camera::Settings;
use camera::settings::{Exposure, Limits, Mains, Orientation};
use chips::eye;
use embassy_rp::clocks::{Gpout, GpoutSrc};
use embassy_rp::{Peri, peripherals};

use super::bus::Bus;
use super::receiver::Receiver;

#[cfg(not(feature = "hm01b0"))]
mod model {
    //! OV2640.

    use camera::{Ov2640, Pins, Unconnected};
    use embassy_time::Delay;

    use crate::drivers::bus::Bus;

    /// Hertz of XVCLK.
    pub const CLOCK_HZ: u32 = 24_000_000;
    /// Bytes are stable at the rising edge of PCLK.
    pub const IS_CLOCK_INVERTED: bool = false;

    /// The sensor.
    pub type Sensor = Ov2640<Bus, Delay>;

    /// The sensor on a bus.
    pub fn sensor(bus: Bus) -> Sensor {
        Ov2640::new(bus, Delay, Pins { reset: Unconnected, power_down: Unconnected })
    }
}

#[cfg(feature = "hm01b0")]
mod model {
    //! HM01B0.

    use camera::Hm01b0;
    use embassy_time::Delay;

    use crate::drivers::bus::Bus;

    /// Hertz of MCLK.
    pub const CLOCK_HZ: u32 = 6_000_000;
    /// Bytes are stable at the falling edge of PCLK.
    pub const IS_CLOCK_INVERTED: bool = true;

    /// The sensor.
    pub type Sensor = Hm01b0<Bus, Delay>;

    /// The sensor on a bus.
    pub fn sensor(bus: Bus) -> Sensor {
        Hm01b0::new(bus, Delay)
    }
}

pub use model::{IS_CLOCK_INVERTED, Sensor};

/// USB's PLL.
const SOURCE_HZ: u32 = 48_000_000;
const DIVISION: u32 = SOURCE_HZ / model::CLOCK_HZ;
const _: () = assert!(DIVISION * model::CLOCK_HZ == SOURCE_HZ && DIVISION <= 0xffff, "a divisor");

const SETTINGS: Settings = Settings {
    clock_hz: model::CLOCK_HZ,
    limits: Limits { pixel_clock_hz: super::receiver::PIXEL_CLOCK_HZ, frames_per_s: 15 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

/// The camera.
pub type Eye = eye::Eye<Sensor, Receiver>;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = eye::frame_bytes::<Sensor>();

/// Starts the sensor's clock on GP21. It goes on for ever.
pub fn start_clock(pin: Peri<'static, peripherals::PIN_21>) {
    let clock = Gpout::new(pin);
    clock.set_src(GpoutSrc::PllUsb);
    clock.set_div(DIVISION as u16, 0);
    clock.enable();
    core::mem::forget(clock);
}

/// The camera, with frames from now on if the sensor answers.
pub fn open(bus: Bus, receiver: Receiver) -> Eye {
    Eye::new(model::sensor(bus), SETTINGS, receiver)
}
