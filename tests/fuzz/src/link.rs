//! Any message passes through a frame, also after a damaged one, and its meaning through bytes. A board that receives arbitrary
//! bytes does not panic and does not stop serving. A host whose board answers with arbitrary messages, noise and silence does
//! not panic and comes to an end.
#![no_main]

use std::sync::LazyLock;

use fuzz::board::serve_all;
use fuzz::frames::LINK;
use fuzz::steps::variations;
use libfuzzer_sys::fuzz_target;
use link::{Decoder, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_PLAIN_REPLY_BYTES, Message};
use suite::answers::converse;

/// How often the codec gets each piece, each time changed in another way.
const TIMES: u8 = 64;

/// A small image with eyes.
static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| suite::join(&suite::tiny_sections_with_eyes()));

/// A message passes through a frame, and so it does with a byte of the frame changed before.
fn check_codec(decoder: &mut Decoder, message: &[u8], time: u8) {
    let mut room = [0xa5; MAX_FRAME_BYTES];
    let frame = link::encode(message, &mut room).expect("the message is short enough");
    let mut damaged = frame.to_vec();
    let place = usize::from(time) * 5 % frame.len();
    damaged[place] ^= time | 1;
    LINK.with(|count| count.add());
    for byte in damaged {
        let is_whole = decoder.push(byte) == Ok(true);
        assert!(is_whole || decoder.message().is_empty());
    }
    LINK.with(|count| count.add());
    let mut is_passed = false;
    for &byte in frame {
        assert!(!is_passed, "a message before the end of its frame");
        is_passed = decoder.push(byte) == Ok(true) && decoder.message() == message;
    }
    assert!(is_passed, "a frame that is not received");
    check_meaning(message);
}

/// Whatever a message means, it means once more when it is said anew, and there is room to say it.
fn check_meaning(message: &[u8]) {
    let Some(message) = Message::parse(message) else { return };
    let turn = message.turn;
    if let Ok(request) = message.request() {
        let (mut first, mut second) = ([0xa5; MAX_PLAIN_BYTES], [0xa5; MAX_PLAIN_BYTES]);
        let first = request.emit(turn, &mut first).expect("room for every request");
        let again = Message::parse(first).and_then(|message| message.request().ok());
        let again = again.expect("a request that is said anew");
        assert_eq!(again.emit(turn, &mut second).expect("room for every request"), first);
    }
    if let Ok(reply) = message.reply() {
        let (mut first, mut second) = ([0xa5; MAX_PLAIN_REPLY_BYTES], [0xa5; MAX_PLAIN_REPLY_BYTES]);
        let first = reply.emit(turn, &mut first).expect("room for every reply");
        let again = Message::parse(first).and_then(|message| message.reply().ok());
        let again = again.expect("a reply that is said anew");
        assert_eq!(again.emit(turn, &mut second).expect("room for every reply"), first);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = Decoder::new();
    for piece in bytes.split(|&byte| byte == 0xa5) {
        for (varied, time) in variations(&piece[..piece.len().min(MAX_MESSAGE_BYTES)], TIMES).zip(0..) {
            check_codec(&mut decoder, &varied, time);
        }
    }
    // The host receives the bytes, as answers to its requests.
    for outcome in converse(bytes) {
        if let Err(error) = outcome {
            let _ = format!("{error:#}");
        }
    }
    // The board receives the bytes. If they contain no frames, each piece is put into a frame.
    let mut framed = Vec::new();
    for piece in bytes.split(|&byte| byte == 0xa5) {
        let mut frame = [0; link::MAX_FRAME_BYTES];
        if let Ok(frame) = link::encode(&piece[..piece.len().min(link::MAX_MESSAGE_BYTES)], &mut frame) {
            framed.extend_from_slice(frame);
        }
    }
    framed.extend_from_slice(bytes);
    serve_all(&IMAGE, &framed);
});
