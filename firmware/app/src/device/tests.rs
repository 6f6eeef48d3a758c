//! A device without networks, on a simulated flash: glimpses are fed to the door, bytes to both lines.

mod moving;
mod sessions;
mod testing;
mod updating;

use core::cell::RefCell;
use core::convert::Infallible;
use std::boxed::Box;
use std::collections::VecDeque;
use std::string::{String as Text, ToString as _};
use std::vec::Vec;

use embedded_io::ErrorType;
use fm22x::message::{ALL_DIRECTIONS, Direction, Enrol, NO_ID, wire_name};
use fm22x::{Command, Decoder as Frames, Outcome, Reply as Answer, Status};
use format::gates::{Gate, Refusal};
use format::{ModelId, PixelFormat};
use link::message::{
    Attention as Look, Objection, PeopleRefusal, PeopleRequest, Request, SessionReply, View,
};
use link::session::HostPairing;
use link::{Message, frame};
use store::Layout;
use store::sim::{self, Flash, Tear};

use super::answer::Task;
use super::*;
use crate::door::vote::Votes;
use crate::sight::Unobserved;

type Sim = Flash<'static, 4, 1024>;
type Shared = sim::Shared<'static, 'static, 4, 1024>;

#[derive(Default)]
struct Wire {
    incoming: VecDeque<u8>,
    outgoing: Vec<u8>,
}

impl ErrorType for Wire {
    type Error = Infallible;
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        buffer[0] = self.incoming.pop_front().unwrap();
        Ok(1)
    }
}

