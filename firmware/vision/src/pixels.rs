//! Reads two neighbouring pixels of each format as channels, and converts runs of pixels to bytes.

use format::preprocess::Colour;

use crate::kernels;
use format::PixelFormat;

/// Reads red, green and blue.
pub(crate) trait Reader {
    /// The channels of pixel `x`, each in 0..=255.
    fn pixel(row: &[u8], x: usize) -> [u32; 3];

    /// The channels of the pixels `x` and `x + 1`: the left one in the lower half of a word, the right one in the upper.
    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 3] {
        let [left, right] = [Self::pixel(row, x), Self::pixel(row, x + 1)];
        [left[0] | right[0] << 16, left[1] | right[1] << 16, left[2] | right[2] << 16]
    }
}

/// Two pixels in two words, which functions return in registers. The left pixel is in the lower half of a word, the right
/// one in the upper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Luminance, or green.
    main: u32,
    /// Red, and 256 times blue; zero beside luminance.
    others: u32,
}

impl Pair {
    /// Two black pixels.
    pub(crate) const BLACK: Pair = Pair { main: 0, others: 0 };

    /// Luminance, or red, green and blue, in halves of words.
    #[inline(always)]
    pub(crate) fn channels<const C: usize>(self) -> [u32; C] {
        const BYTES: u32 = 0x00ff_00ff;
        let mut channels = [self.main; C];
        if C == 3 {
            (channels[0], channels[2]) = (self.others & BYTES, self.others >> 8 & BYTES);
        }
        channels
    }

    /// The left pixel of `left` beside the right one of `right`.
    pub(crate) const fn join(left: Pair, right: Pair) -> Pair {
        const fn join(left: u32, right: u32) -> u32 {
            left & 0xffff | right & 0xffff_0000
        }
        Pair { main: join(left.main, right.main), others: join(left.others, right.others) }
    }

    /// The left or the right pixel in both places.
    const fn twice(self, is_right: bool) -> Pair {
        const fn twice(halves: u32, is_right: bool) -> u32 {
            (if is_right { halves >> 16 } else { halves & 0xffff }) * 0x1_0001
        }
        Pair { main: twice(self.main, is_right), others: twice(self.others, is_right) }
    }
}

/// Reads the pixels `x` and `x + 1` of a row.
pub(crate) type Fetch = fn(row: &[u8], x: usize) -> Pair;

/// Number of channels of a format's pixels in a wanted colour: grey frames have one, whatever the colour.
pub(crate) const fn channels(format: PixelFormat, colour: Colour) -> usize {
    match (format, colour) {
        (PixelFormat::Grey, _) | (_, Colour::Grey) => 1,
        _ => 3,
    }
}

/// Reads pixels of a format in these [`channels`].
pub(crate) fn fetch(format: PixelFormat, channels: usize) -> Fetch {
    match (format, channels) {
        (PixelFormat::Grey, _) => grey,
        (PixelFormat::Yuv422, 1) => luma,
        (PixelFormat::Yuv422, _) => coloured::<Yuv422>,
        (PixelFormat::Rgb565, 1) => luminous::<Rgb565<true>>,
        (PixelFormat::Rgb565, _) => coloured::<Rgb565<true>>,
        (PixelFormat::Rgb565Little, 1) => luminous::<Rgb565<false>>,
        (PixelFormat::Rgb565Little, _) => coloured::<Rgb565<false>>,
        (PixelFormat::Rgb888, 1) => luminous::<Rgb888>,
        (PixelFormat::Rgb888, _) => coloured::<Rgb888>,
    }
}

/// Reads pixel `x` of a row of a format with its [`fetch`], in both places.
// Not inlined: few pixels lie at borders.
#[inline(never)]
pub(crate) fn twice(format: PixelFormat, fetch: Fetch, row: &[u8], x: usize) -> Pair {
    let pixel_bytes = format.pixel_bytes();
    if x > 0 {
        return fetch(row, x - 1).twice(true);
    }
    if row.len() > pixel_bytes {
        return fetch(row, x).twice(false);
    }
    // A row of a single pixel, which YUV422 does not have.
    let mut row_of_two = [0; 6];
    for pixel in row_of_two.chunks_exact_mut(pixel_bytes.max(1)) {
        pixel.iter_mut().zip(row).for_each(|(place, &byte)| *place = byte);
    }
    fetch(&row_of_two, 0)
}

