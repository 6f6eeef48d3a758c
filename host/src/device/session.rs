//! A secure session with a device.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use link::message::{
    Hello, Notice, Objection, PeopleRefusal, PeopleReply, PeopleRequest, SessionReply, SessionRequest, Shot,
    Test, Tested, UpdateReply, UpdateRequest, View,
};
use link::session::{Fingerprint, HostEvent, HostPairing, Initiator, KeyPair, PublicKey};
use link::{MAX_MESSAGE_BYTES, Message, Reply, Request};

use super::keys::Keys;
use crate::output;
use crate::secret::random;
use crate::transport::Stream;
use crate::wire::{Heard, Wire, following};

/// Time in which a device must answer the first greeting, including its start.
const GREETING: Duration = Duration::from_secs(20);
/// Time in which it must answer a request. A page of its flash is erased in a tenth of a second; a commit erases many.
const ANSWER: Duration = Duration::from_secs(30);
/// The device has no room for many rows; it says that it works at least every second.
const SILENCE: Duration = Duration::from_secs(5);

/// Between two looks at what is to be done while a device tests itself.
const MEANWHILE: Duration = Duration::from_millis(200);

/// How often a session is asked for again of a device that says how long it hears nobody.
const MOST_WAITS: usize = 3;

/// The device refuses what was asked about people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub PeopleRefusal);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device: {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// The device answers what was not asked.
pub(super) fn surprised(reply: &impl fmt::Debug) -> anyhow::Error {
    anyhow!("the device answers something else than was asked ({reply:?})")
}

/// What a device tells without being asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A photo of an enrolment.
    Shot(Shot),
    /// A decision, or another mode.
    Notice(Notice),
}

/// A device with which a session is open.
pub struct Session {
    wire: Wire,
    initiator: Initiator,
    hello: Hello,
    /// What the administrator calls the board.
    name: String,
    /// The board's key.
    board: PublicKey,
    turn: u32,
    events: VecDeque<Event>,
}

/// A device that was greeted.
pub struct Greeted {
    wire: Wire,
    hello: Hello,
    turn: u32,
}

impl Greeted {
    /// Greets a device.
    ///
    /// # Errors
    /// When nobody answers, or the firmware is of another version.
    pub fn new(stream: impl Stream + 'static) -> Result<Self> {
        let mut wire = Wire::new(stream);
        let [a, b, c, d, ..] = random()?;
        let turn = following(u32::from_le_bytes([a, b, c, d]));
        let hello = wire.greet(turn, GREETING)?;
        Ok(Greeted { wire, hello, turn })
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<Reply> {
        self.turn = following(self.turn);
        self.wire.send(self.turn, request)?;
        let deadline = self.wire.stream.now() + ANSWER;
        loop {
            match self.wire.listen(deadline)? {
                Heard::Reply(turn, reply) if turn == self.turn => return Ok(reply),
                Heard::Nothing => {
                    return Err(self.wire.explain("the device stopped answering; reset it".to_string()));
                }
                _ => {}
            }
        }
    }

    /// Exchanges keys with the device while its window is open. Returns its key and the fingerprint.
    ///
    /// # Errors
    /// When the window is not open, or somebody in between changes messages.
    pub fn pair(&mut self, keys: &KeyPair) -> Result<(PublicKey, Fingerprint)> {
        let (mut pairing, request) = HostPairing::begin(*keys.public(), random()?);
        let answer = |reply: Reply| match reply {
            Reply::Session(reply) => Ok(reply),
            Reply::Refused(Objection::NotPairing) => {
                bail!("the device does not pair now: press its button, and start again within a minute")
            }
            Reply::Refused(objection) => bail!("the device refuses to pair: {objection}"),
            reply => Err(surprised(&reply)),
        };
        let first: SessionReply = answer(self.ask(&Request::Session(request))?)?;
        let reveal = pairing.reveal(&first)?;
        let second = answer(self.ask(&Request::Session(reveal))?)?;
        Ok(pairing.finish(&second)?)
    }

    /// Opens a session with one of the boards in a key file; with the one of this name, if any is given.
    ///
    /// # Errors
    /// When the device is none of these boards, or does not know this administrator.
    pub fn open(mut self, keys: &Keys, name: Option<&str>) -> Result<Session> {
        let boards: Vec<(String, PublicKey)> = keys
            .boards()
            .filter(|(known, _)| name.is_none_or(|name| name == *known))
            .map(|(name, key)| (name.to_string(), key))
            .collect();
        ensure!(
            !boards.is_empty(),
            "the key file has no board{}; `host device pair` adds one",
            name.map_or(String::new(), |name| format!(" called {name}"))
        );
        for (name, key) in boards {
            let mut initiator = Initiator::new(keys.pair(), key);
            if shake_hands_patiently(&mut self.wire, &mut self.turn, &mut initiator)? {
                let Greeted { wire, hello, turn } = self;
                let events = VecDeque::new();
                return Ok(Session { wire, initiator, hello, name, board: key, turn, events });
            }
        }
        bail!(
            "the device does not know this administrator's key, or is none of the boards in the key file; pair with \
             `host device pair`"
        )
    }
}

impl Session {
    /// The device.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What the administrator calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public key.
    pub fn board(&self) -> &PublicKey {
        &self.board
    }

