//! One probe against a gallery, a cohort and the rules.

use core::fmt;

use crate::cap;
use crate::centres::Centres;
use crate::cosine::cosine_q30;
use crate::dot::squared_norm;
use crate::nearest::{ScanError, Sight, nearest_beyond, scan};
use crate::rules::{Margin, ONE_Q30, Rules, is_within};
use crate::runs::{DecideError, Nearest, Runs, scan_each};

/// Why a matcher is refused: the dimensions of gallery and cohort differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DimensionMismatch {
    /// Elements of a centre of the gallery.
    pub gallery: usize,
    /// Elements of a centre of the cohort.
    pub cohort: usize,
}

impl fmt::Display for DimensionMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the gallery has {} dimensions, its cohort {}", self.gallery, self.cohort)
    }
}

impl core::error::Error for DimensionMismatch {}

/// A centre near a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Number of the person.
    pub person: u16,
    /// Number of the centre in the gallery or the cohort.
    pub centre: u16,
    /// Inner product of the centre and the probe.
    pub dot: i32,
    /// Squared norm of the centre.
    pub norm: u32,
    /// Squared norm of the probe.
    pub probe_norm: u64,
}

impl Candidate {
    fn new(sight: Sight, probe_norm: u64) -> Self {
        let Sight { owner, centre, dot, norm } = sight;
        Candidate { person: owner, centre, dot, norm, probe_norm }
    }

    /// Cosine of the angle between centre and probe, rounded to Q30. For display: no verdict depends on it.
    pub fn cosine_q30(&self) -> i32 {
        cosine_q30(self.dot, self.norm, self.probe_norm)
    }
}

/// The nearest candidate who is not the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerUp {
    /// Another enrolled person.
    Person(Candidate),
    /// A stranger of the cohort, nearer than any other enrolled person.
    Stranger(Candidate),
}

impl RunnerUp {
    /// The candidate, of either kind.
    pub fn candidate(&self) -> &Candidate {
        match self {
            RunnerUp::Person(candidate) | RunnerUp::Stranger(candidate) => candidate,
        }
    }
}

/// Why a probe is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The embedding is zero: it has no direction.
    Degenerate,
    /// Nobody is enrolled.
    NobodyEnrolled,
    /// The best is not near enough.
    TooFar,
    /// The best is near enough, but the runner-up is nearly as near.
    Ambiguous,
}

/// Whether the probe is the best candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Accepted,
    /// It is not, or it cannot be decided.
    Rejected(Rejection),
}

/// The decision on a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The nearest enrolled person by their nearest centre. `None` if the probe is degenerate or nobody is enrolled.
    pub best: Option<Candidate>,
    /// The nearest candidate after the best; a stranger may even be nearer. `None` without a best, or if there is no
    /// other.
    pub runner_up: Option<RunnerUp>,
    /// Whether the probe is the best candidate.
    pub verdict: Verdict,
    /// Whether an accepted probe is so near to its centre that no other enrolled person can be within the
    /// certificate's margin.
    pub certified: bool,
}

/// The rules, and perhaps a cohort: decides over any [`Runs`] of centres.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// Centres of strangers, with as many elements as the centres of every gallery that is judged: otherwise there is no
    /// decision.
    pub cohort: Option<Centres<'a>>,
    /// The conditions of acceptance.
    pub rules: Rules,
}

