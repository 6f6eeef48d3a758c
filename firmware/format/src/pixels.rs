//! Pixel formats of cameras' frames.

use serde::{Deserialize, Serialize};

/// How a camera's pixels lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelFormat {
    /// Two bytes: five bits red, six green, five blue; the byte with red first, as OV cameras send it.
    Rgb565,
    /// As [`Self::Rgb565`], with the byte with blue first.
    Rgb565Little,
    /// Four bytes for two pixels: Y of the left pixel, U, Y of the right pixel, V. BT.601, full range. The width is even.
    Yuv422,
    /// Three bytes: red, green, blue.
    Rgb888,
    /// One luminance byte.
    Grey,
}

impl PixelFormat {
    /// All formats.
    pub const ALL: [PixelFormat; 5] = [
        PixelFormat::Rgb565,
        PixelFormat::Rgb565Little,
        PixelFormat::Yuv422,
        PixelFormat::Rgb888,
        PixelFormat::Grey,
    ];

    /// Name in commands and files.
    pub const fn name(self) -> &'static str {
        match self {
            PixelFormat::Rgb565 => "rgb565",
            PixelFormat::Rgb565Little => "rgb565le",
            PixelFormat::Yuv422 => "yuv422",
            PixelFormat::Rgb888 => "rgb888",
            PixelFormat::Grey => "grey",
        }
    }

    /// Bytes of a pixel.
    pub const fn pixel_bytes(self) -> usize {
        match self {
            PixelFormat::Rgb565 | PixelFormat::Rgb565Little | PixelFormat::Yuv422 => 2,
            PixelFormat::Rgb888 => 3,
            PixelFormat::Grey => 1,
        }
    }
}
