//! Thresholds by gallery size.

use anyhow::Result;

use super::Figures;
use super::axes::{Axis, Frame, Key, legend, percent, thousands};
use super::canvas::{Anchor, Plot, Point, SMALL, inks, nothing, plot};
use crate::calibrate;
use crate::embedding::angle;

const TITLE: &str = "Threshold by number of enrolled people";

/// The threshold for galleries from a size on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Smallest number of enrolled people for which it is valid.
    pub people: u32,
    /// Least cosine that is accepted.
    pub cosine: f32,
    /// 95 % confidence band of the threshold, lower and upper bound.
    pub band: Option<[f32; 2]>,
}

/// Thresholds and the data that support them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Thresholds, ascending by people. Those without a finite cosine are left out.
    pub rows: Vec<Row>,
    /// Largest gallery for which the number of comparisons supports the rate. Thresholds of larger galleries are
    /// extrapolated.
    pub supported_people: u32,
    /// People in the gallery, if any.
    pub enrolled: Option<u32>,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
}

impl Thresholds {
    /// The thresholds of a table. Each row of the plot is valid from its number of people on.
    pub fn of(table: &calibrate::Table, enrolled: usize) -> Self {
        let from = [0].into_iter().chain(table.points.iter().map(|point| u32::from(point.people)));
        let rows = from.zip(&table.points);
        let row = |(previous, point): (u32, &calibrate::Point)| Row {
            people: previous + 1,
            cosine: point.cosine,
            band: None,
        };
        Thresholds {
            rows: rows.map(row).collect(),
            supported_people: if table.is_supported { u32::from(u16::MAX) } else { 0 },
            enrolled: Some(enrolled as u32),
            fpir: table.fpir,
        }
    }
}

/// Draws thresholds and their band.
///
/// # Errors
/// As [`plot`].
pub fn thresholds(data: &Thresholds) -> Result<Plot> {
    let Some(last) = data.rows.last() else {
        return nothing(TITLE, "no thresholds");
    };
    let most = f64::from(last.people.max(data.enrolled.unwrap_or(1)).max(5)) * 2.0;
    let cosines =
        data.rows.iter().flat_map(|row| [row.cosine].into_iter().chain(row.band.into_iter().flatten()));
    let cosines: Vec<f64> = cosines.map(f64::from).filter(|cosine| cosine.is_finite()).collect();
    let low = cosines.iter().copied().fold(1.0, f64::min) - 0.05;
    let high = cosines.iter().copied().fold(-1.0, f64::max) + 0.05;
    let (low, high) = ((low * 20.0).floor() / 20.0, (high * 20.0).ceil() / 20.0);
    plot(TITLE, [640, 380], |canvas| {
        let any_band = data.rows.iter().any(|row| row.band.is_some());
        let is_beyond = |row: &Row| row.people > data.supported_people;
        let mut keys = Vec::new();
        if data.rows.iter().any(|row| !is_beyond(row)) {
            keys.push((Key::Line, inks::BLUE, "enough strangers"));
        }
        if data.rows.iter().any(is_beyond) {
            keys.push((Key::Dashes, inks::BLUE, "too few strangers, or none"));
        }
        if any_band {
            keys.push((Key::Area, inks::SKY.alpha(0.4), "95 % confidence"));
        }
        if data.enrolled.is_some() {
            keys.push((Key::Dot, inks::VERMILION, "this gallery"));
        }
        let top = 18.0 + legend(canvas, [80.0, 8.0], 550.0, &keys);
        let frame = Frame {
            from: [80.0, top],
            to: [622.0, 322.0],
            x: Axis::log("people enrolled (N)", [1.0, most]),
            y: Axis::linear("least cosine accepted, t(N)", [low, high], 2),
        };
        frame.draw(canvas);
        // A threshold is valid up to the number of people of the next one.
        let ends = data.rows.iter().skip(1).map(|row| f64::from(row.people)).chain([most]);
        let mut before: Option<Point> = None;
        for (row, end) in data.rows.iter().zip(ends).filter(|(row, _)| row.cosine.is_finite()) {
            let people = f64::from(row.people.max(1));
            if let Some([lower, upper]) = row.band.filter(|band| band.iter().all(|bound| bound.is_finite())) {
                let corner = frame.at(people, upper.into());
                canvas.bar(corner, frame.at(end, lower.into()), inks::SKY.alpha(0.4));
            }
            let level = [frame.at(people, row.cosine.into()), frame.at(end, row.cosine.into())];
            let line: Vec<Point> = before.into_iter().chain(level).collect();
            if is_beyond(row) {
                canvas.dashes(&line, inks::BLUE.width(2.5), 6.0);
            } else {
                canvas.line(&line, inks::BLUE.width(2.5));
            }
            before = Some(level[1]);
        }
        let here = data.enrolled.map(|enrolled| enrolled.max(1));
        if let Some(enrolled) = here
            && let Some(row) = data.rows.iter().rfind(|row| row.people.max(1) <= enrolled)
        {
            let place = frame.at(enrolled.into(), row.cosine.into());
            canvas.dot(place, 6.0, inks::VERMILION);
            let text = format!("{:.3}, {:.1}°", row.cosine, angle(row.cosine).to_degrees());
            let is_right = place[0] > 480.0;
            let at = [place[0] + if is_right { -10.0 } else { 10.0 }, place[1] + 14.0];
            let across = if is_right { Anchor::Right } else { Anchor::Left };
            canvas.text(at, [across, Anchor::Middle], SMALL, inks::BLACK, &text);
        }
    })
}

