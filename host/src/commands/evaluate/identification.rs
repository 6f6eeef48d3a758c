//! Open-set identification: people are enrolled, their other photos are probes, strangers are nobody's.
//!
//! As NIST's FRTE 1:N counts it: TPIR is the share of probes accepted as the right person, FNIR the rest, FPIR the share
//! of strangers accepted as anybody. Thresholds come from the cohort, which shares nobody with probes or strangers.
//! Smaller galleries are drawn from the enrolled, several of a size, and figures are means over them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use matcher::{Centres, Margin, Matcher, Rules, Verdict};
use rayon::prelude::*;
use serde::Serialize;

use super::{Agreement, Embedded, Seconds};
use crate::calibrate::{self, Person, angle_record, q30};
use crate::embedding::{angle, centre, cosine};
use crate::enrol::enrol;
use crate::gallery::unit_centre;
use crate::photo;
use crate::sections::quantise_centre;

/// Gallery sizes, besides that of all enrolled.
const SIZES: [usize; 3] = [1, 10, 50];
/// Rates of accepting strangers that figures are given for.
const RATES: [f64; 2] = [0.003, 0.01];
/// Galleries drawn of a size.
const GALLERIES: usize = 24;
/// Photos a person needs for the trial of wrong labels, and how many of them are enrolled.
const WRONG_LABEL_PHOTOS: [usize; 2] = [6, 5];

/// What a photo is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To enrol with.
    Enrol,
    /// Of somebody enrolled.
    Probe,
    /// Of nobody enrolled.
    Stranger,
    /// To measure thresholds on.
    Cohort,
}

/// Photos with who they show and what for.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// Paths.
    pub photos: Vec<PathBuf>,
    /// Who is in each.
    identities: Vec<String>,
    /// What each is for.
    roles: Vec<Role>,
}

impl Roles {
    /// Reads a CSV file with the header `path,identity,role`.
    ///
    /// # Errors
    /// Names the line.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not a list of photos", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or("").trim_end();
        ensure!(header == "path,identity,role", "line 1 is {header:?}, path,identity,role is expected");
        let mut read = Roles::default();
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.trim_end().split(',').collect();
            let role = |name| match name {
                "enrol" => Some(Role::Enrol),
                "probe" => Some(Role::Probe),
                "stranger" => Some(Role::Stranger),
                "cohort" => Some(Role::Cohort),
                _ => None,
            };
            match fields[..] {
                [path, identity, name] if role(name).is_some() => {
                    read.push(path.into(), identity.to_string(), role(name).unwrap_or(Role::Cohort));
                }
                _ => bail!("line {}: {line:?}", index + 2),
            }
        }
        read.check()
    }

    /// Deals roles out to the people of a folder, a subfolder each: of who has four photos or more the first three enrol
    /// and the others are probes; everybody else's first photo is a stranger's or the cohort's, in turn.
    ///
    /// # Errors
    /// When the folder has too few people of each kind.
    pub fn deal(folder: &Path) -> Result<Self> {
        let mut dealt = Roles::default();
        let mut to_cohort = false;
        for (name, photos) in photo::people(folder)? {
            let relative = |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
            if photos.len() >= 4 {
                for (index, path) in photos.iter().enumerate() {
                    dealt.push(
                        relative(path),
                        name.clone(),
                        if index < 3 { Role::Enrol } else { Role::Probe },
                    );
                }
            } else if let Some(first) = photos.first() {
                dealt.push(relative(first), name, if to_cohort { Role::Cohort } else { Role::Stranger });
                to_cohort = !to_cohort;
            }
        }
        dealt.check()
    }

    fn push(&mut self, path: PathBuf, identity: String, role: Role) {
        self.photos.push(path);
        self.identities.push(identity);
        self.roles.push(role);
    }

    fn check(self) -> Result<Self> {
        for (role, least, name) in [
            (Role::Enrol, 1, "to enrol"),
            (Role::Probe, 1, "of enrolled people as probes"),
            (Role::Stranger, 20, "of strangers"),
            (Role::Cohort, 20, "for the cohort"),
        ] {
            let count = self.roles.iter().filter(|&&r| r == role).count();
            ensure!(count >= least, "{count} photos {name}, at least {least} are needed");
        }
        Ok(self)
    }

    /// Photos of a role by person.
    fn by_person(&self, role: Role) -> BTreeMap<&str, Vec<usize>> {
        let mut people = BTreeMap::new();
        for (index, identity) in
            self.identities.iter().enumerate().filter(|(index, _)| self.roles[*index] == role)
        {
            people.entry(&**identity).or_insert_with(Vec::new).push(index);
        }
        people
    }

    fn of_role(&self, role: Role) -> Vec<usize> {
        (0..self.photos.len()).filter(|&index| self.roles[index] == role).collect()
    }
}

