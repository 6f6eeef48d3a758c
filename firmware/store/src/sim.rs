//! A simulated NOR flash over the caller's memory, for tests and emulated boards.
//!
//! Programming changes bits from 1 to 0 only. Words of 8 bytes and more carry a checksum in real flash, so a second
//! programming without an erase is an error. A step is the programming of one word or the erasure of one page. The
//! supply can fail at any step; the [`Tear`] says what that leaves. From then on everything fails until
//! [`Flash::power_on`].

use core::cell::RefCell;
use core::iter;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// What a cut in a step leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tear {
    /// Nothing: a step happens as a whole or not at all.
    Whole,
    /// Programming leaves any of the bits programmed. Erasure happens as a whole or not at all.
    Write,
    /// Erasure leaves any of the bits erased. Programming happens as a whole or not at all.
    Erase,
    /// Both leave any of the bits.
    Both,
    /// Both leave any of the bits, and words that cannot be read.
    Unreadable,
}

impl Tear {
    /// Every kind.
    pub const ALL: [Tear; 5] = [Tear::Whole, Tear::Write, Tear::Erase, Tear::Both, Tear::Unreadable];
}

/// An error of the simulated flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The supply has failed.
    Cut,
    /// A word cannot be read since a cut.
    Unreadable,
    /// A word of 8 bytes or more was programmed twice.
    Twice,
    /// The call is wrong.
    Call(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Fault::Call(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// Steps so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Words programmed.
    pub words: u64,
    /// Pages erased.
    pub pages: u64,
}

impl Traffic {
    /// All steps.
    pub fn steps(&self) -> u64 {
        self.words + self.pages
    }
}

/// State of a word that has not been programmed since it was erased.
pub const ERASED: u8 = 0;
/// State of a word that has been programmed, or torn; it may be read.
pub const PROGRAMMED: u8 = 1;
/// State of a word that cannot be read.
pub const UNREADABLE: u8 = 2;

/// A flash of words of `WORD` bytes and pages of `PAGE` bytes.
///
/// Memory fresh from the factory is `0xff`, its words [`ERASED`], and its wear 0.
#[derive(Debug)]
pub struct Flash<'a, const WORD: usize, const PAGE: usize> {
    bytes: &'a mut [u8],
    words: &'a mut [u8],
    wear: &'a mut [u32],
    /// What a cut leaves.
    pub tear: Tear,
    cut_in: Option<u64>,
    fail_in: Option<u64>,
    is_off: bool,
    random: u64,
    traffic: Traffic,
}

/// How a step ends.
enum Outcome {
    Whole,
    /// A part of it happened, and nothing tells.
    Silent,
    Cut,
}

impl<'a, const WORD: usize, const PAGE: usize> Flash<'a, WORD, PAGE> {
    /// A flash over `bytes`, a multiple of `PAGE`. `words` is a byte of state for each word, `wear` a count of erasures
    /// for each page. Either may be shorter or empty; then words behind its end are always readable and may be
    /// programmed twice, and pages behind its end are not counted.
    pub fn new(bytes: &'a mut [u8], words: &'a mut [u8], wear: &'a mut [u32], tear: Tear, seed: u64) -> Self {
        Flash {
            bytes,
            words,
            wear,
            tear,
            cut_in: None,
            fail_in: None,
            is_off: false,
            random: seed,
            traffic: Traffic::default(),
        }
    }

    /// The supply fails in the step after `steps` more steps.
    pub fn cut_after(&mut self, steps: u64) {
        self.cut_in = Some(steps);
    }

    /// The step after `steps` more steps happens only partly, without an error: a worn cell.
    pub fn fail_after(&mut self, steps: u64) {
        self.fail_in = Some(steps);
    }

    /// The supply is back, and no failure is to come.
    pub fn power_on(&mut self) {
        self.is_off = false;
        self.cut_in = None;
        self.fail_in = None;
    }

    /// Whether the supply has failed.
    pub fn is_off(&self) -> bool {
        self.is_off
    }

    /// Steps since the flash was made.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Erasures of the page with the most.
    pub fn wear(&self) -> u32 {
        self.wear.iter().copied().max().unwrap_or(0)
    }

