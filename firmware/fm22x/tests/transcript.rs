//! Conversations byte for byte, as ESPHome's component `hlk_fm22x` (2026.6) holds them: the bytes that it sends, and the
//! replies that it reads.

use std::collections::VecDeque;

use fm22x::door::MAX_NAME_BYTES;
use fm22x::front_end::{NOTE_MS, READY_MS, SHOTS_MS};
use fm22x::message::{Direction, MAX_IDS, NO_ID, Sight, wire_id};
use fm22x::outgoing::GAP_MS;
use fm22x::{
    Command, Decoder, Door, Enrolment, FaceState, Failure, FrontEnd, Note, Outcome, Person, Progress, Reply,
    Status, Task, Window,
};
use heapless::String;
use proptest::prelude::*;

// What ESPHome sends.
const RESET: [u8; 6] = [0xef, 0xaa, 0x10, 0, 0, 0x10];
const STATUS: [u8; 6] = [0xef, 0xaa, 0x11, 0, 0, 0x11];
const SCAN: [u8; 8] = [0xef, 0xaa, 0x12, 0, 2, 0, 0, 0x10];
const DELETE_ALL: [u8; 6] = [0xef, 0xaa, 0x21, 0, 0, 0x21];
const IDS: [u8; 6] = [0xef, 0xaa, 0x24, 0, 0, 0x24];
const VERSION: [u8; 6] = [0xef, 0xaa, 0x30, 0, 0, 0x30];
const SERIAL: [u8; 6] = [0xef, 0xaa, 0x93, 0, 0, 0x93];
// "Grace", with the direction and the parity of each shot.
const ENROL_START: [u8; 11] = [0xef, 0xaa, 0x13, 0, 35, 0, b'G', b'r', b'a', b'c', b'e'];

// What it reads.
const READY: [u8; 7] = [0xef, 0xaa, 1, 0, 1, 0, 0];
const IS_RESET: [u8; 8] = [0xef, 0xaa, 0, 0, 2, 0x10, 0, 0x12];
const IS_IDLE: [u8; 9] = [0xef, 0xaa, 0, 0, 3, 0x11, 0, 0, 0x12];
const IS_BUSY: [u8; 9] = [0xef, 0xaa, 0, 0, 3, 0x11, 0, 1, 0x13];
const NO_FACE: [u8; 23] = [0xef, 0xaa, 1, 0, 17, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

fn enrol(direction: u8) -> Vec<u8> {
    let mut bytes = ENROL_START.to_vec();
    bytes.resize(6 + 32, 0);
    bytes.extend([direction, 10]);
    bytes.push(parity(&bytes[2..]));
    bytes
}

fn parity(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |parity, byte| parity ^ byte)
}

/// The reply that is a result alone.
fn result(number: u8, outcome: u8) -> Vec<u8> {
    vec![0xef, 0xaa, 0, 0, 2, number, outcome, 2 ^ number ^ outcome]
}

fn delete(id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![0xef, 0xaa, 0x20, 0, 2, high, low, 0x22 ^ high ^ low]
}

/// A device whose tasks end as the test says.
#[derive(Default)]
struct Scripted {
    people: Vec<u32>,
    is_button_held: bool,
    /// What the next polls say; afterwards the task works on, and sees nothing.
    progress: VecDeque<Progress>,
    refusal: Option<Failure>,
    begun: Vec<Task>,
    stops: usize,
    forgotten: usize,
}

fn name(id: u32) -> &'static str {
    if id == 1 { "Ada" } else { "Grace" }
}

fn person(id: u32) -> Person {
    Person { id, name: String::<MAX_NAME_BYTES>::try_from(name(id)).unwrap(), is_admin: id == 1 }
}

impl Door for Scripted {
    fn status(&self) -> Status {
        Status::Idle
    }

    fn version(&self) -> &str {
        "0.1.0"
    }

    fn serial(&self) -> &str {
        "G7"
    }

    fn is_button_held(&self) -> bool {
        self.is_button_held
    }

    fn id(&mut self, place: usize) -> Option<u32> {
        self.people.get(place).copied()
    }

    fn person(&mut self, id: u32) -> Option<Person> {
        self.people.contains(&id).then(|| person(id))
    }

    fn begin(&mut self, task: Task) -> Result<(), Failure> {
        self.begun.push(task);
        self.refusal.map_or(Ok(()), Err)
    }

