//! Axes: positions of values, ticks and labels.

use statrs::distribution::{ContinuousCDF, Normal};

use super::canvas::{Anchor, Canvas, Ink, Point, SMALL, TEXT, inks, text_width};

/// An axis of a plot.
#[derive(Clone, Debug)]
pub struct Axis {
    label: String,
    range: [f64; 2],
    ticks: Vec<(f64, String)>,
    /// The function that makes distances on the axis even.
    warp: fn(f64) -> f64,
}

impl Axis {
    /// An axis of even steps.
    pub fn linear(label: &str, range: [f64; 2], decimals: usize) -> Self {
        let step = step((range[1] - range[0]) / 8.0).max(0.1f64.powi(decimals as i32));
        let first = (range[0] / step - 1e-6).ceil() as i64;
        let last = (range[1] / step + 1e-6).floor() as i64;
        let ticks = (first..=last).map(|tick| tick as f64 * step);
        let ticks = ticks.map(|value| (value, thousands(value, decimals))).collect();
        Axis { label: label.to_string(), range, ticks, warp: |x| x }
    }

    /// Logarithms of values above 0; ticks at powers of ten, and at twice and five times those if there is room.
    pub fn log(label: &str, range: [f64; 2]) -> Self {
        let decades = (range[1] / range[0]).log10();
        let multiples: &[f64] = if decades <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let first = range[0].log10().floor() as i32;
        let last = range[1].log10().ceil() as i32;
        let ticks = (first..=last).flat_map(|power| multiples.iter().map(move |m| m * 10f64.powi(power)));
        let ticks = ticks.filter(|&value| value >= range[0] * 0.999 && value <= range[1] * 1.001);
        let decimals = |value: f64| (-value.log10().floor()).max(0.0) as usize;
        let ticks = ticks.map(|value| (value, thousands(value, decimals(value)))).collect();
        Axis { label: label.to_string(), range, ticks, warp: f64::log10 }
    }

    /// An axis of rates between 0 and 1, spaced as deviates of the normal distribution. Errors that come from normal
    /// scores make a straight line (Martin et al. 1997).
    pub fn deviate(label: &str, range: [f64; 2]) -> Self {
        const RATES: [f64; 19] = [
            1e-6, 1e-5, 1e-4, 3e-4, 0.001, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9,
            0.97, 0.99, 0.999,
        ];
        let ticks = RATES.into_iter().filter(|&rate| rate >= range[0] && rate <= range[1]);
        let ticks = ticks.map(|rate| (rate, percent(rate))).collect();
        Axis { label: label.to_string(), range, ticks, warp: deviate }
    }

    /// Share of the axis' length before a value; values outside the range are at the nearer end.
    fn share(&self, value: f64) -> f64 {
        let [low, high] = self.range.map(self.warp);
        (((self.warp)(value.clamp(self.range[0], self.range[1])) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The next of 1, 2, 5, 10, … times a power of ten.
fn step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let multiple = [1.0, 2.0, 5.0].into_iter().find(|multiple| multiple * power >= least * 0.999);
    multiple.unwrap_or(10.0) * power
}

/// A number with this many decimals and, from 10,000 on, commas between thousands.
pub fn thousands(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if whole.len() > 4 && index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{grouped}{rest}")
}

/// A rate in percent. The rate or its distance from 100 %, whichever is smaller, has two significant digits.
pub fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    let least = percent.min(100.0 - percent);
    let decimals = if least <= 1e-9 { 0 } else { (1.0 - least.log10().floor()).clamp(0.0, 6.0) as usize };
    let text = format!("{percent:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// The normal distribution's quantile of a rate; rates of 0 and 1 are replaced by the nearest finite ones.
pub fn deviate(rate: f64) -> f64 {
    Normal::standard().inverse_cdf(rate.clamp(1e-12, 1.0 - 1e-12))
}

/// Positions of values on the canvas.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Upper left corner of the field.
    pub from: Point,
    /// Lower right corner.
    pub to: Point,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
}

impl Frame {
    /// Position of two values. A value outside its axis is at the nearer end.
    pub fn at(&self, x: f64, y: f64) -> Point {
        let [left, top] = self.from;
        let [right, bottom] = self.to;
        [left + (right - left) * self.x.share(x), bottom - (bottom - top) * self.y.share(y)]
    }

    /// Draws grid, ticks and labels. The field keeps about 75 pixels free at its left and 55 below.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let [left, top] = self.from;
        let [right, bottom] = self.to;
        let mut beyond = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            let x = self.at(*value, 0.0)[0];
            canvas.line(&[[x, top], [x, bottom]], inks::PALE.width(1.0));
            let half = text_width(label, SMALL) / 2.0;
            if x - half > beyond + 6.0 {
                canvas.text([x, bottom + 6.0], [Anchor::Middle, Anchor::Left], SMALL, inks::BLACK, label);
                beyond = x + half;
            }
        }
        let mut widest: f64 = 0.0;
        let mut below = f64::INFINITY;
        for (value, label) in &self.y.ticks {
            let y = self.at(0.0, *value)[1];
            canvas.line(&[[left, y], [right, y]], inks::PALE.width(1.0));
            if y + 17.0 > below {
                continue;
            }
            below = y;
            canvas.text([left - 7.0, y], [Anchor::Right, Anchor::Middle], SMALL, inks::BLACK, label);
            widest = widest.max(text_width(label, SMALL));
        }
        canvas.line(&[[left, top], [left, bottom], [right, bottom]], inks::GREY.width(1.0));
        let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
        let below = [middle[0], bottom + 28.0];
        canvas.text(below, [Anchor::Middle, Anchor::Left], TEXT, inks::BLACK, &self.x.label);
        let beside = [left - widest - 22.0, middle[1]];
        canvas.text_upwards(beside, TEXT, inks::BLACK, &self.y.label);
    }
}

/// The symbol of a legend's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A filled square.
    Area,
    /// A line.
    Line,
    /// A dashed line.
    Dashes,
    /// A dot.
    Dot,
}

