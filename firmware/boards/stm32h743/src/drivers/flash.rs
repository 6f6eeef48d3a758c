//! Parts of the flash on QUADSPI: one for the store, one for the images. They share one chip, which does one thing at a time:
//! whoever calls waits until it has ended.
#![allow(unsafe_code)]

use core::ptr;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

use programs::app::update::ImageFlash;

use super::mapped;
use super::quadspi::{self, PAGE_BYTES, QuadspiError};
use crate::facts;

/// Bytes of a word. The chip takes single bytes; words of four keep the layout of the emulated boards' stores.
pub const WORD_BYTES: usize = 4;

/// Why a part of the flash fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError {
    /// The call is wrong.
    Call(NorFlashErrorKind),
    /// The chip is not mapped: it has failed before.
    NotMapped,
    /// The device has no keys that it could keep, so that nothing is sealed.
    NoKeys,
    /// The chip fails.
    Chip(QuadspiError),
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            FlashError::Call(kind) => *kind,
            FlashError::NotMapped | FlashError::NoKeys | FlashError::Chip(_) => NorFlashErrorKind::Other,
        }
    }
}

/// A part of the flash. Its addresses begin at 0.
pub struct Part {
    offset: u32,
    bytes: u32,
    has_keys: bool,
}

impl Part {
    /// The memory at these addresses, which lie in the flash.
    const fn at((address, bytes): (usize, usize)) -> Self {
        assert!(address >= facts::FLASH.0 && address + bytes <= facts::FLASH.0 + facts::FLASH.1);
        Part { offset: (address - facts::FLASH.0) as u32, bytes: bytes as u32, has_keys: true }
    }

    /// The part for people and counters. It can be used if the device has keys.
    pub const fn store(has_keys: bool) -> Self {
        Part { has_keys, ..const { Part::at(facts::STORE) } }
    }

    /// The part for a device's images: from the first slot to the end of the second.
    pub const fn images() -> Self {
        const {
            let [(first, _), (second, bytes)] = facts::SLOTS;
            assert!(second > first);
            Part::at((first, second + bytes - first))
        }
    }

    fn check(&self) -> Result<(), FlashError> {
        match (self.has_keys, quadspi::is_mapped()) {
            (false, _) => Err(FlashError::NoKeys),
            (true, false) => Err(FlashError::NotMapped),
            (true, true) => Ok(()),
        }
    }
}

impl ErrorType for Part {
    type Error = FlashError;
}

impl ReadNorFlash for Part {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Call)?;
        self.check()?;
        let start = facts::FLASH.0 + (self.offset + offset) as usize;
        // SAFETY: mapped memory, within the part. It changes in `quadspi` only, which does not run now.
        unsafe {
            ptr::copy_nonoverlapping(ptr::with_exposed_provenance(start), bytes.as_mut_ptr(), bytes.len())
        };
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes as usize
    }
}

impl ImageFlash for Part {
    /// The slots of [`Self::images`].
    fn places(&self) -> ([u32; 2], u32) {
        let [(first, bytes), (second, _)] = facts::SLOTS;
        ([0, (second - first) as u32], bytes as u32)
    }

    fn mapped(&self, is_second: bool) -> &[u8] {
        mapped::slot(is_second)
    }
}

impl NorFlash for Part {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to).map_err(FlashError::Call)?;
        self.check()?;
        quadspi::erase(self.offset + from, self.offset + to).map_err(FlashError::Chip)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Call)?;
        self.check()?;
        quadspi::program(self.offset + offset, bytes).map_err(FlashError::Chip)
    }
}
