//! Detection error trade-off: refused people against accepted strangers.
//!
//! Both axes are normal deviates (Martin et al. 1997). The same plot serves verification (FNMR against FMR, pairs of
//! photos) and identification (FNIR against FPIR, probes against a gallery).
//!
//! Both rates of a threshold that is marked have bounds, by people and by comparisons, as [`bounds`](crate::bounds) has
//! them for rates at a fixed threshold. The points of a curve between have none.

use anyhow::Result;

use super::Figures;
use super::axes::{Axis, Frame, Key, legend, percent};
use super::canvas::{Ink, Plot, inks, nothing, plot};
use crate::bounds::{Rate, Scored, of_pairs};

const TITLE: &str = "Detection error trade-off";
const INKS: [Ink; 4] = [inks::ORANGE, inks::BLUE, inks::GREEN, inks::PURPLE];
/// Most points of a curve.
const POINTS: usize = 300;

/// The effect of a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operating {
    /// The requested rate of accepted strangers.
    pub asked: f64,
    /// Scores above it are accepted.
    pub threshold: f32,
    /// Strangers accepted: false positives. Bounds are for this threshold.
    pub accepted: Rate,
    /// People refused: false negatives. Bounds are for this threshold.
    pub refused: Rate,
}

/// The trade-off curve of one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name of the network: `float`, `int8`.
    pub name: String,
    /// Share of strangers accepted and share of people refused; the former ascends.
    pub points: Vec<[f64; 2]>,
    /// Thresholds that were set.
    pub marks: Vec<Operating>,
    /// Numbers of trials of strangers and of people, for drawing rates of 0.
    pub trials: [usize; 2],
}

impl Curve {
    /// The curve of scores. In verification, scores are cosines of pairs. In identification, a person's score is the
    /// cosine to their own centre if no other centre is nearer, else −∞. A stranger's score is the largest cosine to
    /// any centre. Comparisons without a score (NaN) are left out.
    pub fn of(name: &str, comparisons: &[Scored], asked: &[f64]) -> Self {
        let of = |same: bool| comparisons.iter().filter(move |c| c.same == same && !c.score.is_nan());
        let sorted = |same: bool| {
            let mut scores: Vec<f32> = of(same).map(|c| c.score).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            scores
        };
        let (genuine, impostor) = (sorted(true), sorted(false));
        // The largest score of a stranger who must be rejected.
        let limit = |allowed: usize| impostor.get(allowed).copied().unwrap_or(f32::NEG_INFINITY);
        let over = |scores: &[f32], threshold: f32| {
            let over = scores.partition_point(|&score| score > threshold);
            over as f64 / scores.len().max(1) as f64
        };
        // An event is a decision that is wrong.
        let wrong = |same: bool, threshold: f32| {
            let event = |c: &Scored| f64::from(u8::from((c.score > threshold) != same));
            of_pairs(&of(same).map(|c| (c.people, event(c))).collect::<Vec<_>>())
        };
        let mark = |asked: f64| {
            let threshold = limit((asked * impostor.len() as f64 + 1e-9) as usize);
            let (accepted, refused) = (wrong(false, threshold), wrong(true, threshold));
            Operating { asked, threshold, accepted, refused }
        };
        let is_empty = genuine.is_empty() || impostor.is_empty();
        let last = impostor.len().saturating_sub(1);
        let mut allowed: Vec<usize> = (0..POINTS)
            .map(|point| ((impostor.len() + 1) as f64).powf(point as f64 / (POINTS - 1) as f64) as usize - 1)
            .map(|allowed| allowed.min(last))
            .collect();
        allowed.dedup();
        let points = allowed.into_iter().filter(|_| !is_empty).map(|allowed| {
            let threshold = limit(allowed);
            [over(&impostor, threshold), 1.0 - over(&genuine, threshold)]
        });
        let mut points: Vec<[f64; 2]> = points.collect();
        points.dedup();
        let marks = asked.iter().filter(|_| !is_empty);
        Curve {
            name: name.to_string(),
            points,
            marks: marks.map(|&asked| mark(asked)).collect(),
            trials: [impostor.len(), genuine.len()],
        }
    }
}

/// Curves to compare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Det {
    /// Label for accepting a stranger: `FPIR (strangers accepted)`.
    pub positives: String,
    /// Label for refusing a person: `FNIR (people refused)`.
    pub negatives: String,
    /// One for each network.
    pub curves: Vec<Curve>,
    /// For whom all bounds hold, in words.
    pub bounds_hold_for: &'static str,
}

