//! OV2640: a colour sensor of 1600×1200 pixels, here 320×240 in RGB565 or YUV422.
//!
//! The bus is SCCB, which is I²C with single registers and a stop between the address of a read and its data; at most
//! 400 kHz. The sensor answers only while its clock (XVCLK) runs. The whole view is scaled from 400×296 pixels, which
//! makes the picture 1.4 % too narrow.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::i2c::{Error as _, I2c};
use format::PixelFormat;

use crate::error::Error;
use crate::pins::{Pin, Pins};
use crate::settings::{Exposure, Mains, Orientation, Settings, TestPattern};

mod registers;
mod tables;
#[cfg(test)]
mod tests;

use registers::{BANK_SEL, Bank, dsp, sensor};
use tables::Group;

/// Address on the bus, 7 bits.
pub const ADDRESS: u8 = 0x30;
/// Pixels of a row.
pub const WIDTH: u16 = 320;
/// Rows of a frame.
pub const HEIGHT: u16 = 240;

/// Maker in the registers MIDH and MIDL.
const MAKER: u16 = 0x7fa2;
/// Products in the registers PIDH and PIDL.
const PRODUCTS: [u16; 2] = [0x2642, 0x2641];

/// Time in reset and after it, in milliseconds; the data sheet wants 1 and 3.
const RESET_MS: u32 = 10;

/// Periods of the divided clock in which the array reads a row (595 pixels at half the clock), and rows of a frame with
/// those that are not sent.
const ROW_CLOCKS: u32 = 2 * 595;
const FRAME_ROWS: u32 = 336;
/// The largest division of the clock that public drivers use.
const MOST_DIVISION: u8 = 32;

/// An OV2640 on a bus.
#[derive(Debug)]
pub struct Ov2640<I, D, R = crate::Unconnected, P = crate::Unconnected> {
    bus: I,
    delay: D,
    pins: Pins<R, P>,
    state: Option<State>,
    /// The bank that is selected, if it is known.
    bank: Option<Bank>,
}

/// What the registers of an initialised sensor hold.
#[derive(Clone, Copy, Debug)]
struct State {
    settings: Settings,
    /// The clock is divided by this.
    division: u8,
}

impl<I: I2c, D: DelayNs, R: OutputPin, P: OutputPin> Ov2640<I, D, R, P> {
    /// A sensor that nothing is known of yet. Nothing is sent.
    pub const fn new(bus: I, delay: D, pins: Pins<R, P>) -> Self {
        Ov2640 { bus, delay, pins, state: None, bank: None }
    }

    /// Wakes the sensor, resets it by its pin and reads who it is: product and version, 0x2641 or 0x2642. [`Self::init`]
    /// must follow.
    ///
    /// # Errors
    /// [`Error::Pin`], [`Error::NoAnswer`], [`Error::Bus`], [`Error::WrongChip`].
    pub fn probe(&mut self) -> Result<u16, Error> {
        self.state = None;
        self.bank = None;
        self.pins.reset.set_low().map_err(|_| Error::Pin(Pin::Reset))?;
        self.pins.power_down.set_low().map_err(|_| Error::Pin(Pin::PowerDown))?;
        self.delay.delay_ms(RESET_MS);
        self.pins.reset.set_high().map_err(|_| Error::Pin(Pin::Reset))?;
        self.delay.delay_ms(RESET_MS);
        self.select(Bank::Sensor).map_err(Error::at_first)?;
        let product = self.read_two(sensor::PIDH, sensor::PIDL)?;
        let wrong = |register, found, wanted| Error::WrongChip {
            address: ADDRESS,
            register: at(Bank::Sensor, register),
            found,
            wanted,
        };
        if !PRODUCTS.contains(&product) {
            let [newest, _] = PRODUCTS;
            return Err(wrong(sensor::PIDH, product, newest));
        }
        match self.read_two(sensor::MIDH, sensor::MIDL)? {
            MAKER => Ok(product),
            maker => Err(wrong(sensor::MIDH, maker, MAKER)),
        }
    }