/// Converts the pixels of a row from `x` on to bytes, `C` for each: [`channels`]. The row has as many.
pub(crate) fn convert<const C: usize>(format: PixelFormat, row: &[u8], x: usize, out: &mut [u8]) {
    if C == 1 {
        let pixel_bytes = format.pixel_bytes();
        let pixels = row.get(pixel_bytes * x..pixel_bytes * (x + out.len()));
        return kernels::grey(format, pixels.unwrap_or_default(), out);
    }
    // Pixels of YUV422 are stored in pairs, from an even pixel on.
    let count = out.len() / C;
    let (before, pairs) = out.split_at_mut_checked(C * (x % 2).min(count)).unwrap_or_default();
    let whole = 2 * C * (pairs.len() / (2 * C));
    let (pairs, after) = pairs.split_at_mut_checked(whole).unwrap_or_default();
    for (single, x) in [(before, x), (after, x + count - usize::from(count > 0))] {
        let pixel = if single.is_empty() { [0; 3] } else { pixel(format, row, x) };
        single.iter_mut().zip(pixel).for_each(|(place, byte)| *place = byte);
    }
    let start = format.pixel_bytes() * (x + x % 2);
    if !pairs.is_empty() {
        let pixels = row.get(start..start + format.pixel_bytes() * (pairs.len() / C));
        kernels::colours(format, pixels.unwrap_or_default(), pairs);
    }
}

/// Brings a row of pixels with `C` channels, at its start, into the order of bytes that `colour` names. One channel goes to
/// all bytes of a pixel.
pub(crate) fn arrange<const C: usize>(row: &mut [u8], colour: Colour) {
    match colour {
        Colour::Bgr if C == 3 => row.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2)),
        Colour::Rgb | Colour::Bgr if C == 1 => {
            // From the last pixel on, so that no byte is overwritten before it is read.
            for x in (0..row.len() / 3).rev() {
                let value = row.get(x).copied().unwrap_or(0);
                if let Some(pixel) = row.get_mut(3 * x..3 * x + 3) {
                    pixel.fill(value);
                }
            }
        }
        _ => {}
    }
}

/// Red, green and blue of pixel `x`.
pub(crate) fn pixel(format: PixelFormat, row: &[u8], x: usize) -> [u8; 3] {
    let colour = twice(format, fetch(format, channels(format, Colour::Rgb)), row, x);
    match format {
        PixelFormat::Grey => [colour.main as u8; 3],
        _ => colour.channels::<3>().map(|channel| channel as u8),
    }
}

/// The `N` bytes of a row from `at` on; zeros where the row has no such bytes.
#[inline(always)]
fn bytes_at<const N: usize>(row: &[u8], at: usize) -> [u8; N] {
    row.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn grey(row: &[u8], x: usize) -> Pair {
    let pixels = bytes_at::<2>(row, x);
    Pair { main: u32::from(pixels[0]) | u32::from(pixels[1]) << 16, others: 0 }
}

/// Y of YUV422.
fn luma(row: &[u8], x: usize) -> Pair {
    let pixels = bytes_at::<3>(row, 2 * x);
    Pair { main: u32::from(pixels[0]) | u32::from(pixels[2]) << 16, others: 0 }
}

fn luminous<R: Reader>(row: &[u8], x: usize) -> Pair {
    let [left, right] = luminances(R::pair(row, x));
    Pair { main: left | right << 16, others: 0 }
}

fn coloured<R: Reader>(row: &[u8], x: usize) -> Pair {
    let [red, green, blue] = R::pair(row, x);
    Pair { main: green, others: red | blue << 8 }
}

/// Luminance of both pixels of a pair.
#[inline(always)]
pub(crate) const fn luminances([red, green, blue]: [u32; 3]) -> [u32; 2] {
    let left = luminance([red & 0xffff, green & 0xffff, blue & 0xffff]);
    [left, luminance([red >> 16, green >> 16, blue >> 16])]
}

/// `(2126 red + 7152 green + 722 blue) / 10000`, rounded down, as the host's `image` crate computes it.
#[inline(always)]
pub(crate) const fn luminance([red, green, blue]: [u32; 3]) -> u32 {
    // Half of each number. 858994 is 2³² / 5000 rounded up, by 2704 / 5000; the quotient is exact as long as the dividend
    // times 2704 is below 2³² (Granlund and Montgomery, PLDI 1994, theorem 4.2), and the dividend is at most 1,275,000.
    let sum = 1063 * red + 3576 * green + 361 * blue;
    ((sum as u64 * 858_994) >> 32) as u32
}

pub(crate) struct Rgb888;

impl Reader for Rgb888 {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        bytes_at::<3>(row, 3 * x).map(u32::from)
    }

    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 3] {
        let pixels = bytes_at::<6>(row, 3 * x);
        let both = |left: u8, right: u8| u32::from(left) | u32::from(right) << 16;
        [both(pixels[0], pixels[3]), both(pixels[1], pixels[4]), both(pixels[2], pixels[5])]
    }
}

