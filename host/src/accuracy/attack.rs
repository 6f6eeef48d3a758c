//! Presentation attacks: does an image's photo check tell live people from pictures of them?
//!
//! Rates have the names and meaning of ISO/IEC 30107-3. APCER is the share of attacks of one kind that are taken for
//! live, and the greatest over the kinds counts; BPCER is the share of live people taken for attacks. Presentations
//! without an answer, because no face is found or a gate refuses it, do not count in either; their shares are the
//! non-response rates APNRR and BPNRR.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use face::found::largest;
use face::liveness;
use format::Role;
use image::RgbImage;
use rayon::prelude::*;
use serde::Serialize;
use vision::Frame;

use super::detection::eyes;
use crate::bounds::{Rate, of_probes};
use crate::crops::{Skipped, skipped_words};
use crate::output;
use crate::photo::{self, folder};
use crate::sight::Seer;
use crate::sight::frames::{self, frame};
use crate::sight::gates::{Refused, counted};
use crate::simulator::AlignedBytes;
use crate::usage::ensure_use;

/// Rates of attacks taken for live at which BPCER is given.
pub(super) const RATES: [f64; 2] = [0.05, 0.10];
/// Most points of the curve.
const POINTS: usize = 100;
/// For what all bounds hold.
pub const LIKE_THESE_ATTACKS: &str = "The bounds hold for people, cameras, light and attacks like these. An attack of another kind, a \
     better print or a better screen is not bounded by them.";

/// Figures of an image's photo check.
#[derive(Clone, Debug, Serialize)]
pub struct Attack {
    /// Name of its network.
    pub network: String,
    /// Least score of a live face in the image.
    pub threshold: f64,
    /// Live people.
    pub bona_fide: Presented,
    /// Attacks, one for each folder.
    pub attacks: Vec<Presented>,
    /// The greatest APCER of a kind of attack; `None` if no attack got an answer.
    pub apcer: Option<f64>,
    /// BPCER at the thresholds that let at most these shares of each kind of attack pass.
    pub operating: Vec<AtRate>,
    /// Points of threshold, greatest APCER, BPCER.
    pub curve: Vec<[f64; 3]>,
    /// For what all bounds hold.
    pub bounds_hold_for: &'static str,
    /// Lines on photos that are not used, and on faces that are too near.
    pub warnings: Vec<String>,
    /// Seconds that all of it took.
    pub seconds: f64,
    /// People and scores of the answers on live people, then on each kind of attack. People are numbered from 0 in each.
    #[serde(skip)]
    pub scores: Vec<Vec<(usize, f32)>>,
}

/// Photos of one kind: live people, or one kind of attack.
#[derive(Clone, Debug, Serialize)]
pub struct Presented {
    /// The folder's name.
    pub name: String,
    /// Photos.
    pub photos: usize,
    /// People: subfolders of the folder; a photo beside them is one.
    pub people: usize,
    /// Share of the answers that are wrong: APCER of attacks, BPCER of live people.
    pub wrong: Rate,
    /// Share of the photos without an answer: APNRR of attacks, BPNRR of live people.
    pub unanswered: Rate,
    /// Number of photos without an answer, by the reason.
    pub reasons: Vec<Refused>,
}

/// A threshold that was set on the attacks.
#[derive(Clone, Debug, Serialize)]
pub struct AtRate {
    /// The share of each kind of attack that may pass.
    pub apcer_asked: f64,
    /// Least score of a live face.
    pub threshold: f64,
    /// The greatest APCER with it.
    pub apcer: f64,
    /// Share of live people refused with it.
    pub bpcer: Rate,
}

/// A photo's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answered {
    person: usize,
    /// The score in 1/65536, or the reason why there is none.
    score: Result<u16, &'static str>,
    /// Whether the photo check would need to see more than the frame shows.
    is_near: bool,
}