/// Figures of all thresholds.
pub fn table(data: &Thresholds) -> Figures {
    let mut table = Figures::new(&["people from", "cosine", "angle", "95 % band", "FPIR stated", "basis"]);
    for row in &data.rows {
        let band = row.band.map_or("–".to_string(), |[low, high]| format!("{low:.3} … {high:.3}"));
        let basis = if row.people > data.supported_people { "too few strangers" } else { "enough strangers" };
        table.push([
            thousands(row.people.into(), 0),
            format!("{:.3}", row.cosine),
            format!("{:.1}°", angle(row.cosine).to_degrees()),
            band,
            percent(data.fpir),
            basis.to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Shapes, says_nothing};
    use super::*;

    fn row(people: u32, cosine: f32, band: Option<[f32; 2]>) -> Row {
        Row { people, cosine, band }
    }

    #[test]
    fn thresholds_stand_at_their_people_and_bands_around_them() {
        let rows =
            vec![row(1, 0.30, Some([0.28, 0.32])), row(10, 0.40, Some([0.35, 0.45])), row(50, 0.50, None)];
        let data = Thresholds { rows, supported_people: 10, enrolled: Some(10), fpir: 0.003 };
        let shapes = Shapes::of(&thresholds(&data).unwrap());
        let bands = &shapes.bars("#56B4E9")[1..];
        assert_eq!(bands.len(), 2);
        assert!((bands[1][3] / bands[0][3] - 2.5).abs() < 0.05, "{bands:?}");
        let dot = shapes.dots("#D55E00")[1];
        assert!((dot[0] - bands[1][0]).abs() < 0.3, "ten people are where the second threshold starts");
        assert!((dot[0] - (80.0 + 542.0 / 2.0)).abs() < 0.3, "ten is half of the way from 1 to 100");
        assert!(
            (dot[1] - (bands[1][1] + bands[1][3] / 2.0)).abs() < 0.3,
            "0.40 is in the middle of its band"
        );
        assert!(shapes.says("0.400, 66.4°") && shapes.says("too few strangers"));
        let table = table(&data);
        assert_eq!(table.rows[1], ["10", "0.400", "66.4°", "0.350 … 0.450", "0.3 %", "enough strangers"]);
        assert_eq!(table.rows[2][5], "too few strangers");
    }

    #[test]
    fn none_and_one_threshold_are_drawn_too() {
        assert!(says_nothing(&thresholds(&Thresholds::default()).unwrap()));
        let given = Thresholds { rows: vec![row(1, 0.4, None)], ..Thresholds::default() };
        assert!(!says_nothing(&thresholds(&given).unwrap()));
    }
}
