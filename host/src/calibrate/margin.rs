//! The margin to the next person, the margin of the caps, and the share of enrolled photos that each of them refuses.

use rayon::prelude::*;
use serde::Serialize;

use super::Person;
use crate::embedding::{angle, centre, cosine};

/// Largest margin that is derived, radians. On LFW with two networks, a larger margin refuses more genuine probes than
/// strangers, although enrolled photos do not show this.
const MOST_MARGIN: f32 = 0.1;
/// Default margin of the caps, radians: ArcFace's own in training.
pub const CAP_MARGIN: f32 = 0.5;
/// Margin used with too few photos to derive one, radians.
pub const USUAL_MARGIN: f32 = 0.1;
/// Share of genuine photos that a derived margin may refuse.
const MARGIN_LOSS: f64 = 0.002;
/// Photos needed to derive a margin.
const MARGIN_PHOTOS: usize = 100;

/// A margin and the share of photos that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DerivedMargin {
    /// Radians.
    pub radians: f32,
    /// Number of enrolled photos that are within the threshold. Each was compared with centres made without it.
    pub photos: usize,
    /// Share of these photos that the margin refuses.
    pub loss: f64,
}

/// Two angles of each photo, for people with several photos: to the person's centre made without the photo, and to the
/// nearest other person.
pub fn left_out(people: &[Person<'_>]) -> Vec<[f32; 2]> {
    let probe = |(number, person): (usize, &Person<'_>)| -> Vec<[f32; 2]> {
        if person.photos.len() < 2 {
            return Vec::new();
        }
        let each = (0..person.photos.len()).map(|left_out| {
            let photo = &person.photos[left_out];
            let rest: Vec<Vec<f32>> = (person.photos.iter().enumerate())
                .filter(|(index, _)| *index != left_out)
                .map(|(_, photo)| photo.clone())
                .collect();
            let own = cosine(photo, &centre(&rest));
            let others = people.iter().enumerate().filter(|(other, _)| *other != number);
            let others =
                others.flat_map(|(_, other)| other.centres.iter().map(|centre| cosine(photo, centre)));
            [angle(own), angle(others.fold(-1f32, f32::max))]
        });
        each.collect()
    };
    people.par_iter().enumerate().flat_map_iter(|(number, person)| probe((number, person))).collect()
}

/// For each photo that is near enough to its own person: the difference between the angle to the next person and the
/// angle to its own.
fn gaps(left_out: &[[f32; 2]], threshold: f32) -> Vec<f32> {
    let reach = angle(threshold);
    left_out.iter().filter(|[own, _]| *own <= reach).map(|[own, other]| other - own).collect()
}

/// The share of photos that a margin refuses. `threshold` is the least cosine.
pub fn margin_loss(left_out: &[[f32; 2]], threshold: f32, radians: f32) -> DerivedMargin {
    let gaps = gaps(left_out, threshold);
    let refused = gaps.iter().filter(|&&gap| gap < radians).count();
    DerivedMargin { radians, photos: gaps.len(), loss: refused as f64 / gaps.len().max(1) as f64 }
}

/// The largest margin that refuses at most 0.2 % of photos of the right person. If there are too few photos, the usual
/// margin. `threshold` is the least cosine.
pub fn derive_margin(left_out: &[[f32; 2]], threshold: f32) -> DerivedMargin {
    let cost = |margin: f32| margin_loss(left_out, threshold, margin);
    let usual = cost(USUAL_MARGIN);
    if usual.photos < MARGIN_PHOTOS {
        return usual;
    }
    let steps = (0..=(MOST_MARGIN * 100.0) as usize).map(|step| cost(step as f32 / 100.0));
    steps.take_while(|margin| margin.loss <= MARGIN_LOSS).last().unwrap_or_else(|| cost(0.0))
}

/// Share of photos of the right person that the caps of `margin` would refuse. A cap refuses a photo if
/// `θ > (φ − m) / 2`, with φ the angle from the person to the nearest other, limited to a right angle.
pub fn cap_loss(people: &[Person<'_>], left_out: &[[f32; 2]], margin: f32) -> f64 {
    let several = people.iter().enumerate().filter(|(_, person)| person.photos.len() > 1);
    let limits = several.flat_map(|(number, person)| {
        let others = people.iter().enumerate().filter(|(other, _)| *other != number);
        let nearest =
            others.flat_map(|(_, other)| other.centres.iter().map(|c| cosine(c, &person.centres[0])));
        let phi = angle(nearest.fold(0f32, f32::max));
        std::iter::repeat_n((phi - margin) / 2.0, person.photos.len())
    });
    let refused = left_out.iter().zip(limits).filter(|([own, _], limit)| own > limit).count();
    refused as f64 / left_out.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margin_is_as_large_as_the_loss_allows() {
        let gaps = |gap: f32, count: usize| vec![[0.6, 0.6 + gap]; count];
        let mut probes = gaps(0.5, 999);
        probes.extend(gaps(0.055, 3));
        let margin = derive_margin(&probes, 0.3);
        assert_eq!((margin.radians, margin.photos), (0.05, 1002));
        assert_eq!(derive_margin(&gaps(0.01, 20), 0.3).radians, USUAL_MARGIN);
        assert_eq!(derive_margin(&gaps(0.5, 200), 0.3).radians, MOST_MARGIN);
    }
}
