//! Measures whether a face is fit for recognition: size, pose, sharpness and exposure. [`format::gates`] has the limits.
//!
//! Pose is estimated from the five landmarks. The rest is measured between brows and chin, on the face aligned to 112
//! × 112 pixels. This size does not depend on the network, so the limits hold for all networks.

use format::gates::Quality;
use format::preprocess::Colour;
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

/// Measures a face by its landmarks, which moved by `moved_q16` in the mirror image. `None` when they are all in one
/// place, or too far apart or away.
pub fn measure(frame: &Frame<'_>, points: &Points, moved_q16: u16) -> Option<Quality> {
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
    let Pose { yaw_d16, pitch_d16, roll_d16, eyes_q8 } = Pose::of(points);
    Some(Quality {
        yaw_d16,
        pitch_d16,
        roll_d16,
        eyes_q8,
        moved_q16,
        sharpness_q16: sharpness.min(1 << 30) as u32,
        brightness_q8: statistics.mean_q8() as u16,
        contrast_q8: (u64::from(variance) << 8).isqrt() as u16,
        clipped_q16: (statistics.clipped() << 16) / statistics.count().max(1),
    })
}
