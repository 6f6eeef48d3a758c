//! One frame, from the search for faces to the decision. Boards and the host's simulator call the same function, so that
//! they give the same record.

use core::cell::RefCell;
use core::convert::Infallible;
use core::fmt;

use face::{Fault, Found, Track};
use format::network::MAX_DIMENSION;
use link::message::{
    Attention, Decided, Examined, Figures, Gate, PixelFormat, Refusal, Seen, SeenFace, SightCost,
};
use nn::{RowSource, RunError};
use vision::{Format, Frame, Warp};

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
/// `None` if the image has no eyes. The stack's figure is left to the caller.
///
/// # Errors
/// [`RunError::Arena`].
pub fn see<O: Observer>(
    recogniser: &Recogniser<'_>,
    frame: &Frame<'_>,
    attention: Attention,
    followed: &mut Followed,
    arena: &mut [u8],
    observer: &mut O,
) -> Result<Option<Seen>, RunError<Infallible>> {
    let Some(eyes) = recogniser.eyes() else { return Ok(None) };
    let observer = &RefCell::new(observer);
    let mut laps = Laps { observer, last: observer.borrow_mut().instructions() };
    let breathe = &mut || observer.borrow_mut().breathe();
    let mut cost = SightCost { arena_bytes: recogniser.image().arena_bytes() as u32, ..SightCost::default() };
    laps.lap();

    let faces = eyes.scan_observed(frame, arena, breathe)?;
    cost.scan_instructions = laps.lap();
    let (found, is_examined) = followed.next(&faces, attention);
    let Some(found) = found else {
        return Ok(Some(Seen { faces: 0, face: None, cost }));
    };
    let bounds = found.bounds;
    let mut face = SeenFace {
        frames: followed.track.frames(),
        bounds_q8: [bounds.left, bounds.top, bounds.right, bounds.bottom],
        score_q16: found.score,
        look: None,
    };
    if is_examined {
        let look = eyes.look_observed(frame, found, arena, breathe)?;
        let mut examined = Examined {
            points_q8: look.points.map(|point| [point.x, point.y]),
            quality: look.quality.as_ref().map(figures),
            alive_q16: None,
            refusal: look.check(&eyes.sight().gates).err().map(refusal),
            decided: None,
        };
        cost.look_instructions = laps.lap();
        if examined.refusal.is_none() && eyes.has_liveness() {
            examined.alive_q16 = eyes.alive_observed(frame, found, arena, breathe)?;
            let limit = eyes.sight().alive;
            let score = examined.alive_q16.filter(|&score| score < limit);
            examined.refusal = score.map(|score| Refusal { gate: Gate::Alive, figure: score.into(), limit });
            cost.alive_instructions = laps.lap();
        }
        let crop = face::crop(frame, &look.points, &recogniser.image().embedder.preprocess());
        match crop {
            Some(crop) if examined.refusal.is_none() => {
                let mut embedding = [0; MAX_DIMENSION];
                let embedding = &mut embedding[..recogniser.image().dimension()];
                let mut crop = Counted { crop, observer, instructions: 0 };
                let network = recogniser.embedder();
                network.embed_observed(&mut crop, arena, embedding, |_, _, _| breathe())?;
                cost.crop_instructions = crop.instructions;
                cost.embed_instructions = laps.lap().saturating_sub(crop.instructions);
                let decision = recogniser.recognise(embedding);
                cost.match_instructions = laps.lap();
                examined.decided = Some(Decided { embedding_check: check(embedding), decision });
                followed.is_decided = true;
            }
            None if examined.refusal.is_none() => examined.refusal = Some(refusal(Fault::Nowhere)),
            _ => {}
        }
        face.look = Some(examined);
    }
    Ok(Some(Seen { faces: faces.len() as u8, face: Some(face), cost }))
}

/// [`pattern::check`] of an embedding's elements, little-endian.
fn check(embedding: &[i16]) -> u32 {
    embedding.iter().fold(pattern::check(&[]), |hash, element| pattern::resume(hash, &element.to_le_bytes()))
}

fn figures(quality: &face::Quality) -> Figures {
    let face::Quality { pose, moved, sharpness, brightness, contrast, clipped } = *quality;
    Figures {
        yaw_d16: pose.yaw,
        pitch_d16: pose.pitch,
        roll_d16: pose.roll,
        eyes_q8: pose.eyes,
        moved_q16: moved,
        sharpness_q16: sharpness,
        brightness_q8: brightness,
        contrast_q8: contrast,
        clipped_q16: clipped,
    }
}

