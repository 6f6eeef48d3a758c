//! ChaCha20-Poly1305 (RFC 8439) with a counter as the nonce, and the ciphers of a session, which use each counter once.

use core::fmt;

pub use seal::TAG_BYTES;
use zeroize::Zeroizing;

/// The text's tag is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

/// A nonce as Noise makes it of a counter (section 12.4).
fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce.iter_mut().skip(4).zip(counter.to_le_bytes()).for_each(|(place, byte)| *place = byte);
    nonce
}

/// Encrypts in place. `text` ends with room for the tag. A text that cannot be encrypted, because it has no such room or is
/// longer than 256 GB, is wiped: nobody reads it, and nobody accepts it.
pub fn encrypt(key: &[u8; 32], counter: u64, associated: &[u8], text: &mut [u8]) {
    if seal::seal(key, &nonce(counter), associated, text).is_err() {
        text.fill(0);
    }
}

/// Decrypts in place. `text` ends with its tag. The text is left as it is if the tag is wrong.
pub fn decrypt(key: &[u8; 32], counter: u64, associated: &[u8], text: &mut [u8]) -> Result<(), Forged> {
    seal::open(key, &nonce(counter), associated, text).map_err(|seal::Broken| Forged)
}

/// The ciphers of one side of a session. Their keys are wiped when they are dropped.
pub struct Ciphers {
    /// For messages to the other side.
    pub sealer: Sealer,
    /// For messages from the other side.
    pub opener: Opener,
}

impl Ciphers {
    pub(super) fn new(of_ours: Zeroizing<[u8; 32]>, of_theirs: Zeroizing<[u8; 32]>) -> Self {
        Ciphers { sealer: Sealer { key: of_ours, next: 0 }, opener: Opener { key: of_theirs, next: 0 } }
    }
}

/// Every counter has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the session has no counters left")
    }
}

impl core::error::Error for Exhausted {}

/// Encrypts messages, each with the next counter.
pub struct Sealer {
    key: Zeroizing<[u8; 32]>,
    next: u64,
}

impl Sealer {
    /// The counter of the next text.
    pub fn counter(&self) -> u64 {
        self.next
    }

    /// Encrypts a text in place, and puts behind it its tag, which is the associated bytes' too: `text` ends with room for
    /// [`TAG_BYTES`].
    ///
    /// # Errors
    /// [`Exhausted`] after 2⁶⁴ − 1 texts. The last number is reserved (Noise, section 5.1).
    pub fn seal(&mut self, associated: &[u8], text: &mut [u8]) -> Result<(), Exhausted> {
        let counter = self.next;
        self.next = counter.checked_add(1).ok_or(Exhausted)?;
        encrypt(&self.key, counter, associated, text);
        Ok(())
    }
}

/// Why a text is not decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Its counter is not higher than every one before.
    Old,
    /// It was not made by the other side with this counter and these associated bytes, or is shorter than a tag.
    Forged,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "the message was received before, or comes too late",
            Self::Forged => "the message does not belong to the session",
        })
    }
}

impl core::error::Error for OpenError {}

/// Decrypts messages, and takes only rising counters.
pub struct Opener {
    key: Zeroizing<[u8; 32]>,
    /// The lowest counter that is taken.
    next: u64,
}

impl Opener {
    /// Decrypts in place a text that ends with its tag. Returns it without the tag.
    ///
    /// # Errors
    /// [`OpenError`]. The text and the counters that are taken are then as before.
    pub fn open<'t>(
        &mut self,
        counter: u64,
        associated: &[u8],
        text: &'t mut [u8],
    ) -> Result<&'t [u8], OpenError> {
        if counter < self.next {
            return Err(OpenError::Old);
        }
        let next = counter.checked_add(1).ok_or(OpenError::Forged)?;
        decrypt(&self.key, counter, associated, text).map_err(|Forged| OpenError::Forged)?;
        self.next = next;
        text.get(..text.len().saturating_sub(TAG_BYTES)).ok_or(OpenError::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ciphers() -> (Sealer, Opener) {
        let key = Zeroizing::new([7; 32]);
        (Sealer { key: key.clone(), next: 0 }, Opener { key, next: 0 })
    }

    fn sealed(sealer: &mut Sealer, text: &[u8; 4]) -> (u64, [u8; 20]) {
        let mut bytes = [0xa5; 20];
        bytes[..4].copy_from_slice(text);
        let counter = sealer.counter();
        sealer.seal(b"beside", &mut bytes).unwrap();
        (counter, bytes)
    }

    #[test]
    fn lost_texts_are_skipped_and_old_ones_refused() {
        let (mut sealer, mut opener) = ciphers();
        let texts: [_; 4] = core::array::from_fn(|_| sealed(&mut sealer, b"text"));
        assert_eq!(texts.map(|(counter, _)| counter), [0, 1, 2, 3]);
        for (order, expected) in [(0, true), (0, false), (2, true), (1, false), (2, false), (3, true)] {
            let (counter, mut bytes) = texts[order];
            let expected = if expected { Ok(&b"text"[..]) } else { Err(OpenError::Old) };
            assert_eq!(opener.open(counter, b"beside", &mut bytes), expected, "{order}");
        }
    }

    #[test]
    fn forged_text_changes_nothing() {
        let (mut sealer, mut opener) = ciphers();
        let (counter, bytes) = sealed(&mut sealer, b"text");
        for bit in 0..8 * bytes.len() {
            let mut forged = bytes;
            forged[bit / 8] ^= 1 << (bit % 8);
            let before = forged;
            assert_eq!(opener.open(counter, b"beside", &mut forged), Err(OpenError::Forged));
            assert_eq!(forged, before);
        }
        for counter in [1, 2, u64::MAX - 1, u64::MAX] {
            assert_eq!(opener.open(counter, b"beside", &mut bytes.clone()), Err(OpenError::Forged));
        }
        assert_eq!(opener.open(counter, b"besidE", &mut bytes.clone()), Err(OpenError::Forged));
        for length in 0..bytes.len() {
            let mut cut = bytes;
            assert_eq!(opener.open(counter, b"beside", &mut cut[..length]), Err(OpenError::Forged));
        }
        assert_eq!(opener.open(counter, b"beside", &mut bytes.clone()), Ok(&b"text"[..]));
    }

    #[test]
    fn counters_end_before_the_reserved_one() {
        let (mut sealer, mut opener) = ciphers();
        sealer.next = u64::MAX - 1;
        let (counter, mut bytes) = sealed(&mut sealer, b"last");
        assert_eq!(counter, u64::MAX - 1);
        for _ in 0..2 {
            let mut text = [0xa5; 20];
            assert_eq!(sealer.seal(b"beside", &mut text), Err(Exhausted));
            assert_eq!(text, [0xa5; 20]);
        }
        assert_eq!(opener.open(counter, b"beside", &mut bytes), Ok(&b"last"[..]));
        assert_eq!(opener.open(u64::MAX, b"beside", &mut bytes), Err(OpenError::Forged));
        assert_eq!(opener.open(counter, b"beside", &mut bytes), Err(OpenError::Old));
    }
}