    /// The memory.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The memory, without the flash.
    pub fn into_bytes(self) -> &'a mut [u8] {
        self.bytes
    }

    /// The memory, to be damaged.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Bytes of bits that happened: few, half or most of them.
    fn happened(&mut self, density: u64) -> u8 {
        let [a, b, ..] = self.random().to_le_bytes();
        match density {
            0 => a & b,
            1 => a,
            _ => a | b,
        }
    }

    fn step(&mut self) -> Outcome {
        fn is_now(count: &mut Option<u64>) -> bool {
            match count {
                Some(0) => {
                    *count = None;
                    true
                }
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        }
        let [is_cut, is_silent] = [is_now(&mut self.cut_in), is_now(&mut self.fail_in)];
        if is_cut {
            self.is_off = true;
            Outcome::Cut
        } else if is_silent {
            Outcome::Silent
        } else {
            Outcome::Whole
        }
    }

    fn erase_page(&mut self, page: usize) -> Result<(), Fault> {
        self.traffic.pages += 1;
        if let Some(wear) = self.wear.get_mut(page) {
            *wear += 1;
        }
        let outcome = self.step();
        let is_whole = match outcome {
            Outcome::Whole => true,
            Outcome::Silent => false,
            Outcome::Cut => match self.tear {
                Tear::Whole | Tear::Write => return Err(Fault::Cut),
                Tear::Erase | Tear::Both | Tear::Unreadable => false,
            },
        };
        let is_unreadable = matches!(outcome, Outcome::Cut) && self.tear == Tear::Unreadable;
        let density = self.random() % 3;
        for word in page * PAGE / WORD..(page + 1) * PAGE / WORD {
            for at in word * WORD..(word + 1) * WORD {
                let happened = if is_whole { 0xff } else { self.happened(density) };
                if let Some(byte) = self.bytes.get_mut(at) {
                    *byte |= happened;
                }
            }
            let was_erased = self.words.get(word) == Some(&ERASED);
            let state = if is_whole || was_erased && matches!(outcome, Outcome::Silent) {
                ERASED
            } else if is_unreadable && self.random().is_multiple_of(2) {
                UNREADABLE
            } else {
                PROGRAMMED
            };
            if let Some(place) = self.words.get_mut(word) {
                *place = state;
            }
        }
        if matches!(outcome, Outcome::Cut) { Err(Fault::Cut) } else { Ok(()) }
    }

    fn program(&mut self, word: usize, bytes: &[u8]) -> Result<(), Fault> {
        self.traffic.words += 1;
        let state = self.words.get(word).copied().unwrap_or(ERASED);
        if WORD >= 8 && state != ERASED {
            return Err(Fault::Twice);
        }
        let outcome = self.step();
        let is_whole = match outcome {
            Outcome::Whole => true,
            Outcome::Silent => false,
            Outcome::Cut => match self.tear {
                Tear::Whole | Tear::Erase => return Err(Fault::Cut),
                Tear::Write | Tear::Both | Tear::Unreadable => false,
            },
        };
        let is_cut = matches!(outcome, Outcome::Cut);
        let density = self.random() % 3;
        for (at, &byte) in iter::zip(word * WORD.., bytes) {
            let happened = if is_whole { 0xff } else { self.happened(density) };
            if let Some(place) = self.bytes.get_mut(at) {
                *place &= byte | !happened;
            }
        }
        if let Some(place) = self.words.get_mut(word) {
            *place = if is_cut && self.tear == Tear::Unreadable { UNREADABLE } else { PROGRAMMED };
        }
        if is_cut { Err(Fault::Cut) } else { Ok(()) }
    }
}

impl<const WORD: usize, const PAGE: usize> ErrorType for Flash<'_, WORD, PAGE> {
    type Error = Fault;
}

impl<const WORD: usize, const PAGE: usize> ReadNorFlash for Flash<'_, WORD, PAGE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        check_read(self, offset, bytes.len()).map_err(Fault::Call)?;
        if self.is_off {
            return Err(Fault::Cut);
        }
        let range = offset as usize..offset as usize + bytes.len();
        let mut words = range.start / WORD..range.end.div_ceil(WORD);
        if words.any(|word| self.words.get(word) == Some(&UNREADABLE)) {
            return Err(Fault::Unreadable);
        }
        if let Some(found) = self.bytes.get(range) {
            bytes.iter_mut().zip(found).for_each(|(to, &from)| *to = from);
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize, const PAGE: usize> NorFlash for Flash<'_, WORD, PAGE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        check_erase(self, from, to).map_err(Fault::Call)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            if self.is_off {
                return Err(Fault::Cut);
            }
            self.erase_page(page)?;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        check_write(self, offset, bytes.len()).map_err(Fault::Call)?;
        for (word, bytes) in iter::zip(offset as usize / WORD.., bytes.chunks_exact(WORD)) {
            if self.is_off {
                return Err(Fault::Cut);
            }
            self.program(word, bytes)?;
        }
        Ok(())
    }
}

/// A flash that somebody looks at while a store has it.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'f, 'a, const WORD: usize, const PAGE: usize>(pub &'f RefCell<Flash<'a, WORD, PAGE>>);

impl<const WORD: usize, const PAGE: usize> ErrorType for Shared<'_, '_, WORD, PAGE> {
    type Error = Fault;
}

impl<'a, const WORD: usize, const PAGE: usize> ReadNorFlash for Shared<'_, 'a, WORD, PAGE> {
    const READ_SIZE: usize = Flash::<'a, WORD, PAGE>::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        self.0.borrow_mut().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity()
    }
}

