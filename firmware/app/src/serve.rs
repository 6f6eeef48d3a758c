//! Answers requests that come over a link, one message after another. During a task the network asks for rows, and
//! each row is requested over the link.

use core::cell::RefCell;
use core::fmt::{self, Display};

use embedded_io::{Read, Write};
use format::network::MAX_DIMENSION;
use link::message::{
    CHUNK, Cost, Group, GroupVersion, Hello, Objection, RECOGNISE_VERSION, Recognised, VERSION, View,
};
use link::{Reply, Request};
use nn::{RowSource, RunError};
use vision::Frame;

use crate::port::{Port, PortError, text};
use crate::recogniser::Recogniser;
use crate::sight::{Followed, FrameSource, Observer, see};

/// After this many instructions a computing board reports that it is still working. On a processor of a few megahertz
/// this takes much less time than [`link::SILENCE_MS`], and also on an emulated Cortex-M55 on a busy machine. At
/// 115,200 bits per second these reports take a few hundredths of the time that the rows take.
const BREATH_INSTRUCTIONS: u64 = 1_000_000;

/// The groups of messages that are answered. The others need a store, which a board that only serves does not have.
const GROUPS: [GroupVersion; 2] = [
    GroupVersion { group: Group::Control as u8, version: VERSION as u8 },
    GroupVersion { group: Group::Recognise as u8, version: RECOGNISE_VERSION },
];

/// Measurements that a board makes of itself.
pub trait Meter {
    /// Instructions executed since some moment in the past; cycles on boards that count cycles.
    fn instructions(&mut self) -> u64;

    /// Most bytes of stack ever in use.
    fn stack_bytes(&mut self) -> u32;
}

/// Facts that a board reports about itself.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Its name.
    pub board: &'a str,
    /// Instructions it took to start.
    pub start_instructions: u64,
}

/// Answers one request after another until the port fails, and returns the reason. `recogniser` is the recogniser of
/// the board's image, or the error of starting it.
pub fn serve<S: Read + Write, M: Meter>(
    about: &About<'_>,
    recogniser: &Result<Recogniser<'_>, impl Display>,
    arena: &mut [u8],
    port: &mut Port<S>,
    meter: &mut M,
    frames: &mut impl FrameSource,
) -> PortError {
    let mut board =
        Board { about, arena, port, meter, frames, followed: Followed::default(), last_seen: None };
    loop {
        match board.round(recogniser) {
            Ok(()) => {}
            Err(error) => return error,
        }
    }
}

/// How a task ended.
enum Ending {
    /// It was answered.
    Answered,
    /// Another request ended it. That request is in the port and must still be answered.
    Interrupted,
}

struct Board<'a, S, M, F> {
    about: &'a About<'a>,
    arena: &'a mut [u8],
    port: &'a mut Port<S>,
    meter: &'a mut M,
    frames: &'a mut F,
    /// The face of the last frame.
    followed: Followed,
    /// Turn of the last frame that was seen, and the face before it. A host whose answer was damaged repeats the frame in
    /// the same turn, and the face must not be followed through it twice.
    last_seen: Option<(u32, Followed)>,
}

