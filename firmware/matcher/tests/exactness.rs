//! Compares the decision with a reference that uses only the definition: cosines and angles, to 700 binary places.

use std::cmp::Ordering;
use std::convert::Infallible;

use matcher::{
    Candidate, Centres, Judge, Margin, Matcher, ONE_Q30, Outcome, Rejection, Rules, RunnerUp, Runs, Verdict,
    others_within,
};
use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;
use proptest::sample::Index;

/// A gallery or cohort in a test: vectors with their owners.
#[derive(Clone, Debug)]
struct People {
    dimension: usize,
    centres: Vec<(u16, Vec<i8>)>,
}

impl People {
    /// Calls `body` with the checked view.
    fn view<R>(&self, body: impl FnOnce(Centres) -> R) -> R {
        let vectors: Vec<i8> = self.centres.iter().flat_map(|(_, vector)| vector.clone()).collect();
        let norm = |vector: &[i8]| vector.iter().map(|&v| i32::from(v).pow(2) as u32).sum();
        let norms: Vec<u32> = self.centres.iter().map(|(_, vector)| norm(vector)).collect();
        let owners: Vec<u16> = self.centres.iter().map(|(owner, _)| *owner).collect();
        body(Centres::new_checked(self.dimension, &vectors, &norms, &owners).unwrap())
    }
}

fn decide(gallery: &People, cohort: Option<&People>, rules: Rules, probe: &[i16]) -> Outcome {
    gallery.view(|gallery| match cohort {
        None => Matcher::new_checked(gallery, None, rules).unwrap().decide(probe).unwrap(),
        Some(cohort) => cohort.view(|cohort| {
            Matcher::new_checked(gallery, Some(cohort), rules).unwrap().decide(probe).unwrap()
        }),
    })
}

/// A gallery in runs of a few people each.
struct Pieces(Vec<People>);

impl Pieces {
    /// Closes a run after a person where `ends` says so. There may be runs without centres.
    fn of(gallery: &People, ends: &[bool]) -> Pieces {
        let mut pieces = vec![People { dimension: gallery.dimension, centres: Vec::new() }; 2];
        let mut last = None;
        for (owner, vector) in &gallery.centres {
            if last.is_some_and(|last| last != owner) && ends[usize::from(*owner) % ends.len()] {
                pieces.push(People { dimension: gallery.dimension, centres: Vec::new() });
            }
            last = Some(owner);
            pieces.last_mut().unwrap().centres.push((*owner, vector.clone()));
        }
        Pieces(pieces)
    }
}

impl Runs for Pieces {
    type Error = Infallible;

    fn dimension(&self) -> usize {
        self.0[0].dimension
    }

    fn each(&mut self, show: &mut dyn FnMut(&Centres<'_>)) -> Result<(), Infallible> {
        self.0.iter().for_each(|piece| piece.view(|view| show(&view)));
        Ok(())
    }
}

mod reference {
    //! High-precision cosines. Shares no code with the crate.

    use super::*;

    const PLACES: u64 = 700;
    /// If two of the expressions compared here differ at all, they differ by more than 2⁻⁶⁰⁰: the difference times at
    /// most seven conjugates, each below 2⁷⁵ in magnitude, is an integer and not zero.
    const TELLING: u64 = 600;

    pub fn inner(a: &[i64], b: &[i64]) -> i64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// `whole · √under`, in units of 2⁻⁷⁰⁰.
    fn surd(whole: i64, under: i128) -> BigInt {
        let under = BigUint::try_from(under).expect("no root of a negative number");
        BigInt::from_biguint(Sign::Plus, (under << (2 * PLACES)).sqrt()) * whole
    }

    /// Sign of a number in units of 2⁻⁷⁰⁰ that is known to about 2⁻⁶⁰⁰.
    fn sign(x: &BigInt) -> Ordering {
        let is_zero = x.magnitude().bits() <= PLACES - TELLING;
        if is_zero { Ordering::Equal } else { x.cmp(&BigInt::ZERO) }
    }

    /// Cosine order of two centres' inner products and norms with one probe.
    pub fn order((a, n): (i64, i64), (b, m): (i64, i64)) -> Ordering {
        sign(&(surd(a, m.into()) - surd(b, n.into())))
    }

