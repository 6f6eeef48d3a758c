//! The second line: controllers that speak to a module HLK-FM22x, as [`fm22x`] answers them.
//!
//! The device stays one: a verification is a look of the same door, with the same votes, counted attempts and lock-outs, and
//! an enrolment is the door's. The controller only hears of it.
//!
//! # Rules
//!
//! * People change only while the button is held for [`HOLD_MS`], or in a window that an administrator opened over the
//!   link. Pressing the button shortly, as for pairing, permits nothing here.
//! * The controller never learns more than the device does: an answer is given when its attempt is stored.
//! * One enrolment at a time, whoever began it.

use embedded_io::{Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;
use fm22x::message::{Sight, Status};
use fm22x::{Enrolment, FaceState, Failure, Person, Progress, Task, Window};
use format::gates::Gate;
use heapless::String;
use store::{Head, MAX_NAME};

use super::enrolled::FIRST_OF_IMAGE;
use super::{ADMINISTRATOR, Device, Newcomer, Platform, Source};
use crate::door::enrol::{MOST_SHOTS, ShotError};
use crate::door::{Fault, News, PersonId, State};
use crate::port;
use crate::seeing::Sighting;
use crate::update::start::people_of;

/// How long the button is held before it permits changes, in milliseconds.
pub const HOLD_MS: u64 = 2_000;
/// The longest window, in seconds.
pub const MOST_WINDOW_SECONDS: u16 = 600;
/// Bytes that are taken in a step.
const STEP_BYTES: usize = 64;

/// A task of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chore {
    Verify,
    Enrol {
        /// Whether the task ends with one shot, and others are to follow.
        is_part: bool,
    },
    Delete(PersonId),
    DeleteAll,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Accepted(PersonId),
    Taken,
    Enrolled(PersonId),
    Failed(Failure),
}

/// What goes on for the controller.
#[derive(Debug, Default)]
pub(super) struct Counter {
    chore: Option<Chore>,
    ending: Option<Ending>,
    /// What the last frame showed since the task began.
    face: Option<FaceState>,
    /// The photo check refused the face that is decided on.
    is_photo: bool,
    /// Whether shots are kept of somebody of whom others are to follow.
    has_shots: bool,
    /// People may be changed before this time.
    pub window_until_ms: u64,
}

impl Counter {
    /// Hears what happened in front of the camera.
    pub fn hear(&mut self, news: News) {
        if self.ending.is_some() {
            return;
        }
        self.ending = match (self.chore, news) {
            (Some(Chore::Verify), News::Accepted(person)) => Some(Ending::Accepted(person)),
            (Some(Chore::Verify), News::Rejected) if self.is_photo => Some(Ending::Failed(Failure::NotLive)),
            (Some(Chore::Verify), News::Rejected) => Some(Ending::Failed(Failure::Stranger)),
            (Some(Chore::Enrol { .. }), News::Enrolled(person)) => Some(Ending::Enrolled(person)),
            (Some(Chore::Enrol { .. }), News::NoShot(ShotError::Enrolled(_))) => {
                Some(Ending::Failed(Failure::AlreadyEnrolled))
            }
            (Some(Chore::Enrol { .. }), News::GivenUp) => Some(Ending::Failed(Failure::NoFace)),
            (Some(Chore::Enrol { is_part: true }), News::Shot { .. }) => Some(Ending::Taken),
            _ => None,
        };
        if let News::Unfit(refusal) = news {
            self.is_photo = refusal.gate == Gate::Alive;
        }
    }

    /// The person whose shots are all taken cannot be stored.
    pub fn refuse(&mut self, failure: Failure) {
        if self.wants_shot() {
            self.ending = Some(Ending::Failed(failure));
        }
    }

    /// Notes what a frame showed.
    pub fn see(&mut self, sighting: &Sighting) {
        if self.chore.is_some() {
            self.face = Some(face_state(sighting));
        }
    }

    /// Whether a shot is waited for.
    fn wants_shot(&self) -> bool {
        matches!(self.chore, Some(Chore::Enrol { .. })) && self.ending.is_none()
    }
}

