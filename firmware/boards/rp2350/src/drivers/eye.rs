//! The camera: an OV2640 on I²C, its frames through the receiver.

use camera::settings::{Exposure, Limits, Mains, Orientation};
use camera::{Ov2640, Pins, Settings, Unconnected};
use chips::eye;
use embassy_rp::clocks::{Gpout, GpoutSrc};
use embassy_rp::{Peri, peripherals};
use embassy_time::Delay;

use super::bus::Bus;
use super::receiver::Receiver;

/// USB's PLL gives 48 MHz.
const SENSOR_CLOCK_HZ: u32 = 24_000_000;
const DIVISION: u16 = 2;

const SETTINGS: Settings = Settings {
    clock_hz: SENSOR_CLOCK_HZ,
    limits: Limits { pixel_clock_hz: super::receiver::PIXEL_CLOCK_HZ, frames_per_s: 15 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

/// The sensor.
pub type Sensor = Ov2640<Bus, Delay>;
/// The camera.
pub type Eye = eye::Eye<Sensor, Receiver>;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = eye::frame_bytes::<Sensor>();

/// Starts the sensor's clock on GP21. It goes on for ever.
pub fn start_clock(pin: Peri<'static, peripherals::PIN_21>) {
    let clock = Gpout::new(pin);
    clock.set_src(GpoutSrc::PllUsb);
    clock.set_div(DIVISION, 0);
    clock.enable();
    core::mem::forget(clock);
}

/// The camera, with frames from now on if the sensor answers.
pub fn open(bus: Bus, receiver: Receiver) -> Eye {
    let pins = Pins { reset: Unconnected, power_down: Unconnected };
    Eye::new(Ov2640::new(bus, Delay, pins), SETTINGS, receiver)
}
