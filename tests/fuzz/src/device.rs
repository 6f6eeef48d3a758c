//! A whole device, on which an administrator and a person are enrolled, receives arbitrary frames and bytes on both lines, in
//! and outside of sessions. It sees faces, its button is pressed, its supply fails, and it starts again.
//!
//! * It does not panic, does not stand still, and answers afterwards.
//! * People change in flash only by what an administrator sealed, by the button, and in a window of the second line. Without
//!   these nothing is written but the counts of attempts and lock-outs.
//! * Whatever it says on the link is a whole frame and a known message. Figures of faces are said in a session only.
//! * Whatever it says on the second line is a whole frame that controllers know, one in a step at most.
//! * The output is open only while the door is.
#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;
use std::mem;
use std::sync::LazyLock;

use app::Recogniser;
use app::device::camera::{Camera, Taken};
use app::device::{About, Device, Inbox, Platform};
use app::door::vote::Votes;
use app::door::{Settings, State};
use app::output::Output;
use app::sight::{FrameSource, Unobserved};
use app::update::Started;
use fm22x::frame::{
    MAX_COMMAND_BYTES, MAX_COMMAND_FRAME_BYTES, MAX_REPLY_FRAME_BYTES, OVERHEAD_BYTES, ReplyDecoder, emit,
};
use fm22x::{Command, Note};
use format::header::Section;
use format::sight::{Sight, SightSection};
use format::{ModelId, PixelFormat, Role};
use fuzz::frames::{FM22X, LINK, SESSION};
use fuzz::line::Line;
use fuzz::steps::{Step, steps};
use host::simulator::AlignedBytes;
use libfuzzer_sys::fuzz_target;
use link::message::{
    Handshake, Label, Objection, PeopleReply, PeopleRequest, Right, SessionReply, SessionRequest, UpdateStage,
};
use link::session::{Ciphers, HANDSHAKE_BYTES, Initiated, KeyPair, TAG_BYTES, hint, prologue};
use link::{Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, Message, Reply, Request};
use store::sim::{ERASED, Flash, Shared, Tear};
use store::{Counters, Draft, Layout, Store, SubCentre};

const WORD: usize = 4;
const PAGE: usize = 256;
/// Pages of the store: two of its log, and two halves of eight.
const PAGES: usize = 18;
const STORE_KEY: [u8; 32] = [1; 32];
/// A maker's key: updates are received, and none passes its check.
const MAKER: [u8; 32] = [9; 32];
/// Elements of the image's embeddings.
const DIMENSION: u16 = 3;
/// Bytes of the memory for frames. Not a multiple of anything, so that frames just fit and just do not.
const FRAME_BYTES: usize = 1999;
/// Least score of the photo check: some pictures have more.
const ALIVE_Q16: u16 = 1 << 14;
const SETTINGS: Settings = Settings {
    votes: Votes::new_checked(2, 3).unwrap(),
    open_ms: 5_000,
    attempts: 3,
    lock_ms: 30_000,
    shots: 2,
    enrol_ms: 30_000,
};
/// Frames of the camera.
const FRAMES: [Taken; 5] = [
    Taken { width: 32, height: 32, format: PixelFormat::Grey },
    Taken { width: 16, height: 16, format: PixelFormat::Grey },
    Taken { width: 24, height: 24, format: PixelFormat::Rgb565 },
    Taken { width: 20, height: 24, format: PixelFormat::Yuv422 },
    Taken { width: 40, height: 24, format: PixelFormat::Grey },
];
/// Messages of the host that are kept to be repeated.
const KEPT: usize = 32;
/// Group and numbers of sealed messages.
const SEALED: [u8; 2] = [5, 0x01];
const SEALED_REPLY: [u8; 2] = [5, 0x81];
/// Group and number of the request for a window of the second line.
const WINDOW: [u8; 2] = [2, 0x0a];
/// Group and number of the request that removes an administrator.
const REMOVE: [u8; 2] = [2, 0x10];
const MOST_WINDOW_MS: u64 = 600_000;
/// A step of the input takes the device fewer steps than this.
const MOST_POLLS: usize = 20_000;

