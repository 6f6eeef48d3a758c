//! Frames as cameras send them: from photos, from videos, or from files of raw video.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use format::PixelFormat;
use format::preprocess::Colour;
use image::RgbImage;
use link::message::Attention;
use video::{Header, VideoError};
use vision::Frame;
use vision::frame::MAX_SIDE;

use super::frames::{FRAME, fitted, frame};
use crate::photo;
use crate::usage::ensure_use;

/// What a format is, in a few words.
pub const fn meaning(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Rgb565 => "Two bytes, the one with red first, as OV cameras send it",
        PixelFormat::Rgb565Little => "The same with the byte with blue first",
        PixelFormat::Yuv422 => "Y, U, Y, V for two pixels",
        PixelFormat::Rgb888 => "Three bytes",
        PixelFormat::Grey => "One luminance byte",
    }
}

/// What a file's name ends in, in small letters.
fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase()
}

/// The format that a file's name ends in, if it is raw video.
fn raw_format(path: &Path) -> Option<PixelFormat> {
    let ending = ending(path);
    PixelFormat::ALL.into_iter().find(|format| format.name() == ending)
}

/// Frames of a video, one after another, in which a face must be found before it is examined.
pub const STEADY: u8 = 3;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Where it is from.
    pub name: String,
    /// Pixels of a row.
    pub width: u16,
    /// Number of rows.
    pub height: u16,
    /// Format of the pixels.
    pub format: PixelFormat,
    /// Its rows without gaps.
    pub pixels: Vec<u8>,
    /// Whether it follows the frame before.
    pub attention: Attention,
    /// Whether it is the first of a video: the face of another one is not followed into it.
    pub is_first: bool,
}

impl Shot {
    /// A frame that shows this picture and stands alone.
    ///
    /// # Errors
    /// When the picture is larger than a frame may be.
    pub fn new(name: &str, picture: &RgbImage, format: PixelFormat) -> Result<Self> {
        let pixels = encode(picture, format)?;
        let [width, height] = [picture.width(), picture.height()].map(|side| side as u16);
        Ok(Shot {
            name: name.to_string(),
            width,
            height,
            format,
            pixels,
            attention: Attention::Photo,
            is_first: true,
        })
    }

    /// A frame with a whole photo in its middle.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_photo(name: &str, photo: &RgbImage, format: PixelFormat) -> Result<Self> {
        Self::new(name, &fitted(photo), format)
    }

    /// A frame of a video.
    fn of_video(
        path: &Path,
        number: u64,
        [width, height]: [u16; 2],
        format: PixelFormat,
        pixels: Vec<u8>,
    ) -> Result<Self> {
        let shot = Shot {
            name: format!("{} frame {number}", path.display()),
            width,
            height,
            format,
            pixels,
            attention: Attention::Video { steady: STEADY },
            is_first: number == 0,
        };
        shot.frame()?;
        Ok(shot)
    }

    /// The frame's pixels.
    ///
    /// # Errors
    /// When they are not a frame.
    pub fn frame(&self) -> Result<Frame<'_>> {
        let stride = usize::from(self.width) * self.format.pixel_bytes();
        Frame::new_checked(&self.pixels, self.width, self.height, stride, self.format)
            .map_err(|error| anyhow!("{}: {error}", self.name))
    }
}

/// A picture's pixels in a camera's format, rows without gaps. Two pixels of YUV422 share their mean colour.
///
/// # Errors
/// When the picture is larger than a frame may be, or its width is odd for YUV422.
pub fn encode(picture: &RgbImage, format: PixelFormat) -> Result<Vec<u8>> {
    let frame = frame(picture)?;
    let rounded = |value: u8, most: u32| (u32::from(value) * most + 127) / 255;
    let packed = |pixel: &image::Rgb<u8>| {
        let [red, green, blue] = pixel.0;
        (rounded(red, 31) << 11 | rounded(green, 63) << 5 | rounded(blue, 31)) as u16
    };
    Ok(match format {
        PixelFormat::Rgb888 => picture.as_raw().clone(),
        PixelFormat::Rgb565 => picture.pixels().flat_map(|pixel| packed(pixel).to_be_bytes()).collect(),
        PixelFormat::Rgb565Little => picture.pixels().flat_map(|pixel| packed(pixel).to_le_bytes()).collect(),
        PixelFormat::Grey => {
            let width = usize::from(frame.width());
            let mut pixels = vec![0; width * usize::from(frame.height())];
            for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
                frame.row(y as u16, Colour::Grey, row);
            }
            pixels
        }
        PixelFormat::Yuv422 => {
            ensure!(
                frame.width() % 2 == 0,
                "YUV422 stores pixels in pairs, but the width is {}",
                frame.width()
            );
            picture.as_raw().chunks_exact(6).flat_map(yuv).collect()
        }
    })
}

