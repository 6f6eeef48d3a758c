//! Data of an evaluation for a page of plots.

use std::path::{Path, PathBuf};

use anyhow::Result;
use format::preprocess::Preprocess;

use super::RATES;
use super::attack::{self, Attack};
use super::detection::Detection;
use super::embedded::Embedded;
use super::identification::Identification;
use super::pairs::Pairs;
use super::roles::Roles;
use super::scene::{Scene, Worst};
use super::verification::scored;
use crate::bounds::{LIKE_THE_COHORT, Rate, Scored};
use crate::calibrate::margin::CAP_MARGIN;
use crate::crops::{Loader, Source};
use crate::embedding::cosine;
use crate::report::thresholds::Thresholds;
use crate::report::{Page, angles, arena, det, pairs, scores, sphere};
use crate::simulator::AlignedBytes;

/// Number of pairs shown: the worst impostors and the worst genuine pairs.
const WORST: usize = 6;

/// Reads photos again to show them.
pub struct Album<'a> {
    preprocess: Preprocess,
    loader: Loader,
    folder: &'a Path,
}

impl<'a> Album<'a> {
    /// Photos of `folder`, cropped as for the network of an image.
    ///
    /// # Errors
    /// When the image or the detector cannot be used.
    pub fn new(image: &Path, folder: &'a Path, source: &Source) -> Result<Self> {
        let bytes = AlignedBytes::read(image)?;
        let preprocess = bytes.image(image)?.embedder.preprocess();
        Ok(Album { preprocess, loader: Loader::of_image(&bytes, image, source)?, folder })
    }

    fn photo(&self, path: &Path) -> Result<pairs::ShownPhoto> {
        let crop = self.loader.load_all(&[self.folder.join(path)])?.remove(0);
        Ok(pairs::ShownPhoto::of_crop(&path.display().to_string(), &crop, &self.preprocess))
    }
}

/// Content of both protocols' pages: the image, its memory over time, and the effect of quantisation on its tensors.
fn common(image: &Path, title: &str, embedded: &Embedded) -> Result<Page> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    let mut facts = vec![
        ("image".to_string(), image.display().to_string()),
        ("network".to_string(), checked.embedder.name().to_string()),
        ("photos".to_string(), embedded.quantised.len().to_string()),
    ];
    facts.push(("bounds".to_string(), LIKE_THE_COHORT.to_string()));
    if let Some(agreement) = embedded.agreement() {
        let text = |mean: f32, least: f32| format!("{mean:.4}, {least:.4}");
        facts.push((
            "cosine between int8 and float, mean, least".to_string(),
            text(agreement.mean_cosine, agreement.least_cosine),
        ));
        if let (Some(mean), Some(least)) = (agreement.centred_mean_cosine, agreement.centred_least_cosine) {
            let fact = "the same without the direction that all photos have in common".to_string();
            facts.push((fact, text(mean, least)));
        }
    }
    let layer = |index: usize| match embedded.layers.get(index) {
        Some(layer) => layer.name.clone(),
        None => format!("layer {index}"),
    };
    Ok(Page {
        title: title.to_string(),
        facts,
        layers: embedded.layers.clone(),
        arena: Some(arena::Arena::of(&checked.embedder, layer)),
        ..Page::default()
    })
}

fn networks(embedded: &Embedded) -> Vec<(&'static str, &[Vec<f32>])> {
    let float = embedded.float.as_deref().map(|float| ("float", float));
    float.into_iter().chain([("int8", &*embedded.quantised)]).collect()
}

