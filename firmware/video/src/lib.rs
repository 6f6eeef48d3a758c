//! Recorded video as frames of a camera: files and streams `.y4m` (YUV4MPEG2), as ffmpeg and many other programs write them.
//!
//! A device and the simulator see the same pixels, because both read them here. All of it is integers.
//!
//! # What becomes of a picture
//!
//! * 4:2:2 and 4:2:0 become [`PixelFormat::Yuv422`]; a row of colours of 4:2:0 serves both of its rows. Grey stays grey.
//! * Samples of limited range, which a file has unless it says `XCOLORRANGE=FULL`, are stretched: see [`range`].
//! * The colours are those of ITU-R BT.601. Interlaced video is read as if it were not.

pub mod range;

use std::fmt;
use std::io::{self, BufRead, Read as _};
use std::time::Duration;

use format::PixelFormat;

/// Longest side in pixels.
pub const MAX_SIDE: u16 = 8192;
/// Longest line of parameters, in bytes.
const MAX_LINE: u64 = 1024;

/// Why video cannot be read.
#[derive(Debug)]
pub enum VideoError {
    /// The start is not that of YUV4MPEG2.
    Header,
    /// The samples are not 8 bits of 4:2:0, 4:2:2 or grey.
    Samples,
    /// A side is missing or longer than [`MAX_SIDE`], or the width is odd, which colours in pairs do not permit.
    Size,
    /// The stream ends in the middle of the frame with this number.
    Cut(u64),
    /// There is no frame where the one with this number should begin.
    Frame(u64),
    /// The stream cannot be read.
    Read(io::Error),
}

impl fmt::Display for VideoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => {
                write!(f, "this is no YUV4MPEG2 video; `ffmpeg -i VIDEO -pix_fmt yuv420p NEW.y4m` makes one")
            }
            Self::Samples => write!(
                f,
                "its samples are not 8 bits of 4:2:0, 4:2:2 or grey; `ffmpeg -i VIDEO -pix_fmt yuv420p NEW.y4m` makes them so"
            ),
            Self::Size => write!(
                f,
                "its sides must be 1 to {MAX_SIDE} pixels, and its width even; `ffmpeg -i VIDEO -vf scale=640:-2 NEW.y4m` \
                 makes it smaller"
            ),
            Self::Cut(number) => {
                write!(f, "it ends in the middle of frame {number}; record or copy it again")
            }
            Self::Frame(number) => {
                write!(f, "frame {number} does not begin where it should; record or copy it again")
            }
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VideoError {}

impl From<io::Error> for VideoError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// How colours are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Samples {
    Grey,
    /// 4:2:0: a pair of colours for two by two pixels.
    Quarter,
    /// 4:2:2: a pair of colours for two pixels beside each other.
    Half,
}

/// A video's header: what its frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels of a row.
    pub width: u16,
    /// Number of rows.
    pub height: u16,
    /// Time from a frame to the next: 1 ms to 10 s, whatever the header says; 40 ms if it says nothing.
    pub period: Duration,
    samples: Samples,
    is_full_range: bool,
}

/// Reads a line without its end. Returns how many bytes were read, which is 0 at the end of the stream.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let bytes = reader.take(MAX_LINE).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(bytes as u64)
}

/// A number of pixels.
fn side(digits: &str) -> Option<u16> {
    digits.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side))
}

/// The period of a rate such as `30000:1001` frames a second.
fn period(rate: &str) -> Option<Duration> {
    let (frames, seconds) = rate.split_once(':')?;
    let [frames, seconds] = [frames, seconds].map(|number| number.parse::<u32>().ok());
    let micros = (u64::from(seconds?) * 1_000_000).checked_div(frames?.into())?;
    Some(Duration::from_micros(micros.clamp(1_000, 10_000_000)))
}

