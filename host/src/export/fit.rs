//! Turns a network into a quantised one that is good enough: quantises it, compares it with the float network, and
//! widens the tensors that lose most until the comparison is good.

use anyhow::{Context, Result, bail};
use format::Role;
use format::network::Model;
use rayon::prelude::*;
use serde::Serialize;

use super::job::Job;
use super::read::Material;
use super::split;
use crate::agreement::Agreement;
use crate::crops::Photo;
use crate::discrimination::{self, Spread};
use crate::embedding::{unit, unit_of_i16};
use crate::graph::Graph;
use crate::onnx::{Channels, Cut, Imported, Reference};
use crate::people::copies;
use crate::quantize::{LayerReport, Options, Preprocessing, Quantised, quantise};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{output, sections};

/// Least mean cosine between float and quantised embeddings for an export without `force`.
pub const LEAST_COSINE: f32 = 0.98;
/// The same limit after the mean direction of each side is removed, so that only differences between photos count.
pub const LEAST_CENTRED_COSINE: f32 = 0.9;
/// Most photos for trying other preprocessing.
const MOST_TRIED: usize = 12;
/// Mean cosine, without the direction that all photos have in common, at which widening stops.
const GOOD_COSINE: f32 = 0.99;
/// Most tensors that can be widened.
const MOST_WIDE: usize = 8;

/// A network in the form for the image.
pub(super) struct Fitted {
    /// The NETWORK section.
    pub model: AlignedBytes,
    pub layers: Vec<LayerReport>,
    /// Names of tensors with 16-bit elements besides the embedding.
    pub wide: Vec<String>,
    pub arena_bytes: usize,
    /// Agreement with the float network, on the photos that judge.
    pub agreement: Agreement,
    /// How similar unlike photos are to both networks. `None` if fewer than two photos judge.
    pub discrimination: Option<Discrimination>,
}

/// How similar the embeddings of unlike pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Discrimination {
    /// For the float network.
    pub float: Spread,
    /// For the quantised network.
    pub quantised: Spread,
    /// Whether they are unlike enough.
    pub tells_apart: bool,
}

impl Fitted {
    pub fn network(&self) -> Result<Model<'_>> {
        read_back(&self.model)
    }
}

fn read_back(section: &AlignedBytes) -> Result<Model<'_>> {
    Model::new_checked(Role::Embedder, section.bytes()).context("the network as exported does not read back")
}

/// Fits the network. Adds to the warnings.
///
/// # Errors
/// When the network has no integer form, does not tell unlike photos apart, or agrees too little with the float one, unless forced.
pub(super) fn fit(material: &Material, job: &Job, warnings: &mut Vec<String>) -> Result<Fitted> {
    let Material { imported, photos, .. } = material;
    let reference = Reference::load_cut(&job.model, &job.cut)?;
    let seen: Vec<Vec<u8>> = photos.calibrate.iter().map(|photo| photo.crop.clone()).collect();
    let choose = Compared::new(&photos.choose, &reference, job)?;
    let chosen = widen(material, job, &seen, &choose)?;
    let judge = Compared::new(&photos.judge, &reference, job)?;
    let quantised = judge.quantised(&chosen.section)?;
    let discrimination = tell_apart(imported, job, &reference, &judge, &quantised, warnings)?;
    let agreement = Agreement::of(&judge.floats, &quantised).context("there are no photos that judge")?;
    check(&agreement, job.force, &chosen.layers, seen.len(), warnings)?;
    let Candidate { section, layers, wide, arena_bytes } = chosen;
    Ok(Fitted { model: section, layers, wide, arena_bytes, agreement, discrimination })
}

/// Refuses networks and preprocessing that do not distinguish unlike photos, or warns of them.
fn tell_apart(
    imported: &Imported,
    job: &Job,
    reference: &Reference,
    judge: &Compared<'_>,
    quantised: &[Vec<f32>],
    warnings: &mut Vec<String>,
) -> Result<Option<Discrimination>> {
    let crops: Vec<&[u8]> = judge.photos.iter().map(|photo| &*photo.crop).collect();
    let copies = copies::pictures(&crops, imported.input());
    let unlike: Vec<usize> = (0..crops.len()).filter(|&photo| copies[photo].is_none()).collect();
    let of = |embeddings: &[Vec<f32>]| {
        Spread::of(&unlike.iter().map(|&photo| embeddings[photo].clone()).collect::<Vec<_>>())
    };
    let (Some(float), Some(quantised)) = (of(&judge.floats), of(quantised)) else {
        warnings.push(
            "there is one picture only: whether unlike pictures get unlike embeddings is not known; give --calibrate photos of \
             several people"
                .to_string(),
        );
        return Ok(None);
    };
    let inside = discrimination::normalisation_inside(imported).is_some();
    // Other preprocessing takes the place of that which became part of the network.
    let plain = match job.cut.normalised {
        Some(_) if float.is_suspicious() => {
            let cut = Cut { normalised: None, ..job.cut.clone() };
            Some(Reference::load_cut(&job.model, &cut)?)
        }
        _ => None,
    };
    let reference = plain.as_ref().unwrap_or(reference);
    let try_other = |preprocessing: Preprocessing| {
        let tried = split::spread(&unlike, MOST_TRIED);
        let embed = |&photo: &usize| {
            reference.embed(&preprocessing.apply(crops[photo])).map(|embedding| unit(&embedding))
        };
        Ok(Spread::of(&tried.par_iter().map(embed).collect::<Result<Vec<_>>>()?))
    };
    // Plain pixels are another way to normalise then.
    let in_force = match job.cut.normalised {
        Some(Channels { mean: [mean, ..], scale: [scale, ..] }) => Preprocessing { mean, scale },
        None => job.preprocessing,
    };
    let found = discrimination::judge(float, quantised, in_force, inside, try_other)?;
    let found = match job.cut.normalised {
        Some(channels) => found.map(|found| found.of_channels(channels.to_string(), inside)),
        None => found,
    };
    let tells_apart = found.is_none();
    match found {
        Some(found) if !job.force => bail!("{found}. --force exports it anyway"),
        // It is the cause of most others.
        Some(found) => warnings.insert(0, found.to_string()),
        None => {}
    }
    Ok(Some(Discrimination { float, quantised, tells_apart }))
}

