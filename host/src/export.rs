//! Export: a network and photos to a flash image.
//!
//! [`export`] is four steps: `read` network and photos, `fit` the quantised network to the float one, settle
//! `thresholds` on people and strangers, `build` the image. A second population, if there is one, is then run through it
//! ([`check`]). The photos that quantisation is chosen on are not those
//! that judge it (`split`).

mod build;
pub mod check;
mod fit;
mod job;
pub mod other;
pub mod page;
mod read;
mod split;
mod thresholds;

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use format::policy::Kind;
use serde::{Serialize, Serializer};

pub use self::fit::{Discrimination, LEAST_CENTRED_COSINE, LEAST_COSINE};
pub use self::job::{EyesFrom, Job, MARGINS, THRESHOLDS};
pub use self::split::Split;
pub use self::thresholds::Given;

use self::check::{CheckReport, check_folder};
use crate::agreement::Agreement;
use crate::bounds::LIKE_THE_COHORT;
use crate::calibrate::Table;
use crate::calibrate::margin::DerivedMargin;
use crate::cost::{self, BoardCost};
use crate::discrimination::normalisation_inside;
use crate::quantize::{LayerReport, Preprocessing};
use crate::sections::Enrolled;
use crate::sight::EyesReport;
use crate::simulator::{AlignedBytes, Simulator};

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the network.
    pub network: String,
    /// Height, width, channels of a crop.
    pub input: [usize; 3],
    /// Elements of an embedding.
    pub dimension: usize,
    /// One for each layer.
    pub layers: Vec<LayerReport>,
    /// Names of tensors with 16-bit elements besides the embedding.
    pub wide: Vec<String>,
    /// Crops that scales were chosen on: photos, and their mirror images where photos are few.
    pub calibration_crops: usize,
    /// Which photos scales were chosen on, which chose the tensors of 16 bits, and which judged.
    pub photos: Split<PathBuf>,
    /// Agreement with the float network on the photos that judged.
    pub agreement: Agreement,
    /// Similarity of the embeddings of unlike photos; `None` with a single photo.
    pub discrimination: Option<Discrimination>,
    /// The node with which the network normalises pixels itself, after `mean` and `scale`.
    pub normalisation_inside: Option<String>,
    /// Estimated instructions of an embedding on each board.
    pub costs: Vec<BoardCost>,
    /// Bytes of arena at run time, for the largest network of the image.
    pub arena_bytes: usize,
    /// Bytes of the image.
    pub image_bytes: usize,
    /// Bytes of the NETWORK section.
    pub model_bytes: usize,
    /// The people enrolled.
    pub people: Vec<PersonReport>,
    /// Strangers in the cohort: people, however many photos show them.
    pub strangers: usize,
    /// Photos of strangers that are copies of another and do not count, each after that one.
    pub copies: Vec<[PathBuf; 2]>,
    /// Thresholds by gallery size.
    pub thresholds: Table,
    /// What a threshold given by hand does to the cohort.
    pub given: Option<Given>,
    /// Which rules decide.
    #[serde(serialize_with = "word")]
    pub policy: Kind,
    /// Margin between the best and the next.
    pub margin: DerivedMargin,
    /// Margin of the caps, radians, and the share of enrolled photos that the caps alone would refuse, each against
    /// centres made without it.
    pub cap_margin: f32,
    /// See above.
    pub cap_loss: f64,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
    /// The strangers for whom all stated bounds hold.
    pub bounds_hold_for: &'static str,
    /// Result of a second population, if one was given.
    pub check: Option<CheckReport>,
    /// The board's eyes; `None` if it has none.
    pub eyes: Option<EyesReport>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// Somebody enrolled.
#[derive(Clone, Debug, Serialize)]
pub struct PersonReport {
    /// Name.
    pub name: String,
    /// Photos their centres are made from.
    pub photos: usize,
    /// Their centres.
    pub centres: usize,
}

/// What is to be said of a network that normalises pixels itself, with the node `node`, when it is fed normalised ones.
fn normalised_twice(node: &str, job: &Job) -> Option<String> {
    let Preprocessing { mean, scale } = job.preprocessing;
    let options = match job.cut.normalised {
        Some(channels) => channels.to_string(),
        None => format!("--mean {mean} --scale {scale}"),
    };
    (mean != 0.0 || scale != 1.0 || job.cut.normalised.is_some()).then(|| {
        format!(
            "the network normalises pixels itself (node {node}), after {options}, which are in force as well: a \
             network trained on plain pixels needs --mean 0 --scale 1"
        )
    })
}