    fn poll(&mut self, _: u64) -> Progress {
        self.progress.pop_front().unwrap_or(Progress::Working(None))
    }

    fn stop(&mut self) {
        self.stops += 1;
    }

    fn forget_shots(&mut self) {
        self.forgotten += 1;
    }
}

/// A front end, its device, and the time.
struct Rig {
    front: FrontEnd,
    door: Scripted,
    now_ms: u64,
}

impl Rig {
    fn new() -> Self {
        let door = Scripted { people: vec![1, 2], ..Scripted::default() };
        Rig { front: FrontEnd::new(0), door, now_ms: 0 }
    }

    /// Waits, and returns all frames that come, with the times of their first bytes.
    fn wait(&mut self, ms: u64) -> Vec<(u64, Vec<u8>)> {
        let mut frames = Vec::new();
        let end_ms = self.now_ms + ms;
        while self.now_ms < end_ms {
            self.front.poll(&mut self.door, self.now_ms);
            let bytes = self.front.outgoing(self.now_ms).to_vec();
            if !bytes.is_empty() {
                self.front.sent(bytes.len(), self.now_ms);
                frames.push((self.now_ms, bytes));
            }
            self.now_ms += 5;
        }
        frames
    }

    /// The frames that come within 100 ms of a command.
    fn ask(&mut self, command: &[u8]) -> Vec<Vec<u8>> {
        self.front.receive(command, &mut self.door, self.now_ms);
        self.wait(100).into_iter().map(|(_, frame)| frame).collect()
    }

    /// The frames that come within 100 ms of a command whose task ends so.
    fn ask_with(&mut self, progress: impl IntoIterator<Item = Progress>, command: &[u8]) -> Vec<Vec<u8>> {
        self.door.progress = progress.into_iter().collect();
        self.ask(command)
    }
}

#[test]
fn setting_up() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
    assert_eq!(rig.ask(&VERSION), [[0xef, 0xaa, 0, 0, 7, 0x30, 0, 0x30, 0x2e, 0x31, 0x2e, 0x30, 0x06]]);
    assert_eq!(rig.ask(&IDS), [[0xef, 0xaa, 0, 0, 7, 0x24, 0, 2, 0, 1, 0, 2, 0x22]]);
    assert_eq!(rig.ask(&SERIAL), [[0xef, 0xaa, 0, 0, 4, 0x93, 0, 0x47, 0x37, 0xe7]]);
    // Nothing is said about being ready: ESPHome would take it for a time-out.
    assert_eq!(rig.wait(5_000), []);
}

#[test]
fn ready_is_said_to_a_silent_controller_once() {
    let mut rig = Rig::new();
    assert_eq!(rig.wait(5_000), [(READY_MS, READY.to_vec())]);
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
    assert_eq!(rig.ask(&RESET), [IS_RESET]);
    let frames = rig.wait(5_000);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].1, READY);
}

#[test]
fn ready_that_is_lost_or_never_said_changes_nothing() {
    let mut silent = Rig::new();
    // The note is sent, and lost.
    silent.wait(READY_MS + 100);
    let mut early = Rig::new();
    for command in [&STATUS[..], &VERSION, &IDS, &RESET, &STATUS, &SCAN] {
        assert_eq!(silent.ask(command), early.ask(command));
    }
}

#[test]
fn resetting_is_followed_by_the_questions_of_setting_up() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(&RESET), [IS_RESET]);
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
    assert_eq!(rig.wait(5_000), []);
}

#[test]
fn scanning_someone_who_is_enrolled() {
    let mut rig = Rig::new();
    let face = FaceState {
        sight: Sight::TooFar as i16,
        left: 10,
        top: 20,
        right: 110,
        bottom: 140,
        yaw: -5,
        pitch: 3,
        roll: 1,
    };
    rig.door.progress.extend((0..=2 * NOTE_MS / 5).map(|_| Progress::Working(Some(face))));
    rig.door.progress.push_back(Progress::Verified(person(1)));
    rig.front.receive(&SCAN, &mut rig.door, 0);
    let note =
        [0xef, 0xaa, 1, 0, 17, 1, 6, 0, 10, 0, 20, 0, 110, 0, 140, 0, 0xfb, 0xff, 3, 0, 1, 0, 0xed].to_vec();
    let mut verified = vec![0xef, 0xaa, 0, 0, 38, 0x12, 0, 0, 1, b'A', b'd', b'a'];
    verified.resize(9 + 32, 0);
    verified.extend([1, 200, 0xb8]);
    let expected = [(NOTE_MS, note.clone()), (2 * NOTE_MS, note), (2 * NOTE_MS + GAP_MS, verified)];
    assert_eq!(rig.wait(2_000), expected);
    assert_eq!(rig.door.begun, [Task::Verify]);
}

