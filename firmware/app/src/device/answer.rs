//! The device's side of the link: what it answers, and to whom.

use embedded_io::{Read, ReadReady, Write};
use embedded_storage::nor_flash::NorFlash;
use format::gates::Gate;
use heapless::{String, Vec};
use link::message::{
    Decided, Device as Condition, EVENTS_VERSION, Group, GroupVersion, Hello, MAX_PEOPLE, Notice, Objection,
    PEOPLE_VERSION, PeopleRefusal, PeopleReply, PeopleRequest, Person, RECOGNISE_VERSION, SESSION_VERSION,
    SessionRequest, UPDATE_VERSION, VERSION, Verdict, View,
};
use link::session::{BoardEvent, PublicKey};
use link::{Message, Reply, Request, frame};
use matcher::Verdict as Ruling;
use store::{Draft, Entry, Head, MAX_NAME, Store};

use super::camera::{Camera, Taken};
use super::enrolled::FIRST_OF_IMAGE;
use super::front::{HOLD_MS, MOST_WINDOW_SECONDS};
use super::log::Log;
use super::moving::Moving;
use super::updating::RESTART_MS;
use super::{Device, Inbox, Newcomer, Platform, Source, fault_of, frame_of, gallery, name_of_key};
use crate::Recogniser;
use crate::door::enrol::MOST_CENTRES;
use crate::door::{Busy, Fault, PersonId, State};
use crate::pattern;
use crate::port::{self, text};
use crate::recogniser::shown;
use crate::seeing::Sighting;
use crate::sight::FrameSource;
use crate::update::start::{is_of_same_network, people_of};

/// Bytes that are taken from the link in a step, unless a message is complete before.
const STEP_BYTES: usize = 256;
/// How long the button lets somebody pair, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// A task whose host has said nothing for this long has ended, in milliseconds.
const PATIENCE_MS: u64 = 5_000;
/// A computing device says so at least this often, in milliseconds.
pub(super) const WORKING_MS: u64 = 1_000;

/// Where an answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub turn: u32,
    pub is_sealed: bool,
}

/// A frame that somebody on the link asks about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// The camera has to leave the memory first.
    Waiting { line: Line, view: View, since_ms: u64 },
    /// Rows come in.
    Filling { line: Line, view: View, next: u16, heard_ms: u64 },
    /// The frame is seen.
    Sight { line: Line, taken: Taken, said_ms: u64 },
}

/// Somebody who waits for the check of an update, and when the device last said that it works.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub line: Line,
    pub said_ms: u64,
}

/// What goes on over the link.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) task: Option<Task>,
    window_until_ms: Option<u64>,
    /// A host whose fingerprint waits for the button.
    candidate: Option<[u8; 32]>,
    /// Since when the button is held.
    held_since_ms: Option<u64>,
    /// Who waits for the check of an update.
    pub(super) updating: Option<Waiting>,
    /// When the board is started anew.
    pub(super) restart_ms: Option<u64>,
    /// When the board stands still, so that its watchdog starts it anew.
    pub(super) starve_ms: Option<u64>,
}

impl Desk {
    /// The frame that is seen, or is to be seen, for somebody on the link.
    pub fn waits_for_sight(&self) -> Option<Taken> {
        match self.task {
            Some(Task::Sight { taken, .. }) => Some(taken),
            _ => None,
        }
    }

    /// Whether the memory for frames belongs to somebody on the link.
    pub fn is_filling(&self) -> bool {
        matches!(self.task, Some(Task::Filling { .. }))
    }
}

