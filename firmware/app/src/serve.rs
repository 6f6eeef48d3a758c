//! Answers requests that come over a link.

use core::fmt::{Display, Write as _};

use embedded_io::{Read, Write};
use format::model::MAX_DIMENSION;
use nn::RowSource;

use crate::link::{Link, LinkError};
use crate::protocol::{CHUNK, Cost, Hello, Recognised, Reply, Request, Text, VERSION};
use crate::recogniser::Recogniser;

/// What a board can measure of itself.
pub trait Meter {
    /// Instructions executed since some moment in the past (cycles, where those are what is counted).
    fn instructions(&mut self) -> u64;

    /// Most bytes of stack ever in use.
    fn stack_bytes(&mut self) -> u32;
}

/// A text, cut at the end if too long.
pub fn text(content: &dyn Display) -> Text {
    let mut text = Text::new();
    // What does not fit is cut.
    let _ = write!(Cut(&mut text), "{content}");
    text
}

struct Cut<'a>(&'a mut Text);

impl core::fmt::Write for Cut<'_> {
    fn write_str(&mut self, part: &str) -> core::fmt::Result {
        part.chars().try_for_each(|character| self.0.push(character).map_err(|_| core::fmt::Error))
    }
}

/// Rows asked for over the link.
struct LinkRows<'a, S, M> {
    link: &'a mut Link<S>,
    meter: &'a mut M,
    /// Instructions spent on waiting for rows.
    waited: u64,
}

impl<S: Read + Write, M: Meter> RowSource for LinkRows<'_, S, M> {
    type Error = LinkError;

    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), LinkError> {
        let start = self.meter.instructions();
        self.link.send(&Reply::Row(y))?;
        match self.link.receive()? {
            Request::Pixels(row) if row.len() == pixels.len() => pixels.copy_from_slice(row),
            _ => return Err(LinkError::Unexpected),
        }
        self.waited += self.meter.instructions() - start;
        Ok(())
    }
}

/// Answers one request after another, until the link fails. `recogniser` is what the board could make of its
/// image.
///
/// # Errors
/// [`LinkError::Stream`] or [`LinkError::Closed`]; damaged messages are answered and survived.
pub fn serve<S: Read + Write, M: Meter, const N: usize>(
    board: &str,
    recogniser: &Result<Recogniser<'_, N>, impl Display>,
    arena: &mut [u8],
    link: &mut Link<S>,
    meter: &mut M,
) -> Result<(), LinkError> {
    loop {
        let request = match link.receive::<Request>() {
            Ok(Request::Hello) => Task::Hello,
            Ok(Request::Recognise) => Task::Recognise,
            Ok(Request::Embed) => Task::Embed,
            Ok(Request::Pixels(_)) => {
                link.send(&Reply::Failed(text(&LinkError::Unexpected)))?;
                continue;
            }
            Err(error @ (LinkError::Stream(_) | LinkError::Closed)) => return Err(error),
            Err(error) => {
                link.send(&Reply::Failed(text(&error)))?;
                continue;
            }
        };
        let answered = match recogniser {
            Ok(recogniser) => answer(board, recogniser, request, arena, link, meter),
            Err(error) => link.send(&Reply::Failed(text(error))),
        };
        match answered {
            Err(error @ (LinkError::Stream(_) | LinkError::Closed)) => return Err(error),
            Err(error) => link.send(&Reply::Failed(text(&error)))?,
            Ok(()) => {}
        }
    }
}

enum Task {
    Hello,
    Recognise,
    Embed,
}

fn answer<S: Read + Write, M: Meter, const N: usize>(
    board: &str,
    recogniser: &Recogniser<'_, N>,
    task: Task,
    arena: &mut [u8],
    link: &mut Link<S>,
    meter: &mut M,
) -> Result<(), LinkError> {
    let image = recogniser.image();
    if let Task::Hello = task {
        let input = image.model.input();
        return link.send(&Reply::Hello(Hello {
            version: VERSION,
            board: text(&board),
            network: text(&image.model.head().name),
            image: image.digest,
            crop: [input.height, input.width, input.channels],
            dimension: image.model.dimension() as u16,
            people: image.gallery.people_count() as u16,
        }));
    }
    let mut embedding = [0; MAX_DIMENSION];
    let embedding = &mut embedding[..image.model.dimension()];
    let start = meter.instructions();
    let mut rows = LinkRows { link, meter, waited: 0 };
    let result = recogniser.embed(&mut rows, arena, embedding);
    let waited = rows.waited;
    let cost = Cost {
        instructions: meter.instructions() - start - waited,
        arena_bytes: recogniser.network().arena_bytes() as u32,
        stack_bytes: meter.stack_bytes(),
    };
    match result {
        Ok(()) => {}
        Err(nn::EmbedError::Source(error)) => return Err(error),
        Err(error) => return link.send(&Reply::Failed(text(&error))),
    }
    if let Task::Embed = task {
        for chunk in embedding.chunks(CHUNK) {
            link.send(&Reply::Embedding(chunk.try_into().unwrap_or_default()))?;
        }
        return link.send(&Reply::Done(cost));
    }
    let decision = recogniser.recognise(embedding);
    link.send(&Reply::Recognised(Recognised { decision, cost }))
}