impl Judge<'_> {
    /// The same without a certificate, which decides nothing and may open all runs a second time.
    pub fn without_certificate(self) -> Self {
        Judge { rules: Rules { certificate: None, ..self.rules }, ..self }
    }

    /// Decides on one embedding, `[dimension]`, of any scale.
    ///
    /// The absolute rule is applied first: a probe that is both too far and ambiguous is [`Rejection::TooFar`]. The
    /// margin rule holds if there is no other candidate.
    ///
    /// # Errors
    /// [`DecideError`].
    // Not inlined, so that its code has a name and a size.
    #[inline(never)]
    pub fn decide<R: Runs>(
        &self,
        gallery: &mut R,
        embedding: &[i16],
    ) -> Result<Outcome, DecideError<R::Error>> {
        check_dimension(gallery, embedding)?;
        let rejected = |rejection| Outcome {
            best: None,
            runner_up: None,
            verdict: Verdict::Rejected(rejection),
            certified: false,
        };
        let probe_norm = squared_norm(embedding);
        if probe_norm == 0 {
            return Ok(rejected(Rejection::Degenerate));
        }
        let mut nearest = Nearest::new();
        nearest.search(gallery, embedding)?;
        let Some(best) = nearest.best else { return Ok(rejected(Rejection::NobodyEnrolled)) };
        let second = nearest.second;
        let nearest_stranger = |cohort| nearest_beyond(cohort, embedding, second);
        let stranger = self.cohort.as_ref().map(nearest_stranger).transpose()?.flatten();

        // The cohort is a sample of all strangers. A stranger nearer than the best counts against the best. A
        // stranger at about the same angle does not.
        let is_clear = |margin: &Margin| {
            second.is_none_or(|second| margin.holds(&best, &second, probe_norm))
                && stranger.is_none_or(|stranger| !stranger.is_nearer_than(&best))
        };
        let mut is_near = is_within(self.rules.threshold_q30, &best, probe_norm);
        if is_near && let Some(margin) = &self.rules.cap {
            is_near = cap::contains(gallery, &nearest, probe_norm, margin)?;
        }
        let verdict = if !is_near {
            Verdict::Rejected(Rejection::TooFar)
        } else if !self.rules.margin.as_ref().is_none_or(is_clear) {
            Verdict::Rejected(Rejection::Ambiguous)
        } else {
            Verdict::Accepted
        };
        let candidate = |sight| Candidate::new(sight, probe_norm);
        let runner_up = match stranger {
            Some(stranger) => Some(RunnerUp::Stranger(candidate(stranger))),
            None => second.map(|second| RunnerUp::Person(candidate(second))),
        };
        let certified = match &self.rules.certificate {
            Some(margin) if verdict == Verdict::Accepted => {
                cap::contains(gallery, &nearest, probe_norm, margin)?
            }
            _ => false,
        };
        Ok(Outcome { best: Some(candidate(best)), runner_up, verdict, certified })
    }
}

/// An embedding must have the gallery's dimension, also where nobody is enrolled.
fn check_dimension<R: Runs>(gallery: &R, embedding: &[i16]) -> Result<(), ScanError> {
    let (probe, centres) = (embedding.len(), gallery.dimension());
    if probe == centres { Ok(()) } else { Err(ScanError::Dimension { probe, centres }) }
}

/// Calls `each` for every person except the best whose cosine is above `least_q30` (Q30, 0 or more; a negative value
/// selects everybody). The nearest centre represents the person.
///
/// It visits everybody once, as a decision does; a person below the bound costs little more than an inner product.
/// Rounding may let a person pass whose cosine equals `least_q30`, but nobody above it is left out.
///
/// # Errors
/// [`DecideError`]. Then `each` was not called for everybody.
// Not inlined, for the same reason.
#[inline(never)]
pub fn others_within<R: Runs>(
    gallery: &mut R,
    embedding: &[i16],
    best: &Candidate,
    least_q30: i32,
    each: &mut dyn FnMut(&Candidate),
) -> Result<(), DecideError<R::Error>> {
    check_dimension(gallery, embedding)?;
    let probe_norm = best.probe_norm;
    // The best's centre, as if it had the least cosine. Rounded down, so that nobody nearer is missed.
    let bar = (least_q30 >= 0).then(|| {
        let length = (u64::from(best.norm) * probe_norm).isqrt();
        let dot = (length * least_q30.min(ONE_Q30) as u64) >> 30;
        Sight { owner: best.person, centre: best.centre, dot: dot as i32, norm: best.norm }
    });
    let mut nearest: Option<Sight> = None;
    scan_each(gallery, |centres, first| {
        scan(centres, embedding, bar, &mut |local, _| {
            let sight = Sight { centre: (first + usize::from(local.centre)) as u16, ..local };
            if sight.owner == best.person || bar.is_some_and(|bar| !sight.is_nearer_than(&bar)) {
                return None;
            }
            match nearest {
                Some(held) if held.owner == sight.owner && !sight.is_nearer_than(&held) => {}
                Some(held) => {
                    if held.owner != sight.owner {
                        each(&Candidate::new(held, probe_norm));
                    }
                    nearest = Some(sight);
                }
                None => nearest = Some(sight),
            }
            None
        })
    })?;
    if let Some(held) = nearest {
        each(&Candidate::new(held, probe_norm));
    }
    Ok(())
}

