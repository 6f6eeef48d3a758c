//! Messages, of version [`VERSION`].
//!
//! A message is a group (one byte), a number in that group (one byte; highest bit set in replies), a turn (four
//! bytes, little-endian) and a body in postcard's encoding. Groups have versions of their own, which a board reports
//! in its [`Hello`]. A board refuses messages of groups that it does not have. [`Right`] says who may send which message.
//!
//! | group | number | message |
//! |---|---|---|
//! | 0 control | 0x00 | [`Request::Hello`], whatever its body |
//! | | 0x01 | [`Request::Abort`] |
//! | | 0x02 | [`Request::Status`] |
//! | | 0x03 | [`Request::Test`] |
//! | | 0x80 | [`Reply::Hello`]; its first element is the version, in every version |
//! | | 0x81 | [`Reply::Idle`] |
//! | | 0x82 | [`Reply::Refused`] |
//! | | 0x83 | [`Reply::Failed`] |
//! | | 0x84 | [`Reply::Tested`] |
//! | 1 recognise | 0x00 | [`Request::Recognise`] |
//! | | 0x01 | [`Request::Embed`] |
//! | | 0x02 | [`Request::Pixels`] |
//! | | 0x03 | [`Request::See`] |
//! | | 0x80 | [`Reply::Row`] |
//! | | 0x81 | [`Reply::Working`] |
//! | | 0x82 | [`Reply::Embedding`] |
//! | | 0x83 | [`Reply::Embedded`] |
//! | | 0x84 | [`Reply::Recognised`] |
//! | | 0x85 | [`Reply::Seen`] |
//! | | 0x86 | [`Reply::Verdict`] |
//! | 2 people | 0x00 | [`PeopleRequest::List`] |
//! | | 0x01 | [`PeopleRequest::Enrol`] |
//! | | 0x02 | [`PeopleRequest::Commit`] |
//! | | 0x03 | [`PeopleRequest::Discard`] |
//! | | 0x04 | [`PeopleRequest::Rename`] |
//! | | 0x05 | [`PeopleRequest::Delete`] |
//! | | 0x06 | [`PeopleRequest::DeleteAll`] |
//! | | 0x07 | [`PeopleRequest::Unlock`] |
//! | | 0x08 | [`PeopleRequest::Log`] |
//! | | 0x09 | [`PeopleRequest::Status`] |
//! | | 0x0a | [`PeopleRequest::Window`] |
//! | | 0x0b | [`PeopleRequest::Export`] |
//! | | 0x0c | [`PeopleRequest::Piece`] |
//! | | 0x0d | [`PeopleRequest::Restore`] |
//! | | 0x0e | [`PeopleRequest::Put`] |
//! | | 0x0f | [`PeopleRequest::Administrators`] |
//! | | 0x10 | [`PeopleRequest::RemoveAdministrator`] |
//! | | 0x80 | [`PeopleReply::People`] |
//! | | 0x81 | [`PeopleReply::Shot`] |
//! | | 0x82 | [`PeopleReply::Committed`] |
//! | | 0x83 | [`PeopleReply::Done`] |
//! | | 0x84 | [`PeopleReply::Log`] |
//! | | 0x85 | [`PeopleReply::Device`] |
//! | | 0x86 | [`PeopleReply::Refused`] |
//! | | 0x87 | [`PeopleReply::Exporting`] |
//! | | 0x88 | [`PeopleReply::Piece`] |
//! | | 0x89 | [`PeopleReply::Arrived`] |
//! | | 0x8a | [`PeopleReply::Administrators`] |
//! | 3 update | 0x00 | [`UpdateRequest::Begin`] |
//! | | 0x01 | [`UpdateRequest::Chunk`] |
//! | | 0x02 | [`UpdateRequest::Status`] |
//! | | 0x03 | [`UpdateRequest::Finish`] |
//! | | 0x04 | [`UpdateRequest::Confirm`] |
//! | | 0x05 | [`UpdateRequest::Cancel`] |
//! | | 0x80 | [`UpdateReply::Progress`] |
//! | | 0x81 | [`UpdateReply::Verified`] |
//! | | 0x82 | [`UpdateReply::Refused`] |
//! | 4 events | 0x80 | [`Notice::Verdict`] |
//! | | 0x81 | [`Notice::Mode`] |
//! | 5 session | 0x00 | [`SessionRequest::Open`] |
//! | | 0x01 | a sealed request: counter (eight bytes, little-endian), then a message, encrypted, and its tag (16 bytes) |
//! | | 0x02 | [`SessionRequest::Pair`] |
//! | | 0x03 | [`SessionRequest::Reveal`] |
//! | | 0x04 | [`SessionRequest::Close`] |
//! | | 0x80 | [`SessionReply::Opened`] |
//! | | 0x81 | a sealed reply |
//! | | 0x82 | [`SessionReply::Pairing`] |
//! | | 0x83 | [`SessionReply::Paired`] |
//! | | 0x84 | [`SessionReply::Closed`] |
//!
//! A sealed message holds any message that is not of the group session, and has its turn. [`crate::session`] opens it.

mod array;
mod events;
mod people;
mod right;
mod session;
mod test;
mod update;

use core::fmt;

use format::PixelFormat;
use format::gates::{Quality, Refusal};
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

