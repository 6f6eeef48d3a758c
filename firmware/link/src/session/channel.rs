//! An open session of one side: messages to sealed messages and back, and the failures so far.

use core::fmt;

use super::cipher::{Ciphers, Exhausted, TAG_BYTES};
use super::{COUNTER_BYTES, MAX_FAILURES, SEAL_BYTES};
use crate::frame::FrameError;
use crate::message::{Group, HEADER_BYTES, Message, REPLY, SEALED};

/// Why a message is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// It does not fit into the buffer.
    TooLong,
    /// No session is open (any more).
    NoSession,
    /// It is sent in a session only.
    NeedsSession,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the message is longer than the buffer",
            Self::NoSession => "no session is open",
            Self::NeedsSession => "the message is sent in a session only",
        })
    }
}

impl core::error::Error for SendError {}

impl From<FrameError> for SendError {
    fn from(_: FrameError) -> Self {
        SendError::TooLong
    }
}

impl From<Exhausted> for SendError {
    fn from(_: Exhausted) -> Self {
        SendError::NoSession
    }
}

/// Which side's messages a sealed message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Host,
    Board,
}

impl Side {
    fn number(self) -> u8 {
        match self {
            Side::Host => SEALED,
            Side::Board => REPLY | SEALED,
        }
    }

    /// The first bytes of a sealed message.
    fn header(self, turn: u32) -> [u8; HEADER_BYTES] {
        let [a, b, c, d] = turn.to_le_bytes();
        [Group::Session as u8, self.number(), a, b, c, d]
    }
}

/// Whether a message is a sealed one of this side.
pub fn is_sealed(message: &Message<'_>, side: Side) -> bool {
    (message.group, message.number) == (Group::Session as u8, side.number())
}

/// Why a sealed message is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not belong to the session.
    Seal,
    /// The same, for the last time: the session must end.
    Last,
    /// The buffer is too short for it.
    TooLong,
    /// The other side sealed something that is no message of its.
    Malformed,
}

pub struct Channel {
    ciphers: Ciphers,
    failures: u8,
}

impl Channel {
    pub fn new(ciphers: Ciphers) -> Self {
        Channel { ciphers, failures: 0 }
    }

    /// Seals the message that `emit` writes.
    pub fn seal<'b>(
        &mut self,
        side: Side,
        turn: u32,
        emit: impl FnOnce(&mut [u8]) -> Result<usize, FrameError>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SendError> {
        let room = buffer.len().checked_sub(SEAL_BYTES).ok_or(SendError::TooLong)?;
        let (header, rest) = buffer.split_first_chunk_mut::<HEADER_BYTES>().ok_or(SendError::TooLong)?;
        let (counter, text) = rest.split_first_chunk_mut::<COUNTER_BYTES>().ok_or(SendError::TooLong)?;
        let length = emit(text.get_mut(..room).ok_or(SendError::TooLong)?)?;
        *header = side.header(turn);
        *counter = self.ciphers.sealer.counter().to_le_bytes();
        let text = text.get_mut(..length + TAG_BYTES).ok_or(SendError::TooLong)?;
        self.ciphers.sealer.seal(header, text)?;
        buffer.get(..SEAL_BYTES + length).ok_or(SendError::TooLong)
    }

    /// Opens a sealed message of the other side. The message in it is in the buffer, which has room for the message and its
    /// tag.
    pub fn open<'p>(
        &mut self,
        side: Side,
        sealed: &Message<'_>,
        plain: &'p mut [u8],
    ) -> Result<Message<'p>, Fault> {
        let Some((counter, text)) = sealed.body.split_first_chunk::<COUNTER_BYTES>() else {
            return Err(self.fail());
        };
        let plain = plain.get_mut(..text.len()).ok_or(Fault::TooLong)?;
        plain.iter_mut().zip(text).for_each(|(place, &byte)| *place = byte);
        let header = side.header(sealed.turn);
        let Ok(plain) = self.ciphers.opener.open(u64::from_le_bytes(*counter), &header, plain) else {
            return Err(self.fail());
        };
        let message = Message::parse(plain).ok_or(Fault::Malformed)?;
        let is_of_side = message.is_reply() == (side == Side::Board) && message.turn == sealed.turn;
        if is_of_side && message.group != Group::Session as u8 { Ok(message) } else { Err(Fault::Malformed) }
    }

    fn fail(&mut self) -> Fault {
        self.failures += 1;
        if self.failures < MAX_FAILURES { Fault::Seal } else { Fault::Last }
    }
}
