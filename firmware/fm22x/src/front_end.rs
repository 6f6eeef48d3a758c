//! The front end: commands in, replies and notes out.

use heapless::String;

use crate::door::{Door, Enrolment, Failure, Person, Progress, Task};
use crate::frame::{CommandDecoder, PAUSE_MS};
use crate::message::{
    ALL_DIRECTIONS, Command, Direction, Enrol, FaceState, MAX_IDS, MAX_TEXT_BYTES, MessageError, NO_ID, Name,
    Note, Outcome, Reply, Status, User, wire_id, wire_name,
};
use crate::outgoing::Outgoing;

/// Silence after the start or a reset before the note "ready" is sent, in milliseconds. A controller that sends a
/// command earlier gets no note.
pub const READY_MS: u64 = 300;

/// From one note about the face to the next, in milliseconds, at least. No divisor of whole seconds: controllers act at whole
/// seconds after they began a scan, and some drop what they receive while they send, also a part of a note.
pub const NOTE_MS: u64 = 270;

/// Time for a verification or a shot if the controller gives none, in seconds.
pub const DEFAULT_SECONDS: u8 = 10;

/// A shot is forgotten if the next one of the five is not asked for within this many milliseconds.
pub const SHOTS_MS: u64 = 60_000;

/// Most people whose ids are asked for.
const MAX_PEOPLE: usize = u16::MAX as usize;

/// A time in which people may be changed. An authenticated session opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The window is open before this time.
    pub until_ms: u64,
}

/// A task that is carried out for the controller.
#[derive(Clone, Copy, Debug)]
struct Running {
    /// The command's number.
    number: u8,
    work: Work,
    /// When the task is ended; `None` if it cannot be ended or replaced.
    until_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Verify,
    Enrol(Option<Direction>),
    Delete,
    /// Deletes a person who was enrolled with an id that the wire cannot say.
    TakeBack,
}

/// The shots of a person who is not enrolled yet.
#[derive(Debug)]
struct Shots {
    name: Name,
    directions: u8,
    last_ms: u64,
}

/// Answers one controller for one device. Time is in milliseconds from any origin, and never goes back.
#[derive(Debug)]
pub struct FrontEnd {
    decoder: CommandDecoder,
    last_byte_ms: u64,
    outgoing: Outgoing,
    running: Option<Running>,
    last_note_ms: u64,
    shots: Option<Shots>,
    window: Window,
    /// When the note "ready" is due, if the controller stays silent.
    ready_ms: Option<u64>,
}

impl FrontEnd {
    /// A front end of a device that has just started.
    pub const fn new(now_ms: u64) -> Self {
        FrontEnd {
            decoder: CommandDecoder::new(),
            last_byte_ms: now_ms,
            outgoing: Outgoing::new(),
            running: None,
            last_note_ms: now_ms,
            shots: None,
            window: Window { until_ms: 0 },
            ready_ms: Some(now_ms.saturating_add(READY_MS)),
        }
    }

    /// Permits changes of people for a time. To be called for an authenticated session only.
    pub fn open(&mut self, window: Window) {
        self.window = window;
    }

    /// Ends the permission. A task that has begun goes on.
    pub fn close(&mut self) {
        self.window = Window { until_ms: 0 };
    }

    /// Takes bytes of the controller. While replies wait to be sent and there is no room for another, commands are ignored,
    /// as if they were lost.
    pub fn receive(&mut self, bytes: &[u8], door: &mut impl Door, now_ms: u64) {
        self.end_pause(door, now_ms);
        for &byte in bytes {
            if let Some(frame) = self.decoder.push(byte) {
                let (number, command) = (frame.id, Command::parse(frame));
                self.obey(number, command, door, now_ms);
            }
            self.last_byte_ms = now_ms;
        }
    }

    /// Goes on with the task, and with what time brings. To be called often: the device's task takes one step.
    pub fn poll(&mut self, door: &mut impl Door, now_ms: u64) {
        self.end_pause(door, now_ms);
        self.step(door, now_ms);
        let is_silent = self.running.is_none() && self.outgoing.is_empty() && !self.decoder.is_waiting();
        if is_silent && self.ready_ms.is_some_and(|ready_ms| now_ms >= ready_ms) {
            self.ready_ms = None;
            self.outgoing.push(&Note::Ready.emit());
        }
    }

    /// The bytes to be sent now, or none. They belong to one frame and are to be sent without a pause: controllers wait 20 ms
    /// for the rest of a frame, and the longest takes 18 ms at 115,200 baud.
    pub fn outgoing(&self, now_ms: u64) -> &[u8] {
        self.outgoing.bytes(now_ms)
    }

    /// Takes notice that the first `count` of the bytes of [`Self::outgoing`] are sent.
    pub fn sent(&mut self, count: usize, now_ms: u64) {
        self.outgoing.remove(count, now_ms);
    }

