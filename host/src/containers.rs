//! Containers for flash programmers: an image with its address. They are written ([`Wrapping::wrap`]) and read back
//! ([`unwrap`]). The parts of a program are read from its ELF file ([`program`]).

pub mod uf2;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use format::header;
use ihex::Record;
use object::elf;
use object::endian::Endianness;
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use object::write::elf::{FileHeader, ProgramHeader, Writer};

use crate::sniff::{self, Wanted};

/// Container of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// The bytes as they are.
    Bin,
    /// Intel HEX.
    Hex,
    /// UF2, for mass-storage boot loaders.
    Uf2,
    /// ELF with one loadable segment.
    Elf,
}

/// The container of an image, and what goes into it beside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// The container.
    pub container: Container,
    /// The address of the image. 0 if the container has none.
    pub address: u32,
    /// The family of processors that UF2 names, if any. Other containers name none.
    pub family: Option<u32>,
}

/// Bytes of data in a line of Intel HEX.
const HEX_LINE: usize = 32;

impl Wrapping {
    /// Wraps an image.
    ///
    /// # Errors
    /// When the container cannot express the address.
    pub fn wrap(&self, image: &[u8]) -> Result<Vec<u8>> {
        match self.container {
            Container::Bin => Ok(image.to_vec()),
            Container::Hex => hex(image, self.address),
            Container::Uf2 => {
                ensure!(
                    (self.address as usize).is_multiple_of(uf2::PAGE),
                    "an image at {:#x} cannot go into UF2, which has pages of {} bytes: take hex or elf",
                    self.address,
                    uf2::PAGE
                );
                uf2::emit(&[(self.address, image.to_vec())], self.family)
            }
            Container::Elf => elf(image, self.address),
        }
    }
}

/// Intel HEX with extended linear addresses.
fn hex(image: &[u8], address: u32) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let mut upper = None;
    for (index, line) in image.chunks(HEX_LINE).enumerate() {
        let place = address.checked_add((index * HEX_LINE) as u32).context("the image ends beyond 4 GiB")?;
        if upper != Some(place >> 16) {
            upper = Some(place >> 16);
            records.push(Record::ExtendedLinearAddress((place >> 16) as u16));
        }
        records.push(Record::Data { offset: place as u16, value: line.to_vec() });
    }
    records.push(Record::EndOfFile);
    let text = ihex::create_object_file_representation(&records);
    Ok(text.map_err(|error| anyhow!("cannot make an Intel HEX file: {error}"))?.into_bytes())
}

/// An ELF file with one loadable segment and no code.
fn elf(image: &[u8], address: u32) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut writer = Writer::new(Endianness::Little, false, &mut file);
    let failed = |error| anyhow!("cannot make an ELF file: {error}");
    writer.reserve_file_header();
    writer.reserve_program_headers(1);
    let offset = writer.reserve(image.len() as u64, format::ALIGNMENT as u64);
    writer
        .write_file_header(&FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_EXEC,
            e_machine: elf::EM_ARM,
            e_entry: 0,
            e_flags: elf::EF_ARM_EABI_VER5,
        })
        .map_err(failed)?;
    writer.write_align_program_headers();
    writer.write_program_header(&ProgramHeader {
        p_type: elf::PT_LOAD,
        p_flags: elf::PF_R,
        p_offset: offset,
        p_vaddr: address.into(),
        p_paddr: address.into(),
        p_filesz: image.len() as u64,
        p_memsz: image.len() as u64,
        p_align: format::ALIGNMENT as u64,
    });
    writer.write_align(format::ALIGNMENT as u64);
    writer.write(image);
    Ok(file)
}

/// Reads an image's file in any container.
///
/// # Errors
/// When the file cannot be read, is something else, or its container is damaged. The error has the file's name.
pub fn read(path: &Path) -> Result<(Vec<u8>, Wrapping)> {
    let file = path.display();
    let metadata = path.metadata().with_context(|| format!("cannot read image {file}"))?;
    ensure!(!metadata.is_dir(), "{file} is a folder, not a flash image: give a file in it");
    let bytes = std::fs::read(path).with_context(|| format!("cannot read image {file}"))?;
    let container = container_of(&bytes);
    if container == Container::Bin
        && let Some(kind) = sniff::what_is(&bytes)
        && !bytes.starts_with(&header::MAGIC)
    {
        return Err(sniff::is_not(path, kind, Wanted::Image));
    }
    unwrap(&bytes).with_context(|| format!("{file} cannot be used"))
}

