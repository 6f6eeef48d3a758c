//! Messages: commands of a controller, replies and notes of a device.
//!
//! Numbers of two bytes are big-endian, apart from those of [`FaceState`]. A name is a field of 32 bytes, filled up with
//! zero bytes. A reply has the id 0 and holds the command's number, an [`Outcome`], and what the table says; a note has
//! the id 1.
//!
//! | number | command | its data | data of its reply |
//! |---|---|---|---|
//! | 0x10 | [`Command::Reset`] | | |
//! | 0x11 | [`Command::Status`] | | [`Status`] |
//! | 0x12 | [`Command::Verify`] | whether to power down, seconds | id, name, administrator, 200 |
//! | 0x13 | [`Command::Enrol`] | administrator, name, direction, seconds | id, directions |
//! | 0x1d | [`Command::Enrol`], one shot | as 0x13, without a meaning of the direction | id, directions |
//! | 0x26 | [`Command::Enrol`], either | administrator, name, direction, 1 for one shot, 1 for a face that is enrolled already, seconds, three zero bytes | id, directions |
//! | 0x20 | [`Command::Delete`] | id | |
//! | 0x21 | [`Command::DeleteAll`] | | |
//! | 0x22 | [`Command::Person`] | id | id, name, administrator |
//! | 0x23 | [`Command::ForgetShots`] | | |
//! | 0x24 | [`Command::Ids`] | | their number (one byte), ids |
//! | 0x30 | [`Command::Version`] | | text |
//! | 0x93 | [`Command::Serial`] | | text |

use heapless::{String, Vec};

use crate::frame::{Frame, MAX_COMMAND_FRAME_BYTES, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES, emit};

/// Bytes of a name's field.
pub const NAME_FIELD_BYTES: usize = 32;

/// Most ids in a reply.
pub const MAX_IDS: usize = (MAX_REPLY_BYTES - 3) / 2;

/// Longest text of a version or a serial number, in bytes.
pub const MAX_TEXT_BYTES: usize = 32;

/// Stands for the id of a person who is not enrolled yet, as shots are missing.
pub const NO_ID: u16 = 0xffff;

/// Greatest id on the wire. Controllers take greater ones for negative numbers, and do not delete them.
pub const MAX_ID: u16 = 0x7fff;

/// All five directions.
pub const ALL_DIRECTIONS: u8 = 0x1f;

const REPLY: u8 = 0x00;
const NOTE: u8 = 0x01;
const READY: u8 = 0x00;
const FACE: u8 = 0x01;
/// Last byte of a reply to 0x12: the eyes were open. Modules say 204 for closed eyes, if asked to allow them.
const EYES_OPEN: u8 = 200;

const ENROL: u8 = 0x13;
const ENROL_ONE_SHOT: u8 = 0x1d;
const ENROL_EITHER: u8 = 0x26;

/// A person's id on the wire: the device's own, if it is at most [`MAX_ID`]. No greater id can be said, as two people
/// would share one.
pub fn wire_id(id: u32) -> Option<u16> {
    u16::try_from(id).ok().filter(|&id| id <= MAX_ID)
}

/// A name on the wire: at most 32 bytes, and in messages that this crate makes at most 31, so that a zero ends it.
pub type Name = String<NAME_FIELD_BYTES>;

/// The beginning of a name that fits, cut between characters. Control characters are left out, as names on the wire have none.
pub fn wire_name(name: &str) -> Name {
    let mut cut = Name::new();
    let characters = name.chars().take_while(|&character| character != '\0');
    for character in characters.filter(|character| !character.is_control()) {
        if cut.len() + character.len_utf8() >= NAME_FIELD_BYTES || cut.push(character).is_err() {
            break;
        }
    }
    cut
}

/// The result of a command. Modules document all of these; this device sends those that [`Failure`](crate::Failure) names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// Done.
    Ok = 0x00,
    /// Not permitted, not known or not possible now. To a verification: the face is of nobody who is enrolled.
    Rejected = 0x01,
    /// The device ended the task.
    Aborted = 0x02,
    /// No picture comes from the camera.
    Camera = 0x04,
    /// Another reason.
    Unknown = 0x05,
    /// Data that has no meaning.
    InvalidParameter = 0x06,
    /// Too little memory.
    NoMemory = 0x07,
    /// There is no such person, or nobody is enrolled.
    UnknownUser = 0x08,
    /// No more people can be enrolled.
    Full = 0x09,
    /// The face is enrolled already.
    AlreadyEnrolled = 0x0a,
    /// The face is not taken for a live one.
    NotLive = 0x0c,
    /// There was no usable face in time.
    TimeOut = 0x0d,
    /// The module's own licence is missing.
    Authorisation = 0x0e,
    /// A file cannot be read.
    ReadFailed = 0x13,
    /// A file cannot be written.
    WriteFailed = 0x14,
    /// The module asks for encryption.
    NotEncrypted = 0x15,
    /// There is no colour picture.
    NoColour = 0x17,
    /// A photo is too large.
    PhotoTooLarge = 0x18,
    /// A photo is too small.
    PhotoTooSmall = 0x19,
}

