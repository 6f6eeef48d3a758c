//! The device's own keys, in flash that nobody else reads: made once, and whole after a cut at any moment.
//!
//! The flash is a row of places of 96 bytes:
//!
//! ```text
//!   0  keys      2 × 32 bytes
//!  64  mark      "GKEY"
//!  68  version   u16, [`VERSION`]
//!  70  zero      u16
//!  72  check     u32, CRC-32 (ISO-HDLC) of bytes 0..72
//!  76  blank     0xff
//! ```
//!
//! Two places are a pair. Keys are written to the first of a pair, read back, and only then written to the second. Nothing is ever
//! erased: a pair that a cut has torn stays as it is, and the next one is used.
//!
//! # Reading
//!
//! A flash may give a torn word differently each time, and a sound one wrongly once. So each place is read several times until
//! it is sound, and counts as blank only if it always was. The last sound place is in force, as the others are older.
//!
//! A second place that is not blank tells that there were keys. If no place is sound then, the keys are [lost](KeysError::Lost): what was
//! sealed under them may still be worth more than a device that starts. No others are made. Whoever wants that erases the flash.

use core::fmt;

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use zeroize::Zeroizing;

use crate::bytes::{Fields, Fill};
use crate::record::CHECK;

/// Version of a place.
pub const VERSION: u16 = 1;
/// Bytes of a place, a multiple of every word.
pub const PLACE_BYTES: u32 = 96;
/// Bytes of a pair.
const PAIR_BYTES: u32 = 2 * PLACE_BYTES;
/// A place is read so often until it is sound.
const READINGS: usize = 4;
/// Keys are written to at most so many pairs at a time.
const ATTEMPTS: usize = 8;
const MARK: &[u8; 4] = b"GKEY";
/// Bytes that the check covers.
const CHECKED: usize = 72;

/// Two keys of a device.
pub type Secrets = [[u8; 32]; 2];

/// Why no keys could be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// The flash has a word that does not divide 32 bytes, or reads no single words.
    Word(u32),
    /// No pair takes the keys: cuts have torn all of them, or the flash takes nothing any more.
    Worn,
    /// There were keys, and none of their places can be read.
    Lost,
    /// New keys could not be made.
    Unmade,
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(bytes) => write!(f, "keys: words of {bytes} bytes"),
            Self::Worn => write!(f, "keys: no place in the flash is left"),
            Self::Lost => {
                write!(f, "keys: none of their places can be read; the sector must be erased by hand")
            }
            Self::Unmade => write!(f, "keys: none could be made"),
        }
    }
}

impl core::error::Error for KeysError {}

type Place = Zeroizing<[u8; PLACE_BYTES as usize]>;

fn blank() -> Place {
    Zeroizing::new([0xff; PLACE_BYTES as usize])
}

fn emit(keys: &Secrets) -> Place {
    let mut place = blank();
    let [first, second] = keys;
    Fill(&mut *place).put(first).put(second).put(MARK).put(&VERSION.to_le_bytes()).put(&[0; 2]);
    let check = CHECK.checksum(place.get(..CHECKED).unwrap_or_default());
    Fill(place.get_mut(CHECKED..).unwrap_or_default()).put(&check.to_le_bytes());
    place
}

fn parse(place: &[u8]) -> Option<Secrets> {
    let mut fields = Fields(place);
    let keys = [fields.take()?, fields.take()?];
    // All other bytes follow from the keys.
    (*emit(&keys) == *place).then_some(keys)
}

/// What a place holds.
enum Content {
    Sound(Secrets),
    Blank,
    Other,
}

fn content<F: ReadNorFlash>(flash: &mut F, at: u32) -> Content {
    let mut is_blank = true;
    for _ in 0..READINGS {
        let mut place = blank();
        let is_read = flash.read(at, &mut *place).is_ok();
        if is_read && *place == *blank() {
            continue;
        }
        is_blank = false;
        if let Some(keys) = parse(&*place).filter(|_| is_read) {
            return Content::Sound(keys);
        }
    }
    if is_blank { Content::Blank } else { Content::Other }
}

/// Addresses of the pairs in a flash.
fn pairs<F: ReadNorFlash>(flash: &F) -> impl Iterator<Item = u32> + use<F> {
    (0..flash.capacity() as u32 / PAIR_BYTES).map(|number| number * PAIR_BYTES)
}

/// What a flash holds.
#[derive(Default)]
struct Found {
    /// The keys in force.
    keys: Option<Secrets>,
    /// Whether they are in both places of a pair.
    are_twice: bool,
    /// Whether there were keys.
    had_any: bool,
}

fn find<F: ReadNorFlash>(flash: &mut F) -> Found {
    let mut found = Found::default();
    for at in pairs(flash) {
        let places = [content(flash, at), content(flash, at + PLACE_BYTES)];
        found.had_any |= !matches!(places, [_, Content::Blank]);
        let are_both = matches!(places, [Content::Sound(_), Content::Sound(_)]);
        for place in places {
            if let Content::Sound(keys) = place {
                found = Found { keys: Some(keys), are_twice: are_both, had_any: true };
            }
        }
    }
    found
}

