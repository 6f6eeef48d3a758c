//! The kind of a file, told by its first bytes and not by its name.

use image::ImageFormat;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A photo that can be read.
    Photo(ImageFormat),
    /// Pictures in a format that is not read.
    Foreign(Foreign),
    /// Nothing known.
    Unknown,
}

/// A format that is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Its name, such as "a video".
    pub name: &'static str,
    /// How photos come out of it.
    pub remedy: &'static str,
}

/// Bytes at the beginning of a file that tell its kind.
pub const HEAD_BYTES: usize = 4096;
/// Formats that are read.
pub const READ: &str = "JPEG, PNG, WebP, BMP, TIFF, GIF, PNM";

const HEIC: Foreign = Foreign {
    name: "a HEIC photo, as iPhones make them",
    remedy: "convert it, as with `heif-convert a.heic a.jpg`, or let the phone save \"most compatible\" photos",
};
const AVIF: Foreign =
    Foreign { name: "an AVIF photo", remedy: "convert it, as with `heif-convert a.avif a.jpg`" };
const RAW: Foreign =
    Foreign { name: "a camera's raw photo", remedy: "develop it, as with `darktable-cli a.dng a.jpg`" };
const JPEG_XL: Foreign =
    Foreign { name: "a JPEG XL photo", remedy: "convert it, as with `djxl a.jxl a.jpg`" };
const JPEG_2000: Foreign =
    Foreign { name: "a JPEG 2000 photo", remedy: "convert it, as with `magick a.jp2 a.jpg`" };
const PDF: Foreign =
    Foreign { name: "a PDF", remedy: "take the pictures out of it, as with `pdfimages -j a.pdf a`" };
const VIDEO: Foreign = Foreign {
    name: "a video",
    remedy: "take pictures out of it, as with `ffmpeg -i a.mp4 -vf fps=1 a-%03d.jpg`",
};
const DRAWING: Foreign = Foreign { name: "a drawing", remedy: "save it as JPEG or PNG" };
const OTHER: Foreign = Foreign { name: "a picture in a rare format", remedy: "save it as JPEG or PNG" };
const ARCHIVE: Foreign = Foreign { name: "an archive", remedy: "unpack it" };
const PAGE: Foreign = Foreign { name: "a web page or XML", remedy: "download the picture itself" };
const POINTER: Foreign =
    Foreign { name: "a pointer of Git LFS", remedy: "fetch the photo with `git lfs pull`" };

/// Bytes at an offset of a file, and the format that has them there.
const MAGIC: &[(usize, &[u8], Foreign)] = &[
    (8, b"CR\x02", RAW),
    (6, b"HEAPCCDR", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),
    (0, b"FOVb", RAW),
    (0, b"\xff\x0a", JPEG_XL),
    (4, b"JXL \r\n\x87\n", JPEG_XL),
    (4, b"jP  \r\n\x87\n", JPEG_2000),
    (0, b"\xff\x4f\xff\x51", JPEG_2000),
    (0, b"%PDF", PDF),
    (0, b"8BPS", DRAWING),
    (0, b"%!PS", DRAWING),
    (0, b"PK\x03\x04", ARCHIVE),
    (0, b"\x1f\x8b", ARCHIVE),
    (8, b"AVI ", VIDEO),
    (0, b"\x1a\x45\xdf\xa3", VIDEO),
    (0, b"FLV\x01", VIDEO),
    (0, b"OggS", VIDEO),
    (0, b"\0\0\x01\xba", VIDEO),
    (0, b"\0\0\x01\xb3", VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (4, b"moov", VIDEO),
    (0, b"version https://git-lfs", POINTER),
];

/// The kind of a file. Its first [`HEAD_BYTES`] tell; more of them tell raw photos from TIFF better.
pub fn of(bytes: &[u8]) -> Content {
    if let Some(foreign) = of_brand(bytes) {
        return Content::Foreign(foreign);
    }
    let is_there = |&&(offset, magic, _): &&(usize, &[u8], Foreign)| {
        bytes.get(offset..).is_some_and(|bytes| bytes.starts_with(magic))
    };
    if let Some((.., foreign)) = MAGIC.iter().find(is_there) {
        return Content::Foreign(*foreign);
    }
    if is_page(bytes) {
        return Content::Foreign(PAGE);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Tiff) if is_raw(bytes) => Content::Foreign(RAW),
        Ok(format) if format.reading_enabled() => Content::Photo(format),
        Ok(_) => Content::Foreign(OTHER),
        Err(_) => Content::Unknown,
    }
}

