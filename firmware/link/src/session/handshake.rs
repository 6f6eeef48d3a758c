//! The handshake of the Noise pattern KK (section 7.5): `e, es, ss` from the initiator, `e, ee, se` from the responder. The
//! first message alone is that of the pattern K (section 7.4).
//!
//! A message is the sender's ephemeral public key, then the payload, encrypted, and its tag.

use core::fmt;

use zeroize::Zeroizing;

use super::cipher::{Ciphers, TAG_BYTES};
use super::key::{KeyPair, PublicKey};
use super::symmetric::{Name, Symmetric};

/// Of a session.
const NAME: Name = *b"Noise_KK_25519_ChaChaPoly_SHA256";
const KEY_BYTES: usize = 32;
/// Bytes that a message is longer than its payload.
pub const HANDSHAKE_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// Why a handshake fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The message is shorter than [`HANDSHAKE_BYTES`], or the buffer too short for it.
    Length,
    /// A public key gives the same secret with every key.
    WeakKey,
    /// The message was changed, or made with other keys or another prologue.
    Forged,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a handshake message of an impossible length",
            Self::WeakKey => "a public key that is none",
            Self::Forged => "the other side has another key, or the handshake was changed on its way",
        })
    }
}

impl core::error::Error for HandshakeError {}

/// What comes before the first message: both sides know both public keys.
fn begin(name: &Name, prologue: &[u8], initiator: &PublicKey, responder: &PublicKey) -> Symmetric {
    let mut state = Symmetric::new(name, prologue);
    state.mix_digest(initiator);
    state.mix_digest(responder);
    state
}

/// Puts an ephemeral key and a payload into a message that is not encrypted yet. Returns the message.
fn lay_out<'m>(
    ephemeral: &KeyPair,
    payload: &[u8],
    message: &'m mut [u8],
) -> Result<&'m mut [u8], HandshakeError> {
    let message = message.get_mut(..HANDSHAKE_BYTES + payload.len()).ok_or(HandshakeError::Length)?;
    let parts = ephemeral.public().iter().chain(payload);
    message.iter_mut().zip(parts).for_each(|(place, &byte)| *place = byte);
    Ok(message)
}

/// Takes a message apart: the ephemeral key, and the encrypted payload, which is copied to the buffer.
fn take_apart<'b>(message: &[u8], buffer: &'b mut [u8]) -> Result<(PublicKey, &'b mut [u8]), HandshakeError> {
    let (ephemeral, payload) = message.split_first_chunk().ok_or(HandshakeError::Length)?;
    let buffer = buffer.get_mut(..payload.len()).ok_or(HandshakeError::Length)?;
    buffer.copy_from_slice(payload);
    Ok((*ephemeral, buffer))
}

/// An initiator that waits for the second message. Its secrets are wiped when it is dropped.
pub struct Initiated {
    state: Symmetric,
    ephemeral: KeyPair,
}

