//! Sessions of a board and a host: every order of messages, every change on the wire, pairing, limits.

use link::message::{
    Ending, Handshake, MAX_PEOPLE, Objection, PeopleReply, PeopleRequest, Person, Recognised, SessionReply,
    SessionRequest, UpdateRequest, VERSION, Verdict,
};
use link::session::{
    BoardEvent, HostEvent, HostPairing, Initiator, KeyPair, MAX_ADMINISTRATORS, MAX_FAILURES, PairingError,
    PublicKey, Responder, SEAL_BYTES, SendError, TAG_BYTES, commitment, fingerprint, hint, prologue,
};
use link::{
    Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_PLAIN_REPLY_BYTES, MAX_REPLY_BYTES,
    MAX_ROW_BYTES, Message, Reply, Request,
};
use proptest::prelude::*;

const HOST: [u8; 32] = [1; 32];
const BOARD: [u8; 32] = [2; 32];
const HOST_ONCE: [u8; 32] = [3; 32];
const STATUS: Request<'static> = Request::People(PeopleRequest::Status);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn public(secret: [u8; 32]) -> PublicKey {
    *KeyPair::new(secret).public()
}

/// A board, the bytes it draws, and its memory for sealed messages.
struct Board {
    responder: Responder,
    draws: u8,
    plain: Vec<u8>,
}

impl Board {
    fn new() -> Self {
        let mut responder = Responder::new(KeyPair::new(BOARD), false);
        assert!(responder.add(public(HOST)));
        Board { responder, draws: 3, plain: vec![0xa5; MAX_PLAIN_BYTES + TAG_BYTES] }
    }

    fn hear<'a>(&'a mut self, message: &'a [u8]) -> BoardEvent<'a> {
        let random = || {
            self.draws += 1;
            [self.draws; 32]
        };
        self.responder.receive(&Message::parse(message).unwrap(), &mut self.plain, random)
    }

    fn reply(&mut self, turn: u32, reply: &Reply, is_sealed: bool) -> Vec<u8> {
        self.responder.reply(turn, reply, is_sealed, &mut [0xa5; MAX_REPLY_BYTES]).unwrap().to_vec()
    }

    /// The bytes of the answer to a message that is no request for others.
    fn answer(&mut self, message: &[u8]) -> Vec<u8> {
        let turn = Message::parse(message).unwrap().turn;
        let (reply, is_sealed) = self.hear(message).answer().unwrap();
        self.reply(turn, &reply, is_sealed)
    }
}

fn host() -> Initiator {
    Initiator::new(KeyPair::new(HOST), public(BOARD))
}

fn asks(host: &mut Initiator, turn: u32, once: [u8; 32]) -> Vec<u8> {
    host.open(turn, once, &mut [0xa5; MAX_MESSAGE_BYTES]).unwrap().to_vec()
}

fn sealed(host: &mut Initiator, turn: u32, request: &Request<'_>) -> Vec<u8> {
    host.request(turn, request, &mut [0xa5; MAX_MESSAGE_BYTES]).unwrap().to_vec()
}

fn plain(turn: u32, request: &Request<'_>) -> Vec<u8> {
    request.emit(turn, &mut [0xa5; MAX_MESSAGE_BYTES]).unwrap().to_vec()
}

fn hears(host: &mut Initiator, message: &[u8]) -> HostEvent {
    host.receive(&Message::parse(message).unwrap())
}

fn refused(objection: Objection) -> BoardEvent<'static> {
    BoardEvent::Refused { objection, is_sealed: false }
}

