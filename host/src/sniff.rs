//! Recognises files by their first bytes, for users who give another file than the expected one.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

/// The kind of file that a command expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A network.
    Model,
    /// A flash image, in any container.
    Image,
}

impl Wanted {
    fn name(self) -> &'static str {
        match self {
            Wanted::Model => "an ONNX file",
            Wanted::Image => "a flash image",
        }
    }
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, with an article.
    pub name: &'static str,
    /// The kind for which it is right, if any.
    right: Option<Wanted>,
    /// The remedy if a network was expected. Empty if the general advice applies.
    for_model: &'static str,
}

impl Kind {
    const fn new(name: &'static str, for_model: &'static str) -> Self {
        Kind { name, right: None, for_model }
    }

    /// The remedy if something else was expected.
    pub fn remedy(&self, wanted: Wanted) -> &'static str {
        match (wanted, self.right) {
            (Wanted::Image, _) if *self == LFS => self.for_model,
            (Wanted::Image, Some(Wanted::Model)) => "`host export --model` makes an image of it; give that",
            (Wanted::Image, _) => "give what `host export` wrote",
            (Wanted::Model, _) if self.for_model.is_empty() => "give the network's .onnx file",
            (Wanted::Model, _) => self.for_model,
        }
    }
}

const LFS: Kind = Kind::new(
    "the pointer that Git LFS leaves in a file's place",
    "`git lfs pull` in its repository fetches the file, or download it from the project's page",
);
const PICKLE: Kind = Kind::new(
    "PyTorch's own format (pickled weights)",
    "export the network from the program that defines it: `torch.onnx.export(model.eval(), photo, \"model.onnx\")`",
);
const TENSORFLOW: Kind = Kind::new(
    "a TensorFlow graph",
    "`python -m tf2onnx.convert` turns it into ONNX (--saved-model for a folder, --graphdef for a frozen graph)",
);
const ONNX: Kind = Kind { name: "an ONNX file", right: Some(Wanted::Model), for_model: "" };
const IMAGE: Kind = Kind {
    name: "a flash image",
    right: Some(Wanted::Image),
    for_model: "give the .onnx file that it was exported from",
};

/// Kinds of files that have these bytes at this offset.
const BEGINNINGS: &[(usize, &[u8], Kind)] = &[
    (0, b"version https://git-lfs", LFS),
    (0, b"GEOD", IMAGE),
    (0, b"\x80", PICKLE),
    (
        4,
        b"TFL3",
        Kind::new("a TensorFlow Lite model", "`python -m tf2onnx.convert --tflite` turns it into ONNX"),
    ),
    (
        0,
        b"\x89HDF\r\n\x1a\n",
        Kind::new(
            "a Keras or HDF5 file",
            "load it in Keras and write ONNX: `model.export(\"model.onnx\", format=\"onnx\")`, or by tf2onnx",
        ),
    ),
    (0, b"7767517\n", Kind::new("an ncnn model", "give the ONNX file that it was made from")),
    (0, b"\x7fELF", Kind::new("an ELF file, such as a program", "")),
    (0, b"\xff\xd8\xff", Kind::new("a photo (JPEG)", "")),
    (0, b"\x89PNG", Kind::new("a picture (PNG)", "")),
    (0, b"%PDF", Kind::new("a PDF document", "")),
    (0, b"\x1f\x8b", Kind::new("a gzip archive", "unpack it and give the .onnx file in it")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::new("a 7z archive", "unpack it and give the .onnx file in it")),
    (257, b"ustar", Kind::new("a tar archive", "unpack it and give the .onnx file in it")),
    (0, b"UF2\n", Kind::new("a UF2 file", "give the .onnx file that the image was exported from")),
    (0, b"{", Kind::new("a JSON file", "")),
    (0, b":", Kind::new("an Intel HEX file", "give the .onnx file that the image was exported from")),
];

