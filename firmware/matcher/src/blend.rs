//! Centres from embeddings, on a board: the mean of directions, in integers.
//!
//! A class centre is the normalised mean of unit embeddings. Every direction counts by the photos behind it, whatever its
//! length.

use core::fmt;
use core::num::{NonZeroU32, NonZeroU64};

use crate::dot::{MAX_DIMENSION, squared_norm};

/// Length of a photo's direction in a sum.
const UNIT: i64 = 1 << 20;
/// A direction counts as at most this many photos, so that sums of two stay below 2³¹.
const MOST_PHOTOS: u16 = 1000;

/// A direction does not have the blend's dimension, or that is above [`MAX_DIMENSION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlendError {
    /// Elements given.
    pub given: usize,
    /// The blend's dimension.
    pub dimension: usize,
}

impl fmt::Display for BlendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BlendError { given, dimension } = self;
        write!(
            f,
            "{given} elements cannot be blended with directions of {dimension}, of at most {MAX_DIMENSION}"
        )
    }
}

impl core::error::Error for BlendError {}

/// A sum of directions.
#[derive(Clone, Debug)]
pub struct Blend {
    sums: [i32; MAX_DIMENSION],
    dimension: usize,
    photos: u16,
}

impl Blend {
    /// An empty sum of directions with `dimension` elements. Nothing can be added when that is above [`MAX_DIMENSION`].
    pub fn new(dimension: usize) -> Self {
        Blend { sums: [0; MAX_DIMENSION], dimension, photos: 0 }
    }

    /// Number of photos in the sum.
    pub fn photos(&self) -> u16 {
        self.photos
    }

    /// Adds the embedding of a photo. Returns whether it was added: an embedding that is zero has no direction, and after
    /// 1,000 photos nothing more is added.
    ///
    /// # Errors
    /// [`BlendError`] when the embedding does not have the dimension.
    pub fn add(&mut self, embedding: &[i16]) -> Result<bool, BlendError> {
        self.add_direction(embedding, squared_norm(embedding), 1)
    }

    /// Adds a centre that was made from `photos` photos. Returns whether it was added, as [`Self::add`].
    ///
    /// # Errors
    /// [`BlendError`] when the centre does not have the dimension.
    pub fn add_centre(&mut self, centre: &[i8], photos: u16) -> Result<bool, BlendError> {
        let norm = centre.iter().map(|&element| u64::from(element.unsigned_abs()).pow(2)).sum();
        self.add_direction(centre, norm, photos)
    }

    fn add_direction<T: Copy + Into<i64>>(
        &mut self,
        elements: &[T],
        norm: u64,
        photos: u16,
    ) -> Result<bool, BlendError> {
        let error = self.error(elements.len());
        let sums = self.sums.get_mut(..self.dimension).filter(|sums| sums.len() == elements.len());
        let sums = sums.ok_or(error)?;
        let photos = photos.min(MOST_PHOTOS - self.photos);
        // Below 2⁵⁵, since the norm is at most 2³⁹.
        let (Some(norm_q16), 1..) = (NonZeroU64::new(norm << 16), photos) else { return Ok(false) };
        let length_q8 = norm_q16.isqrt();
        for (sum, &element) in sums.iter_mut().zip(elements) {
            let scaled = element.into() * (UNIT << 8) * i64::from(photos);
            *sum += rounded(scaled, length_q8) as i32;
        }
        self.photos += photos;
        Ok(true)
    }

    /// Writes the centre: the direction of the sum, its largest element ±127. Returns whether there is one: directions
    /// may cancel each other.
    ///
    /// # Errors
    /// [`BlendError`] when `centre` does not have the dimension.
    pub fn centre(&self, centre: &mut [i8]) -> Result<bool, BlendError> {
        let sums = self.sums.get(..self.dimension).filter(|sums| sums.len() == centre.len());
        let sums = sums.ok_or(self.error(centre.len()))?;
        let most = sums.iter().map(|sum| sum.unsigned_abs()).max();
        let Some(most) = most.and_then(NonZeroU32::new) else { return Ok(false) };
        for (element, &sum) in centre.iter_mut().zip(sums) {
            *element = rounded(i64::from(sum) * 127, most.into()) as i8;
        }
        Ok(true)
    }

