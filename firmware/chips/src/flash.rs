//! Parts of a flash that is mapped: one for the store, one for the images. They share one chip, which does one thing at a time:
//! whoever calls waits until it has ended.

use core::fmt;

use app::update::ImageFlash;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use store::{Layout, LayoutError};

/// Bytes that are erased together.
pub const PAGE_BYTES: u32 = 4096;
/// Bytes of a word. Chips take single bytes; words of four keep the layout of the emulated boards' stores.
pub const WORD_BYTES: usize = 4;

/// A flash chip whose bytes can be read as memory. A copy is the same chip.
pub trait Mapped: Copy {
    /// Why it fails.
    type Error: fmt::Debug;

    /// Whether its bytes can be read.
    fn is_mapped(&self) -> bool;

    /// Bytes of it as memory, which nobody changes while they are kept. They lie within the chip, which is mapped.
    fn memory(&self, offset: u32, bytes: u32) -> &'static [u8];

    /// Copies bytes that may be changed later. They lie within the chip, which is mapped.
    fn read(&self, offset: u32, bytes: &mut [u8]);

    /// Erases pages: `from` and `to` are offsets at pages' starts.
    ///
    /// # Errors
    /// The chip's. Some of the pages may be erased.
    fn erase(&self, from: u32, to: u32) -> Result<(), Self::Error>;

    /// Programs bytes, from 1 to 0 only.
    ///
    /// # Errors
    /// The chip's. Some of the bytes may be programmed.
    fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Why a part of the flash fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashError<E> {
    /// The call is wrong.
    Call(NorFlashErrorKind),
    /// The chip is not mapped: it has failed before.
    NotMapped,
    /// The device has no keys that it could keep, so that nothing is sealed.
    NoKeys,
    /// The chip fails.
    Chip(E),
}

impl<E: fmt::Debug> NorFlashError for FlashError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            FlashError::Call(kind) => *kind,
            FlashError::NotMapped | FlashError::NoKeys | FlashError::Chip(_) => NorFlashErrorKind::Other,
        }
    }
}

/// Address and bytes of a memory.
pub type Region = (usize, usize);

/// A part of the flash. Its addresses begin at 0.
#[derive(Clone, Copy, Debug)]
pub struct Part<F> {
    flash: F,
    offset: u32,
    bytes: u32,
    /// Offset of the second slot of a part that holds images; otherwise the part's end.
    second: u32,
    has_keys: bool,
}

impl<F> Part<F> {
    const fn new(flash: F, chip: Region, (address, bytes): Region) -> Self {
        assert!(address >= chip.0 && address + bytes <= chip.0 + chip.1, "a part of the flash");
        let (offset, bytes) = ((address - chip.0) as u32, bytes as u32);
        Part { flash, offset, bytes, second: bytes, has_keys: true }
    }

    /// The part at `store` for people and counters, of the flash at `chip`. It can be used if the device has keys.
    ///
    /// # Panics
    /// When `store` is not within `chip`.
    pub const fn store(flash: F, chip: Region, store: Region, has_keys: bool) -> Self {
        let mut part = Part::new(flash, chip, store);
        part.has_keys = has_keys;
        part
    }

    /// The part of the flash at `chip` for a device's images: from the first slot to the end of the second, which has the same
    /// length.
    ///
    /// # Panics
    /// When the slots are not within `chip`, or in another order.
    pub const fn images(flash: F, chip: Region, [first, second]: [Region; 2]) -> Self {
        assert!(second.0 >= first.0 + first.1 && first.1 == second.1, "two slots of one length, in order");
        let mut part = Part::new(flash, chip, (first.0, second.0 + second.1 - first.0));
        part.second = (second.0 - first.0) as u32;
        part
    }
}

/// The store's layout in a part, with the board's facts: bytes of a word, and pages of the counter log and of each half.
///
/// # Errors
/// When the word is not that of these flashes, or there are too few pages.
pub const fn layout(word_bytes: usize, [log_pages, half_pages]: [u32; 2]) -> Result<Layout, LayoutError> {
    if word_bytes != WORD_BYTES {
        return Err(LayoutError::Word(word_bytes as u32));
    }
    Layout::new_checked(0, PAGE_BYTES, WORD_BYTES as u32, log_pages, half_pages)
}

impl<F: Mapped> Part<F> {
    /// A slot of an image in the part for images; nothing if the chip is not mapped.
    pub fn slot(&self, is_second: bool) -> &'static [u8] {
        if !self.flash.is_mapped() {
            return &[];
        }
        let offset = if is_second { self.second } else { 0 };
        self.flash.memory(self.offset + offset, self.bytes - self.second)
    }

    fn check(&self) -> Result<(), FlashError<F::Error>> {
        match (self.has_keys, self.flash.is_mapped()) {
            (false, _) => Err(FlashError::NoKeys),
            (true, false) => Err(FlashError::NotMapped),
            (true, true) => Ok(()),
        }
    }
}

impl<F: Mapped> ErrorType for Part<F> {
    type Error = FlashError<F::Error>;
}

impl<F: Mapped> ReadNorFlash for Part<F> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len()).map_err(FlashError::Call)?;
        self.check()?;
        self.flash.read(self.offset + offset, bytes);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes as usize
    }
}