impl Outcome {
    /// All outcomes, by number.
    pub const ALL: [Outcome; 19] = [
        Outcome::Ok,
        Outcome::Rejected,
        Outcome::Aborted,
        Outcome::Camera,
        Outcome::Unknown,
        Outcome::InvalidParameter,
        Outcome::NoMemory,
        Outcome::UnknownUser,
        Outcome::Full,
        Outcome::AlreadyEnrolled,
        Outcome::NotLive,
        Outcome::TimeOut,
        Outcome::Authorisation,
        Outcome::ReadFailed,
        Outcome::WriteFailed,
        Outcome::NotEncrypted,
        Outcome::NoColour,
        Outcome::PhotoTooLarge,
        Outcome::PhotoTooSmall,
    ];

    /// The outcome with this number.
    pub fn parse(number: u8) -> Option<Outcome> {
        Self::ALL.into_iter().find(|&outcome| outcome as u8 == number)
    }
}

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Waits for a command.
    Idle = 0,
    /// Carries a task out, for this controller or for another front end.
    Busy = 1,
    /// Cannot work.
    Broken = 2,
    /// Does not work yet.
    Starting = 3,
}

impl Status {
    /// The status with this number.
    pub fn parse(number: u8) -> Option<Status> {
        [Status::Idle, Status::Busy, Status::Broken, Status::Starting]
            .into_iter()
            .find(|&status| status as u8 == number)
    }
}

/// Where a person looks during a shot. The sides are those of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// Into the camera.
    Middle = 0x01,
    /// To the right.
    Right = 0x02,
    /// To the left.
    Left = 0x04,
    /// Down.
    Down = 0x08,
    /// Up.
    Up = 0x10,
}

impl Direction {
    /// The direction with this bit.
    pub fn parse(bit: u8) -> Option<Direction> {
        [Direction::Middle, Direction::Right, Direction::Left, Direction::Down, Direction::Up]
            .into_iter()
            .find(|&direction| direction as u8 == bit)
    }
}

/// An enrolment, as a controller asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrol {
    /// The command's number: 0x13, 0x1d or 0x26.
    pub number: u8,
    /// Whether the person is to be an administrator.
    pub is_admin: bool,
    /// The name; may be empty.
    pub name: Name,
    /// The direction of this shot, one of five; `None` if one shot is all.
    pub direction: Option<Direction>,
    /// Whether a face may be enrolled that is enrolled already. Only 0x26 can say so; the others permit it.
    pub may_repeat: bool,
    /// Time, in seconds; 0 for the device's choice.
    pub seconds: u8,
}

/// From controller to device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ends the current task.
    Reset,
    /// Asks what the device does.
    Status,
    /// Asks who stands in front of the camera.
    Verify {
        /// Whether the device may switch itself off afterwards.
        is_last: bool,
        /// Time, in seconds; 0 for the device's choice.
        seconds: u8,
    },
    /// Enrols a person, or takes one of the five shots for it.
    Enrol(Enrol),
    /// Deletes a person.
    Delete(u16),
    /// Deletes all people.
    DeleteAll,
    /// Asks for a person's name.
    Person(u16),
    /// Forgets the shots of an enrolment that is not complete.
    ForgetShots,
    /// Asks for the ids of all people.
    Ids,
    /// Asks for the version of the firmware.
    Version,
    /// Asks for the device's serial number.
    Serial,
}

/// Why a frame is no command, or no message of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// There is no such message.
    UnknownNumber,
    /// The data is too short, or has no meaning.
    Malformed,
}

impl core::fmt::Display for MessageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::UnknownNumber => "an unknown message",
            Self::Malformed => "a malformed message",
        })
    }
}

impl core::error::Error for MessageError {}

impl Command {
    /// The command's number, which its reply repeats.
    pub fn number(&self) -> u8 {
        match self {
            Self::Reset => 0x10,
            Self::Status => 0x11,
            Self::Verify { .. } => 0x12,
            Self::Enrol(enrol) => enrol.number,
            Self::Delete(_) => 0x20,
            Self::DeleteAll => 0x21,
            Self::Person(_) => 0x22,
            Self::ForgetShots => 0x23,
            Self::Ids => 0x24,
            Self::Version => 0x30,
            Self::Serial => 0x93,
        }
    }

