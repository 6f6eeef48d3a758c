//! The device: camera, image, store, door, outputs and link, joined. [`Device::poll`] does one bounded step.
//!
//! # Layers
//!
//! * [`camera`]: frames in memory.
//! * [`enrolled`]: the people of image and store as one gallery.
//! * [`log`]: the last decisions.
//! * [`mailbox`]: camera, button and output of an emulated board.
//! * [`mod@ready`]: store and image, before there is a device.
//! * `answer`: the requests of the link.
//! * `moving`: people on the way from and to other boards.
//! * `patience`: hosts that do not prove who they are.
//! * `testing`: the device's tests of itself.
//! * `front`: the commands of a controller on a second line.
//! * `updating`: another image.
//!
//! # Rules
//!
//! * The watchdog is fed when something was achieved: a step of a network, a frame, a message, or a step in which there
//!   was nothing to do. A network that stands still or a step that does not return is not fed.
//! * Whatever cannot be undone is stored first. What cannot be stored does not happen: the door goes to service mode.
//! * Where the gallery cannot be read there is no decision.
//! * One enrolment at a time. While it goes on, nobody else is changed. It ends with the link's session if the link began it.
//! * Whatever ends a task of the link answers it, or the task was ended by who asked for it.
//! * The memory for frames is the camera's or the link's. What the link writes never becomes part of a camera's frame.

mod answer;
pub mod camera;
pub mod enrolled;
pub mod front;
pub mod log;
pub mod mailbox;
mod moving;
mod patience;
pub mod ready;
mod testing;
#[cfg(test)]
mod tests;
mod updating;

