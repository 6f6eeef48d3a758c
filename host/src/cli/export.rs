//! `host export`: makes a flash image.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use format::policy::Kind;
use format::preprocess::Colour;
use host::board::{self, Board, Memory};
use host::bounds::Rate;
use host::budget::{Budget, Room};
use host::calibrate::margin::DerivedMargin;
use host::calibrate::{HARDLY_ANY_STRANGERS, Point};
use host::containers::Container;
use host::cost::BoardCost;
use host::embedding::angle;
use host::export::check::{CheckReport, Promise};
use host::export::page::page;
use host::export::{Discrimination, EyesFrom, Given, Job, Report, export};
use host::inspect::image::NetworkRow;
use host::onnx::{Cut, weights_beside};
use host::output::{Named, Planned, percent};
use host::quantize::Preprocessing;
use host::sight::report::QuantisedNetwork;
use host::sight::{EyesReport, Networks};
use host::{output, report};

use super::part::Part;
use super::photos::{EyeNetworks, Photos};
use super::values::{
    ByChannel, COLOURS, CONTAINERS, MEMORIES, POLICIES, channels, cosine, finite_by_channel, one_of,
    positive, positive_by_channel, radians, share,
};
use super::{angle_text, centred_text, plots, show_beside};

#[derive(Debug, Args)]
pub struct Arguments {
    /// ONNX file of the embedding network.
    #[arg(long)]
    model: PathBuf,
    /// Folder with a subfolder of photos for each person to enrol.
    #[arg(long)]
    enrol: Option<PathBuf>,
    /// Folder of photos to choose the quantiser's scales on [default: the photos of people and strangers].
    #[arg(long)]
    calibrate: Option<PathBuf>,
    /// Folder of photos of strangers to measure the threshold on: one photo, or a subfolder, for each person.
    #[arg(long)]
    cohort: Option<PathBuf>,
    /// Folder of photos of people who are neither enrolled nor like the cohort (one photo, or a subfolder, for each):
    /// prints the share of them that the image accepts, beside the promised share.
    #[arg(long)]
    check: Option<PathBuf>,
    /// Where to write the image.
    #[arg(short, long)]
    output: PathBuf,
    /// Container of the image.
    #[arg(long, value_parser = one_of(CONTAINERS), default_value = "bin")]
    format: Container,
    /// Board whose memory and limits the image must fit, and whose address goes into hex, uf2 and elf files.
    #[arg(long, value_parser = board::names(), default_value = board::DEFAULT)]
    board: String,
    /// Which of the board's flash memories the image is for.
    #[arg(long, value_parser = one_of(MEMORIES), default_value = "external")]
    memory: Memory,
    /// Largest size of the image in bytes [default: the board's].
    #[arg(long)]
    image_limit: Option<usize>,
    /// Largest RAM for the network in bytes [default: the board's].
    #[arg(long)]
    arena_limit: Option<usize>,
    /// Rules of the decision.
    #[arg(long, value_parser = one_of(POLICIES), default_value = "calibrated")]
    policy: Kind,
    /// Radians. For the calibrated policy: how much farther than the best the next person must be [default: the
    /// largest that refuses hardly any genuine photo]. For the margin policy: the margin m of θ ≤ (φ − m)/2 [default:
    /// 0.5].
    #[arg(long, value_parser = radians)]
    margin: Option<f32>,
    /// Share of strangers that may be accepted.
    #[arg(long, value_parser = share, default_value_t = 0.003)]
    fpir: f64,
    /// Least cosine to be accepted, instead of one measured on the cohort.
    #[arg(long, value_parser = cosine, allow_negative_numbers = true)]
    threshold: Option<f32>,
    /// Colour order that the network expects [default: rgb, or grey for one channel].
    #[arg(long, value_parser = one_of(COLOURS))]
    colour: Option<Colour>,
    /// Which part of the file is taken.
    #[command(flatten)]
    part: Part,
    /// Mean that was subtracted from pixels in training; or three, such as 123.675,116.28,103.53, for the channels in the order
    /// in which the network takes them.
    #[arg(long, value_parser = finite_by_channel, allow_hyphen_values = true, default_value = "127.5")]
    mean: ByChannel,
    /// Divisor of the pixels in training, or three.
    #[arg(long, value_parser = positive_by_channel, allow_hyphen_values = true, default_value = "128")]
    scale: ByChannel,
    /// Keep photos that look like another person than their folder's.
    #[arg(long)]
    keep_outliers: bool,
    /// Enrol people who look like one person under two names.
    #[arg(long)]
    allow_duplicates: bool,
    /// Leave the strangers out of the image. It gets smaller, but faces nearer to a stranger are not noticed.
    #[arg(long)]
    without_cohort: bool,
    /// Scale s of the logits in training, used for the confidence that is shown.
    #[arg(long, value_parser = positive::<f32>, default_value_t = 64.0)]
    logit_scale: f32,
    /// How photos are read.
    #[command(flatten)]
    photos: Photos,
    /// The networks of the eyes besides the detector.
    #[command(flatten)]
    networks: EyeNetworks,
    /// ONNX file of a network for the photo check, MiniFASNet V2 or fr_liveness. It stops few attacks: see the book.
    #[arg(long)]
    liveness: Option<PathBuf>,
    /// Leave the board's eyes out of the image: a board takes crops alone.
    #[arg(long, conflicts_with_all = ["detector_size", "landmarks", "liveness"])]
    without_eyes: bool,
    /// Export even if quantisation harms too much, or if unlike pictures get like embeddings.
    #[arg(long)]
    force: bool,
    /// Write a report, one HTML file: quantisation noise, memory over time, people, thresholds. Its plots are also written as SVG
    /// and PNG, into a folder beside it, NAME.plots.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Print a report of every layer as JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn job(&self) -> Job {
        let (normalised, eyes) = (channels(self.mean, self.scale), self.eyes());
        // A network that normalises by channels is fed plain pixels.
        let preprocessing = match (self.mean.one(), self.scale.one()) {
            (Some(mean), Some(scale)) => Preprocessing { mean, scale },
            _ => Preprocessing { mean: 0.0, scale: 1.0 },
        };
        Job {
            model: self.model.clone(),
            cut: Cut { normalised, ..self.part.cut() },
            enrol: self.enrol.clone(),
            calibrate: self.calibrate.clone(),
            cohort: self.cohort.clone(),
            check: self.check.clone(),
            colour: self.colour,
            preprocessing,
            policy: self.policy,
            margin: self.margin,
            fpir: self.fpir,
            threshold: self.threshold,
            keep_outliers: self.keep_outliers,
            allow_duplicates: self.allow_duplicates,
            without_cohort: self.without_cohort,
            logit_scale: self.logit_scale,
            photos: if eyes.is_some() { self.photos.source_with_eyes() } else { self.photos.source() },
            eyes,
            room: None,
            force: self.force,
        }
    }

    /// Networks of the board's eyes: for photos with faces to be found the default ones, for aligned crops those that are named.
    fn eyes(&self) -> Option<EyesFrom> {
        let detector = self.photos.detector();
        let is_named = detector.is_some() || self.networks.is_chosen() || self.liveness.is_some();
        let has_eyes = !self.without_eyes && (is_named || !self.photos.is_aligned());
        let networks = || Networks { liveness: self.liveness.clone(), ..self.networks.with(detector) };
        has_eyes.then(|| EyesFrom::Networks(networks()))
    }

    fn planned(&self) -> Planned {
        let folders = [
            ("--enrol", &self.enrol),
            ("--calibrate", &self.calibrate),
            ("--cohort", &self.cohort),
            ("--check", &self.check),
        ];
        let folders = folders.into_iter().filter_map(|(option, path)| Named::given(option, path.as_ref()));
        let report = Named::given("--report", self.report.as_ref());
        Planned {
            outputs: [Named::new("--output", &self.output)].into_iter().chain(report).collect(),
            folders: plots(self.report.as_ref()),
            inputs: folders
                .chain([Named::new("--model", &self.model)])
                .chain(weights_beside(&self.model).iter().map(|path| Named::new("--model", path)))
                .chain(self.photos.named())
                .chain(self.networks.named())
                .chain(Named::given("--liveness", self.liveness.as_ref()))
                .collect(),
        }
    }

    fn room(&self, board: &Board) -> Room {
        let Budget { image_bytes, arena_bytes, .. } = board.budget(self.memory);
        let budget = Budget {
            image_bytes: self.image_limit.unwrap_or(image_bytes),
            arena_bytes: self.arena_limit.unwrap_or(arena_bytes),
            ..board.budget(self.memory)
        };
        let is_boards = self.arena_limit.is_none() && self.image_limit.is_none();
        Room { name: if is_boards { board.name.clone() } else { "the limits given".to_string() }, budget }
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    arguments.planned().check()?;
    let job = arguments.job();
    let board = Board::named(&arguments.board)?;
    let wrapping = board.wrapping(arguments.format, arguments.memory)?;
    let exported = export(&Job { room: Some(arguments.room(board)), ..job })?;
    output::write_whole(&arguments.output, &wrapping.wrap(&exported.image)?)?;
    if let Some(path) = &arguments.report {
        report::write(&page(&exported)?, path)?;
    }
    show_beside(&arguments.output, arguments.json, &exported.report, |out, report| {
        print(out, report, &arguments.output)
    })
}

