//! `host evaluate`: accuracy of the quantised network and, beside it, of the float one.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use format::preprocess::Preprocess;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::{self, Protocol};
use crate::crops::Loader;
use crate::embedding::{angle, cosine, unit};
use crate::gallery::embed;
use crate::import::{Reference, import};
use crate::quantize::{LayerReport, Preprocessing};
use crate::report::{self, Report};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{noise, output, passes};

/// Photos that the noise of single layers is measured on.
const NOISE_CROPS: usize = 24;

pub mod draw;
pub mod identification;
pub mod verification;

/// Runs the command.
///
/// # Errors
/// When a file cannot be used, or the network is not the image's.
pub fn run(arguments: &cli::Evaluate) -> Result<()> {
    let embed = |photos: &[PathBuf]| {
        embed_photos(
            &arguments.image,
            photos,
            &arguments.photos,
            &arguments.reading,
            arguments.model.as_deref(),
        )
    };
    let write = |report: Result<Report>| match &arguments.report {
        Some(path) => report::write(&report?, path, Some(&path.with_extension("plots"))),
        None => Ok(()),
    };
    match arguments.protocol {
        Protocol::Pairs | Protocol::Lfw => {
            let pairs = match (&arguments.pairs, arguments.protocol) {
                (Some(path), Protocol::Lfw) => verification::Pairs::read_lfw(path, &arguments.photos)?,
                (Some(path), _) => verification::Pairs::read(path)?,
                (None, _) => verification::Pairs::deal(&arguments.photos)?,
            };
            let embedded = embed(&pairs.photos)?;
            let evaluation = verification::evaluate(&pairs, &embedded);
            if arguments.report.is_some() {
                write(draw::verification(&arguments.image, &pairs, &embedded, &Reading::new(arguments)?))?;
            }
            output::show(arguments.json, &evaluation, verification::print)
        }
        Protocol::Identification => {
            let roles = match &arguments.list {
                Some(list) => identification::Roles::read(list)?,
                None => identification::Roles::deal(&arguments.photos)?,
            };
            let embedded = embed(&roles.photos)?;
            let evaluation = identification::evaluate(&roles, &embedded, arguments.fpir)?;
            if arguments.report.is_some() {
                let scenes = identification::scenes(&roles, &embedded)?;
                let scenes: Vec<_> = scenes.iter().map(|(name, scene)| (*name, scene)).collect();
                let reading = Reading::new(arguments)?;
                let image = &arguments.image;
                write(draw::identification(image, &roles, &evaluation, &scenes, &embedded, &reading))?;
            }
            output::show(arguments.json, &evaluation, identification::print)
        }
    }
}

/// Reads photos again, to show them.
pub struct Reading<'a> {
    preprocess: Preprocess,
    loader: Loader,
    folder: &'a Path,
}

impl<'a> Reading<'a> {
    fn new(arguments: &'a cli::Evaluate) -> Result<Self> {
        let preprocess = AlignedBytes::read(&arguments.image)?.image(&arguments.image)?.preprocess;
        let loader = Loader::new(&preprocess, &arguments.reading)?;
        Ok(Reading { preprocess, loader, folder: &arguments.photos })
    }

    /// A photo as the network sees it.
    fn photo(&self, path: &Path) -> Result<report::pairs::Photo> {
        let crop = self.loader.load_all(&[self.folder.join(path)])?.remove(0);
        Ok(report::pairs::Photo::of_crop(&path.display().to_string(), &crop, &self.preprocess))
    }
}

/// Photos as both networks see them.
pub struct Embedded {
    /// Unit embeddings by the image's network.
    pub quantised: Vec<Vec<f32>>,
    /// Unit embeddings by the float network.
    pub float: Option<Vec<Vec<f32>>>,
    /// What quantisation does to each tensor; empty without the float network.
    pub layers: Vec<LayerReport>,
    /// What took how long.
    pub seconds: Seconds,
}

