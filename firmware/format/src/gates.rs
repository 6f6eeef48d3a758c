//! Limits of a usable face: what is measured of a face, the limits that an image has for it, and the first reason why a
//! face is refused.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Limits of a usable face. The default refuses nothing that has contrast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// Least pixels of the frame between the eyes, in 1/256.
    pub eyes_q8: u16,
    /// Most movement of landmarks between the picture and its mirror image, in 1/65536 of the distance of the eyes.
    pub moved_q16: u16,
    /// Most yaw to either side, in 1/16 degree.
    pub yaw_d16: u16,
    /// Most pitch up or down, in 1/16 degree.
    pub pitch_d16: u16,
    /// Most roll to either side, in 1/16 degree.
    pub roll_d16: u16,
    /// Least variance of the Laplacian over the variance of luminance, in 1/65536.
    pub sharpness_q16: u16,
    /// Least mean luminance, in 1/256.
    pub dark_q8: u16,
    /// Most mean luminance, in 1/256; not below [`Self::dark_q8`].
    pub bright_q8: u16,
    /// Least standard deviation of luminance, in 1/256.
    pub contrast_q8: u16,
    /// Most pixels that are completely black or white, in 1/65536 of all.
    pub clipped_q16: u16,
}

impl Gates {
    /// Gates that refuse no face that can be measured.
    pub const OPEN: Gates = Gates {
        eyes_q8: 0,
        moved_q16: u16::MAX,
        yaw_d16: u16::MAX,
        pitch_d16: u16::MAX,
        roll_d16: u16::MAX,
        sharpness_q16: 0,
        dark_q8: 0,
        bright_q8: u16::MAX,
        contrast_q8: 0,
        clipped_q16: u16::MAX,
    };

    /// The first limit that a face breaks.
    ///
    /// # Errors
    /// That limit, with the measurement.
    pub fn check(&self, quality: &Quality) -> Result<(), Refusal> {
        let angle = |angle: i16| u32::from(angle.unsigned_abs());
        let least = |gate, figure: u32, limit: u16| (gate, figure as i32, limit, figure < u32::from(limit));
        let most = |gate, figure: u32, limit: u16| (gate, figure as i32, limit, figure > u32::from(limit));
        let turned =
            |gate, figure: i16, limit: u16| (gate, figure.into(), limit, angle(figure) > u32::from(limit));
        let Quality { brightness_q8, .. } = *quality;
        [
            least(Gate::Eyes, quality.eyes_q8.min(i32::MAX as u32), self.eyes_q8),
            most(Gate::Moved, quality.moved_q16.into(), self.moved_q16),
            turned(Gate::Yaw, quality.yaw_d16, self.yaw_d16),
            turned(Gate::Pitch, quality.pitch_d16, self.pitch_d16),
            turned(Gate::Roll, quality.roll_d16, self.roll_d16),
            least(Gate::Dark, brightness_q8.into(), self.dark_q8),
            most(Gate::Bright, brightness_q8.into(), self.bright_q8),
            // A limit of everything holds for faces that are black altogether, too.
            match self.clipped_q16 {
                u16::MAX => (Gate::Clipped, 0, u16::MAX, false),
                limit => most(Gate::Clipped, quality.clipped_q16, limit),
            },
            least(Gate::Contrast, quality.contrast_q8.into(), self.contrast_q8),
            least(Gate::Sharpness, quality.sharpness_q16, self.sharpness_q16),
        ]
        .into_iter()
        .find(|&(.., is_broken)| is_broken)
        .map_or(Ok(()), |(gate, figure, limit, _)| Err(Refusal { gate, figure, limit }))
    }
}

/// The record of limits: numbers of two bytes, in this order.
macro_rules! record {
    ($($field:ident),*) => {
        impl Gates {
            /// The numbers.
            pub(crate) fn fields(&self) -> [u16; 10] {
                [$(self.$field),*]
            }

            /// The limits of these numbers.
            pub(crate) fn of_fields([$($field),*]: [u16; 10]) -> Self {
                Gates { $($field),* }
            }
        }
    };
}

