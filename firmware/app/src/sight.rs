//! One frame, from the search for faces to the decision. Boards and the host's simulator call the same function, so that
//! they give the same record.

use core::cell::RefCell;
use core::convert::Infallible;

use face::picture::crop;
use face::{Eyes, Found, Track};
use format::gates::{Gate, Refusal};
use format::network::MAX_DIMENSION;
use link::message::{Attention, Decided, Examined, Seen, SeenFace, SightCost};
use nn::{RowSource, RunError};
use vision::{Frame, Warp};

use crate::pattern;
use crate::recogniser::Recogniser;

/// Memory that holds one frame.
pub trait FrameSource {
    /// All bytes of the memory; none if the board has no memory for frames. As long as it is borrowed, neither a camera
    /// nor anybody else writes to it.
    fn memory(&mut self) -> &mut [u8];
}

impl FrameSource for &mut [u8] {
    fn memory(&mut self) -> &mut [u8] {
        self
    }
}

/// A board without memory for frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blind;

impl FrameSource for Blind {
    fn memory(&mut self) -> &mut [u8] {
        &mut []
    }
}

/// Watches the work on a frame.
pub trait Observer {
    /// Instructions of the work since some moment in the past, without the observer's own.
    fn instructions(&mut self) -> u64;

    /// Called often during the work.
    fn breathe(&mut self);
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn instructions(&mut self) -> u64 {
        0
    }

    fn breathe(&mut self) {}
}

/// The face that is followed from frame to frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    track: Track,
    /// Whether a decision was made on it.
    is_decided: bool,
}

impl Followed {
    /// Follows the face through the next frame. Returns it, and whether it is examined in this frame.
    fn next<'f>(&mut self, faces: &'f face::Faces, attention: Attention) -> (Option<&'f Found>, bool) {
        if attention == Attention::Photo {
            *self = Followed::default();
        }
        let face = self.track.follow(faces);
        if self.track.frames() <= 1 {
            self.is_decided = false;
        }
        let is_examined = match attention {
            Attention::Photo => true,
            Attention::Video { steady } => !self.is_decided && self.track.frames() >= u32::from(steady),
        };
        (face, is_examined)
    }
}

/// Instructions of one stage after another.
struct Laps<'o, O> {
    observer: &'o RefCell<&'o mut O>,
    last: u64,
}

impl<O: Observer> Laps<'_, O> {
    /// Instructions since the stage before.
    fn lap(&mut self) -> u64 {
        let now = self.observer.borrow_mut().instructions();
        now.saturating_sub(core::mem::replace(&mut self.last, now))
    }
}

/// A crop whose instructions are counted.
struct Counted<'f, 'o, O> {
    crop: Warp<'f>,
    observer: &'o RefCell<&'o mut O>,
    instructions: u64,
}

impl<O: Observer> RowSource for Counted<'_, '_, O> {
    type Error = Infallible;

    fn row(&mut self, y: u16, pixels: &mut [u8]) -> Result<(), Infallible> {
        let start = self.observer.borrow_mut().instructions();
        let made = self.crop.row(y, pixels);
        self.instructions += self.observer.borrow_mut().instructions() - start;
        made
    }
}