fn container_of(bytes: &[u8]) -> Container {
    // The characters after the colon distinguish Intel HEX from other text that begins with a colon.
    let is_hex = bytes.trim_ascii_start().strip_prefix(b":");
    if bytes.starts_with(b"\x7fELF") {
        Container::Elf
    } else if bytes.starts_with(b"UF2\n") {
        Container::Uf2
    } else if is_hex.is_some_and(|line| line.iter().take(8).all(u8::is_ascii_hexdigit)) {
        Container::Hex
    } else {
        Container::Bin
    }
}

/// Takes an image out of its container. The content determines the container.
///
/// # Errors
/// When the container is damaged, or does not hold exactly one image.
pub fn unwrap(bytes: &[u8]) -> Result<(Vec<u8>, Wrapping)> {
    let container = container_of(bytes);
    let (name, parts) = match container {
        Container::Bin => {
            return Ok((bytes.to_vec(), Wrapping { container, address: 0, family: None }));
        }
        Container::Hex => ("Intel HEX", hex_parts(bytes).map(|parts| (parts, None))),
        Container::Uf2 => ("UF2", uf2::parse(bytes)),
        Container::Elf => ("ELF", elf_parts(bytes).map(|parts| (parts, None))),
    };
    let ((address, mut image), family) = parts
        .and_then(|(parts, family)| Ok((only_image(joined(parts)?)?, family)))
        .with_context(|| format!("read as a file of {name}, because of its first bytes"))?;
    // Some containers have blocks of a fixed length.
    let length = header::image_bytes(&image).unwrap_or(image.len());
    image.truncate(length);
    Ok((image, Wrapping { container, address, family }))
}

/// Bytes and their address.
pub type Run = (u32, Vec<u8>);

/// The parts of a program that go to flash, from its ELF file: runs without gaps, in the order of addresses.
///
/// # Errors
/// When the file cannot be read, is something else than a program for ARM, or is damaged. The error has the file's name.
pub fn program(path: &Path) -> Result<Vec<Run>> {
    let file = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read firmware {file}"))?;
    ensure!(
        container_of(&bytes) == Container::Elf,
        "{file} is no program: give the ELF file that `cargo build` leaves in target/…/release"
    );
    let parts = elf_parts(&bytes).and_then(joined).with_context(|| format!("{file} cannot be used"))?;
    ensure!(!parts.is_empty(), "{file} holds nothing for flash: give a program that was linked");
    ensure!(
        parts.iter().all(|(_, bytes)| !bytes.starts_with(&header::MAGIC)),
        "{file} holds an image, not a program: give it as the image"
    );
    Ok(parts)
}

/// The pages of `N` bytes in which bytes lie, by address. The rest of a page is as erased flash.
///
/// # Errors
/// When the bytes end beyond 4 GiB.
pub fn pages<const N: usize>(runs: &[Run]) -> Result<BTreeMap<u32, [u8; N]>> {
    const ERASED: u8 = 0xff;
    let mut pages = BTreeMap::new();
    for (start, bytes) in runs {
        for (offset, &byte) in bytes.iter().enumerate() {
            let place = u32::try_from(offset).ok().and_then(|offset| start.checked_add(offset));
            let place = place.context("the bytes end beyond 4 GiB")?;
            let page = pages.entry(place - place % N as u32).or_insert([ERASED; N]);
            page[place as usize % N] = byte;
        }
    }
    Ok(pages)
}

/// Joins parts to runs without gaps.
///
/// # Errors
/// When parts share addresses.
pub fn joined(mut parts: Vec<Run>) -> Result<Vec<Run>> {
    // Other tools may write the parts in any order.
    parts.sort_by_key(|(address, _)| *address);
    let mut runs: Vec<Run> = Vec::new();
    for (address, bytes) in parts.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let end = runs.last().map(|(start, run)| u64::from(*start) + run.len() as u64);
        match runs.last_mut() {
            Some((_, run)) if end == Some(address.into()) => run.extend(bytes),
            _ if end.is_some_and(|end| end > address.into()) => {
                bail!("address {address:#x} is written twice: two files in one? Export again")
            }
            _ => runs.push((address, bytes)),
        }
    }
    Ok(runs)
}

