//! Which loop for which shape and stage.
//!
//! Plain arithmetic, without an instruction of the processor: the tests show on any machine, over all shapes that matter,
//! that scratch holds what a loop works on, and that the shapes of real networks get the loop meant for them.

use format::layer::MAX_KERNEL;

use super::lanes::Input;
use super::{QUADS, SUMS};
use crate::quant::Stage;

/// What becomes of a group's four sums. Loops find the code of each by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Finish {
    /// They are stored.
    Sums = 0,
    /// They are requantised to bytes, multipliers the same for both signs.
    LinearBytes = 1,
    /// They are requantised to bytes.
    SignedBytes = 2,
}

impl Finish {
    /// For multipliers of both signs that differ by this, and a stage of which [`makes_bytes`].
    pub fn of(difference: &[i32; 4]) -> Finish {
        let is_linear = difference.iter().fold(0, |any, difference| any | difference) == 0;
        if is_linear { Finish::LinearBytes } else { Finish::SignedBytes }
    }
}

/// Whether loops make the stage's elements, if they are bytes: they neither shift nor clamp to less than all bytes.
pub fn makes_bytes(stage: &Stage<'_>) -> bool {
    stage.shift == 0 && stage.low == i8::MIN as i32 && stage.high == i8::MAX as i32
}

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conv {
    /// As products of expanded patches and filters.
    Tiles(Tiles),
    /// An output at a time, every weight expanded when it is used.
    OneByOne,
}

/// A convolution in tiles of two pixels and two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Quads of two filters or of two patches, expanded.
    pub quads: usize,
    /// Bytes of a patch as it is gathered.
    pub patch_bytes: usize,
    /// Quads of scratch for it.
    pub patch_quads: usize,
    /// Most pixels of a block, of which scratch holds the expanded patches.
    pub pixels: usize,
}

/// The way for `pixels` pixels.
pub fn conv(input: &Input<'_>, pixels: usize) -> Conv {
    let taps = input.taps();
    // Four taps of two filters, or of two pixels, are a quad.
    let quads = taps.div_ceil(4);
    let patch_bytes = taps * input.size;
    let patch_quads = patch_bytes.div_ceil(16);
    let tiles = (QUADS.saturating_sub(quads + 2 * patch_quads) / quads).min(SUMS);
    if tiles == 0 || pixels < 2 {
        return Conv::OneByOne;
    }
    Conv::Tiles(Tiles { quads, patch_bytes, patch_quads, pixels: 2 * tiles })
}

/// A depthwise convolution, in packed columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// Quads from one window to the next.
    pub step: usize,
    /// Quads of a window.
    pub window: usize,
    /// Most pixels of a block, of which scratch holds the columns.
    pub block_pixels: usize,
}

/// The way for any number of pixels.
pub fn depthwise(input: &Input<'_>) -> Depthwise {
    // Room for the largest window twice: as weights, and as columns of one pixel at least.
    const { assert!(QUADS >= 2 * MAX_KERNEL * MAX_KERNEL.div_ceil(2)) };
    // A column's rows come in twos.
    let pairs = input.rows.rows.len().div_ceil(2);
    let step = input.rows.stride * pairs;
    let window = input.rows.kernel_width * pairs;
    Depthwise { step, window, block_pixels: ((QUADS - 2 * window) / step + 1).min(SUMS) }
}

/// How a pixel's elements of up to four channels become a quad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Four bytes at once.
    Fours,
    /// One by one.
    Few,
}

impl Packing {
    /// For `count` channels of elements of `size` bytes.
    #[inline(always)]
    pub fn of(size: usize, count: usize) -> Packing {
        if size == 1 && count == 4 { Packing::Fours } else { Packing::Few }
    }
}

/// Whether [`super::ops::add_bytes`] makes the stage's elements of bytes, if they are bytes.
pub fn adds_bytes(stage: &Stage<'_>) -> bool {
    makes_bytes(stage) && stage.positive == stage.negative
}