    /// Reads a frame of a controller. Data after the command's own is ignored.
    ///
    /// # Errors
    /// [`MessageError`] when the frame is no command.
    pub fn parse(frame: Frame<'_>) -> Result<Command, MessageError> {
        Ok(match (frame.id, frame.data) {
            (0x10, _) => Command::Reset,
            (0x11, _) => Command::Status,
            (0x12, &[is_last, seconds, ..]) => Command::Verify { is_last: is_last != 0, seconds },
            (ENROL | ENROL_ONE_SHOT | ENROL_EITHER, data) => Command::Enrol(parse_enrol(frame.id, data)?),
            (0x20, &[high, low, ..]) => Command::Delete(u16::from_be_bytes([high, low])),
            (0x21, _) => Command::DeleteAll,
            (0x22, &[high, low, ..]) => Command::Person(u16::from_be_bytes([high, low])),
            (0x23, _) => Command::ForgetShots,
            (0x24, _) => Command::Ids,
            (0x30, _) => Command::Version,
            (0x93, _) => Command::Serial,
            (0x12 | 0x20 | 0x22, _) => return Err(MessageError::Malformed),
            _ => return Err(MessageError::UnknownNumber),
        })
    }

    /// The command's frame.
    pub fn emit(&self) -> Vec<u8, MAX_COMMAND_FRAME_BYTES> {
        let mut data = Data::new();
        match self {
            Self::Verify { is_last, seconds } => data.put(&[u8::from(*is_last), *seconds]),
            Self::Enrol(enrol) => emit_enrol(enrol, &mut data),
            Self::Delete(id) | Self::Person(id) => data.put(&id.to_be_bytes()),
            _ => {}
        }
        emit(Frame { id: self.number(), data: data.bytes() }).unwrap_or_default()
    }
}

fn parse_enrol(number: u8, data: &[u8]) -> Result<Enrol, MessageError> {
    let malformed = MessageError::Malformed;
    let (&is_admin, rest) = data.split_first().ok_or(malformed)?;
    let (name, rest) = rest.split_first_chunk::<NAME_FIELD_BYTES>().ok_or(malformed)?;
    let (direction, may_repeat, seconds) = match (number, rest) {
        (ENROL_EITHER, &[_, 1, may_repeat, seconds, ..]) => (None, may_repeat != 0, seconds),
        // Without a direction a person looks into the camera.
        (ENROL_EITHER, &[0, 0, may_repeat, seconds, ..]) => {
            (Some(Direction::Middle), may_repeat != 0, seconds)
        }
        (ENROL_EITHER, &[direction, 0, may_repeat, seconds, ..]) => {
            (Some(Direction::parse(direction).ok_or(malformed)?), may_repeat != 0, seconds)
        }
        (ENROL_ONE_SHOT, &[_, seconds, ..]) | (ENROL, &[0, seconds, ..]) => (None, true, seconds),
        (ENROL, &[direction, seconds, ..]) => {
            (Some(Direction::parse(direction).ok_or(malformed)?), true, seconds)
        }
        _ => return Err(malformed),
    };
    let name = parse_name(name).ok_or(malformed)?;
    Ok(Enrol { number, is_admin: is_admin != 0, name, direction, may_repeat, seconds })
}

fn emit_enrol(enrol: &Enrol, data: &mut Data) {
    data.put(&[u8::from(enrol.is_admin)]);
    data.put_name(&enrol.name);
    data.put(&[enrol.direction.map_or(0, |direction| direction as u8)]);
    if enrol.number == ENROL_EITHER {
        data.put(&[u8::from(enrol.direction.is_none()), u8::from(enrol.may_repeat)]);
    }
    data.put(&[enrol.seconds]);
    if enrol.number == ENROL_EITHER {
        data.put(&[0; 3]);
    }
}

/// A name up to the first zero byte. `None` if it is not UTF-8, or has control characters.
fn parse_name(field: &[u8; NAME_FIELD_BYTES]) -> Option<Name> {
    let name = field.split(|&byte| byte == 0).next()?;
    let name = core::str::from_utf8(name).ok()?;
    if name.chars().any(char::is_control) {
        return None;
    }
    Name::try_from(name).ok()
}

/// A person, as a reply describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id, at most [`MAX_ID`].
    pub id: u16,
    /// The name.
    pub name: Name,
    /// Whether the person is an administrator.
    pub is_admin: bool,
}

