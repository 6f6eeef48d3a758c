//! The basis of the decision: people enrolled, strangers, thresholds measured on them, and margins.

use anyhow::Result;
use format::policy::{Basis, Kind};
use serde::Serialize;

use super::job::Job;
use crate::bounds::clopper_pearson;
use crate::calibrate::margin::{self, CAP_MARGIN, DerivedMargin};
use crate::calibrate::{self, HARDLY_ANY_STRANGERS, Person, Table};
use crate::embedding::{angle, cosine, embed, units};
use crate::people::closeness::{self, is_same, separate};
use crate::people::copies;
use crate::people::folder::Folder;
use crate::people::newcomers::{self, Newcomer};
use crate::sections::Enrolled;
use crate::simulator::Simulator;

/// Share of the enrolled photos that a rule may refuse without a warning.
const MUCH_LOSS: f64 = 0.1;

/// A threshold below this cosine accepts nearly everybody: embeddings of unlike faces are spread around 0.
const HARDLY_ANY_THRESHOLD: f32 = 0.1;

/// The effect of a threshold given by hand on the cohort.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Given {
    /// Number of strangers within the threshold of somebody enrolled.
    pub accepted: usize,
    /// Number of strangers that were tried.
    pub strangers: usize,
    /// Share of strangers accepted.
    pub fpir: f64,
    /// 95 % bounds of that share.
    pub fpir_bounds: [f64; 2],
}

