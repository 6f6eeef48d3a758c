//! A program that is linked and never run: everything that a device takes from outside goes through the crates, with values
//! that a compiler cannot know. What is in it and what a firmware may call is then seen in its file.

use core::hint::black_box;

use app::device::Inbox;
use embedded_io::{Read, Write};
use fm22x::{Enrolment, FaceState, Failure, FrontEnd, Person, Progress, Status, Task, Window};
use format::header::{self, ModelId};
use format::{Image, signature};
use heapless::String;
use link::session::{KeyPair, Responder, TAG_BYTES};
use link::{Decoder, MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES, Message};
use store::{Draft, Head, Record, Slot, Store, SubCentre};

use crate::door::{DoorBoard, run_door};

/// Bytes from outside.
struct Outside<S>(S);

impl<S: Read + Write> Outside<S> {
    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        let _ = self.0.read(&mut byte);
        black_box(byte[0])
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.iter_mut().for_each(|byte| *byte = self.byte());
        bytes
    }

    fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn time(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn put(&mut self, bytes: &[u8]) {
        let _ = self.0.write(bytes);
    }
}

/// Tries an image, a store, a session and a controller, one after another, then runs the device.
pub fn probe<B: DoorBoard>(arena: &'static mut [u8], inbox: &'static mut Inbox) -> ! {
    let mut outside = Outside(B::stream());
    image(B::images()[usize::from(outside.byte() & 1)], &mut outside);
    let opened = try_store::<B>(&mut outside);
    outside.put(&[opened.is_some().into()]);
    session(&mut outside);
    controller(&mut outside);
    run_door::<B>(arena, inbox)
}

/// Reads what an image has.
fn image(bytes: &[u8], outside: &mut Outside<impl Read + Write>) {
    let bytes = bytes.get(..outside.number() as usize).unwrap_or_default();
    outside.put(&header::image_bytes(bytes).unwrap_or_default().to_le_bytes());
    let Ok(image) = Image::new_checked(black_box(bytes)) else { return };
    let number = outside.number();
    outside.put(&image.policy.threshold_q30(number as usize).to_le_bytes());
    outside.put(&image.policy.terms().margin.urad.to_le_bytes());
    for person in image.gallery.people() {
        outside.put(person.name.as_bytes());
    }
    outside.put(image.gallery.person(number as u16).map_or(&[], |person| person.name.as_bytes()));
    outside.put(&image.arena_bytes().to_le_bytes());
    if let Some(signature) = &image.signature {
        outside.put(&signature::message(&image.digest, signature.version));
    }
    if let Some(golden) = &image.golden {
        outside.put(golden.crop);
    }
}

/// Every operation of a store.
fn try_store<B: DoorBoard>(outside: &mut Outside<impl Read + Write>) -> Option<()> {
    let (key, network, dimension) = (outside.bytes(), ModelId(outside.bytes()), outside.number() as u16);
    let (flash, layout) = B::flash();
    if outside.byte() == 0 {
        Store::format(flash, layout, &key, network, dimension, outside.time()).ok()?;
    }
    let mut store = Store::open(B::flash().0, layout, &key, network, dimension).ok()?;
    let vector = outside.bytes::<{ store::MAX_DIMENSION }>().map(|byte| byte as i8);
    let vector = vector.get(..outside.number() as usize)?;
    let centres = [SubCentre { photos: outside.number() as u16, vector }; 2];
    let name = outside.bytes::<{ store::MAX_NAME }>();
    let name = core::str::from_utf8(name.get(..outside.number() as usize)?).ok()?;
    let centres = centres.get(..outside.number() as usize)?;
    let draft = Draft { name, flags: outside.number() as u16, centres };
    let (mut head, mut record) = (Head::new(), Record::new());
    let mut opened = [0; store::MAX_DIMENSION];
    loop {
        let number = outside.number();
        let index = store.find(number).unwrap_or(number as usize);
        let is_done = match outside.byte() {
            0 => store.add(&draft).map(|id| outside.put(&id.to_le_bytes())),
            1 => store.replace(number, &draft),
            2 => store.rename(number, name),
            3 => store.delete(number),
            4 => store.delete_all(),
            5 => store.delete_people(),
            6 => store.open_head(index, &mut head),
            7 => store.open_centre(index, outside.byte(), opened.get_mut(..outside.number() as usize)?),
            8 => store.open_person(index, &mut record),
            9 => store.count_start(),
            10 => store.set_attempts(number, outside.byte(), outside.byte() != 0),
            11 => store.raise_floor(number),
            12 => store.set_slot(Slot { is_second: outside.byte() != 0, trial: outside.byte() }),
            13 => store.scrub(),
            _ => return Some(()),
        };
        outside.put(&[is_done.is_ok().into()]);
        outside.put(head.name().as_bytes());
        outside.put(oddness(record.centres().count()));
        outside.put(&store.free_bytes().to_le_bytes());
        let places = store.places(outside.byte());
        outside.put(&(places as u32).to_le_bytes());
        outside.put(&store.counters().epoch.to_le_bytes());
    }
}

