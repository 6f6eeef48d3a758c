//! Kernels for cores with Helium, the M-profile vector extension: eight pixels at a time.
//!
//! Pixels are widened to 16 bits, and their luminance is computed there: an estimate that is right or one too small, then
//! the rest of the division tells which. What has no pixels, or lengths that do not agree, goes to the portable kernels.
//!
//! `ops` checks a loop's preconditions and calls it, `asm` has the loops.

#[cfg(arm_helium)]
mod asm;
mod ops;

use format::PixelFormat;
use ops::Packing;

use super::portable;

/// See [`portable::grey`].
pub fn grey(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    let made = match format {
        PixelFormat::Grey => ops::copy(pixels, out),
        PixelFormat::Yuv422 => ops::even(pixels, out),
        PixelFormat::Rgb565 => ops::luminance(Packing::Big, pixels, out),
        PixelFormat::Rgb565Little => ops::luminance(Packing::Little, pixels, out),
        PixelFormat::Rgb888 => ops::luminance(Packing::Bytes, pixels, out),
    };
    made.unwrap_or_else(|| portable::grey(format, pixels, out));
}

/// See [`portable::colours`].
pub fn colours(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    let made = match format {
        PixelFormat::Yuv422 => ops::yuv_colours(pixels, out),
        PixelFormat::Rgb565 => ops::colours(Packing::Big, pixels, out),
        PixelFormat::Rgb565Little => ops::colours(Packing::Little, pixels, out),
        PixelFormat::Rgb888 => ops::copy(pixels, out),
        PixelFormat::Grey => None,
    };
    made.unwrap_or_else(|| portable::colours(format, pixels, out));
}

/// See [`portable::halve`].
pub fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
    let made = if C == 1 { ops::halve(rows, out) } else { None };
    made.unwrap_or_else(|| portable::halve::<C>(rows, out));
}
