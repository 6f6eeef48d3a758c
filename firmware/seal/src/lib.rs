//! ChaCha20-Poly1305 (RFC 8439) in place. Sessions and the store seal with these functions, so that a board has one copy of
//! the cipher.
#![no_std]

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};

/// Bytes of the tag behind a sealed text.
pub const TAG_BYTES: usize = 16;

/// The text cannot be sealed, or is not as it was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Seals in place. The last [`TAG_BYTES`] of the text become its tag, which is the associated bytes' too. No nonce may come
/// twice under a key.
///
/// # Errors
/// [`Broken`] when the text has no room for the tag, or is longer than 256 GB. It is not sealed then.
// Not inlined, so that there is one copy.
#[inline(never)]
pub fn seal(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Result<(), Broken> {
    let (text, tag) = text.split_last_chunk_mut::<TAG_BYTES>().ok_or(Broken)?;
    let cipher = ChaCha20Poly1305::new(key.into());
    *tag = cipher.encrypt_inout_detached(nonce.into(), associated, text.into()).map_err(|_| Broken)?.into();
    Ok(())
}

/// Opens in place a text that ends with its tag.
///
/// # Errors
/// [`Broken`]. The text stays as it is then.
#[inline(never)]
pub fn open(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8], text: &mut [u8]) -> Result<(), Broken> {
    let (text, tag) = text.split_last_chunk_mut::<TAG_BYTES>().ok_or(Broken)?;
    ChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(nonce.into(), associated, text.into(), (&*tag).into())
        .map_err(|_| Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.8.2, its first 16 bytes of ciphertext; the tag is of the whole.
    #[test]
    fn sealed_text_is_that_of_the_standard() {
        let key: [u8; 32] = core::array::from_fn(|index| 0x80 + index as u8);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let associated = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let clear = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut text = [0xa5; 114 + TAG_BYTES];
        text[..114].copy_from_slice(clear);
        seal(&key, &nonce, &associated, &mut text).unwrap();
        let start =
            [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb, 0x7b, 0x86, 0xaf, 0xbc, 0x53, 0xef, 0x7e, 0xc2];
        let tag =
            [0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91];
        assert_eq!((&text[..16], &text[114..]), (&start[..], &tag[..]));
        for place in [0, 113, 114, 129] {
            let mut changed = text;
            changed[place] ^= 1;
            let before = changed;
            assert_eq!(open(&key, &nonce, &associated, &mut changed), Err(Broken));
            assert_eq!(changed, before);
        }
        assert_eq!(open(&key, &nonce, &associated[1..], &mut text.clone()), Err(Broken));
        assert_eq!(open(&key, &nonce, &associated, &mut text), Ok(()));
        assert_eq!(text[..114], *clear);
        for length in 0..TAG_BYTES {
            assert_eq!(seal(&key, &nonce, &[], &mut text[..length]), Err(Broken));
            assert_eq!(open(&key, &nonce, &[], &mut text[..length]), Err(Broken));
        }
    }
}
