//! From a network to a quantised one that is good enough: quantise, compare with the float network, and widen the tensors that
//! lose most until the comparison is good.

use anyhow::{Context, Result, bail};
use format::Role;
use format::network::Model;
use format::preprocess::Preprocess;
use rayon::prelude::*;

use super::job::Job;
use super::read::Photo;
use super::split::Split;
use crate::agreement::Agreement;
use crate::embedding::{cosine, unit, unit_of_i16};
use crate::graph::Graph;
use crate::onnx::{Imported, Reference};
use crate::quantize::{LayerReport, Options, Quantised, quantise};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{output, passes, sections};

/// Least mean cosine between float and quantised embeddings that is exported without `force`.
pub const LEAST_COSINE: f32 = 0.98;
/// Mean cosine from which on no tensor is widened any more.
const GOOD_COSINE: f32 = 0.99;
/// Most tensors that are widened.
const MOST_WIDE: usize = 8;

/// A network as the image has it.
pub(super) struct Fitted {
    /// The NETWORK section.
    pub model: AlignedBytes,
    pub layers: Vec<LayerReport>,
    /// Names of tensors with 16-bit elements besides the embedding.
    pub wide: Vec<String>,
    pub arena_bytes: usize,
    /// With the float network, on the photos that judge.
    pub agreement: Agreement,
}

impl Fitted {
    pub fn network(&self) -> Result<Model<'_>> {
        read_back(&self.model)
    }
}

fn read_back(section: &AlignedBytes) -> Result<Model<'_>> {
    Model::new_checked(Role::Embedder, section.bytes()).context("the network as exported does not read back")
}

/// Fits the network. Warnings are added to.
///
/// # Errors
/// When the network has no integer form, or agrees too little with the float one, unless forced.
pub(super) fn fit(
    imported: &Imported,
    job: &Job,
    input: &Preprocess,
    photos: &Split<Photo>,
    warnings: &mut Vec<String>,
) -> Result<Fitted> {
    let reference = Reference::load(&job.model)?;
    let seen: Vec<Vec<u8>> = photos.calibrate.iter().map(|photo| photo.crop.clone()).collect();
    let choose = Compared::new(&photos.choose, &reference, job)?;
    let chosen = widen(imported, job, input, &seen, &choose)?;
    let judge = Compared::new(&photos.judge, &reference, job)?;
    let agreement =
        Agreement::of(judge.cosines(&chosen.section)?).context("there are no photos that judge")?;
    check(&agreement, job.force, warnings)?;
    let Candidate { section, layers, wide, arena_bytes } = chosen;
    Ok(Fitted { model: section, layers, wide, arena_bytes, agreement })
}

/// Refuses a network that quantisation harms too much, or warns of it.
fn check(agreement: &Agreement, force: bool, warnings: &mut Vec<String>) -> Result<()> {
    if agreement.mean_cosine >= LEAST_COSINE {
        return Ok(());
    }
    let message = format!(
        "quantised embeddings agree with the float network by a mean cosine of {:.4} only (at least {LEAST_COSINE} is needed)",
        agreement.mean_cosine
    );
    if !force {
        bail!(
            "{message}; are colour order, --mean and --scale those it was trained with, and are the photos aligned faces? \
             --force exports it all the same"
        );
    }
    warnings.push(message);
    Ok(())
}

/// Photos and what the float network makes of them.
struct Compared<'a> {
    photos: &'a [Photo],
    /// Unit embeddings.
    floats: Vec<Vec<f32>>,
}

impl<'a> Compared<'a> {
    fn new(photos: &'a [Photo], reference: &Reference, job: &Job) -> Result<Self> {
        let embed = |photo: &Photo| {
            reference.embed(&job.preprocessing.apply(&photo.crop)).map(|embedding| unit(&embedding))
        };
        Ok(Compared { photos, floats: photos.par_iter().map(embed).collect::<Result<_>>()? })
    }

    /// Cosines between a quantised network's embeddings and the float ones.
    fn cosines(&self, section: &AlignedBytes) -> Result<Vec<f32>> {
        let model = read_back(section)?;
        let simulator = Simulator::new(&model)?;
        let cosine_of = |(photo, float): (&Photo, &Vec<f32>)| {
            Ok(cosine(&unit_of_i16(&simulator.embed(&photo.crop)?), float))
        };
        self.photos.par_iter().zip(&self.floats).map(cosine_of).collect()
    }
}

/// A quantisation that is tried.
struct Candidate {
    section: AlignedBytes,
    layers: Vec<LayerReport>,
    wide: Vec<String>,
    arena_bytes: usize,
}

/// The candidate that agrees best on the photos that choose; tensors are widened until one is good.
fn widen(
    imported: &Imported,
    job: &Job,
    input: &Preprocess,
    seen: &[Vec<u8>],
    choose: &Compared<'_>,
) -> Result<Candidate> {
    let graph = passes::lower(imported.graph.clone());
    let mut options = Options::default();
    let mut best: Option<(f32, Candidate)> = None;
    loop {
        let bar = output::bar(graph.nodes.len(), "quantising");
        let quantised = quantise(&graph, job.preprocessing, seen, &options, |_| bar.inc(1));
        bar.finish_and_clear();
        let candidate = candidate(imported, job, input, &graph, &options, &quantised)?;
        let agreement = Agreement::of(choose.cosines(&candidate.section)?);
        let mean = agreement.context("there are no photos that choose")?.mean_cosine;
        if best.as_ref().is_none_or(|(best, _)| mean > *best) {
            best = Some((mean, candidate));
        }
        let is_good = best.as_ref().is_some_and(|(best, _)| *best >= GOOD_COSINE);
        match worst(&graph, &options, &quantised) {
            Some(node) if !is_good && options.wide.len() < MOST_WIDE => options.wide.push(node),
            _ => break,
        }
    }
    best.map(|(_, candidate)| candidate).context("nothing was quantised")
}

fn candidate(
    imported: &Imported,
    job: &Job,
    input: &Preprocess,
    graph: &Graph,
    options: &Options,
    quantised: &Quantised,
) -> Result<Candidate> {
    let (section, plan) = sections::quantised_network(&job.network(), imported.sha256, input, quantised)?;
    Ok(Candidate {
        section: AlignedBytes::copy(&section),
        layers: quantised.report.clone(),
        wide: options.wide.iter().map(|&node| graph.nodes[node].name.clone()).collect(),
        arena_bytes: plan.arena_bytes,
    })
}

/// The tensor that loses most by rounding among those that may be widened.
fn worst(graph: &Graph, options: &Options, quantised: &Quantised) -> Option<usize> {
    let narrow = (1..graph.nodes.len())
        .filter(|node| !options.wide.contains(node) && quantised.can_be_wide(*node));
    narrow.min_by(|&a, &b| quantised.rounding_db[a].total_cmp(&quantised.rounding_db[b]))
}
