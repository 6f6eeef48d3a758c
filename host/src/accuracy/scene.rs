//! The data of an identification as one network embeds it: people enrolled, probes, strangers, cohort.

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::roles::{Role, Roles};
use crate::calibrate::Person;
use crate::embedding::cosine;
use crate::people::enrol::enrol;
use crate::people::gallery::unit_centre;
use crate::sections::quantise_centre;

/// An enrolled person.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub photos: Vec<Vec<f32>>,
    /// Their photos and centres in calibration's form.
    pub centres: Vec<Vec<f32>>,
    /// Their centres in the image's form.
    pub stored: Vec<Vec<i8>>,
}

impl Member {
    pub fn new(photos: Vec<Vec<f32>>) -> Self {
        let centres = enrol(&photos, false).centres;
        Self::with_centres(photos, centres)
    }

    pub fn with_centres(photos: Vec<Vec<f32>>, centres: Vec<Vec<f32>>) -> Self {
        let stored = centres.iter().map(|centre| quantise_centre(centre)).collect();
        Member { photos, centres, stored }
    }

    pub fn person(&self) -> Person<'_> {
        Person { centres: &self.centres, photos: &self.photos }
    }

    pub fn cosine(&self, embedding: &[f32]) -> f32 {
        self.stored.iter().map(|stored| cosine(&unit_centre(stored), embedding)).fold(-1f32, f32::max)
    }
}

/// Cosines of embeddings `[row]` to members `[column]`.
pub(super) fn cosines(embeddings: &[Vec<f32>], members: &[Member]) -> Vec<Vec<f32>> {
    let units: Vec<Vec<Vec<f32>>> = members
        .iter()
        .map(|member| member.stored.iter().map(|stored| unit_centre(stored)).collect())
        .collect();
    let row = |embedding: &Vec<f32>| -> Vec<f32> {
        let best =
            |units: &Vec<Vec<f32>>| units.iter().map(|unit| cosine(unit, embedding)).fold(-1f32, f32::max);
        units.iter().map(best).collect()
    };
    embeddings.par_iter().map(row).collect()
}

/// All people and photos of an identification, embedded by one network.
pub struct Scene {
    names: Vec<String>,
    pub(super) members: Vec<Member>,
    pub(super) probes: Vec<Vec<f32>>,
    /// The member in each probe.
    pub(super) owners: Vec<usize>,
    pub(super) strangers: Vec<Vec<f32>>,
    pub(super) cohort: Vec<Vec<f32>>,
    /// Numbers of the photos of each member.
    member_photos: Vec<Vec<usize>>,
    /// Numbers of the photos that are probes.
    pub(super) probe_photos: Vec<usize>,
    /// Numbers of the photos of strangers.
    pub(super) stranger_photos: Vec<usize>,
    /// The person in each stranger's photo, from 0.
    pub(super) stranger_people: Vec<usize>,
}

/// A photo, and the enrolled photo that best explains its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// Numbers of both photos.
    pub photos: [usize; 2],
    /// Cosine to the person's nearest centre.
    pub cosine: f32,
}

impl Scene {
    pub(super) fn new(roles: &Roles, embeddings: &[Vec<f32>]) -> Result<Self> {
        let take =
            |indices: &[usize]| indices.iter().map(|&index| embeddings[index].clone()).collect::<Vec<_>>();
        let enrolled = roles.by_person(Role::Enrol);
        let names: Vec<&str> = enrolled.keys().copied().collect();
        let probes = roles.of_role(Role::Probe);
        let owner = |&probe: &usize| {
            let name = &*roles.identities[probe];
            names.binary_search(&name).ok().with_context(|| format!("{name} has probes but is not enrolled"))
        };
        let cohort: Vec<usize> = roles.by_person(Role::Cohort).values().map(|photos| photos[0]).collect();
        let strangers = roles.of_role(Role::Stranger);
        let people = roles.by_person(Role::Stranger);
        let names_of_strangers: Vec<&str> = people.keys().copied().collect();
        let person = |&photo: &usize| {
            let name = &*roles.identities[photo];
            names_of_strangers.binary_search(&name).ok().with_context(|| format!("{name} is no stranger"))
        };
        Ok(Scene {
            names: names.iter().map(|name| name.to_string()).collect(),
            members: enrolled.values().map(|photos| Member::new(take(photos))).collect(),
            owners: probes.iter().map(owner).collect::<Result<_>>()?,
            probes: take(&probes),
            strangers: take(&strangers),
            stranger_people: strangers.iter().map(person).collect::<Result<_>>()?,
            cohort: take(&cohort),
            member_photos: enrolled.into_values().collect(),
            probe_photos: probes,
            stranger_photos: strangers,
        })
    }

