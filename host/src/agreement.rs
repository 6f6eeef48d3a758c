//! How far quantised embeddings are from float ones.

use serde::Serialize;

use crate::embedding::angle;

/// Fewest photos of which the 99.9th percentile can be told: one of a thousand lies beyond it.
const LEAST_FOR_P999: usize = 1000;

/// Cosines between quantised and float embeddings of the same photos, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Photos compared.
    pub crops: usize,
    /// Mean cosine.
    pub mean_cosine: f32,
    /// Smallest cosine.
    pub least_cosine: f32,
    /// Largest angle, radians.
    pub largest_angle: f32,
    /// Angle at the 99.9th percentile, radians; nothing where fewer than a thousand photos were compared.
    pub angle_p999: Option<f32>,
}

impl Agreement {
    /// Sums up the cosines of at least one photo.
    pub fn of(mut cosines: Vec<f32>) -> Option<Self> {
        cosines.sort_by(f32::total_cmp);
        let least_cosine = *cosines.first()?;
        let beyond = cosines.len() / LEAST_FOR_P999;
        Some(Agreement {
            crops: cosines.len(),
            mean_cosine: cosines.iter().sum::<f32>() / cosines.len() as f32,
            least_cosine,
            largest_angle: angle(least_cosine),
            angle_p999: (beyond > 0).then(|| angle(cosines[beyond])),
        })
    }

    /// The angle that quantisation is taken to move an embedding by, radians: the 99.9th percentile, or the largest seen where
    /// that cannot be told.
    pub fn reach(&self) -> f32 {
        self.angle_p999.unwrap_or(self.largest_angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cosines 0, 1/count, 2/count …
    fn agreement(count: usize) -> Agreement {
        Agreement::of((0..count).rev().map(|index| index as f32 / count as f32).collect()).unwrap()
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
        assert_eq!(Agreement::of(Vec::new()), None);
    }
}
