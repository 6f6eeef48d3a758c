//! Cuts a crop from a frame under a similarity, bilinear.

use core::convert::Infallible;
use core::ops::Range;

use format::preprocess::Colour;
use nn::RowSource;

use crate::frame::Frame;
use crate::pixels::{Fetch, Pair, arrange, channels, fetch, twice};
use crate::similarity::Similarity;

/// A crop of a frame under a similarity.
///
/// A crop pixel is interpolated bilinearly between the four nearest frame pixels' centres, at a place rounded to 1/256
/// pixel, with weights in 1/256, and rounded half up. Within half a pixel of the border the border's pixels count;
/// farther outside is black. If the similarity's scale is above two frame pixels for a crop pixel, a crop pixel is the mean
/// of k × k such samples spread evenly over it, k = ⌈scale⌉. Samples are then at most a pixel apart, so that every pixel of
/// the frame counts, and about equally.
#[derive(Clone, Copy, Debug)]
pub struct Warp<'a> {
    frame: Frame<'a>,
    similarity: Similarity,
    size: [u16; 2],
    colour: Colour,
    is_mirrored: bool,
    grid: Grid,
}

impl<'a> Warp<'a> {
    /// Rows of a crop of `[width, height]`; of its mirror image, left and right exchanged, if `is_mirrored`.
    pub fn new(
        frame: Frame<'a>,
        similarity: &Similarity,
        size: [u16; 2],
        colour: Colour,
        is_mirrored: bool,
    ) -> Self {
        let grid = Grid::new(similarity);
        Warp { frame, similarity: *similarity, size, colour, is_mirrored, grid }
    }

    /// Width and height of the crop.
    pub const fn size(&self) -> [u16; 2] {
        self.size
    }
}

impl RowSource for Warp<'_> {
    type Error = Infallible;

    /// The crop has a row `y`, and `pixels` the length of one row; otherwise `pixels` is left as it is.
    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Infallible> {
        let Warp { frame, similarity, size, colour, is_mirrored, grid } = self;
        let is_row = y < size[1] && pixels.len() == usize::from(size[0]) * colour.channels();
        debug_assert!(is_row, "a row of the crop");
        if !is_row {
            return Ok(());
        }
        let [a, b, y] = [similarity.a().into(), similarity.b().into(), i64::from(y)];
        let [tx, ty] = similarity.translation().map(i64::from);
        let mut start = [tx - b * y, ty + a * y];
        let mut step = [similarity.a(), similarity.b()];
        if *is_mirrored {
            let last = i64::from(size[0]) - 1;
            start = [start[0] + a * last, start[1] + b * last];
            step = step.map(|step| -step);
        }
        // All pixels that have a sample in the frame, and a few more. Their places fit in 32 bits.
        let border = (2 << 16) + a.abs() + b.abs();
        let inside = |axis: usize, side: u16| {
            let limits = [-border, (i64::from(side) << 16) + border];
            within(start[axis], step[axis], limits, size[0])
        };
        let (across, down) = (inside(0, frame.width()), inside(1, frame.height()));
        let first = across.start.max(down.start);
        let count = usize::from(across.end.min(down.end).saturating_sub(first));
        // With half of 1/256 pixel, so that rounding down rounds to nearest.
        let place = |axis: usize| {
            ((start[axis] + i64::from(step[axis]) * i64::from(first)) as i32).wrapping_add(1 << 7)
        };
        let line = Line { grid, start: [place(0), place(1)], step, first: first.into(), count };
        match channels(frame.format(), *colour) {
            1 => line.make::<1>(frame, pixels, size[0].into(), *colour),
            _ => line.make::<3>(frame, pixels, size[0].into(), *colour),
        }
        Ok(())
    }
}

/// The samples of a crop pixel, relative to its centre. Q16.
#[derive(Clone, Copy, Debug)]
struct Grid {
    /// Samples on each side, at most 64.
    count: i32,
    /// From a sample to the one on its right.
    step: [i32; 2],
    /// The sample at the top left.
    first: [i32; 2],
}

impl Grid {
    fn new(similarity: &Similarity) -> Self {
        let count = match similarity.scale_q16() {
            scale if scale > 2 << 16 => scale.div_ceil(1 << 16) as i32,
            _ => 1,
        };
        let [a, b] = [similarity.a(), similarity.b()].map(|x| (2 * x + count).div_euclid(2 * count));
        let before = count - 1;
        let [x, y] = [a - b, a + b].map(|x| -((x * before) >> 1));
        Grid { count, step: [a, b], first: [x, y] }
    }
}