use embedded_io::{Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;
use fm22x::FrontEnd;
use heapless::{String, Vec};
use link::message::{Attention, Mode, Notice, PeopleReply, Shot, ShotResult, Text, Verdict, append};
use link::session::{KeyPair, Responder};
use link::{Decoder, Reply};
use matcher::{DecideError, Outcome, Verdict as Ruling};
use nn::Run;
use store::{Draft, Head, MAX_NAME, Store};
use vision::Frame;

use crate::Recogniser;
use crate::door::enrol::{MOST_CENTRES, ShotError, SubCentre};
use crate::door::{Door, Fault, Glimpse, News, Order, PersonId, Settings, State, Tally};
use crate::output::Output;
use crate::seeing::{STEP_ROWS, Seeing, Sighting};
use crate::sight::{Followed, FrameSource, Observer};
use crate::update::start::is_of_same_network;
use crate::update::{ImageFlash, Slots, Started, Updater};
use answer::{Desk, Line};
use camera::{Camera, Taken};
use enrolled::Enrolled;
use front::Counter;
use log::Log;
use moving::Moving;
use patience::Patience;
use testing::Testing;

/// A camera that has delivered nothing for this long is dead.
const CAMERA_MS: u64 = 5_000;
/// Frames in which a face must be found before it is examined.
const STEADY: u8 = 3;
/// Mark in the store of a person whom a controller on the second line calls an administrator. It permits nothing.
const ADMINISTRATOR: u16 = 1;
/// Longest serial number, in bytes.
pub const MAX_SERIAL: usize = 32;

/// What a board gives a device beside its memories.
pub trait Platform {
    /// The link's bytes.
    type Stream: Read + ReadReady + Write;
    /// The bytes of a second line, for a controller that knows modules HLK-FM22x. A board without one names any stream.
    type Second: Read + ReadReady + Write;
    /// The camera.
    type Camera: Camera;
    /// What opens the door.
    type Output: Output;
    /// Counts instructions.
    type Meter: Observer;
    /// The flash of images.
    type Images: ImageFlash;

    /// The link's bytes.
    fn stream(&mut self) -> &mut Self::Stream;
    /// The second line's bytes, if the board has one. It takes at least 203 bytes without being read on the other side.
    fn second(&mut self) -> Option<&mut Self::Second>;
    /// The camera.
    fn camera(&mut self) -> &mut Self::Camera;
    /// What opens the door.
    fn output(&mut self) -> &mut Self::Output;
    /// The counter of instructions.
    fn meter(&mut self) -> Self::Meter;
    /// The flash of images.
    fn images(&mut self) -> &mut Self::Images;
    /// 32 bytes that nobody can foresee, each time others.
    fn random(&mut self) -> [u8; 32];
    /// [`Self::random`] for a test; `None` where the source fails, which otherwise starts the board anew.
    fn tested_random(&mut self) -> Option<[u8; 32]> {
        Some(self.random())
    }
    /// Memory for the last decisions, 20 bytes each: one that keeps its content when the device restarts, and when its power goes,
    /// if the board has such. Any content at the first start; empty where there is no memory to spare.
    fn retained(&mut self) -> &mut [u8];
    /// Whether the button is held down. A board removes the bouncing of its contacts.
    fn is_button_held(&mut self) -> bool;
    /// Whether a watchdog starts the board anew if it is not fed.
    fn has_watchdog(&self) -> bool {
        true
    }
    /// Tells the watchdog that something was achieved.
    fn feed(&mut self);
    /// Most bytes of stack ever in use.
    fn stack_bytes(&mut self) -> u32;
    /// Does nothing any more, so that the watchdog starts the board anew: to test it. The link has sent everything and the door is
    /// closed. Interrupts go on. Not called without [`Self::has_watchdog`]. Returns only where something else starts or ends the board.
    fn starve(&mut self) {
        loop {
            core::hint::spin_loop();
        }
    }
    /// Starts the board anew. The link has sent everything. Returns on boards that do so a moment later.
    fn restart(&mut self);
}

/// What a maker decides about a device.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// Name of the board.
    pub board: &'a str,
    /// Version of the firmware.
    pub firmware: &'a str,
    /// The board's serial number.
    pub serial: String<MAX_SERIAL>,
    /// How the door behaves.
    pub settings: Settings,
    /// Whether everybody on the link may ask whether a face is accepted.
    pub is_verify_open: bool,
    /// Bytes of the memory for frames.
    pub frame_bytes: u32,
    /// How often a page of the store's flash can be erased, as its maker says.
    pub flash_cycles: u32,
    /// Milliseconds that the board took to start.
    pub start_ms: u64,
    /// The maker's public key (Ed25519). Without one, any image runs, and no update is taken.
    pub maker_key: Option<[u8; 32]>,
    /// Why image or store are not ready; empty if they are.
    pub trouble: Text,
}

/// Memory for messages that come in, and for what goes out on the second line.
pub struct Inbox {
    decoder: Decoder,
    front: FrontEnd,
    plain: [u8; link::MAX_PLAIN_BYTES + link::session::TAG_BYTES],
}

