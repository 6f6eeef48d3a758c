//! The distance of quantised embeddings from float ones.
//!
//! The cosine alone says little about a network that gives every picture nearly the same embedding: both sides share
//! that direction, and the cosine is near 1 whatever the rest is (measured with pixels normalised twice: 0.9996). So
//! the mean direction of each side is subtracted, and the remainders are compared as well. Their cosine is 0.997 for
//! trained networks, at least 0.984 for other usable ones, and 0.31 to 0.68 for collapsed ones.

use serde::Serialize;

use crate::embedding::{angle, cosine, unit};

/// Fewest photos for which the 99.9th percentile is known: one in a thousand lies beyond it.
const LEAST_FOR_P999: usize = 1000;

/// Least length of a unit embedding without the mean direction; a shorter remainder is mostly rounding.
const LEAST_REST: f64 = 1e-5;

/// Cosines between quantised and float embeddings of the same photos, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Photos compared.
    pub crops: usize,
    /// Mean cosine.
    pub mean_cosine: f32,
    /// Smallest cosine.
    pub least_cosine: f32,
    /// Mean cosine after subtracting the mean direction of each side; `None` if fewer than two photos remain.
    pub centred_mean_cosine: Option<f32>,
    /// Smallest cosine of these.
    pub centred_least_cosine: Option<f32>,
    /// Largest angle, radians.
    pub largest_angle: f32,
    /// Angle at the 99.9th percentile, radians; `None` if fewer than a thousand photos were compared.
    pub angle_p999: Option<f32>,
}

impl Agreement {
    /// Compares unit embeddings of the same photos, of at least one.
    pub fn of(float: &[Vec<f32>], quantised: &[Vec<f32>]) -> Option<Self> {
        let cosines = float.iter().zip(quantised).map(|(a, b)| cosine(a, b)).collect();
        let centred = centred_cosines(float, quantised);
        let mean = centred.iter().sum::<f32>() / centred.len() as f32;
        Some(Agreement {
            centred_mean_cosine: (centred.len() > 1).then_some(mean),
            centred_least_cosine: centred.iter().copied().reduce(f32::min).filter(|_| centred.len() > 1),
            ..Self::of_cosines(cosines)?
        })
    }

    fn of_cosines(mut cosines: Vec<f32>) -> Option<Self> {
        cosines.sort_by(f32::total_cmp);
        let least_cosine = *cosines.first()?;
        let beyond = cosines.len() / LEAST_FOR_P999;
        Some(Agreement {
            crops: cosines.len(),
            mean_cosine: cosines.iter().sum::<f32>() / cosines.len() as f32,
            least_cosine,
            centred_mean_cosine: None,
            centred_least_cosine: None,
            largest_angle: angle(least_cosine),
            angle_p999: (beyond > 0).then(|| angle(cosines[beyond])),
        })
    }

    /// The mean cosine of what distinguishes photos: of that without the mean direction, if there is one.
    pub fn of_differences(&self) -> f32 {
        self.centred_mean_cosine.unwrap_or(self.mean_cosine)
    }

    /// The assumed angle between a quantised and its float embedding, radians: the 99.9th percentile, or the largest
    /// angle if that is unknown.
    pub fn reach(&self) -> f32 {
        self.angle_p999.unwrap_or(self.largest_angle)
    }
}

/// Cosines between float and quantised embeddings after subtracting the mean of each side. A photo equal to the mean
/// has no direction and is left out.
fn centred_cosines(float: &[Vec<f32>], quantised: &[Vec<f32>]) -> Vec<f32> {
    let pairs = rests(float).into_iter().zip(rests(quantised));
    pairs.filter_map(|(a, b)| Some(cosine(&a?, &b?))).collect()
}

