//! Frames: borrowed pixels with a stride.

use core::fmt;

use format::PixelFormat;
use format::preprocess::Colour;

use crate::pixels::{arrange, channels, convert, pixel};
use crate::place::Rect;

/// Longest side of a frame in pixels.
pub const MAX_SIDE: u16 = 8192;

/// Why pixels are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A side is zero or longer than [`MAX_SIDE`].
    Side(u16),
    /// YUV422 stores pixels in pairs, and the width is odd.
    OddWidth(u16),
    /// Rows are longer than the stride.
    Stride {
        /// Bytes of a row.
        needed: usize,
        /// The stride.
        given: usize,
    },
    /// Too few bytes.
    Truncated {
        /// Bytes needed: the last row may end without the stride's padding.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Side(side) => write!(f, "a side of {side} pixels is not in 1..={MAX_SIDE}"),
            Self::OddWidth(width) => write!(f, "YUV422 stores pixels in pairs, but the width is {width}"),
            Self::Stride { needed, given } => {
                write!(f, "a row has {needed} bytes, but the stride is {given}")
            }
            Self::Truncated { needed, given } => {
                write!(f, "the frame needs {needed} bytes, {given} were given")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Pixels of a camera, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pixels: &'a [u8],
    stride_bytes: usize,
    row_bytes: usize,
    width: u16,
    height: u16,
    format: PixelFormat,
}

impl<'a> Frame<'a> {
    /// Checks the measures of a frame: rows of `width` pixels, each `stride_bytes` after the one before, the top row
    /// first. Bytes after the last row are ignored.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn new_checked(
        pixels: &'a [u8],
        width: u16,
        height: u16,
        stride_bytes: usize,
        format: PixelFormat,
    ) -> Result<Self, FrameError> {
        if let Some(side) = [width, height].into_iter().find(|side| !(1..=MAX_SIDE).contains(side)) {
            return Err(FrameError::Side(side));
        }
        if format == PixelFormat::Yuv422 && width % 2 == 1 {
            return Err(FrameError::OddWidth(width));
        }
        let row_bytes = usize::from(width) * format.pixel_bytes();
        if stride_bytes < row_bytes {
            return Err(FrameError::Stride { needed: row_bytes, given: stride_bytes });
        }
        let needed = stride_bytes.saturating_mul(usize::from(height) - 1).saturating_add(row_bytes);
        if pixels.len() < needed {
            return Err(FrameError::Truncated { needed, given: pixels.len() });
        }
        Ok(Frame { pixels, stride_bytes, row_bytes, width, height, format })
    }

    /// Pixels of a row.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Number of rows.
    pub const fn height(&self) -> u16 {
        self.height
    }

    /// Format of the pixels.
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// The area of all pixels.
    pub const fn rect(&self) -> Rect {
        Rect {
            left: -128,
            top: -128,
            right: 256 * self.width as i32 - 128,
            bottom: 256 * self.height as i32 - 128,
        }
    }

    /// Row `y` in the wanted colour: `width · channels` bytes. A colour's grey is its luminance (ITU-R BT.709 weights on
    /// the bytes as they are, rounded down); YUV422's grey is Y. A grey pixel has equal channels.
    ///
    /// A row that the frame does not have, or an `out` of another length, leaves `out` as it is.
    pub fn row(&self, y: u16, colour: Colour, out: &mut [u8]) {
        if out.len() != usize::from(self.width) * colour.channels() || y >= self.height {
            return;
        }
        let row = self.bytes(y.into());
        match channels(self.format, colour) {
            1 => {
                convert::<1>(self.format, row, 0, out.get_mut(..self.width.into()).unwrap_or_default());
                arrange::<1>(out, colour);
            }
            _ => {
                convert::<3>(self.format, row, 0, out);
                arrange::<3>(out, colour);
            }
        }
    }

    /// Red, green and blue of a pixel. A grey pixel has equal channels. Pixels that the frame does not have are black.
    pub fn pixel(&self, x: u16, y: u16) -> [u8; 3] {
        pixel(self.format, self.bytes(y.into()), x.into())
    }

    /// All bytes from the rows `y` and `y + 1` on; none of rows that the frame does not have.
    #[inline(always)]
    pub(crate) fn two_rows(&self, y: usize) -> [&'a [u8]; 2] {
        let row = self.pixels.get(y * self.stride_bytes..).unwrap_or_default();
        [row, row.get(self.stride_bytes..).unwrap_or_default()]
    }

    /// The bytes of row `y`, without the stride's padding; none of a row that the frame does not have.
    #[inline(always)]
    pub(crate) fn bytes(&self, y: usize) -> &'a [u8] {
        let row = self.pixels.get(y * self.stride_bytes..).unwrap_or_default();
        row.get(..self.row_bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    /// Two pixels of each format, and their colours: RGB and luminance.
    type Case = (PixelFormat, &'static [u8], [[u8; 3]; 2], [u8; 2]);

    const CASES: [Case; 6] = [
        (PixelFormat::Rgb565, &[0xf8, 0x1f, 0x84, 0x10], [[255, 0, 255], [132, 130, 132]], [72, 130]),
        (PixelFormat::Rgb565Little, &[0x1f, 0xf8, 0x10, 0x84], [[255, 0, 255], [132, 130, 132]], [72, 130]),
        (PixelFormat::Rgb888, &[1, 2, 3, 250, 0, 5], [[1, 2, 3], [250, 0, 5]], [1, 53]),
        (PixelFormat::Grey, &[7, 200], [[7; 3], [200; 3]], [7, 200]),
        (PixelFormat::Yuv422, &[100, 128, 30, 128], [[100; 3], [30; 3]], [100, 30]),
        // Pure red is Y 76, U 85, V 255.
        (PixelFormat::Yuv422, &[76, 85, 255, 255], [[254, 0, 0], [255, 179, 179]], [76, 255]),
    ];

    #[test]
    fn rows_and_pixels_of_every_format() {
        for (format, bytes, [left, right], grey) in CASES {
            let frame = Frame::new_checked(bytes, 2, 1, bytes.len(), format).unwrap();
            assert_eq!([frame.pixel(0, 0), frame.pixel(1, 0)], [left, right], "{format:?}");
            let mut row = [0xa5; 6];
            frame.row(0, Colour::Rgb, &mut row);
            assert_eq!(row, *[left, right].as_flattened(), "{format:?}");
            frame.row(0, Colour::Bgr, &mut row);
            let reversed = [left, right].map(|[red, green, blue]| [blue, green, red]);
            assert_eq!(row, *reversed.as_flattened(), "{format:?}");
            let mut row = [0xa5; 2];
            frame.row(0, Colour::Grey, &mut row);
            assert_eq!(row, grey, "{format:?}");
        }
    }

    #[test]
    fn rows_start_at_multiples_of_the_stride() {
        for (format, bytes, [left, right], _) in CASES {
            let stride = bytes.len() + 3;
            let mut pixels = vec![0xa5; 2 * stride];
            pixels.extend(bytes);
            let frame = Frame::new_checked(&pixels, 2, 3, stride, format).unwrap();
            assert_eq!([frame.pixel(0, 2), frame.pixel(1, 2)], [left, right]);
            let truncated = Frame::new_checked(&pixels[1..], 2, 3, stride, format).unwrap_err();
            assert_eq!(truncated, FrameError::Truncated { needed: pixels.len(), given: pixels.len() - 1 });
        }
    }

    #[test]
    fn wrong_measures_are_refused() {
        let error = |width, height, stride, format| {
            Frame::new_checked(&[0; 64], width, height, stride, format).unwrap_err()
        };
        assert_eq!(error(0, 4, 8, PixelFormat::Grey), FrameError::Side(0));
        assert_eq!(error(4, 0, 8, PixelFormat::Grey), FrameError::Side(0));
        assert_eq!(error(8193, 1, 9000, PixelFormat::Grey), FrameError::Side(8193));
        assert_eq!(error(1, 8193, 1, PixelFormat::Grey), FrameError::Side(8193));
        assert_eq!(error(3, 1, 6, PixelFormat::Yuv422), FrameError::OddWidth(3));
        assert_eq!(error(4, 1, 7, PixelFormat::Rgb565), FrameError::Stride { needed: 8, given: 7 });
        assert_eq!(
            error(4, 8192, usize::MAX, PixelFormat::Grey),
            FrameError::Truncated { needed: usize::MAX, given: 64 }
        );
        assert!(Frame::new_checked(&[0; 8192], 8192, 1, 8192, PixelFormat::Grey).is_ok());
        assert!(Frame::new_checked(&[0; 4], 4, 1, usize::MAX, PixelFormat::Grey).is_ok());
    }
}