/// Draws a legend from `at` to the right, in as many lines as a width of `most` pixels requires; returns its height.
pub fn legend(canvas: &mut Canvas<'_>, at: Point, most: f64, entries: &[(Key, Ink, &str)]) -> f64 {
    let [mut x, mut y] = at;
    for (key, ink, label) in entries {
        let width = 30.0 + text_width(label, SMALL);
        if x + width > at[0] + most && x > at[0] {
            (x, y) = (at[0], y + 22.0);
        }
        let [start, end] = [[x, y + 8.0], [x + 22.0, y + 8.0]];
        match key {
            Key::Area => canvas.bar([x + 6.0, y + 1.0], [x + 20.0, y + 15.0], *ink),
            Key::Line => canvas.line(&[start, end], ink.width(2.5)),
            Key::Dashes => canvas.dashes(&[start, end], ink.width(2.5), 5.0),
            Key::Dot => canvas.dot([x + 13.0, y + 8.0], 5.0, *ink),
        }
        canvas.text([x + 27.0, y + 8.0], [Anchor::Left, Anchor::Middle], SMALL, inks::BLACK, label);
        x += width + 16.0;
    }
    y + 22.0 - at[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| &*tick.1).collect()
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        assert_eq!(
            labels(&Axis::linear("", [-0.3, 1.0], 1)),
            ["−0.2", "0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&Axis::linear("", [0.0, 3.0], 0)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::log("", [1.0, 20000.0])), ["1", "10", "100", "1000", "10,000"]);
        assert_eq!(labels(&Axis::log("", [0.5, 20.0])), ["0.5", "1", "2", "5", "10", "20"]);
        assert_eq!(
            labels(&Axis::deviate("", [0.002, 0.2])),
            ["0.3 %", "0.5 %", "1 %", "2 %", "5 %", "10 %", "20 %"]
        );
    }

    #[test]
    fn deviates_are_those_of_tables() {
        for (rate, expected) in [(0.5, 0.0), (0.975, 1.959964), (0.01, -2.326348), (1e-4, -3.719016)] {
            assert!((deviate(rate) - expected).abs() < 1e-6, "{rate}: {}", deviate(rate));
        }
    }

    #[test]
    fn values_are_where_the_axes_say() {
        let frame = Frame {
            from: [100.0, 50.0],
            to: [300.0, 250.0],
            x: Axis::linear("", [0.0, 10.0], 0),
            y: Axis::log("", [1.0, 100.0]),
        };
        assert_eq!(frame.at(5.0, 10.0), [200.0, 150.0]);
        assert_eq!(frame.at(-5.0, 1000.0), [100.0, 50.0]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(thousands(100352.0, 0), "100,352");
        assert_eq!(thousands(-1234.5, 1), "−1234.5");
        assert_eq!(thousands(-0.01, 1), "0.0");
        let rates = [0.0, 0.003, 0.98915, 1.0, 0.00012].map(percent);
        assert_eq!(rates, ["0 %", "0.3 %", "98.9 %", "100 %", "0.012 %"]);
    }
}
