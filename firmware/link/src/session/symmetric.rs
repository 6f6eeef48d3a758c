//! The symmetric state of a handshake (Noise, section 5.2): a digest of all that was said, and keys that follow from
//! every secret agreed on.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use x25519_dalek::SharedSecret;
use zeroize::{Zeroize, Zeroizing};

use super::HandshakeError;
use super::cipher::{TAG_BYTES, decrypt, encrypt};

type Key = Zeroizing<[u8; 32]>;

/// The name of a protocol, filled with zeros. It is at most as long as a digest, so that it is the first digest itself.
pub type Name = [u8; 32];

/// Cloned, so that an answer can be tried without losing the state. Wiped when it is dropped.
#[derive(Clone)]
pub struct Symmetric {
    digest: [u8; 32],
    chain: Key,
    /// Of the payloads. In this handshake no payload comes before the first secret.
    key: Key,
    /// Payloads under `key`.
    count: u64,
}

impl Drop for Symmetric {
    fn drop(&mut self) {
        self.digest.zeroize();
    }
}

impl Symmetric {
    pub fn new(name: &Name, prologue: &[u8]) -> Self {
        let (digest, chain) = (*name, Zeroizing::new(*name));
        let mut state = Symmetric { digest, chain, key: Zeroizing::new([0; 32]), count: 0 };
        state.mix_digest(prologue);
        state
    }

    /// Adds what was said to the digest.
    pub fn mix_digest(&mut self, bytes: &[u8]) {
        self.digest = Sha256::new().chain_update(self.digest).chain_update(bytes).finalize().into();
    }

    /// Adds a secret to the keys.
    pub fn mix_key(&mut self, secret: &SharedSecret) {
        [self.chain, self.key] = derive(&self.chain, secret.as_bytes());
        self.count = 0;
    }

    /// Encrypts a payload in place and puts its tag behind it. `payload` ends with room for the tag.
    pub fn encrypt(&mut self, payload: &mut [u8]) {
        encrypt(&self.key, self.count, &self.digest, payload);
        self.count += 1;
        self.mix_digest(payload);
    }

    /// Decrypts a payload in place. `payload` ends with its tag.
    pub fn decrypt<'p>(&mut self, payload: &'p mut [u8]) -> Result<&'p [u8], HandshakeError> {
        let digest = self.digest;
        self.mix_digest(payload);
        let length = payload.len().checked_sub(TAG_BYTES).ok_or(HandshakeError::Length)?;
        decrypt(&self.key, self.count, &digest, payload).map_err(|_| HandshakeError::Forged)?;
        self.count += 1;
        payload.get(..length).ok_or(HandshakeError::Length)
    }

    /// The keys of the messages of the initiator, and of those of the responder.
    pub fn split(&self) -> [Key; 2] {
        derive(&self.chain, &[])
    }
}

/// Two keys from a key and a secret: HKDF of RFC 5869 with HMAC-SHA-256, empty information.
fn derive(chain: &Key, secret: &[u8]) -> [Key; 2] {
    let base = keyed(chain, &[secret]);
    let first = keyed(&base, &[&[1]]);
    let second = keyed(&base, &[&*first, &[2]]);
    [first, second]
}

/// HMAC-SHA-256 of these parts.
fn keyed(key: &Key, parts: &[&[u8]]) -> Key {
    // A key shorter than a block is filled with zeros.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(&**key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}
