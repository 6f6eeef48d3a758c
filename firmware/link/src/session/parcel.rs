//! A parcel: texts from one board to another, or to itself later, that whoever carries them can neither read, change, leave
//! out nor make.
//!
//! `Noise_K_25519_ChaChaPoly_SHA256` (section 7.4): both boards' keys are known, one message opens it, and all texts go one
//! way. That message is the first one of a session's handshake under another name, so that the two have their code in
//! common. The [`prologue`](parcel_prologue) binds the network.
//!
//! A text's number is its nonce. Pattern N would seal as well without telling who did: then everybody who knows a board's
//! public key could make a parcel for it.

use zeroize::Zeroizing;

use super::HandshakeError;
use super::cipher::{Forged, TAG_BYTES, decrypt, encrypt};
use super::handshake::{HANDSHAKE_BYTES, Heard, Initiated};
use super::key::{KeyPair, PublicKey};
use super::symmetric::Name;
use crate::message::Handshake;

const NAME: Name = *b"Noise_K_25519_ChaChaPoly_SHA256\0";
const PURPOSE: [u8; 13] = *b"Geode parcel\x01";
const PROLOGUE_BYTES: usize = PURPOSE.len() + 16 + 2;

/// What both ends of a parcel must agree on: its purpose with a version (one byte), the network's
/// [`ModelId`](format::ModelId), and the elements of a centre (little-endian).
pub fn parcel_prologue(network: &[u8; 16], dimension: u16) -> [u8; PROLOGUE_BYTES] {
    let mut prologue = [0; PROLOGUE_BYTES];
    let dimension = dimension.to_le_bytes();
    let parts = PURPOSE.iter().chain(network).chain(&dimension);
    prologue.iter_mut().zip(parts).for_each(|(place, &byte)| *place = byte);
    prologue
}

/// The key of a parcel. It is wiped when it is dropped.
pub struct Parcel {
    key: Zeroizing<[u8; 32]>,
}

impl Parcel {
    /// A parcel from the owner of `keys` to the owner of the key `to`, and the message that opens it. `ephemeral`: 32 random
    /// bytes, new for each parcel.
    ///
    /// # Errors
    /// [`HandshakeError::WeakKey`] when `to` is no key.
    pub fn pack(
        keys: &KeyPair,
        to: &PublicKey,
        prologue: &[u8],
        ephemeral: [u8; 32],
    ) -> Result<(Self, Handshake), HandshakeError> {
        let mut message = [0; HANDSHAKE_BYTES];
        let (begun, _) = Initiated::begin_as(&NAME, keys, to, prologue, ephemeral, &[], &mut message)?;
        Ok((Parcel { key: begun.one_way() }, Handshake::of(&message)))
    }

    /// The parcel from the owner of the key `from` to the owner of `keys` that this message opens.
    ///
    /// # Errors
    /// [`HandshakeError`]: it is from somebody else, for somebody else, of another network, or it was changed.
    pub fn unpack(
        keys: &KeyPair,
        from: &PublicKey,
        prologue: &[u8],
        handshake: &Handshake,
    ) -> Result<Self, HandshakeError> {
        let message = handshake.bytes();
        let (heard, _) = Heard::read_as(&NAME, keys, from, prologue, &message, &mut [0; TAG_BYTES])?;
        Ok(Parcel { key: heard.one_way() })
    }

    /// Seals the text of this number in place: it ends with room for [`TAG_BYTES`]. A number may be used again for the same
    /// text, and never for another one.
    pub fn seal(&self, number: u16, text: &mut [u8]) {
        encrypt(&self.key, number.into(), &[], text);
    }

    /// Opens the text of this number in place. Returns it without its tag; `None` if it is another one.
    pub fn open<'t>(&self, number: u16, text: &'t mut [u8]) -> Option<&'t [u8]> {
        decrypt(&self.key, number.into(), &[], text).map_err(|Forged| ()).ok()?;
        text.get(..text.len().saturating_sub(TAG_BYTES))
    }
}
