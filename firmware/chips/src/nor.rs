//! A serial flash chip's commands on one line: who it is, erase, program. How the controller sends them, and how it maps the
//! chip, is the controller's.
//!
//! Of Winbond (W25Q64JV and its family) or Macronix (MX25L12833F, MX25UM51245G). They differ in the bit that lets four data lines
//! be used.

use core::fmt;

use embassy_time::Duration;

use crate::flash::PAGE_BYTES;
use crate::wait::{TimedOut, wait};

/// Bytes that are programmed together.
const PROGRAM_BYTES: u32 = 256;
/// Chips with more bytes than this have addresses of 32 bits.
const SHORT_BYTES: usize = 1 << 24;

/// The longest programming of the data sheets is 3 ms, the longest erasure 400 ms.
const PROGRAM_LIMIT: Duration = Duration::from_millis(20);
/// Status registers are slower: some chips take 40 ms.
const STATUS_LIMIT: Duration = Duration::from_millis(200);
const ERASE_LIMIT: Duration = Duration::from_millis(1_000);
/// After its wake-up a chip needs 3 µs, or 30 µs.
const WAKE_UP: Duration = Duration::from_micros(50);

// Instructions.
const WAKE: u8 = 0xab;
const IDENTIFY: u8 = 0x9f;
const READ_STATUS: u8 = 0x05;
const WRITE_STATUS: u8 = 0x01;
const READ_STATUS_2: u8 = 0x35;
const WRITE_STATUS_2: u8 = 0x31;
const WRITE_ENABLE: u8 = 0x06;
const ERASE_PAGE: u8 = 0x20;
const ERASE_PAGE_LONG: u8 = 0x21;
const PROGRAM: u8 = 0x02;
const PROGRAM_LONG: u8 = 0x12;

// Bits of the status register.
const IS_BUSY: u8 = 1 << 0;
const IS_WRITABLE: u8 = 1 << 1;

// Makers, the JEDEC identity's first byte.
const WINBOND: u8 = 0xef;
const MACRONIX: u8 = 0xc2;

/// Sends commands to a chip on one line, with addresses as [`Nor::is_long`] says.
pub trait Wire {
    /// Sends an instruction, and an address if it has one.
    ///
    /// # Errors
    /// When the controller does not end in time.
    fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut>;

    /// [`Self::command`], then at most 256 bytes of data.
    ///
    /// # Errors
    /// As [`Self::command`].
    fn send(&mut self, instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), TimedOut>;

    /// Sends an instruction, then takes data.
    ///
    /// # Errors
    /// As [`Self::command`].
    fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut>;
}

/// A controller that maps a chip. It is mapped all the time, except while it is erased or programmed.
pub trait Controller: Wire {
    /// Whether the chip can be read as memory.
    fn is_mapped(&self) -> bool;

    /// Lets it be read as memory.
    ///
    /// # Errors
    /// When the controller does not end in time.
    fn map(&mut self) -> Result<(), TimedOut>;

    /// Lets commands be sent. The chip is not mapped afterwards, whatever happens.
    ///
    /// # Errors
    /// When the controller does not end in time.
    fn unmap(&mut self) -> Result<(), TimedOut>;

    /// What a cache holds of these bytes is not so any more.
    fn forget(&mut self, offset: u32, bytes: u32);
}

/// Runs something while the chip is not mapped. It is mapped again in any case if it was.
fn aside<C: Controller>(
    controller: &mut C,
    run: impl FnOnce(&mut C) -> Result<(), NorError>,
) -> Result<(), NorError> {
    if !controller.is_mapped() {
        return run(controller);
    }
    let done = controller.unmap().map_err(NorError::from).and_then(|()| run(controller));
    let mapped = controller.map();
    done.and(mapped.map_err(NorError::from))
}

/// Why a chip does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NorError {
    /// Controller or chip did not end in time.
    TimedOut,
    /// Another chip answers, or none: its JEDEC identity.
    Chip([u8; 3]),
    /// The chip does not let itself be written.
    Protected,
}

impl fmt::Display for NorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NorError::TimedOut => write!(f, "flash: not ready in time"),
            NorError::Chip([0, 0, 0] | [0xff, 0xff, 0xff]) => {
                write!(f, "flash: no chip answers; look at its wires")
            }
            NorError::Chip([maker, kind, size]) => {
                write!(f, "flash: {maker:02x} {kind:02x} {size:02x} is another chip than the board's")
            }
            NorError::Protected => write!(f, "flash: protected against writing"),
        }
    }
}

