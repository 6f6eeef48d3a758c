//! A front end that receives arbitrary bytes, in front of a device that does anything, does not panic. It changes people only while
//! the button is held or a window is open. It sends nothing but whole frames that controllers know, at most one reply for each
//! command, and answers again after a pause. Any command and any reply passes through its frame.
#![no_main]

use std::collections::VecDeque;

use fm22x::door::MAX_NAME_BYTES;
use fm22x::frame::{
    CommandDecoder, MAX_COMMAND_BYTES, MAX_COMMAND_FRAME_BYTES, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES,
    PAUSE_MS, ReplyDecoder,
};
use fm22x::message::wire_id;
use fm22x::{
    Command, Decoder, Door, FaceState, Failure, Frame, FrontEnd, Note, Person, Progress, Reply, Status, Task,
    Window, emit,
};
use fuzz::frames::FM22X;
use fuzz::steps::{Step, steps};
use heapless::String;
use libfuzzer_sys::fuzz_target;

/// Names in the device, as the link lets administrators give them.
const NAMES: [&str; 6] =
    ["Ada", "", "name \n with \u{85} controls", "a\0b", "ééééééééééééééééé", "x\u{10ffff}"];

/// A device whose tasks end as the input says.
#[derive(Default)]
struct Device {
    people: Vec<u32>,
    is_button_held: bool,
    is_window_open: bool,
    /// How the next steps of tasks end. Afterwards tasks go on.
    progress: VecDeque<u8>,
    next_id: u32,
    /// Somebody enrolled whose id the wire cannot say.
    unsayable: Option<u32>,
    /// What goes on, if anything.
    task: Option<Task>,
}

impl Device {
    fn person(id: u32) -> Person {
        let name = NAMES[id as usize % NAMES.len()];
        let name = String::<MAX_NAME_BYTES>::try_from(name).expect("the name is short enough");
        Person { id, name, is_admin: id.is_multiple_of(2) }
    }

    /// Finishes the task that goes on.
    fn finish(&mut self) -> Progress {
        match self.task.take() {
            Some(Task::Enrol(enrolment)) if !enrolment.is_last => Progress::Taken,
            Some(Task::Enrol(_)) => {
                let id = self.next_id;
                self.next_id = id.wrapping_mul(3).wrapping_add(1);
                self.people.push(id);
                self.unsayable = Some(id).filter(|&id| wire_id(id).is_none());
                Progress::Enrolled(id)
            }
            Some(Task::Delete(id)) => {
                self.people.retain(|&known| known != id);
                Progress::Deleted
            }
            Some(Task::DeleteAll) => {
                self.people.clear();
                Progress::Deleted
            }
            Some(Task::Verify) | None => {
                Progress::Verified(Self::person(self.people.first().copied().unwrap_or(7)))
            }
        }
    }
}

impl Door for Device {
    fn status(&self) -> Status {
        Status::Idle
    }

    fn version(&self) -> &str {
        "a version of more than thirty-two bytes ééé"
    }

    fn serial(&self) -> &str {
        "S7"
    }

    fn is_button_held(&self) -> bool {
        self.is_button_held
    }

    fn id(&mut self, place: usize) -> Option<u32> {
        self.people.get(place).copied()
    }

    fn person(&mut self, id: u32) -> Option<Person> {
        assert!(self.is_button_held || self.is_window_open, "a name is told to anybody");
        self.people.contains(&id).then(|| Self::person(id))
    }

    fn begin(&mut self, task: Task) -> Result<(), Failure> {
        let is_taken_back = matches!(task, Task::Delete(id) if self.unsayable.take() == Some(id));
        let is_permitted = self.is_button_held || self.is_window_open || is_taken_back;
        assert!(task == Task::Verify || is_permitted, "people are changed by anybody");
        assert!(self.task.is_none(), "two tasks at once");
        if self.next_id.is_multiple_of(5) {
            return Err(Failure::Full);
        }
        self.task = Some(task);
        Ok(())
    }

