//! The last sector of internal flash, for the device's keys. (ST RM0433, section 4.)
//!
//! A word of 32 bytes has a code that corrects one bit and finds two. A word that a cut has torn may have more wrong bits: then
//! its read is a bus error. [`ReadNorFlash::read`] lets the core ignore bus errors while it reads, and asks the
//! controller.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr;

use chips::flash::Region;
use chips::wait::{TimedOut, wait};
use embassy_stm32::pac::FLASH;
use embassy_stm32::pac::flash::Bank;
use embassy_time::Duration;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_read, check_write,
};

use crate::cache;

/// Bytes of a word.
const WORD: usize = 32;
/// Time in which a word is programmed; the data sheet says less than a millisecond.
const LIMIT: Duration = Duration::from_millis(50);
/// Unlocks the registers.
const KEYS: [u32; 2] = [0x4567_0123, 0xcdef_89ab];
/// The system control block's register CCR, and its bit that lets data bus errors be ignored under FAULTMASK.
const CCR: *mut u32 = 0xe000_ed14 as *mut u32;
const IGNORE_BUS_ERRORS: u32 = 1 << 8;

/// Addresses of the second bank.
const BANK: core::ops::Range<usize> = 0x0810_0000..0x0820_0000;
/// Bytes of a sector.
const SECTOR_BYTES: usize = 0x2_0000;

/// Why the sector fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectorError {
    /// The call is wrong.
    Call(NorFlashErrorKind),
    /// A word cannot be read.
    Unreadable,
    /// The controller did not end in time.
    TimedOut,
    /// The controller refuses, with its status.
    Refused(u32),
    /// The sector is never erased.
    Erase,
}

impl NorFlashError for SectorError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            SectorError::Call(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl From<TimedOut> for SectorError {
    fn from(_: TimedOut) -> Self {
        SectorError::TimedOut
    }
}

/// The sector. Its addresses begin at 0.
pub struct Sector {
    address: usize,
}

impl Sector {
    /// The sector at these addresses.
    ///
    /// # Panics
    /// When this is not a whole sector of the second bank.
    ///
    /// # Safety
    /// The sector holds nothing else, and the program lies in the first bank.
    pub const unsafe fn new((address, bytes): Region) -> Self {
        assert!(
            address >= BANK.start
                && address + bytes <= BANK.end
                && address.is_multiple_of(SECTOR_BYTES)
                && bytes == SECTOR_BYTES,
            "a sector of the second bank"
        );
        Sector { address }
    }
}

impl ErrorType for Sector {
    type Error = SectorError;
}

impl ReadNorFlash for Sector {
    const READ_SIZE: usize = WORD;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SectorError> {
        check_read(self, offset, bytes.len()).map_err(SectorError::Call)?;
        let words = (self.address + offset as usize..).step_by(WORD);
        for (address, place) in words.zip(bytes.chunks_exact_mut(WORD)) {
            place.copy_from_slice(&read_word(address).ok_or(SectorError::Unreadable)?);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        SECTOR_BYTES
    }
}

impl NorFlash for Sector {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR_BYTES;

    fn erase(&mut self, _from: u32, _to: u32) -> Result<(), SectorError> {
        Err(SectorError::Erase)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SectorError> {
        check_write(self, offset, bytes.len()).map_err(SectorError::Call)?;
        if bank().cr().read().lock() {
            KEYS.into_iter().for_each(|key| bank().keyr().write_value(key));
        }
        clear_errors();
        bank().cr().modify(|w| w.set_pg(true));
        let words = (self.address + offset as usize..).step_by(WORD).zip(bytes.chunks_exact(WORD));
        let mut written = Ok(());
        for (address, word) in words {
            written = program(address, word);
            if written.is_err() {
                break;
            }
        }
        bank().cr().modify(|w| w.set_pg(false));
        bank().cr().modify(|w| w.set_lock(true));
        // SAFETY: flash, to which nothing is written through the cache.
        unsafe { cache::forget(self.address + offset as usize, bytes.len()) };
        written
    }
}

/// Registers of the second bank.
fn bank() -> Bank {
    FLASH.bank(1)
}

/// A word; `None` if it has more wrong bits than its code corrects.
fn read_word(address: usize) -> Option<[u8; WORD]> {
    let mut word = [0; WORD];
    clear_errors();
    critical_section::with(|_| {
        // SAFETY: bus errors of the reads between are ignored, which is seen in the controller's status. No other code runs
        // in between, and the core is then as it was before. The address is a word of the sector.
        unsafe {
            let before = CCR.read_volatile();
            CCR.write_volatile(before | IGNORE_BUS_ERRORS);
            asm!("cpsid f", "dsb", "isb", options(nostack, preserves_flags));
            for (place, bytes) in word.chunks_exact_mut(4).enumerate() {
                let part: *const u32 = ptr::with_exposed_provenance(address + 4 * place);
                bytes.copy_from_slice(&part.read_volatile().to_le_bytes());
            }
            asm!("dsb", "cpsie f", "isb", options(nostack, preserves_flags));
            CCR.write_volatile(before);
        }
    });
    let is_torn = bank().sr().read().dbeccerr();
    clear_errors();
    (!is_torn).then_some(word)
}

fn program(address: usize, word: &[u8]) -> Result<(), SectorError> {
    let is_idle = || {
        let state = bank().sr().read();
        !state.bsy() && !state.qw()
    };
    wait(LIMIT, is_idle)?;
    critical_section::with(|_| {
        cortex_m::asm::dsb();
        for (place, part) in word.chunks_exact(4).enumerate() {
            let part = part.try_into().map_or(u32::MAX, u32::from_le_bytes);
            let to: *mut u32 = ptr::with_exposed_provenance_mut(address + 4 * place);
            // SAFETY: a word of the sector, which the controller lets be programmed. The program does not lie in this bank.
            unsafe { to.write_volatile(part) };
        }
        cortex_m::asm::dsb();
    });
    wait(LIMIT, is_idle)?;
    let state = bank().sr().read();
    let is_refused = state.wrperr() || state.pgserr() || state.strberr() || state.incerr() || state.operr();
    if is_refused { Err(SectorError::Refused(state.0)) } else { Ok(()) }
}

fn clear_errors() {
    bank().ccr().write(|w| {
        w.set_clr_eop(true);
        w.set_clr_wrperr(true);
        w.set_clr_pgserr(true);
        w.set_clr_strberr(true);
        w.set_clr_incerr(true);
        w.set_clr_operr(true);
        w.set_clr_sneccerr(true);
        w.set_clr_dbeccerr(true);
    });
}
