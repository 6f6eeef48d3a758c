//! Messages about people: who is enrolled, enrolling, deleting, moving them to another board; administrators; and how the
//! device is.

use core::fmt;

use format::gallery::MAX_NAME;
use format::gates::Refusal;
use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use super::{Group, Handshake, Message, Objection, REPLY, Verdict, array, write};
use crate::frame::FrameError;
use crate::session::{MAX_ADMINISTRATORS, PublicKey};

/// Version of [`Group::People`].
pub const PEOPLE_VERSION: u8 = 3;
/// Most people in one message.
pub const MAX_PEOPLE: usize = 4;
/// Most entries of the log in one message.
pub const MAX_ENTRIES: usize = 8;
/// Most bytes of a parcel in one reply.
pub const MAX_PIECE_BYTES: usize = 300;
/// Longest name of a firmware's version, in bytes.
pub const MAX_FIRMWARE_NAME: usize = 32;

const LIST: u8 = 0x00;
const ENROL: u8 = 0x01;
const COMMIT: u8 = 0x02;
const DISCARD: u8 = 0x03;
const RENAME: u8 = 0x04;
const DELETE: u8 = 0x05;
const DELETE_ALL: u8 = 0x06;
const UNLOCK: u8 = 0x07;
const LOG: u8 = 0x08;
const STATUS: u8 = 0x09;
const WINDOW: u8 = 0x0a;
const EXPORT: u8 = 0x0b;
const PIECE: u8 = 0x0c;
const RESTORE: u8 = 0x0d;
const PUT: u8 = 0x0e;
const ADMINISTRATORS: u8 = 0x0f;
const REMOVE_ADMINISTRATOR: u8 = 0x10;
const PEOPLE: u8 = 0x00;
const SHOT: u8 = 0x01;
const COMMITTED: u8 = 0x02;
const DONE: u8 = 0x03;
const LOGGED: u8 = 0x04;
const DEVICE: u8 = 0x05;
const REFUSED: u8 = 0x06;
const EXPORTING: u8 = 0x07;
const PIECE_OF: u8 = 0x08;
const ARRIVED: u8 = 0x09;
const KNOWN: u8 = 0x0a;

/// A person's number. It is never given to another person, also not after the person is deleted.
pub type PersonId = u32;

/// From host to board. Names have 1 to [`MAX_NAME`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleRequest<'a> {
    /// Asks for the people after this one, in the order of their numbers; `None`: from the first.
    List(Option<PersonId>),
    /// Begins to enrol somebody of this name. A [`PeopleReply::Shot`] for each photo follows.
    Enrol(&'a str),
    /// Enrols the person of the photos taken.
    Commit,
    /// Forgets the photos taken.
    Discard,
    /// Gives a person this name.
    Rename(PersonId, &'a str),
    /// Deletes a person.
    Delete(PersonId),
    /// Deletes everybody whom the board enrolled.
    DeleteAll,
    /// Ends the time in which nobody is let in after too many strangers.
    Unlock,
    /// Asks for the entries of the log from this number on.
    Log(u32),
    /// Asks how the device is.
    Status,
    /// Lets a controller on the device's second line, where nobody proves anything, change people for this many
    /// seconds; 0 ends it.
    Window(u16),
    /// Begins a [parcel](crate::session::Parcel) with everybody whom the board enrolled, for the board with this key. For
    /// another board's the device's button must have been pressed in the last minute. Answered with
    /// [`PeopleReply::Exporting`].
    Export(PublicKey),
    /// Asks for a part of the parcel: of the text of this number, from this byte on. Every person is a text, in the order of
    /// their numbers, and an empty one follows. Answered with [`PeopleReply::Piece`].
    Piece(u16, u16),
    /// Begins to take the parcel of this label. One of another board needs the button as [`Self::Export`] does. Answered with
    /// [`PeopleReply::Done`].
    Restore(Label),
    /// The parcel's next text, sealed. Answered with [`PeopleReply::Arrived`], the last one with [`PeopleReply::Done`].
    Put(&'a [u8]),
    /// Asks for the keys of all administrators.
    Administrators,
    /// Removes an administrator.
    RemoveAdministrator(PublicKey),
}

/// From board to host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleReply {
    /// The next people; empty after the last.
    People(Vec<Person, MAX_PEOPLE>),
    /// A photo of an enrolment.
    Shot(Shot),
    /// The person is enrolled.
    Committed(PersonId),
    /// What was asked is done.
    Done,
    /// Entries of the log; empty after the last.
    Log(Vec<LogEntry, MAX_ENTRIES>),
    /// How the device is.
    Device(Device),
    /// What was asked is not possible.
    Refused(PeopleRefusal),
    /// A parcel begins: its label, and the number of people in it.
    Exporting(Label, u16),
    /// Part of a sealed text of the parcel, and how many bytes of it are left.
    Piece(u16, Vec<u8, MAX_PIECE_BYTES>),
    /// What became of somebody from a parcel.
    Arrived(Arrival),
    /// The keys of all administrators.
    Administrators(Vec<PublicKey, MAX_ADMINISTRATORS>),
}

/// What the receiver of a parcel must know to open it. Nothing of it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Key of the board that it is from.
    #[serde(deserialize_with = "array::read")]
    pub from: PublicKey,
    /// [`ModelId`](format::ModelId) of the network with which its people were enrolled.
    #[serde(deserialize_with = "array::read")]
    pub network: [u8; 16],
    /// Elements of a centre.
    pub dimension: u16,
    /// The message that opens it.
    pub handshake: Handshake,
}