/// The keys of the administrator, of a host that may pair, and of the board.
static KEYS: LazyLock<[KeyPair; 3]> = LazyLock::new(|| [[11; 32], [12; 32], [13; 32]].map(KeyPair::new));

/// A small image with eyes, whose faces are fit if the photo check passes them.
static IMAGE: LazyLock<AlignedBytes> = LazyLock::new(|| {
    let is_check = |section: Section| section == Section::Network(Role::Liveness);
    let mut sections = suite::tiny_sections_with_yunet();
    sections.extend(suite::tiny_sections_with_eyes().into_iter().filter(|&(section, _)| is_check(section)));
    sections.sort_by_key(|&(section, _)| section);
    let (_, sight) = sections.last_mut().expect("the SIGHT section");
    let limits =
        Sight { alive_q16: ALIVE_Q16, ..SightSection::new_checked(sight).expect("a SIGHT section").read() };
    *sight = limits.emit().to_vec();
    AlignedBytes::copy(&suite::join(&sections))
});

static RECOGNISER: LazyLock<Recogniser<'static>> = LazyLock::new(|| {
    Recogniser::new(IMAGE.bytes(), AlignedBytes::zeroed(1 << 14).bytes_mut()).expect("the image is sound")
});

/// A flash with the administrator's key and a person: its bytes and the states of its words.
static FACTORY: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let (mut bytes, mut words) = (vec![0xff; PAGES * PAGE], vec![ERASED; PAGES * PAGE / WORD]);
    let mut flash = Flash::<WORD, PAGE>::new(&mut bytes, &mut words, &mut [], Tear::Whole, 1);
    let mut store =
        Store::format(&mut flash, layout(), &STORE_KEY, network(), DIMENSION, 3).expect("formatted");
    let key: String = KEYS[0].public().iter().map(|byte| format!("{byte:02x}")).collect();
    store.add(&Draft { name: &key, flags: 0, centres: &[] }).expect("there is room");
    // Near a black picture, and far from others.
    let centre = SubCentre { photos: 1, vector: &[30, -5, -95] };
    store.add(&Draft { name: "Emmy", flags: 0, centres: &[centre] }).expect("there is room");
    drop(store);
    [bytes, words]
});

/// The image's embedder.
fn network() -> ModelId {
    RECOGNISER.image().model_id
}

/// Bytes of the flash for images.
const IMAGE_FLASH_BYTES: usize = 32 * PAGE;

thread_local! {
    /// The memory of the flash for images, while no device has it: one for all devices, so that none is lost.
    static IMAGE_FLASH: RefCell<Option<&'static mut [u8]>> =
        RefCell::new(Some(Box::leak(vec![0xff; IMAGE_FLASH_BYTES].into_boxed_slice())));
}

/// The flash for images, given back with the device.
struct Images(Flash<'static, WORD, PAGE>);

impl Images {
    fn new() -> Self {
        let memory = IMAGE_FLASH.with_borrow_mut(Option::take).expect("one device at a time");
        memory.fill(0xff);
        Images(Flash::new(memory, &mut [], &mut [], Tear::Whole, 1))
    }
}

impl Drop for Images {
    fn drop(&mut self) {
        let flash = mem::replace(&mut self.0, Flash::new(&mut [], &mut [], &mut [], Tear::Whole, 1));
        IMAGE_FLASH.set(Some(flash.into_bytes()));
    }
}

fn layout() -> Layout {
    Layout::new_checked(0, PAGE as u32, WORD as u32, 2, (PAGES as u32 - 2) / 2).expect("a sound layout")
}

/// A camera that shows what the input says.
struct Eye {
    memory: [u8; FRAME_BYTES],
    taken: Option<Taken>,
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
        self.taken.filter(|_| !self.is_held)
    }

    fn hold(&mut self) -> bool {
        self.is_held = !self.is_writing;
        self.is_held
    }

    fn release(&mut self) {
        (self.is_held, self.taken) = (false, None);
    }
}

