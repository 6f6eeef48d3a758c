//! The places of the store's parts in flash, their capacity and their wear.
//!
//! Figures about capacity and wear are exact counts of bytes, pages and erase cycles, for any number of people.

use core::num::NonZeroU32;
use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use crate::record::{CENTRE_TAG_BYTES, HEAD_BYTES, RECORD_BYTES};
use crate::{LayoutError, MAX_CENTRES, MAX_DIMENSION, MAX_PEOPLE};

/// The largest word, in bytes.
pub const MAX_WORD: usize = 32;

/// A checked layout: a counter log, then two halves, all of whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    base: u32,
    page_bytes: NonZeroU32,
    /// A power of two.
    word_bytes: u32,
    log_pages: u32,
    half_pages: u32,
}

/// What a commit does to the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Bytes programmed: a record of the counter log, and a half's header and pieces.
    pub written_bytes: u32,
    /// Bytes erased: the pages of the old half.
    pub erased_bytes: u32,
}

impl Layout {
    /// A store at `base` in a flash with pages (the smallest erase) and words (the smallest write) of these sizes in
    /// bytes. `log_pages` counter pages are followed by two times `half_pages` pages.
    ///
    /// # Errors
    /// [`LayoutError`], except [`LayoutError::Geometry`]. Addresses must fit 32 bits.
    pub const fn new_checked(
        base: u32,
        page_bytes: u32,
        word_bytes: u32,
        log_pages: u32,
        half_pages: u32,
    ) -> Result<Self, LayoutError> {
        if word_bytes == 0 || !(MAX_WORD as u32).is_multiple_of(word_bytes) {
            return Err(LayoutError::Word(word_bytes));
        }
        let page = match NonZeroU32::new(page_bytes) {
            Some(page) if page_bytes.is_multiple_of(RECORD_BYTES as u32) => page,
            _ => return Err(LayoutError::Page(page_bytes)),
        };
        if !base.is_multiple_of(page_bytes) {
            return Err(LayoutError::Base(base));
        }
        if log_pages < 2 || half_pages == 0 {
            return Err(LayoutError::Pages);
        }
        let pages = log_pages as u64 + 2 * half_pages as u64;
        // At most 3 · 2^32 pages of fewer than 2^32 bytes could overflow, so pages are limited first.
        if pages > u32::MAX as u64 || base as u64 + pages * page_bytes as u64 > u32::MAX as u64 {
            return Err(LayoutError::Capacity(u32::MAX as u64));
        }
        Ok(Layout { base, page_bytes: page, word_bytes, log_pages, half_pages })
    }