/// RGB565; `true` if the byte with red is first.
pub(crate) struct Rgb565<const IS_BIG: bool>;

impl<const IS_BIG: bool> Rgb565<IS_BIG> {
    /// Widens pixels in the halves of a word. Five bits x become `x << 3 | x >> 2`, that is 33 x / 4 rounded down; six
    /// bits become `x << 2 | x >> 4`, that is 65 x / 16 rounded down.
    #[inline(always)]
    const fn widen(pixels: u32) -> [u32; 3] {
        const BYTE: u32 = 0x00ff_00ff;
        let [red, green, blue] =
            [pixels >> 11 & 0x001f_001f, pixels >> 5 & 0x003f_003f, pixels & 0x001f_001f];
        [(red + (red << 5)) >> 2 & BYTE, (green + (green << 6)) >> 4 & BYTE, (blue + (blue << 5)) >> 2 & BYTE]
    }
}

impl<const IS_BIG: bool> Reader for Rgb565<IS_BIG> {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        let pixel = u16::from_le_bytes(bytes_at(row, 2 * x));
        Self::widen(if IS_BIG { pixel.swap_bytes() } else { pixel }.into())
    }

    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 3] {
        let pixels = u32::from_le_bytes(bytes_at(row, 2 * x));
        Self::widen(if IS_BIG { pixels.swap_bytes().rotate_left(16) } else { pixels })
    }
}

struct Yuv422;

impl Reader for Yuv422 {
    /// ITU-T T.871, section 7, with coefficients in Q16: `R = Y + 1.402 (V − 128)`,
    /// `G = Y − 0.344136 (U − 128) − 0.714136 (V − 128)`, `B = Y + 1.772 (U − 128)`, rounded half up.
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        let pair = bytes_at::<4>(row, 4 * (x / 2));
        let y = (i32::from(pair[2 * (x % 2)]) << 16) + (1 << 15);
        let (u, v) = (i32::from(pair[1]) - 128, i32::from(pair[3]) - 128);
        let byte = |value: i32| (value >> 16).clamp(0, 255) as u32;
        [byte(y + 91_881 * v), byte(y - 22_554 * u - 46_802 * v), byte(y + 116_130 * u)]
    }
}

#[cfg(test)]
mod tests {
    use core::array;

    use super::*;

    #[test]
    fn luminance_equals_the_division() {
        // Every sum that three bytes can give, and more: those between are quotients, too.
        for sum in 0..=1_275_000_u64 {
            assert_eq!((sum * 858_994) >> 32, 2 * sum / 10_000, "{sum}");
        }
        for colour in 0..1 << 24 {
            let [red, green, blue] = [colour >> 16, colour >> 8 & 255, colour & 255];
            let expected = (2126 * red + 7152 * green + 722 * blue) / 10_000;
            assert_eq!(luminance([red, green, blue]), expected);
        }
    }

    #[test]
    fn rgb565_widens_by_repeating_its_high_bits() {
        for pixel in 0..=u16::MAX {
            let [red, green, blue] = [pixel >> 11, pixel >> 5 & 63, pixel & 31].map(u32::from);
            let expected = [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2];
            assert_eq!(Rgb565::<true>::pixel(&pixel.to_be_bytes(), 0), expected);
            assert_eq!(Rgb565::<false>::pixel(&pixel.to_le_bytes(), 0), expected);
        }
    }

