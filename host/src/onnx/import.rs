//! An ONNX graph to [`Graph`], node by node.
//!
//! Operators of the runtime have their `import` in [`crate::op`]; here are those that are folded into others, re-read a
//! layout, or belong to a closing L2 normalisation. What only re-reads a layout (Reshape, Transpose, …) makes no node: each ONNX
//! tensor is tracked as a node's tensor plus the order in which the file sees its axes.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow, bail, ensure};
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::prelude::TractError;

use super::facts::{Facts, input_shape};
use crate::graph::{Activation, Function, Gate, Graph, GraphOutput, Node, Op, Shape, Window};
use crate::op;

/// An axis of a node's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Down.
    H,
    /// To the right.
    W,
    /// Through the channels.
    C,
}

/// What an ONNX value is to us.
#[derive(Clone, Debug)]
pub enum Value {
    /// A node's tensor.
    Tensor {
        /// The node.
        node: usize,
        /// For each ONNX dimension the axes it runs over, slowest first; axes of extent one are left out.
        dims: Vec<Vec<Axis>>,
    },
    /// A sigmoid, or something like it, of a node's tensor.
    Gate {
        /// The node.
        node: usize,
        /// As of [`Value::Tensor`].
        dims: Vec<Vec<Axis>>,
        /// The function.
        gate: Gate,
    },
    /// A node's tensor divided by its length.
    Normalised {
        /// The node.
        node: usize,
    },
    /// Squares of a node's tensor.
    Squares {
        /// The node.
        node: usize,
    },
    /// Length of a node's tensor.
    Length {
        /// The node.
        node: usize,
    },
}

/// Takes the file's nodes one by one into a graph.
pub struct Importer<'a> {
    facts: &'a Facts,
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
    "HardSigmoid",
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
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Upsample",
];

/// What to use instead of an operator.
fn replacement(operator: &str) -> &'static str {
    match operator {
        "Sigmoid" | "HardSigmoid" => "it can only scale channels (squeeze and excitation) or close an output",
        "HardSwish" | "Elu" | "Selu" | "Softplus" | "Mish" | "Gelu" | "Tanh" | "Swish" | "Celu" => {
            "train with PReLU, ReLU or ReLU6"
        }
        "ConvTranspose" => "enlarge with Resize (nearest) and a convolution",
        "Pad" => "put the padding into the convolution's own pads",
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" => {
            "train with BatchNormalization"
        }
        "Softmax" | "Attention" | "Einsum" => "use a convolutional network; attention is not supported",
        "LSTM" | "GRU" | "RNN" | "Loop" | "If" | "Scan" => "use a feed-forward convolutional network",
        "QLinearConv" | "QuantizeLinear" | "DequantizeLinear" | "ConvInteger" => {
            "export the float network; it is quantised here"
        }
        "Split" => "splitting of channels is not supported; use residual additions",
        _ => "remove it from the network, or fold it into convolutions before exporting",
    }
}

