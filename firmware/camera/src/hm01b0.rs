//! HM01B0: a grey sensor of 324×324 pixels, here 324×244, a byte each over eight wires.
//!
//! The sensor is driven by a clock from outside (MCLK). It sends a border of two pixels around 320×240; a receiver may
//! cut it off or keep it.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error as _, I2c};

use crate::error::Error;
use crate::settings::{Exposure, Gain, Orientation, Settings, TestPattern};

mod registers;
mod tables;
#[cfg(test)]
mod tests;

use registers::*;

/// Address on the bus, 7 bits.
pub const ADDRESS: u8 = 0x24;
/// Pixels of a row.
pub const WIDTH: u16 = 324;
/// Rows of a frame.
pub const HEIGHT: u16 = 244;

/// The registers MODEL_ID_H and MODEL_ID_L.
const MODEL: u16 = 0x01b0;

/// How often a reset sensor is asked whether it is in standby, and the time before each question, in milliseconds.
const RESET_QUESTIONS: usize = 10;
const RESET_MS: u32 = 10;

/// Periods of the divided clock in a row, and rows of a frame, with those that are not sent; the fewest of each.
const ROW_CLOCKS: u16 = 0x178;
const LEAST_ROWS: u16 = 0x104;
/// The largest division of the clock is 2 to this power.
const MOST_HALVINGS: u8 = 3;
/// Exposure in rows at the start; the sensor's own after a reset.
const FIRST_EXPOSURE: u16 = 0x108;

/// An HM01B0 on a bus.
#[derive(Debug)]
pub struct Hm01b0<I, D> {
    bus: I,
    delay: D,
    state: Option<State>,
}

/// What the registers of an initialised sensor hold.
#[derive(Clone, Copy, Debug)]
struct State {
    settings: Settings,
    speed: Speed,
}

/// How fast frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speed {
    /// The clock is divided by 2 to this power.
    halvings: u8,
    /// Rows of a frame.
    rows: u16,
}

impl<I: I2c, D: DelayNs> Hm01b0<I, D> {
    /// A sensor that nothing is known of yet. Nothing is sent.
    pub const fn new(bus: I, delay: D) -> Self {
        Hm01b0 { bus, delay, state: None }
    }

    /// Reads who the sensor is. It is left as it is.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], [`Error::Bus`], [`Error::WrongChip`].
    pub fn probe(&mut self) -> Result<(), Error> {
        let high = self.read(MODEL_ID_H).map_err(Error::at_first)?;
        match u16::from_be_bytes([high, self.read(MODEL_ID_L)?]) {
            MODEL => Ok(()),
            found => Err(Error::WrongChip { address: ADDRESS, register: MODEL_ID_H, found, wanted: MODEL }),
        }
    }

    /// Probes the sensor, resets it and starts frames of 324×244 grey bytes. Can be called at any time, also after an
    /// error.
    ///
    /// # Errors
    /// Those of [`Self::probe`], [`Error::Reset`]; [`Error::Limits`] and [`Error::Exposure`] before anything is sent.
    pub fn init(&mut self, settings: &Settings) -> Result<(), Error> {
        self.state = None;
        let exposure = exposure_values(settings.exposure)?;
        let speed = speed(settings, 0).ok_or(Error::Limits { clock_hz: settings.clock_hz })?;
        self.probe()?;
        self.reset()?;
        self.write_all(&tables::VALUES)?;
        self.write_all(&speed_values(settings, speed))?;
        let [high, low] = FIRST_EXPOSURE.min(longest(speed)).to_be_bytes();
        self.write_all(&[(INTEGRATION_H, high), (INTEGRATION_L, low)])?;
        self.write_all(&exposure)?;
        self.write(AE_CTRL, 1)?;
        self.write(IMG_ORIENTATION, orientation_value(settings.orientation))?;
        self.write_all(&[(GRP_PARAM_HOLD, GRP_PARAM_USE), (MODE_SELECT, MODE_STREAMING)])?;
        self.state = Some(State { settings: *settings, speed });
        Ok(())
    }

    /// Sends no frames and takes little power until [`Self::start`].
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn stop(&mut self) -> Result<(), Error> {
        self.state()?;
        self.write(MODE_SELECT, MODE_STANDBY)
    }