pub use self::events::{EVENTS_VERSION, Notice, Verdict};
pub use self::people::{
    Arrival, ArrivalResult, Device, Label, LogEntry, MAX_ENTRIES, MAX_FIRMWARE_NAME, MAX_PEOPLE,
    MAX_PIECE_BYTES, Mode, PEOPLE_VERSION, PeopleRefusal, PeopleReply, PeopleRequest, Person, PersonId, Shot,
    ShotResult,
};
pub use self::right::Right;
pub(crate) use self::session::SEALED;
pub use self::session::{Ending, Handshake, SESSION_VERSION, SessionReply, SessionRequest};
pub use self::test::{NO_ELEMENT, Outcome, Test, Tested};
pub use self::update::{
    Begin, MAX_CHUNK_BYTES, Progress, Target, UPDATE_VERSION, UpdateRefusal, UpdateReply, UpdateRequest,
    UpdateStage,
};
use crate::frame::FrameError;

/// Version of framing, header and control group; both sides must have the same.
pub const VERSION: u16 = 6;
/// Version of [`Group::Recognise`].
pub const RECOGNISE_VERSION: u8 = 3;
/// Bytes of a message before its body.
pub const HEADER_BYTES: usize = 6;
/// Most elements of an embedding in one message.
pub const CHUNK: usize = 64;
/// Longest text, in bytes.
pub const MAX_TEXT: usize = 160;
/// Longest name of a board, in bytes.
pub const MAX_BOARD_NAME: usize = 32;
/// Most groups that a board has.
pub const MAX_GROUPS: usize = 8;

/// This bit is set in the numbers of replies.
pub(crate) const REPLY: u8 = 0x80;

const HELLO: u8 = 0x00;
const ABORT: u8 = 0x01;
const STATUS: u8 = 0x02;
const TEST: u8 = 0x03;
const IDLE: u8 = 0x01;
const REFUSED: u8 = 0x02;
const FAILED: u8 = 0x03;
const TESTED: u8 = 0x04;

const RECOGNISE: u8 = 0x00;
const EMBED: u8 = 0x01;
const PIXELS: u8 = 0x02;
const SEE: u8 = 0x03;
const ROW: u8 = 0x00;
const WORKING: u8 = 0x01;
const EMBEDDING: u8 = 0x02;
const EMBEDDED: u8 = 0x03;
const RECOGNISED: u8 = 0x04;
const SEEN: u8 = 0x05;
const VERDICT: u8 = 0x06;

/// A short text.
pub type Text = String<MAX_TEXT>;

/// Adds to a text what is to be told, behind a semicolon if something is there. What does not fit is cut off.
// Not generic, so that a board has it once.
pub fn append(text: &mut Text, told: &dyn fmt::Display) {
    let between = if text.is_empty() { "" } else { "; " };
    let _ = fmt::Write::write_fmt(text, format_args!("{between}{told}"));
}

/// The subjects of messages. A group's number is its index here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Group {
    /// The link itself.
    Control = 0,
    /// Photos, embeddings, decisions.
    Recognise = 1,
    /// Enrolling and deleting people, and how the device is.
    People = 2,
    /// Replacing the image or the firmware.
    Update = 3,
    /// Messages that a board sends without a request.
    Events = 4,
    /// Opening and ending sessions.
    Session = 5,
}

