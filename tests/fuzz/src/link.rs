//! A board that receives arbitrary bytes does not panic and does not stop serving, and its host accepts any answer.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use app::Recogniser;
use app::port::{Port, PortError};
use app::serve::{About, Meter, serve};
use host::simulator::AlignedBytes;
use libfuzzer_sys::fuzz_target;
use link::{Decoder, Message};

/// A small image with eyes.
static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| suite::join(&suite::tiny_sections_with_eyes()));

/// The bytes that the board receives. The stream ends after them.
struct Heard<'a>(&'a [u8]);

impl embedded_io::ErrorType for Heard<'_> {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Heard<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let count = buffer.len().min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

impl embedded_io::Write for Heard<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

struct Still;

impl Meter for Still {
    fn instructions(&mut self) -> u64 {
        0
    }

    fn stack_bytes(&mut self) -> u32 {
        0
    }
}

fuzz_target!(|bytes: &[u8]| {
    // The host receives the bytes.
    let mut decoder = Decoder::new();
    for &byte in bytes {
        if decoder.push(byte) == Ok(true)
            && let Some(message) = Message::parse(decoder.message())
        {
            let _ = message.reply();
        }
    }
    // The board receives the bytes. If they contain no frames, each piece is put into a frame.
    let image = AlignedBytes::copy(&IMAGE);
    let image = format::Image::new_checked(image.bytes()).expect("the image is sound");
    let mut arena = AlignedBytes::zeroed(1 << 14);
    let recogniser: Result<_, Infallible> =
        Ok(Recogniser::of_image(image, arena.bytes_mut()).expect("the network is sound"));
    let mut framed = Vec::new();
    for piece in bytes.split(|&byte| byte == 0xa5) {
        let mut frame = [0; link::MAX_FRAME_BYTES];
        if let Ok(frame) = link::encode(&piece[..piece.len().min(link::MAX_MESSAGE_BYTES)], &mut frame) {
            framed.extend_from_slice(frame);
        }
    }
    framed.extend_from_slice(bytes);
    let mut port = Port::new(Heard(&framed));
    let about = About { board: "fuzzed", start_instructions: 0 };
    // Not a multiple of anything, so that frames just fit and just do not.
    let mut frames = [0x77; 1999];
    let frames = &mut &mut frames[..];
    while serve(&about, &recogniser, arena.bytes_mut(), &mut port, &mut Still, frames) != PortError::Closed {}
});