#[test]
fn every_failure_of_a_scan_has_its_result() {
    let numbers = [1, 1, 8, 8, 2, 2, 4, 0x0c, 0x0d, 9, 0x0a, 6, 7, 0x13, 0x14, 5];
    for (failure, number) in Failure::ALL.into_iter().zip(numbers) {
        let mut rig = Rig::new();
        assert_eq!(rig.ask_with([Progress::Failed(failure)], &SCAN), [result(0x12, number)], "{failure:?}");
        assert_eq!(Outcome::parse(number), Some(failure.outcome()));
        // The same if the task does not even begin.
        rig.door.refusal = Some(failure);
        assert_eq!(rig.ask(&SCAN), [result(0x12, number)], "{failure:?}");
        assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
    }
}

#[test]
fn scan_without_a_face_ends_after_the_time_that_the_controller_gave() {
    // ESPHome gives no time, which means ten seconds.
    for (command, ms) in [(SCAN, 10_000), ([0xef, 0xaa, 0x12, 0, 2, 0, 3, 0x13], 3_000)] {
        let mut rig = Rig::new();
        rig.front.receive(&command, &mut rig.door, 0);
        let frames = rig.wait(ms);
        assert!(frames.iter().all(|(_, frame)| *frame == NO_FACE));
        assert_eq!(frames.len() as u64, (ms - 1) / NOTE_MS);
        assert_eq!(rig.ask(&[]), [result(0x12, 0x0d)]);
        assert_eq!(rig.door.stops, 1);
        assert_eq!(rig.wait(5_000), []);
    }
}

#[test]
fn reset_during_a_scan_gets_the_only_reply() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(&SCAN), Vec::<Vec<u8>>::new());
    assert_eq!(rig.ask(&STATUS), [IS_BUSY]);
    assert_eq!(rig.ask(&RESET), [IS_RESET]);
    assert_eq!(rig.door.stops, 1);
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
    assert_eq!(rig.wait(20_000), []);
}

#[test]
fn second_scan_replaces_the_first() {
    let mut rig = Rig::new();
    rig.ask(&SCAN);
    assert_eq!(rig.ask_with([Progress::Failed(Failure::Stranger)], &SCAN), [result(0x12, 1)]);
    assert_eq!(rig.door.stops, 1);
    assert_eq!(rig.wait(20_000), []);
}

#[test]
fn changes_need_the_button_or_a_window() {
    let either = [0x26, 0x1d].map(|number| {
        let mut bytes = vec![0xef, 0xaa, number, 0, 40];
        bytes.resize(45, 0);
        bytes.push(parity(&bytes[2..]));
        bytes
    });
    let person = vec![0xef, 0xaa, 0x22, 0, 2, 0, 1, 0x21];
    let commands = [enrol(0), delete(1), DELETE_ALL.to_vec(), person, either[0].clone(), either[1].clone()];
    for command in commands {
        let mut rig = Rig::new();
        let refused = result(command[2], 1);
        let is_refused = |rig: &mut Rig| rig.ask(&command).contains(&refused);
        assert!(is_refused(&mut rig) && rig.door.begun.is_empty());
        rig.door.is_button_held = true;
        assert!(!is_refused(&mut rig));
        rig.front = FrontEnd::new(rig.now_ms);
        rig.door.is_button_held = false;
        rig.front.open(Window { until_ms: rig.now_ms + 1 });
        assert!(!is_refused(&mut rig));
        rig.ask(&RESET);
        assert!(is_refused(&mut rig), "the window is over");
        rig.front.open(Window { until_ms: u64::MAX });
        rig.front.close();
        assert!(is_refused(&mut rig), "the window is closed");
    }
}

