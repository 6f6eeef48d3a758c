//! The network as its file computes it, run in `f32` by tract. Everything else is compared with this reference.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use tract_onnx::prelude::*;

use super::Cut;
use super::file::File;
use crate::graph::Shape;

/// A network that tract runs in `f32`: the reference for the quantised network, and the face detectors.
pub struct Reference {
    model: Arc<TypedSimplePlan>,
    input: Shape,
    nchw: bool,
}

impl Reference {
    /// Loads and optimises the network.
    ///
    /// # Errors
    /// When tract cannot load it.
    pub fn load(path: &Path) -> Result<Self> {
        Self::load_cut(path, &Cut::default())
    }

    /// [`Self::load`] of a part of the file.
    ///
    /// # Errors
    /// As [`Self::load`]; also when the file has no such part.
    pub fn load_cut(path: &Path, cut: &Cut) -> Result<Self> {
        let tract = |error: TractError| anyhow!("{}: {error:#}", path.display());
        let File { proto, photo, .. } = File::read(path, cut)?;
        let model = tract_onnx::onnx().parse(&proto, None).map_err(tract)?.model;
        let model = model.into_optimized().and_then(|model| model.into_runnable()).map_err(tract)?;
        Ok(Reference { model, input: photo.shape, nchw: photo.is_nchw })
    }

    /// Height, width and channels of the input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Every output, in the order of its own axes, for an input in the network's own units, `[h][w][c]`.
    ///
    /// # Errors
    /// When the input has another size or tract fails.
    pub fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>> {
        let [h, w, c] = self.input;
        ensure!(input.len() == h * w * c, "{} values for an input of {h}×{w}×{c}", input.len());
        let tensor: Tensor = if self.nchw {
            tract_ndarray::Array4::from_shape_fn((1, c, h, w), |(_, k, y, x)| input[(y * w + x) * c + k])
                .into()
        } else {
            tract_ndarray::Array4::from_shape_fn((1, h, w, c), |(_, y, x, k)| input[(y * w + x) * c + k])
                .into()
        };
        let outputs = self.model.run(tvec!(tensor.into())).map_err(|error| anyhow!("{error:#}"))?;
        let values = outputs.iter().map(|output| {
            let output = output.to_plain_array_view::<f32>().map_err(|error| anyhow!("{error:#}"))?;
            Ok(output.iter().copied().collect())
        });
        values.collect()
    }

    /// The embedding of a crop: the first output of [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn embed(&self, crop: &[f32]) -> Result<Vec<f32>> {
        self.run(crop)?.into_iter().next().context("the network has no output")
    }
}