/// From host to board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Asks which board this is. Ends the current task, if any.
    Hello,
    /// Ends the current task.
    Abort,
    /// Asks what the board waits for. It answers with the row that it waits for, or [`Reply::Idle`].
    Status,
    /// Asks to recognise a face. Its rows follow.
    Recognise,
    /// Asks for the embedding of a face. Its rows follow.
    Embed,
    /// A requested row: its number, and its bytes, at most [`MAX_ROW_BYTES`](crate::MAX_ROW_BYTES). Of a face these are
    /// `width · channels` bytes in the image's colour order, of a frame the row in the frame's format.
    Pixels(u16, &'a [u8]),
    /// Asks what is seen in a frame, and who. Its rows follow if it is sent over the link.
    See(View),
    /// Asks the device to test a part of itself. Answered with [`Reply::Tested`].
    Test(Test),
    /// About people.
    People(PeopleRequest<'a>),
    /// About an update.
    Update(UpdateRequest<'a>),
    /// Opens or ends a session.
    Session(SessionRequest),
}

/// From board to host.
#[derive(Clone, Debug, PartialEq)]
// Messages live for one exchange, and only one at a time.
#[allow(clippy::large_enum_variant)]
pub enum Reply {
    /// Describes the board and its image.
    Hello(Hello),
    /// Stands for a [`Reply::Hello`] of another protocol version; holds that version. Boards do not send it.
    OtherVersion(u16),
    /// There is no task (any more).
    Idle,
    /// The request is not carried out.
    Refused(Objection),
    /// The request failed.
    Failed(Text),
    /// Asks for this row.
    Row(u16),
    /// A long computation continues.
    Working,
    /// Part of an embedding, in order. [`Reply::Embedded`] follows the last part.
    Embedding(Vec<i16, CHUNK>),
    /// The embedding is complete.
    Embedded(Cost),
    /// The person, or the reason why nobody was recognised.
    Recognised(Recognised),
    /// What is seen in a frame, and who.
    Seen(Seen),
    /// Answers [`Request::Recognise`] and [`Request::See`] outside a session.
    Verdict(Verdict),
    /// What a test found.
    Tested(Tested),
    /// About people.
    People(PeopleReply),
    /// About an update.
    Update(UpdateReply),
    /// Answers no request.
    Notice(Notice),
    /// About a session.
    Session(SessionReply),
}

/// Why a board refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Objection {
    /// The frame was damaged, so its request is unknown.
    Damaged,
    /// The message is longer than the limit.
    TooLong,
    /// The firmware does not have this group of messages.
    UnknownGroup,
    /// The group has no such message.
    UnknownNumber,
    /// The message's body does not fit its number.
    Malformed,
    /// The pixels belong to a task that the board does not have.
    NoTask,
    /// The row's length differs from the image's, or from the frame's.
    RowLength,
    /// The image has no networks that find faces in frames.
    NoEyes,
    /// The frame is larger than the board's memory for frames, or has impossible measures.
    Frame,
    /// The request is carried out in a session only.
    NeedsSession,
    /// A session is open, and the request is not sealed.
    NotSealed,
    /// The request is sealed, and no session is open.
    NoSession,
    /// The sealed request does not belong to the session.
    Seal,
    /// The session is not opened: the host is no administrator, or the handshake was changed on its way.
    Unauthorised,
    /// The device does not pair with anybody now.
    NotPairing,
    /// The device is locked for a time: there were too many strangers.
    Locked,
    /// Too many hosts in a row did not prove that they are an administrator's. None is heard for this many seconds.
    Wait(u8),
}

impl From<FrameError> for Objection {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Damaged => Objection::Damaged,
            FrameError::TooLong => Objection::TooLong,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait(seconds) => {
                return write!(
                    f,
                    "too many programs in a row did not prove who they are; the device hears the next one in {seconds} s, or \
                     when its button is pressed"
                );
            }
            Self::Damaged => "the request arrived damaged",
            Self::TooLong => "the request is too long",
            Self::UnknownGroup => "requests of this kind are not supported by this firmware",
            Self::UnknownNumber => "this request is not supported by this firmware",
            Self::Malformed => "the request is malformed",
            Self::NoTask => "the pixels belong to no current task",
            Self::RowLength => "a row of pixels of another length than the image's or the frame's",
            Self::NoEyes => "the image has no networks that find faces in frames",
            Self::Frame => {
                "the frame is larger than the board's memory for frames, or has impossible measures"
            }
            Self::NeedsSession => "the board takes this request in a session only",
            Self::NotSealed => "the board has a session open, and takes sealed requests only",
            Self::NoSession => "no session is open",
            Self::Seal => "the request does not belong to the open session",
            Self::Unauthorised => "the board does not know this program's key; pair them first",
            Self::NotPairing => "the board does not pair now; press its button first",
            Self::Locked => "the device is locked for a time: there were too many strangers",
        })
    }
}

/// A group that a board has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersion {
    /// Number of the group.
    pub group: u8,
    /// Version of its messages.
    pub version: u8,
}

/// A board and its image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the firmware.
    pub version: u16,
    /// The groups of messages that the firmware has.
    pub groups: Vec<GroupVersion, MAX_GROUPS>,
    /// Name of the board.
    pub board: String<MAX_BOARD_NAME>,
    /// Name of the network.
    pub network: String<{ format::network::MAX_NAME }>,
    /// Digest of the image.
    pub image: [u8; 32],
    /// Height, width and channels of the crop it takes.
    pub crop: [u16; 3],
    /// Elements of an embedding.
    pub dimension: u16,
    /// People enrolled.
    pub people: u16,
    /// Whether the image has networks that find and examine faces in frames.
    pub has_eyes: bool,
    /// Bytes of the largest frame that the board can hold; 0 if it has no memory for frames.
    pub frame_bytes: u32,
    /// Instructions from the board's start until it could answer a request (digests, checks, dry run of the plan).
    /// Cycles on boards that count cycles.
    pub start_instructions: u64,
    /// Why the board cannot recognise anybody until it is served; empty if it can. Without an image that runs, the board
    /// has no network: its name is empty, and crop and dimension are 0.
    pub trouble: Text,
}

impl Hello {
    /// Version of a group's messages, if the board has the group.
    pub fn version_of(&self, group: Group) -> Option<u8> {
        self.groups.iter().find(|known| known.group == group as u8).map(|known| known.version)
    }
}

/// The cost of a task on the board, without waiting for the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Instructions of the embedding; cycles on boards that count cycles.
    pub embed_instructions: u64,
    /// Instructions of the decision and of the shown confidence; 0 if only the embedding was requested.
    pub match_instructions: u64,
    /// Bytes of arena in use.
    pub arena_bytes: u32,
    /// Most bytes of stack ever in use.
    pub stack_bytes: u32,
}

/// Whether a probe is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ruling {
    /// The probe is the nearest person.
    Accepted,
    /// The nearest person is not near enough.
    TooFar,
    /// Somebody else is nearly as near.
    Ambiguous,
    /// Nobody is enrolled.
    NobodyEnrolled,
    /// The embedding has no direction: a broken network or a broken camera.
    Degenerate,
}

/// An enrolled person near a probe, or a stranger of the cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Name; empty for a stranger of the cohort.
    pub name: String<{ format::gallery::MAX_NAME }>,
    /// Cosine of the angle to their centre, Q30.
    pub cosine_q30: i32,
    /// That angle in degrees, for display: within 0.1°.
    pub angle_degrees: f32,
}

