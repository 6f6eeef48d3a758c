//! The centres of all enrolled people as several views, one opened after another: an image's gallery, then people of a
//! store, whose records are sealed and of which only one is open at a time.

use core::convert::Infallible;

use crate::centres::Centres;
use crate::dot::MAX_DIMENSION;
use crate::nearest::{Sight, scan};

/// Centres of enrolled people in one or several runs.
///
/// All runs have the same dimension. Owners never descend, within a run and from one run to the next, and no person has
/// centres in two runs. There are at most [`MAX_CENTRES`](crate::MAX_CENTRES) centres in all. A decision over several runs
/// equals the decision over one view that holds all their centres.
pub trait Runs {
    /// Why a run cannot be opened.
    type Error;

    /// Elements of a centre.
    fn dimension(&self) -> usize;

    /// Opens each run in order and shows it. Called twice for a decision with a cap or a certificate; both calls must
    /// show the same centres.
    ///
    /// # Errors
    /// When a run cannot be opened. Then there is no decision: a missing person might be the nearest.
    fn each(&mut self, show: &mut dyn FnMut(&Centres<'_>)) -> Result<(), Self::Error>;
}

impl Runs for Centres<'_> {
    type Error = Infallible;

    fn dimension(&self) -> usize {
        Centres::dimension(self)
    }

    fn each(&mut self, show: &mut dyn FnMut(&Centres<'_>)) -> Result<(), Infallible> {
        show(self);
        Ok(())
    }
}

/// The nearest centre, and the nearest centre of another person, with copies of both: their runs are closed again.
pub(crate) struct Nearest {
    /// The nearest centre. Its vector is the one at `turn`.
    pub best: Option<Sight>,
    /// The nearest centre of another person.
    pub second: Option<Sight>,
    vectors: [[i8; MAX_DIMENSION]; 2],
    turn: usize,
    dimension: usize,
}

impl Nearest {
    /// Searches all runs. Among equally near centres the first wins.
    ///
    /// # Errors
    /// As [`Runs::each`].
    pub fn search<R: Runs>(runs: &mut R, probe: &[i16]) -> Result<Nearest, R::Error> {
        let mut nearest = Nearest {
            best: None,
            second: None,
            vectors: [[0; MAX_DIMENSION]; 2],
            turn: 0,
            dimension: runs.dimension(),
        };
        let mut seen = 0;
        runs.each(&mut |centres| {
            nearest.search_run(centres, seen, probe);
            seen += centres.len();
        })?;
        Ok(nearest)
    }

    /// Vector of the best centre.
    pub fn best_vector(&self) -> &[i8] {
        &self.vectors[self.turn][..self.dimension]
    }

    /// Vector of the second centre.
    pub fn second_vector(&self) -> &[i8] {
        &self.vectors[1 - self.turn][..self.dimension]
    }

    /// Searches one run, whose first centre has the number `first` among all.
    fn search_run(&mut self, centres: &Centres<'_>, first: usize, probe: &[i16]) {
        scan(centres, probe, self.second, &mut |local| {
            // A centre that is no nearer than the second is no nearer than the first either.
            if self.second.is_some_and(|second| !local.is_nearer_than(&second)) {
                return None;
            }
            let sight = Sight { centre: (first + usize::from(local.centre)) as u16, ..local };
            let vector = centres.get(local.centre).vector;
            match self.best {
                Some(best) if !sight.is_nearer_than(&best) => {
                    if sight.owner != best.owner {
                        self.second = Some(sight);
                        self.vectors[1 - self.turn][..self.dimension].copy_from_slice(vector);
                    }
                }
                Some(best) => {
                    if sight.owner != best.owner {
                        self.second = Some(best);
                        self.turn = 1 - self.turn;
                    }
                    self.best = Some(sight);
                    self.vectors[self.turn][..self.dimension].copy_from_slice(vector);
                }
                None => {
                    self.best = Some(sight);
                    self.vectors[self.turn][..self.dimension].copy_from_slice(vector);
                }
            }
            self.second
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_is_never_of_the_best_person() {
        // Person 4's first centre beats person 2, its second centre beats its first, its third lies between.
        let vectors = [3, 4, 4, 3, 5, 0, 12, 5];
        let mut centres = Centres::new_checked(2, &vectors, &[25, 25, 25, 169], &[2, 4, 4, 4]).unwrap();
        let Ok(nearest) = Nearest::search(&mut centres, &[100, 0]);
        assert_eq!(nearest.best, Some(Sight { owner: 4, centre: 2, dot: 500, norm: 25 }));
        assert_eq!(nearest.second, Some(Sight { owner: 2, centre: 0, dot: 300, norm: 25 }));
        assert_eq!((nearest.best_vector(), nearest.second_vector()), (&[5, 0][..], &[3, 4][..]));
    }

    #[test]
    fn first_of_equals_counts() {
        let mut centres = Centres::new_checked(1, &[2, 1, 1, 127], &[4, 1, 1, 16129], &[3, 3, 5, 6]).unwrap();
        let Ok(Nearest { best, second, .. }) = Nearest::search(&mut centres, &[9]);
        assert_eq!(best.map(|sight| (sight.owner, sight.centre)), Some((3, 0)));
        assert_eq!(second.map(|sight| (sight.owner, sight.centre)), Some((5, 2)));
    }

    #[test]
    fn best_that_is_overtaken_becomes_the_second_with_its_vector() {
        let mut centres = Centres::new_checked(2, &[3, 4, 4, 3, 5, 0], &[25, 25, 25], &[0, 1, 2]).unwrap();
        let Ok(nearest) = Nearest::search(&mut centres, &[100, 0]);
        assert_eq!((nearest.best_vector(), nearest.second_vector()), (&[5, 0][..], &[4, 3][..]));
    }
}