#[test]
fn enrolling_with_one_shot() {
    let mut rig = Rig::new();
    rig.door.is_button_held = true;
    let enrolled = [0xef, 0xaa, 0, 0, 5, 0x13, 0, 0, 3, 0x1f, 0x0a];
    assert_eq!(rig.ask_with([Progress::Enrolled(3)], &enrol(0)), [enrolled]);
    let enrolment = Enrolment {
        name: "Grace".try_into().unwrap(),
        is_admin: false,
        direction: None,
        is_last: true,
        may_repeat: true,
    };
    assert_eq!(rig.door.begun, [Task::Enrol(enrolment)]);
    assert_eq!(rig.ask_with([Progress::Failed(Failure::Full)], &enrol(0)), [result(0x13, 9)]);
    assert_eq!(rig.ask_with([Progress::Failed(Failure::AlreadyEnrolled)], &enrol(0)), [result(0x13, 0x0a)]);
    // Newer components ask so, and refuse faces that are enrolled already.
    let mut either = vec![0xef, 0xaa, 0x26, 0, 40, 0, b'E', b'd'];
    either.resize(6 + 32, 0);
    either.extend([0, 1, 0, 20, 0, 0, 0]);
    either.push(parity(&either[2..]));
    let enrolled = [0xef, 0xaa, 0, 0, 5, 0x26, 0, 0, 4, 0x1f, 0x38];
    assert_eq!(rig.ask_with([Progress::Enrolled(4)], &either), [enrolled]);
    let Some(Task::Enrol(last)) = rig.door.begun.last() else { panic!() };
    assert!(!last.may_repeat && last.is_last && last.name == "Ed");
}

/// The replies to a shot that is not the last.
fn taken(directions: u8) -> [Vec<u8>; 1] {
    [vec![0xef, 0xaa, 0, 0, 5, 0x13, 0, 0xff, 0xff, directions, 0x16 ^ directions]]
}

#[test]
fn enrolling_with_five_shots() {
    let mut rig = Rig::new();
    rig.door.is_button_held = true;
    let mut directions = 0;
    for direction in [1, 2, 4, 8] {
        directions |= direction;
        assert_eq!(rig.ask_with([Progress::Taken], &enrol(direction)), taken(directions));
    }
    // A shot may be repeated.
    assert_eq!(rig.ask_with([Progress::Taken], &enrol(4)), taken(0x0f));
    let enrolled = [0xef, 0xaa, 0, 0, 5, 0x13, 0, 0, 3, 0x1f, 0x0a];
    assert_eq!(rig.ask_with([Progress::Enrolled(3)], &enrol(0x10)), [enrolled]);
    let shots = rig.door.begun.iter().map(|task| match task {
        Task::Enrol(enrolment) => (enrolment.direction.unwrap(), enrolment.is_last),
        _ => panic!(),
    });
    let shots: Vec<_> = shots.collect();
    use Direction::{Down, Left, Middle, Right, Up};
    let expected = [(Middle, false), (Right, false), (Left, false), (Down, false), (Left, false), (Up, true)];
    assert_eq!(shots, expected);
    assert_eq!(rig.door.forgotten, 0);
    // The next person begins anew.
    assert_eq!(rig.ask_with([Progress::Taken], &enrol(0x10)), taken(0x10));
}

#[test]
fn shots_are_forgotten_after_a_failure_a_reset_another_name_and_a_time() {
    let forget: [fn(&mut Rig); 8] = [
        |rig| {
            rig.ask(&enrol(2));
            assert_eq!(rig.ask(&Command::ForgetShots.emit()), [result(0x23, 0)]);
            assert_eq!(rig.door.stops, 1);
        },
        |rig| {
            rig.door.refusal = Some(Failure::Full);
            assert_eq!(rig.ask(&enrol(2)), [result(0x13, 9)]);
            rig.door.refusal = None;
        },
        |rig| {
            rig.ask_with([Progress::Failed(Failure::NoFace)], &enrol(2));
        },
        |rig| {
            rig.ask(&enrol(2));
            rig.wait(11_000);
        },
        |rig| {
            rig.ask(&RESET);
        },
        |rig| {
            rig.ask(&Command::ForgetShots.emit());
        },
        |rig| {
            let mut other = enrol(2);
            other[6] ^= 1;
            *other.last_mut().unwrap() ^= 1;
            rig.ask_with([Progress::Taken], &other);
        },
        |rig| {
            rig.wait(SHOTS_MS);
        },
    ];
    for forget in forget {
        let mut rig = Rig::new();
        rig.door.is_button_held = true;
        assert_eq!(rig.ask_with([Progress::Taken], &enrol(1)), taken(1));
        forget(&mut rig);
        assert_eq!(rig.ask_with([Progress::Taken], &enrol(4)), taken(4));
        assert!(rig.door.forgotten >= 1);
    }
}