impl Header {
    /// Reads a header from the start of a stream. Returns how many bytes it has, too.
    ///
    /// # Errors
    /// [`VideoError`], but [`VideoError::Cut`] and [`VideoError::Frame`].
    pub fn read(reader: &mut impl BufRead) -> Result<(Header, u64), VideoError> {
        let mut line = Vec::new();
        let bytes = read_line(reader, &mut line)?;
        let line = str::from_utf8(&line).map_err(|_| VideoError::Header)?;
        let parameters = line.strip_prefix("YUV4MPEG2 ").ok_or(VideoError::Header)?;
        let (mut width, mut height) = (None, None);
        let mut header = Header {
            width: 0,
            height: 0,
            period: Duration::from_millis(40),
            samples: Samples::Quarter,
            is_full_range: false,
        };
        for parameter in parameters.split(' ') {
            let Some(name) = parameter.chars().next() else { continue };
            let value = &parameter[name.len_utf8()..];
            match name {
                'W' => width = side(value),
                'H' => height = side(value),
                'F' => header.period = period(value).unwrap_or(header.period),
                'C' => {
                    header.samples = match value {
                        "mono" => Samples::Grey,
                        "420" | "420jpeg" | "420paldv" | "420mpeg2" => Samples::Quarter,
                        "422" => Samples::Half,
                        _ => return Err(VideoError::Samples),
                    }
                }
                'X' if value == "COLORRANGE=FULL" => header.is_full_range = true,
                // Interlacing, the shape of pixels, and what programs note for themselves.
                _ => {}
            }
        }
        (header.width, header.height) = width.zip(height).ok_or(VideoError::Size)?;
        if header.samples != Samples::Grey && !header.width.is_multiple_of(2) {
            return Err(VideoError::Size);
        }
        Ok((header, bytes))
    }

    /// Format of the frames' pixels.
    pub fn format(&self) -> PixelFormat {
        match self.samples {
            Samples::Grey => PixelFormat::Grey,
            Samples::Quarter | Samples::Half => PixelFormat::Yuv422,
        }
    }

    /// Bytes of a frame.
    pub fn frame_bytes(&self) -> usize {
        usize::from(self.width) * usize::from(self.height) * self.format().pixel_bytes()
    }

