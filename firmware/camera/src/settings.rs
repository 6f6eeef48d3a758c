//! What a sensor is told.

use crate::error::Error;

/// Settings of a sensor, the same ones for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Frequency of the clock that the board feeds to the sensor (XVCLK, MCLK), in hertz.
    pub clock_hz: u32,
    /// What the receiver can take.
    pub limits: Limits,
    /// How the picture is turned.
    pub orientation: Orientation,
    /// Frequency at which lamps flicker.
    pub mains: Mains,
    /// How bright the picture is.
    pub exposure: Exposure,
}

/// What the receiver of the frames can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Highest pixel clock (PCLK), in hertz. One byte comes with each period.
    pub pixel_clock_hz: u32,
    /// Most frames in a second.
    pub frames_per_s: u32,
}

/// How the picture is turned against the sensor's own order. Both together are a rotation by 180°.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Left and right are exchanged.
    pub is_mirrored: bool,
    /// Top and bottom are exchanged.
    pub is_flipped: bool,
}

/// Frequency of the mains. Lamps flicker at twice this frequency; an exposure of whole periods shows no stripes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mains {
    /// 50 Hz: steps of 1/100 s.
    Hz50,
    /// 60 Hz: steps of 1/120 s.
    Hz60,
}

impl Mains {
    /// Periods of the lamps' light in a second.
    pub(crate) const fn periods_per_s(self) -> u32 {
        match self {
            Mains::Hz50 => 100,
            Mains::Hz60 => 120,
        }
    }

    /// Rows that are read in a period of the lamps' light, at least one. `row_clocks` of `clock_hz` make a row.
    pub(crate) fn period_rows(self, clock_hz: u32, row_clocks: u32) -> u16 {
        let row_period = u64::from(row_clocks.max(1)) * u64::from(self.periods_per_s());
        let rows = (u64::from(clock_hz) + row_period / 2) / row_period;
        u16::try_from(rows).unwrap_or(u16::MAX).max(1)
    }
}

/// How bright the picture is. The exposure never gets longer than a frame, so that the frame rate stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Mean luminance of the picture, 0–255.
    pub mean: u8,
    /// Distance from [`Self::mean`] within which exposure and gain stay as they are. Too small, and they swing.
    pub tolerance: u8,
    /// Highest gain. More gain sees in darker places, with more noise.
    pub ceiling: Gain,
}

impl Exposure {
    /// What the makers' own settings use.
    pub const DEFAULT: Exposure = Exposure { mean: 60, tolerance: 4, ceiling: Gain::X8 };

    /// Lowest and highest mean luminance that leave exposure and gain as they are.
    ///
    /// # Errors
    /// [`Error::Exposure`] for a tolerance of 0 and a window that does not lie in 1–254.
    pub(crate) fn window(self) -> Result<[u8; 2], Error> {
        let refused = Error::Exposure { mean: self.mean, tolerance: self.tolerance };
        let low = self.mean.checked_sub(self.tolerance).filter(|&low| low >= 1);
        let high = self.mean.checked_add(self.tolerance).filter(|&high| high <= 254);
        match (low, high) {
            (Some(low), Some(high)) if self.tolerance >= 1 => Ok([low, high]),
            _ => Err(refused),
        }
    }
}

impl Default for Exposure {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A ceiling of the gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gain {
    /// Twice.
    X2,
    /// Four times.
    X4,
    /// Eight times.
    X8,
    /// 16 times, the highest of an HM01B0.
    X16,
    /// 32 times.
    X32,
    /// 64 times.
    X64,
    /// 128 times.
    X128,
}

/// A picture that the sensor makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestPattern {
    /// Eight vertical bars, from white to black.
    Bars,
    /// One set bit that walks through the bytes of a row.
    WalkingOnes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_around_the_mean() {
        assert_eq!(Exposure::DEFAULT.window(), Ok([0x38, 0x40]));
        for (mean, tolerance, window) in [
            (2, 1, Some([1, 3])),
            (253, 1, Some([252, 254])),
            (128, 126, Some([2, 254])),
            (60, 0, None),
            (1, 1, None),
            (3, 4, None),
            (254, 1, None),
            (255, 9, None),
        ] {
            let exposure = Exposure { mean, tolerance, ..Exposure::DEFAULT };
            assert_eq!(exposure.window(), window.ok_or(Error::Exposure { mean, tolerance }));
        }
    }

    #[test]
    fn periods_of_light_are_rounded_to_rows() {
        assert_eq!(Mains::Hz50.period_rows(24_000_000, 1190), 202);
        assert_eq!(Mains::Hz60.period_rows(24_000_000, 1190), 168);
        assert_eq!(Mains::Hz50.period_rows(1_000, 1190), 1);
        assert_eq!(Mains::Hz50.period_rows(u32::MAX, 0), u16::MAX);
    }
}
