//! `host export`: a network and photos to a flash image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use format::header::{ModelId, Section};
use format::model::Model;
use format::policy::{Basis, Kind, Policy};
use format::preprocess::{Colour, Preprocess};
use rayon::prelude::*;
use serde::Serialize;

use super::evaluate::draw::threshold_plot;
use crate::board::Board;
use crate::budget::Budget;
use crate::calibrate::DerivedMargin;
use crate::crops::Loader;
use crate::embedding::{angle, cosine, unit, unit_of_i16};
use crate::face::align::template;
use crate::gallery::Newcomer;
use crate::import::{Imported, Reference, import};
use crate::quantize::{LayerReport, Options, Preprocessing, emit, quantise};
use crate::sections::{self, Enrolled};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{calibrate, cli, containers, gallery, output, passes, photo, plan, report};

/// Most crops that calibration looks at; more do not change the result.
const CALIBRATION_CROPS: usize = 96;
/// Most crops that the comparison with the float network looks at.
const HELD_OUT_CROPS: usize = 200;
/// Least mean cosine between float and quantised embeddings that is exported without `force`.
pub const LEAST_COSINE: f32 = 0.98;
/// Margin of the caps where none is given, radians: ArcFace's own in training.
const CAP_MARGIN: f32 = 0.5;
/// Share of the enrolled photos that a rule may refuse without a warning.
const MUCH_LOSS: f64 = 0.1;
/// Mean cosine from which on no tensor is widened any more.
const GOOD_COSINE: f32 = 0.99;
/// Most tensors that are widened.
const MOST_WIDE: usize = 8;

/// What to export.
#[derive(Clone, Debug)]
pub struct Job {
    /// The ONNX file.
    pub model: PathBuf,
    /// Folder with a subfolder of aligned crops a person; nobody is enrolled without.
    pub enrol: Option<PathBuf>,
    /// Folder of aligned crops to calibrate the quantiser on; without, the photos of people and strangers are used.
    pub calibrate: Option<PathBuf>,
    /// Folder of aligned crops of strangers, one person a photo or a subfolder a person.
    pub cohort: Option<PathBuf>,
    /// Order of a pixel's bytes; without, RGB or grey, as the network's input has channels.
    pub colour: Option<Colour>,
    /// What the network was trained with.
    pub preprocessing: Preprocessing,
    /// Which rules decide.
    pub policy: Kind,
    /// Radians: the margin between the best and the next, or that of the caps for [`Kind::Margin`]; without, derived.
    pub margin: Option<f32>,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
    /// Least cosine, instead of one from the cohort.
    pub threshold: Option<f32>,
    /// Keep photos that look like another person's.
    pub keep_outliers: bool,
    /// Enrol people who look like one.
    pub allow_duplicates: bool,
    /// Leave strangers out of the image.
    pub without_cohort: bool,
    /// Scale of the logits in training.
    pub logit_scale: f32,
    /// How photos are read.
    pub photos: cli::Photos,
    /// Export although quantisation harms too much.
    pub force: bool,
}

