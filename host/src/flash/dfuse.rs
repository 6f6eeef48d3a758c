//! The loader in the ROM of an STM32, as ST's application note AN3156 describes it: the class DFU with ST's extensions (DfuSe), by
//! which flash is erased, written and read back at any address.
//!
//! Libraries for DFU write and leave the loader at once; none of them reads back. Hence this.

use std::thread::sleep;
use std::time::{Duration, Instant};

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

/// Number of the block at the address that was set. Loaders compute the address of a later one from the length of the transfer that
/// has it, which is another one for the last: each block gets an address of its own.
const BLOCK: u16 = 2;
/// What is written begins and ends at multiples of this: the widest word of flash (STM32H7: 32 bytes).
const WORD: usize = 32;
/// Longest pause between two questions that a loader asks for.
const LONGEST: Duration = Duration::from_secs(5);
/// Shortest one, also for a loader that asks for none.
const SHORTEST: Duration = Duration::from_millis(1);
/// Time in which a loader carries out a command. Its longest is to erase a sector, four seconds (STM32H743, 128 KiB).
const PATIENCE: Duration = Duration::from_secs(30);

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
    patience: Duration,
}

impl<C: Controls> Dfuse<C> {
    /// A loader, with the most bytes of a transfer and the description of its flash, such as
    /// `@Internal Flash /0x08000000/16*128Kg`; and the description that the loader of the board's chip gives.
    ///
    /// # Errors
    /// When the description is not one, or that of another flash.
    pub fn new(controls: C, transfer_bytes: usize, description: &str, wanted: &str) -> Result<Self> {
        let layout = layout(description).with_context(|| {
            format!("the loader describes its flash as {description:?}, which is not as ST's loaders do")
        })?;
        ensure!(
            self::layout(wanted).as_ref() == Some(&layout),
            "the loader describes its flash as {description:?}, and that of the board is {wanted:?}: it is another chip, and nothing \
             is written. Choose the board with --board; if it is the right one, correct chip.dfu.layout in its board.toml"
        );
        ensure!(
            transfer_bytes >= WORD && transfer_bytes.is_multiple_of(WORD),
            "the loader takes {transfer_bytes} bytes at once, which are not whole words of flash"
        );
        Ok(Dfuse { controls, transfer_bytes, layout, patience: PATIENCE })
    }

    /// State, and whether the last request failed.
    fn status(&mut self) -> Result<(u8, u8, Duration)> {
        let mut answer = [0; 6];
        let length = self.controls.receive(STATUS, 0, &mut answer)?;
        ensure!(length == answer.len(), "the loader's status has {length} bytes instead of 6");
        let [status, low, middle, high, state, _] = answer;
        let pause = Duration::from_millis(u32::from_le_bytes([low, middle, high, 0]).into());
        Ok((status, state, pause.clamp(SHORTEST, LONGEST)))
    }

    /// Brings the loader back to its first state.
    fn idle(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < self.patience {
            let (_, state, pause) = self.status()?;
            match state {
                IDLE => return Ok(()),
                ERROR => self.controls.send(CLEAR, 0, &[])?,
                BUSY => sleep(pause),
                _ => self.controls.send(ABORT, 0, &[])?,
            }
            sleep(SHORTEST);
        }
        bail!("the loader does not come to rest: unplug the board, enter its loader again, and start again")
    }

