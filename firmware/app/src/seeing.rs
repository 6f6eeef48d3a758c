//! A frame that is being seen, a few rows of a network at a time: whoever calls can look after everything else between
//! two steps.

use core::convert::Infallible;
use core::mem;

use face::picture::upright;
use face::{Eyes, Found, Glance, Look, Looking, Picture};
use format::gates::{Gate, Refusal};
use format::network::MAX_DIMENSION;
use heapless::Vec;
use link::message::{Attention, Examined, Seen, SeenFace};
use nn::{RowSource, RunError};
use vision::{Frame, Points, Similarity, Warp};

use crate::recogniser::Recogniser;
use crate::sight::{Followed, Observer};

/// Rows of a network that are made in a step: a few thousandths of a second on a Cortex-M7. A step itself costs as much as a
/// third of a row.
pub const STEP_ROWS: usize = 128;

/// What was seen in a frame, before anybody decides who it is.
#[derive(Clone, Debug, Default)]
pub struct Sighting {
    /// What was seen. The decision is left out.
    pub seen: Seen,
    /// The embedding of a face that is fit to be decided on: as many elements as the image's dimension.
    pub embedding: Option<Vec<i16, MAX_DIMENSION>>,
}

/// A frame that is being seen. It holds the arena until it is finished or given up.
#[derive(Debug)]
pub struct Seeing<'a, 'b> {
    stage: Stage<'a, 'b>,
    attention: Attention,
    sighting: Sighting,
}