/// The crop pixels of a row that have a sample in the frame.
struct Line<'a> {
    grid: &'a Grid,
    /// Place of the first of them, Q16.
    start: [i32; 2],
    /// From a pixel to the next one.
    step: [i32; 2],
    /// Pixels before them.
    first: usize,
    count: usize,
}

impl Line<'_> {
    /// Makes a row of `width` pixels with `C` channels.
    fn make<const C: usize>(&self, frame: &Frame, row: &mut [u8], width: usize, colour: Colour) {
        let Line { grid, start: [mut x, mut y], step: [right, down], first, count } = *self;
        let source = Source { frame, fetch: fetch(frame.format(), C) };
        let (pixels, _) = row.get_mut(..C * width).unwrap_or_default().as_chunks_mut::<C>();
        let (before, pixels) = pixels.split_at_mut_checked(first).unwrap_or_default();
        let (pixels, after) = pixels.split_at_mut_checked(count).unwrap_or_default();
        before.as_flattened_mut().fill(0);
        after.as_flattened_mut().fill(0);
        for pixel in pixels {
            *pixel = if grid.count == 1 {
                source.sample::<C>(x, y).map(|value| (value.wrapping_add(1 << 23) >> 24) as u8)
            } else {
                grid.mean(&source, x, y)
            };
            (x, y) = (x + right, y + down);
        }
        arrange::<C>(row, colour);
    }
}

impl Grid {
    /// The mean of the samples of a crop pixel with this centre.
    #[inline(never)]
    fn mean<const C: usize>(&self, source: &Source<'_>, x: i32, y: i32) -> [u8; C] {
        let [a, b] = self.step;
        let [mut left, mut top] = [x + self.first[0], y + self.first[1]];
        let mut sums = [0; C];
        for _ in 0..self.count {
            let [mut x, mut y] = [left, top];
            for _ in 0..self.count {
                let sample = source.sample::<C>(x, y);
                for channel in 0..C {
                    sums[channel] += sample[channel] >> 16;
                }
                [x, y] = [x + a, y + b];
            }
            [left, top] = [left - b, top + a];
        }
        let samples = u32::from((self.count * self.count) as u16).max(1);
        sums.map(|sum| ((sum + 128 * samples) / (256 * samples)) as u8)
    }
}

/// A frame, and how its pixels are read.
struct Source<'a> {
    frame: &'a Frame<'a>,
    fetch: Fetch,
}

impl Source<'_> {
    /// The channels at a place, Q16, of which the last eight bits are ignored: times 2²⁴, plus less than 2¹⁶.
    #[inline(always)]
    fn sample<const C: usize>(&self, x: i32, y: i32) -> [u32; C] {
        let Source { frame, fetch } = *self;
        let (column, row) = ((x >> 16) as usize, (y >> 16) as usize);
        let (right, down) = (x as u32 >> 8 & 0xff, y as u32 >> 8 & 0xff);
        // Places left of or above the frame are very large numbers here.
        let is_inner = column < usize::from(frame.width()) - 1 && row < usize::from(frame.height()) - 1;
        let [above, below] =
            if is_inner { frame.two_rows(row).map(|row| fetch(row, column)) } else { self.at_border(x, y) };
        let [above, below] = [above.channels::<C>(), below.channels::<C>()];
        // The four weights' sum is 256. A product of (left, right) with (right weight, left weight), lower half first, has
        // the sum of two weighted pixels in its upper half: the part below it is less than 2¹⁶, the part above it is cut off.
        let both = (right * down + 128) >> 8;
        let weights_above = (256 + both - right - down) << 16 | (right - both);
        let weights_below = (down - both) << 16 | both;
        let mut sums = [0; C];
        for channel in 0..C {
            let sum = above[channel].wrapping_mul(weights_above);
            sums[channel] = sum.wrapping_add(below[channel].wrapping_mul(weights_below));
        }
        sums
    }

    /// The pixels above and below a place that does not lie between four pixels, in pairs.
    #[cold]
    #[inline(never)]
    fn at_border(&self, x: i32, y: i32) -> [Pair; 2] {
        let Source { frame, fetch } = *self;
        let [width, height] = [frame.width(), frame.height()].map(i32::from);
        let is_inside = |place: i32, side: i32| ((place >> 8) + 128) as u32 <= 256 * side as u32;
        if !is_inside(x, width) || !is_inside(y, height) {
            return [Pair::BLACK; 2];
        }
        let near = |place: i32, side: i32| place.min(side - 1).max(0) as usize;
        let columns = [near(x >> 16, width), near((x >> 16) + 1, width)];
        [y >> 16, (y >> 16) + 1].map(|y| {
            let row = frame.bytes(near(y, height));
            let [left, right] = columns.map(|column| twice(frame.format(), fetch, row, column));
            Pair::join(left, right)
        })
    }
}