/// Sees a frame: finds faces, follows one, and, if `attention` says so, examines it, and if it is fit, decides who it is.
/// `eyes` are the recogniser's. The stack's figure is left to the caller.
///
/// # Errors
/// [`RunError::Arena`].
pub fn see<O: Observer>(
    recogniser: &Recogniser<'_>,
    eyes: &Eyes<'_>,
    frame: &Frame<'_>,
    attention: Attention,
    followed: &mut Followed,
    arena: &mut [u8],
    observer: &mut O,
) -> Result<Seen, RunError<Infallible>> {
    let observer = &RefCell::new(observer);
    let mut laps = Laps { observer, last: observer.borrow_mut().instructions() };
    let breathe = &mut || observer.borrow_mut().breathe();
    let mut cost = SightCost { arena_bytes: recogniser.image().arena_bytes() as u32, ..SightCost::default() };

    let faces = eyes.scan(frame, arena, breathe)?;
    cost.scan_instructions = laps.lap();
    let (found, is_examined) = followed.next(&faces, attention);
    let Some(found) = found else {
        return Ok(Seen { faces: 0, face: None, cost });
    };
    let bounds = found.bounds;
    let mut face = SeenFace {
        frames: followed.track.frames(),
        bounds_q8: [bounds.left, bounds.top, bounds.right, bounds.bottom],
        score_q16: found.score_q16,
        look: None,
    };
    if is_examined {
        let sight = eyes.sight();
        let look = eyes.look(frame, found, arena, breathe)?;
        let mut refusal = look.check(&sight.gates).err();
        cost.look_instructions = laps.lap();
        let mut alive_q16 = None;
        if refusal.is_none() && eyes.has_liveness() {
            alive_q16 = eyes.alive_q16(frame, found, arena, breathe)?;
            refusal = alive_q16.and_then(|score| not_alive(score, sight.alive_q16));
            // A picture of a face gets no second chance as long as it is followed.
            followed.is_decided = refusal.is_some();
            cost.alive_instructions = laps.lap();
        }
        let mut decided = None;
        if refusal.is_none() {
            match crop(frame, &look.points, &recogniser.image().embedder.preprocess()) {
                None => refusal = Some(Refusal::NOWHERE),
                Some(crop) => {
                    let mut embedding = [0; MAX_DIMENSION];
                    let embedding = &mut embedding[..recogniser.image().dimension()];
                    let mut crop = Counted { crop, observer, instructions: 0 };
                    let network = recogniser.embedder();
                    network.embed_observed(&mut crop, arena, embedding, |_, _, _| breathe())?;
                    cost.crop_instructions = crop.instructions;
                    cost.embed_instructions = laps.lap().saturating_sub(crop.instructions);
                    let decision = recogniser.recognise(embedding);
                    cost.match_instructions = laps.lap();
                    let embedding_check = pattern::check(bytemuck::cast_slice(embedding));
                    decided = Some(Decided { embedding_check, decision });
                    followed.is_decided = true;
                }
            }
        }
        let points_q8 = look.points.map(|point| [point.x, point.y]);
        face.look = Some(Examined { points_q8, quality: look.quality, alive_q16, refusal, decided });
    }
    Ok(Seen { faces: faces.len() as u8, face: Some(face), cost })
}

/// The refusal of the photo check, if a score is below its limit.
fn not_alive(score_q16: u16, least_q16: u16) -> Option<Refusal> {
    (score_q16 < least_q16).then_some(Refusal {
        gate: Gate::Alive,
        figure: score_q16.into(),
        limit: least_q16,
    })
}

#[cfg(test)]
mod tests {
    use face::Faces;
    use vision::Rect;

    use super::*;

    /// One face at a place.
    fn at(left: i32) -> Faces {
        let bounds = Rect { left, top: 0, right: left + 1000, bottom: 1000 };
        [Found { bounds, score_q16: 1, points: None }].into_iter().collect()
    }

    #[test]
    fn every_photo_is_examined() {
        let mut followed = Followed::default();
        for _ in 0..3 {
            followed.is_decided = true;
            assert!(followed.next(&at(0), Attention::Photo).1);
            assert_eq!(followed.track.frames(), 1);
        }
    }

    #[test]
    fn face_of_a_video_is_examined_when_it_is_steady_and_until_it_is_decided_on() {
        let mut followed = Followed::default();
        let next =
            |followed: &mut Followed, faces: &Faces| followed.next(faces, Attention::Video { steady: 3 }).1;
        let examined: [bool; 5] = core::array::from_fn(|step| next(&mut followed, &at(10 * step as i32)));
        assert_eq!(examined, [false, false, true, true, true]);
        followed.is_decided = true;
        assert!(!next(&mut followed, &at(50)));
        // Another face, or the same one after it was lost.
        assert!(!next(&mut followed, &at(5000)) && !followed.is_decided);
        let examined: [bool; 2] = core::array::from_fn(|_| next(&mut followed, &at(5000)));
        assert_eq!(examined, [false, true]);
        next(&mut followed, &Faces::new());
        assert!(!next(&mut followed, &at(5000)));
    }
}
