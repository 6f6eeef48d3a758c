//! A curve, element by element: for activations that straight lines cannot represent. The input has 256 values, so a
//! board uses a table of the curve.

pub mod formula;

use anyhow::{Result, bail};
use format::layer::{Element, Layer};
use statrs::function::erf::erf;
use tract_onnx::pb::NodeProto;

use self::formula::{Formula, Unary};
use crate::graph::Gate;
use crate::onnx::attributes;
use crate::onnx::import::{Importer, Value};
use crate::quantize::Quantised;
use crate::quantize::emit::Blob;

/// A function of one number.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// `x · gate(x)`: SiLU (Elfwing et al. 2018, arXiv:1702.03118) and hard-swish (Howard et al. 2019, arXiv:1905.02244).
    Gated(Gate),
    /// A gate alone.
    Gate(Gate),
    /// Hyperbolic tangent.
    Tanh,
    /// For positive `x`: `gain · x`. For negative `x`: `gain · alpha · (e^x − 1)`. CELU with an alpha of 1 is the same.
    Elu {
        /// Distance of the lower bound from zero.
        alpha: f32,
        /// Multiplies the result, for SELU.
        gain: f32,
    },
    /// `x · Φ(x)` (Hendrycks and Gimpel 2016, arXiv:1606.08415), exactly.
    Gelu,
    /// GELU by its approximation with a hyperbolic tangent.
    TanhGelu,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x · tanh(softplus(x))` (Misra 2019, arXiv:1908.08681).
    Mish,
    /// `x / (1 + |x|)`.
    Softsign,
    /// A function that the file writes with several nodes.
    Written(Box<Formula>),
}

impl Curve {
    /// The curve's value at `x`.
    pub fn at(&self, x: f32) -> f32 {
        let softplus = |x: f32| if x > 20.0 { x } else { x.exp().ln_1p() };
        match *self {
            Curve::Gated(gate) => x * gate.gain(x),
            Curve::Gate(gate) => gate.gain(x),
            Curve::Tanh => x.tanh(),
            Curve::Elu { alpha, gain } => gain * if x < 0.0 { alpha * x.exp_m1() } else { x },
            Curve::Gelu => (f64::from(x) * 0.5 * (1.0 + erf(f64::from(x) / std::f64::consts::SQRT_2))) as f32,
            Curve::TanhGelu => {
                let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Curve::Softplus => softplus(x),
            Curve::Mish => x * softplus(x).tanh(),
            Curve::Softsign => x / (1.0 + x.abs()),
            Curve::Written(ref formula) => formula.at(x.into()) as f32,
        }
    }
}

/// An activation that ONNX has as an operator.
///
/// # Errors
/// When its input is not a tensor, or an attribute has another type or is not supported.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let attribute =
        |name: &str, default: f32| -> Result<f32> { Ok(attributes::float(node, name)?.unwrap_or(default)) };
    let curve = match &*node.op_type {
        "HardSwish" => Curve::Gated(Gate::HardSigmoid { slope: 1.0 / 6.0, shift: 0.5 }),
        // ONNX has Swish from version 24 on.
        "Swish" if attribute("alpha", 1.0)? == 1.0 => Curve::Gated(Gate::Sigmoid),
        "Tanh" => Curve::Tanh,
        "Elu" => Curve::Elu { alpha: attribute("alpha", 1.0)?, gain: 1.0 },
        // The reference computes Celu with another alpha otherwise than ONNX defines it, so nothing could be compared.
        "Celu" if attribute("alpha", 1.0)? == 1.0 => Curve::Elu { alpha: 1.0, gain: 1.0 },
        "Selu" => {
            Curve::Elu { alpha: attribute("alpha", 1.673_263_2)?, gain: attribute("gamma", 1.050_701)? }
        }
        "Gelu" => match attributes::text(node, "approximate")?.as_deref() {
            Some("tanh") => Curve::TanhGelu,
            _ => Curve::Gelu,
        },
        "Softplus" => Curve::Softplus,
        "Mish" => Curve::Mish,
        "Softsign" => Curve::Softsign,
        other => bail!("{other} with these attributes is not supported"),
    };
    importer.of_one(node, Unary::Curve(curve))
}

/// Element by element.
pub fn float(input: &[f32], curve: &Curve) -> Vec<f32> {
    input.iter().map(|&value| curve.at(value)).collect()
}

/// The table: one output element for each of the input's 256 elements.
pub fn fill(quantised: &Quantised, index: usize, curve: &Curve, outline: Layer, blob: &mut Blob) -> Layer {
    let input = quantised.layers[quantised.graph.nodes[index].inputs[0]].grid;
    let output = quantised.layers[index].grid;
    let value = |element: i32| curve.at(input.scale * (element - input.zero_point) as f32);
    let table = (-128..128).map(|element| output.element(value(element)) as i16);
    let weights = match outline.output.element {
        Element::I8 => blob.push(&table.map(|entry| entry as u8).collect::<Vec<_>>()),
        Element::I16 => blob.push(bytemuck::cast_slice(&table.collect::<Vec<_>>())),
    };
    Layer { weights, ..outline }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_go_through_known_points() {
        let hard = Gate::HardSigmoid { slope: 1.0 / 6.0, shift: 0.5 };
        for (curve, x, y) in [
            (Curve::Gated(Gate::Sigmoid), 1.0, 0.731_058_6),
            (Curve::Gated(hard), 1.0, 0.666_666_7),
            (Curve::Gated(hard), -4.0, 0.0),
            (Curve::Gated(hard), 5.0, 5.0),
            (Curve::Tanh, 0.5, 0.462_117_16),
            (Curve::Elu { alpha: 2.0, gain: 1.0 }, -1.0, -1.264_241_1),
            (Curve::Gelu, 1.0, 0.841_344_7),
            (Curve::TanhGelu, 1.0, 0.841_192),
            (Curve::Softplus, 30.0, 30.0),
            (Curve::Softplus, 0.0, std::f32::consts::LN_2),
            (Curve::Mish, 1.0, 0.865_098_4),
            (Curve::Softsign, -3.0, -0.75),
        ] {
            assert!((curve.at(x) - y).abs() < 1e-5, "{curve:?} at {x}: {}", curve.at(x));
        }
    }
}