impl From<TimedOut> for NorError {
    fn from(_: TimedOut) -> Self {
        NorError::TimedOut
    }
}

/// A chip of so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Nor {
    bytes: usize,
}

impl Nor {
    /// A chip of so many bytes.
    ///
    /// # Panics
    /// When they are not a power of two.
    pub const fn new(bytes: usize) -> Self {
        assert!(bytes.is_power_of_two(), "the bytes of a flash chip");
        Nor { bytes }
    }

    /// Whether addresses have 32 bits.
    pub const fn is_long(self) -> bool {
        self.bytes > SHORT_BYTES
    }

    /// Looks who the chip is, and waits until it is ready.
    ///
    /// # Errors
    /// [`NorError::TimedOut`], [`NorError::Chip`].
    pub fn start(self, wire: &mut impl Wire) -> Result<(), NorError> {
        self.identify(wire).map(drop)
    }

    /// [`Self::start`], and lets four data lines be used.
    ///
    /// # Errors
    /// [`NorError`].
    pub fn start_with_four_lines(self, wire: &mut impl Wire) -> Result<(), NorError> {
        let (read, write, bit) = match self.identify(wire)? {
            [WINBOND, ..] => (READ_STATUS_2, WRITE_STATUS_2, 1 << 1),
            [MACRONIX, ..] => (READ_STATUS, WRITE_STATUS, 1 << 6),
            other => return Err(NorError::Chip(other)),
        };
        let mut status = [0];
        wire.receive(read, &mut status)?;
        if status[0] & bit == 0 {
            enable_writing(wire)?;
            wire.send(write, None, &[status[0] | bit])?;
            ready(wire, STATUS_LIMIT)?;
            wire.receive(read, &mut status)?;
            if status[0] & bit == 0 {
                return Err(NorError::Protected);
            }
        }
        Ok(())
    }

    fn identify(self, wire: &mut impl Wire) -> Result<[u8; 3], NorError> {
        wire.command(WAKE, None)?;
        let _ = wait(WAKE_UP, || false);
        let mut identity = [0; 3];
        wire.receive(IDENTIFY, &mut identity)?;
        // A chip in the middle of an erasure says nothing. One that is not there may look as if it was busy for ever.
        if !self.is_this(identity) {
            let _ = ready(wire, ERASE_LIMIT);
            wire.receive(IDENTIFY, &mut identity)?;
        }
        if !self.is_this(identity) {
            return Err(NorError::Chip(identity));
        }
        // A restart in the middle of an erasure leaves the chip at it.
        ready(wire, ERASE_LIMIT)?;
        Ok(identity)
    }

    /// The last byte ends with log2 of the chip's bytes.
    const fn is_this(self, [_, _, size]: [u8; 3]) -> bool {
        size & 0x1f == self.bytes.ilog2() as u8 && size != 0xff
    }

    /// [`Self::erase`] of a chip that may be mapped.
    ///
    /// # Errors
    /// [`NorError`]. Some of the pages may be erased.
    pub fn erase_mapped<C: Controller>(
        self,
        controller: &mut C,
        from: u32,
        to: u32,
        erased: impl FnMut(),
    ) -> Result<(), NorError> {
        let done = aside(controller, |controller| self.erase(controller, from, to, erased));
        controller.forget(from, to.saturating_sub(from));
        done
    }

    /// [`Self::program`] of a chip that may be mapped.
    ///
    /// # Errors
    /// [`NorError`]. Some of the bytes may be programmed.
    pub fn program_mapped<C: Controller>(
        self,
        controller: &mut C,
        offset: u32,
        bytes: &[u8],
    ) -> Result<(), NorError> {
        let done = aside(controller, |controller| self.program(controller, offset, bytes));
        controller.forget(offset, bytes.len() as u32);
        done
    }

