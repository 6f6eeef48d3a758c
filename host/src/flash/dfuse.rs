//! The loader in the ROM of an STM32, as ST's application note AN3156 describes it: the class DFU with ST's extensions (DfuSe), by
//! which flash is erased, written and read back at any address.
//!
//! Libraries for DFU write and leave the loader at once; none of them reads back. Hence this.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use facts::Region;

use super::Programmer;
use crate::containers::{Run, joined, pages};

const DOWNLOAD: u8 = 1;
const UPLOAD: u8 = 2;
const STATUS: u8 = 3;
const CLEAR: u8 = 4;
const ABORT: u8 = 6;

const SET_ADDRESS: u8 = 0x21;
const ERASE: u8 = 0x41;

const IDLE: u8 = 2;
const BUSY: u8 = 4;
const DOWNLOADING: u8 = 5;
const ERROR: u8 = 10;

/// Number of the block at the address that was set.
const FIRST_BLOCK: u16 = 2;
/// What is written begins and ends at multiples of this: the widest word of flash (STM32H7: 32 bytes).
const WORD: usize = 32;
/// Longest pause between two questions that a loader asks for.
const LONGEST: Duration = Duration::from_secs(5);

/// Requests of the class to the loader's interface.
pub trait Controls {
    /// Asks for bytes. Returns their number.
    ///
    /// # Errors
    /// When the loader does not answer.
    fn receive(&mut self, request: u8, value: u16, buffer: &mut [u8]) -> Result<usize>;

    /// Sends bytes.
    ///
    /// # Errors
    /// When the loader does not take them.
    fn send(&mut self, request: u8, value: u16, bytes: &[u8]) -> Result<()>;
}

/// Sectors of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sectors {
    region: Region,
    sector_bytes: u32,
}

/// A loader.
pub struct Dfuse<C> {
    controls: C,
    transfer_bytes: usize,
    layout: Vec<Sectors>,
}

impl<C: Controls> Dfuse<C> {
    /// A loader, with the most bytes of a transfer and the description of its flash, such as
    /// `@Internal Flash /0x08000000/16*128Kg`.
    ///
    /// # Errors
    /// When the description is not one.
    pub fn new(controls: C, transfer_bytes: usize, description: &str) -> Result<Self> {
        let layout = layout(description).with_context(|| {
            format!("the loader describes its flash as {description:?}, which is not as ST's loaders do")
        })?;
        ensure!(
            transfer_bytes >= WORD && transfer_bytes.is_multiple_of(WORD),
            "the loader takes {transfer_bytes} bytes at once, which are not whole words of flash"
        );
        Ok(Dfuse { controls, transfer_bytes, layout })
    }

    /// State, and whether the last request failed.
    fn status(&mut self) -> Result<(u8, u8, Duration)> {
        let mut answer = [0; 6];
        let length = self.controls.receive(STATUS, 0, &mut answer)?;
        ensure!(length == answer.len(), "the loader's status has {length} bytes instead of 6");
        let [status, low, middle, high, state, _] = answer;
        let pause = Duration::from_millis(u32::from_le_bytes([low, middle, high, 0]).into());
        Ok((status, state, pause.min(LONGEST)))
    }

    /// Brings the loader back to its first state.
    fn idle(&mut self) -> Result<()> {
        for _ in 0..4 {
            let (_, state, pause) = self.status()?;
            match state {
                IDLE => return Ok(()),
                ERROR => self.controls.send(CLEAR, 0, &[])?,
                BUSY => sleep(pause),
                _ => self.controls.send(ABORT, 0, &[])?,
            }
        }
        bail!("the loader does not come to rest: unplug the board, enter its loader again, and start again")
    }

    /// Sends a block and waits until it is carried out.
    fn download(&mut self, block: u16, bytes: &[u8], what: &str, address: u32) -> Result<()> {
        let failed = || format!("{what} at {address:#x}");
        self.controls.send(DOWNLOAD, block, bytes).with_context(failed)?;
        loop {
            let (status, state, pause) = self.status().with_context(failed)?;
            match state {
                BUSY => sleep(pause),
                DOWNLOADING if status == 0 => return Ok(()),
                _ => {
                    let why = reason(status);
                    bail!("the loader refuses {what} at {address:#x}: {why}")
                }
            }
        }
    }