/// From device to controller, in answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
// Replies live for one exchange, and only one at a time.
#[allow(clippy::large_enum_variant)]
pub enum Reply {
    /// The command of this number is carried out; its reply has no data.
    Done(u8),
    /// The command of this number is not carried out. The outcome is not [`Outcome::Ok`].
    Failed(u8, Outcome),
    /// What the device does.
    Status(Status),
    /// The person in front of the camera.
    Verified(User),
    /// The command of this number took a shot.
    Enrolled {
        /// The command's number: 0x13, 0x1d or 0x26.
        number: u8,
        /// The person's id, or [`NO_ID`] if shots are missing.
        id: u16,
        /// The directions of the shots that were taken, a bit each.
        directions: u8,
    },
    /// A person who is enrolled.
    Person(User),
    /// Ids of people.
    Ids(Vec<u16, MAX_IDS>),
    /// The version of the firmware.
    Version(String<MAX_TEXT_BYTES>),
    /// The device's serial number.
    Serial(String<MAX_TEXT_BYTES>),
}

impl Reply {
    /// Reads a reply.
    ///
    /// # Errors
    /// [`MessageError`] when the frame is no reply.
    pub fn parse(frame: Frame<'_>) -> Result<Reply, MessageError> {
        let malformed = MessageError::Malformed;
        let (&[number, outcome], data) = match (frame.id, frame.data.split_first_chunk::<2>()) {
            (REPLY, Some(parts)) => parts,
            (REPLY, None) => return Err(malformed),
            _ => return Err(MessageError::UnknownNumber),
        };
        let outcome = Outcome::parse(outcome).ok_or(malformed)?;
        if outcome != Outcome::Ok {
            return Ok(Reply::Failed(number, outcome));
        }
        Ok(match (number, data) {
            (0x10 | 0x20 | 0x21 | 0x23, _) => Reply::Done(number),
            (0x11, &[status, ..]) => Reply::Status(Status::parse(status).ok_or(malformed)?),
            (0x12, data) => Reply::Verified(parse_user(data).ok_or(malformed)?),
            (ENROL | ENROL_ONE_SHOT | ENROL_EITHER, &[high, low, directions, ..]) => {
                Reply::Enrolled { number, id: u16::from_be_bytes([high, low]), directions }
            }
            (0x22, data) => Reply::Person(parse_user(data).ok_or(malformed)?),
            (0x24, &[count, ref data @ ..]) => {
                let (ids, _) = data.as_chunks::<2>();
                let ids = ids.get(..usize::from(count)).ok_or(malformed)?;
                let mut list = Vec::new();
                list.extend(ids.iter().take(MAX_IDS).map(|&id| u16::from_be_bytes(id)));
                Reply::Ids(list)
            }
            (0x30, data) => Reply::Version(parse_text(data).ok_or(malformed)?),
            (0x93, data) => Reply::Serial(parse_text(data).ok_or(malformed)?),
            (ENROL | ENROL_ONE_SHOT | ENROL_EITHER | 0x11 | 0x24, _) => return Err(malformed),
            _ => return Err(MessageError::UnknownNumber),
        })
    }

    /// The reply's frame.
    pub fn emit(&self) -> Vec<u8, MAX_REPLY_FRAME_BYTES> {
        let mut data = Data::new();
        let number = match self {
            Self::Done(number) | Self::Failed(number, _) | Self::Enrolled { number, .. } => *number,
            Self::Status(_) => Command::Status.number(),
            Self::Verified(_) => Command::Verify { is_last: false, seconds: 0 }.number(),
            Self::Person(_) => Command::Person(0).number(),
            Self::Ids(_) => Command::Ids.number(),
            Self::Version(_) => Command::Version.number(),
            Self::Serial(_) => Command::Serial.number(),
        };
        let outcome = if let Self::Failed(_, outcome) = self { *outcome } else { Outcome::Ok };
        data.put(&[number, outcome as u8]);
        match self {
            Self::Done(_) | Self::Failed(..) => {}
            Self::Status(status) => data.put(&[*status as u8]),
            Self::Verified(user) => {
                data.put_user(user);
                data.put(&[EYES_OPEN]);
            }
            Self::Enrolled { id, directions, .. } => {
                data.put(&id.to_be_bytes());
                data.put(&[*directions]);
            }
            Self::Person(user) => data.put_user(user),
            Self::Ids(ids) => {
                // At most MAX_IDS.
                data.put(&[ids.len() as u8]);
                ids.iter().for_each(|id| data.put(&id.to_be_bytes()));
            }
            Self::Version(text) | Self::Serial(text) => data.put(text.as_bytes()),
        }
        emit(Frame { id: REPLY, data: data.bytes() }).unwrap_or_default()
    }
}