#[test]
fn deleting() {
    let mut rig = Rig::new();
    rig.front.open(Window { until_ms: u64::MAX });
    let working = (0..10).map(|_| Progress::Working(None)).chain([Progress::Deleted]);
    assert_eq!(rig.ask_with(working, &delete(2)), [result(0x20, 0)]);
    assert_eq!(rig.ask_with([Progress::Deleted], &DELETE_ALL), [result(0x21, 0)]);
    assert_eq!(rig.door.begun, [Task::Delete(2), Task::DeleteAll]);
    rig.door.refusal = Some(Failure::UnknownPerson);
    assert_eq!(rig.ask(&delete(77)), [result(0x20, 8)]);
    rig.door.refusal = Some(Failure::Write);
    assert_eq!(rig.ask(&DELETE_ALL), [result(0x21, 0x14)]);
}

#[test]
fn deletion_is_not_replaced_and_has_no_notes() {
    let mut rig = Rig::new();
    rig.front.open(Window { until_ms: u64::MAX });
    assert_eq!(rig.ask(&delete(2)), Vec::<Vec<u8>>::new());
    assert_eq!(rig.wait(20_000), []);
    assert_eq!(rig.ask(&SCAN), [result(0x12, 1)]);
    assert_eq!(rig.ask(&STATUS), [IS_BUSY]);
    assert_eq!(rig.ask_with([Progress::Deleted], &[]), [result(0x20, 0)]);
    assert_eq!((rig.door.begun.len(), rig.door.stops), (1, 0));
}

#[test]
fn storing_is_neither_ended_by_time_nor_replaced() {
    let mut rig = Rig::new();
    rig.door.is_button_held = true;
    rig.door.progress.extend((0..20_000 / 5).map(|_| Progress::Storing));
    rig.front.receive(&enrol(0), &mut rig.door, 0);
    assert_eq!(rig.wait(11_000), []);
    for command in [SCAN.to_vec(), enrol(1), delete(1), Command::ForgetShots.emit().to_vec()] {
        assert_eq!(rig.ask(&command), [result(command[2], 1)]);
    }
    assert_eq!(rig.ask(&STATUS), [IS_BUSY]);
    let enrolled = [0xef, 0xaa, 0, 0, 5, 0x13, 0, 0, 3, 0x1f, 0x0a];
    assert_eq!(rig.ask_with([Progress::Enrolled(3)], &[]), [enrolled]);
    assert_eq!((rig.door.begun.len(), rig.door.stops), (1, 0));
}

#[test]
fn shots_that_a_device_takes_without_being_asked_are_no_enrolment() {
    let mut rig = Rig::new();
    rig.door.is_button_held = true;
    assert_eq!(rig.ask_with([Progress::Taken], &enrol(0)), [result(0x13, 5)]);
    assert_eq!(rig.ask_with([Progress::Enrolled(3)], &SCAN), [result(0x12, 5)]);
    assert_eq!(rig.ask_with([Progress::Verified(person(1))], &enrol(0)), [result(0x13, 5)]);
}

#[test]
fn ids_that_the_wire_cannot_say_are_left_out_and_refused() {
    let mut rig = Rig::new();
    rig.front.open(Window { until_ms: u64::MAX });
    rig.door.people = vec![0, 0x8000, 0x7fff, 0x0001_0001];
    assert_eq!(rig.ask(&IDS), [[0xef, 0xaa, 0, 0, 7, 0x24, 0, 2, 0, 0, 0x7f, 0xff, 0xa1]]);
    assert_eq!(rig.ask(&delete(0x8000)), [result(0x20, 6)]);
    assert_eq!(rig.ask(&delete(NO_ID)), [result(0x20, 6)]);
    assert_eq!(rig.ask_with([Progress::Verified(person(0x0001_0001))], &SCAN), [result(0x12, 5)]);
    assert_eq!(rig.door.begun, [Task::Verify]);
    // Whoever gets such an id is not left enrolled, as the controller could not delete them.
    assert_eq!(wire_id(0x8000), None);
    let progress = [Progress::Enrolled(0x8000), Progress::Working(None), Progress::Deleted];
    assert_eq!(rig.ask_with(progress, &enrol(0)), [result(0x13, 9)]);
    assert_eq!(rig.door.begun.last(), Some(&Task::Delete(0x8000)));
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
}