impl Inbox {
    /// Empty.
    pub const fn new() -> Self {
        Inbox {
            decoder: Decoder::new(),
            front: FrontEnd::new(0),
            plain: [0; link::MAX_PLAIN_BYTES + link::session::TAG_BYTES],
        }
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Who began an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// A host on the link. It hears of every shot, and says when the person is stored.
    Link(Line),
    /// The controller on the second line. The person is stored with the last shot.
    Controller,
}

/// Somebody who is being enrolled.
#[derive(Clone, Debug)]
struct Newcomer {
    name: String<MAX_NAME>,
    flags: u16,
    source: Source,
    last_told_ms: u64,
}

/// A device. `'a` is the memory of the image, `'m` that of arena and messages.
pub struct Device<'a, 'm, P: Platform, F: NorFlash> {
    about: About<'a>,
    platform: P,
    recogniser: Option<Recogniser<'a>>,
    store: Option<Store<F>>,
    updater: Option<Updater>,
    door: Door,
    followed: Followed,
    seeing: Option<Seeing<'a, 'm>>,
    testing: Option<Testing>,
    /// The golden embedding that is being made, and the rows of its crop that are to come.
    golden: Option<(Run<'a, 'm>, &'a [u8])>,
    /// Empty while a frame is seen or the golden embedding is made.
    arena: &'m mut [u8],
    /// `None` while a message is answered.
    inbox: Option<&'m mut Inbox>,
    frame: Option<Taken>,
    camera_ms: u64,
    responder: Responder,
    desk: Desk,
    counter: Counter,
    newcomer: Option<Newcomer>,
    moving: Moving,
    patience: Patience,
    mode: Mode,
}

/// What outlives a restart, from the store.
fn tally_of<F: NorFlash>(store: &Store<F>) -> Tally {
    let counters = store.counters();
    Tally { attempts: counters.attempts, lockouts: counters.lockouts, is_locked: counters.is_locked }
}

impl<'a, 'm, P: Platform, F: NorFlash> Device<'a, 'm, P, F> {
    /// A device after its start. Image and store that are not ready are the fault that says so: then only the link works.
    /// `keys` are the board's for sessions.
    // The arguments are what a board is made of; a struct of them would exist for this call only.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        mut about: About<'a>,
        mut platform: P,
        started: Started<'a, F::Error>,
        store: Option<Store<F>>,
        keys: KeyPair,
        arena: &'m mut [u8],
        inbox: &'m mut Inbox,
        now_ms: u64,
    ) -> Self {
        let tally = store.as_ref().map_or(Tally::default(), tally_of);
        let Started { recogniser, is_second, past, trouble } = started;
        let slots = Slots::of(platform.images());
        if let Err(error) = &slots {
            append(&mut about.trouble, error);
        }
        let mut device = Device {
            door: Door::new(about.settings, tally, now_ms),
            platform,
            followed: Followed::default(),
            seeing: None,
            testing: None,
            golden: None,
            arena,
            inbox: Some(inbox),
            frame: None,
            camera_ms: now_ms,
            responder: Responder::new(keys, about.is_verify_open),
            about,
            desk: Desk::default(),
            counter: Counter::default(),
            newcomer: None,
            moving: Moving::Nothing,
            patience: Patience::default(),
            mode: Mode::Idle,
            recogniser,
            store,
            updater: slots.ok().map(|slots| Updater::new(slots, is_second, past)),
        };
        device.learn_administrators();
        let fault = match (&device.recogniser, &device.store) {
            (None, _) => Some(Fault::Image),
            (_, None) => Some(Fault::Store),
            _ if trouble.is_some() => Some(Fault::Store),
            (Some(recogniser), _) if recogniser.eyes().is_none() => Some(Fault::Blind),
            _ => None,
        };
        match fault {
            Some(fault) => device.fail(fault, now_ms),
            // Whatever the output was before the restart.
            None => device.carry_out(&[Order::Close], now_ms),
        }
        device.mode = device.mode_now();
        device
    }

    /// One step: what came over the link, the time, and some rows of a network or a new frame. Takes a few thousandths of
    /// a second, or as long as a page of the flash is erased. `now_ms` never goes back.
    // Not inlined, so that its stack is free when the device is made.
    #[inline(never)]
    pub fn poll(&mut self, now_ms: u64) {
        self.hear(now_ms);
        self.watch_button(now_ms);
        self.serve_controller(now_ms);
        let orders = self.door.tick(now_ms);
        self.carry_out(&orders, now_ms);
        let is_stuck = !self.go_on_updating(now_ms) && !self.go_on_testing(now_ms) && self.look(now_ms);
        let mode = self.mode_now();
        if mode != self.mode {
            self.mode = mode;
            self.notify(Notice::Mode(mode));
        }
        if !is_stuck {
            self.platform.feed();
        }
    }

    /// Whether nothing is going on. Until a byte or a frame comes or the button is pressed, a board may rest for some milliseconds
    /// between steps.
    pub fn is_waiting(&self) -> bool {
        let is_updating = self.updater.as_ref().is_some_and(|updater| updater.is_working());
        self.seeing.is_none() && self.golden.is_none() && !is_updating
    }

    /// What it is doing.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The board.
    pub fn platform(&mut self) -> &mut P {
        &mut self.platform
    }

