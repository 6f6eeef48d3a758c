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
        towards_zero - i32::from(towards_zero as f32 > place)
    }

    /// The value of the grid that is nearest to a real value.
    pub fn round(&self, value: f32) -> f32 {
        self.scale * (self.element(value) - self.zero_point) as f32
    }

    /// Smallest and largest value.
    pub fn range(&self) -> [f32; 2] {
        [self.low, self.high].map(|element| self.scale * (element - self.zero_point) as f32)
    }
}

const BINS: usize = 4096;

/// Frequencies of values.
pub struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts the values of all tensors. Goes through them twice.
    pub fn of<'a, T: Iterator<Item = &'a [f32]>>(tensors: impl Fn() -> T) -> Self {
        let values = tensors().flatten();
        let (low, high) = values.fold((0f32, 0f32), |(low, high), &x| (low.min(x), high.max(x)));
        let mut counts = vec![0; BINS];
        let width = ((high - low) / BINS as f32).max(1e-12);
        tensors().flatten().for_each(|&value| counts[(((value - low) / width) as usize).min(BINS - 1)] += 1);
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