/// Somebody who came in a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// Name.
    pub name: String<MAX_NAME>,
    /// What became of them.
    pub result: ArrivalResult,
}

/// What became of somebody who came in a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArrivalResult {
    /// They are enrolled, under this number.
    Stored(PersonId),
    /// They are enrolled already, with the same name and the same centres, under this number.
    Same(PersonId),
    /// Somebody else has the name, or the same person with other centres. Left out.
    NameTaken,
    /// The face is enrolled already under another name and this number. Left out.
    Known(PersonId),
    /// There was no room. Left out.
    Full,
}

/// Somebody who is enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Number.
    pub id: PersonId,
    /// Name.
    pub name: String<MAX_NAME>,
    /// Number of centres.
    pub centres: u8,
    /// Whether the image holds the person, so that only another image can delete or rename it.
    pub is_of_image: bool,
}

/// A photo of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shot {
    /// Photos taken so far.
    pub taken: u8,
    /// Photos needed.
    pub needed: u8,
    /// What became of this photo.
    pub result: ShotResult,
}

/// What became of a photo of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShotResult {
    /// It is taken.
    Taken,
    /// No face was found in time.
    NoFace,
    /// The face is not fit.
    Unfit(Refusal),
    /// It is nearly the same as one taken before.
    TooAlike,
    /// It shows somebody else than those taken before.
    OtherPerson,
    /// It shows somebody who is enrolled already.
    Known(PersonId),
}

/// A verdict in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Number of the entry; counts upwards.
    pub number: u32,
    /// How often the device had started.
    pub starts: u32,
    /// Seconds since that start.
    pub seconds: u32,
    /// The verdict.
    pub verdict: Verdict,
}

/// How the device is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What it does.
    pub mode: Mode,
    /// People whom the board enrolled.
    pub people: u16,
    /// People whom the board can still enrol.
    pub places: u16,
    /// Strangers since the last person who was accepted.
    pub strangers: u16,
    /// Seconds until somebody is let in again; 0 if the device is not locked.
    pub locked_seconds: u32,
    /// How often the device has started.
    pub starts: u32,
    /// Seconds since the last start.
    pub seconds: u32,
    /// Administrators.
    pub administrators: u8,
    /// Version of the firmware.
    pub firmware: String<MAX_FIRMWARE_NAME>,
    /// Version of the image. Older ones are refused.
    pub image_version: u32,
    /// How often a page of the store's flash has been erased, at most.
    pub erasures: u32,
    /// How often a page can be erased, as the flash's maker says.
    pub cycles: u32,
}

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// It waits.
    Idle,
    /// It looks for faces.
    Scan,
    /// It lets somebody in.
    Open,
    /// It lets nobody in for a time: there were too many strangers.
    Locked,
    /// It takes photos of somebody new.
    Enrol,
    /// It receives an update, or tries it.
    Update,
    /// It has no usable image, and serves the link only.
    Service,
}