impl ReadReady for Wire {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.incoming.is_empty())
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        self.outgoing.extend(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A camera whose frames show nothing that could be seen without networks.
#[derive(Default)]
struct Eye {
    memory: [u8; 16],
    is_dead: bool,
    is_writing: bool,
    is_held: bool,
}

impl FrameSource for Eye {
    fn memory(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

impl Camera for Eye {
    fn taken(&mut self) -> Option<Taken> {
        (!self.is_dead && !self.is_held).then_some(GREY)
    }

    fn hold(&mut self) -> bool {
        self.is_held = !self.is_writing;
        self.is_held
    }

    fn release(&mut self) {
        self.is_held = false;
    }
}

#[derive(Default)]
struct Lock {
    is_open: bool,
}

impl Output for Lock {
    type Error = Infallible;

    fn open(&mut self, _person: u32) -> Result<(), Infallible> {
        self.is_open = true;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Infallible> {
        self.is_open = false;
        Ok(())
    }

    fn reject(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[derive(Default)]
struct Board {
    link: Wire,
    second: Option<Wire>,
    eye: Eye,
    lock: Lock,
    is_held: bool,
    random: u8,
    has_noise_failed: bool,
    images: Images,
    restarts: usize,
    starved: usize,
    lacks_watchdog: bool,
    retained: Vec<u8>,
}

impl Platform for Board {
    type Stream = Wire;
    type Second = Wire;
    type Camera = Eye;
    type Output = Lock;
    type Meter = Unobserved;
    type Images = Sim;

    fn images(&mut self) -> &mut Sim {
        &mut self.images.0
    }

    fn restart(&mut self) {
        self.restarts += 1;
    }

    fn has_watchdog(&self) -> bool {
        !self.lacks_watchdog
    }

    fn starve(&mut self) {
        self.starved += 1;
    }

    fn stream(&mut self) -> &mut Wire {
        &mut self.link
    }

    fn second(&mut self) -> Option<&mut Wire> {
        self.second.as_mut()
    }

    fn camera(&mut self) -> &mut Eye {
        &mut self.eye
    }

    fn output(&mut self) -> &mut Lock {
        &mut self.lock
    }

    fn meter(&mut self) -> Unobserved {
        Unobserved
    }

    fn random(&mut self) -> [u8; 32] {
        self.random += 1;
        [self.random; 32]
    }

    fn tested_random(&mut self) -> Option<[u8; 32]> {
        (!self.has_noise_failed).then(|| self.random())
    }

    fn retained(&mut self) -> &mut [u8] {
        &mut self.retained
    }

    fn is_button_held(&mut self) -> bool {
        self.is_held
    }

    fn feed(&mut self) {}

    fn stack_bytes(&mut self) -> u32 {
        0
    }
}

/// Slots of four pages each, without an image.
struct Images(Sim);

impl Default for Images {
    fn default() -> Self {
        // Aligned as an image must be.
        let words = Box::leak(std::vec![u128::MAX; 8192 / 16].into_boxed_slice());
        let bytes = bytemuck::cast_slice_mut(words);
        Images(Flash::new(bytes, &mut [], &mut [], Tear::Whole, 1))
    }
}

const GREY: Taken = Taken { width: 4, height: 4, format: PixelFormat::Grey };
const MAKER: [u8; 32] = [8; 32];
const HALF: i32 = 1 << 29;
const SETTINGS: Settings = Settings {
    votes: Votes::new_checked(2, 3).unwrap(),
    open_ms: 5_000,
    attempts: 2,
    lock_ms: 30_000,
    shots: 2,
    enrol_ms: 30_000,
};
const LINK: Line = Line { turn: 7, is_sealed: true };

/// A device in which Ada is enrolled as number 2; number 1 is an administrator's key.
struct Bench {
    device: Device<'static, 'static, Board, Shared>,
    flash: Shared,
    now_ms: u64,
    frames: Frames<{ fm22x::frame::MAX_REPLY_FRAME_BYTES }>,
}

fn bench() -> Bench {
    bench_of([4; 32], ModelId([2; 16]))
}

/// A device with this key and network.
fn bench_of(key: [u8; 32], network: ModelId) -> Bench {
    let bytes = Box::leak(std::vec![0xff; 34 * 1024].into_boxed_slice());
    let sim = Sim::new(bytes, &mut [], &mut [], Tear::Whole, 1);
    let flash = sim::Shared(Box::leak(Box::new(RefCell::new(sim))));
    let layout = Layout::in_flash(&flash, 0, 2, 16).unwrap();
    let mut store = Store::format(flash, layout, &[1; 32], network, 2, 3).unwrap();
    store.add(&Draft { name: &name_of_key(&[9; 32]), flags: 0, centres: &[] }).unwrap();
    let centre = store::SubCentre { photos: 1, vector: &[0, 9] };
    store.add(&Draft { name: "Ada", flags: 0, centres: &[centre] }).unwrap();
    let about = About {
        board: "bench",
        firmware: "1.2",
        serial: "S7".try_into().unwrap(),
        settings: SETTINGS,
        is_verify_open: true,
        frame_bytes: 16,
        flash_cycles: 100_000,
        start_ms: 0,
        trouble: link::message::Text::new(),
        maker_key: Some(MAKER),
    };
    let board = Board { second: Some(Wire::default()), retained: std::vec![0xa5; 200], ..Board::default() };
    let arena = Box::leak(Box::new([0; 16]));
    let inbox = Box::leak(Box::new(Inbox::new()));
    let keys = KeyPair::new(key);
    let past = link::message::UpdateStage::None;
    let started = Started { recogniser: None, is_second: false, past, trouble: None };
    let mut device = Device::new(about, board, started, Some(store), keys, arena, inbox, 0);
    // As with an image.
    device.door = Door::new(SETTINGS, Tally::default(), 0);
    Bench { device, flash, now_ms: 0, frames: Frames::new() }
}

fn fit(embedding: &[i16; 2], person: Option<PersonId>) -> Glimpse<'_> {
    Glimpse::Fit { embedding, person, threshold_q30: HALF }
}

impl Bench {
    fn step(&mut self, ms: u64) {
        self.now_ms += ms;
        self.device.poll(self.now_ms);
    }

    /// The supply is back: the store is opened anew, and the door waits.
    fn start_again(&mut self) {
        self.flash.0.borrow_mut().power_on();
        let layout = Layout::in_flash(&self.flash, 0, 2, 16).unwrap();
        self.device.store = None;
        let store = Store::open_any(self.flash, layout, &[1; 32]).unwrap();
        self.device.store = Some(store);
        self.device.door = Door::new(SETTINGS, Tally::default(), self.now_ms);
        self.device.learn_administrators();
    }

    /// What the controller gets within half a second, apart from notes.
    fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for _ in 0..10 {
            self.step(50);
            let second = self.device.platform.second.as_mut().unwrap();
            for byte in second.outgoing.drain(..) {
                if let Some(frame) = self.frames.push(byte) {
                    answers.extend(Answer::parse(frame));
                }
            }
        }
        answers
    }

    fn ask(&mut self, command: &Command) -> Vec<Answer> {
        let second = self.device.platform.second.as_mut().unwrap();
        second.incoming.extend(command.emit());
        self.answers()
    }

    fn see(&mut self, glimpse: &Glimpse<'_>) {
        self.device.seen(glimpse, self.now_ms);
    }

    /// Holds the button for long enough that it permits changes.
    fn hold(&mut self) {
        self.device.platform.is_held = true;
        self.step(0);
        self.step(front::HOLD_MS);
    }

    fn press(&mut self) {
        for is_held in [true, false] {
            self.device.platform.is_held = is_held;
            self.step(100);
        }
    }

    fn people(&mut self, request: &PeopleRequest<'_>) -> Result<PeopleReply, PeopleRefusal> {
        self.device.serve_people(request, LINK, self.now_ms)
    }

    /// Sends a message that is not sealed; returns the answers to it.
    fn send(&mut self, request: &Request<'_>) -> Vec<Reply> {
        let mut message = [0; link::MAX_MESSAGE_BYTES];
        self.hear(request.emit(1, &mut message).unwrap());
        self.replies()
    }

    /// Hears a message.
    fn hear(&mut self, message: &[u8]) {
        let mut framed = [0; link::MAX_FRAME_BYTES];
        self.device.platform.link.incoming.extend(frame::encode(message, &mut framed).unwrap());
        for _ in 0..8 {
            self.step(1);
        }
    }

    fn replies(&mut self) -> Vec<Reply> {
        self.messages().iter().map(|message| Message::parse(message).unwrap().reply().unwrap()).collect()
    }

    /// What the device has sent over the link.
    fn messages(&mut self) -> Vec<Vec<u8>> {
        let mut decoder = Box::new(Decoder::new());
        let mut messages = Vec::new();
        for byte in self.device.platform.link.outgoing.drain(..) {
            if decoder.push(byte) == Ok(true) {
                messages.push(decoder.message().to_vec());
            }
        }
        messages
    }

    /// Numbers and names in the store, without keys.
    fn enrolled(&mut self) -> Vec<(u32, Text, u16)> {
        let store = self.device.store.as_mut().unwrap();
        let mut people = Vec::new();
        for index in 0..store.people().len() {
            let entry = store.people()[index];
            let mut head = Head::new();
            store.open_head(index, &mut head).unwrap();
            if entry.centres > 0 {
                people.push((entry.id, head.name().to_string(), head.flags()));
            }
        }
        people
    }

    fn stored_attempts(&self) -> u32 {
        self.device.store.as_ref().unwrap().counters().attempts
    }
}

const VERIFY: Command = Command::Verify { is_last: false, seconds: 60 };
const STRANGER: [Answer; 1] = [Answer::Failed(0x12, Outcome::Rejected)];

fn enrol(name: &str, direction: Option<Direction>) -> Command {
    let number = if direction.is_some() { 0x13 } else { 0x1d };
    let name = wire_name(name);
    Command::Enrol(Enrol { number, is_admin: true, name, direction, may_repeat: true, seconds: 60 })
}

fn failed(command: &Command, outcome: Outcome) -> [Answer; 1] {
    [Answer::Failed(command.number(), outcome)]
}

#[test]
fn controller_is_told_what_the_device_is() {
    let mut bench = bench();
    assert_eq!(bench.ask(&Command::Status), [Answer::Status(Status::Idle)]);
    assert_eq!(bench.ask(&Command::Version), [Answer::Version("1.2".try_into().unwrap())]);
    assert_eq!(bench.ask(&Command::Serial), [Answer::Serial("S7".try_into().unwrap())]);
    assert_eq!(bench.ask(&Command::Ids), [Answer::Ids([2].into_iter().collect())]);
    bench.device.fail(Fault::Store, bench.now_ms);
    assert_eq!(bench.ask(&Command::Status), [Answer::Status(Status::Broken)]);
    assert_eq!(bench.ask(&VERIFY), failed(&VERIFY, Outcome::ReadFailed));
}

#[test]
fn names_are_told_with_the_button_only_and_keys_are_nobody() {
    let mut bench = bench();
    let (ada, key) = (Command::Person(2), Command::Person(1));
    assert_eq!(bench.ask(&ada), failed(&ada, Outcome::Rejected));
    bench.hold();
    assert!(matches!(&bench.ask(&ada)[..], [Answer::Person(user)] if user.name == "Ada"));
    assert_eq!(bench.ask(&key), failed(&key, Outcome::UnknownUser));
    let key = Command::Delete(1);
    assert_eq!(bench.ask(&key), failed(&key, Outcome::UnknownUser));
}

#[test]
fn verification_is_a_vote_whose_attempt_is_stored_first() {
    let mut bench = bench();
    assert_eq!(bench.ask(&VERIFY), []);
    bench.see(&fit(&[3, 4], Some(2)));
    assert_eq!((bench.stored_attempts(), bench.answers()), (1, Vec::new()));
    bench.see(&fit(&[3, 4], Some(2)));
    let answers = bench.answers();
    assert!(matches!(&answers[..], [Answer::Verified(user)] if user.id == 2 && user.name == "Ada"));
    assert!(bench.device.platform.lock.is_open);
    assert_eq!(bench.stored_attempts(), 0);
}

#[test]
fn strangers_and_photos_are_rejected_and_lock_the_device() {
    let mut bench = bench();
    bench.ask(&VERIFY);
    bench.see(&fit(&[3, 4], None));
    bench.see(&fit(&[3, 4], None));
    assert_eq!(bench.answers(), STRANGER);
    bench.ask(&VERIFY);
    bench.see(&Glimpse::Unfit(Refusal { gate: Gate::Alive, figure: 1, limit: 2 }));
    assert_eq!(bench.answers(), failed(&VERIFY, Outcome::NotLive));
    assert_eq!(bench.ask(&VERIFY), failed(&VERIFY, Outcome::Aborted));
    bench.step(30_000);
    assert_eq!(bench.ask(&VERIFY), []);
}

#[test]
fn attempt_that_is_not_stored_is_not_answered() {
    let mut bench = bench();
    bench.ask(&VERIFY);
    bench.see(&fit(&[3, 4], Some(2)));
    bench.flash.0.borrow_mut().cut_after(0);
    bench.see(&fit(&[3, 4], Some(2)));
    assert!(!bench.device.platform.lock.is_open);
    assert_eq!(bench.answers(), failed(&VERIFY, Outcome::ReadFailed));
}

#[test]
fn lockout_by_the_link_ends_a_verification_and_single_questions_do_not() {
    let mut bench = bench();
    bench.ask(&VERIFY);
    for answers in [Vec::new(), failed(&VERIFY, Outcome::Aborted).to_vec()] {
        let orders = bench.device.door.ask();
        bench.device.carry_out(&orders, bench.now_ms);
        bench.device.answer_question(None, bench.now_ms).unwrap();
        assert_eq!(bench.answers(), answers);
    }
    assert_eq!(Log(bench.device.platform.retained()).from(0).len(), 2);
}

#[test]
fn nobody_is_verified_where_nobody_is_enrolled() {
    let mut bench = bench();
    assert_eq!(bench.people(&PeopleRequest::DeleteAll), Ok(PeopleReply::Done));
    assert_eq!(bench.ask(&VERIFY), failed(&VERIFY, Outcome::UnknownUser));
}

#[test]
fn changes_need_a_button_that_is_held_long_or_a_window() {
    let mut bench = bench();
    let command = enrol("Grace", None);
    assert_eq!(bench.ask(&command), failed(&command, Outcome::Rejected));
    bench.device.platform.is_held = true;
    assert_eq!(bench.ask(&command), failed(&command, Outcome::Rejected));
    bench.step(front::HOLD_MS);
    assert_eq!(bench.ask(&command), []);
    bench.device.platform.is_held = false;
    bench.ask(&Command::Reset);
    assert_eq!(bench.ask(&command), failed(&command, Outcome::Rejected));
    assert_eq!(bench.people(&PeopleRequest::Window(1)), Ok(PeopleReply::Done));
    assert_eq!(bench.ask(&command), []);
    bench.step(1000);
    assert_eq!(bench.ask(&command), failed(&command, Outcome::Rejected));
}

#[test]
fn window_is_bounded_and_needs_a_second_line() {
    let mut bench = bench();
    assert_eq!(bench.people(&PeopleRequest::Window(u16::MAX)), Ok(PeopleReply::Done));
    assert_eq!(bench.device.counter.window_until_ms, 1000 * u64::from(front::MOST_WINDOW_SECONDS));
    assert_eq!(bench.people(&PeopleRequest::Window(0)), Ok(PeopleReply::Done));
    assert_eq!(bench.device.counter.window_until_ms, 0);
    bench.device.platform.second = None;
    assert_eq!(bench.people(&PeopleRequest::Window(9)), Err(PeopleRefusal::NoFront));
    bench.step(1);
}

#[test]
fn long_press_is_not_one_for_pairing() {
    let mut bench = bench();
    let (_, pair) = HostPairing::begin(*KeyPair::new([8; 32]).public(), [7; 32]);
    let pair = Request::Session(pair);
    bench.hold();
    bench.device.platform.is_held = false;
    bench.step(1);
    assert_eq!(bench.send(&pair), [Reply::Refused(Objection::NotPairing)]);
    bench.press();
    assert!(matches!(&bench.send(&pair)[..], [Reply::Session(_)]));
}

#[test]
fn host_that_greets_is_not_taken_for_the_one_that_paired() {
    for is_greeted in [false, true] {
        let mut bench = bench();
        let (mut pairing, pair) = HostPairing::begin(*KeyPair::new([8; 32]).public(), [7; 32]);
        bench.press();
        let Reply::Session(reply) = bench.send(&Request::Session(pair)).remove(0) else { panic!() };
        let reveal = pairing.reveal(&reply).unwrap();
        let replies = bench.send(&Request::Session(reveal));
        assert!(matches!(&replies[..], [Reply::Session(SessionReply::Paired(_))]), "{replies:?}");
        if is_greeted {
            bench.send(&Request::Hello);
        }
        bench.press();
        assert_eq!(bench.device.responder.administrators().len(), 2 - usize::from(is_greeted));
    }
}

#[test]
fn one_shot_enrolment_is_guided_and_stored_at_its_end() {
    let mut bench = bench();
    bench.hold();
    let command = enrol("Grace", None);
    assert_eq!(bench.ask(&command), []);
    bench.see(&fit(&[4, 3], None));
    assert_eq!((bench.answers(), bench.enrolled().len()), (Vec::new(), 1));
    bench.see(&fit(&[3, 4], None));
    assert_eq!(bench.enrolled()[1], (3, "Grace".to_string(), ADMINISTRATOR));
    let enrolled = Answer::Enrolled { number: 0x1d, id: 3, directions: ALL_DIRECTIONS };
    assert_eq!(bench.answers(), [enrolled]);
    assert!(bench.device.door.is_watching());
}

#[test]
fn people_without_a_name_get_one_with_their_number() {
    let mut bench = bench();
    bench.people(&PeopleRequest::Rename(2, "person 3")).unwrap();
    bench.hold();
    bench.ask(&enrol("", None));
    bench.see(&fit(&[4, 3], None));
    bench.see(&fit(&[3, 4], None));
    assert_eq!(bench.enrolled()[1], (3, "person 4".to_string(), ADMINISTRATOR));
}

#[test]
fn faces_and_names_that_are_enrolled_are_refused_and_leave_nothing_behind() {
    let mut bench = bench();
    bench.hold();
    let ada = enrol("Ada", None);
    assert_eq!(bench.ask(&ada), failed(&ada, Outcome::InvalidParameter));
    let grace = enrol("Grace", None);
    bench.ask(&grace);
    bench.see(&fit(&[4, 3], Some(2)));
    assert_eq!(bench.answers(), failed(&grace, Outcome::AlreadyEnrolled));
    assert!(matches!(bench.device.door.state(), State::Idle));
    assert_eq!(bench.enrolled().len(), 1);
}

#[test]
fn enrolment_ends_with_its_time_and_where_there_is_no_room() {
    let mut bench = bench();
    bench.hold();
    let grace = enrol("Grace", None);
    bench.ask(&grace);
    bench.step(30_000);
    assert_eq!(bench.answers(), failed(&grace, Outcome::TimeOut));
    let store = bench.device.store.as_mut().unwrap();
    while store.places(1) > 0 {
        let centre = store::SubCentre { photos: 1, vector: &[1, 1] };
        store.add(&Draft { name: "x", flags: 0, centres: &[centre] }).unwrap();
    }
    assert_eq!(bench.ask(&grace), failed(&grace, Outcome::Full));
}

#[test]
fn shots_of_five_directions_make_one_person() {
    let mut bench = bench();
    bench.hold();
    let shots: [(Direction, [i16; 2]); 5] = [
        (Direction::Middle, [100, 0]),
        (Direction::Right, [100, 20]),
        (Direction::Left, [100, -20]),
        (Direction::Down, [100, 45]),
        (Direction::Up, [100, -45]),
    ];
    let mut directions = 0;
    for (direction, embedding) in shots {
        assert_eq!(bench.ask(&enrol("Grace", Some(direction))), []);
        bench.see(&fit(&embedding, None));
        directions |= direction as u8;
        let id = if directions == ALL_DIRECTIONS { 3 } else { NO_ID };
        assert_eq!(bench.answers(), [Answer::Enrolled { number: 0x13, id, directions }]);
        // Between two shots nobody is looked at.
        bench.see(&fit(&[1, 100], None));
    }
    assert_eq!(bench.enrolled()[1].1, "Grace");
}

#[test]
fn shots_that_were_given_up_do_not_become_somebody_else_s() {
    let mut bench = bench();
    bench.hold();
    let first = enrol("Grace", Some(Direction::Middle));
    bench.ask(&first);
    bench.see(&fit(&[100, 0], None));
    bench.answers();
    // The device waits for half a minute, the controller for longer.
    bench.step(30_000);
    let second = enrol("Grace", Some(Direction::Right));
    assert_eq!(bench.ask(&second), failed(&second, Outcome::Aborted));
    // A scan in between ends an enrolment that waits.
    bench.ask(&first);
    bench.see(&fit(&[100, 0], None));
    bench.answers();
    assert_eq!(bench.ask(&VERIFY), []);
    assert!(bench.device.door.is_watching() && !bench.device.door.is_enrolling());
    assert_eq!(bench.ask(&second), failed(&second, Outcome::Aborted));
}

#[test]
fn deleting_takes_people_and_leaves_keys() {
    let mut bench = bench();
    bench.hold();
    let unknown = Command::Delete(7);
    assert_eq!(bench.ask(&unknown), failed(&unknown, Outcome::UnknownUser));
    assert_eq!(bench.ask(&Command::Delete(2)), [Answer::Done(0x20)]);
    assert_eq!(bench.enrolled(), []);
    assert_eq!(bench.ask(&Command::DeleteAll), [Answer::Done(0x21)]);
    assert_eq!(bench.device.store.as_ref().unwrap().people().len(), 1);
    assert_eq!(bench.device.responder.administrators(), [[9; 32]]);
}

#[test]
fn one_enrolment_at_a_time_whoever_began_it() {
    let mut bench = bench();
    bench.hold();
    let grace = enrol("Grace", None);
    bench.ask(&grace);
    assert_eq!(bench.people(&PeopleRequest::Enrol("Linus")), Err(PeopleRefusal::Busy));
    bench.ask(&Command::Reset);
    assert_eq!(bench.people(&PeopleRequest::Enrol("Linus")), Ok(PeopleReply::Done));
    assert_eq!(bench.ask(&grace), failed(&grace, Outcome::Rejected));
    assert_eq!(bench.ask(&VERIFY), STRANGER);
    assert_eq!(bench.ask(&Command::Delete(2)), [Answer::Failed(0x20, Outcome::Rejected)]);
    assert_eq!(bench.enrolled().len(), 1);
}

#[test]
fn enrolment_ends_with_the_session_that_began_it() {
    let mut bench = bench();
    bench.people(&PeopleRequest::Enrol("Linus")).unwrap();
    bench.send(&Request::Hello);
    assert!(!bench.device.door.is_enrolling());
    bench.hold();
    bench.ask(&enrol("Grace", None));
    bench.send(&Request::Hello);
    assert!(bench.device.door.is_enrolling());
    // An administrator ends it all the same.
    bench.people(&PeopleRequest::Discard).unwrap();
    assert_eq!(bench.answers(), [Answer::Failed(0x1d, Outcome::TimeOut)]);
}

#[test]
fn nobody_is_changed_while_somebody_is_enrolled() {
    let mut bench = bench();
    bench.people(&PeopleRequest::Enrol("Ada")).unwrap();
    for request in [PeopleRequest::Delete(2), PeopleRequest::Rename(2, "B"), PeopleRequest::DeleteAll] {
        assert_eq!(bench.people(&request), Err(PeopleRefusal::Busy));
    }
    bench.see(&fit(&[4, 3], None));
    bench.see(&fit(&[3, 4], None));
    assert_eq!(bench.people(&PeopleRequest::Commit), Ok(PeopleReply::Committed(2)));
    assert_eq!(bench.enrolled(), [(2, "Ada".to_string(), 0)]);
}

#[test]
fn more_photos_keep_the_marks_of_a_person() {
    let mut bench = bench();
    let centre = store::SubCentre { photos: 1, vector: &[0, 9] };
    let draft = Draft { name: "Ada", flags: ADMINISTRATOR, centres: &[centre] };
    bench.device.store.as_mut().unwrap().replace(2, &draft).unwrap();
    bench.people(&PeopleRequest::Enrol("Ada")).unwrap();
    bench.see(&fit(&[4, 3], None));
    bench.see(&fit(&[3, 4], None));
    bench.people(&PeopleRequest::Commit).unwrap();
    assert_eq!(bench.enrolled(), [(2, "Ada".to_string(), ADMINISTRATOR)]);
}

#[test]
fn name_of_a_key_is_nobody_s() {
    let mut bench = bench();
    let key = name_of_key(&[9; 32]);
    assert_eq!(bench.people(&PeopleRequest::Enrol(&key)), Err(PeopleRefusal::NameTaken));
    assert_eq!(bench.people(&PeopleRequest::Rename(2, &key)), Err(PeopleRefusal::NameTaken));
}

#[test]
fn blind_device_forgets_strangers_too() {
    let mut bench = bench();
    bench.see(&fit(&[3, 4], None));
    bench.device.fail(Fault::Blind, bench.now_ms);
    assert_eq!((bench.stored_attempts(), bench.people(&PeopleRequest::Unlock)), (1, Ok(PeopleReply::Done)));
    assert_eq!(bench.stored_attempts(), 0);
}

#[test]
fn unlocking_that_is_not_stored_is_not_acknowledged() {
    let mut bench = bench();
    bench.see(&fit(&[3, 4], None));
    bench.flash.0.borrow_mut().cut_after(0);
    assert_eq!(bench.people(&PeopleRequest::Unlock), Err(PeopleRefusal::Store));
}

#[test]
fn frame_that_comes_slowly_over_the_link_does_not_blind_the_device() {
    let mut bench = bench();
    bench.device.platform.eye.is_held = true;
    let view = View { width: 4, height: 4, format: PixelFormat::Grey, is_sent: true, attention: Look::Photo };
    for _ in 0..4 {
        bench.device.desk.task = Some(Task::Filling { line: LINK, view, next: 0, heard_ms: bench.now_ms });
        bench.step(4_000);
        assert!(bench.device.door.is_watching() && bench.device.platform.eye.is_held);
    }
    // Whoever says nothing any more gives the camera back, which then has its time.
    bench.device.platform.eye.is_dead = true;
    bench.step(900);
    bench.step(100);
    assert!(bench.device.door.is_watching() && !bench.device.platform.eye.is_held);
    bench.step(CAMERA_MS);
    assert!(matches!(bench.device.door.state(), State::Service(Fault::Blind)));
}

#[test]
fn camera_that_never_ends_its_frame_is_told_to_who_waits_for_its_memory() {
    let mut bench = bench();
    bench.device.platform.eye.is_writing = true;
    let view = View { width: 4, height: 4, format: PixelFormat::Grey, is_sent: true, attention: Look::Photo };
    let line = Line { turn: 9, is_sealed: false };
    bench.device.desk.task = Some(Task::Waiting { line, view, since_ms: 0 });
    bench.step(4_999);
    assert_eq!(bench.replies(), []);
    bench.step(1);
    assert!(matches!(&bench.replies()[..], [Reply::Failed(_)]));
    // A camera that ends it gives the memory, with which the rows begin.
    bench.device.platform.eye.is_writing = false;
    bench.device.desk.task = Some(Task::Waiting { line, view, since_ms: bench.now_ms });
    bench.step(1);
    assert_eq!(bench.replies(), [Reply::Row(0)]);
}

#[test]
fn frame_that_cannot_be_seen_is_answered() {
    let mut bench = bench();
    let line = Line { turn: 9, is_sealed: false };
    bench.device.desk.task = Some(Task::Sight { line, taken: GREY, said_ms: 0 });
    bench.step(1);
    assert!(matches!(&bench.replies()[..], [Reply::Failed(_)]));
    assert!(bench.device.desk.task.is_none());
}

#[test]
fn question_is_not_answered_once_the_door_is_locked() {
    let mut bench = bench();
    let locked = Tally { attempts: 2, lockouts: 1, is_locked: true };
    bench.device.door = Door::new(SETTINGS, locked, 0);
    let line = Line { turn: 9, is_sealed: false };
    bench.device.desk.task = Some(Task::Sight { line, taken: GREY, said_ms: 0 });
    let embedding = Some([3, 4].into_iter().collect());
    bench.device.answer_sighting(Sighting { embedding, ..Sighting::default() }, 0);
    assert_eq!(bench.replies(), [Reply::Refused(Objection::Locked)]);
    assert_eq!(*bench.device.door.tally(), locked);
}
