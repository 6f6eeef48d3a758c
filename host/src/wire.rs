//! Messages over a stream to a board.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use link::message::{Hello, VERSION};
use link::{Decoder, FrameError, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, Message, Reply, Request};

use crate::transport::Stream;

/// Time after which the greeting is repeated, because the board may not have listened yet.
const GREETING_AGAIN: Duration = Duration::from_secs(1);

/// The turn after this one; never 0.
pub fn following(turn: u32) -> u32 {
    turn.wrapping_add(1).max(1)
}

/// The last message of a board that stopped answering.
enum Last {
    Nothing,
    /// Something that is no answer.
    Noise,
    /// Why it stopped.
    Words(String),
}

impl Last {
    /// The one that tells more.
    fn or(self, other: Last) -> Last {
        if let Last::Nothing = self { other } else { self }
    }

    /// What to say; `place` is what is known of the port.
    fn words(self, place: &str) -> String {
        match self {
            Last::Nothing => format!("no answer from the board; is it on, flashed and on this port{place}?"),
            Last::Noise => format!(
                "no answer from the board, though it sends something; is it flashed with firmware that speaks version \
                 {VERSION} of the link, and is the speed of the port right{place}? --baud sets it"
            ),
            Last::Words(why) => format!("no answer from the board; it stopped: {why}; reset it"),
        }
    }
}

/// What came over a stream.
// One at a time, on the stack.
#[allow(clippy::large_enum_variant)]
pub enum Heard {
    /// A reply and its turn.
    Reply(u32, Reply),
    /// A message that is no reply, or none that this version knows.
    Unknown,
    /// A frame that is damaged.
    Damaged,
    /// Nothing, for as long as was listened.
    Nothing,
}

/// Messages over a stream.
pub struct Wire {
    /// The bytes.
    pub stream: Box<dyn Stream>,
    decoder: Decoder,
    /// Bytes that are not looked at yet.
    received: VecDeque<u8>,
}

impl Wire {
    /// Over a stream from which nothing was read.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Wire { stream: Box::new(stream), decoder: Decoder::new(), received: VecDeque::new() }
    }

    /// Opens a stream that has ended again.
    ///
    /// # Errors
    /// As [`Stream::reopen`].
    pub fn reopen(&mut self) -> Result<()> {
        if self.stream.reopen()? {
            (self.decoder, self.received) = (Decoder::new(), VecDeque::new());
        }
        Ok(())
    }

    /// Greets the board for as long as `patience`. Messages for earlier hosts, and text of its start, are skipped.
    ///
    /// # Errors
    /// When nobody answers, the firmware is of another version, or the board has no usable image.
    pub fn greet(&mut self, turn: u32, patience: Duration) -> Result<Hello> {
        let deadline = self.stream.now() + patience;
        let mut again = self.stream.now();
        let mut last = Last::Nothing;
        loop {
            if self.stream.now() >= deadline {
                let elsewhere = self.stream.elsewhere();
                let place = if elsewhere.is_empty() { elsewhere } else { format!(" (it is {elsewhere})") };
                let words = last.words(&place);
                return Err(self.explain(words));
            }
            if self.stream.now() >= again {
                self.send(turn, &Request::Hello)?;
                again = self.stream.now() + GREETING_AGAIN;
            }
            match self.listen(again.min(deadline))? {
                Heard::Reply(to, Reply::Hello(hello)) if to == turn => return Ok(hello),
                Heard::Reply(to, Reply::OtherVersion(version)) if to == turn => bail!(
                    "the board speaks version {version} of the link, this program {VERSION}; flash matching firmware"
                ),
                Heard::Reply(to, Reply::Failed(why)) if to == turn => {
                    bail!("the board answers but cannot work: {why}")
                }
                Heard::Reply(0, Reply::Failed(why)) => last = Last::Words(why.to_string()),
                Heard::Reply(..) | Heard::Unknown | Heard::Damaged => last = last.or(Last::Noise),
                Heard::Nothing => {}
            }
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`Self::send_message`].
    pub fn send(&mut self, turn: u32, request: &Request<'_>) -> Result<()> {
        let mut message = [0; MAX_MESSAGE_BYTES];
        let message = request.emit(turn, &mut message)?;
        self.send_message(message)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When it is too long, the stream has ended, or the other side takes nothing.
    pub fn send_message(&mut self, message: &[u8]) -> Result<()> {
        let mut frame = [0; MAX_FRAME_BYTES];
        match self.stream.write(link::encode(message, &mut frame)?) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                bail!("the port takes no bytes; reset the board, look at its cable, and start again")
            }
            Err(error) => Err(anyhow!(self.stream.why_gone(Some(&error)))),
        }
    }

    /// Waits for a reply until a deadline.
    ///
    /// # Errors
    /// When the stream has ended.
    pub fn listen(&mut self, deadline: Instant) -> Result<Heard> {
        Ok(match self.hear(deadline)? {
            None => Heard::Nothing,
            Some(Err(_)) => Heard::Damaged,
            Some(Ok(message)) => {
                message.reply().map_or(Heard::Unknown, |reply| Heard::Reply(message.turn, reply))
            }
        })
    }

    /// Waits for a message or a damaged frame until a deadline.
    ///
    /// # Errors
    /// When the stream has ended.
    pub fn hear(&mut self, deadline: Instant) -> Result<Option<Result<Message<'_>, FrameError>>> {
        loop {
            while let Some(byte) = self.received.pop_front() {
                match self.decoder.push(byte) {
                    Ok(false) => {}
                    Err(error) => return Ok(Some(Err(error))),
                    // A frame without a message's header is noise.
                    Ok(true) => {
                        let message = Message::parse(self.decoder.message());
                        return Ok(Some(message.ok_or(FrameError::Damaged)));
                    }
                }
            }
            let patience = deadline.saturating_duration_since(self.stream.now());
            if patience.is_zero() {
                return Ok(None);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer, patience) {
                Ok(0) => return Err(anyhow!(self.stream.why_gone(None))),
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) => match error.kind() {
                    io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                    _ => return Err(anyhow!(self.stream.why_gone(Some(&error)))),
                },
            }
        }
    }

    /// These words, and the emulator's if it has any.
    pub fn explain(&mut self, words: String) -> anyhow::Error {
        match self.stream.complaints() {
            complaints if complaints.is_empty() => anyhow!(words),
            complaints => anyhow!("{words}; {complaints}"),
        }
    }
}