    /// Takes commands out of bytes that turned out to be no longer frame.
    fn end_pause(&mut self, door: &mut impl Door, now_ms: u64) {
        if !self.decoder.is_waiting() || now_ms.saturating_sub(self.last_byte_ms) < PAUSE_MS {
            return;
        }
        while let Some(frame) = self.decoder.pause() {
            let (number, command) = (frame.id, Command::parse(frame));
            self.obey(number, command, door, now_ms);
        }
    }

    fn obey(
        &mut self,
        number: u8,
        command: Result<Command, MessageError>,
        door: &mut impl Door,
        now_ms: u64,
    ) {
        if !self.outgoing.has_room() {
            return;
        }
        // Controllers take "ready" for the end of the command that they wait for.
        self.ready_ms = None;
        let reply = match command {
            Err(MessageError::UnknownNumber) => Err(Outcome::Rejected),
            Err(MessageError::Malformed) => Err(Outcome::InvalidParameter),
            Ok(Command::Reset) => {
                self.reset(door, now_ms);
                Ok(Some(Reply::Done(number)))
            }
            Ok(Command::Status) => {
                let is_busy = self.running.is_some();
                Ok(Some(Reply::Status(if is_busy { Status::Busy } else { door.status() })))
            }
            Ok(Command::Version) => Ok(Some(Reply::Version(text(door.version())))),
            Ok(Command::Serial) => Ok(Some(Reply::Serial(text(door.serial())))),
            Ok(Command::Ids) => Ok(Some(ids(door))),
            Ok(Command::ForgetShots) => {
                if let Some(Running { work: Work::Enrol(_), until_ms, .. }) = self.running {
                    if until_ms.is_none() {
                        return self.reply(&Reply::Failed(number, Failure::Busy.outcome()));
                    }
                    self.running = None;
                    door.stop();
                }
                self.forget_shots(door);
                Ok(Some(Reply::Done(number)))
            }
            Ok(Command::Verify { seconds, .. }) => {
                self.begin(number, Work::Verify, Task::Verify, Some(seconds), door, now_ms)
            }
            Ok(_) if !self.is_change_permitted(door, now_ms) => Err(Outcome::Rejected),
            Ok(Command::Person(id)) => match door.person(id.into()).and_then(user) {
                Some(user) => Ok(Some(Reply::Person(user))),
                None => Err(Outcome::UnknownUser),
            },
            Ok(Command::Delete(id)) if wire_id(id.into()).is_none() => Err(Outcome::InvalidParameter),
            Ok(Command::Delete(id)) => {
                self.begin(number, Work::Delete, Task::Delete(id.into()), None, door, now_ms)
            }
            Ok(Command::DeleteAll) => self.begin(number, Work::Delete, Task::DeleteAll, None, door, now_ms),
            Ok(Command::Enrol(enrol)) => self.begin_enrol(enrol, door, now_ms),
        };
        match reply {
            Ok(None) => {}
            Ok(Some(reply)) => self.reply(&reply),
            Err(outcome) => self.reply(&Reply::Failed(number, outcome)),
        }
    }

    fn is_change_permitted(&self, door: &impl Door, now_ms: u64) -> bool {
        now_ms < self.window.until_ms || door.is_button_held()
    }

    fn reset(&mut self, door: &mut impl Door, now_ms: u64) {
        if self.running.take().is_some() {
            door.stop();
        }
        self.forget_shots(door);
        // The controller does not wait for these any more.
        self.outgoing.drop_unsent();
        self.ready_ms = Some(now_ms.saturating_add(READY_MS));
    }

    fn forget_shots(&mut self, door: &mut impl Door) {
        if self.shots.take().is_some() {
            door.forget_shots();
        }
    }

    /// Begins a task in place of the one before, which gets no reply. A task without a time is not replaced.
    fn begin(
        &mut self,
        number: u8,
        work: Work,
        task: Task,
        seconds: Option<u8>,
        door: &mut impl Door,
        now_ms: u64,
    ) -> Result<Option<Reply>, Outcome> {
        match self.running {
            Some(Running { until_ms: None, .. }) => return Err(Failure::Busy.outcome()),
            Some(_) => door.stop(),
            None => {}
        }
        self.running = None;
        door.begin(task).map_err(Failure::outcome)?;
        let seconds = seconds.map(|seconds| if seconds == 0 { DEFAULT_SECONDS } else { seconds });
        let until_ms = seconds.map(|seconds| now_ms.saturating_add(1000 * u64::from(seconds)));
        self.running = Some(Running { number, work, until_ms });
        self.last_note_ms = now_ms;
        Ok(None)
    }

