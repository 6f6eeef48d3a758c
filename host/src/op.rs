//! The operators: one file each, mirroring those of the runtime ([`nn::op`]).
//!
//! * `import` reads an ONNX node.
//! * `float` computes the tensor in `f32`, before its activation.
//! * `fill` adds the results of quantisation to the layer's record.
//!
//! An operator has only the functions that it needs. A new operator is a file here, a variant of [`Op`] and a line in
//! each dispatch below.

pub mod add;
pub mod average;
pub mod concat;
pub mod conv;
pub mod depthwise;
pub mod enlarge;
pub mod max_pool;
pub mod scale;
pub mod table;

use anyhow::{Result, bail};
use format::layer::{self, Layer, Operator, Tensor};

use crate::graph::{Graph, Node, Shape, Window};
use crate::onnx::import::{Importer, Value};
use crate::quantize::Quantised;
use crate::quantize::emit::Blob;

/// An operator. Import makes all of these. The passes remove `Affine` and `Identity`; the runtime executes the others.
#[derive(Clone, Debug)]
pub enum Op {
    /// The photo, in the network's own units. `(pixel − mean) / scale` is applied before it.
    Input,
    /// Convolution over all input channels, or over the channels of a group. A dense layer is a convolution whose
    /// kernel covers its whole input.
    Conv {
        /// `[c_out][kh][kw][c_in / groups]`, flattened.
        weights: Vec<f32>,
        /// `[c_out]`.
        bias: Vec<f32>,
        /// Place of the kernel.
        window: Window,
        /// Groups of channels.
        groups: usize,
    },
    /// One filter per channel.
    Depthwise {
        /// `[kh][kw][c]`, flattened.
        weights: Vec<f32>,
        /// `[c]`.
        bias: Vec<f32>,
        /// Place of the kernel.
        window: Window,
    },
    /// [`Op::Depthwise`] with the same weight for all taps of a channel. Padding is left out: the sum is multiplied by the
    /// number of taps and divided by the number of taps inside the tensor.
    Average {
        /// `[kh][kw][c]`, flattened.
        weights: Vec<f32>,
        /// `[c]`.
        bias: Vec<f32>,
        /// Place of the window.
        window: Window,
    },
    /// `x · scale + shift` per channel: an unfused batch norm, or preprocessing inside the network.
    Affine {
        /// `[c]`.
        scale: Vec<f32>,
        /// `[c]`.
        shift: Vec<f32>,
    },
    /// Sum of two tensors of one shape.
    Add,
    /// Largest value under the window. Padding is ignored.
    MaxPool(
        /// Place of the window.
        Window,
    ),
    /// Channels of all inputs, one after another.
    Concat,
    /// Every pixel repeated `factor` times down and right.
    Enlarge(
        /// The factor.
        usize,
    ),
    /// The channels of the first input, each multiplied by a function of the second input, which has one pixel.
    Scale(
        /// The function.
        Gate,
    ),
    /// A curve, element by element.
    Table(
        /// The curve.
        table::Curve,
    ),
    /// Returns its input. It holds an activation that no operator has taken over yet.
    Identity,
}

impl Op {
    /// Numbers that it holds: weights, biases, scales.
    pub fn elements(&self) -> usize {
        match self {
            Op::Conv { weights, bias, .. }
            | Op::Depthwise { weights, bias, .. }
            | Op::Average { weights, bias, .. } => weights.len() + bias.len(),
            Op::Affine { scale, shift } => scale.len() + shift.len(),
            _ => 0,
        }
    }
}

/// The function of a gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// `1 / (1 + e^−x)`.
    Sigmoid,
    /// `min(max(slope · x + shift, 0), 1)`.
    HardSigmoid {
        /// Slope.
        slope: f32,
        /// Value at zero.
        shift: f32,
    },
}

impl Gate {
    /// The gain for a value: 0 to 1.
    pub fn gain(self, value: f32) -> f32 {
        match self {
            Gate::Sigmoid => 1.0 / (1.0 + (-value).exp()),
            Gate::HardSigmoid { slope, shift } => (slope * value + shift).clamp(0.0, 1.0),
        }
    }
}

