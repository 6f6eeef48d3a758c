//! Follows one face from frame to frame.

use vision::Rect;

use crate::found::{Faces, Found, largest};

/// A face in the next frame is the same if both boxes share at least half of their union.
const SAME: (u16, u16) = (1, 2);

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
        let (part, whole) = SAME;
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