impl Job {
    /// A job for a network with everything else as it is by default; photos are aligned crops.
    pub fn new(model: PathBuf) -> Self {
        Job {
            model,
            enrol: None,
            calibrate: None,
            cohort: None,
            colour: None,
            preprocessing: Preprocessing::default(),
            policy: Kind::Calibrated,
            margin: None,
            fpir: 0.003,
            threshold: None,
            keep_outliers: false,
            allow_duplicates: false,
            without_cohort: false,
            logit_scale: 64.0,
            photos: cli::Photos::ALIGNED,
            force: false,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Name of the network.
    pub network: String,
    /// Height, width, channels of a crop.
    pub input: [usize; 3],
    /// Elements of an embedding.
    pub dimension: usize,
    /// One a layer.
    pub layers: Vec<LayerReport>,
    /// Names of tensors with 16-bit elements besides the embedding.
    pub wide: Vec<String>,
    /// Crops that scales were chosen on.
    pub calibration_crops: usize,
    /// Agreement with the float network.
    pub agreement: Agreement,
    /// Bytes of arena at run time.
    pub arena_bytes: usize,
    /// Bytes of the image.
    pub image_bytes: usize,
    /// Bytes of the MODEL section.
    pub model_bytes: usize,
    /// Who is enrolled.
    pub people: Vec<PersonReport>,
    /// Strangers in the cohort.
    pub strangers: usize,
    /// Thresholds by gallery size.
    pub thresholds: calibrate::Table,
    /// Which rules decide.
    pub policy: cli::Policy,
    /// Margin between the best and the next.
    pub margin: DerivedMargin,
    /// Margin of the caps, radians, and the share of enrolled photos that the caps alone would refuse, each against
    /// centres made without it.
    pub cap_margin: f32,
    /// See above.
    pub cap_loss: f64,
    /// Stated rate of accepting strangers.
    pub fpir: f64,
    /// What the user should know.
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

/// How far quantised embeddings are from float ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Crops compared.
    pub crops: usize,
    /// Whether calibration has not seen them.
    pub held_out: bool,
    /// Mean cosine.
    pub mean_cosine: f32,
    /// Smallest cosine.
    pub least_cosine: f32,
    /// Angle at the 99.9th percentile, radians.
    pub angle_p999: f32,
}

/// An image and how it was made.
pub struct Exported {
    /// The image.
    pub image: Vec<u8>,
    /// How it was made.
    pub report: Report,
}

impl Exported {
    /// Refuses what does not fit.
    ///
    /// # Errors
    /// Names what takes the most.
    pub fn check(&self, budget: &Budget) -> Result<()> {
        let bytes = AlignedBytes::copy(&self.image);
        let layers = &self.report.layers;
        let name = |index: usize| layers.get(index).map_or(String::new(), |layer| layer.name.clone());
        budget.check(&bytes.image(Path::new("the image as exported"))?, &self.image, name)
    }
}

/// The image's record of what pixels mean.
///
/// # Errors
/// When the colour order does not fit the network's channels.
pub fn preprocess(
    imported: &Imported,
    colour: Option<Colour>,
    preprocessing: Preprocessing,
) -> Result<Preprocess> {
    let [height, width, channels] = imported.input();
    let colour = colour.unwrap_or(if channels == 1 { Colour::Grey } else { Colour::Rgb });
    ensure!(
        colour.channels() == channels,
        "--colour {colour:?} has {} channels, the network takes {channels}",
        colour.channels()
    );
    ensure!(
        height <= u16::MAX as usize && width <= u16::MAX as usize,
        "crops of {width}×{height} are too large"
    );
    let template = template(width, height).map(|point| point.map(|x| (x.max(0.0) * 64.0).round() as u16));
    let Preprocessing { mean, scale } = preprocessing;
    Ok(Preprocess { height: height as u16, width: width as u16, colour, mean, scale, template })
}

fn arguments_policy(kind: Kind) -> cli::Policy {
    match kind {
        Kind::Calibrated => cli::Policy::Calibrated,
        Kind::Margin => cli::Policy::Margin,
        Kind::Absolute => cli::Policy::Absolute,
    }
}

fn mirrored(crop: &[u8], preprocess: &Preprocess) -> Vec<u8> {
    let channels = preprocess.colour.channels();
    let rows = crop.chunks_exact(preprocess.width as usize * channels);
    rows.flat_map(|row| row.chunks_exact(channels).rev().flatten().copied()).collect()
}

/// `count` of them, evenly spread.
fn spread<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count).map(|index| items[index * items.len() / count].clone()).collect()
}