    /// `cos θ ≥ t`.
    pub fn is_within(t: i64, (a, n): (i64, i64), p: i64) -> bool {
        let cosine = BigInt::from(a) << (30 + PLACES);
        sign(&(cosine - surd(t, i128::from(n) * i128::from(p)))).is_ge()
    }

    /// `cos θ₁ cos m − sin θ₁ sin m ≥ cos θ₂`, `θ₁ ≤ θ₂` and `sin(θ₁ + m) ≥ 0`.
    pub fn is_clear(cos: i32, sin: i32, (a, n1): (i64, i64), (b, n2): (i64, i64), p: i64) -> bool {
        let e = i128::from(n1) * i128::from(p) - i128::from(a).pow(2);
        let sine_of_sum = surd(cos.into(), e) + ((BigInt::from(sin) * a) << PLACES);
        let n2 = i128::from(n2);
        let cosine_of_sum =
            surd(i64::from(cos), i128::from(a).pow(2) * n2) * a.signum() - surd(i64::from(sin), e * n2);
        let cosine = surd(i64::from(ONE_Q30), i128::from(b).pow(2) * i128::from(n1)) * b.signum();
        let is_behind = order((a, n1), (b, n2.try_into().unwrap())).is_ge();
        is_behind && sign(&sine_of_sum).is_ge() && sign(&(cosine_of_sum - cosine)).is_ge()
    }

    /// The result by the definition of best, runner-up and rules: best (person, centre), runner-up (stranger, person,
    /// centre), verdict.
    #[derive(Debug, PartialEq)]
    pub struct Answer {
        pub best: Option<(u16, usize)>,
        pub runner_up: Option<(bool, u16, usize)>,
        pub verdict: Verdict,
    }

    /// Whether it is a stranger, the person, the centre, the inner product and the squared norm.
    type Seen = ((bool, u16, usize), (i64, i64));