/// Reads a node.
type Import = fn(&mut Importer<'_>, &tract_onnx::pb::NodeProto) -> Result<Value>;

/// The ONNX operators that have a file here, with what reads them.
const IMPORTS: &[(&[&str], Import)] = &[
    (&["Conv"], conv::import),
    (&["Gemm", "MatMul"], conv::import_dense),
    (&["Einsum"], conv::import_einsum),
    (&["AveragePool"], average::import),
    (&["GlobalAveragePool"], depthwise::import_global_average),
    (&["ReduceMean"], depthwise::import_mean),
    (&["MaxPool"], max_pool::import),
    (&["GlobalMaxPool"], max_pool::import_global),
    (&["Concat"], concat::import),
    (&["Resize", "Upsample"], enlarge::import),
    (&["Sigmoid", "HardSigmoid"], scale::import_gate),
    (
        &["Celu", "Elu", "Gelu", "HardSwish", "Mish", "Selu", "Softplus", "Softsign", "Swish", "Tanh"],
        table::import,
    ),
];

/// Names of the ONNX operators that have a file here.
pub(crate) fn imported() -> impl Iterator<Item = &'static str> {
    IMPORTS.iter().flat_map(|(names, _)| names.iter().copied())
}

/// What reads an ONNX operator that has a file here; `None` for others.
pub(crate) fn import(op_type: &str) -> Option<Import> {
    IMPORTS.iter().find(|(names, _)| names.contains(&op_type)).map(|(_, import)| *import)
}

/// Bytes of flash of a node's weights, biases, multipliers and table. `is_end` tells that nothing reads its tensor, which then has
/// 16 bits.
pub fn flash_bytes(node: &Node, is_end: bool) -> usize {
    let channels = node.shape[2];
    match &node.op {
        Op::Conv { weights, .. } | Op::Depthwise { weights, .. } | Op::Average { weights, .. } => {
            weights.len() + 12 * channels
        }
        Op::Add => 12 * channels,
        Op::Scale(_) => 12 * channels + 512,
        Op::Table(_) if is_end => 512,
        Op::Table(_) => 256,
        Op::Input | Op::MaxPool(_) | Op::Concat | Op::Enlarge(_) | Op::Affine { .. } | Op::Identity => 0,
    }
}

/// A map, the filters over it, and the shape of the result.
#[derive(Clone, Copy, Debug)]
pub struct Filtered<'a> {
    /// The map, `[h][w][c]`.
    pub input: &'a [f32],
    /// Its shape.
    pub shape: Shape,
    /// Weights, as the operator has them.
    pub weights: &'a [f32],
    /// One bias a channel of the result.
    pub bias: &'a [f32],
    /// The filters' window.
    pub window: &'a Window,
    /// Shape of the result.
    pub output: Shape,
}

/// A node's tensor before its activation, from its inputs' tensors.
///
/// # Panics
/// For the input, and for operators that passes remove ([`crate::passes::lower`]).
pub fn float(graph: &Graph, node: &Node, inputs: &[&[f32]]) -> Vec<f32> {
    let shape = |index: usize| graph.nodes[node.inputs[index]].shape;
    let filter = |weights, bias, window| Filtered {
        input: inputs[0],
        shape: shape(0),
        weights,
        bias,
        window,
        output: node.shape,
    };
    match &node.op {
        Op::Conv { weights, bias, window, groups } => conv::float(&filter(weights, bias, window), *groups),
        Op::Depthwise { weights, bias, window } => depthwise::float(&filter(weights, bias, window)),
        Op::Average { weights, bias, window } => average::float(&filter(weights, bias, window)),
        Op::Add => add::float(inputs),
        Op::MaxPool(window) => max_pool::float(inputs[0], shape(0), window, node.shape),
        Op::Concat => {
            concat::float(inputs, &node.inputs.iter().map(|&i| graph.nodes[i].shape[2]).collect::<Vec<_>>())
        }
        Op::Enlarge(factor) => enlarge::float(inputs[0], shape(0), *factor),
        Op::Scale(gate) => scale::float(inputs[0], inputs[1], *gate),
        Op::Table(curve) => table::float(inputs[0], curve),
        Op::Input | Op::Affine { .. } | Op::Identity => panic!("{}: not a lowered operator", node.name),
    }
}