    /// Sends frames again.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn start(&mut self) -> Result<(), Error> {
        self.state()?;
        self.write(MODE_SELECT, MODE_STREAMING)
    }

    /// Halves the pixel clock. The frame rate falls with it unless blank rows made it lower than the clock allows.
    /// Returns `false` if the clock is the lowest already. A held exposure is let go, as rows last longer now.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn slow_down(&mut self) -> Result<bool, Error> {
        let state = self.state()?;
        let Some(speed) = speed(&state.settings, state.speed.halvings.saturating_add(1)) else {
            return Ok(false);
        };
        self.write_all(&speed_values(&state.settings, speed))?;
        self.write_all(&[(AE_CTRL, 1), (GRP_PARAM_HOLD, GRP_PARAM_USE)])?;
        self.state = Some(State { speed, ..state });
        Ok(true)
    }

    /// Time from one frame to the next in microseconds.
    ///
    /// # Errors
    /// [`Error::NotInitialised`].
    pub fn frame_us(&self) -> Result<u32, Error> {
        let State { settings, speed } = self.state()?;
        let clocks = (u64::from(ROW_CLOCKS) * u64::from(speed.rows)) << speed.halvings.min(MOST_HALVINGS);
        Ok(u32::try_from(clocks * 1_000_000 / u64::from(settings.clock_hz.max(1))).unwrap_or(u32::MAX))
    }

    /// Turns the picture.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn set_orientation(&mut self, orientation: Orientation) -> Result<(), Error> {
        let mut state = self.state()?;
        self.write_all(&[
            (IMG_ORIENTATION, orientation_value(orientation)),
            (GRP_PARAM_HOLD, GRP_PARAM_USE),
        ])?;
        state.settings.orientation = orientation;
        self.state = Some(state);
        Ok(())
    }

    /// Sets how bright the picture is from now on; while the exposure is held, from [`Self::release_exposure`] on. The
    /// ceiling is that of the analogue gain, 16 times at most; the digital gain, at most twice, comes on top.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Exposure`], [`Error::Bus`].
    pub fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Error> {
        let mut state = self.state()?;
        self.write_all(&exposure_values(exposure)?)?;
        self.write(GRP_PARAM_HOLD, GRP_PARAM_USE)?;
        state.settings.exposure = exposure;
        self.state = Some(state);
        Ok(())
    }

    /// Keeps exposure and gain as they are, so that the frames of one decision are alike. What the sensor found is read
    /// and written, so that it does not return to older values.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn hold_exposure(&mut self) -> Result<(), Error> {
        self.state()?;
        let found = [INTEGRATION_H, INTEGRATION_L, ANALOG_GAIN, DIGITAL_GAIN_H, DIGITAL_GAIN_L];
        let mut values = found.map(|register| (register, 0));
        for (register, value) in &mut values {
            *value = self.read(*register)?;
        }
        self.write(AE_CTRL, 0)?;
        self.write_all(&values)?;
        self.write(GRP_PARAM_HOLD, GRP_PARAM_USE)
    }

    /// Lets exposure and gain follow the light again.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn release_exposure(&mut self) -> Result<(), Error> {
        self.state()?;
        self.write_all(&[(AE_CTRL, 1), (GRP_PARAM_HOLD, GRP_PARAM_USE)])
    }

    /// Sends a test pattern in place of the picture, or the picture again. [`crate::pattern::is_walking_ones`] recognises
    /// [`TestPattern::WalkingOnes`]. A held exposure is let go with the last pattern.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn set_test_pattern(&mut self, pattern: Option<TestPattern>) -> Result<(), Error> {
        self.state()?;
        let mode = match pattern {
            None => {
                self.write_all(&tables::PICTURE)?;
                TEST_PATTERN_OFF
            }
            Some(pattern) => {
                self.write_all(&tables::UNTOUCHED)?;
                match pattern {
                    TestPattern::Bars => TEST_PATTERN_BARS,
                    TestPattern::WalkingOnes => TEST_PATTERN_WALKING_ONES,
                }
            }
        };
        self.write_all(&[(TEST_PATTERN_MODE, mode), (GRP_PARAM_HOLD, GRP_PARAM_USE)])
    }

    /// Gives bus and delay back.
    pub fn release(self) -> (I, D) {
        (self.bus, self.delay)
    }

    fn state(&self) -> Result<State, Error> {
        self.state.ok_or(Error::NotInitialised)
    }

    /// Resets the sensor and waits until it is in standby.
    fn reset(&mut self) -> Result<(), Error> {
        self.write(SW_RESET, 1)?;
        for _ in 0..RESET_QUESTIONS {
            self.delay.delay_ms(RESET_MS);
            if self.read(MODE_SELECT)? == MODE_STANDBY {
                return Ok(());
            }
        }
        Err(Error::Reset { address: ADDRESS })
    }

    fn write(&mut self, register: u16, value: u8) -> Result<(), Error> {
        let [high, low] = register.to_be_bytes();
        let sent = self.bus.write(ADDRESS, &[high, low, value]);
        sent.map_err(|error| Error::Bus { address: ADDRESS, register, kind: error.kind() })
    }

    fn write_all(&mut self, values: &[(u16, u8)]) -> Result<(), Error> {
        values.iter().try_for_each(|&(register, value)| self.write(register, value))
    }

    fn read(&mut self, register: u16) -> Result<u8, Error> {
        let mut value = 0;
        let read = self.bus.write_read(ADDRESS, &register.to_be_bytes(), core::slice::from_mut(&mut value));
        read.map_err(|error| Error::Bus { address: ADDRESS, register, kind: error.kind() })?;
        Ok(value)
    }
}