impl<'a, 'm, P: Platform, F: NorFlash> Device<'a, 'm, P, F> {
    /// Takes bytes of the link, and answers one message.
    pub(super) fn hear(&mut self, now_ms: u64) {
        self.mind_task(now_ms);
        let Some(inbox) = self.inbox.take() else { return };
        let Inbox { decoder, plain, .. } = &mut *inbox;
        for _ in 0..STEP_BYTES {
            let stream = self.platform.stream();
            let mut byte = [0];
            if !matches!(stream.read_ready(), Ok(true)) || !matches!(stream.read(&mut byte), Ok(1)) {
                break;
            }
            match decoder.push(byte[0]) {
                Ok(false) => continue,
                Ok(true) => {
                    let message = Message::parse(decoder.message());
                    // Echoes are ignored.
                    let Some(message) = message.filter(|message| !message.is_reply()) else { continue };
                    self.receive(&message, plain, now_ms);
                }
                Err(error) => self.send(Line::default(), &Reply::Refused(error.into())),
            }
            break;
        }
        self.inbox = Some(inbox);
    }

    /// Sends a reply. A line that does not take it has lost it.
    // Not inlined, so that its buffers are not on the stack at other times.
    #[inline(never)]
    pub(super) fn send(&mut self, line: Line, reply: &Reply) {
        let mut message = [0; link::MAX_REPLY_BYTES];
        let mut framed = [0; link::MAX_REPLY_FRAME_BYTES];
        let Ok(message) = self.responder.reply(line.turn, reply, line.is_sealed, &mut message) else {
            return;
        };
        let Ok(framed) = frame::encode(message, &mut framed) else { return };
        let stream = self.platform.stream();
        let _ = port::write(stream, framed);
        let _ = stream.flush();
    }

    /// Tells the administrator of an open session what happened.
    pub(super) fn notify(&mut self, notice: Notice) {
        if self.responder.is_open() {
            self.send(Line { turn: 0, is_sealed: true }, &Reply::Notice(notice));
        }
    }