/// A policy as the command line has it.
fn word<S: Serializer>(policy: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match policy {
        Kind::Calibrated => "calibrated",
        Kind::Margin => "margin",
        Kind::Absolute => "absolute",
    })
}

/// An error about people, after its likely cause: a network to which unlike pictures look alike.
fn suspected(error: Error, discrimination: Option<&Discrimination>) -> Error {
    match discrimination {
        Some(Discrimination { float, .. }) if float.is_suspicious() => error.context(format!(
            "unlike pictures have a mean cosine of {:.4} with this network, near 0 is usual: suspect the network and its preprocessing \
             before the photos",
            float.mean_cosine
        )),
        _ => error,
    }
}

/// An image and how it was made.
pub struct Exported {
    /// The image.
    pub image: Vec<u8>,
    /// How it was made.
    pub report: Report,
}

/// Does the job.
///
/// # Errors
/// When the network or the photos are unusable; also when unlike photos get like embeddings, or quantised embeddings
/// are too far from float ones, unless forced.
pub fn export(job: &Job) -> Result<Exported> {
    job.check()?;
    let mut warnings = Vec::new();
    let material = read::read(job, &mut warnings)?;
    let fitted = fit::fit(&material, job, &mut warnings)?;
    let network = fitted.network()?;
    let simulator = Simulator::new(&network)?;
    let tells_apart = fitted.discrimination.is_none_or(|found| found.tells_apart);
    let mut folder = material.folder;
    warnings.append(&mut folder.warnings);
    let mut consequences = Vec::new();
    let settled =
        thresholds::settle(job, folder, &material.strangers, &simulator, tells_apart, &mut consequences)
            .map_err(|error| suspected(error, fitted.discrimination.as_ref()))?;
    match consequences.len() {
        0 => {}
        count if !tells_apart => warnings.push(format!(
            "{count} warnings about people and strangers are left out: embeddings that do not tell pictures apart are their cause"
        )),
        _ => warnings.append(&mut consequences),
    }
    let image = build::build(job, &fitted, &settled, material.eyes.as_ref())?;
    if let Some(room) = &job.room {
        let bytes = AlignedBytes::copy(&image);
        let name = |index: usize| fitted.layers[index].name.clone();
        let checked = bytes.image(Path::new("the image as exported"))?;
        room.check(&room.budget.excesses_of_image(&checked, &image, name))?;
    }
    let normalisation_inside = normalisation_inside(&material.imported).map(str::to_string);
    if let Some(node) = &normalisation_inside {
        warnings.extend(normalised_twice(node, job));
    }
    let check = match &job.check {
        Some(folder) => Some(check_folder(&AlignedBytes::copy(&image), folder, &job.photos, &mut warnings)?),
        None => None,
    };
    warnings.extend(check.iter().flat_map(CheckReport::warnings));
    let person = |enrolled: &Enrolled| PersonReport {
        name: enrolled.name.clone(),
        photos: enrolled.photos,
        centres: enrolled.centres.len(),
    };
    let eyes = material.eyes.map(|eyes| eyes.report);
    let of_eyes = eyes.iter().flat_map(|eyes| &eyes.networks).map(|network| network.row.arena_bytes);
    let report = Report {
        network: job.network(),
        input: material.imported.input(),
        dimension: network.dimension()?,
        calibration_crops: material.photos.calibrate.len(),
        photos: material.photos.map(|photo| photo.path.clone()),
        agreement: fitted.agreement,
        discrimination: fitted.discrimination,
        normalisation_inside,
        costs: cost::on_boards(&network.layers().collect::<Vec<_>>())?,
        arena_bytes: of_eyes.fold(fitted.arena_bytes, usize::max),
        image_bytes: image.len(),
        model_bytes: fitted.model.bytes().len(),
        people: settled.enrolled.iter().map(person).collect(),
        strangers: settled.cohort.len(),
        copies: material.copies,
        thresholds: settled.table,
        given: settled.given,
        policy: job.policy,
        margin: settled.margin,
        cap_margin: settled.cap_margin,
        cap_loss: settled.cap_loss,
        fpir: job.fpir,
        bounds_hold_for: LIKE_THE_COHORT,
        check,
        eyes,
        warnings,
        layers: fitted.layers.clone(),
        wide: fitted.wide.clone(),
    };
    Ok(Exported { image, report })
}