/// Draws the curves, and the bounds by people of what is marked. A rate of 0 is drawn as half an event.
///
/// # Errors
/// As [`plot`].
pub fn trade_off(data: &Det) -> Result<Plot> {
    let curves: Vec<&Curve> = data.curves.iter().filter(|curve| !curve.points.is_empty()).collect();
    if curves.is_empty() {
        return nothing(TITLE, "scores of people and of strangers are needed");
    }
    let least = |axis: usize| {
        let most_trials = curves.iter().map(|curve| curve.trials[axis]).max().unwrap_or(1).max(2);
        (0.5 / most_trials as f64).clamp(1e-6, 0.1)
    };
    let least = [least(0), least(1)];
    let points = curves.iter().flat_map(|curve| curve.points.iter().map(|point| point[1]));
    let bounds =
        curves.iter().flat_map(|curve| curve.marks.iter().map(|mark| mark.refused.bounds_by_people[1]));
    let most = (points.chain(bounds).fold(0.0, f64::max) * 1.3).clamp(0.05, 0.999);
    plot(TITLE, [640, 500], |canvas| {
        let keys: Vec<(Key, Ink, &str)> = curves
            .iter()
            .enumerate()
            .map(|(index, curve)| {
                (if index == 0 { Key::Dashes } else { Key::Line }, INKS[index % INKS.len()], &*curve.name)
            })
            .collect();
        let top = 16.0 + legend(canvas, [90.0, 8.0], 540.0, &keys);
        let frame = Frame {
            from: [90.0, top],
            to: [624.0, 440.0],
            x: Axis::deviate(&data.positives, [least[0], 0.5]),
            y: Axis::deviate(&data.negatives, [least[1], most]),
        };
        frame.draw(canvas);
        let mut asked: Vec<f64> = curves.iter().flat_map(|c| c.marks.iter().map(|mark| mark.asked)).collect();
        asked.sort_by(f64::total_cmp);
        asked.dedup();
        for asked in asked {
            let x = frame.at(asked, least[1])[0];
            canvas.dashes(&[[x, frame.from[1]], [x, frame.to[1]]], inks::GREY.width(1.0), 3.0);
        }
        // The first curve is dashed with larger dots, so that it shows even under another curve.
        for (index, curve) in curves.iter().enumerate().rev() {
            let ink = INKS[index % INKS.len()];
            let in_view = curve.points.iter().filter(|point| point[0] <= 0.5);
            let line: Vec<_> = in_view.map(|&[x, y]| frame.at(x, y)).collect();
            match index {
                0 => canvas.dashes(&line, ink.width(3.0), 6.0),
                _ => canvas.line(&line, ink.width(2.0)),
            }
            for mark in &curve.marks {
                let (x, y) = (mark.accepted.rate, mark.refused.rate);
                let [left, right] = mark.accepted.bounds_by_people.map(|bound| frame.at(bound, y));
                let [low, high] = mark.refused.bounds_by_people.map(|bound| frame.at(x, bound));
                for bounds in [[left, right], [low, high]] {
                    match index {
                        0 => canvas.dashes(&bounds, ink.width(2.0), 5.0),
                        _ => canvas.line(&bounds, ink.width(1.5)),
                    }
                }
                match index {
                    0 => canvas.ring(frame.at(x, y), 7.0, ink.width(2.5)),
                    _ => canvas.dot(frame.at(x, y), 5.0, ink),
                }
            }
        }
    })
}