    /// Cosine of each probe to its own person; the same, but −∞ if another person is nearer; the largest cosine of
    /// each stranger.
    pub fn scores(&self) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let all: Vec<usize> = (0..self.members.len()).collect();
        let rows = cosines(&self.probes, &self.members);
        let own = || rows.iter().zip(&self.owners).map(|(row, &owner)| (row[owner], row));
        let right =
            own().map(|(own, row)| if own >= two_best(row, &all).0 { own } else { f32::NEG_INFINITY });
        let strangers = cosines(&self.strangers, &self.members);
        (
            own().map(|(own, _)| own).collect(),
            right.collect(),
            strangers.iter().map(|row| two_best(row, &all).0).collect(),
        )
    }

    /// The strangers nearest to anybody enrolled and the probes farthest from their own person, `count` of each, the
    /// worst first, each with the most similar enrolled photo of that person.
    pub fn worst(&self, count: usize) -> [Vec<Worst>; 2] {
        let enrolled = &self.member_photos;
        let all: Vec<usize> = (0..self.members.len()).collect();
        let worst = |embedding: &[f32], photo: usize, member: usize, cosine_to_centre: f32| {
            let alike = |place: &usize| cosine(&self.members[member].photos[*place], embedding);
            let places = 0..enrolled[member].len();
            let place = places.max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or(0);
            Worst { photos: [photo, enrolled[member][place]], cosine: cosine_to_centre }
        };
        let nearest = cosines(&self.strangers, &self.members);
        let mut impostors: Vec<Worst> = (nearest.iter().zip(&self.strangers).zip(&self.stranger_photos))
            .map(|((row, stranger), &photo)| {
                let (best, _, place) = two_best(row, &all);
                worst(stranger, photo, place, best)
            })
            .collect();
        let own = cosines(&self.probes, &self.members);
        let mut genuine: Vec<Worst> =
            (own.iter().zip(&self.owners).zip(&self.probes).zip(&self.probe_photos))
                .map(|(((row, &owner), probe), &photo)| worst(probe, photo, owner, row[owner]))
                .collect();
        impostors.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        genuine.sort_by(|a, b| a.cosine.total_cmp(&b.cosine));
        [impostors, genuine].map(|mut sorted| {
            sorted.truncate(count);
            sorted
        })
    }

    /// Names and centres.
    pub fn people(&self) -> Vec<(String, Vec<Vec<f32>>)> {
        let centres = self.members.iter().map(|member| member.centres.clone());
        self.names.iter().cloned().zip(centres).collect()
    }

    /// Embeddings of probes with the number of their person, and of some strangers.
    pub fn seen(&self) -> Vec<(Option<usize>, &[f32])> {
        let probes = self.probes.iter().zip(&self.owners).map(|(probe, &owner)| (Some(owner), &**probe));
        let own: Vec<(Option<usize>, &[f32])> = probes.collect();
        own.into_iter().chain(self.strangers.iter().take(60).map(|stranger| (None, &**stranger))).collect()
    }
}

/// Best and second-best cosine of a row among the columns of a gallery, and the position of the best.
pub(super) fn two_best(row: &[f32], gallery: &[usize]) -> (f32, f32, usize) {
    let mut best = (-1f32, -1f32, 0);
    for (place, &column) in gallery.iter().enumerate() {
        if row[column] > best.0 {
            best = (row[column], best.0, place);
        } else {
            best.1 = best.1.max(row[column]);
        }
    }
    best
}