/// Figures of open-set identification.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Photos embedded.
    pub photos: usize,
    /// People enrolled, probes, strangers, strangers of the cohort.
    pub counts: [usize; 4],
    /// The decision as a board makes it, with thresholds from the cohort.
    pub decisions: Vec<Decisions>,
    /// Thresholds for everybody enrolled, for the rate asked for.
    pub table: calibrate::Table,
    /// TPIR where exactly the stated share of the strangers themselves is accepted, by rule.
    pub rules: Vec<RuleFigures>,
    /// The whole gallery by network.
    pub networks: Vec<NetworkFigures>,
    /// What wrong labels do, if enough people have photos enough.
    pub wrong_labels: Option<WrongLabels>,
    /// Between the quantised and the float network.
    pub agreement: Option<Agreement>,
    /// What took how long.
    pub seconds: Seconds,
}

/// Decisions with thresholds from the cohort, the matcher's own.
#[derive(Clone, Debug, Serialize)]
pub struct Decisions {
    /// People enrolled.
    pub people: usize,
    /// Galleries of that size.
    pub galleries: usize,
    /// Rate asked for.
    pub fpir_asked: f64,
    /// Its bounds as calibration states them, 95 %.
    pub fpir_bounds: [f64; 2],
    /// Share of strangers accepted.
    pub fpir: f64,
    /// Share of probes accepted as the right person.
    pub tpir: f64,
    /// Share of accepted probes that are certified.
    pub certified: f64,
    /// Least cosine, mean over galleries.
    pub threshold: f32,
    /// Margin, mean over galleries, radians.
    pub margin: f32,
    /// Whether the measured rate is no higher than the stated bound.
    pub holds: bool,
}

/// TPIR of each rule at equal measured FPIR.
#[derive(Clone, Debug, Serialize)]
pub struct RuleFigures {
    /// People enrolled.
    pub people: usize,
    /// Share of strangers accepted.
    pub fpir: f64,
    /// The threshold alone.
    pub absolute: f64,
    /// Threshold and margin.
    pub combined: f64,
    /// The caps alone, with ArcFace's margin of 0.5: share of probes they accept, whatever strangers do.
    pub caps: f64,
}

/// A network's figures with everybody enrolled.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkFigures {
    /// `int8` or `float`.
    pub network: &'static str,
    /// Share of probes whose nearest person is the right one.
    pub rank1: f64,
    /// TPIR at FPIR 0.01 and 0.003, measured on the strangers.
    pub tpir: [f64; 2],
    /// The DET curve: threshold, FPIR, FNIR.
    pub curve: Vec<[f64; 3]>,
}

/// TPIR with one of five enrolment photos replaced by another person's.
#[derive(Clone, Debug, Serialize)]
pub struct WrongLabels {
    /// People.
    pub people: usize,
    /// Probes.
    pub probes: usize,
    /// Plain mean: right labels, wrong labels.
    pub plain: [f64; 2],
    /// Outliers dropped and sub-centres: right labels, wrong labels.
    pub robust: [f64; 2],
}

/// An enrolled person.
#[derive(Clone, Debug)]
struct Member {
    photos: Vec<Vec<f32>>,
    /// As calibration has them.
    centres: Vec<Vec<f32>>,
    /// As the image has them.
    stored: Vec<Vec<i8>>,
}

