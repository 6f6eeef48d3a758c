//! Writes firmware and images to real boards.
//!
//! # Layers
//!
//! * [`FlashPlan`]: what goes where, checked against the board before anything is written.
//! * [`drive`]: a chip's loader that is a drive: one UF2 file is copied to it.
//! * [`Programmer`]: a chip's flash that is written and read back. [`dfuse`] is the loader in the ROM of an STM32. With the
//!   feature `probes`, `probe` is a probe for the debug port, and `usb` carries what `dfuse` says.
//!
//! None of this was tried on a board. The tests have a drive that is a folder, and a loader that is a model of ST's.

pub mod dfuse;
pub mod drive;
#[cfg(feature = "probes")]
pub mod probe;
#[cfg(feature = "probes")]
pub mod usb;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use facts::{Chip, Memories, Region};
use serde::Serialize;

use crate::board::{Board, Memory};
use crate::containers::{self, Container, Run, joined, uf2};
use crate::output;
use crate::simulator::AlignedBytes;

/// What is to be written to a board.
#[derive(Clone, Debug)]
pub struct FlashPlan {
    board: &'static Board,
    memory: Memory,
    parts: Vec<Part>,
}

/// One file of a plan.
#[derive(Clone, Debug)]
struct Part {
    kind: &'static str,
    file: PathBuf,
    runs: Vec<Run>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flashed {
    /// Name of the board.
    pub board: String,
    /// What it was written with.
    pub way: String,
    /// How it is known that the bytes are there.
    pub checked: Checked,
    /// The files.
    pub parts: Vec<FlashedPart>,
}

/// One file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlashedPart {
    /// `firmware` or `image`.
    pub kind: &'static str,
    /// The file.
    pub file: PathBuf,
    /// First address.
    pub address: u32,
    /// Number of bytes.
    pub bytes: usize,
}

/// How it is known that bytes are in the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// They were read back and compared.
    ReadBack,
    /// The chip's loader has taken all of them, and started them.
    Taken,
    /// It is not: a file was written for later.
    NotYet,
}

/// A chip's flash that can be written and read.
pub trait Programmer {
    /// What does it, as text for people.
    fn name(&self) -> String;

    /// Whether all of this is flash that it can write.
    fn reaches(&self, region: &Region) -> bool;

    /// Erases what has to be erased, and writes. `written` is told the number of bytes of each step.
    ///
    /// # Errors
    /// What failed, at which address.
    fn write(&mut self, runs: &[Run], written: &mut dyn FnMut(usize)) -> Result<()>;

    /// Reads as many bytes as `buffer` has.
    ///
    /// # Errors
    /// What failed, at which address.
    fn read(&mut self, address: u32, buffer: &mut [u8]) -> Result<()>;

    /// Starts the firmware that begins at this address.
    ///
    /// # Errors
    /// When the chip does not start.
    fn start(&mut self, address: u32) -> Result<()>;
}

impl FlashPlan {
    /// Reads the files and checks that they are for this board and fit it.
    ///
    /// # Errors
    /// The board is emulated; a file is something else than it should be; firmware or image are for another board, or too large.
    pub fn new(
        board: &'static Board,
        firmware: Option<&Path>,
        image: Option<&Path>,
        memory: Memory,
    ) -> Result<Self> {
        chip(board)?;
        let mut parts = Vec::new();
        if let Some(file) = firmware {
            ensure!(
                !is_ram(board.memory.firmware),
                "the firmware of the board {} runs in RAM, into which the chip's own loader copies it: write it with its maker's \
                 tools, as the board's chapter in the book says",
                board.name
            );
            let runs = containers::program(file)?;
            check_firmware(board, &runs).with_context(|| format!("{} does not fit", file.display()))?;
            parts.push(Part { kind: "firmware", file: file.to_path_buf(), runs });
        }
        if let Some(file) = image {
            let runs = vec![image_for(board, memory, file)?];
            parts.push(Part { kind: "image", file: file.to_path_buf(), runs });
        }
        ensure!(!parts.is_empty(), "nothing to write: give an image, or --firmware");
        Ok(FlashPlan { board, memory, parts })
    }

