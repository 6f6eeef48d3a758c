//! Confidence intervals of measured rates, by people: comparisons that share a person are not independent.
//!
//! A person whose face resembles many others takes part in many false accepts at once, so the binomial interval over
//! comparisons is too narrow. The jackknife over people (Efron 1982, chapter 3; for comparisons of two people,
//! Schuckers 2010, section 2.3) leaves out one person with all of their comparisons and measures the change of the
//! rate. Its standard error gives an effective number of independent trials, and the interval is the exact one
//! (Clopper and Pearson 1934) of that many trials (Korn and Graubard 1998): it stays between 0 and 1, and is
//! one-sided if there were no events. Rates at a threshold that is itself a quantile of the comparisons, such as TAR
//! at a FAR, do not change smoothly when one person is left out; they use the bootstrap over people (Efron 1979), which
//! sets the threshold anew in each draw. Their interval by comparisons is the exact one at the threshold found.

use serde::Serialize;
use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

/// The assumption of every bound; printed with each of them.
pub const LIKE_THE_COHORT: &str = "The bound holds for strangers like those it was measured on. Of other people, or with another \
     camera or light, more may be accepted: --check measures a second population.";

/// Confidence of every interval.
const CONFIDENCE: f64 = 0.95;
/// Number of bootstrap draws of people.
const RESAMPLES: usize = 400;

/// A measured rate and its confidence intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Share of the comparisons with the event.
    pub rate: f64,
    /// Number of comparisons.
    pub comparisons: usize,
    /// Number of people in them.
    pub people: usize,
    /// Standard error as if comparisons were independent.
    pub error_by_comparisons: f64,
    /// Standard error by the jackknife over people; `None` with fewer than two of them.
    pub error_by_people: Option<f64>,
    /// 95 % interval as if comparisons were independent.
    pub bounds_by_comparisons: [f64; 2],
    /// 95 % interval by people.
    pub bounds_by_people: [f64; 2],
}

/// The rate of events among comparisons of two people each, whose numbers may be equal. An event is 1 if it happened
/// and 0 if not, or the share of times that it did.
pub fn of_pairs(comparisons: &[([usize; 2], f64)]) -> Rate {
    measured(comparisons.iter().map(|&(people, event)| (people, event)))
}

/// The rate of events among probes, each of one person. Events are as in [`of_pairs`].
pub fn of_probes(probes: &[(usize, f64)]) -> Rate {
    measured(probes.iter().map(|&(person, event)| ([person; 2], event)))
}

/// A person's contribution to the sums.
#[derive(Clone, Copy, Default)]
struct Part {
    events: f64,
    comparisons: usize,
}

fn measured(comparisons: impl Iterator<Item = ([usize; 2], f64)>) -> Rate {
    let mut parts: Vec<Part> = Vec::new();
    let mut all = Part::default();
    for ([a, b], event) in comparisons {
        parts.resize(parts.len().max(a.max(b) + 1), Part::default());
        for person in [Some(a), (a != b).then_some(b)].into_iter().flatten() {
            parts[person].events += event;
            parts[person].comparisons += 1;
        }
        all.events += event;
        all.comparisons += 1;
    }
    parts.retain(|part| part.comparisons > 0);
    let count = all.comparisons as f64;
    let rate = if all.comparisons == 0 { 0.0 } else { all.events / count };
    let error_by_people = jackknife(&all, &parts);
    Rate {
        rate,
        comparisons: all.comparisons,
        people: parts.len(),
        error_by_comparisons: (rate * (1.0 - rate) / count.max(1.0)).sqrt(),
        error_by_people,
        bounds_by_comparisons: clopper_pearson(all.events, all.comparisons),
        bounds_by_people: bounds(rate, error_by_people, parts.len(), all.comparisons),
    }
}

/// Standard error of the rate from leaving out one person at a time.
fn jackknife(all: &Part, parts: &[Part]) -> Option<f64> {
    let without = |part: &Part| {
        let left = all.comparisons - part.comparisons;
        (left > 0).then(|| (all.events - part.events) / left as f64)
    };
    let rates: Vec<f64> = parts.iter().filter_map(without).collect();
    if rates.len() < 2 {
        return None;
    }
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    Some(((count - 1.0) / count * rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>()).sqrt())
}

