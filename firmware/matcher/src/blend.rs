//! Centres from embeddings, on a board: the mean of directions, in integers.
//!
//! A class centre is the normalised mean of unit embeddings. Every direction counts by the photos behind it, whatever its
//! length.

use crate::dot::{MAX_DIMENSION, squared_norm};

/// Length of a photo's direction in a sum.
const UNIT: i64 = 1 << 20;
/// A direction counts as at most this many photos, so that sums of two stay below 2³¹.
const MOST_PHOTOS: u16 = 1000;

/// A sum of directions.
#[derive(Clone, Debug)]
pub struct Blend {
    sums: [i32; MAX_DIMENSION],
    dimension: usize,
    photos: u16,
}

impl Blend {
    /// An empty sum of directions with `dimension` elements.
    ///
    /// # Panics
    /// When `dimension` is above [`MAX_DIMENSION`].
    pub fn new(dimension: usize) -> Self {
        assert!(dimension <= MAX_DIMENSION, "a dimension of at most {MAX_DIMENSION}");
        Blend { sums: [0; MAX_DIMENSION], dimension, photos: 0 }
    }

    /// Number of photos in the sum.
    pub fn photos(&self) -> u16 {
        self.photos
    }

    /// Adds the embedding of a photo. Returns whether it was added: an embedding that is zero has no direction, and after
    /// 1,000 photos nothing more is added.
    ///
    /// # Panics
    /// When the embedding does not have the dimension.
    pub fn add(&mut self, embedding: &[i16]) -> bool {
        assert_eq!(embedding.len(), self.dimension, "an embedding of the blend's dimension");
        self.add_direction(squared_norm(embedding), 1, embedding.iter().map(|&element| element.into()))
    }

    /// Adds a centre that was made from `photos` photos. Returns whether it was added, as [`Self::add`].
    ///
    /// # Panics
    /// When the centre does not have the dimension.
    pub fn add_centre(&mut self, centre: &[i8], photos: u16) -> bool {
        assert_eq!(centre.len(), self.dimension, "a centre of the blend's dimension");
        let norm = centre.iter().map(|&element| u64::from(element.unsigned_abs()).pow(2)).sum();
        self.add_direction(norm, photos, centre.iter().map(|&element| element.into()))
    }

    fn add_direction(&mut self, norm: u64, photos: u16, elements: impl Iterator<Item = i32>) -> bool {
        let photos = photos.min(MOST_PHOTOS - self.photos);
        if norm == 0 || photos == 0 {
            return false;
        }
        // Below 2⁵⁵, since the norm is at most 2³⁹.
        let length_q8 = (norm << 16).isqrt() as i64;
        for (sum, element) in self.sums.iter_mut().zip(elements) {
            let scaled = i64::from(element) * (UNIT << 8) * i64::from(photos);
            *sum += rounded(scaled, length_q8) as i32;
        }
        self.photos += photos;
        true
    }

    /// Writes the centre: the direction of the sum, its largest element ±127. Returns whether there is one: directions
    /// may cancel each other.
    ///
    /// # Panics
    /// When `centre` does not have the dimension.
    pub fn centre(&self, centre: &mut [i8]) -> bool {
        assert_eq!(centre.len(), self.dimension, "a centre of the blend's dimension");
        let sums = &self.sums[..self.dimension];
        let most = sums.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
        if most == 0 {
            return false;
        }
        for (element, &sum) in centre.iter_mut().zip(sums) {
            *element = rounded(i64::from(sum) * 127, most.into()) as i8;
        }
        true
    }
}

/// The quotient rounded to nearest, halves away from zero. `by` is above zero.
fn rounded(number: i64, by: i64) -> i64 {
    let half = by / 2;
    if number < 0 { (number - half) / by } else { (number + half) / by }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn centre(blend: &Blend, dimension: usize) -> Vec<i8> {
        let mut centre = vec![0x5a; dimension];
        assert!(blend.centre(&mut centre));
        centre
    }

    #[test]
    fn length_of_an_embedding_does_not_matter() {
        let mut blend = Blend::new(2);
        assert!(blend.add(&[30_000, 0]) && blend.add(&[0, 3]));
        assert_eq!((centre(&blend, 2), blend.photos()), (vec![127, 127], 2));
    }

    #[test]
    fn centre_counts_by_its_photos() {
        let mut blend = Blend::new(2);
        assert!(blend.add_centre(&[127, 0], 3) && blend.add(&[0, -9]));
        assert_eq!((centre(&blend, 2), blend.photos()), (vec![127, -42], 4));
    }

    #[test]
    fn no_direction_is_said() {
        let mut blend = Blend::new(2);
        assert!(!blend.add(&[0, 0]) && !blend.add_centre(&[0, 0], 4) && !blend.add_centre(&[1, 0], 0));
        assert!(!blend.centre(&mut [0; 2]));
        assert!(blend.add(&[5, 1]) && blend.add(&[-5, -1]));
        assert!(!blend.centre(&mut [0; 2]));
    }

    #[test]
    fn photos_beyond_the_most_change_nothing() {
        let mut blend = Blend::new(1);
        assert!(blend.add_centre(&[127], u16::MAX));
        assert_eq!(blend.photos(), MOST_PHOTOS);
        assert!(!blend.add(&[-1]));
        assert_eq!(centre(&blend, 1), [127]);
        // The largest sums that there are.
        let mut blend = Blend::new(2);
        assert!(blend.add_centre(&[-127, 0], 999) && blend.add(&[i16::MIN, 0]));
        assert_eq!(centre(&blend, 2), [-127, 0]);
    }

    proptest! {
        #[test]
        fn centre_points_where_the_mean_of_unit_vectors_does(
            photos in prop::collection::vec(prop::collection::vec(-3000..=3000i16, 16), 1..8)
        ) {
            let mut blend = Blend::new(16);
            let mut mean = [0f64; 16];
            for photo in &photos {
                let length = photo.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
                prop_assume!(length > 0.0);
                prop_assert!(blend.add(photo));
                mean.iter_mut().zip(photo).for_each(|(sum, &x)| *sum += f64::from(x) / length);
            }
            let most = mean.iter().fold(0f64, |most, x| most.max(x.abs()));
            prop_assume!(most > 1e-3);
            let expected = mean.map(|x| 127.0 * x / most);
            for (element, expected) in centre(&blend, 16).iter().zip(expected) {
                prop_assert!((f64::from(*element) - expected).abs() < 0.51 + 1e-4 / most, "{element} {expected}");
            }
        }
    }
}