/// Measures an image's photo check on a folder of live people and folders of attacks.
///
/// # Errors
/// When the image has no photo check, or a folder no photo that can be used.
pub fn measure(image: &Path, bona_fide: &Path, attacks: &[PathBuf], is_strict: bool) -> Result<Attack> {
    let start = Instant::now();
    let seer = eyes(image)?;
    let network = network(image)?;
    ensure_use(!attacks.is_empty(), || {
        "give a folder of photos for each kind of attack, with --attack".to_string()
    })?;
    let mut warnings = Vec::new();
    let folders: Vec<&Path> = std::iter::once(bona_fide).chain(attacks.iter().map(|path| &**path)).collect();
    let mut answers = Vec::new();
    for folder in &folders {
        answers.push(answers_of(&seer, folder, is_strict, &mut warnings)?);
    }
    let near = answers.iter().flatten().filter(|answer| answer.is_near && answer.score.is_ok()).count();
    if near > 0 {
        let all = answers.iter().flatten().filter(|answer| answer.score.is_ok()).count();
        warnings.push(format!(
            "{near} of {all} faces fill so much of the frame that the photo check sees less around them than in its \
             training: its scores are worth less there; take photos from farther away"
        ));
    }
    let names: Vec<String> = folders.iter().map(|folder| name(folder)).collect();
    let measured = of_answers(seer.sight().alive_q16, &names, &answers);
    Ok(Attack { network, warnings, seconds: start.elapsed().as_secs_f64(), ..measured })
}

/// The name of an image's photo check.
fn network(image: &Path) -> Result<String> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    let model = checked.network(Role::Liveness).with_context(|| {
        format!(
            "{} has no network for the photo check, so there is nothing to measure: export it again with \
             --liveness FILE (MiniFASNet V2, or data/faceplugin/fr_liveness.onnx), or measure its detector with --protocol detection",
            image.display()
        )
    })?;
    Ok(model.name().to_string())
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}

