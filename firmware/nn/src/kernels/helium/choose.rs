//! Selects the loop for a shape and a stage.
//!
//! Plain arithmetic without processor instructions. The tests show on any machine, over all relevant shapes, that a
//! loop is only selected for shapes it supports, and that the shapes of real networks get the loop meant for them.

use core::ops::Range;

use super::{VECTORS, Vector};
use crate::kernels::Rows;
use crate::quant::Stage;

/// How a loop turns sums into elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// One multiplier for both signs, then a zero point that is a byte. No clamp to less than the range of bytes.
    LinearToWholeBytes,
    /// A shift, one multiplier for both signs, then a zero point that is a byte, then a clamp.
    LinearToBytes,
    /// One multiplier for each sign, then a zero point that is a byte. No clamp to less than the range of bytes.
    SignedToWholeBytes,
    /// Makes bytes with any stage.
    ToBytes,
    /// Makes 16-bit elements with any stage.
    ToHalves,
}

impl Epilogue {
    /// The fastest for this stage and elements of `size` bytes.
    pub fn of(stage: &Stage<'_>, size: usize) -> Epilogue {
        let &Stage { shift, zero_point, low, high, .. } = stage;
        let is_byte = (i8::MIN as i32..=i8::MAX as i32).contains(&zero_point);
        let is_whole = shift == 0 && low == i8::MIN as i32 && high == i8::MAX as i32;
        match (size, is_byte, stage.is_linear(), is_whole) {
            (1, true, true, true) => Epilogue::LinearToWholeBytes,
            (1, true, true, false) => Epilogue::LinearToBytes,
            (1, true, false, true) => Epilogue::SignedToWholeBytes,
            (1, ..) => Epilogue::ToBytes,
            _ => Epilogue::ToHalves,
        }
    }
}

/// The multipliers of a stage that neither shifts nor clamps to less than the range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multipliers {
    /// One for both signs.
    One,
    /// One for each sign.
    Two,
}

/// The loop over tiles of two pixels and four filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Filters of any length at any address. Each filter has a moving pointer.
    Any(Epilogue),
    /// Filters of 27 taps at any address. One fixed pointer reaches all four.
    Near27(Multipliers),
    /// Filters of 64 taps in whole words. One fixed pointer reaches all four.
    Near64(Multipliers),
    /// Filters of 128 taps in whole words. One fixed pointer reaches all four.
    Near128(Multipliers),
    /// Filters of 256 taps in whole words, with one multiplier for both signs. Two fixed pointers reach two filters
    /// each.
    Near256,
}

impl Product {
    /// The fastest for filters of `taps` taps, aligned to words or not, and pixels `stride` elements apart.
    #[inline]
    pub fn of(taps: usize, are_words: bool, stride: usize, epilogue: Epilogue) -> Product {
        let multipliers = match epilogue {
            Epilogue::LinearToWholeBytes => Multipliers::One,
            Epilogue::SignedToWholeBytes => Multipliers::Two,
            _ => return Product::Any(epilogue),
        };
        // These loops write a second tile one pixel after the first.
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

/// Most elements from a tile's start to the start of four channels. 16-bit offsets then reach the end of these
/// channels.
const FARTHEST: usize = u16::MAX as usize - 3;

/// Most pixels, `stride` elements apart, of one call of [`super::ops::multiply`]. A tile takes two pixels that are
/// half of the call's pixels apart. The next tile takes the two pixels after them. 16-bit offsets limit the distance.
pub const fn pixels_in_reach(stride: usize) -> usize {
    match FARTHEST.checked_div(stride) {
        None | Some(0) => 1,
        Some(pixels) => 2 * pixels - 1,
    }
}

/// Vectors of each filter, after the first, that the loop multiplies without checking whether one is the last.
pub const UNROLLED: usize = 15;
/// Number of vectors that the loop for the earlier vectors multiplies between two checks.
pub const AHEAD: usize = 8;

/// Of a filter's vectors after the first: the number that go to the loop that checks, and the number that go to the
/// unrolled loop.
pub const fn split_steps(steps: usize) -> [usize; 2] {
    let after = steps - 1;
    let ahead = after.saturating_sub(UNROLLED).next_multiple_of(AHEAD);
    [ahead, after - ahead]
}

/// Elements of a vector.
pub const fn lanes<T>() -> usize {
    size_of::<Vector>() / size_of::<T>()
}

/// The implementation of a convolution.
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
    /// Vectors of a filter or a patch. The last may be partly filled.
    pub steps: usize,
    /// Groups of four filters that are read in place.
    pub whole: usize,
    /// Vectors of scratch for copies of the remaining filters, four at a time.
    pub spare_filters: usize,
    /// Most pixels of a block. For each, scratch holds a patch and a vector for the results of spare filters.
    pub pixels: usize,
    /// How the pixels are brought into whole vectors.
    pub windows: Windows,
}

/// How the elements under windows are brought into whole vectors, one window after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// The input already holds them in whole vectors, except in blocks whose windows are cut off by its edge.
    InPlace,
    /// They are gathered: from each row this many kernel columns as one run of elements.
    Gathered(usize),
}

