//! The values that a tensor's elements can represent, and the best ones for given data.

/// Largest magnitude of an `int16` activation that another layer reads. An accumulator of up to 1,000 inputs then
/// still fits 32 bits.
pub const WIDE_LIMIT: i32 = 8191;

/// Element `q`, `low..=high`, represents `scale · (q − zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Distance between neighbouring values.
    pub scale: f32,
    /// Element that represents zero.
    pub zero_point: i32,
    /// Smallest element.
    pub low: i32,
    /// Largest element.
    pub high: i32,
}

impl Grid {
    /// Elements `−limit..=limit` for values up to `largest`.
    pub fn symmetric(largest: f32, limit: i32) -> Self {
        Grid { scale: largest.max(f32::MIN_POSITIVE) / limit as f32, zero_point: 0, low: -limit, high: limit }
    }

    /// `int8` elements for values `low..=high`. The range is widened to include zero.
    pub fn int8(low: f32, high: f32) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let scale = ((high - low) / 255.0).max(1e-12);
        let zero_point = (-128.0 - low / scale).round().clamp(-128.0, 127.0) as i32;
        Grid { scale, zero_point, low: -128, high: 127 }
    }

    /// The element nearest to a real value.
    pub fn element(&self, value: f32) -> i32 {
        // Halves are rounded up, as on the board: rounded down after a half is added.
        let place = value / self.scale + self.zero_point as f32 + 0.5;
        let place = place.clamp(self.low as f32, self.high as f32);
        let towards_zero = place as i32;
        // Not to be checked for an overflow, which clamping excludes: many values are rounded at once.
        towards_zero.wrapping_sub(i32::from(towards_zero as f32 > place))
    }

    /// The value of the grid that is nearest to a real value.
    pub fn round(&self, value: f32) -> f32 {
        self.scale * self.element(value).wrapping_sub(self.zero_point) as f32
    }

    /// Rounds values to the grid ([`Self::round`]). Returns the sum of their squares, and that of what rounding changed.
    pub fn round_all(&self, values: &mut [f32]) -> (f64, f64) {
        // A sum for each lane: one alone would wait for itself at every value.
        let (mut signals, mut noises) = ([0f64; LANES], [0f64; LANES]);
        let mut round = |values: &mut [f32]| {
            for ((value, signal), noise) in values.iter_mut().zip(&mut signals).zip(&mut noises) {
                let rounded = self.round(*value);
                let (before, lost) = (f64::from(*value), f64::from(*value) - f64::from(rounded));
                *signal += before * before;
                *noise += lost * lost;
                *value = rounded;
            }
        };
        let (lanes, rest) = values.as_chunks_mut::<LANES>();
        lanes.iter_mut().for_each(|values| round(values));
        round(rest);
        (signals.iter().sum(), noises.iter().sum())
    }

    /// Smallest and largest value.
    pub fn range(&self) -> [f32; 2] {
        [self.low, self.high].map(|element| self.scale * (element - self.zero_point) as f32)
    }
}

const BINS: usize = 4096;

const LAST_BIN: f32 = (BINS - 1) as f32;

/// Values that are looked at side by side.
const LANES: usize = 16;

