//! A board and a host that receive arbitrary messages in a session do not panic, take nothing that the other side did not seal,
//! nothing twice and nothing out of order, and keep their limits. Whatever was on the wire, they understand each other as long
//! as their session is open.
#![no_main]

use std::sync::LazyLock;

use fuzz::frames::SESSION;
use fuzz::steps::{Step, steps};
use libfuzzer_sys::fuzz_target;
use link::message::PeopleRequest;
use link::session::{BoardEvent, HostEvent, Initiator, KeyPair, Responder, TAG_BYTES};
use link::{MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_REPLY_BYTES, Message, Reply, Request};

/// The host's keys, and the board's.
static KEYS: LazyLock<[KeyPair; 2]> = LazyLock::new(|| [[1; 32], [2; 32]].map(KeyPair::new));

/// The message that opens the first session: it is the same in every run.
static OPEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut buffer = [0; MAX_MESSAGE_BYTES];
    host().open(1, [0; 32], &mut buffer).expect("the buffer is long enough").to_vec()
});

/// Messages of the host that are kept to be repeated.
const KEPT: usize = 64;

fn host() -> Initiator {
    let [host, board] = &*KEYS;
    Initiator::new(host.clone(), *board.public())
}

/// A message on the wire.
#[derive(Clone, Default)]
struct Sent {
    bytes: Vec<u8>,
    /// Its place among all messages of its side.
    number: u64,
    /// The board's session for which it was made; 0 for none.
    session: u32,
}

/// Both sides, and what each receives next.
struct Wire {
    board: Responder,
    host: Initiator,
    draws: u8,
    to_board: Sent,
    to_host: Sent,
    /// What the host has sealed.
    kept: Vec<Sent>,
    /// How many messages each side has made.
    made: [u64; 2],
    /// The lowest number of a message that each side may still take.
    next: [u64; 2],
    /// Number of the board's session: counts every beginning and every end.
    session: u32,
    /// The board's session that the host has opened; 0 for none.
    joined: u32,
}

impl Wire {
    fn new() -> Self {
        let [host_keys, board_keys] = &*KEYS;
        let mut board = Responder::new(board_keys.clone(), false);
        board.add(*host_keys.public());
        board.open_window();
        let to_board = Sent { bytes: OPEN.clone(), ..Sent::default() };
        Wire {
            board,
            host: host(),
            draws: 0,
            to_board,
            to_host: Sent::default(),
            kept: Vec::new(),
            made: [1, 0],
            next: [0; 2],
            session: 0,
            joined: 0,
        }
    }

    /// The board receives a message. Returns whether it carries out a sealed request.
    fn board_hears(&mut self, bytes: &[u8]) -> bool {
        let Some(message) = Message::parse(bytes) else { return false };
        SESSION.with(|count| count.add());
        let mut plain = [0xa5; MAX_PLAIN_BYTES + TAG_BYTES];
        let draws = &mut self.draws;
        let event = self.board.receive(&message, &mut plain, || {
            *draws = draws.wrapping_add(1);
            [*draws; 32]
        });
        match event {
            BoardEvent::Paired { fingerprint, .. } => {
                assert!(fingerprint.digits().iter().all(|&digit| digit < 10));
            }
            BoardEvent::Opened { .. }
            | BoardEvent::Closed(_)
            | BoardEvent::Request { request: Request::Hello, is_sealed: false } => self.session += 1,
            _ => {}
        }
        let is_taken = matches!(event, BoardEvent::Request { is_sealed: true, .. });
        let (reply, is_sealed) = match event {
            BoardEvent::Request { is_sealed, .. } => (Reply::Idle, is_sealed),
            _ => event.answer().expect("every other event has an answer"),
        };
        let mut buffer = [0; MAX_REPLY_BYTES];
        let reply = self.board.reply(message.turn, &reply, is_sealed, &mut buffer);
        let bytes = reply.expect("every reply fits, and sealed ones have a session").to_vec();
        self.to_host = Sent { bytes, number: self.made[1], session: self.session };
        self.made[1] += 1;
        is_taken
    }

    /// The host receives a message. Returns whether it believes it.
    fn host_hears(&mut self, bytes: &[u8]) -> bool {
        let Some(message) = Message::parse(bytes) else { return false };
        SESSION.with(|count| count.add());
        let event = self.host.receive(&message);
        if event == HostEvent::Opened {
            self.joined = self.to_host.session;
        }
        matches!(event, HostEvent::Opened | HostEvent::Reply { is_sealed: true, .. })
    }

    /// A message of the host passes to the board.
    fn pass_to_board(&mut self, sent: &Sent) {
        let is_possible = sent.number >= self.next[0] && sent.session == self.session;
        let is_taken = self.board_hears(&sent.bytes);
        assert!(
            !is_taken || is_possible,
            "a message is carried out twice, out of order, or in another session"
        );
        if is_taken {
            self.next[0] = sent.number + 1;
        }
    }

