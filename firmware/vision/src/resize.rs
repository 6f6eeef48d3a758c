//! Resizes a rectangle of a frame, averaging by area.

use core::convert::Infallible;
use core::ops::Range;

use format::preprocess::Colour;
use nn::RowSource;

use crate::frame::Frame;
use crate::kernels;
use crate::pixels::{arrange, channels, convert};
use crate::place::Rect;

/// A rectangle's sides count as at most this far from the frame's origin, in 1/256 pixel: 32,768 pixels.
const FARTHEST: i32 = 1 << 23;

/// A rectangle of a frame in another size.
///
/// On each axis, an output pixel that covers at least one frame pixel is the mean of the frame over the area that it
/// covers, black outside the frame. If it covers less, it is interpolated linearly between the two nearest frame pixels'
/// centres at its own centre (a mean over one frame pixel around that centre); within half a pixel of the border it is
/// the border's pixel, and black if its centre lies outside the frame. That centre is rounded up to 1/(256 · output pixels
/// of the axis) of a frame pixel; otherwise shares of pixels are exact. The mean is rounded half up. An empty rectangle is
/// black. Sides farther than 32,768 pixels from the frame's origin count as there.
#[derive(Clone, Copy, Debug)]
pub struct Resize<'a> {
    frame: Frame<'a>,
    colour: Colour,
    size: [u16; 2],
    axes: [Axis; 2],
    mean: Mean,
}

impl<'a> Resize<'a> {
    /// Rows of `rect` in a picture of `[width, height]`.
    pub fn new(frame: Frame<'a>, rect: &Rect, size: [u16; 2], colour: Colour) -> Self {
        let axes = [
            Axis::new(rect.left, rect.right, size[0], frame.width()),
            Axis::new(rect.top, rect.bottom, size[1], frame.height()),
        ];
        let mean = Mean::new(u64::from(axes[0].span) * u64::from(axes[1].span));
        Resize { frame, colour, size, axes, mean }
    }

    /// Width and height of the picture.
    pub const fn size(&self) -> [u16; 2] {
        self.size
    }
}

impl RowSource for Resize<'_> {
    type Error = Infallible;

    /// The picture has a row `y`, and `pixels` the length of one row; otherwise `pixels` is left as it is.
    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Infallible> {
        let is_row = y < self.size[1] && pixels.len() == usize::from(self.size[0]) * self.colour.channels();
        debug_assert!(is_row, "a row of the picture");
        match channels(self.frame.format(), self.colour) {
            _ if !is_row => {}
            1 => self.make::<1>(y, pixels),
            _ => self.make::<3>(y, pixels),
        }
        Ok(())
    }
}

/// Most pixels of a frame's row that are converted or summed together.
const RUN: usize = 64;