    /// The chip.
    ///
    /// # Errors
    /// None of a plan that exists.
    pub fn chip(&self) -> Result<&'static Chip> {
        chip(self.board)
    }

    /// All bytes in the order of their addresses.
    fn runs(&self) -> Result<Vec<Run>> {
        joined(self.parts.iter().flat_map(|part| part.runs.clone()).collect())
    }

    /// One UF2 file with all parts: the chip's loader starts the firmware after a file, so that a second one would come too late.
    ///
    /// # Errors
    /// When the board's loader is not a drive.
    pub fn uf2(&self) -> Result<Vec<u8>> {
        let family = self.chip()?.uf2_family.with_context(|| {
            format!(
                "the loader of the board {} is not a drive: leave out --drive and --save",
                self.board.name
            )
        })?;
        uf2::emit(&self.runs()?, Some(family))
    }

    /// Writes the UF2 file for later.
    ///
    /// # Errors
    /// As [`Self::uf2`], or when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<Flashed> {
        output::write_whole(path, &self.uf2()?)?;
        Ok(self.flashed(format!("saved as {}", path.display()), Checked::NotYet))
    }

    /// Writes all parts, reads them back and starts them.
    ///
    /// # Errors
    /// Before anything is written: a part lies where the programmer cannot write. Afterwards: what failed, or the first byte that is
    /// another one than was written.
    pub fn program(&self, programmer: &mut dyn Programmer) -> Result<Flashed> {
        let name = programmer.name();
        for part in &self.parts {
            for (address, bytes) in &part.runs {
                let region = Region { address: *address, bytes: bytes.len() };
                ensure!(programmer.reaches(&region), self.out_of_reach(part, *address, &name));
            }
        }
        let runs = self.runs()?;
        let length: usize = runs.iter().map(|(_, bytes)| bytes.len()).sum();
        let bar = output::byte_bar(length, "writing");
        programmer.write(&runs, &mut |bytes| bar.inc(bytes as u64))?;
        bar.finish_and_clear();
        let bar = output::byte_bar(length, "reading back");
        for (address, bytes) in &runs {
            let mut found = vec![0; bytes.len()];
            programmer.read(*address, &mut found)?;
            if let Some(at) = bytes.iter().zip(&found).position(|(wanted, found)| wanted != found) {
                bail!(
                    "the byte at {:#x} is {:#04x} and should be {:#04x}: the flash is worn or protected, or the supply is weak; \
                     try again, and if it fails at the same place take another chip",
                    *address as usize + at,
                    found[at],
                    bytes[at]
                );
            }
            bar.inc(bytes.len() as u64);
        }
        bar.finish_and_clear();
        programmer.start(self.board.memory.firmware.address)?;
        Ok(self.flashed(name, Checked::ReadBack))
    }

    fn out_of_reach(&self, part: &Part, address: u32, programmer: &str) -> String {
        let (board, file) = (&self.board.name, part.file.display());
        let elsewhere = match (part.kind, self.memory) {
            ("image", Memory::External) => format!(
                "; write the firmware alone, and send the image over the link when it runs: `host device pair --port …`, then \
                 `host update {file} --port …`{}",
                if self.has_flash_in_chip() {
                    ". Or export for the chip's own flash: --memory internal"
                } else {
                    ""
                }
            ),
            _ => String::new(),
        };
        format!(
            "the {} {file} goes to {address:#x} of the board {board}, which {programmer} cannot write{elsewhere}",
            part.kind
        )
    }

    /// Whether images can lie in another flash than that beside the chip.
    fn has_flash_in_chip(&self) -> bool {
        let Memories { internal, flash, .. } = &self.board.memory;
        internal.is_some_and(|internal| flash.is_none_or(|flash| !flash.contains(&internal)))
    }

    fn flashed(&self, way: String, checked: Checked) -> Flashed {
        let parts = self.parts.iter().map(|part| FlashedPart {
            kind: part.kind,
            file: part.file.clone(),
            address: part.runs.first().map_or(0, |(address, _)| *address),
            bytes: part.runs.iter().map(|(_, bytes)| bytes.len()).sum(),
        });
        Flashed { board: self.board.name.clone(), way, checked, parts: parts.collect() }
    }
}