/// What a frame showed, as controllers read it.
fn face_state(sighting: &Sighting) -> FaceState {
    let Some(face) = &sighting.seen.face else { return FaceState::NO_FACE };
    let narrow = |value: i32| value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    let [left, top, right, bottom] = face.bounds_q8.map(|edge| narrow(edge >> 8));
    let (sight, [yaw, pitch, roll]) = match &face.look {
        None => (Sight::Face, [0; 3]),
        Some(look) => {
            let sight = match look.refusal.map(|refusal| refusal.gate) {
                Some(Gate::Eyes) => Sight::TooFar,
                Some(Gate::Yaw | Gate::Pitch | Gate::Roll) => Sight::WrongDirection,
                Some(Gate::Nowhere | Gate::Moved) => Sight::FaceCovered,
                _ => Sight::Face,
            };
            let angles = look.quality.map_or([0; 3], |one| [one.yaw_d16, one.pitch_d16, one.roll_d16]);
            (sight, angles.map(|angle| angle / 16))
        }
    };
    FaceState { sight: sight as i16, left, top, right, bottom, yaw, pitch, roll }
}

/// Why nothing can be begun.
fn failure_of(fault: Fault) -> Failure {
    match fault {
        Fault::Blind => Failure::Camera,
        Fault::Store => Failure::Read,
        Fault::Image | Fault::Output => Failure::Other,
    }
}

impl<P: Platform, F: NorFlash> Device<'_, '_, P, F> {
    /// Answers the controller: takes some bytes, goes on with its task, and sends what is due, one frame at most.
    pub(super) fn serve_controller(&mut self, now_ms: u64) {
        let Some(inbox) = self.inbox.take() else { return };
        let front = &mut inbox.front;
        let mut bytes = [0; STEP_BYTES];
        let mut count = 0;
        if let Some(stream) = self.platform.second() {
            for place in bytes.chunks_exact_mut(1) {
                if !matches!(stream.read_ready(), Ok(true)) || !matches!(stream.read(place), Ok(1)) {
                    break;
                }
                count += 1;
            }
            front.open(Window { until_ms: self.counter.window_until_ms });
            let mut seat = Seat { device: self, now_ms };
            if let Some(bytes) = bytes.get(..count).filter(|bytes| !bytes.is_empty()) {
                front.receive(bytes, &mut seat, now_ms);
            }
            front.poll(&mut seat, now_ms);
            let frame = front.outgoing(now_ms);
            let length = frame.len();
            if length > 0
                && let Some(stream) = self.platform.second()
            {
                // A line that does not take it has lost it.
                let _ = port::write(stream, frame);
                let _ = stream.flush();
                front.sent(length, now_ms);
            }
        }
        self.inbox = Some(inbox);
    }

    /// Whether a shot that the camera shows is to be left alone: the controller has not asked for the next one yet.
    pub(super) fn is_between_shots(&self) -> bool {
        self.is_enrolling_for_controller() && !self.counter.wants_shot()
    }

    fn is_enrolling_for_controller(&self) -> bool {
        self.door.is_enrolling()
            && self.newcomer.as_ref().is_some_and(|newcomer| newcomer.source == Source::Controller)
    }

    /// Gives up the controller's enrolment, if one is going on.
    fn abandon(&mut self, now_ms: u64) {
        if self.is_enrolling_for_controller() {
            self.give_up(now_ms);
        }
    }

    /// Why nothing can be begun in this state, apart from enrolments.
    fn obstacle(&self) -> Option<Failure> {
        match *self.door.state() {
            State::Service(fault) => Some(failure_of(fault)),
            State::Locked { .. } => Some(Failure::Locked),
            _ => None,
        }
    }

    fn begin_verify(&mut self, now_ms: u64) -> Result<(), Failure> {
        self.obstacle().map_or(Ok(()), Err)?;
        self.make_way(now_ms)?;
        let of_image = self.recogniser.as_ref().map_or(0, |one| one.image().gallery.people_count());
        if of_image + self.store.as_ref().map_or(0, |store| usize::from(people_of(store))) == 0 {
            return Err(Failure::NobodyEnrolled);
        }
        // Whoever was decided on before is decided on anew.
        self.followed.look_again();
        Ok(())
    }

    /// Ends an enrolment of the controller's that waits for its next shot.
    ///
    /// # Errors
    /// [`Failure::Busy`] while somebody else enrols.
    fn make_way(&mut self, now_ms: u64) -> Result<(), Failure> {
        self.abandon(now_ms);
        if self.door.is_enrolling() { Err(Failure::Busy) } else { Ok(()) }
    }