#[derive(Default)]
struct Lock {
    is_open: bool,
}

impl Output for Lock {
    type Error = Infallible;

    fn open(&mut self, _: u32) -> Result<(), Infallible> {
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

struct Board {
    link: Line,
    second: Line,
    eye: Eye,
    lock: Lock,
    is_button_held: bool,
    draws: u8,
    /// How often the watchdog was fed.
    fed: u64,
    /// How many steps of frames were made.
    seen: u64,
    images: Images,
    /// The log that outlives a restart; each device finds what was random.
    retained: [u8; 256],
}

impl Platform for Board {
    type Stream = Line;
    type Second = Line;
    type Camera = Eye;
    type Output = Lock;
    type Meter = Unobserved;
    type Images = Flash<'static, WORD, PAGE>;

    fn images(&mut self) -> &mut Flash<'static, WORD, PAGE> {
        &mut self.images.0
    }

    fn retained(&mut self) -> &mut [u8] {
        &mut self.retained
    }

    fn restart(&mut self) {
        panic!("an update was confirmed that the maker has not signed");
    }

    fn starve(&mut self) {
        // Who asked had a session; the board goes on at once.
    }

    fn stream(&mut self) -> &mut Line {
        &mut self.link
    }

    fn second(&mut self) -> Option<&mut Line> {
        Some(&mut self.second)
    }

    fn camera(&mut self) -> &mut Eye {
        &mut self.eye
    }

    fn output(&mut self) -> &mut Lock {
        &mut self.lock
    }

    fn meter(&mut self) -> Unobserved {
        self.seen += 1;
        Unobserved
    }

    fn random(&mut self) -> [u8; 32] {
        self.draws = self.draws.wrapping_add(1);
        [self.draws; 32]
    }

    fn is_button_held(&mut self) -> bool {
        self.is_button_held
    }

    fn feed(&mut self) {
        self.fed += 1;
    }

    fn stack_bytes(&mut self) -> u32 {
        0
    }
}

/// A message that the host has sealed.
#[derive(Clone)]
struct Sealed {
    /// Number of the host's session.
    session: u32,
    counter: u64,
    /// Group and number of the message in it.
    kind: [u8; 2],
    message: Vec<u8>,
}

/// The host's side.
#[derive(Default)]
struct Host {
    opening: Option<Initiated>,
    /// The host that asks for a session is the administrator's, or one that may have paired.
    keys: usize,
    session: Option<Ciphers>,
    /// How often the host has begun a session.
    sessions: u32,
    /// The lowest counter that the device still takes.
    next: u64,
    /// Somebody has repeated a message that opens a session, and nobody knows its keys.
    is_foreign: bool,
    /// Somebody may have removed the administrator.
    is_removed: bool,
    /// How long the device hears nobody, in seconds, as it said last.
    wait_seconds: u8,
    /// The last sealed answer about people.
    answer: Option<PeopleReply>,
    /// The label and the texts of a parcel that the device has sealed for itself.
    parcel: Option<(Label, Vec<Vec<u8>>)>,
    sealed: Vec<Sealed>,
}

impl Host {
    /// Receives a message of the device. Returns whether it greets.
    fn hear(&mut self, bytes: &[u8]) -> bool {
        let message = Message::parse(bytes).expect("a message");
        assert!(message.is_reply(), "the device asks: {message:?}");
        if [message.group, message.number] == SEALED_REPLY {
            assert!(self.session.is_some() || self.is_foreign, "a sealed message without a session");
            let Some(ciphers) = &mut self.session else { return false };
            let (counter, text) = message.body.split_first_chunk().expect("a counter");
            let (header, mut text) = (&bytes[..6], text.to_vec());
            let plain = ciphers.opener.open(u64::from_le_bytes(*counter), header, &mut text);
            let plain = plain.expect("a message that the session sealed");
            let reply = Message::parse(plain).expect("a message").reply();
            match reply {
                Err(_) | Ok(Reply::Session(_)) => panic!("{reply:?}"),
                Ok(Reply::People(answer)) => self.answer = Some(answer),
                Ok(_) => {}
            }
            return false;
        }
        let reply = message.reply().expect("a reply that hosts know");
        assert_eq!(reply.right(), Right::Anyone, "told to anybody: {reply:?}");
        let is_greeting = matches!(reply, Reply::Hello(_));
        match reply {
            Reply::Session(SessionReply::Opened(handshake)) => {
                let opening = self.opening.take();
                let whole = [&handshake.ephemeral[..], &handshake.tag].concat();
                let ciphers = opening.and_then(|initiated| {
                    let mut payload = [0; TAG_BYTES];
                    initiated.finish(&KEYS[self.keys], &whole, &mut payload).ok().map(|(ciphers, _)| ciphers)
                });
                self.is_foreign = ciphers.is_none();
                self.session = ciphers;
                self.sessions += 1;
                self.next = 0;
            }
            Reply::Refused(Objection::Wait(seconds)) => self.wait_seconds = seconds,
            Reply::Session(SessionReply::Closed(_)) | Reply::Hello(_) => {
                (self.session, self.is_foreign) = (None, false);
            }
            _ => {}
        }
        is_greeting
    }
}

/// What outlives a restart.
struct World<'f, 'a> {
    flash: Shared<'f, 'a, WORD, PAGE>,
    host: Host,
    now_ms: u64,
    is_verify_open: bool,
    /// The people's part of the flash as it must be.
    people: Vec<u8>,
    /// The counters at the start.
    counters: Option<Counters>,
    /// Whether the supply failed since the start.
    is_cut: bool,
    /// Whether anybody had a right to change people since the start.
    is_any_permitted: bool,
}

impl World<'_, '_> {
    fn people_in_flash(&self) -> Vec<u8> {
        self.flash.0.borrow().bytes()[layout().half(0) as usize..].to_vec()
    }
}

/// A device from its start to the next one.
struct Life<'w, 'm, 'f, 'a> {
    world: &'w mut World<'f, 'a>,
    device: Device<'static, 'm, Board, Shared<'f, 'a, WORD, PAGE>>,
    link: Box<Decoder>,
    second: ReplyDecoder,
    /// Bytes since the last whole answer on the second line.
    begun: usize,
    /// Whether the device has greeted since this was reset.
    is_greeted: bool,
    /// Whether the second line has told its status since this was reset.
    is_status_told: bool,
    /// Until when a window of the second line may be open.
    window_until_ms: u64,
    /// Whether something that the second line was permitted to do may still go on.
    is_second_permitted: bool,
    /// Whether an administrator has sealed something in this step of the input.
    is_sealed: bool,
}

impl<'w, 'm, 'f, 'a> Life<'w, 'm, 'f, 'a> {
    /// Starts the device. Its store opens, whatever the supply did.
    fn start(world: &'w mut World<'f, 'a>, arena: &'m mut [u8], inbox: &'m mut Inbox) -> Self {
        world.flash.0.borrow_mut().power_on();
        let store =
            Store::open(world.flash, layout(), &STORE_KEY, network(), DIMENSION).expect("the store opens");
        let people = world.people_in_flash();
        if !world.is_cut {
            assert!(people == world.people, "a start changes people");
            if let Some(before) = world.counters.filter(|_| !world.is_any_permitted) {
                let now = store.counters();
                let rest =
                    |counters: Counters| (counters.epoch, counters.next_id, counters.floor, counters.slot);
                assert_eq!(rest(now), rest(before), "nobody was permitted to change this");
            }
        }
        (world.people, world.counters) = (people, Some(store.counters()));
        (world.is_cut, world.is_any_permitted) = (false, false);
        world.host.session = None;
        world.host.opening = None;
        world.host.is_foreign = false;
        let about = About {
            board: "fuzzed",
            firmware: "1.0",
            serial: "S7".try_into().expect("short"),
            settings: SETTINGS,
            is_verify_open: world.is_verify_open,
            frame_bytes: FRAME_BYTES as u32,
            flash_cycles: 100_000,
            start_ms: 0,
            trouble: link::message::Text::new(),
            maker_key: Some(MAKER),
        };
        let eye = Eye { memory: [0x77; FRAME_BYTES], taken: None, is_writing: false, is_held: false };
        let (link, second) = (Line::default(), Line::default());
        let board = Board {
            link,
            second,
            eye,
            lock: Lock::default(),
            is_button_held: false,
            draws: 0,
            fed: 0,
            seen: 0,
            images: Images::new(),
            retained: [0xa5; 256],
        };
        let (recogniser, past) = (Some(RECOGNISER.clone()), UpdateStage::None);
        let started = Started { recogniser, is_second: false, past, trouble: None };
        let keys = KEYS[2].clone();
        let device = Device::new(about, board, started, Some(store), keys, arena, inbox, world.now_ms);
        Life {
            world,
            device,
            link: Box::new(Decoder::new()),
            second: ReplyDecoder::new(),
            begun: 0,
            is_greeted: false,
            is_status_told: false,
            window_until_ms: 0,
            is_second_permitted: false,
            is_sealed: false,
        }
    }