    /// Sends a block and waits until it is carried out; not for ever.
    fn download(&mut self, block: u16, bytes: &[u8], what: &str, address: u32) -> Result<()> {
        let failed = || format!("{what} at {address:#x}");
        let start = Instant::now();
        self.controls.send(DOWNLOAD, block, bytes).with_context(failed)?;
        loop {
            let (status, state, pause) = self.status().with_context(failed)?;
            match state {
                BUSY => {
                    ensure!(
                        start.elapsed() < self.patience,
                        "the loader does not come to the end of {what} at {address:#x}: unplug the board, enter its loader again, and \
                         start again"
                    );
                    sleep(pause);
                }
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
            for (place, chunk) in
                (*address..).step_by(self.transfer_bytes).zip(bytes.chunks(self.transfer_bytes))
            {
                self.command(SET_ADDRESS, place, "the address")?;
                self.download(BLOCK, chunk, "writing", place)?;
                written(chunk.len());
            }
        }
        Ok(())
    }

    fn read(&mut self, address: u32, buffer: &mut [u8]) -> Result<()> {
        for (place, chunk) in
            (address..).step_by(self.transfer_bytes).zip(buffer.chunks_mut(self.transfer_bytes))
        {
            self.idle()?;
            self.command(SET_ADDRESS, place, "the address")?;
            self.idle()?;
            let wanted = chunk.len();
            let length = self.controls.receive(UPLOAD, BLOCK, chunk).with_context(|| {
                format!("cannot read from {place:#x}: is the chip protected against reading (RDP)?")
            })?;
            ensure!(length == wanted, "the loader gave {length} bytes instead of {wanted} from {place:#x}");
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
    const WANTED: &str = "@Internal Flash /0x08000000/16*128Kg";
    const TRANSFER: usize = 1024;

    /// A model of ST's loader: erased flash has ones, and writing clears bits.
    struct Rom {
        flash: Vec<u8>,
        address: u32,
        state: u8,
        status: u8,
        busy: u8,
        is_protected: bool,
        /// It never comes to an end, and asks for no pause.
        is_stuck: bool,
        asked: usize,
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
                is_stuck: false,
                asked: 0,
                has_left: false,
                erased: vec![],
            }
        }

        fn fail(&mut self, status: u8) {
            (self.state, self.status) = (ERROR, status);
        }

        /// Where in the flash a transfer of this length begins: AN3156 multiplies the number of the block by the length of the
        /// transfer itself.
        fn place(&self, block: u16, length: usize) -> usize {
            (self.address - 0x0800_0000) as usize + usize::from(block - 2) * length
        }
    }

    impl Controls for &mut Rom {
        fn receive(&mut self, request: u8, value: u16, buffer: &mut [u8]) -> Result<usize> {
            ensure!(!self.has_left, "gone");
            match request {
                STATUS => {
                    self.asked += 1;
                    if self.state == BUSY && self.busy == 0 && !self.is_stuck {
                        self.state = DOWNLOADING;
                    }
                    self.busy = self.busy.saturating_sub(1);
                    buffer.copy_from_slice(&[self.status, u8::from(!self.is_stuck), 0, 0, self.state, 0]);
                    Ok(6)
                }
                UPLOAD if matches!(self.state, IDLE | 9) && !self.is_protected => {
                    let at = self.place(value, buffer.len());
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
                    let at = self.place(block, bytes.len());
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
        Dfuse::new(rom, TRANSFER, H743, WANTED).unwrap()
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
        // The last transfer of the first is shorter than those before.
        let counting: Vec<u8> = (0..3000u32).map(|byte| (byte % 251) as u8).collect();
        let runs = [(0x0800_0000, counting), (0x0804_0010, vec![0xa5; 5])];
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
        let (address, bytes) = &runs[0];
        assert_eq!(rom.flash[(address - 0x0800_0000) as usize..][..bytes.len()], **bytes);
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
    fn loader_of_another_chip_is_refused_before_anything_is_erased() {
        for other in [
            "@Internal Flash   /0x08000000/08*128Kg",
            "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg",
        ] {
            let mut rom = Rom::new();
            let said = Dfuse::new(&mut rom, TRANSFER, other, WANTED).err().expect("another chip").to_string();
            assert!(said.contains(other) && said.contains(WANTED) && said.contains("--board"), "{said}");
            assert_eq!((rom.asked, rom.erased), (0, vec![]));
        }
        // A board.toml without a description refuses all.
        assert!(Dfuse::new(&mut Rom::new(), TRANSFER, H743, "").is_err());
    }

    #[test]
    fn boards_describe_the_flash_of_their_loaders() {
        for board in crate::board::all() {
            let Some(dfu) = board.chip.as_ref().and_then(|chip| chip.dfu.as_ref()) else { continue };
            let layout = layout(&dfu.layout).unwrap_or_else(|| panic!("{}: {}", board.name, dfu.layout));
            let firmware = board.memory.firmware;
            assert!(layout.iter().any(|sectors| sectors.region.contains(&firmware)), "{}", board.name);
        }
    }

    #[test]
    fn loader_that_does_not_come_to_an_end_is_left_in_time_and_not_asked_without_pause() {
        let patience = Duration::from_millis(50);
        let mut rom = Rom { is_stuck: true, ..Rom::new() };
        let mut stuck = loader(&mut rom);
        stuck.patience = patience;
        let said = stuck.write(&[(0x0800_0000, vec![1])], &mut |_| ()).unwrap_err().to_string();
        assert!(said.contains("does not come to the end of erasing the sector at 0x8000000"), "{said}");
        // It is still busy with that.
        let said = stuck.read(0x0800_0000, &mut [0; 4]).unwrap_err().to_string();
        assert!(said.contains("does not come to rest"), "{said}");
        let most = 2 * (patience.as_millis() / SHORTEST.as_millis()) as usize + 4;
        assert!((4..=most).contains(&rom.asked), "{}", rom.asked);
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