    /// A message of the board passes to the host.
    fn pass_to_host(&mut self) {
        let sent = self.to_host.clone();
        let is_believed = self.host_hears(&sent.bytes);
        assert!(!is_believed || sent.number >= self.next[1], "a message is believed twice");
        if is_believed {
            self.next[1] = sent.number + 1;
        }
    }

    /// Whether both sides have the same session.
    fn is_joined(&self) -> bool {
        self.host.is_open() && self.board.is_open() && self.joined == self.session
    }

    /// The host asks for a session.
    fn open(&mut self) {
        let mut buffer = [0; MAX_MESSAGE_BYTES];
        let ephemeral = [self.made[0] as u8; 32];
        let bytes = self.host.open(self.made[0] as u32, ephemeral, &mut buffer);
        self.joined = 0;
        self.put_on_wire(bytes.expect("the buffer is long enough").to_vec());
    }

    /// The host seals a request, if it has a session.
    fn ask(&mut self) {
        let mut buffer = [0; MAX_MESSAGE_BYTES];
        let request = Request::People(PeopleRequest::Status);
        if let Ok(bytes) = self.host.request(2, &request, &mut buffer) {
            let bytes = bytes.to_vec();
            self.put_on_wire(bytes);
            if self.kept.len() < KEPT {
                self.kept.push(self.to_board.clone());
            }
        }
    }

    fn put_on_wire(&mut self, bytes: Vec<u8>) {
        self.to_board = Sent { bytes, number: self.made[0], session: self.joined };
        self.made[0] += 1;
    }

    /// The host asks, and the board answers.
    fn converse(&mut self) {
        let was_joined = self.is_joined();
        self.ask();
        let sent = self.to_board.clone();
        let (taken, believed) = (self.next[0], self.next[1]);
        self.pass_to_board(&sent);
        self.pass_to_host();
        if was_joined {
            assert!(
                self.next[0] > taken && self.next[1] > believed,
                "both sides have a session, and are deaf"
            );
        }
    }

    /// The message on the wire with a byte changed, if it has that byte. The turn of a handshake's answer stays: nothing seals it, and
    /// when it was changed on the way to the board, changing it back makes what the board meant.
    fn changed(sent: &Sent, place: u8, change: u8) -> Option<Vec<u8>> {
        const TURN: std::ops::Range<usize> = 2..6;
        let (mut bytes, place) = (sent.bytes.clone(), usize::from(place));
        let message = Message::parse(&bytes)?;
        if TURN.contains(&place) && matches!(message.reply(), Ok(Reply::Session(_))) {
            return None;
        }
        *bytes.get_mut(place)? ^= change;
        (change != 0).then_some(bytes)
    }

    fn step(&mut self, step: &Step<'_>) {
        let [place, change] = step.number_at(0).to_le_bytes();
        match step.number {
            0 => self.pass_to_board(&self.to_board.clone()),
            1 => self.pass_to_host(),
            2 => (0..step.times).for_each(|_| self.ask()),
            3 => self.board.open_window(),
            // Somebody changes what is on the wire.
            4 => (0..step.times).for_each(|time| {
                if let Some(changed) = Self::changed(&self.to_board, place.wrapping_add(time), change) {
                    assert!(!self.board_hears(&changed), "a changed message is carried out");
                }
            }),
            5 => (0..step.times).for_each(|time| {
                if let Some(changed) = Self::changed(&self.to_host, place.wrapping_add(time), change) {
                    assert!(!self.host_hears(&changed), "a changed message is believed");
                }
            }),
            // Somebody writes on the wire.
            6 => step.variations().for_each(|message| {
                assert!(!self.board_hears(&message), "a message of nobody is carried out");
            }),
            7 => step.variations().for_each(|message| {
                assert!(!self.host_hears(&message), "a message of nobody is believed");
            }),
            // Somebody repeats what the host has sealed, or brings it out of order.
            9 => (0..step.times).for_each(|time| {
                let places = self.kept.len().max(1);
                if let Some(sent) = self.kept.get(usize::from(place.wrapping_add(time)) % places).cloned() {
                    self.pass_to_board(&sent);
                }
            }),
            10 => self.open(),
            11 => {
                self.open();
                self.pass_to_board(&self.to_board.clone());
                self.pass_to_host();
            }
            _ => (0..step.times).for_each(|_| self.converse()),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut wire = Wire::new();
    // The host asks as in `OPEN`.
    let _ = wire.host.open(1, [0; 32], &mut [0; MAX_MESSAGE_BYTES]);
    steps(bytes).for_each(|step| wire.step(&step));
});