record!(
    eyes_q8,
    moved_q16,
    yaw_d16,
    pitch_d16,
    roll_d16,
    sharpness_q16,
    dark_q8,
    bright_q8,
    contrast_q8,
    clipped_q16
);

impl Default for Gates {
    fn default() -> Self {
        Self::OPEN
    }
}

/// The measurements of a face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Angle by which it is turned to a side, in 1/16 degree; positive when it looks to the right as seen.
    pub yaw_d16: i16,
    /// Angle by which it looks up or down, in 1/16 degree; positive when it looks down.
    pub pitch_d16: i16,
    /// Angle by which it is inclined to a shoulder, in 1/16 degree; positive when clockwise as seen.
    pub roll_d16: i16,
    /// Pixels between the eyes in 1/256, as a view from the front would have them.
    pub eyes_q8: u32,
    /// Movement of landmarks between the picture and its mirror image, in 1/65536 of the distance of the eyes. The
    /// landmarks of a face stay; those of something else, or of a profile, move.
    pub moved_q16: u16,
    /// Variance of the Laplacian, without the part that rounding adds, over the variance of luminance, in 1/65536; at
    /// most 2³⁰.
    pub sharpness_q16: u32,
    /// Mean luminance, 0 to 255, in 1/256.
    pub brightness_q8: u16,
    /// Standard deviation of luminance, in 1/256.
    pub contrast_q8: u16,
    /// Share of pixels that are completely black or white, in 1/65536.
    pub clipped_q16: u32,
}

/// A limit that a face can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// Landmarks in one place or far outside; without figure and limit.
    Nowhere,
    /// Least pixels between the eyes, in 1/256.
    Eyes,
    /// Most movement of landmarks in the mirror image, in 1/65536 of the distance of the eyes.
    Moved,
    /// Most yaw to either side, in 1/16 degree.
    Yaw,
    /// Most pitch up or down, in 1/16 degree.
    Pitch,
    /// Most roll to either side, in 1/16 degree.
    Roll,
    /// Least mean luminance, in 1/256.
    Dark,
    /// Most mean luminance, in 1/256.
    Bright,
    /// Most pixels that are completely black or white, in 1/65536 of all.
    Clipped,
    /// Least standard deviation of luminance, in 1/256.
    Contrast,
    /// Least variance of the Laplacian over the variance of luminance, in 1/65536.
    Sharpness,
    /// Least score of the photo check, in 1/65536.
    Alive,
}

impl Gate {
    /// All gates.
    pub const ALL: [Gate; 12] = [
        Gate::Nowhere,
        Gate::Eyes,
        Gate::Moved,
        Gate::Yaw,
        Gate::Pitch,
        Gate::Roll,
        Gate::Dark,
        Gate::Bright,
        Gate::Clipped,
        Gate::Contrast,
        Gate::Sharpness,
        Gate::Alive,
    ];

    /// The reason for a refusal by this gate, in a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Gate::Nowhere => "landmarks of no face",
            Gate::Eyes => "too small",
            Gate::Moved => "landmarks do not stay in the mirror image",
            Gate::Yaw => "turned aside",
            Gate::Pitch => "looks up or down",
            Gate::Roll => "inclined",
            Gate::Dark => "too dark",
            Gate::Bright => "too bright",
            Gate::Clipped => "black or white altogether",
            Gate::Contrast => "too little contrast",
            Gate::Sharpness => "blurred",
            Gate::Alive => "photo check",
        }
    }
}

/// Why a face is not decided on: a limit that it breaks. [`fmt::Display`] tells it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The gate.
    pub gate: Gate,
    /// The measurement.
    pub figure: i32,
    /// The limit.
    pub limit: u16,
}

impl Refusal {
    /// The refusal of landmarks that cannot belong to a face.
    pub const NOWHERE: Refusal = Refusal { gate: Gate::Nowhere, figure: 0, limit: 0 };
}

