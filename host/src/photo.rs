//! Photos from files: decoding, orientation, and bytes in the network's order. [`folder`] finds them, [`content`] tells their formats.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use format::preprocess::{Colour, Preprocess};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use self::content::{Content, Foreign, READ};
use crate::output;

pub mod content;
pub mod folder;
mod jpeg;
mod png;
pub mod resize;

/// Most pixels of a photo: more than any camera makes.
pub const MOST_PIXELS: u64 = 200_000_000;
/// Pixels from which on a photo takes so long that this is said.
pub const LARGE_PIXELS: u64 = 50_000_000;
/// Most bytes of a photo's pixels.
pub const MOST_BYTES: u64 = 1 << 30;
/// Most bytes of a photo's file.
pub const MOST_FILE_BYTES: u64 = 512 << 20;

/// Reads a photo, upright as its EXIF orientation says, in 8 bits a channel of red, green and blue.
///
/// The content tells the format, whatever the name. A grey photo has three equal channels. Of sixteen bits the upper ones are kept.
/// Transparent pixels let white through. Colour profiles are not applied. Of an animation the first picture is taken.
///
/// # Errors
/// Names the file, the cause and what to do.
pub fn load(path: &Path) -> Result<RgbImage> {
    let file = path.display();
    ensure!(!path.is_dir(), "{file} is a folder, not a photo");
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read photo {file}"))?;
    ensure!(
        bytes.len() as u64 <= MOST_FILE_BYTES,
        "{file} has more than {} MB, a photo has less; make it smaller",
        MOST_FILE_BYTES >> 20
    );
    let format = match content::of(&bytes) {
        Content::Photo(format) => format,
        Content::Foreign(Foreign { name, remedy }) => bail!("{file} is {name}, which is not read; {remedy}"),
        Content::Unknown if bytes.is_empty() => bail!("{file} is an empty file; copy it anew or remove it"),
        Content::Unknown => bail!("{file} is not a photo ({READ}); replace or remove it"),
    };
    decode(&bytes, format, path)
        .with_context(|| format!("{file} is not a readable photo ({READ}); replace or remove it"))
}