/// Why a request about people is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeopleRefusal {
    /// Nobody has this number.
    Unknown,
    /// The image holds the person.
    OfImage,
    /// Somebody else has this name.
    NameTaken,
    /// There is no room for another person.
    Full,
    /// No enrolment has begun.
    NotEnrolling,
    /// There are too few photos.
    TooFewShots,
    /// The device does something else.
    Busy,
    /// The store failed.
    Store,
    /// The board has no second line.
    NoFront,
    /// A parcel for another board, or from one, needs the button.
    Button,
    /// The people of the parcel were enrolled with another network.
    OtherNetwork,
    /// The parcel is for another board or from another one than its label says, or it was changed, or a part is missing.
    Parcel,
    /// No parcel was begun, or people were changed since.
    NoParcel,
    /// The last administrator stays.
    LastAdministrator,
    /// The device is in service mode: it cannot see, or compare who comes with who is there.
    Service,
}

impl fmt::Display for PeopleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "nobody has this number",
            Self::OfImage => "the image holds this person, and only another image can change it",
            Self::NameTaken => "somebody else has this name",
            Self::Full => "there is no room for another person",
            Self::NotEnrolling => "no enrolment has begun",
            Self::TooFewShots => "there are too few photos",
            Self::Busy => "the device does something else",
            Self::Store => "the board's store failed",
            Self::NoFront => "the board has no line for controllers",
            Self::Button => "for a parcel of another board its button must be pressed in the minute before",
            Self::OtherNetwork => "the people were enrolled with another network than the board's",
            Self::Parcel => {
                "the parcel is for or from another board, or it was changed, or a part of it is missing"
            }
            Self::NoParcel => "no parcel was begun, or people were changed since; begin again",
            Self::LastAdministrator => "it is the last administrator",
            Self::Service => "the device is in service mode; `host device info` says why",
        })
    }
}

/// A name of a possible length.
fn checked(name: &str) -> Result<&str, Objection> {
    if (1..=MAX_NAME).contains(&name.len()) { Ok(name) } else { Err(Objection::Malformed) }
}