    /// Probes the sensor, resets it and starts frames of 320×240 in a format: [`PixelFormat::Rgb565`],
    /// [`PixelFormat::Rgb565Little`] or [`PixelFormat::Yuv422`]. Can be called at any time, also after an error. Takes
    /// 30 ms besides the bus. The port is off from the end of the reset to the last write.
    ///
    /// # Errors
    /// Those of [`Self::probe`]; [`Error::Format`], [`Error::Limits`] and [`Error::Exposure`] before anything is sent.
    pub fn init(&mut self, format: PixelFormat, settings: &Settings) -> Result<(), Error> {
        self.state = None;
        let format = format_values(format)?;
        let exposure = exposure_values(settings.exposure)?;
        let division = division(settings).ok_or(Error::Limits { clock_hz: settings.clock_hz })?;
        self.probe()?;
        self.write(Bank::Sensor, sensor::COM7, sensor::COM7_RESET)?;
        self.delay.delay_ms(RESET_MS);
        self.bank = None;
        self.write_group(&tables::PORT_OFF)?;
        for group in &tables::GROUPS {
            self.write_group(group)?;
        }
        self.write_all(Bank::Dsp, &format)?;
        self.write_all(Bank::Sensor, &clock_values(settings, division))?;
        self.write_all(Bank::Sensor, &exposure)?;
        self.write(Bank::Sensor, sensor::COM8, automatic(true))?;
        self.write(Bank::Sensor, sensor::REG04, orientation_value(settings.orientation))?;
        self.write_group(&tables::PORT_ON)?;
        self.state = Some(State { settings: *settings, division });
        Ok(())
    }

    /// Sends no frames and takes little power until [`Self::start`].
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn stop(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.write(Bank::Sensor, sensor::COM2, sensor::COM2_DRIVE_X3 | sensor::COM2_STANDBY)
    }

