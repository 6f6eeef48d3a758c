//! A camera of two things: a sensor on its bus, and the port that receives its frames.
//!
//! A frame that is not whole is dropped and counted. A sensor that is too fast is slowed down; one that says nothing is
//! initialised again.

use app::device::camera::{Camera, Taken};
use app::sight::FrameSource;
use camera::capture::{Counts, Event, Size, Verdict};
use camera::{Capture, Error, Hm01b0, Ov2640, Settings, hm01b0, ov2640};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::i2c::I2c;
use format::PixelFormat;

use crate::wait::now_ms;

/// A sensor is initialised again at most this often.
const WAKE_MS: u64 = 1_000;
/// Frames of another length for so long are those of a sensor that has lost its registers, with its supply.
const STRANGE_MS: u64 = 3_000;
/// Of the last 16 frames.
const MOST_OVERRUNS: u8 = 4;

/// A sensor, and the frames that it sends.
pub trait Sensor {
    /// Its frames.
    const TAKEN: Taken;
    /// Starts it, in any state.
    ///
    /// # Errors
    /// The sensor's. Then it sends nothing.
    fn init(&mut self, settings: &Settings) -> Result<(), Error>;
    /// Halves its speed.
    ///
    /// # Errors
    /// The sensor's.
    fn slow_down(&mut self) -> Result<(), Error>;
}

/// In YUV422, which of its formats costs recognition least.
impl<I: I2c, D: DelayNs, R: OutputPin, P: OutputPin> Sensor for Ov2640<I, D, R, P> {
    const TAKEN: Taken = Taken { width: ov2640::WIDTH, height: ov2640::HEIGHT, format: PixelFormat::Yuv422 };

    fn init(&mut self, settings: &Settings) -> Result<(), Error> {
        self.init(Self::TAKEN.format, settings)
    }

    fn slow_down(&mut self) -> Result<(), Error> {
        self.slow_down().map(drop)
    }
}

impl<I: I2c, D: DelayNs> Sensor for Hm01b0<I, D> {
    const TAKEN: Taken = Taken { width: hm01b0::WIDTH, height: hm01b0::HEIGHT, format: PixelFormat::Grey };

    fn init(&mut self, settings: &Settings) -> Result<(), Error> {
        self.init(settings)
    }

    fn slow_down(&mut self) -> Result<(), Error> {
        self.slow_down().map(drop)
    }
}

/// What has become of the frame that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is not complete.
    Waiting,
    /// It lies in the memory.
    Complete,
    /// Bytes were lost, as memory was too slow.
    Overrun,
    /// It ended after so many bytes.
    Short(usize),
    /// It does not end where it should.
    Long,
    /// No frame came.
    Silent,
}

/// A port that receives frames, one at a time.
pub trait Receiver: FrameSource {
    /// Begins to wait for a frame. The memory is lent to nobody until [`Self::progress`] says that the frame is over, or
    /// [`Self::stop`] is called.
    fn begin(&mut self);
    /// What has become of the frame. After [`Progress::Waiting`] it is still awaited, after all others not.
    fn progress(&mut self) -> Progress;
    /// Whether a frame is awaited.
    fn is_receiving(&self) -> bool;
    /// Receives nothing any more.
    fn stop(&mut self);
}

/// Bytes of a frame.
const fn size(taken: Taken) -> Size {
    let row_bytes = taken.width as u32 * taken.format.pixel_bytes() as u32;
    Size { row_bytes, rows: taken.height as u32 }
}

