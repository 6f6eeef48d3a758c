//! Effect of wrong labels: people with enough photos are enrolled with five, then one of the five is another
//! person's.

use serde::Serialize;

use super::RATES;
use super::scene::{Member, Scene, cosines, two_best};
use crate::calibrate::{self, Person};
use crate::embedding::centre;

/// Photos that a person needs for this trial, and how many of them are enrolled.
const WRONG_LABEL_PHOTOS: [usize; 2] = [6, 5];

/// TPIR with one of five enrolment photos replaced by another person's.
#[derive(Clone, Debug, Serialize)]
pub struct WrongLabels {
    /// People.
    pub people: usize,
    /// Probes.
    pub probes: usize,
    /// Plain mean: with right labels, with a wrong label.
    pub plain: [f64; 2],
    /// Outliers dropped and sub-centres: with right labels, with a wrong label.
    pub robust: [f64; 2],
}

/// Enrols people who have enough photos with five, then replaces one of the five by another person's.
pub(super) fn wrong_labels(scene: &Scene) -> Option<WrongLabels> {
    let [needed, enrolled] = WRONG_LABEL_PHOTOS;
    let mut people: Vec<Vec<Vec<f32>>> = Vec::new();
    for (number, member) in scene.members.iter().enumerate() {
        let mut photos = member.photos.clone();
        photos.extend(
            (0..scene.probes.len()).filter(|&p| scene.owners[p] == number).map(|p| scene.probes[p].clone()),
        );
        if photos.len() >= needed {
            people.push(photos);
        }
    }
    if people.len() < 10 {
        return None;
    }
    let labels = |wrong: bool| -> Vec<Vec<Vec<f32>>> {
        let enrol = |number: usize| {
            let mut photos = people[number][..enrolled].to_vec();
            if wrong {
                photos[number % enrolled] = people[(number + 1) % people.len()][enrolled].clone();
            }
            photos
        };
        (0..people.len()).map(enrol).collect()
    };
    let tpir = |wrong: bool, robust: bool| {
        let members: Vec<Member> = labels(wrong)
            .into_iter()
            .map(|photos| match robust {
                true => Member::new(photos),
                false => {
                    let plain = vec![centre(&photos)];
                    Member::with_centres(photos, plain)
                }
            })
            .collect();
        let calibrated: Vec<Person<'_>> = members.iter().map(Member::person).collect();
        let table = calibrate::measure(&scene.cohort, &calibrated, RATES[0]);
        let threshold = table.at(members.len()).map_or(1.0, |point| point.cosine);
        let all: Vec<usize> = (0..members.len()).collect();
        let (mut right, mut count) = (0, 0);
        for (number, photos) in people.iter().enumerate() {
            // The photo that replaced another person's is not a probe.
            let spare = &photos[enrolled + 1..];
            for row in cosines(spare, &members) {
                let (best, _, place) = two_best(&row, &all);
                right += usize::from(place == number && best >= threshold);
                count += 1;
            }
        }
        right as f64 / f64::from(count).max(1.0)
    };
    Some(WrongLabels {
        people: people.len(),
        probes: people.iter().map(|photos| photos.len() - enrolled - 1).sum(),
        plain: [tpir(false, false), tpir(true, false)],
        robust: [tpir(false, true), tpir(true, true)],
    })
}