impl Resize<'_> {
    /// Makes a row of pixels with `C` channels.
    fn make<const C: usize>(&self, y: u16, pixels: &mut [u8]) {
        let row = pixels.get_mut(..C * usize::from(self.size[0])).unwrap_or_default();
        let (made, _) = row.as_chunks_mut();
        let [across, down] = &self.axes;
        if across.is_of_pairs() && down.is_of_pairs() {
            self.halve::<C>(y, made.as_flattened_mut());
        } else {
            self.average::<C>(y, made);
        }
        arrange::<C>(pixels, self.colour);
    }

    /// Means of pairs of pixels in two rows.
    // Not inlined, so that it exists once for each number of channels.
    #[inline(never)]
    fn halve<const C: usize>(&self, y: u16, pixels: &mut [u8]) {
        let mut bytes = [[[0; C]; RUN]; 2];
        for (number, out) in pixels.chunks_mut(C * RUN / 2).enumerate() {
            let first = RUN * number;
            let run = first..first + 2 * out.len() / C;
            let [above, below] = &mut bytes;
            let y = 2 * usize::from(y);
            let rows =
                [(y, above), (y + 1, below)].map(|(y, bytes)| converted(&self.frame, y, run.clone(), bytes));
            kernels::halve::<C>(rows, out);
        }
    }

    /// Means of areas: each column's sum over the rows, then the sums of columns.
    // Not inlined, as `halve`.
    #[inline(never)]
    fn average<const C: usize>(&self, y: u16, pixels: &mut [[u8; C]]) {
        let [across, down] = &self.axes;
        let Some(rows) = down.cover(down.begin(y)) else { return pixels.fill([0; C]) };
        let last = across.cover(across.begin(self.size[0].saturating_sub(1)));
        let end = last.map_or(across.side as usize, |columns| columns.last + 1);
        let mut columns = Columns {
            frame: &self.frame,
            rows,
            row_weight: down.pixel,
            end,
            sums: [[0; C]; RUN],
            summed: 0..0,
        };
        let mut begin = across.begin(0);
        for pixel in pixels {
            let cover = across.cover(begin);
            begin = across.next(begin);
            let sums = cover.map_or([0; C], |cover| columns.weighted(&cover, across.pixel));
            *pixel = sums.map(|sum| self.mean.of(sum) as u8);
        }
    }
}

/// Pixels of a row of the frame as bytes of `C` channels: in place, or converted in `bytes`.
#[inline(always)]
fn converted<'b, const C: usize>(
    frame: &Frame<'b>,
    y: usize,
    run: Range<usize>,
    bytes: &'b mut [[u8; C]; RUN],
) -> &'b [u8] {
    let row = frame.bytes(y);
    if frame.format().pixel_bytes() == C {
        return row.get(C * run.start..C * run.end).unwrap_or_default();
    }
    let bytes = bytes.get_mut(..run.len()).unwrap_or_default().as_flattened_mut();
    convert::<C>(frame.format(), row, run.start, bytes);
    bytes
}

/// Columns of the frame, summed as far as was asked for.
struct Columns<'a, const C: usize> {
    frame: &'a Frame<'a>,
    rows: Cover,
    /// Weight of a row that is neither the first nor the last.
    row_weight: u32,
    /// No column from here on is asked for.
    end: usize,
    /// Sums of the channels times the rows' weights, whose sum is at most 2²⁴.
    sums: [[u32; C]; RUN],
    summed: Range<usize>,
}

impl<const C: usize> Columns<'_, C> {
    /// Sums of the columns times their weights, whose sum is at most 2²⁴.
    #[inline(always)]
    fn weighted(&mut self, columns: &Cover, weight: u32) -> [u64; C] {
        let mut sums = [0; C];
        let mut x = columns.first;
        while x <= columns.last {
            if !self.summed.contains(&x) {
                self.sum_from(x);
            }
            let run = self.sums.get(x - self.summed.start..self.summed.len());
            let Some(run @ [_, ..]) = run else { break };
            for column in &run[..run.len().min(columns.last + 1 - x)] {
                let weight = columns.weight(x, weight);
                for channel in 0..C {
                    sums[channel] += u64::from(column[channel]) * u64::from(weight);
                }
                x += 1;
            }
        }
        sums
    }

    /// Sums the columns from `x` on.
    #[inline(never)]
    fn sum_from(&mut self, x: usize) {
        self.summed = x..self.end.min(x + RUN);
        let sums = self.sums.get_mut(..self.summed.len()).unwrap_or_default().as_flattened_mut();
        sums.fill(0);
        let mut bytes = [[0; C]; RUN];
        for y in self.rows.first..=self.rows.last {
            let weight = self.rows.weight(y, self.row_weight);
            let bytes = converted(self.frame, y, self.summed.clone(), &mut bytes);
            for (sum, &byte) in sums.iter_mut().zip(bytes) {
                *sum += u32::from(byte) * weight;
            }
        }
    }
}