/// Bytes of a frame of a sensor.
pub const fn frame_bytes<S: Sensor>() -> usize {
    size(S::TAKEN).bytes() as usize
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
pub struct Eye<S, R> {
    sensor: S,
    settings: Settings,
    receiver: R,
    capture: Capture,
    state: State,
    woken_ms: u64,
    /// When the last whole frame came, or frames began to be awaited.
    sound_ms: u64,
    error: Option<Error>,
}

impl<S: Sensor, R: Receiver> Eye<S, R> {
    /// The camera, with frames from now on if the sensor answers.
    pub fn new(sensor: S, settings: Settings, receiver: R) -> Self {
        let capture = Capture::new(size(S::TAKEN), MOST_OVERRUNS, now_ms());
        let state = State::Free;
        let mut eye =
            Eye { sensor, settings, receiver, capture, state, woken_ms: 0, sound_ms: 0, error: None };
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
        self.error = self.sensor.init(&self.settings).err();
        self.woken_ms = now_ms();
        self.sound_ms = self.woken_ms;
        self.capture.restart(self.woken_ms);
        self.receiver.begin();
    }

    /// Whether only a new start of the sensor helps.
    fn is_lost(&self, progress: Progress) -> bool {
        match progress {
            Progress::Silent => now_ms() - self.woken_ms >= WAKE_MS,
            Progress::Short(_) | Progress::Long => now_ms() - self.sound_ms >= STRANGE_MS,
            Progress::Waiting | Progress::Complete | Progress::Overrun => false,
        }
    }

    /// Accounts for a frame that is over. Returns whether it is whole.
    fn account(&mut self, progress: Progress) -> bool {
        let bytes = size(S::TAKEN).bytes();
        let what = match progress {
            Progress::Waiting | Progress::Silent => return false,
            Progress::Complete => Event::Bytes(bytes),
            Progress::Short(bytes) => Event::Bytes(bytes as u32),
            Progress::Long => Event::Bytes(bytes + 1),
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

impl<S: Sensor, R: Receiver> FrameSource for Eye<S, R> {
    fn memory(&mut self) -> &mut [u8] {
        self.receiver.memory()
    }
}

impl<S: Sensor, R: Receiver> Camera for Eye<S, R> {
    fn taken(&mut self) -> Option<Taken> {
        if self.state == State::Free {
            let progress = self.receiver.progress();
            if self.account(progress) {
                self.state = State::Complete;
                self.sound_ms = now_ms();
            } else if self.is_lost(progress) {
                self.wake();
            } else if progress != Progress::Waiting {
                self.receiver.begin();
            }
        }
        (self.state == State::Complete).then_some(S::TAKEN)
    }

    fn hold(&mut self) -> bool {
        // The frame that is being received is given up.
        self.receiver.stop();
        self.state = State::Held;
        !self.receiver.is_receiving()
    }

    fn release(&mut self) {
        self.state = State::Free;
        self.sound_ms = now_ms();
        self.receiver.begin();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::vec;
    use std::vec::Vec;

    use camera::settings::{Exposure, Limits, Mains, Orientation};
    use embassy_time::Duration;

    use super::*;
    use crate::clock::pass;

    const SETTINGS: Settings = Settings {
        clock_hz: 24_000_000,
        limits: Limits { pixel_clock_hz: 24_000_000, frames_per_s: 15 },
        orientation: Orientation { is_mirrored: false, is_flipped: false },
        mains: Mains::Hz50,
        exposure: Exposure::DEFAULT,
    };

    /// A sensor that counts what it is told.
    #[derive(Default)]
    struct Told {
        starts: usize,
        halvings: usize,
        is_missing: bool,
    }

    impl Sensor for Told {
        const TAKEN: Taken = Taken { width: 4, height: 2, format: PixelFormat::Yuv422 };

        fn init(&mut self, _settings: &Settings) -> Result<(), Error> {
            self.starts += 1;
            if self.is_missing { Err(Error::NotInitialised) } else { Ok(()) }
        }

        fn slow_down(&mut self) -> Result<(), Error> {
            self.halvings += 1;
            Ok(())
        }
    }

    /// A port with a script.
    #[derive(Default)]
    struct Port {
        memory: Vec<u8>,
        script: VecDeque<Progress>,
        is_receiving: bool,
        never_stops: bool,
    }

    impl FrameSource for Port {
        fn memory(&mut self) -> &mut [u8] {
            if self.is_receiving { &mut [] } else { &mut self.memory }
        }
    }

    impl Receiver for Port {
        fn begin(&mut self) {
            self.is_receiving = true;
        }

        fn progress(&mut self) -> Progress {
            assert!(self.is_receiving, "no frame is awaited");
            let progress = self.script.pop_front().unwrap_or(Progress::Waiting);
            self.is_receiving = progress == Progress::Waiting;
            progress
        }

        fn is_receiving(&self) -> bool {
            self.is_receiving
        }

        fn stop(&mut self) {
            self.is_receiving &= self.never_stops;
        }
    }

    fn eye(script: &[Progress]) -> Eye<Told, Port> {
        let port = Port { memory: vec![0; 16], script: script.iter().copied().collect(), ..Port::default() };
        Eye::new(Told::default(), SETTINGS, port)
    }

    #[test]
    fn whole_frame_stays_until_it_is_released() {
        let mut eye = eye(&[Progress::Waiting, Progress::Complete, Progress::Complete]);
        assert_eq!(eye.taken(), None);
        assert!(eye.memory().is_empty());
        for _ in 0..3 {
            assert_eq!(eye.taken(), Some(Told::TAKEN));
            assert_eq!(eye.memory().len(), 16);
        }
        eye.release();
        assert!(eye.memory().is_empty());
        assert_eq!(eye.taken(), Some(Told::TAKEN));
        assert_eq!((eye.counts().whole, eye.sensor.starts), (2, 1));
    }

    #[test]
    fn frame_that_is_not_whole_is_dropped_and_counted() {
        let bad = [Progress::Short(8), Progress::Long, Progress::Overrun];
        let mut eye = eye(&[&bad[..], &[Progress::Complete]].concat());
        for _ in bad {
            assert_eq!(eye.taken(), None);
        }
        assert_eq!(eye.taken(), Some(Told::TAKEN));
        assert_eq!((eye.counts().whole, eye.counts().dropped()), (1, 3));
    }

    #[test]
    fn sensor_that_overruns_is_slowed_down() {
        let mut eye = eye(&[Progress::Overrun; 16]);
        for _ in 0..16 {
            eye.taken();
        }
        assert!(eye.sensor.halvings > 0 && eye.counts().dropped() == 16);
    }

    #[test]
    fn silent_sensor_is_started_again_once_a_second() {
        let mut eye = eye(&[Progress::Silent; 4]);
        eye.sensor.is_missing = true;
        eye.taken();
        assert_eq!((eye.sensor.starts, eye.error()), (1, None));
        pass(Duration::from_millis(WAKE_MS));
        eye.taken();
        assert_eq!((eye.sensor.starts, eye.error()), (2, Some(Error::NotInitialised)));
        eye.taken();
        assert_eq!(eye.sensor.starts, 2);
        eye.sensor.is_missing = false;
        pass(Duration::from_millis(WAKE_MS));
        eye.taken();
        assert_eq!((eye.sensor.starts, eye.error()), (3, None));
    }

    #[test]
    fn sensor_that_sends_other_frames_is_started_again() {
        for strange in [Progress::Short(8), Progress::Long] {
            let script = [Progress::Complete, strange, strange, Progress::Complete];
            let mut eye = eye(&script);
            assert_eq!(eye.taken(), Some(Told::TAKEN));
            eye.release();
            pass(Duration::from_millis(STRANGE_MS));
            assert_eq!(eye.taken(), None);
            assert_eq!(eye.sensor.starts, 2, "{strange:?}");
            pass(Duration::from_millis(STRANGE_MS));
            assert_eq!(eye.taken(), None);
            assert_eq!(eye.sensor.starts, 3, "{strange:?}");
            assert_eq!(eye.taken(), Some(Told::TAKEN));
            assert_eq!((eye.counts().whole, eye.counts().dropped()), (2, 2));
        }
    }

    #[test]
    fn memory_that_is_still_written_is_not_held() {
        let mut eye = eye(&[]);
        eye.receiver.never_stops = true;
        assert!(!eye.hold());
        assert!(eye.memory().is_empty());
        eye.receiver.never_stops = false;
        assert!(eye.hold());
        assert_eq!(eye.memory().len(), 16);
        assert_eq!(eye.taken(), None);
    }

    #[test]
    fn frames_have_their_sensors_sizes() {
        type Bus = embedded_hal_mock::eh1::i2c::Mock;
        type Delay = embedded_hal_mock::eh1::delay::NoopDelay;
        assert_eq!(frame_bytes::<Ov2640<Bus, Delay>>(), 320 * 240 * 2);
        assert_eq!(frame_bytes::<Hm01b0<Bus, Delay>>(), 324 * 244);
    }
}
