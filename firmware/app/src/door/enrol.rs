//! Guided enrolment: takes embeddings of one person, shot by shot, and makes centres of them.

use heapless::Vec;
use matcher::nearest::Sight;
use matcher::rules::is_within;
use matcher::{Blend, BlendError, MAX_DIMENSION};

use super::PersonId;

/// Most shots of an enrolment.
pub const MOST_SHOTS: usize = 8;
/// Most sub-centres of a person (sub-center ArcFace uses three: Deng et al., ECCV 2020).
pub const MOST_CENTRES: usize = 3;
/// A shot with at least this cosine (0.985, Q30) to an earlier one shows nothing new.
const TOO_ALIKE_Q30: i32 = 1_057_635_697;
/// Shots whose mean has less than this cosine (0.75, Q30) to a person's nearest sub-centre become another sub-centre.
const SAME_GROUP_Q30: i32 = 805_306_368;
/// Fewest shots of a further sub-centre.
const LEAST_GROUP: u16 = 3;

/// A centre of a person, `[dimension]` of these elements, and the number of photos that it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubCentre {
    /// Its elements, −127 to 127.
    pub vector: Vec<i8, MAX_DIMENSION>,
    /// Photos that it was made from.
    pub photos: u16,
}

impl SubCentre {
    /// The centre of a blend of this dimension; `None` if it has no direction.
    fn of(blend: &Blend, dimension: usize) -> Result<Option<Self>, BlendError> {
        let mut vector = Vec::new();
        vector.resize(dimension, 0).map_err(|_| BlendError { given: MAX_DIMENSION, dimension })?;
        let has_direction = blend.centre(&mut vector)?;
        Ok(has_direction.then_some(SubCentre { vector, photos: blend.photos() }))
    }

    /// Whether the cosine to a direction is at least this.
    fn is_near(&self, least_q30: i32, direction: &[i16]) -> bool {
        let sight =
            Sight { owner: 0, centre: 0, dot: matcher::dot::dot(&self.vector, direction), norm: self.norm() };
        is_within(least_q30, &sight, matcher::dot::squared_norm(direction))
    }

    fn norm(&self) -> u32 {
        matcher::dot::centre_norm(&self.vector)
    }
}

/// Why a shot is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShotError {
    /// It shows the same as an earlier one: the person should move a little.
    TooAlike,
    /// It shows somebody else than the shots before.
    NotTheSame,
    /// The person is enrolled already, under this number.
    Enrolled(PersonId),
    /// Its embedding has no direction.
    Degenerate,
}

/// An enrolment that is going on.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The person who gets more photos; `None` for a new one.
    pub person: Option<PersonId>,
    wanted: u8,
    shots: Vec<SubCentre, MOST_SHOTS>,
    blend: Blend,
    dimension: usize,
}

impl Enrolment {
    /// An enrolment of `wanted` shots, 1 to [`MOST_SHOTS`], of embeddings with `dimension` elements.
    pub fn new(person: Option<PersonId>, wanted: u8, dimension: usize) -> Self {
        let wanted = wanted.clamp(1, MOST_SHOTS as u8);
        Enrolment { person, wanted, shots: Vec::new(), blend: Blend::new(dimension), dimension }
    }

    /// Shots taken.
    pub fn taken(&self) -> u8 {
        self.shots.len() as u8
    }

    /// Shots wanted.
    pub fn wanted(&self) -> u8 {
        self.wanted
    }

    /// The next shot is the last.
    pub fn end_with_next(&mut self) {
        self.wanted = self.taken() + 1;
    }

    /// Whether all shots are taken.
    pub fn is_complete(&self) -> bool {
        self.taken() >= self.wanted
    }

