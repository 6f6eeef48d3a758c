//! Faces of a photo as a board's eyes see them. The photo is the frame: it is looked at whole, smaller, and in tiles, as
//! the float path does, and everything else is the board's code.

use anyhow::{Result, anyhow};
use face::found::MAX_FACES;
use face::{Eyes, Faces, Found, Gates, Look, Refusal};
use format::gates::Gate;
use vision::{Frame, Rect};

use super::gates;
use super::places::{bounds, holds, landmarks, middle};
use super::seer::Seer;
use crate::face::{align, look};

/// Photos are cut into tiles as long as they were shown smaller than this. At this scale a face that is just large enough
/// for its gate is a quarter of the detector's picture of 120 rows high.
const LEAST_SCALE: f32 = 0.45;
/// From this score on, what the landmarks make doubtful may be a face in profile, and is not passed over: the crop of
/// somebody else would be taken for this person's. Most false faces have lower scores.
const SURE: u16 = 58_982;

/// A face that was found, and what the eyes say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighted {
    /// Where it is.
    pub found: Found,
    /// Its landmarks and measurements.
    pub look: Look,
    /// The gate that refuses it, if one does.
    pub verdict: Result<(), Refusal>,
}

impl Sighted {
    /// How much its verdict is worth: no face, a face that is not fit, a fit one.
    fn worth(&self) -> u8 {
        match self.verdict {
            Ok(()) => 2,
            Err(Refusal { gate: Gate::Moved | Gate::Nowhere, .. }) => 0,
            Err(_) => 1,
        }
    }

    /// Whether its landmarks are doubtful although the detector is sure of it.
    fn may_be_profile(&self) -> bool {
        self.worth() == 0 && self.found.score_q16 >= SURE
    }

    /// Whether both are the same face: their boxes are the same, or the landmarks of one lie in the other's box, which
    /// then is a part of the face at the border of a tile, or much around it.
    fn is_same(&self, other: &Sighted) -> bool {
        let in_box = |one: &Sighted, other: &Sighted| {
            holds(bounds(&one.found.bounds), middle(&landmarks(&other.look.points)))
        };
        self.found.is_same(&other.found) || in_box(self, other) || in_box(other, self)
    }
}

/// The faces of a photo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sights {
    /// One for each face.
    pub faces: Vec<Sighted>,
    /// Whether the eyes had room for no more faces in a part of the photo.
    pub is_full: bool,
}

/// What looks at a part of a photo and examines a face there.
trait Looks {
    /// Finds faces.
    fn scan(&mut self, part: &Rect) -> Result<Faces>;

    /// Examines one.
    fn look(&mut self, found: &Found) -> Result<(Look, Result<(), Refusal>)>;
}

/// A board's eyes, a photo and the limits of a usable face.
struct Looking<'a, 'e, 'f> {
    eyes: &'a Eyes<'e>,
    arena: &'a mut [u8],
    frame: &'a Frame<'f>,
    check: &'a dyn Fn(&Look) -> Result<(), Refusal>,
}

impl Looks for Looking<'_, '_, '_> {
    fn scan(&mut self, part: &Rect) -> Result<Faces> {
        self.eyes.detector().scan(self.frame, part, self.arena).map_err(|error| anyhow!("{error}"))
    }

    fn look(&mut self, found: &Found) -> Result<(Look, Result<(), Refusal>)> {
        let look = self.eyes.look(self.frame, found, self.arena).map_err(|error| anyhow!("{error}"))?;
        Ok((look, (self.check)(&look)))
    }
}

/// The faces of a photo. Unless `is_all`, the search ends with the first size at which a face passes the gates and none is
/// doubtful. `scale` is the size of the photo over that of the frame.
///
/// # Errors
/// When a network fails.
pub fn see(seer: &Seer, frame: &Frame<'_>, scale: f32, gates: &Gates, is_all: bool) -> Result<Sights> {
    let check = |look: &Look| gates::check(gates, &look.quality.ok_or(Refusal::NOWHERE)?, scale);
    seer.run(|eyes, arena| {
        let input = eyes.detector().input();
        let levels = levels(frame, [input.width.into(), input.height.into()]);
        search(&mut Looking { eyes, arena, frame, check: &check }, levels, is_all)
    })?
}

