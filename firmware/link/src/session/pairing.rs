//! Pairing: both sides learn each other's public key, and a number that the user compares.

use core::fmt;

use sha2::{Digest, Sha256};

use super::key::PublicKey;
use crate::message::{SessionReply, SessionRequest};

/// Six digits that both sides show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u32);

impl Fingerprint {
    /// The digits, from the first.
    pub fn digits(&self) -> [u8; 6] {
        let mut rest = self.0;
        let mut digits = [0; 6];
        for digit in digits.iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        digits
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn digest(parts: [&[u8]; 5]) -> [u8; 32] {
    parts.into_iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize().into()
}

/// Binds a board to its random number before it tells the number.
pub fn commitment(host: &PublicKey, board: &PublicKey, board_number: &[u8; 32]) -> [u8; 32] {
    digest([b"Geode commitment", host, board, board_number, &[]])
}

/// The digits for these keys and random numbers.
pub fn fingerprint(
    host: &PublicKey,
    board: &PublicKey,
    host_number: &[u8; 32],
    board_number: &[u8; 32],
) -> Fingerprint {
    let digest = digest([b"Geode fingerprint", host, board, host_number, board_number]);
    let [a, b, c, d, e, f, g, h, ..] = digest;
    Fingerprint((u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 1_000_000) as u32)
}

/// Why a pairing fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingError {
    /// The board answered something else.
    Answer,
    /// The board's random number is not the one that it was bound to: somebody is in between.
    Commitment,
}

impl fmt::Display for PairingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "the board answered something else than was asked",
            Self::Commitment => "somebody between this program and the board changes what they say",
        })
    }
}

impl core::error::Error for PairingError {}

/// A host's side of a pairing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPairing {
    host: PublicKey,
    number: [u8; 32],
    /// The board's key and commitment, once it has answered.
    board: Option<(PublicKey, [u8; 32])>,
}

impl HostPairing {
    /// Begins. `number`: 32 random bytes, new for each pairing. The first request is [`SessionRequest::Pair`] with the
    /// host's public key.
    pub fn begin(host: PublicKey, number: [u8; 32]) -> (Self, SessionRequest) {
        (HostPairing { host, number, board: None }, SessionRequest::Pair(host))
    }

    /// Takes the first answer; returns the second request.
    ///
    /// # Errors
    /// [`PairingError::Answer`] when it is another answer, or not the first.
    pub fn reveal(&mut self, reply: &SessionReply) -> Result<SessionRequest, PairingError> {
        match (reply, self.board) {
            (&SessionReply::Pairing { board, commitment }, None) => {
                self.board = Some((board, commitment));
                Ok(SessionRequest::Reveal(self.number))
            }
            _ => Err(PairingError::Answer),
        }
    }

    /// Takes the second answer. Returns the board's public key, to be kept when the user finds the fingerprint
    /// equal to the board's.
    ///
    /// # Errors
    /// [`PairingError`].
    pub fn finish(self, reply: &SessionReply) -> Result<(PublicKey, Fingerprint), PairingError> {
        let (SessionReply::Paired(board_number), Some((board, commitment))) = (reply, self.board) else {
            return Err(PairingError::Answer);
        };
        if self::commitment(&self.host, &board, board_number) != commitment {
            return Err(PairingError::Commitment);
        }
        Ok((board, fingerprint(&self.host, &board, &self.number, board_number)))
    }
}

/// A board's side of a pairing: its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// Nobody can pair.
    Closed,
    /// Waits for a host.
    Open,
    /// Waits for this host's random number, and has this one itself.
    Bound { host: PublicKey, number: [u8; 32] },
}

impl Window {
    /// Answers [`SessionRequest::Pair`]. Every request gets another number, so that a number is told only once.
    pub fn pair(
        &mut self,
        host: PublicKey,
        board: &PublicKey,
        random: impl FnOnce() -> [u8; 32],
    ) -> Option<SessionReply> {
        if *self == Window::Closed {
            return None;
        }
        let number = random();
        *self = Window::Bound { host, number };
        Some(SessionReply::Pairing { board: *board, commitment: commitment(&host, board, &number) })
    }

    /// Answers [`SessionRequest::Reveal`], and closes the window: a window is good for one fingerprint.
    pub fn reveal(
        &mut self,
        host_number: &[u8; 32],
        board: &PublicKey,
    ) -> Option<(PublicKey, Fingerprint, SessionReply)> {
        let Window::Bound { host, number } = *self else { return None };
        *self = Window::Closed;
        Some((host, fingerprint(&host, board, host_number, &number), SessionReply::Paired(number)))
    }

    /// Forgets the host, but stays open.
    pub fn forget(&mut self) {
        if *self != Window::Closed {
            *self = Window::Open;
        }
    }
}