/// The decision on a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it is accepted.
    pub ruling: Ruling,
    /// Whether an accepted probe is so near to its person that no other enrolled person can be within the margin.
    pub certified: bool,
    /// Probability that it is the nearest person and not another enrolled one, for display: ArcFace's posterior, 0 to
    /// 1.
    pub confidence: f32,
    /// The nearest enrolled person.
    pub best: Option<Neighbour>,
    /// The nearest other person, or a stranger of the cohort if one is nearer.
    pub runner_up: Option<Neighbour>,
}

/// A decision and its cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recognised {
    /// The decision.
    pub decision: Decision,
    /// Its cost.
    pub cost: Cost,
}

/// When a face is examined and decided on. Every frame is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attention {
    /// The frame stands alone: its largest face is examined, and decided on if it is fit.
    Photo,
    /// The frame follows the one before. A face is followed, and examined in every frame from the one on that is given
    /// here (1: the first in which it is found), until it is fit and decided on, or the photo check refuses it; then not
    /// again until it is lost.
    Video {
        /// Number of that frame.
        steady: u8,
    },
}

/// A frame to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Pixels of a row. Rows follow each other without a gap.
    pub width: u16,
    /// Number of rows.
    pub height: u16,
    /// Format of its pixels.
    pub format: PixelFormat,
    /// Whether the rows follow over the link. Otherwise the frame lies in the board's memory for frames already.
    pub is_sent: bool,
    /// When a face is examined and decided on.
    pub attention: Attention,
}

/// What was seen in a frame. Places are in 1/256 pixel, whole numbers are centres of pixels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Number of faces found.
    pub faces: u8,
    /// The face that is followed, or the largest.
    pub face: Option<SeenFace>,
    /// Cost of the frame.
    pub cost: SightCost,
}

/// A face that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenFace {
    /// Frames, one after another, in which it was found.
    pub frames: u32,
    /// Left, top, right and bottom of its box.
    pub bounds_q8: [i32; 4],
    /// How sure the detector is, 0 to 1.
    pub score_q16: u16,
    /// What was seen when it was examined; `None` if it was not.
    pub look: Option<Examined>,
}

/// A face that was examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// x and y of left eye, right eye, tip of the nose, left and right corner of the mouth, as seen.
    pub points_q8: [[i32; 2]; 5],
    /// Measurements; `None` when the landmarks cannot belong to a face.
    pub quality: Option<Quality>,
    /// How likely it is alive by the photo check, 0 to 1; `None` if the image has none, or the face was refused before.
    pub alive_q16: Option<u16>,
    /// The first reason why it is not fit to be decided on.
    pub refusal: Option<Refusal>,
    /// The decision on it; `None` if it was refused.
    pub decided: Option<Decided>,
}

/// A face that was decided on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// FNV-1a, 32 bits, of the embedding's elements, little-endian: tells whether two embeddings are the same.
    pub embedding_check: u32,
    /// The decision.
    pub decision: Decision,
}

/// The cost of a frame on the board, without waiting for the link. Instructions are cycles on boards that count cycles; 0
/// for a stage that was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SightCost {
    /// Instructions to find faces.
    pub scan_instructions: u64,
    /// Instructions to examine the face.
    pub look_instructions: u64,
    /// Instructions of the photo check.
    pub alive_instructions: u64,
    /// Instructions to cut the face out of the frame, upright.
    pub crop_instructions: u64,
    /// Instructions of the embedding.
    pub embed_instructions: u64,
    /// Instructions of the decision and of the shown confidence.
    pub match_instructions: u64,
    /// Bytes of arena in use.
    pub arena_bytes: u32,
    /// Most bytes of stack ever in use.
    pub stack_bytes: u32,
}

