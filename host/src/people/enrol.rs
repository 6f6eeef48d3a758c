//! Enrolment: from unit embeddings of a person's photos to their centres.
//!
//! Photos over [`WRONG_LABEL_DEGREES`] from the person's dominant centre are taken for somebody else's and dropped
//! (sub-center ArcFace, Deng et al., ECCV 2020, section 3.3). What is left has one centre, its normalised mean, or up to
//! [`MOST_CENTRES`] sub-centres where photos form groups (glasses, age) that one centre serves worse.

use crate::embedding::{angle, centre, cosine};

/// Angle from the dominant centre beyond which a photo is taken for another person's.
pub const WRONG_LABEL_DEGREES: f32 = 75.0;
/// Most sub-centres of a person.
pub const MOST_CENTRES: usize = 3;
/// Fewest photos a sub-centre is made from.
const LEAST_GROUP: usize = 3;
/// By how much a further sub-centre must raise the mean cosine of photos to centres made without them.
const LEAST_GAIN: f32 = 0.03;
/// Photos with at least this cosine are taken for the same picture.
const DUPLICATE_COSINE: f32 = 0.999;

/// Centres of a person, and the use of each of their photos.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    /// Unit vectors, that of the most photos first.
    pub centres: Vec<Vec<f32>>,
    /// For each photo the number of its centre; `None` when it was dropped.
    pub groups: Vec<Option<usize>>,
    /// Angle of each photo to the dominant centre, degrees.
    pub angles_degrees: Vec<f32>,
}

impl Enrolment {
    /// Numbers of dropped photos.
    pub fn dropped(&self) -> impl Iterator<Item = usize> + '_ {
        self.groups.iter().enumerate().filter(|(_, group)| group.is_none()).map(|(index, _)| index)
    }

    /// Number of photos the centres are made from.
    pub fn kept(&self) -> usize {
        self.groups.iter().flatten().count()
    }
}

/// Enrols a person from unit embeddings of at least one photo; keeps photos that look like another person's if asked to.
///
/// # Panics
/// Without photos.
pub fn enrol(photos: &[Vec<f32>], keep_outliers: bool) -> Enrolment {
    assert!(!photos.is_empty(), "a person without photos");
    let (dominant, kept) = dominant(photos);
    let angles_degrees: Vec<f32> =
        photos.iter().map(|photo| angle(cosine(photo, &dominant)).to_degrees()).collect();
    let kept = if keep_outliers { (0..photos.len()).collect() } else { kept };
    let groups = split(photos, &kept);
    let mut places = vec![None; photos.len()];
    for (number, group) in groups.iter().enumerate() {
        for &photo in group {
            places[photo] = Some(number);
        }
    }
    Enrolment {
        centres: groups.iter().map(|group| mean(photos, group)).collect(),
        groups: places,
        angles_degrees,
    }
}

/// Pairs of photos that are nearly the same picture.
pub fn duplicates(photos: &[Vec<f32>]) -> Vec<[usize; 2]> {
    let pairs = (0..photos.len()).flat_map(|b| (0..b).map(move |a| [a, b]));
    pairs.filter(|&[a, b]| cosine(&photos[a], &photos[b]) > DUPLICATE_COSINE).collect()
}

fn mean(photos: &[Vec<f32>], group: &[usize]) -> Vec<f32> {
    centre(&group.iter().map(|&photo| photos[photo].clone()).collect::<Vec<_>>())
}

/// The centre that most photos agree on, and the photos within its reach: starts from the photo nearest to the others
/// and repeatedly takes the mean of all photos within reach, until it no longer changes.
fn dominant(photos: &[Vec<f32>]) -> (Vec<f32>, Vec<usize>) {
    let reach = WRONG_LABEL_DEGREES.to_radians().cos();
    let support = |photo: &Vec<f32>| photos.iter().map(|other| cosine(photo, other).max(0.0)).sum::<f32>();
    let first = photos.iter().max_by(|a, b| support(a).total_cmp(&support(b))).cloned().unwrap_or_default();
    let within = |centre: &[f32]| -> Vec<usize> {
        (0..photos.len()).filter(|&photo| cosine(&photos[photo], centre) >= reach).collect()
    };
    let mut kept = within(&first);
    if kept.is_empty() {
        // Zero embeddings are near nothing, not even themselves; the image refuses their centre.
        kept = (0..photos.len()).collect();
    }
    for _ in 0..20 {
        let next = within(&mean(photos, &kept));
        if next == kept || next.is_empty() {
            break;
        }
        kept = next;
    }
    (mean(photos, &kept), kept)
}