/// The implementation for `channels` filters.
#[inline]
pub fn conv<T>(input: &Rows<'_, T>, channels: usize) -> Conv {
    let filter_row = input.kernel_width * input.channels;
    let taps = input.rows.len() * filter_row;
    let lanes = lanes::<T>();
    let steps = taps.div_ceil(lanes);
    // A loop reads its last filter to the end of a whole vector, so the bytes after that filter must be of other
    // filters.
    let fits = |&filters: &usize| (filters - 1) * taps + lanes * steps <= channels * taps;
    let whole = (4..=channels / 4 * 4).rev().step_by(4).find(fits).unwrap_or(0);
    let spare_filters = if whole < channels { (4 * lanes * steps).div_ceil(size_of::<Vector>()) } else { 0 };
    let room = VECTORS.saturating_sub(spare_filters) / (steps + 1);
    if room < 2 {
        return Conv::Portable;
    }
    // Neighbouring taps are neighbouring pixels.
    let is_dense = input.dilation == 1 || input.kernel_width == 1;
    let is_in_place = is_dense
        && input.rows.len() == 1
        && filter_row.is_multiple_of(lanes)
        && input.stride == input.kernel_width;
    Conv::Tiles(Tiles {
        steps,
        whole,
        spare_filters,
        pixels: room.min(pixels_in_reach(channels)),
        windows: match (is_in_place, is_dense) {
            (true, _) => Windows::InPlace,
            (_, true) => Windows::Gathered(input.kernel_width),
            _ => Windows::Gathered(1),
        },
    })
}

/// Columns that scratch has room for besides filters, in [`super::depthwise()`].
pub const COLUMNS: usize = VECTORS / 4 - 5;

/// Most elements from a pixel to the next. [`super::ops::slide`] then reaches two channels of the third pixel ahead.
pub const MAX_STRIDE: usize = (u16::MAX as usize - 1) / 3;

/// The implementation of a depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depthwise {
    /// By [`super::ops::slide`].
    Packed {
        /// Most pixels of a block. Scratch holds their columns.
        block_pixels: usize,
    },
    /// By [`super::ops::taps`], a pixel at a time.
    Taps,
    /// By the portable kernel, for windows and pixels that are too large.
    Portable,
}

/// Most taps of a window in [`super::ops::taps`].
pub const MAX_TAPS: usize = 64;

