//! Faces found in a frame, and the choice among boxes that show the same one.

use heapless::Vec;
use vision::Rect;

/// Most faces of a frame.
pub const MAX_FACES: usize = 16;
/// Most boxes that are compared. Of more, those with the lowest scores are dropped.
pub const MAX_CANDIDATES: usize = 128;

/// Boxes that share more than this part of their union, two fifths, show one face.
const SAME: (u16, u16) = (2, 5);

/// A face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its box in the frame.
    pub bounds: Rect,
    /// How sure the detector is, 0 to 1 in 1/65536.
    pub score: u16,
    /// Its landmarks, if the detector gives them.
    pub points: Option<vision::Points>,
}

/// The faces of a frame, the surest first.
pub type Faces = Vec<Found, MAX_FACES>;

/// A place in a detector's outputs whose score is high enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Grows with the score.
    pub rank: i32,
    /// Level of the outputs.
    pub level: u8,
    /// Box of the cell.
    pub size: u8,
    /// Cell, row by row.
    pub cell: u16,
}

/// Candidates by falling rank, equal ones in the order in which they came.
#[derive(Default)]
pub(crate) struct Candidates(Vec<Candidate, MAX_CANDIDATES>);

impl Candidates {
    /// Adds a candidate. If there are too many, the last one is dropped.
    pub fn push(&mut self, candidate: Candidate) {
        let place = self.0.partition_point(|other| other.rank >= candidate.rank);
        if self.0.is_full() && place < self.0.len() {
            self.0.pop();
        }
        // Without room the candidate has the lowest rank.
        let _ = self.0.insert(place, candidate);
    }

    /// Turns candidates into faces, the surest first, and drops each face that shares much of its box with a surer one.
    pub fn suppress(&self, mut face: impl FnMut(&Candidate) -> Found) -> Faces {
        let mut faces = Faces::new();
        for candidate in &self.0 {
            let found = face(candidate);
            let (part, whole) = SAME;
            if !faces.iter().any(|other| other.bounds.overlaps_more_than(&found.bounds, part, whole))
                && faces.push(found).is_err()
            {
                break;
            }
        }
        faces
    }
}

/// The largest face, or `None` without one. Of equal ones the surest.
pub fn largest(faces: &Faces) -> Option<&Found> {
    faces.iter().rev().max_by_key(|face| face.bounds.area())
}