    /// Reads the next frame into `pixels`, rows without gaps. Returns how many bytes it has in the stream; `None` where the
    /// stream ends. `number` is the frame's, for errors.
    ///
    /// # Errors
    /// [`VideoError::Cut`], [`VideoError::Frame`], [`VideoError::Read`].
    pub fn read_frame(
        &self,
        reader: &mut impl BufRead,
        number: u64,
        pixels: &mut Vec<u8>,
    ) -> Result<Option<u64>, VideoError> {
        let mut line = Vec::new();
        let bytes = read_line(reader, &mut line)?;
        if bytes == 0 {
            return Ok(None);
        }
        if !line.strip_prefix(b"FRAME").is_some_and(|rest| rest.is_empty() || rest.starts_with(b" ")) {
            return Err(VideoError::Frame(number));
        }
        let [width, height] = [self.width, self.height].map(usize::from);
        let colours = match self.samples {
            Samples::Grey => 0,
            Samples::Quarter => width / 2 * height.div_ceil(2),
            Samples::Half => width / 2 * height,
        };
        let mut planes = vec![0; width * height + 2 * colours];
        reader.read_exact(&mut planes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => VideoError::Cut(number),
            _ => VideoError::Read(error),
        })?;
        let total = bytes + planes.len() as u64;
        let (luminance, rest) = planes.split_at(width * height);
        if self.samples == Samples::Grey {
            pixels.clear();
            pixels.extend_from_slice(luminance);
        } else {
            let (blue, red) = rest.split_at(colours);
            let rows_of_a_pair = if self.samples == Samples::Quarter { 2 } else { 1 };
            pixels.clear();
            pixels.reserve(self.frame_bytes());
            for (y, row) in luminance.chunks_exact(width).enumerate() {
                let start = y / rows_of_a_pair * (width / 2);
                let colours = blue[start..].iter().zip(&red[start..]);
                for (pair, (&blue, &red)) in row.chunks_exact(2).zip(colours) {
                    pixels.extend_from_slice(&[pair[0], blue, pair[1], red]);
                }
            }
        }
        if !self.is_full_range {
            range::stretch(pixels, self.format());
        }
        Ok(Some(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A video that an independent program wrote: these planes a frame.
    fn video(
        size: [usize; 2],
        samples: y4m::Colorspace,
        extension: Option<&str>,
        frames: &[[&[u8]; 3]],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut builder =
            y4m::encode(size[0], size[1], y4m::Ratio::new(30_000, 1001)).with_colorspace(samples);
        if let Some(extension) = extension {
            let extension = y4m::VendorExtensionString::new(extension.into()).unwrap();
            builder = builder.append_vendor_extension(extension);
        }
        let mut encoder = builder.write_header(&mut bytes).unwrap();
        for &frame in frames {
            encoder.write_frame(&y4m::Frame::new(frame, None)).unwrap();
        }
        bytes
    }

    fn all(mut bytes: &[u8]) -> Result<(Header, Vec<Vec<u8>>), VideoError> {
        let length = bytes.len() as u64;
        let (header, mut position) = Header::read(&mut bytes)?;
        let mut frames = Vec::new();
        let mut pixels = vec![0xa5; 3];
        while let Some(bytes) = header.read_frame(&mut bytes, frames.len() as u64, &mut pixels)? {
            position += bytes;
            assert_eq!(pixels.len(), header.frame_bytes());
            frames.push(pixels.clone());
        }
        assert_eq!(position, length);
        Ok((header, frames))
    }

    const FULL: Option<&str> = Some("COLORRANGE=FULL");

    #[test]
    fn rows_of_colours_serve_one_row_or_two() {
        let luminance = [1, 2, 3, 4, 5, 6];
        let quarter = video([2, 3], y4m::Colorspace::C420jpeg, FULL, &[[&luminance, &[7, 8], &[9, 10]]]);
        let (header, frames) = all(&quarter).unwrap();
        assert_eq!((header.width, header.height, header.format()), (2, 3, PixelFormat::Yuv422));
        assert_eq!(header.period, Duration::from_micros(33_366));
        assert_eq!(frames, [[1, 7, 2, 9, 3, 7, 4, 9, 5, 8, 6, 10]]);
        let half = video([2, 3], y4m::Colorspace::C422, FULL, &[[&luminance, &[7, 8, 9], &[10, 11, 12]]]);
        assert_eq!(all(&half).unwrap().1, [[1, 7, 2, 10, 3, 8, 4, 11, 5, 9, 6, 12]]);
    }

    #[test]
    fn grey_video_may_be_of_odd_width_and_has_as_many_frames_as_were_written() {
        let bytes =
            video([3, 1], y4m::Colorspace::Cmono, FULL, &[[&[1, 2, 3], &[], &[]], [&[4, 5, 6], &[], &[]]]);
        let (header, frames) = all(&bytes).unwrap();
        assert_eq!(header.format(), PixelFormat::Grey);
        assert_eq!(frames, [[1, 2, 3], [4, 5, 6]]);
    }

    #[test]
    fn limited_range_is_stretched_unless_the_file_says_that_it_is_full() {
        let frame: [[&[u8]; 3]; 1] = [[&[16, 235], &[240], &[16]]];
        for extension in [None, Some("COLORRANGE=LIMITED")] {
            let bytes = video([2, 1], y4m::Colorspace::C422, extension, &frame);
            assert_eq!(all(&bytes).unwrap().1, [[0, 255, 255, 1]]);
        }
        let bytes = video([2, 1], y4m::Colorspace::C422, FULL, &frame);
        assert_eq!(all(&bytes).unwrap().1, [[16, 240, 235, 16]]);
    }

    #[test]
    fn headers_without_colours_or_rate_have_defaults_and_notes_are_skipped() {
        let bytes = b"YUV4MPEG2 H2 W2 Ip A1:1 Xnote  F0:0\nFRAME Ip\n\x10\x10\x10\x10\x80\x80";
        let (header, frames) = all(bytes).unwrap();
        assert_eq!(header.period, Duration::from_millis(40));
        assert_eq!(frames, [[0, 128, 0, 128, 0, 128, 0, 128]]);
    }

    #[test]
    fn what_is_no_video_is_told() {
        let said = |bytes: &[u8]| all(bytes).unwrap_err();
        assert!(matches!(said(b""), VideoError::Header));
        assert!(matches!(said(b"RIFF....AVI \n"), VideoError::Header));
        assert!(matches!(said(b"YUV4MPEG2 \xff\n"), VideoError::Header));
        assert!(matches!(said(&[b'Y'; 5000]), VideoError::Header));
        assert!(matches!(said(b"YUV4MPEG2 W2 H2 C444\n"), VideoError::Samples));
        assert!(matches!(said(b"YUV4MPEG2 W2 H2 C420p10\n"), VideoError::Samples));
        for wrong in ["W2", "W3 H2", "W0 H2 Cmono", "W99999999999999999999 H2", "W2 H8193", "W2 H-2"] {
            assert!(matches!(said(format!("YUV4MPEG2 {wrong}\n").as_bytes()), VideoError::Size), "{wrong}");
        }
        let frame: [&[u8]; 3] = [&[1, 2], &[3], &[4]];
        let two = video([2, 1], y4m::Colorspace::C422, FULL, &[frame; 2]);
        assert!(matches!(said(&two[..two.len() - 1]), VideoError::Cut(1)));
        assert!(matches!(said(&[&two[..], b"FRAMES\n"].concat()), VideoError::Frame(2)));
    }
}
