//! The gates that a face passes before it is recognised: their usual limits, and counts of refusals.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use format::gates::{Gates, Quality, Refusal};
use serde::Serialize;

/// Least pixels between the eyes in the photo, as a share of those in the crop.
const LEAST_EYES: f64 = 0.5;
/// Most movement of landmarks from the first picture to the mirror image, in distances between the eyes: those of faces
/// move by 0.043 (95 of 100), those of pizzas by 0.18 and more.
const MOST_MOVED: f64 = 0.11;
/// Most yaw, pitch and roll to either side, degrees.
const MOST_TURNED: [f64; 3] = [45.0, 50.0, 60.0];
/// Least variance of the Laplacian divided by the variance of luminance.
const LEAST_SHARPNESS: f64 = 0.015;
/// Least and most mean luminance.
const BRIGHTNESS: [f64; 2] = [40.0, 215.0];
/// Least standard deviation of luminance.
const LEAST_CONTRAST: f64 = 9.0;
/// Largest share of pixels that are completely black or white.
const MOST_CLIPPED: f64 = 0.25;

/// A number in parts of `1 / whole`.
pub(super) fn parts(value: f64, whole: f64) -> u16 {
    (value * whole).round().clamp(0.0, 65_535.0) as u16
}

/// The limits of a usable face, for crops with `crop_eyes` pixels between the eyes.
///
/// At them recognition gets worse, measured with the default network on aligned press photos that were made smaller,
/// blurred, darker, brighter and flatter. Fewer than one in a hundred of the unchanged photos is refused.
pub fn limits(crop_eyes: f32) -> Gates {
    let [yaw_d16, pitch_d16, roll_d16] = MOST_TURNED.map(|degrees| parts(degrees, 16.0));
    let [dark_q8, bright_q8] = BRIGHTNESS.map(|limit| parts(limit, 256.0));
    Gates {
        eyes_q8: parts(LEAST_EYES * f64::from(crop_eyes), 256.0),
        moved_q16: parts(MOST_MOVED, 65_536.0),
        yaw_d16,
        pitch_d16,
        roll_d16,
        sharpness_q16: parts(LEAST_SHARPNESS, 65_536.0),
        dark_q8,
        bright_q8,
        contrast_q8: parts(LEAST_CONTRAST, 256.0),
        clipped_q16: parts(MOST_CLIPPED, 65_536.0),
    }
}

/// Gates that let every face pass: only what tells faces from other things stays.
pub fn open(gates: &Gates) -> Gates {
    Gates { moved_q16: gates.moved_q16, ..Gates::OPEN }
}

/// Checks a face of a frame that is a photo made smaller: `scale` is the size of the photo over the frame's, and pixels
/// between the eyes count as those of the photo.
///
/// # Errors
/// The first limit that it breaks.
pub fn check(gates: &Gates, quality: &Quality, scale: f32) -> Result<(), Refusal> {
    let eyes_q8 = (quality.eyes_q8 as f32 * scale) as u32;
    gates.check(&Quality { eyes_q8, ..*quality })
}

/// A reason, and how often there was no answer because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The gate's name, or another reason.
    pub reason: &'static str,
    /// How often.
    pub count: usize,
}

/// Counts reasons; the most frequent ones come first.
pub fn counted(reasons: impl Iterator<Item = &'static str>) -> Vec<Refused> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    reasons.for_each(|reason| *counts.entry(reason).or_default() += 1);
    let mut counted: Vec<Refused> =
        counts.into_iter().map(|(reason, count)| Refused { reason, count }).collect();
    counted.sort_by_key(|refused| Reverse(refused.count));
    counted
}

#[cfg(test)]
mod tests {
    use format::gates::Gate;

    use super::*;

    /// A face that passes.
    const FIT: Quality = Quality {
        yaw_d16: 0,
        pitch_d16: 0,
        roll_d16: 0,
        eyes_q8: 256 * 40,
        moved_q16: 2000,
        sharpness_q16: 6000,
        brightness_q8: 256 * 120,
        contrast_q8: 256 * 40,
        clipped_q16: 0,
    };

    #[test]
    fn open_gates_refuse_only_what_is_no_face() {
        let limits = limits(35.2);
        let unfit = Quality {
            yaw_d16: 16 * 80,
            pitch_d16: -16 * 80,
            roll_d16: 16 * 170,
            eyes_q8: 256,
            sharpness_q16: 0,
            brightness_q8: 256 * 3,
            contrast_q8: 0,
            clipped_q16: 60_000,
            ..FIT
        };
        assert_eq!((limits.check(&FIT), open(&limits).check(&FIT)), (Ok(()), Ok(())));
        assert!(limits.check(&unfit).is_err());
        assert_eq!(open(&limits).check(&unfit), Ok(()));
        let moved = Quality { moved_q16: 9000, ..FIT };
        assert_eq!(open(&limits).check(&moved).unwrap_err().gate, Gate::Moved);
    }

    #[test]
    fn most_frequent_reasons_come_first() {
        let counted = counted(["blurred", "too dark", "inclined", "too dark"].into_iter());
        let counted: Vec<(&str, usize)> =
            counted.iter().map(|refused| (refused.reason, refused.count)).collect();
        assert_eq!(counted, [("too dark", 2), ("blurred", 1), ("inclined", 1)]);
    }
}