fn print(out: &mut String, report: &Report, path: &Path) -> fmt::Result {
    output::warn_all(&report.warnings);
    writeln!(
        out,
        "{:>4}  {:10} {:>5} {:>9} {:>9} {:>8}  node",
        "", "operator", "bits", "from", "to", "SQNR dB"
    )?;
    for (index, layer) in report.layers.iter().enumerate() {
        let [low, high] = layer.range;
        writeln!(
            out,
            "{index:>4}  {:10} {:>5} {low:>9.3} {high:>9.3} {:>8.1}  {}",
            layer.operator, layer.bits, layer.sqnr_db, layer.name
        )?;
    }
    let agreement = &report.agreement;
    writeln!(out)?;
    writeln!(
        out,
        "agreement   mean cosine {:.4}, least {:.4}{}, {}, over {} {} photos",
        agreement.mean_cosine,
        agreement.least_cosine,
        centred_text(agreement),
        angle_text(agreement),
        agreement.crops,
        if report.photos.is_judge_unseen { "held-out" } else { "calibration" }
    )?;
    if let Some(Discrimination { float, quantised, .. }) = report.discrimination {
        writeln!(
            out,
            "unlike      mean cosine between {} pictures {:.4} (float), {:.4} (int8); near 0 is usual",
            float.pictures, float.mean_cosine, quantised.mean_cosine
        )?;
    }
    if let Some(node) = &report.normalisation_inside {
        writeln!(
            out,
            "pixels      normalised by the network itself (node {node}), after --mean and --scale"
        )?;
    }
    if !report.wide.is_empty() {
        writeln!(out, "16-bit      {}", report.wide.join(", "))?;
    }
    let photos: usize = report.people.iter().map(|person| person.photos).sum();
    writeln!(
        out,
        "enrolled    {} people from {photos} photos; {} strangers in the cohort",
        report.people.len(),
        report.strangers
    )?;
    print_policy(out, report)?;
    if let Some(check) = &report.check {
        print_check(out, check)?;
    }
    for BoardCost { board, instructions, wide_instructions } in &report.costs {
        let wide = match *wide_instructions > 0.0 {
            true => format!(", {:.1} M of them in layers that read 16 bits", wide_instructions / 1e6),
            false => String::new(),
        };
        writeln!(
            out,
            "cost        {board}: about {:.1} M instructions for an embedding{wide}",
            instructions / 1e6
        )?;
    }
    if let Some(eyes) = &report.eyes {
        print_eyes(out, eyes)?;
    }
    writeln!(out, "arena       {} bytes", report.arena_bytes)?;
    writeln!(out, "image       {} bytes, written to {}", report.image_bytes, path.display())?;
    Ok(())
}