    /// Erases pages: `from` and `to` are offsets at pages' starts. Calls `erased` after each, which takes a second at most.
    ///
    /// # Errors
    /// [`NorError`]. Some of the pages may be erased.
    pub fn erase(
        self,
        wire: &mut impl Wire,
        from: u32,
        to: u32,
        mut erased: impl FnMut(),
    ) -> Result<(), NorError> {
        let instruction = if self.is_long() { ERASE_PAGE_LONG } else { ERASE_PAGE };
        for page in (from..to).step_by(PAGE_BYTES as usize) {
            enable_writing(wire)?;
            wire.command(instruction, Some(page))?;
            ready(wire, ERASE_LIMIT)?;
            erased();
        }
        Ok(())
    }

    /// Programs bytes, from 1 to 0 only.
    ///
    /// # Errors
    /// [`NorError`]. Some of the bytes may be programmed.
    pub fn program(self, wire: &mut impl Wire, mut offset: u32, mut bytes: &[u8]) -> Result<(), NorError> {
        let instruction = if self.is_long() { PROGRAM_LONG } else { PROGRAM };
        while !bytes.is_empty() {
            let room = PROGRAM_BYTES - offset % PROGRAM_BYTES;
            let (now, rest) = bytes.split_at(bytes.len().min(room as usize));
            enable_writing(wire)?;
            wire.send(instruction, Some(offset), now)?;
            ready(wire, PROGRAM_LIMIT)?;
            offset += now.len() as u32;
            bytes = rest;
        }
        Ok(())
    }
}

fn status(wire: &mut impl Wire) -> Result<u8, TimedOut> {
    let mut status = [0];
    wire.receive(READ_STATUS, &mut status)?;
    Ok(status[0])
}

/// Waits until the chip has erased or programmed.
fn ready(wire: &mut impl Wire, limit: Duration) -> Result<(), TimedOut> {
    let mut failed = Ok(());
    wait(limit, || match status(wire) {
        Ok(status) => status & IS_BUSY == 0,
        Err(error) => {
            failed = Err(error);
            true
        }
    })?;
    failed
}