/// A message whose body is not parsed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Number of the group.
    pub group: u8,
    /// Number in the group.
    pub number: u8,
    /// The turn.
    pub turn: u32,
    /// The rest.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Splits a message. `None` if it is too short.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[group, number, turn @ ..], body) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        Some(Message { group, number, turn: u32::from_le_bytes(turn), body })
    }

    /// Whether a board sent it.
    pub fn is_reply(&self) -> bool {
        self.number & REPLY != 0
    }

    /// Reads a host's message.
    ///
    /// # Errors
    /// The reason why a board of this version cannot carry it out.
    pub fn request(&self) -> Result<Request<'a>, Objection> {
        use Group::{Control, Events, People, Recognise, Session, Update};
        Ok(match (self.known_group()?, self.number) {
            (Control, HELLO) => Request::Hello,
            (Control, ABORT) => self.bare(Request::Abort)?,
            (Control, STATUS) => self.bare(Request::Status)?,
            (Control, TEST) => Request::Test(self.read()?),
            (Recognise, RECOGNISE) => self.bare(Request::Recognise)?,
            (Recognise, EMBED) => self.bare(Request::Embed)?,
            (Recognise, PIXELS) => {
                let (row, pixels) = self.read()?;
                Request::Pixels(row, pixels)
            }
            (Recognise, SEE) => Request::See(self.read()?),
            (People, _) => Request::People(PeopleRequest::parse(self)?),
            (Update, _) => Request::Update(UpdateRequest::parse(self)?),
            (Session, _) => Request::Session(SessionRequest::parse(self)?),
            (Control | Recognise | Events, _) => return Err(Objection::UnknownNumber),
        })
    }

    /// Reads a board's message.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn reply(&self) -> Result<Reply, Objection> {
        use Group::{Control, Events, People, Recognise, Session, Update};
        if !self.is_reply() {
            return Err(Objection::UnknownNumber);
        }
        Ok(match (self.known_group()?, self.number & !REPLY) {
            (Control, HELLO) => match postcard::take_from_bytes(self.body) {
                Ok((VERSION, _)) => Reply::Hello(self.read()?),
                Ok((version, _)) => Reply::OtherVersion(version),
                Err(_) => return Err(Objection::Malformed),
            },
            (Control, IDLE) => self.bare(Reply::Idle)?,
            (Control, REFUSED) => Reply::Refused(self.read()?),
            (Control, FAILED) => Reply::Failed(self.read()?),
            (Control, TESTED) => Reply::Tested(self.read()?),
            (Recognise, ROW) => Reply::Row(self.read()?),
            (Recognise, WORKING) => self.bare(Reply::Working)?,
            (Recognise, EMBEDDING) => Reply::Embedding(self.read()?),
            (Recognise, EMBEDDED) => Reply::Embedded(self.read()?),
            (Recognise, RECOGNISED) => Reply::Recognised(self.read()?),
            (Recognise, SEEN) => Reply::Seen(self.read()?),
            (Recognise, VERDICT) => Reply::Verdict(self.read()?),
            (People, _) => Reply::People(PeopleReply::parse(self)?),
            (Update, _) => Reply::Update(UpdateReply::parse(self)?),
            (Events, _) => Reply::Notice(Notice::parse(self)?),
            (Session, _) => Reply::Session(SessionReply::parse(self)?),
            (Control | Recognise, _) => return Err(Objection::UnknownNumber),
        })
    }

    fn known_group(&self) -> Result<Group, Objection> {
        use Group::{Control, Events, People, Recognise, Session, Update};
        let group = [Control, Recognise, People, Update, Events, Session].into_iter().nth(self.group.into());
        group.ok_or(Objection::UnknownGroup)
    }

    fn bare<T>(&self, content: T) -> Result<T, Objection> {
        if self.body.is_empty() { Ok(content) } else { Err(Objection::Malformed) }
    }

    /// The whole body as an array.
    fn array<const N: usize>(&self) -> Result<[u8; N], Objection> {
        self.body.try_into().map_err(|_| Objection::Malformed)
    }

    /// Parses the whole body.
    fn read<T: Deserialize<'a>>(&self) -> Result<T, Objection> {
        match postcard::take_from_bytes(self.body) {
            Ok((content, [])) => Ok(content),
            _ => Err(Objection::Malformed),
        }
    }
}

impl Request<'_> {
    /// Writes the message into a buffer. [`MAX_PLAIN_BYTES`](crate::MAX_PLAIN_BYTES) are always enough.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when it does not fit.
    pub fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        use Group::{Control, Recognise};
        match self {
            Request::Hello => write(Control, HELLO, turn, &(), buffer),
            Request::Abort => write(Control, ABORT, turn, &(), buffer),
            Request::Status => write(Control, STATUS, turn, &(), buffer),
            Request::Test(test) => write(Control, TEST, turn, test, buffer),
            Request::Recognise => write(Recognise, RECOGNISE, turn, &(), buffer),
            Request::Embed => write(Recognise, EMBED, turn, &(), buffer),
            Request::Pixels(row, pixels) => write(Recognise, PIXELS, turn, &(row, pixels), buffer),
            Request::See(view) => write(Recognise, SEE, turn, view, buffer),
            Request::People(request) => request.emit(turn, buffer),
            Request::Update(request) => request.emit(turn, buffer),
            Request::Session(request) => request.emit(turn, buffer),
        }
    }
}

impl Reply {
    /// Writes the message into a buffer. [`MAX_PLAIN_REPLY_BYTES`](crate::MAX_PLAIN_REPLY_BYTES) are always enough.
    ///
    /// # Errors
    /// [`FrameError::TooLong`] when it does not fit.
    pub fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        use Group::{Control, Recognise};
        match self {
            Reply::Hello(hello) => write(Control, REPLY | HELLO, turn, hello, buffer),
            Reply::OtherVersion(version) => write(Control, REPLY | HELLO, turn, version, buffer),
            Reply::Idle => write(Control, REPLY | IDLE, turn, &(), buffer),
            Reply::Refused(objection) => write(Control, REPLY | REFUSED, turn, objection, buffer),
            Reply::Failed(why) => write(Control, REPLY | FAILED, turn, why, buffer),
            Reply::Tested(tested) => write(Control, REPLY | TESTED, turn, tested, buffer),
            Reply::Row(row) => write(Recognise, REPLY | ROW, turn, row, buffer),
            Reply::Working => write(Recognise, REPLY | WORKING, turn, &(), buffer),
            Reply::Embedding(part) => write(Recognise, REPLY | EMBEDDING, turn, part, buffer),
            Reply::Embedded(cost) => write(Recognise, REPLY | EMBEDDED, turn, cost, buffer),
            Reply::Recognised(recognised) => write(Recognise, REPLY | RECOGNISED, turn, recognised, buffer),
            Reply::Seen(seen) => write(Recognise, REPLY | SEEN, turn, seen, buffer),
            Reply::Verdict(verdict) => write(Recognise, REPLY | VERDICT, turn, verdict, buffer),
            Reply::People(reply) => reply.emit(turn, buffer),
            Reply::Update(reply) => reply.emit(turn, buffer),
            Reply::Notice(notice) => notice.emit(turn, buffer),
            Reply::Session(reply) => reply.emit(turn, buffer),
        }
    }
}