/// Crops to calibrate on and crops to compare on.
fn calibration(
    crops: &[Vec<u8>],
    preprocess: &Preprocess,
    warnings: &mut Vec<String>,
) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, bool) {
    if crops.len() >= 40 {
        let held_out: Vec<_> = crops.iter().skip(3).step_by(4).cloned().collect();
        let seen: Vec<_> =
            crops.iter().enumerate().filter(|(i, _)| i % 4 != 3).map(|(_, c)| c.clone()).collect();
        return (spread(&seen, CALIBRATION_CROPS), spread(&held_out, HELD_OUT_CROPS), true);
    }
    warnings.push(format!(
        "calibrated on only {} photos: agreement is measured on the same ones; give --calibrate a folder of 40 or more",
        crops.len()
    ));
    let seen = crops.iter().flat_map(|crop| [crop.clone(), mirrored(crop, preprocess)]).collect();
    (seen, crops.to_vec(), false)
}

/// Does the job.
///
/// # Errors
/// Whatever is wrong with network or photos; also when quantised embeddings are too far from float ones, unless forced.
pub fn export(job: &Job) -> Result<Exported> {
    let imported = import(&job.model)?;
    let preprocess = preprocess(&imported, job.colour, job.preprocessing)?;
    let margin = job.margin.unwrap_or(0.0);
    ensure!((0.0..=1.5).contains(&margin), "--margin {margin} is not between 0 and 1.5 radians");
    ensure!(
        job.logit_scale.is_finite() && job.logit_scale > 0.0,
        "--logit-scale {} is not a positive number",
        job.logit_scale
    );
    if let Some(cosine) = job.threshold {
        ensure!((0.0..=1.0).contains(&cosine), "--threshold {cosine} is not a cosine between 0 and 1");
    }
    let Preprocessing { mean, scale } = job.preprocessing;
    ensure!(mean.is_finite(), "--mean {mean} is not a number");
    ensure!(scale.is_finite() && scale > 0.0, "--scale {scale} is not a positive number");
    ensure!(job.fpir > 0.0 && job.fpir < 1.0, "--fpir {} is not between 0 and 1", job.fpir);
    let mut warnings = Vec::new();

    let loader = Loader::new(&preprocess, &job.photos)?;
    let folder = match &job.enrol {
        Some(folder) => gallery::read_folder(folder, &loader)?,
        None => gallery::Folder { people: Vec::new(), warnings: Vec::new() },
    };
    let mut load = |photos: &[PathBuf]| -> Result<Vec<Vec<u8>>> {
        let loaded = loader.load(photos)?;
        warnings.extend(
            loaded.skipped.iter().map(|s| format!("{} is not used: {}", s.photo.display(), s.reason)),
        );
        Ok(loaded.bytes())
    };
    let strangers = match &job.cohort {
        Some(folder) => load(&one_photo_each(folder)?)?,
        None => Vec::new(),
    };
    let material: Vec<Vec<u8>> = match &job.calibrate {
        Some(folder) => load(&spread(&photo::list(folder)?, 4 * (CALIBRATION_CROPS + HELD_OUT_CROPS)))?,
        None => strangers.iter().chain(folder.people.iter().flat_map(|(.., crops)| crops)).cloned().collect(),
    };
    ensure!(
        !material.is_empty(),
        "nothing to calibrate on: give --enrol, --cohort or --calibrate a folder of photos"
    );
    let (seen, compared, held_out) = calibration(&material, &preprocess, &mut warnings);

    let network = job.model.file_stem().and_then(|stem| stem.to_str()).unwrap_or("network").to_string();
    let reference = Reference::load(&job.model)?;
    let floats: Vec<Vec<f32>> = compared
        .par_iter()
        .map(|crop| reference.embed(&job.preprocessing.apply(crop)).map(|e| unit(&e)))
        .collect::<Result<_>>()?;
    let fitted = fit(&imported, &network, job, &seen, &compared, &floats, held_out)?;
    let Fitted { model: model_bytes, agreement, layers, wide, arena_bytes } = fitted;
    if agreement.mean_cosine < LEAST_COSINE {
        let message = format!(
            "quantised embeddings agree with the float network by a mean cosine of {:.4} only (at least {LEAST_COSINE} is needed)",
            agreement.mean_cosine
        );
        if !job.force {
            bail!(
                "{message}; are colour order, --mean and --scale those it was trained with, and are the photos aligned faces? \
                 --force exports it all the same"
            );
        }
        warnings.push(message);
    }

    let section = AlignedBytes::copy(&model_bytes);
    let model = Model::new_checked(section.bytes()).context("the network as exported does not read back")?;
    let simulator = Simulator::new(&model)?;
    let newcomers = gallery::newcomers(folder, &simulator, job.keep_outliers, &mut warnings)?;
    let people: Vec<calibrate::Person<'_>> = newcomers
        .iter()
        .map(|n| calibrate::Person { centres: &n.enrolment.centres, photos: &n.photos })
        .collect();
    let mut cohort = gallery::embed(&simulator, &strangers, "strangers")?;
    let before = cohort.len();
    cohort.retain(|stranger| {
        job.allow_duplicates
            || !people
                .iter()
                .flat_map(|person| person.centres)
                .any(|centre| gallery::is_same(stranger, centre))
    });
    if cohort.len() < before {
        warnings.push(format!(
            "{} of the strangers look like people enrolled and are left out: somebody cannot be both",
            before - cohort.len()
        ));
    }

    let (table, basis) = match (job.threshold, cohort.len()) {
        (Some(cosine), _) => (calibrate::given(job.fpir, cosine), Basis::Given),
        (None, 0) => {
            warnings.push(
                "no strangers given: thresholds are a cautious table, not measured on this network; give --cohort photos of strangers"
                    .to_string(),
            );
            (calibrate::cautious(job.fpir), Basis::Table)
        }
        (None, n) => (calibrate::measure(&cohort, &people, job.fpir), Basis::Cohort { strangers: n as u32 }),
    };
    if matches!(basis, Basis::Cohort { .. }) && table.strangers < calibrate::HARDLY_ANY_STRANGERS {
        warnings.push(format!(
            "{} strangers are too few to measure on ({} at least): thresholds are a cautious table, or above the nearest of them",
            table.strangers,
            calibrate::HARDLY_ANY_STRANGERS
        ));
    } else if matches!(basis, Basis::Cohort { .. }) && !table.is_supported {
        warnings.push(format!(
            "{} strangers do not support the claim that no more than {} of strangers are accepted: {} would",
            table.strangers, job.fpir, table.strangers_needed
        ));
    }
    let enrolled: Vec<Enrolled> = newcomers.iter().map(Newcomer::enrolled).collect();
    let threshold = table.at(enrolled.len().max(1)).map_or(1.0, |point| point.cosine);
    let left_out = calibrate::left_out(&people);
    let mut margin = calibrate::derive_margin(&left_out, threshold);
    let mut cap_margin = CAP_MARGIN;
    match (job.policy, job.margin) {
        (Kind::Margin, Some(given)) => cap_margin = given,
        (_, Some(given)) => margin = calibrate::margin_loss(&left_out, threshold, given),
        _ => {}
    }
    let close = gallery::separate(&enrolled, angle(threshold), margin.radians, job.allow_duplicates)?;
    warnings.extend(close.iter().map(ToString::to_string));

    let preprocess_bytes = sections::preprocess(&preprocess)?;
    let id = ModelId::of_sections(&model_bytes, &preprocess_bytes);
    let quantisation = f64::from(agreement.angle_p999);
    let policy = Policy {
        model: id,
        kind: job.policy,
        fpir_ppm: (job.fpir * 1e6).round() as u32,
        basis,
        thresholds: table.records().collect(),
        margin: calibrate::angle_record(margin.radians.into()),
        cap: calibrate::angle_record(cap_margin.into()),
        certificate: calibrate::angle_record(f64::from(margin.radians) + 2.0 * quantisation),
        quantisation_urad: (quantisation * 1e6).round() as u32,
        logit_scale: job.logit_scale,
    };
    let gallery_section = sections::gallery(id, model.dimension(), &enrolled)?;
    let cohort_centres: Vec<Vec<i8>> =
        cohort.iter().map(|stranger| sections::quantise_centre(stranger)).collect();
    let cohort_section = sections::cohort(id, model.dimension(), &cohort_centres)?;
    let policy_section = sections::policy(&policy)?;
    let mut parts: Vec<(Section, &[u8])> = vec![
        (Section::Model, &model_bytes),
        (Section::Preprocess, &preprocess_bytes),
        (Section::Gallery, &gallery_section),
    ];
    if !cohort.is_empty() && !job.without_cohort {
        parts.push((Section::Cohort, &cohort_section));
    }
    parts.push((Section::Policy, &policy_section));
    let image = sections::image(&parts)?;
    // What is written is what was checked.
    AlignedBytes::copy(&image).image(Path::new("the image as exported"))?;

    let cap_loss = calibrate::cap_loss(&people, &left_out, cap_margin);
    for (rule, applies, loss) in [
        ("the caps of --policy margin", job.policy == Kind::Margin, cap_loss),
        ("the margin", job.policy == Kind::Calibrated, margin.loss),
    ] {
        if applies && loss > MUCH_LOSS {
            warnings.push(format!(
                "{rule} would refuse {:.0} % of the enrolled photos: give a smaller --margin, or another --policy",
                100.0 * loss
            ));
        }
    }
    let report = Report {
        network,
        input: imported.input(),
        dimension: model.dimension(),
        layers,
        wide,
        calibration_crops: seen.len(),
        agreement,
        arena_bytes,
        image_bytes: image.len(),
        model_bytes: model_bytes.len(),
        people: enrolled
            .iter()
            .map(|p| PersonReport { name: p.name.clone(), photos: p.photos, centres: p.centres.len() })
            .collect(),
        strangers: cohort.len(),
        thresholds: table,
        policy: arguments_policy(job.policy),
        margin,
        cap_margin,
        cap_loss,
        fpir: job.fpir,
        warnings,
    };
    Ok(Exported { image, report })
}