#[test]
fn list_ends_with_the_hundredth_person() {
    let mut rig = Rig::new();
    rig.door.people = (1..=150).collect();
    let frames = rig.ask(&IDS);
    assert_eq!((frames.len(), frames[0].len()), (1, 209));
    assert_eq!(frames[0][..11], [0xef, 0xaa, 0, 0, 203, 0x24, 0, 100, 0, 1, 0]);
    assert_eq!(MAX_IDS, 100);
}

#[test]
fn name_is_told_with_authority() {
    let mut rig = Rig::new();
    rig.door.is_button_held = true;
    let mut ada = vec![0xef, 0xaa, 0, 0, 37, 0x22, 0, 0, 1, b'A', b'd', b'a'];
    ada.resize(9 + 32, 0);
    ada.extend([1, 0x43]);
    assert_eq!(rig.ask(&[0xef, 0xaa, 0x22, 0, 2, 0, 1, 0x21]), [ada]);
    assert_eq!(rig.ask(&[0xef, 0xaa, 0x22, 0, 2, 0, 9, 0x29]), [result(0x22, 8)]);
}

#[test]
fn unknown_and_malformed_commands_are_refused() {
    let mut rig = Rig::new();
    assert_eq!(rig.ask(&[0xef, 0xaa, 0x40, 0, 0, 0x40]), [result(0x40, 1)]);
    assert_eq!(rig.ask(&[0xef, 0xaa, 0x12, 0, 1, 0, 0x13]), [result(0x12, 6)]);
    assert_eq!(rig.ask(&enrol(3)), [result(0x13, 6)]);
    // Damaged: no reply, and the controller asks again.
    assert_eq!(rig.ask(&[0xef, 0xaa, 0x11, 0, 0, 0x12]), Vec::<Vec<u8>>::new());
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
}

#[test]
fn commands_may_come_in_pieces_and_together() {
    let mut rig = Rig::new();
    for byte in STATUS {
        rig.front.receive(&[byte], &mut rig.door, rig.now_ms);
        rig.now_ms += 50;
    }
    assert_eq!(rig.wait(50), [(300, IS_IDLE.to_vec())]);
    assert_eq!(rig.ask(&[STATUS, VERSION].concat()).len(), 2);
}

#[test]
fn flood_of_commands_is_answered_in_part_and_without_end_of_memory() {
    let mut rig = Rig::new();
    rig.door.people = (1..=150).collect();
    for _ in 0..10_000 {
        rig.front.receive(&IDS, &mut rig.door, 0);
    }
    let frames = rig.wait(10_000);
    assert_eq!(frames.len(), 2);
    assert_eq!(rig.ask(&STATUS), [IS_IDLE]);
}

#[test]
fn front_end_fits_into_a_kilobyte() {
    assert!(size_of::<FrontEnd>() <= 1024, "{}", size_of::<FrontEnd>());
}