    fn begin_shot(&mut self, enrolment: &Enrolment, now_ms: u64) -> Result<(), Failure> {
        self.obstacle().map_or(Ok(()), Err)?;
        if self.counter.has_shots {
            if !self.is_enrolling_for_controller() {
                // It took too long, or something else ended it.
                self.counter.has_shots = false;
                return Err(Failure::Stopped);
            }
            if !self.door.next_shot(enrolment.is_last, now_ms) {
                self.abandon(now_ms);
                return Err(Failure::Full);
            }
            self.followed.look_again();
            return Ok(());
        }
        self.make_way(now_ms)?;
        let name = self.name_for(&enrolment.name)?;
        let store = self.store.as_ref().ok_or(Failure::Read)?;
        if store.places(1) == 0 {
            return Err(Failure::Full);
        }
        let dimension = usize::from(store.dimension());
        let shots = match enrolment.direction {
            Some(_) => MOST_SHOTS as u8,
            None => self.about.settings.shots,
        };
        let orders = self.door.enrol(None, shots, dimension, now_ms).map_err(|_| Failure::Busy)?;
        let flags = if enrolment.is_admin { ADMINISTRATOR } else { 0 };
        self.newcomer = Some(Newcomer { name, flags, source: Source::Controller, last_told_ms: now_ms });
        self.carry_out(&orders, now_ms);
        self.obstacle().map_or(Ok(()), Err)
    }

    /// The name of somebody who is to be enrolled: the one that was given, or "person 7" with the number that the person
    /// will have.
    fn name_for(&mut self, given: &str) -> Result<String<MAX_NAME>, Failure> {
        use core::fmt::Write as _;
        if !given.is_empty() {
            return match self.find(given) {
                Ok(None) => given.try_into().map_err(|_| Failure::Name),
                Ok(Some(_)) | Err(link::message::PeopleRefusal::NameTaken) => Err(Failure::Name),
                Err(_) => Err(Failure::Read),
            };
        }
        let next = self.store.as_ref().map_or(0, |store| store.counters().next_id);
        for number in next.. {
            let mut name = String::new();
            write!(name, "person {number}").map_err(|_| Failure::Name)?;
            match self.find(&name) {
                Ok(None) => return Ok(name),
                Ok(Some(_)) | Err(link::message::PeopleRefusal::NameTaken) => {}
                Err(_) => return Err(Failure::Read),
            }
        }
        Err(Failure::Name)
    }

    fn begin_deletion(&mut self, id: Option<PersonId>, now_ms: u64) -> Result<(), Failure> {
        // A door that is locked or blind still forgets people.
        let store = self.store.as_ref().ok_or(Failure::Read)?;
        if id.is_some_and(|id| !store.people().iter().any(|entry| entry.id == id && entry.centres > 0)) {
            return Err(Failure::UnknownPerson);
        }
        self.make_way(now_ms)
    }

    fn delete(&mut self, id: Option<PersonId>, now_ms: u64) -> Progress {
        let Some(store) = &mut self.store else { return Progress::Failed(Failure::Read) };
        let deleted = match id {
            Some(id) => store.delete(id),
            None => store.delete_people(),
        };
        match deleted {
            Ok(()) => Progress::Deleted,
            Err(store::Error::Unknown) => Progress::Failed(Failure::UnknownPerson),
            Err(_) => {
                self.fail(Fault::Store, now_ms);
                Progress::Failed(Failure::Write)
            }
        }
    }

    /// A person of the store, without the centres.
    fn person_of(&mut self, id: PersonId) -> Option<Person> {
        let store = self.store.as_mut()?;
        let index = store.find(id)?;
        let mut head = Head::new();
        store.open_head(index, &mut head).ok()?;
        let is_person = !head.photos().is_empty();
        let name = head.name().try_into().unwrap_or_default();
        is_person.then_some(Person { id, name, is_admin: head.flags() & ADMINISTRATOR != 0 })
    }