/// The page of a verification.
///
/// # Errors
/// When a photo of the worst pairs cannot be read again.
pub fn verification(image: &Path, pairs: &Pairs, embedded: &Embedded, album: &Album<'_>) -> Result<Page> {
    let networks = networks(embedded).into_iter();
    let compared: Vec<(&str, Vec<Scored>)> = networks.map(|(name, e)| (name, scored(pairs, e))).collect();
    let of = |compared: &[Scored], same: bool| -> Vec<f32> {
        compared.iter().filter(|pair| pair.same == same).map(|pair| pair.score).collect()
    };
    let series = compared.iter().map(|(name, pairs)| scores::Series {
        name: name.to_string(),
        genuine: of(pairs, true),
        impostor: of(pairs, false),
    });
    let series = series.collect();
    let curves = compared.iter().map(|(name, pairs)| det::Curve::of(name, pairs, &RATES)).collect();
    let mut page = common(image, "Verification", embedded)?;
    page.det = Some(det::Det {
        positives: "FMR: share of impostor pairs accepted".to_string(),
        negatives: "FNMR: share of genuine pairs refused".to_string(),
        curves,
        bounds_hold_for: LIKE_THE_COHORT,
    });
    page.scores = Some(scores::Scores { series, threshold: None, log_counts: true });
    page.pairs = Some(worst_pairs(pairs, embedded, album)?);
    Ok(page)
}

fn worst_pairs(pairs: &Pairs, embedded: &Embedded, album: &Album<'_>) -> Result<pairs::WorstPairs> {
    let worst = |same: bool| -> Vec<Worst> {
        let mut ranked: Vec<Worst> = (pairs.pairs.iter().filter(|pair| pair.same == same))
            .map(|pair| {
                let [a, b] = pair.photos;
                let cosine = cosine(&embedded.quantised[a], &embedded.quantised[b]);
                Worst { photos: pair.photos, cosine }
            })
            .collect();
        ranked.sort_by(
            |a, b| {
                if same { a.cosine.total_cmp(&b.cosine) } else { b.cosine.total_cmp(&a.cosine) }
            },
        );
        ranked.truncate(WORST);
        ranked
    };
    let float = |photos: [usize; 2]| {
        embedded.float.as_deref().map(|float| cosine(&float[photos[0]], &float[photos[1]]))
    };
    show_pairs([worst(false), worst(true)], &pairs.photos, float, None, album)
}

/// Impostors and genuine pairs with their photos, read again. `float` gives the float network's cosine of a pair.
fn show_pairs(
    [impostors, genuine]: [Vec<Worst>; 2],
    photos: &[PathBuf],
    float: impl Fn([usize; 2]) -> Option<f32>,
    threshold: Option<f32>,
    album: &Album<'_>,
) -> Result<pairs::WorstPairs> {
    let show = |worst: &Worst| -> Result<pairs::ShownPair> {
        let [a, b] = worst.photos.map(|photo| album.photo(&photos[photo]));
        Ok(pairs::ShownPair { photos: [a?, b?], cosine: worst.cosine, float_cosine: float(worst.photos) })
    };
    let show = |worst: Vec<Worst>| worst.iter().map(show).collect::<Result<_>>();
    Ok(pairs::WorstPairs { impostors: show(impostors)?, genuine: show(genuine)?, threshold })
}

/// What rates of people are counted by.
const BY: [&str; 2] = ["people", "photos"];

/// A rate with its bounds by people and by photos, or by whatever else was counted.
fn bounded(rate: &Rate, [people, photos]: [&str; 2]) -> String {
    let between = |[low, high]: [f64; 2]| format!("{:.1} … {:.1} %", 100.0 * low, 100.0 * high);
    format!(
        "{:.1} %, {} by {} {people}, {} by {} {photos}",
        100.0 * rate.rate,
        between(rate.bounds_by_people),
        rate.people,
        between(rate.bounds_by_comparisons),
        rate.comparisons
    )
}

/// Comparisons of one person each, with their scores: of people to accept, and of people to refuse. Nobody is of both kinds; the
/// numbers of the latter follow those of the former.
fn apart(accept: &[(usize, f32)], refuse: &[(usize, f32)]) -> Vec<Scored> {
    let first = accept.iter().map(|(person, _)| person + 1).max().unwrap_or(0);
    let of = |person: usize, score: f32, same: bool| Scored { people: [person; 2], score, same };
    let accept = accept.iter().map(|&(person, score)| of(person, score, true));
    let refuse = refuse.iter().map(|&(person, score)| of(first + person, score, false));
    accept.chain(refuse).collect()
}