/// Two pixels as Y, U, Y, V (ITU-R BT.601, full range).
fn yuv(pair: &[u8]) -> [u8; 4] {
    let weighted = |pixel: &[u8], weights: [i32; 3]| -> i32 {
        pixel.iter().zip(weights).map(|(&value, weight)| i32::from(value) * weight).sum()
    };
    let (left, right) = pair.split_at(3);
    let luminance = |pixel| ((weighted(pixel, [77, 150, 29]) + 128) >> 8) as u8;
    let colour = |weights| {
        let both = weighted(left, weights) + weighted(right, weights);
        ((both + 256 * 256 + 256) >> 9).clamp(0, 255) as u8
    };
    [luminance(left), colour([-43, -85, 128]), luminance(right), colour([128, -107, -21])]
}

/// What is taken of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Format of frames made from photos, RGB565 without; and of raw video, without the one that its name ends in.
    pub format: Option<PixelFormat>,
    /// Height and width of raw video; QVGA without.
    pub size: Option<[usize; 2]>,
}

/// A frame that is not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// A photo.
    Photo(PathBuf, PixelFormat),
    /// One of the frames in a file of raw video.
    Raw {
        /// The file.
        path: PathBuf,
        /// Number of the frame.
        number: u64,
        /// Height and width.
        size: [u16; 2],
        /// Format of the pixels.
        format: PixelFormat,
    },
    /// One of the frames in a video `.y4m`.
    Recorded {
        /// The file.
        path: PathBuf,
        /// Number of the frame.
        number: u64,
        /// Where it begins, in bytes.
        start: u64,
        /// The file's header.
        header: Header,
    },
}

/// The frames of files and folders: a photo is a frame, a folder has photos, a video has many frames.
///
/// # Errors
/// When a folder has no photos, a video is damaged, raw video does not consist of whole frames, or a size is given and there is no raw video. Where
/// `is_strict`, when a folder cannot be read.
pub fn takes(paths: &[PathBuf], wanted: &Settings, is_strict: bool) -> Result<Vec<Take>> {
    ensure_use(wanted.size.is_none() || paths.iter().any(|path| raw_format(path).is_some()), || {
        let names: Vec<String> =
            PixelFormat::ALL.iter().map(|format| format!(".{}", format.name())).collect();
        format!("--frame-size is for raw video, whose files end in {}; here is none", names.join(", "))
    })?;
    let mut takes = Vec::new();
    let format = wanted.format.unwrap_or(PixelFormat::Rgb565);
    for path in paths {
        if path.is_dir() {
            takes.extend(
                photo::folder::list(path)?
                    .checked(is_strict)?
                    .told()
                    .into_iter()
                    .map(|path| Take::Photo(path, format)),
            );
            continue;
        }
        if ending(path) == "y4m" {
            takes.extend(recorded(path)?);
            continue;
        }
        match raw_format(path) {
            Some(format) => takes.extend(raw_video(path, wanted.format.unwrap_or(format), wanted.size)?),
            None => takes.push(Take::Photo(path.clone(), format)),
        }
    }
    Ok(takes)
}

/// The frames of a video. Reads all of it, as only that tells where they are.
fn recorded(path: &Path) -> Result<Vec<Take>> {
    let file = path.display();
    let mut reader = BufReader::new(File::open(path).with_context(|| format!("cannot read {file}"))?);
    let explained = |error: VideoError| anyhow!("{file}: {error}");
    let (header, mut start) = Header::read(&mut reader).map_err(explained)?;
    let (mut takes, mut pixels) = (Vec::new(), Vec::new());
    for number in 0.. {
        let bytes = header.read_frame(&mut reader, number, &mut pixels).map_err(explained)?;
        let Some(bytes) = bytes else { break };
        takes.push(Take::Recorded { path: path.to_path_buf(), number, start, header });
        start += bytes;
    }
    ensure!(!takes.is_empty(), "{file} has no frames");
    Ok(takes)
}

/// The frames of raw video.
fn raw_video(path: &Path, format: PixelFormat, size: Option<[usize; 2]>) -> Result<Vec<Take>> {
    let file = path.display();
    let [height, width] = size.unwrap_or([FRAME[1] as usize, FRAME[0] as usize]);
    let most = usize::from(MAX_SIDE);
    ensure_use((1..=most).contains(&height) && (1..=most).contains(&width), || {
        format!("--frame-size {height}x{width}: a frame has 1 to {MAX_SIDE} pixels a side")
    })?;
    let frame_bytes = (height * width * format.pixel_bytes()) as u64;
    let bytes = std::fs::metadata(path).with_context(|| format!("cannot read {file}"))?.len();
    ensure!(
        bytes > 0 && bytes.is_multiple_of(frame_bytes),
        "{file} has {bytes} bytes, which are no whole frames of {height}×{width} pixels ({frame_bytes} bytes each): give \
         --frame-size HEIGHTxWIDTH, and --frame-format if its name does not end in the format"
    );
    let size = [height as u16, width as u16];
    let take = |number| Take::Raw { path: path.to_path_buf(), number, size, format };
    Ok((0..bytes / frame_bytes).map(take).collect())
}

