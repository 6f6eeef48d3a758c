//! Photos from files: decoding, orientation, and bytes in the network's order.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::preprocess::{Colour, Preprocess};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

/// File name endings of the photos that can be read.
pub const EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// Reads a photo, upright as its EXIF orientation says, in colour (a grey one has three equal channels).
///
/// # Errors
/// Names the file, the cause and what to do.
pub fn load(path: &Path) -> Result<RgbImage> {
    let file = path.display();
    ensure!(!path.is_dir(), "{file} is a folder, not a photo");
    let bytes = std::fs::read(path).with_context(|| format!("cannot read photo {file}"))?;
    let decode = || -> Result<DynamicImage> {
        let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
        // The decoder makes up what is missing of a JPEG.
        ensure!(
            reader.format() != Some(ImageFormat::Jpeg) || is_whole_jpeg(&bytes),
            "it ends in the middle of its pixels"
        );
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    let image = decode().with_context(|| {
        format!("{file} is not a readable photo (JPEG, PNG, WebP or BMP); replace or remove it")
    })?;
    Ok(image.into_rgb8())
}

/// Whether the last scan of a JPEG comes to its end. Within a scan the two bytes that end it cannot occur.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    const SCAN: [u8; 2] = [0xff, 0xda];
    const END: [u8; 2] = [0xff, 0xd9];
    let scan = bytes.windows(2).rposition(|pair| pair == SCAN).unwrap_or(0);
    bytes[scan..].windows(2).any(|pair| pair == END)
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
    Ok(match preprocess.colour {
        Colour::Rgb => crop.as_raw().clone(),
        Colour::Bgr => crop.pixels().flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect(),
        Colour::Grey => DynamicImage::from(crop.clone()).into_luma8().into_raw(),
    })
}

/// Reads an aligned crop.
///
/// # Errors
/// As [`load`] and [`crop_bytes`], naming the file.
pub fn load_crop(path: &Path, preprocess: &Preprocess) -> Result<Vec<u8>> {
    crop_bytes(&load(path)?, preprocess).with_context(|| format!("cannot use {}", path.display()))
}

/// All photos in a folder and its subfolders, in order of their paths.
///
/// # Errors
/// When the folder cannot be read or holds none.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if is_photo(&path) {
                photos.push(path);
            }
        }
    }
    photos.sort();
    ensure!(!photos.is_empty(), "no photos in {} (JPEG, PNG, WebP or BMP are looked for)", folder.display());
    Ok(photos)
}

/// The people in a folder: a subfolder each, named after them, with their photos.
///
/// # Errors
/// When there are none, or one of them has no photo.
pub fn people(folder: &Path) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut people = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("the name of {} is not valid Unicode; rename the folder", path.display());
        };
        let photos: Vec<PathBuf> = entries(&path)?.into_iter().filter(|path| is_photo(path)).collect();
        ensure!(
            !photos.is_empty(),
            "{} has no photos; add one (JPEG, PNG, WebP or BMP) or remove the folder",
            path.display()
        );
        people.push((name.to_string(), photos));
    }
    ensure!(
        !people.is_empty(),
        "{} has no people: it needs a subfolder for each, such as {}",
        folder.display(),
        folder.join("Ada/1.jpg").display()
    );
    Ok(people)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut entries = read().with_context(|| format!("cannot read folder {}", folder.display()))?;
    entries.sort();
    Ok(entries)
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    path.is_file() && EXTENSIONS.contains(&&*extension.to_ascii_lowercase())
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
    fn person_without_photos_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Ada")).unwrap();
        let error = people(folder.path()).unwrap_err().to_string();
        assert!(error.contains("Ada"), "{error}");
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
}
