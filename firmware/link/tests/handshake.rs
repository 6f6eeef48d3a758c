//! The handshake and the ciphers against published vectors, and against Noise of another author in both roles.

use link::session::{
    Ciphers, HANDSHAKE_BYTES, HandshakeError, Heard, Initiated, KeyPair, PublicKey, TAG_BYTES,
};
use snow::{Builder, HandshakeState, StatelessTransportState};

const HOST: [u8; 32] = [1; 32];
const BOARD: [u8; 32] = [2; 32];
const HOST_ONCE: [u8; 32] = [3; 32];
const BOARD_ONCE: [u8; 32] = [4; 32];
const PROLOGUE: &[u8] = b"prologue";
/// Longest payload of a handshake's message that is tried.
const LONGEST: usize = 200;
const ROOM: usize = LONGEST + HANDSHAKE_BYTES;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn key(text: &str) -> [u8; 32] {
    hex(text).try_into().unwrap()
}

fn public(secret: [u8; 32]) -> PublicKey {
    *KeyPair::new(secret).public()
}

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|index| index as u8).collect()
}

fn begin(board: &PublicKey, prologue: &[u8], payload: &[u8]) -> (Initiated, Vec<u8>) {
    let mut buffer = [0xa5; ROOM];
    let (initiated, message) =
        Initiated::begin(&KeyPair::new(HOST), board, prologue, HOST_ONCE, payload, &mut buffer).unwrap();
    (initiated, message.to_vec())
}

fn finish(initiated: &Initiated, message: &[u8]) -> Result<(Ciphers, Vec<u8>), HandshakeError> {
    let mut buffer = [0xa5; ROOM];
    initiated
        .finish(&KeyPair::new(HOST), message, &mut buffer)
        .map(|(ciphers, payload)| (ciphers, payload.to_vec()))
}

fn read(host: &PublicKey, prologue: &[u8], message: &[u8]) -> Result<(Heard, Vec<u8>), HandshakeError> {
    let mut buffer = [0xa5; ROOM];
    Heard::read(&KeyPair::new(BOARD), host, prologue, message, &mut buffer)
        .map(|(heard, payload)| (heard, payload.to_vec()))
}

fn answer(heard: Heard, payload: &[u8]) -> (Ciphers, Vec<u8>) {
    let mut buffer = [0xa5; ROOM];
    let (ciphers, message) = heard.answer(BOARD_ONCE, payload, &mut buffer).unwrap();
    (ciphers, message.to_vec())
}

/// The other author's side with these keys.
fn snow(secret: [u8; 32], once: [u8; 32], other: PublicKey, is_initiator: bool) -> HandshakeState {
    let builder = Builder::new("Noise_KK_25519_ChaChaPoly_SHA256".parse().unwrap())
        .local_private_key(&secret)
        .unwrap()
        .remote_public_key(&other)
        .unwrap()
        .prologue(PROLOGUE)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(&once);
    if is_initiator { builder.build_initiator().unwrap() } else { builder.build_responder().unwrap() }
}