    fn poll(&mut self, _: u64) -> Progress {
        let Some(number) = self.progress.pop_front() else { return Progress::Working(None) };
        let face = FaceState { left: i16::from(number), ..FaceState::NO_FACE };
        let progress = match number % 8 {
            0..4 => self.finish(),
            4 => Progress::Storing,
            5 => Progress::Working(Some(face)),
            6 => Progress::Failed(Failure::ALL[usize::from(number / 8) % Failure::ALL.len()]),
            // Something else than was asked.
            _ => Progress::Verified(Self::person(u32::from(number))),
        };
        if !matches!(progress, Progress::Working(_) | Progress::Storing) {
            self.task = None;
        }
        progress
    }

    fn stop(&mut self) {
        self.task = None;
    }

    fn forget_shots(&mut self) {}
}

/// A front end, its device, the time, and the controller.
struct Rig {
    front: FrontEnd,
    device: Device,
    now_ms: u64,
    window_until_ms: u64,
    /// Bytes that the line takes at once.
    pace: usize,
    /// Finds the same commands as the front end.
    commands: CommandDecoder,
    last_byte_ms: u64,
    /// Finds what the front end says.
    answers: ReplyDecoder,
    /// Bytes since the last whole answer.
    begun: usize,
    /// Commands that are not answered.
    open: usize,
    /// The last answer to a question after the status.
    status: Option<Status>,
}

impl Rig {
    fn new() -> Self {
        Rig {
            front: FrontEnd::new(0),
            device: Device { people: vec![1, 2, 0x8000], next_id: 3, ..Device::default() },
            now_ms: 0,
            window_until_ms: 0,
            pace: usize::MAX,
            commands: CommandDecoder::new(),
            last_byte_ms: 0,
            answers: ReplyDecoder::new(),
            begun: 0,
            open: 0,
            status: None,
        }
    }