/// One photo of each stranger: photos in the folder itself, and the first of each subfolder.
fn one_photo_each(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = photo::list(folder)?;
    let mut previous: Option<PathBuf> = None;
    photos.retain(|path| {
        let parent = path.parent().map(Path::to_path_buf);
        let first = parent.as_deref() == Some(folder) || parent != previous;
        previous = parent;
        first
    });
    Ok(photos)
}

struct Fitted {
    model: Vec<u8>,
    agreement: Agreement,
    layers: Vec<LayerReport>,
    wide: Vec<String>,
    arena_bytes: usize,
}

/// Quantises, compares with the float network, and widens the tensors that lose most until the comparison is good.
fn fit(
    imported: &Imported,
    name: &str,
    job: &Job,
    seen: &[Vec<u8>],
    compared: &[Vec<u8>],
    floats: &[Vec<f32>],
    held_out: bool,
) -> Result<Fitted> {
    let graph = passes::lower(imported.graph.clone());
    let mut options = Options::default();
    let mut best: Option<Fitted> = None;
    loop {
        let bar = output::bar(graph.nodes.len(), "quantising");
        let quantised = quantise(&graph, job.preprocessing, seen, &options, |_| bar.inc(1));
        bar.finish_and_clear();
        let (mut layers, blob) = emit::emit(&quantised)?;
        let plan = plan::plan(&mut layers);
        let section = sections::model(name, imported.sha256, &layers, &plan, &blob.0)?;
        let aligned = AlignedBytes::copy(&section);
        let model =
            Model::new_checked(aligned.bytes()).context("the network as exported does not read back")?;
        let simulator = Simulator::new(&model)?;
        let cosines: Vec<f32> = compared
            .par_iter()
            .zip(floats)
            .map(|(crop, float)| Ok(cosine(&unit_of_i16(&simulator.embed(crop)?), float)))
            .collect::<Result<_>>()?;
        let agreement = agreement(cosines, held_out);
        let fitted = Fitted {
            model: section,
            agreement,
            layers: quantised.report.clone(),
            wide: options.wide.iter().map(|&node| graph.nodes[node].name.clone()).collect(),
            arena_bytes: plan.arena_bytes,
        };
        if best.as_ref().is_none_or(|best| agreement.mean_cosine > best.agreement.mean_cosine) {
            best = Some(fitted);
        }
        let worst = (1..graph.nodes.len() - 1)
            .filter(|node| !options.wide.contains(node) && quantised.can_be_wide(*node))
            .min_by(|&a, &b| quantised.rounding_db[a].total_cmp(&quantised.rounding_db[b]));
        let good = best.as_ref().is_some_and(|best| best.agreement.mean_cosine >= GOOD_COSINE);
        match worst {
            Some(node) if !good && options.wide.len() < MOST_WIDE => options.wide.push(node),
            _ => break,
        }
    }
    best.context("nothing was quantised")
}