    fn command(&mut self, command: u8, address: u32, what: &str) -> Result<()> {
        let [a, b, c, d] = address.to_le_bytes();
        self.download(0, &[command, a, b, c, d], what, address)
    }

    /// The sectors in which bytes lie.
    fn sectors(&self, runs: &[Run]) -> Vec<u32> {
        let is_used = |sector: &Region| {
            let overlaps = |(address, bytes): &Run| {
                let end = u64::from(*address) + bytes.len() as u64;
                u64::from(sector.address) < end && u64::from(*address) < sector.end()
            };
            runs.iter().any(overlaps)
        };
        let sectors = self.layout.iter().flat_map(|sectors| {
            let addresses = (0u32..).map(|number| sectors.region.address + number * sectors.sector_bytes);
            let count = sectors.region.bytes / sectors.sector_bytes as usize;
            addresses.take(count).map(|address| Region { address, bytes: sectors.sector_bytes as usize })
        });
        sectors.filter(is_used).map(|sector| sector.address).collect()
    }
}

impl<C: Controls> Programmer for Dfuse<C> {
    fn name(&self) -> String {
        "the loader in the chip's ROM (DFU)".to_string()
    }

    fn reaches(&self, region: &Region) -> bool {
        self.layout.iter().any(|sectors| sectors.region.contains(region))
    }

    fn write(&mut self, runs: &[Run], written: &mut dyn FnMut(usize)) -> Result<()> {
        let words = joined(pages::<WORD>(runs)?.into_iter().map(|(at, word)| (at, word.to_vec())).collect())?;
        self.idle()?;
        for sector in self.sectors(runs) {
            self.command(ERASE, sector, "erasing the sector")?;
        }
        for (address, bytes) in &words {
            self.command(SET_ADDRESS, *address, "the address")?;
            for (block, chunk) in (FIRST_BLOCK..).zip(bytes.chunks(self.transfer_bytes)) {
                let place = address + u32::from(block - FIRST_BLOCK) * self.transfer_bytes as u32;
                self.download(block, chunk, "writing", place)?;
                written(chunk.len());
            }
        }
        Ok(())
    }

    fn read(&mut self, address: u32, buffer: &mut [u8]) -> Result<()> {
        self.idle()?;
        self.command(SET_ADDRESS, address, "the address")?;
        self.idle()?;
        for (block, chunk) in (FIRST_BLOCK..).zip(buffer.chunks_mut(self.transfer_bytes)) {
            let wanted = chunk.len();
            let length = self.controls.receive(UPLOAD, block, chunk).with_context(|| {
                format!("cannot read from {address:#x}: is the chip protected against reading (RDP)?")
            })?;
            ensure!(length == wanted, "the loader gave {length} bytes instead of {wanted} from {address:#x}");
        }
        self.idle()
    }

    fn start(&mut self, address: u32) -> Result<()> {
        self.idle()?;
        self.command(SET_ADDRESS, address, "the address")?;
        self.controls.send(DOWNLOAD, 0, &[])?;
        // The chip leaves the loader while it answers, or before.
        let _ = self.status();
        Ok(())
    }
}

/// The words of DFU 1.1, section 6.1.2, for a status.
fn reason(status: u8) -> &'static str {
    match status {
        1 => "the address is not the loader's",
        2 => "the file is for something else",
        3 => "it is write-protected; take the protection away first",
        4 | 5 => "erasing failed",
        6 | 7 => "writing failed",
        8 => "the address is out of range",
        11 => "the chip is protected (RDP); taking the protection away erases the chip",
        _ => "it gives no reason",
    }
}

