//! Messages that open and end a session. They are never sealed themselves.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Group, Message, Objection, REPLY, array, write};
use crate::frame::FrameError;

/// Version of [`Group::Session`].
pub const SESSION_VERSION: u8 = 1;

const OPEN: u8 = 0x00;
pub(crate) const SEALED: u8 = 0x01;
const PAIR: u8 = 0x02;
const REVEAL: u8 = 0x03;
const CLOSE: u8 = 0x04;
const OPENED: u8 = 0x00;
const PAIRING: u8 = 0x02;
const PAIRED: u8 = 0x03;
const CLOSED: u8 = 0x04;

/// A message of the handshake, with an empty payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The sender's public key for this handshake.
    #[serde(deserialize_with = "array::read")]
    pub ephemeral: [u8; 32],
    /// Tag of the empty payload.
    #[serde(deserialize_with = "array::read")]
    pub tag: [u8; 16],
}

/// From host to board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRequest {
    /// Asks to open a session.
    Open {
        /// Which administrator asks: [`hint`](crate::session::hint) of the public key.
        hint: [u8; 8],
        /// First message of the handshake.
        handshake: Handshake,
    },
    /// Asks to become an administrator: the host's public key.
    Pair([u8; 32]),
    /// The host's random number for the fingerprint, after [`SessionReply::Pairing`].
    Reveal([u8; 32]),
    /// Ends the session, if any, and the pairing.
    Close,
}

/// From board to host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionReply {
    /// The session is open: second message of the handshake.
    Opened(Handshake),
    /// Answers [`SessionRequest::Pair`].
    Pairing {
        /// The board's public key.
        board: [u8; 32],
        /// Binds the board to a random number that it does not tell yet.
        commitment: [u8; 32],
    },
    /// Answers [`SessionRequest::Reveal`]: the board's random number.
    Paired([u8; 32]),
    /// The session is closed, and its keys are wiped.
    Closed(Ending),
}

/// Why a session was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The host asked for it.
    Asked,
    /// Too many sealed messages did not belong to it.
    Failures,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "the session was closed",
            Self::Failures => "the session was closed: too many messages did not belong to it",
        })
    }
}

impl SessionRequest {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Objection> {
        Ok(match message.number {
            OPEN => {
                let (&hint, body) = message.body.split_first_chunk().ok_or(Objection::Malformed)?;
                SessionRequest::Open { hint, handshake: Message { body, ..*message }.read()? }
            }
            SEALED => return Err(Objection::NoSession),
            PAIR => SessionRequest::Pair(message.array()?),
            REVEAL => SessionRequest::Reveal(message.array()?),
            CLOSE => message.bare(SessionRequest::Close)?,
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::Session;
        match self {
            SessionRequest::Open { hint, handshake } => write(group, OPEN, turn, &(hint, handshake), buffer),
            SessionRequest::Pair(public) => write(group, PAIR, turn, public, buffer),
            SessionRequest::Reveal(number) => write(group, REVEAL, turn, number, buffer),
            SessionRequest::Close => write(group, CLOSE, turn, &(), buffer),
        }
    }
}

impl SessionReply {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Objection> {
        Ok(match message.number & !REPLY {
            OPENED => SessionReply::Opened(message.read()?),
            SEALED => return Err(Objection::NoSession),
            PAIRING => {
                let (board, commitment) = message.read()?;
                SessionReply::Pairing { board, commitment }
            }
            PAIRED => SessionReply::Paired(message.array()?),
            CLOSED => SessionReply::Closed(message.read()?),
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::Session;
        match self {
            SessionReply::Opened(handshake) => write(group, REPLY | OPENED, turn, handshake, buffer),
            SessionReply::Pairing { board, commitment } => {
                write(group, REPLY | PAIRING, turn, &(board, commitment), buffer)
            }
            SessionReply::Paired(number) => write(group, REPLY | PAIRED, turn, number, buffer),
            SessionReply::Closed(ending) => write(group, REPLY | CLOSED, turn, ending, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::message::pins::{pin_replies, pin_requests};
    use crate::message::{Reply, Request};

    fn handshake() -> (Handshake, Vec<u8>) {
        let bytes = [[7; 32].as_slice(), &[8; 16]].concat();
        (Handshake { ephemeral: [7; 32], tag: [8; 16] }, bytes)
    }

    #[test]
    fn requests_are_pinned_byte_for_byte() {
        let (handshake, bytes) = handshake();
        let open = SessionRequest::Open { hint: *b"12345678", handshake };
        let pins = [
            (open, 0x00, [b"12345678", &bytes[..]].concat()),
            (SessionRequest::Pair([1; 32]), 0x02, std::vec![1; 32]),
            (SessionRequest::Reveal([2; 32]), 0x03, std::vec![2; 32]),
            (SessionRequest::Close, 0x04, std::vec![]),
        ];
        pin_requests(5, pins.map(|(request, number, body)| (Request::Session(request), number, body)));
    }

    #[test]
    fn replies_are_pinned_byte_for_byte() {
        let (handshake, bytes) = handshake();
        let pairing = SessionReply::Pairing { board: [3; 32], commitment: [4; 32] };
        let pins = [
            (SessionReply::Opened(handshake), 0x80, bytes),
            (pairing, 0x82, [[3; 32], [4; 32]].concat()),
            (SessionReply::Paired([5; 32]), 0x83, std::vec![5; 32]),
            (SessionReply::Closed(Ending::Asked), 0x84, std::vec![0]),
            (SessionReply::Closed(Ending::Failures), 0x84, std::vec![1]),
        ];
        pin_replies(5, pins.map(|(reply, number, body)| (Reply::Session(reply), number, body)));
    }

    #[test]
    fn sealed_message_without_a_session_is_refused() {
        let sealed = |number| Message { group: 5, number, turn: 1, body: &[1, 2, 3] };
        assert_eq!(sealed(SEALED).request(), Err(Objection::NoSession));
        assert_eq!(sealed(SEALED).reply(), Err(Objection::UnknownNumber));
        assert_eq!(sealed(REPLY | SEALED).reply(), Err(Objection::NoSession));
        assert_eq!(sealed(REPLY | SEALED).request(), Err(Objection::UnknownNumber));
    }
}
