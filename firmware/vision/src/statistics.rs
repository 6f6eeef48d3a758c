//! Brightness, contrast and sharpness of grey rows, with exact sums.

/// Most columns of a window.
pub const MAX_COLUMNS: usize = 128;
/// Most rows of a window.
pub const MAX_ROWS: u32 = 8192;

/// Darker luminance counts as clipped.
const DARKEST: u8 = 5;
/// Brighter luminance counts as clipped.
const BRIGHTEST: u8 = 250;

/// Figures of a window of a grey picture whose rows come one by one.
///
/// All figures are about the pixels that have four neighbours in the window: the window without its border of one pixel.
/// They are zero until the third row.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    /// The row before the last one, and the last one.
    rows: [[u8; MAX_COLUMNS]; 2],
    columns: usize,
    pushed: u32,
    count: u32,
    clipped: u32,
    luminance: Moments,
    laplacian: Moments,
}

/// Sum and sum of squares.
#[derive(Clone, Copy, Debug)]
struct Moments {
    sum: i64,
    squares: u64,
}

impl Statistics {
    /// No rows yet.
    pub const fn new() -> Self {
        let none = Moments { sum: 0, squares: 0 };
        Statistics {
            rows: [[0; MAX_COLUMNS]; 2],
            columns: 0,
            pushed: 0,
            count: 0,
            clipped: 0,
            luminance: none,
            laplacian: none,
        }
    }

    /// Takes the next row of the window: at most [`MAX_COLUMNS`] pixels, as many as the first one has, and at most
    /// [`MAX_ROWS`] rows. Others are left out.
    pub fn push(&mut self, row: &[u8]) {
        let is_within = row.len() <= MAX_COLUMNS && self.pushed < MAX_ROWS;
        let is_alike = self.pushed == 0 || row.len() == self.columns;
        debug_assert!(is_within && is_alike, "rows of one length, within limits");
        if !is_within || !is_alike {
            return;
        }
        self.columns = row.len();
        let [above, middle] = self.rows.each_ref().map(|kept| kept.get(..row.len()).unwrap_or_default());
        if self.pushed >= 2 {
            // Sums of a row fit in 32 bits: 126 · 1020² < 2³².
            let [mut sum, mut squares, mut clipped] = [0; 3];
            let (mut edges, mut edge_squares) = (0, 0);
            for ((above, middle), below) in above.windows(3).zip(middle.windows(3)).zip(row.windows(3)) {
                let [left, centre, right] = [middle[0], middle[1], middle[2]].map(i32::from);
                let edge = left + right + i32::from(above[1]) + i32::from(below[1]) - 4 * centre;
                sum += centre;
                squares += centre * centre;
                clipped += u32::from(!(DARKEST..=BRIGHTEST).contains(&middle[1])) as i32;
                edges += edge;
                edge_squares += (edge * edge) as u32;
            }
            self.count += row.len().saturating_sub(2) as u32;
            self.clipped += clipped as u32;
            self.luminance.add(sum, squares as u32);
            self.laplacian.add(edges, edge_squares);
        }
        self.rows.swap(0, 1);
        self.rows[1].iter_mut().zip(row).for_each(|(kept, &pixel)| *kept = pixel);
        self.pushed += 1;
    }

    /// Number of pixels that the figures are about.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Number of pixels with a luminance below 5 or above 250.
    pub const fn clipped(&self) -> u32 {
        self.clipped
    }

    /// Mean luminance in 1/256, rounded half up.
    pub const fn mean_q8(&self) -> u32 {
        let count = self.divisor();
        ((self.luminance.sum as u64 * 256 + count / 2) / count) as u32
    }

    /// Variance of luminance (of all pixels, not of a sample) in 1/256, rounded half up.
    pub const fn variance_q8(&self) -> u32 {
        self.luminance.variance_q8(self.divisor())
    }

    /// Variance of the Laplacian, the sum of four neighbours less four times the pixel, in 1/256, rounded half up.
    pub const fn laplacian_variance_q8(&self) -> u32 {
        self.laplacian.variance_q8(self.divisor())
    }

