//! The facts of a board: its core, memories, devices and limits. Only one file states them, the board's `board.toml`.
//!
//! # Layers
//!
//! * [`Facts`]: a parsed and checked `board.toml`.
//! * [`emit`]: the same facts for the linker and for the firmware's source.
//! * [`script`]: the build script of every board, which writes both.
//! * [`toolchain`]: the compiler for a board's target on this machine.
//!
//! The host embeds the files and reads them with [`Facts::parse`] too, so that firmware and host cannot disagree.

pub mod emit;
pub mod script;
pub mod toolchain;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Alignment of arenas and of images in memory, bytes.
pub const ALIGNMENT: usize = 16;
/// Pages in which external flash is erased, bytes.
pub const PAGE: usize = 4096;

/// A board.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Name of the board, of its package and of its folder.
    pub name: String,
    /// The core, and the machine or part that has it, as text for people.
    pub about: String,
    /// The core's name in compilers: `cortex-m7`.
    pub core: String,
    /// Rust target.
    pub target: String,
    /// QEMU machine that runs it. An emulated board has this, any other has a `chip`.
    pub qemu_machine: Option<String>,
    /// RAM of that machine that QEMU can keep in a file, which the host then shares: all of the machine's option
    /// `memory-backend`. Without it, frames go over the link.
    pub qemu_ram: Option<Region>,
    /// Typical clock of processors with this core, MHz.
    pub clock_mhz: f64,
    /// RAM for the network's rows, bytes.
    pub arena_bytes: usize,
    /// RAM for the stack, bytes: at least so much on a board with `memory.statics`, exactly so much on any other.
    pub stack_bytes: usize,
    /// Addresses and sizes of the memories.
    pub memory: Memories,
    /// The flash of `memory.store`: a board that has the one has the other.
    pub store: Option<StoreFlash>,
    /// The microcontroller of a board that is not emulated.
    pub chip: Option<Chip>,
    /// Limits of the board.
    pub limits: Limits,
    /// Addresses of devices, by the names that the board's drivers use.
    pub devices: BTreeMap<String, u32>,
    /// Numbers of the interrupts with which devices receive, by the devices' names.
    #[serde(default)]
    pub interrupts: BTreeMap<String, u16>,
}

/// The memories of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memories {
    /// Flash of the firmware.
    pub firmware: Region,
    /// RAM of the firmware: the arena, the stack, and the other statics unless `statics` has them.
    pub ram: Region,
    /// RAM of the statics except the arena, on a board whose fastest RAM is small.
    pub statics: Option<Region>,
    /// The part of internal flash that an image may use; a board whose flash is all one chip has none.
    pub internal: Option<Region>,
    /// Memory-mapped external flash, used for an image only.
    pub external: Region,
    /// RAM that holds a camera's frame; a board without it does not see.
    pub frame: Option<Region>,
    /// Flash for people and counters, or memory of an emulated board in its place; a board without it remembers nothing.
    pub store: Option<Region>,
    /// The two slots of a device's images in external flash: of one length, whole pages of [`PAGE`] bytes. A board without them
    /// takes no updates.
    pub slots: Option<[Region; 2]>,
    /// Page for the device's own keys, in internal flash if the chip has some.
    pub keys: Option<Region>,
    /// RAM that no restart clears, for the last decisions.
    pub retained: Option<Region>,
    /// The whole external flash, which contains `external` and `store`.
    pub flash: Option<Region>,
}

/// How the flash of the store is written, and how its pages of [`PAGE`] bytes are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFlash {
    /// The smallest write, bytes: a power of two, at most 32.
    pub word_bytes: u32,
    /// Pages of the counter log, at least 2.
    pub log_pages: u32,
    /// Pages of each of the two halves.
    pub half_pages: u32,
    /// How often a page can be erased, as the flash's maker says.
    pub cycles: u32,
}