/// Statistics of cosines between float and quantised embeddings.
fn agreement(mut cosines: Vec<f32>, held_out: bool) -> Agreement {
    cosines.sort_by(f32::total_cmp);
    let percentile = cosines[(cosines.len() - 1) / 1000];
    Agreement {
        crops: cosines.len(),
        held_out,
        mean_cosine: cosines.iter().sum::<f32>() / cosines.len() as f32,
        least_cosine: cosines[0],
        angle_p999: angle(percentile),
    }
}

/// Runs the command.
///
/// # Errors
/// As [`export`]; also when the image cannot be written. Nothing is written then.
pub fn run(arguments: &cli::Export) -> Result<()> {
    let job = Job {
        model: arguments.model.clone(),
        enrol: arguments.enrol.clone(),
        calibrate: arguments.calibrate.clone(),
        cohort: arguments.cohort.clone(),
        colour: arguments.colour.map(Into::into),
        preprocessing: Preprocessing { mean: arguments.mean, scale: arguments.scale },
        policy: arguments.policy.into(),
        margin: arguments.margin,
        fpir: arguments.fpir,
        threshold: arguments.threshold,
        keep_outliers: arguments.keep_outliers,
        allow_duplicates: arguments.allow_duplicates,
        without_cohort: arguments.without_cohort,
        logit_scale: arguments.logit_scale,
        photos: arguments.photos.clone(),
        force: arguments.force,
    };
    if let Some([height, width]) = arguments.size {
        let [h, w, _] = import(&job.model)?.input();
        ensure!([h, w] == [height, width], "--size {height}x{width}: the network takes crops of {h}x{w}");
    }
    let board = Board::named(&arguments.board)?;
    let exported = export(&job)?;
    let mut budget = board.budget(arguments.memory);
    budget.image_bytes = arguments.image_limit.unwrap_or(budget.image_bytes);
    budget.arena_bytes = arguments.arena_limit.unwrap_or(budget.arena_bytes);
    exported.check(&budget).with_context(|| {
        let limits = arguments.arena_limit.is_some() || arguments.image_limit.is_some();
        let whose = if limits { "the limits given" } else { &board.name };
        format!("too much for {whose}; choose another --board, --memory or limit, or a smaller network")
    })?;
    let address = board.region(arguments.memory).address;
    let file = containers::wrap(arguments.format, &exported.image, address)?;
    output::write_whole(&arguments.output, &file)?;
    let report = &exported.report;
    if let Some(path) = &arguments.report {
        report::write(&draw(&exported)?, path, Some(&path.with_extension("plots")))?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else {
        print(report, &arguments.output);
    }
    Ok(())
}

/// The report's plots of an export.
fn draw(exported: &Exported) -> Result<report::Report> {
    let bytes = AlignedBytes::copy(&exported.image);
    let image = bytes.image(Path::new("the image as exported"))?;
    let Report { network, agreement, layers, people, thresholds, warnings, .. } = &exported.report;
    let enrolled: Vec<(String, Vec<Vec<f32>>)> = gallery::people_of(&image)
        .into_iter()
        .map(|person| (person.name, person.centres.iter().map(|c| gallery::unit_centre(c)).collect()))
        .collect();
    let name = |index: usize| layers.get(index).map_or(String::new(), |layer| layer.name.clone());
    Ok(report::Report {
        title: format!("Export of {network}"),
        facts: vec![
            ("people".to_string(), people.len().to_string()),
            ("strangers".to_string(), exported.report.strangers.to_string()),
            ("mean cosine between int8 and float".to_string(), format!("{:.4}", agreement.mean_cosine)),
            ("image".to_string(), format!("{} bytes", exported.report.image_bytes)),
            ("arena".to_string(), format!("{} bytes", exported.report.arena_bytes)),
        ],
        warnings: warnings.clone(),
        thresholds: Some(threshold_plot(thresholds, people.len())),
        angles: (enrolled.len() > 1).then(|| report::angles::Angles::of(&enrolled, None)),
        layers: layers.clone(),
        arena: Some(report::arena::Arena::of(&image.model, name)),
        ..report::Report::default()
    })
}

fn print(report: &Report, path: &Path) {
    for warning in &report.warnings {
        eprintln!("warning: {warning}");
    }
    println!("{:>4}  {:10} {:>5} {:>9} {:>9} {:>8}  node", "", "operator", "bits", "from", "to", "SQNR dB");
    for (index, layer) in report.layers.iter().enumerate() {
        let [low, high] = layer.range;
        println!(
            "{index:>4}  {:10} {:>5} {low:>9.3} {high:>9.3} {:>8.1}  {}",
            layer.operator, layer.bits, layer.sqnr_db, layer.name
        );
    }
    let agreement = &report.agreement;
    println!();
    println!(
        "agreement   mean cosine {:.4}, least {:.4}, angle at the 99.9th percentile {:.2}°, over {} {} photos",
        agreement.mean_cosine,
        agreement.least_cosine,
        agreement.angle_p999.to_degrees(),
        agreement.crops,
        if agreement.held_out { "held-out" } else { "calibration" }
    );
    if !report.wide.is_empty() {
        println!("16-bit      {}", report.wide.join(", "));
    }
    let photos: usize = report.people.iter().map(|person| person.photos).sum();
    println!(
        "enrolled    {} people from {photos} photos; {} strangers in the cohort",
        report.people.len(),
        report.strangers
    );
    print_policy(report);
    println!("arena       {} bytes", report.arena_bytes);
    println!("image       {} bytes, written to {}", report.image_bytes, path.display());
}

fn print_policy(report: &Report) {
    let degrees = |radians: f32| radians.to_degrees();
    let Some(point) = report.thresholds.at(report.people.len().max(1)) else { return };
    if report.policy != cli::Policy::Margin {
        // Without strangers measured on, nothing is claimed.
        let claim = if report.thresholds.strangers < calibrate::HARDLY_ANY_STRANGERS {
            "how many strangers it accepts was not measured".to_string()
        } else {
            format!("accepts {} of strangers, 95 % sure of at most {:.4}", report.fpir, point.fpir_bounds[1])
        };
        println!(
            "threshold   cosine {:.3} ({:.1}°) for {} people: {claim}",
            point.cosine,
            degrees(angle(point.cosine)),
            report.people.len().max(1)
        );
    }
    let DerivedMargin { radians, photos, loss } = report.margin;
    match report.policy {
        cli::Policy::Calibrated => println!(
            "margin      {:.1}° to the next person; refuses {:.2} % of {photos} enrolled photos tried",
            degrees(radians),
            100.0 * loss
        ),
        cli::Policy::Margin => println!(
            "caps        θ ≤ (φ − {:.1}°)/2; refuse {:.1} % of enrolled photos tried",
            degrees(report.cap_margin),
            100.0 * report.cap_loss
        ),
        cli::Policy::Absolute => {}
    }
}
