//! `host evaluate`: measures accuracy.

mod sight;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use host::accuracy::detection::{HEIGHTS, Subject};
use host::accuracy::embedded::{Embedded, PixelsFor, Seconds, embed_photos};
use host::accuracy::identification::{Identification, identify};
use host::accuracy::labels::WrongLabels;
use host::accuracy::page::{self, Album};
use host::accuracy::pairs::Pairs;
use host::accuracy::reading::{self, People, ReadPhotos};
use host::accuracy::roles::Roles;
use host::accuracy::verification::{Verification, verify};
use host::accuracy::{attack, detection, marks};
use host::agreement::Agreement;
use host::onnx::weights_beside;
use host::output::{self, Named, Planned, percent};
use host::report::{self, Page};
use host::usage::{ensure_use, wrong_use};

use super::photos::Photos;
use super::values::{ByChannel, channels, finite_by_channel, positive, positive_by_channel, share};
use super::{angle_text, centred_text, plots, show};

#[derive(Debug, Args)]
#[command(mut_arg("aligned", |arg| arg.conflicts_with("detector")))]
pub struct Arguments {
    /// Flash image whose network is measured.
    image: PathBuf,
    /// The protocol of the measurement.
    #[arg(long, value_enum, default_value_t = Protocol::Pairs)]
    protocol: Protocol,
    /// For pairs: CSV with the columns path_a, path_b, same, fold; without it, pairs are made from the photos folder,
    /// which has a subfolder for each person. For lfw: LFW's pairs.txt.
    #[arg(long, required_if_eq("protocol", "lfw"))]
    pairs: Option<PathBuf>,
    /// For identification: CSV with the columns path, identity, role (enrol, probe, stranger, cohort). Without it,
    /// roles are assigned from the photos folder, which has a subfolder for each person: people with four photos are
    /// enrolled with three, and the first photos of at least 40 others are strangers and cohort.
    #[arg(long)]
    list: Option<PathBuf>,
    /// Folder that the paths in the file are relative to; without a file, the folder with a subfolder for each
    /// person.
    #[arg(long, required_unless_present = "bona_fide")]
    photos: Option<PathBuf>,
    /// For detection: CSV with the columns path, le_x, le_y, re_x, re_y, nose_x, nose_y, lm_x, lm_y, rm_x, rm_y
    /// (landmarks, left and right as seen) and, for boxes, x1, y1, x2, y2. Other columns are not used.
    #[arg(long, required_if_eq("protocol", "detection"))]
    marks: Option<PathBuf>,
    /// For detection: folder of pictures without faces. Each is shown in six ways.
    #[arg(long, requires = "marks")]
    nonface: Option<PathBuf>,
    /// For detection: heights of faces as shares of the frame's height, between commas [default:
    /// 0.8,0.67,0.5,0.33,0.25,0.2].
    #[arg(long, value_parser = positive::<f32>, value_delimiter = ',', requires = "marks")]
    heights: Vec<f32>,
    /// For attack: folder of photos of live people, with a subfolder for each person.
    #[arg(long, required_if_eq("protocol", "attack"), requires = "attack", conflicts_with_all = ["photos", "marks"])]
    bona_fide: Option<PathBuf>,
    /// For attack: folders of photos of attacks, one for each kind of attack (prints, screens, masks).
    #[arg(long, num_args = 1.., requires = "bona_fide")]
    attack: Vec<PathBuf>,
    /// ONNX file that the image was exported from, to compare with.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Mean of pixels for the network of `--model` [default: the image's]. If the image was exported with three, these must be
    /// given.
    #[arg(long, value_parser = finite_by_channel, allow_hyphen_values = true, requires = "model")]
    mean: Option<ByChannel>,
    /// Divisor of pixels for it, or three, in the same way.
    #[arg(long, value_parser = positive_by_channel, allow_hyphen_values = true, requires = "model")]
    scale: Option<ByChannel>,
    /// Share of strangers that may be accepted, for identification.
    #[arg(long, value_parser = share, default_value_t = 0.003)]
    fpir: f64,
    /// Write a report, one HTML file. Its plots are also written as SVG and PNG, into a folder beside it, NAME.plots.
    #[arg(long)]
    report: Option<PathBuf>,
    /// How photos are read.
    #[command(flatten)]
    reading: Photos,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// Verification over pairs of photos.
    Pairs,
    /// The same over LFW's own list; photos lie as there, NAME/NAME_0001.jpg.
    Lfw,
    /// Open-set identification: enrolled people's probes and strangers against galleries of several sizes.
    Identification,
    /// Faces found in frames made of photos with marked faces, and the error of their landmarks.
    Detection,
    /// Presentation attacks against the photo check, with the rates of ISO/IEC 30107-3.
    Attack,
}