fn decode(bytes: &[u8], format: ImageFormat, path: &Path) -> Result<RgbImage> {
    let whole = if format == ImageFormat::Png { png::ended(bytes) } else { Cow::Borrowed(bytes) };
    let mut decoder = ImageReader::with_format(Cursor::new(&*whole), format).into_decoder()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    ensure!(
        pixels <= MOST_PIXELS && decoder.total_bytes() <= MOST_BYTES,
        "it has {width}×{height} pixels, too many: at most {} million, or {} MB of them, are read; make it smaller",
        MOST_PIXELS / 1_000_000,
        MOST_BYTES >> 20
    );
    // The decoder makes up what is missing of a JPEG.
    ensure!(format != ImageFormat::Jpeg || jpeg::is_whole(bytes), "it ends in the middle of its pixels");
    if pixels >= LARGE_PIXELS {
        output::step(&format!(
            "{} has {} million pixels, which takes a while",
            path.display(),
            pixels / 1_000_000
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * MOST_BYTES);
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    // The end that was made up cannot be the reason: some pixels are missing.
    let decoded = DynamicImage::from_decoder(decoder);
    let mut image = match whole {
        Cow::Owned(_) => decoded.context("it ends in the middle of its pixels")?,
        Cow::Borrowed(_) => decoded?,
    };
    image.apply_orientation(orientation);
    Ok(if image.color().has_alpha() { on_white(&image) } else { image.into_rgb8() })
}

/// A picture whose transparent pixels let white through.
fn on_white(image: &DynamicImage) -> RgbImage {
    let mut opaque = RgbImage::new(image.width(), image.height());
    for (to, from) in opaque.pixels_mut().zip(image.to_rgba8().pixels()) {
        let [r, g, b, alpha] = from.0.map(u32::from);
        *to = Rgb([r, g, b].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8));
    }
    opaque
}

/// The bytes of an aligned crop as the network takes them, `[h][w][c]`.
///
/// # Errors
/// When the crop has another size.
pub fn crop_bytes(crop: &RgbImage, preprocess: &Preprocess) -> Result<Vec<u8>> {
    let (width, height) = (preprocess.width as u32, preprocess.height as u32);
    ensure!(
        crop.dimensions() == (width, height),
        "photo is {}×{}, the network takes aligned crops of {width}×{height} (width × height); \
         `host align` cuts them out of photos",
        crop.width(),
        crop.height()
    );
    let bytes = match preprocess.colour {
        Colour::Rgb => crop.as_raw().clone(),
        Colour::Bgr => crop.pixels().flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect(),
        Colour::Grey => DynamicImage::from(crop.clone()).into_luma8().into_raw(),
    };
    let mut pixels = bytes.chunks_exact(preprocess.colour.channels());
    let first = pixels.next();
    ensure!(
        pixels.any(|pixel| Some(pixel) != first),
        "photo has one colour everywhere, so that there is no face in it; replace or remove it"
    );
    Ok(bytes)
}

/// Reads an aligned crop.
///
/// # Errors
/// As [`load`] and [`crop_bytes`], naming the file.
pub fn load_crop(path: &Path, preprocess: &Preprocess) -> Result<Vec<u8>> {
    crop_bytes(&load(path)?, preprocess).with_context(|| format!("cannot use {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preprocess(colour: Colour) -> Preprocess {
        Preprocess { height: 1, width: 2, colour, mean: 127.5, scale: 128.0, template: [[0; 2]; 5] }
    }

    #[test]
    fn colour_order_is_the_networks() {
        let crop = RgbImage::from_raw(2, 1, vec![1, 2, 3, 40, 50, 60]).unwrap();
        assert_eq!(crop_bytes(&crop, &preprocess(Colour::Rgb)).unwrap(), [1, 2, 3, 40, 50, 60]);
        assert_eq!(crop_bytes(&crop, &preprocess(Colour::Bgr)).unwrap(), [3, 2, 1, 60, 50, 40]);
        assert_eq!(crop_bytes(&crop, &preprocess(Colour::Grey)).unwrap(), [2, 49]);
    }

    #[test]
    fn wrong_size_names_both_sizes() {
        let crop = RgbImage::new(3, 5);
        let error = crop_bytes(&crop, &preprocess(Colour::Rgb)).unwrap_err().to_string();
        assert!(error.contains("3×5") && error.contains("2×1"), "{error}");
    }

    #[test]
    fn unreadable_photo_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.jpg");
        std::fs::write(&path, b"not a photo").unwrap();
        let error = format!("{:#}", load(&path).unwrap_err());
        assert!(error.contains("broken.jpg"), "{error}");
    }

    #[test]
    fn grey_photo_has_three_equal_channels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grey.png");
        image::GrayImage::from_raw(2, 1, vec![7, 200]).unwrap().save(&path).unwrap();
        assert_eq!(load(&path).unwrap().into_raw(), [7, 7, 7, 200, 200, 200]);
    }

    #[test]
    fn exif_orientation_is_applied() {
        // Orientation 6: the camera was turned, the picture is to be rotated by 90 degrees clockwise.
        let mut jpeg = Vec::new();
        let picture =
            RgbImage::from_fn(16, 8, |x, _| if x < 8 { image::Rgb([255; 3]) } else { image::Rgb([0; 3]) });
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 100).encode_image(&picture).unwrap();
        let exif: &[u8] =
            b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let file = [&jpeg[..2], exif, &jpeg[2..]].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turned.jpg");
        std::fs::write(&path, file).unwrap();
        let upright = load(&path).unwrap();
        assert_eq!(upright.dimensions(), (8, 16));
        assert!(upright.get_pixel(4, 2)[0] > 200 && upright.get_pixel(4, 13)[0] < 50);
    }

    #[test]
    fn truncated_jpeg_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8])).save(&path).unwrap();
        assert_eq!(load(&path).unwrap().dimensions(), (64, 48));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - whole.len() / 3]).unwrap();
        assert!(format!("{:#}", load(&path).unwrap_err()).contains("ends in the middle"));
        std::fs::write(&path, [&*whole, b"what cameras append"].concat()).unwrap();
        assert!(load(&path).is_ok());
    }

    #[test]
    fn jpeg_without_its_end_is_taken_if_all_pixels_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.jpg");
        let picture = RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]));
        picture.save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let expected = load(&path).unwrap();
        std::fs::write(&path, whole.strip_suffix(&[0xff, 0xd9]).unwrap()).unwrap();
        assert_eq!(load(&path).unwrap(), expected);
        // A few bytes more, and the last pixels are gone.
        std::fs::write(&path, &whole[..whole.len() - 12]).unwrap();
        assert!(format!("{:#}", load(&path).unwrap_err()).contains("ends in the middle"));
    }

    #[test]
    fn photo_of_too_many_pixels_is_refused_before_it_is_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.png");
        let mut png = Vec::new();
        image::GrayImage::new(1, 1).write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        // The header says 30,000 × 30,000; its checksum is made right.
        png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        let checksum = png[12..29].iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        });
        png[29..33].copy_from_slice(&(!checksum).to_be_bytes());
        std::fs::write(&path, png).unwrap();
        let error = format!("{:#}", load(&path).unwrap_err());
        assert!(error.contains("30000×30000") && error.contains("200 million"), "{error}");
    }

    #[test]
    fn content_tells_the_format_whatever_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let picture = RgbImage::from_fn(16, 8, |x, y| image::Rgb([x as u8, y as u8, 9]));
        for format in [
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::Gif,
            ImageFormat::Pnm,
            ImageFormat::WebP,
        ] {
            let path = folder.path().join("photo.jpg");
            let mut file = Vec::new();
            picture.write_to(&mut Cursor::new(&mut file), format).unwrap();
            std::fs::write(&path, file).unwrap();
            assert_eq!(load(&path).unwrap().dimensions(), (16, 8), "{format:?}");
        }
    }

    #[test]
    fn other_formats_are_named_with_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, words) in [
            ("a.heic", &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
            ("a.jpg", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF"),
            ("a.jxl", b"\xff\x0a\0\0", "JPEG XL"),
            ("a.jpg", b"II*\0\x10\0\0\0CR\x02\0", "camera's raw"),
            ("a.jpg", b"MM\0*\0\0\0\x08\0\x01\0\xfe\0\x04\0\0\0\x01\0\0\0\x01", "camera's raw"),
            ("a.jpg", b"%PDF-1.7", "PDF"),
            ("a.mp4", b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
            ("a.jpg", b"<!DOCTYPE html>", "web page"),
            ("a.jpg", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            ("a.jpg", b"", "empty"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            let error = format!("{:#}", load(&path).unwrap_err());
            assert!(error.contains(words) && error.contains(name), "{error}");
        }
    }
}