fn parse_user(data: &[u8]) -> Option<User> {
    let (&id, data) = data.split_first_chunk()?;
    let (name, data) = data.split_first_chunk()?;
    let is_admin = data.first().is_some_and(|&flag| flag != 0);
    Some(User { id: u16::from_be_bytes(id), name: parse_name(name)?, is_admin })
}

/// A text up to the first zero byte, as modules fill their texts up with zero bytes.
fn parse_text(data: &[u8]) -> Option<String<MAX_TEXT_BYTES>> {
    let text = data.split(|&byte| byte == 0).next()?;
    String::try_from(core::str::from_utf8(text).ok()?).ok()
}

/// What the camera shows, during a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Sight {
    /// A face that can be used.
    Face = 0,
    /// No face.
    NoFace = 1,
    /// A face too near the upper edge.
    TooHigh = 2,
    /// A face too near the lower edge.
    TooLow = 3,
    /// A face too near the left edge.
    TooLeft = 4,
    /// A face too near the right edge.
    TooRight = 5,
    /// A face that is too small.
    TooFar = 6,
    /// A face that is too large.
    TooClose = 7,
    /// Covered eyebrows.
    EyebrowsCovered = 8,
    /// Covered eyes.
    EyesCovered = 9,
    /// A covered face.
    FaceCovered = 10,
    /// A face that looks in another direction than asked.
    WrongDirection = 11,
}

/// A face in the picture. The only numbers of the protocol that are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaceState {
    /// What is to be told to the person: the number of a [`Sight`].
    pub sight: i16,
    /// Left edge of the box, in pixels of the frame. All four edges are 0 if there is no face.
    pub left: i16,
    /// Upper edge.
    pub top: i16,
    /// Right edge.
    pub right: i16,
    /// Lower edge.
    pub bottom: i16,
    /// Turned to the side, in degrees.
    pub yaw: i16,
    /// Inclined up or down, in degrees.
    pub pitch: i16,
    /// Inclined to the shoulder, in degrees.
    pub roll: i16,
}

impl FaceState {
    /// There is no face.
    pub const NO_FACE: FaceState = FaceState {
        sight: Sight::NoFace as i16,
        left: 0,
        top: 0,
        right: 0,
        bottom: 0,
        yaw: 0,
        pitch: 0,
        roll: 0,
    };
}

/// From device to controller, unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The device has started and waits for commands.
    Ready,
    /// What the camera shows.
    Face(FaceState),
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`MessageError`] when the frame is no note, or one that this crate does not know.
    pub fn parse(frame: Frame<'_>) -> Result<Note, MessageError> {
        match (frame.id, frame.data) {
            (NOTE, [READY, ..]) => Ok(Note::Ready),
            (NOTE, [FACE, fields @ ..]) => {
                let (fields, _) = fields.as_chunks::<2>();
                let fields = fields.first_chunk::<8>().ok_or(MessageError::Malformed)?;
                let [sight, left, top, right, bottom, yaw, pitch, roll] = fields.map(i16::from_le_bytes);
                Ok(Note::Face(FaceState { sight, left, top, right, bottom, yaw, pitch, roll }))
            }
            (NOTE, []) => Err(MessageError::Malformed),
            _ => Err(MessageError::UnknownNumber),
        }
    }

    /// The note's frame.
    pub fn emit(&self) -> Vec<u8, MAX_REPLY_FRAME_BYTES> {
        let mut data = Data::new();
        match *self {
            Note::Ready => data.put(&[READY]),
            Note::Face(FaceState { sight, left, top, right, bottom, yaw, pitch, roll }) => {
                data.put(&[FACE]);
                for field in [sight, left, top, right, bottom, yaw, pitch, roll] {
                    data.put(&field.to_le_bytes());
                }
            }
        }
        emit(Frame { id: NOTE, data: data.bytes() }).unwrap_or_default()
    }
}

/// A message's data while it is written. Every message fits.
struct Data(Vec<u8, MAX_REPLY_BYTES>);