    /// One step of the device, and what it says.
    fn poll(&mut self, ms: u64) {
        self.world.now_ms += ms;
        self.device.poll(self.world.now_ms);
        let board = self.device.platform();
        let is_open = board.lock.is_open;
        let (link, second) = (mem::take(&mut board.link.said), mem::take(&mut board.second.said));
        assert!(
            !is_open || matches!(self.device.door().state(), State::Open { .. }),
            "open without a reason"
        );
        for byte in link {
            if self.link.push(byte).expect("a whole frame") {
                self.is_greeted |= self.world.host.hear(self.link.message());
            }
        }
        assert!(second.len() <= MAX_REPLY_FRAME_BYTES, "two frames in one step");
        for byte in second {
            self.begun += 1;
            let Some(frame) = self.second.push(byte) else { continue };
            assert_eq!(self.begun, OVERHEAD_BYTES + frame.data.len(), "something between two frames");
            self.begun = 0;
            let reply = fm22x::Reply::parse(frame);
            assert!(reply.is_ok() || Note::parse(frame).is_ok(), "no answer: {frame:?}");
            self.is_status_told |= matches!(reply, Ok(fm22x::Reply::Status(_)));
        }
    }

    /// The device takes all that waits on both lines, and sees the frame that the camera shows.
    fn drain(&mut self) {
        let mut idle = 0;
        for _ in 0..MOST_POLLS {
            let before = self.device.platform().seen;
            self.poll(1);
            let board = self.device.platform();
            let is_idle =
                board.link.heard.is_empty() && board.second.heard.is_empty() && board.seen == before;
            idle = if is_idle { idle + 1 } else { 0 };
            if idle == 2 {
                return;
            }
        }
        panic!("the device takes no more");
    }