/// The numbers n in `0..count` with `start + n · step` in `low..=high`.
fn within(start: i64, step: i32, [low, high]: [i64; 2], count: u16) -> Range<u16> {
    let step = i64::from(step);
    if step == 0 {
        return if (low..=high).contains(&start) { 0..count } else { 0..0 };
    }
    let [first, last] = if step > 0 { [low - start, high - start] } else { [start - high, start - low] };
    let step = step.abs();
    let limit = |n: i64| n.clamp(0, count.into()) as u16;
    limit(-(-first).div_euclid(step))..limit(last.div_euclid(step) + 1)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::noise;
    use format::PixelFormat;

    const ONE: i32 = 1 << 16;

    /// The whole crop, from rows prefilled with `0xa5`.
    fn crop(mut warp: Warp) -> Vec<u8> {
        let [width, height] = warp.size().map(usize::from);
        let row_bytes = width * warp.colour.channels();
        let mut crop = vec![0xa5; row_bytes * height];
        for (y, row) in crop.chunks_exact_mut(row_bytes).enumerate() {
            warp.row(y as u16, row).unwrap();
        }
        crop
    }

    /// A frame's channels after conversion.
    struct Picture {
        sides: [i64; 2],
        channels: usize,
        values: Vec<u8>,
    }

    impl Picture {
        fn of(frame: &Frame, colour: Colour) -> Self {
            let channels = colour.channels();
            let row_bytes = usize::from(frame.width()) * channels;
            let mut values = vec![0xa5; row_bytes * usize::from(frame.height())];
            for (y, row) in values.chunks_exact_mut(row_bytes).enumerate() {
                frame.row(y as u16, colour, row);
            }
            Picture { sides: [frame.width(), frame.height()].map(i64::from), channels, values }
        }

        fn value(&self, x: i64, y: i64, channel: usize) -> u8 {
            let [x, y] = [x.clamp(0, self.sides[0] - 1), y.clamp(0, self.sides[1] - 1)];
            self.values[(y * self.sides[0] + x) as usize * self.channels + channel]
        }

        /// 256 times the sample at a place, Q16, by definition.
        fn sample(&self, x: i64, y: i64, channel: usize) -> i64 {
            let [x, y] = [x, y].map(|place| (place + 128) >> 8);
            if (0..2).any(|axis| !(-128..=256 * self.sides[axis] - 128).contains(&[x, y][axis])) {
                return 0;
            }
            let [column, row, right, below] = [x >> 8, y >> 8, x & 255, y & 255];
            let both = (right * below + 128) >> 8;
            let weights = [
                (0, 0, 256 - right - below + both),
                (1, 0, right - both),
                (0, 1, below - both),
                (1, 1, both),
            ];
            weights
                .iter()
                .map(|&(dx, dy, weight)| weight * i64::from(self.value(column + dx, row + dy, channel)))
                .sum()
        }

        /// The sample at a place in pixels, in f64. `None` if it depends on the place's rounding whether it is black.
        fn real_sample(&self, at: [f64; 2], channel: usize) -> Option<f64> {
            let mut is_black = false;
            for (at, side) in at.iter().zip(self.sides) {
                let outside = (-0.5 - at).max(at - (side as f64 - 0.5));
                if outside.abs() < 0.01 {
                    return None;
                }
                is_black |= outside > 0.0;
            }
            if is_black {
                return Some(0.0);
            }
            let [x, y] = at.map(f64::floor);
            let [right, below] = [at[0] - x, at[1] - y];
            let value = |dx, dy| f64::from(self.value(x as i64 + dx, y as i64 + dy, channel));
            let above = value(0, 0) * (1.0 - right) + value(1, 0) * right;
            Some(above * (1.0 - below) + (value(0, 1) * (1.0 - right) + value(1, 1) * right) * below)
        }
    }

    /// The crop by definition, with places in 64 bits.
    fn expected(frame: &Frame, similarity: &Similarity, size: [u16; 2], colour: Colour) -> Vec<u8> {
        let picture = Picture::of(frame, colour);
        let [a, b] = [similarity.a(), similarity.b()].map(i64::from);
        let [tx, ty] = similarity.translation().map(i64::from);
        let grid = Grid::new(similarity);
        let count = i64::from(grid.count);
        let mut crop = Vec::new();
        for (y, x) in (0..i64::from(size[1])).flat_map(|y| (0..i64::from(size[0])).map(move |x| (y, x))) {
            for channel in 0..picture.channels {
                let mut sum = 0;
                for (v, u) in (0..count).flat_map(|v| (0..count).map(move |u| (v, u))) {
                    let [sx, sy] = grid.step.map(i64::from);
                    let [fx, fy] = grid.first.map(i64::from);
                    let at = [
                        a * x - b * y + tx + fx + sx * u - sy * v,
                        b * x + a * y + ty + fy + sy * u + sx * v,
                    ];
                    sum += picture.sample(at[0], at[1], channel);
                }
                let samples = count * count;
                crop.push(((sum + 128 * samples) / (256 * samples)) as u8);
            }
        }
        crop
    }

    /// The crop in f64; `None` for pixels of which a sample lies where its rounding decides whether it is black.
    fn real(frame: &Frame, similarity: &Similarity, size: [u16; 2], colour: Colour) -> Vec<Option<f64>> {
        let picture = Picture::of(frame, colour);
        let [a, b] = [similarity.a(), similarity.b()].map(|x| f64::from(x) / 65536.0);
        let [tx, ty] = similarity.translation().map(|x| f64::from(x) / 65536.0);
        let count = Grid::new(similarity).count as usize;
        let mut crop = Vec::new();
        for (y, x) in (0..size[1]).flat_map(|y| (0..size[0]).map(move |x| (f64::from(y), f64::from(x)))) {
            for channel in 0..picture.channels {
                let mean = (0..count * count).map(|sample| {
                    let offset = |n: usize| (n as f64 + 0.5) / count as f64 - 0.5;
                    let [x, y] = [x + offset(sample % count), y + offset(sample / count)];
                    picture.real_sample([a * x - b * y + tx, b * x + a * y + ty], channel)
                });
                crop.push(mean.sum::<Option<f64>>().map(|sum| sum / (count * count) as f64));
            }
        }
        crop
    }

    /// A frame's measures and its pixels, without a pattern.
    fn pixels(format: PixelFormat, side: [u16; 2], padding: usize, seed: u32) -> (u16, usize, Vec<u8>) {
        let width = if format == PixelFormat::Yuv422 { side[0] + side[0] % 2 } else { side[0] };
        let stride = usize::from(width) * format.pixel_bytes() + padding;
        (width, stride, noise(seed, stride * usize::from(side[1])))
    }

    fn format() -> impl Strategy<Value = PixelFormat> {
        prop::sample::select(&PixelFormat::ALL[..])
    }

    fn colour() -> impl Strategy<Value = Colour> {
        prop::sample::select(&[Colour::Rgb, Colour::Bgr, Colour::Grey][..])
    }

    /// A similarity that puts the middle of a crop somewhere around a small frame.
    fn similarity(scales: core::ops::Range<f64>, size: [u16; 2]) -> impl Strategy<Value = Similarity> {
        let quarter = std::f64::consts::FRAC_PI_2;
        let turn = prop_oneof![-4.0..4.0f64, (-2..3).prop_map(move |n| f64::from(n) * quarter)];
        (scales, turn, [-10.0..40.0f64, -10.0..40.0]).prop_filter_map(
            "within limits",
            move |(log, turn, place)| {
                let scale = 65536.0 * log.exp2();
                let [a, b] = [scale * turn.cos(), scale * turn.sin()];
                let [x, y] = size.map(|side| (f64::from(side) - 1.0) / 2.0);
                let t = [65536.0 * place[0] - (a * x - b * y), 65536.0 * place[1] - (b * x + a * y)];
                Similarity::new_checked(a.round() as i32, b.round() as i32, t.map(|t| t.round() as i32), size)
            },
        )
    }

    fn sized(scales: core::ops::Range<f64>) -> impl Strategy<Value = ([u16; 2], Similarity)> {
        [1..24u16, 1..24].prop_flat_map(move |size| (Just(size), similarity(scales.clone(), size)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn pixels_equal_the_definition(
            format in format(),
            colour in colour(),
            side in [1..40u16, 1..40],
            padding in 0..5usize,
            (size, similarity) in sized(-4.0..6.0),
            seed in any::<u32>(),
        ) {
            let (width, stride, pixels) = pixels(format, side, padding, seed);
            let frame = Frame::new_checked(&pixels, width, side[1], stride, format).unwrap();
            let found = crop(Warp::new(frame, &similarity, size, colour, false));
            prop_assert_eq!(&found, &expected(&frame, &similarity, size, colour));
            let mirrored = crop(Warp::new(frame, &similarity, size, colour, true));
            let row_bytes = usize::from(size[0]) * colour.channels();
            for (row, mirrored) in found.chunks_exact(row_bytes).zip(mirrored.chunks_exact(row_bytes)) {
                let reversed: Vec<u8> = row.chunks_exact(colour.channels()).rev().flatten().copied().collect();
                prop_assert_eq!(&reversed, mirrored);
            }
        }

        #[test]
        fn pixels_are_near_the_real_interpolation(
            format in format(),
            colour in colour(),
            (size, similarity) in sized(-4.0..4.0),
            seed in any::<u32>(),
        ) {
            let (width, stride, pixels) = pixels(format, [33, 28], 0, seed);
            let frame = Frame::new_checked(&pixels, width, 28, stride, format).unwrap();
            let found = crop(Warp::new(frame, &similarity, size, colour, false));
            let real = real(&frame, &similarity, size, colour);
            let [mut dot, mut found_square, mut real_square] = [0.0; 3];
            for (found, real) in found.into_iter().zip(real) {
                let (found, Some(real)) = (f64::from(found), real) else { continue };
                // A place is off by at most 1/512 pixel on each axis, a weight by 1/512, and the result by a half.
                prop_assert!((found - real).abs() < 2.5, "{found} {real}");
                dot += found * real;
                found_square += found * found;
                real_square += real * real;
            }
            if found_square > 1e5 {
                prop_assert!(dot / (found_square * real_square).sqrt() > 0.9999);
            }
        }

        #[test]
        fn nothing_panics(
            format in format(),
            colour in colour(),
            side in [1..9u16, 1..9],
            numbers in [any::<i32>(), any::<i32>()],
            shift in 9..20u32,
            t in [any::<i32>(), any::<i32>()],
            near in 0..16u32,
            size in [prop::sample::select(&[0, 1, 7, 500, u16::MAX][..]), prop::sample::select(&[0, 1, 7, 500, u16::MAX][..])],
            is_mirrored in any::<bool>(),
            rows in [any::<u16>(), any::<u16>()],
        ) {
            let (width, stride, pixels) = pixels(format, side, 0, 1);
            let frame = Frame::new_checked(&pixels, width, side[1], stride, format).unwrap();
            // Checked for a small crop, used for one of any size.
            let [a, b] = numbers.map(|x| x >> shift);
            let Some(similarity) = Similarity::new_checked(a, b, t.map(|t| t >> near), [1, 1]) else { return Ok(()) };
            let mut warp = Warp::new(frame, &similarity, size, colour, is_mirrored);
            let mut row = vec![0xa5; usize::from(size[0]) * colour.channels()];
            for y in rows.into_iter().filter_map(|y| y.checked_rem(size[1])) {
                warp.row(y, &mut row).unwrap();
            }
        }

        #[test]
        fn columns_in_range_are_found(
            start in -5000..5000i64,
            step in -300..300i32,
            limits in [-3000..3000i64, -3000..3000],
            count in 0..60u16,
        ) {
            let found = within(start, step, limits, count);
            for n in 0..count {
                let is_inside = (limits[0]..=limits[1]).contains(&(start + i64::from(n) * i64::from(step)));
                prop_assert_eq!(found.contains(&n), is_inside, "{}", n);
            }
        }
    }

    #[test]
    fn a_crop_in_place_copies_pixels() {
        for format in PixelFormat::ALL {
            let (width, stride, pixels) = pixels(format, [20, 10], 3, 9);
            let frame = Frame::new_checked(&pixels, width, 10, stride, format).unwrap();
            let size = [width, 10];
            for colour in [Colour::Rgb, Colour::Bgr, Colour::Grey] {
                let identity = Similarity::new_checked(ONE, 0, [0, 0], size).unwrap();
                let copied = Picture::of(&frame, colour).values;
                assert_eq!(crop(Warp::new(frame, &identity, size, colour, false)), copied);
            }
        }
    }

    #[test]
    fn turns_move_pixels() {
        let pixels = [1, 2, 3, 4, 5, 6];
        let frame = Frame::new_checked(&pixels, 3, 2, 3, PixelFormat::Grey).unwrap();
        let turned = |a, b, t, size| {
            let similarity = Similarity::new_checked(a, b, t, size).unwrap();
            crop(Warp::new(frame, &similarity, size, Colour::Grey, false))
        };
        assert_eq!(turned(-ONE, 0, [2 * ONE, ONE], [3, 2]), [6, 5, 4, 3, 2, 1]);
        assert_eq!(turned(0, ONE, [2 * ONE, 0], [2, 3]), [3, 6, 2, 5, 1, 4]);
        assert_eq!(turned(0, -ONE, [0, ONE], [2, 3]), [4, 1, 5, 2, 6, 3]);
    }

    #[test]
    fn weights_are_rounded_to_nearest() {
        let frame = Frame::new_checked(&[0, 100, 50, 250], 2, 2, 2, PixelFormat::Grey).unwrap();
        let at = |x: i32, y: i32| {
            let similarity = Similarity::new_checked(ONE, 0, [x << 8, y << 8], [1, 1]).unwrap();
            crop(Warp::new(frame, &similarity, [1, 1], Colour::Grey, false))[0]
        };
        assert_eq!([at(0, 0), at(128, 0), at(0, 128), at(128, 128), at(256, 256)], [0, 50, 25, 100, 250]);
        assert_eq!([at(64, 0), at(1, 0), at(2, 0)], [25, 0, 1]);
    }

    #[test]
    fn half_a_pixel_outside_is_the_border_and_beyond_is_black() {
        let frame = Frame::new_checked(&[10, 200], 2, 1, 2, PixelFormat::Grey).unwrap();
        let at = |x: i32, y: i32| {
            let similarity = Similarity::new_checked(ONE, 0, [x << 8, y << 8], [1, 1]).unwrap();
            crop(Warp::new(frame, &similarity, [1, 1], Colour::Rgb, false))[0]
        };
        assert_eq!([at(-128, 0), at(-129, 0), at(384, 0), at(385, 0)], [10, 0, 200, 0]);
        assert_eq!([at(0, -128), at(0, -129), at(0, 128), at(0, 129)], [10, 0, 10, 0]);
    }

    #[test]
    fn a_large_frame_is_averaged_not_picked_from() {
        // Columns alternate between black and white. At an eighth of the size they are grey.
        let pixels: Vec<u8> = (0..400 * 400).map(|n| if n % 2 == 0 { 0 } else { 255 }).collect();
        let frame = Frame::new_checked(&pixels, 400, 400, 400, PixelFormat::Grey).unwrap();
        for [a, b] in [[8 * ONE, 0], [5 * ONE, 0], [3 * ONE, 4 * ONE], [0, 8 * ONE]] {
            let t = [200 * ONE - 10 * (a - b), 200 * ONE - 10 * (a + b)];
            let similarity = Similarity::new_checked(a, b, t, [20, 20]).unwrap();
            let crop = crop(Warp::new(frame, &similarity, [20, 20], Colour::Grey, false));
            assert!(crop.iter().all(|value| (100..156).contains(value)), "{a} {b} {crop:?}");
        }
    }

    #[test]
    fn a_frame_of_the_largest_size_is_reached_to_its_end() {
        let mut pixels = vec![0; 8192 * 8192];
        pixels[8192 * 8192 - 1] = 255;
        let frame = Frame::new_checked(&pixels, 8192, 8192, 8192, PixelFormat::Grey).unwrap();
        let similarity = Similarity::new_checked(ONE, 0, [8190 * ONE; 2], [3, 3]).unwrap();
        let found = crop(Warp::new(frame, &similarity, [3, 3], Colour::Grey, false));
        assert_eq!(found, [0, 0, 0, 0, 255, 0, 0, 0, 0]);
        // The whole frame: the middle of crop pixel 0 is 31.5 pixels from the middle of the frame's.
        let start = 31 * ONE + ONE / 2;
        let similarity = Similarity::new_checked(64 * ONE, 0, [start; 2], [128, 128]).unwrap();
        let found = crop(Warp::new(frame, &similarity, [128, 128], Colour::Grey, false));
        assert!(found.iter().all(|&value| value == 0));
    }
}