    fn mode_now(&self) -> Mode {
        match self.door.state() {
            State::Idle if self.followed.track.frames() == 0 => Mode::Idle,
            State::Idle | State::Voting(_) => Mode::Scan,
            State::Open { .. } => Mode::Open,
            State::Locked { .. } => Mode::Locked,
            State::Enrolling { .. } | State::Saving { .. } => Mode::Enrol,
            State::Service(_) => Mode::Service,
        }
    }

    /// Gives the responder the keys of the store's administrators.
    fn learn_administrators(&mut self) {
        let Some(store) = &mut self.store else { return };
        for index in 0..store.people().len() {
            if store.people().get(index).is_none_or(|entry| entry.centres != 0) {
                continue;
            }
            let mut head = Head::new();
            if store.open_head(index, &mut head).is_ok()
                && let Some(key) = key_of(head.name())
            {
                self.responder.add(key);
            }
        }
    }

    /// Looks at the camera's frames. Returns whether the device stands still.
    fn look(&mut self, now_ms: u64) -> bool {
        if let Some(seeing) = self.seeing.take() {
            return !self.look_on(seeing, now_ms);
        }
        if self.desk.is_filling() || self.desk.waits_for_sight().is_some() {
            // The memory for frames is somebody else's; nothing can come from the camera.
            self.camera_ms = now_ms;
        }
        if self.desk.is_filling() {
            return false;
        }
        if let Some(taken) = self.desk.waits_for_sight() {
            self.begin_to_see(taken, true, now_ms);
            return false;
        }
        let Some(taken) = self.platform.camera().taken() else {
            let is_silent = now_ms.saturating_sub(self.camera_ms) >= CAMERA_MS;
            if is_silent && self.door.is_watching() {
                self.fail(Fault::Blind, now_ms);
            }
            return false;
        };
        self.camera_ms = now_ms;
        if self.recogniser.as_ref().is_some_and(|recogniser| recogniser.eyes().is_some()) {
            self.door.recover();
        }
        if !self.door.is_watching() {
            self.platform.camera().release();
            return false;
        }
        self.begin_to_see(taken, false, now_ms);
        false
    }

    fn begin_to_see(&mut self, taken: Taken, is_asked: bool, now_ms: u64) {
        let attention = if is_asked { Attention::Photo } else { Attention::Video { steady: STEADY } };
        let arena = core::mem::take(&mut self.arena);
        let (Some(recogniser), Some(frame)) =
            (&self.recogniser, frame_of(self.platform.camera().memory(), &taken))
        else {
            self.arena = arena;
            return self.give_frame_up();
        };
        let Some(eyes) = recogniser.eyes() else {
            self.arena = arena;
            return self.give_frame_up();
        };
        match Seeing::start(recogniser, eyes, &frame, attention, arena) {
            Ok(seeing) => {
                self.seeing = Some(seeing);
                self.frame = Some(taken);
            }
            // The arena was large enough at the start.
            Err(_) => {
                self.give_frame_up();
                self.fail(Fault::Image, now_ms);
            }
        }
    }

    /// Goes on with a frame. Returns whether something was achieved.
    fn look_on(&mut self, mut seeing: Seeing<'a, 'm>, now_ms: u64) -> bool {
        let Device { recogniser, platform, followed, frame, desk, .. } = self;
        // The frame of a request stands alone.
        let mut alone = Followed::default();
        let followed = if desk.waits_for_sight().is_some() { &mut alone } else { followed };
        let advanced = recogniser.as_ref().zip(frame.as_ref()).and_then(|(recogniser, taken)| {
            let eyes = recogniser.eyes()?;
            advance(&mut seeing, recogniser, eyes, taken, followed, platform)
        });
        match advanced {
            Some(false) => {
                self.seeing = Some(seeing);
                return true;
            }
            Some(true) => {}
            None => {
                self.arena = seeing.finish().1;
                self.give_frame_up();
                self.fail(Fault::Image, now_ms);
                return false;
            }
        }
        let (sighting, arena) = seeing.finish();
        self.arena = arena;
        self.frame = None;
        self.camera_ms = now_ms;
        if self.desk.waits_for_sight().is_some() {
            self.answer_sighting(sighting, now_ms);
        } else {
            self.platform.camera().release();
            self.glimpse(&sighting, now_ms);
        }
        true
    }

