//! Sessions: sealed messages between a board and an administrator's host, who know each other's public keys.
//!
//! # The handshake
//!
//! One fixed suite of the [Noise protocol framework](https://noiseprotocol.org/noise.html), revision 34:
//! `Noise_KK_25519_ChaChaPoly_SHA256`. The host is the initiator. Both messages have empty payloads. The [`prologue`]
//! binds the versions of the link and the board's key. A session's keys are new each time: later knowledge
//! of both long-term keys opens no earlier session. Keys are wiped when they are dropped; copies that the compiler leaves on
//! the stack are not.
//!
//! ```text
//! host                                          board
//! Open(hint of the host's key, e, es, ss)   →
//!                                           ←   Opened(e, ee, se), or Refused(Unauthorised)
//! sealed(0, Hello)                          →
//!                                           ←   sealed(0, Hello) …
//! Close, or Hello in the clear              →
//! ```
//!
//! The board finds the host's key among those of its administrators by the [`hint`]. The answer to an unknown hint is
//! the same as that to a wrong handshake. Somebody who repeats an earlier `Open` gets an answer and can do nothing with
//! it: the session's keys need a key that only the earlier host had.
//!
//! # Sealed messages
//!
//! A sealed message has a counter, which is the cipher's nonce. Each side counts its messages upwards and takes only
//! counters that are higher than every one before: messages may be lost, but not repeated or moved. The header outside, with
//! the turn, is the associated data. The length of a message, its turn and its direction can be seen.
//!
//! # What ends a session
//!
//! | the board receives | it answers | the session |
//! |---|---|---|
//! | `Hello` that is not sealed | as always | ends |
//! | `Close` | `Closed(Asked)` | ends |
//! | `Open` that is right | `Opened` | ends, and another begins |
//! | `Open` that is wrong | `Refused(Unauthorised)` | goes on |
//! | a sealed message that is damaged, repeated, late, or of another session | `Refused(Seal)` | goes on |
//! | the same, [`MAX_FAILURES`] times in a session | `Closed(Failures)` | ends |
//! | anything else that is not sealed, but pairing | `Refused(NotSealed)` | goes on |
//! | a sealed message when there is no session | `Refused(NoSession)` | |
//!
//! Somebody who can write on the wire can end a session, as they could cut the wire, and can keep the board busy with requests to
//! open one, for as long as it hears them. They can do nothing else.
//!
//! # Pairing
//!
//! The first time, the keys are exchanged in the clear while the board's *window* is open: for a short time after its
//! button is pressed. Both sides show a [`Fingerprint`], and the user compares them; only then either side keeps
//! the other's key.
//!
//! ```text
//! host                                          board
//! Pair(host's key)                          →
//!                                           ←   Pairing(board's key, commitment)
//! Reveal(host's random number)              →
//!                                           ←   Paired(board's random number)
//! ```
//!
//! The commitment is a digest of both keys and the board's random number, which is told last. So nobody in between can
//! search for keys that give the same fingerprint on both sides: with six digits, one attempt in a million
//! passes, and each attempt needs the button. (The numeric comparison of Bluetooth is made in the same way:
//! Core Specification 5.4, volume 3, part H, 2.3.5.6.2.)
//!
//! # Parcels
//!
//! A board seals what it gives away for another board, which no session reaches, in a [`Parcel`].

mod channel;
mod cipher;
mod handshake;
mod initiator;
mod key;
mod pairing;
mod parcel;
mod responder;
mod symmetric;

pub use self::channel::SendError;
pub use self::cipher::{Ciphers, Exhausted, OpenError, Opener, Sealer, TAG_BYTES};
pub use self::handshake::{HANDSHAKE_BYTES, HandshakeError, Heard, Initiated};
pub use self::initiator::{HostEvent, Initiator};
pub use self::key::{KeyPair, PublicKey, hint};
pub use self::pairing::{Fingerprint, HostPairing, PairingError, commitment, fingerprint};
pub use self::parcel::{Parcel, parcel_prologue};
pub use self::responder::{BoardEvent, Responder};
use crate::message::{HEADER_BYTES, SESSION_VERSION, VERSION};

/// Most administrators of a board.
pub const MAX_ADMINISTRATORS: usize = 8;
/// Sealed messages that do not belong to a session and end it.
pub const MAX_FAILURES: u8 = 8;
/// Bytes of the counter of a sealed message.
const COUNTER_BYTES: usize = 8;
/// Bytes that a sealed message is longer than the message in it.
pub const SEAL_BYTES: usize = HEADER_BYTES + COUNTER_BYTES + TAG_BYTES;

const PURPOSE: [u8; 20] = *b"Geode administration";
const PROLOGUE_BYTES: usize = PURPOSE.len() + 3 + 32;

/// What both sides of a handshake must agree on: its purpose, [`VERSION`] (little-endian), [`SESSION_VERSION`], and
/// the board's public key.
pub fn prologue(board: &PublicKey) -> [u8; PROLOGUE_BYTES] {
    let mut prologue = [0; PROLOGUE_BYTES];
    let versions = VERSION.to_le_bytes();
    let parts = PURPOSE.iter().chain(&versions).chain(&[SESSION_VERSION]).chain(board);
    prologue.iter_mut().zip(parts).for_each(|(place, &byte)| *place = byte);
    prologue
}
