//! Selects the loop for a shape and a stage.
//!
//! Plain arithmetic without processor instructions. The tests show on any machine, over all relevant shapes, that
//! scratch is large enough for a loop's data, and that the shapes of real networks get the loop meant for them.

use format::layer::MAX_KERNEL;

use super::lanes::Input;
use super::{QUADS, SUMS};
use crate::kernels::Rows;
use crate::quant::Stage;

/// The last step for a group's four sums. A loop finds the step's code by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Finish {
    /// Sums are stored.
    Sums = 0,
    /// Sums are requantised to bytes, with the same multipliers for both signs.
    LinearBytes = 1,
    /// Sums are requantised to bytes.
    SignedBytes = 2,
}

impl Finish {
    /// For multipliers that differ between signs by `difference`, and a stage for which [`makes_bytes`] holds.
    pub fn of(difference: &[i32; 4]) -> Finish {
        let is_linear = difference.iter().fold(0, |any, difference| any | difference) == 0;
        if is_linear { Finish::LinearBytes } else { Finish::SignedBytes }
    }
}

/// Whether loops can compute the stage's elements, if they are bytes. The stage must not shift, and must clamp to the
/// full range of bytes.
pub fn makes_bytes(stage: &Stage<'_>) -> bool {
    stage.shift == 0 && stage.low == i8::MIN as i32 && stage.high == i8::MAX as i32
}

/// The implementation of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conv {
    /// As products of expanded patches and filters.
    Tiles(Tiles),
    /// One output at a time; every weight is expanded when it is used.
    OneByOne,
}

/// A convolution in tiles of two pixels and two channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    /// Quads of two filters or of two patches, expanded.
    pub quads: usize,
    /// Bytes of a patch while it is gathered.
    pub patch_bytes: usize,
    /// Quads of scratch for a patch while it is gathered.
    pub patch_quads: usize,
    /// Most pixels of a block. Scratch holds their expanded patches.
    pub pixels: usize,
}

/// The implementation for `pixels` pixels.
pub fn conv(input: &Input<'_>, pixels: usize) -> Conv {
    let taps = input.taps();
    // A quad holds four taps of two filters, or of two pixels.
    let quads = taps.div_ceil(4);
    let patch_bytes = taps * input.size;
    let patch_quads = patch_bytes.div_ceil(16);
    // No taps have no tiles.
    let tiles = QUADS.saturating_sub(quads + 2 * patch_quads).checked_div(quads).unwrap_or(0).min(SUMS);
    if tiles == 0 || pixels < 2 {
        return Conv::OneByOne;
    }
    Conv::Tiles(Tiles { quads, patch_bytes, patch_quads, pixels: 2 * tiles })
}

/// A depthwise convolution in packed columns. It runs in passes. The pixels of a pass share columns, and a window
/// reads neighbouring columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// Number of passes: one if taps are neighbours. A pass takes every `passes`-th pixel.
    pub passes: usize,
    /// Columns of the input from one packed column to the next.
    pub distance: usize,
    /// Quads from one window to the next.
    pub step: usize,
    /// Quads of a window.
    pub window: usize,
    /// Most pixels of a block. Scratch holds their columns.
    pub block_pixels: usize,
}

/// The implementation for any number of pixels. `None` for a window without rows, columns, step or dilation, or one higher or
/// wider than [`MAX_KERNEL`].
pub fn depthwise(input: &Input<'_>) -> Option<Depthwise> {
    // Room for the largest window twice: as weights, and as columns of at least one pixel.
    const { assert!(QUADS >= 2 * MAX_KERNEL * MAX_KERNEL.div_ceil(2)) };
    let Rows { stride, dilation, kernel_width, .. } = input.rows;
    // Windows whose distance is a multiple of the dilation share columns.
    let is_common = |&divisor: &usize| stride.is_multiple_of(divisor) && dilation.is_multiple_of(divisor);
    let common = (1..=dilation).rev().find(is_common)?;
    // A column's rows are packed in twos.
    let pairs = input.rows.rows.len().div_ceil(2);
    let step = stride.checked_div(common)? * pairs;
    let window = kernel_width * pairs;
    Some(Depthwise {
        passes: dilation.checked_div(common)?,
        distance: dilation,
        step,
        window,
        block_pixels: (QUADS.checked_sub(2 * window)?.checked_div(step)? + 1).min(SUMS),
    })
}