/// The image that is all there is.
fn only_image(mut runs: Vec<Run>) -> Result<Run> {
    let is_image = |(_, bytes): &&Run| bytes.starts_with(&header::MAGIC);
    let images: Vec<String> = runs.iter().filter(is_image).map(|(start, _)| format!("{start:#x}")).collect();
    ensure!(
        images.len() < 2,
        "it holds {} images, at {}: give the file of one",
        images.len(),
        images.join(" and ")
    );
    if let [(start, first), (next, _), ..] = &*runs {
        let end = u64::from(*start) + first.len() as u64;
        bail!(
            "there is nothing between {end:#x} and {next:#x}: a part is missing, or it holds firmware as well; export again, \
             or give the file of the image alone"
        );
    }
    let (address, image) = runs.pop().context("it holds no data; export again")?;
    ensure!(
        image.starts_with(&header::MAGIC),
        "it holds no image: the bytes at {address:#x} do not begin with GEOD; give a file that `host export` wrote"
    );
    Ok((address, image))
}

fn hex_parts(bytes: &[u8]) -> Result<Vec<Run>> {
    let text = std::str::from_utf8(bytes).context("it is not text; export again")?;
    let mut parts: Vec<Run> = Vec::new();
    let (mut base, mut is_ended) = (0u32, false);
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        ensure!(!is_ended, "line {number} comes after its end: two files in one? Give the file of one image");
        let record = Record::from_record_string(line.trim())
            .map_err(|error| anyhow!("line {number} is damaged ({error}); export again"))?;
        match record {
            Record::Data { offset, value } => {
                let place = base.checked_add(offset.into());
                parts.push((place.with_context(|| format!("line {number} goes beyond 4 GiB"))?, value));
            }
            Record::ExtendedLinearAddress(upper) => base = u32::from(upper) << 16,
            Record::ExtendedSegmentAddress(segment) => base = u32::from(segment) << 4,
            Record::EndOfFile => is_ended = true,
            Record::StartLinearAddress(_) | Record::StartSegmentAddress { .. } => {}
        }
    }
    ensure!(is_ended, "it is cut short: the line :00000001FF at its end is missing; copy or export it again");
    Ok(parts)
}