    fn hear_on_link(&mut self, bytes: &[u8]) {
        self.device.platform().link.heard.extend(bytes);
        self.drain();
    }

    /// Sends a message in a frame.
    fn tell(&mut self, message: &[u8]) {
        LINK.with(|count| count.add());
        let mut frame = [0; MAX_FRAME_BYTES];
        let frame = link::encode(message, &mut frame).expect("the message is short enough");
        self.hear_on_link(frame);
    }

    /// Sends a request in the clear.
    fn ask(&mut self, request: &Request<'_>) {
        let mut buffer = [0; MAX_MESSAGE_BYTES];
        let message = request.emit(7, &mut buffer).expect("room for every request").to_vec();
        self.tell(&message);
    }

    /// A host asks for a session. The administrator gets one, at last after the time for which the device hears nobody.
    fn open(&mut self, keys: usize) {
        self.world.host.wait_seconds = 0;
        if !self.is_opened(keys) && self.world.host.wait_seconds > 0 {
            self.poll(1000 * u64::from(self.world.host.wait_seconds));
            assert!(
                self.is_opened(keys) || keys != 0 || self.world.host.is_removed,
                "nobody is heard any more"
            );
        }
    }

    /// A host asks for a session once. Returns whether it gets one.
    fn is_opened(&mut self, keys: usize) -> bool {
        SESSION.with(|count| count.add());
        let board = KEYS[2].public();
        let mut message = [0; HANDSHAKE_BYTES];
        let ephemeral = [self.world.host.sessions as u8; 32];
        let begun = Initiated::begin(&KEYS[keys], board, &prologue(board), ephemeral, &[], &mut message);
        let (initiated, message) = begun.expect("the board's key is one");
        let (ephemeral, tag) = message.split_at(32);
        let handshake =
            Handshake { ephemeral: ephemeral.try_into().expect("32"), tag: tag.try_into().expect("16") };
        (self.world.host.opening, self.world.host.keys) = (Some(initiated), keys);
        let hint = hint(KEYS[keys].public());
        self.ask(&Request::Session(SessionRequest::Open { hint, handshake }));
        let host = &mut self.world.host;
        let is_opened = host.opening.take().is_none();
        assert!(!is_opened || host.session.is_some(), "the device opens a session with nobody");
        let is_refused = keys != 0 || host.is_removed || host.wait_seconds > 0;
        assert!(is_opened || is_refused, "the administrator gets no session");
        is_opened
    }