/// The way to a board that the user wants. Without one, the one that is there is taken.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Folder of the loader's drive.
    pub drive: Option<PathBuf>,
    /// Serial number of a probe.
    pub probe: Option<String>,
    /// Serial number of a chip in its loader of the class DFU.
    pub dfu: Option<String>,
}

/// Writes a plan to its board.
///
/// # Errors
/// No way to the board is there, or several; whatever fails on the way.
pub fn flash(plan: &FlashPlan, wanted: &Wanted) -> Result<Flashed> {
    let chip = plan.chip()?;
    let is_asked = wanted.probe.is_some() || wanted.dfu.is_some();
    let is_drive_there = || chip.uf2_board.as_deref().is_some_and(drive::is_there);
    if wanted.drive.is_some() || !is_asked && is_drive_there() {
        return drive::copy(plan, wanted.drive.as_deref());
    }
    over_wire(plan, chip, wanted)
}

/// Writes over a probe or a loader of the class DFU.
#[cfg(feature = "probes")]
fn over_wire(plan: &FlashPlan, chip: &Chip, wanted: &Wanted) -> Result<Flashed> {
    let name = &plan.board.name;
    let id = chip.dfu.as_ref().with_context(|| format!("the board {name} has no loader of the class DFU"));
    if wanted.dfu.is_some() {
        return plan.program(&mut usb::open(id?, wanted.dfu.as_deref())?);
    }
    if wanted.probe.is_some() || probe::is_there() {
        return plan.program(&mut probe::Probe::attach(&chip.probe_rs, wanted.probe.as_deref())?);
    }
    match id {
        Ok(id) if usb::is_there(id) => plan.program(&mut usb::open(id, None)?),
        _ => bail!("no way to the board {name} is there: {}", ways(chip)),
    }
}

/// Says that this program cannot.
#[cfg(not(feature = "probes"))]
fn over_wire(plan: &FlashPlan, chip: &Chip, wanted: &Wanted) -> Result<Flashed> {
    let board = &plan.board.name;
    ensure!(
        wanted.probe.is_none() && wanted.dfu.is_none(),
        "this program was built without probes: build it with `cargo build --features host/probes --bin host`"
    );
    bail!("no way to the board {board} is there: {}", ways(chip))
}

/// What the user may connect.
fn ways(chip: &Chip) -> String {
    let mut ways = Vec::new();
    if let Some(board) = &chip.uf2_board {
        ways.push(format!(
            "hold the boot button while you plug it in, and mount the drive that appears (its {} says {board})",
            drive::INFO
        ));
    }
    let is_built = if cfg!(feature = "probes") {
        ""
    } else {
        " (this program was built without probes: build it with `cargo build --features host/probes --bin host`)"
    };
    ways.push(format!("connect a probe for the {}{is_built}", chip.probe_rs));
    if chip.dfu.is_some() {
        ways.push(format!("hold BOOT0 while you press reset, and connect USB{is_built}"));
    }
    ways.push("a board that runs already takes signed images with `host update --port …`".to_string());
    ways.join("; or ")
}