fn request(request: Request<'_>) -> BoardEvent<'_> {
    BoardEvent::Request { request, is_sealed: true }
}

/// Both sides of an open session.
fn open() -> (Board, Initiator) {
    let (mut board, mut host) = (Board::new(), host());
    let asked = asks(&mut host, 1, HOST_ONCE);
    let opened = board.answer(&asked);
    assert_eq!(hears(&mut host, &opened), HostEvent::Opened);
    assert!(board.responder.is_open() && host.is_open());
    (board, host)
}

#[test]
fn conversation_is_pinned_byte_for_byte() {
    let (mut board, mut host) = (Board::new(), host());
    assert_eq!(hex(&prologue(&public(BOARD))), PINNED[0]);
    let asked = asks(&mut host, 0x0403_0201, HOST_ONCE);
    assert_eq!(hex(&asked), PINNED[1]);
    let opened = board.answer(&asked);
    assert_eq!(hex(&opened), PINNED[2]);
    assert_eq!(hears(&mut host, &opened), HostEvent::Opened);
    let asked = sealed(&mut host, 0x0807_0605, &STATUS);
    assert_eq!(hex(&asked), PINNED[3]);
    assert_eq!(board.hear(&asked), request(STATUS));
    let done = Reply::People(PeopleReply::Done);
    let answered = board.reply(0x0807_0605, &done, true);
    assert_eq!(hex(&answered), PINNED[4]);
    assert_eq!(hears(&mut host, &answered), HostEvent::Reply { reply: done, is_sealed: true });
}

/// Prologue, `Open`, `Opened`, a sealed request, a sealed reply: computed with another program, from the standards.
const PINNED: [&str; 5] = [
    "47656f64652061646d696e697374726174696f6e060001ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745\
     ba05870e587d59",
    "0500010203041a92f23852dc908d5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22a7d5\
     cc9c5be56ad399b1ca05bfb10726",
    "058001020304ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10b75e3a1f32926c8a2c69c\
     d9dbe416a327",
    "0501050607080000000000000000e6316e7f8432fb0fab1393a23e44e3afab3c18c8c0ef",
    "05810506070800000000000000001ca25b834bdc54c4241be264562d69bda5c99556a2cd",
];

/// The handshake of a session is Noise: another author's responder opens it with the same prologue.
#[test]
fn another_responder_opens_the_session() {
    let mut host = host();
    let asked = asks(&mut host, 7, HOST_ONCE);
    let Ok(Request::Session(SessionRequest::Open { hint: said, handshake })) =
        Message::parse(&asked).unwrap().request()
    else {
        panic!("not a request to open")
    };
    assert_eq!(said, hint(&public(HOST)));
    let mut noise = snow::Builder::new("Noise_KK_25519_ChaChaPoly_SHA256".parse().unwrap())
        .local_private_key(&BOARD)
        .unwrap()
        .remote_public_key(&public(HOST))
        .unwrap()
        .prologue(&prologue(&public(BOARD)))
        .unwrap()
        .build_responder()
        .unwrap();
    let message = [&handshake.ephemeral[..], &handshake.tag].concat();
    assert_eq!(noise.read_message(&message, &mut [0; 64]).unwrap(), 0);
    let mut answer = [0; 48];
    assert_eq!(noise.write_message(&[], &mut answer).unwrap(), answer.len());
    let handshake =
        Handshake { ephemeral: answer[..32].try_into().unwrap(), tag: answer[32..].try_into().unwrap() };
    let opened = Reply::Session(SessionReply::Opened(handshake));
    let opened = opened.emit(7, &mut [0; 128]).unwrap().to_vec();
    assert_eq!(hears(&mut host, &opened), HostEvent::Opened);
}

/// What may come over the wire after a session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    /// The sealed request of this counter.
    Sealed(u64),
    /// The same, damaged.
    Damaged(u64),
    /// The request that opened the session.
    Open,
    /// The same with another tag.
    WrongOpen,
    Hello,
    Close,
    /// A request that everybody may send.
    Plain,
    /// A request that only administrators may send, not sealed.
    Bare,
}

/// A move of every kind.
const KINDS: [Move; 9] = [
    Move::Sealed(0),
    Move::Sealed(1),
    Move::Damaged(1),
    Move::Open,
    Move::WrongOpen,
    Move::Hello,
    Move::Close,
    Move::Plain,
    Move::Bare,
];

/// What the board should do, in a few words.
struct Model {
    /// Failures, the lowest counter that is taken, and whether the sealed requests are of this session.
    session: Option<(u8, u64, bool)>,
}

