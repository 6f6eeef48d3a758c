//! The gates that a face passes before it is recognised: their usual limits, and their names for counts of refusals.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use face::Fault;
use format::sight::Gates;
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
    let [yaw, pitch, roll] = MOST_TURNED.map(|degrees| parts(degrees, 16.0));
    Gates {
        eyes: parts(LEAST_EYES * f64::from(crop_eyes), 256.0),
        moved: parts(MOST_MOVED, 65_536.0),
        yaw,
        pitch,
        roll,
        sharpness: parts(LEAST_SHARPNESS, 65_536.0),
        brightness: BRIGHTNESS.map(|limit| parts(limit, 256.0)),
        contrast: parts(LEAST_CONTRAST, 256.0),
        clipped: parts(MOST_CLIPPED, 65_536.0),
    }
}

/// Gates that let every face pass: only what tells faces from other things stays.
pub fn open(gates: &Gates) -> Gates {
    let all = u16::MAX;
    Gates {
        moved: gates.moved,
        yaw: all,
        pitch: all,
        roll: all,
        brightness: [0, all],
        clipped: all,
        ..Gates::default()
    }
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

/// The name of the gate that a face did not pass.
pub fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::TooSmall { .. } => "too small",
        Fault::NoFace { .. } => "landmarks do not stay in the mirror image",
        Fault::Nowhere => "landmarks of no face",
        Fault::TurnedAside { .. } => "turned aside",
        Fault::TurnedUpOrDown { .. } => "looks up or down",
        Fault::Inclined { .. } => "inclined",
        Fault::TooDark { .. } => "too dark",
        Fault::TooBright { .. } => "too bright",
        Fault::Clipped { .. } => "black or white altogether",
        Fault::Flat { .. } => "too little contrast",
        Fault::Blurred { .. } => "blurred",
    }
}

#[cfg(test)]
mod tests {
    use face::{Pose, Quality};

    use super::*;

    /// A face that passes.
    const FIT: Quality = Quality {
        pose: Pose { yaw: 0, pitch: 0, roll: 0, eyes: 256 * 40 },
        moved: 2000,
        sharpness: 6000,
        brightness: 256 * 120,
        contrast: 256 * 40,
        clipped: 0,
    };

    #[test]
    fn open_gates_refuse_only_what_is_no_face() {
        let limits = limits(35.2);
        let unfit = Quality {
            pose: Pose { yaw: 16 * 80, pitch: -16 * 80, roll: 16 * 170, eyes: 256 },
            sharpness: 0,
            brightness: 256 * 3,
            contrast: 0,
            clipped: 60_000,
            ..FIT
        };
        assert_eq!((FIT.check(&limits), FIT.check(&open(&limits))), (Ok(()), Ok(())));
        assert!(unfit.check(&limits).is_err());
        assert_eq!(unfit.check(&open(&limits)), Ok(()));
        let moved = Quality { moved: 9000, ..FIT };
        assert!(matches!(moved.check(&open(&limits)), Err(Fault::NoFace { .. })));
    }

    #[test]
    fn most_frequent_reasons_come_first() {
        let counted = counted(["blurred", "too dark", "inclined", "too dark"].into_iter());
        let counted: Vec<(&str, usize)> =
            counted.iter().map(|refused| (refused.reason, refused.count)).collect();
        assert_eq!(counted, [("too dark", 2), ("blurred", 1), ("inclined", 1)]);
    }
}
