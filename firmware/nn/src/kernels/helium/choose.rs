//! Which loop for which shape and stage.
//!
//! Plain arithmetic, without an instruction of the processor: the tests show on any machine, over all shapes that matter,
//! that a loop gets only what it can do, and that the shapes of real networks get the loop meant for them.

use core::ops::Range;

use super::VECTORS;
use crate::kernels::Rows;
use crate::quant::Stage;

/// How a loop makes elements of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// Multiplies by one multiplier for both signs and adds a byte. The clamp is that of all bytes.
    LinearToWholeBytes,
    /// Shifts, multiplies by one multiplier for both signs, adds a byte, and clamps.
    LinearToBytes,
    /// Multiplies by the multiplier for the sum's sign and adds a byte. The clamp is that of all bytes.
    SignedToWholeBytes,
    /// Makes bytes by whatever stages can do.
    ToBytes,
    /// Makes elements of 16 bits by whatever stages can do.
    ToHalves,
}

impl Epilogue {
    /// The shortest for this stage and elements of `size` bytes.
    pub fn of(stage: &Stage<'_>, size: usize) -> Epilogue {
        let &Stage { positive, negative, shift, zero_point, low, high, .. } = stage;
        let is_byte = (i8::MIN as i32..=i8::MAX as i32).contains(&zero_point);
        let is_linear = core::ptr::eq(positive, negative) || positive == negative;
        let is_whole = shift == 0 && low == i8::MIN as i32 && high == i8::MAX as i32;
        match (size, is_byte, is_linear, is_whole) {
            (1, true, true, true) => Epilogue::LinearToWholeBytes,
            (1, true, true, false) => Epilogue::LinearToBytes,
            (1, true, false, true) => Epilogue::SignedToWholeBytes,
            (1, ..) => Epilogue::ToBytes,
            _ => Epilogue::ToHalves,
        }
    }
}

/// The multipliers of a stage that neither shifts nor clamps to less than all bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multipliers {
    /// One for both signs.
    One,
    /// One a sign.
    Two,
}

/// The loop over tiles of two pixels and four filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Filters of any length at any address, each under a pointer that moves.
    Any(Epilogue),
    /// Filters of 27 taps at any address. One pointer that stays reaches all four.
    Near27(Multipliers),
    /// Filters of 64 taps in whole words. One pointer that stays reaches all four.
    Near64(Multipliers),
    /// Filters of 128 taps in whole words. One pointer that stays reaches all four.
    Near128(Multipliers),
    /// Filters of 256 taps in whole words, with one multiplier for both signs. Two pointers that stay reach two each.
    Near256,
}

impl Product {
    /// The fastest for filters of `taps` taps that start at a word or not, and pixels `stride` elements apart.
    pub fn of(taps: usize, are_words: bool, stride: usize, epilogue: Epilogue) -> Product {
        let multipliers = match epilogue {
            Epilogue::LinearToWholeBytes => Multipliers::One,
            Epilogue::SignedToWholeBytes => Multipliers::Two,
            _ => return Product::Any(epilogue),
        };
        // These loops write a second tile one pixel behind the first.
        let is_near = stride <= FARTHEST;
        match (taps, multipliers) {
            (27, _) if is_near => Product::Near27(multipliers),
            _ if !is_near || !are_words => Product::Any(epilogue),
            (64, _) => Product::Near64(multipliers),
            (128, _) => Product::Near128(multipliers),
            (256, Multipliers::One) => Product::Near256,
            _ => Product::Any(epilogue),
        }
    }
}

/// Elements from a tile's start to the start of four channels that 16 bits still count to their end.
const FARTHEST: usize = u16::MAX as usize - 3;

/// Most pixels, `stride` elements apart, of one call of [`super::ops::multiply`]. A tile takes the first pixel and that half of
/// them further, and the next tile the pixels behind both: 16 bits count how far that is.
pub const fn pixels_in_reach(stride: usize) -> usize {
    match FARTHEST / stride {
        0 => 1,
        pixels => 2 * pixels - 1,
    }
}

/// Vectors of each filter, after the first, that are multiplied without looking whether that was the last.
pub const UNROLLED: usize = 15;
/// Vectors before them after which the loop looks.
pub const AHEAD: usize = 8;

/// How many of a filter's vectors after the first are multiplied by the loop that looks, and how many by the unrolled one.
pub const fn split_steps(steps: usize) -> [usize; 2] {
    let after = steps - 1;
    let ahead = after.saturating_sub(UNROLLED).next_multiple_of(AHEAD);
    [ahead, after - ahead]
}

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conv {
    /// By [`super::ops::multiply`].
    Tiles(Tiles),
    /// By the portable kernel.
    Portable,
}

/// A convolution in tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Vectors of a filter or a patch. The last may be filled in part.
    pub steps: usize,
    /// Filters, in fours, that are read where they lie.
    pub whole: usize,
    /// Vectors of scratch into which the filters behind them are copied, four at a time.
    pub spare_filters: usize,
    /// Most pixels of a block. Each has a patch in scratch, and a vector for the results of spare filters.
    pub pixels: usize,
    /// How pixels come to lie in whole vectors.
    pub windows: Windows,
}