/// The keys in a flash that holds nothing else. If there were never any, `make` gives them, and they are written.
///
/// # Errors
/// [`KeysError`]; then nothing may be sealed, under no keys. The flash is not changed by [`KeysError::Lost`] and
/// [`KeysError::Unmade`].
pub fn open<F: NorFlash>(
    flash: &mut F,
    make: impl FnOnce() -> Option<Secrets>,
) -> Result<Secrets, KeysError> {
    let word = F::WRITE_SIZE as u32;
    if word == 0
        || !32u32.is_multiple_of(word)
        || F::READ_SIZE == 0
        || !F::WRITE_SIZE.is_multiple_of(F::READ_SIZE)
    {
        return Err(KeysError::Word(word));
    }
    match find(flash) {
        Found { keys: Some(keys), are_twice, .. } => {
            if !are_twice {
                // A copy more, if the flash takes one. The one that there is serves as well.
                let _ = write(flash, &keys);
            }
            Ok(keys)
        }
        Found { had_any: true, .. } => Err(KeysError::Lost),
        Found { .. } => {
            let keys = make().ok_or(KeysError::Unmade)?;
            write(flash, &keys)?;
            Ok(keys)
        }
    }
}

/// Writes keys to the first blank pair that takes them.
fn write<F: NorFlash>(flash: &mut F, keys: &Secrets) -> Result<(), KeysError> {
    let wanted = emit(keys);
    let is_kept = |flash: &mut F, at| {
        // Whether it worked is seen below. A word that a cut left torn may look blank and still take nothing.
        let _ = flash.write(at, &*wanted);
        matches!(content(flash, at), Content::Sound(kept) if kept == *keys)
    };
    let mut attempts = 0;
    for at in pairs(flash) {
        let second = at + PLACE_BYTES;
        let is_blank =
            matches!([content(flash, at), content(flash, second)], [Content::Blank, Content::Blank]);
        if is_blank && attempts < ATTEMPTS {
            attempts += 1;
            if is_kept(flash, at) && is_kept(flash, second) {
                return Ok(());
            }
        }
    }
    Err(KeysError::Worn)
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use embedded_storage::nor_flash::ErrorType;

    use super::*;
    use crate::sim::{Fault, Flash, Tear};

    const PAGE: usize = 4096;
    const KEYS: Secrets = [[7; 32], [9; 32]];
    const OTHERS: Secrets = [[1; 32], [2; 32]];

    fn pinned() -> Vec<u8> {
        let mut place = vec![7; 32];
        place.extend([9; 32]);
        place.extend(*b"GKEY\x01\x00\x00\x00");
        place.extend(0xe19a_8cf3u32.to_le_bytes());
        place.extend([0xff; 20]);
        place
    }

    #[test]
    fn place_is_pinned() {
        assert_eq!(emit(&KEYS)[..], pinned()[..]);
        assert_eq!(parse(&pinned()), Some(KEYS));
        for at in 0..PLACE_BYTES as usize {
            let mut changed = pinned();
            changed[at] ^= 1;
            assert_eq!(parse(&changed), None, "{at}");
        }
    }

    /// [`open`] of a flash for which these keys are made.
    fn opened<F: NorFlash>(flash: &mut F, keys: Secrets) -> Result<Secrets, KeysError> {
        open(flash, || Some(keys))
    }

    /// [`open`] of a flash that must have keys.
    fn kept<F: NorFlash>(flash: &mut F) -> Result<Secrets, KeysError> {
        open(flash, || unreachable!("no keys are made"))
    }

    /// A cut at every step, then a start; then a cut at every step of that start, and so on.
    fn cuts<const WORD: usize>(tear: Tear, seed: u64) {
        // Four pairs.
        const PAGE: usize = 768;
        let steps = PAIR_BYTES as usize / WORD;
        for first in 0..=steps {
            for second in 0..=steps {
                let (mut bytes, mut words) = (vec![0xff; PAGE], vec![0; PAGE / WORD]);
                let mut flash = Flash::<WORD, PAGE>::new(&mut bytes, &mut words, &mut [], tear, seed);
                // Keys that a start was given may have sealed something.
                let mut given = None;
                for (step, keys) in [(first, KEYS), (second, OTHERS)] {
                    flash.cut_after(step as u64);
                    let found = opened(&mut flash, keys);
                    match (given, found) {
                        (Some(given), Ok(found)) => assert_eq!(given, found, "{tear:?} {first} {second}"),
                        (None, Ok(found)) => given = Some(found),
                        // The supply has failed.
                        (_, Err(error)) => assert_eq!(error, KeysError::Worn),
                    }
                    flash.power_on();
                }
                let last = opened(&mut flash, [[3; 32]; 2]);
                assert!(
                    last.is_ok() && given.is_none_or(|given| last == Ok(given)),
                    "{tear:?} {first} {second}"
                );
                assert_eq!(kept(&mut flash), last);
            }
        }
    }

    #[test]
    fn cut_at_every_step_leaves_whole_keys_or_none() {
        for tear in Tear::ALL {
            cuts::<4>(tear, 1);
            cuts::<8>(tear, 2);
            (0..16).for_each(|seed| cuts::<32>(tear, seed));
        }
    }

    type Memory = (Vec<u8>, Vec<u8>);

    fn memory() -> Memory {
        (vec![0xff; PAGE], vec![0; PAGE / 32])
    }

    fn flash((bytes, words): &mut Memory) -> Flash<'_, 32, PAGE> {
        Flash::new(bytes, words, &mut [], Tear::Whole, 1)
    }

    #[test]
    fn one_damaged_copy_is_survived_and_replaced() {
        for copy in 0..2 {
            let mut memory = memory();
            let mut flash = flash(&mut memory);
            opened(&mut flash, KEYS).unwrap();
            flash.bytes_mut()[copy * PLACE_BYTES as usize + 5] ^= 4;
            assert_eq!(kept(&mut flash), Ok(KEYS));
            flash.bytes_mut()[(1 - copy) * PLACE_BYTES as usize + 5] ^= 4;
            assert_eq!(kept(&mut flash), Ok(KEYS), "from the next pair");
        }
    }

    #[test]
    fn copies_that_were_cut_off_are_completed() {
        let mut memory = memory();
        let mut flash = flash(&mut memory);
        flash.write(0, &*emit(&KEYS)).unwrap();
        assert_eq!(kept(&mut flash), Ok(KEYS));
        flash.bytes_mut()[5] ^= 4;
        assert_eq!(kept(&mut flash), Ok(KEYS));
    }

    #[test]
    fn keys_that_were_there_are_never_replaced() {
        let mut memory = memory();
        let mut flash = flash(&mut memory);
        opened(&mut flash, KEYS).unwrap();
        for copy in 0..2 {
            flash.bytes_mut()[copy * PLACE_BYTES as usize + 5] ^= 4;
        }
        let before = flash.bytes().to_vec();
        assert_eq!(kept(&mut flash), Err(KeysError::Lost));
        assert!(flash.bytes() == before);
        // The mended sector has them again.
        flash.bytes_mut()[5] ^= 4;
        assert_eq!(kept(&mut flash), Ok(KEYS));
    }

    #[test]
    fn torn_place_that_is_sound_later_does_not_come_back() {
        let mut memory = memory();
        let mut flash = flash(&mut memory);
        flash.write(0, &*emit(&OTHERS)).unwrap();
        flash.bytes_mut()[5] ^= 4;
        assert_eq!(opened(&mut flash, KEYS), Ok(KEYS));
        flash.bytes_mut()[5] ^= 4;
        assert_eq!(kept(&mut flash), Ok(KEYS));
    }

    /// A flash whose readings are sound one time in [`READINGS`]; the others fail, or have a wrong bit.
    struct Misread<'f> {
        flash: Flash<'f, 32, PAGE>,
        readings: usize,
    }

    impl ErrorType for Misread<'_> {
        type Error = Fault;
    }

    impl ReadNorFlash for Misread<'_> {
        const READ_SIZE: usize = 32;

        fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
            self.readings += 1;
            match self.readings % READINGS {
                0 => self.flash.read(offset, bytes),
                1 => Err(Fault::Unreadable),
                reading => {
                    self.flash.read(offset, bytes)?;
                    bytes[reading] ^= 0x10;
                    Ok(())
                }
            }
        }

        fn capacity(&self) -> usize {
            self.flash.capacity()
        }
    }

    impl NorFlash for Misread<'_> {
        const WRITE_SIZE: usize = 32;
        const ERASE_SIZE: usize = PAGE;

        fn erase(&mut self, _from: u32, _to: u32) -> Result<(), Fault> {
            unreachable!("nothing is ever erased")
        }

        fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
            self.flash.write(offset, bytes)
        }
    }

    #[test]
    fn misread_keys_are_read_again() {
        let mut memory = memory();
        opened(&mut flash(&mut memory), KEYS).unwrap();
        for readings in 0..READINGS {
            let mut misread = Misread { flash: flash(&mut memory), readings };
            assert_eq!(kept(&mut misread), Ok(KEYS), "{readings}");
        }
    }

    #[test]
    fn full_flash_odd_words_and_no_keys_are_refused() {
        let mut memory = (vec![0; PAGE], vec![1; PAGE / 32]);
        assert_eq!(kept(&mut flash(&mut memory)), Err(KeysError::Lost));
        // First places of all pairs are torn: nothing was ever sealed.
        let mut memory = self::memory();
        for place in memory.0.chunks_mut(PAIR_BYTES as usize) {
            place[0] = 0;
        }
        assert_eq!(opened(&mut flash(&mut memory), KEYS), Err(KeysError::Worn));
        let mut memory = self::memory();
        assert_eq!(open(&mut flash(&mut memory), || None), Err(KeysError::Unmade));
        assert!(memory.0.iter().all(|&byte| byte == 0xff));
        let mut bytes = vec![0xff; PAGE];
        let mut flash = Flash::<64, PAGE>::new(&mut bytes, &mut [], &mut [], Tear::Whole, 1);
        assert_eq!(opened(&mut flash, KEYS), Err(KeysError::Word(64)));
    }
}