    /// Asks about people.
    ///
    /// # Errors
    /// [`Refused`] if the device refuses; when it does not answer.
    pub fn people(&mut self, request: &PeopleRequest<'_>) -> Result<PeopleReply> {
        match self.ask(&Request::People(*request))? {
            Reply::People(PeopleReply::Refused(refusal)) => Err(Refused(refusal).into()),
            Reply::People(reply) => Ok(reply),
            reply => Err(surprised(&reply)),
        }
    }

    /// Asks about an update.
    ///
    /// # Errors
    /// When the device does not answer.
    pub fn update(&mut self, request: &UpdateRequest<'_>) -> Result<UpdateReply> {
        match self.ask(&Request::Update(*request))? {
            Reply::Update(reply) => Ok(reply),
            reply => Err(anyhow!("the device answers something else than was asked ({reply:?})")),
        }
    }

    /// Has the device test a part of itself. `meanwhile` is called from time to time until it answers.
    ///
    /// # Errors
    /// When the device does not answer, or what `meanwhile` fails with.
    pub fn test(&mut self, test: Test, mut meanwhile: impl FnMut() -> Result<()>) -> Result<Tested> {
        self.send(&Request::Test(test))?;
        let mut deadline = self.wire.stream.now() + ANSWER;
        loop {
            match self.answer(MEANWHILE)? {
                Some(Reply::Tested(tested)) if tested.test == test => return Ok(tested),
                Some(Reply::Working) => deadline = self.wire.stream.now() + ANSWER,
                Some(Reply::Refused(objection)) => bail!(
                    "the device refuses to test itself: {objection}; firmware of this program's version can"
                ),
                Some(reply) => return Err(surprised(&reply)),
                None if self.wire.stream.now() >= deadline => return Err(self.gone()),
                None => meanwhile()?,
            }
        }
    }

    /// Opens the session anew with a device that has restarted. Where the device's program has ended, a further call finds the one
    /// that was started in its place.
    ///
    /// # Errors
    /// When it does not answer, or does not know this administrator any more.
    pub fn reopen(&mut self, keys: &Keys) -> Result<()> {
        self.turn = following(self.turn);
        self.hello = self.wire.greet(self.turn, GREETING).inspect_err(|_| self.wire.stream.reconnect())?;
        let mut initiator = Initiator::new(keys.pair(), self.board);
        ensure!(
            shake_hands_patiently(&mut self.wire, &mut self.turn, &mut initiator)?,
            "the device does not know this administrator any more; pair with `host device pair`"
        );
        self.initiator = initiator;
        Ok(())
    }

    /// Shows the device a frame over the link, and returns what it sees.
    ///
    /// # Errors
    /// When the frame is refused, or the device does not answer.
    pub fn see(&mut self, view: View, pixels: &[u8]) -> Result<link::message::Seen> {
        let row_bytes = (usize::from(view.width) * view.format.pixel_bytes()).max(1);
        self.send(&Request::See(view))?;
        loop {
            match self.answer(SILENCE)? {
                None => return Err(self.gone()),
                Some(Reply::Row(row)) => {
                    let pixels = pixels.chunks_exact(row_bytes).nth(row.into());
                    let pixels =
                        pixels.ok_or_else(|| anyhow!("the device asks for row {row}, there is none"))?;
                    // The row belongs to the request's turn.
                    self.send_in_turn(&Request::Pixels(row, pixels))?;
                }
                Some(Reply::Working) => {}
                Some(Reply::Seen(seen)) => return Ok(seen),
                Some(Reply::Refused(objection)) => bail!("the device refuses the frame: {objection}"),
                Some(Reply::Failed(why)) => bail!("the device: {why}"),
                Some(reply) => return Err(surprised(&reply)),
            }
        }
    }