impl Model {
    fn expect(&mut self, step: Move) -> BoardEvent<'static> {
        match (step, &mut self.session) {
            (Move::Sealed(_) | Move::Damaged(_), None) => refused(Objection::NoSession),
            (Move::Sealed(counter), Some((_, next, true))) if counter >= *next => {
                *next = counter + 1;
                request(STATUS)
            }
            (Move::Sealed(_) | Move::Damaged(_), Some((failures, ..))) => {
                *failures += 1;
                if *failures < MAX_FAILURES {
                    return refused(Objection::Seal);
                }
                self.session = None;
                BoardEvent::Closed(Ending::Failures)
            }
            (Move::Open, session) => {
                *session = Some((0, 0, false));
                // The answer is compared elsewhere.
                BoardEvent::Opened {
                    administrator: 0,
                    answer: Handshake { ephemeral: [0; 32], tag: [0; 16] },
                }
            }
            (Move::WrongOpen, _) => refused(Objection::Unauthorised),
            (Move::Hello, session) => {
                *session = None;
                BoardEvent::Request { request: Request::Hello, is_sealed: false }
            }
            (Move::Close, session) => {
                *session = None;
                BoardEvent::Closed(Ending::Asked)
            }
            (Move::Plain | Move::Bare, Some(_)) => refused(Objection::NotSealed),
            (Move::Plain, None) => BoardEvent::Request { request: Request::Status, is_sealed: false },
            (Move::Bare, None) => refused(Objection::NeedsSession),
        }
    }
}

struct Wire {
    opening: Vec<u8>,
    sealed: Vec<Vec<u8>>,
}

impl Wire {
    fn bytes(&self, step: Move) -> Vec<u8> {
        let spoilt = |message: &[u8]| {
            let mut message = message.to_vec();
            *message.last_mut().unwrap() ^= 1;
            message
        };
        match step {
            Move::Sealed(counter) => self.sealed[counter as usize].clone(),
            Move::Damaged(counter) => spoilt(&self.sealed[counter as usize]),
            Move::Open => self.opening.clone(),
            Move::WrongOpen => spoilt(&self.opening),
            Move::Hello => plain(2, &Request::Hello),
            Move::Close => plain(2, &Request::Session(SessionRequest::Close)),
            Move::Plain => plain(2, &Request::Status),
            Move::Bare => plain(2, &STATUS),
        }
    }
}

/// Plays the moves on a board with an open session, and compares each event with the model's.
fn play(moves: &[Move]) {
    let (mut board, mut host) = (Board::new(), host());
    let opening = asks(&mut host, 1, HOST_ONCE);
    let opened = board.answer(&opening);
    assert_eq!(hears(&mut host, &opened), HostEvent::Opened);
    let wire = Wire { opening, sealed: (0..4).map(|turn| sealed(&mut host, turn, &STATUS)).collect() };
    let mut model = Model { session: Some((0, 0, true)) };
    for (place, &step) in moves.iter().enumerate() {
        let bytes = wire.bytes(step);
        let mut event = board.hear(&bytes);
        if let BoardEvent::Opened { answer, .. } = &mut event {
            *answer = Handshake { ephemeral: [0; 32], tag: [0; 16] };
        }
        assert_eq!(event, model.expect(step), "move {place} of {moves:?}");
        assert_eq!(board.responder.is_open(), model.session.is_some(), "move {place} of {moves:?}");
    }
}

/// All sequences of so many moves. Their beginnings are all shorter ones.
fn sequences(moves: &[Move], length: u32) -> Vec<Vec<Move>> {
    (0..length).fold(vec![vec![]], |all: Vec<Vec<Move>>, _| {
        all.iter().flat_map(|start| moves.iter().map(|step| [&start[..], &[*step]].concat())).collect()
    })
}

#[test]
fn sealed_requests_lost_repeated_and_moved_are_answered_as_defined() {
    for moves in sequences(&[0, 1, 2, 3].map(Move::Sealed), 5) {
        play(&moves);
    }
}

#[test]
fn requests_of_every_kind_in_every_order_are_answered_as_defined() {
    for moves in sequences(&KINDS, 3) {
        play(&moves);
    }
}

#[test]
fn session_ends_after_too_many_failures() {
    for step in [Move::Sealed(0), Move::Damaged(3)] {
        let mut moves = vec![Move::Sealed(0)];
        moves.extend([step; MAX_FAILURES as usize]);
        moves.extend([Move::Sealed(1), Move::Plain, Move::Open, Move::Damaged(1), Move::Plain]);
        play(&moves);
    }
}