impl Take {
    /// Reads it.
    ///
    /// # Errors
    /// When the file cannot be read, or is no photo.
    pub fn read(&self) -> Result<Shot> {
        match self {
            Take::Photo(path, format) => {
                Shot::of_photo(&path.display().to_string(), &photo::load(path)?, *format)
            }
            Take::Raw { path, number, size: [height, width], format } => {
                let mut pixels = vec![0; usize::from(*height) * usize::from(*width) * format.pixel_bytes()];
                let start = number * pixels.len() as u64;
                File::open(path)
                    .and_then(|mut file| {
                        file.seek(SeekFrom::Start(start))?;
                        file.read_exact(&mut pixels)
                    })
                    .with_context(|| format!("cannot read frame {number} of {}", path.display()))?;
                Shot::of_video(path, *number, [*width, *height], *format, pixels)
            }
            Take::Recorded { path, number, start, header } => {
                let unread = || format!("cannot read frame {number} of {}", path.display());
                let mut file = File::open(path).with_context(unread)?;
                file.seek(SeekFrom::Start(*start)).with_context(unread)?;
                let mut pixels = Vec::new();
                header
                    .read_frame(&mut BufReader::new(file), *number, &mut pixels)
                    .map_err(|error| anyhow!("{}: {error}", path.display()))?
                    .with_context(unread)?;
                Shot::of_video(path, *number, [header.width, header.height], header.format(), pixels)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::is_wrong_use;

    #[test]
    fn pixels_come_back_nearly_as_they_were() {
        let picture = RgbImage::from_fn(32, 8, |x, y| {
            let x = x / 2;
            image::Rgb([(16 * x) as u8, (32 * y) as u8, (8 * (x + y)) as u8])
        });
        for format in PixelFormat::ALL {
            let shot = Shot::new("", &picture, format).unwrap();
            let frame = shot.frame().unwrap();
            let farthest = picture.enumerate_pixels().map(|(x, y, pixel)| {
                let expected = match format {
                    PixelFormat::Grey => {
                        let [r, g, b] = pixel.0.map(u32::from);
                        [((2126 * r + 7152 * g + 722 * b) / 10_000) as u8; 3]
                    }
                    _ => pixel.0,
                };
                let found = frame.pixel(x as u16, y as u16);
                expected.iter().zip(found).map(|(a, b)| a.abs_diff(b)).max().unwrap()
            });
            let farthest = farthest.max().unwrap();
            let most = match format {
                PixelFormat::Rgb888 => 0,
                PixelFormat::Grey => 1,
                PixelFormat::Rgb565 | PixelFormat::Rgb565Little => 4,
                PixelFormat::Yuv422 => 3,
            };
            assert!(farthest <= most, "{format:?}: {farthest}");
        }
    }

    #[test]
    fn raw_video_is_cut_into_frames_that_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.GREY");
        std::fs::write(&path, [0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        let wanted = Settings { size: Some([2, 2]), ..Settings::default() };
        let takes = takes(std::slice::from_ref(&path), &wanted, true).unwrap();
        let shots: Vec<Shot> = takes.iter().map(|take| take.read().unwrap()).collect();
        assert_eq!([&shots[0].pixels, &shots[1].pixels], [&[0, 1, 2, 3], &[4, 5, 6, 7]]);
        assert_eq!(shots[1].attention, Attention::Video { steady: STEADY });
        assert_eq!([shots[0].is_first, shots[1].is_first], [true, false]);
        let said = super::takes(&[path], &Settings::default(), true).unwrap_err().to_string();
        assert!(said.contains("8 bytes") && said.contains("--frame-size"), "{said}");
    }

    #[test]
    fn frames_of_a_video_are_read_in_any_order_and_a_cut_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.Y4M");
        let video =
            b"YUV4MPEG2 W2 H1 C422 XCOLORRANGE=FULL\nFRAME\n\x01\x02\x03\x04FRAME Ip\n\x05\x06\x07\x08";
        std::fs::write(&path, video).unwrap();
        let takes = takes(std::slice::from_ref(&path), &Settings::default(), true).unwrap();
        let shots: Vec<Shot> = takes.iter().rev().map(|take| take.read().unwrap()).collect();
        assert_eq!([&shots[0].pixels, &shots[1].pixels], [&[5, 7, 6, 8], &[1, 3, 2, 4]]);
        assert_eq!([shots[0].is_first, shots[1].is_first], [false, true]);
        assert_eq!((shots[0].width, shots[0].height, shots[0].format), (2, 1, PixelFormat::Yuv422));
        assert_eq!(shots[1].attention, Attention::Video { steady: STEADY });
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            super::takes(std::slice::from_ref(&path), &Settings::default(), true).unwrap_err().to_string()
        };
        assert!(said(&video[..video.len() - 1]).contains("v.Y4M: it ends in the middle of frame 1"));
        assert!(said(b"YUV4MPEG2 W2 H1\n").contains("has no frames"));
    }

    #[test]
    fn size_of_frames_without_raw_video_is_wrong_use() {
        let settings = Settings { size: Some([2, 2]), ..Settings::default() };
        let error = takes(&["photo.jpg".into()], &settings, false).unwrap_err();
        assert!(is_wrong_use(&error) && error.to_string().contains(".rgb565le"), "{error}");
    }
}