/// One axis of the picture, in units of 1/(256 · output pixels) of a frame pixel, from the frame's edge.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Pixels of the frame.
    side: i32,
    /// A frame pixel, at most 2²⁴.
    pixel: u32,
    /// An output pixel, at most 2²⁴; zero if the rectangle is empty.
    step: u32,
    /// What an output pixel is averaged over: itself, or a frame pixel if that is more.
    span: u32,
    /// Beginning of the first span.
    start: Edge,
    /// From the beginning of a span to the next one's, and to its end.
    jumps: [Edge; 2],
}

/// A place on an axis: a pixel, and units after its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    pixel: i32,
    rest: u32,
}

/// The frame's pixels of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cover {
    first: usize,
    last: usize,
    /// Weights of the first and of the last; of the first alone if they are the same. Those between weigh a pixel.
    weights: [u32; 2],
}

impl Cover {
    #[inline(always)]
    fn weight(&self, at: usize, pixel: u32) -> u32 {
        if at == self.first {
            self.weights[0]
        } else if at == self.last {
            self.weights[1]
        } else {
            pixel
        }
    }
}

impl Axis {
    fn new(from: i32, to: i32, size: u16, side: u16) -> Self {
        let [from, to] = [from, to].map(|x| x.clamp(-FARTHEST, FARTHEST));
        let pixel = 256 * u32::from(size.max(1));
        let step = (to - from).max(0) as u32;
        let span = step.max(pixel);
        // Places are counted from the frame's edge, half a pixel before the first pixel's centre.
        let start = (i64::from(from) + 128) * i64::from(size.max(1)) - i64::from((span - step) / 2);
        // A pixel has at least 256 units.
        let edge = |units: i64| Edge {
            pixel: units.checked_div_euclid(pixel.into()).unwrap_or(0) as i32,
            rest: units.checked_rem_euclid(pixel.into()).unwrap_or(0) as u32,
        };
        let jumps = [edge(step.into()), edge(span.into())];
        Axis { side: side.into(), pixel, step, span, start: edge(start), jumps }
    }

    /// Whether an output pixel is a pair of frame pixels, from the frame's edge on.
    fn is_of_pairs(&self) -> bool {
        let is_inside = self.pixel <= 128 * self.side as u32;
        self.start == Edge { pixel: 0, rest: 0 } && self.step == 2 * self.pixel && is_inside
    }

    /// Beginning of a span.
    fn begin(&self, number: u16) -> Edge {
        let units = u64::from(self.step) * u64::from(number) + u64::from(self.start.rest);
        let pixel = u64::from(self.pixel.max(1));
        Edge { pixel: self.start.pixel + (units / pixel) as i32, rest: (units % pixel) as u32 }
    }

    /// Beginning of the next span.
    #[inline(always)]
    fn next(&self, begin: Edge) -> Edge {
        self.after(begin, self.jumps[0])
    }

    #[inline(always)]
    fn after(&self, edge: Edge, jump: Edge) -> Edge {
        let (pixel, rest) = (edge.pixel + jump.pixel, edge.rest + jump.rest);
        if rest < self.pixel {
            Edge { pixel, rest }
        } else {
            Edge { pixel: pixel + 1, rest: rest - self.pixel }
        }
    }