#[test]
fn replies_lost_repeated_and_moved_are_taken_once_and_in_order() {
    for order in sequences(&[0, 1, 2, 3].map(Move::Sealed), 4) {
        let (mut board, mut host) = open();
        let replies: Vec<_> = (0..4).map(|row| board.reply(row, &Reply::Row(row as u16), true)).collect();
        let mut next = 0;
        for &step in &order {
            let Move::Sealed(counter) = step else { continue };
            let expected = if counter >= next {
                next = counter + 1;
                HostEvent::Reply { reply: Reply::Row(counter as u16), is_sealed: true }
            } else {
                HostEvent::Ignored
            };
            assert_eq!(hears(&mut host, &replies[counter as usize]), expected, "{order:?}");
        }
    }
}

#[test]
fn host_ends_the_session_after_too_many_failures() {
    let (mut board, mut host) = open();
    let mut reply = board.reply(1, &Reply::Idle, true);
    *reply.last_mut().unwrap() ^= 1;
    for _ in 1..MAX_FAILURES {
        assert_eq!(hears(&mut host, &reply), HostEvent::Ignored);
    }
    assert_eq!(hears(&mut host, &reply), HostEvent::Closed(Ending::Failures));
    assert!(!host.is_open());
    assert_eq!(hears(&mut host, &reply), HostEvent::Ignored);
    assert_eq!(host.request(1, &STATUS, &mut [0; 64]), Err(SendError::NoSession));
}

#[test]
fn change_of_any_bit_of_a_sealed_message_is_refused_and_spoils_nothing() {
    let (mut board, mut host) = open();
    let asked = sealed(&mut host, 5, &STATUS);
    let answered = board.reply(5, &Reply::Idle, true);
    for bit in 0..8 * asked.len() {
        let (mut board, mut other) = open();
        assert_eq!(sealed(&mut other, 5, &STATUS), asked);
        let mut changed = asked.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let event = board.hear(&changed);
        // A change of group or number makes it another message, which is not sealed.
        let is_other = bit < 16 && matches!(event, BoardEvent::Refused { is_sealed: false, .. });
        assert!(is_other || event == refused(Objection::Seal), "bit {bit}: {event:?}");
        assert_eq!(board.hear(&asked), request(STATUS));
    }
    for bit in 0..8 * answered.len() {
        let (_, mut host) = open();
        let mut changed = answered.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(hears(&mut host, &changed), HostEvent::Ignored, "bit {bit}");
        let expected = HostEvent::Reply { reply: Reply::Idle, is_sealed: true };
        assert_eq!(hears(&mut host, &answered), expected);
    }
    for length in 6..asked.len() {
        let (mut board, _) = open();
        assert_eq!(board.hear(&asked[..length]), refused(Objection::Seal), "{length} bytes");
    }
}

#[test]
fn sealed_message_of_another_session_or_direction_is_refused() {
    let (mut board, mut host) = open();
    let asked = sealed(&mut host, 5, &STATUS);
    // The same host opens another session.
    let opening = asks(&mut host, 6, [8; 32]);
    let opened = board.answer(&opening);
    assert_eq!(hears(&mut host, &opened), HostEvent::Opened);
    assert_eq!(board.hear(&asked), refused(Objection::Seal));
    // A board's own message comes back with a host's number, and the other way round.
    let mut answered = board.reply(5, &Reply::Idle, true);
    answered[1] ^= 0x80;
    assert_eq!(board.hear(&answered), refused(Objection::Seal));
    let mut asked = sealed(&mut host, 5, &STATUS);
    asked[1] ^= 0x80;
    assert_eq!(hears(&mut host, &asked), HostEvent::Ignored);
}