/// Seconds of an evaluation's parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seconds {
    /// Decoding photos, and finding faces in raw ones.
    pub reading: f64,
    /// Embedding by the quantised network.
    pub quantised: f64,
    /// Embedding by the float network.
    pub float: f64,
    /// Comparing and counting.
    pub scoring: f64,
}

/// How far quantised embeddings are from float ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Mean cosine.
    pub mean_cosine: f32,
    /// Smallest cosine.
    pub least_cosine: f32,
    /// Angle at the 99.9th percentile, radians.
    pub angle_p999: f32,
}

impl Embedded {
    /// How far the two are apart, if there are two.
    pub fn agreement(&self) -> Option<Agreement> {
        let float = self.float.as_ref()?;
        let mut cosines: Vec<f32> = float.iter().zip(&self.quantised).map(|(a, b)| cosine(a, b)).collect();
        cosines.sort_by(f32::total_cmp);
        Some(Agreement {
            mean_cosine: cosines.iter().sum::<f32>() / cosines.len() as f32,
            least_cosine: *cosines.first()?,
            angle_p999: angle(cosines[cosines.len() / 1000]),
        })
    }
}

/// Embeds photos, whose paths start from `folder`, by the image's network and, if `model` is the ONNX file it was exported
/// from, by the float network; on all cores.
///
/// # Errors
/// When image, photos or network cannot be used, or the network is not the image's.
pub fn embed_photos(
    image: &Path,
    photos: &[PathBuf],
    folder: &Path,
    reading: &cli::Photos,
    model: Option<&Path>,
) -> Result<Embedded> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    let float = match model {
        Some(path) => {
            let imported = import(path)?;
            if imported.sha256 != checked.model.head().source {
                bail!("{} is not the network that {} was exported from", path.display(), image.display())
            }
            Some((Reference::load(path)?, passes::lower(imported.graph)))
        }
        None => None,
    };
    let timed = Instant::now();
    let paths: Vec<PathBuf> = photos.iter().map(|photo| folder.join(photo)).collect();
    let crops = Loader::new(&checked.preprocess, reading)?.load_all(&paths)?;
    let mut seconds = Seconds { reading: timed.elapsed().as_secs_f64(), ..Seconds::default() };

    let timed = Instant::now();
    let simulator = Simulator::new(&checked.model)?;
    let quantised = embed(&simulator, &crops, "quantised network")?;
    seconds.quantised = timed.elapsed().as_secs_f64();

    let timed = Instant::now();
    let preprocessing = Preprocessing { mean: checked.preprocess.mean, scale: checked.preprocess.scale };
    let mut layers = Vec::new();
    let float = match float {
        Some((reference, graph)) => {
            let few: Vec<Vec<u8>> =
                crops.iter().step_by(crops.len().div_ceil(NOISE_CROPS).max(1)).cloned().collect();
            layers = noise::noise(&graph, &simulator, preprocessing, &few)?;
            let bar = output::bar(crops.len(), "float network");
            let embeddings = crops.par_iter().map(|crop| {
                bar.inc(1);
                reference.embed(&preprocessing.apply(crop)).map(|embedding| unit(&embedding))
            });
            let embeddings = embeddings.collect::<Result<_>>()?;
            bar.finish_and_clear();
            Some(embeddings)
        }
        None => None,
    };
    seconds.float = timed.elapsed().as_secs_f64();
    Ok(Embedded { quantised, float, layers, seconds })
}

fn print_common(agreement: Option<Agreement>, seconds: Seconds) {
    if let Some(Agreement { mean_cosine, least_cosine, angle_p999 }) = agreement {
        println!(
            "cosine between int8 and float embeddings: mean {mean_cosine:.4}, least {least_cosine:.4}; angle at the 99.9th percentile {:.2}°",
            angle_p999.to_degrees()
        );
    }
    let Seconds { reading, quantised, float, scoring } = seconds;
    println!("reading {reading:.1} s, int8 {quantised:.1} s, float {float:.1} s, scoring {scoring:.1} s");
}