/// The page of a detection: its figures.
pub fn detection(image: &Path, measured: &Detection) -> Page {
    let mut facts = vec![
        ("image".to_string(), image.display().to_string()),
        ("faces, people".to_string(), format!("{}, {}", measured.faces, measured.people)),
    ];
    for row in &measured.rows {
        let size = match row.height {
            Some(height) => format!("faces of {height:.2} of the frame's height"),
            None => format!("whole photos, faces of {:.2} of the frame's height", row.median_height),
        };
        facts.push((format!("{size}: found"), bounded(&row.found, BY)));
        facts.push((format!("{size}: refused of these"), bounded(&row.refused, BY)));
        if let Some(points) = row.points {
            let p90 = points.p90.map_or("–".to_string(), |p90| format!("{p90:.3}"));
            let error = format!("{:.3}, {p90}", points.median);
            facts.push((format!("{size}: error of points over the eyes' distance, median and 90 %"), error));
        }
    }
    if let Some(nonface) = &measured.nonface {
        facts.push((
            "pictures without faces: taken for a face".to_string(),
            bounded(&nonface.found, ["pictures", "views"]),
        ));
        facts.push((
            "pictures without faces: passed by the gates".to_string(),
            bounded(&nonface.passed, ["pictures", "views"]),
        ));
    }
    facts.push(("bounds".to_string(), measured.bounds_hold_for.to_string()));
    Page { title: "Detection".to_string(), facts, warnings: measured.warnings.clone(), ..Page::default() }
}

/// The page of a photo check: its figures, and the trade-off for each kind of attack.
pub fn attack(image: &Path, measured: &Attack) -> Page {
    let mut facts = vec![
        ("image".to_string(), image.display().to_string()),
        ("network".to_string(), measured.network.clone()),
        ("least score of a live face".to_string(), format!("{:.3}", measured.threshold)),
        ("BPCER".to_string(), bounded(&measured.bona_fide.wrong, BY)),
        ("BPNRR".to_string(), bounded(&measured.bona_fide.unanswered, BY)),
    ];
    for attack in &measured.attacks {
        facts.push((format!("APCER, {}", attack.name), bounded(&attack.wrong, BY)));
        facts.push((format!("APNRR, {}", attack.name), bounded(&attack.unanswered, BY)));
    }
    facts.push(("bounds".to_string(), measured.bounds_hold_for.to_string()));
    let curves = match &*measured.scores {
        [live, attacks @ ..] => (attacks.iter().zip(&measured.attacks))
            .map(|(scores, attack)| det::Curve::of(&attack.name, &apart(live, scores), &attack::RATES))
            .collect(),
        [] => Vec::new(),
    };
    let det = det::Det {
        positives: "APCER: share of attacks taken for live".to_string(),
        negatives: "BPCER: share of live people taken for attacks".to_string(),
        curves,
        bounds_hold_for: measured.bounds_hold_for,
    };
    let (title, warnings) = ("Presentation attacks".to_string(), measured.warnings.clone());
    Page { title, facts, warnings, det: Some(det), ..Page::default() }
}

/// The scenes of the quantised network and, if there is one, of the float network.
fn scenes(roles: &Roles, embedded: &Embedded) -> Result<Vec<(&'static str, Scene)>> {
    let mut scenes = vec![("int8", Scene::new(roles, &embedded.quantised)?)];
    if let Some(float) = &embedded.float {
        scenes.push(("float", Scene::new(roles, float)?));
    }
    Ok(scenes)
}

