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
//! Keys are written to two places, one after another. Nothing is ever erased: a place that a cut has torn stays as it is, and
//! the next ones are used. What cannot be read counts as torn. So a device that finds no sound place has never sealed
//! anything under keys that still exist.

use core::fmt;

use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use zeroize::Zeroizing;

use crate::bytes::{Fields, Fill};
use crate::record::CHECK;

/// Version of a place.
pub const VERSION: u16 = 1;
/// Bytes of a place, a multiple of every word.
pub const PLACE_BYTES: u32 = 96;
/// Places that hold the same keys.
const COPIES: u32 = 2;
const MARK: &[u8; 4] = b"GKEY";
/// Bytes that the check covers.
const CHECKED: usize = 72;

/// Two keys of a device.
pub type Keys = [[u8; 32]; 2];

/// Why no keys could be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// The flash has a word that does not divide 32 bytes, or reads no single words.
    Word(u32),
    /// No place is left: cuts have torn all of them, or the flash takes nothing any more.
    Worn,
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(bytes) => write!(f, "keys: words of {bytes} bytes"),
            Self::Worn => write!(f, "keys: no place in the flash is left"),
        }
    }
}

impl core::error::Error for KeysError {}

type Place = Zeroizing<[u8; PLACE_BYTES as usize]>;

fn blank() -> Place {
    Zeroizing::new([0xff; PLACE_BYTES as usize])
}

fn emit(keys: &Keys) -> Place {
    let mut place = blank();
    let [first, second] = keys;
    Fill(&mut *place).put(first).put(second).put(MARK).put(&VERSION.to_le_bytes()).put(&[0; 2]);
    let check = CHECK.checksum(place.get(..CHECKED).unwrap_or_default());
    Fill(place.get_mut(CHECKED..).unwrap_or_default()).put(&check.to_le_bytes());
    place
}

fn parse(place: &[u8]) -> Option<Keys> {
    let mut fields = Fields(place);
    let keys = [fields.take()?, fields.take()?];
    // All other bytes follow from the keys.
    (*emit(&keys) == *place).then_some(keys)
}

/// Addresses of the places in a flash.
fn places<F: ReadNorFlash>(flash: &F) -> impl Iterator<Item = u32> + use<F> {
    (0..flash.capacity() as u32 / PLACE_BYTES).map(|number| number * PLACE_BYTES)
}

fn read_place<F: ReadNorFlash>(flash: &mut F, at: u32) -> Option<Place> {
    let mut place = blank();
    flash.read(at, &mut *place).ok()?;
    Some(place)
}

/// The keys in a flash that holds nothing else; `None` if no place is sound.
pub fn read<F: ReadNorFlash>(flash: &mut F) -> Option<Keys> {
    for at in places(flash) {
        let Some(place) = read_place(flash, at) else { continue };
        if let Some(keys) = parse(&*place) {
            return Some(keys);
        }
        if *place == *blank() {
            // Places are used in order.
            break;
        }
    }
    None
}

/// Writes keys to a flash in which [`read`] finds none.
///
/// # Errors
/// [`KeysError`]; then nothing may be sealed under these keys.
pub fn write<F: NorFlash>(flash: &mut F, keys: &Keys) -> Result<(), KeysError> {
    let word = F::WRITE_SIZE as u32;
    if word == 0
        || !32u32.is_multiple_of(word)
        || F::READ_SIZE == 0
        || !F::WRITE_SIZE.is_multiple_of(F::READ_SIZE)
    {
        return Err(KeysError::Word(word));
    }
    let wanted = emit(keys);
    let mut copies = 0;
    for at in places(flash) {
        if read_place(flash, at).is_none_or(|place| *place != *blank()) {
            continue;
        }
        // Whether it worked is seen below. A word that a cut left torn may look blank and still take nothing.
        let _ = flash.write(at, &*wanted);
        if read_place(flash, at).is_some_and(|place| *place == *wanted) {
            copies += 1;
            if copies == COPIES {
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

    use super::*;
    use crate::sim::{Flash, Tear};

    const PAGE: usize = 4096;
    const KEYS: Keys = [[7; 32], [9; 32]];
    const OTHERS: Keys = [[1; 32], [2; 32]];

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

    /// A cut at every step, then a start; then a cut at every step of that start, and so on.
    fn cuts<const WORD: usize>(tear: Tear, seed: u64) {
        let steps = (COPIES * PLACE_BYTES) as usize / WORD;
        for first in 0..steps {
            for second in 0..steps {
                let (mut bytes, mut words) = (vec![0xff; PAGE], vec![0; PAGE / WORD]);
                let mut flash = Flash::<WORD, PAGE>::new(&mut bytes, &mut words, &mut [], tear, seed);
                let mut kept: Option<Keys> = None;
                for (step, keys) in [(first, KEYS), (second, OTHERS)] {
                    flash.cut_after(step as u64);
                    let found = read(&mut flash);
                    assert!(kept.is_none() || found == kept, "{tear:?} {first} {second}");
                    if found.is_none() {
                        assert_eq!(write(&mut flash, &keys), Err(KeysError::Worn), "the supply has failed");
                    }
                    flash.power_on();
                    kept = read(&mut flash);
                    assert!(kept.is_none() || kept == found || found.is_none() && kept == Some(keys));
                }
                if kept.is_none() {
                    write(&mut flash, &KEYS).unwrap();
                    assert_eq!(read(&mut flash), Some(KEYS));
                }
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

    #[test]
    fn one_damaged_copy_is_survived() {
        for copy in 0..2 {
            let (mut bytes, mut words) = (vec![0xff; PAGE], vec![0; PAGE / 32]);
            let mut flash = Flash::<32, PAGE>::new(&mut bytes, &mut words, &mut [], Tear::Whole, 1);
            write(&mut flash, &KEYS).unwrap();
            flash.bytes_mut()[copy * PLACE_BYTES as usize + 5] ^= 4;
            assert_eq!(read(&mut flash), Some(KEYS));
        }
    }

    #[test]
    fn full_flash_and_odd_words_are_refused() {
        let (mut bytes, mut words) = (vec![0; PAGE], vec![1; PAGE / 32]);
        let mut flash = Flash::<32, PAGE>::new(&mut bytes, &mut words, &mut [], Tear::Whole, 1);
        assert_eq!((read(&mut flash), write(&mut flash, &KEYS)), (None, Err(KeysError::Worn)));
        let mut bytes = vec![0xff; PAGE];
        let mut flash = Flash::<64, PAGE>::new(&mut bytes, &mut [], &mut [], Tear::Whole, 1);
        assert_eq!(write(&mut flash, &KEYS), Err(KeysError::Word(64)));
    }
}