fn write<'b>(
    group: Group,
    number: u8,
    turn: u32,
    body: &impl Serialize,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], FrameError> {
    let (header, rest) = buffer.split_first_chunk_mut::<HEADER_BYTES>().ok_or(FrameError::TooLong)?;
    let [t0, t1, t2, t3] = turn.to_le_bytes();
    *header = [group as u8, number, t0, t1, t2, t3];
    let body_bytes = postcard::to_slice(body, rest).map_err(|_| FrameError::TooLong)?.len();
    buffer.get(..HEADER_BYTES + body_bytes).ok_or(FrameError::TooLong)
}

#[cfg(test)]
mod pins;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use format::gates::Gate;

    use super::*;
    use crate::{MAX_PLAIN_BYTES, MAX_PLAIN_REPLY_BYTES, MAX_ROW_BYTES};

    const TURN: u32 = 0x0403_0201;

    fn text<const N: usize>(content: &str) -> String<N> {
        content.try_into().unwrap()
    }

    fn cost() -> Cost {
        Cost { embed_instructions: 300, match_instructions: 2, arena_bytes: 3, stack_bytes: 4 }
    }

    fn hello() -> Hello {
        Hello {
            version: VERSION,
            groups: [GroupVersion { group: 0, version: 3 }, GroupVersion { group: 1, version: 1 }]
                .into_iter()
                .collect(),
            board: text("b"),
            network: text("n"),
            image: [9; 32],
            crop: [112, 112, 3],
            dimension: 512,
            people: 2,
            has_eyes: true,
            frame_bytes: 300,
            start_instructions: 129,
            trouble: text("?"),
        }
    }

    fn recognised(ruling: Ruling) -> Recognised {
        let best = Neighbour { name: text("Ada"), cosine_q30: -2, angle_degrees: 1.0 };
        let decision =
            Decision { ruling, certified: true, confidence: 1.0, best: Some(best), runner_up: None };
        Recognised { decision, cost: cost() }
    }

    /// Group, number and turn: the first bytes of every message.
    fn bytes(group: u8, number: u8, body: &[u8]) -> Vec<u8> {
        [&[group, number, 1, 2, 3, 4], body].concat()
    }

    fn requests() -> Vec<(Request<'static>, Vec<u8>)> {
        std::vec![
            (Request::Hello, bytes(0, 0x00, &[])),
            (Request::Abort, bytes(0, 0x01, &[])),
            (Request::Status, bytes(0, 0x02, &[])),
            (Request::Recognise, bytes(1, 0x00, &[])),
            (Request::Embed, bytes(1, 0x01, &[])),
            (Request::Pixels(300, &[7, 0, 8]), bytes(1, 0x02, &[0xac, 0x02, 3, 7, 0, 8])),
            (Request::See(view()), bytes(1, 0x03, &[0xc0, 0x02, 0xf0, 0x01, 2, 1, 0])),
            (
                Request::See(View {
                    format: PixelFormat::Grey,
                    is_sent: false,
                    attention: Attention::Video { steady: 3 },
                    ..view()
                }),
                bytes(1, 0x03, &[0xc0, 0x02, 0xf0, 0x01, 4, 0, 1, 3]),
            ),
        ]
    }

    fn view() -> View {
        let (format, attention) = (PixelFormat::Yuv422, Attention::Photo);
        View { width: 320, height: 240, format, is_sent: true, attention }
    }

    /// A face that was seen, and the bytes of all its fields but the last two: the refusal and the decision.
    fn seen(refusal: Option<Refusal>, decided: Option<Decided>) -> (Seen, Vec<u8>) {
        let quality = Quality {
            yaw_d16: -1,
            pitch_d16: 2,
            roll_d16: 64,
            eyes_q8: 300,
            moved_q16: 5,
            sharpness_q16: 6,
            brightness_q8: 7,
            contrast_q8: 8,
            clipped_q16: 9,
        };
        let look = Examined {
            points_q8: [[1, -1], [2, -2], [3, -3], [4, -4], [5, 64]],
            quality: Some(quality),
            alive_q16: Some(300),
            refusal,
            decided,
        };
        let face = SeenFace { frames: 3, bounds_q8: [-128, 0, 1, 64], score_q16: 0x80, look: Some(look) };
        let bytes = std::vec![
            2, 1, 3, 0xff, 0x01, 0, 2, 0x80, 0x01, 0x80, 0x01, 1, 2, 1, 4, 3, 6, 5, 8, 7, 10, 0x80, 0x01, 1,
            1, 4, 0x80, 0x01, 0xac, 0x02, 5, 6, 7, 8, 9, 1, 0xac, 0x02
        ];
        let cost = SightCost {
            scan_instructions: 1,
            look_instructions: 2,
            alive_instructions: 3,
            crop_instructions: 4,
            embed_instructions: 5,
            match_instructions: 6,
            arena_bytes: 7,
            stack_bytes: 8,
        };
        (Seen { faces: 2, face: Some(face), cost }, bytes)
    }

    fn replies() -> Vec<(Reply, Vec<u8>)> {
        let mut replies = std::vec![
            (
                Reply::Hello(hello()),
                bytes(
                    0,
                    0x80,
                    &[
                        &[6, 2, 0, 3, 1, 1, 1, b'b', 1, b'n'][..],
                        &[9; 32],
                        &[112, 112, 3, 0x80, 0x04, 2, 1, 0xac, 0x02, 0x81, 0x01, 1, b'?'],
                    ]
                    .concat(),
                ),
            ),
            (Reply::OtherVersion(7), bytes(0, 0x80, &[7])),
            (Reply::Idle, bytes(0, 0x81, &[])),
            (Reply::Failed(text("no")), bytes(0, 0x83, &[2, b'n', b'o'])),
            (Reply::Row(300), bytes(1, 0x80, &[0xac, 0x02])),
            (Reply::Working, bytes(1, 0x81, &[])),
            (
                Reply::Embedding([1, -1, 0, 64].into_iter().collect()),
                bytes(1, 0x82, &[4, 2, 1, 0, 0x80, 0x01]),
            ),
            (Reply::Embedded(cost()), bytes(1, 0x83, &[0xac, 0x02, 2, 3, 4])),
        ];
        let objections = [
            Objection::Damaged,
            Objection::TooLong,
            Objection::UnknownGroup,
            Objection::UnknownNumber,
            Objection::Malformed,
            Objection::NoTask,
            Objection::RowLength,
            Objection::NoEyes,
            Objection::Frame,
            Objection::NeedsSession,
            Objection::NotSealed,
            Objection::NoSession,
            Objection::Seal,
            Objection::Unauthorised,
            Objection::NotPairing,
            Objection::Locked,
        ];
        replies.push((Reply::Refused(Objection::Wait(60)), bytes(0, 0x82, &[16, 60])));
        replies
            .extend((0..).zip(objections).map(|(code, why)| (Reply::Refused(why), bytes(0, 0x82, &[code]))));
        let rulings =
            [Ruling::Accepted, Ruling::TooFar, Ruling::Ambiguous, Ruling::NobodyEnrolled, Ruling::Degenerate];
        replies.extend((0..).zip(rulings).map(|(code, ruling)| {
            let body = [
                &[code, 1, 0, 0, 0x80, 0x3f, 1, 3, b'A', b'd', b'a', 3, 0, 0, 0x80, 0x3f][..],
                &[0, 0xac, 0x02, 2, 3, 4],
            ];
            (Reply::Recognised(recognised(ruling)), bytes(1, 0x84, &body.concat()))
        }));
        replies.push((Reply::Verdict(Verdict::Accepted(300)), bytes(1, 0x86, &[0, 0xac, 0x02])));
        replies.push((Reply::Verdict(Verdict::NotAccepted), bytes(1, 0x86, &[1])));
        let cost = [1, 2, 3, 4, 5, 6, 7, 8];
        replies.push((Reply::Seen(Seen::default()), bytes(1, 0x85, &[0; 10])));
        replies.extend((0..).zip(Gate::ALL).map(|(code, gate)| {
            let (seen, start) = seen(Some(Refusal { gate, figure: -2, limit: 300 }), None);
            let body = [&start[..], &[1, code, 3, 0xac, 0x02, 0], &cost].concat();
            (Reply::Seen(seen), bytes(1, 0x85, &body))
        }));
        let decision = recognised(Ruling::Accepted).decision;
        let (seen, start) = seen(None, Some(Decided { embedding_check: 128, decision }));
        let decided =
            [0, 1, 0x80, 0x01, 0, 1, 0, 0, 0x80, 0x3f, 1, 3, b'A', b'd', b'a', 3, 0, 0, 0x80, 0x3f, 0];
        replies.push((Reply::Seen(seen), bytes(1, 0x85, &[&start[..], &decided, &cost].concat())));
        replies
    }

    #[test]
    fn requests_are_pinned_byte_for_byte() {
        for (request, bytes) in requests() {
            let mut buffer = [0xa5; 64];
            assert_eq!(request.emit(TURN, &mut buffer).unwrap(), bytes);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!((message.turn, message.is_reply()), (TURN, false));
            assert_eq!(message.request(), Ok(request));
            assert!(message.reply().is_err());
        }
    }

    #[test]
    fn replies_are_pinned_byte_for_byte() {
        for (reply, bytes) in replies() {
            let mut buffer = [0xa5; 128];
            assert_eq!(reply.emit(TURN, &mut buffer).unwrap(), bytes);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!((message.turn, message.is_reply()), (TURN, true));
            assert_eq!(message.reply(), Ok(reply));
            assert!(message.request().is_err());
        }
    }

    #[test]
    fn groups_and_numbers_that_this_version_lacks_are_refused() {
        let request = |group, number| Message { group, number, turn: 1, body: &[] }.request();
        let reply = |group, number| Message { group, number, turn: 1, body: &[] }.reply();
        assert_eq!(request(6, 0), Err(Objection::UnknownGroup));
        assert_eq!(reply(6, REPLY), Err(Objection::UnknownGroup));
        for number in 0..=u8::MAX {
            assert_eq!(request(Group::Events as u8, number), Err(Objection::UnknownNumber));
        }
        for (group, first) in [(Group::People, 17), (Group::Update, 6), (Group::Session, 5)] {
            for number in first..=u8::MAX {
                assert_eq!(request(group as u8, number), Err(Objection::UnknownNumber));
            }
        }
        for (group, first) in
            [(Group::People, 11), (Group::Update, 3), (Group::Events, 2), (Group::Session, 5)]
        {
            for number in first..REPLY {
                assert_eq!(reply(group as u8, REPLY | number), Err(Objection::UnknownNumber));
            }
        }
        assert_eq!(request(255, 0), Err(Objection::UnknownGroup));
        for group in [Group::Control, Group::Recognise] {
            assert_eq!(request(group as u8, 4), Err(Objection::UnknownNumber));
            assert_eq!(reply(group as u8, REPLY | 7), Err(Objection::UnknownNumber));
        }
    }

    #[test]
    fn damaged_bodies_are_malformed() {
        for (request, bytes) in requests() {
            for cut in HEADER_BYTES..bytes.len() {
                assert_eq!(Message::parse(&bytes[..cut]).unwrap().request(), Err(Objection::Malformed));
            }
            let longer = [&bytes[..], &[0]].concat();
            let message = Message::parse(&longer).unwrap();
            // Later versions may add to it.
            let expected =
                if request == Request::Hello { Ok(Request::Hello) } else { Err(Objection::Malformed) };
            assert_eq!(message.request(), expected);
        }
        for (reply, bytes) in replies() {
            if let Reply::OtherVersion(_) = reply {
                continue;
            }
            for cut in HEADER_BYTES..bytes.len() {
                assert_eq!(Message::parse(&bytes[..cut]).unwrap().reply(), Err(Objection::Malformed));
            }
            let longer = [&bytes[..], &[0]].concat();
            assert_eq!(Message::parse(&longer).unwrap().reply(), Err(Objection::Malformed));
        }
        for length in 0..HEADER_BYTES {
            assert_eq!(Message::parse(&[0; HEADER_BYTES][..length]), None);
        }
    }

    #[test]
    fn hello_of_another_version_tells_its_version_whatever_follows() {
        let bytes = bytes(0, 0x80, &[0x80, 0x02, 1, 2, 3]);
        assert_eq!(Message::parse(&bytes).unwrap().reply(), Ok(Reply::OtherVersion(256)));
    }

    #[test]
    fn longest_messages_fit() {
        let row = [0xff; MAX_ROW_BYTES];
        let mut buffer = [0xa5; MAX_PLAIN_BYTES];
        let longest = Request::Pixels(u16::MAX, &row).emit(TURN, &mut buffer).unwrap().len();
        // The length of the longest row takes two of the three bytes reserved for it.
        assert_eq!(longest, MAX_PLAIN_BYTES - 1);

        let long = |count: usize| "x".repeat(count);
        let neighbour =
            Neighbour { name: text(&long(64)), cosine_q30: i32::MIN, angle_degrees: f32::NEG_INFINITY };
        let decision = Decision {
            ruling: Ruling::Degenerate,
            certified: true,
            confidence: 1.0,
            best: Some(neighbour.clone()),
            runner_up: Some(neighbour),
        };
        let cost = Cost {
            embed_instructions: u64::MAX,
            match_instructions: u64::MAX,
            arena_bytes: u32::MAX,
            stack_bytes: u32::MAX,
        };
        let group = GroupVersion { group: u8::MAX, version: u8::MAX };
        let replies = [
            Reply::Hello(Hello {
                version: u16::MAX,
                groups: [group; MAX_GROUPS].into_iter().collect(),
                board: text(&long(MAX_BOARD_NAME)),
                network: text(&long(format::network::MAX_NAME)),
                image: [u8::MAX; 32],
                crop: [u16::MAX; 3],
                dimension: u16::MAX,
                people: u16::MAX,
                has_eyes: true,
                frame_bytes: u32::MAX,
                start_instructions: u64::MAX,
                trouble: text(&long(MAX_TEXT)),
            }),
            Reply::Failed(text(&long(MAX_TEXT))),
            Reply::Embedding([i16::MIN; CHUNK].into_iter().collect()),
            Reply::Recognised(Recognised { decision: decision.clone(), cost }),
            Reply::Seen(Seen {
                faces: u8::MAX,
                face: Some(SeenFace {
                    frames: u32::MAX,
                    bounds_q8: [i32::MIN; 4],
                    score_q16: u16::MAX,
                    look: Some(Examined {
                        points_q8: [[i32::MIN; 2]; 5],
                        quality: Some(Quality {
                            yaw_d16: i16::MIN,
                            pitch_d16: i16::MIN,
                            roll_d16: i16::MIN,
                            eyes_q8: u32::MAX,
                            moved_q16: u16::MAX,
                            sharpness_q16: u32::MAX,
                            brightness_q8: u16::MAX,
                            contrast_q8: u16::MAX,
                            clipped_q16: u32::MAX,
                        }),
                        alive_q16: Some(u16::MAX),
                        refusal: Some(Refusal { gate: Gate::Alive, figure: i32::MIN, limit: u16::MAX }),
                        decided: Some(Decided { embedding_check: u32::MAX, decision }),
                    }),
                }),
                cost: SightCost {
                    scan_instructions: u64::MAX,
                    look_instructions: u64::MAX,
                    alive_instructions: u64::MAX,
                    crop_instructions: u64::MAX,
                    embed_instructions: u64::MAX,
                    match_instructions: u64::MAX,
                    arena_bytes: u32::MAX,
                    stack_bytes: u32::MAX,
                },
            }),
        ];
        for reply in replies {
            assert!(reply.emit(u32::MAX, &mut [0; MAX_PLAIN_REPLY_BYTES]).is_ok(), "{reply:?}");
        }
    }
}
