//! Splits photos by their purpose: photos for choosing scales, photos for choosing between quantisations, and photos
//! for judging the result. A choice looks better on the photos that it was made on than on others.

use serde::Serialize;

use crate::crops::Photo;

/// Most photos for choosing scales. More do not change the result.
pub const MOST_CALIBRATE: usize = 96;
/// Most photos that choose and that judge, together.
pub const MOST_HELD_OUT: usize = 300;
/// Least number of photos that are split.
pub const LEAST_TO_SPLIT: usize = 40;

/// Photos by their purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Split<T> {
    /// Scales are chosen on these.
    pub calibrate: Vec<T>,
    /// The tensors that get 16 bits are chosen on these.
    pub choose: Vec<T>,
    /// The image is compared with the float network on these.
    pub judge: Vec<T>,
    /// Whether nothing was chosen on the photos that judge.
    pub is_judge_unseen: bool,
}

impl<T> Split<T> {
    /// The same split, with every item mapped.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> Split<U> {
        let [calibrate, choose, judge] =
            [&self.calibrate, &self.choose, &self.judge].map(|photos| photos.iter().map(&of).collect());
        Split { calibrate, choose, judge, is_judge_unseen: self.is_judge_unseen }
    }
}

/// Splits photos. Of every twelve photos in order, nine calibrate, one chooses and two judge, so that each part has
/// the same people, cameras and folders as the whole. Fewer than [`LEAST_TO_SPLIT`] photos serve all three purposes.
/// Calibration then also uses their mirror images, `[h][w][c]` bytes of `[width, channels]`.
pub fn split(photos: &[Photo], [width, channels]: [usize; 2]) -> Split<Photo> {
    if photos.len() < LEAST_TO_SPLIT {
        let both = |photo: &Photo| {
            let crop = mirrored(&photo.crop, [width, channels]);
            [photo.clone(), Photo { path: photo.path.clone(), crop }]
        };
        let all = photos.to_vec();
        let calibrate = photos.iter().flat_map(both).collect();
        return Split { calibrate, choose: all.clone(), judge: all, is_judge_unseen: false };
    }
    let of = |wanted: fn(usize) -> bool| -> Vec<Photo> {
        let part = photos.iter().enumerate().filter(|(index, _)| wanted(index % 12));
        part.map(|(_, photo)| photo.clone()).collect()
    };
    Split {
        calibrate: spread(&of(|place| place % 4 != 3), MOST_CALIBRATE),
        choose: spread(&of(|place| place == 3), MOST_HELD_OUT / 3),
        judge: spread(&of(|place| place == 7 || place == 11), MOST_HELD_OUT - MOST_HELD_OUT / 3),
        is_judge_unseen: true,
    }
}

/// `count` items, evenly spread over all.
pub fn spread<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count).map(|index| items[index * items.len() / count].clone()).collect()
}

fn mirrored(crop: &[u8], [width, channels]: [usize; 2]) -> Vec<u8> {
    let rows = crop.chunks_exact(width * channels);
    rows.flat_map(|row| row.chunks_exact(channels).rev().flatten().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::PathBuf;

    use super::*;

    fn photos(count: usize) -> Vec<Photo> {
        let photo =
            |index: usize| Photo { path: PathBuf::from(index.to_string()), crop: vec![index as u8, 0, 7, 9] };
        (0..count).map(photo).collect()
    }

    fn split_of(count: usize) -> Split<usize> {
        split(&photos(count), [2, 2]).map(|photo| photo.path.to_str().unwrap().parse().unwrap())
    }

    #[test]
    fn no_photo_has_two_uses() {
        for count in [40, 41, 159, 1200, 5000] {
            let Split { calibrate, choose, judge, is_judge_unseen } = split_of(count);
            let all: Vec<usize> = [&*calibrate, &choose, &judge].concat();
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{count}");
            assert!(is_judge_unseen && judge.len() >= choose.len() && !choose.is_empty(), "{count}");
            assert!(calibrate.len() <= MOST_CALIBRATE && choose.len() + judge.len() <= MOST_HELD_OUT);
        }
        assert_eq!(split_of(40).choose, [3, 15, 27, 39]);
        assert_eq!(split_of(40).judge, [7, 11, 19, 23, 31, 35]);
    }

    #[test]
    fn every_part_reaches_over_all_photos() {
        let Split { calibrate, choose, judge, .. } = split_of(5000);
        for part in [calibrate, choose, judge] {
            let ends = (*part.first().unwrap(), *part.last().unwrap());
            assert!(ends.0 < 60 && ends.1 > 4900 && part.is_sorted(), "{ends:?}");
        }
    }

    #[test]
    fn few_photos_do_everything_and_calibrate_mirrored_too() {
        let split = split(&photos(39), [2, 2]);
        assert_eq!((split.calibrate.len(), split.choose.len(), split.judge.len()), (78, 39, 39));
        assert!(!split.is_judge_unseen);
        assert_eq!([&*split.calibrate[2].crop, &split.calibrate[3].crop], [[1, 0, 7, 9], [7, 9, 1, 0]]);
    }
}
