//! Reads pixels of each format as channels, one pixel or two neighbours at a time.

use format::preprocess::Colour;

use crate::frame::Format;

/// Reads pixels of a row in `C` channels: luminance, or red, green and blue.
pub(crate) trait Reader<const C: usize> {
    /// The channels of pixel `x`, each in 0..=255.
    fn pixel(row: &[u8], x: usize) -> [u32; C];

    /// The channels of the pixels `x` and `x + 1`: the left one in the lower half of a word, the right one in the upper.
    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; C] {
        join(Self::pixel(row, x), Self::pixel(row, x + 1))
    }
}

/// Two pixels in the halves of words.
#[inline(always)]
pub(crate) fn join<const C: usize>(left: [u32; C], right: [u32; C]) -> [u32; C] {
    let mut pair = left;
    for channel in 0..C {
        pair[channel] |= right[channel] << 16;
    }
    pair
}

/// What is to be done with pixels, whatever their format.
pub(crate) trait Task {
    /// Does it with pixels that `R` reads.
    fn run<const C: usize, R: Reader<C>>(self);
}

/// Runs a task with the reader of a format. Grey frames have one channel, whatever the wanted colour.
pub(crate) fn read(format: Format, colour: Colour, task: impl Task) {
    match (format, colour) {
        (Format::Grey, _) => task.run::<1, Grey>(),
        (Format::Yuv422, Colour::Grey) => task.run::<1, Y>(),
        (Format::Yuv422, _) => task.run::<3, Yuv422>(),
        (Format::Rgb565, Colour::Grey) => task.run::<1, Luminance<Rgb565<true>>>(),
        (Format::Rgb565, _) => task.run::<3, Rgb565<true>>(),
        (Format::Rgb565Little, Colour::Grey) => task.run::<1, Luminance<Rgb565<false>>>(),
        (Format::Rgb565Little, _) => task.run::<3, Rgb565<false>>(),
        (Format::Rgb888, Colour::Grey) => task.run::<1, Luminance<Rgb888>>(),
        (Format::Rgb888, _) => task.run::<3, Rgb888>(),
    }
}

/// Writes pixels `0..` of a row in the order of bytes that `colour` names. One channel is written to all bytes of a
/// pixel.
#[inline(always)]
pub(crate) fn put<const C: usize>(out: &mut [u8], colour: Colour, mut pixel: impl FnMut(usize) -> [u32; C]) {
    if C == 3 {
        for (x, out) in out.chunks_exact_mut(3).enumerate() {
            let values = pixel(x);
            out.iter_mut().zip(values).for_each(|(byte, value)| *byte = value as u8);
        }
        if colour == Colour::Bgr {
            out.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
        }
    } else {
        let count = out.len() / colour.channels();
        for (x, byte) in out[..count].iter_mut().enumerate() {
            *byte = pixel(x)[0] as u8;
        }
        if colour != Colour::Grey {
            spread(out);
        }
    }
}

/// Gives each pixel three bytes, from one byte for each pixel at the start of the row.
fn spread(out: &mut [u8]) {
    // From the last pixel on, so that no byte is overwritten before it is read.
    for x in (0..out.len() / 3).rev() {
        let value = out[x];
        out[3 * x..3 * x + 3].fill(value);
    }
}

/// Red, green and blue of pixel `x`.
pub(crate) fn pixel(format: Format, row: &[u8], x: usize) -> [u8; 3] {
    let channels = match format {
        Format::Grey => [Grey::pixel(row, x)[0]; 3],
        Format::Yuv422 => Yuv422::pixel(row, x),
        Format::Rgb565 => Rgb565::<true>::pixel(row, x),
        Format::Rgb565Little => Rgb565::<false>::pixel(row, x),
        Format::Rgb888 => Rgb888::pixel(row, x),
    };
    channels.map(|channel| channel as u8)
}