    /// A store at `base` in this flash, with its pages and words.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub fn in_flash<F: NorFlash>(
        flash: &F,
        base: u32,
        log_pages: u32,
        half_pages: u32,
    ) -> Result<Self, LayoutError> {
        let layout =
            Self::new_checked(base, F::ERASE_SIZE as u32, F::WRITE_SIZE as u32, log_pages, half_pages)?;
        layout.check(flash)?;
        Ok(layout)
    }

    /// Checks that the flash has the layout's words and pages, and reaches to its end.
    pub(crate) fn check<F: NorFlash>(&self, flash: &F) -> Result<(), LayoutError> {
        if F::ERASE_SIZE != self.page_bytes() as usize || F::WRITE_SIZE != self.word_bytes as usize {
            return Err(LayoutError::Geometry);
        }
        if F::READ_SIZE == 0 || !F::WRITE_SIZE.is_multiple_of(F::READ_SIZE) {
            return Err(LayoutError::Word(self.word_bytes));
        }
        let capacity = flash.capacity() as u64;
        if capacity < u64::from(self.end()) {
            return Err(LayoutError::Capacity(capacity));
        }
        Ok(())
    }

    /// Address of the first byte.
    pub const fn base(&self) -> u32 {
        self.base
    }

    /// Address behind the last byte.
    pub const fn end(&self) -> u32 {
        self.base + self.total_bytes()
    }

    /// Bytes of the whole store.
    pub const fn total_bytes(&self) -> u32 {
        (self.log_pages + 2 * self.half_pages) * self.page_bytes()
    }

    /// Bytes of a page.
    pub const fn page_bytes(&self) -> u32 {
        self.page_bytes.get()
    }

    /// Bytes of a word.
    pub const fn word_bytes(&self) -> u32 {
        self.word_bytes
    }

    /// Pages of the counter log.
    pub const fn log_pages(&self) -> u32 {
        self.log_pages
    }

    /// Pages of a half.
    pub const fn half_pages(&self) -> u32 {
        self.half_pages
    }

    /// Bytes of a half.
    pub const fn half_bytes(&self) -> u32 {
        self.half_pages * self.page_bytes()
    }

    /// Records in a page of the counter log.
    pub const fn slots(&self) -> u32 {
        self.page_bytes() / RECORD_BYTES as u32
    }

    /// Addresses of a page of the counter log, which must exist.
    pub(crate) const fn log_page(&self, page: u32) -> Range<u32> {
        let start = self.base + page * self.page_bytes();
        start..start + self.page_bytes()
    }

    /// The page of the counter log that is used after this one.
    pub(crate) const fn page_after(&self, page: u32) -> u32 {
        if page + 1 < self.log_pages { page + 1 } else { 0 }
    }

    /// Addresses of a record in a page of the counter log, which must exist.
    pub(crate) const fn slot(&self, page: u32, slot: u32) -> Range<u32> {
        let start = self.log_page(page).start + slot * RECORD_BYTES as u32;
        start..start + RECORD_BYTES as u32
    }

    /// Address of a half, 0 or 1.
    pub const fn half(&self, half: u32) -> u32 {
        self.base + (self.log_pages + half * self.half_pages) * self.page_bytes()
    }

    /// Pages of a half that a header and `length` bytes of pieces fill.
    pub(crate) fn pages_of(&self, length: u32) -> u32 {
        let last = length.saturating_add(RECORD_BYTES as u32 - 1);
        last / self.page_bytes + 1
    }

    /// Bytes of a piece in flash, given its bytes without padding.
    pub(crate) const fn padded(&self, bytes: usize) -> usize {
        let mask = self.word_bytes as usize - 1;
        (bytes + mask) & !mask
    }

    /// Bytes of a person with `centres` sub-centres of `dimension` elements in flash. Values over the limits count as
    /// the limits.
    pub const fn person_bytes(&self, dimension: u16, centres: usize) -> u32 {
        let dimension = if dimension as usize > MAX_DIMENSION { MAX_DIMENSION } else { dimension as usize };
        let centres = if centres > MAX_CENTRES { MAX_CENTRES } else { centres };
        (self.padded(HEAD_BYTES) + centres * self.padded(dimension + CENTRE_TAG_BYTES)) as u32
    }

    /// Number of people with `centres` sub-centres of `dimension` elements each that fit.
    pub fn capacity(&self, dimension: u16, centres: usize) -> usize {
        let room = self.half_bytes().saturating_sub(RECORD_BYTES as u32);
        let people = room.checked_div(self.person_bytes(dimension, centres)).unwrap_or(0);
        (people as usize).min(MAX_PEOPLE)
    }

    /// What a commit costs that leaves `people` people with `centres` sub-centres each, as many as before.
    pub fn commit(&self, dimension: u16, people: usize, centres: usize) -> Cost {
        let people = people.min(self.capacity(dimension, centres)) as u32;
        let length = people * self.person_bytes(dimension, centres);
        Cost {
            written_bytes: 2 * RECORD_BYTES as u32 + length,
            erased_bytes: self.pages_of(length) * self.page_bytes(),
        }
    }

    /// Number of counter changes until a page of the log has been erased `cycles` times. A commit is one, too.
    pub const fn attempts(&self, cycles: u32) -> u64 {
        cycles as u64 * (self.log_pages * self.slots()) as u64
    }

    /// How often any page has been erased, at most, after this many commits and counter changes, commits included. At each
    /// commit every page of a half may have been, if the board was restarted before. What is erased again after a cut is not
    /// in it.
    pub fn erasures(&self, commits: u32, changes: u32) -> u32 {
        let records = self.log_pages.saturating_mul(self.slots());
        commits.max(changes.checked_div(records).unwrap_or(0).saturating_add(1))
    }

    /// Number of commits until a page has been erased `cycles` times. A commit erases the old half, so a page is erased
    /// with every second commit. After a restart the first commit erases the other half again: with `is_restarted`,
    /// the number is for a board that is restarted before each commit.
    pub fn enrolments(&self, cycles: u32, is_restarted: bool) -> u64 {
        let halves = if is_restarted { 1 } else { 2 };
        (u64::from(cycles) * halves).min(self.attempts(cycles))
    }
}