/// A gallery, perhaps a cohort, and the rules.
#[derive(Clone, Copy, Debug)]
pub struct Matcher<'a> {
    gallery: Centres<'a>,
    judge: Judge<'a>,
}

#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Matcher>() <= 104);

impl<'a> Matcher<'a> {
    /// A matcher of probes that have as many elements as the centres of `gallery`.
    ///
    /// # Errors
    /// [`DimensionMismatch`] if the centres of `cohort` have another length.
    pub fn new_checked(
        gallery: Centres<'a>,
        cohort: Option<Centres<'a>>,
        rules: Rules,
    ) -> Result<Self, DimensionMismatch> {
        match cohort.map(|cohort| cohort.dimension()) {
            Some(cohort) if cohort != gallery.dimension() => {
                Err(DimensionMismatch { gallery: gallery.dimension(), cohort })
            }
            _ => Ok(Matcher { gallery, judge: Judge { cohort, rules } }),
        }
    }

    /// A matcher with the same gallery and rules but no cohort.
    pub fn without_cohort(self) -> Self {
        Matcher { judge: Judge { cohort: None, ..self.judge }, ..self }
    }

    /// The centres of the gallery.
    pub fn gallery(&self) -> &Centres<'a> {
        &self.gallery
    }

    /// The cohort and the rules.
    pub fn judge(&self) -> &Judge<'a> {
        &self.judge
    }

    /// Decides on one embedding; see [`Judge::decide`].
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn decide(&self, embedding: &[i16]) -> Result<Outcome, ScanError> {
        let decided = self.judge.decide(&mut { self.gallery }, embedding);
        decided.map_err(|DecideError::Scan(error)| error)
    }

    /// Calls `each` for everybody else who is near; see [`others_within`].
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn others_within(
        &self,
        embedding: &[i16],
        best: &Candidate,
        least_q30: i32,
        each: &mut dyn FnMut(&Candidate),
    ) -> Result<(), ScanError> {
        let seen = others_within(&mut { self.gallery }, embedding, best, least_q30, each);
        seen.map_err(|DecideError::Scan(error)| error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Margin, ONE_Q30};

    fn rules(threshold: f64, margin_degrees: f64) -> Rules {
        let q30 = |x: f64| (x * f64::from(ONE_Q30)).round() as i32;
        let margin = margin_degrees.to_radians();
        let margin = Margin::new_checked(q30(margin.cos()), q30(margin.sin())).unwrap();
        Rules { margin: Some(margin), ..Rules::absolute(q30(threshold)) }
    }

    fn pair() -> Centres<'static> {
        Centres::new_checked(2, &[4, 3, 3, 4], &[25, 25], &[0, 1]).unwrap()
    }

    #[test]
    fn near_and_clear_is_accepted() {
        // 36.87° and 53.13°: 16.26° apart.
        let matcher = Matcher::new_checked(pair(), None, rules(0.79, 16.0)).unwrap();
        let best = Candidate { person: 0, centre: 0, dot: 40, norm: 25, probe_norm: 100 };
        let second = Candidate { person: 1, centre: 1, dot: 30, norm: 25, probe_norm: 100 };
        let accepted = Outcome {
            best: Some(best),
            runner_up: Some(RunnerUp::Person(second)),
            verdict: Verdict::Accepted,
            certified: false,
        };
        assert_eq!(matcher.decide(&[10, 0]).unwrap(), accepted);
        // Values from another tool.
        assert_eq!([best, second].map(|candidate| candidate.cosine_q30()), [858_993_459, 644_245_094]);
    }

    #[test]
    fn each_rule_rejects_by_its_name() {
        let verdict =
            |rules| Matcher::new_checked(pair(), None, rules).unwrap().decide(&[10, 0]).unwrap().verdict;
        assert_eq!(verdict(rules(0.81, 16.0)), Verdict::Rejected(Rejection::TooFar));
        assert_eq!(verdict(rules(0.79, 17.0)), Verdict::Rejected(Rejection::Ambiguous));
        assert_eq!(verdict(rules(0.81, 17.0)), Verdict::Rejected(Rejection::TooFar));
        assert_eq!(verdict(Rules { margin: None, ..rules(0.79, 17.0) }), Verdict::Accepted);
        // The two are 16.26° apart: no cap contains a probe 36.87° away.
        let cap = Some(Margin::ZERO);
        assert_eq!(verdict(Rules { cap, ..rules(0.79, 16.0) }), Verdict::Rejected(Rejection::TooFar));
    }

    #[test]
    fn only_accepted_probes_inside_the_cap_are_certified() {
        let far = Centres::new_checked(2, &[4, 3, -3, 4], &[25, 25], &[0, 1]).unwrap();
        let decide = |degrees: f64, threshold| {
            let certificate = rules(0.0, degrees).margin;
            let rules = Rules { certificate, ..Rules::absolute(threshold) };
            Matcher::new_checked(far, None, rules).unwrap().decide(&[10, 0]).unwrap()
        };
        // A right angle apart, the probe at 36.87°: 2 · 36.87° + 16° is inside, with 17° it is not.
        assert!(decide(16.0, 0).certified && !decide(17.0, 0).certified);
        assert_eq!(decide(17.0, 0).verdict, Verdict::Accepted);
        assert!(!decide(16.0, ONE_Q30).certified);
    }

    #[test]
    fn nearer_stranger_makes_the_best_ambiguous() {
        let cohort = Centres::new_checked(2, &[0, 1, 12, 5], &[1, 169], &[0, 1]).unwrap();
        let matcher = Matcher::new_checked(pair(), Some(cohort), rules(0.5, 0.0)).unwrap();
        let outcome = matcher.decide(&[10, 0]).unwrap();
        assert_eq!(outcome.best.map(|best| best.person), Some(0));
        let Some(RunnerUp::Stranger(stranger)) = outcome.runner_up else { panic!("{outcome:?}") };
        assert_eq!((stranger.person, stranger.centre, stranger.dot), (1, 1, 120));
        assert_eq!(outcome.verdict, Verdict::Rejected(Rejection::Ambiguous));
    }

    #[test]
    fn enrolled_person_comes_before_an_equally_near_stranger() {
        let matcher = Matcher::new_checked(pair(), Some(pair()), rules(0.5, 0.0)).unwrap();
        let outcome = matcher.decide(&[10, 0]).unwrap();
        // The cohort's (4, 3) is as near as the best, and nearer than person 1.
        let stranger = Candidate { person: 0, centre: 0, dot: 40, norm: 25, probe_norm: 100 };
        assert_eq!(outcome.runner_up, Some(RunnerUp::Stranger(stranger)));
        assert_eq!(outcome.verdict, Verdict::Accepted);
        let far = Centres::new_checked(2, &[3, 4], &[25], &[0]).unwrap();
        let matcher = Matcher::new_checked(pair(), Some(far), rules(0.5, 0.0)).unwrap();
        assert!(matches!(matcher.decide(&[10, 0]).unwrap().runner_up, Some(RunnerUp::Person(_))));
    }

    #[test]
    fn others_are_seen_by_their_nearest_centre() {
        let vectors = [3, 4, 4, 3, 5, 0, 0, 1, 24, 7, -4, -3];
        let norms = [25, 25, 25, 1, 625, 25];
        let gallery = Centres::new_checked(2, &vectors, &norms, &[0, 0, 1, 2, 2, 5]).unwrap();
        let matcher = Matcher::new_checked(gallery, None, Rules::absolute(0)).unwrap();
        let best = matcher.decide(&[10, 0]).unwrap().best.unwrap();
        assert_eq!(best.person, 1);
        let within = |least_q30| {
            let mut seen = std::vec::Vec::new();
            matcher
                .others_within(&[10, 0], &best, least_q30, &mut |other| seen.push((other.person, other.dot)))
                .unwrap();
            seen
        };
        assert_eq!(within(-ONE_Q30), [(0, 40), (2, 240), (5, -40)]);
        // One is behind the probe, one at 0.8, one at 0.96.
        assert_eq!(within(0), [(0, 40), (2, 240)]);
        assert_eq!(within(ONE_Q30 / 10 * 9), [(2, 240)]);
        assert_eq!(within(ONE_Q30), []);
        assert_eq!(within(i32::MAX), []);
    }

    #[test]
    fn only_person_has_no_runner_up() {
        let one = Centres::new_checked(2, &[4, 3, 3, 4], &[25, 25], &[9, 9]).unwrap();
        let outcome = Matcher::new_checked(one, None, rules(0.79, 90.0)).unwrap().decide(&[10, 0]).unwrap();
        assert_eq!((outcome.runner_up, outcome.verdict), (None, Verdict::Accepted));
    }

    #[test]
    fn nothing_to_compare_is_said() {
        let nobody = Centres::new_checked(2, &[], &[], &[]).unwrap();
        let matcher = Matcher::new_checked(nobody, Some(pair()), rules(-1.0, 0.0)).unwrap();
        let rejected = |reason| Outcome {
            best: None,
            runner_up: None,
            verdict: Verdict::Rejected(reason),
            certified: false,
        };
        assert_eq!(matcher.decide(&[10, 0]).unwrap(), rejected(Rejection::NobodyEnrolled));
        assert_eq!(matcher.decide(&[0, 0]).unwrap(), rejected(Rejection::Degenerate));
        let matcher = Matcher::new_checked(pair(), None, rules(-1.0, 0.0)).unwrap();
        assert_eq!(matcher.decide(&[0, 0]).unwrap(), rejected(Rejection::Degenerate));
    }

    #[test]
    fn cohort_of_another_dimension_is_refused() {
        let other = Centres::new_checked(3, &[1, 0, 0], &[1], &[0]).unwrap();
        let refused = Matcher::new_checked(pair(), Some(other), rules(0.0, 0.0)).unwrap_err();
        assert_eq!(refused, DimensionMismatch { gallery: 2, cohort: 3 });
    }

    #[test]
    fn embedding_of_another_dimension_is_refused() {
        let nobody = Centres::new_checked(2, &[], &[], &[]).unwrap();
        for gallery in [pair(), nobody] {
            let matcher = Matcher::new_checked(gallery, None, rules(0.0, 0.0)).unwrap();
            let best = Candidate { person: 0, centre: 0, dot: 40, norm: 25, probe_norm: 100 };
            // The degenerate one, too.
            for embedding in [&[][..], &[1], &[1, 0, 0], &[0, 0, 0], &[1; 513]] {
                let refused = ScanError::Dimension { probe: embedding.len(), centres: 2 };
                assert_eq!(matcher.decide(embedding), Err(refused));
                let others = matcher.others_within(embedding, &best, 0, &mut |other| panic!("{other:?}"));
                assert_eq!(others, Err(refused));
            }
        }
    }

    #[test]
    fn no_decision_with_a_cohort_of_another_dimension() {
        let other = Centres::new_checked(3, &[1, 0, 0], &[1], &[0]).unwrap();
        let judge = Judge { cohort: Some(other), rules: rules(0.0, 0.0) };
        let refused = ScanError::Dimension { probe: 2, centres: 3 };
        assert_eq!(judge.decide(&mut pair(), &[10, 0]), Err(DecideError::Scan(refused)));
    }
}