/// The answers to the photos of a folder.
fn answers_of(
    seer: &Seer,
    folder: &Path,
    is_strict: bool,
    warnings: &mut Vec<String>,
) -> Result<Vec<Answered>> {
    let listed = folder::list(folder)?.checked(is_strict)?;
    warnings.extend(listed.unused);
    let bar = output::bar(listed.found.len(), "photos");
    let seen: Vec<Result<(Result<u16, &'static str>, bool)>> = listed
        .found
        .par_iter()
        .map(|path| {
            bar.inc(1);
            answer(seer, &photo::load(path)?)
        })
        .collect();
    bar.finish_and_clear();
    let (mut people, mut answers): (Vec<&Path>, Vec<Answered>) = (Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    for (path, seen) in listed.found.iter().zip(seen) {
        match seen {
            Ok((score, is_near)) => {
                let own = path.parent().filter(|parent| *parent != folder).unwrap_or(path);
                let person = people.iter().position(|other| *other == own).unwrap_or_else(|| {
                    people.push(own);
                    people.len() - 1
                });
                answers.push(Answered { person, score, is_near });
            }
            Err(error) if is_strict => return Err(error),
            Err(error) => skipped.push(Skipped::of_error(path, &error)),
        }
    }
    warnings.extend(skipped_words(&skipped));
    ensure!(!answers.is_empty(), "none of the photos in {} can be read", folder.display());
    Ok(answers)
}

/// The answer to a photo, and whether its face is too near. A board decides on the largest face of a frame.
fn answer(seer: &Seer, photo: &RgbImage) -> Result<(Result<u16, &'static str>, bool)> {
    let shown = frames::fitted(photo);
    let view = frame(&shown)?;
    seer.see(|eyes, arena| {
        let faces = eyes.scan(&view, arena)?;
        let Some(face) = largest(&faces) else { return Ok((Err("no face found"), false)) };
        let look = eyes.look(&view, face, arena)?;
        if let Err(fault) = look.check(&seer.sight().gates) {
            return Ok((Err(fault.gate.name()), false));
        }
        let score = eyes.alive_q16(&view, face, arena)?.ok_or("no network for it");
        Ok((score, is_near(seer, &view, &face.bounds)))
    })
}

/// Whether the part of the frame that the network sees is smaller than it should be.
fn is_near(seer: &Seer, view: &Frame<'_>, bounds: &vision::Rect) -> bool {
    let wanted = (u64::from(bounds.height()) * u64::from(seer.sight().span_q8)) >> 8;
    let part = liveness::part(view, bounds, seer.sight());
    // A hundredth less is not less.
    100 * u64::from(part.height()) < 99 * wanted
}

/// Figures from answers, those of live people first. A face is live if its score is `alive` or more.
fn of_answers(alive: u16, names: &[String], answers: &[Vec<Answered>]) -> Attack {
    let presented = |kind: usize| presented(kind == 0, &names[kind], &answers[kind], alive.into());
    let (bona_fide, attacks): (Presented, Vec<Presented>) =
        (presented(0), (1..answers.len()).map(presented).collect());
    let scores: Vec<Vec<u32>> = answers.iter().map(|answers| sorted(answers)).collect();
    let greatest =
        |threshold: u32| scores[1..].iter().filter_map(|scores| passed(scores, threshold)).reduce(f64::max);
    let bpcer = |threshold: u32| passed(&scores[0], threshold).map(|passed| 1.0 - passed);
    let operating = |&asked: &f64| {
        // Of the thresholds above one of the scores the least that lets few enough pass.
        let all = scores[1..].iter().flatten().map(|score| score + 1).chain([0]);
        let enough = all.filter(|&threshold| greatest(threshold).is_none_or(|apcer| apcer <= asked));
        let threshold = enough.min()?;
        let wrong = |answer: &Answered| {
            let score = answer.score.ok()?;
            Some((answer.person, f64::from(u8::from(u32::from(score) < threshold))))
        };
        let wrong: Vec<(usize, f64)> = answers[0].iter().filter_map(wrong).collect();
        Some(AtRate {
            apcer_asked: asked,
            threshold: share(threshold),
            apcer: greatest(threshold)?,
            bpcer: of_probes(&wrong),
        })
    };
    let point = |threshold: u32| Some([share(threshold), greatest(threshold)?, bpcer(threshold)?]);
    Attack {
        network: String::new(),
        threshold: share(alive.into()),
        apcer: greatest(alive.into()),
        operating: RATES.iter().filter_map(operating).collect(),
        curve: thresholds(&scores).into_iter().filter_map(point).collect(),
        bounds_hold_for: LIKE_THESE_ATTACKS,
        warnings: Vec::new(),
        seconds: 0.0,
        scores: answers.iter().map(|answers| answers.iter().filter_map(scored).collect()).collect(),
        bona_fide,
        attacks,
    }
}

/// A score or threshold as a share of one.
fn share(score: u32) -> f64 {
    f64::from(score) / 65_536.0
}

/// The person and the score of an answer, a share of one; `None` without a score.
fn scored(answer: &Answered) -> Option<(usize, f32)> {
    let score = answer.score.ok()?;
    Some((answer.person, share(score.into()) as f32))
}

/// The scores of answers, ascending.
fn sorted(answers: &[Answered]) -> Vec<u32> {
    let mut scores: Vec<u32> = answers.iter().filter_map(|answer| answer.score.ok().map(u32::from)).collect();
    scores.sort_unstable();
    scores
}

/// The share of ascending scores that are at least a threshold; `None` without scores.
fn passed(scores: &[u32], threshold: u32) -> Option<f64> {
    let below = scores.partition_point(|&score| score < threshold);
    (!scores.is_empty()).then(|| (scores.len() - below) as f64 / scores.len() as f64)
}

/// Thresholds at which a rate changes; of many, some that lie evenly among them.
fn thresholds(scores: &[Vec<u32>]) -> Vec<u32> {
    let mut all: Vec<u32> = scores.iter().flatten().map(|score| score + 1).chain([0]).collect();
    all.sort_unstable();
    all.dedup();
    let count = all.len().min(POINTS);
    (0..count).map(|point| all[point * (all.len() - 1) / (count - 1).max(1)]).collect()
}

fn presented(is_live: bool, name: &str, answers: &[Answered], alive: u32) -> Presented {
    let event = |happened: bool| f64::from(u8::from(happened));
    let wrong = answers.iter().filter_map(|answer| {
        let score = u32::from(answer.score.ok()?);
        Some((answer.person, event((score >= alive) != is_live)))
    });
    let wrong: Vec<(usize, f64)> = wrong.collect();
    let unanswered: Vec<(usize, f64)> =
        answers.iter().map(|answer| (answer.person, event(answer.score.is_err()))).collect();
    let unanswered = of_probes(&unanswered);
    Presented {
        name: name.to_string(),
        photos: answers.len(),
        people: unanswered.people,
        wrong: of_probes(&wrong),
        unanswered,
        reasons: counted(answers.iter().filter_map(|answer| answer.score.err())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(scores: &[Option<u16>]) -> Vec<Answered> {
        let answer = |(person, &score): (usize, &Option<u16>)| Answered {
            person,
            score: score.ok_or("blurred"),
            is_near: false,
        };
        scores.iter().enumerate().map(answer).collect()
    }

    fn measured() -> Attack {
        let names = ["live", "print", "screen"].map(String::from);
        let live = answers(&[Some(60_000), Some(50_000), Some(40_000), Some(10_000), None]);
        let print = answers(&[Some(100), Some(200), Some(300), Some(45_000)]);
        let screen = answers(&[Some(5), Some(6), None, None]);
        of_answers(32_768, &names, &[live, print, screen])
    }

    #[test]
    fn rates_are_counted_by_kind_and_the_greatest_counts() {
        let measured = measured();
        assert_eq!((measured.bona_fide.wrong.rate, measured.bona_fide.wrong.comparisons), (0.25, 4));
        assert_eq!((measured.bona_fide.unanswered.rate, measured.bona_fide.photos), (0.2, 5));
        assert_eq!(measured.attacks[0].wrong.rate, 0.25);
        assert_eq!((measured.attacks[1].wrong.rate, measured.attacks[1].unanswered.rate), (0.0, 0.5));
        assert_eq!(measured.attacks[1].reasons, [Refused { reason: "blurred", count: 2 }]);
        assert_eq!((measured.apcer, measured.threshold), (Some(0.25), 0.5));
    }

    #[test]
    fn no_error_has_a_bound_too() {
        let screen = measured().attacks[1].wrong;
        // R: binom.test(0, 2)$conf.int.
        assert!((screen.bounds_by_people[1] - 0.8419).abs() < 1e-4, "{screen:?}");
        assert_eq!(screen.bounds_by_comparisons, screen.bounds_by_people);
    }

    #[test]
    fn threshold_for_a_rate_is_the_least_that_keeps_it_for_every_kind() {
        let measured = measured();
        // One of four prints is more than 5 %, so that all must be refused, and with them two of four live people.
        for row in &measured.operating {
            assert_eq!((row.threshold * 65_536.0, row.apcer, row.bpcer.rate), (45_001.0, 0.0, 0.5));
        }
        assert_eq!(measured.curve.first(), Some(&[0.0, 1.0, 0.0]));
        assert_eq!(measured.curve.last().map(|point| [point[1], point[2]]), Some([0.0, 1.0]));
        let descends =
            measured.curve.windows(2).all(|pair| pair[0][1] >= pair[1][1] && pair[0][2] <= pair[1][2]);
        assert!(descends, "{:?}", measured.curve);
    }

    #[test]
    fn attacks_without_answers_have_no_rate() {
        let names = ["live", "mask"].map(String::from);
        let measured = of_answers(32_768, &names, &[answers(&[Some(60_000)]), answers(&[None, None])]);
        assert_eq!((measured.apcer, measured.operating.len(), measured.curve.len()), (None, 0, 0));
        assert_eq!(measured.attacks[0].wrong.bounds_by_people, [0.0, 1.0]);
        assert_eq!(measured.attacks[0].unanswered.rate, 1.0);
    }
}
