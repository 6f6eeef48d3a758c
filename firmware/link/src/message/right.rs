//! The right that each request and each reply needs.
//!
//! | request | outside a session | in a session |
//! |---|---|---|
//! | [`Request::Hello`] | yes; ends the session | yes; ends nothing |
//! | [`Request::Status`], [`Request::Abort`] | yes | yes |
//! | [`Request::Session`] | yes; pairing only while the board's window is open | no |
//! | [`Request::Recognise`], [`Request::See`], and [`Request::Pixels`] for them | if the maker allows it | yes |
//! | [`Request::Embed`] | no | yes |
//! | [`Request::Test`], [`Request::People`], [`Request::Update`] | no | yes |
//!
//! | reply | outside a session | in a session |
//! |---|---|---|
//! | of the group control but the next, [`Reply::Row`], [`Reply::Working`], [`Reply::Verdict`] | yes | yes |
//! | [`Reply::Session`] | yes | no |
//! | [`Reply::Recognised`], [`Reply::Seen`], [`Reply::Embedding`], [`Reply::Embedded`] | no | yes |
//! | [`Reply::Tested`], [`Reply::People`], [`Reply::Update`], [`Reply::Notice`] | no | yes |
//!
//! While a session is open, a board carries out nothing that was not sealed, but `Hello` and the group session.

use super::{Reply, Request};

/// What a host needs to send a request, or to receive a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Everybody who reaches the link has it.
    Anyone,
    /// To ask whether a face is accepted. Everybody has it if the maker of the device allows it, otherwise administrators.
    Verify,
    /// To see figures of faces and to change the device. Administrators have it, in a session.
    Administrator,
}

impl Right {
    /// Whether a message that needs this right may be sent. `is_sealed`: it belongs to a session.
    /// `is_verify_open`: the maker of the device lets everybody verify.
    pub fn is_granted(self, is_sealed: bool, is_verify_open: bool) -> bool {
        is_sealed
            || match self {
                Right::Anyone => true,
                Right::Verify => is_verify_open,
                Right::Administrator => false,
            }
    }
}

impl Request<'_> {
    /// The right that a host needs to send it.
    pub fn right(&self) -> Right {
        match self {
            Request::Hello | Request::Abort | Request::Status | Request::Session(_) => Right::Anyone,
            Request::Recognise | Request::See(_) | Request::Pixels(..) => Right::Verify,
            Request::Embed | Request::Test(_) | Request::People(_) | Request::Update(_) => {
                Right::Administrator
            }
        }
    }
}

impl Reply {
    /// The right that a host needs to receive it.
    pub fn right(&self) -> Right {
        match self {
            Reply::Hello(_)
            | Reply::OtherVersion(_)
            | Reply::Idle
            | Reply::Refused(_)
            | Reply::Failed(_)
            | Reply::Row(_)
            | Reply::Working
            | Reply::Verdict(_)
            | Reply::Session(_) => Right::Anyone,
            Reply::Embedding(_)
            | Reply::Embedded(_)
            | Reply::Recognised(_)
            | Reply::Seen(_)
            | Reply::Tested(_)
            | Reply::People(_)
            | Reply::Update(_)
            | Reply::Notice(_) => Right::Administrator,
        }
    }
}

#[cfg(test)]
mod tests {
    use format::PixelFormat;

    use super::*;
    use crate::message::{
        Attention, Cost, Notice, Objection, Outcome, PeopleReply, PeopleRequest, Recognised, Seen,
        SessionRequest, Test, Tested, UpdateReply, UpdateRequest, Verdict, View,
    };

    #[test]
    fn rights_are_as_the_table_says() {
        let (format, attention) = (PixelFormat::Grey, Attention::Photo);
        let view = View { width: 1, height: 1, format, is_sent: true, attention };
        let requests = [
            (Request::Hello, [true, true]),
            (Request::Status, [true, true]),
            (Request::Abort, [true, true]),
            (Request::Session(SessionRequest::Close), [true, true]),
            (Request::Recognise, [false, true]),
            (Request::See(view), [false, true]),
            (Request::Pixels(0, &[]), [false, true]),
            (Request::Embed, [false, false]),
            (Request::Test(Test::Watchdog), [false, false]),
            (Request::People(PeopleRequest::Status), [false, false]),
            (Request::People(PeopleRequest::Window(1)), [false, false]),
            (Request::People(PeopleRequest::Export([0; 32])), [false, false]),
            (Request::People(PeopleRequest::Put(&[])), [false, false]),
            (Request::People(PeopleRequest::RemoveAdministrator([0; 32])), [false, false]),
            (Request::Update(UpdateRequest::Status), [false, false]),
        ];
        for (request, outside) in requests {
            let right = request.right();
            assert_eq!([false, true].map(|open| right.is_granted(false, open)), outside, "{request:?}");
            assert_eq!([false, true].map(|open| right.is_granted(true, open)), [true; 2], "{request:?}");
        }
    }

    #[test]
    fn figures_of_faces_stay_in_the_session() {
        let decision = crate::message::Decision {
            ruling: crate::message::Ruling::Accepted,
            certified: true,
            confidence: 1.0,
            best: None,
            runner_up: None,
        };
        let replies = [
            Reply::Embedding([1].into_iter().collect()),
            Reply::Embedded(Cost::default()),
            Reply::Recognised(Recognised { decision, cost: Cost::default() }),
            Reply::Seen(Seen::default()),
            Reply::Tested(Tested { test: Test::Golden, outcome: Outcome::Done, figures: [0; 4] }),
            Reply::People(PeopleReply::Done),
            Reply::Update(UpdateReply::Verified { enrol_again: 0 }),
            Reply::Notice(Notice::Verdict(Verdict::NotAccepted)),
        ];
        for reply in replies {
            assert!(!reply.right().is_granted(false, true), "{reply:?}");
        }
        let replies = [
            Reply::Idle,
            Reply::Refused(Objection::NoSession),
            Reply::Row(1),
            Reply::Working,
            Reply::Verdict(Verdict::Accepted(1)),
        ];
        for reply in replies {
            assert!(reply.right().is_granted(false, false), "{reply:?}");
        }
    }
}
