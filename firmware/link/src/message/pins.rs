//! Checks messages of every group against literal bytes.

use std::vec::Vec;

use super::{HEADER_BYTES, Message, Objection, Reply, Request};

const TURN: u32 = 0x0403_0201;

fn whole(group: u8, number: u8, body: &[u8]) -> Vec<u8> {
    [&[group, number, 1, 2, 3, 4], body].concat()
}

/// Requests, their numbers and bodies: emitted and parsed as they are; refused when cut, and when longer.
pub fn pin_requests<'a>(group: u8, pins: impl IntoIterator<Item = (Request<'a>, u8, Vec<u8>)>) {
    for (request, number, body) in pins {
        let bytes = whole(group, number, &body);
        let mut buffer = [0xa5; 128];
        assert_eq!(request.emit(TURN, &mut buffer).unwrap(), bytes);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.turn, message.request()), (TURN, Ok(request)));
        assert_eq!(message.reply(), Err(Objection::UnknownNumber));
        for damaged in damaged(&bytes) {
            let parsed = Message::parse(&damaged).unwrap().request();
            assert_eq!(parsed, Err(Objection::Malformed), "{request:?}");
        }
    }
}

/// The same for replies.
pub fn pin_replies(group: u8, pins: impl IntoIterator<Item = (Reply, u8, Vec<u8>)>) {
    for (reply, number, body) in pins {
        let bytes = whole(group, number, &body);
        let mut buffer = [0xa5; 128];
        assert_eq!(reply.emit(TURN, &mut buffer).unwrap(), bytes);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.turn, message.reply().as_ref()), (TURN, Ok(&reply)));
        assert_eq!(message.request(), Err(Objection::UnknownNumber));
        for damaged in damaged(&bytes) {
            let parsed = Message::parse(&damaged).unwrap().reply();
            assert_eq!(parsed, Err(Objection::Malformed), "{reply:?}");
        }
    }
}

/// The message with its body cut at every length, and with a byte more.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cuts = (HEADER_BYTES..bytes.len()).map(|cut| bytes[..cut].to_vec());
    cuts.chain([[bytes, &[0]].concat()])
}