impl<'a> PeopleRequest<'a> {
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, Objection> {
        Ok(match message.number {
            LIST => PeopleRequest::List(message.read()?),
            ENROL => PeopleRequest::Enrol(checked(message.read()?)?),
            COMMIT => message.bare(PeopleRequest::Commit)?,
            DISCARD => message.bare(PeopleRequest::Discard)?,
            RENAME => {
                let (id, name) = message.read()?;
                PeopleRequest::Rename(id, checked(name)?)
            }
            DELETE => PeopleRequest::Delete(message.read()?),
            DELETE_ALL => message.bare(PeopleRequest::DeleteAll)?,
            UNLOCK => message.bare(PeopleRequest::Unlock)?,
            LOG => PeopleRequest::Log(message.read()?),
            STATUS => message.bare(PeopleRequest::Status)?,
            WINDOW => PeopleRequest::Window(message.read()?),
            EXPORT => PeopleRequest::Export(message.array()?),
            PIECE => {
                let (number, offset) = message.read()?;
                PeopleRequest::Piece(number, offset)
            }
            RESTORE => PeopleRequest::Restore(message.read()?),
            PUT => PeopleRequest::Put(message.read()?),
            ADMINISTRATORS => message.bare(PeopleRequest::Administrators)?,
            REMOVE_ADMINISTRATOR => PeopleRequest::RemoveAdministrator(message.array()?),
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::People;
        match self {
            PeopleRequest::List(after) => write(group, LIST, turn, after, buffer),
            PeopleRequest::Enrol(name) => write(group, ENROL, turn, name, buffer),
            PeopleRequest::Commit => write(group, COMMIT, turn, &(), buffer),
            PeopleRequest::Discard => write(group, DISCARD, turn, &(), buffer),
            PeopleRequest::Rename(id, name) => write(group, RENAME, turn, &(id, name), buffer),
            PeopleRequest::Delete(id) => write(group, DELETE, turn, id, buffer),
            PeopleRequest::DeleteAll => write(group, DELETE_ALL, turn, &(), buffer),
            PeopleRequest::Unlock => write(group, UNLOCK, turn, &(), buffer),
            PeopleRequest::Log(from) => write(group, LOG, turn, from, buffer),
            PeopleRequest::Status => write(group, STATUS, turn, &(), buffer),
            PeopleRequest::Window(seconds) => write(group, WINDOW, turn, seconds, buffer),
            PeopleRequest::Export(to) => write(group, EXPORT, turn, to, buffer),
            PeopleRequest::Piece(number, offset) => write(group, PIECE, turn, &(number, offset), buffer),
            PeopleRequest::Restore(label) => write(group, RESTORE, turn, label, buffer),
            PeopleRequest::Put(text) => write(group, PUT, turn, text, buffer),
            PeopleRequest::Administrators => write(group, ADMINISTRATORS, turn, &(), buffer),
            PeopleRequest::RemoveAdministrator(key) => write(group, REMOVE_ADMINISTRATOR, turn, key, buffer),
        }
    }
}

impl PeopleReply {
    pub(super) fn parse(message: &Message<'_>) -> Result<Self, Objection> {
        Ok(match message.number & !REPLY {
            PEOPLE => PeopleReply::People(message.read()?),
            SHOT => PeopleReply::Shot(message.read()?),
            COMMITTED => PeopleReply::Committed(message.read()?),
            DONE => message.bare(PeopleReply::Done)?,
            LOGGED => PeopleReply::Log(message.read()?),
            DEVICE => PeopleReply::Device(message.read()?),
            REFUSED => PeopleReply::Refused(message.read()?),
            EXPORTING => {
                let (label, people) = message.read()?;
                PeopleReply::Exporting(label, people)
            }
            PIECE_OF => {
                let (left, bytes) = message.read()?;
                PeopleReply::Piece(left, bytes)
            }
            ARRIVED => PeopleReply::Arrived(message.read()?),
            KNOWN => PeopleReply::Administrators(message.read()?),
            _ => return Err(Objection::UnknownNumber),
        })
    }

    pub(super) fn emit<'b>(&self, turn: u32, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
        let group = Group::People;
        match self {
            PeopleReply::People(people) => write(group, REPLY | PEOPLE, turn, people, buffer),
            PeopleReply::Shot(shot) => write(group, REPLY | SHOT, turn, shot, buffer),
            PeopleReply::Committed(id) => write(group, REPLY | COMMITTED, turn, id, buffer),
            PeopleReply::Done => write(group, REPLY | DONE, turn, &(), buffer),
            PeopleReply::Log(entries) => write(group, REPLY | LOGGED, turn, entries, buffer),
            PeopleReply::Device(device) => write(group, REPLY | DEVICE, turn, device, buffer),
            PeopleReply::Refused(why) => write(group, REPLY | REFUSED, turn, why, buffer),
            PeopleReply::Exporting(label, people) => {
                write(group, REPLY | EXPORTING, turn, &(label, people), buffer)
            }
            PeopleReply::Piece(left, bytes) => write(group, REPLY | PIECE_OF, turn, &(left, bytes), buffer),
            PeopleReply::Arrived(arrival) => write(group, REPLY | ARRIVED, turn, arrival, buffer),
            PeopleReply::Administrators(keys) => write(group, REPLY | KNOWN, turn, keys, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use format::gates::Gate;

    use super::*;
    use crate::MAX_PLAIN_REPLY_BYTES;
    use crate::message::pins::{pin_replies, pin_requests};
    use crate::message::{Reply, Request};

    fn label() -> Label {
        let handshake = Handshake { ephemeral: [3; 32], tag: [4; 16] };
        Label { from: [1; 32], network: [2; 16], dimension: 300, handshake }
    }

    fn label_bytes() -> std::vec::Vec<u8> {
        [&[1; 32][..], &[2; 16], &[0xac, 0x02], &[3; 32], &[4; 16]].concat()
    }

    #[test]
    fn requests_are_pinned_byte_for_byte() {
        let label_bytes = label_bytes();
        let pins = [
            (PeopleRequest::List(None), 0x00, &[0][..]),
            (PeopleRequest::List(Some(300)), 0x00, &[1, 0xac, 0x02]),
            (PeopleRequest::Enrol("Ada"), 0x01, &[3, b'A', b'd', b'a']),
            (PeopleRequest::Commit, 0x02, &[]),
            (PeopleRequest::Discard, 0x03, &[]),
            (PeopleRequest::Rename(300, "B"), 0x04, &[0xac, 0x02, 1, b'B']),
            (PeopleRequest::Delete(7), 0x05, &[7]),
            (PeopleRequest::DeleteAll, 0x06, &[]),
            (PeopleRequest::Unlock, 0x07, &[]),
            (PeopleRequest::Log(128), 0x08, &[0x80, 0x01]),
            (PeopleRequest::Status, 0x09, &[]),
            (PeopleRequest::Window(0), 0x0a, &[0]),
            (PeopleRequest::Window(300), 0x0a, &[0xac, 0x02]),
            (PeopleRequest::Export([7; 32]), 0x0b, &[7; 32]),
            (PeopleRequest::Piece(300, 2), 0x0c, &[0xac, 0x02, 2]),
            (PeopleRequest::Restore(label()), 0x0d, &label_bytes),
            (PeopleRequest::Put(&[9, 0, 8]), 0x0e, &[3, 9, 0, 8]),
            (PeopleRequest::Administrators, 0x0f, &[]),
            (PeopleRequest::RemoveAdministrator([7; 32]), 0x10, &[7; 32]),
        ];
        pin_requests(
            2,
            pins.map(|(request, number, body)| (Request::People(request), number, body.to_vec())),
        );
    }

    #[test]
    fn replies_are_pinned_byte_for_byte() {
        let person = Person { id: 300, name: "Ada".try_into().unwrap(), centres: 3, is_of_image: true };
        let shot = |result| PeopleReply::Shot(Shot { taken: 1, needed: 5, result });
        let arrival = |result| PeopleReply::Arrived(Arrival { name: "A".try_into().unwrap(), result });
        let refusal = Refusal { gate: Gate::ALL[1], figure: -2, limit: 300 };
        let entry = LogEntry { number: 1, starts: 2, seconds: 300, verdict: Verdict::Accepted(4) };
        let stranger = LogEntry { verdict: Verdict::NotAccepted, ..entry };
        let device = Device {
            mode: Mode::Service,
            people: 1,
            places: 300,
            strangers: 2,
            locked_seconds: 3,
            starts: 4,
            seconds: 5,
            administrators: 6,
            firmware: "1.0".try_into().unwrap(),
            image_version: 7,
            erasures: 300,
            cycles: 8,
        };
        let pins = [
            (
                PeopleReply::People([person].into_iter().collect()),
                0x80,
                &[1, 0xac, 0x02, 3, b'A', b'd', b'a', 3, 1][..],
            ),
            (PeopleReply::People(Vec::new()), 0x80, &[0]),
            (shot(ShotResult::Taken), 0x81, &[1, 5, 0]),
            (shot(ShotResult::NoFace), 0x81, &[1, 5, 1]),
            (shot(ShotResult::Unfit(refusal)), 0x81, &[1, 5, 2, 1, 3, 0xac, 0x02]),
            (shot(ShotResult::TooAlike), 0x81, &[1, 5, 3]),
            (shot(ShotResult::OtherPerson), 0x81, &[1, 5, 4]),
            (shot(ShotResult::Known(300)), 0x81, &[1, 5, 5, 0xac, 0x02]),
            (PeopleReply::Committed(300), 0x82, &[0xac, 0x02]),
            (PeopleReply::Done, 0x83, &[]),
            (
                PeopleReply::Log([entry, stranger].into_iter().collect()),
                0x84,
                &[2, 1, 2, 0xac, 0x02, 0, 4, 1, 2, 0xac, 0x02, 1],
            ),
            (PeopleReply::Exporting(label(), 300), 0x87, &[&label_bytes()[..], &[0xac, 0x02]].concat()),
            (PeopleReply::Piece(300, [9, 0, 8].into_iter().collect()), 0x88, &[0xac, 0x02, 3, 9, 0, 8]),
            (arrival(ArrivalResult::Stored(300)), 0x89, &[1, b'A', 0, 0xac, 0x02]),
            (arrival(ArrivalResult::Same(7)), 0x89, &[1, b'A', 1, 7]),
            (arrival(ArrivalResult::NameTaken), 0x89, &[1, b'A', 2]),
            (arrival(ArrivalResult::Known(7)), 0x89, &[1, b'A', 3, 7]),
            (arrival(ArrivalResult::Full), 0x89, &[1, b'A', 4]),
            (
                PeopleReply::Administrators([[7; 32], [8; 32]].into_iter().collect()),
                0x8a,
                &[&[2][..], &[7; 32], &[8; 32]].concat(),
            ),
            (
                PeopleReply::Device(device),
                0x85,
                &[6, 1, 0xac, 0x02, 2, 3, 4, 5, 6, 3, b'1', b'.', b'0', 7, 0xac, 2, 8],
            ),
        ];
        pin_replies(2, pins.map(|(reply, number, body)| (Reply::People(reply), number, body.to_vec())));
        let refusals = [
            PeopleRefusal::Unknown,
            PeopleRefusal::OfImage,
            PeopleRefusal::NameTaken,
            PeopleRefusal::Full,
            PeopleRefusal::NotEnrolling,
            PeopleRefusal::TooFewShots,
            PeopleRefusal::Busy,
            PeopleRefusal::Store,
            PeopleRefusal::NoFront,
            PeopleRefusal::Button,
            PeopleRefusal::OtherNetwork,
            PeopleRefusal::Parcel,
            PeopleRefusal::NoParcel,
            PeopleRefusal::LastAdministrator,
            PeopleRefusal::Service,
        ];
        let coded = (0..).zip(refusals);
        pin_replies(
            2,
            coded.map(|(code, why)| (Reply::People(PeopleReply::Refused(why)), 0x86, std::vec![code])),
        );
    }

    #[test]
    fn names_without_bytes_or_with_too_many_are_malformed() {
        for length in [0, 1, MAX_NAME, MAX_NAME + 1] {
            let name = "x".repeat(length);
            for request in [PeopleRequest::Enrol(&name), PeopleRequest::Rename(1, &name)] {
                let mut buffer = [0xa5; 100];
                let bytes = Request::People(request).emit(1, &mut buffer).unwrap();
                let expected = if (1..=MAX_NAME).contains(&length) {
                    Ok(Request::People(request))
                } else {
                    Err(Objection::Malformed)
                };
                assert_eq!(Message::parse(bytes).unwrap().request(), expected, "{length}");
            }
        }
        // Not UTF-8.
        let message = Message { group: 2, number: ENROL, turn: 1, body: &[1, 0xff] };
        assert_eq!(message.request(), Err(Objection::Malformed));
    }

    #[test]
    fn longest_replies_fit_and_longer_ones_are_malformed() {
        let name = "x".repeat(MAX_NAME);
        let person = Person {
            id: u32::MAX,
            name: name.as_str().try_into().unwrap(),
            centres: u8::MAX,
            is_of_image: true,
        };
        let entry = LogEntry {
            number: u32::MAX,
            starts: u32::MAX,
            seconds: u32::MAX,
            verdict: Verdict::Accepted(u32::MAX),
        };
        let device = Device {
            mode: Mode::Service,
            people: u16::MAX,
            places: u16::MAX,
            strangers: u16::MAX,
            locked_seconds: u32::MAX,
            starts: u32::MAX,
            seconds: u32::MAX,
            administrators: u8::MAX,
            firmware: "x".repeat(MAX_FIRMWARE_NAME).as_str().try_into().unwrap(),
            image_version: u32::MAX,
            erasures: u32::MAX,
            cycles: u32::MAX,
        };
        let people: Vec<Person, MAX_PEOPLE> = core::iter::repeat_n(person, MAX_PEOPLE).collect();
        let entries: Vec<LogEntry, MAX_ENTRIES> = [entry; MAX_ENTRIES].into_iter().collect();
        let name = name.as_str().try_into().unwrap();
        for reply in [
            PeopleReply::People(people),
            PeopleReply::Log(entries),
            PeopleReply::Device(device),
            PeopleReply::Exporting(Label { dimension: u16::MAX, ..label() }, u16::MAX),
            PeopleReply::Piece(u16::MAX, [u8::MAX; MAX_PIECE_BYTES].into_iter().collect()),
            PeopleReply::Arrived(Arrival { name, result: ArrivalResult::Known(u32::MAX) }),
            PeopleReply::Administrators([[u8::MAX; 32]; MAX_ADMINISTRATORS].into_iter().collect()),
        ] {
            let mut buffer = [0xa5; MAX_PLAIN_REPLY_BYTES];
            let reply = Reply::People(reply);
            let bytes = reply.emit(u32::MAX, &mut buffer).unwrap();
            assert_eq!(Message::parse(bytes).unwrap().reply().as_ref(), Ok(&reply));
        }
        let mut body = std::vec![MAX_ENTRIES as u8 + 1];
        for _ in 0..=MAX_ENTRIES {
            body.extend([1, 1, 1, 1]);
        }
        let message = Message { group: 2, number: REPLY | LOGGED, turn: 1, body: &body };
        assert_eq!(message.reply(), Err(Objection::Malformed));
    }
}