/// A fault in the link's terms.
pub fn refusal(fault: Fault) -> Refusal {
    let unsigned = |figure: u32| i32::try_from(figure).unwrap_or(i32::MAX);
    let (gate, figure, limit) = match fault {
        Fault::Nowhere => (Gate::Nowhere, 0, 0),
        Fault::TooSmall { eyes, least } => (Gate::Eyes, unsigned(eyes), least),
        Fault::NoFace { moved, most } => (Gate::Moved, moved.into(), most),
        Fault::TurnedAside { angle, most } => (Gate::Yaw, angle.into(), most),
        Fault::TurnedUpOrDown { angle, most } => (Gate::Pitch, angle.into(), most),
        Fault::Inclined { angle, most } => (Gate::Roll, angle.into(), most),
        Fault::TooDark { brightness, least } => (Gate::Dark, brightness.into(), least),
        Fault::TooBright { brightness, most } => (Gate::Bright, brightness.into(), most),
        Fault::Clipped { share, most } => (Gate::Clipped, unsigned(share), most),
        Fault::Flat { contrast, least } => (Gate::Contrast, contrast.into(), least),
        Fault::Blurred { sharpness, least } => (Gate::Sharpness, unsigned(sharpness), least),
    };
    Refusal { gate, figure, limit }
}

/// The fault of a refusal; `None` if the photo check refused.
pub fn fault(refusal: &Refusal) -> Option<Fault> {
    let Refusal { gate, figure, limit } = *refusal;
    let (least, most) = (limit, limit);
    let (short, long) = (figure.clamp(0, u16::MAX.into()) as u16, figure.max(0) as u32);
    let angle = figure.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    Some(match gate {
        Gate::Nowhere => Fault::Nowhere,
        Gate::Eyes => Fault::TooSmall { eyes: long, least },
        Gate::Moved => Fault::NoFace { moved: short, most },
        Gate::Yaw => Fault::TurnedAside { angle, most },
        Gate::Pitch => Fault::TurnedUpOrDown { angle, most },
        Gate::Roll => Fault::Inclined { angle, most },
        Gate::Dark => Fault::TooDark { brightness: short, least },
        Gate::Bright => Fault::TooBright { brightness: short, most },
        Gate::Clipped => Fault::Clipped { share: long, most },
        Gate::Contrast => Fault::Flat { contrast: short, least },
        Gate::Sharpness => Fault::Blurred { sharpness: long, least },
        Gate::Alive => return None,
    })
}

/// A refusal in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<'a>(pub &'a Refusal);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { figure, limit, .. } = *self.0;
        let percent = |q16: i64| (q16 * 100 + (1 << 15)) >> 16;
        match fault(self.0) {
            Some(fault) => fault.fmt(f),
            None => write!(
                f,
                "the photo check takes it for a picture of a face: score {} %, at least {} % is needed",
                percent(figure.into()),
                percent(limit.into())
            ),
        }
    }
}

/// A format in the terms of [`vision`].
pub const fn format(format: PixelFormat) -> Format {
    match format {
        PixelFormat::Rgb565 => Format::Rgb565,
        PixelFormat::Rgb565Little => Format::Rgb565Little,
        PixelFormat::Yuv422 => Format::Yuv422,
        PixelFormat::Rgb888 => Format::Rgb888,
        PixelFormat::Grey => Format::Grey,
    }
}

#[cfg(test)]
mod tests {
    use face::Faces;
    use vision::Rect;

    use super::*;

    #[test]
    fn faults_survive_the_link() {
        for fault in [
            Fault::Nowhere,
            Fault::TooSmall { eyes: 70_000, least: 7680 },
            Fault::NoFace { moved: 1, most: 2 },
            Fault::TurnedAside { angle: -400, most: 3 },
            Fault::TurnedUpOrDown { angle: 400, most: 3 },
            Fault::Inclined { angle: i16::MIN, most: 3 },
            Fault::TooDark { brightness: 9, least: 10 },
            Fault::TooBright { brightness: u16::MAX, most: 10 },
            Fault::Clipped { share: 1 << 16, most: 11 },
            Fault::Flat { contrast: 12, least: 13 },
            Fault::Blurred { sharpness: 1 << 30, least: 14 },
        ] {
            assert_eq!(super::fault(&refusal(fault)), Some(fault));
        }
        let alive = Refusal { gate: Gate::Alive, figure: 0x4000, limit: 0x8000 };
        assert_eq!(super::fault(&alive), None);
        let said = std::format!("{}", Words(&alive));
        assert!(said.ends_with("score 25 %, at least 50 % is needed"), "{said}");
    }

    /// One face at a place.
    fn at(left: i32) -> Faces {
        let bounds = Rect { left, top: 0, right: left + 1000, bottom: 1000 };
        [Found { bounds, score: 1, points: None }].into_iter().collect()
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
