//! The board's side of sessions.

use heapless::Vec;

use super::channel::{Channel, Fault, SendError, Side, is_sealed};
use super::handshake::{HANDSHAKE_BYTES, HandshakeError, Heard};
use super::key::{KeyPair, PublicKey, hint};
use super::pairing::{Fingerprint, Window};
use super::parcel::{Parcel, parcel_prologue};
use super::{MAX_ADMINISTRATORS, prologue};
use crate::Message;
use crate::message::{Ending, Handshake, Label, Objection, Reply, Request, SessionReply, SessionRequest};

/// What a message means to the board.
#[derive(Clone, Debug, PartialEq)]
pub enum BoardEvent<'a> {
    /// A request that the host has the right to.
    Request {
        /// It.
        request: Request<'a>,
        /// Whether it is of the session. Its replies must be sealed then, and must not be otherwise.
        is_sealed: bool,
    },
    /// The message is refused.
    Refused {
        /// Why.
        objection: Objection,
        /// Whether it is of the session.
        is_sealed: bool,
    },
    /// A session is open. It ends the session before, whose tasks must end.
    Opened {
        /// The administrator's place in the list.
        administrator: u8,
        /// Answer.
        answer: Handshake,
    },
    /// Somebody begins to pair.
    Pairing {
        /// Answer.
        answer: SessionReply,
    },
    /// The keys are exchanged, and the window is closed. The board shows the fingerprint. It calls [`Responder::add`] only
    /// when the user has found it equal to the host's and says so at the board.
    Paired {
        /// The host's public key.
        host: PublicKey,
        /// What the board shows.
        fingerprint: Fingerprint,
        /// Answer.
        answer: SessionReply,
    },
    /// There is no session (any more).
    Closed(Ending),
}

impl BoardEvent<'_> {
    /// The answer, and whether it must be sealed. `None` for requests, which somebody else carries out.
    pub fn answer(&self) -> Option<(Reply, bool)> {
        let answer = match *self {
            BoardEvent::Request { .. } => return None,
            BoardEvent::Refused { objection, is_sealed } => {
                return Some((Reply::Refused(objection), is_sealed));
            }
            BoardEvent::Opened { answer, .. } => SessionReply::Opened(answer),
            BoardEvent::Pairing { answer } | BoardEvent::Paired { answer, .. } => answer,
            BoardEvent::Closed(ending) => SessionReply::Closed(ending),
        };
        Some((Reply::Session(answer), false))
    }
}

/// A board's sessions, one at a time. Secrets are wiped when they are no longer needed.
pub struct Responder {
    keys: KeyPair,
    administrators: Vec<PublicKey, MAX_ADMINISTRATORS>,
    is_verify_open: bool,
    window: Window,
    channel: Option<Channel>,
    /// The administrator of the session.
    visitor: PublicKey,
}

impl Responder {
    /// A board of this key pair, without administrators and without a session. `is_verify_open`: the maker of the device lets
    /// everybody ask whether a face is accepted.
    pub fn new(keys: KeyPair, is_verify_open: bool) -> Self {
        let (window, channel, visitor) = (Window::Closed, None, [0; 32]);
        Responder { keys, administrators: Vec::new(), is_verify_open, window, channel, visitor }
    }

    /// The board's public key.
    pub fn public(&self) -> &PublicKey {
        self.keys.public()
    }

    /// The administrators' public keys.
    pub fn administrators(&self) -> &[PublicKey] {
        &self.administrators
    }

    /// Adds an administrator, if it is none yet. Returns whether it is one now: the list may be full.
    pub fn add(&mut self, administrator: PublicKey) -> bool {
        self.administrators.contains(&administrator) || self.administrators.push(administrator).is_ok()
    }

    /// Removes an administrator. No message of theirs is taken any more; their own session ends with the next reply in it, so
    /// that they hear that they are removed.
    pub fn remove(&mut self, administrator: &PublicKey) {
        self.administrators.retain(|known| known != administrator);
    }

    /// Begins a parcel for the owner of a key; see [`Parcel::pack`].
    ///
    /// # Errors
    /// As [`Parcel::pack`].
    pub fn pack(
        &self,
        to: &PublicKey,
        network: [u8; 16],
        dimension: u16,
        ephemeral: [u8; 32],
    ) -> Result<(Parcel, Label), HandshakeError> {
        let prologue = parcel_prologue(&network, dimension);
        let (parcel, handshake) = Parcel::pack(&self.keys, to, &prologue, ephemeral)?;
        Ok((parcel, Label { from: *self.keys.public(), network, dimension, handshake }))
    }

    /// The parcel with this label; see [`Parcel::unpack`].
    ///
    /// # Errors
    /// As [`Parcel::unpack`].
    pub fn unpack(&self, label: &Label) -> Result<Parcel, HandshakeError> {
        let prologue = parcel_prologue(&label.network, label.dimension);
        Parcel::unpack(&self.keys, &label.from, &prologue, &label.handshake)
    }

    /// Whether a session is open.
    pub fn is_open(&self) -> bool {
        self.channel.is_some()
    }

    /// Ends the session, if any.
    pub fn close(&mut self) {
        self.channel = None;
    }

    /// Lets one host pair: the button was pressed.
    pub fn open_window(&mut self) {
        self.window = Window::Open;
    }

    /// Lets nobody pair any more.
    pub fn close_window(&mut self) {
        self.window = Window::Closed;
    }

