//! Long-term keys, and the agreement of two keys on a secret.

use sha2::{Digest, Sha256};
use x25519_dalek::{SharedSecret, StaticSecret, X25519_BASEPOINT_BYTES};
use zeroize::Zeroize;

use super::HandshakeError;

/// A public key of X25519 (RFC 7748).
pub type PublicKey = [u8; 32];

/// The first bytes of the SHA-256 of an administrator's public key.
pub fn hint(public: &PublicKey) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(public).into();
    let mut hint = [0; 8];
    hint.copy_from_slice(&digest[..8]);
    hint
}

/// A secret key and its public key. The secret is wiped when the pair is dropped.
#[derive(Clone)]
pub struct KeyPair {
    secret: StaticSecret,
    public: PublicKey,
}

impl KeyPair {
    /// The pair of a secret key: 32 random bytes. The caller's own copy of them is the caller's to wipe.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let secret = StaticSecret::from(bytes);
        bytes.zeroize();
        // The ladder, which the agreement needs anyway: it is shorter than arithmetic for the base point alone.
        let public = secret.diffie_hellman(&X25519_BASEPOINT_BYTES.into()).to_bytes();
        KeyPair { secret, public }
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret that both sides get from their own secret key and the other's public key.
    ///
    /// # Errors
    /// [`HandshakeError::WeakKey`] when every secret key gives the same with this public key (RFC 7748, section 6.1).
    pub(super) fn agree(&self, public: &PublicKey) -> Result<SharedSecret, HandshakeError> {
        let shared = self.secret.diffie_hellman(&(*public).into());
        if shared.was_contributory() { Ok(shared) } else { Err(HandshakeError::WeakKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        core::array::from_fn(|index| u8::from_str_radix(&hex[2 * index..][..2], 16).unwrap())
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn keys_agree_as_in_the_standard() {
        let alice = KeyPair::new(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        let bob = KeyPair::new(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        let public = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        assert_eq!(alice.public(), &public);
        let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
        assert_eq!(alice.agree(bob.public()).unwrap().to_bytes(), shared);
        assert_eq!(bob.agree(alice.public()).unwrap().to_bytes(), shared);
    }

    #[test]
    fn public_keys_of_small_order_are_refused() {
        let pair = KeyPair::new([7; 32]);
        let mut one = [0; 32];
        one[0] = 1;
        let order_8 = bytes("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        let minus_one = bytes("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        for weak in [[0; 32], one, order_8, minus_one] {
            assert_eq!(pair.agree(&weak).err(), Some(HandshakeError::WeakKey));
        }
    }

    #[test]
    fn hint_is_the_start_of_the_digest() {
        // SHA-256 of 32 zero bytes.
        assert_eq!(hint(&[0; 32]), [0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77]);
    }
}
