//! A board's end of the link: reads requests from a byte stream and writes replies to it.

use core::fmt::{self, Write as _};

use embedded_io::{ErrorKind, Read, Write};
use heapless::string::{String, StringView};
use link::{Decoder, FrameError, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES, Message, Reply};

/// Why a port can no longer be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortError {
    /// The byte stream failed.
    Stream(ErrorKind),
    /// The byte stream ended.
    Closed,
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(kind) => write!(f, "link: {kind:?}"),
            Self::Closed => write!(f, "link: closed by the other side"),
        }
    }
}

impl core::error::Error for PortError {}

/// Writes all of the bytes.
///
/// # Errors
/// [`PortError`]. A stream that takes nothing is closed.
pub fn write<S: Write>(stream: &mut S, mut bytes: &[u8]) -> Result<(), PortError> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(PortError::Closed),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) => return Err(stream_error(error)),
        }
    }
    Ok(())
}

/// A byte stream and the bytes received from it.
pub struct Port<S> {
    stream: S,
    decoder: Decoder,
}

impl<S: Read + Write> Port<S> {
    /// A port over this byte stream.
    pub const fn new(stream: S) -> Self {
        Port { stream, decoder: Decoder::new() }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`PortError::Stream`].
    // Not inlined, so that its buffers are not on the stack while an embedding is computed.
    #[inline(never)]
    pub fn send(&mut self, turn: u32, reply: &Reply) -> Result<(), PortError> {
        let (mut message, mut frame) = ([0; MAX_REPLY_BYTES], [0; MAX_REPLY_FRAME_BYTES]);
        let framed = reply.emit(turn, &mut message).and_then(|message| link::encode(message, &mut frame));
        // Every reply fits, as a test of `link` shows.
        let framed = framed.unwrap_or_default();
        write(&mut self.stream, framed).and_then(|()| self.stream.flush().map_err(stream_error))
    }

    /// Tells the host why the board stopped.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_stop(&mut self, why: &dyn fmt::Display) -> Result<(), PortError> {
        self.send(0, &Reply::Failed(text(why)))
    }

    /// Waits for a message or a damaged frame. Skips echoes of replies.
    ///
    /// # Errors
    /// [`PortError`].
    pub fn wait(&mut self) -> Result<Result<(), FrameError>, PortError> {
        loop {
            let mut byte = [0];
            if self.stream.read(&mut byte).map_err(stream_error)? == 0 {
                return Err(PortError::Closed);
            }
            match self.decoder.push(byte[0]) {
                Ok(false) => {}
                Ok(true) if self.message().is_none_or(|message| message.is_reply()) => {}
                Ok(true) => return Ok(Ok(())),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    /// The message that [`Self::wait`] waited for.
    pub fn message(&self) -> Option<Message<'_>> {
        Message::parse(self.decoder.message())
    }
}

/// A text, cut at the end if it is too long.
pub(crate) fn text<const BYTES: usize>(content: &dyn fmt::Display) -> String<BYTES> {
    let mut text = String::new();
    // The rest is cut off.
    let _ = write!(Cut(text.as_mut_view()), "{content}");
    text
}

struct Cut<'a>(&'a mut StringView);

impl fmt::Write for Cut<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        part.chars().try_for_each(|character| self.0.push(character).map_err(|_| fmt::Error))
    }
}

fn stream_error(error: impl embedded_io::Error) -> PortError {
    PortError::Stream(error.kind())
}