impl Given {
    /// Tries strangers on people. `None` if there are no strangers or no people.
    fn measure(cosine: f32, strangers: &[Vec<f32>], people: &[Person<'_>]) -> Option<Self> {
        let count = strangers.len();
        if count == 0 || people.is_empty() {
            return None;
        }
        let is_accepted = |stranger: &&Vec<f32>| {
            let mut centres = people.iter().flat_map(|person| person.centres);
            centres.any(|centre| self::cosine(stranger, centre) >= cosine)
        };
        let accepted = strangers.iter().filter(is_accepted).count();
        let fpir = accepted as f64 / count as f64;
        let fpir_bounds = clopper_pearson(accepted as f64, count);
        Some(Given { accepted, strangers: count, fpir, fpir_bounds })
    }
}

/// Warns of a threshold given by hand that accepts more strangers than requested.
fn warn_of_given(threshold: f32, fpir: f64, given: Option<&Given>, warnings: &mut Vec<String>) {
    let whom = match given {
        Some(given) if given.accepted == given.strangers => "everybody",
        Some(given) if 2 * given.accepted > given.strangers => "most strangers",
        None if threshold <= 0.0 => "everybody",
        None => "nearly everybody",
        Some(_) => "strangers",
    };
    match given {
        Some(given) if given.fpir > fpir || threshold < HARDLY_ANY_THRESHOLD => warnings.push(format!(
            "--threshold {threshold} accepts {whom}: {} of {} strangers of the cohort, {:.2} %, where --fpir asks for {:.2} %; without \
             --threshold it is measured on them",
            given.accepted,
            given.strangers,
            100.0 * given.fpir,
            100.0 * fpir
        )),
        None if threshold < HARDLY_ANY_THRESHOLD => warnings.push(format!(
            "--threshold {threshold} accepts {whom}: embeddings of different people have cosines around 0; leave it out, and give \
             --cohort photos of strangers to measure it on"
        )),
        _ => {}
    }
}

/// The basis of the decision.
pub(super) struct Settled {
    pub enrolled: Vec<Enrolled>,
    /// Unit embeddings of strangers, one each.
    pub cohort: Vec<Vec<f32>>,
    pub table: Table,
    pub basis: Basis,
    /// The effect of a threshold given by hand on the cohort.
    pub given: Option<Given>,
    pub margin: DerivedMargin,
    /// Margin of the caps, radians.
    pub cap_margin: f32,
    /// Share of enrolled photos that the caps alone would refuse.
    pub cap_loss: f64,
}

/// Enrols people, embeds strangers, and measures thresholds and margins on them. Adds to the warnings.
///
/// # Errors
/// When one person seems to be enrolled under two names.
pub(super) fn settle(
    job: &Job,
    folder: Folder,
    strangers: &[Vec<u8>],
    simulator: &Simulator<'_>,
    tells_apart: bool,
    warnings: &mut Vec<String>,
) -> Result<Settled> {
    let newcomers = newcomers::enrol_all(folder, simulator, job.keep_outliers, warnings)?;
    let people: Vec<Person<'_>> =
        newcomers.iter().map(|n| Person { centres: &n.enrolment.centres, photos: &n.photos }).collect();
    // A network that tells nobody apart, exported all the same, takes everybody for one person.
    let duplicates_are_errors = tells_apart && !job.allow_duplicates;
    let strangers = units(&embed(simulator, strangers, "strangers")?);
    let cohort = if tells_apart { cohort(job, &people, strangers, warnings) } else { strangers };
    let (table, basis) = table(job, &cohort, &people, warnings);
    let mut given = None;
    if let Some(cosine) = job.threshold.filter(|_| job.policy != Kind::Margin) {
        given = Given::measure(cosine, &cohort, &people);
        warn_of_given(cosine, job.fpir, given.as_ref(), warnings);
    }
    let enrolled: Vec<Enrolled> = newcomers.iter().map(Newcomer::enrolled).collect();
    let threshold = table.at(enrolled.len().max(1)).map_or(1.0, |point| point.cosine);
    let left_out = margin::left_out(&people);
    let (margin, cap_margin) = margins(job, &left_out, threshold);
    let close = separate(&enrolled, angle(threshold), margin.radians, |_| duplicates_are_errors)?;
    warnings.extend(closeness::words(&close));
    let cap_loss = margin::cap_loss(&people, &left_out, cap_margin);
    warn_of_loss(job.policy, &margin, cap_loss, warnings);
    Ok(Settled { enrolled, cohort, table, basis, given, margin, cap_margin, cap_loss })
}

/// The strangers, except those who look like somebody enrolled or like another stranger.
fn cohort(
    job: &Job,
    people: &[Person<'_>],
    mut strangers: Vec<Vec<f32>>,
    warnings: &mut Vec<String>,
) -> Vec<Vec<f32>> {
    let is_enrolled = |stranger: &Vec<f32>| {
        let mut centres = people.iter().flat_map(|person| person.centres);
        centres.any(|centre| is_same(stranger, centre))
    };
    let before = strangers.len();
    let others: Vec<Vec<f32>> = strangers.iter().filter(|stranger| !is_enrolled(stranger)).cloned().collect();
    let enrolled = before - others.len();
    if job.allow_duplicates {
        if enrolled > 0 {
            warnings.push(format!(
                "{enrolled} of the strangers look like people enrolled; they count as strangers, as --allow-duplicates has it, so that \
                 thresholds may refuse those people"
            ));
        }
        return strangers;
    }
    if enrolled > 0 {
        warnings.push(format!(
            "{enrolled} of the strangers look like people enrolled and are left out: nobody can be both"
        ));
    }
    strangers = others;
    let firsts = copies::people(&strangers);
    let several = firsts.iter().flatten().count();
    if several > 0 {
        warnings.push(format!(
            "{several} of the strangers look like other strangers and are left out: one person counts once (a subfolder \
             for each stranger tells them apart)"
        ));
        let mut firsts = firsts.iter();
        strangers.retain(|_| firsts.next().is_some_and(Option::is_none));
    }
    strangers
}

/// The thresholds: given, from a cautious table, or measured on the cohort.
fn table(
    job: &Job,
    cohort: &[Vec<f32>],
    people: &[Person<'_>],
    warnings: &mut Vec<String>,
) -> (Table, Basis) {
    if let Some(cosine) = job.threshold {
        return (calibrate::given(job.fpir, cosine), Basis::Given);
    }
    if cohort.is_empty() {
        warnings.push(
            "no strangers given: thresholds are a cautious table, not measured on this network; give --cohort photos of strangers"
                .to_string(),
        );
        return (calibrate::cautious(job.fpir), Basis::Table);
    }
    let table = calibrate::measure(cohort, people, job.fpir);
    if table.strangers < HARDLY_ANY_STRANGERS {
        warnings.push(format!(
            "{} strangers are too few to measure on ({HARDLY_ANY_STRANGERS} at least): thresholds are a cautious table, or above \
             the nearest of them",
            table.strangers,
        ));
    } else if !table.is_supported {
        warnings.push(format!(
            "{} strangers do not support the claim that no more than {} of strangers are accepted: {} would",
            table.strangers, job.fpir, table.strangers_needed
        ));
    }
    (table, Basis::Cohort { strangers: cohort.len() as u32 })
}

/// The margin to the next person and the margin of the caps: the job's margins, or derived ones.
fn margins(job: &Job, left_out: &[[f32; 2]], threshold: f32) -> (DerivedMargin, f32) {
    let derived = || margin::derive_margin(left_out, threshold);
    match (job.policy, job.margin) {
        (Kind::Margin, given) => (derived(), given.unwrap_or(CAP_MARGIN)),
        (_, Some(given)) => (margin::margin_loss(left_out, threshold, given), CAP_MARGIN),
        (_, None) => (derived(), CAP_MARGIN),
    }
}

fn warn_of_loss(policy: Kind, margin: &DerivedMargin, cap_loss: f64, warnings: &mut Vec<String>) {
    let (rule, loss) = match policy {
        Kind::Margin => ("the caps of --policy margin", cap_loss),
        Kind::Calibrated => ("the margin", margin.loss),
        Kind::Absolute => return,
    };
    if loss > MUCH_LOSS {
        warnings.push(format!(
            "{rule} would refuse {:.0} % of the enrolled photos: give a smaller --margin, or another --policy",
            100.0 * loss
        ));
    }
}