    /// Tells the door what a frame showed.
    fn glimpse(&mut self, sighting: &Sighting, now_ms: u64) {
        self.counter.see(sighting);
        let face = sighting.seen.face.as_ref();
        let look = face.and_then(|face| face.look.as_ref());
        let glimpse = match (face, look, &sighting.embedding) {
            (_, _, Some(embedding)) => match self.decide(embedding) {
                Ok((outcome, person, threshold_q30)) => {
                    let accepted = outcome.verdict == Ruling::Accepted;
                    Glimpse::Fit { embedding, person: person.filter(|_| accepted), threshold_q30 }
                }
                Err(fault) => return self.fail(fault, now_ms),
            },
            (_, Some(look), None) => match look.refusal {
                Some(refusal) => Glimpse::Unfit(refusal),
                None => Glimpse::Face { is_new: false },
            },
            (Some(face), None, None) => Glimpse::Face { is_new: face.frames == 1 },
            (None, ..) => Glimpse::Nobody,
        };
        self.seen(&glimpse, now_ms);
    }

    fn seen(&mut self, glimpse: &Glimpse<'_>, now_ms: u64) {
        if self.is_between_shots() {
            return;
        }
        let orders = self.door.seen(now_ms, glimpse);
        self.carry_out(&orders, now_ms);
    }

    /// Decides on an embedding: the outcome, the nearest person, and the threshold.
    fn decide(&mut self, embedding: &[i16]) -> Result<(Outcome, Option<PersonId>, i32), Fault> {
        let (recogniser, mut enrolled) = gallery(&self.recogniser, &mut self.store)?;
        // The certificate is shown and decides nothing. It could open all records a second time.
        let judge = recogniser.judge(enrolled.count()).without_certificate();
        let outcome = judge.decide(&mut enrolled, embedding).map_err(fault_of)?;
        let person = outcome.best.as_ref().and_then(|best| enrolled.id(best.person));
        Ok((outcome, person, judge.rules.threshold_q30))
    }

    /// Carries out orders one after another. When one fails, the rest is dropped.
    fn carry_out(&mut self, orders: &[Order], now_ms: u64) {
        for &order in orders {
            let done = match order {
                Order::Store(tally) => self.store_tally(&tally),
                Order::Open(person) => self.platform.output().open(person).map_err(|_| Fault::Output),
                Order::Close => self.platform.output().close().map_err(|_| Fault::Output),
                Order::LookAgain => {
                    self.followed.look_again();
                    Ok(())
                }
                Order::Save => self.save_unless_committed(now_ms),
                Order::Tell(news) => {
                    self.tell(news, now_ms);
                    Ok(())
                }
            };
            if let Err(fault) = done {
                return self.fail(fault, now_ms);
            }
        }
    }

    /// Nothing can run any more, and the door is closed as far as that is possible.
    fn fail(&mut self, fault: Fault, now_ms: u64) {
        for &order in &self.door.fail(fault) {
            match order {
                Order::Close => {
                    // There is nothing more to do if this fails, too.
                    let _ = self.platform.output().close();
                }
                Order::Tell(news) => self.tell(news, now_ms),
                _ => {}
            }
        }
    }

    /// Gives up the enrolment that is going on, whoever began it.
    fn give_up(&mut self, now_ms: u64) {
        self.newcomer = None;
        let orders = self.door.give_up();
        self.carry_out(&orders, now_ms);
    }

    fn store_tally(&mut self, tally: &Tally) -> Result<(), Fault> {
        let store = self.store.as_mut().ok_or(Fault::Store)?;
        if tally_of(store) == *tally {
            return Ok(());
        }
        store.set_attempts(tally.attempts, tally.lockouts, tally.is_locked).map_err(|_| Fault::Store)
    }