/// How the elements under windows come to lie in whole vectors, one window behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// They do so in the input, except in blocks whose windows are cut off by its edge.
    InPlace,
    /// They are gathered, one run of elements a kernel row.
    Gathered,
}

/// The way for an input of elements of `size` bytes, and `channels` filters.
pub fn conv<T>(input: &Rows<'_, T>, channels: usize) -> Conv {
    let filter_row = input.kernel_width * input.channels;
    let taps = input.rows.len() * filter_row;
    let steps = taps.div_ceil(16);
    // A loop reads whole vectors of its last filter, too: what follows it must be filters.
    let fits = |&filters: &usize| (filters - 1) * taps + 16 * steps <= channels * taps;
    let whole = (4..=channels / 4 * 4).rev().step_by(4).find(fits).unwrap_or(0);
    let spare_filters = if whole < channels { 4 * steps } else { 0 };
    let room = VECTORS.saturating_sub(spare_filters) / (steps + 1);
    if size_of::<T>() != 1 || room < 2 {
        return Conv::Portable;
    }
    let is_in_place =
        input.rows.len() == 1 && filter_row.is_multiple_of(16) && input.stride == input.kernel_width;
    Conv::Tiles(Tiles {
        steps,
        whole,
        spare_filters,
        pixels: room.min(pixels_in_reach(channels)),
        windows: if is_in_place { Windows::InPlace } else { Windows::Gathered },
    })
}

/// Columns that scratch has room for besides filters, in [`super::depthwise()`].
pub const COLUMNS: usize = VECTORS / 4 - 5;

/// Elements from a pixel to the next for which [`super::ops::slide`] reaches three pixels on, and two channels there.
pub const MAX_STRIDE: usize = (u16::MAX as usize - 1) / 3;

/// How a depthwise convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depthwise {
    /// By [`super::ops::slide`].
    Packed {
        /// Most pixels of a block, of which scratch holds the columns.
        block_pixels: usize,
    },
    /// A tap of all channels at a time.
    Taps,
    /// By the portable kernel.
    Portable,
}

/// The way for `pixels` pixels of elements of `sizes` bytes, read and written.
pub fn depthwise<T>(input: &Rows<'_, T>, output_size: usize, pixels: usize) -> Depthwise {
    let &Rows { channels, stride, kernel_width: width, .. } = input;
    let height = input.rows.len();
    let is_small = height <= 4 && matches!((stride, width), (1, ..=3) | (2, ..=4));
    let are_bytes = size_of::<T>() + output_size == 2;
    if are_bytes && is_small && channels.is_multiple_of(16) && channels <= MAX_STRIDE && pixels >= 4 {
        return Depthwise::Packed { block_pixels: (COLUMNS - 4) / stride + 1 };
    }
    // Sums of all channels, and a pixel outside.
    let fits = channels.div_ceil(4) + channels.div_ceil(16) <= VECTORS;
    if size_of::<T>() == 1 && fits { Depthwise::Taps } else { Depthwise::Portable }
}

/// Blocks of at most `block_pixels` of `pixels` pixels, four at least. The last may take pixels of that before it again.
pub fn blocks(pixels: usize, block_pixels: usize) -> impl Iterator<Item = Range<usize>> {
    (0..pixels).step_by(block_pixels).map(move |first| {
        let count = (pixels - first).clamp(4, block_pixels);
        let first = first.min(pixels - count);
        first..first + count
    })
}

/// How many fours `pixels` pixels begin with, and how many pixels of the last of them one more four takes again, if pixels are
/// left.
pub const fn fours(pixels: usize) -> (usize, Option<usize>) {
    match pixels % 4 {
        0 => (pixels / 4, None),
        rest => (pixels / 4, Some(4 - rest)),
    }
}

/// The distance of columns in words, if the upper three of four rows share it and the fourth lies outside, else 0: then
/// columns are loaded without adding to pointers.
pub fn common_stride(strides: [usize; 4], are_words: bool) -> usize {
    let is_common = strides[1] == strides[0] && strides[2] == strides[0] && strides[3] == 0;
    if is_common && are_words { strides[0] } else { 0 }
}

/// How rows are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// A row at once.
    Row,
    /// A pixel at a time.
    Pixels,
}

/// The way for `count` elements of `sizes` bytes, read and written.
pub fn add(sizes: [usize; 2], stage: &Stage<'_>, count: usize) -> Sum {
    let channels = stage.bias.len();
    let is_whole = count > 0 && channels.is_multiple_of(8) && count.is_multiple_of(channels);
    if sizes != [1; 2] || !is_whole || stage.shift != 0 {
        return Sum::Pixels;
    }
    match Epilogue::of(stage, 1) {
        Epilogue::LinearToWholeBytes | Epilogue::LinearToBytes => Sum::Row,
        _ => Sum::Pixels,
    }
}