/// Whether it is text with tags.
fn is_page(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).trim_start().to_ascii_lowercase();
    ["<!doctype", "<html", "<?xml", "<svg"].iter().any(|mark| start.starts_with(mark))
}

/// ISO media files say which in a box of brands (ISO/IEC 14496-12, section 4.3).
fn of_brand(bytes: &[u8]) -> Option<Foreign> {
    let size = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    let brands = bytes.get(8..size.min(bytes.len()))?;
    if bytes.get(4..8)? != b"ftyp" {
        return None;
    }
    let has = |known: &[&[u8]]| brands.chunks_exact(4).any(|brand| known.contains(&brand));
    Some(if has(&[b"avif", b"avis"]) {
        AVIF
    } else if has(&[b"crx "]) {
        RAW
    } else if has(&[b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"]) {
        HEIC
    } else {
        VIDEO
    })
}

/// Whether a TIFF file is raw data: the first of its pictures is then a thumbnail, or it has DNG's version.
fn is_raw(bytes: &[u8]) -> bool {
    const SUBFILE_TYPE: u16 = 254;
    const DNG_VERSION: u16 = 50706;
    let is_big = bytes.starts_with(b"MM");
    let word = |at: usize| -> Option<u16> {
        let pair = *bytes.get(at..)?.first_chunk()?;
        Some(if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let long = |at: usize| -> Option<u32> {
        let four = *bytes.get(at..)?.first_chunk()?;
        Some(if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    };
    let Some(directory) = long(4).and_then(|at| usize::try_from(at).ok()) else { return false };
    let entries = word(directory).map_or(0, usize::from);
    (0..entries).map(|entry| directory + 2 + 12 * entry).any(|at| match word(at) {
        Some(DNG_VERSION) => true,
        Some(SUBFILE_TYPE) => long(at + 8).is_some_and(|value| value & 1 == 1),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_bytes() {
        let tiff = |tag: u16, value: u8| {
            let mut bytes = b"II*\0\x08\0\0\0\x01\0".to_vec();
            bytes.extend(tag.to_le_bytes());
            bytes.extend([4, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0]);
            bytes
        };
        for (bytes, content) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], Content::Foreign(HEIC)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Content::Foreign(AVIF)),
            (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", Content::Foreign(RAW)),
            (b"\0\0\0\x18ftypisom\0\0\x02\0isommp41", Content::Foreign(VIDEO)),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Content::Foreign(VIDEO)),
            (b"RIFF\x10\0\0\0AVI LIST", Content::Foreign(VIDEO)),
            (b"II*\0\x10\0\0\0CR\x02\0", Content::Foreign(RAW)),
            (&tiff(254, 1), Content::Foreign(RAW)),
            (&tiff(50706, 1), Content::Foreign(RAW)),
            (&tiff(254, 0), Content::Photo(ImageFormat::Tiff)),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Content::Foreign(JPEG_XL)),
            (b"\xff\x0a\0\0", Content::Foreign(JPEG_XL)),
            (b"%PDF-1.7", Content::Foreign(PDF)),
            (b"version https://git-lfs.github.com/spec/v1\n", Content::Foreign(POINTER)),
            (b"qoif\0\0\0\x01", Content::Foreign(OTHER)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Content::Photo(ImageFormat::WebP)),
            (b"GIF89a", Content::Photo(ImageFormat::Gif)),
            (b"P5 2 2 255\n", Content::Photo(ImageFormat::Pnm)),
            (b"\xff\xd8\xff\xe0", Content::Photo(ImageFormat::Jpeg)),
            (b" <!DOCTYPE html>", Content::Foreign(PAGE)),
            (b"PK\x03\x04", Content::Foreign(ARCHIVE)),
            (b"notes", Content::Unknown),
            (b"", Content::Unknown),
        ] {
            assert_eq!(of(bytes), content, "{bytes:?}");
        }
    }
}
