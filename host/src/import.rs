//! ONNX file to [`Graph`]. The only file that knows tract.
//!
//! tract reads the protobuf and infers every shape and constant; operators are then taken one by one. Operators
//! that only re-read a layout (Reshape, Transpose, …) make no node: each ONNX tensor is tracked as a node's
//! tensor plus the order in which the file sees its axes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid as _;
use tract_onnx::tract_hir::internal::DimLike as _;

use crate::graph::{Activation, Graph, Node, Op, Shape, Window};

/// A network as read from its file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The operators.
    pub graph: Graph,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Trained numbers in the file.
    pub parameters: usize,
    /// ONNX operators and how often each occurs, most frequent first.
    pub operators: Vec<(String, usize)>,
}

impl Imported {
    /// Height, width, channels of the photo it takes.
    pub fn input(&self) -> Shape {
        self.graph.nodes[0].shape
    }
}

/// Reads an ONNX file.
///
/// # Errors
/// When it is not an ONNX file, has other than one input or output, or has nodes that are not supported: all of
/// them are named, with what would replace each.
pub fn import(path: &Path) -> Result<Imported> {
    let file = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {file}"))?;
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut &*bytes)
        .with_context(|| format!("{file} is not an ONNX file"))?;
    let onnx = proto.graph.as_ref().with_context(|| format!("{file} holds no graph"))?;
    let mut operators = HashMap::<&str, usize>::new();
    for node in onnx.node.iter().filter(|node| node.op_type != "Constant") {
        *operators.entry(&node.op_type).or_default() += 1;
    }
    let mut operators: Vec<(String, usize)> =
        operators.into_iter().map(|(name, count)| (name.to_string(), count)).collect();
    operators.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));

    refuse_unknown_operators(onnx).with_context(|| format!("{file} cannot be exported"))?;
    let facts = Facts::infer(&proto).with_context(|| format!("{file}: shapes cannot be inferred"))?;
    let graph = Importer::run(onnx, facts).with_context(|| format!("{file} cannot be exported"))?;
    let parameters = onnx.initializer.iter().map(|t| t.dims.iter().product::<i64>() as usize).sum();
    Ok(Imported { graph, sha256: Sha256::digest(&bytes).into(), parameters, operators })
}

/// A network as tract runs it in `f32`: the reference that the quantised one is compared with, and the detectors.
pub struct Reference {
    model: Arc<TypedSimplePlan>,
    input: Shape,
    nchw: bool,
}

impl Reference {
    /// Loads and optimises the network.
    ///
    /// # Errors
    /// When tract cannot.
    pub fn load(path: &Path) -> Result<Self> {
        let file = path.display();
        let tract = |error: TractError| anyhow!("{file}: {error:#}");
        let mut model = tract_onnx::onnx().model_for_path(path).map_err(tract)?;
        let dims = concrete_input(&mut model).map_err(tract)?;
        let model = model.into_optimized().and_then(|model| model.into_runnable()).map_err(tract)?;
        let (input, nchw) = input_shape(&dims).with_context(|| file.to_string())?;
        Ok(Reference { model, input, nchw })
    }