impl Arguments {
    /// What a list names, and its photos.
    fn listed<T>(&self, listed: T, photos: fn(&T) -> &[PathBuf]) -> Result<(T, ReadPhotos)> {
        let read = reading::listed(&self.image, photos(&listed), self.photos()?, &self.reading.source())?;
        Ok((listed, read))
    }

    /// What is dealt to the people of the photos folder, and their photos.
    fn dealt<T>(
        &self,
        deal: impl Fn(&Path, &People) -> Result<T>,
        photos: fn(&T) -> &[PathBuf],
    ) -> Result<(T, ReadPhotos)> {
        reading::dealt(&self.image, self.photos()?, &self.reading.source(), deal, photos)
    }

    fn photos(&self) -> Result<&Path> {
        self.photos.as_deref().ok_or_else(|| wrong_use("this protocol needs --photos, a folder"))
    }

    /// Refuses options that would change nothing.
    fn check(&self) -> Result<()> {
        let is_of_eyes = matches!(self.protocol, Protocol::Detection | Protocol::Attack);
        ensure_use(self.bona_fide.is_none() || self.protocol == Protocol::Attack, || {
            "--bona-fide and --attack are for --protocol attack".to_string()
        })?;
        ensure_use(self.marks.is_none() || self.protocol == Protocol::Detection, || {
            "--marks is for --protocol detection".to_string()
        })?;
        let is_given = [&self.pairs, &self.list, &self.model].iter().any(|option| option.is_some());
        ensure_use(!is_of_eyes || !is_given && !self.reading.is_chosen(), || {
            "the image's own eyes are measured: --pairs, --list, --model and the options on reading photos are for the other \
             protocols"
                .to_string()
        })
    }

    fn embed(&self, read: ReadPhotos) -> Result<Embedded> {
        let (mean, scale) =
            (self.mean.unwrap_or(ByChannel([0.0; 3])), self.scale.unwrap_or(ByChannel([1.0; 3])));
        let pixels = match channels(mean, scale) {
            Some(channels) => PixelsFor::Channels(channels),
            None => PixelsFor::All {
                mean: self.mean.and_then(ByChannel::one),
                scale: self.scale.and_then(ByChannel::one),
            },
        };
        embed_photos(&self.image, read, self.model.as_deref(), pixels)
    }

    fn planned(&self) -> Planned {
        let inputs = [
            Some(Named::new("IMAGE", &self.image)),
            Named::given("--pairs", self.pairs.as_ref()),
            Named::given("--list", self.list.as_ref()),
            Named::given("--photos", self.photos.as_ref()),
            Named::given("--model", self.model.as_ref()),
            Named::given("--marks", self.marks.as_ref()),
            Named::given("--nonface", self.nonface.as_ref()),
            Named::given("--bona-fide", self.bona_fide.as_ref()),
        ];
        let inputs = inputs.into_iter().flatten();
        let attacks = self.attack.iter().map(|folder| Named::new("--attack", folder));
        let outputs = Named::given("--report", self.report.as_ref()).into_iter().collect();
        let weights = self.model.iter().flat_map(|model| weights_beside(model));
        let weights = weights.map(|path| Named::new("--model", &path));
        Planned {
            outputs,
            folders: plots(self.report.as_ref()),
            inputs: inputs.chain(attacks).chain(weights).chain(self.reading.named()).collect(),
        }
    }