    fn save_unless_committed(&mut self, now_ms: u64) -> Result<(), Fault> {
        match &self.newcomer {
            Some(Newcomer { source: Source::Link(_), .. }) => Ok(()),
            _ => self.save(now_ms).map(|_| ()),
        }
    }

    /// Stores the person whose shots are all taken. Returns the id, or `None` when there is none to be stored or no room.
    fn save(&mut self, now_ms: u64) -> Result<Option<PersonId>, Fault> {
        let State::Saving { enrolment, .. } = self.door.state() else { return Ok(None) };
        let Some(store) = &mut self.store else { return Err(Fault::Store) };
        let before = match enrolment.person {
            Some(id) => centres_of(store, id).map_err(|_| Fault::Store)?,
            None => Vec::new(),
        };
        // Stored centres of another dimension are of another network.
        let centres = enrolment.centres(&before).map_err(|_| Fault::Store)?.unwrap_or_default();
        let newcomer = self.newcomer.take();
        let (name, flags) = newcomer.as_ref().map_or(("", 0), |one| (one.name.as_str(), one.flags));
        let mut parts: Vec<store::SubCentre<'_>, MOST_CENTRES> = Vec::new();
        for centre in &centres {
            // There is room for as many as there are.
            let _ = parts.push(store::SubCentre { photos: centre.photos, vector: &centre.vector });
        }
        let draft = Draft { name, flags, centres: &parts };
        let stored = match enrolment.person {
            // An entry without centres would be an administrator's key.
            _ if parts.is_empty() => Err(store::Error::Centres),
            Some(id) => store.replace(id, &draft).map(|()| id),
            None => store.add(&draft),
        };
        let orders = match stored {
            Ok(id) => self.door.saved(id),
            Err(
                store::Error::Full | store::Error::Name | store::Error::Centres | store::Error::Exhausted,
            ) => {
                self.counter.refuse(fm22x::Failure::Full);
                self.door.give_up()
            }
            Err(_) => {
                self.counter.refuse(fm22x::Failure::Write);
                return Err(Fault::Store);
            }
        };
        self.carry_out(&orders, now_ms);
        Ok(stored.ok())
    }

    /// Tells whoever listens.
    fn tell(&mut self, news: News, now_ms: u64) {
        self.counter.hear(news);
        let verdict = match news {
            News::Accepted(person) | News::Answered(Some(person)) => Some(Verdict::Accepted(person)),
            News::Rejected | News::Answered(None) => Some(Verdict::NotAccepted),
            _ => None,
        };
        if let Some(verdict) = verdict {
            let starts = self.store.as_ref().map_or(0, |store| store.counters().starts);
            Log(self.platform.retained()).add(starts, now_ms, verdict);
            self.notify(Notice::Verdict(verdict));
            if verdict == Verdict::NotAccepted {
                // A light that does not work does not keep anybody out.
                let _ = self.platform.output().reject();
            }
        }
        let result = match news {
            News::Shot { .. } => ShotResult::Taken,
            News::NoShot(ShotError::TooAlike) => ShotResult::TooAlike,
            News::NoShot(ShotError::NotTheSame) => ShotResult::OtherPerson,
            News::NoShot(ShotError::Enrolled(person)) => ShotResult::Known(person),
            News::Unfit(refusal) => ShotResult::Unfit(refusal),
            News::GivenUp => ShotResult::NoFace,
            _ => return,
        };
        self.tell_shot(result, now_ms);
    }