#[test]
fn change_of_any_bit_of_the_handshake_opens_nothing_and_the_right_one_still_does() {
    let (mut board, mut initiator) = (Board::new(), host());
    let asked = asks(&mut initiator, 1, HOST_ONCE);
    // All but group, number and turn.
    for bit in 8 * 6..8 * asked.len() {
        let mut changed = asked.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(board.hear(&changed), refused(Objection::Unauthorised), "bit {bit}");
    }
    let opened = board.answer(&asked);
    for bit in 8..8 * opened.len() {
        let mut changed = opened.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let event = hears(&mut initiator, &changed);
        assert!(!matches!(event, HostEvent::Opened | HostEvent::Closed(_)), "bit {bit}: {event:?}");
        assert!(!initiator.is_open());
    }
    assert_eq!(hears(&mut initiator, &opened), HostEvent::Opened);
    // The same answer means nothing any more.
    assert_eq!(hears(&mut initiator, &opened), HostEvent::Ignored);
    assert!(initiator.is_open());
}

#[test]
fn strangers_and_wrong_handshakes_get_the_same_answer() {
    let mut board = Board::new();
    let mut stranger = Initiator::new(KeyPair::new([9; 32]), public(BOARD));
    let unknown = asks(&mut stranger, 1, HOST_ONCE);
    // The stranger takes an administrator's hint.
    let mut feigned = unknown.clone();
    feigned[6..14].copy_from_slice(&hint(&public(HOST)));
    // An administrator of another board.
    let mut elsewhere = Initiator::new(KeyPair::new(HOST), public([9; 32]));
    let misled = asks(&mut elsewhere, 1, HOST_ONCE);
    let expected = plain_reply(1, &Reply::Refused(Objection::Unauthorised));
    for message in [unknown, feigned, misled] {
        assert_eq!(board.answer(&message), expected);
    }
    assert_eq!(board.draws, 3, "a refused handshake draws no random bytes");
    assert!(!board.responder.is_open());
}

fn plain_reply(turn: u32, reply: &Reply) -> Vec<u8> {
    reply.emit(turn, &mut [0; MAX_REPLY_BYTES]).unwrap().to_vec()
}

#[test]
fn removed_administrator_loses_the_session() {
    let (mut board, mut host) = open();
    let asked = sealed(&mut host, 5, &STATUS);
    board.responder.remove(&public(HOST));
    assert_eq!(board.hear(&asked), refused(Objection::NoSession));
    assert!(!board.responder.is_open());
    let asked = asks(&mut host, 6, [8; 32]);
    assert_eq!(board.hear(&asked), refused(Objection::Unauthorised));
}

#[test]
fn administrator_hears_that_they_are_removed_and_nothing_else() {
    let (mut board, mut host) = open();
    board.responder.remove(&public(HOST));
    let done = Reply::People(PeopleReply::Done);
    let answered = board.reply(5, &done, true);
    assert_eq!(hears(&mut host, &answered), HostEvent::Reply { reply: done.clone(), is_sealed: true });
    assert!(!board.responder.is_open());
    let mut buffer = [0xa5; MAX_REPLY_BYTES];
    assert_eq!(board.responder.reply(6, &done, true, &mut buffer), Err(SendError::NoSession));
}

#[test]
fn session_outlives_the_removal_of_another_administrator() {
    let (mut board, mut host) = open();
    let other = public([9; 32]);
    assert!(board.responder.add(other));
    board.responder.remove(&other);
    let asked = sealed(&mut host, 5, &STATUS);
    assert_eq!(board.hear(&asked), request(STATUS));
    board.reply(5, &Reply::People(PeopleReply::Done), true);
    assert!(board.responder.is_open());
}

#[test]
fn every_administrator_opens_sessions_and_there_is_a_limit() {
    let mut board = Board::new();
    let secret = |number: usize| [100 + number as u8; 32];
    for number in 1..MAX_ADMINISTRATORS {
        assert!(board.responder.add(public(secret(number))));
        assert!(board.responder.add(public(secret(number))), "nobody is in the list twice");
    }
    assert!(!board.responder.add(public([99; 32])));
    assert_eq!(board.responder.administrators().len(), MAX_ADMINISTRATORS);
    for number in 1..MAX_ADMINISTRATORS {
        let mut host = Initiator::new(KeyPair::new(secret(number)), public(BOARD));
        let asked = asks(&mut host, 1, HOST_ONCE);
        let event = board.hear(&asked);
        assert!(
            matches!(event, BoardEvent::Opened { administrator, .. } if administrator == number as u8),
            "{event:?}"
        );
    }
}