    /// The frame's pixels of a span. `None` if there is none.
    #[inline(never)]
    fn cover(&self, begin: Edge) -> Option<Cover> {
        if self.step == 0 {
            return None;
        }
        let border = self.side - 1;
        let pixel = self.pixel;
        if self.step < pixel {
            let Edge { pixel: first, rest } = begin;
            let is_inside = match first {
                -1 => rest >= pixel / 2,
                first if first == border => rest <= pixel / 2,
                first => (0..border).contains(&first),
            };
            return is_inside.then(|| Cover {
                first: first.max(0) as usize,
                last: (first + 1).min(border) as usize,
                weights: if first < 0 || first == border { [pixel; 2] } else { [pixel - rest, rest] },
            });
        }
        let end = self.after(begin, self.jumps[1]);
        // A span that ends where a pixel begins does not reach into it.
        let (last, last_weight) = if end.rest == 0 { (end.pixel - 1, pixel) } else { (end.pixel, end.rest) };
        if last < 0 || begin.pixel > border {
            return None;
        }
        let (last, last_weight) = if last > border { (border, pixel) } else { (last, last_weight) };
        let (first, first_weight) =
            if begin.pixel < 0 { (0, pixel) } else { (begin.pixel, pixel - begin.rest) };
        let weights =
            if first == last { [first_weight.min(last_weight); 2] } else { [first_weight, last_weight] };
        Some(Cover { first: first as usize, last: last as usize, weights })
    }
}

/// Division by the sum of all weights, rounded half up, without a division for each pixel.
#[derive(Clone, Copy, Debug)]
struct Mean {
    divisor: u64,
    /// Bits by which the divisor is shifted left to be in 2⁵⁵..2⁵⁶.
    shift: u32,
    /// 2⁵⁵ over the upper half of the shifted divisor plus one, rounded down.
    reciprocal: u32,
}

impl Mean {
    /// The divisor is in 1..=2⁴⁸.
    fn new(divisor: u64) -> Self {
        let shift = divisor.leading_zeros() - 8;
        let upper = (divisor << shift) >> 32;
        Mean { divisor, shift, reciprocal: ((1 << 55) / (upper + 1)) as u32 }
    }