/// The chip of a board that is not emulated.
fn chip(board: &'static Board) -> Result<&'static Chip> {
    board.chip.as_ref().with_context(|| {
        format!("the board {} is emulated and has no flash: leave out what is for real boards", board.name)
    })
}

/// Whether a memory is RAM, by the map that all Cortex-M have (Arm DDI 0403, section B3.1).
fn is_ram(region: Region) -> bool {
    (0x2000_0000..0x4000_0000).contains(&region.address)
}

/// Refuses a program for another board.
fn check_firmware(board: &Board, runs: &[Run]) -> Result<()> {
    let (flash, ram) = (board.memory.firmware, board.memory.ram);
    for (address, bytes) in runs {
        ensure!(
            flash.contains(&Region { address: *address, bytes: bytes.len() }),
            "{} bytes at {address:#x} are not in the flash for firmware of the board {}, {:#x} to {:#x}: it is for another \
             board, or too large",
            bytes.len(),
            board.name,
            flash.address,
            flash.end()
        );
    }
    let stack = runs.first().and_then(|(_, bytes)| bytes.first_chunk()).map(|word| u32::from_le_bytes(*word));
    let is_in_ram = |stack: u32| stack > ram.address && u64::from(stack) <= ram.end();
    ensure!(
        stack.is_some_and(is_in_ram),
        "its stack is not in the RAM of the board {}: it is for another board",
        board.name
    );
    Ok(())
}

/// An image and its address, if it is for this board.
fn image_for(board: &Board, memory: Memory, file: &Path) -> Result<Run> {
    let (bytes, given) = containers::read(file)?;
    let wanted = board.wrapping(given.container, memory)?;
    let again = format!("export it again with --board {}", board.name);
    ensure!(
        given.container == Container::Bin || given.address == wanted.address,
        "{} is for address {:#x}, and the board {} has its image at {:#x}: {again}, or choose another --memory",
        file.display(),
        given.address,
        board.name,
        wanted.address
    );
    ensure!(
        given.family.is_none() || given.family == wanted.family,
        "{} is for processors of family {:#010x}, and the board {} is not one of them: {again}",
        file.display(),
        given.family.unwrap_or_default(),
        board.name
    );
    let aligned = AlignedBytes::copy(&bytes);
    let room = board.room(memory);
    let name = |layer| format!("layer {layer}");
    room.check(&room.budget.excesses_of_image(&aligned.image(file)?, &bytes, name))?;
    Ok((wanted.address, bytes))
}

/// The one of several things on the desk, by the serial number that the user gave, or the only one. Each has a serial number and a
/// description.
///
/// # Errors
/// There is none, there are several, or none has the serial number: with those there are.
pub fn choose(what: &str, option: &str, there: &[(String, String)], wanted: Option<&str>) -> Result<usize> {
    let listed = || {
        let lines = there.iter().map(|(serial, about)| format!("\n  {option} {serial}  ({about})"));
        lines.collect::<String>()
    };
    match (there, wanted) {
        ([], _) => bail!("there is no {what} on USB: is the cable in, and may you use it (udev rules)?"),
        ([_], None) => Ok(0),
        (_, None) => bail!("there are {} of {what}; choose one:{}", there.len(), listed()),
        (_, Some(wanted)) => {
            let found = there.iter().position(|(serial, _)| serial == wanted);
            found.with_context(|| format!("no {what} has the serial number {wanted}; there are:{}", listed()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Wrapping;

    /// A flash in memory that records what is done to it.
    struct Recorder {
        flash: Region,
        bytes: Vec<u8>,
        done: Vec<String>,
        broken: Option<u32>,
    }

    impl Programmer for Recorder {
        fn name(&self) -> String {
            "the recorder".to_string()
        }

        fn reaches(&self, region: &Region) -> bool {
            self.flash.contains(region)
        }

        fn write(&mut self, runs: &[Run], written: &mut dyn FnMut(usize)) -> Result<()> {
            for (address, bytes) in runs {
                self.done.push(format!("write {address:#x} {}", bytes.len()));
                let at = (address - self.flash.address) as usize;
                self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
                written(bytes.len());
            }
            if let Some(address) = self.broken {
                self.bytes[(address - self.flash.address) as usize] ^= 1;
            }
            Ok(())
        }

        fn read(&mut self, address: u32, buffer: &mut [u8]) -> Result<()> {
            let at = (address - self.flash.address) as usize;
            buffer.copy_from_slice(&self.bytes[at..at + buffer.len()]);
            Ok(())
        }

        fn start(&mut self, address: u32) -> Result<()> {
            self.done.push(format!("start {address:#x}"));
            Ok(())
        }
    }

    fn board() -> &'static Board {
        Board::named("stm32h743").unwrap()
    }

    fn plan(kind: &'static str, runs: Vec<Run>) -> FlashPlan {
        let part = Part { kind, file: "door".into(), runs };
        FlashPlan { board: board(), memory: Memory::External, parts: vec![part] }
    }

    fn recorder() -> Recorder {
        let flash = Region { address: 0x0800_0000, bytes: 0x1000 };
        Recorder { flash, bytes: vec![0xff; flash.bytes], done: vec![], broken: None }
    }

    /// The first words of a vector table.
    fn vectors(stack: u32) -> Vec<u8> {
        [stack, 0x0800_0101].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn firmware_is_written_read_back_and_started() {
        let mut recorder = recorder();
        let plan = plan("firmware", vec![(0x0800_0000, vec![1; 10]), (0x0800_0100, vec![2; 5])]);
        let flashed = plan.program(&mut recorder).unwrap();
        assert_eq!(recorder.done, ["write 0x8000000 10", "write 0x8000100 5", "start 0x8000000"]);
        let part = FlashedPart { kind: "firmware", file: "door".into(), address: 0x0800_0000, bytes: 15 };
        assert_eq!((flashed.checked, flashed.parts), (Checked::ReadBack, vec![part]));
    }

    #[test]
    fn byte_that_is_not_as_written_is_named_and_nothing_starts() {
        let mut recorder = Recorder { broken: Some(0x0800_0009), ..recorder() };
        let plan = plan("firmware", vec![(0x0800_0000, vec![1; 10])]);
        let said = plan.program(&mut recorder).unwrap_err().to_string();
        assert!(said.contains("0x8000009 is 0x00 and should be 0x01"), "{said}");
        assert_eq!(recorder.done, ["write 0x8000000 10"]);
    }

    #[test]
    fn part_out_of_reach_is_refused_before_anything_is_written_and_the_other_way_is_told() {
        let mut recorder = recorder();
        let said =
            plan("image", vec![(0x9000_0000, vec![1; 10])]).program(&mut recorder).unwrap_err().to_string();
        assert!(said.contains("0x90000000") && said.contains("the recorder cannot write"), "{said}");
        assert!(said.contains("host update door --port") && said.contains("--memory internal"), "{said}");
        assert_eq!(recorder.done, [""; 0]);
    }

    #[test]
    fn firmware_that_a_loader_copies_to_ram_is_for_other_tools_and_one_flash_is_not_another() {
        let board = Board::named("stm32n657").unwrap();
        let refused = FlashPlan::new(board, Some(Path::new("door")), None, Memory::External).err().unwrap();
        assert!(refused.to_string().contains("runs in RAM"), "{refused}");
        let said =
            FlashPlan { board, ..plan("image", vec![(0x7010_0000, vec![1; 10])]) }.program(&mut recorder());
        let said = said.unwrap_err().to_string();
        assert!(said.contains("host update door --port") && !said.contains("internal"), "{said}");
    }

    #[test]
    fn firmware_for_another_board_is_refused() {
        let stack = board().memory.ram.address + 0x1000;
        let check = |runs: &[Run]| check_firmware(board(), runs).map_err(|error| error.to_string());
        assert_eq!(check(&[(0x0800_0000, vectors(stack))]), Ok(()));
        let said = check(&[(0x0800_0000, vectors(stack)), (0x0810_0000, vec![0])]).unwrap_err();
        assert!(said.contains("0x8100000 are not in the flash for firmware"), "{said}");
        let said = check(&[(0x1000_0000, vectors(stack))]).unwrap_err();
        assert!(said.contains("another board"), "{said}");
        for stack in [0x2008_0000, board().memory.ram.address, 0] {
            let said = check(&[(0x0800_0000, vectors(stack))]).unwrap_err();
            assert!(said.contains("its stack is not in the RAM"), "{said}");
        }
    }

    #[test]
    fn probe_is_the_only_one_or_the_one_that_is_named() {
        let there = |serials: &[&str]| -> Vec<(String, String)> {
            serials.iter().map(|serial| (serial.to_string(), "ST-Link".to_string())).collect()
        };
        let chosen = |serials: &[&str], wanted| {
            choose("probe", "--probe", &there(serials), wanted).map_err(|error| error.to_string())
        };
        assert_eq!((chosen(&["A"], None), chosen(&["A", "B"], Some("B"))), (Ok(0), Ok(1)));
        assert!(chosen(&[], None).unwrap_err().contains("no probe on USB"));
        let said = chosen(&["A", "B"], None).unwrap_err();
        assert!(said.contains("--probe A  (ST-Link)") && said.contains("--probe B"), "{said}");
        let said = chosen(&["A"], Some("C")).unwrap_err();
        assert!(said.contains("serial number C") && said.contains("--probe A"), "{said}");
    }

    /// A board whose loader is a drive, with the memories of the STM32H743.
    fn with_drive() -> &'static Board {
        let text = include_str!("../../firmware/boards/stm32h743/board.toml");
        let drive = "uf2_family = 0xe48bff59\nuf2_board = \"RP2350\"\n[devices]";
        Board::made(&text.replace("[devices]", drive))
    }

    #[test]
    fn firmware_and_image_go_to_a_drive_in_one_file_and_images_for_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let board = with_drive();
        let program = [vectors(board.memory.ram.address + 0x1000), vec![7; 500]].concat();
        let elf = Wrapping { container: Container::Elf, address: 0x0800_0000, family: None };
        std::fs::write(at("door"), elf.wrap(&program).unwrap()).unwrap();
        // Begins like an image, with its length.
        let mut image = vec![5; 1000];
        image[..4].copy_from_slice(b"GEOD");
        image[8..12].copy_from_slice(&1000u32.to_le_bytes());
        let write = |name: &str, container, address, family| {
            let wrapping = Wrapping { container, address, family };
            std::fs::write(at(name), wrapping.wrap(&image).unwrap()).unwrap();
        };
        let family = Some(0xe48b_ff59);
        write("other.uf2", Container::Uf2, 0x9000_0000, Some(0xe48b_ff56));
        write("far.hex", Container::Hex, 0x6000_0000, None);
        let firmware = containers::program(&at("door")).unwrap();
        check_firmware(board, &firmware).unwrap();
        let part = |kind, runs| Part { kind, file: at("door"), runs };
        let parts = vec![part("image", vec![(0x9000_0000, image.clone())]), part("firmware", firmware)];
        let plan = FlashPlan { board, memory: Memory::External, parts };
        let file = plan.uf2().unwrap();
        let (blocks, found) = uf2::parse(&file).unwrap();
        assert_eq!(found, family);
        let runs = joined(blocks).unwrap();
        assert_eq!(runs.iter().map(|(address, _)| *address).collect::<Vec<_>>(), [0x0800_0000, 0x9000_0000]);
        assert!(runs[0].1.starts_with(&program) && runs[1].1.starts_with(&image));
        let refused = |name: &str| image_for(board, Memory::External, &at(name)).unwrap_err().to_string();
        let said = refused("other.uf2");
        assert!(said.contains("family 0xe48bff56") && said.contains("--board stm32h743"), "{said}");
        let said = refused("far.hex");
        assert!(said.contains("is for address 0x60000000"), "{said}");
        // Bytes that only begin like an image.
        write("damaged.uf2", Container::Uf2, 0x9000_0000, family);
        assert!(refused("damaged.uf2").contains("damaged.uf2 cannot be used"));
        // Nothing but the board's drive is written to.
        let stick = tempfile::tempdir().unwrap();
        let wanted = Wanted { drive: Some(stick.path().to_path_buf()), ..Wanted::default() };
        assert!(flash(&plan, &wanted).is_err());
        assert_eq!(std::fs::read_dir(stick.path()).unwrap().count(), 0);
    }

    #[test]
    fn file_for_a_drive_needs_a_board_whose_loader_is_one() {
        let plan = plan("firmware", vec![(0x0800_0000, vec![1; 10])]);
        let said = plan.uf2().unwrap_err().to_string();
        assert!(said.contains("stm32h743 is not a drive"), "{said}");
    }
}