/// Figures of the marks.
pub fn table(data: &Det) -> Figures {
    let mut table = Figures::new(&[
        "network",
        "asked",
        "threshold",
        "wrongly accepted",
        "95 % by people",
        "95 % by comparisons",
        "wrongly refused",
        "95 % by people",
        "95 % by comparisons",
    ]);
    let between = |bounds: [f64; 2]| bounds.map(percent).join(" … ");
    let counted = |Rate { rate, comparisons, .. }: Rate| {
        let events = (rate * comparisons as f64).round() as usize;
        format!("{} ({events}/{comparisons})", percent(rate))
    };
    for curve in &data.curves {
        for mark in &curve.marks {
            table.push([
                curve.name.clone(),
                percent(mark.asked),
                format!("{:.3}", mark.threshold),
                counted(mark.accepted),
                between(mark.accepted.bounds_by_people),
                between(mark.accepted.bounds_by_comparisons),
                counted(mark.refused),
                between(mark.refused.bounds_by_people),
                between(mark.refused.bounds_by_comparisons),
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::axes::deviate;
    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    /// A comparison of each of some people, then one of each of some strangers.
    fn scored(genuine: &[f32], impostor: &[f32]) -> Vec<Scored> {
        let scores =
            genuine.iter().map(|score| (true, score)).chain(impostor.iter().map(|score| (false, score)));
        let scored =
            |(person, (same, &score)): (usize, (bool, &f32))| Scored { people: [person; 2], score, same };
        scores.enumerate().map(scored).collect()
    }

    /// 100 strangers from 0.00 to 0.99, 10 people from 0.905 up.
    fn curve() -> Curve {
        let impostor: Vec<f32> = (0..100).map(|i| i as f32 / 100.0).collect();
        let genuine: Vec<f32> = (0..10).map(|i| 0.905 + i as f32 / 100.0).collect();
        Curve::of("int8", &scored(&genuine, &impostor), &[0.003, 0.03])
    }

    #[test]
    fn rates_are_counted_at_the_threshold_asked_for() {
        let curve = curve();
        let none = curve.marks[0];
        assert_eq!((none.threshold, none.accepted.rate, none.refused.rate), (0.99, 0.0, 0.9));
        let three = curve.marks[1];
        assert_eq!((three.accepted.rate, three.accepted.comparisons), (0.03, 100));
        assert_eq!((three.refused.rate, three.refused.comparisons), (0.6, 10));
        assert!(curve.points.is_sorted_by(|a, b| a[0] < b[0] && a[1] >= b[1]), "{:?}", curve.points);
    }

    #[test]
    fn ties_are_not_accepted() {
        let curve = Curve::of("int8", &scored(&[0.5, 0.6], &[0.5, 0.5, 0.5, 0.1]), &[0.25]);
        let mark = curve.marks[0];
        assert_eq!((mark.threshold, mark.accepted.rate, mark.refused.rate), (0.5, 0.0, 0.5));
    }

    #[test]
    fn bounds_by_people_stand_beside_those_by_comparisons() {
        // Ten comparisons of each of 20 people, of whom two are never recognised; a hundred strangers.
        let of = |person: usize, score: f32, same: bool| Scored { people: [person; 2], score, same };
        let genuine = (0..200).map(|n| of(n / 10, if n < 20 { 0.1 } else { 0.9 }, true));
        let impostor = (0..100).map(|n| of(20 + n, n as f32 / 200.0, false));
        let curve = Curve::of("int8", &genuine.chain(impostor).collect::<Vec<_>>(), &[0.01]);
        let refused = curve.marks[0].refused;
        assert_eq!((refused.rate, refused.people), (0.1, 20));
        // R: binom.test(20, 200)$conf.int.
        let [low, high] = refused.bounds_by_comparisons;
        assert!((low - 0.0622).abs() < 1e-4 && (high - 0.1502).abs() < 1e-4, "{low} {high}");
        assert!(refused.bounds_by_people[1] > high + 0.05, "{refused:?}");
        let table = table(&Det { curves: vec![curve], ..Det::default() });
        let [row] = &table.rows[..] else { panic!("one row for one mark") };
        assert_eq!((&*row[3], &*row[6]), ("1 % (1/100)", "10 % (20/200)"));
        let between = |bounds: [f64; 2]| bounds.map(percent).join(" … ");
        assert_eq!((&*table.head[7], &row[7]), ("95 % by people", &between(refused.bounds_by_people)));
        assert_eq!(
            (&*table.head[8], &row[8]),
            ("95 % by comparisons", &between(refused.bounds_by_comparisons))
        );
    }

    #[test]
    fn marks_are_where_their_rates_are() {
        let (positives, negatives) = ("FPIR".to_string(), "FNIR".to_string());
        let data = Det { positives, negatives, curves: vec![curve()], ..Det::default() };
        let shapes = Shapes::of(&trade_off(&data).unwrap());
        let dots = shapes.rings("#E69F00");
        assert_eq!(dots.len(), 2);
        // A rate without events is drawn as half an event.
        let share = |rate: f64| (deviate(rate) - deviate(0.005)) / (deviate(0.5) - deviate(0.005));
        assert!((dots[0][0] - 90.0).abs() < 0.2);
        assert!((dots[1][0] - (90.0 + 534.0 * share(0.03))).abs() < 0.2, "{dots:?}");
        assert!(shapes.says("FPIR") && shapes.says("FNIR") && shapes.says("int8"));
    }

    #[test]
    fn nothing_and_one_score_are_drawn_too() {
        assert!(says_nothing(&trade_off(&Det::default()).unwrap()));
        let of = |impostor: &[f32]| Curve::of("float", &scored(&[0.5], impostor), &[0.01]);
        let empty = Det { curves: vec![of(&[])], ..Det::default() };
        assert!(says_nothing(&trade_off(&empty).unwrap()));
        let one = Det { curves: vec![of(&[0.1])], ..Det::default() };
        assert_eq!(Shapes::of(&trade_off(&one).unwrap()).rings("#E69F00").len(), 1);
    }
}