impl<S: Read + Write, M: Meter, F: FrameSource> Board<'_, S, M, F> {
    /// Waits for a request and answers it, and any request that interrupts it.
    fn round(&mut self, recogniser: &Result<Recogniser<'_>, impl Display>) -> Result<(), PortError> {
        if let Err(error) = self.port.wait()? {
            return self.port.send(0, &Reply::Refused(error.into()));
        }
        while let Ending::Interrupted = self.answer(recogniser)? {}
        Ok(())
    }

    fn answer(&mut self, recogniser: &Result<Recogniser<'_>, impl Display>) -> Result<Ending, PortError> {
        let Some(message) = self.port.message() else { return Ok(Ending::Answered) };
        let turn = message.turn;
        let is_served = GROUPS.iter().any(|served| served.group == message.group);
        let request = if is_served { message.request() } else { Err(Objection::UnknownGroup) };
        let reply = match (request, recogniser) {
            (Err(objection), _) => Reply::Refused(objection),
            (Ok(Request::Test(_) | Request::People(_) | Request::Update(_) | Request::Session(_)), _) => {
                Reply::Refused(Objection::UnknownGroup)
            }
            (Ok(Request::Abort | Request::Status), _) => Reply::Idle,
            (Ok(Request::Pixels(..)), _) => Reply::Refused(Objection::NoTask),
            (Ok(Request::Hello), Ok(recogniser)) => {
                // Another host, whose frames do not follow those of the last one.
                self.followed = Followed::default();
                self.last_seen = None;
                Reply::Hello(self.hello(recogniser))
            }
            (Ok(Request::See(view)), Ok(recogniser)) => return self.see(recogniser, turn, &view),
            (Ok(Request::Recognise), Ok(recogniser)) => return self.embed(recogniser, turn, true),
            (Ok(Request::Embed), Ok(recogniser)) => return self.embed(recogniser, turn, false),
            (Ok(Request::Hello | Request::Recognise | Request::Embed | Request::See(_)), Err(error)) => {
                Reply::Failed(text(error))
            }
        };
        self.port.send(turn, &reply)?;
        Ok(Ending::Answered)
    }

    fn hello(&mut self, recogniser: &Recogniser<'_>) -> Hello {
        let image = recogniser.image();
        let input = image.embedder.input();
        Hello {
            version: VERSION,
            groups: GROUPS.into_iter().collect(),
            board: text(&self.about.board),
            network: text(&image.embedder.name()),
            image: image.digest,
            crop: [input.height, input.width, input.channels],
            dimension: image.dimension() as u16,
            people: image.gallery.people_count() as u16,
            has_eyes: recogniser.eyes().is_some(),
            frame_bytes: self.frames.memory().len().try_into().unwrap_or(u32::MAX),
            start_instructions: self.about.start_instructions,
            trouble: Default::default(),
        }
    }

    /// Computes an embedding from rows requested over the link, then sends it or recognises it.
    fn embed(
        &mut self,
        recogniser: &Recogniser<'_>,
        turn: u32,
        is_recognised: bool,
    ) -> Result<Ending, PortError> {
        let mut embedding = [0; MAX_DIMENSION];
        let embedding = &mut embedding[..recogniser.image().dimension()];
        let start = self.meter.instructions();
        let task = RefCell::new(Task { port: self.port, meter: self.meter, turn, spoke: start, waited: 0 });
        let breathe = |_, _, _: &[u8]| task.borrow_mut().breathe();
        let result =
            recogniser.embedder().embed_observed(&mut LinkRows(&task), self.arena, embedding, breathe);
        let waited = task.into_inner().waited;
        let mut cost = Cost {
            embed_instructions: self.meter.instructions() - start - waited,
            match_instructions: 0,
            arena_bytes: recogniser.image().arena_bytes() as u32,
            stack_bytes: 0,
        };
        let reply = match result {
            Ok(()) if is_recognised => {
                let start = self.meter.instructions();
                let decision = recogniser.recognise(embedding);
                cost.match_instructions = self.meter.instructions() - start;
                cost.stack_bytes = self.meter.stack_bytes();
                match decision {
                    Ok(decision) => Reply::Recognised(Recognised { decision, cost }),
                    Err(error) => Reply::Failed(text(&error)),
                }
            }
            Ok(()) => {
                for chunk in embedding.chunks(CHUNK) {
                    self.port.send(turn, &Reply::Embedding(chunk.try_into().unwrap_or_default()))?;
                }
                cost.stack_bytes = self.meter.stack_bytes();
                Reply::Embedded(cost)
            }
            Err(RunError::Source(no_row)) => return self.without_row(no_row, turn),
            Err(error) => Reply::Failed(text(&error)),
        };
        self.port.send(turn, &reply)?;
        Ok(Ending::Answered)
    }

    /// Sees a frame: one in the memory for frames, or one whose rows are requested over the link and put there.
    fn see(&mut self, recogniser: &Recogniser<'_>, turn: u32, view: &View) -> Result<Ending, PortError> {
        let row_bytes = usize::from(view.width) * view.format.pixel_bytes();
        let memory = self.frames.memory();
        let is_frame = Frame::new_checked(memory, view.width, view.height, row_bytes, view.format).is_ok();
        let is_possible = is_frame && !(view.is_sent && row_bytes > link::MAX_ROW_BYTES);
        let (Some(eyes), true) = (recogniser.eyes(), is_possible) else {
            let objection = if recogniser.eyes().is_none() { Objection::NoEyes } else { Objection::Frame };
            self.port.send(turn, &Reply::Refused(objection))?;
            return Ok(Ending::Answered);
        };
        let spoke = self.meter.instructions();
        let mut task = Task { port: self.port, meter: self.meter, turn, spoke, waited: 0 };
        if view.is_sent {
            for (y, row) in (0..view.height).zip(memory.chunks_exact_mut(row_bytes)) {
                if let Err(no_row) = task.row(y, row) {
                    return self.without_row(no_row, turn);
                }
            }
        }
        let Ok(frame) = Frame::new_checked(memory, view.width, view.height, row_bytes, view.format) else {
            self.port.send(turn, &Reply::Refused(Objection::Frame))?;
            return Ok(Ending::Answered);
        };
        match self.last_seen {
            Some((last, before)) if last == turn => self.followed = before,
            _ => self.last_seen = Some((turn, self.followed)),
        }
        let seen = see(recogniser, eyes, &frame, view.attention, &mut self.followed, self.arena, &mut task);
        let reply = match seen {
            Ok(mut seen) => {
                seen.cost.stack_bytes = self.meter.stack_bytes();
                Reply::Seen(seen)
            }
            Err(error) => Reply::Failed(text(&error)),
        };
        self.port.send(turn, &reply)?;
        Ok(Ending::Answered)
    }

    /// Ends a task that gets no more rows.
    fn without_row(&mut self, no_row: NoRow, turn: u32) -> Result<Ending, PortError> {
        match no_row {
            NoRow::Interrupted => return Ok(Ending::Interrupted),
            NoRow::Length => self.port.send(turn, &Reply::Refused(Objection::RowLength))?,
            NoRow::Port(error) => return Err(error),
        }
        Ok(Ending::Answered)
    }
}