    fn begin_enrol(
        &mut self,
        enrol: Enrol,
        door: &mut impl Door,
        now_ms: u64,
    ) -> Result<Option<Reply>, Outcome> {
        let Enrol { number, is_admin, name, direction, may_repeat, seconds } = enrol;
        let is_same = |shots: &Shots| {
            direction.is_some() && shots.name == name && now_ms.saturating_sub(shots.last_ms) < SHOTS_MS
        };
        if !self.shots.as_ref().is_some_and(is_same) {
            self.forget_shots(door);
        }
        let taken = self.shots.as_ref().map_or(0, |shots| shots.directions);
        let is_last = direction.is_none_or(|direction| taken | direction as u8 == ALL_DIRECTIONS);
        let enrolment = Enrolment { name: name.clone(), is_admin, direction, is_last, may_repeat };
        let work = Work::Enrol(direction);
        let begun = self.begin(number, work, Task::Enrol(enrolment), Some(seconds), door, now_ms);
        if begun.is_err() {
            self.forget_shots(door);
        } else if direction.is_some() {
            self.shots = Some(Shots { name, directions: taken, last_ms: now_ms });
        }
        begun
    }

    /// Takes a step of the task, and replies when it is finished.
    fn step(&mut self, door: &mut impl Door, now_ms: u64) {
        let Some(running) = self.running else { return };
        if !self.outgoing.has_room() {
            return;
        }
        let number = running.number;
        let failed = |outcome| Reply::Failed(number, outcome);
        let reply = match (running.work, door.poll(now_ms)) {
            (work, Progress::Working(face)) => {
                if running.until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
                    door.stop();
                    failed(Outcome::TimeOut)
                } else {
                    if matches!(work, Work::Verify | Work::Enrol(_)) {
                        self.note(face.unwrap_or(FaceState::NO_FACE), now_ms);
                    }
                    return;
                }
            }
            (work, Progress::Storing) => {
                self.running = Some(Running { number, work, until_ms: None });
                return;
            }
            // The enrolment has failed, however its deletion ends.
            (Work::TakeBack, _) => failed(Outcome::Full),
            (Work::Verify, Progress::Verified(person)) => match user(person) {
                Some(user) => Reply::Verified(user),
                None => failed(Outcome::Unknown),
            },
            (Work::Enrol(Some(direction)), Progress::Taken) => {
                Reply::Enrolled { number, id: NO_ID, directions: self.take_shot(direction, now_ms) }
            }
            (Work::Enrol(_), Progress::Enrolled(id)) => {
                self.shots = None;
                match wire_id(id) {
                    Some(id) => Reply::Enrolled { number, id, directions: ALL_DIRECTIONS },
                    None => {
                        self.running = door.begin(Task::Delete(id)).ok().map(|()| Running {
                            number,
                            work: Work::TakeBack,
                            until_ms: None,
                        });
                        if self.running.is_some() {
                            return;
                        }
                        // The store refuses; other front ends can delete the person.
                        failed(Outcome::Full)
                    }
                }
            }
            (Work::Delete, Progress::Deleted) => Reply::Done(number),
            (_, Progress::Failed(failure)) => failed(failure.outcome()),
            // A device that finishes another task than the one that was begun.
            (..) => failed(Outcome::Unknown),
        };
        self.running = None;
        if matches!(running.work, Work::Enrol(_)) && matches!(reply, Reply::Failed(..)) {
            self.forget_shots(door);
        }
        self.reply(&reply);
    }

    /// The directions of the shots so far, with this one.
    fn take_shot(&mut self, direction: Direction, now_ms: u64) -> u8 {
        // A shot was begun, so there are shots.
        let Some(shots) = &mut self.shots else { return 0 };
        shots.directions |= direction as u8;
        shots.last_ms = now_ms;
        shots.directions
    }

    /// Sends what the camera shows, unless something waits to be sent: a reply never waits for a note.
    fn note(&mut self, face: FaceState, now_ms: u64) {
        if self.outgoing.is_empty() && now_ms.saturating_sub(self.last_note_ms) >= NOTE_MS {
            self.last_note_ms = now_ms;
            self.outgoing.push(&Note::Face(face).emit());
        }
    }

    fn reply(&mut self, reply: &Reply) {
        // There is room, as it was asked for before the command or the step.
        self.outgoing.push(&reply.emit());
    }
}

/// The ids of all people that the wire can say, up to the longest reply.
fn ids(door: &mut impl Door) -> Reply {
    let ids = (0..MAX_PEOPLE).map_while(|place| door.id(place)).filter_map(wire_id);
    Reply::Ids(ids.take(MAX_IDS).collect())
}

/// A person as replies describe it, if the wire can say the id.
fn user(person: Person) -> Option<User> {
    Some(User { id: wire_id(person.id)?, name: wire_name(&person.name), is_admin: person.is_admin })
}

/// The beginning of a text, cut between characters.
fn text(whole: &str) -> String<MAX_TEXT_BYTES> {
    let mut text = String::new();
    for character in whole.chars() {
        if text.push(character).is_err() {
            break;
        }
    }
    text
}