/// A microcontroller that is programmed over a debug port or over USB.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Its name in probe-rs.
    pub probe_rs: String,
    /// The family of UF2 files that its boot loader takes, if it takes such files.
    pub uf2_family: Option<u32>,
    /// Vendor and product that the link's USB device has.
    pub usb: Option<UsbId>,
    /// The chip's own loader, if it is of the class DFU with ST's extensions.
    pub dfu: Option<Dfu>,
    /// The name of the board in the file `INFO_UF2.TXT` of the drive that takes UF2 files.
    pub uf2_board: Option<String>,
}

/// A loader of the class DFU with ST's extensions. Loaders of many chips share a vendor and a product; the flash that they describe
/// is the chip's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dfu {
    /// Vendor.
    pub vendor: u16,
    /// Product.
    pub product: u16,
    /// The loader's description of its flash, such as `@Internal Flash /0x08000000/16*128Kg`.
    pub layout: String,
}

/// What a USB device calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsbId {
    /// Vendor.
    pub vendor: u16,
    /// Product.
    pub product: u16,
}

/// A part of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First address.
    pub address: u32,
    /// Length in bytes.
    pub bytes: usize,
}

/// Limits of a board besides the sizes of its memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most layers of a network.
    pub layers: usize,
    /// Most bytes of a row of the crop, so that one message of the link carries it.
    pub row_bytes: usize,
}

/// Why a `board.toml` is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactsError {
    /// It is not TOML, a fact is missing, or a fact is unknown.
    Syntax(String),
    /// A memory is empty or ends beyond the last address. Or a memory for images or frames does not start at a multiple
    /// of [`ALIGNMENT`].
    Memory(&'static str),
    /// Two memories share addresses.
    Overlap(&'static str, &'static str),
    /// The slots are not of one length, not whole pages, not apart, or not in external flash.
    Slots,
    /// This memory does not lie in the RAM that QEMU can keep in a file.
    NotShared(&'static str),
    /// This memory does not lie in the external flash, or is not whole pages of it.
    NotInFlash(&'static str),
    /// There is only one of `memory.store` and the table `store`, or the pages are not in the memory, or the word is none.
    Store,
    /// The board is neither emulated nor has it a chip, or it is both.
    Machine,
    /// The arena or the stack is not a multiple of [`ALIGNMENT`].
    Arena,
    /// Arena and stack are larger than the RAM.
    Ram {
        /// Bytes of both.
        needed: usize,
        /// Bytes of RAM.
        bytes: usize,
    },
    /// A limit is 0: no network could run.
    Limit(&'static str),
    /// A device's name contains something other than small letters, digits and `_`.
    Device(String),
    /// An interrupt of a device that is not there.
    Interrupt(String),
}

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "{error}"),
            Self::Memory(name) => {
                write!(f, "memory.{name}: empty, outside 32 bits of addresses, or not aligned to {ALIGNMENT}")
            }
            Self::Overlap(one, other) => write!(f, "memory.{one} and memory.{other} share addresses"),
            Self::Slots => write!(
                f,
                "memory.slots: not two parts of memory.external of one length, each whole pages of {PAGE} bytes"
            ),
            Self::NotShared(memory) => write!(f, "memory.{memory}: not within qemu_ram"),
            Self::NotInFlash(memory) => {
                write!(f, "memory.{memory}: not within memory.flash, or not whole pages of {PAGE} bytes")
            }
            Self::Store => write!(
                f,
                "store: not the pages of {PAGE} bytes of memory.store: 2 or more of the log, and two halves; \
                 or word_bytes is not a power of two up to 32, or cycles is 0"
            ),
            Self::Machine => write!(f, "a board has either a qemu_machine or a chip"),
            Self::Arena => write!(f, "arena_bytes or stack_bytes: not a multiple of {ALIGNMENT}"),
            Self::Ram { needed, bytes } => {
                write!(f, "arena_bytes and stack_bytes are {needed} together, memory.ram has {bytes}")
            }
            Self::Limit(name) => write!(f, "limits.{name}: 0"),
            Self::Device(name) => write!(f, "devices.{name}: a name has small letters, digits and _ only"),
            Self::Interrupt(name) => write!(f, "interrupts.{name}: no device has this name"),
        }
    }
}