/// How the elements of up to four channels of a pixel become a quad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Four bytes at once.
    Fours,
    /// One by one.
    Few,
}

impl Packing {
    /// The way for `count` channels of elements of `size` bytes.
    #[inline(always)]
    pub fn of(size: usize, count: usize) -> Packing {
        if size == 1 && count == 4 { Packing::Fours } else { Packing::Few }
    }
}

/// Whether [`super::ops::add_bytes`] can compute the stage's elements from bytes, if they are bytes.
pub fn adds_bytes(stage: &Stage<'_>) -> bool {
    makes_bytes(stage) && stage.is_linear()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input without elements, because the choice depends only on its shape.
    fn input(
        [height, kernel_width]: [usize; 2],
        channels: usize,
        size: usize,
        stride: usize,
    ) -> Input<'static> {
        let rows = const { &[None; MAX_KERNEL] };
        let (rows, width) = (&rows[..height], 112);
        let rows = Rows {
            rows,
            width,
            channels: channels * size,
            zero_point: 0,
            kernel_width,
            stride,
            pad: 0,
            dilation: 1,
        };
        Input { rows, channels, size }
    }

    fn stage<'a>(arrays: [&'a [i32]; 2], shift: u32, [low, high]: [i32; 2]) -> Stage<'a> {
        let [positive, negative] = arrays;
        Stage { bias: positive, positive, negative, shift, zero_point: 3, low, high }
    }

    #[test]
    fn loops_make_bytes_of_stages_that_neither_shift_nor_clamp() {
        let (one, same, other) = ([5; 4], [5; 4], [7; 4]);
        for shift in 0..=15 {
            for clamp in [[-128, 127], [-127, 127], [-128, 126], [0, 0], [-32768, 32767]] {
                for negative in [&one, &same, &other] {
                    let stage = stage([&one, negative], shift, clamp);
                    let is_simple = shift == 0 && clamp == [-128, 127];
                    assert_eq!(makes_bytes(&stage), is_simple);
                    assert_eq!(adds_bytes(&stage), is_simple && core::ptr::eq(negative, &one));
                }
            }
        }
    }

    #[test]
    fn differences_of_no_lane_are_left_out() {
        assert_eq!(Finish::of(&[0; 4]), Finish::LinearBytes);
        for lane in 0..4 {
            for difference in [1, -1, i32::MIN, i32::MAX] {
                let mut differences = [0; 4];
                differences[lane] = difference;
                assert_eq!(Finish::of(&differences), Finish::SignedBytes);
            }
        }
        // Their bits cancel, but in different lanes.
        assert_eq!(Finish::of(&[1, -1, 1, -1]), Finish::SignedBytes);
    }

    #[test]
    fn tiles_fit_scratch() {
        for taps in (1..=4 * QUADS + 8).chain([4608, 6144, 25_088, 100_000]) {
            for size in [1, 2] {
                let shape = input([1, 1], taps, size, 1);
                assert_eq!(conv(&shape, 1), Conv::OneByOne);
                for pixels in [2, 3, 112] {
                    let Conv::Tiles(tiles) = conv(&shape, pixels) else {
                        // Filters, gathered patches and one tile do not fit in scratch.
                        assert!(2 * taps.div_ceil(4) + 2 * (taps * size).div_ceil(16) > QUADS);
                        continue;
                    };
                    let Tiles { quads, patch_bytes, patch_quads, pixels } = tiles;
                    assert!((4 * (quads - 1) + 1..=4 * quads).contains(&taps));
                    assert!(patch_bytes == taps * size && patch_bytes <= 16 * patch_quads);
                    assert!(pixels >= 2 && pixels.is_multiple_of(2) && pixels / 2 <= SUMS);
                    assert!(quads + 2 * patch_quads + pixels / 2 * quads <= QUADS);
                    // Scratch has no room for one more tile, or there are no more sums for it.
                    assert!(quads + 2 * patch_quads + (pixels / 2 + 1) * quads > QUADS || pixels / 2 == SUMS);
                }
            }
        }
    }

    #[test]
    fn convolutions_of_real_networks_are_tiles() {
        // Kernel, channels, and the least number of pixels that share an expanded filter.
        let shapes = [
            ([3, 3], 3, 112),
            ([3, 3], 1, 112),
            ([1, 1], 16, 112),
            ([1, 1], 64, 56),
            ([1, 1], 128, 28),
            ([1, 1], 256, 14),
            ([1, 1], 512, 6),
            ([3, 3], 64, 6),
            ([3, 3], 128, 2),
        ];
        for (kernel, channels, least) in shapes {
            let Conv::Tiles(tiles) = conv(&input(kernel, channels, 1, 1), 112) else {
                panic!("{kernel:?} × {channels}")
            };
            assert!(tiles.pixels >= least, "{kernel:?} × {channels}: {}", tiles.pixels);
        }
        // Scratch has no room for such filters and the patches of one tile.
        assert_eq!(conv(&input([3, 3], 256, 1, 1), 7), Conv::OneByOne);
    }

    #[test]
    fn columns_of_a_block_and_weights_fit_scratch() {
        for height in 1..=MAX_KERNEL {
            for width in 1..=MAX_KERNEL {
                for stride in 1..=70 {
                    for dilation in 1..=9 {
                        let mut shape = input([height, width], 8, 1, stride);
                        shape.rows.dilation = dilation;
                        let Depthwise { step, window, block_pixels, .. } = depthwise(&shape).unwrap();
                        assert!(2 * window >= height * width && step > 0);
                        assert!((1..=SUMS).contains(&block_pixels));
                        assert!(2 * window + (block_pixels - 1) * step <= QUADS);
                    }
                }
            }
        }
    }

    #[test]
    fn pixels_of_a_pass_stand_whole_columns_apart_and_no_pass_is_needless() {
        for stride in 1..=40 {
            for dilation in 1..=40 {
                let mut shape = input([3, 3], 8, 1, stride);
                shape.rows.dilation = dilation;
                let Depthwise { passes, distance, step, .. } = depthwise(&shape).unwrap();
                assert_eq!(distance, dilation);
                // Two quads for a column of three rows.
                assert_eq!(passes * stride, step / 2 * distance);
                assert!((1..passes).all(|fewer| !(fewer * stride).is_multiple_of(distance)));
            }
        }
        assert_eq!(depthwise(&input([3, 3], 8, 1, 2)).unwrap().passes, 1);
    }

    #[test]
    fn rows_of_real_networks_are_one_block_or_two() {
        for (stride, pixels) in [(1, 56), (2, 56), (1, 28), (2, 28), (2, 14), (1, 14), (1, 7)] {
            assert!(depthwise(&input([3, 3], 64, 1, stride)).unwrap().block_pixels >= pixels);
        }
        assert!(depthwise(&input([3, 3], 64, 1, 1)).unwrap().block_pixels >= 112 / 2);
        assert!(depthwise(&input([7, 7], 512, 1, 1)).unwrap().block_pixels >= 7);
    }

    #[test]
    fn only_four_bytes_are_packed_at_once() {
        for size in [1, 2] {
            for count in 1..=4 {
                let is_word = size * count == 4 && size == 1;
                assert_eq!(Packing::of(size, count) == Packing::Fours, is_word);
            }
        }
    }
}