/// `(2126 red + 7152 green + 722 blue) / 10000`, rounded down, as the host's `image` crate computes it.
#[inline(always)]
pub(crate) const fn luminance([red, green, blue]: [u32; 3]) -> u32 {
    // Half of each number. 858994 is 2³² / 5000 rounded up, by 2704 / 5000; the quotient is exact as long as the dividend
    // times 2704 is below 2³² (Granlund and Montgomery, PLDI 1994, theorem 4.2), and the dividend is at most 1,275,000.
    let sum = 1063 * red + 3576 * green + 361 * blue;
    ((sum as u64 * 858_994) >> 32) as u32
}

struct Grey;

impl Reader<1> for Grey {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 1] {
        [row[x].into()]
    }
}

/// Luminance of a colour.
struct Luminance<R>(R);

impl<R: Reader<3>> Reader<1> for Luminance<R> {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 1] {
        [luminance(R::pixel(row, x))]
    }

    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 1] {
        let [red, green, blue] = R::pair(row, x);
        let left = luminance([red & 0xffff, green & 0xffff, blue & 0xffff]);
        [left | luminance([red >> 16, green >> 16, blue >> 16]) << 16]
    }
}

struct Rgb888;

impl Reader<3> for Rgb888 {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        let pixel = &row[3 * x..3 * x + 3];
        [pixel[0].into(), pixel[1].into(), pixel[2].into()]
    }

    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 3] {
        let pixels = &row[3 * x..3 * x + 6];
        let both = |left: u8, right: u8| u32::from(left) | u32::from(right) << 16;
        [both(pixels[0], pixels[3]), both(pixels[1], pixels[4]), both(pixels[2], pixels[5])]
    }
}

/// RGB565; `true` if the byte with red is first.
struct Rgb565<const IS_BIG: bool>;

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

impl<const IS_BIG: bool> Reader<3> for Rgb565<IS_BIG> {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        let bytes = &row[2 * x..2 * x + 2];
        let pixel = u16::from_le_bytes([bytes[0], bytes[1]]);
        Self::widen(if IS_BIG { pixel.swap_bytes() } else { pixel }.into())
    }

    #[inline(always)]
    fn pair(row: &[u8], x: usize) -> [u32; 3] {
        let bytes = &row[2 * x..2 * x + 4];
        let pixels = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        Self::widen(if IS_BIG { pixels.swap_bytes().rotate_left(16) } else { pixels })
    }
}

/// Y of YUV422.
struct Y;

impl Reader<1> for Y {
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 1] {
        [row[2 * x].into()]
    }
}

struct Yuv422;

impl Reader<3> for Yuv422 {
    /// ITU-T T.871, section 7, with coefficients in Q16: `R = Y + 1.402 (V − 128)`,
    /// `G = Y − 0.344136 (U − 128) − 0.714136 (V − 128)`, `B = Y + 1.772 (U − 128)`, rounded half up.
    #[inline(always)]
    fn pixel(row: &[u8], x: usize) -> [u32; 3] {
        let pair = &row[4 * (x / 2)..4 * (x / 2) + 4];
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

    fn pairs_are_two_pixels<const C: usize, R: Reader<C>>(bytes_of_pixels: usize) {
        let row: [u8; 252] = array::from_fn(|n| (n * 151 + n * n * 7) as u8);
        for x in 0..252 / bytes_of_pixels - 1 {
            assert_eq!(R::pair(&row, x), join(R::pixel(&row, x), R::pixel(&row, x + 1)));
        }
    }

    #[test]
    fn pairs_of_every_format_are_two_pixels() {
        pairs_are_two_pixels::<1, Grey>(1);
        pairs_are_two_pixels::<1, Y>(2);
        pairs_are_two_pixels::<3, Yuv422>(2);
        pairs_are_two_pixels::<3, Rgb565<true>>(2);
        pairs_are_two_pixels::<3, Rgb565<false>>(2);
        pairs_are_two_pixels::<3, Rgb888>(3);
        pairs_are_two_pixels::<1, Luminance<Rgb565<true>>>(2);
        pairs_are_two_pixels::<1, Luminance<Rgb888>>(3);
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