    /// Waits for what the device tells without being asked.
    ///
    /// # Errors
    /// When the link fails.
    pub fn event(&mut self, patience: Duration) -> Result<Option<Event>> {
        let deadline = self.wire.stream.now() + patience;
        while self.events.is_empty() {
            if !self.listen(deadline)? {
                break;
            }
        }
        Ok(self.events.pop_front())
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<Reply> {
        self.send(request)?;
        let mut answer = self.answer(ANSWER)?;
        while let Some(Reply::Working) = answer {
            answer = self.answer(ANSWER)?;
        }
        match answer {
            None => Err(self.gone()),
            Some(Reply::Failed(why)) => bail!("the device: {why}"),
            Some(Reply::Refused(objection)) => bail!("the device refuses: {objection}"),
            Some(reply) => Ok(reply),
        }
    }

    fn gone(&mut self) -> anyhow::Error {
        self.wire
            .explain("the device stopped answering; reset it, look at its cable, and start again".to_string())
    }

    fn send(&mut self, request: &Request<'_>) -> Result<()> {
        self.turn = following(self.turn);
        self.send_in_turn(request)
    }

    fn send_in_turn(&mut self, request: &Request<'_>) -> Result<()> {
        let mut message = [0; MAX_MESSAGE_BYTES];
        let message = self
            .initiator
            .request(self.turn, request, &mut message)
            .map_err(|error| anyhow!("the session cannot go on: {error}"))?;
        self.wire.send_message(message)
    }

    /// The answer in this turn; `None` when the device is silent for as long as `patience`.
    fn answer(&mut self, patience: Duration) -> Result<Option<Reply>> {
        let deadline = self.wire.stream.now() + patience;
        let mut answer = None;
        while answer.is_none() {
            let Session { wire, initiator, turn, events, .. } = self;
            match hear(wire, initiator, deadline)? {
                Some((to, reply)) if to == *turn => answer = Some(reply),
                Some((_, reply)) => events.extend(event_of(reply)),
                None => break,
            }
        }
        Ok(answer)
    }

    /// Waits for one message; returns whether there was one.
    fn listen(&mut self, deadline: Instant) -> Result<bool> {
        let Session { wire, initiator, events, .. } = self;
        match hear(wire, initiator, deadline)? {
            Some((_, reply)) => {
                events.extend(event_of(reply));
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

/// Whether the device answers the handshake. Waits as long as a device says that hears nobody.
fn shake_hands_patiently(wire: &mut Wire, turn: &mut u32, initiator: &mut Initiator) -> Result<bool> {
    for waits in 0.. {
        *turn = following(*turn);
        match shake_hands(wire, *turn, initiator)? {
            Ok(()) => return Ok(true),
            Err(Objection::Unauthorised) => return Ok(false),
            Err(Objection::Wait(seconds)) if waits < MOST_WAITS => {
                let seconds = u64::from(seconds);
                output::step(&format!(
                    "others asked the device in vain; it hears the next one in {seconds} s, or when its button is pressed"
                ));
                let spinner = output::spinner("waiting".to_string());
                std::thread::sleep(Duration::from_secs(seconds));
                spinner.finish_and_clear();
            }
            Err(objection) => bail!("the device refuses a session: {objection}"),
        }
    }
    Ok(false)
}

/// The device's answer to a handshake: that the session is open, or why not.
fn shake_hands(wire: &mut Wire, turn: u32, initiator: &mut Initiator) -> Result<Result<(), Objection>> {
    let mut message = [0; MAX_MESSAGE_BYTES];
    let message = initiator
        .open(turn, random()?, &mut message)
        .map_err(|error| anyhow!("the board's key in the key file is none: {error}"))?;
    wire.send_message(message)?;
    let deadline = wire.stream.now() + ANSWER;
    loop {
        match wire.hear(deadline)? {
            Some(Ok(message)) if message.turn == turn => match initiator.receive(&message) {
                HostEvent::Opened => return Ok(Ok(())),
                HostEvent::Refused(objection) => return Ok(Err(objection)),
                HostEvent::Ignored | HostEvent::Closed(_) | HostEvent::Reply { .. } => {}
            },
            Some(_) => {}
            None => return Err(wire.explain("the device does not answer; reset it".to_string())),
        }
    }
}

/// The next message that the device has sealed or refused, with its turn; `None` at the deadline.
fn hear(wire: &mut Wire, initiator: &mut Initiator, deadline: Instant) -> Result<Option<(u32, Reply)>> {
    loop {
        let message: Message<'_> = match wire.hear(deadline)? {
            None => return Ok(None),
            Some(Err(_)) => continue,
            Some(Ok(message)) => message,
        };
        let turn = message.turn;
        match initiator.receive(&message) {
            HostEvent::Reply { reply, is_sealed: true } => return Ok(Some((turn, reply))),
            HostEvent::Refused(objection) => return Ok(Some((turn, Reply::Refused(objection)))),
            HostEvent::Closed(ending) => bail!("{ending}"),
            HostEvent::Opened | HostEvent::Ignored | HostEvent::Reply { .. } => {}
        }
    }
}

fn event_of(reply: Reply) -> Option<Event> {
    match reply {
        Reply::People(PeopleReply::Shot(shot)) => Some(Event::Shot(shot)),
        Reply::Notice(notice) => Some(Event::Notice(notice)),
        _ => None,
    }
}

/// Ends the session of a device whose link is still open.
impl Drop for Session {
    fn drop(&mut self) {
        // Whoever is gone needs no farewell.
        let _ = self.wire.send(self.turn, &Request::Session(SessionRequest::Close));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use link::session::{BoardEvent, Responder};
    use link::{Decoder, MAX_REPLY_BYTES, MAX_REPLY_FRAME_BYTES};

    use super::*;

    /// A device that hears nobody for the first requests to open a session.
    struct Waiting {
        waits: usize,
        responder: Responder,
        decoder: Decoder,
        said: VecDeque<u8>,
    }

    impl Stream for Waiting {
        fn read(&mut self, buffer: &mut [u8], _: Duration) -> io::Result<usize> {
            buffer[0] = self.said.pop_front().ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(1)
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            for &byte in bytes {
                if self.decoder.push(byte) != Ok(true) {
                    continue;
                }
                let message = Message::parse(self.decoder.message()).unwrap();
                let mut plain = [0; MAX_MESSAGE_BYTES];
                let event = self.responder.receive(&message, &mut plain, || [3; 32]);
                let reply = match (&event, event.answer()) {
                    (BoardEvent::Request { .. }, _) => Reply::Hello(hello()),
                    (BoardEvent::Opened { .. }, _) if self.waits > 0 => {
                        self.waits -= 1;
                        Reply::Refused(Objection::Wait(0))
                    }
                    (_, answer) => answer.unwrap().0,
                };
                let (mut message_out, mut frame) = ([0; MAX_REPLY_BYTES], [0; MAX_REPLY_FRAME_BYTES]);
                let reply = reply.emit(message.turn, &mut message_out).unwrap();
                self.said.extend(link::encode(reply, &mut frame).unwrap());
            }
            Ok(())
        }

        fn untaken(&mut self) -> usize {
            0
        }

        fn why_gone(&mut self, error: Option<&io::Error>) -> String {
            format!("gone: {error:?}")
        }
    }

    fn hello() -> Hello {
        Hello {
            version: link::message::VERSION,
            groups: Default::default(),
            board: "door".try_into().unwrap(),
            network: "n".try_into().unwrap(),
            image: [0; 32],
            crop: [1, 1, 1],
            dimension: 2,
            people: 0,
            has_eyes: true,
            frame_bytes: 8,
            start_instructions: 0,
            trouble: Default::default(),
        }
    }

    #[test]
    fn session_waits_for_a_device_that_hears_nobody_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let mut keys = Keys::read_or_new(&folder.path().join("admin.key")).unwrap();
        let board = KeyPair::new([2; 32]);
        keys.add("door", board.public()).unwrap();
        let open = |waits| {
            let mut responder = Responder::new(board.clone(), false);
            responder.add(*keys.pair().public());
            let device = Waiting { waits, responder, decoder: Decoder::new(), said: VecDeque::new() };
            Greeted::new(device).unwrap().open(&keys, None).map(|session| session.name().to_string())
        };
        for waits in [0, MOST_WAITS] {
            assert_eq!(open(waits).unwrap(), "door");
        }
        let said = open(MOST_WAITS + 1).unwrap_err().to_string();
        assert!(said.contains("hears the next one in 0 s"), "{said}");
    }
}