impl<const WORD: usize, const PAGE: usize> NorFlash for Shared<'_, '_, WORD, PAGE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        self.0.borrow_mut().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.0.borrow_mut().write(offset, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 64;

    fn with_flash<const WORD: usize>(
        tear: Tear,
        seed: u64,
        act: impl FnOnce(&mut Flash<'_, WORD, PAGE>),
    ) -> ([u8; 2 * PAGE], [u32; 2]) {
        let (mut bytes, mut words, mut wear) = ([0xff; 2 * PAGE], [ERASED; 2 * PAGE], [0; 2]);
        act(&mut Flash::new(&mut bytes, &mut words, &mut wear, tear, seed));
        (bytes, wear)
    }

    #[test]
    fn bits_go_from_1_to_0_until_erased() {
        let (bytes, wear) = with_flash::<4>(Tear::Whole, 0, |flash| {
            flash.write(4, &[0xf0; 8]).unwrap();
            flash.write(8, &[0x3f; 4]).unwrap();
            flash.write(PAGE as u32, &[0; 4]).unwrap();
            flash.erase(PAGE as u32, 2 * PAGE as u32).unwrap();
            assert_eq!(flash.traffic(), Traffic { words: 4, pages: 1 });
        });
        assert_eq!(bytes[..12], [255, 255, 255, 255, 0xf0, 0xf0, 0xf0, 0xf0, 0x30, 0x30, 0x30, 0x30]);
        assert!(bytes[12..].iter().all(|&byte| byte == 0xff));
        assert_eq!(wear, [0, 1]);
    }

    #[test]
    fn word_with_a_checksum_is_programmed_once() {
        with_flash::<8>(Tear::Whole, 0, |flash| {
            flash.write(8, &[0xff; 8]).unwrap();
            assert_eq!(flash.write(8, &[0; 8]), Err(Fault::Twice));
            flash.erase(0, PAGE as u32).unwrap();
            assert_eq!(flash.write(8, &[0; 8]), Ok(()));
        });
    }

    #[test]
    fn wrong_calls_are_refused() {
        with_flash::<4>(Tear::Whole, 0, |flash| {
            use NorFlashErrorKind::{NotAligned, OutOfBounds};
            assert_eq!(flash.write(2, &[0; 4]), Err(Fault::Call(NotAligned)));
            assert_eq!(flash.write(4, &[0; 3]), Err(Fault::Call(NotAligned)));
            assert_eq!(flash.erase(4, 68), Err(Fault::Call(NotAligned)));
            assert_eq!(flash.read(2 * PAGE as u32 - 1, &mut [0; 2]), Err(Fault::Call(OutOfBounds)));
            assert_eq!(flash.traffic(), Traffic::default());
        });
    }

    #[test]
    fn after_a_cut_everything_fails_until_power_is_back() {
        let (bytes, _) = with_flash::<4>(Tear::Whole, 0, |flash| {
            flash.cut_after(2);
            assert_eq!(flash.write(0, &[0; 16]), Err(Fault::Cut));
            assert!(flash.is_off());
            assert_eq!(flash.read(0, &mut [0]), Err(Fault::Cut));
            assert_eq!(flash.write(32, &[0; 4]), Err(Fault::Cut));
            assert_eq!(flash.erase(0, PAGE as u32), Err(Fault::Cut));
            flash.power_on();
            assert_eq!(flash.write(16, &[0; 4]), Ok(()));
        });
        assert!(
            bytes.iter().enumerate().all(|(at, &byte)| (byte == 0) == (at < 8 || (16..20).contains(&at)))
        );
    }

    #[test]
    fn tears_leave_some_of_the_bits() {
        for (tear, is_torn_write, is_torn_erase) in [
            (Tear::Whole, false, false),
            (Tear::Write, true, false),
            (Tear::Erase, false, true),
            (Tear::Both, true, true),
            (Tear::Unreadable, true, true),
        ] {
            let (mut writes, mut erases, mut unreadable) = (0, 0, 0);
            for seed in 0..50 {
                let (bytes, _) = with_flash::<32>(tear, seed, |flash| {
                    flash.cut_after(0);
                    assert_eq!(flash.write(0, &[0; 32]), Err(Fault::Cut));
                    flash.power_on();
                    unreadable += u32::from(flash.read(0, &mut [0; 4]) == Err(Fault::Unreadable));
                    assert_eq!(flash.read(32, &mut [0; 96]), Ok(()));
                });
                writes += u32::from(bytes[..32] != [0xff; 32] && bytes[..32] != [0; 32]);
                let (bytes, _) = with_flash::<32>(tear, seed, |flash| {
                    flash.write(0, &[0; 64]).unwrap();
                    flash.cut_after(0);
                    assert_eq!(flash.erase(0, PAGE as u32), Err(Fault::Cut));
                });
                erases += u32::from(bytes[..64] != [0xff; 64] && bytes[..64] != [0; 64]);
            }
            assert_eq!((writes, erases), (50 * u32::from(is_torn_write), 50 * u32::from(is_torn_erase)));
            assert_eq!(unreadable, 50 * u32::from(tear == Tear::Unreadable));
        }
    }

    #[test]
    fn silent_failure_leaves_some_of_the_bits_and_no_error() {
        let (bytes, _) = with_flash::<4>(Tear::Whole, 1, |flash| {
            flash.fail_after(1);
            flash.write(0, &[0; 12]).unwrap();
        });
        assert!(bytes[..4] == [0; 4] && bytes[4..8] != [0; 4] && bytes[8..12] == [0; 4]);
    }
}
