//! Embeddings of photos by the image's network and by the float network.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use format::Image;
use rayon::prelude::*;
use serde::Serialize;

use super::reading::ReadPhotos;
use crate::agreement::Agreement;
use crate::embedding::{embed, unit, units};
use crate::graph::Graph;
use crate::onnx::{Channels, Cut, Reference, import};
use crate::quantize::{LayerReport, Preprocessing};
use crate::simulator::{AlignedBytes, Simulator};
use crate::{noise, output, passes};

/// Number of photos on which the noise of single layers is measured.
const NOISE_CROPS: usize = 24;

/// Embeddings of photos by both networks.
pub struct Embedded {
    /// Embeddings by the image's network, identical to a board's.
    pub integers: Vec<Vec<i16>>,
    /// The same as unit vectors.
    pub quantised: Vec<Vec<f32>>,
    /// Unit embeddings by the float network.
    pub float: Option<Vec<Vec<f32>>>,
    /// Effect of quantisation on each tensor; empty without the float network.
    pub layers: Vec<LayerReport>,
    /// Lines on photos that are not used.
    pub warnings: Vec<String>,
    /// Times of the parts.
    pub seconds: Seconds,
}

/// Seconds that the parts of an evaluation took.
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

impl Embedded {
    /// Agreement of the two networks, if there are two.
    pub fn agreement(&self) -> Option<Agreement> {
        Agreement::of(self.float.as_ref()?, &self.quantised)
    }
}

/// What pixels are normalised by for a float network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PixelsFor {
    /// By these numbers, that the image's network has inside.
    Channels(Channels),
    /// By the same numbers in all channels; those that are missing are the image's.
    All {
        /// Subtracted.
        mean: Option<f32>,
        /// Divisor.
        scale: Option<f32>,
    },
}

impl Default for PixelsFor {
    fn default() -> Self {
        PixelsFor::All { mean: None, scale: None }
    }
}

/// Embeds photos with the image's network and, if `model` is given, with the float network of that file, which must be the one that
/// the image was exported from, of pixels normalised as `pixels` says. Uses all cores.
///
/// # Errors
/// When image or network cannot be used, or the network is not the image's.
pub fn embed_photos(
    image: &Path,
    read: ReadPhotos,
    model: Option<&Path>,
    pixels: PixelsFor,
) -> Result<Embedded> {
    let bytes = AlignedBytes::read(image)?;
    let checked = bytes.image(image)?;
    let float = model.map(|path| FloatNetwork::of_image(path, pixels, &checked, image)).transpose()?;
    let ReadPhotos { crops, warnings, .. } = read;
    let mut seconds = Seconds { reading: read.seconds, ..Seconds::default() };

    let timed = Instant::now();
    let simulator = Simulator::new(&checked.embedder)?;
    let integers = embed(&simulator, &crops, "quantised network")?;
    let quantised = units(&integers);
    seconds.quantised = timed.elapsed().as_secs_f64();

    let timed = Instant::now();
    let layers = float.as_ref().map(|float| float.noise(&simulator, &crops)).transpose()?.unwrap_or_default();
    let float = float.map(|float| float.embed(&crops)).transpose()?;
    seconds.float = timed.elapsed().as_secs_f64();
    Ok(Embedded { integers, quantised, float, layers, warnings, seconds })
}

/// Checks that a network is the one that an image was exported from.
struct FloatNetwork {
    reference: Reference,
    graph: Graph,
    preprocessing: Preprocessing,
}

impl FloatNetwork {
    /// Loads an ONNX file that must be the one the image was exported from.
    fn of_image(model: &Path, pixels: PixelsFor, image: &Image<'_>, path: &Path) -> Result<Self> {
        let input = image.embedder.preprocess();
        let output = image.embedder.outputs().next().map(|output| output.name.to_string());
        let size = Some([input.height.into(), input.width.into()]);
        let (normalised, mean, scale) = match pixels {
            PixelsFor::Channels(channels) => (Some(channels), None, None),
            PixelsFor::All { mean, scale } => (None, mean, scale),
        };
        let whole = Cut { size, normalised, ..Cut::default() };
        let cut = Cut { outputs: output.into_iter().collect(), ..whole.clone() };
        // The embedding may be any value of the file, or be named at greater length than an image has room for.
        let cut = if import(model, &cut).is_ok() { cut } else { whole };
        let imported = import(model, &cut)?;
        if imported.sha256 != image.embedder.head().source {
            bail!(
                "{} is not the network that {} was exported from; if it was exported with several values of --mean or --scale, give \
                 the same ones here",
                model.display(),
                path.display()
            )
        }
        let preprocessing =
            Preprocessing { mean: mean.unwrap_or(input.mean), scale: scale.unwrap_or(input.scale) };
        Ok(FloatNetwork {
            reference: Reference::load_cut(model, &cut)?,
            graph: passes::lower(imported.graph),
            preprocessing,
        })
    }

    /// Effect of quantisation on each tensor, measured on a few of the crops.
    fn noise(&self, simulator: &Simulator<'_>, crops: &[Vec<u8>]) -> Result<Vec<LayerReport>> {
        let step = crops.len().div_ceil(NOISE_CROPS).max(1);
        let few: Vec<Vec<u8>> = crops.iter().step_by(step).cloned().collect();
        noise::noise(&self.graph, simulator, self.preprocessing, &few)
    }

    /// Unit embeddings, on all cores.
    fn embed(&self, crops: &[Vec<u8>]) -> Result<Vec<Vec<f32>>> {
        let bar = output::bar(crops.len(), "float network");
        let embeddings = crops.par_iter().map(|crop| {
            bar.inc(1);
            self.reference.embed(&self.preprocessing.apply(crop)).map(|embedding| unit(&embedding))
        });
        let embeddings = embeddings.collect();
        bar.finish_and_clear();
        embeddings
    }
}
