//! Decides whether a face is fit for recognition: size, pose, sharpness and exposure, each with its figure and its
//! limit.
//!
//! Pose is estimated from the five landmarks. The rest is measured between brows and chin, on the face aligned to 112
//! × 112 pixels. This size does not depend on the network, so the limits hold for all networks.

use core::fmt;

use format::preprocess::Colour;
use format::sight::Gates;
use nn::RowSource;
use vision::{Frame, Point, Points, Similarity, Statistics, Warp};

use crate::pose::Pose;

/// ArcFace's template of 112 × 112 pixels (Deng et al. 2019, reference implementation), in 1/256 pixel.
pub const TEMPLATE: Points = [
    Point { x: 9803, y: 13_234 },
    Point { x: 18_824, y: 13_184 },
    Point { x: 14_342, y: 18_365 },
    Point { x: 10_637, y: 23_646 },
    Point { x: 18_107, y: 23_604 },
];

/// The part of the template that is measured, between brows and chin, without hair and background.
const COLUMNS: core::ops::Range<usize> = 27..85;
const ROWS: core::ops::Range<u16> = 39..105;

/// The measurements of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// The pose, and the pixels between the eyes.
    pub pose: Pose,
    /// Movement of landmarks between the picture and its mirror image, in 1/65536 of the distance of the eyes. The
    /// landmarks of a face stay; those of something else, or of a profile, move.
    pub moved: u16,
    /// Variance of the Laplacian, without the part that rounding adds, over the variance of luminance, in 1/65536.
    pub sharpness: u32,
    /// Mean luminance, 0 to 255, in 1/256.
    pub brightness: u16,
    /// Standard deviation of luminance, in 1/256.
    pub contrast: u16,
    /// Share of pixels that are completely black or white, in 1/65536.
    pub clipped: u32,
}

impl Quality {
    /// Measures a face by its landmarks. `None` when they are all in one place, or too far apart or away.
    pub fn measure(frame: &Frame<'_>, points: &Points, moved: u16) -> Option<Self> {
        let similarity = Similarity::to_frame(points, &TEMPLATE, [112, 112])?;
        let mut warp = Warp::new(*frame, &similarity, [112, 112], Colour::Grey, false);
        let mut statistics = Statistics::new();
        let mut row = [0; 112];
        // With a border, which only the Laplacian reads.
        for y in ROWS.start - 1..ROWS.end + 1 {
            match warp.row(y, &mut row) {
                Ok(()) => statistics.push(&row[COLUMNS.start - 1..COLUMNS.end + 1]),
            }
        }
        // Rounding to whole numbers alone gives each pixel a variance of 1/12, and the Laplacian 4 + 16 times that.
        let edges = statistics.laplacian_variance_q8().saturating_sub(20 * 256 / 12);
        let variance = statistics.variance_q8();
        let sharpness = (u64::from(edges) << 16) / u64::from(variance.max(256));
        Some(Quality {
            pose: Pose::of(points),
            moved,
            sharpness: sharpness.min(1 << 30) as u32,
            brightness: statistics.mean_q8() as u16,
            contrast: (u64::from(variance) << 8).isqrt() as u16,
            clipped: (statistics.clipped() << 16) / statistics.count().max(1),
        })
    }

    /// Finds the first reason to refuse a face.
    ///
    /// # Errors
    /// That reason.
    pub fn check(&self, gates: &Gates) -> Result<(), Fault> {
        let Pose { yaw, pitch, roll, eyes } = self.pose;
        let [dark, bright] = gates.brightness;
        let fault = if eyes < gates.eyes.into() {
            Fault::TooSmall { eyes, least: gates.eyes }
        } else if self.moved > gates.moved {
            Fault::NoFace { moved: self.moved, most: gates.moved }
        } else if yaw.unsigned_abs() > gates.yaw {
            Fault::TurnedAside { angle: yaw, most: gates.yaw }
        } else if pitch.unsigned_abs() > gates.pitch {
            Fault::TurnedUpOrDown { angle: pitch, most: gates.pitch }
        } else if roll.unsigned_abs() > gates.roll {
            Fault::Inclined { angle: roll, most: gates.roll }
        } else if self.brightness < dark {
            Fault::TooDark { brightness: self.brightness, least: dark }
        } else if self.brightness > bright {
            Fault::TooBright { brightness: self.brightness, most: bright }
        } else if self.clipped > gates.clipped.into() {
            Fault::Clipped { share: self.clipped, most: gates.clipped }
        } else if self.contrast < gates.contrast {
            Fault::Flat { contrast: self.contrast, least: gates.contrast }
        } else if self.sharpness < gates.sharpness.into() {
            Fault::Blurred { sharpness: self.sharpness, least: gates.sharpness }
        } else {
            return Ok(());
        };
        Err(fault)
    }
}