fn elf_parts(bytes: &[u8]) -> Result<Vec<Run>> {
    let damaged = |error| anyhow!("it is damaged, or for another kind of processor ({error}); export again");
    let file = elf::FileHeader32::<Endianness>::parse(bytes).map_err(damaged)?;
    let endian = file.endian().map_err(damaged)?;
    ensure!(
        file.e_machine(endian) == elf::EM_ARM,
        "it is for another kind of processor than ARM (number {}); give one for the board",
        file.e_machine(endian)
    );
    let mut parts = Vec::new();
    for segment in file.program_headers(endian, bytes).map_err(damaged)? {
        if segment.p_type(endian) == elf::PT_LOAD {
            let data = segment.data(endian, bytes);
            let data = data.map_err(|()| anyhow!("it is cut short; copy or export it again"))?;
            parts.push((segment.p_paddr(endian), data.to_vec()));
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: u32 = 0x2100_ff00;
    const WRAPPED: [Container; 3] = [Container::Hex, Container::Uf2, Container::Elf];

    /// Bytes that begin like an image. Their length is the one in the header.
    fn image() -> Vec<u8> {
        let mut image: Vec<u8> = (0..1000u32).map(|i| (i * 7) as u8).collect();
        image[..header::MAGIC.len()].copy_from_slice(&header::MAGIC);
        image[8..12].copy_from_slice(&1000u32.to_le_bytes());
        image
    }

    fn way(container: Container) -> Wrapping {
        Wrapping { container, address: ADDRESS, family: None }
    }

    fn file(container: Container) -> Vec<u8> {
        way(container).wrap(&image()).unwrap()
    }

    fn refused(file: &[u8]) -> String {
        format!("{:#}", unwrap(file).expect_err("refused"))
    }

    #[test]
    fn every_container_reads_back() {
        for container in WRAPPED {
            let (read, wrapping) = unwrap(&file(container)).unwrap();
            assert_eq!((read, wrapping), (image(), way(container)));
            assert_eq!(wrapping.wrap(&image()).unwrap(), file(container));
        }
        let family = Wrapping { family: Some(0xe48b_ff59), ..way(Container::Uf2) };
        assert_eq!(unwrap(&family.wrap(&image()).unwrap()).unwrap(), (image(), family));
        let bin = Wrapping { container: Container::Bin, address: 0, family: None };
        assert_eq!(unwrap(&image()).unwrap(), (image(), bin));
    }

    #[test]
    fn hex_of_other_tools_is_read() {
        let ours = String::from_utf8(file(Container::Hex)).unwrap();
        let windows = ours.replace('\n', "\r\n").to_lowercase();
        assert_eq!(unwrap(windows.as_bytes()).unwrap().0, image());
        // Lines in another order, each with its address.
        let mut records: Vec<Record> = Vec::new();
        for (index, part) in image().chunks(10).enumerate().rev() {
            let place = ADDRESS + 10 * index as u32;
            records.push(Record::ExtendedLinearAddress((place >> 16) as u16));
            records.push(Record::Data { offset: place as u16, value: part.to_vec() });
        }
        records.extend([Record::StartLinearAddress(ADDRESS), Record::EndOfFile]);
        let text = ihex::create_object_file_representation(&records).unwrap();
        assert_eq!(unwrap(text.as_bytes()).unwrap().0, image());
    }

    #[test]
    fn damaged_hex_is_named_by_its_line() {
        let text = String::from_utf8(file(Container::Hex)).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        let said = refused(text.replacen("47454F44", "47454F45", 1).as_bytes());
        assert!(said.contains("line 2 is damaged") && said.contains("checksum"), "{said}");
        let said = refused(lines[..lines.len() - 1].join("\n").as_bytes());
        assert!(said.contains("cut short"), "{said}");
        let said = refused([&*text, &*text].concat().as_bytes());
        assert!(said.contains("two files in one"), "{said}");
        lines.remove(5);
        let said = refused(lines.join("\n").as_bytes());
        assert!(said.contains("there is nothing between 0x"), "{said}");
    }

    #[test]
    fn damaged_uf2_is_named_by_its_block() {
        let whole = file(Container::Uf2);
        let with = |at: usize, value: u32| {
            let mut changed = whole.clone();
            changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
            refused(&changed)
        };
        let said = with(512 + 508, 0);
        assert!(said.contains("block 1 of 4 is damaged"), "{said}");
        let said = with(512 + 16, 480);
        assert!(said.contains("block 1 of 4 is damaged"), "{said}");
        let said = refused(&whole[..1536]);
        assert!(said.contains("it has 3 blocks, and block 0 says 4"), "{said}");
        let said = refused(&whole[..1000]);
        assert!(said.contains("cut short"), "{said}");
        let said = refused(&[&*whole, &*whole].concat());
        assert!(said.contains("two files in one"), "{said}");
        let said = with(512 + 12, ADDRESS + 4096);
        assert!(said.contains("there is nothing between"), "{said}");
    }

    #[test]
    fn two_images_and_firmware_are_told_from_one_image() {
        let two = |address: u32, bytes: &[u8]| {
            let mut parts = hex_parts(&file(Container::Hex)).unwrap();
            parts.push((address, bytes.to_vec()));
            format!("{:#}", joined(parts).and_then(only_image).expect_err("refused"))
        };
        let said = two(0x3000_0000, &image());
        assert!(said.contains("2 images, at 0x2100ff00 and 0x30000000"), "{said}");
        let said = two(0x800_0000, b"firmware");
        assert!(said.contains("firmware as well"), "{said}");
        let said = two(ADDRESS + 4, b"over");
        assert!(
            said.contains("0x2100ff04 is written twice") || said.contains("0x21010000 is written twice"),
            "{said}"
        );
        for container in WRAPPED {
            let said = refused(&way(container).wrap(b"no image at all").unwrap());
            assert!(said.contains("not begin with GEOD"), "{said}");
        }
    }

    proptest! {
        // No damage of a container stays unnoticed, except damage of the image's bytes, which the image's own digests
        // find.
        #[test]
        fn damaged_containers_are_refused_or_still_hold_the_bytes_that_digests_judge(
            which in 0..3usize,
            (at, byte) in any::<(prop::sample::Index, u8)>(),
            kept in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut bytes = file(WRAPPED[which]);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if is_cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            if let Ok((read, _)) = unwrap(&bytes) {
                // Intel HEX has checksums of its own.
                prop_assert!(which != 0 || container_of(&bytes) != Container::Hex || read == image());
            }
        }
    }
}
