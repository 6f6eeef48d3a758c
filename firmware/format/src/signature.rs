//! The SIGNATURE section: an Ed25519 signature (RFC 8032) of the image.
//!
//! ```text
//!   0  version     u32, increases with each release: a board can refuse versions below a minimum
//!   4  zero        12 bytes
//!  16  key         32 bytes, the public key that verifies the signature
//!  48  signature   64 bytes, of [`message`]
//! ```
//!
//! The section table holds zeros in the place of this section's digest, because the signature covers the table.

use crate::bytes::{is_zero, put, u32_at};
use crate::header::Digest;
use crate::{ImageError, Section};

/// Length of the section.
pub const BYTES: usize = 112;
/// Prefix of a signed message, so that a signature of other data cannot pass as an image's.
const CONTEXT: [u8; 16] = *b"Geode image\0\0\0\0\0";
/// Length of a signed message.
pub const MESSAGE_BYTES: usize = CONTEXT.len() + 32 + 4;

/// A SIGNATURE section as it was read. Nothing of it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Release counter.
    pub version: u32,
    /// Ed25519 public key.
    pub key: &'a [u8; 32],
    /// Ed25519 signature of [`message`].
    pub signature: &'a [u8; 64],
}

/// The signed message: a context, the image's digest (of header and section table) and the release counter.
pub fn message(digest: &Digest, version: u32) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    message[..CONTEXT.len()].copy_from_slice(&CONTEXT);
    message[CONTEXT.len()..][..32].copy_from_slice(digest);
    message[CONTEXT.len() + 32..].copy_from_slice(&version.to_le_bytes());
    message
}

impl<'a> Signature<'a> {
    /// Reads the section.
    ///
    /// # Errors
    /// [`ImageError::Record`] naming the field.
    pub fn new_checked(section: &'a [u8]) -> Result<Self, ImageError> {
        let record = |field| ImageError::Record { section: Section::Signature, field };
        let (head, rest) = section.split_first_chunk::<16>().ok_or(record("length"))?;
        let (key, rest) = rest.split_first_chunk().ok_or(record("length"))?;
        let signature = rest.try_into().map_err(|_| record("length"))?;
        if !is_zero(head, 4..16) {
            return Err(record("padding"));
        }
        Ok(Signature { version: u32_at(head, 0), key, signature })
    }

    /// The section's bytes.
    pub fn emit(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        put(&mut out, 0, self.version.to_le_bytes());
        put(&mut out, 16, *self.key);
        put(&mut out, 48, *self.signature);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_has_these_bytes() {
        let signature = Signature { version: 0x0102_0304, key: &[7; 32], signature: &[9; 64] };
        let mut expected = [0; BYTES];
        expected[..4].copy_from_slice(&[4, 3, 2, 1]);
        expected[16..48].fill(7);
        expected[48..].fill(9);
        assert_eq!(signature.emit(), expected);
        assert_eq!(Signature::new_checked(&expected), Ok(signature));
        assert!(Signature::new_checked(&expected[..111]).is_err());
        expected[5] = 1;
        assert!(Signature::new_checked(&expected).is_err());
    }

    #[test]
    fn message_holds_context_digest_and_counter() {
        let message = message(&[3; 32], 5);
        assert_eq!(message[..11], *b"Geode image");
        assert_eq!((message[16], message[47], message[48]), (3, 3, 5));
    }
}