fn snow_writes(state: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let mut buffer = [0xa5; ROOM];
    let length = state.write_message(payload, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn snow_reads(state: &mut HandshakeState, message: &[u8]) -> Vec<u8> {
    let mut buffer = [0xa5; ROOM];
    let length = state.read_message(message, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn seal(ciphers: &mut Ciphers, text: &[u8]) -> Vec<u8> {
    let mut sealed = [text, &[0xa5; TAG_BYTES]].concat();
    ciphers.sealer.seal(&[], &mut sealed).unwrap();
    sealed
}

fn open(ciphers: &mut Ciphers, counter: u64, sealed: &[u8]) -> Vec<u8> {
    ciphers.opener.open(counter, &[], &mut sealed.to_vec()).unwrap().to_vec()
}

/// Messages of these lengths pass in both directions.
fn talk(ours: &mut Ciphers, theirs: &StatelessTransportState, lengths: impl Iterator<Item = usize>) {
    for (counter, length) in (0..).zip(lengths) {
        let text = payload(length);
        let mut buffer = vec![0xa5; length + TAG_BYTES];
        let written = theirs.write_message(counter, &text, &mut buffer).unwrap();
        assert_eq!(written, buffer.len());
        assert_eq!(open(ours, counter, &buffer), text);
        let sealed = seal(ours, &text);
        let read = theirs.read_message(counter, &sealed, &mut buffer).unwrap();
        assert_eq!(buffer[..read], text);
    }
}

/// The vector for this suite in the collection of the Haskell library `cacophony`.
#[test]
fn published_vector_is_met_byte_for_byte() {
    let host = KeyPair::new(key("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1"));
    let board = KeyPair::new(key("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"));
    let host_once = key("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a");
    let board_once = key("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b");
    assert_eq!(board.public()[..], hex("31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62"));
    assert_eq!(host.public()[..], hex("6bc3822a2aa7f4e6981d6538692b3cdf3e6df9eea6ed269eb41d93c22757b75a"));
    let messages = [
        (
            "4c756477696720766f6e204d69736573",
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944\
             0177015efc1fe7a37c629af7120a96274e6ab7afcc9261901d0e09ae32a5bb96",
        ),
        (
            "4d757272617920526f746862617264",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843\
             b274d3429adc47ca093ba63ef90f8da89fda108db471dccfa4894aa7b00003",
        ),
        ("462e20412e20486179656b", "966b05bc69ec01b8454d3160a214e6f24a3d884eb31ec2408af63f"),
        ("4361726c204d656e676572", "0ad887fba4f611bbb4afe44ba3556b8164332ca7d5934634d63d80"),
        (
            "4a65616e2d426170746973746520536179",
            "012b28ae646ae7830e2c5472cb023eab071c1db3d8413ec69b513b83832f974c2d",
        ),
        (
            "457567656e2042f6686d20766f6e2042617765726b",
            "bb3e6a48160d9c5971d37f975727294e0d868342db31832e54d07191ab0ca3c3703b5ed3d9",
        ),
    ];
    let [first, second, rest @ ..] = messages.map(|(payload, message)| (hex(payload), hex(message)));
    let (mut buffer, mut other) = ([0xa5; ROOM], [0xa5; ROOM]);
    let prologue = b"John Galt";
    let (initiated, message) =
        Initiated::begin(&host, board.public(), prologue, host_once, &first.0, &mut buffer).unwrap();
    assert_eq!(message, first.1);
    let (heard, heard_payload) = Heard::read(&board, host.public(), prologue, message, &mut other).unwrap();
    assert_eq!(heard_payload, first.0);
    let (mut of_board, message) = heard.answer(board_once, &second.0, &mut buffer).unwrap();
    assert_eq!(message, second.1);
    let (mut of_host, answered) = initiated.finish(&host, message, &mut other).unwrap();
    assert_eq!(answered, second.0);
    for (index, (payload, message)) in (0..).zip(rest) {
        let (sender, receiver) =
            if index % 2 == 0 { (&mut of_host, &mut of_board) } else { (&mut of_board, &mut of_host) };
        assert_eq!(seal(sender, &payload), message);
        assert_eq!(open(receiver, index / 2, &message), payload);
    }
}

#[test]
fn our_initiator_agrees_with_another_responder() {
    for length in 0..=LONGEST {
        let mut theirs = snow(BOARD, BOARD_ONCE, public(HOST), false);
        let (initiated, message) = begin(&public(BOARD), PROLOGUE, &payload(length));
        assert_eq!(message.len(), HANDSHAKE_BYTES + length);
        assert_eq!(snow_reads(&mut theirs, &message), payload(length));
        let message = snow_writes(&mut theirs, &payload(LONGEST - length));
        let (mut ours, answered) = finish(&initiated, &message).unwrap();
        assert_eq!(answered, payload(LONGEST - length));
        talk(&mut ours, &theirs.into_stateless_transport_mode().unwrap(), [length].into_iter());
    }
}

#[test]
fn our_responder_agrees_with_another_initiator() {
    for length in 0..=LONGEST {
        let mut theirs = snow(HOST, HOST_ONCE, public(BOARD), true);
        let message = snow_writes(&mut theirs, &payload(length));
        let (heard, said) = read(&public(HOST), PROLOGUE, &message).unwrap();
        assert_eq!(said, payload(length));
        let (mut ours, message) = answer(heard, &payload(LONGEST - length));
        assert_eq!(snow_reads(&mut theirs, &message), payload(LONGEST - length));
        talk(&mut ours, &theirs.into_stateless_transport_mode().unwrap(), [length].into_iter());
    }
}

#[test]
fn texts_of_every_length_pass_both_ways() {
    let mut theirs = snow(BOARD, BOARD_ONCE, public(HOST), false);
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, &[]);
    snow_reads(&mut theirs, &message);
    let (mut ours, _) = finish(&initiated, &snow_writes(&mut theirs, &[])).unwrap();
    talk(&mut ours, &theirs.into_stateless_transport_mode().unwrap(), 0..=link::MAX_PLAIN_BYTES);
}

#[test]
fn change_of_any_bit_is_refused_by_both_sides() {
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, b"first");
    for bit in 0..8 * message.len() {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(&public(HOST), PROLOGUE, &changed).err(), Some(HandshakeError::Forged), "bit {bit}");
    }
    let (_, message) = answer(read(&public(HOST), PROLOGUE, &message).unwrap().0, b"second");
    for bit in 0..8 * message.len() {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(finish(&initiated, &changed).err(), Some(HandshakeError::Forged), "bit {bit}");
    }
    // Wrong answers spoil nothing.
    assert_eq!(finish(&initiated, &message).unwrap().1, b"second");
}

#[test]
fn messages_of_every_other_length_are_refused() {
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, b"first");
    let (_, answered) = answer(read(&public(HOST), PROLOGUE, &message).unwrap().0, b"second");
    let expected =
        |length| Some(if length < HANDSHAKE_BYTES { HandshakeError::Length } else { HandshakeError::Forged });
    for length in 0..message.len() {
        assert_eq!(read(&public(HOST), PROLOGUE, &message[..length]).err(), expected(length));
    }
    for length in 0..answered.len() {
        assert_eq!(finish(&initiated, &answered[..length]).err(), expected(length));
    }
    let longer = |message: &[u8]| [message, &[0]].concat();
    assert_eq!(read(&public(HOST), PROLOGUE, &longer(&message)).err(), Some(HandshakeError::Forged));
    assert_eq!(finish(&initiated, &longer(&answered)).err(), Some(HandshakeError::Forged));
}

