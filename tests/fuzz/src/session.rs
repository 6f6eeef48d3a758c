//! A board and a host that receive arbitrary messages in a session do not panic, take nothing that the other side did not seal, and
//! keep their limits.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use link::message::PeopleRequest;
use link::session::{BoardEvent, HostEvent, Initiator, KeyPair, Responder, TAG_BYTES};
use link::{MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_REPLY_BYTES, Message, Reply, Request};

/// The host's keys, and the board's.
static KEYS: LazyLock<[KeyPair; 2]> = LazyLock::new(|| [[1; 32], [2; 32]].map(KeyPair::new));

/// The message that opens the session: it is the same in every run.
static OPEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut buffer = [0; MAX_MESSAGE_BYTES];
    host().open(1, [3; 32], &mut buffer).expect("the buffer is long enough").to_vec()
});

fn host() -> Initiator {
    let [host, board] = &*KEYS;
    Initiator::new(host.clone(), *board.public())
}

/// Both sides, and what each receives next.
struct Wire {
    board: Responder,
    host: Initiator,
    draws: u8,
    to_board: Vec<u8>,
    to_host: Vec<u8>,
}

impl Wire {
    /// The board receives a message. Returns whether it carries out a sealed request.
    fn board_hears(&mut self, bytes: &[u8]) -> bool {
        let Some(message) = Message::parse(bytes) else { return false };
        let mut plain = [0xa5; MAX_PLAIN_BYTES + TAG_BYTES];
        let draws = &mut self.draws;
        let event = self.board.receive(&message, &mut plain, || {
            *draws = draws.wrapping_add(1);
            [*draws; 32]
        });
        if let BoardEvent::Paired { fingerprint, .. } = event {
            assert!(fingerprint.digits().iter().all(|&digit| digit < 10));
        }
        let is_taken = matches!(event, BoardEvent::Request { is_sealed: true, .. });
        let (reply, is_sealed) = match event {
            BoardEvent::Request { is_sealed, .. } => (Reply::Idle, is_sealed),
            _ => event.answer().expect("every other event has an answer"),
        };
        let mut buffer = [0; MAX_REPLY_BYTES];
        let reply = self.board.reply(message.turn, &reply, is_sealed, &mut buffer);
        self.to_host = reply.expect("every reply fits, and sealed ones have a session").to_vec();
        is_taken
    }

    /// The host receives a message. Returns whether it believes it.
    fn host_hears(&mut self, bytes: &[u8]) -> bool {
        let event = Message::parse(bytes).map(|message| self.host.receive(&message));
        matches!(event, Some(HostEvent::Opened | HostEvent::Reply { is_sealed: true, .. }))
    }

    /// The host seals a request, if it has a session.
    fn ask(&mut self) {
        let mut buffer = [0; MAX_MESSAGE_BYTES];
        let request = Request::People(PeopleRequest::Status);
        if let Ok(bytes) = self.host.request(2, &request, &mut buffer) {
            self.to_board = bytes.to_vec();
        }
    }
}

// Each piece of the input is a step: its first byte says which, and the rest is a message, or changes one.
fuzz_target!(|bytes: &[u8]| {
    let [host_keys, board_keys] = &*KEYS;
    let mut board = Responder::new(board_keys.clone(), false);
    board.add(*host_keys.public());
    board.open_window();
    let mut wire = Wire { board, host: host(), draws: 0, to_board: OPEN.clone(), to_host: Vec::new() };
    // The host asks as in `OPEN`.
    let _ = wire.host.open(1, [3; 32], &mut [0; MAX_MESSAGE_BYTES]);
    for piece in bytes.split(|&byte| byte == 0xa5).take(16) {
        let Some((step, rest)) = piece.split_first() else { continue };
        match step % 8 {
            0 => {
                wire.board_hears(&wire.to_board.clone());
            }
            1 => {
                wire.host_hears(&wire.to_host.clone());
            }
            2 => wire.ask(),
            3 => wire.board.open_window(),
            // Somebody changes what is on the wire.
            4 | 5 => {
                let is_to_board = step % 8 == 4;
                let mut changed = if is_to_board { wire.to_board.clone() } else { wire.to_host.clone() };
                let [place, change, ..] = *rest else { continue };
                let Some(byte) = changed.get_mut(place as usize) else { continue };
                if change == 0 {
                    continue;
                }
                *byte ^= change;
                let is_taken =
                    if is_to_board { wire.board_hears(&changed) } else { wire.host_hears(&changed) };
                assert!(!is_taken, "a changed message is taken");
            }
            // Somebody writes on the wire.
            6 => assert!(!wire.board_hears(rest), "a message of nobody is carried out"),
            _ => assert!(!wire.host_hears(rest), "a message of nobody is believed"),
        }
    }
});