impl Initiated {
    /// Makes the first message of a handshake. `ephemeral`: 32 random bytes, new for each handshake.
    ///
    /// # Errors
    /// [`HandshakeError::Length`] when the buffer is shorter than the payload and [`HANDSHAKE_BYTES`];
    /// [`HandshakeError::WeakKey`] when the responder's key is none.
    pub fn begin<'m>(
        keys: &KeyPair,
        responder: &PublicKey,
        prologue: &[u8],
        ephemeral: [u8; 32],
        payload: &[u8],
        message: &'m mut [u8],
    ) -> Result<(Self, &'m [u8]), HandshakeError> {
        Self::begin_as(&NAME, keys, responder, prologue, ephemeral, payload, message)
    }

    /// [`Self::begin`] of the protocol of this name.
    pub(super) fn begin_as<'m>(
        name: &Name,
        keys: &KeyPair,
        responder: &PublicKey,
        prologue: &[u8],
        ephemeral: [u8; 32],
        payload: &[u8],
        message: &'m mut [u8],
    ) -> Result<(Self, &'m [u8]), HandshakeError> {
        let ephemeral = KeyPair::new(ephemeral);
        let message = lay_out(&ephemeral, payload, message)?;
        let mut state = begin(name, prologue, keys.public(), responder);
        state.mix_digest(ephemeral.public());
        state.mix_key(&ephemeral.agree(responder)?);
        state.mix_key(&keys.agree(responder)?);
        state.encrypt(message.get_mut(KEY_BYTES..).unwrap_or_default());
        Ok((Initiated { state, ephemeral }, message))
    }

    /// The key of the initiator's texts if no second message follows.
    pub(super) fn one_way(&self) -> Zeroizing<[u8; 32]> {
        let [of_initiator, _] = self.state.split();
        of_initiator
    }

    /// Reads the second message, with the same keys. Returns the session's ciphers and the payload, which is in the
    /// buffer; the buffer has room for the payload and its tag. A wrong message changes nothing: the right one may follow.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn finish<'b>(
        &self,
        keys: &KeyPair,
        message: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<(Ciphers, &'b [u8]), HandshakeError> {
        let (theirs, payload) = take_apart(message, buffer)?;
        let mut state = self.state.clone();
        state.mix_digest(&theirs);
        state.mix_key(&self.ephemeral.agree(&theirs)?);
        state.mix_key(&keys.agree(&theirs)?);
        let payload = state.decrypt(payload)?;
        let [of_initiator, of_responder] = state.split();
        Ok((Ciphers::new(of_initiator, of_responder), payload))
    }
}

/// A responder that has read the first message: the initiator has the key it should have, or repeats what somebody
/// with that key said. Its secrets are wiped when it is dropped.
pub struct Heard {
    state: Symmetric,
    initiator: PublicKey,
    ephemeral: PublicKey,
}

impl Heard {
    /// Reads the first message. Returns the payload, which is in the buffer; the buffer has room for the payload
    /// and its tag.
    ///
    /// # Errors
    /// [`HandshakeError`].
    pub fn read<'b>(
        keys: &KeyPair,
        initiator: &PublicKey,
        prologue: &[u8],
        message: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<(Self, &'b [u8]), HandshakeError> {
        Self::read_as(&NAME, keys, initiator, prologue, message, buffer)
    }

    /// [`Self::read`] of the protocol of this name.
    pub(super) fn read_as<'b>(
        name: &Name,
        keys: &KeyPair,
        initiator: &PublicKey,
        prologue: &[u8],
        message: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<(Self, &'b [u8]), HandshakeError> {
        let (ephemeral, payload) = take_apart(message, buffer)?;
        let mut state = begin(name, prologue, initiator, keys.public());
        state.mix_digest(&ephemeral);
        state.mix_key(&keys.agree(&ephemeral)?);
        state.mix_key(&keys.agree(initiator)?);
        let payload = state.decrypt(payload)?;
        Ok((Heard { state, initiator: *initiator, ephemeral }, payload))
    }

    /// The key of the initiator's texts if no second message follows.
    pub(super) fn one_way(&self) -> Zeroizing<[u8; 32]> {
        let [of_initiator, _] = self.state.split();
        of_initiator
    }

    /// Makes the second message. `ephemeral`: 32 random bytes, new for each handshake.
    ///
    /// # Errors
    /// [`HandshakeError::Length`] when the buffer is shorter than the payload and [`HANDSHAKE_BYTES`].
    pub fn answer<'m>(
        mut self,
        ephemeral: [u8; 32],
        payload: &[u8],
        message: &'m mut [u8],
    ) -> Result<(Ciphers, &'m [u8]), HandshakeError> {
        let ephemeral = KeyPair::new(ephemeral);
        let message = lay_out(&ephemeral, payload, message)?;
        self.state.mix_digest(ephemeral.public());
        self.state.mix_key(&ephemeral.agree(&self.ephemeral)?);
        self.state.mix_key(&ephemeral.agree(&self.initiator)?);
        self.state.encrypt(message.get_mut(KEY_BYTES..).unwrap_or_default());
        let [of_initiator, of_responder] = self.state.split();
        Ok((Ciphers::new(of_responder, of_initiator), message))
    }
}