/// Whether a number is odd, as bytes.
fn oddness(number: usize) -> &'static [u8] {
    if number.is_multiple_of(2) { &[0] } else { &[1] }
}

/// A board's side of the link: every message, with and without a session.
fn session(outside: &mut Outside<impl Read + Write>) {
    let mut responder = Responder::new(KeyPair::new(outside.bytes()), outside.byte() != 0);
    let mut decoder = Decoder::new();
    let mut plain = [0; MAX_PLAIN_BYTES + TAG_BYTES];
    let (mut answered, mut framed) = ([0; MAX_REPLY_BYTES], [0; MAX_REPLY_FRAME_BYTES]);
    let mut copy = [0; MAX_MESSAGE_BYTES];
    while outside.byte() != 0 {
        match outside.byte() {
            0 => responder.open_window(),
            1 => responder.close_window(),
            2 => responder.close(),
            3 => _ = responder.add(outside.bytes()),
            4 => responder.remove(&outside.bytes()),
            _ => {}
        }
        let random = outside.bytes();
        if decoder.push(outside.byte()) != Ok(true) {
            continue;
        }
        let Some(message) = Message::parse(decoder.message()) else { continue };
        // Messages of the other direction are understood, too.
        if let Ok(reply) = message.reply()
            && let Ok(reply) = reply.emit(message.turn, &mut answered)
        {
            outside.put(reply);
        }
        if let Ok(request) = message.request()
            && let Ok(request) = request.emit(message.turn, &mut copy)
        {
            outside.put(request);
        }
        let is_sealed = outside.byte() != 0;
        let answer = responder.receive(&message, &mut plain, || random).answer();
        if let Some((reply, is_answer_sealed)) = answer
            && let Ok(reply) =
                responder.reply(message.turn, &reply, is_sealed | is_answer_sealed, &mut answered)
            && let Ok(framed) = link::encode(reply, &mut framed)
        {
            outside.put(framed);
        }
    }
}

/// A lock's controller.
fn controller(outside: &mut Outside<impl Read + Write>) {
    let mut front_end = FrontEnd::new(outside.time());
    while outside.byte() != 0 {
        match outside.byte() {
            0 => front_end.open(Window { until_ms: outside.time() }),
            1 => front_end.close(),
            _ => {}
        }
        let (bytes, now_ms, length) = (outside.bytes::<64>(), outside.time(), outside.number() as usize);
        let mut door = Stranger(&mut *outside);
        front_end.receive(bytes.get(..length).unwrap_or_default(), &mut door, now_ms);
        front_end.poll(&mut door, now_ms);
        outside.put(front_end.outgoing(now_ms));
        front_end.sent(outside.number() as usize, now_ms);
    }
}

/// A device that does anything.
struct Stranger<'o, S>(&'o mut Outside<S>);

impl<S: Read + Write> fm22x::Door for Stranger<'_, S> {
    fn status(&self) -> Status {
        black_box(Status::Idle)
    }

    fn version(&self) -> &str {
        black_box("")
    }

    fn serial(&self) -> &str {
        black_box("")
    }

    fn is_button_held(&self) -> bool {
        black_box(false)
    }

    fn id(&mut self, place: usize) -> Option<u32> {
        (self.0.byte() != 0).then_some(place as u32 ^ self.0.number())
    }

    fn person(&mut self, id: u32) -> Option<Person> {
        let name = String::try_from(black_box("")).ok()?;
        (self.0.byte() != 0).then_some(Person { id, name, is_admin: self.0.byte() != 0 })
    }

    fn begin(&mut self, task: Task) -> Result<(), Failure> {
        if let Task::Enrol(Enrolment { name, .. }) = &task {
            self.0.put(name.as_bytes());
        }
        let failure = Failure::ALL.get(usize::from(self.0.byte()));
        failure.map_or(Ok(()), |&failure| Err(failure))
    }

    fn poll(&mut self, _now_ms: u64) -> Progress {
        match self.0.byte() {
            0 => Progress::Working(None),
            1 => Progress::Working(Some(black_box(FaceState::NO_FACE))),
            2 => Progress::Storing,
            3 => match self.person(0) {
                Some(person) => Progress::Verified(person),
                None => Progress::Taken,
            },
            4 => Progress::Enrolled(self.0.number()),
            5 => Progress::Deleted,
            other => Progress::Failed(*Failure::ALL.get(usize::from(other)).unwrap_or(&Failure::Other)),
        }
    }

    fn stop(&mut self) {}

    fn forget_shots(&mut self) {}
}