pub(super) fn refuse_unknown_operators(onnx: &GraphProto) -> Result<()> {
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

impl<'a> Importer<'a> {
    pub(super) fn run(onnx: &GraphProto, facts: &'a Facts) -> Result<Graph> {
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
        let graph = Graph { nodes: vec![input], outputs: Vec::new() };
        let mut importer = Importer { facts, graph, values: HashMap::new() };
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
        for output in &onnx.output {
            let name = output.name.clone();
            let (node, function) = match importer.values.get(&name) {
                Some(Value::Tensor { node, .. }) => (*node, Function::Identity),
                Some(Value::Normalised { node }) => (*node, Function::Normalise),
                Some(Value::Gate { node, gate: Gate::Sigmoid, .. }) => (*node, Function::Sigmoid),
                Some(Value::Gate { .. }) => {
                    bail!("output {name} is a HardSigmoid; cut the network before it")
                }
                _ => bail!("output {name} is not computed from the photo"),
            };
            importer.graph.outputs.push(GraphOutput { name, node, function });
        }
        Ok(importer.graph)
    }

    /// Those of `axes` whose extent in the node's tensor is not one.
    pub(crate) fn axes(&self, node: usize, axes: &[Axis]) -> Vec<Axis> {
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

    pub(crate) fn push(&mut self, onnx: &NodeProto, op: Op, inputs: Vec<usize>, shape: Shape) -> usize {
        let name = node_name(onnx).to_string();
        self.graph.nodes.push(Node { name, op, inputs, shape, activation: Activation::None });
        self.graph.nodes.len() - 1
    }

    /// A new node whose tensor ONNX sees as `[1, c, h, w]`.
    pub fn map(&mut self, onnx: &NodeProto, op: Op, inputs: Vec<usize>, shape: Shape) -> Value {
        let node = self.push(onnx, op, inputs, shape);
        let dims =
            [vec![]].into_iter().chain([Axis::C, Axis::H, Axis::W].map(|axis| self.axes(node, &[axis])));
        Value::Tensor { dims: dims.collect(), node }
    }

    /// A new node of `channels` without height and width, which ONNX sees as `[1, c]`.
    pub fn flat(&mut self, onnx: &NodeProto, op: Op, input: usize, channels: usize) -> Value {
        let node = self.push(onnx, op, vec![input], [1, 1, channels]);
        Value::Tensor { node, dims: vec![vec![], self.axes(node, &[Axis::C])] }
    }

    /// Shape of a node's tensor.
    pub fn shape(&self, node: usize) -> Shape {
        self.graph.nodes[node].shape
    }

    /// An attribute, if the node has it.
    ///
    /// # Errors
    /// When it has another type.
    pub fn attribute<T: Attribute>(&self, node: &NodeProto, name: &str) -> Result<Option<T>> {
        T::of(node, name)
    }

    /// An attribute that is a text, if the node has it.
    ///
    /// # Errors
    /// When it has another type.
    pub fn text(&self, node: &NodeProto, name: &str) -> Result<Option<String>> {
        Ok(node.get_attr_opt::<&str>(name).map_err(tract_error)?.map(ToString::to_string))
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
    pub(crate) fn weights(&self, node: &NodeProto, index: usize) -> Result<(Vec<usize>, Vec<f32>)> {
        let name = node.input.get(index).with_context(|| format!("input {index} is missing"))?;
        self.floats(name).with_context(|| format!("input {name} is not a constant"))
    }

    pub(crate) fn optional_weights(&self, node: &NodeProto, index: usize) -> Result<Option<Vec<f32>>> {
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
            Some(Value::Gate { .. }) => {
                bail!("reads {name}, which a sigmoid makes; {}", replacement("Sigmoid"))
            }
            Some(_) => bail!("input {name} is part of an L2 normalisation"),
            None => bail!("input {name} is not computed from the photo"),
        }
    }

    /// The node's input of this number: what it is, and how ONNX sees its axes.
    ///
    /// # Errors
    /// When it is not computed from the photo.
    pub fn tensor_at(&self, node: &NodeProto, index: usize) -> Result<(usize, Vec<Vec<Axis>>)> {
        self.tensor(node.input.get(index).map_or("", |name| name))
    }

    /// The node's first input as a map that ONNX sees as `[1, c, h, w]`.
    ///
    /// # Errors
    /// When it is none.
    pub fn map_input(&self, node: &NodeProto) -> Result<(usize, Shape)> {
        self.map_at(node, 0)
    }

    /// [`Self::map_input`] for another input.
    ///
    /// # Errors
    /// As [`Self::map_input`].
    pub fn map_at(&self, node: &NodeProto, index: usize) -> Result<(usize, Shape)> {
        self.chw(node.input.get(index).map_or("", |name| name))
    }

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
        if let Some(value) = op::import(self, node) {
            return value;
        }
        let first = node.input.first().map_or("", |name| name);
        match &*node.op_type {
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
            "Identity" | "Dropout" | "Cast" => self
                .values
                .get(first)
                .cloned()
                .with_context(|| format!("input {first} is not computed from the photo")),
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Expand" => {
                match self.values.get(first).cloned() {
                    Some(Value::Tensor { node: input, dims }) => {
                        let dims = self.reshape(node, input, &dims)?;
                        Ok(Value::Tensor { node: input, dims })
                    }
                    Some(Value::Gate { node: input, dims, gate }) => {
                        let dims = self.reshape(node, input, &dims)?;
                        Ok(Value::Gate { node: input, dims, gate })
                    }
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
                self.check_flat(input)?;
                Ok(Value::Normalised { node: input })
            }
            "ReduceL2" => {
                let (input, _) = self.tensor(first)?;
                self.check_flat(input)?;
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

    fn check_flat(&self, node: usize) -> Result<()> {
        let [h, w, _] = self.graph.nodes[node].shape;
        ensure!(h == 1 && w == 1, "normalises a map of {h}×{w}; only the embedding may be normalised");
        Ok(())
    }

    pub(crate) fn reduced_axes(&self, node: &NodeProto) -> Result<Vec<usize>> {
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
    pub(crate) fn output_shape(&self, node: &NodeProto) -> Result<Shape> {
        match self.facts.shape(&node.output[0])?[..] {
            [1, c, h, w] => Ok([h, w, c]),
            ref other => bail!("output has shape {other:?}, not [1, c, h, w]"),
        }
    }

    pub(crate) fn window(
        &self,
        node: &NodeProto,
        input: Shape,
        kernel: Option<[usize; 2]>,
    ) -> Result<Window> {
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
        ensure!(dilation.iter().all(|&d| (1..=255).contains(&d)), "dilation {dilation:?}");
        let ceil = node.get_attr_opt::<i64>("ceil_mode").map_err(tract_error)?.unwrap_or(0);
        ensure!(ceil == 0, "ceil_mode = 1; use ceil_mode = 0 and explicit padding");
        // Rows or columns from the first tap to the last.
        let reach = |axis: usize| (kernel[axis] - 1) * dilation[axis] + 1;
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
                    ((outputs - 1) * stride[axis] + reach(axis)).saturating_sub(input[axis])
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
            pad[0] < reach(0) && pad[1] < reach(1),
            "padding {pad:?} is as large as the kernel {kernel:?}"
        );
        Ok(Window { kernel, stride, pad, dilation })
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
                self.check_flat(x)?;
                Ok(Value::Squares { node: x })
            }
            (Some(Value::Tensor { node: x, .. }), None, "Pow") => {
                let (_, exponent) = self.weights(node, 1)?;
                ensure!(exponent == [2.0], "powers are supported only as squares inside an L2 normalisation");
                self.check_flat(x)?;
                Ok(Value::Squares { node: x })
            }
            (Some(Value::Tensor { node: x, dims }), Some(Value::Tensor { node: y, dims: other }), "Add")
                if x == y && dims == other =>
            {
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
            (Some(map @ Value::Tensor { .. }), Some(gate @ Value::Gate { .. }), "Mul")
            | (Some(gate @ Value::Gate { .. }), Some(map @ Value::Tensor { .. }), "Mul") => {
                op::scale::import(self, node, map, gate)
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

    fn reshape(&self, node: &NodeProto, input: usize, dims: &[Vec<Axis>]) -> Result<Vec<Vec<Axis>>> {
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
        Ok(reread)
    }
}

/// A type that attributes have.
pub trait Attribute: Sized {
    /// The attribute of this name, if the node has it.
    ///
    /// # Errors
    /// When it has another type.
    fn of(node: &NodeProto, name: &str) -> Result<Option<Self>>;
}

impl Attribute for i64 {
    fn of(node: &NodeProto, name: &str) -> Result<Option<Self>> {
        node.get_attr_opt(name).map_err(tract_error)
    }
}

impl Attribute for usize {
    fn of(node: &NodeProto, name: &str) -> Result<Option<Self>> {
        node.get_attr_opt(name).map_err(tract_error)
    }
}

impl Attribute for Vec<f32> {
    fn of(node: &NodeProto, name: &str) -> Result<Option<Self>> {
        node.get_attr_opt_vec(name).map_err(tract_error)
    }
}

impl Attribute for f32 {
    fn of(node: &NodeProto, name: &str) -> Result<Option<Self>> {
        node.get_attr_opt(name).map_err(tract_error)
    }
}

fn tract_error(error: TractError) -> anyhow::Error {
    anyhow!("{error:#}")
}
