//! Faces found in a frame, and the choice among boxes that show the same one.

use heapless::Vec;
use vision::Rect;

/// Most faces of a frame.
pub const MAX_FACES: usize = 16;
/// Most boxes that are compared. Of more, those with the lowest scores are dropped.
pub const MAX_CANDIDATES: usize = 128;

/// Most cells of a level of a detector's outputs: their number is stored in 16 bits.
pub(crate) const MAX_CELLS: usize = 1 << 16;

/// Boxes that share more than this part of their union show one face: numerator and denominator.
const SAME: (u16, u16) = (2, 5);

/// A face that a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its box in the frame.
    pub bounds: Rect,
    /// How sure the detector is, 0 to 1 in 1/65536.
    pub score_q16: u16,
    /// Its landmarks, if the detector gives them.
    pub points: Option<vision::Points>,
}

impl Found {
    /// Whether two boxes show one face: they share more than two fifths of their union.
    pub fn is_same(&self, other: &Found) -> bool {
        let (part, whole) = SAME;
        self.bounds.overlaps_more_than(&other.bounds, part, whole)
    }
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
        if self.0.push(candidate).is_ok()
            && let Some(behind @ [_, ..]) = self.0.get_mut(place..)
        {
            behind.rotate_right(1);
        }
    }

    /// Turns candidates into faces, the surest first, and drops each face that shares much of its box with a surer one.
    pub fn suppress(&self, face: impl FnMut(&Candidate) -> Option<Found>) -> Faces {
        let mut faces = Faces::new();
        for found in self.0.iter().filter_map(face) {
            if !faces.iter().any(|other| other.is_same(&found)) && faces.push(found).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: i32, score_q16: u16) -> Found {
        Found { bounds: Rect { left, top: 0, right: left + 700, bottom: 700 }, score_q16, points: None }
    }

    fn candidate(rank: i32, cell: u16) -> Candidate {
        Candidate { rank, level: 0, size: 0, cell }
    }

    #[test]
    fn boxes_show_one_face_if_they_share_more_than_two_fifths() {
        // Shifted by 300 of 700: 400 of 1000 are shared, exactly two fifths.
        assert!(!at(0, 0).is_same(&at(300, 0)) && at(0, 0).is_same(&at(299, 0)));
    }

    #[test]
    fn lowest_ranks_are_dropped_when_there_are_too_many() {
        let mut candidates = Candidates::default();
        // Growing, then falling, then equal ranks.
        let count = MAX_CANDIDATES as i32;
        (0..count).for_each(|rank| candidates.push(candidate(rank, 0)));
        (0..count).rev().for_each(|rank| candidates.push(candidate(rank, 1)));
        (0..count).for_each(|_| candidates.push(candidate(count / 2, 2)));
        let kept: std::vec::Vec<(i32, u16)> = candidates.0.iter().map(|c| (c.rank, c.cell)).collect();
        let expected: std::vec::Vec<(i32, u16)> =
            (count / 2..count).rev().flat_map(|rank| [(rank, 0), (rank, 1)]).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn faces_are_the_surest_of_boxes_that_overlap() {
        let mut candidates = Candidates::default();
        for (rank, left) in [(1, 0), (3, 100), (2, 350), (4, 2000)] {
            candidates.push(candidate(rank, left));
        }
        let faces = candidates.suppress(|candidate| Some(at(candidate.cell.into(), candidate.rank as u16)));
        let found: std::vec::Vec<(i32, u16)> = faces.iter().map(|f| (f.bounds.left, f.score_q16)).collect();
        assert_eq!(found, [(2000, 4), (100, 3)]);
    }

    #[test]
    fn no_more_faces_than_there_is_room_for() {
        let mut candidates = Candidates::default();
        (0..20).for_each(|place| candidates.push(candidate(place, 1000 * place as u16)));
        let faces = candidates.suppress(|candidate| Some(at(candidate.cell.into(), candidate.rank as u16)));
        assert_eq!((faces.len(), faces[0].score_q16, faces[15].score_q16), (MAX_FACES, 19, 4));
    }

    #[test]
    fn largest_face_is_the_surest_of_equal_ones() {
        let mut faces: Faces = [at(0, 9), at(5000, 8)].into_iter().collect();
        assert_eq!(largest(&faces), Some(&at(0, 9)));
        let wide = Found { bounds: Rect { right: 9999, ..at(0, 0).bounds }, ..at(0, 1) };
        faces.push(wide).unwrap();
        assert_eq!(largest(&faces), Some(&wide));
        assert_eq!(largest(&Faces::new()), None);
    }
}