    pub fn decide(
        gallery: &People,
        cohort: Option<&People>,
        t: i32,
        margin: Option<(i32, i32)>,
        probe: &[i16],
    ) -> Answer {
        let probe: Vec<i64> = probe.iter().map(|&v| v.into()).collect();
        let p = inner(&probe, &probe);
        let rejected = |why| Answer { best: None, runner_up: None, verdict: Verdict::Rejected(why) };
        if p == 0 {
            return rejected(Rejection::Degenerate);
        }
        let see = |people: &People, stranger| -> Vec<Seen> {
            let see = |(number, (owner, vector)): (usize, &(u16, Vec<i8>))| {
                let vector: Vec<i64> = vector.iter().map(|&v| v.into()).collect();
                ((stranger, *owner, number), (inner(&vector, &probe), inner(&vector, &vector)))
            };
            people.centres.iter().enumerate().map(see).collect()
        };
        let enrolled = see(gallery, false);
        let mut everybody = enrolled.clone();
        everybody.extend(cohort.iter().flat_map(|cohort| see(cohort, true)));
        // A stable sort by falling cosine: among equals the first comes first.
        let first = |mut all: Vec<Seen>| {
            all.sort_by(|a, b| order(b.1, a.1));
            all.first().copied()
        };
        let Some(((_, person, centre), nearest)) = first(enrolled) else {
            return rejected(Rejection::NobodyEnrolled);
        };
        everybody.retain(|((stranger, owner, _), _)| *stranger || *owner != person);
        let others = everybody.clone();
        let other = first(everybody);
        // A stranger must not be nearer. Another person must be farther by at least the margin.
        let clear = match margin {
            Some((cos, sin)) => others.iter().all(|&((stranger, ..), other)| match stranger {
                true => order(nearest, other).is_ge(),
                false => is_clear(cos, sin, nearest, other, p),
            }),
            None => true,
        };
        let verdict = match (is_within(t.into(), nearest, p), clear) {
            (false, _) => Verdict::Rejected(Rejection::TooFar),
            (true, false) => Verdict::Rejected(Rejection::Ambiguous),
            (true, true) => Verdict::Accepted,
        };
        Answer { best: Some((person, centre)), runner_up: other.map(|(who, _)| who), verdict }
    }
}

fn answer(outcome: &Outcome) -> reference::Answer {
    let runner_up = |runner_up: RunnerUp| {
        let candidate = runner_up.candidate();
        (matches!(runner_up, RunnerUp::Stranger(_)), candidate.person, usize::from(candidate.centre))
    };
    reference::Answer {
        best: outcome.best.map(|best| (best.person, best.centre.into())),
        runner_up: outcome.runner_up.map(runner_up),
        verdict: outcome.verdict,
    }
}

/// Centres of one kind: few distinct values (many ties), extreme values, or any values.
fn vector(dimension: usize) -> impl Strategy<Value = Vec<i8>> {
    let of = move |element: BoxedStrategy<i8>| proptest::collection::vec(element, dimension);
    prop_oneof![
        of((-1..=1i8).boxed()),
        of(prop_oneof![Just(127i8), Just(-127)].boxed()),
        of(prop_oneof![Just(127i8), Just(126)].boxed()),
        of((-127..=127i8).boxed()),
    ]
    .prop_map(|mut vector| {
        if vector.iter().all(|&v| v == 0) {
            vector[0] = 1;
        }
        vector
    })
}

fn people(dimension: usize, owners: u16, most: usize) -> impl Strategy<Value = People> {
    proptest::collection::vec((0..owners, vector(dimension)), 0..=most).prop_map(move |mut centres| {
        centres.sort_by_key(|(owner, _)| *owner);
        People { dimension, centres }
    })
}

fn dimension() -> impl Strategy<Value = usize> {
    prop_oneof![1..=4usize, 1..=512usize, Just(128), Just(512)]
}

/// A gallery, a cohort, and a probe that is arbitrary, extreme, near a centre or between two.
fn scene() -> impl Strategy<Value = (People, Option<People>, Vec<i16>)> {
    dimension()
        .prop_flat_map(|dimension| {
            let noise = proptest::collection::vec(-300..=300i32, dimension);
            let probe = prop_oneof![
                proptest::collection::vec(any::<i16>(), dimension),
                proptest::collection::vec(-1..=1i16, dimension),
                proptest::collection::vec(prop_oneof![Just(i16::MAX), Just(i16::MIN)], dimension),
            ];
            let cohort = proptest::option::of(people(dimension, 9, 5));
            let mix = (any::<[Index; 2]>(), -3..=3i32, -3..=3i32, 0..=40i32, noise);
            (people(dimension, 5, 9), cohort, probe, proptest::option::weighted(0.7, mix))
        })
        .prop_map(|(gallery, cohort, probe, mix)| {
            let probe = match mix {
                Some(([a, b], weight_a, weight_b, gain, noise)) if !gallery.centres.is_empty() => {
                    let [a, b] = [a, b].map(|index| &index.get(&gallery.centres).1);
                    let mixed = a.iter().zip(b).zip(noise).map(|((&a, &b), noise)| {
                        let sum = weight_a * i32::from(a) + weight_b * i32::from(b);
                        (sum * gain + noise * gain / 20).clamp(-32768, 32767) as i16
                    });
                    mixed.collect()
                }
                _ => probe,
            };
            (gallery, cohort, probe)
        })
}

fn q30(x: f64) -> i32 {
    (x * f64::from(ONE_Q30)).round() as i32
}

/// Thresholds and margins, often at the ends of their ranges.
fn terms() -> impl Strategy<Value = (i32, Option<(i32, i32)>)> {
    let threshold = prop_oneof![Just(-ONE_Q30), Just(0), -ONE_Q30..=ONE_Q30, any::<i32>()];
    let right = std::f64::consts::FRAC_PI_2;
    let margin = prop_oneof![Just(0.0), Just(right), Just(0.5), 0.0..right, 0.0..1e-4];
    let margin = margin.prop_map(|m: f64| (q30(m.cos()), q30(m.sin())));
    (threshold, proptest::option::weighted(0.9, margin))
}

fn rules((threshold_q30, margin): (i32, Option<(i32, i32)>)) -> Rules {
    let margin = margin.map(|(cos, sin)| Margin::new_checked(cos, sin).unwrap());
    Rules { margin, ..Rules::absolute(threshold_q30) }
}

/// Angle from the vector to the probe.
fn angle(vector: &[i8], probe: &[i16]) -> f64 {
    let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let unit = |v: Vec<f64>| -> Vec<f64> {
        let length = length(&v);
        v.iter().map(|x| x / length).collect()
    };
    let a = unit(vector.iter().map(|&v| v.into()).collect());
    let b = unit(probe.iter().map(|&v| v.into()).collect());
    // Accurate at both ends, where the arc cosine is not.
    let [sum, difference]: [Vec<f64>; 2] =
        [1.0, -1.0].map(|sign| a.iter().zip(&b).map(|(a, b)| a + sign * b).collect());
    2.0 * length(&difference).atan2(length(&sum))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn outcome_is_the_definitions((gallery, cohort, probe) in scene(), terms in terms()) {
        let outcome = decide(&gallery, cohort.as_ref(), rules(terms), &probe);
        prop_assert_eq!(
            answer(&outcome),
            reference::decide(&gallery, cohort.as_ref(), terms.0, terms.1, &probe)
        );
    }

    #[test]
    fn runs_are_decided_on_as_one_view(
        (gallery, cohort, probe) in scene(),
        terms in terms(),
        cap in proptest::option::of(0.0..0.8f64),
        ends in proptest::collection::vec(any::<bool>(), 5),
        least in -ONE_Q30..=ONE_Q30,
    ) {
        let angle = |m: f64| Margin::new_checked(q30(m.cos()), q30(m.sin())).unwrap();
        let rules = Rules { cap: cap.map(angle), certificate: Some(angle(0.2)), ..rules(terms) };
        let mut pieces = Pieces::of(&gallery, &ends);
        let outcome = match &cohort {
            None => Judge { cohort: None, rules }.decide(&mut pieces, &probe),
            Some(cohort) => {
                cohort.view(|view| Judge { cohort: Some(view), rules }.decide(&mut pieces, &probe))
            }
        };
        let outcome = outcome.unwrap();
        prop_assert_eq!(outcome, decide(&gallery, cohort.as_ref(), rules, &probe));
        let Some(best) = outcome.best else { return Ok(()) };
        let (mut of_pieces, mut of_view) = (Vec::new(), Vec::new());
        let mut note = |other: &Candidate| of_pieces.push(*other);
        others_within(&mut pieces, &probe, &best, least, &mut note).unwrap();
        gallery.view(|mut view| {
            others_within(&mut view, &probe, &best, least, &mut |other| of_view.push(*other)).unwrap();
        });
        prop_assert_eq!(of_pieces, of_view);
    }

    #[test]
    fn absolute_rule_turns_at_the_exact_cosine((gallery, _, probe) in scene()) {
        let accepts = |t| decide(&gallery, None, rules((t, None)), &probe).verdict == Verdict::Accepted;
        let Some(best) = decide(&gallery, None, rules((0, None)), &probe).best else { return Ok(()) };
        prop_assert!(accepts(i32::MIN) && !accepts(i32::MAX));
        let p = probe.iter().map(|&v| i64::from(v).pow(2)).sum();
        for t in best.cosine_q30() - 2..=best.cosine_q30() + 2 {
            let within = reference::is_within(t.into(), (best.dot.into(), best.norm.into()), p);
            prop_assert_eq!(accepts(t), within, "threshold {}", t);
        }
        // The displayed cosine is at most half a unit from the exact one; both are doubled to compare them.
        let twice = (2 * i64::from(best.dot), i64::from(best.norm));
        let shown = 2 * i64::from(best.cosine_q30());
        prop_assert!(reference::is_within(shown - 1, twice, p));
        let opposite = (-twice.0, twice.1);
        prop_assert!(reference::is_within(-shown - 1, opposite, p));
    }

    #[test]
    fn others_within_leaves_nobody_out((gallery, _, probe) in scene(), least in -ONE_Q30..=ONE_Q30) {
        let Some(best) = decide(&gallery, None, rules((0, None)), &probe).best else { return Ok(()) };
        let mut seen = Vec::new();
        gallery.view(|view| {
            let matcher = Matcher::new_checked(view, None, rules((0, None))).unwrap();
            matcher.others_within(&probe, &best, least, &mut |other| seen.push(*other)).unwrap();
        });
        let wide: Vec<i64> = probe.iter().map(|&v| v.into()).collect();
        let p = reference::inner(&wide, &wide);
        let sight = |(owner, vector): &(u16, Vec<i8>)| {
            let vector: Vec<i64> = vector.iter().map(|&v| v.into()).collect();
            (*owner, (reference::inner(&vector, &wide), reference::inner(&vector, &vector)))
        };
        let everybody: Vec<_> = gallery.centres.iter().map(sight).collect();
        let mut expected: Vec<u16> = everybody.iter().map(|&(owner, _)| owner).collect();
        expected.dedup();
        expected.retain(|&person| person != best.person);
        // A person exactly at the least cosine may be among them or not.
        let has = |person: u16, least: i64| {
            everybody.iter().any(|&(owner, sight)| owner == person && reference::is_within(least, sight, p))
        };
        for person in expected {
            let found = seen.iter().find(|other| other.person == person);
            prop_assert!(found.is_some() || !has(person, i64::from(least) + 1), "person {} is left out", person);
            if let Some(found) = found {
                let found = (found.dot.into(), found.norm.into());
                let own = everybody.iter().filter(|&&(owner, _)| owner == person);
                prop_assert!(own.clone().all(|&(_, other)| reference::order(found, other).is_ge()));
            }
        }
        prop_assert!(seen.is_sorted_by(|a, b| a.person < b.person));
        prop_assert!(seen.iter().all(|other| other.person != best.person));
    }

    #[test]
    fn margin_rule_turns_at_the_exact_margin((gallery, _, probe) in scene()) {
        let outcome = decide(&gallery, None, rules((-ONE_Q30, None)), &probe);
        let (Some(best), Some(other)) = (outcome.best, outcome.runner_up) else { return Ok(()) };
        let vector = |people: &People, centre: u16| people.centres[usize::from(centre)].1.clone();
        let other = other.candidate();
        let second = vector(&gallery, other.centre);
        let edge = angle(&second, &probe) - angle(&vector(&gallery, best.centre), &probe);
        let edge = edge.clamp(0.0, std::f64::consts::FRAC_PI_2);
        let p = probe.iter().map(|&v| i64::from(v).pow(2)).sum();
        let (cos, sin) = (q30(edge.cos()), q30(edge.sin()));
        for cos in cos - 2..=cos + 2 {
            for sin in sin - 2..=sin + 2 {
                let Ok(margin) = Margin::new_checked(cos, sin) else { continue };
                let rules = Rules { margin: Some(margin), ..Rules::absolute(-ONE_Q30) };
                let verdict = decide(&gallery, None, rules, &probe).verdict;
                let clear = reference::is_clear(
                    cos, sin, (best.dot.into(), best.norm.into()), (other.dot.into(), other.norm.into()), p,
                );
                prop_assert_eq!(verdict == Verdict::Accepted, clear, "margin {} {}", cos, sin);
            }
        }
    }

    #[test]
    fn margin_rule_compares_angles((gallery, cohort, probe) in scene(), margin in 0.0..1.57f64) {
        let terms = (-ONE_Q30, Some((q30(margin.cos()), q30(margin.sin()))));
        let outcome = decide(&gallery, cohort.as_ref(), rules(terms), &probe);
        let nearest = |people: &People, but: Option<u16>| {
            let others = people.centres.iter().filter(|(owner, _)| Some(*owner) != but);
            others.map(|(_, vector)| angle(vector, &probe)).fold(f64::INFINITY, f64::min)
        };
        let Some(best) = outcome.best else { return Ok(()) };
        let own = nearest(&gallery, None);
        let strangers = cohort.as_ref().map_or(f64::INFINITY, |cohort| nearest(cohort, None)) - own;
        let people = nearest(&gallery, Some(best.person)) - own - margin;
        let slack = people.min(strangers);
        // Rounding the margin moves the cosine by 2⁻³⁰, and near 0 and π it moves the angle by up to the root of
        // that.
        if people.abs() > 1e-4 && strangers.abs() > 1e-4 {
            prop_assert_eq!(outcome.verdict == Verdict::Accepted, slack > 0.0, "slack {}", slack);
        }
    }

    #[test]
    fn certified_implies_nobody_else_within_the_margin(
        (gallery, _, probe) in scene(), margin in 0.0..1.0f64, toward in 0.0..1.0f64,
    ) {
        // Probes moved towards the best centre, so that many are inside.
        let best = decide(&gallery, None, Rules::absolute(-ONE_Q30), &probe).best;
        let Some(best) = best else { return Ok(()) };
        let centre = &gallery.centres[usize::from(best.centre)].1;
        let moved = probe.iter().zip(centre).map(|(&x, &c)| {
            ((1.0 - toward) * f64::from(x) / 40.0 + toward * f64::from(c) * 200.0) as i16
        });
        let probe: Vec<i16> = moved.collect();
        let (cos, sin) = (q30(margin.cos()), q30(margin.sin()));
        let certificate = Some(Margin::new_checked(cos, sin).unwrap());
        let outcome = decide(&gallery, None, Rules { certificate, ..Rules::absolute(-ONE_Q30) }, &probe);
        let Some(best) = outcome.best else { return Ok(()) };
        let probe_wide: Vec<i64> = probe.iter().map(|&x| x.into()).collect();
        let seen = |vector: &[i8]| {
            let wide: Vec<i64> = vector.iter().map(|&v| v.into()).collect();
            (reference::inner(&wide, &probe_wide), reference::inner(&wide, &wide))
        };
        let own = &gallery.centres[usize::from(best.centre)].1;
        let others = || gallery.centres.iter().filter(|(owner, _)| *owner != best.person);
        if outcome.certified {
            let p = reference::inner(&probe_wide, &probe_wide);
            for (_, other) in others() {
                prop_assert!(reference::is_clear(cos, sin, seen(own), seen(other), p));
            }
        }
        // Away from the edge of the cap, exactly the probes inside it are certified.
        let own_wide: Vec<i16> = own.iter().map(|&v| v.into()).collect();
        let phi = others().map(|(_, other)| angle(other, &own_wide)).fold(std::f64::consts::FRAC_PI_2, f64::min);
        let room = (phi - margin) / 2.0 - angle(own, &probe);
        if room.abs() > 1e-4 {
            prop_assert_eq!(outcome.certified, room > 0.0, "room {}", room);
        }
    }

    #[test]
    fn scale_of_the_probe_does_not_matter(
        (gallery, cohort, probe) in scene(), terms in terms(), gain in 2..=127i16,
    ) {
        let small: Vec<i16> = probe.iter().map(|v| v / 256).collect();
        let large: Vec<i16> = small.iter().map(|v| v * gain).collect();
        let [small, large] = [small, large].map(|probe| decide(&gallery, cohort.as_ref(), rules(terms), &probe));
        prop_assert_eq!(answer(&small), answer(&large));
        prop_assert_eq!(small.best.map(|best| best.cosine_q30()), large.best.map(|best| best.cosine_q30()));
    }

    #[test]
    fn permuted_people_permute_the_outcome(
        (gallery, cohort, probe) in scene(), terms in terms(),
        order in Just((0..5u16).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut permuted = gallery.clone();
        for (owner, _) in &mut permuted.centres {
            *owner = order[usize::from(*owner)];
        }
        permuted.centres.sort_by_key(|(owner, _)| *owner);
        let [before, after] =
            [&gallery, &permuted].map(|gallery| decide(gallery, cohort.as_ref(), rules(terms), &probe));
        prop_assert_eq!(before.verdict, after.verdict);
        let (Some(was), Some(is)) = (before.best, after.best) else { return Ok(()) };
        // Equally near people are ordered by number alone.
        prop_assert_eq!(
            reference::order((was.dot.into(), was.norm.into()), (is.dot.into(), is.norm.into())),
            Ordering::Equal
        );
        let runners_up = (before.runner_up, after.runner_up);
        if let (Some(RunnerUp::Person(was_next)), Some(RunnerUp::Person(is_next))) = runners_up {
            let next = |c: matcher::Candidate| (i64::from(c.dot), i64::from(c.norm));
            prop_assert_eq!(reference::order(next(was_next), next(is_next)), Ordering::Equal);
            if reference::order(next(was), next(was_next)) != Ordering::Equal {
                prop_assert_eq!(is.person, order[usize::from(was.person)]);
                prop_assert_eq!(vector_of(&gallery, was.centre), vector_of(&permuted, is.centre));
            }
        } else if before.runner_up.is_none() {
            prop_assert_eq!(is.person, order[usize::from(was.person)]);
        }
    }

    #[test]
    fn lowest_number_wins_a_tie((gallery, _, probe) in scene(), terms in terms()) {
        // The same people again, with higher numbers.
        let mut doubled = gallery.clone();
        doubled.centres.extend(gallery.centres.iter().map(|(owner, vector)| (owner + 5, vector.clone())));
        let [single, double] = [&gallery, &doubled].map(|gallery| decide(gallery, None, rules(terms), &probe));
        prop_assert_eq!(single.best, double.best);
        let Some(best) = single.best else { return Ok(()) };
        let Some(RunnerUp::Person(second)) = double.runner_up else { panic!("{double:?}") };
        let equal = reference::order(
            (best.dot.into(), best.norm.into()), (second.dot.into(), second.norm.into()),
        );
        prop_assert_eq!(equal, Ordering::Equal);
        prop_assert!(second.person > best.person);
    }

    #[test]
    fn more_strangers_never_lead_to_acceptance(
        (gallery, cohort, probe) in scene(), terms in terms(), added in any::<Index>(), flip: bool,
    ) {
        let before = decide(&gallery, cohort.as_ref(), rules(terms), &probe);
        if gallery.centres.is_empty() {
            return Ok(());
        }
        let mut stranger = added.get(&gallery.centres).1.clone();
        stranger.reverse();
        if flip {
            stranger[0] = -stranger[0];
        }

        let mut wider = cohort.clone().unwrap_or(People { dimension: gallery.dimension, centres: vec![] });
        wider.centres.push((9, stranger.clone()));
        let after = decide(&gallery, Some(&wider), rules(terms), &probe);
        prop_assert_eq!(after.best, before.best);
        prop_assert!(after.verdict == before.verdict || before.verdict == Verdict::Accepted);

        let mut fuller = gallery.clone();
        fuller.centres.push((5, stranger));
        let after = decide(&fuller, cohort.as_ref(), rules(terms), &probe);
        if before.verdict != Verdict::Accepted && after.verdict == Verdict::Accepted {
            prop_assert_eq!(after.best.map(|best| best.person), Some(5));
        }
    }
}

fn vector_of(people: &People, centre: u16) -> &[i8] {
    &people.centres[usize::from(centre)].1
}

#[test]
fn largest_vectors_are_decided_exactly() {
    let full = vec![127i8; 512];
    let mut dented = full.clone();
    dented[511] = 126;
    let opposite: Vec<i8> = full.iter().map(|v| -v).collect();
    let gallery = People { dimension: 512, centres: vec![(0, dented), (1, full), (2, opposite)] };
    for probe in [[i16::MAX; 512], [i16::MIN; 512]] {
        for terms in
            [(ONE_Q30, Some((ONE_Q30, 0))), (ONE_Q30, Some((ONE_Q30, 1))), (-ONE_Q30, Some((0, ONE_Q30)))]
        {
            let outcome = decide(&gallery, None, rules(terms), &probe);
            assert_eq!(answer(&outcome), reference::decide(&gallery, None, terms.0, terms.1, &probe));
        }
    }
    let outcome = decide(&gallery, None, rules((ONE_Q30, Some((ONE_Q30, 0)))), &[i16::MAX; 512]);
    assert_eq!(outcome.best.map(|best| (best.person, best.cosine_q30())), Some((1, ONE_Q30)));
    assert_eq!(outcome.verdict, Verdict::Accepted);
}