/// The parts of a photo that are looked at, in the order in which they are tried.
fn levels(frame: &Frame<'_>, picture: [u32; 2]) -> Vec<Vec<Rect>> {
    let sides = [frame.width(), frame.height()].map(u32::from);
    let part = |to: &align::Transform| {
        let back = to.inverse();
        let [left, top] = back.apply([-0.5, -0.5]);
        let [right, bottom] = back.apply(picture.map(|side| side as f32 - 0.5));
        let [left, top, right, bottom] = [left, top, right, bottom].map(|x| (x * 256.0).round() as i32);
        Rect { left, top, right, bottom }
    };
    let mut levels: Vec<Vec<Rect>> = look::levels(sides, picture, LEAST_SCALE)
        .iter()
        .map(|looks| looks.iter().map(part).collect())
        .collect();
    // What a camera's frame shows.
    levels[0] = vec![frame.rect()];
    levels
}

/// Looks at one level after another, and examines what is found. Of what shows one face, the first that is worth most
/// stays.
fn search(eye: &mut impl Looks, levels: Vec<Vec<Rect>>, is_all: bool) -> Result<Sights> {
    let (mut kept, mut is_full): (Vec<Sighted>, bool) = (Vec::new(), false);
    for parts in levels {
        let mut found: Vec<Found> = Vec::new();
        for part in parts {
            let faces = eye.scan(&part)?;
            is_full |= faces.len() == MAX_FACES;
            found.extend(faces);
        }
        found.sort_by_key(|face| std::cmp::Reverse(face.score_q16));
        for found in apart(found) {
            let (look, verdict) = eye.look(&found)?;
            let sighted = Sighted { found, look, verdict };
            match kept.iter_mut().find(|other| other.is_same(&sighted)) {
                Some(other) if other.worth() < sighted.worth() => *other = sighted,
                Some(_) => {}
                None => kept.push(sighted),
            }
        }
        let is_found = kept.iter().any(|face| face.verdict.is_ok());
        if !is_all && is_found && !kept.iter().any(Sighted::may_be_profile) {
            break;
        }
    }
    let surest = kept.iter().copied().max_by_key(|face| face.found.score_q16);
    kept.retain(|face| face.worth() > 0 || face.may_be_profile());
    if kept.is_empty() {
        // Its refusal tells more than that there is no face.
        kept.extend(surest);
    }
    Ok(Sights { faces: kept, is_full })
}