/// The sectors that a description has: after the name an address, then groups such as `4*16Kg,1*64Kg`. The last letter tells what
/// may be done with them.
fn layout(description: &str) -> Option<Vec<Sectors>> {
    let mut parts = description.strip_prefix('@')?.split('/').skip(1).map(str::trim);
    let mut all = Vec::new();
    while let Some(address) = parts.next() {
        let mut address = u32::from_str_radix(address.strip_prefix("0x")?, 16).ok()?;
        for group in parts.next()?.split(',') {
            let (count, size) = group.split_once('*')?;
            let digits = size.find(|c: char| !c.is_ascii_digit())?;
            let (number, letters) = size.split_at(digits);
            let unit = match letters.chars().next()? {
                ' ' | 'B' => 1,
                'K' => 1024,
                'M' => 1024 * 1024,
                _ => return None,
            };
            let sector_bytes: u32 = number.parse::<u32>().ok()?.checked_mul(unit)?;
            let bytes = count.trim().parse::<u32>().ok()?.checked_mul(sector_bytes)?;
            let next = address.checked_add(bytes)?;
            // Bits of the letter: readable, erasable, writable.
            let is_flash = letters.chars().last().is_some_and(|letter| letter as u32 & 7 == 7);
            if is_flash && sector_bytes > 0 {
                all.push(Sectors { region: Region { address, bytes: bytes as usize }, sector_bytes });
            }
            address = next;
        }
    }
    // Sectors of one length may be in several groups: one behind the other they are one.
    all.dedup_by(|next, before| {
        let is_next = before.region.end() == u64::from(next.region.address);
        let is_one = is_next && before.sector_bytes == next.sector_bytes;
        if is_one {
            before.region.bytes += next.region.bytes;
        }
        is_one
    });
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const H743: &str = "@Internal Flash   /0x08000000/16*128Kg";
    const TRANSFER: usize = 1024;

    /// A model of ST's loader: erased flash has ones, and writing clears bits.
    struct Rom {
        flash: Vec<u8>,
        address: u32,
        state: u8,
        status: u8,
        busy: u8,
        is_protected: bool,
        has_left: bool,
        erased: Vec<u32>,
    }

    impl Rom {
        fn new() -> Self {
            // It is in an error from before.
            Rom {
                flash: vec![0; 0x20_0000],
                address: 0,
                state: ERROR,
                status: 14,
                busy: 0,
                is_protected: false,
                has_left: false,
                erased: vec![],
            }
        }

        fn fail(&mut self, status: u8) {
            (self.state, self.status) = (ERROR, status);
        }
    }

    impl Controls for &mut Rom {
        fn receive(&mut self, request: u8, value: u16, buffer: &mut [u8]) -> Result<usize> {
            ensure!(!self.has_left, "gone");
            match request {
                STATUS => {
                    if self.state == BUSY && self.busy == 0 {
                        self.state = DOWNLOADING;
                    }
                    self.busy = self.busy.saturating_sub(1);
                    buffer.copy_from_slice(&[self.status, 1, 0, 0, self.state, 0]);
                    Ok(6)
                }
                UPLOAD if matches!(self.state, IDLE | 9) && !self.is_protected => {
                    let at = (self.address - 0x0800_0000) as usize + usize::from(value - 2) * TRANSFER;
                    buffer.copy_from_slice(&self.flash[at..at + buffer.len()]);
                    self.state = 9;
                    Ok(buffer.len())
                }
                _ => {
                    self.fail(14);
                    bail!("stalled")
                }
            }
        }

        fn send(&mut self, request: u8, value: u16, bytes: &[u8]) -> Result<()> {
            match (request, value, bytes) {
                (CLEAR, ..) => (self.state, self.status) = (IDLE, 0),
                (ABORT, ..) => self.state = IDLE,
                (DOWNLOAD, 0, []) => self.has_left = true,
                (DOWNLOAD, ..) if !matches!(self.state, IDLE | DOWNLOADING) => self.fail(15),
                (DOWNLOAD, 0, [command, address @ ..]) => {
                    let address = u32::from_le_bytes(address.try_into().unwrap());
                    (self.state, self.busy) = (BUSY, 2);
                    match *command {
                        SET_ADDRESS => self.address = address,
                        ERASE if self.is_protected => self.fail(3),
                        ERASE => {
                            let at = (address - 0x0800_0000) as usize & !0x1_ffff;
                            self.flash[at..at + 0x2_0000].fill(0xff);
                            self.erased.push(address);
                        }
                        _ => self.fail(14),
                    }
                }
                (DOWNLOAD, block, bytes) => {
                    let at = (self.address - 0x0800_0000) as usize + usize::from(block - 2) * TRANSFER;
                    assert!(at.is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
                    self.flash[at..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte);
                    (self.state, self.busy) = (BUSY, 1);
                }
                _ => self.fail(14),
            }
            Ok(())
        }
    }

    fn loader(rom: &mut Rom) -> Dfuse<&mut Rom> {
        Dfuse::new(rom, TRANSFER, H743).unwrap()
    }

    #[test]
    fn descriptions_of_loaders_are_understood() {
        let sectors =
            |address, bytes, sector_bytes| Sectors { region: Region { address, bytes }, sector_bytes };
        assert_eq!(layout(H743), Some(vec![sectors(0x0800_0000, 0x20_0000, 0x2_0000)]));
        // An STM32F4; the options and the one-time memory of another.
        let f4 = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg";
        let expected = [
            sectors(0x0800_0000, 0x1_0000, 0x4000),
            sectors(0x0801_0000, 0x1_0000, 0x1_0000),
            sectors(0x0802_0000, 0x6_0000, 0x2_0000),
        ];
        assert_eq!(layout(f4), Some(expected.to_vec()));
        assert_eq!(layout("@Option Bytes  /0x5200201C/01*88 e"), None);
        for odd in ["", "@", "@Flash/8000000/1*1Kg", "@Flash/0x08000000/1*1Xg", "@Flash/0xfffffff0/9*9Mg"] {
            assert_eq!(layout(odd), None, "{odd}");
        }
    }

    #[test]
    fn program_is_written_read_back_and_left_to_run() {
        let mut rom = Rom::new();
        let runs = [(0x0800_0000, vec![0x5a; 3000]), (0x0804_0010, vec![0xa5; 5])];
        let mut counted = 0;
        let mut loader = loader(&mut rom);
        loader.write(&runs, &mut |bytes| counted += bytes).unwrap();
        for (address, bytes) in &runs {
            let mut found = vec![0; bytes.len()];
            loader.read(*address, &mut found).unwrap();
            assert_eq!(found, *bytes);
        }
        loader.start(0x0800_0000).unwrap();
        assert_eq!((rom.erased, rom.has_left), (vec![0x0800_0000, 0x0804_0000], true));
        assert_eq!(counted, 3008 + 32);
        // Nothing else of the sector was written, and no other sector erased.
        assert_eq!((rom.flash[0x4_0015], rom.flash[0x2_0000]), (0xff, 0));
    }

    #[test]
    fn protected_chip_is_told() {
        let mut rom = Rom { is_protected: true, ..Rom::new() };
        let said = loader(&mut rom).write(&[(0x0800_0000, vec![1])], &mut |_| ()).unwrap_err().to_string();
        assert!(said.contains("0x8000000") && said.contains("write-protected"), "{said}");
        let mut rom = Rom { is_protected: true, ..Rom::new() };
        let said = format!("{:#}", loader(&mut rom).read(0x0800_0000, &mut [0; 4]).unwrap_err());
        assert!(said.contains("RDP"), "{said}");
    }

    #[test]
    fn flash_outside_the_chip_is_out_of_reach() {
        let mut rom = Rom::new();
        let loader = loader(&mut rom);
        let reaches = |address, bytes| loader.reaches(&Region { address, bytes });
        assert!(reaches(0x0800_0000, 0x20_0000) && !reaches(0x0800_0000, 0x20_0001));
        assert!(!reaches(0x9000_0000, 1));
    }
}