impl Member {
    fn new(photos: Vec<Vec<f32>>) -> Self {
        let centres = enrol(&photos, false).centres;
        Self::with_centres(photos, centres)
    }

    fn with_centres(photos: Vec<Vec<f32>>, centres: Vec<Vec<f32>>) -> Self {
        let stored = centres.iter().map(|centre| quantise_centre(centre)).collect();
        Member { photos, centres, stored }
    }

    fn person(&self) -> Person<'_> {
        Person { centres: &self.centres, photos: &self.photos }
    }

    fn cosine(&self, embedding: &[f32]) -> f32 {
        self.stored.iter().map(|stored| cosine(&unit_centre(stored), embedding)).fold(-1f32, f32::max)
    }
}

/// Cosines of embeddings `[row]` to members `[column]`.
fn cosines(embeddings: &[Vec<f32>], members: &[Member]) -> Vec<Vec<f32>> {
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

/// Everybody and everything of one network.
pub struct Scene {
    names: Vec<String>,
    members: Vec<Member>,
    /// Embeddings and the number of the member they show.
    probes: Vec<Vec<f32>>,
    owners: Vec<usize>,
    strangers: Vec<Vec<f32>>,
    cohort: Vec<Vec<f32>>,
    /// Numbers of the photos of each member, of the probes, of the strangers.
    photos: (Vec<Vec<usize>>, Vec<usize>, Vec<usize>),
}

/// A photo and the enrolled one that shows best why it got its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worst {
    /// Numbers of both photos.
    pub photos: [usize; 2],
    /// Cosine to the person's nearest centre.
    pub cosine: f32,
}

impl Scene {
    fn new(roles: &Roles, embeddings: &[Vec<f32>]) -> Result<Self> {
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
        Ok(Scene {
            names: names.iter().map(|name| name.to_string()).collect(),
            members: enrolled.values().map(|photos| Member::new(take(photos))).collect(),
            owners: probes.iter().map(owner).collect::<Result<_>>()?,
            probes: take(&probes),
            strangers: take(&strangers),
            cohort: take(&cohort),
            photos: (enrolled.into_values().collect(), probes, strangers),
        })
    }

    /// Cosine of each probe to its own person; the same, but −∞ where another person is nearer; the largest cosine of each
    /// stranger.
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

