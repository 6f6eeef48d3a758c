//! The places of two images in flash.
//!
//! ```text
//! slot base          the image, from its first byte, read in place
//! slot base + room   one page: the record of the update that is being received
//! ```

use core::fmt;
use core::num::NonZeroU32;

use embedded_storage::nor_flash::NorFlash;

use super::record::RECORD_BYTES;

/// Flash with two slots of images, which the processor reads in place.
pub trait ImageFlash: NorFlash {
    /// Offsets of the slots, at the start of pages, and the bytes of a slot: whole pages.
    fn places(&self) -> ([u32; 2], u32);

    /// A slot as memory, aligned to 16. Its last page may be missing.
    fn mapped(&self, is_second: bool) -> &[u8];
}

/// A simulated flash, each half of which is a slot. Its memory is aligned as an image must be.
impl<const WORD: usize, const PAGE: usize> ImageFlash for store::sim::Flash<'_, WORD, PAGE> {
    fn places(&self) -> ([u32; 2], u32) {
        let half = (self.bytes().len() / 2) as u32;
        ([0, half], half)
    }

    fn mapped(&self, is_second: bool) -> &[u8] {
        let (first, second) = self.bytes().split_at(self.bytes().len() / 2);
        if is_second { second } else { first }
    }
}

/// The largest word, in bytes.
pub const MAX_WORD: usize = 32;

/// Why two slots are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotsError {
    /// The word, in bytes, does not divide 32, or the flash's smallest read does not divide the word.
    Word(u32),
    /// The page, in bytes, is no multiple of 64, or has no room for a mark after the record.
    Page(u32),
    /// This address is not at a page's start.
    Base(u32),
    /// A slot of this many bytes is not two pages or more, or not whole pages.
    Length(u32),
    /// The slots overlap.
    Overlap,
    /// A slot ends beyond this capacity in bytes.
    Capacity(u64),
}

impl fmt::Display for SlotsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(bytes) => write!(f, "slots: words of {bytes} bytes"),
            Self::Page(bytes) => write!(f, "slots: pages of {bytes} bytes"),
            Self::Base(base) => write!(f, "slots: a base of {base:#x}, inside a page"),
            Self::Length(bytes) => write!(f, "slots: {bytes} bytes are not two or more whole pages"),
            Self::Overlap => write!(f, "slots: they overlap"),
            Self::Capacity(bytes) => write!(f, "slots: an end beyond the flash's {bytes} bytes"),
        }
    }
}

impl core::error::Error for SlotsError {}

/// Two checked slots of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    bases: [u32; 2],
    bytes: u32,
    page_bytes: NonZeroU32,
    word_bytes: NonZeroU32,
}

impl Slots {
    /// The slots of a flash.
    ///
    /// # Errors
    /// [`SlotsError`].
    pub fn of<F: ImageFlash>(flash: &F) -> Result<Self, SlotsError> {
        let (bases, bytes) = flash.places();
        Self::in_flash(flash, bases, bytes)
    }

    /// Slots at these addresses of a flash, each of `bytes` bytes, its last page included.
    ///
    /// # Errors
    /// [`SlotsError`].
    pub fn in_flash<F: NorFlash>(flash: &F, bases: [u32; 2], bytes: u32) -> Result<Self, SlotsError> {
        let (word, page) = (F::WRITE_SIZE as u32, F::ERASE_SIZE as u32);
        let is_read_whole = F::READ_SIZE > 0 && F::WRITE_SIZE.is_multiple_of(F::READ_SIZE);
        let word_bytes = NonZeroU32::new(word).filter(|&word| is_read_whole && MAX_WORD as u32 % word == 0);
        let word_bytes = word_bytes.ok_or(SlotsError::Word(word))?;
        let least = RECORD_BYTES as u32;
        let page_bytes = NonZeroU32::new(page).filter(|_| page > least && page.is_multiple_of(least));
        let page_bytes = page_bytes.ok_or(SlotsError::Page(page))?;
        if let Some(&base) = bases.iter().find(|&&base| base % page_bytes != 0) {
            return Err(SlotsError::Base(base));
        }
        if bytes % page_bytes != 0 || bytes / page_bytes < 2 {
            return Err(SlotsError::Length(bytes));
        }
        let [first, second] = bases;
        if first.abs_diff(second) < bytes {
            return Err(SlotsError::Overlap);
        }
        let capacity = flash.capacity() as u64;
        // Addresses are 32 bits.
        if u64::from(first.max(second)) + u64::from(bytes) > capacity.min(u32::MAX.into()) {
            return Err(SlotsError::Capacity(capacity));
        }
        Ok(Slots { bases, bytes, page_bytes, word_bytes })
    }

    /// Address of a slot, which is that of its image.
    pub const fn image(&self, is_second: bool) -> u32 {
        let [first, second] = self.bases;
        if is_second { second } else { first }
    }

    /// Address of the page behind a slot's image.
    pub const fn record(&self, is_second: bool) -> u32 {
        self.image(is_second) + self.room()
    }

    /// Bytes of the longest image that fits.
    pub const fn room(&self) -> u32 {
        self.bytes - self.page_bytes.get()
    }

    /// Bytes of a page.
    pub const fn page_bytes(&self) -> u32 {
        self.page_bytes.get()
    }

    /// Pages that this many bytes touch.
    pub fn pages(&self, bytes: u32) -> u32 {
        bytes / self.page_bytes + u32::from(bytes % self.page_bytes != 0)
    }

    /// Place in its page of an offset in a slot.
    pub fn in_page(&self, offset: u32) -> u32 {
        offset % self.page_bytes
    }

    /// Place in its word of an offset in a slot.
    pub fn in_word(&self, offset: u32) -> u32 {
        offset % self.word_bytes
    }

    /// Whole words in this many bytes.
    pub fn words(&self, bytes: u32) -> u32 {
        bytes / self.word_bytes
    }

    /// Bytes of a word.
    pub const fn word_bytes(&self) -> u32 {
        self.word_bytes.get()
    }
}