fn print_eyes(out: &mut String, eyes: &EyesReport) -> fmt::Result {
    for QuantisedNetwork {
        row: NetworkRow { role, network, input, arena_bytes, .. }, outputs, costs, ..
    } in &eyes.networks
    {
        let worst = outputs.iter().map(|output| output.sqnr_db).fold(f32::INFINITY, f32::min);
        let [height, width, _] = input;
        let costs: Vec<String> =
            costs.iter().map(|cost| format!("{} {:.1} M", cost.board, cost.instructions / 1e6)).collect();
        writeln!(
            out,
            "eyes        {role}, {network} at {height}×{width}: SQNR {worst:.0} dB or more, {arena_bytes} bytes of arena; \
             instructions: {}",
            costs.join(", ")
        )?;
    }
    writeln!(out, "            {}", eyes.beside_float)
}

fn print_policy(out: &mut String, report: &Report) -> fmt::Result {
    let degrees = |radians: f32| radians.to_degrees();
    let Some(point) = report.thresholds.at(report.people.len().max(1)) else { return Ok(()) };
    if report.policy != Kind::Margin {
        let (claim, has_bound) = threshold_claim(report, point);
        writeln!(
            out,
            "threshold   cosine {:.3} ({:.1}°) for {} people: {claim}",
            point.cosine,
            degrees(angle(point.cosine)),
            report.people.len().max(1)
        )?;
        if has_bound {
            writeln!(out, "            {}", report.bounds_hold_for)?;
        }
    }
    let DerivedMargin { radians, photos, loss } = report.margin;
    match report.policy {
        Kind::Calibrated if photos == 0 => writeln!(
            out,
            "margin      {:.1}° to the next person; not tried, as nobody has enough enrolled photos",
            degrees(radians)
        )?,
        Kind::Calibrated => writeln!(
            out,
            "margin      {:.1}° to the next person; refuses {:.2} % of {photos} enrolled photos tried",
            degrees(radians),
            100.0 * loss
        )?,
        Kind::Margin => writeln!(
            out,
            "caps        θ ≤ (φ − {:.1}°)/2; refuse {:.1} % of enrolled photos tried",
            degrees(report.cap_margin),
            100.0 * report.cap_loss
        )?,
        Kind::Absolute => {}
    }
    Ok(())
}