#[derive(Debug)]
enum Stage<'a, 'b> {
    Scan(Glance<'a, 'b>),
    Look(Found, Looking<'a, 'b>),
    Alive(Points, Glance<'a, 'b>),
    Embed(Similarity, Glance<'a, 'b>),
    Done(&'b mut [u8]),
    /// A network did not run to its end.
    Failed(&'b mut [u8]),
}

impl<'a, 'b> Seeing<'a, 'b> {
    /// Begins to see a frame. `eyes` are the recogniser's.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn start(
        recogniser: &Recogniser<'a>,
        eyes: &Eyes<'a>,
        frame: &Frame<'_>,
        attention: Attention,
        arena: &'b mut [u8],
    ) -> Result<Self, RunError<Infallible>> {
        let mut sighting = Sighting::default();
        sighting.seen.cost.arena_bytes = recogniser.image().arena_bytes() as u32;
        let stage = Stage::Scan(eyes.detector().start(&frame.rect(), arena)?);
        Ok(Seeing { stage, attention, sighting })
    }

    /// Goes on until about `rows` more rows of a network are made. Recogniser, eyes and frame are those of the start.
    /// `followed` is the face that was followed to this frame. Returns whether all is seen.
    ///
    /// # Errors
    /// [`RunError::Arena`], [`RunError::Broken`].
    pub fn advance<O: Observer>(
        &mut self,
        recogniser: &Recogniser<'a>,
        eyes: &Eyes<'a>,
        frame: &Frame<'_>,
        followed: &mut Followed,
        rows: usize,
        observer: &mut O,
    ) -> Result<bool, RunError<Infallible>> {
        let start = observer.instructions();
        let mut crop_instructions = 0;
        let cost = |seeing: &mut Self, of: fn(&mut Seen) -> &mut u64, instructions: u64| {
            *of(&mut seeing.sighting.seen) += instructions;
        };
        let (of, stage): (fn(&mut Seen) -> &mut u64, _) = match mem::take(&mut self.stage) {
            Stage::Scan(mut glance) => {
                let stage = match glance.advance(frame, rows) {
                    Ok(true) => self.scanned(eyes, frame, followed, glance)?,
                    Ok(false) => Stage::Scan(glance),
                    Err(error) => return self.give_up(error, glance.into_arena()),
                };
                (|seen| &mut seen.cost.scan_instructions, stage)
            }
            Stage::Look(found, looking) => {
                let stage = match looking {
                    Looking::At(landmarks) => Stage::Look(found, landmarks.advance(eyes, frame, rows)),
                    Looking::Failed(error, arena) => return self.give_up(error, arena),
                    Looking::Done(look, arena) => {
                        self.looked(recogniser, eyes, frame, &found, &look, arena)?
                    }
                };
                (|seen| &mut seen.cost.look_instructions, stage)
            }
            Stage::Alive(points, mut glance) => {
                let stage = match glance.advance(frame, rows) {
                    Ok(true) => self.checked(recogniser, eyes, followed, &points, glance)?,
                    Ok(false) => Stage::Alive(points, glance),
                    Err(error) => return self.give_up(error, glance.into_arena()),
                };
                (|seen| &mut seen.cost.alive_instructions, stage)
            }
            Stage::Embed(similarity, mut glance) => {
                let input = recogniser.image().embedder.preprocess();
                let size = [input.width, input.height];
                let crop = Warp::new(*frame, &similarity, size, input.colour, false);
                let mut crop = Counted { crop, observer: &mut *observer, instructions: 0 };
                let is_done = match glance.advance_from(&mut crop, rows) {
                    Ok(is_done) => is_done,
                    Err(error) => return self.give_up(error, glance.into_arena()),
                };
                crop_instructions = crop.instructions;
                let stage = if is_done {
                    followed.is_decided = true;
                    let elements = bytemuck::try_cast_slice(glance.outputs().bytes(0)).ok();
                    self.sighting.embedding = elements.and_then(|elements| Vec::from_slice(elements).ok());
                    Stage::Done(glance.into_arena())
                } else {
                    Stage::Embed(similarity, glance)
                };
                (|seen| &mut seen.cost.embed_instructions, stage)
            }
            Stage::Done(arena) => (|seen| &mut seen.cost.scan_instructions, Stage::Done(arena)),
            Stage::Failed(arena) => return self.give_up(RunError::Broken, arena),
        };
        self.stage = stage;
        cost(self, |seen| &mut seen.cost.crop_instructions, crop_instructions);
        cost(self, of, (observer.instructions() - start).saturating_sub(crop_instructions));
        Ok(matches!(self.stage, Stage::Done(_)))
    }

    /// Nothing more is seen of the frame; the arena is kept for whatever is done next.
    fn give_up(
        &mut self,
        error: RunError<Infallible>,
        arena: &'b mut [u8],
    ) -> Result<bool, RunError<Infallible>> {
        self.stage = Stage::Failed(arena);
        Err(error)
    }

    /// What was seen so far, and the arena.
    pub fn finish(self) -> (Sighting, &'b mut [u8]) {
        let arena = match self.stage {
            Stage::Scan(glance) | Stage::Alive(_, glance) | Stage::Embed(_, glance) => glance.into_arena(),
            Stage::Look(_, looking) => looking.into_arena(),
            Stage::Done(arena) | Stage::Failed(arena) => arena,
        };
        (self.sighting, arena)
    }

    /// The faces are found: one is followed, and examined if it is time.
    fn scanned(
        &mut self,
        eyes: &Eyes<'a>,
        frame: &Frame<'_>,
        followed: &mut Followed,
        glance: Glance<'a, 'b>,
    ) -> Result<Stage<'a, 'b>, RunError<Infallible>> {
        let faces = eyes.detector().faces(&glance);
        let (found, is_examined) = followed.next(&faces, self.attention);
        let arena = glance.into_arena();
        let Some(found) = found else { return Ok(Stage::Done(arena)) };
        let bounds = found.bounds;
        self.sighting.seen.faces = faces.len() as u8;
        self.sighting.seen.face = Some(SeenFace {
            frames: followed.track.frames(),
            bounds_q8: [bounds.left, bounds.top, bounds.right, bounds.bottom],
            score_q16: found.score_q16,
            look: None,
        });
        if !is_examined {
            return Ok(Stage::Done(arena));
        }
        Ok(Stage::Look(*found, eyes.start_look(frame, found, arena)?))
    }

    /// The face is examined: a fit one goes on to the photo check, or without one to the embedding.
    fn looked(
        &mut self,
        recogniser: &Recogniser<'a>,
        eyes: &Eyes<'a>,
        frame: &Frame<'_>,
        found: &Found,
        look: &Look,
        arena: &'b mut [u8],
    ) -> Result<Stage<'a, 'b>, RunError<Infallible>> {
        let refusal = look.check(&eyes.sight().gates).err();
        if let Some(face) = &mut self.sighting.seen.face {
            let points_q8 = look.points.map(|point| [point.x, point.y]);
            let Look { quality, .. } = *look;
            face.look = Some(Examined { points_q8, quality, alive_q16: None, refusal, decided: None });
        }
        if refusal.is_some() {
            return Ok(Stage::Done(arena));
        }
        match eyes.start_alive(frame, found, arena)? {
            Ok(glance) => Ok(Stage::Alive(look.points, glance)),
            Err(arena) => self.fit(recogniser, &look.points, arena),
        }
    }

    /// The photo check is done.
    fn checked(
        &mut self,
        recogniser: &Recogniser<'a>,
        eyes: &Eyes<'a>,
        followed: &mut Followed,
        points: &Points,
        glance: Glance<'a, 'b>,
    ) -> Result<Stage<'a, 'b>, RunError<Infallible>> {
        let score = eyes.alive_score_q16(&glance);
        let arena = glance.into_arena();
        let refusal = not_alive(score, eyes.sight().alive_q16);
        // A picture of a face gets no second chance as long as it is followed.
        followed.is_decided = refusal.is_some();
        if let Some(look) = self.look() {
            look.alive_q16 = Some(score);
            look.refusal = refusal;
        }
        if refusal.is_some() {
            return Ok(Stage::Done(arena));
        }
        self.fit(recogniser, points, arena)
    }

    /// The face is fit: its embedding is begun.
    fn fit(
        &mut self,
        recogniser: &Recogniser<'a>,
        points: &Points,
        arena: &'b mut [u8],
    ) -> Result<Stage<'a, 'b>, RunError<Infallible>> {
        let embedder = recogniser.embedder();
        let Some(similarity) = upright(points, &embedder.model().preprocess()) else {
            if let Some(look) = self.look() {
                look.refusal = Some(Refusal::NOWHERE);
            }
            return Ok(Stage::Done(arena));
        };
        let picture = Picture::Crop { similarity, is_mirrored: false };
        Ok(Stage::Embed(similarity, Glance::start(embedder, picture, arena)?))
    }

    fn look(&mut self) -> Option<&mut Examined> {
        self.sighting.seen.face.as_mut()?.look.as_mut()
    }
}

impl Default for Stage<'_, '_> {
    /// Without an arena: the stage while another one is being worked on, and after one that could not be begun.
    fn default() -> Self {
        Stage::Failed(&mut [])
    }
}

/// A crop whose instructions are counted.
struct Counted<'f, 'o, O> {
    crop: Warp<'f>,
    observer: &'o mut O,
    instructions: u64,
}

impl<O: Observer> RowSource for Counted<'_, '_, O> {
    type Error = Infallible;

    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Infallible> {
        let start = self.observer.instructions();
        let made = self.crop.row(y, pixels);
        self.instructions += self.observer.instructions() - start;
        made
    }
}

/// The refusal of the photo check, if a score is below its limit.
fn not_alive(score_q16: u16, least_q16: u16) -> Option<Refusal> {
    (score_q16 < least_q16).then_some(Refusal {
        gate: Gate::Alive,
        figure: score_q16.into(),
        limit: least_q16,
    })
}