impl<F: Mapped> ImageFlash for Part<F> {
    fn places(&self) -> ([u32; 2], u32) {
        ([0, self.second], self.bytes - self.second)
    }

    fn mapped(&self, is_second: bool) -> &[u8] {
        self.slot(is_second)
    }
}

impl<F: Mapped> NorFlash for Part<F> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to).map_err(FlashError::Call)?;
        self.check()?;
        self.flash.erase(self.offset + from, self.offset + to).map_err(FlashError::Chip)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len()).map_err(FlashError::Call)?;
        self.check()?;
        self.flash.program(self.offset + offset, bytes).map_err(FlashError::Chip)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// A chip at address 0x1000 that notes what is asked of it.
    #[derive(Debug, Default)]
    struct Chip {
        memory: &'static [u8],
        calls: RefCell<Vec<(&'static str, u32, u32)>>,
        fails: bool,
    }

    impl Chip {
        fn call(&self, name: &'static str, from: u32, to: u32) -> Result<(), &'static str> {
            self.calls.borrow_mut().push((name, from, to));
            if self.fails { Err("the chip fails") } else { Ok(()) }
        }
    }

    impl Mapped for &Chip {
        type Error = &'static str;

        fn is_mapped(&self) -> bool {
            !self.memory.is_empty()
        }

        fn memory(&self, offset: u32, bytes: u32) -> &'static [u8] {
            &self.memory[offset as usize..][..bytes as usize]
        }

        fn read(&self, offset: u32, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.memory[offset as usize..][..bytes.len()]);
        }

        fn erase(&self, from: u32, to: u32) -> Result<(), &'static str> {
            self.call("erase", from, to)
        }

        fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), &'static str> {
            self.call("program", offset, offset + bytes.len() as u32)
        }
    }

    const CHIP: Region = (0x1000, 0x8000);
    const STORE: Region = (0x8000, 0x1000);
    const SLOTS: [Region; 2] = [(0x2000, 0x1000), (0x4000, 0x1000)];

    fn chip() -> Chip {
        let memory: Vec<u8> = (0..0x8000u32).map(|at| (at >> 12) as u8).collect();
        Chip { memory: memory.leak(), ..Chip::default() }
    }

    #[test]
    fn part_lies_where_it_is_said_to() {
        let chip = chip();
        let mut store = Part::store(&chip, CHIP, STORE, true);
        assert_eq!(store.capacity(), 0x1000);
        let mut bytes = [0xa5; 4];
        store.read(0x0ffc, &mut bytes).unwrap();
        assert_eq!(bytes, [7; 4]);
        store.erase(0, 0x1000).unwrap();
        store.write(8, &[0; 4]).unwrap();
        assert_eq!(*chip.calls.borrow(), vec![("erase", 0x7000, 0x8000), ("program", 0x7008, 0x700c)]);
    }

    #[test]
    fn nothing_outside_a_part_is_touched() {
        let chip = chip();
        let mut store = Part::store(&chip, CHIP, STORE, true);
        let outside = Err(FlashError::Call(NorFlashErrorKind::OutOfBounds));
        assert_eq!(store.read(0x0ffd, &mut [0; 4]), outside);
        assert_eq!(store.write(0x1000, &[0; 4]), outside);
        assert_eq!(store.erase(0, 0x2000), outside);
        let unaligned = Err(FlashError::Call(NorFlashErrorKind::NotAligned));
        assert_eq!(store.write(2, &[0; 4]), unaligned);
        assert_eq!(store.erase(4, 0x1000), unaligned);
        assert!(chip.calls.borrow().is_empty());
    }

    #[test]
    fn slots_are_those_of_the_images() {
        let chip = chip();
        let images = Part::images(&chip, CHIP, SLOTS);
        assert_eq!(images.places(), ([0, 0x2000], 0x1000));
        assert_eq!((images.mapped(false), images.mapped(true)), (&[1; 0x1000][..], &[3; 0x1000][..]));
    }

    #[test]
    fn flash_that_cannot_be_used_says_why() {
        let sound = chip();
        let mut store = Part::store(&sound, CHIP, STORE, false);
        assert_eq!(store.erase(0, 0x1000), Err(FlashError::NoKeys));
        assert!(sound.calls.borrow().is_empty());
        let closed = Chip::default();
        let mut images = Part::images(&closed, CHIP, SLOTS);
        assert_eq!(images.read(0, &mut [0]), Err(FlashError::NotMapped));
        assert_eq!(images.write(0, &[0; 4]), Err(FlashError::NotMapped));
        assert!(images.slot(false).is_empty() && images.slot(true).is_empty());
        let failing = Chip { fails: true, ..chip() };
        let mut store = Part::store(&failing, CHIP, STORE, true);
        assert_eq!(store.write(0, &[0; 4]), Err(FlashError::Chip("the chip fails")));
    }

    #[test]
    fn layout_is_of_the_facts_and_of_this_flash() {
        assert_eq!(layout(4, [2, 63]), Layout::new_checked(0, 4096, 4, 2, 63));
        assert_eq!(layout(1, [2, 63]), Err(LayoutError::Word(1)));
        assert!(layout(4, [1, 63]).is_err());
    }
}
