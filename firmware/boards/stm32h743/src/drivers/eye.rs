//! The camera: an OV2640 on I²C, its frames through the receiver.
//!
//! A frame that is not whole is dropped and counted. A sensor that is too fast is slowed down; one that says nothing is
//! initialised again.

use camera::capture::{Counts, Event, Size, Verdict};
use camera::settings::{Exposure, Limits, Mains, Orientation};
use camera::{Capture, Error, Ov2640, Pins, Settings, Unconnected, ov2640};
use embassy_stm32::i2c::{self, I2c, Master};
use embassy_stm32::mode::Blocking;
use embassy_stm32::rcc::{Mco, Mco1Source, McoConfig, McoPrescaler};
use embassy_stm32::time::Hertz;
use embassy_stm32::{Peri, peripherals};
use embassy_time::{Delay, Duration};
use programs::FrameSource;
use programs::app::device::camera::{Camera, Taken};
use programs::format::PixelFormat;

use super::clocks::now_ms;
use super::receiver::{FRAME_BYTES, FrameMemory, Progress, Receiver};

/// What the sensor sends: of its formats the one that costs recognition least.
const FORMAT: PixelFormat = PixelFormat::Yuv422;
/// HSI48 divided by 2, on the pin MCO1.
const SENSOR_CLOCK_HZ: u32 = 24_000_000;
const BUS_HZ: u32 = 100_000;
const BUS_LIMIT: Duration = Duration::from_millis(50);
/// A sensor is initialised again at most this often.
const WAKE_MS: u64 = 1_000;
/// Of the last 16 frames.
const MOST_OVERRUNS: u8 = 4;

const SETTINGS: Settings = Settings {
    clock_hz: SENSOR_CLOCK_HZ,
    limits: Limits { pixel_clock_hz: 24_000_000, frames_per_s: 15 },
    orientation: Orientation { is_mirrored: false, is_flipped: false },
    mains: Mains::Hz50,
    exposure: Exposure::DEFAULT,
};

const SIZE: Size = Size { row_bytes: 2 * ov2640::WIDTH as u32, rows: ov2640::HEIGHT as u32 };
const _: () = assert!(SIZE.bytes() as usize == FRAME_BYTES);

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

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The memory is the camera's.
    Free,
    /// A whole frame lies in the memory.
    Complete,
    /// The memory is somebody else's.
    Held,
}

/// The camera.
pub struct Eye {
    sensor: Ov2640<I2c<'static, Blocking, Master>, Delay>,
    receiver: Receiver,
    capture: Capture,
    state: State,
    woken_ms: u64,
    error: Option<Error>,
}

impl Eye {
    /// The camera, with frames from now on if the sensor answers.
    pub fn new(wires: Wires, port: super::receiver::Pins) -> Self {
        let Wires { bus, scl, sda, mco, xvclk } = wires;
        let mut clock = McoConfig::default();
        clock.prescaler = McoPrescaler::DIV2;
        // It goes on when this is dropped.
        let _ = Mco::new(mco, xvclk, Mco1Source::HSI48, clock);
        let mut config = i2c::Config::default();
        config.frequency = Hertz(BUS_HZ);
        config.timeout = BUS_LIMIT;
        // Beside those of the module, if it has any.
        config.scl_pullup = true;
        config.sda_pullup = true;
        let bus = I2c::new_blocking(bus, scl, sda, config);
        let pins = Pins { reset: Unconnected, power_down: Unconnected };
        let mut eye = Eye {
            sensor: Ov2640::new(bus, Delay, pins),
            receiver: Receiver::new(port, FrameMemory::take()),
            capture: Capture::new(SIZE, MOST_OVERRUNS, now_ms()),
            state: State::Free,
            woken_ms: 0,
            error: None,
        };
        eye.wake();
        eye
    }

    /// Frames since the start.
    pub fn counts(&self) -> Counts {
        self.capture.counts()
    }

    /// What the sensor last answered, if it was an error.
    pub fn error(&self) -> Option<Error> {
        self.error
    }

    fn wake(&mut self) {
        self.receiver.stop();
        self.error = self.sensor.init(FORMAT, &SETTINGS).err();
        self.woken_ms = now_ms();
        self.capture.restart(self.woken_ms);
        self.receiver.begin();
    }

    /// Accounts for a frame that is over. Returns whether it is whole.
    fn account(&mut self, progress: Progress) -> bool {
        let what = match progress {
            Progress::Waiting | Progress::Silent => return false,
            Progress::Complete => Event::Bytes(SIZE.bytes()),
            Progress::Short(bytes) => Event::Bytes(bytes as u32),
            Progress::Long => Event::Bytes(SIZE.bytes() + 1),
            Progress::Overrun => Event::Overrun,
        };
        let now_ms = now_ms();
        let mut verdict = None;
        for event in [Event::Start, what, Event::End] {
            verdict = self.capture.report(event, now_ms).or(verdict);
        }
        if self.capture.take_too_fast() {
            self.error = self.sensor.slow_down().err();
            self.capture.restart(now_ms);
        }
        verdict == Some(Verdict::Whole)
    }
}

impl FrameSource for Eye {
    fn memory(&mut self) -> &mut [u8] {
        self.receiver.memory()
    }
}

impl Camera for Eye {
    fn taken(&mut self) -> Option<Taken> {
        if self.state == State::Free {
            let progress = self.receiver.progress();
            if self.account(progress) {
                self.state = State::Complete;
            } else if progress == Progress::Silent && now_ms() - self.woken_ms >= WAKE_MS {
                self.wake();
            } else if progress != Progress::Waiting {
                self.receiver.begin();
            }
        }
        let taken = Taken { width: ov2640::WIDTH, height: ov2640::HEIGHT, format: FORMAT };
        (self.state == State::Complete).then_some(taken)
    }

    fn hold(&mut self) -> bool {
        // The frame that is being received is given up.
        self.receiver.stop();
        self.state = State::Held;
        !self.receiver.is_receiving()
    }

    fn release(&mut self) {
        self.state = State::Free;
        self.receiver.begin();
    }
}