    /// Offers the embedding of a fit face. `accepted` is the person that the gallery recognises in it, `threshold_q30` the
    /// cosine from which on two faces count as one person's.
    ///
    /// # Errors
    /// [`BlendError`] when it does not have the dimension. [`ShotError`]: the shot is not taken.
    pub fn offer(
        &mut self,
        embedding: &[i16],
        accepted: Option<PersonId>,
        threshold_q30: i32,
    ) -> Result<Result<(), ShotError>, BlendError> {
        let mut alone = Blend::new(self.dimension);
        let has_direction = alone.add(embedding)?;
        if let Some(other) = accepted
            && self.person != Some(other)
        {
            return Ok(Err(ShotError::Enrolled(other)));
        }
        if let Some(so_far) = SubCentre::of(&self.blend, self.dimension)? {
            if !so_far.is_near(threshold_q30, embedding) {
                return Ok(Err(ShotError::NotTheSame));
            }
            if self.shots.iter().any(|shot| shot.is_near(TOO_ALIKE_Q30, embedding)) {
                return Ok(Err(ShotError::TooAlike));
            }
        }
        let shot = if has_direction { SubCentre::of(&alone, self.dimension)? } else { None };
        let Some(shot) = shot else { return Ok(Err(ShotError::Degenerate)) };
        self.blend.add(embedding)?;
        // There is room for as many as are wanted.
        let _ = self.shots.push(shot);
        Ok(Ok(()))
    }