#[test]
fn board_sends_figures_in_a_session_only() {
    let mut board = Board::new();
    let done = Reply::People(PeopleReply::Done);
    let mut buffer = [0xa5; MAX_REPLY_BYTES];
    assert_eq!(board.responder.reply(1, &done, false, &mut buffer), Err(SendError::NeedsSession));
    assert_eq!(board.responder.reply(1, &done, true, &mut buffer), Err(SendError::NoSession));
    assert_eq!(buffer, [0xa5; MAX_REPLY_BYTES]);
    let verdict = Reply::Verdict(Verdict::Accepted(1));
    assert_eq!(board.reply(1, &verdict, false), plain_reply(1, &verdict));
}

#[test]
fn maker_says_whether_everybody_may_verify() {
    for is_verify_open in [false, true] {
        let mut responder = Responder::new(KeyPair::new(BOARD), is_verify_open);
        let mut hear = |request: Request<'_>| {
            let message = plain(1, &request);
            let event = responder.receive(&Message::parse(&message).unwrap(), &mut [], || [0; 32]);
            matches!(event, BoardEvent::Request { is_sealed: false, .. })
        };
        assert_eq!(hear(Request::Recognise), is_verify_open);
        assert_eq!(hear(Request::Pixels(0, &[1])), is_verify_open);
        assert!(hear(Request::Status));
        assert!(!hear(Request::Embed));
        assert!(!hear(Request::Update(UpdateRequest::Finish)));
    }
}

#[test]
fn session_messages_are_never_sealed() {
    let (mut board, mut host) = open();
    let asked = sealed(&mut host, 5, &Request::Session(SessionRequest::Close));
    let malformed = BoardEvent::Refused { objection: Objection::Malformed, is_sealed: true };
    assert_eq!(board.hear(&asked), malformed);
    assert!(board.responder.is_open());
    let closed = Reply::Session(SessionReply::Closed(Ending::Asked));
    let answered = board.reply(5, &closed, true);
    assert_eq!(hears(&mut host, &answered), HostEvent::Ignored);
    assert!(host.is_open());
}

#[test]
fn sealed_hello_ends_nothing() {
    let (mut board, mut host) = open();
    let asked = sealed(&mut host, 5, &Request::Hello);
    assert_eq!(board.hear(&asked), request(Request::Hello));
    assert!(board.responder.is_open());
}

#[test]
fn host_in_a_session_believes_nothing_that_is_not_sealed() {
    let (_, mut host) = open();
    let accepted = Reply::Verdict(Verdict::Accepted(1));
    for reply in [Reply::Idle, accepted, Reply::People(PeopleReply::Done), Reply::OtherVersion(VERSION + 1)] {
        assert_eq!(hears(&mut host, &plain_reply(1, &reply)), HostEvent::Ignored, "{reply:?}");
    }
    let objection = Objection::NoSession;
    let refused = plain_reply(1, &Reply::Refused(objection));
    assert_eq!(hears(&mut host, &refused), HostEvent::Refused(objection));
    assert!(host.is_open());
    let closed = plain_reply(1, &Reply::Session(SessionReply::Closed(Ending::Asked)));
    assert_eq!(hears(&mut host, &closed), HostEvent::Closed(Ending::Asked));
    assert!(!host.is_open());
    let reply = HostEvent::Reply { reply: Reply::Idle, is_sealed: false };
    assert_eq!(hears(&mut host, &plain_reply(1, &Reply::Idle)), reply);
}

