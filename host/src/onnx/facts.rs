//! What tract infers of an ONNX file: shapes and constants of every value.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid as _;
use tract_onnx::tract_hir::internal::DimLike as _;

use crate::graph::Shape;

/// Fixes unknown input dimensions (a dynamic batch) to one.
pub(super) fn concrete_input(model: &mut InferenceModel) -> TractResult<Vec<usize>> {
    let fact = model.input_fact(0)?.clone();
    let rank = fact.shape.rank().concretize().unwrap_or(4) as usize;
    let dims: Vec<usize> = (0..rank)
        .map(|axis| {
            fact.shape.dim(axis).and_then(|d| d.concretize()).and_then(|d| d.to_usize().ok()).unwrap_or(1)
        })
        .collect();
    model.set_input_fact(0, InferenceFact::dt_shape(f32::datum_type(), &dims))?;
    Ok(dims)
}

/// `[h, w, c]` of an input of ONNX shape `[1, c, h, w]` or `[1, h, w, c]`, and whether it is the former.
pub(super) fn input_shape(dims: &[usize]) -> Result<(Shape, bool)> {
    match *dims {
        [1, c @ (1 | 3), h, w] => Ok(([h, w, c], true)),
        [1, h, w, c @ (1 | 3)] => Ok(([h, w, c], false)),
        _ => bail!(
            "input has shape {dims:?}: one photo with 1 or 3 channels is needed, such as [1, 3, 112, 112]"
        ),
    }
}

/// Shapes and constants of every ONNX value, as tract infers them.
pub(super) struct Facts {
    pub(super) model: InferenceModel,
    outlets: HashMap<String, OutletId>,
    /// Shape of the input.
    pub(super) input: Vec<usize>,
}

impl Facts {
    pub(super) fn infer(proto: &ModelProto) -> Result<Self> {
        let tract = |error: TractError| anyhow!("{error:#}");
        let parsed = tract_onnx::onnx().parse(proto, None).map_err(tract)?;
        let mut model = parsed.model;
        ensure!(
            model.inputs.len() == 1,
            "the network has {} inputs, one photo is needed",
            model.inputs.len()
        );
        let input = concrete_input(&mut model).map_err(tract)?;
        model.analyse(true).map_err(tract)?;
        Ok(Facts { model, outlets: parsed.outlets_by_name, input })
    }

    pub(super) fn fact(&self, name: &str) -> Option<&InferenceFact> {
        self.model.outlet_fact(*self.outlets.get(name)?).ok()
    }

    pub(super) fn shape(&self, name: &str) -> Result<Vec<usize>> {
        let shape = self.fact(name).and_then(|fact| fact.shape.concretize());
        let dims = shape.map(|dims| dims.iter().map(|d| d.to_usize()).collect::<Result<Vec<_>, _>>());
        dims.and_then(|dims| dims.ok()).with_context(|| format!("shape of {name} is not known"))
    }

    /// Value of a constant.
    pub(super) fn constant(&self, name: &str) -> Option<Arc<Tensor>> {
        self.fact(name)?.value.concretize()
    }
}