/// Embeddings without their mean, as unit vectors.
fn rests(embeddings: &[Vec<f32>]) -> Vec<Option<Vec<f32>>> {
    let dimension = embeddings.first().map_or(0, Vec::len);
    let count = embeddings.len() as f64;
    let of = |index: usize| embeddings.iter().map(|e| f64::from(e[index])).sum::<f64>() / count;
    let mean: Vec<f64> = (0..dimension).map(of).collect();
    let rest = |embedding: &Vec<f32>| {
        let rest: Vec<f64> = embedding.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean).collect();
        let length = rest.iter().map(|x| x * x).sum::<f64>().sqrt();
        (length >= LEAST_REST).then(|| unit(&rest.iter().map(|x| (x / length) as f32).collect::<Vec<_>>()))
    };
    embeddings.iter().map(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unit vectors around a common direction: `common`, plus a part that differs between photos.
    fn about(common: f32, own: f32, count: usize, mut state: u64) -> Vec<Vec<f32>> {
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
        };
        let mut one = || {
            unit(
                &(0..64)
                    .map(|index| own * next() + if index == 0 { common } else { 0.0 })
                    .collect::<Vec<_>>(),
            )
        };
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn what_all_have_in_common_is_no_agreement() {
        // Two unrelated collapsed networks.
        let agreement = Agreement::of(&about(1.0, 0.001, 50, 1), &about(1.0, 0.001, 50, 2)).unwrap();
        assert!(agreement.mean_cosine > 0.9999, "{agreement:?}");
        assert!(agreement.of_differences().abs() < 0.1, "{agreement:?}");
        assert!(agreement.centred_least_cosine.unwrap() < -0.1, "{agreement:?}");
    }

    #[test]
    fn centred_agreement_is_the_plain_one_where_nothing_is_common() {
        let float = about(0.0, 1.0, 100, 3);
        let mut quantised = float.clone();
        for (index, x) in quantised.iter_mut().flatten().enumerate() {
            *x += if index * 7919 % 13 < 6 { 0.01 } else { -0.01 };
        }
        let quantised: Vec<Vec<f32>> = quantised.iter().map(|embedding| unit(embedding)).collect();
        let agreement = Agreement::of(&float, &quantised).unwrap();
        let centred = agreement.centred_mean_cosine.unwrap();
        assert!(
            agreement.mean_cosine < 0.999 && (agreement.mean_cosine - centred).abs() < 0.002,
            "{agreement:?}"
        );
    }

    #[test]
    fn too_few_or_equal_photos_have_no_centred_agreement() {
        let one = about(0.0, 1.0, 1, 4);
        let agreement = Agreement::of(&one, &one).unwrap();
        assert_eq!((agreement.centred_mean_cosine, agreement.centred_least_cosine), (None, None));
        assert_eq!(agreement.of_differences(), agreement.mean_cosine);
        let equal = vec![one[0].clone(); 9];
        assert_eq!(Agreement::of(&equal, &equal).unwrap().centred_mean_cosine, None);
        let two = about(0.0, 1.0, 2, 5);
        assert!(Agreement::of(&two, &two).unwrap().centred_mean_cosine.unwrap() > 0.999);
    }

    /// Cosines 0, 1/count, 2/count …
    fn agreement(count: usize) -> Agreement {
        Agreement::of_cosines((0..count).rev().map(|index| index as f32 / count as f32).collect()).unwrap()
    }

    #[test]
    fn percentile_is_told_from_a_thousand_photos_on() {
        let few = agreement(999);
        assert_eq!((few.angle_p999, few.reach()), (None, angle(0.0)));
        let enough = agreement(1000);
        assert_eq!((enough.angle_p999, enough.reach()), (Some(angle(0.001)), angle(0.001)));
        assert_eq!((enough.crops, enough.least_cosine, enough.largest_angle), (1000, 0.0, angle(0.0)));
        assert_eq!(agreement(2999).angle_p999, Some(angle(2.0 / 2999.0)));
    }

    #[test]
    fn mean_is_over_all_and_nothing_is_said_of_none() {
        assert_eq!(agreement(4).mean_cosine, 0.375);
        assert_eq!(Agreement::of(&[], &[]), None);
    }
}