    /// Takes a message. What was sealed is opened in `plain`, which has room for the message in it and
    /// [`TAG_BYTES`](super::TAG_BYTES). `random` gives 32 random bytes, each time others.
    pub fn receive<'a>(
        &mut self,
        message: &Message<'a>,
        plain: &'a mut [u8],
        random: impl FnOnce() -> [u8; 32],
    ) -> BoardEvent<'a> {
        let refused = |objection| BoardEvent::Refused { objection, is_sealed: false };
        if is_sealed(message, Side::Host) {
            return self.open_sealed(message, plain);
        }
        match message.request() {
            Err(objection) => refused(objection),
            Ok(Request::Session(request)) => self.answer(&request, random),
            Ok(Request::Hello) => {
                self.end();
                BoardEvent::Request { request: Request::Hello, is_sealed: false }
            }
            Ok(_) if self.is_open() => refused(Objection::NotSealed),
            Ok(request) if !request.right().is_granted(false, self.is_verify_open) => {
                refused(Objection::NeedsSession)
            }
            Ok(request) => BoardEvent::Request { request, is_sealed: false },
        }
    }

    /// Writes a reply into a buffer, sealed if its request was.
    ///
    /// # Errors
    /// [`SendError`]. The reply is lost then, and must not be sent in another way.
    pub fn reply<'b>(
        &mut self,
        turn: u32,
        reply: &Reply,
        is_sealed: bool,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], SendError> {
        if is_sealed {
            let channel = self.channel.as_mut().ok_or(SendError::NoSession)?;
            let emit = |text: &mut [u8]| reply.emit(turn, text).map(<[u8]>::len);
            let sealed = channel.seal(Side::Board, turn, emit, buffer);
            self.dismiss_unless_known();
            return sealed;
        }
        if !reply.right().is_granted(false, self.is_verify_open) {
            return Err(SendError::NeedsSession);
        }
        Ok(reply.emit(turn, buffer)?)
    }

    fn end(&mut self) {
        self.channel = None;
        self.window.forget();
    }

    /// Ends the session of somebody who is no administrator any more.
    fn dismiss_unless_known(&mut self) {
        if !self.administrators.contains(&self.visitor) {
            self.channel = None;
        }
    }

    fn open_sealed<'a>(&mut self, message: &Message<'_>, plain: &'a mut [u8]) -> BoardEvent<'a> {
        let refused = |objection, is_sealed| BoardEvent::Refused { objection, is_sealed };
        self.dismiss_unless_known();
        let Some(channel) = &mut self.channel else { return refused(Objection::NoSession, false) };
        match channel.open(Side::Host, message, plain).map(|message| message.request()) {
            Ok(Ok(request)) => BoardEvent::Request { request, is_sealed: true },
            Ok(Err(objection)) => refused(objection, true),
            Err(Fault::Malformed) => refused(Objection::Malformed, true),
            Err(Fault::TooLong) => refused(Objection::TooLong, false),
            Err(Fault::Seal) => refused(Objection::Seal, false),
            Err(Fault::Last) => {
                self.channel = None;
                BoardEvent::Closed(Ending::Failures)
            }
        }
    }

    fn answer(&mut self, request: &SessionRequest, random: impl FnOnce() -> [u8; 32]) -> BoardEvent<'static> {
        let refused = |objection| BoardEvent::Refused { objection, is_sealed: false };
        match request {
            SessionRequest::Open { hint, handshake } => match self.shake_hands(hint, handshake, random) {
                Some((administrator, channel, answer)) => {
                    self.visitor =
                        self.administrators.get(usize::from(administrator)).copied().unwrap_or_default();
                    self.channel = Some(channel);
                    BoardEvent::Opened { administrator, answer }
                }
                None => refused(Objection::Unauthorised),
            },
            SessionRequest::Pair(host) => match self.window.pair(*host, self.keys.public(), random) {
                Some(answer) => BoardEvent::Pairing { answer },
                None => refused(Objection::NotPairing),
            },
            SessionRequest::Reveal(number) => match self.window.reveal(number, self.keys.public()) {
                Some((host, fingerprint, answer)) => BoardEvent::Paired { host, fingerprint, answer },
                None => refused(Objection::NotPairing),
            },
            SessionRequest::Close => {
                self.end();
                BoardEvent::Closed(Ending::Asked)
            }
        }
    }

    fn shake_hands(
        &self,
        asked: &[u8; 8],
        handshake: &Handshake,
        random: impl FnOnce() -> [u8; 32],
    ) -> Option<(u8, Channel, Handshake)> {
        let place = self.administrators.iter().position(|known| hint(known) == *asked)?;
        let (known, prologue) = (self.administrators.get(place)?, prologue(self.keys.public()));
        let mut message = handshake.bytes();
        let (heard, _) = Heard::read(&self.keys, known, &prologue, &message, &mut [0; 16]).ok()?;
        let (ciphers, _) = heard.answer(random(), &[], &mut message).ok()?;
        Some((place as u8, Channel::new(ciphers), Handshake::of(&message)))
    }
}

impl Handshake {
    /// The message of an empty payload.
    pub(super) fn bytes(&self) -> [u8; HANDSHAKE_BYTES] {
        let mut bytes = [0; HANDSHAKE_BYTES];
        let (ephemeral, tag) = bytes.split_at_mut(self.ephemeral.len());
        ephemeral.copy_from_slice(&self.ephemeral);
        tag.copy_from_slice(&self.tag);
        bytes
    }

    pub(super) fn of(message: &[u8; HANDSHAKE_BYTES]) -> Self {
        let mut handshake = Handshake { ephemeral: [0; 32], tag: [0; 16] };
        let (ephemeral, tag) = message.split_at(handshake.ephemeral.len());
        handshake.ephemeral.copy_from_slice(ephemeral);
        handshake.tag.copy_from_slice(tag);
        handshake
    }
}
