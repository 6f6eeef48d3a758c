//! Histograms of cosines: between photos of one person, and between photos of different people.

use anyhow::Result;

use super::Figures;
use super::axes::{Axis, Frame, Key, legend, percent, thousands};
use super::canvas::{Anchor, Canvas, Ink, Plot, SMALL, TEXT, inks, nothing, plot};

const TITLE: &str = "Histograms of genuine and impostor cosines";
/// Width of a bin.
const BIN: f64 = 0.02;
/// Start of a logarithmic axis of counts, so that a single pair is still visible.
const LEAST_COUNT: f64 = 0.7;
const GENUINE: Ink = inks::BLUE;
const IMPOSTOR: Ink = inks::ORANGE;

/// Cosines of one network. Values that are not finite are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name of the network: `float`, `int8`.
    pub name: String,
    /// Cosines between photos of one person.
    pub genuine: Vec<f32>,
    /// Cosines between photos of two people.
    pub impostor: Vec<f32>,
}

/// Cosines to compare; each series has its own panel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// One for each network.
    pub series: Vec<Series>,
    /// Least cosine that is accepted.
    pub threshold: Option<f32>,
    /// Whether the axis of counts is logarithmic. Such an axis shows the few scores near the threshold.
    pub log_counts: bool,
}

/// Number of scores in each bin, from bin `first` on.
fn counts(scores: &[f32], first: i64, bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for bin in scores.iter().filter_map(|&score| bin(score)) {
        counts[(bin - first) as usize] += 1;
    }
    counts
}

fn bin(score: f32) -> Option<i64> {
    score.is_finite().then(|| (f64::from(score.clamp(-1.0, 1.0)) / BIN + 1e-6).floor() as i64)
}

/// Draws the histograms.
///
/// # Errors
/// As [`plot`].
pub fn histograms(data: &Scores) -> Result<Plot> {
    let scores = data.series.iter().flat_map(|series| series.genuine.iter().chain(&series.impostor));
    let bins = scores.filter_map(|&score| bin(score)).chain(data.threshold.and_then(bin));
    let all: Vec<i64> = bins.collect();
    let any = data.series.iter().any(|series| !series.genuine.is_empty() || !series.impostor.is_empty());
    let (Some(&first), Some(&last), true) = (all.iter().min(), all.iter().max(), any) else {
        return nothing(TITLE, "no scores");
    };
    // Adjacent bins of two series need room even with only one score.
    let (first, last) = (first - 2, last + 3);
    const PANEL: f64 = 210.0;
    let height = 66.0 + data.series.len() as f64 * (PANEL + 30.0);
    plot(TITLE, [640, height as u32], |canvas| {
        let keys = [
            (Key::Area, GENUINE.alpha(0.6), "one person (genuine)"),
            (Key::Area, IMPOSTOR.alpha(0.6), "two people (impostor)"),
            (Key::Dashes, inks::BLACK, "threshold"),
        ];
        let keys = &keys[..if data.threshold.is_some() { 3 } else { 2 }];
        let mut top = 20.0 + legend(canvas, [80.0, 8.0], 550.0, keys);
        for (index, series) in data.series.iter().enumerate() {
            let is_last = index + 1 == data.series.len();
            let range = [first, last].map(|bin| bin as f64 * BIN);
            panel(canvas, data, series, range, [top, top + PANEL], is_last);
            top += PANEL + 30.0;
        }
    })
}

fn panel(
    canvas: &mut Canvas<'_>,
    data: &Scores,
    series: &Series,
    range: [f64; 2],
    [top, bottom]: [f64; 2],
    is_last: bool,
) {
    let first = (range[0] / BIN).round() as i64;
    let bins = ((range[1] - range[0]) / BIN).round() as usize;
    let kinds = [(&series.impostor, IMPOSTOR), (&series.genuine, GENUINE)];
    let counted = kinds.map(|(scores, ink)| (counts(scores, first, bins), ink));
    let most = counted.iter().flat_map(|(counts, _)| counts).copied().max().unwrap_or(0).max(1) as f64;
    let y = if data.log_counts {
        Axis::log("pairs a bin", [LEAST_COUNT, most.max(9.0) * 1.4])
    } else {
        Axis::linear("pairs a bin", [0.0, most * 1.08], 0)
    };
    let floor = if data.log_counts { LEAST_COUNT } else { 0.0 };
    let label = if is_last { "cosine of the angle between two embeddings" } else { "" };
    let frame = Frame { from: [80.0, top], to: [628.0, bottom], x: Axis::linear(label, range, 1), y };
    frame.draw(canvas);
    for (counts, ink) in &counted {
        let mut steps = vec![frame.at(range[0], floor)];
        for (index, &count) in counts.iter().enumerate() {
            let [left, right] = [index, index + 1].map(|bin| (first + bin as i64) as f64 * BIN);
            let count = (count as f64).max(floor);
            steps.push(frame.at(left, count));
            steps.push(frame.at(right, count));
        }
        steps.push(frame.at(range[1], floor));
        canvas.fill(&steps, ink.alpha(0.45));
        // The outline skips empty parts.
        let bottom = frame.at(range[0], floor)[1];
        for run in steps.split_inclusive(|step| step[1] == bottom).filter(|run| run.len() > 1) {
            let start = [run[0][0], bottom];
            canvas.line(&[&[start], run].concat(), *ink);
        }
    }
    if let Some(threshold) = data.threshold.filter(|threshold| threshold.is_finite()) {
        let x = frame.at(f64::from(threshold), floor)[0];
        canvas.dashes(&[[x, top], [x, bottom]], inks::BLACK, 6.0);
        let label = format!("{threshold:.3}");
        canvas.text([x + 5.0, top + 2.0], [Anchor::Left, Anchor::Left], SMALL, inks::BLACK, &label);
    }
    let corner = [620.0, top + 2.0];
    canvas.text(corner, [Anchor::Right, Anchor::Left], TEXT, inks::BLACK, &series.name);
}