    /// A sum of at most 255 times the divisor, divided.
    #[inline(always)]
    fn of(&self, sum: u64) -> u32 {
        let sum = sum + self.divisor / 2;
        // Cutting off bits of the sum, the divisor and the reciprocal lowers the quotient by less than 2⁻¹⁴.
        let upper = (sum << self.shift) >> 32;
        let low = (upper * u64::from(self.reciprocal)) >> 55;
        (low + u64::from(self.divisor * (low + 1) <= sum)) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::noise;
    use format::PixelFormat;

    /// The whole picture, from rows prefilled with `0xa5`.
    fn picture(mut resize: Resize) -> Vec<u8> {
        let [width, height] = resize.size().map(usize::from);
        let row_bytes = width * resize.colour.channels();
        let mut picture = vec![0xa5; row_bytes * height];
        for (y, row) in picture.chunks_exact_mut(row_bytes).enumerate() {
            resize.row(y as u16, row).unwrap();
        }
        picture
    }

    /// Weights of all pixels of an axis for an output pixel by definition, in units of 1/(512 · size) of a pixel.
    fn weights(from: i32, to: i32, size: u16, side: u16, number: u16) -> Vec<i128> {
        let [from, to, size, side, number] =
            [from.into(), to.into(), size.into(), side.into(), i128::from(number)];
        let (pixel, step) = (512 * size, 2 * (to - from));
        let begin = 2 * (from + 128) * size + step * number;
        let cover =
            |begin: i128, end: i128, n: i128| (end.min((n + 1) * pixel) - begin.max(n * pixel)).max(0);
        if step >= pixel {
            return (0..side).map(|n| cover(begin, begin + step, n)).collect();
        }
        // The centre is rounded up to an even number, a whole unit of the crate's.
        let centre = begin + (to - from) + (to - from) % 2;
        let inside = (0..=side * pixel).contains(&centre);
        let begin = centre - pixel / 2;
        let mut weights: Vec<i128> =
            (-1..=side).map(|n| if inside { cover(begin, begin + pixel, n) } else { 0 }).collect();
        let side = side as usize;
        weights[1] += weights[0];
        weights[side] += weights[side + 1];
        weights[1..=side].to_vec()
    }

    fn expected(frame: &Frame, rect: &Rect, size: [u16; 2], colour: Colour) -> Vec<u8> {
        let channels = colour.channels();
        let rows: Vec<Vec<u8>> = (0..frame.height())
            .map(|y| {
                let mut row = vec![0; usize::from(frame.width()) * channels];
                frame.row(y, colour, &mut row);
                row
            })
            .collect();
        let whole = |from: i32, to: i32, size: u16| (2 * i128::from(to - from)).max(512 * i128::from(size));
        let divisor = whole(rect.left, rect.right, size[0]) * whole(rect.top, rect.bottom, size[1]);
        let mut picture = Vec::new();
        for y in 0..size[1] {
            let down = weights(rect.top, rect.bottom, size[1], frame.height(), y);
            for x in 0..size[0] {
                let across = weights(rect.left, rect.right, size[0], frame.width(), x);
                for channel in 0..channels {
                    let sum: i128 = rows
                        .iter()
                        .zip(&down)
                        .map(|(row, down)| {
                            let row = row.chunks_exact(channels).zip(&across);
                            down * row
                                .map(|(pixel, across)| i128::from(pixel[channel]) * across)
                                .sum::<i128>()
                        })
                        .sum();
                    picture.push(((2 * sum + divisor) / (2 * divisor)) as u8);
                }
            }
        }
        picture
    }

    fn format() -> impl Strategy<Value = PixelFormat> {
        prop::sample::select(&PixelFormat::ALL[..])
    }

    fn colour() -> impl Strategy<Value = Colour> {
        prop::sample::select(&[Colour::Rgb, Colour::Bgr, Colour::Grey][..])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn pixels_equal_exact_rational_means(
            format in format(),
            colour in colour(),
            side in [1..24u16, 1..24],
            padding in 0..5usize,
            size in [1..20u16, 1..20],
            corner in [-2000..6000i32, -2000..6000],
            extent in [1..9000i32, 1..9000],
            is_whole in any::<bool>(),
            seed in any::<u32>(),
        ) {
            let width = if format == PixelFormat::Yuv422 { side[0] + side[0] % 2 } else { side[0] };
            let stride = usize::from(width) * format.pixel_bytes() + padding;
            let pixels = noise(seed, stride * usize::from(side[1]));
            let frame = Frame::new_checked(&pixels, width, side[1], stride, format).unwrap();
            let [left, top] = corner;
            let cut = Rect { left, top, right: left + extent[0], bottom: top + extent[1] };
            let rect = if is_whole { frame.rect() } else { cut };
            let found = picture(Resize::new(frame, &rect, size, colour));
            prop_assert_eq!(found, expected(&frame, &rect, size, colour));
        }

        #[test]
        fn means_equal_the_division(shift in 0..48u32, divisor in 1..=1u64 << 48, share in 0..=255 * 65536u64, below in 0..3u64) {
            let divisor = (divisor >> shift).max(1);
            let sum = u128::from(divisor) * u128::from(share) / 65536;
            let sum = (sum as u64).saturating_sub(below);
            prop_assert_eq!(u64::from(Mean::new(divisor).of(sum)), (sum + divisor / 2) / divisor);
        }

        #[test]
        fn nothing_panics(
            format in format(),
            colour in colour(),
            side in [1..9u16, 1..9],
            size in [prop::sample::select(&[0, 1, 2, 7, 1000, u16::MAX][..]), prop::sample::select(&[0, 1, 2, 7, 1000, u16::MAX][..])],
            sides in prop::array::uniform4(prop_oneof![any::<i32>(), -5000..5000, Just(i32::MIN), Just(i32::MAX)]),
            rows in prop::array::uniform4(any::<u16>()),
        ) {
            let width = if format == PixelFormat::Yuv422 { side[0] + side[0] % 2 } else { side[0] };
            let stride = usize::from(width) * format.pixel_bytes();
            let pixels = vec![255; stride * usize::from(side[1])];
            let frame = Frame::new_checked(&pixels, width, side[1], stride, format).unwrap();
            let [left, top, right, bottom] = sides;
            let rect = Rect { left, top, right, bottom };
            let mut resize = Resize::new(frame, &rect, size, colour);
            let mut row = vec![0xa5; usize::from(size[0]) * colour.channels()];
            for y in rows.into_iter().filter_map(|y| y.checked_rem(size[1])) {
                resize.row(y, &mut row).unwrap();
                if rect.area() == 0 {
                    prop_assert!(row.iter().all(|&byte| byte == 0));
                }
            }
        }
    }

    #[test]
    fn halves_equal_the_general_path() {
        for (format, colour) in [
            (PixelFormat::Rgb565, Colour::Grey),
            (PixelFormat::Rgb565, Colour::Rgb),
            (PixelFormat::Rgb565Little, Colour::Bgr),
            (PixelFormat::Yuv422, Colour::Grey),
            (PixelFormat::Yuv422, Colour::Rgb),
            (PixelFormat::Rgb888, Colour::Grey),
            (PixelFormat::Grey, Colour::Grey),
            (PixelFormat::Grey, Colour::Rgb),
        ] {
            let stride = 64 * format.pixel_bytes();
            let pixels = noise(7, stride * 48);
            let frame = Frame::new_checked(&pixels, 64, 48, stride, format).unwrap();
            let halved = Resize::new(frame, &frame.rect(), [32, 24], colour);
            assert!(halved.axes.iter().all(Axis::is_of_pairs));
            assert_eq!(picture(halved), expected(&frame, &frame.rect(), [32, 24], colour));
        }
    }

    #[test]
    fn a_frame_in_its_own_size_is_copied() {
        let pixels = noise(3, 20 * 10);
        let frame = Frame::new_checked(&pixels, 20, 10, 20, PixelFormat::Grey).unwrap();
        assert_eq!(picture(Resize::new(frame, &frame.rect(), [20, 10], Colour::Grey)), pixels);
    }

    #[test]
    fn outside_of_the_frame_is_black() {
        let frame = Frame::new_checked(&[200; 16], 4, 4, 4, PixelFormat::Grey).unwrap();
        let twice = Rect { left: -4 * 256 - 128, top: -128, right: 4 * 256 - 128, bottom: 4 * 256 - 128 };
        let found = picture(Resize::new(frame, &twice, [2, 1], Colour::Grey));
        assert_eq!(found, [0, 200]);
        // A pixel half outside, averaged; the same places enlarged: black outside, and the border's pixel inside.
        assert_eq!(picture(Resize::new(frame, &twice, [1, 1], Colour::Grey)), [100]);
        let enlarged = picture(Resize::new(frame, &twice, [16, 1], Colour::Grey));
        assert_eq!(enlarged, [[0; 8], [200; 8]].as_flattened());
    }

    #[test]
    fn a_centre_less_than_a_unit_outside_is_at_the_border() {
        // The centre of row 8 is 1/(512 · 16) pixel above the frame.
        let frame = Frame::new_checked(&[200], 1, 1, 1, PixelFormat::Grey).unwrap();
        let rect = Rect { left: -128, top: -1003, right: 128, bottom: 644 };
        let found = picture(Resize::new(frame, &rect, [1, 16], Colour::Grey));
        assert_eq!(found, [0, 0, 0, 0, 0, 0, 0, 0, 200, 200, 200, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_largest_frame_does_not_overflow() {
        let pixels = vec![255; 8192 * 64];
        let frame = Frame::new_checked(&pixels, 8192, 64, 8192, PixelFormat::Grey).unwrap();
        assert_eq!(picture(Resize::new(frame, &frame.rect(), [1, 1], Colour::Grey)), [255]);
        let enlarged = Resize::new(frame, &frame.rect(), [u16::MAX, 3], Colour::Grey);
        assert!(picture(enlarged).iter().all(|&pixel| pixel == 255));
    }
}
