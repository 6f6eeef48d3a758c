//! The record of an update that is being received, and the marks of its progress. Both lie in the last page of the slot.
//!
//! ```text
//!   0  mark      "GUPD"
//!   4  version   u16, [`VERSION`]
//!   6  zero      u16
//!   8  length    u32, of the update in bytes
//!  12  zero      u32
//!  16  digest    SHA-256 of the update
//!  48  check     SHA-256 of bytes 0..48, its first 16 bytes
//!  64  marks     a word each: zero once all pages up to it are programmed
//! ```
//!
//! A mark stands for one page of the update, or for several where there are more pages than marks. It is programmed after
//! its pages. After a power cut the transfer goes on at the pages behind the last mark, and erases each page again before
//! it programs it, however blank it looks.
//!
//! The first mark after a restart is never programmed: a cut may have torn it, and some flash does not allow a second
//! programming of a word.

use core::num::NonZeroU32;

use embedded_storage::nor_flash::NorFlash;
use sha2::{Digest as _, Sha256};

use super::slots::{MAX_WORD, Slots};

/// Length of a record.
pub const RECORD_BYTES: usize = 64;
/// Version of the record.
pub const VERSION: u16 = 1;

const MARK: [u8; 4] = *b"GUPD";
const CHECKED_BYTES: usize = 48;

/// An update as it was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its length in bytes.
    pub bytes: u32,
    /// Its SHA-256.
    pub digest: [u8; 32],
}

impl Announced {
    /// Reads a record; `None` if there is none, or it is torn.
    pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let (length, digest) = (bytes.get(8..)?.first_chunk()?, bytes.get(16..)?.first_chunk()?);
        let announced = Announced { bytes: u32::from_le_bytes(*length), digest: *digest };
        (announced.emit() == *bytes).then_some(announced)
    }

    /// The record's bytes.
    pub fn emit(&self) -> [u8; RECORD_BYTES] {
        let (version, length) = (VERSION.to_le_bytes(), self.bytes.to_le_bytes());
        let fields: [&[u8]; 6] = [&MARK, &version, &[0; 2], &length, &[0; 4], &self.digest];
        let mut out = [0; RECORD_BYTES];
        let (checked, check) = out.split_at_mut(CHECKED_BYTES);
        checked.iter_mut().zip(fields.into_iter().flatten()).for_each(|(place, &byte)| *place = byte);
        check.iter_mut().zip(Sha256::digest(checked)).for_each(|(place, byte)| *place = byte);
        out
    }
}

/// The marks of a slot for an update of some length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Address of the first.
    start: u32,
    word_bytes: u32,
    /// Bytes of the update for which a mark stands.
    span: NonZeroU32,
    /// How many are used.
    count: u32,
}

impl Marks {
    /// The marks of this slot for an update of `bytes` bytes.
    pub fn new(slots: &Slots, is_second: bool, bytes: u32) -> Self {
        let (word_bytes, page_bytes) = (slots.word_bytes(), slots.page_bytes());
        let room = NonZeroU32::new(slots.words(page_bytes - RECORD_BYTES as u32)).unwrap_or(NonZeroU32::MIN);
        let pages = slots.pages(bytes);
        // Pages for which a mark stands: enough of them that the marks suffice.
        let each = pages / room + u32::from(pages % room != 0);
        let span = NonZeroU32::new(each * page_bytes).unwrap_or(NonZeroU32::MAX);
        let start = slots.record(is_second) + RECORD_BYTES as u32;
        Marks { start, word_bytes, span, count: bytes / span }
    }

    /// The number of the mark that is due when the update is programmed up to this offset.
    pub fn due(&self, offset: u32) -> Option<u32> {
        let is_due = offset > 0 && offset % self.span == 0;
        (is_due && offset / self.span <= self.count).then(|| offset / self.span - 1)
    }

    /// Programs a mark. It only saves time after a cut, so that no error of it counts.
    pub fn set<F: NorFlash>(&self, flash: &mut F, number: u32) {
        if let Some(word) = [0; MAX_WORD].get(..self.word_bytes as usize) {
            let _ = flash.write(self.start + number * self.word_bytes, word);
        }
    }

    /// Offset up to which the update is programmed for certain, and the number of the first mark that may be torn.
    pub fn find<F: NorFlash>(&self, flash: &mut F) -> (u32, u32) {
        let mut is_set = |number: u32| {
            let mut word = [0xa5; MAX_WORD];
            let word = word.get_mut(..self.word_bytes as usize).unwrap_or_default();
            // A word that cannot be read is one that a cut has torn.
            flash.read(self.start + number * self.word_bytes, word).is_ok()
                && word.iter().all(|&byte| byte == 0)
        };
        let last = (0..self.count).rev().find(|&number| is_set(number));
        last.map_or((0, 0), |number| ((number + 1) * self.span.get(), number + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_has_these_bytes() {
        let announced = Announced { bytes: 0x0102_0304, digest: [7; 32] };
        let bytes = announced.emit();
        let mut expected = [0; CHECKED_BYTES];
        expected[..12].copy_from_slice(b"GUPD\x01\0\0\0\x04\x03\x02\x01");
        expected[16..].fill(7);
        assert_eq!(bytes[..CHECKED_BYTES], expected);
        assert_eq!(bytes[CHECKED_BYTES..], Sha256::digest(expected)[..16]);
        assert_eq!(Announced::parse(&bytes), Some(announced));
    }

    #[test]
    fn every_flipped_bit_makes_no_record() {
        let bytes = Announced { bytes: 300, digest: [9; 32] }.emit();
        for bit in 0..8 * RECORD_BYTES {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Announced::parse(&flipped), None, "bit {bit}");
        }
        assert_eq!(Announced::parse(&[0xff; RECORD_BYTES]), None);
        assert_eq!(Announced::parse(&[0; RECORD_BYTES]), None);
    }
}