/// Refuses a network that quantisation harms too much, or warns of it.
fn check(
    agreement: &Agreement,
    force: bool,
    layers: &[LayerReport],
    calibrated: usize,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let plain = (agreement.mean_cosine, LEAST_COSINE, "");
    let centred = agreement.centred_mean_cosine.unwrap_or(1.0);
    let centred =
        (centred, LEAST_CENTRED_COSINE, ", once the direction that all photos have in common is taken out,");
    let disagrees = |(cosine, least, _): &(f32, f32, &str)| cosine.is_nan() || cosine < least;
    let Some((cosine, least, how)) = [plain, centred].into_iter().find(disagrees) else { return Ok(()) };
    let message = format!(
        "quantised embeddings agree with the float network{how} by a mean cosine of {cosine:.4} only (at least {least} is needed)"
    );
    if !force {
        let mut noisiest: Vec<&LayerReport> = layers.iter().collect();
        noisiest.sort_by(|a, b| a.sqnr_db.total_cmp(&b.sqnr_db));
        let named = noisiest.iter().take(3).map(|layer| format!("{} ({:.0} dB)", layer.name, layer.sqnr_db));
        bail!(
            "{message}; are colour order, --mean and --scale those of its training, and are the photos aligned faces? Scales were \
             chosen on {calibrated} crops; more photos for --calibrate may help. The tensors that lose most are {}. --force exports \
             it anyway",
            named.collect::<Vec<_>>().join(", ")
        );
    }
    warnings.push(message);
    Ok(())
}

/// Photos and the float network's embeddings of them.
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

    /// The unit embeddings that a quantised network gives for the photos.
    fn quantised(&self, section: &AlignedBytes) -> Result<Vec<Vec<f32>>> {
        let model = read_back(section)?;
        let simulator = Simulator::new(&model)?;
        self.photos.par_iter().map(|photo| Ok(unit_of_i16(&simulator.embed(&photo.crop)?))).collect()
    }
}

/// A quantisation to be tried.
struct Candidate {
    section: AlignedBytes,
    layers: Vec<LayerReport>,
    wide: Vec<String>,
    arena_bytes: usize,
}

/// The candidate that agrees best on the photos that choose. Tensors are widened until a candidate is good.
fn widen(material: &Material, job: &Job, seen: &[Vec<u8>], choose: &Compared<'_>) -> Result<Candidate> {
    let graph = &material.graph;
    let mut options = Options::default();
    let mut best: Option<(f32, Candidate)> = None;
    loop {
        let bar = output::bar(graph.nodes.len(), "quantising");
        let quantised = quantise(graph, job.preprocessing, seen, &options, |_| bar.inc(1));
        bar.finish_and_clear();
        let candidate = match candidate(material, job, &options, &quantised) {
            // A tensor of 16 bits may be more than the sums of its reader hold. What was found before is kept.
            Err(_) if best.is_some() => break,
            candidate => candidate?,
        };
        let agreement = Agreement::of(&choose.floats, &choose.quantised(&candidate.section)?);
        let mean = agreement.context("there are no photos that choose")?.of_differences();
        if best.as_ref().is_none_or(|(best, _)| mean > *best) {
            best = Some((mean, candidate));
        }
        let is_good = best.as_ref().is_some_and(|(best, _)| *best >= GOOD_COSINE);
        match worst(graph, &options, &quantised) {
            Some(node) if !is_good && options.wide.len() < MOST_WIDE => options.wide.push(node),
            _ => break,
        }
    }
    best.map(|(_, candidate)| candidate).context("nothing was quantised")
}

fn candidate(material: &Material, job: &Job, options: &Options, quantised: &Quantised) -> Result<Candidate> {
    let Material { imported, graph, preprocess, .. } = material;
    let (section, plan) =
        sections::quantised_network(&job.network(), imported.sha256, preprocess, quantised)?;
    Ok(Candidate {
        section: AlignedBytes::copy(&section),
        layers: quantised.report.clone(),
        wide: options.wide.iter().map(|&node| graph.nodes[node].name.clone()).collect(),
        arena_bytes: plan.arena_bytes,
    })
}

/// Among the tensors that may be widened, the one that loses most by rounding.
pub(super) fn worst(graph: &Graph, options: &Options, quantised: &Quantised) -> Option<usize> {
    let narrow =
        (1..graph.nodes.len()).filter(|node| !options.wide.contains(node) && quantised.can_be_wide(*node));
    narrow.min_by(|&a, &b| quantised.rounding_db[a].total_cmp(&quantised.rounding_db[b]))
}
