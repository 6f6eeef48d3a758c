//! Follows one face from frame to frame.

use vision::Rect;

use crate::found::{Faces, Found, largest};

/// A face in the next frame is the same if both boxes share more than half of their union.
const STILL_SAME: (u16, u16) = (1, 2);

/// The face that is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    bounds: Option<Rect>,
    frames: u32,
}

impl Track {
    /// No face yet.
    pub const fn new() -> Self {
        Track { bounds: None, frames: 0 }
    }

    /// The next frame's faces. Returns the one that is followed: the same as in the frame before, otherwise the
    /// largest.
    pub fn follow<'f>(&mut self, faces: &'f Faces) -> Option<&'f Found> {
        let (part, whole) = STILL_SAME;
        let same = self.bounds.and_then(|bounds| {
            faces.iter().find(|face| face.bounds.overlaps_more_than(&bounds, part, whole))
        });
        self.frames = if same.is_some() { self.frames.saturating_add(1) } else { 1 };
        let face = same.or_else(|| largest(faces));
        self.bounds = face.map(|face| face.bounds);
        if face.is_none() {
            self.frames = 0;
        }
        face
    }

    /// Number of frames, one after another, in which the face was found; 0 without a face.
    pub fn frames(&self) -> u32 {
        self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: i32, side: i32) -> Found {
        Found { bounds: Rect { left, top: 0, right: left + side, bottom: side }, score_q16: 1, points: None }
    }

    fn faces<const N: usize>(faces: [Found; N]) -> Faces {
        faces.into_iter().collect()
    }

    #[test]
    fn face_is_followed_past_larger_ones() {
        let mut track = Track::new();
        assert_eq!(track.follow(&faces([at(0, 300), at(900, 200)])), Some(&at(0, 300)));
        // A larger one comes; the first one moves by less than a third.
        assert_eq!(track.follow(&faces([at(900, 800), at(99, 300)])), Some(&at(99, 300)));
        assert_eq!(track.frames(), 2);
        // By exactly a third it shares half, which is not more than half: the largest is followed from now on.
        assert_eq!(track.follow(&faces([at(900, 800), at(199, 300)])), Some(&at(900, 800)));
        assert_eq!(track.frames(), 1);
    }

    #[test]
    fn lost_face_is_not_remembered() {
        let mut track = Track::new();
        track.follow(&faces([at(0, 300)]));
        assert_eq!((track.follow(&Faces::new()), track.frames()), (None, 0));
        track.follow(&faces([at(0, 300)]));
        assert_eq!(track.frames(), 1);
    }
}