/// Why a task gets no more rows.
enum NoRow {
    /// Another request came. It is in the port.
    Interrupted,
    /// A row had the wrong length.
    Length,
    /// The port failed.
    Port(PortError),
}

impl fmt::Display for NoRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => write!(f, "another request came"),
            Self::Length => Objection::RowLength.fmt(f),
            Self::Port(error) => error.fmt(f),
        }
    }
}

/// State of one task: its rows, and when the board last reported.
struct Task<'a, S, M> {
    port: &'a mut Port<S>,
    meter: &'a mut M,
    turn: u32,
    /// Number of instructions at which the board last sent a message.
    spoke: u64,
    /// Instructions spent on the link.
    waited: u64,
}

impl<S: Read + Write, M: Meter> Task<'_, S, M> {
    /// Gets a row over the link.
    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), NoRow> {
        let start = self.meter.instructions();
        self.port.send(self.turn, &Reply::Row(y)).map_err(NoRow::Port)?;
        loop {
            let heard = self.port.wait().map_err(NoRow::Port)?;
            let message = self.port.message().filter(|_| heard.is_ok());
            match message.map(|message| (message.turn, message.request())) {
                Some((turn, Ok(Request::Pixels(row, sent)))) => {
                    // Skip pixels of an ended task, and answers to a row that was requested twice.
                    if (turn, row) == (self.turn, y) {
                        if sent.len() != pixels.len() {
                            return Err(NoRow::Length);
                        }
                        pixels.copy_from_slice(sent);
                        break;
                    }
                }
                // The damaged frame may have been the row.
                None | Some((_, Ok(Request::Status))) => {
                    self.port.send(self.turn, &Reply::Row(y)).map_err(NoRow::Port)?;
                }
                Some(_) => return Err(NoRow::Interrupted),
            }
        }
        self.spoke = self.meter.instructions();
        self.waited += self.spoke - start;
        Ok(())
    }

    /// Reports that the board is working, if it has sent nothing for a long time.
    fn breathe(&mut self) {
        let now = self.meter.instructions();
        if now - self.spoke > BREATH_INSTRUCTIONS {
            // The error is ignored: a port that fails here fails again at the next row or at the answer.
            let _ = self.port.send(self.turn, &Reply::Working);
            self.spoke = self.meter.instructions();
            self.waited += self.spoke - now;
        }
    }
}

impl<S: Read + Write, M: Meter> Observer for Task<'_, S, M> {
    fn instructions(&mut self) -> u64 {
        self.meter.instructions() - self.waited
    }

    fn breathe(&mut self) {
        Task::breathe(self);
    }
}

/// A task as a source of rows.
struct LinkRows<'a, 'b, S, M>(&'a RefCell<Task<'b, S, M>>);

impl<S: Read + Write, M: Meter> RowSource for LinkRows<'_, '_, S, M> {
    type Error = NoRow;

    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), NoRow> {
        self.0.borrow_mut().row(y, pixels)
    }
}