    fn error(&self, given: usize) -> BlendError {
        BlendError { given, dimension: self.dimension }
    }
}

/// The quotient rounded to nearest, halves away from zero.
fn rounded(number: i64, by: NonZeroU64) -> i64 {
    let magnitude = ((number.unsigned_abs() + by.get() / 2) / by) as i64;
    if number < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn centre(blend: &Blend, dimension: usize) -> Vec<i8> {
        let mut centre = vec![0x5a; dimension];
        assert!(blend.centre(&mut centre).unwrap());
        centre
    }

    #[test]
    fn length_of_an_embedding_does_not_matter() {
        let mut blend = Blend::new(2);
        assert!(blend.add(&[30_000, 0]).unwrap() && blend.add(&[0, 3]).unwrap());
        assert_eq!((centre(&blend, 2), blend.photos()), (vec![127, 127], 2));
    }

    #[test]
    fn centre_counts_by_its_photos() {
        let mut blend = Blend::new(2);
        assert!(blend.add_centre(&[127, 0], 3).unwrap() && blend.add(&[0, -9]).unwrap());
        assert_eq!((centre(&blend, 2), blend.photos()), (vec![127, -42], 4));
    }

    #[test]
    fn no_direction_is_said() {
        let mut blend = Blend::new(2);
        assert!(
            !blend.add(&[0, 0]).unwrap()
                && !blend.add_centre(&[0, 0], 4).unwrap()
                && !blend.add_centre(&[1, 0], 0).unwrap()
        );
        assert!(!blend.centre(&mut [0; 2]).unwrap());
        assert!(blend.add(&[5, 1]).unwrap() && blend.add(&[-5, -1]).unwrap());
        assert!(!blend.centre(&mut [0; 2]).unwrap());
    }

    #[test]
    fn photos_beyond_the_most_change_nothing() {
        let mut blend = Blend::new(1);
        assert!(blend.add_centre(&[127], u16::MAX).unwrap());
        assert_eq!(blend.photos(), MOST_PHOTOS);
        assert!(!blend.add(&[-1]).unwrap());
        assert_eq!(centre(&blend, 1), [127]);
        // The largest sums that there are.
        let mut blend = Blend::new(2);
        assert!(blend.add_centre(&[-127, 0], 999).unwrap() && blend.add(&[i16::MIN, 0]).unwrap());
        assert_eq!(centre(&blend, 2), [-127, 0]);
    }

    #[test]
    fn other_dimensions_are_refused_and_change_nothing() {
        let mut blend = Blend::new(2);
        assert!(blend.add(&[3, 4]).unwrap());
        let before = centre(&blend, 2);
        for given in [0, 1, 3, 513] {
            let refused = BlendError { given, dimension: 2 };
            assert_eq!(blend.add(&vec![1; given]), Err(refused));
            assert_eq!(blend.add_centre(&vec![1; given], 1), Err(refused));
            assert_eq!(blend.centre(&mut vec![0; given]), Err(refused));
        }
        assert_eq!((centre(&blend, 2), blend.photos()), (before, 1));
        let refused = BlendError { given: 513, dimension: 513 };
        assert_eq!(Blend::new(513).add(&[1; 513]), Err(refused));
        assert_eq!(Blend::new(513).centre(&mut [0; 513]), Err(refused));
    }

    #[test]
    fn quotients_are_rounded_to_nearest_and_halves_away_from_zero() {
        let by = |by| NonZeroU64::new(by).unwrap();
        for (number, divisor, expected) in
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (-5, 3, -2), (0, 7, 0)]
        {
            assert_eq!(rounded(number, by(divisor)), expected, "{number} / {divisor}");
        }
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
                prop_assert!(blend.add(photo).unwrap());
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