#[test]
fn buffers_that_are_too_short_are_refused() {
    let host = KeyPair::new(HOST);
    let mut short = [0xa5; HANDSHAKE_BYTES + 4];
    let begun = Initiated::begin(&host, &public(BOARD), PROLOGUE, HOST_ONCE, b"first", &mut short);
    assert_eq!(begun.err(), Some(HandshakeError::Length));
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, b"first");
    let board = KeyPair::new(BOARD);
    let mut short = [0xa5; TAG_BYTES + 4];
    let heard = Heard::read(&board, &public(HOST), PROLOGUE, &message, &mut short);
    assert_eq!(heard.err(), Some(HandshakeError::Length));
    let heard = || read(&public(HOST), PROLOGUE, &message).unwrap().0;
    let mut shorter = [0xa5; HANDSHAKE_BYTES - 1];
    assert_eq!(heard().answer(BOARD_ONCE, &[], &mut shorter).err(), Some(HandshakeError::Length));
    let (_, answered) = answer(heard(), b"first");
    assert_eq!(initiated.finish(&host, &answered, &mut short).err(), Some(HandshakeError::Length));
}

#[test]
fn other_keys_and_other_prologues_are_refused() {
    let stranger = [9; 32];
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, &[]);
    let forged = Some(HandshakeError::Forged);
    assert_eq!(read(&public(stranger), PROLOGUE, &message).err(), forged);
    assert_eq!(read(&public(HOST), b"prologuE", &message).err(), forged);
    assert_eq!(read(&public(HOST), b"", &message).err(), forged);
    // For another board.
    let (_, other) = begin(&public(stranger), PROLOGUE, &[]);
    assert_eq!(read(&public(HOST), PROLOGUE, &other).err(), forged);
    // From another board, which knows all but the board's secret.
    let mut buffer = [0xa5; ROOM];
    let heard = Heard::read(&KeyPair::new(stranger), &public(HOST), PROLOGUE, &other, &mut buffer);
    let (_, answered) = answer(heard.unwrap().0, &[]);
    assert_eq!(finish(&initiated, &answered).err(), forged);
    // The answer to another handshake of the same sides.
    let mut other = [0xa5; ROOM];
    let (_, other) =
        Initiated::begin(&KeyPair::new(HOST), &public(BOARD), PROLOGUE, [5; 32], &[], &mut other).unwrap();
    let (_, answered) = answer(read(&public(HOST), PROLOGUE, other).unwrap().0, &[]);
    assert_eq!(finish(&initiated, &answered).err(), forged);
}

#[test]
fn keys_that_give_every_side_the_same_secret_are_refused() {
    let weak = Some(HandshakeError::WeakKey);
    let mut buffer = [0xa5; ROOM];
    let host = KeyPair::new(HOST);
    let begun = Initiated::begin(&host, &[0; 32], PROLOGUE, HOST_ONCE, &[], &mut buffer);
    assert_eq!(begun.err(), weak);
    let (initiated, message) = begin(&public(BOARD), PROLOGUE, &[]);
    assert_eq!(read(&[0; 32], PROLOGUE, &message).err(), weak);
    let (_, mut answered) = answer(read(&public(HOST), PROLOGUE, &message).unwrap().0, &[]);
    let mut message = message;
    message[..32].fill(0);
    assert_eq!(read(&public(HOST), PROLOGUE, &message).err(), weak);
    answered[..32].fill(0);
    assert_eq!(finish(&initiated, &answered).err(), weak);
}
