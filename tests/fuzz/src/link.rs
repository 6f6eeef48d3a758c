//! A board that receives arbitrary bytes does not panic and does not stop serving. A host whose board answers with arbitrary
//! messages, noise and silence does not panic and comes to an end.
#![no_main]

mod board;

use std::sync::LazyLock;

use board::serve_all;
use libfuzzer_sys::fuzz_target;
use suite::answers::converse;

/// A small image with eyes.
static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| suite::join(&suite::tiny_sections_with_eyes()));

fuzz_target!(|bytes: &[u8]| {
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