#[test]
fn longest_messages_fit_and_what_does_not_fit_uses_no_counter() {
    let (mut board, mut host) = open();
    let row = [0xff; MAX_ROW_BYTES];
    let pixels = Request::Pixels(u16::MAX, &row);
    let mut short = [0xa5; MAX_ROW_BYTES];
    assert_eq!(host.request(1, &pixels, &mut short), Err(SendError::TooLong));
    assert_eq!(host.request(1, &STATUS, &mut [0; SEAL_BYTES - 1]), Err(SendError::TooLong));
    let asked = sealed(&mut host, 1, &pixels);
    assert_eq!(asked[6..14], [0; 8]);
    let mut decoder = Decoder::new();
    let mut frame = [0; MAX_FRAME_BYTES];
    let frame = link::encode(&asked, &mut frame).unwrap();
    assert!(frame.iter().any(|&byte| decoder.push(byte) == Ok(true)));
    // A short memory loses nothing.
    let message = Message::parse(decoder.message()).unwrap();
    let mut short = [0; 100];
    let event = board.responder.receive(&message, &mut short, || [0; 32]);
    assert_eq!(event, refused(Objection::TooLong));
    assert_eq!(board.hear(decoder.message()), request(pixels));

    let name = "x".repeat(64);
    let person =
        Person { id: u32::MAX, name: name.as_str().try_into().unwrap(), centres: u8::MAX, is_of_image: true };
    let people = core::iter::repeat_n(person, MAX_PEOPLE).collect();
    let replies = [
        Reply::People(PeopleReply::People(people)),
        Reply::Failed("x".repeat(160).as_str().try_into().unwrap()),
        Reply::Embedding([i16::MIN; link::message::CHUNK].into_iter().collect()),
    ];
    for (counter, reply) in replies.into_iter().enumerate() {
        let mut short = [0; SEAL_BYTES + 8];
        assert_eq!(board.responder.reply(1, &reply, true, &mut short), Err(SendError::TooLong));
        let answered = board.reply(1, &reply, true);
        assert_eq!(answered[6], counter as u8);
        let length = plain_reply(1, &reply).len();
        assert!(length <= MAX_PLAIN_REPLY_BYTES && answered.len() == length + SEAL_BYTES);
        assert_eq!(hears(&mut host, &answered), HostEvent::Reply { reply, is_sealed: true });
    }
}

#[test]
fn full_decision_passes_in_a_session() {
    use link::message::{Cost, Decision, Neighbour, Ruling};
    let (mut board, mut host) = open();
    let best = Neighbour { name: "Ada".try_into().unwrap(), cosine_q30: 1, angle_degrees: 2.0 };
    let decision = Decision {
        ruling: Ruling::Accepted,
        certified: true,
        confidence: 1.0,
        best: Some(best),
        runner_up: None,
    };
    let reply = Reply::Recognised(Recognised { decision, cost: Cost::default() });
    let answered = board.reply(9, &reply, true);
    assert_eq!(hears(&mut host, &answered), HostEvent::Reply { reply, is_sealed: true });
}

#[test]
fn pairing_gives_both_sides_the_keys_and_the_same_digits() {
    let mut board = Board::new();
    board.responder.remove(&public(HOST));
    let number = [5; 32];
    let (mut pairing, first) = HostPairing::begin(public(HOST), number);
    let first = plain(1, &Request::Session(first));
    assert_eq!(board.hear(&first), refused(Objection::NotPairing));
    board.responder.open_window();
    let BoardEvent::Pairing { answer } = board.hear(&first) else { panic!("no answer") };
    let expected = commitment(&public(HOST), &public(BOARD), &[4; 32]);
    assert_eq!(answer, SessionReply::Pairing { board: public(BOARD), commitment: expected });
    let second = plain(2, &Request::Session(pairing.reveal(&answer).unwrap()));
    let BoardEvent::Paired { host, fingerprint: shown, answer } = board.hear(&second) else {
        panic!("no answer")
    };
    assert_eq!(host, public(HOST));
    assert_eq!(answer, SessionReply::Paired([4; 32]));
    assert_eq!(pairing.finish(&answer), Ok((public(BOARD), shown)));
    assert_eq!(shown, fingerprint(&public(HOST), &public(BOARD), &number, &[4; 32]));
    assert_eq!((shown.to_string().as_str(), shown.digits()), ("536 765", [5, 3, 6, 7, 6, 5]));
    // Nobody is an administrator before the user says so.
    assert!(board.responder.administrators().is_empty());
    // The window is closed again.
    for message in [&first, &second] {
        assert_eq!(board.hear(message), refused(Objection::NotPairing));
    }
    board.responder.add(host);
    let asked = asks(&mut self::host(), 1, HOST_ONCE);
    assert!(matches!(board.hear(&asked), BoardEvent::Opened { administrator: 0, .. }));
}