impl std::error::Error for FactsError {}

impl Facts {
    /// Parses and checks a `board.toml`.
    ///
    /// # Errors
    /// [`FactsError`].
    pub fn parse(text: &str) -> Result<Facts, FactsError> {
        let facts: Facts = toml::from_str(text).map_err(|error| FactsError::Syntax(error.to_string()))?;
        facts.check()?;
        Ok(facts)
    }

    fn check(&self) -> Result<(), FactsError> {
        let Memories {
            firmware,
            ram,
            statics,
            internal,
            external,
            frame,
            store,
            slots,
            keys,
            retained,
            flash,
        } = self.memory;
        if self.qemu_machine.is_some() == self.chip.is_some() {
            return Err(FactsError::Machine);
        }
        let memories = [("firmware", firmware), ("ram", ram), ("external", external)];
        let optional = [
            ("internal", internal),
            ("statics", statics),
            ("frame", frame),
            ("store", store),
            ("keys", keys),
            ("retained", retained),
        ];
        let optional = optional.into_iter().filter_map(|(name, memory)| Some((name, memory?)));
        let memories: Vec<_> = memories.into_iter().chain(optional).collect();
        for (index, &(name, memory)) in memories.iter().enumerate() {
            let is_read_in_place = matches!(name, "internal" | "external" | "frame" | "store");
            let is_aligned = !is_read_in_place || (memory.address as usize).is_multiple_of(ALIGNMENT);
            if memory.bytes == 0 || memory.end() > 1 << 32 || !is_aligned {
                return Err(FactsError::Memory(name));
            }
            let overlapping = memories[..index].iter().find(|(_, other)| memory.overlaps(other));
            if let Some(&(other, _)) = overlapping {
                return Err(FactsError::Overlap(other, name));
            }
        }
        for (name, memory) in [("frame", frame), ("store", store)] {
            if let (Some(memory), Some(ram)) = (memory, self.qemu_ram)
                && !ram.contains(&memory)
            {
                return Err(FactsError::NotShared(name));
            }
        }
        if let Some(flash) = flash {
            for (name, memory) in [("external", Some(external)), ("store", store)] {
                let is_in = |memory: Region| flash.contains(&memory) && memory.is_whole_pages(PAGE);
                if memory.is_some_and(|memory| !is_in(memory)) {
                    return Err(FactsError::NotInFlash(name));
                }
            }
        }
        if let Some([first, second]) = slots {
            let offsets =
                [first, second].map(|slot| (slot.address as usize).wrapping_sub(external.address as usize));
            let are_pages = offsets.into_iter().chain([first.bytes]).all(|bytes| bytes.is_multiple_of(PAGE));
            let are_inside = external.contains(&first) && external.contains(&second);
            if first.bytes != second.bytes
                || first.bytes == 0
                || !are_pages
                || !are_inside
                || first.overlaps(&second)
            {
                return Err(FactsError::Slots);
            }
        }
        match (self.store, store) {
            (None, None) => {}
            (Some(pages), Some(memory)) if pages.fits(memory.bytes) => {}
            _ => return Err(FactsError::Store),
        }
        if ![self.arena_bytes, self.stack_bytes].iter().all(|bytes| bytes.is_multiple_of(ALIGNMENT)) {
            return Err(FactsError::Arena);
        }
        let needed = self.arena_bytes.saturating_add(self.stack_bytes);
        if needed > ram.bytes {
            return Err(FactsError::Ram { needed, bytes: ram.bytes });
        }
        for (name, limit) in [("layers", self.limits.layers), ("row_bytes", self.limits.row_bytes)] {
            if limit == 0 {
                return Err(FactsError::Limit(name));
            }
        }
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if let Some(name) = self.devices.keys().find(|name| name.is_empty() || !name.chars().all(is_name)) {
            return Err(FactsError::Device(name.clone()));
        }
        match self.interrupts.keys().find(|name| !self.devices.contains_key(*name)) {
            Some(name) => Err(FactsError::Interrupt(name.clone())),
            None => Ok(()),
        }
    }
}