    /// Red, green and blue of a pixel, read alone.
    fn alone(format: PixelFormat, row: &[u8], x: usize) -> [u32; 3] {
        match format {
            PixelFormat::Grey => [row[x].into(); 3],
            PixelFormat::Yuv422 => Yuv422::pixel(row, x),
            PixelFormat::Rgb565 => Rgb565::<true>::pixel(row, x),
            PixelFormat::Rgb565Little => Rgb565::<false>::pixel(row, x),
            PixelFormat::Rgb888 => Rgb888::pixel(row, x),
        }
    }

    fn grey_alone(format: PixelFormat, row: &[u8], x: usize) -> u32 {
        match format {
            PixelFormat::Grey | PixelFormat::Yuv422 => row[format.pixel_bytes() * x].into(),
            _ => luminance(alone(format, row, x)),
        }
    }

    #[test]
    fn pairs_of_every_format_are_two_pixels() {
        let bytes: [u8; 252] = array::from_fn(|n| (n * 151 + n * n * 7) as u8);
        let halves = |left: u32, right: u32| left | right << 16;
        for format in PixelFormat::ALL {
            for width in [1, 2, 40] {
                let row = &bytes[..width * format.pixel_bytes()];
                for x in (0..width).filter(|_| width > 1 || format != PixelFormat::Yuv422) {
                    assert_eq!(pixel(format, row, x).map(u32::from), alone(format, row, x));
                    let [grey, colour] = [1, 3].map(|channels| fetch(format, channels));
                    let value = grey_alone(format, row, x);
                    assert_eq!(twice(format, grey, row, x).channels::<1>(), [halves(value, value)]);
                    if x + 1 == width {
                        continue;
                    }
                    assert_eq!(grey(row, x).channels::<1>(), [halves(value, grey_alone(format, row, x + 1))]);
                    let [left, right] = [alone(format, row, x), alone(format, row, x + 1)];
                    if format != PixelFormat::Grey {
                        assert_eq!(
                            colour(row, x).channels::<3>(),
                            array::from_fn(|c| halves(left[c], right[c]))
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn halves_of_pairs_are_joined() {
        let [a, b] = [Pair { main: 0x0001_0002, others: 0x0304_0506 }, Pair { main: 0x0007_0008, others: 0 }];
        assert_eq!(Pair::join(a, b), Pair { main: 0x0007_0002, others: 0x0506 });
        assert_eq!(a.twice(true), Pair { main: 0x0001_0001, others: 0x0304_0304 });
        assert_eq!(a.twice(false), Pair { main: 0x0002_0002, others: 0x0506_0506 });
        assert_eq!(a.channels::<3>(), [0x0004_0006, 0x0001_0002, 0x0003_0005]);
    }

    #[test]
    fn runs_of_every_format_are_converted() {
        let bytes: [u8; 252] = array::from_fn(|n| (n * 151 + n * n * 7) as u8);
        for format in PixelFormat::ALL {
            let row = &bytes[..40 * format.pixel_bytes()];
            for (x, count) in (0..40).flat_map(|x| (0..=40 - x).map(move |count| (x, count))) {
                let mut out = [0xa5; 120];
                convert::<1>(format, row, x, &mut out[..count]);
                for (n, byte) in out.iter().enumerate() {
                    let expected = if n < count { grey_alone(format, row, x + n) } else { 0xa5 };
                    assert_eq!(u32::from(*byte), expected, "{format:?} {x} {count}");
                }
                if format != PixelFormat::Grey {
                    convert::<3>(format, row, x, &mut out[..3 * count]);
                    for (n, pixel) in out[..3 * count].chunks_exact(3).enumerate() {
                        assert_eq!(pixel, alone(format, row, x + n).map(|channel| channel as u8));
                    }
                }
            }
        }
    }

    #[test]
    fn yuv422_equals_the_real_formula() {
        for (y, u, v) in
            (0..=255).flat_map(|y| (0..=255).flat_map(move |u| (0..=255).map(move |v| (y, u, v))))
        {
            let [luma, du, dv] = [f64::from(y), f64::from(u) - 128.0, f64::from(v) - 128.0];
            let exact = [luma + 1.402 * dv, luma - 0.344136 * du - 0.714136 * dv, luma + 1.772 * du];
            let found = Yuv422::pixel(&[y, u, 0, v], 0);
            for (found, exact) in found.into_iter().zip(exact) {
                assert!((f64::from(found) - exact.clamp(0.0, 255.0)).abs() < 0.502, "{y} {u} {v}");
            }
        }
    }
}