    /// The host seals any bytes, if it has a session.
    fn seal(&mut self, plain: &[u8]) -> Option<Sealed> {
        let host = &mut self.world.host;
        let ciphers = host.session.as_mut()?;
        let plain = &plain[..plain.len().min(MAX_PLAIN_BYTES)];
        let turn = plain.get(2..6).unwrap_or(&[1, 0, 0, 0]);
        let counter = ciphers.sealer.counter();
        let mut message = [&SEALED, turn].concat();
        let mut text = [plain, &[0; TAG_BYTES]].concat();
        ciphers.sealer.seal(&message, &mut text).expect("counters are left");
        message.extend(counter.to_le_bytes());
        message.extend(text);
        let kind = plain.first_chunk().copied().unwrap_or_default();
        let sealed = Sealed { session: host.sessions, counter, kind, message };
        if host.sealed.len() == KEPT {
            host.sealed.remove(0);
        }
        host.sealed.push(sealed.clone());
        Some(sealed)
    }

    /// A sealed message reaches the device as it was sealed: for the first time and in order, or not.
    fn deliver(&mut self, sealed: &Sealed) {
        SESSION.with(|count| count.add());
        let host = &mut self.world.host;
        if host.session.is_some() && host.sessions == sealed.session && sealed.counter >= host.next {
            host.next = sealed.counter + 1;
            self.is_sealed = true;
            host.is_removed |= sealed.kind == REMOVE;
            if sealed.kind == WINDOW {
                self.window_until_ms = self.world.now_ms + MOST_WINDOW_MS;
            }
        }
        self.tell(&sealed.message);
    }

    /// The administrator asks about people, in the session if there is one. Returns the last answer.
    fn ask_sealed(&mut self, request: &PeopleRequest<'_>) -> Option<PeopleReply> {
        let mut buffer = [0; MAX_PLAIN_BYTES];
        let plain = Request::People(*request).emit(7, &mut buffer).expect("room for every request");
        let sealed = self.seal(plain)?;
        self.world.host.answer = None;
        self.deliver(&sealed);
        self.world.host.answer.take()
    }