/// Frequencies of values.
pub struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts the values of all tensors. Goes through them twice.
    pub fn of<'a, T: Iterator<Item = &'a [f32]>>(tensors: impl Fn() -> T) -> Self {
        let (mut lows, mut highs) = ([0f32; LANES], [0f32; LANES]);
        for values in tensors().flat_map(|tensor| tensor.chunks(LANES)) {
            for ((&x, low), high) in values.iter().zip(&mut lows).zip(&mut highs) {
                *low = if x < *low { x } else { *low };
                *high = if x > *high { x } else { *high };
            }
        }
        let (low, high) = (lows.into_iter().fold(0f32, f32::min), highs.into_iter().fold(0f32, f32::max));
        let mut counts = vec![0; BINS];
        let width = ((high - low) / BINS as f32).max(1e-12);
        for values in tensors().flat_map(|tensor| tensor.chunks(LANES)) {
            let mut bins = [0i32; LANES];
            for (&value, bin) in values.iter().zip(&mut bins) {
                let place = (value - low) / width;
                *bin = if place > LAST_BIN { LAST_BIN as i32 } else { place as i32 };
            }
            bins[..values.len()].iter().for_each(|&bin| counts[bin as usize] += 1);
        }
        Histogram { low, high, counts }
    }

    /// Largest magnitude.
    pub fn largest(&self) -> f32 {
        self.high.max(-self.low)
    }

    /// The `int8` grid with the least squared error. Either end of the range may move inwards, to no less than 30 %.
    pub fn best_int8(&self) -> Grid {
        let mut best = ([1.0, 1.0], f64::INFINITY);
        let steps = |centre: f32, step: f32, n: i32| (-n..=n).map(move |i| centre + step * i as f32);
        for (step, n) in [(0.1, 7), (0.02, 5)] {
            let [low, high] = best.0;
            for low in steps(low, step, n) {
                for high in steps(high, step, n) {
                    if !(0.3..=1.0).contains(&low) || !(0.3..=1.0).contains(&high) {
                        continue;
                    }
                    let error = self.error(&Grid::int8(self.low * low, self.high * high));
                    if error < best.1 {
                        best = ([low, high], error);
                    }
                }
            }
        }
        let [low, high] = best.0;
        Grid::int8(self.low * low, self.high * high)
    }

    fn error(&self, grid: &Grid) -> f64 {
        let width = (self.high - self.low) / BINS as f32;
        let [low, high] = grid.range();
        let noise = (grid.scale as f64).powi(2) / 12.0;
        let bins = self.counts.iter().enumerate().filter(|&(_, &count)| count > 0);
        bins.map(|(bin, &count)| {
            let value = self.low + (bin as f32 + 0.5) * width;
            let clipped = (value - value.clamp(low, high)) as f64;
            // Zero is represented exactly.
            let exact = value.abs() <= width && value.abs() < grid.scale / 2.0;
            count as f64 * (clipped * clipped + if exact { 0.0 } else { noise })
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_rounded_and_both_powers_are_their_sums() {
        let grid = Grid { scale: 0.5, zero_point: 1, low: -128, high: 127 };
        for count in [0, 1, 15, 16, 17, 100] {
            let values: Vec<f32> = (0..count).map(|i| (i * i % 97) as f32 * 0.37 - 20.0).collect();
            let mut rounded = values.clone();
            let (signal, noise) = grid.round_all(&mut rounded);
            let power = |values: &mut dyn Iterator<Item = f32>| -> f64 {
                values.map(|value| f64::from(value).powi(2)).sum()
            };
            assert!(rounded.iter().zip(&values).all(|(rounded, value)| *rounded == grid.round(*value)));
            assert!((signal - power(&mut values.iter().copied())).abs() < 1e-6);
            let lost = power(&mut values.iter().zip(&rounded).map(|(value, rounded)| value - rounded));
            assert!((noise - lost).abs() < 1e-6);
        }
    }

    #[test]
    fn histogram_counts_every_value_in_its_bin() {
        let tensors: Vec<Vec<f32>> =
            (0..5).map(|tensor| (0..37 * tensor).map(|i| (i as f32 - 40.0) * 0.25).collect()).collect();
        let histogram = Histogram::of(|| tensors.iter().map(|tensor| &tensor[..]));
        assert_eq!((histogram.low, histogram.high), (-10.0, 26.75));
        let width = (histogram.high - histogram.low) / BINS as f32;
        let mut counts = vec![0; BINS];
        for value in tensors.iter().flatten() {
            counts[(((value - histogram.low) / width) as usize).min(BINS - 1)] += 1;
        }
        assert_eq!(histogram.counts, counts);
        assert_eq!(counts[BINS - 1], 1);
    }

    #[test]
    fn element_is_the_nearest_and_halves_are_rounded_up() {
        let grid = Grid { scale: 0.5, zero_point: -3, low: -128, high: 127 };
        for eighth in -1200..1200 {
            let value = eighth as f32 / 8.0;
            let nearest = (value / 0.5 - 3.0 + 0.5).floor().clamp(-128.0, 127.0);
            assert_eq!(grid.element(value), nearest as i32, "{value}");
        }
        assert_eq!([-0.25, -0.75, 0.25].map(|value| grid.element(value)), [-3, -4, -2]);
        assert_eq!([f32::MIN, f32::MAX].map(|value| grid.element(value)), [-128, 127]);
    }
}