    /// Height, width and channels of the input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Every output for an input in the network's own units, `[h][w][c]`.
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

/// Fixes unknown input dimensions (a dynamic batch) to one.
fn concrete_input(model: &mut InferenceModel) -> TractResult<Vec<usize>> {
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
fn input_shape(dims: &[usize]) -> Result<(Shape, bool)> {
    match *dims {
        [1, c @ (1 | 3), h, w] => Ok(([h, w, c], true)),
        [1, h, w, c @ (1 | 3)] => Ok(([h, w, c], false)),
        _ => bail!(
            "input has shape {dims:?}: one photo with 1 or 3 channels is needed, such as [1, 3, 112, 112]"
        ),
    }
}

/// Shapes and constants of every ONNX value, as tract infers them.
struct Facts {
    model: InferenceModel,
    outlets: HashMap<String, OutletId>,
    input: Vec<usize>,
}

impl Facts {
    fn infer(proto: &ModelProto) -> Result<Self> {
        let tract = |error: TractError| anyhow!("{error:#}");
        let parsed = tract_onnx::onnx().parse(proto, None).map_err(tract)?;
        let mut model = parsed.model;
        ensure!(
            model.inputs.len() == 1,
            "the network has {} inputs, one photo is needed",
            model.inputs.len()
        );
        ensure!(
            model.outputs.len() == 1,
            "the network has {} outputs: export it with its embedding alone",
            model.outputs.len()
        );
        let input = concrete_input(&mut model).map_err(tract)?;
        model.analyse(true).map_err(tract)?;
        Ok(Facts { model, outlets: parsed.outlets_by_name, input })
    }

    fn fact(&self, name: &str) -> Option<&InferenceFact> {
        self.model.outlet_fact(*self.outlets.get(name)?).ok()
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>> {
        let shape = self.fact(name).and_then(|fact| fact.shape.concretize());
        let dims = shape.map(|dims| dims.iter().map(|d| d.to_usize()).collect::<Result<Vec<_>, _>>());
        dims.and_then(|dims| dims.ok()).with_context(|| format!("shape of {name} is not known"))
    }

    /// Value of a constant.
    fn constant(&self, name: &str) -> Option<Arc<Tensor>> {
        self.fact(name)?.value.concretize()
    }
}

/// An axis of a node's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    H,
    W,
    C,
}

/// What an ONNX value is to us.
#[derive(Clone, Debug)]
enum Value {
    /// A node's tensor. `dims`: for each ONNX dimension the axes it runs over, slowest first; axes of extent
    /// one are left out.
    Tensor { node: usize, dims: Vec<Vec<Axis>> },
    /// A node's tensor divided by its length.
    Normalised { node: usize },
    /// Squares of a node's tensor.
    Squares { node: usize },
    /// Length of a node's tensor.
    Length { node: usize },
}

struct Importer {
    facts: Facts,
    graph: Graph,
    values: HashMap<String, Value>,
}

const SUPPORTED: &[&str] = &[
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "Identity",
    "LeakyRelu",
    "LpNormalization",
    "MatMul",
    "Max",
    "MaxPool",
    "Mul",
    "PRelu",
    "Pow",
    "ReduceL2",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Slice",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
];

/// What to use instead of an operator.
fn replacement(operator: &str) -> &'static str {
    match operator {
        "Sigmoid" | "HardSigmoid" => "train without squeeze-and-excitation branches",
        "HardSwish" | "Elu" | "Selu" | "Softplus" | "Mish" | "Gelu" | "Tanh" | "Swish" | "Celu" => {
            "train with PReLU, ReLU or ReLU6"
        }
        "ConvTranspose" | "Resize" | "Upsample" => "an embedding network does not enlarge; remove the branch",
        "Pad" => "put the padding into the convolution's own pads",
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => {
            "train with BatchNormalization"
        }
        "Softmax" | "Attention" | "Einsum" => "use a convolutional network; attention is not supported",
        "LSTM" | "GRU" | "RNN" | "Loop" | "If" | "Scan" => "use a feed-forward convolutional network",
        "QLinearConv" | "QuantizeLinear" | "DequantizeLinear" | "ConvInteger" => {
            "export the float network; it is quantised here"
        }
        "Split" => "concatenation and splitting of channels are not supported; use residual additions",
        _ => "remove it from the network, or fold it into convolutions before exporting",
    }
}

fn refuse_unknown_operators(onnx: &GraphProto) -> Result<()> {
    let unknown: Vec<String> = onnx
        .node
        .iter()
        .filter(|node| !SUPPORTED.contains(&&*node.op_type))
        .map(|node| unsupported(node, "the operator is not supported", replacement(&node.op_type)))
        .collect();
    complain(unknown)
}

fn unsupported(node: &NodeProto, why: &str, instead: &str) -> String {
    format!("{} (node {}): {why}; {instead}", node.op_type, node_name(node))
}

fn complain(complaints: Vec<String>) -> Result<()> {
    match complaints.len() {
        0 => Ok(()),
        1 => bail!("{}", complaints[0]),
        n => bail!("{n} nodes are not supported:\n  {}", complaints.join("\n  ")),
    }
}

fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("?", |name| name) } else { &node.name }
}