#[test]
fn board_tells_each_random_number_once_and_only_after_the_hosts() {
    let mut board = Board::new();
    board.responder.open_window();
    let pair = plain(1, &Request::Session(SessionRequest::Pair([7; 32])));
    let reveal = plain(1, &Request::Session(SessionRequest::Reveal([8; 32])));
    assert_eq!(board.hear(&reveal), refused(Objection::NotPairing));
    let first = board.answer(&pair);
    let second = board.answer(&pair);
    assert_ne!(first, second, "another number");
    // `Hello` forgets the host, and leaves the window open.
    board.hear(&plain(1, &Request::Hello));
    assert_eq!(board.hear(&reveal), refused(Objection::NotPairing));
    board.answer(&pair);
    board.responder.close_window();
    assert_eq!(board.hear(&reveal), refused(Objection::NotPairing));
}

#[test]
fn somebody_in_between_is_found_out() {
    let (middle, board, number) = (public([9; 32]), public(BOARD), [4; 32]);
    let begin = || HostPairing::begin(public(HOST), [5; 32]).0;
    // The number does not fit the commitment.
    let mut pairing = begin();
    let commitment = commitment(&public(HOST), &middle, &number);
    pairing.reveal(&SessionReply::Pairing { board: middle, commitment }).unwrap();
    assert_eq!(pairing.finish(&SessionReply::Paired([6; 32])), Err(PairingError::Commitment));
    // The board's commitment, with a key put in its place.
    let of_board = link::session::commitment(&public(HOST), &board, &number);
    let mut pairing = begin();
    pairing.reveal(&SessionReply::Pairing { board: middle, commitment: of_board }).unwrap();
    assert_eq!(pairing.finish(&SessionReply::Paired(number)), Err(PairingError::Commitment));
    // Somebody who speaks with both sides, each in the other's name: the digits differ.
    let mut pairing = begin();
    pairing.reveal(&SessionReply::Pairing { board: middle, commitment }).unwrap();
    let (_, shown) = pairing.finish(&SessionReply::Paired(number)).unwrap();
    assert_ne!(shown, fingerprint(&middle, &board, &[5; 32], &number));
    // Answers out of order.
    let mut pairing = begin();
    assert_eq!(pairing.reveal(&SessionReply::Paired(number)), Err(PairingError::Answer));
    assert_eq!(pairing.finish(&SessionReply::Paired(number)), Err(PairingError::Answer));
    let answer = SessionReply::Pairing { board, commitment };
    pairing.reveal(&answer).unwrap();
    assert_eq!(pairing.reveal(&answer), Err(PairingError::Answer));
    assert_eq!(pairing.finish(&answer), Err(PairingError::Answer));
}

/// Bytes that are often a message of some group.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let body = prop::collection::vec(any::<u8>(), 0..120);
    (0..8u8, prop_oneof![0..8u8, 0x80..0x88u8, any::<u8>()], any::<[u8; 4]>(), body)
        .prop_map(|(group, number, turn, body)| [&[group, number], &turn[..], &body].concat())
}

proptest! {
    #[test]
    fn long_conversations_are_answered_as_defined(
        moves in prop::collection::vec(prop::sample::select(&KINDS[..]), 0..20),
    ) {
        play(&moves);
    }

    #[test]
    fn any_messages_are_taken_by_both_sides(
        is_open in any::<bool>(),
        is_window_open in any::<bool>(),
        messages in prop::collection::vec(messages(), 0..20),
    ) {
        let (mut board, mut initiator) = if is_open { open() } else { (Board::new(), host()) };
        if is_window_open {
            board.responder.open_window();
        }
        for message in &messages {
            let turn = Message::parse(message).unwrap().turn;
            let event = board.hear(message);
            let is_sealed = matches!(
                event,
                BoardEvent::Request { is_sealed: true, .. } | BoardEvent::Refused { is_sealed: true, .. }
            );
            prop_assert!(!is_sealed, "{event:?}");
            if let Some((reply, is_sealed)) = event.answer() {
                board.reply(turn, &reply, is_sealed);
            }
            let event = hears(&mut initiator, message);
            let is_believed =
                matches!(event, HostEvent::Opened | HostEvent::Reply { is_sealed: true, .. });
            prop_assert!(!is_believed, "{event:?}");
        }
    }
}