impl StoreFlash {
    fn fits(&self, bytes: usize) -> bool {
        let pages = u64::from(self.log_pages) + 2 * u64::from(self.half_pages);
        self.word_bytes.is_power_of_two()
            && self.word_bytes <= 32
            && self.log_pages >= 2
            && self.half_pages > 0
            && self.cycles > 0
            && pages * PAGE as u64 <= bytes as u64
    }
}

impl Region {
    /// First address after the region.
    pub fn end(&self) -> u64 {
        u64::from(self.address) + self.bytes as u64
    }

    /// Whether all of another region lies in this one.
    pub fn contains(&self, other: &Region) -> bool {
        self.address <= other.address && other.end() <= self.end()
    }

    fn is_whole_pages(&self, page: usize) -> bool {
        (self.address as usize).is_multiple_of(page) && self.bytes.is_multiple_of(page)
    }

    fn overlaps(&self, other: &Region) -> bool {
        u64::from(self.address) < other.end() && u64::from(other.address) < self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const TEXT: &str = r#"
        name = "toaster"
        about = "Cortex-M7 with two slots"
        core = "cortex-m7"
        target = "thumbv7em-none-eabihf"
        qemu_machine = "mps2-an500"
        qemu_ram = { address = 0x9000_0000, bytes = 0x100_0000 }
        clock_mhz = 480
        arena_bytes = 0x1_0000
        stack_bytes = 0x4000
        [memory]
        firmware = { address = 0x0000_0000, bytes = 0x4_0000 }
        ram = { address = 0x2000_0000, bytes = 0x2_0000 }
        internal = { address = 0x0004_0000, bytes = 0xc_0000 }
        external = { address = 0x9000_0000, bytes = 0x80_0000 }
        frame = { address = 0x90f0_0000, bytes = 0x10_0000 }
        [limits]
        layers = 128
        row_bytes = 3072
        [devices]
        uart = 0x4000_4000
        [interrupts]
        uart = 4
    "#;

    const EXTERNAL: &str = "external = { address = 0x9000_0000";

    /// The error of the board above with one part of its text replaced.
    fn error(from: &str, to: &str) -> FactsError {
        assert!(TEXT.contains(from), "{from}");
        Facts::parse(&TEXT.replace(from, to)).unwrap_err()
    }

    #[test]
    fn board_is_parsed() {
        let facts = Facts::parse(TEXT).unwrap();
        assert_eq!((&*facts.name, facts.clock_mhz), ("toaster", 480.0));
        assert_eq!(facts.memory.external, Region { address: 0x9000_0000, bytes: 8 << 20 });
        assert_eq!(facts.memory.frame, Some(Region { address: 0x90f0_0000, bytes: 1 << 20 }));
        assert_eq!(facts.devices["uart"], 0x4000_4000);
    }

    #[test]
    fn missing_and_unknown_facts_are_named() {
        for (from, to, name) in [
            ("stack_bytes = 0x4000", "", "stack_bytes"),
            ("layers", "floors", "floors"),
            ("480", "\"fast\"", "fast"),
        ] {
            let FactsError::Syntax(said) = error(from, to) else { panic!("{from} is read") };
            assert!(said.contains(name), "{said}");
        }
    }

    #[test]
    fn memories_that_share_addresses_are_refused() {
        assert_eq!(error("0x0004_0000", "0x0003_fff0"), FactsError::Overlap("firmware", "internal"));
        assert_eq!(
            error(EXTERNAL, "external = { address = 0x1ff0_0000"),
            FactsError::Overlap("ram", "external")
        );
        assert_eq!(error("0x90f0_0000", "0x907f_fff0"), FactsError::Overlap("external", "frame"));
    }

    #[test]
    fn memories_that_cannot_be_are_refused() {
        assert_eq!(error("0x80_0000", "0"), FactsError::Memory("external"));
        assert_eq!(error(EXTERNAL, "external = { address = 0xff80_0010"), FactsError::Memory("external"));
        assert_eq!(error(EXTERNAL, "external = { address = 0x9000_0008"), FactsError::Memory("external"));
        assert_eq!(error("0x90f0_0000", "0x90f0_0008"), FactsError::Memory("frame"));
    }

    #[test]
    fn slots_are_equal_parts_of_external_flash() {
        let with = |first: &str, second: &str| {
            let slots = format!("slots = [{{ {first} }}, {{ {second} }}]\n[limits]");
            Facts::parse(&TEXT.replace("[limits]", &slots)).map(|facts| facts.memory.slots.unwrap())
        };
        let first = "address = 0x9000_0000, bytes = 0x2000";
        let found = with(first, "address = 0x9000_2000, bytes = 0x2000").unwrap();
        assert_eq!(found[1], Region { address: 0x9000_2000, bytes: 0x2000 });
        for second in [
            "address = 0x9000_1000, bytes = 0x2000",
            "address = 0x9000_2000, bytes = 0x1000",
            "address = 0x9000_2800, bytes = 0x2000",
            "address = 0x907f_f000, bytes = 0x2000",
        ] {
            assert_eq!(with(first, second), Err(FactsError::Slots), "{second}");
        }
    }

    #[test]
    fn frame_lies_in_the_ram_that_qemu_shares() {
        assert_eq!(error("0x90f0_0000", "0x90f0_0010"), FactsError::NotShared("frame"));
        assert_eq!(error("0x90f0_0000", "0x8ff0_0000"), FactsError::NotShared("frame"));
        let without = |line: &str| {
            let lines = TEXT.lines().filter(|other| !other.trim_start().starts_with(line));
            Facts::parse(&lines.collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(without("qemu_ram").unwrap().qemu_ram, None);
        assert_eq!(without("frame").unwrap().memory.frame, None);
    }

    pub(crate) const CHIP: &str = r#"
        name = "kettle"
        about = "Cortex-M7 with a flash"
        core = "cortex-m7"
        target = "thumbv7em-none-eabihf"
        clock_mhz = 480
        arena_bytes = 0x1_6000
        stack_bytes = 0xa000
        [memory]
        firmware = { address = 0x0800_0000, bytes = 0x10_0000 }
        ram = { address = 0x2000_0000, bytes = 0x2_0000 }
        statics = { address = 0x2404_0000, bytes = 0x4_0000 }
        internal = { address = 0x0810_0000, bytes = 0xe_0000 }
        keys = { address = 0x081e_0000, bytes = 0x2_0000 }
        retained = { address = 0x3880_0000, bytes = 0x1000 }
        flash = { address = 0x9000_0000, bytes = 0x80_0000 }
        external = { address = 0x9000_0000, bytes = 0x78_0000 }
        slots = [{ address = 0x9000_0000, bytes = 0x3c_0000 }, { address = 0x903c_0000, bytes = 0x3c_0000 }]
        store = { address = 0x9078_0000, bytes = 0x8_0000 }
        [store]
        word_bytes = 1
        log_pages = 2
        half_pages = 63
        cycles = 100_000
        [limits]
        layers = 128
        row_bytes = 3072
        [chip]
        probe_rs = "STM32H743VITx"
        usb = { vendor = 0x1209, product = 0x0001 }
        dfu = { vendor = 0x0483, product = 0xdf11, layout = "@Internal Flash /0x08000000/16*128Kg" }
        [devices]
    "#;

    #[test]
    fn board_is_emulated_or_has_a_chip() {
        let facts = Facts::parse(CHIP).unwrap();
        let usb = Some(UsbId { vendor: 0x1209, product: 1 });
        let layout = "@Internal Flash /0x08000000/16*128Kg".to_string();
        let dfu = Some(Dfu { vendor: 0x0483, product: 0xdf11, layout });
        let probe_rs = "STM32H743VITx".to_string();
        assert_eq!(facts.chip, Some(Chip { probe_rs, uf2_family: None, usb, dfu, uf2_board: None }));
        let family = Facts::parse(&CHIP.replace("[chip]", "[chip]\nuf2_family = 0xe48b_ff59"));
        assert_eq!(family.unwrap().chip.unwrap().uf2_family, Some(0xe48b_ff59));
        assert_eq!(facts.qemu_machine, None);
        assert_eq!(error("qemu_machine = \"mps2-an500\"", ""), FactsError::Machine);
        let both = CHIP.replace("clock_mhz", "qemu_machine = \"mps2-an500\"\nclock_mhz");
        assert_eq!(Facts::parse(&both).unwrap_err(), FactsError::Machine);
    }

    #[test]
    fn images_and_store_are_pages_of_the_flash() {
        for (from, to, wanted) in [
            (
                "0x9078_0000, bytes = 0x8_0000",
                "0x9078_0000, bytes = 0x9_0000",
                FactsError::NotInFlash("store"),
            ),
            ("0x9078_0000, bytes = 0x8_0000", "0x9078_0800, bytes = 0x1000", FactsError::NotInFlash("store")),
        ] {
            assert!(CHIP.contains(from), "{from}");
            assert_eq!(Facts::parse(&CHIP.replace(from, to)).unwrap_err(), wanted, "{from}");
        }
    }

    #[test]
    fn store_has_pages_of_its_memory() {
        let found = Facts::parse(CHIP).unwrap().store;
        let wanted = StoreFlash { word_bytes: 1, log_pages: 2, half_pages: 63, cycles: 100_000 };
        assert_eq!(found, Some(wanted));
        for (from, to) in [
            ("half_pages = 63", "half_pages = 64"),
            ("half_pages = 63", "half_pages = 0"),
            ("log_pages = 2", "log_pages = 1"),
            ("word_bytes = 1", "word_bytes = 3"),
            ("word_bytes = 1", "word_bytes = 64"),
            ("cycles = 100_000", "cycles = 0"),
            ("store = {", "# {"),
        ] {
            assert!(CHIP.contains(from), "{from}");
            assert_eq!(Facts::parse(&CHIP.replacen(from, to, 1)).unwrap_err(), FactsError::Store, "{to}");
        }
        let without = CHIP.lines().filter(|line| {
            !["[store]", "word_bytes", "log_pages", "half_pages", "cycles"]
                .iter()
                .any(|fact| line.trim().starts_with(fact))
        });
        let without = without.collect::<Vec<_>>().join("\n");
        assert_eq!(Facts::parse(&without).unwrap_err(), FactsError::Store);
    }

    #[test]
    fn board_whose_flash_is_one_chip_has_no_internal_flash() {
        let line = "internal = { address = 0x0810_0000, bytes = 0xe_0000 }";
        let facts = Facts::parse(&CHIP.replace(line, "")).unwrap();
        assert_eq!(facts.memory.internal, None);
        let constants = facts.constants();
        assert!(constants.contains("= [(0x00000000, 0x0), (0x90000000, 0x780000)];"), "{constants}");
    }

    #[test]
    fn arena_and_stack_must_fit_the_ram() {
        assert_eq!(error("0x1_0000", "0x1_c010"), FactsError::Ram { needed: 0x2_0010, bytes: 0x2_0000 });
        assert_eq!(error("0x1_0000", "0x1_0008"), FactsError::Arena);
        assert_eq!(error("0x4000", "0x4008"), FactsError::Arena);
        assert!(Facts::parse(&TEXT.replace("0x1_0000", "0x1_c000")).is_ok());
    }

    #[test]
    fn limits_of_zero_and_odd_device_names_are_refused() {
        assert_eq!(error("layers = 128", "layers = 0"), FactsError::Limit("layers"));
        assert_eq!(error("uart = 0x", "Uart = 0x"), FactsError::Device("Uart".to_string()));
        assert_eq!(error("uart = 4", "front = 4"), FactsError::Interrupt("front".to_string()));
    }
}