    /// The number of pixels, or one if there is none, so that means of nothing are zero.
    const fn divisor(&self) -> u64 {
        if self.count == 0 { 1 } else { self.count as u64 }
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

impl Moments {
    fn add(&mut self, sum: i32, squares: u32) {
        self.sum += i64::from(sum);
        self.squares += u64::from(squares);
    }

    const fn variance_q8(&self, count: u64) -> u32 {
        // (n Σx² − (Σx)²) / n². With n < 2²⁰ and |x| ≤ 1020 the products are below 2⁶⁰. The whole part comes first, so
        // that the product with 256 fits.
        let (sum, square) = (self.sum.unsigned_abs(), count * count);
        let difference = count * self.squares - sum * sum;
        let [whole, rest] = [difference / square, difference % square];
        (whole * 256 + (rest * 256 + square / 2) / square) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::noise;

    fn statistics(rows: &[Vec<u8>]) -> Statistics {
        let mut statistics = Statistics::new();
        rows.iter().for_each(|row| statistics.push(row));
        statistics
    }

    /// Mean and variance by the host's float formulas.
    fn moments(values: &[f32]) -> (f32, f32) {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for value in values.iter().copied().map(f64::from) {
            count += 1.0;
            sum += value;
            squares += value * value;
        }
        let mean: f64 = sum / count;
        (mean as f32, (squares / count - mean * mean).max(0.0) as f32)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn figures_equal_the_float_formulas(
            columns in 3..=MAX_COLUMNS,
            rows in 3..80usize,
            range in prop::sample::select(&[[0, 255], [100, 104], [250, 255], [0, 8]][..]),
            seed in any::<u32>(),
        ) {
            let [low, high] = range;
            let scaled = |pixel: u8| low + ((u32::from(pixel) * (u32::from(high - low) + 1)) >> 8) as u8;
            let rows: Vec<Vec<u8>> =
                noise(seed, columns * rows).chunks_exact(columns).map(|row| row.iter().map(|&pixel| scaled(pixel)).collect()).collect();
            let at = |x: usize, y: usize| f32::from(rows[y][x]);
            let places: Vec<_> =
                (1..rows.len() - 1).flat_map(|y| (1..columns - 1).map(move |x| (x, y))).collect();
            let all = |value: &dyn Fn(usize, usize) -> f32| moments(&places.iter().map(|&(x, y)| value(x, y)).collect::<Vec<_>>());
            let (mean, variance) = all(&at);
            let (_, edges) =
                all(&|x, y| at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y));
            let clipped = places.iter().filter(|&&(x, y)| !(5.0..=250.0).contains(&at(x, y))).count();

            let found = statistics(&rows);
            prop_assert_eq!(found.count() as usize, places.len());
            prop_assert_eq!(found.clipped() as usize, clipped);
            // Half a unit of rounding, and the last bit of the host's f32.
            let is_same = |q8: u32, float: f32| (f64::from(q8) / 256.0 - f64::from(float)).abs() <= 0.5 / 256.0 + f64::from(float) * f64::from(f32::EPSILON);
            prop_assert!(is_same(found.mean_q8(), mean), "{} {mean}", found.mean_q8());
            prop_assert!(is_same(found.variance_q8(), variance), "{} {variance}", found.variance_q8());
            prop_assert!(is_same(found.laplacian_variance_q8(), edges), "{} {edges}", found.laplacian_variance_q8());
        }
    }

    #[test]
    fn a_grid_has_the_figures_of_its_formula() {
        let rows: Vec<Vec<u8>> =
            (0..20).map(|y| (0..22).map(|x| if (x + y) % 2 == 0 { 60 } else { 180 }).collect()).collect();
        let found = statistics(&rows);
        // ± 60 around 120, and a Laplacian of ± 480.
        assert_eq!((found.count(), found.clipped()), (18 * 20, 0));
        assert_eq!((found.mean_q8(), found.variance_q8()), (120 * 256, 3600 * 256));
        assert_eq!(found.laplacian_variance_q8(), 480 * 480 * 256);
    }

    #[test]
    fn the_largest_window_does_not_overflow() {
        let mut found = Statistics::new();
        for y in 0..MAX_ROWS {
            let row: [u8; MAX_COLUMNS] = core::array::from_fn(|x| 255 * ((x as u32 + y) % 2) as u8);
            found.push(&row);
        }
        assert_eq!(found.count(), 126 * 8190);
        assert_eq!(found.clipped(), found.count());
        assert_eq!(found.laplacian_variance_q8(), 1020 * 1020 * 256);
        assert_eq!((found.mean_q8(), found.variance_q8()), (255 * 128, 255 * 255 * 64));
    }

    #[test]
    fn a_window_without_inner_pixels_has_no_figures() {
        for (columns, rows) in [(0, 5), (1, 5), (2, 5), (5, 2), (5, 0)] {
            let found = statistics(&std::vec![std::vec![9; columns]; rows]);
            assert_eq!((found.count(), found.clipped(), found.mean_q8()), (0, 0, 0));
            assert_eq!((found.variance_q8(), found.laplacian_variance_q8()), (0, 0));
        }
    }

    #[test]
    fn only_luminance_beyond_5_and_250_is_clipped() {
        let rows = [[9; 6], [9, 4, 5, 250, 251, 9], [9; 6]].map(|row| row.to_vec());
        assert_eq!(statistics(&rows).clipped(), 2);
    }
}