/// The page of an identification.
///
/// # Errors
/// When the image, or a photo of the worst decisions, cannot be read again.
pub fn identification(
    image: &Path,
    roles: &Roles,
    measured: &Identification,
    embedded: &Embedded,
    album: &Album<'_>,
) -> Result<Page> {
    let mut page = common(image, "Open-set identification", embedded)?;
    let [enrolled, probes, strangers, cohort] = measured.counts;
    for (name, count) in
        [("people enrolled", enrolled), ("probes", probes), ("strangers", strangers), ("cohort", cohort)]
    {
        page.facts.push((name.to_string(), count.to_string()));
    }
    for network in &measured.networks {
        let [at_1e2, at_3e3] = network
            .tpir
            .map(|share| share.map_or("–".to_string(), |share| format!("{:.2} %", 100.0 * share)));
        page.facts.push((
            format!("TPIR at FPIR 0.01 and 0.003, {}", network.network),
            format!("{at_1e2}, {at_3e3}"),
        ));
    }
    let scenes = scenes(roles, embedded)?;
    let scored: Vec<_> = scenes
        .iter()
        .map(|(name, scene)| {
            let (own, accepted, strangers) = scene.scores();
            (name.to_string(), own, accepted, strangers)
        })
        .collect();
    let by_person = |people: &[usize], scores: &[f32]| -> Vec<(usize, f32)> {
        people.iter().copied().zip(scores.iter().copied()).collect()
    };
    let curves = scored.iter().zip(&scenes).map(|((name, _, accepted, strangers), (_, scene))| {
        let probes = by_person(&scene.owners, accepted);
        let strangers = by_person(&scene.stranger_people, strangers);
        det::Curve::of(name, &apart(&probes, &strangers), &RATES)
    });
    let curves = curves.collect();
    page.det = Some(det::Det {
        positives: "FPIR: share of strangers accepted".to_string(),
        negatives: "FNIR: share of probes not recognised".to_string(),
        curves,
        bounds_hold_for: LIKE_THE_COHORT,
    });
    let table = measured.table.clone();
    let threshold = table.at(enrolled).map(|point| point.cosine);
    let series = scored
        .into_iter()
        .map(|(name, genuine, _, impostor)| scores::Series { name, genuine, impostor })
        .collect();
    page.scores = Some(scores::Scores { series, threshold, log_counts: true });
    page.thresholds = Some(Thresholds::of(&table, enrolled));
    let Some((_, scene)) = scenes.first() else { return Ok(page) };
    // The deciding cosine is to a centre, and the float network has other centres.
    page.pairs = Some(show_pairs(scene.worst(WORST), &roles.photos, |_| None, threshold, album)?);
    let people = scene.people();
    let angles = angles::Angles::of(&people, None);
    if let (Some(&angles::Pair { people: [person, _], .. }), Some(threshold)) =
        (angles.closest().first(), threshold)
        && let Some(mut sphere) = sphere::Sphere::of(&people, person, &scene.seen(), threshold.acos())
    {
        sphere.margin_rad = measured.decisions.last().map(|decision| decision.margin);
        sphere.cap_margin_rad = Some(CAP_MARGIN);
        page.spheres.push(sphere);
    }
    page.angles = Some(angles);
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::of_probes;

    #[test]
    fn people_to_refuse_are_others_than_those_to_accept() {
        let all = apart(&[(0, 0.9), (4, 0.8)], &[(0, 0.1)]);
        let people: Vec<([usize; 2], bool)> = all.iter().map(|one| (one.people, one.same)).collect();
        assert_eq!(people, [([0, 0], true), ([4, 4], true), ([5, 5], false)]);
        assert_eq!((all[1].score, all[2].score), (0.8, 0.1));
    }

    #[test]
    fn rates_stand_with_both_bounds() {
        // R: binom.test(0, 3)$conf.int and binom.test(0, 6)$conf.int.
        let probes: Vec<(usize, f64)> = (0..6).map(|photo| (photo / 2, 0.0)).collect();
        assert_eq!(
            bounded(&of_probes(&probes), BY),
            "0.0 %, 0.0 … 70.8 % by 3 people, 0.0 … 45.9 % by 6 photos"
        );
    }
}
