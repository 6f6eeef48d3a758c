//! Counts instructions of sessions: the board's side of a handshake, refused handshakes, and sealed messages.

use core::fmt::Write;

use app::serve::Meter;
use cortex::stack;
use link::message::{MAX_CHUNK_BYTES, Objection, SessionReply, UpdateRequest};
use link::session::{Initiator, KeyPair, Responder, TAG_BYTES};
use link::{MAX_MESSAGE_BYTES, MAX_PLAIN_BYTES, MAX_REPLY_BYTES, Message, Reply, Request};

use crate::bench::count;
use crate::{Board, Counts, Gauges};

/// Why the count failed.
#[derive(Clone, Copy, Debug)]
pub enum SessionError {
    /// A message meant something else than it should have.
    Meaning,
    /// Text could not be written.
    Write,
}

impl From<core::fmt::Error> for SessionError {
    fn from(_: core::fmt::Error) -> Self {
        SessionError::Write
    }
}

/// Opens sessions of a host and a board, both on this processor, and prints instructions of the board's side: for an `Open`
/// of a stranger, for a changed one, for the right one; to open a sealed piece of an update, and to seal a long reply.
///
/// # Errors
/// [`SessionError`].
pub fn session<B: Board>(
    _arena: &mut [u8],
    _counts: &mut Counts,
    out: &mut impl Write,
) -> Result<(), SessionError> {
    let mut gauges = Gauges(B::counter());
    let host = KeyPair::new([1; 32]);
    let mut responder = Responder::new(KeyPair::new([2; 32]), false);
    responder.add(*host.public());
    let mut stranger = Initiator::new(KeyPair::new([3; 32]), *responder.public());
    let mut host = Initiator::new(host, *responder.public());
    let mut plain = [0; MAX_PLAIN_BYTES + TAG_BYTES];
    let (mut sent, mut answered) = ([0; MAX_MESSAGE_BYTES], [0; MAX_REPLY_BYTES]);
    writeln!(out, "responder_bytes {}", size_of::<Responder>())?;

    stack::paint();
    let mut hear = |responder: &mut Responder, bytes: &[u8]| {
        count(&mut gauges, || {
            Message::parse(bytes)
                .and_then(|message| responder.receive(&message, &mut plain, || [5; 32]).answer())
        })
    };
    let refused = Some((Reply::Refused(Objection::Unauthorised), false));
    let unknown = stranger.open(1, [4; 32], &mut sent).map_err(|_| SessionError::Meaning)?;
    let (unknown_instructions, answer) = hear(&mut responder, unknown);
    let mut is_right = answer == refused;
    let opening = host.open(1, [4; 32], &mut sent).map_err(|_| SessionError::Meaning)?;
    let mut forged = [0; 128];
    let forged = &mut forged[..opening.len()];
    forged.copy_from_slice(opening);
    forged[opening.len() - 1] ^= 1;
    let (forged_instructions, answer) = hear(&mut responder, forged);
    is_right &= answer == refused;
    let (open_instructions, answer) = hear(&mut responder, opening);
    let stack_bytes = stack::high_water_bytes();
    let Some((reply @ Reply::Session(SessionReply::Opened(_)), false)) = answer else {
        return Err(SessionError::Meaning);
    };
    let opened = responder.reply(1, &reply, false, &mut answered).map_err(|_| SessionError::Meaning)?;
    host.receive(&Message::parse(opened).ok_or(SessionError::Meaning)?);

    let chunk = Request::Update(UpdateRequest::Chunk(0, &[7; MAX_CHUNK_BYTES]));
    let chunk = host.request(2, &chunk, &mut sent).map_err(|_| SessionError::Meaning)?;
    // It is a request for others, so that there is no answer yet.
    let (chunk_instructions, answer) = hear(&mut responder, chunk);
    is_right &= answer.is_none();
    let reply = Reply::Embedding([-1; link::message::CHUNK].into_iter().collect());
    let (seal_instructions, sealed) =
        count(&mut gauges, || responder.reply(2, &reply, true, &mut answered).map(<[u8]>::len));
    let reply_bytes = sealed.map_err(|_| SessionError::Meaning)?;

    writeln!(out, "unknown_hint_instructions {unknown_instructions}")?;
    writeln!(out, "forged_open_instructions {forged_instructions}")?;
    writeln!(out, "open_instructions {open_instructions}")?;
    writeln!(out, "open_stack_bytes {stack_bytes}")?;
    writeln!(out, "chunk_bytes {MAX_CHUNK_BYTES} instructions {chunk_instructions}")?;
    writeln!(out, "sealed_reply_bytes {reply_bytes} instructions {seal_instructions}")?;
    writeln!(out, "stack_bytes {}", gauges.stack_bytes())?;
    if is_right { Ok(()) } else { Err(SessionError::Meaning) }
}