    /// The strangers nearest to anybody enrolled and the probes farthest from their own person, `count` of each, the worst
    /// first; each with that person's enrolled photo that is most like it.
    pub fn worst(&self, count: usize) -> [Vec<Worst>; 2] {
        let (enrolled, probes, strangers) = &self.photos;
        let all: Vec<usize> = (0..self.members.len()).collect();
        let worst = |embedding: &[f32], photo: usize, member: usize, cosine_to_centre: f32| {
            let alike = |place: &usize| cosine(&self.members[member].photos[*place], embedding);
            let places = 0..enrolled[member].len();
            let place = places.max_by(|a, b| alike(a).total_cmp(&alike(b))).unwrap_or(0);
            Worst { photos: [photo, enrolled[member][place]], cosine: cosine_to_centre }
        };
        let nearest = cosines(&self.strangers, &self.members);
        let mut impostors: Vec<Worst> = (nearest.iter().zip(&self.strangers).zip(strangers))
            .map(|((row, stranger), &photo)| {
                let (best, _, place) = two_best(row, &all);
                worst(stranger, photo, place, best)
            })
            .collect();
        let own = cosines(&self.probes, &self.members);
        let mut genuine: Vec<Worst> = (own.iter().zip(&self.owners).zip(&self.probes).zip(probes))
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

/// The scenes of the quantised network and, if there is one, of the float network.
///
/// # Errors
/// When a probe is of nobody enrolled.
pub fn scenes(roles: &Roles, embedded: &Embedded) -> Result<Vec<(&'static str, Scene)>> {
    let mut scenes = vec![("int8", Scene::new(roles, &embedded.quantised)?)];
    if let Some(float) = &embedded.float {
        scenes.push(("float", Scene::new(roles, float)?));
    }
    Ok(scenes)
}

/// Numbers of a gallery drawn from `all`, ascending; the same for the same seed.
fn draw(all: usize, size: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..all).collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for place in 0..size.min(all) {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let other = place + ((state >> 33) as usize) % (all - place);
        numbers.swap(place, other);
    }
    numbers.truncate(size);
    numbers.sort_unstable();
    numbers
}

/// Evaluates with the board's decision at the rates of NIST and at `fpir`.
///
/// # Errors
/// When a probe is of nobody enrolled.
pub fn evaluate(roles: &Roles, embedded: &Embedded, fpir: f64) -> Result<Evaluation> {
    let start = Instant::now();
    let scene = Scene::new(roles, &embedded.quantised)?;
    let quantisation = embedded.agreement().map_or(0.0, |agreement| f64::from(agreement.angle_p999));
    let all = scene.members.len();
    let mut rates = RATES.to_vec();
    if !rates.contains(&fpir) {
        rates.push(fpir);
    }
    let mut decisions = Vec::new();
    let mut rules = Vec::new();
    for size in SIZES.into_iter().filter(|&size| size < all).chain([all]) {
        let count = if size == all { 1 } else { GALLERIES };
        let galleries: Vec<Vec<usize>> = (0..count).map(|seed| draw(all, size, seed as u64 + 1)).collect();
        for &rate in &rates {
            decisions.push(decide(&scene, &galleries, rate, quantisation));
        }
        for rate in RATES {
            rules.push(compare_rules(&scene, &galleries, rate));
        }
    }
    let people: Vec<Person<'_>> = scene.members.iter().map(Member::person).collect();
    let table = calibrate::measure(&scene.cohort, &people, fpir);
    let mut networks = vec![network_figures("int8", &scene)];
    if let Some(float) = &embedded.float {
        networks.push(network_figures("float", &Scene::new(roles, float)?));
    }
    let seconds = Seconds { scoring: start.elapsed().as_secs_f64(), ..embedded.seconds };
    Ok(Evaluation {
        photos: roles.photos.len(),
        counts: [all, scene.probes.len(), scene.strangers.len(), scene.cohort.len()],
        decisions,
        table,
        rules,
        networks,
        wrong_labels: wrong_labels(&scene),
        agreement: embedded.agreement(),
        seconds,
    })
}

/// An embedding as the board has it: 16 bits.
fn quantise_probe(embedding: &[f32]) -> Vec<i16> {
    embedding.iter().map(|x| (x * 32767.0).round() as i16).collect()
}

/// Decides on all probes and strangers with the matcher, for each gallery, thresholds and margins measured as export does.
fn decide(scene: &Scene, galleries: &[Vec<usize>], rate: f64, quantisation: f64) -> Decisions {
    let probes: Vec<Vec<i16>> = scene.probes.iter().map(|probe| quantise_probe(probe)).collect();
    let strangers: Vec<Vec<i16>> = scene.strangers.iter().map(|stranger| quantise_probe(stranger)).collect();
    let cohort: Vec<Vec<i8>> = scene.cohort.iter().map(|stranger| quantise_centre(stranger)).collect();
    let cohort = Stored::new(cohort.iter().map(|centre| (0, centre)));
    let mut sum = Decisions {
        people: galleries[0].len(),
        galleries: galleries.len(),
        fpir_asked: rate,
        fpir_bounds: [0.0; 2],
        fpir: 0.0,
        tpir: 0.0,
        certified: 0.0,
        threshold: 0.0,
        margin: 0.0,
        holds: false,
    };
    let mut genuine = 0;
    for gallery in galleries {
        let people: Vec<Person<'_>> = gallery.iter().map(|&number| scene.members[number].person()).collect();
        let table = calibrate::measure(&scene.cohort, &people, rate);
        let point = table.at(gallery.len()).copied().unwrap_or(table.points[table.points.len() - 1]);
        let margin = calibrate::derive_margin(&calibrate::left_out(&people), point.cosine);
        let record = |radians: f64| {
            let angle = angle_record(radians);
            Margin::new_checked(angle.cos_q30, angle.sin_q30).ok()
        };
        let rules = Rules {
            threshold_q30: q30(point.cosine.into()),
            margin: record(margin.radians.into()),
            cap: None,
            certificate: record(f64::from(margin.radians) + 2.0 * quantisation),
        };
        let stored = gallery.iter().enumerate().flat_map(|(owner, &number)| {
            scene.members[number].stored.iter().map(move |centre| (owner as u16, centre))
        });
        let stored = Stored::new(stored);
        let (Some(centres), Some(cohort)) = (stored.view(), cohort.view()) else { continue };
        let Ok(matcher) = Matcher::new_checked(centres, Some(cohort), rules) else { continue };
        let accepted =
            strangers.par_iter().filter(|s| matcher.decide(s).verdict == Verdict::Accepted).count();
        let right = |index: usize| -> Option<bool> {
            let owner = gallery.binary_search(&scene.owners[index]).ok()?;
            let outcome = matcher.decide(&probes[index]);
            let person = outcome.best.map(|best| usize::from(best.person));
            (outcome.verdict == Verdict::Accepted && person == Some(owner)).then_some(outcome.certified)
        };
        let here = (0..probes.len()).filter(|&index| gallery.binary_search(&scene.owners[index]).is_ok());
        let answers: Vec<Option<bool>> = here.map(right).collect();
        genuine += answers.len();
        sum.tpir += answers.iter().flatten().count() as f64;
        sum.certified += answers.iter().flatten().filter(|&&certified| certified).count() as f64;
        sum.fpir += accepted as f64 / strangers.len() as f64;
        sum.threshold += point.cosine;
        sum.margin += margin.radians;
        sum.fpir_bounds = point.fpir_bounds;
    }
    let count = galleries.len() as f64;
    let fpir = sum.fpir / count;
    Decisions {
        fpir,
        certified: sum.certified / sum.tpir.max(1.0),
        tpir: sum.tpir / (genuine as f64).max(1.0),
        threshold: sum.threshold / count as f32,
        margin: sum.margin / count as f32,
        holds: fpir <= sum.fpir_bounds[1],
        ..sum
    }
}

/// Centres in the form the matcher reads.
struct Stored {
    dimension: usize,
    vectors: Vec<i8>,
    norms: Vec<u32>,
    owners: Vec<u16>,
}

impl Stored {
    fn new<'a>(centres: impl Iterator<Item = (u16, &'a Vec<i8>)>) -> Self {
        let mut stored = Stored { dimension: 1, vectors: Vec::new(), norms: Vec::new(), owners: Vec::new() };
        for (owner, centre) in centres {
            stored.dimension = centre.len();
            stored.vectors.extend_from_slice(centre);
            stored.norms.push(centre.iter().map(|&x| (i32::from(x) * i32::from(x)) as u32).sum());
            stored.owners.push(owner);
        }
        stored
    }

    fn view(&self) -> Option<Centres<'_>> {
        Centres::new_checked(self.dimension, &self.vectors, &self.norms, &self.owners).ok()
    }
}