    /// The person's centres with these shots: those of `before`, of which the nearest takes the shots in, or a further one
    /// where the shots differ from all and there is room. `None` when the shots have no direction.
    ///
    /// # Errors
    /// [`BlendError`] when a centre of `before` does not have the dimension.
    pub fn centres(&self, before: &[SubCentre]) -> Result<Option<Vec<SubCentre, MOST_CENTRES>>, BlendError> {
        let Some(own) = SubCentre::of(&self.blend, self.dimension)? else { return Ok(None) };
        let mut direction = [0i16; MAX_DIMENSION];
        let Some(direction) = direction.get_mut(..self.dimension) else { return Ok(None) };
        direction.iter_mut().zip(&own.vector).for_each(|(wide, &element)| *wide = element.into());
        let before = before.get(..MOST_CENTRES).unwrap_or(before);
        if let Some(other) = before.iter().find(|centre| centre.vector.len() != self.dimension) {
            return Err(BlendError { given: other.vector.len(), dimension: self.dimension });
        }
        let Ok(mut centres) = Vec::<_, MOST_CENTRES>::from_slice(before) else { return Ok(None) };
        let sight = |centre: &SubCentre| Sight {
            owner: 0,
            centre: 0,
            dot: matcher::dot::dot(&centre.vector, direction),
            norm: centre.norm(),
        };
        let mut nearest: Option<(usize, Sight)> = None;
        for (number, centre) in centres.iter().enumerate() {
            let seen = sight(centre);
            if nearest.as_ref().is_none_or(|(_, nearest)| seen.is_nearer_than(nearest)) {
                nearest = Some((number, seen));
            }
        }
        let Some(nearest) = nearest.and_then(|(nearest, _)| centres.get_mut(nearest)) else {
            return Ok(centres.push(own).is_ok().then_some(centres));
        };
        let is_group = own.photos >= LEAST_GROUP && !nearest.is_near(SAME_GROUP_Q30, direction);
        if is_group && before.len() < MOST_CENTRES {
            return Ok(centres.push(own).is_ok().then_some(centres));
        }
        let mut both = self.blend.clone();
        both.add_centre(&nearest.vector, nearest.photos)?;
        let Some(both) = SubCentre::of(&both, self.dimension)? else { return Ok(None) };
        *nearest = both;
        Ok(Some(centres))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A direction at this angle in the plane.
    fn at(degrees: f64) -> [i16; 2] {
        let radians = degrees.to_radians();
        [(20_000.0 * radians.cos()) as i16, (20_000.0 * radians.sin()) as i16]
    }

    /// Cosine of 60°.
    const HALF: i32 = 1 << 29;

    fn enrolled(person: Option<PersonId>, degrees: &[f64]) -> Enrolment {
        let mut enrolment = Enrolment::new(person, degrees.len() as u8, 2);
        for &angle in degrees {
            enrolment.offer(&at(angle), None, HALF).unwrap().unwrap();
        }
        enrolment
    }

    fn sub_centre(degrees: f64, photos: u16) -> SubCentre {
        let mut blend = Blend::new(2);
        for _ in 0..photos {
            assert!(blend.add(&at(degrees)).unwrap());
        }
        SubCentre::of(&blend, 2).unwrap().unwrap()
    }

    #[test]
    fn shots_of_one_person_make_one_centre_between_them() {
        let enrolment = enrolled(None, &[0.0, 20.0, 40.0]);
        assert!(enrolment.is_complete());
        let centres = enrolment.centres(&[]).unwrap().unwrap();
        assert_eq!(centres.len(), 1);
        assert_eq!((&centres[0].vector[..], centres[0].photos), (&sub_centre(20.0, 1).vector[..], 3));
    }

    #[test]
    fn shot_that_shows_nothing_new_or_somebody_else_is_not_taken() {
        let mut enrolment = Enrolment::new(None, 3, 2);
        enrolment.offer(&at(0.0), None, HALF).unwrap().unwrap();
        assert_eq!(enrolment.offer(&at(9.0), None, HALF), Ok(Err(ShotError::TooAlike)));
        assert_eq!(enrolment.offer(&at(62.0), None, HALF), Ok(Err(ShotError::NotTheSame)));
        assert_eq!(enrolment.offer(&at(11.0), Some(4), HALF), Ok(Err(ShotError::Enrolled(4))));
        assert_eq!(enrolment.taken(), 1);
        enrolment.offer(&at(11.0), None, HALF).unwrap().unwrap();
        assert!(!enrolment.is_complete());
        assert_eq!(Enrolment::new(None, 1, 2).offer(&[0, 0], None, HALF), Ok(Err(ShotError::Degenerate)));
    }

    #[test]
    fn person_gets_more_photos_of_themselves_only() {
        let mut enrolment = Enrolment::new(Some(4), 2, 2);
        assert_eq!(enrolment.offer(&at(0.0), Some(5), HALF), Ok(Err(ShotError::Enrolled(5))));
        assert_eq!(enrolment.offer(&at(0.0), Some(4), HALF), Ok(Ok(())));
    }

    #[test]
    fn photos_move_the_nearest_sub_centre_by_their_number() {
        let before = [sub_centre(0.0, 6), sub_centre(90.0, 3)];
        let centres = enrolled(Some(1), &[10.0, 30.0]).centres(&before).unwrap().unwrap();
        assert_eq!((centres.len(), centres[0].photos), (2, 8));
        assert_eq!(centres[1], before[1]);
        // Six at 0° and two at 10° and 30°: about 5°.
        let [x, y] = [0, 1].map(|axis| f64::from(centres[0].vector[axis]));
        let degrees = y.atan2(x).to_degrees();
        assert!((degrees - 5.0).abs() < 0.5, "{degrees}");
    }

    #[test]
    fn shots_unlike_all_centres_become_another_one_while_there_is_room() {
        let mut before = std::vec![sub_centre(0.0, 5)];
        let enrolment = enrolled(Some(1), &[45.0, 60.0, 75.0]);
        let centres = enrolment.centres(&before).unwrap().unwrap();
        assert_eq!((centres.len(), centres[1].photos), (2, 3));
        before.extend([sub_centre(150.0, 3), sub_centre(-90.0, 3)]);
        let centres = enrolment.centres(&before).unwrap().unwrap();
        assert_eq!((centres.len(), centres[0].photos, centres[1].photos), (3, 8, 3));
        // Two shots are no group.
        assert_eq!(enrolled(Some(1), &[60.0, 75.0]).centres(&before[..1]).unwrap().unwrap().len(), 1);
    }

    #[test]
    fn other_dimensions_are_errors_and_no_shots() {
        let mut enrolment = enrolled(None, &[0.0, 20.0]);
        let refused = Err(BlendError { given: 3, dimension: 2 });
        // Whatever else would be said of the shot.
        assert_eq!(enrolment.offer(&[3, 4, 0], None, HALF), refused);
        assert_eq!(enrolment.offer(&[0, 0, 0], Some(4), HALF), refused);
        assert_eq!(enrolment.taken(), 2);
        let mut before = sub_centre(10.0, 3);
        before.vector.push(0).unwrap();
        assert_eq!(enrolment.centres(&[before]), Err(BlendError { given: 3, dimension: 2 }));
        let none = Enrolment::new(None, 1, MAX_DIMENSION + 1);
        let refused = BlendError { given: MAX_DIMENSION, dimension: MAX_DIMENSION + 1 };
        assert_eq!(none.centres(&[]), Err(refused));
    }
}