    /// Counts the commands that a pause brings to light.
    fn end_pause(&mut self) {
        self.device.is_window_open = self.now_ms < self.window_until_ms;
        if self.now_ms - self.last_byte_ms >= PAUSE_MS {
            while self.commands.pause().is_some() {
                self.open += 1;
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.end_pause();
        for &byte in bytes {
            if let Some(frame) = self.commands.push(byte) {
                check_command(frame);
                self.open += 1;
            }
            self.last_byte_ms = self.now_ms;
        }
        self.front.receive(bytes, &mut self.device, self.now_ms);
        self.poll();
    }

    /// One step of the front end, and what it says.
    fn poll(&mut self) {
        self.end_pause();
        self.front.poll(&mut self.device, self.now_ms);
        let ready = self.front.outgoing(self.now_ms);
        assert!(ready.len() <= MAX_REPLY_FRAME_BYTES);
        let said = ready[..ready.len().min(self.pace)].to_vec();
        self.front.sent(said.len(), self.now_ms);
        for byte in said {
            self.begun += 1;
            let Some(frame) = self.answers.push(byte) else { continue };
            assert_eq!(
                self.begun,
                fm22x::frame::OVERHEAD_BYTES + frame.data.len(),
                "something between two frames"
            );
            self.begun = 0;
            let whole = emit::<MAX_REPLY_FRAME_BYTES>(frame);
            if let Ok(reply) = Reply::parse(frame) {
                assert!(self.open > 0, "a reply that nobody asked for: {reply:?}");
                self.open -= 1;
                assert_eq!(Some(reply.emit()), whole);
                if let Reply::Status(status) = reply {
                    self.status = Some(status);
                }
            } else {
                let note = Note::parse(frame);
                assert_eq!(note.as_ref().ok().map(Note::emit), whole, "no answer: {frame:?}, {note:?}");
            }
        }
    }

    /// Time passes.
    fn wait(&mut self, ms: u64, step_ms: u64) {
        for _ in 0..ms.div_ceil(step_ms) {
            self.now_ms += step_ms;
            self.poll();
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        match step.number {
            0 => step.variations().for_each(|bytes| self.receive(&bytes)),
            1 => step.variations().for_each(|bytes| {
                let Some((&id, data)) = bytes.split_first() else { return };
                let data = &data[..data.len().min(MAX_COMMAND_BYTES)];
                FM22X.with(|count| count.add());
                let frame =
                    emit::<MAX_COMMAND_FRAME_BYTES>(Frame { id, data }).expect("the data is short enough");
                self.receive(&frame);
                check_answer(Frame { id: id % 2, data });
            }),
            // A damaged frame: the place, the change, and the frame's content.
            2 => step.variations().for_each(|bytes| {
                let &[place, change, id, ref data @ ..] = &bytes[..] else { return };
                let data = &data[..data.len().min(MAX_COMMAND_BYTES)];
                FM22X.with(|count| count.add());
                let mut frame =
                    emit::<MAX_COMMAND_FRAME_BYTES>(Frame { id, data }).expect("the data is short enough");
                let places = frame.len();
                frame[usize::from(place) % places] ^= change;
                self.receive(&frame);
            }),
            // Answers of a device to a controller, as a client and a simulator read them.
            3 => step.variations().for_each(|bytes| {
                let Some((&id, data)) = bytes.split_first() else { return };
                FM22X.with(|count| count.add());
                check_answer(Frame { id: id % 2, data: &data[..data.len().min(MAX_REPLY_BYTES)] });
            }),
            4 => self.wait(u64::from(step.number_at(0)), 60),
            5 => self.wait(u64::from(step.number_at(0) % 256), 5),
            6 => self.device.is_button_held ^= true,
            7 => {
                self.window_until_ms = self.now_ms + u64::from(step.number_at(0));
                self.front.open(Window { until_ms: self.window_until_ms });
            }
            8 => {
                self.window_until_ms = 0;
                self.front.close();
            }
            9 => self.device.progress.extend(step.rest.repeat(step.times.into())),
            10 => self.pace = usize::from(step.number_at(0)).max(1),
            _ => {
                self.device.next_id = u32::from(step.number_at(0)) * u32::from(step.number_at(1));
                self.device.people.extend(0..u32::from(step.times));
                self.device.people.truncate(300);
            }
        }
    }
}

/// The first frame of some bytes.
fn first<const N: usize>(bytes: &[u8], act: impl FnOnce(Frame<'_>)) {
    let mut decoder = Decoder::<N>::new();
    for &byte in bytes {
        if let Some(frame) = decoder.push(byte) {
            return act(frame);
        }
    }
    panic!("no frame: {bytes:?}");
}

/// Whatever a command means, it means once more when it is said anew.
fn check_command(frame: Frame<'_>) {
    let Ok(command) = Command::parse(frame) else { return };
    let said = command.emit();
    first::<MAX_COMMAND_FRAME_BYTES>(&said, |frame| {
        assert_eq!(Command::parse(frame).map(|command| command.emit()), Ok(said.clone()));
    });
}

/// Whatever an answer means, it means once more when it is said anew.
fn check_answer(frame: Frame<'_>) {
    let say = |frame: Frame<'_>| match (Reply::parse(frame), Note::parse(frame)) {
        (Ok(reply), _) => Some(reply.emit()),
        (_, Ok(note)) => Some(note.emit()),
        _ => None,
    };
    let Some(said) = say(frame) else { return };
    first::<MAX_REPLY_FRAME_BYTES>(&said, |frame| assert_eq!(say(frame).as_ref(), Some(&said)));
}

fuzz_target!(|bytes: &[u8]| {
    let mut rig = Rig::new();
    steps(bytes).for_each(|step| rig.step(&step));
    // Whatever was heard, a question is answered after a pause.
    rig.pace = usize::MAX;
    rig.wait(4_000, 60);
    rig.status = None;
    rig.receive(&Command::Status.emit());
    rig.wait(200, 50);
    assert!(rig.status.is_some(), "the front end is silent");
});