/// The kind of a file, if its bytes show it.
pub fn what_is(bytes: &[u8]) -> Option<Kind> {
    if bytes.is_empty() {
        return Some(Kind::new("an empty file", "download or export it again"));
    }
    if let Some(zip) = bytes.strip_prefix(b"PK\x03\x04") {
        return Some(archive(zip));
    }
    if is_safetensors(bytes) {
        return Some(Kind::new(
            "weights without a network (safetensors)",
            "load them into the network in the program that defines it, and export that as ONNX",
        ));
    }
    let begins = |(at, beginning, _): &&(usize, &[u8], Kind)| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(beginning))
    };
    if let Some((_, _, kind)) = BEGINNINGS.iter().find(begins) {
        return Some(*kind);
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head") {
        return Some(Kind::new(
            "a web page (HTML)",
            "the address it was downloaded from shows a page about the file: download the file itself (on GitHub and Hugging \
             Face by the button \"raw\" or \"download\")",
        ));
    }
    if start.starts_with("<?xml") || start.starts_with("<net") {
        return Some(Kind::new(
            "an XML file, such as an OpenVINO model",
            "give the ONNX file that it was made from",
        ));
    }
    if is_text(bytes) {
        return Some(Kind::new(
            "a text file",
            "look what it says: a download may have failed (404: Not Found), and then download it again",
        ));
    }
    if is_tensorflow(bytes) {
        return Some(TENSORFLOW);
    }
    is_onnx(bytes).then_some(ONNX)
}

/// The kind of a ZIP file, by the names in it.
fn archive(zip: &[u8]) -> Kind {
    let has = |name: &[u8]| zip.windows(name.len()).any(|window| window == name);
    if has(b"/data.pkl") {
        PICKLE
    } else if has(b".npy") {
        Kind::new("NumPy arrays (.npz)", "")
    } else if has(b"model.weights.h5") {
        Kind::new(
            "a Keras model",
            "load it in Keras and write ONNX: `model.export(\"model.onnx\", format=\"onnx\")`, or by tf2onnx",
        )
    } else {
        Kind::new("a ZIP archive", "unpack it and give the .onnx file in it")
    }
}

/// Letters and line ends alone: the numbers of a message or a header are others.
fn is_text(bytes: &[u8]) -> bool {
    let is_letter = |byte: &u8| *byte >= b' ' && *byte != 0x7f || byte.is_ascii_whitespace();
    bytes.iter().all(is_letter) && std::str::from_utf8(bytes).is_ok()
}

/// Whether the file begins with a length of 8 bytes and that many bytes of JSON.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    let length = u64::from_le_bytes(*length);
    (2..=rest.len() as u64).contains(&length) && rest.starts_with(b"{\"")
}

/// A field of a message in Protocol Buffers: number, wire type, and the bytes after the key.
fn field(bytes: &[u8]) -> Option<(u8, u8, &[u8])> {
    let (&key, rest) = bytes.split_first()?;
    (key < 0x80).then_some((key >> 3, key & 7, rest))
}

/// A length and that many bytes.
fn delimited(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(9).position(|&byte| byte < 0x80)?;
    let value = bytes[..=end].iter().rev().fold(0, |value, &byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, &bytes[end + 1..]))
}

fn is_word(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic())
}

/// Whether the file is a `GraphDef`, whose first field is a node (name, operator), or a `SavedModel`, whose second
/// field is one of several graphs.
fn is_tensorflow(bytes: &[u8]) -> bool {
    let is_graph = || {
        let (1, 2, rest) = field(bytes)? else { return None };
        let (node, _) = delimited(rest)?;
        let (1, 2, rest) = field(node)? else { return None };
        let (name, rest) = delimited(rest)?;
        let (2, 2, rest) = field(rest)? else { return None };
        let (operator, _) = delimited(rest)?;
        Some(is_word(name) && is_word(operator))
    };
    let is_saved = || {
        let (1, 0, rest) = field(bytes)? else { return None };
        let (1, rest) = varint(rest)? else { return None };
        let (2, 2, rest) = field(rest)? else { return None };
        // In ONNX this field is the name of the program that wrote the file.
        let (length, _) = varint(rest)?;
        Some(length > 1000)
    };
    is_graph().or_else(is_saved).unwrap_or(false)
}

/// Whether the file is a `ModelProto`: the format's version, then the program that wrote it, the graph or another of
/// the first fields.
fn is_onnx(bytes: &[u8]) -> bool {
    let is_model = || {
        let (1, 0, rest) = field(bytes)? else { return None };
        let (version, rest) = varint(rest)?;
        let (number, 0 | 2, _) = field(rest)? else { return None };
        Some(version < 100 && (2..=25).contains(&number))
    };
    is_model().unwrap_or(false)
}