    /// Whether the button is held for so long that it permits changes on the second line.
    pub(super) fn is_button_held_long(&self, now_ms: u64) -> bool {
        self.desk.held_since_ms.is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= HOLD_MS)
    }

    /// The button: when it is let go after a short time, lets somebody pair, or confirms the fingerprint of who has. Held
    /// for longer it is meant for the second line.
    pub(super) fn watch_button(&mut self, now_ms: u64) {
        let is_held = self.platform.is_button_held();
        let is_pressed = !is_held && self.desk.held_since_ms.is_some() && !self.is_button_held_long(now_ms);
        self.desk.held_since_ms = is_held.then(|| self.desk.held_since_ms.unwrap_or(now_ms));
        if self.desk.window_until_ms.is_some_and(|until_ms| now_ms >= until_ms) {
            self.desk.window_until_ms = None;
            self.desk.candidate = None;
            self.responder.close_window();
        }
        if !is_pressed {
            return;
        }
        self.desk.window_until_ms = None;
        match self.desk.candidate.take() {
            Some(key) => self.admit(key, now_ms),
            None => {
                self.desk.window_until_ms = Some(now_ms + WINDOW_MS);
                self.responder.open_window();
            }
        }
    }

    /// Whether the button was pressed in the last minute. A press permits one thing: nobody can pair with it afterwards.
    pub(super) fn take_press(&mut self) -> bool {
        let is_pressed = self.desk.window_until_ms.take().is_some();
        self.responder.close_window();
        // Somebody has paired in between. The next press is meant for this request, and must not admit them.
        is_pressed && self.desk.candidate.take().is_none()
    }

    /// Makes a paired host an administrator.
    pub(super) fn admit(&mut self, key: [u8; 32], now_ms: u64) {
        let Some(store) = &mut self.store else { return };
        if self.responder.administrators().contains(&key) {
            return;
        }
        let name = name_of_key(&key);
        let is_room = self.responder.administrators().len() < link::session::MAX_ADMINISTRATORS;
        if !is_room {
            return;
        }
        match store.add(&Draft { name: &name, flags: 0, centres: &[] }) {
            Ok(_) => {
                self.responder.add(key);
            }
            Err(store::Error::Full | store::Error::Exhausted) => {}
            Err(_) => self.fail(Fault::Store, now_ms),
        }
    }

    fn receive<'i>(&mut self, message: &Message<'i>, plain: &'i mut [u8], now_ms: u64) {
        if is_handshake(message) {
            let left = self.patience.seconds_left(now_ms);
            if let Some(seconds) = left.filter(|_| self.desk.window_until_ms.is_none()) {
                let line = Line { turn: message.turn, is_sealed: false };
                return self.send(line, &Reply::Refused(Objection::Wait(seconds)));
            }
            self.patience.count(now_ms);
        }
        let Device { responder, platform, .. } = self;
        let event = responder.receive(message, plain, || platform.random());
        match &event {
            BoardEvent::Request { request, is_sealed } => {
                if *is_sealed {
                    self.patience.clear();
                }
                return self.serve(request, Line { turn: message.turn, is_sealed: *is_sealed }, now_ms);
            }
            BoardEvent::Opened { .. } | BoardEvent::Closed(_) => {
                self.desk.candidate = None;
                self.end_session(now_ms);
            }
            BoardEvent::Paired { host, .. } => self.desk.candidate = Some(*host),
            BoardEvent::Pairing { .. } | BoardEvent::Refused { .. } => {}
        }
        if let Some((reply, is_sealed)) = event.answer() {
            self.send(Line { turn: message.turn, is_sealed }, &reply);
        }
    }

    /// Ends all that a session began.
    pub(super) fn end_session(&mut self, now_ms: u64) {
        self.end_task();
        self.stop_testing();
        // The check of an update goes on. Whoever asks hears how far it is.
        self.desk.updating = None;
        self.moving = Moving::Nothing;
        if self.newcomer.as_ref().is_some_and(|newcomer| newcomer.source != Source::Controller) {
            self.give_up(now_ms);
        }
    }

    fn serve(&mut self, request: &Request<'_>, line: Line, now_ms: u64) {
        let reply = match request {
            Request::Hello => {
                self.end_task();
                if !line.is_sealed {
                    // A host that greets is a new one. Whoever paired before it is not confirmed any more.
                    self.end_session(now_ms);
                    self.desk.candidate = None;
                }
                Reply::Hello(self.hello())
            }
            Request::Abort => {
                self.end_task();
                Reply::Idle
            }
            Request::Status => match self.desk.task {
                Some(Task::Filling { line: of, next, .. }) if of == line => Reply::Row(next),
                Some(Task::Waiting { .. } | Task::Sight { .. }) => Reply::Working,
                _ => Reply::Idle,
            },
            Request::Pixels(row, pixels) => match self.fill(line, *row, pixels, now_ms) {
                Some(reply) => reply,
                None => return,
            },
            Request::See(view) => match self.begin_task(line, view, now_ms) {
                Some(objection) => Reply::Refused(objection),
                None => return,
            },
            // Aligned crops come from a host that this device does not trust to look.
            Request::Recognise | Request::Embed => Reply::Refused(Objection::UnknownNumber),
            Request::Test(test) => match self.test(*test, line, now_ms) {
                Some(reply) => reply,
                None => return,
            },
            Request::People(request) => Reply::People(match self.serve_people(request, line, now_ms) {
                Ok(reply) => reply,
                Err(refusal) => PeopleReply::Refused(refusal),
            }),
            Request::Update(request) => match self.serve_update(request, line, now_ms) {
                Some(reply) => Reply::Update(reply),
                None => return,
            },
            Request::Session(_) => Reply::Refused(Objection::UnknownNumber),
        };
        self.send(line, &reply);
        if line.is_sealed && !self.responder.is_open() {
            // The administrator was removed, and has heard it.
            self.end_session(now_ms);
        }
    }

    fn hello(&self) -> Hello {
        let image = self.recogniser.as_ref().map(Recogniser::image);
        let input = image.map(|image| image.embedder.input());
        let groups = [
            (Group::Control, VERSION as u8),
            (Group::Recognise, RECOGNISE_VERSION),
            (Group::People, PEOPLE_VERSION),
            (Group::Update, UPDATE_VERSION),
            (Group::Events, EVENTS_VERSION),
            (Group::Session, SESSION_VERSION),
        ];
        let mut known = Vec::new();
        for (group, version) in groups {
            // There is room for all groups.
            let _ = known.push(GroupVersion { group: group as u8, version });
        }
        let of_image = image.map_or(0, |image| image.gallery.people_count() as u16);
        let enrolled = self.store.as_ref().map_or(0, people_of);
        Hello {
            version: VERSION,
            groups: known,
            board: text(&self.about.board),
            network: image.map_or(String::new(), |image| text(&image.embedder.name())),
            image: image.map_or([0; 32], |image| image.digest),
            crop: input.map_or([0; 3], |input| [input.height, input.width, input.channels]),
            dimension: image.map_or(0, |image| image.dimension() as u16),
            people: of_image.saturating_add(enrolled),
            has_eyes: self.recogniser.as_ref().is_some_and(|recogniser| recogniser.eyes().is_some()),
            frame_bytes: self.about.frame_bytes,
            start_instructions: 1_000_000 * self.about.start_ms,
            trouble: self.about.trouble.clone(),
        }
    }

    /// Ends what somebody on the link asked for.
    fn end_task(&mut self) {
        match self.desk.task.take() {
            None | Some(Task::Waiting { .. }) => {}
            Some(Task::Filling { .. }) => self.platform.camera().release(),
            Some(Task::Sight { .. }) => {
                self.stop_seeing();
                self.platform.camera().release();
            }
        }
    }

    /// Gives up the frame that is being seen.
    pub(super) fn stop_seeing(&mut self) {
        if let Some(seeing) = self.seeing.take() {
            self.arena = seeing.finish().1;
        }
        self.frame = None;
    }

    /// The frame cannot be seen. Whoever asked about it hears so.
    pub(super) fn give_frame_up(&mut self) {
        self.frame = None;
        self.platform.camera().release();
        if let Some(Task::Sight { line, .. }) =
            self.desk.task.take_if(|task| matches!(task, Task::Sight { .. }))
        {
            self.send(line, &Reply::Failed(text(&"the frame cannot be seen")));
        }
    }

    /// Begins to see a frame for somebody on the link.
    fn begin_task(&mut self, line: Line, view: &View, now_ms: u64) -> Option<Objection> {
        let row_bytes = usize::from(view.width) * view.format.pixel_bytes();
        let taken = Taken { width: view.width, height: view.height, format: view.format };
        let has_eyes = self.recogniser.as_ref().is_some_and(|recogniser| recogniser.eyes().is_some());
        if !has_eyes {
            return Some(Objection::NoEyes);
        }
        if matches!(self.door.state(), State::Locked { .. }) && !line.is_sealed {
            return Some(Objection::Locked);
        }
        let is_frame = frame_of(self.platform.camera().memory(), &taken).is_some();
        if !is_frame || !view.is_sent || row_bytes > link::MAX_ROW_BYTES {
            return Some(Objection::Frame);
        }
        self.end_task();
        // Whatever the camera showed is given up.
        self.stop_seeing();
        self.desk.task = Some(Task::Waiting { line, view: *view, since_ms: now_ms });
        None
    }

    /// Goes on with what somebody on the link asked for, and gives up who has gone.
    fn mind_task(&mut self, now_ms: u64) {
        match self.desk.task {
            Some(Task::Waiting { line, view, .. }) if self.platform.camera().hold() => {
                // A frame of the camera that is being seen must not be completed from the rows that come now.
                self.stop_seeing();
                self.desk.task = Some(Task::Filling { line, view, next: 0, heard_ms: now_ms });
                self.send(line, &Reply::Row(0));
            }
            Some(Task::Waiting { line, since_ms, .. }) if now_ms.saturating_sub(since_ms) >= PATIENCE_MS => {
                self.desk.task = None;
                self.send(line, &Reply::Failed(text(&"the camera does not leave its memory")));
            }
            Some(Task::Filling { heard_ms, .. }) if now_ms.saturating_sub(heard_ms) >= PATIENCE_MS => {
                self.end_task();
            }
            Some(Task::Sight { line, taken, said_ms }) if now_ms.saturating_sub(said_ms) >= WORKING_MS => {
                self.desk.task = Some(Task::Sight { line, taken, said_ms: now_ms });
                self.send(line, &Reply::Working);
            }
            _ => {}
        }
    }

    /// Takes a row. Returns the answer, or `None` for rows that nobody waits for.
    fn fill(&mut self, line: Line, row: u16, pixels: &[u8], now_ms: u64) -> Option<Reply> {
        let Some(Task::Filling { line: of, view, next, .. }) = self.desk.task else {
            return Some(Reply::Refused(Objection::NoTask));
        };
        if of != line || row != next {
            return None;
        }
        let row_bytes = usize::from(view.width) * view.format.pixel_bytes();
        let start = usize::from(row) * row_bytes;
        let place = self.platform.camera().memory().get_mut(start..start + row_bytes);
        match place {
            Some(place) if place.len() == pixels.len() => {
                place.iter_mut().zip(pixels).for_each(|(to, &from)| *to = from);
            }
            _ => {
                self.end_task();
                return Some(Reply::Refused(Objection::RowLength));
            }
        }
        let next = next + 1;
        if next < view.height {
            self.desk.task = Some(Task::Filling { line, view, next, heard_ms: now_ms });
            return Some(Reply::Row(next));
        }
        let taken = Taken { width: view.width, height: view.height, format: view.format };
        self.desk.task = Some(Task::Sight { line, taken, said_ms: now_ms });
        None
    }

    /// Answers who asked about a frame.
    pub(super) fn answer_sighting(&mut self, sighting: Sighting, now_ms: u64) {
        let Some(Task::Sight { line, .. }) = self.desk.task.take() else { return };
        self.platform.camera().release();
        let Sighting { mut seen, embedding } = sighting;
        if !line.is_sealed {
            let refusal = seen.face.as_ref().and_then(|face| face.look.as_ref()?.refusal);
            let is_photo = refusal.is_some_and(|refusal| refusal.gate == Gate::Alive);
            let verdict = match &embedding {
                None if !is_photo => Ok(Some(Verdict::NotAccepted)),
                embedding => self.verify(embedding.as_deref(), now_ms),
            };
            let reply = match verdict {
                Ok(Some(verdict)) => Reply::Verdict(verdict),
                Ok(None) => Reply::Refused(Objection::Locked),
                Err(fault) => {
                    self.fail(fault, now_ms);
                    Reply::Failed(text(&"nobody can be decided on: the device needs service"))
                }
            };
            return self.send(line, &reply);
        }
        if let Some(embedding) = &embedding
            && let Some(look) = seen.face.as_mut().and_then(|face| face.look.as_mut())
        {
            match self.decide_in_detail(embedding) {
                Ok(decided) => look.decided = Some(decided),
                Err(fault) => {
                    self.fail(fault, now_ms);
                    let why = "nobody can be decided on: the device needs service";
                    return self.send(line, &Reply::Failed(text(&why)));
                }
            }
        }
        seen.cost.stack_bytes = self.platform.stack_bytes();
        self.send(line, &Reply::Seen(seen));
    }

    /// Decides for somebody without a session, on a face without an embedding if it is only a picture of one. The attempt
    /// is stored before. Returns `None` if the door was locked since they asked.
    fn verify(&mut self, embedding: Option<&[i16]>, now_ms: u64) -> Result<Option<Verdict>, Fault> {
        match *self.door.state() {
            State::Locked { .. } => return Ok(None),
            State::Service(fault) => return Err(fault),
            _ => {}
        }
        let orders = self.door.ask();
        self.carry_out(&orders, now_ms);
        if let State::Service(fault) = *self.door.state() {
            return Err(fault);
        }
        let accepted = match embedding {
            None => None,
            Some(embedding) => {
                let (outcome, person, _) = self.decide(embedding)?;
                person.filter(|_| outcome.verdict == Ruling::Accepted)
            }
        };
        self.answer_question(accepted, now_ms).map(Some)
    }

    /// The answer to a question whose attempt is stored. It is told when it is stored itself.
    pub(super) fn answer_question(
        &mut self,
        accepted: Option<PersonId>,
        now_ms: u64,
    ) -> Result<Verdict, Fault> {
        let orders = self.door.answered(accepted, now_ms);
        self.carry_out(&orders, now_ms);
        match *self.door.state() {
            State::Service(fault) => Err(fault),
            _ => Ok(accepted.map_or(Verdict::NotAccepted, Verdict::Accepted)),
        }
    }

    fn decide_in_detail(&mut self, embedding: &[i16]) -> Result<Decided, Fault> {
        let (recogniser, mut enrolled) = gallery(&self.recogniser, &mut self.store)?;
        let judge = recogniser.judge(enrolled.count());
        let outcome = judge.decide(&mut enrolled, embedding).map_err(fault_of)?;
        let confidence = recogniser.confidence(&mut enrolled, embedding, &outcome).map_err(fault_of)?;
        let decision = shown(&outcome, confidence, |number| enrolled.name(number));
        Ok(Decided { embedding_check: pattern::check_elements(embedding), decision })
    }

    pub(super) fn serve_people(
        &mut self,
        request: &PeopleRequest<'_>,
        line: Line,
        now_ms: u64,
    ) -> Result<PeopleReply, PeopleRefusal> {
        match *request {
            PeopleRequest::List(after) => self.list(after).map(PeopleReply::People),
            PeopleRequest::Enrol(name) => self.enrol(name, line, now_ms),
            PeopleRequest::Commit => self.commit(now_ms),
            PeopleRequest::Discard => {
                self.give_up(now_ms);
                Ok(PeopleReply::Done)
            }
            PeopleRequest::Rename(id, name) => {
                if self.find(name)?.is_some_and(|found| found != id) {
                    return Err(PeopleRefusal::NameTaken);
                }
                self.change(id, now_ms, |store| store.rename(id, name))
            }
            PeopleRequest::Delete(id) => self.change(id, now_ms, |store| store.delete(id)),
            PeopleRequest::DeleteAll => {
                self.refuse_while_enrolling()?;
                let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
                let deleted = match &self.recogniser {
                    Some(recogniser) if !is_of_same_network(store, recogniser) => {
                        let image = recogniser.image();
                        // The next start finds nobody who is in the way.
                        self.desk.restart_ms = Some(now_ms + RESTART_MS);
                        store.adopt(image.model_id, image.dimension() as u16)
                    }
                    _ => store.delete_people(),
                };
                self.finish(deleted, now_ms)
            }
            PeopleRequest::Unlock => {
                let orders = self.door.forgive();
                self.carry_out(&orders, now_ms);
                self.done_unless_broken()
            }
            PeopleRequest::Log(from) => Ok(PeopleReply::Log(Log(self.platform.retained()).from(from))),
            PeopleRequest::Status => Ok(PeopleReply::Device(self.condition(now_ms))),
            PeopleRequest::Window(seconds) => {
                if self.platform.second().is_none() {
                    return Err(PeopleRefusal::NoFront);
                }
                let seconds = seconds.min(MOST_WINDOW_SECONDS);
                self.counter.window_until_ms = now_ms + 1000 * u64::from(seconds);
                Ok(PeopleReply::Done)
            }
            PeopleRequest::Export(ref to) => self.export(to),
            PeopleRequest::Piece(number, offset) => self.piece(number, offset),
            PeopleRequest::Restore(ref label) => self.restore(label),
            PeopleRequest::Put(text) => self.put(text, now_ms),
            PeopleRequest::Administrators => {
                let keys = Vec::from_slice(self.responder.administrators()).unwrap_or_default();
                Ok(PeopleReply::Administrators(keys))
            }
            PeopleRequest::RemoveAdministrator(ref key) => self.dismiss(key, now_ms),
        }
    }

    /// The people after one, in the order of their ids: the store's, then the image's.
    fn list(&mut self, after: Option<PersonId>) -> Result<Vec<Person, MAX_PEOPLE>, PeopleRefusal> {
        let is_after = |id: PersonId| after.is_none_or(|after| id > after);
        let mut people = Vec::new();
        let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
        for index in 0..store.people().len() {
            let Some(entry) = store.people().get(index).copied() else { break };
            if entry.centres == 0 || !is_after(entry.id) || people.is_full() {
                continue;
            }
            let mut head = Head::new();
            store.open_head(index, &mut head).map_err(|_| PeopleRefusal::Store)?;
            let name = head.name().try_into().unwrap_or_default();
            let _ = people.push(Person { id: entry.id, name, centres: entry.centres, is_of_image: false });
        }
        if let Some(recogniser) = &self.recogniser {
            let gallery = &recogniser.image().gallery;
            for (number, person) in gallery.people().enumerate() {
                let id = FIRST_OF_IMAGE + number as PersonId;
                if !is_after(id) || people.is_full() {
                    continue;
                }
                let centres = gallery.owners.iter().filter(|&&owner| usize::from(owner) == number).count();
                let name = person.name.try_into().unwrap_or_default();
                let _ = people.push(Person { id, name, centres: centres as u8, is_of_image: true });
            }
        }
        Ok(people)
    }

    /// The id of the person of the store with this name.
    pub(super) fn find(&mut self, name: &str) -> Result<Option<PersonId>, PeopleRefusal> {
        let of_image = self.recogniser.as_ref().map(|recogniser| recogniser.image().gallery);
        if of_image.is_some_and(|gallery| gallery.people().any(|person| person.name == name)) {
            return Err(PeopleRefusal::NameTaken);
        }
        match self.entry_named(name, |_| true)? {
            // The name of an administrator's key is nobody's.
            Some(entry) if entry.centres == 0 => Err(PeopleRefusal::NameTaken),
            entry => Ok(entry.map(|entry| entry.id)),
        }
    }

    /// The first entry of the store with this name, among those that are asked for.
    fn entry_named(
        &mut self,
        name: &str,
        is_asked: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Entry>, PeopleRefusal> {
        let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
        for index in 0..store.people().len() {
            let Some(entry) = store.people().get(index).copied() else { break };
            let mut head = Head::new();
            store.open_head(index, &mut head).map_err(|_| PeopleRefusal::Store)?;
            if head.name() == name && is_asked(&entry) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Begins to enrol somebody; somebody of the store with this name gets more photos.
    fn enrol(&mut self, name: &str, line: Line, now_ms: u64) -> Result<PeopleReply, PeopleRefusal> {
        let person = self.find(name)?;
        let store = self.store.as_ref().ok_or(PeopleRefusal::Store)?;
        if person.is_none() && store.places(1) == 0 {
            return Err(PeopleRefusal::Full);
        }
        let dimension = usize::from(store.dimension());
        let flags = person
            .map_or(0, |id| store.find(id).and_then(|at| store.people().get(at)).map_or(0, |one| one.flags));
        let name: String<MAX_NAME> = name.try_into().map_err(|_| PeopleRefusal::NameTaken)?;
        let shots = self.about.settings.shots;
        let orders = self.door.enrol(person, shots, dimension, now_ms).map_err(|busy| match busy {
            Busy::Enrolling | Busy::Locked => PeopleRefusal::Busy,
            Busy::Service => PeopleRefusal::Service,
        })?;
        self.end_task();
        self.newcomer = Some(Newcomer { name, flags, source: Source::Link(line), last_told_ms: now_ms });
        self.carry_out(&orders, now_ms);
        self.done_unless_broken()
    }

    fn commit(&mut self, now_ms: u64) -> Result<PeopleReply, PeopleRefusal> {
        match self.door.state() {
            State::Enrolling { .. } => Err(PeopleRefusal::TooFewShots),
            State::Saving { .. } => match self.save(now_ms) {
                Ok(Some(id)) => Ok(PeopleReply::Committed(id)),
                Ok(None) => Err(PeopleRefusal::Full),
                Err(fault) => {
                    self.fail(fault, now_ms);
                    Err(PeopleRefusal::Store)
                }
            },
            _ => Err(PeopleRefusal::NotEnrolling),
        }
    }

    /// Removes an administrator, in the store first. The last one stays: a slip must not leave a device that nobody
    /// administers.
    fn dismiss(&mut self, key: &PublicKey, now_ms: u64) -> Result<PeopleReply, PeopleRefusal> {
        let administrators = self.responder.administrators();
        if !administrators.contains(key) {
            return Err(PeopleRefusal::Unknown);
        }
        if administrators.len() == 1 {
            return Err(PeopleRefusal::LastAdministrator);
        }
        if let Some(entry) = self.entry_named(&name_of_key(key), |entry| entry.centres == 0)? {
            let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
            let deleted = store.delete(entry.id);
            // The key may be gone though the flash has failed afterwards.
            if store.find(entry.id).is_none() {
                self.responder.remove(key);
            }
            self.finish(deleted, now_ms)?;
        }
        self.responder.remove(key);
        Ok(PeopleReply::Done)
    }

    /// Changes a person of the store.
    fn change(
        &mut self,
        id: PersonId,
        now_ms: u64,
        change: impl FnOnce(&mut Store<F>) -> Result<(), store::Error<F::Error>>,
    ) -> Result<PeopleReply, PeopleRefusal> {
        if id >= FIRST_OF_IMAGE {
            return Err(PeopleRefusal::OfImage);
        }
        self.refuse_while_enrolling()?;
        let store = self.store.as_mut().ok_or(PeopleRefusal::Store)?;
        let index = store.find(id).ok_or(PeopleRefusal::Unknown)?;
        if store.people().get(index).is_none_or(|entry| entry.centres == 0) {
            return Err(PeopleRefusal::Unknown);
        }
        let changed = change(store);
        self.finish(changed, now_ms)
    }

    /// An enrolment refers to people by their names and numbers.
    pub(super) fn refuse_while_enrolling(&self) -> Result<(), PeopleRefusal> {
        if self.door.is_enrolling() { Err(PeopleRefusal::Busy) } else { Ok(()) }
    }

    fn done_unless_broken(&self) -> Result<PeopleReply, PeopleRefusal> {
        match self.door.state() {
            State::Service(Fault::Store) => Err(PeopleRefusal::Store),
            State::Service(Fault::Output) => Err(PeopleRefusal::Busy),
            _ => Ok(PeopleReply::Done),
        }
    }

    fn finish(
        &mut self,
        changed: Result<(), store::Error<F::Error>>,
        now_ms: u64,
    ) -> Result<PeopleReply, PeopleRefusal> {
        match changed {
            Ok(()) => Ok(PeopleReply::Done),
            Err(store::Error::Unknown) => Err(PeopleRefusal::Unknown),
            Err(store::Error::Full | store::Error::Exhausted) => Err(PeopleRefusal::Full),
            Err(_) => {
                self.fail(Fault::Store, now_ms);
                Err(PeopleRefusal::Store)
            }
        }
    }

    fn condition(&self, now_ms: u64) -> Condition {
        let locked_ms = match self.door.state() {
            State::Locked { until_ms } => until_ms.saturating_sub(now_ms),
            _ => 0,
        };
        let seconds = |ms: u64| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX);
        let counters = self.store.as_ref().map(Store::counters);
        Condition {
            mode: self.mode_now(),
            people: self.store.as_ref().map_or(0, people_of),
            places: self.store.as_ref().map_or(0, |store| store.places(MOST_CENTRES as u8)) as u16,
            strangers: self.door.tally().attempts.try_into().unwrap_or(u16::MAX),
            locked_seconds: seconds(locked_ms),
            starts: counters.map_or(0, |counters| counters.starts),
            seconds: seconds(now_ms),
            administrators: self.responder.administrators().len() as u8,
            firmware: text(&self.about.firmware),
            image_version: counters.map_or(0, |counters| counters.floor),
            erasures: self.store.as_ref().map_or(0, Store::erasures),
            cycles: self.about.flash_cycles,
        }
    }
}

/// Whether a message begins a session or a pairing.
fn is_handshake(message: &Message<'_>) -> bool {
    let begins = |request| !matches!(request, SessionRequest::Close);
    message.group == Group::Session as u8
        && matches!(message.request(), Ok(Request::Session(request)) if begins(request))
}
