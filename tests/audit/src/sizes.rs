//! Flash and RAM of each crate.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::panics;
use crate::program::Program;

/// Bytes of flash that a program takes: code, constants, and the first values of statics.
pub fn flash_bytes(program: &Program<'_>) -> u64 {
    let kinds = [SectionKind::Text, SectionKind::ReadOnlyData, SectionKind::Data];
    let sections = program
        .file()
        .sections()
        .filter(|section| section.address() != 0 || section.name() == Ok(".vector_table"));
    sections.filter(|section| kinds.contains(&section.kind())).map(|section| section.size()).sum()
}

/// Crates of small parts that stand for the crate that they are inlined into, as Rust's own library does.
const PARTS: [&str; 8] =
    ["bytemuck", "cobs", "crc", "embedded_io", "embedded_storage", "heapless", "hybrid_array", "zeroize"];

/// Bytes of code of each crate, by the source that every instruction is from, also where it was inlined elsewhere.
///
/// # Errors
/// When the debug information is damaged.
pub fn code_bytes(program: &Program<'_>, root: &str) -> Result<BTreeMap<String, u64>> {
    let mut crates = BTreeMap::new();
    for (&start, function) in &program.functions {
        for at in (start..start + function.bytes).step_by(2) {
            let frames = program.frames(at)?;
            let sources = frames.iter().filter_map(|frame| crate_of_file(&panics::shown(&frame.file, root)?));
            let of_source = sources.into_iter().find(|source| !PARTS.contains(&&**source));
            *crates.entry(of_source.unwrap_or_else(|| crate_of(&function.name))).or_default() += 2;
        }
    }
    Ok(crates)
}

/// The crate of a file as [`panics::Place::file`] has it.
fn crate_of_file(file: &str) -> Option<String> {
    // It takes the place of the driver of a flash.
    if file == "firmware/store/src/sim.rs" {
        return Some(String::from("(simulated flash)"));
    }
    let mut folders = file.split('/');
    let name = match folders.next()? {
        "firmware" => match folders.next()? {
            "boards" => folders.next()?,
            name => name,
        },
        name => name,
    };
    Some(name.replace('-', "_"))
}

/// Bytes of the statics, by name.
pub fn static_bytes(program: &Program<'_>) -> BTreeMap<String, u64> {
    let symbols =
        program.file().symbols().filter(|symbol| symbol.kind() == SymbolKind::Data && symbol.size() > 0);
    let in_ram = symbols.filter(|symbol| {
        let section = symbol.section_index().and_then(|index| program.file().section_by_index(index).ok());
        section.is_some_and(|s| [SectionKind::Data, SectionKind::UninitializedData].contains(&s.kind()))
    });
    let named = in_ram.map(|symbol| {
        (format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default())), symbol.size())
    });
    let mut statics = BTreeMap::new();
    for (name, bytes) in named {
        *statics.entry(name).or_default() += bytes;
    }
    statics
}

/// Most bytes of code that the device may take besides its networks' and its eyes': [`Budget::device_bytes`].
pub const MOST_DEVICE_BYTES: u64 = 96 * 1024;
/// Most bytes of RAM that a device may take besides the memory for frames and the arena.
pub const MOST_RAM_BYTES: u64 = 48 * 1024;
/// Most bytes of stack that a device has taken, rounded up: the suite `device` measures and holds it.
pub const STACK_BYTES: u64 = 40 * 1024;

/// The crates of the device itself, those that it speaks and stores with, and the programs that it was inlined into.
const DEVICE: [&str; 9] =
    ["app", "programs", "store", "link", "cobs", "crc", "heapless", "postcard", "serde_core"];
/// The crates of its cryptography.
const CRYPTOGRAPHY: [&str; 26] = [
    "arrayref",
    "arrayvec",
    "blake3",
    "block_buffer",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmov",
    "constant_time_eq",
    "crypto_common",
    "ctutils",
    "curve25519_dalek",
    "digest",
    "ed25519",
    "ed25519_dalek",
    "hmac",
    "hmac_sha512",
    "hybrid_array",
    "inout",
    "poly1305",
    "seal",
    "sha2",
    "subtle",
    "universal_hash",
    "x25519_dalek",
    "zeroize",
];

/// What a door's program takes.
#[derive(Clone, Debug)]
pub struct Budget {
    flash_bytes: u64,
    code: BTreeMap<String, u64>,
    statics: BTreeMap<String, u64>,
}

impl Budget {
    /// Of this program, made in this folder.
    ///
    /// # Errors
    /// As [`code_bytes`].
    pub fn of(program: &Program<'_>, root: &str) -> Result<Self> {
        Ok(Budget {
            flash_bytes: flash_bytes(program),
            code: code_bytes(program, root)?,
            statics: static_bytes(program),
        })
    }

    fn sum(&self, names: &[&str]) -> u64 {
        names.iter().filter_map(|&name| self.code.get(name)).sum()
    }

    /// Bytes of code of the device, its store, its link and its cryptography.
    pub fn device_bytes(&self) -> u64 {
        self.sum(&DEVICE) + self.sum(&CRYPTOGRAPHY)
    }

    /// Bytes of the statics besides the arena.
    pub fn static_bytes(&self) -> u64 {
        self.statics.iter().filter(|(name, _)| !name.ends_with("::ARENA")).map(|(_, bytes)| bytes).sum()
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| code of | bytes |\n|---|---:|")?;
        for (name, bytes) in &self.code {
            writeln!(f, "| `{name}` | {bytes} |")?;
        }
        writeln!(f, "| the device, its store and its link | {} |", self.sum(&DEVICE))?;
        writeln!(f, "| its cryptography | {} |", self.sum(&CRYPTOGRAPHY))?;
        writeln!(f, "| both together | {} |", self.device_bytes())?;
        writeln!(f, "| the whole program in flash, with constants | {} |", self.flash_bytes)?;
        writeln!(f, "| statics in RAM besides the arena | {} |", self.static_bytes())
    }
}

/// The crate that a function's name begins with; for a method of a trait the crate of its type.
fn crate_of(name: &str) -> String {
    let start = name.trim_start_matches(['<', '&', '[', '(', '*']).trim_start_matches("mut ");
    match start.split_once("::") {
        Some((first, _)) if first.chars().all(|c| c.is_alphanumeric() || c == '_') => first.to_string(),
        _ if name.starts_with('<') => String::from("core"),
        _ => String::from("(no crate)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_of_crates() {
        for (file, expected) in [
            ("firmware/app/src/device.rs", "app"),
            ("firmware/boards/qemu-m7/examples/door.rs", "qemu_m7"),
            ("curve25519-dalek/src/field.rs", "curve25519_dalek"),
        ] {
            assert_eq!(crate_of_file(file).unwrap(), expected);
        }
    }

    #[test]
    fn crates_are_those_of_types() {
        for (name, expected) in [
            ("store::vault::Store<F>::open", "store"),
            ("<vision::warp::Warp as nn::network::RowSource>::row", "vision"),
            ("<&mut heapless::Vec<T> as core::fmt::Write>::write_str", "heapless"),
            ("<str as core::fmt::Debug>::fmt", "core"),
            ("memcpy", "(no crate)"),
        ] {
            assert_eq!(crate_of(name), expected, "{name}");
        }
    }
}