    /// Writes the page with plots, if one is asked for.
    fn write_page(&self, page: impl Fn(&Album<'_>) -> Result<Page>) -> Result<()> {
        let Some(path) = &self.report else { return Ok(()) };
        let album = Album::new(&self.image, self.photos()?, &self.reading.source())?;
        report::write(&page(&album)?, path)
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    arguments.check()?;
    arguments.planned().check()?;
    match arguments.protocol {
        Protocol::Pairs | Protocol::Lfw => run_verification(arguments),
        Protocol::Identification => run_identification(arguments),
        Protocol::Detection => run_detection(arguments),
        Protocol::Attack => run_attack(arguments),
    }
}

fn run_detection(arguments: &Arguments) -> Result<()> {
    let list =
        arguments.marks.as_deref().context("--protocol detection needs --marks, a list of marked faces")?;
    let seer = detection::eyes(&arguments.image)?;
    let marks = marks::read(list)?;
    let heights = if arguments.heights.is_empty() { &HEIGHTS[..] } else { &arguments.heights };
    let subject = Subject {
        photos: arguments.photos()?,
        marks: &marks,
        nonface: arguments.nonface.as_deref(),
        heights,
        is_strict: arguments.reading.is_strict(),
    };
    let measured = detection::detect(&seer, &subject)?;
    if let Some(path) = &arguments.report {
        report::write(&page::detection(&arguments.image, &measured), path)?;
    }
    show(arguments.json, &measured, sight::print_detection)
}

fn run_attack(arguments: &Arguments) -> Result<()> {
    let Arguments { image, bona_fide, attack, .. } = arguments;
    let live =
        bona_fide.as_deref().context("--protocol attack needs --bona-fide, a folder of live people")?;
    let measured = attack::measure(image, live, attack, arguments.reading.is_strict())?;
    if let Some(path) = &arguments.report {
        report::write(&page::attack(image, &measured), path)?;
    }
    show(arguments.json, &measured, sight::print_attack)
}

fn run_verification(arguments: &Arguments) -> Result<()> {
    let photos: fn(&Pairs) -> &[PathBuf] = |pairs| &pairs.photos;
    let (pairs, read) = match (&arguments.pairs, arguments.protocol) {
        (Some(path), Protocol::Lfw) => {
            arguments.listed(Pairs::read_lfw(path, arguments.photos()?)?, photos)?
        }
        (Some(path), _) => arguments.listed(Pairs::read(path)?, photos)?,
        (None, _) => arguments.dealt(Pairs::deal, photos)?,
    };
    let embedded = arguments.embed(read)?;
    let measured = verify(&pairs, &embedded);
    arguments.write_page(|album| page::verification(&arguments.image, &pairs, &embedded, album))?;
    show(arguments.json, &measured, print_verification)
}

fn run_identification(arguments: &Arguments) -> Result<()> {
    let photos: fn(&Roles) -> &[PathBuf] = |roles| &roles.photos;
    let (roles, read) = match &arguments.list {
        Some(list) => arguments.listed(Roles::read(list)?, photos)?,
        None => arguments.dealt(Roles::deal, photos)?,
    };
    let (roles, read) = roles.without_copies(read)?;
    let embedded = arguments.embed(read)?;
    let measured = identify(&roles, &embedded, arguments.fpir)?;
    let image = &arguments.image;
    arguments.write_page(|album| page::identification(image, &roles, &measured, &embedded, album))?;
    show(arguments.json, &measured, print_identification)
}

/// A value, or a dash where photos are too few to tell it.
fn told<T>(value: Option<T>, text: impl Fn(T) -> String) -> String {
    value.map_or("-".to_string(), text)
}

/// Bounds of a rate.
fn between([low, high]: [f64; 2]) -> String {
    format!("{:.2} … {:.2} %", 100.0 * low, 100.0 * high)
}

fn print_verification(out: &mut String, measured: &Verification) -> fmt::Result {
    output::warn_all(&measured.warnings);
    writeln!(out, "{} pairs of {} photos", measured.pairs, measured.photos)?;
    writeln!(out, "{:10} {:>16} {:>12} {:>12}", "", "accuracy", "TAR@FAR 1e-2", "TAR@FAR 1e-3")?;
    for (name, row) in [("float", measured.float), ("int8", Some(measured.quantised))] {
        if let Some(row) = row {
            writeln!(
                out,
                "{name:10} {:>8.2} ± {:.2}% {:>12} {:>12}",
                100.0 * row.accuracy,
                100.0 * row.standard_error,
                told(row.tar_at_far_1e2, percent),
                told(row.tar_at_far_1e3, percent)
            )?;
            for (by, bounds) in
                [("people", row.tar_bounds_by_people), ("comparisons", row.tar_bounds_by_comparisons)]
            {
                let [at_1e2, at_1e3] = bounds.map(|bounds| told(bounds, between));
                writeln!(out, "{:10} 95 % sure, by {by}: TAR {at_1e2} and {at_1e3}", "")?;
            }
        }
    }
    writeln!(out, "{}", measured.bounds_hold_for)?;
    print_common(out, measured.agreement, measured.seconds)
}

fn print_identification(out: &mut String, measured: &Identification) -> fmt::Result {
    output::warn_all(&measured.warnings);
    let [enrolled, probes, strangers, cohort] = measured.counts;
    writeln!(
        out,
        "{enrolled} people enrolled, {probes} probes, {strangers} strangers; thresholds from a cohort of {cohort} others"
    )?;
    writeln!(out, "\nthe decision as boards make it")?;
    writeln!(
        out,
        "{:>6} {:>10} {:>9} {:>19} {:>9} {:>9} {:>9} {:>9}",
        "people", "asked", "FPIR", "95 % bounds", "TPIR", "certified", "cosine", "margin"
    )?;
    for row in &measured.decisions {
        let [low, high] = row.fpir_bounds;
        writeln!(
            out,
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
        )?;
    }
    print_bounds(out, measured)?;
    writeln!(out, "\nTPIR of each rule where the same share of these strangers is accepted")?;
    writeln!(
        out,
        "{:>6} {:>10} {:>10} {:>10} {:>12}",
        "people", "FPIR", "threshold", "+ margin", "caps alone"
    )?;
    for row in &measured.rules {
        writeln!(
            out,
            "{:>6} {:>10} {:>10} {:>10} {:>12}",
            row.people,
            percent(row.fpir),
            told(row.absolute, percent),
            told(row.combined, percent),
            percent(row.caps)
        )?;
    }
    writeln!(out, "\nall {enrolled} enrolled, threshold set on these strangers")?;
    writeln!(out, "{:>8} {:>9} {:>15} {:>16}", "network", "rank 1", "TPIR@FPIR 0.01", "TPIR@FPIR 0.003")?;
    for row in &measured.networks {
        let [at_1e2, at_3e3] = row.tpir;
        writeln!(
            out,
            "{:>8} {:>9} {:>15} {:>16}",
            row.network,
            percent(row.rank1),
            told(at_1e2, percent),
            told(at_3e3, percent)
        )?;
    }
    if let Some(WrongLabels { people, probes, plain, robust }) = measured.wrong_labels {
        writeln!(
            out,
            "\none of five enrolment photos replaced by another person's ({people} people, {probes} probes): TPIR"
        )?;
        writeln!(out, "  plain mean                       {} → {}", percent(plain[0]), percent(plain[1]))?;
        writeln!(out, "  outliers dropped, sub-centres    {} → {}", percent(robust[0]), percent(robust[1]))?;
    }
    writeln!(out)?;
    print_common(out, measured.agreement, measured.seconds)
}

/// How sure the measured rates are: by comparisons as if they were independent, and by people.
fn print_bounds(out: &mut String, measured: &Identification) -> fmt::Result {
    writeln!(out, "\n95 % bounds of the measured rates")?;
    writeln!(
        out,
        "{:>6} {:>10} {:>22} {:>22} {:>22} {:>22}",
        "people",
        "asked",
        "FPIR, by comparisons",
        "FPIR, by people",
        "TPIR, by comparisons",
        "TPIR, by people"
    )?;
    for row in &measured.decisions {
        writeln!(
            out,
            "{:>6} {:>10} {:>22} {:>22} {:>22} {:>22}",
            row.people,
            format!("{:.2} %", 100.0 * row.fpir_asked),
            between(row.strangers.bounds_by_comparisons),
            between(row.strangers.bounds_by_people),
            between(row.probes.bounds_by_comparisons),
            between(row.probes.bounds_by_people)
        )?;
    }
    writeln!(out, "{}", measured.bounds_hold_for)?;
    Ok(())
}

fn print_common(out: &mut String, agreement: Option<Agreement>, seconds: Seconds) -> fmt::Result {
    if let Some(agreement) = agreement {
        let Agreement { mean_cosine, least_cosine, .. } = agreement;
        writeln!(
            out,
            "cosine between int8 and float embeddings: mean {mean_cosine:.4}, least {least_cosine:.4}{}; {}",
            centred_text(&agreement),
            angle_text(&agreement)
        )?;
    }
    let Seconds { reading, quantised, float, scoring } = seconds;
    writeln!(
        out,
        "reading {reading:.1} s, int8 {quantised:.1} s, float {float:.1} s, scoring {scoring:.1} s"
    )?;
    Ok(())
}
