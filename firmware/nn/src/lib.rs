//! Integer-only streaming runtime for convolutional networks: face embeddings, detectors, landmarks.
//!
//! # Layers
//!
//! * [`quant`]: the only rounding in the system.
//! * [`kernels`]: each operator, one output row at a time, over plain slices.
//! * [`op`]: a file for each operator with the checks of its record, the input rows that an output row needs, the
//!   number of multiply-accumulates, and the kernel to call.
//! * [`stream`]: the order in which rows are made. Knows layers and the rows they need, but not elements.
//! * [`plan`]: checks that a memory plan overwrites nothing that is still needed.
//! * [`network`]: combines a checked image's NETWORK section, an arena and a [`RowSource`].
//!
//! # Principles
//!
//! * Every tensor is a ring of rows. The only operation of a layer is to make its next output row from the input rows
//!   that its operator names. A ring as high as its tensor stores the whole tensor, so layer-by-layer execution is
//!   the special case in which every tensor is a barrier.
//! * No row is computed twice, and none before another row or an output needs it.
//! * Integers only, from the pixel to the output. The portable kernels define the result; every other kernel set
//!   equals them bit for bit.
//! * A network is checked when it is loaded ([`Network::new`]); running it then fails only if its arena is too small, its
//!   source of rows fails, or its memory changed.
//! * Records are read in place in the image. State between rows is kept at the front of the arena.
//! * On a microcontroller nothing here panics. Every window into memory is checked when it is taken; functions inside return
//!   `None` when one does not fit, and the run ends with [`RunError::Broken`]. In a network that was checked this does not
//!   happen, unless its memory changed. The vector code of computers checks lengths where it is entered.
//!
//! No heap: the caller owns the arena. No float.
#![no_std]
// A dropped `None` would be a row that was not made, without a word.
#![warn(unused_results)]

pub mod kernels;
pub mod network;
pub mod op;
pub mod plan;
pub mod quant;
pub mod stream;

pub use network::{Arena, Network, Outputs, RowSource, Run, RunError};
pub use plan::LoadError;

/// Bytes as elements, if they are aligned and have whole elements.
#[inline(always)]
fn elements<T: bytemuck::Pod, U: bytemuck::Pod>(bytes: &[T]) -> Option<&[U]> {
    bytemuck::try_cast_slice(bytes).ok()
}

/// As [`elements`].
#[inline(always)]
fn elements_mut<T: bytemuck::Pod, U: bytemuck::Pod>(bytes: &mut [T]) -> Option<&mut [U]> {
    bytemuck::try_cast_slice_mut(bytes).ok()
}

/// Copies elements, if there are as many as places.
#[inline(always)]
fn copy<T: Copy>(from: &[T], to: &mut [T]) -> Option<()> {
    ensure(from.len() == to.len())?;
    to.copy_from_slice(from);
    Some(())
}

/// What a function makes of a value that may be absent. `None` if there is one, and the function makes nothing of it.
#[inline(always)]
fn map_if_any<T, U>(value: Option<T>, map: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match value {
        Some(value) => Some(Some(map(value)?)),
        None => Some(None),
    }
}

/// Whether a condition holds, for `?`.
#[inline(always)]
fn ensure(holds: bool) -> Option<()> {
    holds.then_some(())
}
