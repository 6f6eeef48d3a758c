//! Kernels for cores with Helium, the M-profile vector extension: eight pixels at a time.
//!
//! Pixels are widened to 16 bits, and their luminance is computed there: an estimate that is right or one too small, then
//! the rest of the division tells which.

#[cfg(arm_helium)]
mod asm;
mod ops;

use format::PixelFormat;
use ops::Packing;

/// See [`super::portable::grey`].
///
/// # Panics
/// When `pixels` has another length than the pixels of `out`.
pub fn grey(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    assert_eq!(pixels.len(), out.len() * format.pixel_bytes());
    match format {
        _ if out.is_empty() => {}
        PixelFormat::Grey => out.copy_from_slice(pixels),
        PixelFormat::Yuv422 => ops::even(pixels, out),
        PixelFormat::Rgb565 => ops::luminance(Packing::Big, pixels, out),
        PixelFormat::Rgb565Little => ops::luminance(Packing::Little, pixels, out),
        PixelFormat::Rgb888 => ops::luminance(Packing::Bytes, pixels, out),
    }
}

/// See [`super::portable::colours`].
///
/// # Panics
/// When lengths do not agree, or pixels are grey.
pub fn colours(format: PixelFormat, pixels: &[u8], out: &mut [u8]) {
    assert!(super::portable::are_colours(format, pixels, out));
    match format {
        _ if out.is_empty() => {}
        PixelFormat::Yuv422 => ops::yuv_colours(pixels, out),
        PixelFormat::Rgb565 => ops::colours(Packing::Big, pixels, out),
        PixelFormat::Rgb565Little => ops::colours(Packing::Little, pixels, out),
        _ => out.copy_from_slice(pixels),
    }
}

/// See [`super::portable::halve`].
///
/// # Panics
/// When the rows do not have twice as many pixels as `out`.
pub fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
    if C == 1 && !out.is_empty() {
        return ops::halve(rows, out);
    }
    super::portable::halve::<C>(rows, out);
}
