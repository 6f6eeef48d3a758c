//! The centres of all enrolled people as several views, one opened after another: an image's gallery, then people of a
//! store, whose records are sealed and of which only one is open at a time.

use core::convert::Infallible;
use core::fmt;

use crate::centres::Centres;
use crate::dot::MAX_DIMENSION;
use crate::nearest::{ScanError, Sight, scan};

/// Why there is no decision. `E` is the error of the [`Runs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecideError<E> {
    /// The embedding cannot be compared with the gallery or the cohort.
    Scan(ScanError),
    /// A run of the gallery cannot be opened.
    Runs(E),
}

impl<E> From<ScanError> for DecideError<E> {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

impl<E: fmt::Display> fmt::Display for DecideError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scan(error) => error.fmt(f),
            Self::Runs(error) => write!(f, "the gallery cannot be opened: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for DecideError<E> {}

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

/// Scans the runs one after another until one cannot be scanned. `scan` gets a run and the number of its first centre
/// among all.
pub(crate) fn scan_each<R: Runs>(
    runs: &mut R,
    mut scan: impl FnMut(&Centres<'_>, usize) -> Result<(), ScanError>,
) -> Result<(), DecideError<R::Error>> {
    let (mut seen, mut scanned) = (0, Ok(()));
    runs.each(&mut |centres| {
        if scanned.is_ok() {
            scanned = scan(centres, seen);
        }
        seen += centres.len();
    })
    .map_err(DecideError::Runs)?;
    Ok(scanned?)
}

/// Elements of a centre, and zeros after them.
type Vector = [i8; MAX_DIMENSION];

/// The nearest centre, and the nearest centre of another person, with copies of both: their runs are closed again.
pub(crate) struct Nearest {
    /// The nearest centre.
    pub best: Option<Sight>,
    /// The nearest centre of another person.
    pub second: Option<Sight>,
    /// Their vectors; the second's first if `is_turned`.
    vectors: [Vector; 2],
    is_turned: bool,
}

impl Nearest {
    /// Nothing is seen yet.
    pub fn new() -> Self {
        Nearest { best: None, second: None, vectors: [[0; MAX_DIMENSION]; 2], is_turned: false }
    }

    /// Searches all runs. Among equally near centres the first wins.
    ///
    /// # Errors
    /// [`DecideError`].
    // Not a constructor, so that the vectors are not copied.
    pub fn search<R: Runs>(&mut self, runs: &mut R, probe: &[i16]) -> Result<(), DecideError<R::Error>> {
        scan_each(runs, |centres, first| self.search_run(centres, first, probe))
    }

    /// Vectors of the best centre and of the second.
    pub fn vectors(&self) -> [&Vector; 2] {
        let [even, odd] = &self.vectors;
        if self.is_turned { [odd, even] } else { [even, odd] }
    }

    fn vectors_mut(&mut self) -> [&mut Vector; 2] {
        let [even, odd] = &mut self.vectors;
        if self.is_turned { [odd, even] } else { [even, odd] }
    }

    /// Searches one run, whose first centre has the number `first` among all.
    fn search_run(&mut self, centres: &Centres<'_>, first: usize, probe: &[i16]) -> Result<(), ScanError> {
        // Vectors are as long as the probe, which a scan checks for every run: nothing is left over in an array.
        let copy = |to: &mut Vector, from: &[i8]| {
            to.iter_mut().zip(from).for_each(|(to, &element)| *to = element);
        };
        scan(centres, probe, self.second, &mut |local, vector| {
            // A centre that is no nearer than the second is no nearer than the first either.
            if self.second.is_some_and(|second| !local.is_nearer_than(&second)) {
                return None;
            }
            let sight = Sight { centre: (first + usize::from(local.centre)) as u16, ..local };
            if let Some(best) = self.best {
                if !sight.is_nearer_than(&best) {
                    if sight.owner != best.owner {
                        self.second = Some(sight);
                        let [_, of_second] = self.vectors_mut();
                        copy(of_second, vector);
                    }
                    return self.second;
                }
                if sight.owner != best.owner {
                    self.second = Some(best);
                    self.is_turned = !self.is_turned;
                }
            }
            self.best = Some(sight);
            let [of_best, _] = self.vectors_mut();
            copy(of_best, vector);
            self.second
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(elements: [i8; 2]) -> Vector {
        let mut vector = [0; MAX_DIMENSION];
        vector[..2].copy_from_slice(&elements);
        vector
    }

    #[test]
    fn second_is_never_of_the_best_person() {
        // Person 4's first centre beats person 2, its second centre beats its first, its third lies between.
        let vectors = [3, 4, 4, 3, 5, 0, 12, 5];
        let mut centres = Centres::new_checked(2, &vectors, &[25, 25, 25, 169], &[2, 4, 4, 4]).unwrap();
        let mut nearest = Nearest::new();
        nearest.search(&mut centres, &[100, 0]).unwrap();
        assert_eq!(nearest.best, Some(Sight { owner: 4, centre: 2, dot: 500, norm: 25 }));
        assert_eq!(nearest.second, Some(Sight { owner: 2, centre: 0, dot: 300, norm: 25 }));
        assert_eq!(nearest.vectors(), [&padded([5, 0]), &padded([3, 4])]);
    }

    #[test]
    fn first_of_equals_counts() {
        let mut centres = Centres::new_checked(1, &[2, 1, 1, 127], &[4, 1, 1, 16129], &[3, 3, 5, 6]).unwrap();
        let mut nearest = Nearest::new();
        nearest.search(&mut centres, &[9]).unwrap();
        let Nearest { best, second, .. } = nearest;
        assert_eq!(best.map(|sight| (sight.owner, sight.centre)), Some((3, 0)));
        assert_eq!(second.map(|sight| (sight.owner, sight.centre)), Some((5, 2)));
    }

    #[test]
    fn best_that_is_overtaken_becomes_the_second_with_its_vector() {
        let mut centres = Centres::new_checked(2, &[3, 4, 4, 3, 5, 0], &[25, 25, 25], &[0, 1, 2]).unwrap();
        let mut nearest = Nearest::new();
        nearest.search(&mut centres, &[100, 0]).unwrap();
        assert_eq!(nearest.vectors(), [&padded([5, 0]), &padded([4, 3])]);
    }

    /// Runs that differ in dimension.
    struct Unequal([Centres<'static>; 3]);

    impl Runs for Unequal {
        type Error = Infallible;

        fn dimension(&self) -> usize {
            2
        }

        fn each(&mut self, show: &mut dyn FnMut(&Centres<'_>)) -> Result<(), Infallible> {
            self.0.iter().for_each(show);
            Ok(())
        }
    }

    #[test]
    fn run_of_another_dimension_is_refused_though_others_follow() {
        let right = Centres::new_checked(2, &[3, 4], &[25], &[0]).unwrap();
        let wrong = Centres::new_checked(1, &[5], &[25], &[1]).unwrap();
        for runs in [[wrong, right, right], [right, wrong, right], [right, right, wrong]] {
            let searched = Nearest::new().search(&mut Unequal(runs), &[100, 0]);
            let refused = ScanError::Dimension { probe: 2, centres: 1 };
            assert_eq!(searched, Err(DecideError::Scan(refused)));
        }
    }
}