/// Best and next cosine of a row among the columns of a gallery, and the best's place in it.
fn two_best(row: &[f32], gallery: &[usize]) -> (f32, f32, usize) {
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

/// The cosine that a share of at most `rate` of the scores exceeds.
fn threshold_at(mut scores: Vec<f32>, rate: f64) -> f32 {
    scores.sort_by(|a, b| b.total_cmp(a));
    scores[((rate * scores.len() as f64) as usize).min(scores.len() - 1)]
}

/// TPIR of the threshold alone and of threshold and margin where each accepts the same share of the strangers.
fn compare_rules(scene: &Scene, galleries: &[Vec<usize>], rate: f64) -> RuleFigures {
    let (probes, strangers) =
        (cosines(&scene.probes, &scene.members), cosines(&scene.strangers, &scene.members));
    let nearest_of_cohort = |embeddings: &[Vec<f32>]| -> Vec<f32> {
        let nearest =
            |e: &Vec<f32>| scene.cohort.iter().map(|stranger| cosine(stranger, e)).fold(-1f32, f32::max);
        embeddings.par_iter().map(nearest).collect()
    };
    let (probe_cohort, stranger_cohort) =
        (nearest_of_cohort(&scene.probes), nearest_of_cohort(&scene.strangers));
    let (mut absolute, mut combined, mut caps, mut count) = (0, 0, 0, 0);
    for gallery in galleries {
        let people: Vec<Person<'_>> = gallery.iter().map(|&number| scene.members[number].person()).collect();
        let table = calibrate::measure(&scene.cohort, &people, rate);
        let cosine_asked = table.at(gallery.len()).map_or(1.0, |point| point.cosine);
        let margin = calibrate::derive_margin(&calibrate::left_out(&people), cosine_asked).radians;
        let clear = |best: f32, next: f32, cohort: f32| angle(best) + margin <= angle(next) && best >= cohort;
        let scores = |rule: bool| -> Vec<f32> {
            let score = |(row, &cohort): (&Vec<f32>, &f32)| {
                let (best, next, _) = two_best(row, gallery);
                if !rule || clear(best, next, cohort) { best } else { -1.0 }
            };
            strangers.iter().zip(&stranger_cohort).map(score).collect()
        };
        let [alone, both] = [false, true].map(|rule| threshold_at(scores(rule), rate));
        let phi: Vec<f32> = gallery
            .iter()
            .map(|&number| {
                let own = &scene.members[number].centres[0];
                let others = gallery.iter().filter(|&&other| other != number);
                let nearest = others.map(|&other| scene.members[other].cosine(own)).fold(0f32, f32::max);
                angle(nearest)
            })
            .collect();
        for (index, row) in probes.iter().enumerate() {
            let Ok(owner) = gallery.binary_search(&scene.owners[index]) else { continue };
            let (best, next, place) = two_best(row, gallery);
            count += 1;
            if place == owner {
                absolute += usize::from(best > alone);
                combined += usize::from(best > both && clear(best, next, probe_cohort[index]));
                caps += usize::from(angle(best) <= (phi[owner] - 0.5) / 2.0);
            }
        }
    }
    let share = |accepted: usize| accepted as f64 / count.max(1) as f64;
    RuleFigures {
        people: galleries[0].len(),
        fpir: rate,
        absolute: share(absolute),
        combined: share(combined),
        caps: share(caps),
    }
}

fn network_figures(network: &'static str, scene: &Scene) -> NetworkFigures {
    let all: Vec<usize> = (0..scene.members.len()).collect();
    let probes = cosines(&scene.probes, &scene.members);
    let strangers: Vec<f32> =
        cosines(&scene.strangers, &scene.members).iter().map(|row| two_best(row, &all).0).collect();
    let genuine: Vec<(f32, bool)> = probes
        .iter()
        .zip(&scene.owners)
        .map(|(row, &owner)| {
            let (best, _, place) = two_best(row, &all);
            (best, place == owner)
        })
        .collect();
    let tpir = |threshold: f32| {
        genuine.iter().filter(|(best, right)| *right && *best > threshold).count() as f64
            / genuine.len() as f64
    };
    let mut thresholds = strangers.clone();
    thresholds.sort_by(f32::total_cmp);
    let fpir = |threshold: f32| {
        let above = thresholds.len() - thresholds.partition_point(|&score| score <= threshold);
        above as f64 / thresholds.len() as f64
    };
    NetworkFigures {
        network,
        rank1: genuine.iter().filter(|(_, right)| *right).count() as f64 / genuine.len() as f64,
        tpir: [0.01, 0.003].map(|rate| tpir(threshold_at(strangers.clone(), rate))),
        curve: thresholds.iter().map(|&t| [t.into(), fpir(t), 1.0 - tpir(t)]).collect(),
    }
}

/// Of people with photos enough five are enrolled; then one of the five is another person's.
fn wrong_labels(scene: &Scene) -> Option<WrongLabels> {
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
            // The photo that was put into somebody else's folder is no probe.
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

/// Prints the figures as tables.
pub fn print(evaluation: &Evaluation) {
    let [enrolled, probes, strangers, cohort] = evaluation.counts;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    println!(
        "{enrolled} people enrolled, {probes} probes, {strangers} strangers; thresholds from a cohort of {cohort} others"
    );
    println!("\nthe decision as boards make it");
    println!(
        "{:>6} {:>10} {:>9} {:>19} {:>9} {:>9} {:>9} {:>9}",
        "people", "asked", "FPIR", "95 % bounds", "TPIR", "certified", "cosine", "margin"
    );
    for row in &evaluation.decisions {
        let [low, high] = row.fpir_bounds;
        println!(
            "{:>6} {:>10} {:>9} {:>19} {:>9} {:>9} {:>9.3} {:>8.1}°{}",
            row.people,
            percent(row.fpir_asked),
            percent(row.fpir),
            format!("{} … {}", percent(low), percent(high)),
            percent(row.tpir),
            percent(row.certified),
            row.threshold,
            row.margin.to_degrees(),
            if row.holds { "" } else { "  HIGHER" }
        );
    }
    println!("\nTPIR of each rule where the same share of these strangers is accepted");
    println!("{:>6} {:>10} {:>10} {:>10} {:>12}", "people", "FPIR", "threshold", "+ margin", "caps alone");
    for row in &evaluation.rules {
        println!(
            "{:>6} {:>10} {:>10} {:>10} {:>12}",
            row.people,
            percent(row.fpir),
            percent(row.absolute),
            percent(row.combined),
            percent(row.caps)
        );
    }
    println!("\nall {enrolled} enrolled, threshold set on these strangers");
    println!("{:>8} {:>9} {:>15} {:>16}", "network", "rank 1", "TPIR@FPIR 0.01", "TPIR@FPIR 0.003");
    for row in &evaluation.networks {
        let [at_1e2, at_3e3] = row.tpir;
        println!(
            "{:>8} {:>9} {:>15} {:>16}",
            row.network,
            percent(row.rank1),
            percent(at_1e2),
            percent(at_3e3)
        );
    }
    if let Some(WrongLabels { people, probes, plain, robust }) = evaluation.wrong_labels {
        println!(
            "\none of five enrolment photos replaced by another person's ({people} people, {probes} probes): TPIR"
        );
        println!("  plain mean                       {} → {}", percent(plain[0]), percent(plain[1]));
        println!("  outliers dropped, sub-centres    {} → {}", percent(robust[0]), percent(robust[1]));
    }
    println!();
    super::print_common(evaluation.agreement, evaluation.seconds);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_read_and_bad_lines_are_named() {
        let mut text = "path,identity,role\na.jpg,Ada,enrol\nb.jpg,Ada,probe\n".to_string();
        for index in 0..20 {
            text += &format!("s{index}.jpg,S{index},stranger\nc{index}.jpg,C{index},cohort\n");
        }
        let roles = Roles::parse(&text).unwrap();
        assert_eq!(roles.by_person(Role::Enrol), [("Ada", vec![0])].into());
        assert_eq!(roles.of_role(Role::Cohort).len(), 20);
        let error =
            format!("{:#}", Roles::parse(&text.replace("b.jpg,Ada,probe", "b.jpg,Ada,prob")).unwrap_err());
        assert!(error.contains("line 3"), "{error}");
        let error = Roles::parse("path,identity,role\na.jpg,Ada,enrol\n").unwrap_err().to_string();
        assert!(error.contains("probes"), "{error}");
    }

    #[test]
    fn galleries_are_drawn_without_repetition_and_again_the_same() {
        let gallery = draw(183, 50, 7);
        assert_eq!(gallery, draw(183, 50, 7));
        assert_ne!(gallery, draw(183, 50, 8));
        assert!(gallery.len() == 50 && gallery.is_sorted_by(|a, b| a < b));
        assert_eq!(draw(5, 5, 1), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn thresholds_accept_the_stated_share() {
        let scores: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        let threshold = threshold_at(scores.clone(), 0.003);
        assert_eq!(scores.iter().filter(|&&score| score > threshold).count(), 3);
    }
}