/// The figures behind the histograms.
pub fn table(data: &Scores) -> Figures {
    let mut table = Figures::new(&["network", "pairs", "number", "mean cosine", "spread (σ)", "accepted"]);
    for series in &data.series {
        for (kind, scores) in [("one person", &series.genuine), ("two people", &series.impostor)] {
            let scores: Vec<f64> =
                scores.iter().filter(|score| score.is_finite()).map(|&score| score.into()).collect();
            let count = scores.len().max(1) as f64;
            let mean = scores.iter().sum::<f64>() / count;
            let spread = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt();
            let accepted = data.threshold.map_or("–".to_string(), |threshold| {
                percent(scores.iter().filter(|&&score| score >= threshold.into()).count() as f64 / count)
            });
            let number = thousands(scores.len() as f64, 0);
            let row = if scores.is_empty() {
                [number, "–".into(), "–".into(), "–".into()]
            } else {
                [number, format!("{mean:.3}"), format!("{spread:.3}"), accepted]
            };
            table.push([series.name.clone(), kind.to_string()].into_iter().chain(row));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    fn series(genuine: &[f32], impostor: &[f32]) -> Series {
        Series { name: "int8".into(), genuine: genuine.to_vec(), impostor: impostor.to_vec() }
    }

    #[test]
    fn each_score_is_counted_in_its_bin() {
        assert_eq!(counts(&[0.0, 0.019, 0.02, -0.001, f32::NAN, 1.5], -1, 52)[..3], [1, 2, 1]);
        assert_eq!(counts(&[1.5], -1, 52)[51], 1);
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let data = Scores {
            series: vec![series(&[0.81, 0.81, 0.81, 0.81, 0.61], &[0.01])],
            threshold: Some(0.4),
            ..Scores::default()
        };
        let shapes = Shapes::of(&histograms(&data).unwrap());
        let genuine = shapes.polygon("#0072B2");
        let bottom = genuine.iter().map(|p| p[1]).fold(0.0, f64::max);
        let mut heights: Vec<f64> = genuine.iter().map(|p| bottom - p[1]).filter(|h| *h > 0.0).collect();
        heights.dedup();
        assert_eq!(heights.len(), 2, "{heights:?}");
        assert!((heights[1] / heights[0] - 4.0).abs() < 0.02, "{heights:?}");
        assert!(shapes.says("0.400") && shapes.says("int8") && shapes.says("one person (genuine)"));
    }

    #[test]
    fn panels_stand_one_above_the_other() {
        let mut data = Scores { series: vec![series(&[0.8], &[0.1]); 2], log_counts: true, threshold: None };
        data.series[0].name = "float".into();
        let shapes = Shapes::of(&histograms(&data).unwrap());
        assert_eq!(shapes.polygons("#0072B2").len(), 2);
        assert!(shapes.says("float") && !shapes.says("threshold"));
    }

    #[test]
    fn nothing_and_one_score_are_drawn_too() {
        assert!(says_nothing(&histograms(&Scores::default()).unwrap()));
        assert!(says_nothing(
            &histograms(&Scores { series: vec![series(&[], &[])], ..Scores::default() }).unwrap()
        ));
        for log_counts in [false, true] {
            let data = Scores { series: vec![series(&[0.5], &[])], threshold: None, log_counts };
            assert!(!says_nothing(&histograms(&data).unwrap()));
        }
    }

    #[test]
    fn table_has_mean_and_share_accepted() {
        let data =
            Scores { series: vec![series(&[0.5, 0.7], &[])], threshold: Some(0.6), ..Scores::default() };
        let table = table(&data);
        assert_eq!(table.rows[0], ["int8", "one person", "2", "0.600", "0.100", "50 %"]);
        assert_eq!(table.rows[1], ["int8", "two people", "0", "–", "–", "–"]);
    }
}