/// A number in parts of `whole`, shown with `digits` digits after the point.
struct Parts(u32, u32, usize);

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Parts(number, whole, digits) = self;
        let power = 10u64.pow(digits as u32);
        let rounded = (u64::from(number) * power + u64::from(whole) / 2) / u64::from(whole);
        match digits {
            0 => write!(f, "{rounded}"),
            _ => write!(f, "{}.{:0digits$}", rounded / power, rounded % power),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (figure, limit) = (self.figure.unsigned_abs(), u32::from(self.limit));
        // A limit is never shown as a number that the measurement reaches: one more digit where both look alike.
        let both = |whole: u32, factor: u32, digits: usize| {
            let alike = |digits: usize| {
                let power = 10u64.pow(digits as u32) * u64::from(factor);
                let shown =
                    |number: u32| (u64::from(number) * power + u64::from(whole) / 2) / u64::from(whole);
                shown(figure) == shown(limit)
            };
            let digits = (digits..digits + 4).find(|&digits| !alike(digits)).unwrap_or(digits);
            [figure, limit].map(|number| Parts(number.saturating_mul(factor), whole, digits))
        };
        match self.gate {
            Gate::Nowhere => write!(f, "not a face: its landmarks lie in one place or far outside"),
            Gate::Eyes => {
                let [eyes, least] = both(256, 1, 0);
                write!(f, "the face is too small: {eyes} pixels between the eyes, {least} are needed")
            }
            Gate::Moved => {
                let [moved, most] = both(1 << 16, 100, 0);
                write!(
                    f,
                    "not certainly a face: in the mirror image its landmarks move by {moved} % of the distance of the \
                     eyes, at most {most} % is usable"
                )
            }
            Gate::Yaw => {
                let [angle, most] = both(16, 1, 0);
                write!(f, "the face is turned aside by {angle}°, at most {most}° is usable")
            }
            Gate::Pitch => {
                let [angle, most] = both(16, 1, 0);
                let way = if self.figure > 0 { "down" } else { "up" };
                write!(f, "the face looks {way} by {angle}°, at most {most}° is usable")
            }
            Gate::Roll => {
                let [angle, most] = both(16, 1, 0);
                write!(f, "the head is inclined by {angle}°, at most {most}° is usable")
            }
            Gate::Dark => {
                let [brightness, least] = both(256, 1, 0);
                write!(
                    f,
                    "the face is too dark: mean luminance {brightness} of 255, at least {least} is needed"
                )
            }
            Gate::Bright => {
                let [brightness, most] = both(256, 1, 0);
                write!(
                    f,
                    "the face is too bright: mean luminance {brightness} of 255, at most {most} is usable"
                )
            }
            Gate::Clipped => {
                let [share, most] = both(1 << 16, 100, 0);
                write!(f, "{share} % of the face is black or white altogether, at most {most} % is usable")
            }
            Gate::Contrast => {
                let [contrast, least] = both(256, 1, 1);
                write!(
                    f,
                    "the face has too little contrast: luminance deviates by {contrast} of 255, at least {least} is \
                     needed"
                )
            }
            Gate::Sharpness => {
                let [sharpness, least] = both(1 << 16, 1, 4);
                write!(f, "the face is blurred: sharpness {sharpness}, at least {least} is needed")
            }
            Gate::Alive => {
                let [score, least] = both(1 << 16, 100, 0);
                write!(
                    f,
                    "the photo check takes it for a picture of a face: score {score} %, at least {least} % is needed"
                )
            }
        }
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    /// Limits in the middle of everything.
    const GATES: Gates = Gates {
        eyes_q8: 18 << 8,
        moved_q16: 9000,
        yaw_d16: 35 * 16,
        pitch_d16: 30 * 16,
        roll_d16: 40 * 16,
        sharpness_q16: 700,
        dark_q8: 40 << 8,
        bright_q8: 220 << 8,
        contrast_q8: 15 << 8,
        clipped_q16: 13_000,
    };

    /// A face at every limit, none broken.
    const FIT: Quality = Quality {
        eyes_q8: 18 << 8,
        moved_q16: 9000,
        yaw_d16: -35 * 16,
        pitch_d16: 30 * 16,
        roll_d16: 40 * 16,
        sharpness_q16: 700,
        brightness_q8: 40 << 8,
        contrast_q8: 15 << 8,
        clipped_q16: 13_000,
    };

    #[test]
    fn limits_themselves_are_usable_and_one_step_beyond_is_refused() {
        assert_eq!(GATES.check(&FIT), Ok(()));
        assert_eq!(GATES.check(&Quality { brightness_q8: 220 << 8, ..FIT }), Ok(()));
        let refused = |quality: Quality| {
            let Refusal { gate, figure, limit } = GATES.check(&quality).unwrap_err();
            (gate, figure, limit)
        };
        let (eyes, dark, bright) = (GATES.eyes_q8, GATES.dark_q8, GATES.bright_q8);
        assert_eq!(refused(Quality { eyes_q8: 4607, ..FIT }), (Gate::Eyes, 4607, eyes));
        assert_eq!(refused(Quality { moved_q16: 9001, ..FIT }), (Gate::Moved, 9001, 9000));
        assert_eq!(refused(Quality { yaw_d16: -561, ..FIT }), (Gate::Yaw, -561, 560));
        assert_eq!(refused(Quality { yaw_d16: i16::MIN, ..FIT }), (Gate::Yaw, -32768, 560));
        assert_eq!(refused(Quality { pitch_d16: 481, ..FIT }), (Gate::Pitch, 481, 480));
        assert_eq!(refused(Quality { roll_d16: -641, ..FIT }), (Gate::Roll, -641, 640));
        assert_eq!(refused(Quality { brightness_q8: dark - 1, ..FIT }), (Gate::Dark, 10_239, dark));
        assert_eq!(refused(Quality { brightness_q8: bright + 1, ..FIT }), (Gate::Bright, 56_321, bright));
        assert_eq!(refused(Quality { clipped_q16: 1 << 16, ..FIT }), (Gate::Clipped, 65_536, 13_000));
        assert_eq!(refused(Quality { contrast_q8: 3839, ..FIT }), (Gate::Contrast, 3839, 3840));
        assert_eq!(refused(Quality { sharpness_q16: 699, ..FIT }), (Gate::Sharpness, 699, 700));
        // The first limit counts.
        assert_eq!(refused(Quality { eyes_q8: 0, sharpness_q16: 0, ..FIT }).0, Gate::Eyes);
    }

    #[test]
    fn open_gates_refuse_nothing() {
        let worst = Quality {
            yaw_d16: i16::MIN,
            moved_q16: u16::MAX,
            clipped_q16: 1 << 16,
            brightness_q8: u16::MAX,
            ..Quality::default()
        };
        assert_eq!(Gates::OPEN.check(&worst), Ok(()));
    }

    #[test]
    fn measurement_and_limit_never_look_alike() {
        let said = |gate, figure, limit| Refusal { gate, figure, limit }.to_string();
        let small = said(Gate::Eyes, 4600, 4608);
        assert!(small.contains("17.97 pixels") && small.contains("18.00 are"), "{small}");
        let small = said(Gate::Eyes, 16 << 8, 18 << 8);
        assert!(small.contains(": 16 pixels between the eyes, 18 are needed"), "{small}");
        let aside = said(Gate::Yaw, -561, 560);
        assert!(aside.contains("by 35.1°, at most 35.0°"), "{aside}");
        assert!(said(Gate::Pitch, -600, 480).contains("looks up by 38°"));
        assert!(said(Gate::Pitch, 600, 480).contains("looks down by 38°"));
        let alive = said(Gate::Alive, 0x4000, 0x8000);
        assert!(alive.ends_with("score 25 %, at least 50 % is needed"), "{alive}");
        let alive = said(Gate::Alive, 0x7fff, 0x8000);
        assert!(alive.contains("score 49.998 %, at least 50.000 %"), "{alive}");
    }

    #[test]
    fn gates_have_names_of_their_own() {
        for (place, gate) in Gate::ALL.into_iter().enumerate() {
            assert!(Gate::ALL[..place].iter().all(|other| other.name() != gate.name()), "{gate:?}");
            let said = Refusal { gate, figure: i32::MAX, limit: u16::MAX }.to_string();
            assert!(said.len() > 20, "{said}");
        }
    }
}