/// The exact interval of the number of independent trials with this standard error. If nothing or everything
/// happened, the error is 0 and has no meaning; then the number of people is used.
fn bounds(rate: f64, error: Option<f64>, people: usize, comparisons: usize) -> [f64; 2] {
    let Some(error) = error else { return [0.0, 1.0] };
    let trials = if error > 0.0 && rate > 0.0 && rate < 1.0 {
        let independent = rate * (1.0 - rate) / (error * error);
        // An error estimated from few people is itself uncertain, so Student's quantile replaces the normal one.
        let quantile = |freedom: usize| {
            StudentsT::new(0.0, 1.0, freedom as f64)
                .map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + CONFIDENCE / 2.0))
        };
        let unsure = quantile(comparisons - 1) / quantile(people - 1);
        (independent * unsure * unsure).min(comparisons as f64)
    } else {
        people as f64
    };
    exact(rate * trials, trials)
}

/// 95 % interval of a rate when `events` (not necessarily an integer) of `trials` were seen or are expected.
pub fn clopper_pearson(events: f64, trials: usize) -> [f64; 2] {
    exact(events, trials as f64)
}

fn exact(events: f64, trials: f64) -> [f64; 2] {
    if trials <= 0.0 {
        return [0.0, 1.0];
    }
    let outside = (1.0 - CONFIDENCE) / 2.0;
    let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).map(|beta| beta.inverse_cdf(p));
    let low =
        if events > 0.0 { quantile(events, trials - events + 1.0, outside).unwrap_or(0.0) } else { 0.0 };
    let high = if events < trials {
        quantile(events + 1.0, trials - events, 1.0 - outside).unwrap_or(1.0)
    } else {
        1.0
    };
    [low, high]
}

/// Whether so many trials can tell at which score a share `rate` of them is accepted: it is one trial at least.
pub fn can_tell(rate: f64, trials: usize) -> bool {
    rate * trials as f64 > 1.0 - 1e-9
}

/// Least number of trials that can tell at which score a share `rate` of them is accepted.
pub fn least_trials(rate: f64) -> usize {
    (1.0 / rate - 1e-9).ceil() as usize
}

/// TAR at a FAR: the share of genuine comparisons above the score that at most a share `far` of the impostor
/// comparisons exceeds, and its 95 % intervals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tar {
    /// Share of genuine comparisons.
    pub rate: f64,
    /// 95 % interval as if genuine comparisons were independent and the threshold were not measured.
    pub bounds_by_comparisons: [f64; 2],
    /// 95 % interval by bootstrap over people; 0 to 1 if too few draws had comparisons of both kinds.
    pub bounds_by_people: [f64; 2],
}

/// A comparison with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Numbers of both people; equal for a genuine comparison, and for that of one person with a gallery.
    pub people: [usize; 2],
    /// Cosine.
    pub score: f32,
    /// Whether it is one person.
    pub same: bool,
}

/// TAR at a FAR with its interval by people. `None` without genuine comparisons, or if impostor comparisons are too few
/// for this FAR.
///
/// A comparison counts as often as its person is drawn; with two people, the product of both counts.
pub fn tar_at_far(comparisons: &[Scored], far: f64) -> Option<Tar> {
    let mut falling = comparisons.to_vec();
    falling.sort_by(|a, b| b.score.total_cmp(&a.score));
    let people = falling.iter().map(|c| c.people[0].max(c.people[1]) + 1).max().unwrap_or(0);
    let genuine = falling.iter().filter(|c| c.same).count();
    if !can_tell(far, falling.len() - genuine) {
        return None;
    }
    let rate = weighted_tar(&falling, far, &vec![1; people])?;
    Some(Tar {
        rate,
        bounds_by_comparisons: clopper_pearson(rate * genuine as f64, genuine),
        bounds_by_people: bootstrap(people, |drawn| weighted_tar(&falling, far, drawn)),
    })
}