    /// The host takes everybody in a parcel for the same device.
    fn export(&mut self) {
        let request = PeopleRequest::Export(*KEYS[2].public());
        let Some(PeopleReply::Exporting(label, count)) = self.ask_sealed(&request) else { return };
        let mut texts = Vec::new();
        for number in 0..=count {
            let mut text = Vec::new();
            loop {
                let piece = self.ask_sealed(&PeopleRequest::Piece(number, text.len() as u16));
                let Some(PeopleReply::Piece(left, bytes)) = piece else { return };
                text.extend_from_slice(&bytes);
                if left == 0 {
                    break;
                }
            }
            texts.push(text);
        }
        self.world.host.parcel = Some((label, texts));
    }

    /// The host brings the parcel back, with a byte of each text changed unless `change` is zero.
    fn restore(&mut self, place: u8, change: u8) {
        let Some((label, texts)) = self.world.host.parcel.clone() else { return };
        if self.ask_sealed(&PeopleRequest::Restore(label)) != Some(PeopleReply::Done) {
            return;
        }
        for mut text in texts {
            let places = text.len();
            text[usize::from(place) % places] ^= change;
            let answer = self.ask_sealed(&PeopleRequest::Put(&text));
            let is_taken = matches!(answer, Some(PeopleReply::Arrived(_) | PeopleReply::Done));
            assert!(!is_taken || change == 0, "a changed text is taken");
        }
    }

    /// Whether the second line may change people, or the button admits an administrator.
    fn is_permitted_here(&mut self) -> bool {
        self.device.platform().is_button_held
            || self.world.now_ms < self.window_until_ms
            || self.device.door().is_enrolling()
    }

    /// A step of the input. Returns whether the device goes on.
    fn step(&mut self, step: &Step<'_>) -> bool {
        self.is_sealed = false;
        self.is_second_permitted |= self.is_permitted_here();
        let [place, change] = step.number_at(0).to_le_bytes();
        let rest = step.rest.get(2..).unwrap_or_default();
        match step.number {
            0 => step.variations().for_each(|bytes| self.hear_on_link(&bytes)),
            1 => step.variations().for_each(|message| self.tell(&message)),
            2 => self.open(usize::from(place) % 2),
            3 => step.variations().for_each(|plain| {
                if let Some(sealed) = self.seal(&plain) {
                    self.deliver(&sealed);
                }
            }),
            // Somebody changes a sealed message, which nobody takes then.
            4 => (0..step.times).for_each(|time| {
                let Some(mut sealed) = self.seal(rest) else { return };
                let place = usize::from(place.wrapping_add(time));
                let places = sealed.message.len();
                sealed.message[place % places] ^= change.max(1);
                SESSION.with(|count| count.add());
                self.tell(&sealed.message);
            }),
            // Somebody repeats a sealed message, or brings it out of order.
            5 => (0..step.times).for_each(|time| {
                let sealed = &self.world.host.sealed;
                let place = usize::from(place.wrapping_add(time)) % sealed.len().max(1);
                if let Some(sealed) = sealed.get(place).cloned() {
                    self.deliver(&sealed);
                }
            }),
            // Somebody keeps a sealed message back.
            6 => _ = self.seal(step.rest),
            7 => step.variations().for_each(|bytes| {
                self.device.platform().second.heard.extend(bytes);
                self.drain();
            }),
            8 => step.variations().for_each(|bytes| {
                let Some((&id, data)) = bytes.split_first() else { return };
                let data = &data[..data.len().min(MAX_COMMAND_BYTES)];
                FM22X.with(|count| count.add());
                let frame = emit::<MAX_COMMAND_FRAME_BYTES>(fm22x::Frame { id, data }).expect("short");
                self.device.platform().second.heard.extend(frame);
                self.drain();
            }),
            9 => (0..step.times.min(4)).for_each(|_| {
                let eye = &mut self.device.platform().eye;
                if eye.taken.is_none() && !eye.is_held {
                    let shown = [&[change][..], rest].concat();
                    eye.memory.iter_mut().zip(shown.iter().cycle()).for_each(|(place, &byte)| *place = byte);
                    eye.taken = Some(FRAMES[usize::from(place) % FRAMES.len()]);
                }
                self.drain();
            }),
            10 => {
                self.device.platform().is_button_held ^= true;
                self.is_second_permitted = true;
                self.drain();
            }
            11 => {
                let ms = u64::from(step.number_at(0)) * u64::from(step.times);
                (0..20).for_each(|_| self.poll(ms.div_ceil(20)));
                // Whatever the second line was permitted to do is done.
                self.is_second_permitted &= ms < 2_000 || self.is_permitted_here();
            }
            12 => {
                self.ask(&Request::Session(SessionRequest::Pair(*KEYS[1].public())));
                self.ask(&Request::Session(SessionRequest::Reveal([change; 32])));
            }
            13 => {
                self.world.flash.0.borrow_mut().cut_after(u64::from(step.number_at(0)) % 256);
                self.world.is_cut = true;
            }
            14 => return false,
            15 => self.device.platform().eye.is_writing ^= true,
            16 => self.export(),
            17 => self.restore(place, change),
            _ => (0..step.times).for_each(|time| {
                LINK.with(|count| count.add());
                let mut frame = [0; MAX_FRAME_BYTES];
                let message = &rest[..rest.len().min(MAX_MESSAGE_BYTES)];
                let frame = link::encode(message, &mut frame).expect("the message is short enough");
                let mut damaged = frame.to_vec();
                damaged[usize::from(place.wrapping_add(time)) % frame.len()] ^= change;
                self.hear_on_link(&damaged);
            }),
        }
        self.check_people();
        true
    }

