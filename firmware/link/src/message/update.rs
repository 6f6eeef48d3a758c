//! Messages that replace the image or the firmware.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Group, Message, Objection, REPLY, array, write};
use crate::frame::FrameError;

/// Version of [`Group::Update`].
pub const UPDATE_VERSION: u8 = 1;
/// Most bytes of an update in one message.
pub const MAX_CHUNK_BYTES: usize = 1024;

const BEGIN: u8 = 0x00;
const CHUNK: u8 = 0x01;
const STATUS: u8 = 0x02;
const FINISH: u8 = 0x03;
const CONFIRM: u8 = 0x04;
const CANCEL: u8 = 0x05;
const PROGRESS: u8 = 0x00;
const VERIFIED: u8 = 0x01;
const REFUSED: u8 = 0x02;

/// What is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The image: networks, people, limits.
    Image,
    /// The firmware.
    Firmware,
}

/// An update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// What it replaces.
    pub target: Target,
    /// Its length.
    pub bytes: u32,
    /// Its SHA-256.
    #[serde(deserialize_with = "array::read")]
    pub digest: [u8; 32],
    /// Its version.
    pub version: u32,
}

/// From host to board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateRequest<'a> {
    /// Begins an update, or goes on with one of the same digest. Answered with [`UpdateReply::Progress`].
    Begin(Begin),
    /// Bytes of the update, at most [`MAX_CHUNK_BYTES`], and their offset. Answered with [`UpdateReply::Progress`].
    Chunk(u32, &'a [u8]),
    /// Asks how far the update is. Answered with [`UpdateReply::Progress`].
    Status,
    /// Every byte is sent: the board checks them. Answered with [`UpdateReply::Verified`].
    Finish,
    /// Starts what was checked, on trial. The board goes back to what it had if the trial fails. Answered with
    /// [`UpdateReply::Progress`].
    Confirm,
    /// Forgets the update. Answered with [`UpdateReply::Progress`].
    Cancel,
}

/// From board to host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateReply {
    /// How far the update is.
    Progress(Progress),
    /// The update is sound, and may be confirmed.
    Verified {
        /// People whom the board enrolled with another embedder: they must be enrolled again.
        enrol_again: u16,
    },
    /// What was asked is not possible.
    Refused(UpdateRefusal),
}

/// How far an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its stage.
    pub stage: UpdateStage,
    /// Bytes received: the offset of the next chunk.
    pub offset: u32,
}

/// The stages of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateStage {
    /// There is no update.
    None,
    /// Its bytes are received.
    Receiving,
    /// It is checked, and not confirmed yet.
    Verified,
    /// It runs, and is not kept yet.
    Trial,
    /// The last update passed its trial.
    Kept,
    /// The last update failed its trial.
    Reverted,
}

/// Why a request about an update is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UpdateRefusal {
    /// No update has begun, or it is not that far yet.
    Stage(UpdateStage),
    /// It is longer than this many bytes.
    TooLong(u32),
    /// The board waits for the bytes at this offset.
    Offset(u32),
    /// The bytes received have another digest.
    Digest,
    /// The signature is missing, or not the maker's.
    Signature,
    /// It is older than this version.
    Version(u32),
    /// The board cannot run it.
    Unusable,
    /// The device does something else.
    Busy,
    /// The flash memory failed.
    Flash,
    /// The board has no maker's key, with which it could check signatures.
    NoKey,
}

impl fmt::Display for UpdateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(UpdateStage::None) => write!(f, "no update has begun"),
            Self::Stage(_) => write!(f, "the update is at another stage"),
            Self::TooLong(limit) => write!(f, "the update is longer than {limit} bytes"),
            Self::Offset(offset) => write!(f, "the board waits for the bytes at {offset}"),
            Self::Digest => write!(f, "the bytes received have another digest"),
            Self::Signature => write!(f, "the signature is missing, or not the maker's"),
            Self::Version(floor) => write!(f, "the update is older than version {floor}"),
            Self::Unusable => write!(f, "the board cannot run the update"),
            Self::Busy => write!(f, "the device does something else"),
            Self::Flash => write!(f, "the board's flash memory failed"),
            Self::NoKey => write!(f, "the board has no maker's key to check signatures with"),
        }
    }
}

