//! Camera frames and what is cut from them, in integers only.
//!
//! # Layers
//!
//! A module uses only modules above it in this list.
//!
//! * [`place`]: places and rectangles in a frame.
//! * [`frame`]: borrowed pixels with a stride, in the formats that cameras send. `pixels` reads them, and [`kernels`] make
//!   rows of them grey.
//! * [`similarity`]: from a crop to a frame: rotation, one scale, translation.
//! * [`resize`]: rows of a rectangle, averaged by area.
//! * [`warp`]: rows of a crop under a similarity, bilinear.
//! * [`statistics`]: brightness, contrast and sharpness of grey rows.
//!
//! # Coordinates
//!
//! x grows to the right, y downwards, left and right are as seen in the picture. Whole numbers are pixels' centres, so
//! a pixel's area reaches half a pixel to each side, and a frame of width w reaches from −½ to w − ½. Places are in
//! 1/256 pixel ([`Point`], [`Rect`]), transforms in Q16 ([`Similarity`]).
//!
//! # Principles
//!
//! * A pixel is converted to the wanted colour first, then averaged. So a cut of a frame equals the cut of the frame's
//!   converted rows, whatever the format.
//! * Rows in, rows out: a cut is an [`nn::RowSource`] that makes each row from the frame when it is asked for. Nothing
//!   is stored between rows, so rows may be asked for in any order and more than once.
//! * A frame is checked once ([`Frame::new_checked`]). After that no rectangle and no similarity fails: what lies
//!   outside the frame is black.
//! * Every result is defined by exact integer arithmetic, so that host and boards agree bit for bit.
//!
//! No heap, no float.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod frame;
pub mod kernels;
mod pixels;
pub mod place;
pub mod resize;
pub mod similarity;
pub mod statistics;
pub mod warp;

pub use frame::{Frame, FrameError};
pub use place::{Point, Points, Rect};
pub use resize::Resize;
pub use similarity::Similarity;
pub use statistics::Statistics;
pub use warp::Warp;

/// Bytes without a pattern, the same ones for the same seed.
#[cfg(test)]
fn noise(seed: u32, count: usize) -> std::vec::Vec<u8> {
    // A linear congruential generator (Knuth, MMIX).
    let next = |state: &u64| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    core::iter::successors(Some(u64::from(seed)), next)
        .skip(1)
        .map(|state| (state >> 56) as u8)
        .take(count)
        .collect()
}