    /// Sends frames again. The first of them may be dark or broken.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn start(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.write(Bank::Sensor, sensor::COM2, sensor::COM2_DRIVE_X3)
    }

    /// Halves clock and frame rate. Returns `false` if they are the lowest already. A held exposure is let go, as rows
    /// last longer now. The frame that is being sent is lost.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn slow_down(&mut self) -> Result<bool, Error> {
        let state = self.begin()?;
        if state.division >= MOST_DIVISION {
            return Ok(false);
        }
        let division = state.division.saturating_mul(2).min(MOST_DIVISION);
        self.write_all(Bank::Sensor, &clock_values(&state.settings, division))?;
        self.write(Bank::Sensor, sensor::COM8, automatic(true))?;
        self.state = Some(State { division, ..state });
        Ok(true)
    }

    /// Time from one frame to the next in microseconds.
    ///
    /// # Errors
    /// [`Error::NotInitialised`].
    pub fn frame_us(&self) -> Result<u32, Error> {
        let State { settings, division } = self.state.ok_or(Error::NotInitialised)?;
        Ok(frame_us(settings.clock_hz, division))
    }

    /// Turns the picture. The lowest bits of a held exposure are lost, which is less than 4 rows of it.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn set_orientation(&mut self, orientation: Orientation) -> Result<(), Error> {
        let mut state = self.begin()?;
        self.write(Bank::Sensor, sensor::REG04, orientation_value(orientation))?;
        state.settings.orientation = orientation;
        self.state = Some(state);
        Ok(())
    }

    /// Sets how bright the picture is from now on; while the exposure is held, from [`Self::release_exposure`] on.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Exposure`], [`Error::Bus`].
    pub fn set_exposure(&mut self, exposure: Exposure) -> Result<(), Error> {
        let mut state = self.begin()?;
        self.write_all(Bank::Sensor, &exposure_values(exposure)?)?;
        state.settings.exposure = exposure;
        self.state = Some(state);
        Ok(())
    }

    /// Keeps exposure and gain as they are, so that the frames of one decision are alike.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn hold_exposure(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.write(Bank::Sensor, sensor::COM8, automatic(false))
    }

    /// Lets exposure and gain follow the light again.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`].
    pub fn release_exposure(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.write(Bank::Sensor, sensor::COM8, automatic(true))
    }

    /// Sends colour bars in place of the picture, or the picture again. [`crate::pattern::is_bars`] recognises them.
    ///
    /// # Errors
    /// [`Error::NotInitialised`], [`Error::Bus`], and [`Error::Pattern`] for other patterns than [`TestPattern::Bars`].
    pub fn set_test_pattern(&mut self, pattern: Option<TestPattern>) -> Result<(), Error> {
        self.begin()?;
        let bars = match pattern {
            None => 0,
            Some(TestPattern::Bars) => sensor::COM7_BARS,
            Some(other) => return Err(Error::Pattern(other)),
        };
        self.write(Bank::Sensor, sensor::COM7, sensor::COM7_CIF | bars)
    }

    /// Gives bus, delay and pins back.
    pub fn release(self) -> (I, D, Pins<R, P>) {
        (self.bus, self.delay, self.pins)
    }

    /// The start of a change to an initialised sensor. The bank is selected anew: a sensor that lost its power between
    /// two changes does not take a value for another register.
    fn begin(&mut self) -> Result<State, Error> {
        self.bank = None;
        self.state.ok_or(Error::NotInitialised)
    }

    fn select(&mut self, bank: Bank) -> Result<(), Error> {
        if self.bank != Some(bank) {
            self.bank = None;
            let sent = self.bus.write(ADDRESS, &[BANK_SEL, bank as u8]);
            sent.map_err(|error| bus_error(bank, BANK_SEL, error.kind()))?;
            self.bank = Some(bank);
        }
        Ok(())
    }

    fn write(&mut self, bank: Bank, register: u8, value: u8) -> Result<(), Error> {
        self.select(bank)?;
        let sent = self.bus.write(ADDRESS, &[register, value]);
        sent.map_err(|error| bus_error(bank, register, error.kind()))
    }

    fn write_all(&mut self, bank: Bank, values: &[(u8, u8)]) -> Result<(), Error> {
        values.iter().try_for_each(|&(register, value)| self.write(bank, register, value))
    }

    fn write_group(&mut self, group: &Group) -> Result<(), Error> {
        self.write_all(group.bank, group.values)
    }

    /// Two registers of the sensor's bank as one number.
    fn read_two(&mut self, high: u8, low: u8) -> Result<u16, Error> {
        let mut bytes = [0; 2];
        for (byte, register) in bytes.iter_mut().zip([high, low]) {
            self.select(Bank::Sensor)?;
            let failed = |error: I::Error| bus_error(Bank::Sensor, register, error.kind());
            self.bus.write(ADDRESS, &[register]).map_err(failed)?;
            self.bus.read(ADDRESS, core::slice::from_mut(byte)).map_err(failed)?;
        }
        Ok(u16::from_be_bytes(bytes))
    }
}

const fn at(bank: Bank, register: u8) -> u16 {
    u16::from_be_bytes([bank as u8, register])
}

const fn bus_error(bank: Bank, register: u8, kind: embedded_hal::i2c::ErrorKind) -> Error {
    Error::Bus { address: ADDRESS, register: at(bank, register), kind }
}

/// Format and, reserved, the parts of the DSP that make it.
fn format_values(format: PixelFormat) -> Result<[(u8, u8); 2], Error> {
    let (mode, parts) = match format {
        PixelFormat::Rgb565 => (dsp::IMAGE_MODE_RGB565, 0x77),
        PixelFormat::Rgb565Little => (dsp::IMAGE_MODE_RGB565 | dsp::IMAGE_MODE_LOW_BYTE_FIRST, 0x77),
        PixelFormat::Yuv422 => (dsp::IMAGE_MODE_YUV422, 0x67),
        PixelFormat::Rgb888 | PixelFormat::Grey => return Err(Error::Format(format)),
    };
    Ok([(dsp::IMAGE_MODE, mode), (0xe1, parts)])
}

