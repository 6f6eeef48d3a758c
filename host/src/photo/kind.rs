//! Files that are no photo that can be read: what they are, and what to do.

use std::path::Path;

/// What a file is that is given for a photo, and what helps; nothing for what decoders shall try.
pub fn of(bytes: &[u8], path: &Path) -> Option<&'static str> {
    let starts = |start: &[u8]| bytes.starts_with(start);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let is_named = |names: &[&str]| names.contains(&&*extension.to_ascii_lowercase());
    // ISO base media: the brand follows the mark.
    let brand = bytes.get(4..12).filter(|mark| mark.starts_with(b"ftyp")).map(|mark| &mark[4..]);
    Some(match brand {
        _ if bytes.is_empty() => "an empty file; copy it anew or remove it",
        Some(b"avif" | b"avis") => {
            "an AVIF photo, which is not read; convert it, as with `magick a.avif a.jpg`"
        }
        Some(b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1") => {
            "a HEIC photo, as iPhones make them, which is not read; convert it, as with `heif-convert a.heic a.jpg`, or let \
             the phone save \"most compatible\" photos"
        }
        Some(b"crx ") => RAW,
        Some(_) => VIDEO,
        None if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL ") => {
            "a JPEG XL photo, which is not read; convert it, as with `djxl a.jxl a.jpg`"
        }
        None if starts(b"\0\0\0\x0cjP  ") || starts(b"\xff\x4f\xff\x51") => {
            "a JPEG 2000 photo, which is not read; convert it, as with `magick a.jp2 a.jpg`"
        }
        None if bytes.get(8..10) == Some(b"CR") && starts(b"II*\0") => RAW,
        None if starts(b"FUJIFILMCCD-RAW") || starts(b"IIRO") || starts(b"IIU\0") => RAW,
        None if is_named(&["cr2", "nef", "nrw", "dng", "arw", "sr2", "pef", "orf", "rw2", "raf"]) => RAW,
        None if starts(b"\x1a\x45\xdf\xa3") || (starts(b"RIFF") && bytes.get(8..12) == Some(b"AVI ")) => {
            VIDEO
        }
        None if starts(b"%PDF") => "a PDF, not a photo; save its picture as JPEG or PNG",
        None if starts(b"8BPS") => "a Photoshop file; export it as JPEG or PNG",
        None if starts(b"PK\x03\x04") => "an archive, not a photo; unpack it",
        None if starts(b"version https://git-lfs") => {
            "a pointer of Git LFS instead of the photo; fetch it with `git lfs pull`"
        }
        None if is_page(bytes) => "a web page or XML, not a photo; download the picture itself",
        None => return None,
    })
}

const RAW: &str = "a camera's raw photo, which is not read; export it as JPEG or TIFF with the camera's program or darktable";
const VIDEO: &str =
    "a video, not a photo; take pictures out of it, as with `ffmpeg -i a.mp4 -vf fps=1 a%03d.png`";

fn is_page(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).trim_start().to_ascii_lowercase();
    ["<!doctype", "<html", "<?xml", "<svg"].iter().any(|mark| start.starts_with(mark))
}