/// Groups of photos, the largest first. A further group is made while it is better for photos left out of it.
fn split(photos: &[Vec<f32>], kept: &[usize]) -> Vec<Vec<usize>> {
    let mut best = vec![kept.to_vec()];
    let mut score = left_out_cosine(photos, &best);
    for count in 2..=MOST_CENTRES {
        let mut groups = cluster(photos, kept, count);
        if groups.len() < count || groups.iter().any(|group| group.len() < LEAST_GROUP) {
            break;
        }
        let next = left_out_cosine(photos, &groups);
        if next < score + LEAST_GAIN {
            break;
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
        (best, score) = (groups, next);
    }
    best
}

/// Mean cosine of each photo to the nearest centre, with its own group's centre made without it.
fn left_out_cosine(photos: &[Vec<f32>], groups: &[Vec<usize>]) -> f32 {
    let mut sum = 0.0;
    let mut count = 0;
    for group in groups {
        for &photo in group {
            let others: Vec<usize> = group.iter().copied().filter(|&other| other != photo).collect();
            if others.is_empty() {
                continue;
            }
            sum += cosine(&photos[photo], &mean(photos, &others));
            count += 1;
        }
    }
    sum / (count as f32).max(1.0)
}

/// Spherical k-means (Dhillon and Modha 2001) from the photos farthest from each other.
fn cluster(photos: &[Vec<f32>], kept: &[usize], count: usize) -> Vec<Vec<usize>> {
    let mut centres: Vec<Vec<f32>> = vec![mean(photos, kept)];
    for number in 0..count {
        let nearest =
            |photo: usize| centres.iter().map(|centre| cosine(&photos[photo], centre)).fold(-1f32, f32::max);
        let farthest = kept.iter().copied().min_by(|&a, &b| nearest(a).total_cmp(&nearest(b)));
        let Some(farthest) = farthest else { return Vec::new() };
        if number == 0 {
            centres.clear();
        }
        centres.push(photos[farthest].clone());
    }
    let mut groups = Vec::new();
    for _ in 0..50 {
        let mut next = vec![Vec::new(); count];
        for &photo in kept {
            let nearest = (0..count).max_by(|&a, &b| {
                cosine(&photos[photo], &centres[a]).total_cmp(&cosine(&photos[photo], &centres[b]))
            });
            next[nearest.unwrap_or(0)].push(photo);
        }
        next.retain(|group: &Vec<usize>| !group.is_empty());
        if next == groups || next.len() < count {
            return next;
        }
        centres = next.iter().map(|group| mean(photos, group)).collect();
        groups = next;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::unit;

    /// Unit vectors about a direction, `noise` radians off in random directions.
    fn around(direction: &[f32], noise: f32, count: usize, state: &mut u64) -> Vec<Vec<f32>> {
        let mut next = || {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
        };
        let mut one = || {
            let off = unit(&direction.iter().map(|_| next()).collect::<Vec<_>>());
            unit(&direction.iter().zip(&off).map(|(d, o)| d + noise.tan() * o).collect::<Vec<_>>())
        };
        (0..count).map(|_| one()).collect()
    }

    fn axis(index: usize) -> Vec<f32> {
        (0..64).map(|i| if i == index { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn one_cloud_has_one_centre_near_its_middle() {
        let photos = around(&axis(0), 0.7, 12, &mut 1);
        let enrolment = enrol(&photos, false);
        assert_eq!((enrolment.centres.len(), enrolment.kept()), (1, 12));
        assert!(cosine(&enrolment.centres[0], &axis(0)) > 0.95);
    }

    #[test]
    fn another_persons_photo_is_dropped_and_does_not_move_the_centre() {
        let mut photos = around(&axis(0), 0.6, 4, &mut 2);
        photos.insert(1, axis(5));
        let enrolment = enrol(&photos, false);
        assert_eq!(enrolment.dropped().collect::<Vec<_>>(), [1]);
        assert!(enrolment.angles_degrees[1] > 80.0);
        photos.remove(1);
        assert_eq!(enrolment.centres[0], centre(&photos));
        let mut all = photos.clone();
        all.push(axis(5));
        assert_eq!(enrol(&all, true).kept(), 5);
    }

    #[test]
    fn two_looks_get_two_centres_the_commoner_first() {
        let other_look =
            unit(&axis(0).iter().zip(axis(1)).map(|(a, b)| 0.6 * a + 0.8 * b).collect::<Vec<_>>());
        let mut photos = around(&other_look, 0.3, 4, &mut 3);
        photos.extend(around(&axis(0), 0.3, 6, &mut 4));
        let enrolment = enrol(&photos, false);
        assert_eq!(enrolment.centres.len(), 2, "{enrolment:?}");
        assert!(cosine(&enrolment.centres[0], &axis(0)) > 0.9);
        assert!(cosine(&enrolment.centres[1], &other_look) > 0.9);
        assert_eq!(enrolment.groups[0], Some(1));
    }

    #[test]
    fn photos_without_a_direction_give_a_centre_without_one() {
        let enrolment = enrol(&[vec![0.0; 8], vec![0.0; 8]], false);
        assert_eq!((enrolment.centres, enrolment.groups), (vec![vec![0.0; 8]], vec![Some(0); 2]));
    }

    #[test]
    fn one_photo_is_its_own_centre_and_copies_are_found() {
        let photo = around(&axis(3), 0.5, 1, &mut 5);
        assert!(cosine(&enrol(&photo, false).centres[0], &photo[0]) > 0.9999);
        let copies = [photo[0].clone(), axis(1), photo[0].clone()];
        assert_eq!(duplicates(&copies), [[0, 2]]);
    }
}
