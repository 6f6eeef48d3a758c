//! Messages that a board sends without a request, in a session only. Their turn is 0.

use serde::{Deserialize, Serialize};

use super::{Group, Message, Mode, Objection, PersonId, REPLY, write};
use crate::frame::FrameError;

/// Version of [`Group::Events`].
pub const EVENTS_VERSION: u8 = 1;

const VERDICT: u8 = 0x00;
const MODE: u8 = 0x01;

/// Whether a face is accepted, and nothing else. It may be told to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The face is this person's.
    Accepted(PersonId),
    /// There is no face, or it is not fit, or it is nobody's who is enrolled.
    NotAccepted,
}

/// From board to host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The board decided on a face.
    Verdict(Verdict),
    /// The device does something else now.
    Mode(Mode),
}

impl Notice {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Objection> {
        Ok(match message.number & !REPLY {
            VERDICT => Notice::Verdict(message.read()?),
            MODE => Notice::Mode(message.read()?),
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        match self {
            Notice::Verdict(verdict) => write(Group::Events, REPLY | VERDICT, turn, verdict, buffer),
            Notice::Mode(mode) => write(Group::Events, REPLY | MODE, turn, mode, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Reply;
    use crate::message::pins::pin_replies;

    #[test]
    fn notices_are_pinned_byte_for_byte() {
        let modes =
            [Mode::Idle, Mode::Scan, Mode::Open, Mode::Locked, Mode::Enrol, Mode::Update, Mode::Service];
        let coded = (0..).zip(modes);
        let verdicts = [
            (Notice::Verdict(Verdict::Accepted(300)), 0x80, std::vec![0, 0xac, 0x02]),
            (Notice::Verdict(Verdict::NotAccepted), 0x80, std::vec![1]),
        ];
        let all = coded.map(|(code, mode)| (Notice::Mode(mode), 0x81, std::vec![code])).chain(verdicts);
        pin_replies(4, all.map(|(notice, number, body)| (Reply::Notice(notice), number, body)));
    }
}