impl<'a> UpdateRequest<'a> {
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, Objection> {
        Ok(match message.number {
            BEGIN => UpdateRequest::Begin(message.read()?),
            CHUNK => {
                let (offset, bytes): (_, &[u8]) = message.read()?;
                if bytes.len() > MAX_CHUNK_BYTES {
                    return Err(Objection::Malformed);
                }
                UpdateRequest::Chunk(offset, bytes)
            }
            STATUS => message.bare(UpdateRequest::Status)?,
            FINISH => message.bare(UpdateRequest::Finish)?,
            CONFIRM => message.bare(UpdateRequest::Confirm)?,
            CANCEL => message.bare(UpdateRequest::Cancel)?,
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::Update;
        match self {
            UpdateRequest::Begin(begin) => write(group, BEGIN, turn, begin, buffer),
            UpdateRequest::Chunk(offset, bytes) => write(group, CHUNK, turn, &(offset, bytes), buffer),
            UpdateRequest::Status => write(group, STATUS, turn, &(), buffer),
            UpdateRequest::Finish => write(group, FINISH, turn, &(), buffer),
            UpdateRequest::Confirm => write(group, CONFIRM, turn, &(), buffer),
            UpdateRequest::Cancel => write(group, CANCEL, turn, &(), buffer),
        }
    }
}

impl UpdateReply {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Objection> {
        Ok(match message.number & !REPLY {
            PROGRESS => UpdateReply::Progress(message.read()?),
            VERIFIED => UpdateReply::Verified { enrol_again: message.read()? },
            REFUSED => UpdateReply::Refused(message.read()?),
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::Update;
        match self {
            UpdateReply::Progress(progress) => write(group, REPLY | PROGRESS, turn, progress, buffer),
            UpdateReply::Verified { enrol_again } => {
                write(group, REPLY | VERIFIED, turn, enrol_again, buffer)
            }
            UpdateReply::Refused(why) => write(group, REPLY | REFUSED, turn, why, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::pins::{pin_replies, pin_requests};
    use crate::message::{Reply, Request};
    use crate::{MAX_PLAIN_BYTES, MAX_PLAIN_REPLY_BYTES};

    #[test]
    fn requests_are_pinned_byte_for_byte() {
        let begin = |target| Begin { target, bytes: 300, digest: [9; 32], version: 2 };
        let begun = |code| [&[code, 0xac, 0x02][..], &[9; 32], &[2]].concat();
        let pins = [
            (UpdateRequest::Begin(begin(Target::Image)), 0x00, begun(0)),
            (UpdateRequest::Begin(begin(Target::Firmware)), 0x00, begun(1)),
            (UpdateRequest::Chunk(300, &[7, 0, 8]), 0x01, std::vec![0xac, 0x02, 3, 7, 0, 8]),
            (UpdateRequest::Status, 0x02, std::vec![]),
            (UpdateRequest::Finish, 0x03, std::vec![]),
            (UpdateRequest::Confirm, 0x04, std::vec![]),
            (UpdateRequest::Cancel, 0x05, std::vec![]),
        ];
        pin_requests(3, pins.map(|(request, number, body)| (Request::Update(request), number, body)));
    }

    #[test]
    fn replies_are_pinned_byte_for_byte() {
        let stages = [
            UpdateStage::None,
            UpdateStage::Receiving,
            UpdateStage::Verified,
            UpdateStage::Trial,
            UpdateStage::Kept,
            UpdateStage::Reverted,
        ];
        let coded = (0..).zip(stages);
        let progress = coded.map(|(code, stage)| {
            (UpdateReply::Progress(Progress { stage, offset: 300 }), 0x80, std::vec![code, 0xac, 0x02])
        });
        let refused = |why, body: &[u8]| (UpdateReply::Refused(why), 0x82, body.to_vec());
        let pins = [
            (UpdateReply::Verified { enrol_again: 300 }, 0x81, std::vec![0xac, 0x02]),
            refused(UpdateRefusal::Stage(UpdateStage::Trial), &[0, 3]),
            refused(UpdateRefusal::TooLong(300), &[1, 0xac, 0x02]),
            refused(UpdateRefusal::Offset(1), &[2, 1]),
            refused(UpdateRefusal::Digest, &[3]),
            refused(UpdateRefusal::Signature, &[4]),
            refused(UpdateRefusal::Version(1), &[5, 1]),
            refused(UpdateRefusal::Unusable, &[6]),
            refused(UpdateRefusal::Busy, &[7]),
            refused(UpdateRefusal::Flash, &[8]),
            refused(UpdateRefusal::NoKey, &[9]),
        ];
        let all = progress.chain(pins);
        pin_replies(3, all.map(|(reply, number, body)| (Reply::Update(reply), number, body)));
    }

    #[test]
    fn longest_messages_fit_and_longer_ones_are_malformed() {
        for length in [MAX_CHUNK_BYTES, MAX_CHUNK_BYTES + 1] {
            let chunk = std::vec![0xff; length];
            let request = Request::Update(UpdateRequest::Chunk(u32::MAX, &chunk));
            let mut buffer = [0xa5; MAX_PLAIN_BYTES];
            let bytes = request.emit(u32::MAX, &mut buffer).unwrap();
            let expected = if length > MAX_CHUNK_BYTES { Err(Objection::Malformed) } else { Ok(request) };
            assert_eq!(Message::parse(bytes).unwrap().request(), expected);
        }
        for reply in [
            UpdateReply::Progress(Progress { stage: UpdateStage::Reverted, offset: u32::MAX }),
            UpdateReply::Refused(UpdateRefusal::Version(u32::MAX)),
        ] {
            assert!(Reply::Update(reply).emit(u32::MAX, &mut [0; MAX_PLAIN_REPLY_BYTES]).is_ok());
        }
    }
}