    /// One step of the controller's task.
    fn go_on(&mut self, now_ms: u64) -> Progress {
        let Some(chore) = self.counter.chore else { return Progress::Failed(Failure::Stopped) };
        let progress = match (chore, self.counter.ending) {
            (Chore::Delete(id), _) => self.delete(Some(id), now_ms),
            (Chore::DeleteAll, _) => self.delete(None, now_ms),
            (_, Some(ending)) => match ending {
                Ending::Accepted(id) if id >= FIRST_OF_IMAGE => {
                    Progress::Verified(Person { id, name: String::new(), is_admin: false })
                }
                Ending::Accepted(id) => match self.person_of(id) {
                    Some(person) => Progress::Verified(person),
                    // Deleted since.
                    None => Progress::Failed(Failure::UnknownPerson),
                },
                Ending::Taken => Progress::Taken,
                Ending::Enrolled(id) => Progress::Enrolled(id),
                Ending::Failed(failure) => Progress::Failed(failure),
            },
            (_, None) => match (self.obstacle(), chore) {
                (Some(failure), _) => Progress::Failed(failure),
                (None, Chore::Verify) if self.door.is_enrolling() => Progress::Failed(Failure::Stopped),
                (None, Chore::Enrol { .. }) if !self.is_enrolling_for_controller() => {
                    Progress::Failed(Failure::Stopped)
                }
                (None, _) => return Progress::Working(self.counter.face),
            },
        };
        self.counter.chore = None;
        match &progress {
            Progress::Taken => self.counter.has_shots = true,
            Progress::Enrolled(_) => self.counter.has_shots = false,
            Progress::Failed(_) if matches!(chore, Chore::Enrol { .. }) => {
                self.counter.has_shots = false;
                self.abandon(now_ms);
            }
            _ => {}
        }
        progress
    }
}

/// The device as the front end sees it, at a time.
pub(super) struct Seat<'d, 'a, 'm, P: Platform, F: NorFlash> {
    pub device: &'d mut Device<'a, 'm, P, F>,
    pub now_ms: u64,
}

impl<P: Platform, F: NorFlash> fm22x::Door for Seat<'_, '_, '_, P, F> {
    fn status(&self) -> Status {
        match self.device.door.state() {
            State::Service(_) => Status::Broken,
            State::Enrolling { .. } | State::Saving { .. } => Status::Busy,
            State::Idle | State::Voting(_) | State::Open { .. } | State::Locked { .. } => Status::Idle,
        }
    }

    fn version(&self) -> &str {
        self.device.about.firmware
    }

    fn serial(&self) -> &str {
        &self.device.about.serial
    }

    fn is_button_held(&self) -> bool {
        self.device.is_button_held_long(self.now_ms)
    }

    fn id(&mut self, place: usize) -> Option<u32> {
        let store = self.device.store.as_ref()?;
        store.people().iter().filter(|entry| entry.centres > 0).nth(place).map(|entry| entry.id)
    }

    fn person(&mut self, id: u32) -> Option<Person> {
        self.device.person_of(id)
    }

    fn begin(&mut self, task: Task) -> Result<(), Failure> {
        let chore = match &task {
            Task::Verify => {
                self.device.begin_verify(self.now_ms)?;
                Chore::Verify
            }
            Task::Enrol(enrolment) => {
                self.device.begin_shot(enrolment, self.now_ms)?;
                Chore::Enrol { is_part: !enrolment.is_last }
            }
            Task::Delete(id) => {
                self.device.begin_deletion(Some(*id), self.now_ms)?;
                Chore::Delete(*id)
            }
            Task::DeleteAll => {
                self.device.begin_deletion(None, self.now_ms)?;
                Chore::DeleteAll
            }
        };
        let counter = &mut self.device.counter;
        (counter.chore, counter.ending, counter.face, counter.is_photo) = (Some(chore), None, None, false);
        Ok(())
    }

    fn poll(&mut self, now_ms: u64) -> Progress {
        self.device.go_on(now_ms)
    }

    fn stop(&mut self) {
        match self.device.counter.chore.take() {
            Some(Chore::Delete(id)) => {
                self.device.delete(Some(id), self.now_ms);
            }
            Some(Chore::DeleteAll) => {
                self.device.delete(None, self.now_ms);
            }
            Some(Chore::Enrol { .. }) if !self.device.counter.has_shots => self.device.abandon(self.now_ms),
            // A vote goes on, and shots are kept.
            Some(Chore::Enrol { .. } | Chore::Verify) | None => {}
        }
    }

    fn forget_shots(&mut self) {
        self.device.counter.has_shots = false;
        self.device.abandon(self.now_ms);
    }
}
