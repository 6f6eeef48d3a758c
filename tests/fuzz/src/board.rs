//! A board on this computer that receives given bytes.

use std::convert::Infallible;

use app::Recogniser;
use app::port::{Port, PortError};
use app::serve::{About, Meter, serve};
use host::simulator::AlignedBytes;

use crate::line::Line;

struct Still;

impl Meter for Still {
    fn instructions(&mut self) -> u64 {
        0
    }

    fn stack_bytes(&mut self) -> u32 {
        0
    }
}

/// Serves until all bytes are received. Returns the bytes that the board sent.
///
/// # Panics
/// When the image is wrong.
pub fn serve_all(image: &[u8], heard: &[u8]) -> Vec<u8> {
    let image = AlignedBytes::copy(image);
    let image = format::Image::new_checked(image.bytes()).expect("the image is sound");
    let mut arena = AlignedBytes::zeroed(1 << 14);
    let recogniser: Result<_, Infallible> =
        Ok(Recogniser::of_image(image, arena.bytes_mut()).expect("the network is sound"));
    let mut line = Line { heard: heard.iter().copied().collect(), said: Vec::new() };
    let mut port = Port::new(&mut line);
    let about = About { board: "fuzzed", start_instructions: 0 };
    // Not a multiple of anything, so that frames just fit and just do not.
    let mut frames = [0x77; 1999];
    let frames = &mut &mut frames[..];
    while serve(&about, &recogniser, arena.bytes_mut(), &mut port, &mut Still, frames) != PortError::Closed {}
    line.said
}