/// The fastest speed within the limits whose clock is halved at least so often. Blank rows lower the frame rate.
fn speed(settings: &Settings, least_halvings: u8) -> Option<Speed> {
    let limits = settings.limits;
    let halvings =
        (least_halvings..=MOST_HALVINGS).find(|&n| settings.clock_hz >> n <= limits.pixel_clock_hz)?;
    let second_rows = u64::from(settings.clock_hz >> halvings).div_ceil(u64::from(ROW_CLOCKS));
    if limits.pixel_clock_hz == 0 || limits.frames_per_s == 0 {
        return None;
    }
    let rows = u16::try_from(second_rows.div_ceil(u64::from(limits.frames_per_s))).ok()?;
    Some(Speed { halvings, rows: rows.max(LEAST_ROWS) })
}

/// The longest exposure in rows.
const fn longest(speed: Speed) -> u16 {
    speed.rows.saturating_sub(2)
}

/// Division of the clock, rows of a frame, the longest exposure, and its steps under lamps. The steps for both mains are
/// those of the mains that there are, so that neither is chosen by mistake.
fn speed_values(settings: &Settings, speed: Speed) -> [(u16, u8); 12] {
    let [rows_high, rows_low] = speed.rows.to_be_bytes();
    let [clocks_high, clocks_low] = ROW_CLOCKS.to_be_bytes();
    let [longest_high, longest_low] = longest(speed).to_be_bytes();
    let step = settings.mains.period_rows(settings.clock_hz >> speed.halvings, ROW_CLOCKS.into());
    let [step_high, step_low] = step.to_be_bytes();
    [
        (OSC_CLK_DIV, OSC_CLK_DIV_BASE | MOST_HALVINGS.saturating_sub(speed.halvings)),
        (FRAME_LEN_LINES_H, rows_high),
        (FRAME_LEN_LINES_L, rows_low),
        (LINE_LEN_PCK_H, clocks_high),
        (LINE_LEN_PCK_L, clocks_low),
        (MAX_INTG_H, longest_high),
        (MAX_INTG_L, longest_low),
        (FS_CTRL, 0x03),
        (FS_60HZ_H, step_high),
        (FS_60HZ_L, step_low),
        (FS_50HZ_H, step_high),
        (FS_50HZ_L, step_low),
    ]
}

/// The target, the distances at which the exposure stops and starts to change, and the ceiling of the gain.
fn exposure_values(exposure: Exposure) -> Result<[(u16, u8); 5], Error> {
    exposure.window()?;
    let ceiling = exposure.ceiling.min(Gain::X16) as u8 + 1;
    Ok([
        (AE_TARGET_MEAN, exposure.mean),
        (CONVERGE_IN_TH, exposure.tolerance.saturating_sub(1)),
        (CONVERGE_OUT_TH, exposure.tolerance.saturating_add(1)),
        (MAX_AGAIN_FULL, ceiling),
        (MAX_AGAIN_BIN2, ceiling),
    ])
}

const fn orientation_value(orientation: Orientation) -> u8 {
    let mirror = if orientation.is_mirrored { ORIENTATION_MIRROR } else { 0 };
    let flip = if orientation.is_flipped { ORIENTATION_FLIP } else { 0 };
    mirror | flip
}