impl Importer {
    fn run(onnx: &GraphProto, facts: Facts) -> Result<Graph> {
        let input_name = facts.model.node(facts.model.inputs[0].node).name.clone();
        let (shape, nchw) = input_shape(&facts.input)?;
        let input = Node {
            name: input_name.clone(),
            op: Op::Input,
            inputs: vec![],
            shape,
            activation: Activation::None,
        };
        let order = if nchw { [Axis::C, Axis::H, Axis::W] } else { [Axis::H, Axis::W, Axis::C] };
        let mut importer = Importer { facts, graph: Graph { nodes: vec![input] }, values: HashMap::new() };
        let dims = [vec![]].into_iter().chain(order.map(|axis| importer.axes(0, &[axis]))).collect();
        importer.values.insert(input_name, Value::Tensor { node: 0, dims });

        let mut complaints = Vec::new();
        for node in &onnx.node {
            let constant = |name: &String| importer.facts.constant(name).is_some();
            if node.output.iter().all(constant) || node.op_type == "Shape" {
                continue;
            }
            // What follows an unsupported node has no value and is passed over, so that each is named once.
            let known =
                |name: &String| name.is_empty() || importer.values.contains_key(name) || constant(name);
            if !node.input.iter().all(known) && !complaints.is_empty() {
                continue;
            }
            if !node.input.iter().any(|name| importer.values.contains_key(name)) {
                continue;
            }
            match importer.node(node) {
                Ok(value) => drop(importer.values.insert(node.output[0].clone(), value)),
                Err(error) => {
                    complaints.push(format!("{} (node {}): {error:#}", node.op_type, node_name(node)))
                }
            }
        }
        complain(complaints)?;
        let output = importer.facts.model.outlet_label(importer.facts.model.outputs[0]);
        let output = output.context("the output has no name")?;
        let node = match importer.values.get(output) {
            Some(Value::Tensor { node, .. } | Value::Normalised { node }) => *node,
            _ => bail!("output {output} is not computed from the photo"),
        };
        let [h, w, _] = importer.graph.nodes[node].shape;
        ensure!(
            h == 1 && w == 1,
            "output {output} is a map of {h}×{w}, an embedding has one value a dimension"
        );
        importer.graph.nodes.truncate(node + 1);
        Ok(importer.graph)
    }

    /// Those of `axes` whose extent in the node's tensor is not one.
    fn axes(&self, node: usize, axes: &[Axis]) -> Vec<Axis> {
        axes.iter().copied().filter(|&axis| self.extent(node, axis) > 1).collect()
    }

    fn extent(&self, node: usize, axis: Axis) -> usize {
        let [h, w, c] = self.graph.nodes[node].shape;
        match axis {
            Axis::H => h,
            Axis::W => w,
            Axis::C => c,
        }
    }

    fn push(&mut self, onnx: &NodeProto, op: Op, inputs: Vec<usize>, shape: Shape) -> usize {
        let name = node_name(onnx).to_string();
        self.graph.nodes.push(Node { name, op, inputs, shape, activation: Activation::None });
        self.graph.nodes.len() - 1
    }

    /// A new node whose tensor ONNX sees as `[1, c, h, w]`.
    fn map(&mut self, onnx: &NodeProto, op: Op, input: usize, shape: Shape) -> Value {
        let node = self.push(onnx, op, vec![input], shape);
        let dims =
            [vec![]].into_iter().chain([Axis::C, Axis::H, Axis::W].map(|axis| self.axes(node, &[axis])));
        Value::Tensor { dims: dims.collect(), node }
    }

    /// A new node elementwise over `input`, its dimensions kept.
    fn pointwise(&mut self, onnx: &NodeProto, op: Op, input: usize, dims: Vec<Vec<Axis>>) -> Value {
        let shape = self.graph.nodes[input].shape;
        Value::Tensor { node: self.push(onnx, op, vec![input], shape), dims }
    }

    fn activation(
        &mut self,
        onnx: &NodeProto,
        activation: Activation,
        input: usize,
        dims: Vec<Vec<Axis>>,
    ) -> Value {
        let value = self.pointwise(onnx, Op::Identity, input, dims);
        if let Some(node) = self.graph.nodes.last_mut() {
            node.activation = activation;
        }
        value
    }

    fn floats(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let tensor = self.facts.constant(name)?;
        let tensor = tensor.cast_to::<f32>().ok()?;
        let view = tensor.to_plain_array_view::<f32>().ok()?;
        Some((tensor.shape().to_vec(), view.iter().copied().collect()))
    }

    fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let tensor = self.facts.constant(name)?;
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(tensor.to_plain_array_view::<i64>().ok()?.iter().copied().collect())
    }

    /// The constant input number `index`.
    fn weights(&self, node: &NodeProto, index: usize) -> Result<(Vec<usize>, Vec<f32>)> {
        let name = node.input.get(index).with_context(|| format!("input {index} is missing"))?;
        self.floats(name).with_context(|| format!("input {name} is not a constant"))
    }

    fn optional_weights(&self, node: &NodeProto, index: usize) -> Result<Option<Vec<f32>>> {
        match node.input.get(index) {
            Some(name) if !name.is_empty() => Ok(Some(self.weights(node, index)?.1)),
            _ => Ok(None),
        }
    }

    fn tensor(&self, name: &str) -> Result<(usize, Vec<Vec<Axis>>)> {
        match self.values.get(name) {
            Some(Value::Tensor { node, dims }) => Ok((*node, dims.clone())),
            Some(Value::Normalised { .. }) => {
                bail!("reads the normalised embedding; L2 normalisation must come last")
            }
            Some(_) => bail!("input {name} is part of an L2 normalisation"),
            None => bail!("input {name} is not computed from the photo"),
        }
    }

    /// The input as a map that ONNX sees as `[1, c, h, w]`.
    fn chw(&self, name: &str) -> Result<(usize, Shape)> {
        let (node, dims) = self.tensor(name)?;
        let within = |dim: &[Axis], axis| dim.iter().all(|&a| a == axis);
        match &dims[..] {
            [n, c, h, w]
                if n.is_empty() && within(c, Axis::C) && within(h, Axis::H) && within(w, Axis::W) =>
            {
                Ok((node, self.graph.nodes[node].shape))
            }
            _ => bail!("reads a tensor that is not in the order [1, c, h, w]"),
        }
    }

    /// Values of a constant per channel, if that is how it broadcasts over the tensor.
    fn per_channel(
        &self,
        node: usize,
        dims: &[Vec<Axis>],
        constant: (Vec<usize>, Vec<f32>),
    ) -> Result<Vec<f32>> {
        let (shape, values) = constant;
        let channels = self.extent(node, Axis::C);
        if values.len() == 1 {
            return Ok(vec![values[0]; channels]);
        }
        let varying: Vec<usize> = (0..shape.len()).filter(|&axis| shape[axis] > 1).collect();
        if let [axis] = varying[..]
            && shape.len() <= dims.len()
            && dims[dims.len() - shape.len() + axis] == [Axis::C]
        {
            return Ok(values);
        }
        bail!("a constant of shape {shape:?} is not one value a channel")
    }

    fn node(&mut self, node: &NodeProto) -> Result<Value> {
        let first = node.input.first().map_or("", |name| name);
        match &*node.op_type {
            "Conv" => self.conv(node),
            "BatchNormalization" => {
                let (input, dims) = self.tensor(first)?;
                let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|index| self.weights(node, index));
                let (gamma, beta, mean, variance) = (gamma?, beta?.1, mean?.1, variance?.1);
                let epsilon = node.get_attr_opt::<f32>("epsilon").map_err(tract_error)?.unwrap_or(1e-5);
                ensure!(
                    dims.get(1).is_some_and(|dim| dim == &self.axes(input, &[Axis::C])),
                    "normalises a flattened map: put it before flattening"
                );
                let scale: Vec<f32> = gamma
                    .1
                    .iter()
                    .zip(&variance)
                    .map(|(g, v)| (*g as f64 / (*v as f64 + epsilon as f64).sqrt()) as f32)
                    .collect();
                let shift = beta.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
                Ok(self.pointwise(node, Op::Affine { scale, shift }, input, dims))
            }
            "Relu" => {
                let (input, dims) = self.tensor(first)?;
                Ok(self.activation(node, Activation::Relu, input, dims))
            }
            "Clip" => self.clip(node),
            "PRelu" => {
                let (input, dims) = self.tensor(first)?;
                let slopes = self.per_channel(input, &dims, self.weights(node, 1)?)?;
                Ok(self.activation(node, Activation::PRelu(slopes), input, dims))
            }
            "LeakyRelu" => {
                let (input, dims) = self.tensor(first)?;
                let slope = node.get_attr_opt::<f32>("alpha").map_err(tract_error)?.unwrap_or(0.01);
                let slopes = vec![slope; self.extent(input, Axis::C)];
                Ok(self.activation(node, Activation::PRelu(slopes), input, dims))
            }
            "Add" | "Sub" | "Mul" | "Div" | "Max" | "Pow" => self.binary(node),
            "MaxPool" => {
                let (input, shape) = self.chw(first)?;
                let window = self.window(node, shape, None)?;
                let shape = self.output_shape(node)?;
                Ok(self.map(node, Op::MaxPool(window), input, shape))
            }
            "AveragePool" => {
                let (input, shape) = self.chw(first)?;
                let window = self.window(node, shape, None)?;
                let counts_pad =
                    node.get_attr_opt::<i64>("count_include_pad").map_err(tract_error)? == Some(1);
                ensure!(
                    window.pad == [0; 4] || counts_pad,
                    "averages with padding left out of the count; set count_include_pad = 1"
                );
                let shape = self.output_shape(node)?;
                Ok(self.average(node, input, window, shape))
            }
            "GlobalAveragePool" => {
                let (input, [h, w, c]) = self.chw(first)?;
                Ok(self.average(node, input, full_window(h, w), [1, 1, c]))
            }
            "ReduceMean" => {
                let (input, dims) = self.tensor(first)?;
                let axes = self.reduced_axes(node)?;
                let reduced: Vec<Axis> =
                    axes.iter().flat_map(|&axis| dims.get(axis).cloned().unwrap_or_default()).collect();
                ensure!(reduced.iter().all(|&a| a != Axis::C), "averages over channels");
                let [h, w, c] = self.graph.nodes[input].shape;
                ensure!(
                    reduced.len() == self.axes(input, &[Axis::H, Axis::W]).len(),
                    "averages over one of height and width"
                );
                let keep = node.get_attr_opt::<i64>("keepdims").map_err(tract_error)?.unwrap_or(1) == 1;
                let value = self.average(node, input, full_window(h, w), [1, 1, c]);
                let dims = dims.iter().enumerate().filter(|(i, _)| keep || !axes.contains(i));
                let dims =
                    dims.map(|(i, dim)| if axes.contains(&i) { vec![] } else { dim.clone() }).collect();
                match value {
                    Value::Tensor { node, .. } => Ok(Value::Tensor { node, dims }),
                    other => Ok(other),
                }
            }
            "Gemm" | "MatMul" => self.dense(node),
            "Identity" | "Dropout" | "Cast" => self
                .values
                .get(first)
                .cloned()
                .with_context(|| format!("input {first} is not computed from the photo")),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Expand" => {
                match self.values.get(first).cloned() {
                    Some(Value::Tensor { node: input, dims }) => self.reshape(node, input, &dims),
                    Some(other) => Ok(other),
                    None => bail!("input {first} is not computed from the photo"),
                }
            }
            "Transpose" => {
                let (input, dims) = self.tensor(first)?;
                let order: Vec<usize> = match node.get_attr_opt_vec::<usize>("perm").map_err(tract_error)? {
                    Some(order) => order,
                    None => (0..dims.len()).rev().collect(),
                };
                let dims = order
                    .iter()
                    .map(|&axis| dims.get(axis).cloned().context("bad perm"))
                    .collect::<Result<_>>()?;
                Ok(Value::Tensor { node: input, dims })
            }
            "LpNormalization" => {
                let (input, _) = self.tensor(first)?;
                let p = node.get_attr_opt::<i64>("p").map_err(tract_error)?.unwrap_or(2);
                ensure!(p == 2, "normalises with p = {p}; matching is by angle, use p = 2");
                self.flat(input)?;
                Ok(Value::Normalised { node: input })
            }
            "ReduceL2" => {
                let (input, _) = self.tensor(first)?;
                self.flat(input)?;
                Ok(Value::Length { node: input })
            }
            "ReduceSum" => match self.values.get(first) {
                Some(Value::Squares { node }) => Ok(Value::Length { node: *node }),
                _ => bail!("sums are supported only inside an L2 normalisation"),
            },
            "Sqrt" => match self.values.get(first) {
                Some(Value::Length { node }) => Ok(Value::Length { node: *node }),
                _ => bail!("roots are supported only inside an L2 normalisation"),
            },
            _ => bail!("not supported on activations; {}", replacement(&node.op_type)),
        }
    }

    fn flat(&self, node: usize) -> Result<()> {
        let [h, w, _] = self.graph.nodes[node].shape;
        ensure!(h == 1 && w == 1, "normalises a map of {h}×{w}; only the embedding may be normalised");
        Ok(())
    }

    fn reduced_axes(&self, node: &NodeProto) -> Result<Vec<usize>> {
        let rank = self.facts.shape(&node.input[0])?.len() as i64;
        let axes = match node.get_attr_opt_vec::<i64>("axes").map_err(tract_error)? {
            Some(axes) => axes,
            None => match node.input.get(1) {
                Some(name) => self.integers(name).context("axes are not constant")?,
                None => (0..rank).collect(),
            },
        };
        Ok(axes.into_iter().map(|axis| axis.rem_euclid(rank) as usize).collect())
    }

    /// Shape `[h, w, c]` of the node's output, seen by ONNX as `[1, c, h, w]`.
    fn output_shape(&self, node: &NodeProto) -> Result<Shape> {
        match self.facts.shape(&node.output[0])?[..] {
            [1, c, h, w] => Ok([h, w, c]),
            ref other => bail!("output has shape {other:?}, not [1, c, h, w]"),
        }
    }

    fn window(&self, node: &NodeProto, input: Shape, kernel: Option<[usize; 2]>) -> Result<Window> {
        let two = |name: &str, default: Option<[usize; 2]>| -> Result<[usize; 2]> {
            match node.get_attr_opt_vec::<usize>(name).map_err(tract_error)?.as_deref() {
                Some(&[a, b]) => Ok([a, b]),
                Some(other) => bail!("{name} is {other:?}, two numbers are needed"),
                None => default.with_context(|| format!("{name} is missing")),
            }
        };
        let kernel = two("kernel_shape", kernel)?;
        let stride = two("strides", Some([1, 1]))?;
        let dilation = two("dilations", Some([1, 1]))?;
        ensure!(dilation == [1, 1], "dilation {dilation:?}; train with dilation 1");
        let ceil = node.get_attr_opt::<i64>("ceil_mode").map_err(tract_error)?.unwrap_or(0);
        ensure!(ceil == 0, "ceil_mode = 1; use ceil_mode = 0 and explicit padding");
        let auto = node.get_attr_opt::<&str>("auto_pad").map_err(tract_error)?.unwrap_or("NOTSET");
        let pad = match auto {
            "NOTSET" => match node.get_attr_opt_vec::<usize>("pads").map_err(tract_error)?.as_deref() {
                Some(&[top, left, bottom, right]) => [top, left, bottom, right],
                Some(other) => bail!("pads are {other:?}, four numbers are needed"),
                None => [0; 4],
            },
            "VALID" => [0; 4],
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = [0, 1].map(|axis| {
                    let outputs = input[axis].div_ceil(stride[axis]);
                    ((outputs - 1) * stride[axis] + kernel[axis]).saturating_sub(input[axis])
                });
                let [small, large] = [total.map(|t| t / 2), total.map(|t| t - t / 2)];
                let [start, end] = if auto == "SAME_UPPER" { [small, large] } else { [large, small] };
                [start[0], start[1], end[0], end[1]]
            }
            other => bail!("auto_pad {other} is not known"),
        };
        let max = format::layer::MAX_KERNEL;
        ensure!(
            kernel.iter().all(|&k| (1..=max).contains(&k)),
            "kernel {kernel:?}; at most {max}×{max} is supported"
        );
        ensure!(stride.iter().all(|&s| (1..=255).contains(&s)), "stride {stride:?}");
        ensure!(
            pad[0] < kernel[0] && pad[1] < kernel[1],
            "padding {pad:?} is as large as the kernel {kernel:?}"
        );
        Ok(Window { kernel, stride, pad })
    }

    fn conv(&mut self, node: &NodeProto) -> Result<Value> {
        let (input, shape) = self.chw(&node.input[0])?;
        let (dims, weights) = self.weights(node, 1)?;
        let [c_out, c_group, kh, kw] = dims[..] else {
            bail!("weights have shape {dims:?}: a 2-D convolution has four dimensions")
        };
        let window = self.window(node, shape, Some([kh, kw]))?;
        ensure!(
            window.kernel == [kh, kw],
            "kernel_shape {:?} differs from the weights' {kh}×{kw}",
            window.kernel
        );
        let bias = self.optional_weights(node, 2)?.unwrap_or_else(|| vec![0.0; c_out]);
        let groups = node.get_attr_opt::<usize>("group").map_err(tract_error)?.unwrap_or(1);
        let output = self.output_shape(node)?;
        let channels = shape[2];
        let at = |o: usize, c: usize, y: usize, x: usize| weights[((o * c_group + c) * kh + y) * kw + x];
        let op = if groups == 1 {
            let order = (0..c_out).flat_map(|o| {
                (0..kh).flat_map(move |y| (0..kw).flat_map(move |x| (0..channels).map(move |c| (o, c, y, x))))
            });
            Op::Conv { weights: order.map(|(o, c, y, x)| at(o, c, y, x)).collect(), bias, window }
        } else if groups == channels && c_out == channels && c_group == 1 {
            let order =
                (0..kh).flat_map(|y| (0..kw).flat_map(move |x| (0..channels).map(move |c| (c, y, x))));
            Op::Depthwise { weights: order.map(|(c, y, x)| at(c, 0, y, x)).collect(), bias, window }
        } else {
            bail!(
                "{groups} groups over {channels} channels; train with group = 1 or depthwise (one filter a channel)"
            )
        };
        Ok(self.map(node, op, input, output))
    }

    fn average(&mut self, onnx: &NodeProto, input: usize, window: Window, shape: Shape) -> Value {
        let taps = window.kernel[0] * window.kernel[1];
        let weights = vec![1.0 / taps as f32; taps * shape[2]];
        self.map(onnx, Op::Depthwise { weights, bias: vec![0.0; shape[2]], window }, input, shape)
    }

    fn clip(&mut self, node: &NodeProto) -> Result<Value> {
        if let Some(length @ Value::Length { .. }) = self.values.get(&node.input[0]) {
            return Ok(length.clone());
        }
        let (input, dims) = self.tensor(&node.input[0])?;
        let bound = |attribute: &str, index: usize, none: f32| -> Result<f32> {
            if let Some(value) = node.get_attr_opt::<f32>(attribute).map_err(tract_error)? {
                return Ok(value);
            }
            Ok(self.optional_weights(node, index)?.and_then(|values| values.first().copied()).unwrap_or(none))
        };
        let (low, high) = (bound("min", 1, f32::NEG_INFINITY)?, bound("max", 2, f32::INFINITY)?);
        let channels = self.extent(input, Axis::C);
        let activation = if low == 0.0 && high == f32::INFINITY {
            Activation::Relu
        } else {
            Activation::Clip { low: vec![low; channels], high: vec![high; channels] }
        };
        Ok(self.activation(node, activation, input, dims))
    }

    fn binary(&mut self, node: &NodeProto) -> Result<Value> {
        let [a, b] = &node.input[..] else { bail!("has {} inputs, two are supported", node.input.len()) };
        match (self.values.get(a).cloned(), self.values.get(b).cloned(), &*node.op_type) {
            (Some(Value::Tensor { node: x, .. }), Some(Value::Length { node: length }), "Div")
                if x == length =>
            {
                Ok(Value::Normalised { node: x })
            }
            // The epsilon against division by nought, and the division itself, leave the angle alone.
            (Some(length @ Value::Length { .. }), None, "Add" | "Max" | "Pow")
            | (None, Some(length @ Value::Length { .. }), "Add" | "Max") => Ok(length),
            (Some(Value::Tensor { node: x, .. }), Some(Value::Tensor { node: y, .. }), "Mul") if x == y => {
                self.flat(x)?;
                Ok(Value::Squares { node: x })
            }
            (Some(Value::Tensor { node: x, .. }), None, "Pow") => {
                let (_, exponent) = self.weights(node, 1)?;
                ensure!(exponent == [2.0], "powers are supported only as squares inside an L2 normalisation");
                self.flat(x)?;
                Ok(Value::Squares { node: x })
            }
            (Some(Value::Tensor { node: x, dims }), Some(Value::Tensor { node: y, .. }), "Add") if x == y => {
                let channels = self.graph.nodes[x].shape[2];
                let twice = Op::Affine { scale: vec![2.0; channels], shift: vec![0.0; channels] };
                Ok(self.pointwise(node, twice, x, dims))
            }
            (Some(Value::Tensor { node: x, dims }), Some(Value::Tensor { node: y, dims: other }), "Add") => {
                let shape = self.graph.nodes[x].shape;
                ensure!(
                    shape == self.graph.nodes[y].shape && dims == other,
                    "adds tensors of different shapes {shape:?} and {:?}; both must be of one shape",
                    self.graph.nodes[y].shape
                );
                Ok(Value::Tensor { node: self.push(node, Op::Add, vec![x, y], shape), dims })
            }
            (Some(Value::Tensor { .. }), Some(Value::Tensor { .. }), _) => {
                bail!(
                    "combines two computed tensors; only their sum is supported ({})",
                    replacement("Sigmoid")
                )
            }
            (Some(Value::Tensor { node: x, dims }), None, op) => {
                let constant = self.per_channel(x, &dims, self.weights(node, 1)?)?;
                let (scale, shift): (Vec<f32>, Vec<f32>) = match op {
                    "Add" => constant.iter().map(|&k| (1.0, k)).unzip(),
                    "Sub" => constant.iter().map(|&k| (1.0, -k)).unzip(),
                    "Mul" => constant.iter().map(|&k| (k, 0.0)).unzip(),
                    "Div" => constant.iter().map(|&k| (1.0 / k, 0.0)).unzip(),
                    _ => bail!("is not supported on activations; {}", replacement(op)),
                };
                Ok(self.pointwise(node, Op::Affine { scale, shift }, x, dims))
            }
            (None, Some(Value::Tensor { node: x, dims }), op) => {
                let constant = self.per_channel(x, &dims, self.weights(node, 0)?)?;
                let (scale, shift): (Vec<f32>, Vec<f32>) = match op {
                    "Add" => constant.iter().map(|&k| (1.0, k)).unzip(),
                    "Sub" => constant.iter().map(|&k| (-1.0, k)).unzip(),
                    "Mul" => constant.iter().map(|&k| (k, 0.0)).unzip(),
                    _ => bail!("divides a constant by an activation; {}", replacement(op)),
                };
                Ok(self.pointwise(node, Op::Affine { scale, shift }, x, dims))
            }
            _ => bail!("only additions, constants and a closing L2 normalisation are supported"),
        }
    }

    /// A dense layer: a convolution whose kernel is its whole input.
    fn dense(&mut self, node: &NodeProto) -> Result<Value> {
        let (input, dims) = self.tensor(&node.input[0])?;
        let [h, w, c] = self.graph.nodes[input].shape;
        let order: Vec<Axis> = match &dims[..] {
            [batch, flat] if batch.is_empty() => flat.clone(),
            _ => bail!("reads a map that was not flattened"),
        };
        let (shape, weights) = self.weights(node, 1)?;
        let [rows, columns] = shape[..] else { bail!("weights have shape {shape:?}") };
        let attribute = |name: &str| node.get_attr_opt::<f32>(name).map_err(tract_error);
        let (alpha, beta) = (attribute("alpha")?.unwrap_or(1.0), attribute("beta")?.unwrap_or(1.0));
        ensure!(node.get_attr_opt::<i64>("transA").map_err(tract_error)?.unwrap_or(0) == 0, "transA = 1");
        let transposed = node.get_attr_opt::<i64>("transB").map_err(tract_error)?.unwrap_or(0) == 1;
        let (outputs, inputs) = if transposed { (rows, columns) } else { (columns, rows) };
        ensure!(inputs == h * w * c, "{inputs} inputs for a map of {h}×{w}×{c}");
        let max = format::layer::MAX_KERNEL;
        ensure!(h <= max && w <= max, "dense layer over a map of {h}×{w}; at most {max}×{max} is supported");
        let position = |y: usize, x: usize, channel: usize| {
            order.iter().fold(0, |position, axis| match axis {
                Axis::H => position * h + y,
                Axis::W => position * w + x,
                Axis::C => position * c + channel,
            })
        };
        let mut reordered = Vec::with_capacity(outputs * inputs);
        for o in 0..outputs {
            for y in 0..h {
                for x in 0..w {
                    for channel in 0..c {
                        let i = position(y, x, channel);
                        reordered
                            .push(alpha * weights[if transposed { o * inputs + i } else { i * outputs + o }]);
                    }
                }
            }
        }
        let bias = match self.optional_weights(node, 2)? {
            Some(bias) if bias.len() == 1 => vec![beta * bias[0]; outputs],
            Some(bias) => bias.iter().map(|b| beta * b).collect(),
            None => vec![0.0; outputs],
        };
        let op = Op::Conv { weights: reordered, bias, window: full_window(h, w) };
        let dense = self.push(node, op, vec![input], [1, 1, outputs]);
        Ok(Value::Tensor { node: dense, dims: vec![vec![], self.axes(dense, &[Axis::C])] })
    }

    fn reshape(&self, node: &NodeProto, input: usize, dims: &[Vec<Axis>]) -> Result<Value> {
        let shape = self.facts.shape(&node.output[0])?;
        let mut axes = dims.iter().flatten().copied();
        let mut reread = Vec::new();
        for &extent in &shape {
            let mut dim = Vec::new();
            let mut product = 1;
            while product < extent {
                let axis = axes.next().with_context(|| format!("enlarges a tensor to {shape:?}"))?;
                product *= self.extent(input, axis);
                dim.push(axis);
            }
            ensure!(product == extent, "splits or mixes axes (to {shape:?}); only flattening is supported");
            reread.push(dim);
        }
        ensure!(axes.next().is_none(), "drops elements (to {shape:?})");
        Ok(Value::Tensor { node: input, dims: reread })
    }
}

fn full_window(h: usize, w: usize) -> Window {
    Window { kernel: [h, w], stride: [1, 1], pad: [0; 4] }
}

fn tract_error(error: TractError) -> anyhow::Error {
    anyhow!("{error:#}")
}