/// Reads a file that should be of a kind.
///
/// # Errors
/// When it cannot be read, or certainly is something else. The error has its kind and a remedy.
pub fn read(path: &Path, wanted: Wanted) -> Result<Vec<u8>> {
    let file = path.display();
    let metadata = path.metadata().with_context(|| format!("cannot read {file}"))?;
    let name = wanted.name();
    ensure!(!metadata.is_dir(), "{file} is a folder, not {name}: give a file in it");
    // Reading a pipe or a device could wait forever, and the file is read more than once.
    ensure!(
        metadata.is_file(),
        "{file} is a pipe or a device, not {name}: save its output to a file, and give that file"
    );
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {file}"))?;
    match what_is(&bytes) {
        Some(kind) if kind.right != Some(wanted) => Err(is_not(path, kind, wanted)),
        _ => Ok(bytes),
    }
}

/// The error that a file is of another kind than expected.
pub(crate) fn is_not(path: &Path, kind: Kind, wanted: Wanted) -> anyhow::Error {
    anyhow!("{} is {}, not {}: {}", path.display(), kind.name, wanted.name(), kind.remedy(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> &'static str {
        what_is(bytes).map_or("unknown", |kind| kind.name)
    }

    #[test]
    fn files_are_told_by_their_bytes() {
        let safetensors = [&8u64.to_le_bytes()[..], b"{\"a\":{}}", &[0; 8]].concat();
        let pytorch = b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pklFB";
        let graph = [&b"\x0a\x15\x0a\x05input\x12\x0bPlaceholder\0"[..], &[0; 20]].concat();
        let saved = [&b"\x08\x01\x12\xe8\x87\x04"[..], &[0; 20]].concat();
        for (bytes, expected) in [
            (&b""[..], "an empty file"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
            (b"\n<!DOCTYPE html>\n<html>", "a web page"),
            (b"<html lang=en>", "a web page"),
            (b"<?xml version=\"1.0\"?>", "XML"),
            (pytorch, "PyTorch"),
            (b"\x80\x02\x8a\nl\xfc\x9cF", "PyTorch"),
            (b"PK\x03\x04weights.npy", "NumPy"),
            (b"PK\x03\x04buffalo_l/det.onnx", "ZIP"),
            (b"\x1c\0\0\0TFL3\x14", "TensorFlow Lite"),
            (b"\x89HDF\r\n\x1a\n\0", "Keras or HDF5"),
            (&safetensors, "safetensors"),
            (&graph, "a TensorFlow graph"),
            (&saved, "a TensorFlow graph"),
            (b"GEOD\x01\0", "a flash image"),
            (b"\xff\xd8\xff\xe0", "JPEG"),
            (b":020000042100D9\n", "Intel HEX"),
            (b"UF2\nWQ]\x9e", "UF2"),
            (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0", "an ONNX file"),
            (b"\x08\x01\x12\x04onnx", "an ONNX file"),
            (b"404: Not Found\n", "a text file"),
            ("# Gesichter für Türen\r\n".as_bytes(), "a text file"),
            (b"something else altogether\x01", "unknown"),
        ] {
            assert!(name(bytes).contains(expected), "{:?}: {}", String::from_utf8_lossy(bytes), name(bytes));
        }
    }

    #[test]
    fn every_kind_has_a_remedy_for_both_uses() {
        for (_, _, kind) in BEGINNINGS {
            for wanted in [Wanted::Model, Wanted::Image] {
                assert!(!kind.remedy(wanted).is_empty(), "{}", kind.name);
            }
        }
        assert!(LFS.remedy(Wanted::Image).contains("git lfs pull"));
        assert!(ONNX.remedy(Wanted::Image).contains("host export"));
    }

    #[test]
    fn any_bytes_at_all_are_looked_at_without_harm() {
        for length in 0..40 {
            for byte in 0..=255 {
                what_is(&vec![byte; length]);
                what_is(&[&[0x0a, 0x7f, 0x0a][..], &vec![byte; length]].concat());
            }
        }
    }
}
