//! Messages over a byte stream: postcard, then CRC-32, framed by COBS and a zero byte.

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};
use embedded_io::{Read, Write};
use heapless::Vec;
use postcard::ser_flavors::{Cobs, Slice, crc::CrcModifier};
use serde::{Deserialize, Serialize};

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Longest frame: a row of 1,024 RGB pixels, with framing.
pub const MAX_FRAME: usize = 3200;

/// Why a message did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The byte stream failed.
    Stream(embedded_io::ErrorKind),
    /// The byte stream ended.
    Closed,
    /// A frame is longer than [`MAX_FRAME`].
    TooLong,
    /// A frame is damaged, or no message that this version knows.
    Malformed,
    /// Another message than the one expected.
    Unexpected,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(kind) => write!(f, "link: {kind:?}"),
            Self::Closed => write!(f, "link: closed by the other side"),
            Self::TooLong => write!(f, "link: message longer than {MAX_FRAME} bytes"),
            Self::Malformed => write!(f, "link: damaged message"),
            Self::Unexpected => write!(f, "link: message out of turn"),
        }
    }
}

impl core::error::Error for LinkError {}

/// One end of a link.
pub struct Link<S> {
    stream: S,
    frame: Vec<u8, MAX_FRAME>,
}

impl<S: Read + Write> Link<S> {
    /// An end over a byte stream.
    pub const fn new(stream: S) -> Self {
        Link { stream, frame: Vec::new() }
    }

    /// The byte stream.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`LinkError::Stream`], [`LinkError::TooLong`].
    pub fn send(&mut self, message: &impl Serialize) -> Result<(), LinkError> {
        // Nothing received is in use any more.
        let _ = self.frame.resize(MAX_FRAME, 0);
        let cobs = Cobs::try_new(Slice::new(&mut self.frame)).map_err(|_| LinkError::TooLong)?;
        let frame = postcard::serialize_with_flavor(message, CrcModifier::new(cobs, CHECKSUM.digest()))
            .map_err(|_| LinkError::TooLong)?;
        self.stream.write_all(frame).and_then(|()| self.stream.flush()).map_err(stream_error)
    }

    /// Waits for a message.
    ///
    /// # Errors
    /// [`LinkError`]. After [`LinkError::Malformed`] and [`LinkError::TooLong`] the next message can be received.
    pub fn receive<'a, T: Deserialize<'a>>(&'a mut self) -> Result<T, LinkError> {
        self.frame.clear();
        let mut overrun = false;
        loop {
            let mut byte = [0];
            if self.stream.read(&mut byte).map_err(stream_error)? == 0 {
                return Err(LinkError::Closed);
            }
            match byte[0] {
                0 if overrun => return Err(LinkError::TooLong),
                // An empty frame is what a sender uses to end whatever noise came before.
                0 if self.frame.is_empty() => {}
                0 => break,
                byte => overrun |= self.frame.push(byte).is_err(),
            }
        }
        let length = cobs::decode_in_place(&mut self.frame).map_err(|_| LinkError::Malformed)?;
        postcard::from_bytes_crc32(&self.frame[..length], CHECKSUM.digest()).map_err(|_| LinkError::Malformed)
    }

    /// Ends a frame that may be half received on the other side, so that the next message is understood.
    ///
    /// # Errors
    /// [`LinkError::Stream`].
    pub fn resynchronise(&mut self) -> Result<(), LinkError> {
        self.stream.write_all(&[0]).and_then(|()| self.stream.flush()).map_err(stream_error)
    }
}

fn stream_error(error: impl embedded_io::Error) -> LinkError {
    LinkError::Stream(error.kind())
}