    /// People have changed only if somebody was permitted to change them.
    fn check_people(&mut self) {
        let people = self.world.people_in_flash();
        if self.is_sealed || self.is_second_permitted || self.is_permitted_here() {
            self.world.is_any_permitted = true;
            self.world.people = people;
        } else {
            assert!(people == self.world.people, "somebody changes people who must not");
        }
    }

    /// Whatever came before, the device answers on both lines and feeds its watchdog.
    fn check_life(&mut self) {
        self.is_greeted = false;
        self.ask(&Request::Hello);
        assert!(self.is_greeted, "the device does not greet");
        let before = self.device.platform().fed;
        // As long as what the second line says takes, one frame after another.
        (0..60).for_each(|_| self.poll(60));
        assert!(self.device.platform().fed > before, "the device stands still");
        self.is_status_told = false;
        self.device.platform().second.heard.extend(Command::Status.emit());
        (0..10).for_each(|_| self.poll(60));
        assert!(self.is_status_told, "the second line is silent");
    }
}

// The first byte says how the flash tears, and whether everybody may verify.
fuzz_target!(|bytes: &[u8]| {
    let Some((&first, input)) = bytes.split_first() else { return };
    let [mut bytes, mut words] = FACTORY.clone();
    let tear = Tear::ALL[usize::from(first / 2) % Tear::ALL.len()];
    let flash = RefCell::new(Flash::new(&mut bytes, &mut words, &mut [], tear, 1));
    let mut world = World {
        flash: Shared(&flash),
        host: Host::default(),
        now_ms: 0,
        is_verify_open: first % 2 == 0,
        people: Vec::new(),
        counters: None,
        is_cut: true,
        is_any_permitted: false,
    };
    let mut steps = steps(input);
    let mut is_over = false;
    while !is_over {
        let (mut arena, mut inbox) = (AlignedBytes::zeroed(1 << 14), Box::new(Inbox::new()));
        let mut life = Life::start(&mut world, arena.bytes_mut(), &mut inbox);
        is_over = loop {
            match steps.next() {
                None => break true,
                Some(step) if !life.step(&step) => break false,
                Some(_) => {}
            }
        };
        life.check_life();
    }
});