/// A controller as ESPHome's: every 50 ms it takes one frame from a buffer of 256 bytes.
#[test]
fn slow_controller_loses_nothing() {
    let mut rig = Rig::new();
    rig.door.people = (1..=100).collect();
    let (mut buffer, mut taken, mut reading_since_ms) = (VecDeque::new(), Vec::new(), None);
    rig.front.receive(&[0xef, 0xaa, 0x12, 0, 2, 0, 60, 0x2c], &mut rig.door, 0);
    while rig.now_ms < 60_500 {
        rig.front.poll(&mut rig.door, rig.now_ms);
        // 11 bytes a millisecond at 115,200 baud.
        let bytes = rig.front.outgoing(rig.now_ms);
        let count = bytes.len().min(11);
        buffer.extend(&bytes[..count]);
        rig.front.sent(count, rig.now_ms);
        assert!(buffer.len() <= 256);
        rig.now_ms += 1;
        if rig.now_ms.is_multiple_of(777) {
            rig.front.receive(&IDS, &mut rig.door, rig.now_ms);
        }
        if (rig.now_ms.is_multiple_of(50) || reading_since_ms.is_some()) && buffer.len() >= 7 {
            let frame_bytes = 6 + usize::from(buffer[3]) * 256 + usize::from(buffer[4]);
            if buffer.len() < frame_bytes {
                // It gives up a frame that is not complete after 20 ms.
                assert!(rig.now_ms - *reading_since_ms.get_or_insert(rig.now_ms) <= 20);
                continue;
            }
            reading_since_ms = None;
            let frame: Vec<u8> = buffer.drain(..frame_bytes).collect();
            assert_eq!((&frame[..2], parity(&frame[2..])), (&[0xef, 0xaa][..], 0));
            taken.push(frame);
        }
    }
    assert_eq!(taken.iter().filter(|frame| frame.len() == 209).count(), 60_500 / 777);
    assert_eq!(taken.iter().filter(|frame| **frame == result(0x12, 0x0d)).count(), 1);
    assert!(taken.iter().filter(|frame| **frame == NO_FACE).count() > 100);
}

/// How many frames these bytes are, with nothing between them.
fn frames(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::<209>::new();
    let (mut count, mut start) = (0, 0);
    for (place, &byte) in bytes.iter().enumerate() {
        let Some(frame) = decoder.push(byte) else { continue };
        assert!(Reply::parse(frame).is_ok() || Note::parse(frame).is_ok());
        assert_eq!(place + 1 - start, 6 + frame.data.len());
        start = place + 1;
        count += 1;
    }
    assert_eq!(start, bytes.len());
    count
}

fn progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        4 => Just(Progress::Working(None)),
        1 => any::<u32>().prop_map(|id| Progress::Verified(person(id))),
        1 => Just(Progress::Storing),
        1 => Just(Progress::Taken),
        1 => any::<u32>().prop_map(Progress::Enrolled),
        1 => Just(Progress::Deleted),
        1 => prop::sample::select(&Failure::ALL).prop_map(Progress::Failed),
    ]
}

/// What a controller, or noise, sends at once.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let valid = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..41)).prop_map(|(id, data)| {
        let mut bytes = vec![0xef, 0xaa, id, 0, data.len() as u8];
        bytes.extend(data);
        bytes.push(parity(&bytes[2..]));
        bytes
    });
    let known = prop::sample::select(vec![
        RESET.to_vec(),
        SCAN.to_vec(),
        IDS.to_vec(),
        enrol(0),
        enrol(1),
        enrol(16),
        delete(1),
        DELETE_ALL.to_vec(),
    ]);
    prop_oneof![prop::collection::vec(any::<u8>(), 0..60), valid, known]
}

proptest! {
    /// Any bytes, any device, any pauses: nothing panics, whatever is sent is a frame that clients know, and after a pause the
    /// next command is answered.
    #[test]
    fn any_bytes_are_survived(
        pieces in prop::collection::vec((piece(), 0..300u64, 0..50usize), 0..60),
        progress in prop::collection::vec(progress(), 0..100),
        is_button_held: bool,
    ) {
        let mut rig = Rig::new();
        rig.door.is_button_held = is_button_held;
        rig.door.progress = progress.into();
        let mut sent = Vec::new();
        for (bytes, ms, count) in pieces {
            rig.front.receive(&bytes, &mut rig.door, rig.now_ms);
            rig.front.poll(&mut rig.door, rig.now_ms);
            let ready = rig.front.outgoing(rig.now_ms);
            let count = count.min(ready.len());
            sent.extend(&ready[..count]);
            rig.front.sent(count, rig.now_ms);
            rig.now_ms += ms;
        }
        for (_, frame) in rig.wait(1_000) {
            sent.extend(frame);
        }
        rig.front.receive(&STATUS, &mut rig.door, rig.now_ms);
        let last = rig.wait(1_000);
        prop_assert!(last.iter().any(|(_, frame)| *frame == IS_IDLE || *frame == IS_BUSY));
        let before = frames(&sent);
        sent.extend(last.into_iter().flat_map(|(_, frame)| frame));
        prop_assert!(frames(&sent) > before);
    }
}