/// The implementation for `pixels` pixels of elements of `output_size` bytes.
pub fn depthwise<T>(input: &Rows<'_, T>, output_size: usize, pixels: usize) -> Depthwise {
    let &Rows { channels, stride, kernel_width: width, .. } = input;
    let height = input.rows.len();
    let is_small = height <= 4 && matches!((stride, width), (1, ..=3) | (2, ..=4));
    let is_dense = input.dilation == 1 || width == 1;
    let are_bytes = size_of::<T>() + output_size == 2;
    if are_bytes
        && is_small
        && is_dense
        && channels.is_multiple_of(16)
        && channels <= MAX_STRIDE
        && pixels >= 4
    {
        return Depthwise::Packed { block_pixels: (COLUMNS - 4) / stride + 1 };
    }
    // Scratch holds the sums of all channels, and a pixel of values outside the tensor.
    let fits = channels.div_ceil(8) * 2 + channels.div_ceil(lanes::<T>()) <= VECTORS;
    if fits && height * width <= MAX_TAPS { Depthwise::Taps } else { Depthwise::Portable }
}

/// Blocks of `pixels` pixels. A block has four to `block_pixels` pixels. The last one may repeat pixels of the block
/// before.
pub fn blocks(pixels: usize, block_pixels: usize) -> impl Iterator<Item = Range<usize>> {
    (0..pixels).step_by(block_pixels.max(1)).map(move |first| {
        let count = (pixels - first).max(4).min(block_pixels);
        let first = first.min(pixels.saturating_sub(count));
        first..first + count
    })
}

/// The number of whole groups of four in `pixels` pixels. If pixels remain, they form one more group together with
/// pixels of the last whole group; the second value is the number of these repeated pixels.
pub const fn fours(pixels: usize) -> (usize, Option<usize>) {
    match pixels % 4 {
        0 => (pixels / 4, None),
        rest => (pixels / 4, Some(4 - rest)),
    }
}

/// The distance of columns in words, if the upper three of four rows have the same one and the fourth row lies
/// outside; otherwise 0. With such a distance the loads themselves advance the pointers.
pub fn common_stride(strides: [usize; 4], are_words: bool) -> usize {
    let is_common = strides[1] == strides[0] && strides[2] == strides[0] && strides[3] == 0;
    if is_common && are_words { strides[0] } else { 0 }
}

/// The implementation of the addition of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// A whole row at once.
    Row,
    /// A pixel at a time.
    Pixels,
}