/// Of boxes that show one face the first.
fn apart(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for face in found {
        if !kept.iter().any(|other| other.is_same(&face)) {
            kept.push(face);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use vision::Point;

    use super::*;

    /// A box of this side in pixels.
    fn rect(left: i32, top: i32, side: i32) -> Rect {
        let [left, top, side] = [left, top, side].map(|x| 256 * x);
        Rect { left, top, right: left + side, bottom: top + side }
    }

    /// What is found at each level, with the verdict on it.
    struct Script(Vec<Vec<(Found, Result<(), Refusal>)>>, Vec<usize>);

    impl Looks for Script {
        fn scan(&mut self, part: &Rect) -> Result<Faces> {
            let level = part.left as usize;
            self.1.push(level);
            Ok(self.0[level].iter().map(|(found, _)| *found).collect())
        }

        fn look(&mut self, found: &Found) -> Result<(Look, Result<(), Refusal>)> {
            let (_, verdict) = self.0.iter().flatten().find(|(other, _)| other == found).unwrap();
            let Point { x, y } = found.bounds.centre();
            Ok((Look { points: [Point { x, y }; 5], quality: None }, *verdict))
        }
    }

    fn face(bounds: Rect, score: u16, verdict: Result<(), Refusal>) -> (Found, Result<(), Refusal>) {
        (Found { bounds, score_q16: score, points: None }, verdict)
    }

    /// The boxes that stay, and the levels looked at.
    fn searched(levels: Vec<Vec<(Found, Result<(), Refusal>)>>, is_all: bool) -> (Vec<Rect>, Vec<usize>) {
        let parts = (0..levels.len()).map(|level| vec![Rect { left: level as i32, ..Rect::default() }]);
        let mut script = Script(levels.clone(), Vec::new());
        let sights = search(&mut script, parts.collect(), is_all).unwrap();
        (sights.faces.iter().map(|face| face.found.bounds).collect(), script.1)
    }

    const NO_FACE: Result<(), Refusal> = Err(Refusal { gate: Gate::Moved, figure: 9, limit: 1 });
    const SMALL: Result<(), Refusal> = Err(Refusal { gate: Gate::Eyes, figure: 1, limit: 9 });

    #[test]
    fn false_face_of_one_level_does_not_hide_the_true_one_of_another() {
        let (falsely, truly) =
            (face(rect(0, 0, 50), 50_000, NO_FACE), face(rect(200, 0, 20), 60_000, Ok(())));
        let (kept, looked) = searched(vec![vec![falsely], vec![truly], vec![]], false);
        assert_eq!((kept, looked), (vec![truly.0.bounds], vec![0, 1]));
    }

    #[test]
    fn search_ends_with_the_first_usable_face_unless_all_are_wanted() {
        let (near, far) = (face(rect(0, 0, 50), 60_000, Ok(())), face(rect(200, 0, 20), 60_000, Ok(())));
        assert_eq!(searched(vec![vec![near], vec![far]], false), (vec![near.0.bounds], vec![0]));
        let both = vec![near.0.bounds, far.0.bounds];
        assert_eq!(searched(vec![vec![near], vec![far]], true), (both, vec![0, 1]));
    }

    #[test]
    fn one_face_seen_at_two_levels_is_one() {
        let whole = face(rect(0, 0, 50), 60_000, Ok(()));
        // Nearly the same box, and a part of the face.
        let again = [face(rect(2, 2, 50), 65_000, Ok(())), face(rect(20, 20, 20), 60_000, Ok(()))];
        assert_eq!(searched(vec![vec![whole], again.to_vec()], true).0, [whole.0.bounds]);
        // What passes takes the place of what does not.
        let refused = face(rect(0, 0, 50), 65_000, SMALL);
        assert_eq!(searched(vec![vec![refused], again.to_vec()], false).0, [again[0].0.bounds]);
    }

    #[test]
    fn sure_but_doubtful_face_is_not_passed_over() {
        let (profile, other) =
            (face(rect(0, 0, 50), 62_000, NO_FACE), face(rect(200, 0, 20), 60_000, Ok(())));
        assert_eq!(searched(vec![vec![profile, other]], false).0, [profile.0.bounds, other.0.bounds]);
        let unsure = face(rect(0, 0, 50), 48_000, NO_FACE);
        assert_eq!(searched(vec![vec![unsure, other]], false).0, [other.0.bounds]);
        // Alone, it is the reason.
        assert_eq!(searched(vec![vec![unsure], vec![]], false).0, [unsure.0.bounds]);
    }

    #[test]
    fn full_limit_is_told() {
        let many: Vec<_> = (0..MAX_FACES as i32).map(|i| face(rect(60 * i, 0, 50), 60_000, Ok(()))).collect();
        let parts = vec![vec![Rect::default()]];
        assert!(search(&mut Script(vec![many.clone()], vec![]), parts.clone(), true).unwrap().is_full);
        assert!(!search(&mut Script(vec![many[1..].to_vec()], vec![]), parts, true).unwrap().is_full);
    }
}