/// Words on how many strangers a threshold accepts, and whether they state a bound. Without strangers that it was measured on,
/// nothing is claimed.
fn threshold_claim(report: &Report, point: &Point) -> (String, bool) {
    if let Some(Given { accepted, strangers, fpir, fpir_bounds: [low, high] }) = report.given {
        let claim = format!(
            "given by hand; accepts {accepted} of {strangers} strangers of the cohort, {:.2} % ({:.2} … {:.2} %, 95 % sure), \
             by the threshold alone",
            100.0 * fpir,
            100.0 * low,
            100.0 * high
        );
        return (claim, true);
    }
    if report.thresholds.strangers < HARDLY_ANY_STRANGERS {
        return ("how many strangers it accepts was not measured".to_string(), false);
    }
    let [_, high] = point.fpir_bounds;
    (format!("accepts {} of strangers, 95 % sure of at most {high:.4}", report.fpir), true)
}

/// A second population's accepted share, beside the promised one. Its bounds are printed whatever was promised.
fn print_check(out: &mut String, check: &CheckReport) -> fmt::Result {
    let Rate { rate, people, bounds_by_people: [low, high], bounds_by_comparisons, .. } = check.measured;
    let promised = match check.promised {
        Some(Promise { fpir, bound }) => {
            format!("promised {}, 95 % sure of at most {}", percent(fpir), percent(bound))
        }
        None => "nothing was promised: no threshold was measured on enough strangers".to_string(),
    };
    writeln!(
        out,
        "check       {} of {} photos of {people} other people accepted: {}, {} … {} by people ({} … {} by photos); {promised}",
        check.accepted.len(),
        check.photos,
        percent(rate),
        percent(low),
        percent(high),
        percent(bounds_by_comparisons[0]),
        percent(bounds_by_comparisons[1])
    )?;
    writeln!(out, "            {}", check.bounds_hold_for)
}