    /// Tells who asked for an enrolment what became of a photo: each one that is taken, others from time to time.
    fn tell_shot(&mut self, result: ShotResult, now_ms: u64) {
        /// Between two photos that are not taken.
        const PAUSE_MS: u64 = 500;
        let (taken, needed) = match self.door.state() {
            State::Enrolling { enrolment, .. } | State::Saving { enrolment, .. } => {
                (enrolment.taken(), enrolment.wanted())
            }
            _ => (0, self.about.settings.shots),
        };
        let Some(newcomer) = &mut self.newcomer else { return };
        let is_last = result == ShotResult::NoFace;
        if result != ShotResult::Taken && !is_last && now_ms.saturating_sub(newcomer.last_told_ms) < PAUSE_MS
        {
            return;
        }
        newcomer.last_told_ms = now_ms;
        let source = newcomer.source;
        if is_last {
            self.newcomer = None;
        }
        if let Source::Link(line) = source {
            self.send(line, &Reply::People(PeopleReply::Shot(Shot { taken, needed, result })));
        }
    }
}

/// A key from 64 hexadecimal digits, as the name of an administrator's entry is.
pub fn key_of(name: &str) -> Option<[u8; 32]> {
    let digits = name.as_bytes();
    let mut key = [0; 32];
    if digits.len() != 2 * key.len() {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let (pairs, _) = digits.as_chunks();
    for (byte, &[high, low]) in key.iter_mut().zip(pairs) {
        *byte = value(high)? << 4 | value(low)?;
    }
    Some(key)
}

/// The name of an entry that stands for an administrator's key.
fn name_of_key(key: &[u8; 32]) -> String<MAX_NAME> {
    let mut name = String::new();
    for nibble in key.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        // Exactly as long as a name may be.
        let _ = name.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
    }
    name
}

/// All who are enrolled, in image and store. There is none while the store's people are of another network.
fn gallery<'r, 'a, F: NorFlash>(
    recogniser: &'r Option<Recogniser<'a>>,
    store: &'r mut Option<Store<F>>,
) -> Result<(&'r Recogniser<'a>, Enrolled<'r, 'a, F>), Fault> {
    match (recogniser, store) {
        (Some(recogniser), Some(store)) if is_of_same_network(store, recogniser) => {
            Ok((recogniser, Enrolled { recogniser, store }))
        }
        _ => Err(Fault::Store),
    }
}

/// Why nobody can be decided on: the image's embeddings are others than its people's, or people cannot be opened.
fn fault_of<E>(error: DecideError<E>) -> Fault {
    match error {
        DecideError::Scan(_) => Fault::Image,
        DecideError::Runs(_) => Fault::Store,
    }
}

/// The frame in a memory.
fn frame_of<'f>(memory: &'f [u8], taken: &Taken) -> Option<Frame<'f>> {
    let row_bytes = usize::from(taken.width) * taken.format.pixel_bytes();
    Frame::new_checked(memory, taken.width, taken.height, row_bytes, taken.format).ok()
}

/// One step of a frame; `None` when it cannot be seen.
fn advance<'a, P: Platform>(
    seeing: &mut Seeing<'a, '_>,
    recogniser: &Recogniser<'a>,
    eyes: &face::Eyes<'a>,
    taken: &Taken,
    followed: &mut Followed,
    platform: &mut P,
) -> Option<bool> {
    let mut meter = platform.meter();
    let frame = frame_of(platform.camera().memory(), taken)?;
    seeing.advance(recogniser, eyes, &frame, followed, STEP_ROWS, &mut meter).ok()
}

/// The centres of a person in the store.
fn centres_of<F: NorFlash>(
    store: &mut Store<F>,
    id: PersonId,
) -> Result<Vec<SubCentre, MOST_CENTRES>, store::Error<F::Error>> {
    let index = store.find(id).ok_or(store::Error::Unknown)?;
    let mut head = Head::new();
    store.open_head(index, &mut head)?;
    let mut centres = Vec::new();
    for (part, &photos) in head.photos().iter().take(MOST_CENTRES).enumerate() {
        let mut centre = SubCentre { vector: Vec::new(), photos };
        // The dimension is at most that of a vector.
        let _ = centre.vector.resize(store.dimension().into(), 0);
        store.open_centre(index, part as u8, &mut centre.vector)?;
        let _ = centres.push(centre);
    }
    Ok(centres)
}