/// The record of a node without the results of quantisation: weights, stage, gains. `output` is the node's tensor. An
/// operator that passes remove becomes an input.
pub fn outline(node: &Node, output: Tensor) -> Layer {
    let inputs: Vec<u16> = node.inputs.iter().map(|&input| input as u16).collect();
    let layer = |operator| Layer::new(operator, &inputs, output);
    match &node.op {
        Op::Input | Op::Affine { .. } | Op::Identity => layer(Operator::Input),
        Op::Conv { window, groups, .. } => {
            Layer { window: record(window), groups: *groups as u16, ..layer(Operator::Conv) }
        }
        Op::Depthwise { window, .. } => Layer { window: record(window), ..layer(Operator::Depthwise) },
        Op::Average { window, .. } => Layer { window: record(window), ..layer(Operator::Average) },
        Op::MaxPool(window) => Layer { window: record(window), ..layer(Operator::MaxPool) },
        Op::Add => layer(Operator::Add),
        Op::Concat => layer(Operator::Concat),
        Op::Enlarge(factor) => Layer { factor: *factor as u8, ..layer(Operator::Enlarge) },
        Op::Scale(_) => layer(Operator::Scale),
        Op::Table(_) => layer(Operator::Table),
    }
}

/// A window's record. Import has checked that its numbers fit.
fn record(window: &Window) -> layer::Window {
    layer::Window {
        kernel: window.kernel.map(|k| k as u8),
        stride: window.stride.map(|s| s as u8),
        pad: [window.pad[0] as u8, window.pad[1] as u8],
        dilation: window.dilation.map(|d| d as u8),
    }
}

/// Adds the results of quantisation to a node's outline. Its arrays go to the blob.
///
/// # Errors
/// When an accumulator could overflow 32 bits, or the node was not lowered.
pub fn fill(quantised: &Quantised, index: usize, outline: Layer, blob: &mut Blob) -> Result<Layer> {
    let node = &quantised.graph.nodes[index];
    match &node.op {
        Op::Input | Op::MaxPool(_) | Op::Concat | Op::Enlarge(_) => Ok(outline),
        Op::Conv { .. } | Op::Depthwise { .. } | Op::Average { .. } => {
            conv::fill(quantised, index, outline, blob)
        }
        Op::Add => add::fill(quantised, index, outline, blob),
        Op::Scale(gate) => scale::fill(quantised, index, *gate, outline, blob),
        Op::Table(curve) => Ok(table::fill(quantised, index, curve, outline, blob)),
        Op::Affine { .. } | Op::Identity => bail!("{}: not a lowered operator", node.name),
    }
}

/// Name of an operator, as the image and the reports use it.
pub fn name(op: &Op) -> &'static str {
    let operator = match op {
        Op::Input => Operator::Input,
        Op::Conv { .. } => Operator::Conv,
        Op::Depthwise { .. } => Operator::Depthwise,
        Op::Average { .. } => Operator::Average,
        Op::Add => Operator::Add,
        Op::MaxPool(_) => Operator::MaxPool,
        Op::Concat => Operator::Concat,
        Op::Enlarge(_) => Operator::Enlarge,
        Op::Scale(_) => Operator::Scale,
        Op::Table(_) => Operator::Table,
        Op::Affine { .. } => return "affine",
        Op::Identity => return "identity",
    };
    operator.name()
}

/// Whether an operator only moves elements, so that its tensor has the grid of its inputs.
pub fn moves_elements(op: &Op) -> bool {
    matches!(op, Op::MaxPool(_) | Op::Concat | Op::Enlarge(_))
}
