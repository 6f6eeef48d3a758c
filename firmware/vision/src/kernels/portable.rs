//! The definition of every kernel.

use crate::pixels::{Reader, Rgb565, Rgb888, fetch, luminance, luminances};
use format::PixelFormat;

/// Luminance of pixels: of a colour as [`crate::Frame::row`] defines it, Y of YUV422, grey as it is.
/// `pixels` has the length of the pixels of `out`.
pub fn grey(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    debug_assert_eq!(pixels.len(), out.len() * format.pixel_bytes());
    match format {
        PixelFormat::Grey => out.iter_mut().zip(pixels).for_each(|(out, &pixel)| *out = pixel),
        PixelFormat::Yuv422 => {
            out.iter_mut().zip(pixels.chunks_exact(2)).for_each(|(out, pixel)| *out = pixel[0])
        }
        PixelFormat::Rgb565 => luminance_of::<Rgb565<true>>(pixels, out),
        PixelFormat::Rgb565Little => luminance_of::<Rgb565<false>>(pixels, out),
        PixelFormat::Rgb888 => luminance_of::<Rgb888>(pixels, out),
    }
}

fn luminance_of<R: Reader>(pixels: &[u8], out: &mut [u8]) {
    let count = out.len();
    for (number, pair) in out.chunks_exact_mut(2).enumerate() {
        let [left, right] = luminances(R::pair(pixels, 2 * number));
        pair.copy_from_slice(&[left as u8, right as u8]);
    }
    if count % 2 == 1
        && let Some(last) = out.last_mut()
    {
        *last = luminance(R::pixel(pixels, count - 1)) as u8;
    }
}

/// Red, green and blue of an even number of pixels, in bytes; of YUV422 from the left pixel of a pair on. Lengths agree, and
/// pixels are not grey.
pub fn colours(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    debug_assert!(are_colours(format, pixels, out));
    let fetch = fetch(format, 3);
    for (number, pair) in out.chunks_exact_mut(6).enumerate() {
        let channels = fetch(pixels, 2 * number).channels::<3>();
        for channel in 0..3 {
            pair[channel] = channels[channel] as u8;
            pair[3 + channel] = (channels[channel] >> 16) as u8;
        }
    }
}

/// The conditions of [`colours`].
fn are_colours(format: PixelFormat, pixels: &[u8], out: &[u8]) -> bool {
    format != PixelFormat::Grey
        && out.len().is_multiple_of(6)
        && 3 * pixels.len() == out.len() * format.pixel_bytes()
}

/// Means of two by two pixels of `C` bytes, rounded half up. The rows have twice as many pixels as `out`.
pub fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
    debug_assert!(rows.iter().all(|row| row.len() == 2 * out.len()) && out.len().is_multiple_of(C));
    let [above, below] = rows.map(|row| row.chunks_exact(2 * C));
    for ((above, below), out) in above.zip(below).zip(out.chunks_exact_mut(C)) {
        for channel in 0..C {
            let sum = |row: &[u8]| u32::from(row[channel]) + u32::from(row[C + channel]);
            out[channel] = ((sum(above) + sum(below) + 2) >> 2) as u8;
        }
    }
}