/// Window of the luminance, and the ceiling of the gain. Large steps begin 64 above the window and 16 below it.
fn exposure_values(exposure: Exposure) -> Result<[(u8, u8); 4], Error> {
    let [low, high] = exposure.window()?;
    let (fast_high, fast_low) = ((high / 16 + 4).min(15), (low / 16).saturating_sub(1));
    Ok([
        (sensor::AEW, high),
        (sensor::AEB, low),
        (sensor::VV, fast_high << 4 | fast_low),
        (sensor::COM9, (exposure.ceiling as u8) << 5 | sensor::COM9_BASE),
    ])
}

/// Division of the clock, and the steps of the exposure that lamps need.
fn clock_values(settings: &Settings, division: u8) -> [(u8, u8); 6] {
    let row_clocks = ROW_CLOCKS * u32::from(division);
    // Ten bits hold the rows, four the number of steps. As many steps as a frame has room for.
    let [[high_50, low_50, steps_50], [high_60, low_60, steps_60]] =
        [Mains::Hz50, Mains::Hz60].map(|mains| {
            let rows = mains.period_rows(settings.clock_hz, row_clocks).min(0x3ff);
            let steps = (FRAME_ROWS / u32::from(rows.max(1))).clamp(1, 16) - 1;
            let [high, low] = rows.to_be_bytes();
            [high, low, steps as u8]
        });
    let mains = match settings.mains {
        Mains::Hz50 => sensor::COM3_50_HZ,
        Mains::Hz60 => 0,
    };
    [
        (sensor::CLKRC, division.saturating_sub(1)),
        (sensor::COM3, sensor::COM3_BASE | mains),
        (sensor::COM25, high_50 << 6 | high_60 << 4),
        (sensor::BD50, low_50),
        (sensor::BD60, low_60),
        (sensor::REG5A, steps_50 << 4 | steps_60),
    ]
}

const fn automatic(is_automatic: bool) -> u8 {
    let always = sensor::COM8_BASE | sensor::COM8_BANDING;
    if is_automatic { always | sensor::COM8_GAIN | sensor::COM8_EXPOSURE } else { always }
}

const fn orientation_value(orientation: Orientation) -> u8 {
    let mirror = if orientation.is_mirrored { sensor::REG04_MIRROR } else { 0 };
    let flip = if orientation.is_flipped { sensor::REG04_FLIP | sensor::REG04_VREF } else { 0 };
    sensor::REG04_BASE | mirror | flip
}

/// The smallest division that keeps the limits. The pixel clock is at most the divided clock.
fn division(settings: &Settings) -> Option<u8> {
    let limits = settings.limits;
    let frame_clocks = u64::from(ROW_CLOCKS) * u64::from(FRAME_ROWS);
    let per_frame_rate = frame_clocks * u64::from(limits.frames_per_s);
    let clock_hz = u64::from(settings.clock_hz).max(1);
    if limits.pixel_clock_hz == 0 || per_frame_rate == 0 {
        return None;
    }
    let division = clock_hz.div_ceil(limits.pixel_clock_hz.into()).max(clock_hz.div_ceil(per_frame_rate));
    u8::try_from(division).ok().filter(|&division| division <= MOST_DIVISION)
}

fn frame_us(clock_hz: u32, division: u8) -> u32 {
    let clocks = u64::from(ROW_CLOCKS) * u64::from(FRAME_ROWS) * u64::from(division);
    u32::try_from(clocks * 1_000_000 / u64::from(clock_hz.max(1))).unwrap_or(u32::MAX)
}
