//! One frame, from the search for faces to the decision. Boards and the host's simulator call the same function, so that
//! they give the same record.

use core::convert::Infallible;
use core::fmt;

use face::{Eyes, Found, Track};
use link::message::{Attention, Decided, Seen};
use matcher::ScanError;
use nn::RunError;
use vision::Frame;

use crate::pattern;
use crate::recogniser::Recogniser;
use crate::seeing::{STEP_ROWS, Seeing, Sighting};

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
    pub(crate) track: Track,
    /// Whether a decision was made on it.
    pub(crate) is_decided: bool,
}

impl Followed {
    /// The face is to be decided on once more.
    pub fn look_again(&mut self) {
        self.is_decided = false;
    }

    /// Follows the face through the next frame. Returns it, and whether it is examined in this frame.
    pub(crate) fn next<'f>(
        &mut self,
        faces: &'f face::Faces,
        attention: Attention,
    ) -> (Option<&'f Found>, bool) {
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

/// Why a frame was not seen to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeeError {
    /// A network did not run.
    Run(RunError<Infallible>),
    /// The matcher could not decide on the embedding.
    Scan(ScanError),
}

impl From<RunError<Infallible>> for SeeError {
    fn from(error: RunError<Infallible>) -> Self {
        Self::Run(error)
    }
}

impl fmt::Display for SeeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(error) => error.fmt(f),
            Self::Scan(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SeeError {}

/// Sees a frame: finds faces, follows one, and, if `attention` says so, examines it, and if it is fit, decides who it is.
/// `eyes` are the recogniser's. The stack's figure is left to the caller.
///
/// # Errors
/// [`SeeError`].
pub fn see<O: Observer>(
    recogniser: &Recogniser<'_>,
    eyes: &Eyes<'_>,
    frame: &Frame<'_>,
    attention: Attention,
    followed: &mut Followed,
    arena: &mut [u8],
    observer: &mut O,
) -> Result<Seen, SeeError> {
    let mut seeing = Seeing::start(recogniser, eyes, frame, attention, arena)?;
    while !seeing.advance(recogniser, eyes, frame, followed, STEP_ROWS, observer)? {
        observer.breathe();
    }
    let Sighting { mut seen, embedding } = seeing.finish().0;
    if let Some(embedding) = embedding
        && let Some(look) = seen.face.as_mut().and_then(|face| face.look.as_mut())
    {
        let start = observer.instructions();
        let decision = recogniser.recognise(&embedding).map_err(SeeError::Scan)?;
        seen.cost.match_instructions = observer.instructions() - start;
        look.decided = Some(Decided { embedding_check: pattern::check_elements(&embedding), decision });
    }
    Ok(seen)
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
