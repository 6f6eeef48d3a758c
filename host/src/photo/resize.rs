//! Makes photos larger and smaller: byte for byte as `image::imageops::resize`, in a fraction of its time, and no more of the
//! result than is wanted.

use std::ops::Range;

use image::RgbImage;

/// How the pixels around a place are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Linear, for smaller photos.
    Triangle,
    /// Cubic (Catmull and Rom), for larger ones.
    Cubic,
}

impl Filter {
    /// Pixels of the smaller grid from a place to the farthest pixel that counts.
    fn support(self) -> f32 {
        match self {
            Filter::Triangle => 1.0,
            Filter::Cubic => 2.0,
        }
    }

    /// The weight of a pixel at this distance, not yet divided by the sum of all.
    fn weight(self, distance: f32) -> f32 {
        let a = distance.abs();
        match self {
            Filter::Triangle if a < 1.0 => 1.0 - a,
            Filter::Cubic if a < 1.0 => (9.0 * a.powi(3) - 15.0 * a.powi(2) + 6.0) / 6.0,
            Filter::Cubic if a < 2.0 => (-3.0 * a.powi(3) + 15.0 * a.powi(2) - 24.0 * a + 12.0) / 6.0,
            _ => 0.0,
        }
    }
}

/// The pixels of one axis that make a pixel of the result.
struct Taps {
    /// Number of the first.
    first: usize,
    /// Their weights, of sum 1.
    weights: Vec<f32>,
}

impl Taps {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The taps of the wanted ones of `size` pixels, made of `length`.
fn taps(length: u32, size: u32, wanted: Range<u32>, filter: Filter) -> Vec<Taps> {
    let ratio = length as f32 / size as f32;
    let spread = ratio.max(1.0);
    let reach = filter.support() * spread;
    let of = |place: u32| {
        let centre = (place as f32 + 0.5) * ratio;
        let first = ((centre - reach).floor() as i64).clamp(0, i64::from(length) - 1);
        let end = ((centre + reach).ceil() as i64).clamp(first + 1, i64::from(length));
        let mut weights: Vec<f32> =
            (first..end).map(|pixel| filter.weight((pixel as f32 - (centre - 0.5)) / spread)).collect();
        let mut sum = 0.0;
        weights.iter().for_each(|weight| sum += weight);
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Taps { first: first as usize, weights }
    };
    wanted.map(of).collect()
}

/// A value as a byte, rounded half up.
fn byte(value: f32) -> u8 {
    let value = value.clamp(0.0, 255.0);
    let whole = value as u8;
    whole + u8::from(value - f32::from(whole) >= 0.5)
}

/// The photo in `[width, height]` pixels.
///
/// # Panics
/// When the photo is empty.
pub fn resized(photo: &RgbImage, [width, height]: [u32; 2], filter: Filter) -> RgbImage {
    part(photo, [width, height], [0..width, 0..height], filter)
}

/// Columns and rows of [`resized`].
///
/// # Panics
/// When the photo is empty, or the columns or rows are.
pub fn part(photo: &RgbImage, size: [u32; 2], [columns, rows]: [Range<u32>; 2], filter: Filter) -> RgbImage {
    let mut result = RgbImage::new(columns.len() as u32, rows.len() as u32);
    let across = taps(photo.width(), size[0], columns, filter);
    let down = taps(photo.height(), size[1], rows, filter);
    let (first, end) = (across[0].first, across[across.len() - 1].end());
    let row_bytes = 3 * photo.width() as usize;
    let mut sums = vec![[0f32; 3]; end - first];
    for (taps, row) in down.iter().zip(result.chunks_exact_mut(3 * across.len())) {
        // Down before across, one tap after the other: the order decides how sums are rounded.
        sums.fill([0.0; 3]);
        let above = photo.chunks_exact(row_bytes).skip(taps.first);
        for (pixels, weight) in above.zip(&taps.weights) {
            let pixels = &pixels[3 * first..3 * end];
            for (sum, &value) in sums.as_flattened_mut().iter_mut().zip(pixels) {
                *sum += f32::from(value) * weight;
            }
        }
        for (taps, pixel) in across.iter().zip(row.chunks_exact_mut(3)) {
            let mut sum = [0f32; 3];
            for (values, weight) in sums[taps.first - first..].iter().zip(&taps.weights) {
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
            }
            pixel.iter_mut().zip(sum).for_each(|(byte_of, sum)| *byte_of = byte(sum));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use image::imageops::{self, FilterType};

    use super::*;

    /// Noise, with black and white, around which the cubic filter overshoots.
    fn photo([width, height]: [u32; 2]) -> RgbImage {
        let mut state = 7u32;
        RgbImage::from_fn(width, height, |_, _| {
            image::Rgb([(); 3].map(|()| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                [(state >> 24) as u8, 0, 255, (state >> 16) as u8][(state >> 30) as usize]
            }))
        })
    }

    const SIZES: [[u32; 2]; 7] = [[1, 1], [31, 23], [62, 46], [30, 100], [97, 5], [200, 150], [33, 23]];

    fn filters() -> [(Filter, FilterType); 2] {
        [(Filter::Triangle, FilterType::Triangle), (Filter::Cubic, FilterType::CatmullRom)]
    }

    #[test]
    fn every_byte_is_that_of_the_image_crate() {
        for (from, to) in SIZES.iter().flat_map(|from| SIZES.iter().map(move |to| (*from, *to))) {
            let photo = photo(from);
            for (filter, theirs) in filters() {
                let expected = imageops::resize(&photo, to[0], to[1], theirs);
                assert!(resized(&photo, to, filter) == expected, "{from:?} to {to:?}, {filter:?}");
            }
        }
    }

    #[test]
    fn part_is_cut_from_the_whole() {
        let photo = photo([61, 47]);
        for (filter, _) in filters() {
            for (size, [left, top, right, bottom]) in
                [([200, 150], [0, 0, 1, 1]), ([200, 150], [37, 5, 120, 150]), ([20, 31], [19, 0, 20, 31])]
            {
                let whole = resized(&photo, size, filter);
                let expected = imageops::crop_imm(&whole, left, top, right - left, bottom - top).to_image();
                assert!(part(&photo, size, [left..right, top..bottom], filter) == expected, "{filter:?}");
            }
        }
    }

    #[test]
    fn halves_are_rounded_up() {
        let values = [-3.0, 0.0, 0.499_999_97, 0.5, 1.499_999_9, 1.5, 254.5, 255.0, 300.0];
        assert_eq!(values.map(byte), values.map(|value: f32| value.clamp(0.0, 255.0).round() as u8));
    }
}