fn enable_writing(wire: &mut impl Wire) -> Result<(), NorError> {
    wire.command(WRITE_ENABLE, None)?;
    if status(wire)? & IS_WRITABLE == 0 { Err(NorError::Protected) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::vec;
    use std::vec::Vec;

    use embassy_time::Instant;

    use super::*;

    /// A chip that does what data sheets say, and notes each transaction.
    struct Chip {
        identity: [u8; 3],
        status: u8,
        status_2: u8,
        /// Whether it takes a command that allows writing.
        is_locked: bool,
        /// Questions for which it stays busy after each erasure or programming.
        busy: usize,
        left: usize,
        /// Whether the controller stands still.
        is_stuck: bool,
        log: Vec<(u8, Option<u32>, Vec<u8>)>,
    }

    const W25Q64: [u8; 3] = [0xef, 0x40, 0x17];
    const MX25L128: [u8; 3] = [0xc2, 0x20, 0x18];
    const MX25UM512: [u8; 3] = [0xc2, 0x80, 0x3a];

    impl Chip {
        fn new(identity: [u8; 3]) -> Self {
            let log = Vec::new();
            Chip {
                identity,
                status: 0,
                status_2: 0,
                is_locked: false,
                busy: 3,
                left: 0,
                is_stuck: false,
                log,
            }
        }
    }

    impl Wire for Chip {
        fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut> {
            self.send(instruction, address, &[])
        }

        fn send(&mut self, instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), TimedOut> {
            if self.is_stuck {
                return Err(TimedOut);
            }
            assert_eq!(self.left, 0, "{instruction:#x} to a busy chip");
            self.log.push((instruction, address, bytes.to_vec()));
            match instruction {
                WRITE_ENABLE if !self.is_locked => self.status |= IS_WRITABLE,
                WRITE_ENABLE | WAKE => {}
                _ => {
                    assert!(self.status & IS_WRITABLE != 0, "{instruction:#x} without permission");
                    self.left = self.busy;
                    self.status &= !IS_WRITABLE;
                }
            }
            match instruction {
                WRITE_STATUS => self.status = bytes[0] & !IS_WRITABLE,
                WRITE_STATUS_2 => self.status_2 = bytes[0],
                _ => {}
            }
            Ok(())
        }

        fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut> {
            if self.is_stuck {
                return Err(TimedOut);
            }
            let is_busy = self.left > 0;
            match instruction {
                READ_STATUS => {
                    bytes[0] = self.status | u8::from(is_busy);
                    self.left -= usize::from(is_busy);
                }
                READ_STATUS_2 => bytes[0] = self.status_2,
                IDENTIFY if is_busy => bytes.fill(0),
                IDENTIFY => bytes.copy_from_slice(&self.identity),
                other => panic!("{other:#x}"),
            }
            Ok(())
        }
    }

    #[test]
    fn four_lines_are_allowed_as_each_maker_has_it() {
        let mut winbond = Chip::new(W25Q64);
        Nor::new(8 << 20).start_with_four_lines(&mut winbond).unwrap();
        let wanted =
            vec![(WAKE, None, vec![]), (WRITE_ENABLE, None, vec![]), (WRITE_STATUS_2, None, vec![1 << 1])];
        assert_eq!(winbond.log, wanted);
        let mut macronix = Chip::new(MX25L128);
        Nor::new(16 << 20).start_with_four_lines(&mut macronix).unwrap();
        assert_eq!(macronix.log[2], (WRITE_STATUS, None, vec![1 << 6]));
        // The bit stays, and is not written again.
        macronix.log.clear();
        Nor::new(16 << 20).start_with_four_lines(&mut macronix).unwrap();
        assert_eq!(macronix.log, vec![(WAKE, None, vec![])]);
    }

    #[test]
    fn page_is_erased_and_programmed_transaction_by_transaction() {
        for (identity, bytes, erase, program) in [
            (W25Q64, 8 << 20, 0x20, 0x02),
            (MX25L128, 16 << 20, 0x20, 0x02),
            (MX25UM512, 64 << 20, 0x21, 0x12),
        ] {
            let (mut chip, nor, mut erased) = (Chip::new(identity), Nor::new(bytes), 0);
            nor.start(&mut chip).unwrap();
            chip.log.clear();
            nor.erase(&mut chip, 0x1000, 0x3000, || erased += 1).unwrap();
            let enable = || (WRITE_ENABLE, None, vec![]);
            let pages = [0x1000, 0x2000].map(|page| [enable(), (erase, Some(page), vec![])]);
            assert_eq!((chip.log.split_off(0), erased), (pages.concat(), 2));
            let data: Vec<u8> = (0..=255).chain(0..=9).collect();
            nor.program(&mut chip, 0x10fc, &data).unwrap();
            let parts = [(0x10fc, &data[..4]), (0x1100, &data[4..260]), (0x1200, &data[260..])];
            let parts = parts.map(|(at, data)| [enable(), (program, Some(at), data.to_vec())]);
            assert_eq!(chip.log, parts.concat());
        }
    }

    #[test]
    fn other_chip_or_none_is_named() {
        let start = |identity| Nor::new(8 << 20).start_with_four_lines(&mut Chip::new(identity));
        for (identity, said) in [
            (MX25L128, "c2 20 18 is another chip"),
            ([0x20, 0x40, 0x17], "20 40 17 is another chip"),
            ([0; 3], "no chip answers"),
            ([0xff; 3], "no chip answers"),
        ] {
            let error = start(identity).unwrap_err();
            assert_eq!(error, NorError::Chip(identity));
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn chip_that_was_cut_off_while_it_erased_is_waited_for() {
        Nor::new(8 << 20).start(&mut Erasing(Chip::new(W25Q64), 5)).unwrap();
    }

    /// A chip that takes the wake-up although it erases.
    struct Erasing(Chip, usize);

    impl Wire for Erasing {
        fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut> {
            self.0.command(instruction, address)?;
            self.0.left = core::mem::take(&mut self.1);
            Ok(())
        }

        fn send(&mut self, instruction: u8, _: Option<u32>, _: &[u8]) -> Result<(), TimedOut> {
            unreachable!("{instruction:#x}")
        }

        fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut> {
            self.0.receive(instruction, bytes)
        }
    }

    #[test]
    fn chip_that_stays_busy_and_controller_that_stands_still_are_time_outs() {
        let (mut chip, nor) = (Chip::new(W25Q64), Nor::new(8 << 20));
        nor.start(&mut chip).unwrap();
        chip.busy = usize::MAX;
        let start = Instant::now();
        assert_eq!(nor.program(&mut chip, 0, &[0]), Err(NorError::TimedOut));
        assert!(start.elapsed() >= PROGRAM_LIMIT && start.elapsed() < ERASE_LIMIT);
        chip.left = 0;
        let (start, mut erased) = (Instant::now(), 0);
        assert_eq!(nor.erase(&mut chip, 0, 0x2000, || erased += 1), Err(NorError::TimedOut));
        assert!(start.elapsed() >= ERASE_LIMIT && erased == 0);
        // It goes on when the chip does.
        (chip.left, chip.busy) = (0, 1);
        assert_eq!(nor.program(&mut chip, 0, &[0]), Ok(()));
        chip.is_stuck = true;
        assert_eq!(nor.program(&mut chip, 0, &[0]), Err(NorError::TimedOut));
        assert_eq!(nor.start(&mut chip), Err(NorError::TimedOut));
        chip.is_stuck = false;
        assert_eq!(nor.start(&mut chip), Ok(()));
    }

    /// A controller that maps the chip; it notes that it does, and what its cache forgets.
    struct Mapping {
        chip: Chip,
        is_mapped: bool,
        maps: usize,
        forgotten: Vec<(u32, u32)>,
        stays: bool,
    }

    impl Wire for Mapping {
        fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut> {
            self.send(instruction, address, &[])
        }

        fn send(&mut self, instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), TimedOut> {
            assert!(!self.is_mapped, "a command to a mapped chip");
            self.chip.send(instruction, address, bytes)
        }

        fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut> {
            assert!(!self.is_mapped, "a command to a mapped chip");
            self.chip.receive(instruction, bytes)
        }
    }

    impl Controller for Mapping {
        fn is_mapped(&self) -> bool {
            self.is_mapped
        }

        fn map(&mut self) -> Result<(), TimedOut> {
            assert_eq!(self.chip.left, 0, "a busy chip is mapped");
            self.is_mapped = true;
            self.maps += 1;
            Ok(())
        }

        fn unmap(&mut self) -> Result<(), TimedOut> {
            self.is_mapped = false;
            if self.stays { Err(TimedOut) } else { Ok(()) }
        }

        fn forget(&mut self, offset: u32, bytes: u32) {
            self.forgotten.push((offset, bytes));
        }
    }

    fn mapping() -> (Mapping, Nor) {
        let mut chip = Chip::new(W25Q64);
        let nor = Nor::new(8 << 20);
        nor.start(&mut chip).unwrap();
        (Mapping { chip, is_mapped: true, maps: 0, forgotten: vec![], stays: false }, nor)
    }

    #[test]
    fn chip_is_mapped_again_in_any_case() {
        let (mut mapping, nor) = mapping();
        assert_eq!(nor.erase_mapped(&mut mapping, 0, 0x1000, || {}), Ok(()));
        assert_eq!(nor.program_mapped(&mut mapping, 4, &[0; 8]), Ok(()));
        assert_eq!((mapping.maps, &mapping.forgotten[..]), (2, &[(0, 0x1000), (4, 8)][..]));
        mapping.chip.is_locked = true;
        assert_eq!(nor.erase_mapped(&mut mapping, 0, 0x1000, || {}), Err(NorError::Protected));
        assert!(mapping.is_mapped);
        mapping.stays = true;
        assert_eq!(nor.program_mapped(&mut mapping, 0, &[0; 4]), Err(NorError::TimedOut));
        assert!(mapping.is_mapped && mapping.maps == 4 && mapping.forgotten.len() == 4);
    }

    #[test]
    fn chip_that_was_not_mapped_is_not_mapped_afterwards() {
        let (mut mapping, nor) = mapping();
        mapping.is_mapped = false;
        assert_eq!(nor.erase_mapped(&mut mapping, 0, 0x1000, || {}), Ok(()));
        assert!(!mapping.is_mapped && mapping.maps == 0);
    }

    #[test]
    fn chip_that_takes_no_writes_is_protected() {
        let (mut chip, nor) = (Chip::new(W25Q64), Nor::new(8 << 20));
        chip.is_locked = true;
        assert_eq!(nor.start_with_four_lines(&mut chip), Err(NorError::Protected));
        assert_eq!(nor.program(&mut chip, 0, &[0]), Err(NorError::Protected));
        assert_eq!(nor.erase(&mut chip, 0, 0x1000, || {}), Err(NorError::Protected));
    }
}
