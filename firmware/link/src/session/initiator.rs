//! The host's side of sessions.

use super::channel::{Channel, Fault, SendError, Side, is_sealed};
use super::handshake::{HANDSHAKE_BYTES, HandshakeError, Initiated};
use super::key::{KeyPair, PublicKey, hint};
use super::{TAG_BYTES, prologue};
use crate::message::{Ending, Handshake, Objection, Reply, Request, SessionReply, SessionRequest};
use crate::{MAX_PLAIN_REPLY_BYTES, Message};

/// What a message means to the host.
#[derive(Clone, Debug, PartialEq)]
// Events live for one exchange, and only one at a time.
#[allow(clippy::large_enum_variant)]
pub enum HostEvent {
    /// A reply.
    Reply {
        /// It.
        reply: Reply,
        /// Whether the board sealed it. Anybody on the wire can have sent it otherwise.
        is_sealed: bool,
    },
    /// The session is open.
    Opened,
    /// A session is open or asked for, and this refusal is not sealed: the board, or anybody on the wire, says why a
    /// request failed. The session goes on.
    Refused(Objection),
    /// There is no session any more: the board, or anybody on the wire, says so.
    Closed(Ending),
    /// The message means nothing here. The host goes on waiting.
    Ignored,
}

enum State {
    Closed,
    Opening { initiated: Initiated, turn: u32 },
    Open(Channel),
}

/// A host's sessions with one board, one at a time. Secrets are wiped when they are no longer needed.
pub struct Initiator {
    keys: KeyPair,
    board: PublicKey,
    state: State,
}

impl Initiator {
    /// A host of this key pair, and the board's public key that it keeps from pairing.
    pub fn new(keys: KeyPair, board: PublicKey) -> Self {
        Initiator { keys, board, state: State::Closed }
    }

    /// Whether a session is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Ends the session, if any. The board does not know of it until it receives [`SessionRequest::Close`] or a `Hello`.
    pub fn close(&mut self) {
        self.state = State::Closed;
    }

    /// Writes the message that asks for a session. Ends the session before. `ephemeral`: 32 random bytes, new each
    /// time.
    ///
    /// # Errors
    /// [`HandshakeError::WeakKey`] when the board's key is none; [`HandshakeError::Length`] when the buffer is too short.
    pub fn open<'b>(
        &mut self,
        turn: u32,
        ephemeral: [u8; 32],
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], HandshakeError> {
        self.state = State::Closed;
        let mut message = [0; HANDSHAKE_BYTES];
        let prologue = prologue(&self.board);
        let (initiated, _) =
            Initiated::begin(&self.keys, &self.board, &prologue, ephemeral, &[], &mut message)?;
        let (hint, handshake) = (hint(self.keys.public()), Handshake::of(&message));
        let request = Request::Session(SessionRequest::Open { hint, handshake });
        let message = request.emit(turn, buffer).map_err(|_| HandshakeError::Length)?;
        self.state = State::Opening { initiated, turn };
        Ok(message)
    }

    /// Writes a sealed request into a buffer.
    ///
    /// # Errors
    /// [`SendError::NoSession`] or [`SendError::TooLong`].
    pub fn request<'b>(
        &mut self,
        turn: u32,
        request: &Request<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SendError> {
        let State::Open(channel) = &mut self.state else { return Err(SendError::NoSession) };
        let emit = |text: &mut [u8]| request.emit(turn, text).map(<[u8]>::len);
        channel.seal(Side::Host, turn, emit, buffer)
    }

    /// Takes a message. The turn of a reply is the message's.
    pub fn receive(&mut self, message: &Message<'_>) -> HostEvent {
        if is_sealed(message, Side::Board) {
            return self.open_sealed(message);
        }
        let Ok(reply) = message.reply() else { return HostEvent::Ignored };
        match (&self.state, reply) {
            (State::Opening { initiated, turn }, Reply::Session(SessionReply::Opened(handshake))) => {
                if *turn != message.turn {
                    return HostEvent::Ignored;
                }
                let mut payload = [0; TAG_BYTES];
                match initiated.finish(&self.keys, &handshake.bytes(), &mut payload) {
                    Ok((ciphers, _)) => {
                        self.state = State::Open(Channel::new(ciphers));
                        HostEvent::Opened
                    }
                    Err(_) => HostEvent::Ignored,
                }
            }
            (State::Open(_) | State::Opening { .. }, Reply::Refused(objection)) => {
                HostEvent::Refused(objection)
            }
            (State::Open(_) | State::Opening { .. }, Reply::Session(SessionReply::Closed(ending))) => {
                self.state = State::Closed;
                HostEvent::Closed(ending)
            }
            (State::Open(_), _) | (_, Reply::Session(SessionReply::Opened(_))) => HostEvent::Ignored,
            (State::Opening { .. } | State::Closed, reply) => HostEvent::Reply { reply, is_sealed: false },
        }
    }

    fn open_sealed(&mut self, message: &Message<'_>) -> HostEvent {
        let State::Open(channel) = &mut self.state else { return HostEvent::Ignored };
        let mut plain = [0; MAX_PLAIN_REPLY_BYTES + TAG_BYTES];
        match channel.open(Side::Board, message, &mut plain).map(|message| message.reply()) {
            Ok(Ok(reply)) => HostEvent::Reply { reply, is_sealed: true },
            Ok(Err(_)) | Err(Fault::Malformed | Fault::TooLong | Fault::Seal) => HostEvent::Ignored,
            Err(Fault::Last) => {
                self.state = State::Closed;
                HostEvent::Closed(Ending::Failures)
            }
        }
    }
}