impl Data {
    fn new() -> Self {
        Data(Vec::new())
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn put(&mut self, bytes: &[u8]) {
        let is_put = self.0.extend_from_slice(bytes);
        debug_assert!(is_put.is_ok());
    }

    fn put_name(&mut self, name: &str) {
        let mut field = [0; NAME_FIELD_BYTES];
        let name = wire_name(name);
        field.iter_mut().zip(name.as_bytes()).for_each(|(place, &byte)| *place = byte);
        self.put(&field);
    }

    fn put_user(&mut self, user: &User) {
        self.put(&user.id.to_be_bytes());
        self.put_name(&user.name);
        self.put(&[u8::from(user.is_admin)]);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::frame::{CommandDecoder, Decoder, ReplyDecoder};

    /// The only frame in these bytes.
    fn received<T, const N: usize>(
        mut decoder: Decoder<N>,
        bytes: &[u8],
        parse: fn(Frame<'_>) -> Result<T, MessageError>,
    ) -> Result<T, MessageError> {
        let (last, before) = bytes.split_last().unwrap();
        for &byte in before {
            assert_eq!(decoder.push(byte), None);
        }
        parse(decoder.push(*last).unwrap())
    }

    fn command(bytes: &[u8]) -> Result<Command, MessageError> {
        received(CommandDecoder::new(), bytes, Command::parse)
    }

    fn reply(bytes: &[u8]) -> Result<Reply, MessageError> {
        received(ReplyDecoder::new(), bytes, Reply::parse)
    }

    fn note(bytes: &[u8]) -> Result<Note, MessageError> {
        received(ReplyDecoder::new(), bytes, Note::parse)
    }

    fn enrol(number: u8, direction: Option<Direction>, may_repeat: bool) -> Command {
        let name = Name::try_from("Ada").unwrap();
        Command::Enrol(Enrol { number, is_admin: true, name, direction, may_repeat, seconds: 10 })
    }

    /// Four bytes of a name, and the zero bytes that fill its field up.
    fn with_name(before: &[u8], name: &[u8; 3], after: &[u8]) -> Vec<u8> {
        [before, name, &[0; NAME_FIELD_BYTES - 3], after].concat()
    }

    #[test]
    fn commands_are_pinned() {
        let pinned: [(Command, &[u8]); 14] = [
            (Command::Reset, &[0xef, 0xaa, 0x10, 0, 0, 0x10]),
            (Command::Status, &[0xef, 0xaa, 0x11, 0, 0, 0x11]),
            (Command::Verify { is_last: false, seconds: 0 }, &[0xef, 0xaa, 0x12, 0, 2, 0, 0, 0x10]),
            (Command::Verify { is_last: true, seconds: 255 }, &[0xef, 0xaa, 0x12, 0, 2, 1, 255, 0xee]),
            (
                enrol(0x13, Some(Direction::Up), true),
                &with_name(&[0xef, 0xaa, 0x13, 0, 35, 1], b"Ada", &[0x10, 10, 0x6f]),
            ),
            (enrol(0x13, None, true), &with_name(&[0xef, 0xaa, 0x13, 0, 35, 1], b"Ada", &[0, 10, 0x7f])),
            (enrol(0x1d, None, true), &with_name(&[0xef, 0xaa, 0x1d, 0, 35, 1], b"Ada", &[0, 10, 0x71])),
            (
                enrol(0x26, Some(Direction::Left), false),
                &with_name(&[0xef, 0xaa, 0x26, 0, 40, 1], b"Ada", &[4, 0, 0, 10, 0, 0, 0, 0x45]),
            ),
            (
                enrol(0x26, None, true),
                &with_name(&[0xef, 0xaa, 0x26, 0, 40, 1], b"Ada", &[0, 1, 1, 10, 0, 0, 0, 0x41]),
            ),
            (Command::Delete(0x0102), &[0xef, 0xaa, 0x20, 0, 2, 1, 2, 0x21]),
            (Command::DeleteAll, &[0xef, 0xaa, 0x21, 0, 0, 0x21]),
            (Command::Person(3), &[0xef, 0xaa, 0x22, 0, 2, 0, 3, 0x23]),
            (Command::Ids, &[0xef, 0xaa, 0x24, 0, 0, 0x24]),
            (Command::Serial, &[0xef, 0xaa, 0x93, 0, 0, 0x93]),
        ];
        for (value, bytes) in pinned {
            assert_eq!(value.emit(), bytes, "{value:?}");
            assert_eq!(command(bytes), Ok(value));
        }
        assert_eq!(Command::Version.emit(), [0xef, 0xaa, 0x30, 0, 0, 0x30]);
        assert_eq!(Command::ForgetShots.emit(), [0xef, 0xaa, 0x23, 0, 0, 0x23]);
    }

    #[test]
    fn replies_are_pinned() {
        let user = User { id: 0x0102, name: Name::try_from("Ada").unwrap(), is_admin: true };
        let ids = heapless::Vec::from_slice(&[1, 0x0203]).unwrap();
        let pinned: [(Reply, &[u8]); 10] = [
            (Reply::Done(0x10), &[0xef, 0xaa, 0, 0, 2, 0x10, 0, 0x12]),
            (Reply::Failed(0x12, Outcome::TimeOut), &[0xef, 0xaa, 0, 0, 2, 0x12, 0x0d, 0x1d]),
            (Reply::Status(Status::Busy), &[0xef, 0xaa, 0, 0, 3, 0x11, 0, 1, 0x13]),
            (
                Reply::Verified(user.clone()),
                &with_name(&[0xef, 0xaa, 0, 0, 38, 0x12, 0, 1, 2], b"Ada", &[1, 200, 0xba]),
            ),
            (
                Reply::Enrolled { number: 0x13, id: NO_ID, directions: 3 },
                &[0xef, 0xaa, 0, 0, 5, 0x13, 0, 0xff, 0xff, 3, 0x15],
            ),
            (Reply::Person(user), &with_name(&[0xef, 0xaa, 0, 0, 37, 0x22, 0, 1, 2], b"Ada", &[1, 0x41])),
            (Reply::Ids(ids), &[0xef, 0xaa, 0, 0, 7, 0x24, 0, 2, 0, 1, 2, 3, 0x21]),
            (Reply::Ids(heapless::Vec::new()), &[0xef, 0xaa, 0, 0, 3, 0x24, 0, 0, 0x27]),
            (
                Reply::Version(String::try_from("0.1").unwrap()),
                &[0xef, 0xaa, 0, 0, 5, 0x30, 0, 0x30, 0x2e, 0x31, 0x1a],
            ),
            (
                Reply::Serial(String::try_from("A7").unwrap()),
                &[0xef, 0xaa, 0, 0, 4, 0x93, 0, 0x41, 0x37, 0xe1],
            ),
        ];
        for (value, bytes) in pinned {
            assert_eq!(value.emit(), bytes, "{value:?}");
            assert_eq!(reply(bytes), Ok(value));
        }
    }

    #[test]
    fn notes_are_pinned() {
        let face = FaceState {
            sight: Sight::TooFar as i16,
            left: 1,
            top: -2,
            right: 0x0304,
            bottom: 5,
            yaw: -6,
            pitch: 7,
            roll: 8,
        };
        let bytes =
            [0xef, 0xaa, 1, 0, 17, 1, 6, 0, 1, 0, 0xfe, 0xff, 4, 3, 5, 0, 0xfa, 0xff, 7, 0, 8, 0, 0x1f];
        assert_eq!(Note::Face(face).emit(), bytes);
        assert_eq!(note(&bytes), Ok(Note::Face(face)));
        assert_eq!(Note::Ready.emit(), [0xef, 0xaa, 1, 0, 1, 0, 0]);
        assert_eq!(note(&[0xef, 0xaa, 1, 0, 1, 0, 0]), Ok(Note::Ready));
    }

    #[test]
    fn every_documented_outcome_passes_and_no_other() {
        let numbers = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 19, 20, 21, 23, 24, 25];
        assert_eq!(Outcome::ALL.map(|outcome| outcome as u8), numbers);
        for number in 0..=u8::MAX {
            let frame = emit::<MAX_REPLY_FRAME_BYTES>(Frame { id: 0, data: &[0x20, number] }).unwrap();
            match Outcome::parse(number) {
                None => assert_eq!(reply(&frame), Err(MessageError::Malformed), "{number}"),
                Some(Outcome::Ok) => assert_eq!(reply(&frame), Ok(Reply::Done(0x20))),
                Some(outcome) => {
                    assert_eq!(reply(&frame), Ok(Reply::Failed(0x20, outcome)));
                    assert_eq!(Reply::Failed(0x20, outcome).emit(), frame);
                }
            }
        }
    }

    #[test]
    fn commands_that_are_cut_or_impossible_are_malformed() {
        let parse = |id, data: &[u8]| Command::parse(Frame { id, data });
        for (id, length) in [(0x12, 2), (0x20, 2), (0x22, 2), (0x13, 35), (0x1d, 35), (0x26, 37)] {
            let data = [0; 40];
            for short in 0..length {
                assert_eq!(parse(id, &data[..short]), Err(MessageError::Malformed), "{id:#x} {short}");
            }
            assert!(parse(id, &data[..length]).is_ok(), "{id:#x}");
        }
        for (number, place) in [(0x13, 33), (0x26, 33)] {
            for direction in 0..=u8::MAX {
                let mut data = [0; 40];
                data[place] = direction;
                let is_one = direction.count_ones() <= 1 && direction <= 0x10;
                assert_eq!(parse(number, &data).is_ok(), is_one, "{number:#x} {direction:#x}");
            }
        }
        for name in [&[0xff][..], b"A\n", &[0xc3]] {
            let mut data = [0; 35];
            data[1..1 + name.len()].copy_from_slice(name);
            assert_eq!(parse(0x1d, &data), Err(MessageError::Malformed), "{name:?}");
        }
        assert_eq!(parse(0x40, &[]), Err(MessageError::UnknownNumber));
    }

    #[test]
    fn control_characters_of_a_device_s_name_are_left_out() {
        let user = User { id: 2, name: wire_name("\nA\u{85}da\u{7f}"), is_admin: false };
        assert_eq!(user.name, "Ada");
        // Whoever makes the reply otherwise cannot say them either.
        let raw = Reply::Verified(User { name: "A\tda".try_into().unwrap(), ..user.clone() });
        assert_eq!(raw.emit(), Reply::Verified(user).emit());
    }

    #[test]
    fn names_are_cut_between_characters_and_end_with_a_zero() {
        assert_eq!(wire_name("Ada"), "Ada");
        assert_eq!(wire_name(&"a".repeat(32)), "a".repeat(31).as_str());
        assert_eq!(wire_name(&"é".repeat(16)), "é".repeat(15).as_str());
        assert_eq!(wire_name("Ada\0Grace"), "Ada");
    }

    #[test]
    fn ids_that_controllers_cannot_say_have_none() {
        assert_eq!(wire_id(0), Some(0));
        assert_eq!(wire_id(0x7fff), Some(0x7fff));
        assert_eq!(wire_id(0x8000), None);
        assert_eq!(wire_id(0x0001_0000), None);
        assert_eq!(wire_id(u32::MAX), None);
    }

    #[test]
    fn longest_replies_fit() {
        let ids: heapless::Vec<u16, MAX_IDS> = (0..MAX_IDS as u16).collect();
        let frame = Reply::Ids(ids.clone()).emit();
        assert_eq!(frame.len(), MAX_REPLY_FRAME_BYTES);
        assert_eq!(reply(&frame), Ok(Reply::Ids(ids)));
        let text = String::try_from("x".repeat(MAX_TEXT_BYTES).as_str()).unwrap();
        assert_eq!(reply(&Reply::Version(text.clone()).emit()), Ok(Reply::Version(text)));
    }

    #[test]
    fn texts_of_modules_end_at_the_first_zero() {
        let mut data = std::vec![0x30, 0];
        data.extend(b"V1.2");
        data.extend([0; 28]);
        let version = String::try_from("V1.2").unwrap();
        assert_eq!(Reply::parse(Frame { id: 0, data: &data }), Ok(Reply::Version(version)));
    }

    proptest! {
        #[test]
        fn any_data_is_parsed_without_panic_and_emitted_as_it_was(
            id: u8, data in prop::collection::vec(any::<u8>(), 0..=MAX_REPLY_BYTES),
        ) {
            let frame = Frame { id, data: &data };
            if let Ok(value) = Command::parse(frame) {
                prop_assert_eq!(command(&value.emit()), Ok(cut(value)));
            }
            for id in [REPLY, NOTE] {
                let frame = Frame { id, data: &data };
                if let Ok(value) = Note::parse(frame) {
                    prop_assert_eq!(note(&value.emit()), Ok(value));
                }
                let _ = Reply::parse(frame);
            }
        }

        #[test]
        fn enrolments_are_emitted_as_they_were(
            number in prop::sample::select(&[ENROL, ENROL_ONE_SHOT, ENROL_EITHER]),
            name in "[a-zé ]{0,15}", options: [u8; 7],
        ) {
            let mut data = std::vec![options[0]];
            data.extend(name.as_bytes());
            data.resize(1 + NAME_FIELD_BYTES, 0);
            data.extend([1u8 << (options[1] % 6) & 0x1f, options[2] & 1]);
            data.extend(&options[3..]);
            let value = Command::parse(Frame { id: number, data: &data });
            prop_assert!(value.is_ok());
            let value = value.unwrap();
            prop_assert_eq!(command(&value.emit()), Ok(value));
        }
    }

    /// The command with a name that is emitted whole.
    fn cut(mut command: Command) -> Command {
        if let Command::Enrol(enrol) = &mut command {
            enrol.name = wire_name(&enrol.name);
        }
        command
    }
}