/// The reason why a face is not fit for recognition, with the measurement and the limit, in the units of [`Quality`]
/// and [`Gates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too few pixels between the eyes.
    TooSmall {
        /// Pixels between the eyes.
        eyes: u32,
        /// Limit.
        least: u16,
    },
    /// Landmarks do not stay where they are in the mirror image.
    NoFace {
        /// Movement.
        moved: u16,
        /// Limit.
        most: u16,
    },
    /// Landmarks are in one place, or too far away.
    Nowhere,
    /// Turned to a side, towards profile.
    TurnedAside {
        /// Yaw.
        angle: i16,
        /// Limit to either side.
        most: u16,
    },
    /// Looking up or down.
    TurnedUpOrDown {
        /// Pitch.
        angle: i16,
        /// Limit up or down.
        most: u16,
    },
    /// Inclined to a shoulder.
    Inclined {
        /// Roll.
        angle: i16,
        /// Limit to either side.
        most: u16,
    },
    /// Underexposed.
    TooDark {
        /// Mean luminance.
        brightness: u16,
        /// Limit.
        least: u16,
    },
    /// Overexposed.
    TooBright {
        /// Mean luminance.
        brightness: u16,
        /// Limit.
        most: u16,
    },
    /// Large parts of the face are black or white.
    Clipped {
        /// Share of pixels.
        share: u32,
        /// Limit.
        most: u16,
    },
    /// Without contrast.
    Flat {
        /// Standard deviation of luminance.
        contrast: u16,
        /// Limit.
        least: u16,
    },
    /// Blurred.
    Blurred {
        /// Variance of the Laplacian over the variance of luminance.
        sharpness: u32,
        /// Limit.
        least: u16,
    },
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

/// An angle in degrees, without sign.
fn degrees(angle: u16) -> Parts {
    Parts(angle.into(), 16, 0)
}

/// A number in 1/256 without digits after the point.
fn whole(q8: u32) -> Parts {
    Parts(q8, 256, 0)
}

/// A share in per cent.
fn percent(q16: u32) -> Parts {
    Parts(q16.saturating_mul(100), 1 << 16, 0)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::TooSmall { eyes, least } => write!(
                f,
                "the face is too small: {} pixels between the eyes, {} are needed",
                whole(eyes),
                whole(least.into())
            ),
            Fault::NoFace { moved, most } => write!(
                f,
                "not certainly a face: in the mirror image its landmarks move by {} % of the distance of the eyes, at \
                 most {} % is usable",
                percent(moved.into()),
                percent(most.into())
            ),
            Fault::Nowhere => write!(f, "not a face: its landmarks lie in one place or far outside"),
            Fault::TurnedAside { angle, most } => write!(
                f,
                "the face is turned aside by {}°, at most {}° is usable",
                degrees(angle.unsigned_abs()),
                degrees(most)
            ),
            Fault::TurnedUpOrDown { angle, most } => {
                let way = if angle > 0 { "down" } else { "up" };
                let (angle, most) = (degrees(angle.unsigned_abs()), degrees(most));
                write!(f, "the face looks {way} by {angle}°, at most {most}° is usable")
            }
            Fault::Inclined { angle, most } => write!(
                f,
                "the head is inclined by {}°, at most {}° is usable",
                degrees(angle.unsigned_abs()),
                degrees(most)
            ),
            Fault::TooDark { brightness, least } => write!(
                f,
                "the face is too dark: mean luminance {} of 255, at least {} is needed",
                whole(brightness.into()),
                whole(least.into())
            ),
            Fault::TooBright { brightness, most } => write!(
                f,
                "the face is too bright: mean luminance {} of 255, at most {} is usable",
                whole(brightness.into()),
                whole(most.into())
            ),
            Fault::Clipped { share, most } => write!(
                f,
                "{} % of the face is black or white altogether, at most {} % is usable",
                percent(share),
                percent(most.into())
            ),
            Fault::Flat { contrast, least } => write!(
                f,
                "the face has too little contrast: luminance deviates by {} of 255, at least {} is needed",
                Parts(contrast.into(), 256, 1),
                whole(least.into())
            ),
            Fault::Blurred { sharpness, least } => write!(
                f,
                "the face is blurred: sharpness {}, at least {} is needed",
                Parts(sharpness, 1 << 16, 4),
                Parts(least.into(), 1 << 16, 4)
            ),
        }
    }
}

impl core::error::Error for Fault {}