/// The implementation for `count` elements of `sizes` bytes, read and written.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// An input without elements, because the choice depends only on its shape.
    fn input<T>(
        [height, kernel_width]: [usize; 2],
        channels: usize,
        stride: usize,
        pad: usize,
    ) -> Rows<'static, T> {
        let rows = const { &[None; 16] };
        Rows {
            rows: &rows[..height],
            width: 112,
            channels,
            zero_point: 0,
            kernel_width,
            stride,
            pad,
            dilation: 1,
        }
    }

    fn stage<'a>(arrays: [&'a [i32]; 2], shift: u32, zero_point: i32, clamp: [i32; 2]) -> Stage<'a> {
        let [positive, negative] = arrays;
        Stage { bias: &[0; 64], positive, negative, shift, zero_point, low: clamp[0], high: clamp[1] }
    }

    const WHOLE: [i32; 2] = [-128, 127];
    const EPILOGUES: [Epilogue; 5] = [
        Epilogue::LinearToWholeBytes,
        Epilogue::LinearToBytes,
        Epilogue::SignedToWholeBytes,
        Epilogue::ToBytes,
        Epilogue::ToHalves,
    ];

    #[test]
    fn epilogues_do_all_that_their_stage_asks_for() {
        let (one, same, other) = ([5; 64], [5; 64], [7; 64]);
        for negative in [&one, &same, &other] {
            for shift in 0..=15 {
                for zero_point in [-32768, -129, -128, -1, 0, 127, 128, 32767] {
                    for clamp in [WHOLE, [-128, 126], [-127, 127], [0, 0]] {
                        let stage = stage([&one, negative], shift, zero_point, clamp);
                        let is_linear = stage.is_linear();
                        assert_eq!(is_linear, core::ptr::eq(negative, &one));
                        let is_byte = (-128..=127).contains(&zero_point);
                        let epilogue = Epilogue::of(&stage, 1);
                        match epilogue {
                            Epilogue::LinearToWholeBytes => {
                                assert!(is_linear && is_byte && shift == 0 && clamp == WHOLE);
                            }
                            Epilogue::LinearToBytes => assert!(is_linear && is_byte),
                            Epilogue::SignedToWholeBytes => {
                                assert!(is_byte && shift == 0 && clamp == WHOLE);
                            }
                            Epilogue::ToBytes => assert!(!is_byte || !is_linear),
                            Epilogue::ToHalves => panic!("bytes were requested"),
                        }
                        assert_eq!(Epilogue::of(&stage, 2), Epilogue::ToHalves);
                    }
                }
            }
        }
        assert_eq!(Epilogue::of(&stage([&one, &one], 0, 3, WHOLE), 1), Epilogue::LinearToWholeBytes);
        assert_eq!(Epilogue::of(&stage([&one, &one], 0, 3, [0, 90]), 1), Epilogue::LinearToBytes);
        assert_eq!(Epilogue::of(&stage([&one, &other], 0, 3, WHOLE), 1), Epilogue::SignedToWholeBytes);
    }

    /// Saturating at 16 bits before the zero point is added does not change any byte.
    #[test]
    fn sixteen_bits_on_the_way_to_bytes_suffice() {
        for zero_point in -128..=127 {
            for product in (-70_000..70_000).chain([i32::MIN / 2, i32::MAX / 2]) {
                let half = product.clamp(-32768, 32767) as i16;
                let result = i32::from(half.saturating_add(zero_point)).clamp(-128, 127);
                assert_eq!(result, (product + i32::from(zero_point)).clamp(-128, 127));
            }
        }
    }

    #[test]
    fn near_products_are_as_long_as_their_name_says_and_in_reach() {
        for taps in 1..=2304 {
            for stride in [1, 4, 64, 512, FARTHEST - 1, FARTHEST, FARTHEST + 1, 1 << 20] {
                for (are_words, epilogue) in
                    EPILOGUES.into_iter().flat_map(|epilogue| [(false, epilogue), (true, epilogue)])
                {
                    let product = Product::of(taps, are_words, stride, epilogue);
                    // Bytes from the pointer to the last vector, and the reach of its load.
                    let (length, last, reach, multipliers) = match product {
                        Product::Any(chosen) => {
                            assert_eq!(chosen, epilogue);
                            continue;
                        }
                        Product::Near27(multipliers) => (27, 3 * 27 + 16, 127, multipliers),
                        Product::Near64(multipliers) => (64, 3 * 64 + 48, 4 * 127, multipliers),
                        Product::Near128(multipliers) => (128, 3 * 128 + 112, 4 * 127, multipliers),
                        Product::Near256 => (256, 256 + 240, 4 * 127, Multipliers::One),
                    };
                    assert!(taps == length && last <= reach);
                    assert!(are_words || taps == 27);
                    // The second tile's places are within reach.
                    let pixels = pixels_in_reach(stride);
                    assert!((pixels / 2 + 1) * stride + 3 <= u16::MAX as usize);
                    let expected = match multipliers {
                        Multipliers::One => Epilogue::LinearToWholeBytes,
                        Multipliers::Two => Epilogue::SignedToWholeBytes,
                    };
                    assert_eq!(epilogue, expected);
                }
            }
        }
    }

    #[test]
    fn products_of_real_networks_have_loops_of_their_own() {
        use Multipliers::{One, Two};
        let linear = |taps, are_words| Product::of(taps, are_words, 64, Epilogue::LinearToWholeBytes);
        let signed = |taps, are_words| Product::of(taps, are_words, 64, Epilogue::SignedToWholeBytes);
        // The first layer of a network for pixels of three colours, and 1 × 1 convolutions.
        assert_eq!([linear(27, false), linear(27, true)], [Product::Near27(One); 2]);
        assert_eq!([signed(27, false), signed(27, true)], [Product::Near27(Two); 2]);
        assert_eq!([linear(64, true), signed(64, true)], [Product::Near64(One), Product::Near64(Two)]);
        assert_eq!([linear(128, true), signed(128, true)], [Product::Near128(One), Product::Near128(Two)]);
        assert_eq!(linear(256, true), Product::Near256);
        assert_eq!(signed(256, true), Product::Any(Epilogue::SignedToWholeBytes));
        assert_eq!(linear(512, true), Product::Any(Epilogue::LinearToWholeBytes));
        assert_eq!(linear(64, false), Product::Any(Epilogue::LinearToWholeBytes));
    }

    #[test]
    fn sixteen_bits_count_to_the_end_of_what_is_in_reach() {
        for stride in (1..=70_000).chain([1 << 20, usize::MAX]) {
            let pixels = pixels_in_reach(stride);
            // The upper half of a word holds the number of pairs minus one.
            assert!(pixels >= 1 && pixels.div_ceil(2) <= 1 << 16);
            assert!(pixels == 1 || pixels / 2 * stride + 3 <= u16::MAX as usize);
        }
    }

    #[test]
    fn vectors_of_a_filter_are_divided_between_both_loops() {
        for steps in 1..=10_000 {
            let [ahead, unrolled] = split_steps(steps);
            assert_eq!(1 + ahead + unrolled, steps);
            assert!(ahead.is_multiple_of(AHEAD) && unrolled <= UNROLLED);
            // Nothing precedes the unrolled loop when it holds the whole filter.
            assert!(ahead == 0 || steps > UNROLLED + 1);
        }
    }

    #[test]
    fn tiles_fit_scratch_and_read_filters_only() {
        check_tiles::<i8>();
        check_tiles::<i16>();
    }

    fn check_tiles<I: 'static>() {
        let lanes = lanes::<I>();
        let taps =
            (1..=420usize).chain([512, 576, 1024, 1152, 2048, 2304, 4608, 6000, 6143, 6144, 6145, 12_288]);
        for taps in taps {
            for channels in (1..=140).chain([192, 256, 320, 500, 512, 1000, 1280, 40_000]) {
                let padded = taps.next_multiple_of(lanes);
                let Conv::Tiles(tiles) = conv(&input::<I>([1, 1], taps, 1, 0), channels) else {
                    let room = |spare_filters| VECTORS.saturating_sub(spare_filters) / (padded / lanes + 1);
                    assert!(room(0) < 2 || room(padded.div_ceil(4)) < 2);
                    continue;
                };
                let Tiles { steps, whole, spare_filters, pixels, .. } = tiles;
                assert_eq!(lanes * steps, padded);
                let fits = |filters: usize| filters == 0 || (filters - 1) * taps + padded <= channels * taps;
                assert!(whole.is_multiple_of(4) && whole <= channels && fits(whole));
                assert!(whole + 4 > channels || !fits(whole + 4));
                // There are four spare filters. The last one is read to the end of its last vector.
                assert!(whole == channels || 3 * taps + padded <= 16 * spare_filters);
                // Scratch holds the patches, and the results of four spare filters, which have at most two bytes each.
                assert!(pixels >= 1 && spare_filters + pixels + pixels * steps <= VECTORS);
                assert!(4 * 2 * pixels <= 16 * pixels);
                assert!(pixels <= pixels_in_reach(channels) && pixels <= pixels_in_reach(4));
            }
        }
    }

    #[test]
    fn windows_are_read_in_place_only_if_they_are_whole_vectors_side_by_side() {
        check_windows::<i8>(16);
        check_windows::<i16>(8);
    }

    fn check_windows<I: 'static>(lanes: usize) {
        for height in 1..=4 {
            for width in 1..=4 {
                for channels in 1..=80 {
                    for (stride, dilation) in (1..=4).flat_map(|stride| (1..=4).map(move |d| (stride, d))) {
                        let shape = Rows { dilation, ..input::<I>([height, width], channels, stride, 0) };
                        let Conv::Tiles(tiles) = conv(&shape, 64) else { panic!("filters are small") };
                        let are_vectors = (width * channels).is_multiple_of(lanes);
                        let are_neighbours = dilation == 1 || width == 1;
                        let expected = match (height == 1 && stride == width && are_vectors, are_neighbours) {
                            (true, true) => Windows::InPlace,
                            (false, true) => Windows::Gathered(width),
                            (_, false) => Windows::Gathered(1),
                        };
                        assert_eq!(tiles.windows, expected);
                    }
                }
            }
        }
    }

    #[test]
    fn convolutions_of_real_networks_are_tiles_of_whole_filters() {
        let shapes = [
            ([3, 3], 3, 2, 64, Windows::Gathered(3)),
            ([3, 3], 1, 2, 16, Windows::Gathered(3)),
            ([1, 1], 64, 1, 128, Windows::InPlace),
            ([1, 1], 128, 1, 256, Windows::InPlace),
            ([1, 1], 256, 1, 128, Windows::InPlace),
            ([1, 1], 512, 1, 512, Windows::InPlace),
            ([3, 3], 64, 2, 64, Windows::Gathered(3)),
            ([3, 3], 256, 1, 256, Windows::Gathered(3)),
        ];
        for (kernel, channels_in, stride, channels, windows) in shapes {
            let shape = input::<i8>(kernel, channels_in, stride, kernel[1] / 2);
            let Conv::Tiles(tiles) = conv(&shape, channels) else { panic!("{kernel:?} × {channels_in}") };
            // All filters are read in place, or all except the last four if a vector would read beyond them.
            let is_exact = (kernel[0] * kernel[1] * channels_in).is_multiple_of(16);
            assert_eq!(tiles.whole, if is_exact { channels } else { channels - 4 });
            assert_eq!(tiles.windows, windows);
        }
        let Conv::Tiles(tiles) = conv(&input::<i16>([1, 1], 64, 1, 0), 64) else { panic!("64 channels") };
        assert_eq!((tiles.steps, tiles.whole, tiles.windows), (8, 64, Windows::InPlace));
    }

    #[test]
    fn packed_windows_are_those_that_slide_takes() {
        for height in 1..=16 {
            for width in 1..=16 {
                for stride in 1..=5 {
                    for channels in
                        (1..=64).chain([512, 1024, 2400, 3056, 9824, 9840, 21_840, 21_856, 70_000])
                    {
                        for pixels in 1..=8 {
                            let shape = input::<i8>([height, width], channels, stride, 0);
                            check_depthwise(depthwise(&shape, 1, pixels), &shape, pixels);
                            assert!(!matches!(depthwise(&shape, 2, pixels), Depthwise::Packed { .. }));
                        }
                    }
                }
            }
        }
        for channels in 1..4000 {
            let shape = input::<i16>([3, 3], channels, 1, 1);
            for size in [1, 2] {
                let chosen = depthwise(&shape, size, 56);
                assert!(!matches!(chosen, Depthwise::Packed { .. }));
                check_depthwise(chosen, &shape, 56);
            }
        }
    }

    fn check_depthwise<I>(chosen: Depthwise, shape: &Rows<'_, I>, pixels: usize) {
        let &Rows { channels, stride, kernel_width: width, .. } = shape;
        match chosen {
            Depthwise::Packed { block_pixels } => {
                assert!(shape.rows.len() <= 4 && width <= 4 && stride <= 2 && width <= 2 + stride);
                assert!(channels.is_multiple_of(16) && pixels >= 4 && block_pixels >= 4);
                // Scratch holds the columns under a block and one filter.
                assert!((block_pixels - 1) * stride + 4 <= COLUMNS && 4 * (COLUMNS + 5) <= VECTORS);
                // A 16-bit offset reaches the second channel of the last pixel of a group of four.
                assert!(3 * channels < u16::MAX as usize);
            }
            Depthwise::Taps => {
                // Whole groups of eight sums, and a pixel.
                let sums = channels.next_multiple_of(8) / 4;
                assert!(sums <= VECTORS && channels <= lanes::<I>() * (VECTORS - sums));
                assert!(shape.rows.len() * width <= MAX_TAPS);
            }
            Depthwise::Portable => assert!(channels > 2_000 || shape.rows.len() * width > MAX_TAPS),
        }
    }

    #[test]
    fn depthwise_convolutions_of_real_networks_are_packed() {
        for channels in [16, 32, 64, 128, 256, 512] {
            for (stride, pixels) in [(1, 112), (1, 56), (2, 56), (1, 28), (2, 28), (1, 14), (2, 14), (1, 7)] {
                let chosen = depthwise(&input::<i8>([3, 3], channels, stride, 1), 1, pixels);
                assert!(matches!(chosen, Depthwise::Packed { .. }), "{channels} channels, {pixels} pixels");
            }
        }
        // Dilated taps.
        let apart = Rows { dilation: 2, ..input::<i8>([3, 3], 64, 1, 2) };
        assert_eq!(depthwise(&apart, 1, 56), Depthwise::Taps);
        // The last window of an embedder has the size of its input.
        assert_eq!(depthwise(&input::<i8>([7, 7], 512, 1, 0), 1, 1), Depthwise::Taps);
    }

    #[test]
    fn blocks_of_four_pixels_or_more_cover_all() {
        for block_pixels in 4..=200 {
            for pixels in 4..=450 {
                let mut end = 0;
                for block in blocks(pixels, block_pixels) {
                    assert!(block.start <= end && block.end > end);
                    assert!((4..=block_pixels).contains(&block.len()));
                    end = block.end;
                }
                assert_eq!(end, pixels);
            }
        }
    }

    #[test]
    fn fours_cover_all_pixels() {
        for pixels in 4..=1000 {
            let (whole, rest) = fours(pixels);
            let last = rest.map_or(4 * whole, |overlap| 4 * whole - overlap + 4);
            assert_eq!(last, pixels);
            assert!(rest.is_none_or(|overlap| (1..=3).contains(&overlap)));
        }
    }

    #[test]
    fn columns_have_a_common_stride_if_three_rows_do() {
        for are_words in [false, true] {
            for code in 0..81 {
                let strides = [1, 3, 9, 27].map(|power| [0, 64, 128][code / power % 3]);
                let stride = common_stride(strides, are_words);
                if stride != 0 {
                    assert!(are_words && strides[..3] == [stride; 3] && strides[3] == 0);
                }
            }
        }
        assert_eq!(common_stride([64, 64, 64, 0], true), 64);
        assert_eq!(common_stride([64, 64, 0, 0], true), 0);
    }

    #[test]
    fn rows_are_added_at_once_if_eight_channels_and_their_stage_allow() {
        let (one, same, other) = ([5; 64], [5; 64], [7; 64]);
        for channels in 1..=64 {
            for shift in [0, 1] {
                for (negative, zero_point) in [(&one, 0), (&same, 0), (&other, 0), (&one, 200)] {
                    for pixels in 0..3 {
                        let stage = Stage {
                            bias: &one[..channels],
                            ..stage([&one, negative], shift, zero_point, [-5, 90])
                        };
                        let is_simple = core::ptr::eq(negative, &one) && shift == 0 && zero_point == 0;
                        let expected = is_simple && channels % 8 == 0 && pixels > 0;
                        assert_eq!(add([1; 2], &stage, pixels * channels) == Sum::Row, expected);
                        assert_eq!(
                            add([1; 2], &stage, pixels * channels + 1) == Sum::Row,
                            expected && channels == 1
                        );
                        for sizes in [[1, 2], [2, 1], [2, 2]] {
                            assert_eq!(add(sizes, &stage, pixels * channels), Sum::Pixels);
                        }
                    }
                }
            }
        }
    }
}