/// TAR at a FAR of comparisons by falling score, each counted as often as its people were drawn.
fn weighted_tar(falling: &[Scored], far: f64, drawn: &[u32]) -> Option<f64> {
    let weight = |c: &Scored| -> u64 {
        let [a, b] = c.people.map(|person| u64::from(drawn[person]));
        if c.people[0] == c.people[1] { a } else { a * b }
    };
    let total = |same: bool| falling.iter().filter(|c| c.same == same).map(weight).sum::<u64>();
    let (genuine, impostors) = (total(true), total(false));
    if genuine == 0 || impostors == 0 {
        return None;
    }
    let allowed = (far * impostors as f64) as u64;
    let (mut accepted, mut passed) = (0, 0);
    // Genuine scores equal to that of the first rejected impostor are rejected too.
    let mut equal = (f32::INFINITY, 0);
    for comparison in falling {
        if comparison.score < equal.0 {
            equal = (comparison.score, 0);
        }
        if comparison.same {
            equal.1 += weight(comparison);
            accepted += weight(comparison);
        } else {
            passed += weight(comparison);
            if passed > allowed {
                accepted -= equal.1;
                break;
            }
        }
    }
    Some(accepted as f64 / genuine as f64)
}

/// 95 % interval of a statistic of people, from its quantiles over draws with replacement; the counts say how often
/// each person was drawn. The draws are the same on every machine.
pub fn bootstrap(people: usize, statistic: impl Fn(&[u32]) -> Option<f64>) -> [f64; 2] {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut drawn = vec![0u32; people];
    let mut values: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            drawn.fill(0);
            for _ in 0..people {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                drawn[((u128::from(state >> 32) * people as u128) >> 32) as usize] += 1;
            }
            statistic(&drawn)
        })
        .collect();
    if values.len() < RESAMPLES / 2 {
        return [0.0, 1.0];
    }
    values.sort_by(f64::total_cmp);
    let outside = (1.0 - CONFIDENCE) / 2.0;
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    [at(outside), at(1.0 - outside)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 1.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn three_people_by_hand() {
        // Person 0, 1, 2 has 1 of 2, 1 of 1, 0 of 2 events: without them the rates are 1/3, 1/4, 2/3.
        let rate = of_probes(&[(0, 1.0), (0, 0.0), (1, 1.0), (2, 0.0), (2, 0.0)]);
        assert_eq!((rate.rate, rate.comparisons, rate.people), (0.4, 5, 3));
        let left = [1.0 / 3.0, 1.0 / 4.0, 2.0 / 3.0];
        let mean = left.iter().sum::<f64>() / 3.0;
        let expected = (2.0 / 3.0 * left.iter().map(|x| (x - mean).powi(2)).sum::<f64>()).sqrt();
        assert!((rate.error_by_people.unwrap() - expected).abs() < 1e-12, "{rate:?}");
        assert!((rate.error_by_comparisons - (0.4f64 * 0.6 / 5.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn pair_counts_for_both_and_for_one_person_once() {
        // All pairs of three people, one accepted: without 0 or 1 none of one is left, without 2 the one.
        let rate = of_pairs(&[([0, 1], 1.0), ([0, 2], 0.0), ([1, 2], 0.0)]);
        let expected = (2.0f64 / 3.0 * (2.0 / 9.0 + 4.0 / 9.0)).sqrt();
        assert!((rate.error_by_people.unwrap() - expected).abs() < 1e-12, "{rate:?}");
        let own = of_pairs(&[([0, 0], 1.0), ([1, 1], 0.0), ([2, 2], 0.0)]);
        assert_eq!(own, of_probes(&[(0, 1.0), (1, 0.0), (2, 0.0)]));
    }

    #[test]
    fn one_probe_a_person_is_the_binomial_of_people() {
        let probes: Vec<(usize, f64)> = (0..1000).map(|n| (n, f64::from(u8::from(n < 30)))).collect();
        let rate = of_probes(&probes);
        let ratio = rate.error_by_people.unwrap() / rate.error_by_comparisons;
        assert!((ratio - 1.0).abs() < 0.001, "{rate:?}");
        for (by_people, by_comparisons) in rate.bounds_by_people.iter().zip(rate.bounds_by_comparisons) {
            assert!((by_people - by_comparisons).abs() < 2e-4, "{rate:?}");
        }
    }

    #[test]
    fn every_photo_said_ten_times_is_no_surer() {
        let once: Vec<(usize, f64)> = (0..400).map(|n| (n, f64::from(u8::from(n % 40 == 0)))).collect();
        let tenfold: Vec<(usize, f64)> = once.iter().flat_map(|&probe| [probe; 10]).collect();
        let (once, tenfold) = (of_probes(&once), of_probes(&tenfold));
        assert!((once.error_by_people.unwrap() - tenfold.error_by_people.unwrap()).abs() < 1e-12);
        assert!((once.bounds_by_people[1] - tenfold.bounds_by_people[1]).abs() < 1e-3);
        assert!(tenfold.bounds_by_comparisons[1] < once.bounds_by_comparisons[1] - 0.005);
    }

    #[test]
    fn standard_error_is_that_of_repeated_trials() {
        // 60 people of 8 probes; a person's own rate is 0.02 or 0.38, so that the rate's variance over people is known:
        // var = (E[r (1 − r)] / 8 + var r) / 60.
        let expected = ((0.5 * (0.02 * 0.98 + 0.38 * 0.62) / 8.0 + 0.18f64.powi(2)) / 60.0).sqrt();
        let mut random = Random(7);
        let (mut errors, mut rates, mut held, mut held_by_comparisons) = (0.0, Vec::new(), 0, 0);
        for _ in 0..500 {
            let mut probes = Vec::new();
            for person in 0..60 {
                let own = if random.next() < 0.5 { 0.02 } else { 0.38 };
                probes.extend((0..8).map(|_| (person, f64::from(u8::from(random.next() < own)))));
            }
            let rate = of_probes(&probes);
            errors += rate.error_by_people.unwrap() / 500.0;
            let holds = |[low, high]: [f64; 2]| (low..=high).contains(&0.2);
            held += usize::from(holds(rate.bounds_by_people));
            held_by_comparisons += usize::from(holds(rate.bounds_by_comparisons));
            rates.push(rate.rate);
        }
        let mean = rates.iter().sum::<f64>() / 500.0;
        let seen = (rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / 499.0).sqrt();
        assert!(
            (errors / expected - 1.0).abs() < 0.05 && (seen / expected - 1.0).abs() < 0.1,
            "{errors} {seen} {expected}"
        );
        assert!(held >= 470 && held_by_comparisons < 430, "{held} and {held_by_comparisons} of 500");
    }

    #[test]
    fn comparisons_of_everybody_with_everybody_are_less_sure_than_their_number() {
        // Each person has a number; two are taken for one when both are large. The true rate is 0.1² of such people.
        let mut random = Random(3);
        let mut held = 0;
        for _ in 0..200 {
            let is_sheep: Vec<bool> = (0..150).map(|_| random.next() < 0.1).collect();
            let pairs: Vec<([usize; 2], f64)> = (0..150)
                .flat_map(|b| (0..b).map(move |a| [a, b]))
                .map(|[a, b]| ([a, b], f64::from(u8::from(is_sheep[a] && is_sheep[b]))))
                .collect();
            let rate = of_pairs(&pairs);
            assert!(rate.error_by_people.unwrap() > 3.0 * rate.error_by_comparisons, "{rate:?}");
            held += usize::from((rate.bounds_by_people[0]..=rate.bounds_by_people[1]).contains(&0.01));
        }
        assert!(held >= 180, "{held} of 200");
    }

    #[test]
    fn nothing_seen_is_bounded_by_the_number_of_people() {
        let probes: Vec<(usize, f64)> = (0..5000).map(|n| (n % 100, 0.0)).collect();
        let rate = of_probes(&probes);
        // R: binom.test(0, 100)$conf.int.
        assert!(
            rate.bounds_by_people[0] == 0.0 && (rate.bounds_by_people[1] - 0.03621669).abs() < 1e-6,
            "{rate:?}"
        );
        let all: Vec<(usize, f64)> = probes.iter().map(|&(person, _)| (person, 1.0)).collect();
        let rate = of_probes(&all);
        assert!(
            rate.bounds_by_people[1] == 1.0 && (rate.bounds_by_people[0] - 0.96378331).abs() < 1e-6,
            "{rate:?}"
        );
    }

    #[test]
    fn one_person_bounds_nothing() {
        for rate in [of_probes(&[(4, 1.0), (4, 0.0)]), of_probes(&[])] {
            assert_eq!((rate.error_by_people, rate.bounds_by_people), (None, [0.0, 1.0]));
        }
    }

    #[test]
    fn interval_is_the_exact_one() {
        // R: binom.test(3, 1000)$conf.int and binom.test(0, 1000)$conf.int.
        let [low, high] = clopper_pearson(3.0, 1000);
        assert!((low - 0.000619).abs() < 1e-6 && (high - 0.008743).abs() < 1e-5, "{low} {high}");
        let [low, high] = clopper_pearson(0.0, 1000);
        assert!(low == 0.0 && (high - 0.003682).abs() < 1e-5, "{high}");
    }

    fn scored(a: usize, b: usize, score: f32) -> Scored {
        Scored { people: [a, b], score, same: a == b }
    }

    #[test]
    fn tar_is_the_share_above_the_first_impostor_refused() {
        let comparisons =
            [scored(0, 0, 0.9), scored(1, 1, 0.5), scored(0, 1, 0.5), scored(2, 2, 0.3), scored(1, 2, 0.1)];
        // None may be accepted: 0.5 is not above the impostor's 0.5. One of two may: all above 0.1.
        assert_eq!(weighted_tar(&comparisons, 0.0, &[1; 3]), Some(1.0 / 3.0));
        let tar = tar_at_far(&comparisons, 0.5).unwrap();
        assert_eq!(tar.rate, 1.0);
        // The exact interval of three of three: 0.025^(1/3).
        let [low, high] = tar.bounds_by_comparisons;
        assert!((low - 0.2924).abs() < 1e-4 && high == 1.0, "{low} {high}");
        // Neither genuine comparisons alone nor impostors alone have a TAR, and two impostors cannot tell where one in three is.
        assert_eq!(tar_at_far(&comparisons[..2], 0.5), None);
        assert_eq!(tar_at_far(&[comparisons[2], comparisons[4]], 0.5), None);
        assert_eq!(tar_at_far(&comparisons, 1.0 / 3.0), None);
        let falling = [scored(0, 0, 0.9), scored(0, 1, 0.5), scored(1, 1, 0.4)];
        // Person 0 drawn twice weighs double; without person 1 there is no impostor.
        assert_eq!(weighted_tar(&falling, 0.0, &[2, 1]), Some(2.0 / 3.0));
        assert_eq!(weighted_tar(&falling, 0.0, &[2, 0]), None);
    }

    #[test]
    fn tar_is_less_sure_by_people_than_by_comparisons() {
        // Ten comparisons of each of 40 people, of whom four are never recognised.
        let genuine = (0..400).map(|n| n / 10).map(|n| scored(n, n, if n % 10 == 0 { 0.1 } else { 0.9 }));
        let impostors = (0..40).map(|n| scored(n, (n + 1) % 40, 0.2));
        let tar = tar_at_far(&genuine.chain(impostors).collect::<Vec<_>>(), 0.025).unwrap();
        let width = |[low, high]: [f64; 2]| high - low;
        assert!((tar.rate - 0.9).abs() < 1e-12, "{tar:?}");
        assert!(width(tar.bounds_by_people) > 2.0 * width(tar.bounds_by_comparisons), "{tar:?}");
    }

    #[test]
    fn a_share_needs_one_trial_at_least() {
        for (rate, least) in [(0.01, 100), (0.003, 334), (1e-3, 1000), (0.3, 4), (1.0, 1)] {
            assert_eq!(least_trials(rate), least);
            assert!(can_tell(rate, least) && !can_tell(rate, least - 1), "{rate}");
        }
    }

    #[test]
    fn bootstrap_of_a_mean_is_its_interval() {
        let values: Vec<f64> = (0..200).map(|n| f64::from(n) / 199.0).collect();
        let mean = |drawn: &[u32]| {
            Some(values.iter().zip(drawn).map(|(x, &n)| x * f64::from(n)).sum::<f64>() / 200.0)
        };
        let [low, high] = bootstrap(200, mean);
        // 0.5 ± 1.96 · 0.29 / √200.
        assert!((low - 0.46).abs() < 0.006 && (high - 0.54).abs() < 0.006, "{low} {high}");
        assert_eq!(bootstrap(3, |_| None), [0.0, 1.0]);
    }
}
