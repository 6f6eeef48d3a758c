//! Turns an ONNX graph into a [`Graph`], node by node.
//!
//! Operators of the runtime have their `import` in [`crate::op`]. This module has the operators that are folded into
//! others, that only change the layout, or that belong to a final L2 normalisation. An operator that only changes the
//! layout (Reshape, Transpose, …) makes no node: each ONNX value is tracked as a node's tensor, the order in which the
//! file sees its axes, and the operations that remain to be done ([`Form`]). Values that depend on constants alone are
//! computed here.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use super::attributes;
use super::constant::{self, Cast, Constant};
use super::file::File;
use super::order::read_by;
use super::refusal::{self, Refusals, node_name, remedy};
pub use super::value::{Axis, Form, Value};
use super::value::{Bent, Clamped, Curved, Gated, Spelled};
use crate::graph::{Activation, Function, Gate, Graph, GraphOutput, Node, Op, Shape, Window};
use crate::op;
use crate::op::table::Curve;
use crate::op::table::formula::{Binary, Formula, MOST_STEPS, Unary};
use crate::passes::fold_picks;

/// Most nodes of a file.
const MOST_NODES: usize = 20_000;
/// Most nodes of a network, before rewrites reduce them.
const MOST_MADE: usize = 4_096;
/// Most elements that import holds besides the file's own: computed constants, weights of operators, functions with numbers
/// for each channel. No board has room for so many weights.
const MOST_HELD: usize = 1 << 27;
/// Most elements of constants that all nodes read together, besides those that the file holds. It bounds the time that a
/// file takes whose nodes read a large constant again and again.
const MOST_READ: usize = 1 << 26;
/// Most axes of a tensor.
const MOST_AXES: usize = 8;
/// Most channels that can be picked or put in another order.
const MOST_ORDERED: usize = 1024;

/// Takes the file's nodes one by one into a graph.
pub struct Importer<'a> {
    graph: Graph,
    values: HashMap<&'a str, Value>,
    constants: HashMap<&'a str, Cow<'a, Constant>>,
    /// Nodes that were made for lazily computed values, by the tensor and the digest of its form: the form, the node.
    made: HashMap<(usize, u64), Vec<(Form, usize)>>,
    /// Elements that are held besides the file's own.
    held: usize,
    /// Elements of constants that nodes may still read.
    readable: usize,
}

impl<'a> Importer<'a> {
    pub(super) fn run(file: &'a File) -> Result<Graph> {
        let onnx = file.graph();
        ensure!(onnx.node.len() <= MOST_NODES, "the network has {} nodes", onnx.node.len());
        let input = Node {
            name: file.photo.name.clone(),
            op: Op::Input,
            inputs: vec![],
            shape: file.photo.shape,
            activation: Activation::None,
        };
        let order =
            if file.photo.is_nchw { [Axis::C, Axis::H, Axis::W] } else { [Axis::H, Axis::W, Axis::C] };
        let graph = Graph { nodes: vec![input], outputs: Vec::new() };
        let mut importer = Importer {
            graph,
            values: HashMap::new(),
            constants: HashMap::new(),
            made: HashMap::new(),
            held: 0,
            readable: 0,
        };
        let dims = [vec![]].into_iter().chain(order.map(|axis| importer.axes(0, &[axis]))).collect();
        importer.values.insert(&file.photo.name, importer.plain(0, dims));
        for tensor in &onnx.initializer {
            // An unsupported constant is refused where it is used.
            if let Ok(constant) = Constant::read(tensor) {
                importer.constants.insert(&tensor.name, Cow::Owned(constant));
            }
        }
        importer.refuse_nodes(&file.proto, onnx)?;
        importer.readable =
            importer.constants.values().map(|constant| constant.elements()).sum::<usize>() + MOST_READ;
        importer.nodes(&file.proto, onnx)?;
        importer.outputs(onnx)?;
        Ok(importer.graph)
    }

    /// Refuses nodes that are wrong for any input.
    fn refuse_nodes(&self, proto: &ModelProto, onnx: &GraphProto) -> Result<()> {
        let mut constant: std::collections::HashSet<&str> = self.constants.keys().copied().collect();
        for node in &onnx.node {
            if read_by(node).iter().all(|name| constant.contains(&***name)) {
                constant.extend(node.output.iter().map(|name| &**name));
            }
        }
        let is_constant = |node: &NodeProto| node.output.iter().all(|name| constant.contains(&**name));
        refusal::of_nodes(proto, onnx, is_constant).check()
    }

    fn nodes(&mut self, proto: &'a ModelProto, onnx: &'a GraphProto) -> Result<()> {
        let mut refusals = Refusals::default();
        for node in &onnx.node {
            ensure!(
                self.held <= MOST_HELD,
                "the network needs more weights and constants than any board has room for (up to node {}): take a smaller one",
                node_name(node)
            );
            ensure!(
                self.graph.nodes.len() <= MOST_MADE,
                "the network has more than {MOST_MADE} operators that compute (up to node {}): take a smaller one",
                node_name(node)
            );
            let Some(output) = node.output.first() else { continue };
            let is_known = |name: &String| {
                name.is_empty() || self.values.contains_key(&**name) || self.constants.contains_key(&**name)
            };
            // A node after a refused node has no value. It is skipped, so that only the cause is named.
            if !node.input.iter().all(is_known) && !refusals.is_empty() {
                continue;
            }
            let read = node
                .input
                .iter()
                .filter_map(|name| self.constants.get(&**name))
                .map(|constant| constant.elements());
            self.readable = self.readable.checked_sub(read.sum()).with_context(|| {
                format!(
                    "the network reads large constants again and again (up to node {}); `onnxsim IN.onnx OUT.onnx` may make it \
                     smaller",
                    node_name(node)
                )
            })?;
            if node.op_type == "If" {
                match self.branch(node) {
                    Some(graph) => self.take(proto, node, graph)?,
                    None => refusals.add(node, format!("decides at run time; {}", remedy("If"))),
                }
                continue;
            }
            if !node.input.iter().any(|name| self.values.contains_key(&**name)) {
                let inputs: Vec<Option<&Constant>> =
                    node.input.iter().map(|name| self.constants.get(&**name).map(|c| &**c)).collect();
                // A constant that could not be computed is refused by the node that needs it.
                if let Ok(constant) = constant::evaluate(node, &inputs) {
                    self.held += constant.elements();
                    self.constants.insert(output, Cow::Owned(constant));
                }
                continue;
            }
            match self.node(node) {
                Ok(Made::Value(value)) => {
                    self.held += value.form.elements();
                    self.values.insert(output, value);
                }
                Ok(Made::Parts(parts)) => {
                    self.values.extend(node.output.iter().map(|name| &**name).zip(parts));
                }
                Ok(Made::Constant(constant)) => {
                    self.constants.insert(output, Cow::Owned(constant));
                }
                Err(error) => refusals.add(node, format!("{error:#}")),
            }
        }
        refusals.check()
    }

    /// The branch that an `If` takes; `None` if that is not known before there is a photo.
    fn branch(&self, node: &'a NodeProto) -> Option<&'a GraphProto> {
        let condition = self.constants.get(&**node.input.first()?)?;
        let taken = match condition.integers()[..] {
            [0] => "else_branch",
            [_] => "then_branch",
            _ => return None,
        };
        node.attribute.iter().find(|attribute| attribute.name == taken)?.g.as_ref()
    }

    /// Takes the nodes of a branch of an `If` in its place.
    fn take(&mut self, proto: &'a ModelProto, node: &'a NodeProto, branch: &'a GraphProto) -> Result<()> {
        let within = || format!("in a branch of {}", node_name(node));
        ensure!(branch.node.len() <= MOST_NODES, "the network has {} nodes {}", branch.node.len(), within());
        for tensor in &branch.initializer {
            if let Ok(constant) = Constant::read(tensor) {
                self.constants.insert(&tensor.name, Cow::Owned(constant));
            }
        }
        self.refuse_nodes(proto, branch).with_context(within)?;
        self.nodes(proto, branch).with_context(within)?;
        for (outer, inner) in node.output.iter().zip(&branch.output) {
            if let Some(value) = self.values.get(&*inner.name).cloned() {
                self.values.insert(outer, value);
            } else if let Some(constant) = self.constants.get(&*inner.name).cloned() {
                self.held += constant.elements();
                self.constants.insert(outer, constant);
            }
        }
        Ok(())
    }

    fn outputs(&mut self, onnx: &'a GraphProto) -> Result<()> {
        for output in &onnx.output {
            let name = &*output.name;
            let value = self.values.get(name).with_context(|| {
                format!(
                    "output {name} is not computed from the photo; name the embedding with --embedding NAME"
                )
            })?;
            let value = value.clone();
            let curve = match &value.form {
                Form::Curved(Curved { formula, .. }) => Some(formula.curve()),
                _ => None,
            };
            let (node, function) = match (&value.form, curve) {
                (Form::Normalised, _) => (value.node, Function::Normalise),
                (Form::Curved(Curved { base, .. }), Some(Curve::Gate(Gate::Sigmoid))) => {
                    (self.built(&value.name, value.node, base)?, Function::Sigmoid)
                }
                (_, Some(Curve::Gate(Gate::HardSigmoid { .. }))) => {
                    bail!("output {name} is a HardSigmoid; cut the network before it")
                }
                _ => (self.tensor(name)?.0, Function::Identity),
            };
            self.graph.outputs.push(GraphOutput { name: name.to_string(), node, function });
        }
        Ok(())
    }

    /// The axes among `axes` whose extent in the node's tensor is not one.
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

    /// The shape in which ONNX sees a value of a node's tensor.
    fn onnx_shape(&self, node: usize, dims: &[Vec<Axis>]) -> Vec<usize> {
        dims.iter().map(|dim| dim.iter().map(|&axis| self.extent(node, axis)).product()).collect()
    }

    fn push_named(&mut self, name: &str, op: Op, inputs: Vec<usize>, shape: Shape) -> usize {
        let name = name.to_string();
        self.held += op.elements();
        self.graph.nodes.push(Node { name, op, inputs, shape, activation: Activation::None });
        self.graph.nodes.len() - 1
    }

    pub(crate) fn push(&mut self, onnx: &NodeProto, op: Op, inputs: Vec<usize>, shape: Shape) -> usize {
        self.push_named(node_name(onnx), op, inputs, shape)
    }

    /// A node's tensor, as ONNX sees it.
    pub fn plain(&self, node: usize, dims: Vec<Vec<Axis>>) -> Value {
        Value { node, dims, form: Form::Plain, name: self.graph.nodes[node].name.clone() }
    }

    /// A new node whose tensor ONNX sees as `[1, c, h, w]`.
    pub fn map(&mut self, onnx: &NodeProto, op: Op, inputs: Vec<usize>, shape: Shape) -> Value {
        let node = self.push(onnx, op, inputs, shape);
        let dims =
            [vec![]].into_iter().chain([Axis::C, Axis::H, Axis::W].map(|axis| self.axes(node, &[axis])));
        self.plain(node, dims.collect())
    }

    /// A new node of `channels` without height and width, which ONNX sees as `[1, c]`.
    pub fn flat(&mut self, onnx: &NodeProto, op: Op, input: usize, channels: usize) -> Value {
        let node = self.push(onnx, op, vec![input], [1, 1, channels]);
        self.plain(node, vec![vec![], self.axes(node, &[Axis::C])])
    }

    /// Shape of a node's tensor.
    pub fn shape(&self, node: usize) -> Shape {
        self.graph.nodes[node].shape
    }

    fn activated(&mut self, name: &str, activation: Activation, input: usize) -> usize {
        let shape = self.shape(input);
        let node = self.push_named(name, Op::Identity, vec![input], shape);
        self.graph.nodes[node].activation = activation;
        node
    }

    fn affine(&mut self, name: &str, scale: Vec<f32>, shift: Vec<f32>, input: usize) -> usize {
        let shape = self.shape(input);
        self.push_named(name, Op::Affine { scale, shift }, vec![input], shape)
    }

    /// The constant input number `index`.
    ///
    /// # Errors
    /// When the node has none, or it is computed from the photo.
    pub(crate) fn constant(&self, node: &NodeProto, index: usize) -> Result<&Constant> {
        let name = node.input.get(index).with_context(|| format!("input {index} is missing"))?;
        self.constants.get(&**name).map(|constant| &**constant).with_context(|| {
            format!("input {name} is not a constant; `onnxsim IN.onnx OUT.onnx` may make it one")
        })
    }

    pub(crate) fn optional_constant(&self, node: &NodeProto, index: usize) -> Result<Option<&Constant>> {
        match node.input.get(index) {
            Some(name) if !name.is_empty() => self.constant(node, index).map(Some),
            _ => Ok(None),
        }
    }

    /// Shape and elements of [`Self::constant`].
    pub(crate) fn weights(&self, node: &NodeProto, index: usize) -> Result<(Vec<usize>, Vec<f32>)> {
        let constant = self.constant(node, index)?;
        Ok((constant.shape().to_vec(), constant.floats()))
    }

    pub(crate) fn optional_weights(&self, node: &NodeProto, index: usize) -> Result<Option<Vec<f32>>> {
        Ok(self.optional_constant(node, index)?.map(Constant::floats))
    }

    fn value(&self, name: &str) -> Result<&Value> {
        self.values.get(name).with_context(|| format!("input {name:?} is not computed from the photo"))
    }

    /// The value as a tensor. Makes nodes for the operations that remain to be done.
    fn tensor(&mut self, name: &str) -> Result<(usize, Vec<Vec<Axis>>)> {
        let value = self.value(name)?.clone();
        let node = self.built(&value.name, value.node, &value.form)?;
        if let Some(known) = self.values.get_mut(name) {
            (known.node, known.form) = (node, Form::Plain);
        }
        Ok((node, value.dims))
    }

    /// The node of a function of a node's tensor. It is made if there is none yet.
    fn built(&mut self, name: &str, input: usize, form: &Form) -> Result<usize> {
        if *form == Form::Plain {
            return Ok(input);
        }
        let key = (input, form.digest());
        let alike = self.made.get(&key).into_iter().flatten();
        if let Some(&(_, made)) = alike.into_iter().find(|(made, _)| made == form) {
            return Ok(made);
        }
        let node = match form {
            Form::Bent(bent) => self.bent_nodes(name, input, bent),
            &Form::Clamped(Clamped { slope, shift, low, high }) => {
                let channels = self.extent(input, Axis::C);
                let mut node = input;
                if slope != 1.0 || shift != 0.0 {
                    node = self.affine(name, vec![slope; channels], vec![shift; channels], node);
                }
                self.activated(name, clip(low, high, channels), node)
            }
            Form::Curved(Curved { base, formula }) => {
                // Every tensor may hold zeros.
                ensure!(
                    formula.at(0.0).is_finite(),
                    "reads the function of node {name}, which has no finite value at 0: a table needs one there"
                );
                let base = self.built(name, input, base)?;
                let shape = self.shape(base);
                self.push_named(name, Op::Table(formula.curve()), vec![base], shape)
            }
            other => bail!("reads {}", other.words()),
        };
        self.held += form.elements();
        self.made.entry(key).or_default().push((form.clone(), node));
        Ok(node)
    }

    /// A function of the node's first input, element by element.
    ///
    /// # Errors
    /// When that is not a tensor.
    pub(crate) fn of_one(&mut self, node: &NodeProto, unary: Unary) -> Result<Value> {
        let name = node.input.first().map_or("", |name| name);
        let value = self.value(name)?.clone();
        if let Some(Curved { base, formula }) = value.form.curved()
            && formula.steps() < MOST_STEPS
        {
            let form = Form::Curved(Curved { base, formula: formula.then(unary) });
            return Ok(self.lazy(node, value.node, value.dims, form));
        }
        let (input, dims) = self.tensor(name)?;
        Ok(self.lazy(node, input, dims, Form::Curved(Curved::plain(Formula::X.then(unary)))))
    }

    /// A function of the node's inputs, element by element, if all of them are numbers or the same for all channels of
    /// one tensor.
    fn of_all(&mut self, node: &NodeProto, join: impl FnOnce(Vec<Formula>) -> Formula) -> Option<Value> {
        let mut tensor: Option<&Value> = None;
        let mut operands = Vec::new();
        for name in &node.input {
            if let Some(constant) = self.constants.get(&**name) {
                let [number] = constant.floats()[..] else { return None };
                operands.push(Curved::number(number));
                continue;
            }
            let value = self.values.get(&**name)?;
            let first = *tensor.get_or_insert(value);
            if first.node != value.node || first.dims != value.dims {
                return None;
            }
            operands.push(value.form.curved()?);
        }
        let Value { node: input, dims, .. } = tensor?.clone();
        let (base, formulas) = Curved::together(&operands)?;
        Some(self.lazy(node, input, dims, Form::Curved(Curved { base, formula: join(formulas) })))
    }

    /// [`Self::of_all`] for an operator on two values.
    fn of_both(&mut self, node: &NodeProto) -> Option<Value> {
        let binary = Binary::named(&node.op_type).filter(|_| node.input.len() == 2)?;
        self.of_all(node, |formulas| {
            let mut formulas = formulas.into_iter();
            let first = formulas.next().unwrap_or(Formula::X);
            formulas.fold(first, |formula, next| Formula::two(binary, formula, next))
        })
    }

    fn bent_nodes(&mut self, name: &str, input: usize, bent: &Bent) -> usize {
        if bent.is_affine() {
            return match bent.factor() {
                Some(1.0) => input,
                _ => self.affine(name, bent.positive.clone(), bent.shift.clone(), input),
            };
        }
        let Spelled { sign, slope, gain } = bent.spelled();
        let mut node = input;
        if sign.contains(&-1.0) {
            node = self.affine(name, sign, vec![0.0; slope.len()], node);
        }
        let is_relu = slope.iter().all(|&slope| slope == 0.0);
        node = self.activated(name, if is_relu { Activation::Relu } else { Activation::PRelu(slope) }, node);
        if gain.iter().any(|&gain| gain != 1.0) || bent.shift.iter().any(|&shift| shift != 0.0) {
            node = self.affine(name, gain, bent.shift.clone(), node);
        }
        node
    }

    /// The value as a function of some tensor that is straight on both sides of zero.
    fn bent(&mut self, name: &str) -> Result<(usize, Vec<Vec<Axis>>, Bent)> {
        if let Value { node, dims, form: Form::Bent(bent), .. } = self.value(name)? {
            return Ok((*node, dims.clone(), bent.clone()));
        }
        let (node, dims) = self.tensor(name)?;
        Ok((node, dims, Bent::identity(self.extent(node, Axis::C))))
    }

    /// Input number `index` of the node as a tensor: its node, and how ONNX sees its axes.
    ///
    /// # Errors
    /// When it is not computed from the photo, or is not a tensor.
    pub fn tensor_at(&mut self, node: &NodeProto, index: usize) -> Result<(usize, Vec<Vec<Axis>>)> {
        self.tensor(node.input.get(index).map_or("", |name| name))
    }

    /// The node's first input as a map that ONNX sees as `[1, c, h, w]`.
    ///
    /// # Errors
    /// When it is not such a map.
    pub fn map_input(&mut self, node: &NodeProto) -> Result<(usize, Shape)> {
        self.map_at(node, 0)
    }

    /// [`Self::map_input`] for another input.
    ///
    /// # Errors
    /// As [`Self::map_input`].
    pub fn map_at(&mut self, node: &NodeProto, index: usize) -> Result<(usize, Shape)> {
        let (input, dims) = self.tensor_at(node, index)?;
        self.as_map(input, &dims)
    }

    /// [`Self::map_input`], and the number of zeros around the map on each side.
    ///
    /// # Errors
    /// As [`Self::map_input`].
    pub fn padded_input(&mut self, node: &NodeProto) -> Result<(usize, Shape, [usize; 4])> {
        let name = node.input.first().map_or("", |name| name);
        if let Value { node, dims, form: Form::Padded(pad), .. } = self.value(name)? {
            let (map, shape) = self.as_map(*node, dims)?;
            return Ok((map, shape, *pad));
        }
        let (map, shape) = self.map_input(node)?;
        Ok((map, shape, [0; 4]))
    }

    /// The node's input as a map whose channels run along `axis` of four: `[1, c, h, w]` or `[1, h, w, c]`.
    ///
    /// # Errors
    /// When it is not such a map.
    pub fn joinable(&mut self, node: &NodeProto, index: usize, axis: i64) -> Result<(usize, bool)> {
        let (input, mut dims) = self.tensor_at(node, index)?;
        let is_last = match (dims.len(), constant::place(axis, dims.len())?) {
            (4, 1) => false,
            (4, 3) => true,
            _ => bail!("joins along axis {axis}; only the channels of maps can be joined"),
        };
        if is_last {
            dims[1..].rotate_right(1);
        }
        self.as_map(input, &dims).with_context(|| format!("joins along axis {axis}"))?;
        Ok((input, is_last))
    }

    fn as_map(&self, node: usize, dims: &[Vec<Axis>]) -> Result<(usize, Shape)> {
        let within = |dim: &[Axis], axis| dim.iter().all(|&a| a == axis);
        match dims {
            [n, c, h, w]
                if n.is_empty() && within(c, Axis::C) && within(h, Axis::H) && within(w, Axis::W) =>
            {
                Ok((node, self.shape(node)))
            }
            _ => bail!("reads a tensor whose axes are not in the order [1, c, h, w]"),
        }
    }

    /// Whether no element of a node's tensor is negative.
    pub fn is_not_negative(&self, node: usize) -> bool {
        match &self.graph.nodes[node].activation {
            Activation::Relu => true,
            Activation::Clip { low, .. } => low.iter().all(|&low| low >= 0.0),
            Activation::None | Activation::PRelu(_) => false,
        }
    }

    /// A constant as one value for each channel. Refuses a constant that does not broadcast over the tensor in this
    /// way.
    fn per_channel(&self, node: usize, dims: &[Vec<Axis>], constant: &Constant) -> Result<Vec<f32>> {
        let (shape, values) = (constant.shape(), constant.floats());
        let channels = self.extent(node, Axis::C);
        if let [value] = values[..] {
            return Ok(vec![value; channels]);
        }
        let varying: Vec<usize> = (0..shape.len()).filter(|&axis| shape[axis] != 1).collect();
        // Broadcasting matches axes from the last one on.
        if let [axis] = varying[..]
            && let Some(place) = (dims.len() + axis).checked_sub(shape.len())
            && dims[place] == [Axis::C]
            && values.len() == channels
        {
            return Ok(values);
        }
        bail!("a constant of shape {shape:?} does not have one value per channel")
    }

    fn node(&mut self, node: &NodeProto) -> Result<Made> {
        if let Some(import) = op::import(&node.op_type) {
            return import(self, node).map(Made::Value);
        }
        let first = node.input.first().map_or("", |name| name);
        let value = match &*node.op_type {
            "Shape" => {
                let Value { node: input, dims, form, .. } = self.value(first)?;
                ensure!(!matches!(form, Form::Padded(_)), "asks for the shape of a padded map");
                let shape = self.onnx_shape(*input, dims).into_iter().map(|extent| extent as i64).collect();
                let shape = constant::part_of_shape(node, shape)?;
                return Ok(Made::Constant(Constant::of_integers(shape)));
            }
            "Split" => return self.split(node).map(Made::Parts),
            "BatchNormalization" => self.batch_norm(node)?,
            "Relu" => self.prelu(node, |channels| Ok(vec![0.0; channels]))?,
            "Abs" => self.prelu(node, |channels| Ok(vec![-1.0; channels]))?,
            "LeakyRelu" => {
                let slope = attributes::float(node, "alpha")?.unwrap_or(0.01);
                self.prelu(node, |channels| Ok(vec![slope; channels]))?
            }
            "PRelu" => {
                let (input, dims) = self.tensor_at(node, 0)?;
                let slopes = self.per_channel(input, &dims, self.constant(node, 1)?)?;
                self.prelu(node, |_| Ok(slopes))?
            }
            "Neg" if matches!(self.value(first)?.form, Form::Curved(_)) => {
                let Value { node: input, dims, form, .. } = self.value(first)?.clone();
                let Some(Curved { base, formula }) = form.curved() else { bail!("reads {}", form.words()) };
                let formula = Formula::two(Binary::Mul, formula, Formula::Number(-1.0));
                self.lazy(node, input, dims, Form::Curved(Curved { base, formula }))
            }
            "Neg" => {
                let (input, dims, bent) = self.bent(first)?;
                let channels = bent.shift.len();
                self.lazy(node, input, dims, Form::Bent(bent.scaled(&vec![-1.0; channels])))
            }
            "Clip" => self.clip(node)?,
            "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" | "Sum" => self.binary(node)?,
            "Pow" => self.power(node)?,
            "Sqrt" | "Reciprocal" => {
                let (factor, unary) = match &*node.op_type {
                    "Sqrt" => (0.5, Unary::Sqrt),
                    _ => (-1.0, Unary::Reciprocal),
                };
                let value = self.value(first)?.clone();
                match value.form {
                    Form::Length { exponent } => {
                        let form = Form::Length { exponent: exponent * factor };
                        self.lazy(node, value.node, value.dims, form)
                    }
                    _ => self.of_one(node, unary)?,
                }
            }
            "Erf" => self.of_one(node, Unary::Erf)?,
            "Exp" => self.of_one(node, Unary::Exp)?,
            "Log" => self.of_one(node, Unary::Log)?,
            "Not" => self.of_one(node, Unary::Not)?,
            "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "And" | "Or" => {
                self.of_both(node).with_context(|| not_of_one(&node.op_type))?
            }
            "Where" => self.choice(node)?,
            "Identity" => self.value(first)?.clone(),
            "Dropout" => {
                let is_training = self.optional_constant(node, 2)?.is_some_and(|mode| mode.integers() == [1]);
                ensure!(
                    !is_training,
                    "drops elements at random, as in training: export after `model.eval()`"
                );
                self.value(first)?.clone()
            }
            "Cast" => match constant::cast_to(node)? {
                Cast::Float => self.value(first)?.clone(),
                Cast::Other(name) => {
                    bail!(
                        "turns computed values into {name}, which cuts off fractions; {}",
                        remedy(&node.op_type)
                    )
                }
            },
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Expand" => self.reread(node)?,
            "Transpose" => {
                let mut value = self.value(first)?.clone();
                let rank = value.dims.len();
                let order = match attributes::integers(node, "perm")? {
                    Some(order) => order,
                    None => (0..rank as i64).rev().collect(),
                };
                let order: Vec<usize> =
                    order.iter().map(|&axis| constant::place(axis, rank)).collect::<Result<_>>()?;
                ensure!(
                    order.len() == rank && (0..rank).all(|axis| order.contains(&axis)),
                    "perm has {} axes that do not belong to {rank}",
                    order.len()
                );
                value.dims = order.iter().map(|&axis| value.dims[axis].clone()).collect();
                value
            }
            "Gather" => self.gather(node)?,
            "Slice" => self.slice(node)?,
            "Pad" => self.pad(node)?,
            "LpNormalization" => {
                let p = attributes::integer(node, "p")?.unwrap_or(2);
                ensure!(
                    p == 2,
                    "normalises with p = {p}; matching is by angle, for which only p = 2 is right"
                );
                let (input, dims) = self.tensor_at(node, 0)?;
                let axis = constant::place(attributes::integer(node, "axis")?.unwrap_or(-1), dims.len())?;
                self.check_embedding(input, &dims, &[axis])?;
                self.lazy(node, input, dims, Form::Normalised)
            }
            "ReduceL2" | "ReduceSumSquare" => {
                let (input, dims) = self.tensor_at(node, 0)?;
                let exponent = if node.op_type == "ReduceL2" { 1.0 } else { 2.0 };
                self.length(node, input, &dims, exponent)?
            }
            "ReduceSum" => {
                let value = self.squares_of(first)?.with_context(|| {
                    format!("sums are supported only inside an L2 normalisation; {}", remedy("ReduceSum"))
                })?;
                self.length(node, value.node, &value.dims, 2.0)?
            }
            _ => bail!(
                "is not supported on values that are computed from the photo; {}",
                remedy(&node.op_type)
            ),
        };
        Ok(Made::Value(value))
    }

    fn lazy(&self, onnx: &NodeProto, node: usize, dims: Vec<Vec<Axis>>, form: Form) -> Value {
        Value { node, dims, form, name: node_name(onnx).to_string() }
    }

    fn batch_norm(&mut self, node: &NodeProto) -> Result<Value> {
        let (input, dims) = self.tensor_at(node, 0)?;
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|index| self.weights(node, index));
        let (gamma, beta, mean, variance) = (gamma?.1, beta?.1, mean?.1, variance?.1);
        let epsilon = attributes::float(node, "epsilon")?.unwrap_or(1e-5);
        ensure!(
            dims.get(1).is_some_and(|dim| dim == &self.axes(input, &[Axis::C])),
            "normalises a flattened map: put it before flattening"
        );
        let channels = self.extent(input, Axis::C);
        ensure!(
            [&gamma, &beta, &mean, &variance].iter().all(|values| values.len() == channels),
            "has {} values for {channels} channels: statistics of single pixels are not supported",
            mean.len()
        );
        let scale: Vec<f32> = gamma
            .iter()
            .zip(&variance)
            .map(|(g, v)| (*g as f64 / (*v as f64 + epsilon as f64).sqrt()) as f32)
            .collect();
        let shift: Vec<f32> = beta.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        ensure!(
            scale.iter().chain(&shift).all(|value| value.is_finite()),
            "gives no finite numbers: a variance is negative, or nought without an epsilon"
        );
        let node = self.affine(node_name(node), scale, shift, input);
        Ok(self.plain(node, dims))
    }

    /// A PReLU. `slopes` gives its slopes for a number of channels.
    fn prelu(&mut self, node: &NodeProto, slopes: impl FnOnce(usize) -> Result<Vec<f32>>) -> Result<Value> {
        let first = node.input.first().map_or("", |name| name);
        let value = self.value(first)?;
        let slopes = slopes(self.extent(value.node, Axis::C))?;
        if let Form::Curved(_) = value.form {
            let slope = slopes.first().copied().unwrap_or(1.0);
            if slopes.iter().all(|&own| own == slope) {
                return self.of_one(node, Unary::PRelu { slope });
            }
            let (input, dims) = self.tensor(first)?;
            return Ok(self.lazy(node, input, dims, Form::Bent(Bent::prelu(slopes))));
        }
        let (input, dims, bent) = self.bent(first)?;
        if let Some(bent) = bent.then_prelu(&slopes) {
            return Ok(self.lazy(node, input, dims, Form::Bent(bent)));
        }
        if slopes.iter().all(|&slope| slope == 0.0) {
            return self.clamp(node, first, 0.0, f32::INFINITY);
        }
        let (input, dims) = self.tensor(first)?;
        Ok(self.lazy(node, input, dims, Form::Bent(Bent::prelu(slopes))))
    }

    fn clip(&mut self, node: &NodeProto) -> Result<Value> {
        let bound = |attribute: &str, index: usize, none: f32| -> Result<f32> {
            if let Some(value) = attributes::float(node, attribute)? {
                return Ok(value);
            }
            Ok(self.optional_weights(node, index)?.and_then(|values| values.first().copied()).unwrap_or(none))
        };
        let (low, high) = (bound("min", 1, f32::NEG_INFINITY)?, bound("max", 2, f32::INFINITY)?);
        ensure!(low <= high, "clips between {low} and {high}");
        self.clamp(node, node.input.first().map_or("", |name| name), low, high)
    }

    /// Limits the value to between two bounds.
    fn clamp(&mut self, node: &NodeProto, name: &str, low: f32, high: f32) -> Result<Value> {
        if let value @ Value { form: Form::Length { .. }, .. } = self.value(name)? {
            // The clamp prevents a division by zero. It does not change the angle.
            return Ok(value.clone());
        }
        // Exporters write a bound that there is not as an infinite or as the largest number.
        let low = if low <= f32::MIN { f32::NEG_INFINITY } else { low };
        let high = if high >= f32::MAX { f32::INFINITY } else { high };
        ensure!(
            low < f32::MAX && high > f32::MIN,
            "limits a tensor to infinity: training failed, or the file is damaged"
        );
        if low == f32::NEG_INFINITY && high == f32::INFINITY {
            return Ok(self.value(name)?.clone());
        }
        if let Value { form: Form::Curved(_), .. } = self.value(name)? {
            return self.of_one(node, Unary::Clamp { low, high });
        }
        if low == 0.0 && high == f32::INFINITY {
            let (input, dims, bent) = self.bent(name)?;
            if let Some(bent) = bent.then_prelu(&vec![0.0; self.extent(input, Axis::C)]) {
                return Ok(self.lazy(node, input, dims, Form::Bent(bent)));
            }
        }
        let value = self.value(name)?.clone();
        if let Some(clamped) = value.form.clamped() {
            return Ok(self.lazy(node, value.node, value.dims, Form::Clamped(clamped.within(low, high))));
        }
        let (input, dims) = self.tensor(name)?;
        let line = Clamped { slope: 1.0, shift: 0.0, low, high };
        Ok(self.lazy(node, input, dims, Form::Clamped(line)))
    }

    fn power(&mut self, node: &NodeProto) -> Result<Value> {
        let exponent = self.constant(node, 1)?.floats();
        let [power] = exponent[..] else { bail!("powers with an exponent per channel are not supported") };
        let first = node.input.first().map_or("", |name| name);
        if let Value { node: input, dims, form: Form::Length { exponent }, .. } = self.value(first)?.clone() {
            return Ok(self.lazy(node, input, dims, Form::Length { exponent: exponent * power }));
        }
        if power == 2.0 {
            return self.squares(node, first);
        }
        self.of_both(node).with_context(|| not_of_one("Pow"))
    }

    fn squares(&mut self, node: &NodeProto, name: &str) -> Result<Value> {
        if let Value { node: input, dims, form: Form::Bent(bent), .. } = self.value(name)?
            && bent.squares_like_x()
        {
            return Ok(self.lazy(node, *input, dims.clone(), Form::Squares));
        }
        let value = self.value(name)?.clone();
        let [h, w, _] = self.shape(value.node);
        if (h, w) != (1, 1) || matches!(value.form, Form::Curved(_)) {
            let short = value.form.curved().filter(|of| 2 * of.formula.steps() < MOST_STEPS);
            let (input, Curved { base, formula }) = match short {
                Some(curved) => (value.node, curved),
                None => (self.tensor(name)?.0, Curved::plain(Formula::X)),
            };
            let square = Formula::two(Binary::Mul, formula.clone(), formula);
            let form = Form::Curved(Curved { base, formula: square });
            return Ok(self.lazy(node, input, value.dims, form));
        }
        let (input, dims) = self.tensor(name)?;
        Ok(self.lazy(node, input, dims, Form::Squares))
    }

    /// The value, if it is the squares of a tensor.
    fn squares_of(&mut self, name: &str) -> Result<Option<Value>> {
        let mut value = self.value(name)?.clone();
        if let Form::Curved(Curved { base, formula }) = &value.form
            && let Some(root) = formula.root()
        {
            let root = match root {
                Formula::X => (**base).clone(),
                root => Form::Curved(Curved { base: base.clone(), formula: root.clone() }),
            };
            value.node = self.built(&value.name, value.node, &root)?;
            value.form = Form::Squares;
        }
        Ok((value.form == Form::Squares).then_some(value))
    }

    /// The length of the node's tensor, to a power, along the axes that it names.
    fn length(&self, node: &NodeProto, input: usize, dims: &[Vec<Axis>], exponent: f32) -> Result<Value> {
        let axes = self.reduced_axes(node, dims.len())?;
        self.check_embedding(input, dims, &axes)?;
        let keep = attributes::integer(node, "keepdims")?.unwrap_or(1) == 1;
        let kept = (0..dims.len()).filter(|axis| keep || !axes.contains(axis)).map(|_| vec![]).collect();
        Ok(self.lazy(node, input, kept, Form::Length { exponent }))
    }

    /// A mean of squares, if the node's input is squares. For a normalisation it is equivalent to their sum.
    ///
    /// # Errors
    /// When it runs along other axes than that of the embedding's elements.
    pub fn mean_of_squares(&mut self, node: &NodeProto) -> Result<Option<Value>> {
        let squares = self.squares_of(node.input.first().map_or("", |name| name))?;
        squares.map(|value| self.length(node, value.node, &value.dims, 2.0)).transpose()
    }

    /// Checks that a normalisation runs over all elements of the embedding.
    fn check_embedding(&self, node: usize, dims: &[Vec<Axis>], axes: &[usize]) -> Result<()> {
        let [h, w, _] = self.shape(node);
        ensure!(h == 1 && w == 1, "normalises a map of {h}×{w}; only the embedding may be normalised");
        let over: Vec<Axis> =
            axes.iter().flat_map(|&axis| dims.get(axis).cloned().unwrap_or_default()).collect();
        ensure!(
            over == self.axes(node, &[Axis::C]),
            "normalises along axes {axes:?}, which are not those of the embedding's elements: each would become 1 or −1"
        );
        Ok(())
    }

    /// The axes that a reduction names, for a tensor of `rank` axes.
    ///
    /// # Errors
    /// When they are not constant, or the tensor does not have them.
    pub(crate) fn reduced_axes(&self, node: &NodeProto, rank: usize) -> Result<Vec<usize>> {
        let axes = match attributes::integers(node, "axes")? {
            Some(axes) => axes,
            None => match self.optional_constant(node, 1)? {
                Some(axes) => axes.integers(),
                None => (0..rank as i64).collect(),
            },
        };
        axes.into_iter().map(|axis| constant::place(axis, rank)).collect()
    }

    /// Place of the window, height and width of the output, and the padding as the file has it (top, left, bottom,
    /// right): the last windows may end before its end or beyond it. `before` is padding that another node put around
    /// the map. All padding includes it.
    ///
    /// # Errors
    /// When the window is larger than the largest kernel, or an attribute is wrong.
    pub(crate) fn window(
        &self,
        node: &NodeProto,
        input: Shape,
        kernel: Option<[usize; 2]>,
        before: [usize; 4],
    ) -> Result<(Window, [usize; 2], [usize; 4])> {
        let two = |name: &str, default: Option<[usize; 2]>| -> Result<[usize; 2]> {
            match attributes::counts(node, name)?.as_deref() {
                Some(&[a, b]) => Ok([a, b]),
                Some(other) => bail!("{name} is {other:?}, two numbers are needed"),
                None => default.with_context(|| format!("{name} is missing")),
            }
        };
        let kernel = two("kernel_shape", kernel)?;
        let stride = two("strides", Some([1, 1]))?;
        let dilation = two("dilations", Some([1, 1]))?;
        let max = format::layer::MAX_KERNEL;
        ensure!(
            kernel.iter().all(|&k| (1..=max).contains(&k)),
            "kernel {kernel:?}; at most {max}×{max} is supported"
        );
        ensure!(stride.iter().all(|&s| (1..=255).contains(&s)), "stride {stride:?}");
        ensure!(dilation.iter().all(|&d| (1..=255).contains(&d)), "dilation {dilation:?}");
        // Number of rows or columns from the first tap to the last.
        let reach = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] + 1);
        let auto = attributes::text(node, "auto_pad")?.unwrap_or("NOTSET".into());
        let mut pad = match &*auto {
            "NOTSET" => match attributes::counts(node, "pads")?.as_deref() {
                Some(&[top, left, bottom, right]) => [top, left, bottom, right],
                Some(other) => bail!("pads are {other:?}, four numbers are needed"),
                None => [0; 4],
            },
            "VALID" => [0; 4],
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = [0, 1].map(|axis| {
                    let outputs = (input[axis] + before[axis] + before[axis + 2]).div_ceil(stride[axis]);
                    ((outputs - 1) * stride[axis] + reach[axis])
                        .saturating_sub(input[axis] + before[axis] + before[axis + 2])
                });
                let [small, large] = [total.map(|t| t / 2), total.map(|t| t - t / 2)];
                let [start, end] = if auto == "SAME_UPPER" { [small, large] } else { [large, small] };
                [start[0], start[1], end[0], end[1]]
            }
            other => bail!("auto_pad {other} is not known"),
        };
        ensure!(pad.iter().all(|&pad| pad <= MOST_PAD), "pads are {pad:?}");
        pad.iter_mut().zip(before).for_each(|(pad, before)| *pad += before);
        ensure!(
            pad[..2].iter().all(|&pad| pad <= u8::MAX.into()),
            "padding {pad:?}; at most {} at the top and at the left is supported",
            u8::MAX
        );
        ensure!(
            (0..2).all(|axis| pad[axis] < reach[axis] && pad[axis + 2] < reach[axis] + stride[axis]),
            "padding {pad:?} is as large as the kernel {kernel:?}"
        );
        let is_ceil = attributes::integer(node, "ceil_mode")?.unwrap_or(0) == 1;
        let declared = pad;
        let mut output = [0; 2];
        for axis in 0..2 {
            let padded = input[axis] + pad[axis] + pad[axis + 2];
            let steps = padded
                .checked_sub(reach[axis])
                .with_context(|| format!("a kernel of {kernel:?} on a map of {}×{}", input[0], input[1]))?;
            output[axis] = steps / stride[axis] + 1;
            // A last window that is cut off counts if it begins on the map or on the padding before it.
            let is_cut = is_ceil && !steps.is_multiple_of(stride[axis]);
            if is_cut && output[axis] * stride[axis] < input[axis] + pad[axis] + before[axis + 2] {
                output[axis] += 1;
            }
            ensure!(
                (output[axis] - 1) * stride[axis] < input[axis] + pad[axis],
                "some windows lie entirely in the padding {pad:?}"
            );
            // Bottom and right padding follow from the output's size.
            let end = (output[axis] - 1) * stride[axis] + reach[axis];
            pad[axis + 2] = end.saturating_sub(input[axis] + pad[axis]);
        }
        Ok((Window { kernel, stride, pad, dilation }, output, declared))
    }

    fn binary(&mut self, node: &NodeProto) -> Result<Value> {
        let (a, b) = match &node.input[..] {
            [one] => return Ok(self.value(one)?.clone()),
            [a, b] => (&**a, &**b),
            inputs => bail!("has {} inputs, two are supported; add them one after another", inputs.len()),
        };
        match (self.values.contains_key(a), self.values.contains_key(b)) {
            (true, true) => self.of_two(node, a, b),
            (true, false) => self.with_constant(node, a, self.constant(node, 1)?.clone(), false),
            _ => self.with_constant(node, b, self.constant(node, 0)?.clone(), true),
        }
    }

    /// An operator on a value and a constant, which comes first if `is_turned`.
    fn with_constant(
        &mut self,
        node: &NodeProto,
        name: &str,
        constant: Constant,
        is_turned: bool,
    ) -> Result<Value> {
        let operator = &*node.op_type;
        let numbers = constant.floats();
        ensure!(
            numbers.iter().all(|value| !value.is_nan()),
            "computes with a constant that is not a number (NaN): the file is damaged, or divides zero by zero"
        );
        let value = self.value(name)?.clone();
        let single = match numbers[..] {
            [value] => Some(value),
            _ => None,
        };
        if let Form::Curved(_) = value.form
            && let Some(value) = self.of_both(node)
        {
            return Ok(value);
        }
        match (&value.form, operator, single) {
            // Constants that prevent a division by zero, and factors, do not change the angle.
            (Form::Length { .. }, "Add" | "Max", Some(_)) => return Ok(value),
            (Form::Length { .. } | Form::Normalised, "Mul", Some(factor)) if factor > 0.0 => {
                return Ok(value);
            }
            (Form::Length { .. } | Form::Normalised, "Div", Some(factor)) if factor > 0.0 && !is_turned => {
                return Ok(value);
            }
            (Form::Length { exponent }, "Div", Some(factor)) if factor > 0.0 => {
                let form = Form::Length { exponent: -exponent };
                return Ok(self.lazy(node, value.node, value.dims, form));
            }
            (Form::Normalised, "Mul" | "Div", _) => {
                bail!("reverses the normalised embedding, or scales its elements by different factors")
            }
            (Form::Clamped(clamped), "Mul" | "Div", Some(factor))
                if factor > 0.0 && !(is_turned && operator == "Div") =>
            {
                let factor = if operator == "Div" { 1.0 / factor } else { factor };
                return Ok(self.lazy(node, value.node, value.dims, Form::Clamped(clamped.scaled(factor))));
            }
            (_, "Max", Some(low)) if low != 0.0 => return self.clamp(node, name, low, f32::INFINITY),
            (_, "Min", Some(high)) if high != 0.0 => return self.clamp(node, name, f32::NEG_INFINITY, high),
            _ => {}
        }
        let (input, dims, bent) = self.bent(name)?;
        let constant = self.per_channel(input, &dims, &constant)?;
        let channels = constant.len();
        let minus = |bent: Bent| bent.scaled(&vec![-1.0; channels]);
        let negated: Vec<f32> = constant.iter().map(|value| -value).collect();
        let bent = match (operator, is_turned) {
            ("Add" | "Sum", _) => bent.shifted(&constant),
            ("Sub", false) => bent.shifted(&negated),
            ("Sub", true) => minus(bent).shifted(&constant),
            ("Mul", _) => bent.scaled(&constant),
            ("Div", false) => bent.scaled(&constant.iter().map(|value| 1.0 / value).collect::<Vec<_>>()),
            ("Max" | "Min", _) if constant.iter().all(|&value| value == 0.0) => {
                let zero = bent.clone().scaled(&vec![0.0; channels]);
                match bent.extreme(&zero, operator == "Max") {
                    Some(bent) => bent,
                    None => {
                        let (input, dims) = self.tensor(name)?;
                        let bent = Bent::identity(channels);
                        let zero = bent.clone().scaled(&vec![0.0; channels]);
                        let bent = bent
                            .extreme(&zero, operator == "Max")
                            .context("changes its slope elsewhere than at zero")?;
                        return Ok(self.lazy(node, input, dims, Form::Bent(bent)));
                    }
                }
            }
            ("Div", true) => match self.of_both(node) {
                Some(value) => return Ok(value),
                None => bail!("divides a constant by a computed value; {}", remedy("Div")),
            },
            _ => bail!(
                "is not supported with these constants, such as one bound per channel; {}",
                remedy(operator)
            ),
        };
        ensure!(
            [&bent.positive, &bent.negative, &bent.shift]
                .iter()
                .all(|values| values.iter().all(|x| x.is_finite())),
            "with this constant gives no finite numbers"
        );
        Ok(self.lazy(node, input, dims, Form::Bent(bent)))
    }

    /// An operator that reads two computed values.
    fn of_two(&mut self, node: &NodeProto, a: &str, b: &str) -> Result<Value> {
        let operator = &*node.op_type;
        let (left, right) = (self.value(a)?.clone(), self.value(b)?.clone());
        match (&left.form, &right.form, operator) {
            (_, &Form::Length { exponent }, "Div") => {
                return self.normalised(node, &left, &right, exponent == 1.0);
            }
            (_, &Form::Length { exponent }, "Mul") => {
                return self.normalised(node, &left, &right, exponent == -1.0);
            }
            (&Form::Length { exponent }, _, "Mul") => {
                return self.normalised(node, &right, &left, exponent == -1.0);
            }
            (gate, map, "Mul") if gate.gate().is_some() && map.gate().is_none() => {
                return self.gated(node, b, &left);
            }
            (_, gate, "Mul") if gate.gate().is_some() => return self.gated(node, a, &right),
            (_, _, "Mul")
                if left.node == right.node && left.form == right.form && left.dims == right.dims =>
            {
                return self.squares(node, a);
            }
            _ => {}
        }
        let is_curved =
            [&left, &right].iter().any(|value| matches!(value.form, Form::Curved(_) | Form::Squares));
        if (is_curved || matches!(operator, "Mul" | "Div"))
            && let Some(value) = self.of_both(node)
        {
            return Ok(value);
        }
        let (x, dims, one) = self.bent(a)?;
        let (y, other_dims, other) = self.bent(b)?;
        if x == y && dims == other_dims {
            let channels = one.shift.len();
            let bent = match operator {
                "Add" | "Sum" => Some(one.plus(&other)),
                "Sub" => Some(one.plus(&other.clone().scaled(&vec![-1.0; channels]))),
                "Max" | "Min" => one.extreme(&other, operator == "Max"),
                _ => None,
            };
            if let Some(bent) = bent {
                return Ok(self.lazy(node, x, dims, Form::Bent(bent)));
            }
        }
        match operator {
            "Add" | "Sum" => {}
            "Sub" => {
                let minus = other.scaled(&vec![-1.0; self.extent(y, Axis::C)]);
                let subtrahend = self.bent_nodes(node_name(node), y, &minus);
                let one = self.tensor(a)?;
                return self.sum(node, one, (subtrahend, other_dims));
            }
            _ => bail!(
                "combines two computed tensors; only sums, and channels scaled by a sigmoid, are supported; {}",
                remedy(operator)
            ),
        }
        let (one, other) = (self.tensor(a)?, self.tensor(b)?);
        self.sum(node, one, other)
    }

    fn sum(
        &mut self,
        node: &NodeProto,
        (x, dims): (usize, Vec<Vec<Axis>>),
        (y, other): (usize, Vec<Vec<Axis>>),
    ) -> Result<Value> {
        let shape = self.shape(x);
        ensure!(
            shape == self.shape(y) && dims == other,
            "adds tensors of different shapes {shape:?} and {:?}; both must be of one shape",
            self.shape(y)
        );
        let sum = self.push(node, Op::Add, vec![x, y], shape);
        Ok(self.plain(sum, dims))
    }

    /// A value divided by its own length.
    fn normalised(
        &mut self,
        node: &NodeProto,
        value: &Value,
        length: &Value,
        is_length: bool,
    ) -> Result<Value> {
        let own = match &value.form {
            Form::Plain => Some(value.node),
            Form::Bent(bent) if bent.factor().is_some_and(|factor| factor > 0.0) => Some(value.node),
            form @ Form::Curved(_) => Some(self.built(&value.name, value.node, form)?),
            _ => None,
        };
        ensure!(
            own == Some(length.node) && is_length,
            "divides by the length of another tensor, or by a power of it; only x / |x| is supported, as the last step"
        );
        Ok(self.lazy(node, length.node, value.dims.clone(), Form::Normalised))
    }

    /// `Where`: of two values, each element from the one that a condition names.
    fn choice(&mut self, node: &NodeProto) -> Result<Value> {
        ensure!(node.input.len() == 3, "has {} inputs, three are needed", node.input.len());
        let input = |index: usize| node.input.get(index).map_or("", |name| name);
        if let Some(condition) = self.constants.get(input(0)) {
            let condition = condition.integers();
            let all = [1, 0].map(|wanted| condition.iter().all(|&is| i64::from(is != 0) == wanted));
            let place = all.iter().position(|&all| all).with_context(|| not_of_one("Where"))?;
            return self.value(input(1 + place)).cloned();
        }
        let condition = self.value(input(0))?.clone();
        if let Some(value) = self.bent_choice(node, &condition)? {
            return Ok(value);
        }
        let choice = self.of_all(node, |formulas| match <[Formula; 3]>::try_from(formulas) {
            Ok(formulas) => Formula::Choice(Box::new(formulas)),
            Err(_) => Formula::X,
        });
        choice.with_context(|| not_of_one("Where"))
    }

    /// A choice between two straight lines by the sign of the value that they are of: a PReLU, or its like.
    fn bent_choice(&mut self, node: &NodeProto, condition: &Value) -> Result<Option<Value>> {
        let Form::Curved(Curved { base, formula }) = &condition.form else { return Ok(None) };
        let Some(is_above) = formula.holds_above_nought() else { return Ok(None) };
        let channels = self.extent(condition.node, Axis::C);
        let bent = |form: &Form| match form {
            Form::Plain => Some(Bent::identity(channels)),
            Form::Bent(bent) => Some(bent.clone()),
            _ => None,
        };
        let Some(of) = bent(base) else { return Ok(None) };
        let side = |name: &String| match (self.constants.get(&**name), self.values.get(&**name)) {
            (Some(constant), _) => {
                constant.floats().iter().all(|&number| number == 0.0).then(|| vec![0.0; channels])
            }
            (_, Some(value)) if value.node == condition.node && value.dims == condition.dims => {
                bent(&value.form)?.factors_of(&of)
            }
            _ => None,
        };
        let sides: Option<Vec<Vec<f32>>> = node.input.iter().skip(1).map(side).collect();
        let Some([holds, else_]) = sides.and_then(|sides| <[Vec<f32>; 2]>::try_from(sides).ok()) else {
            return Ok(None);
        };
        let (positive, negative) = if is_above { (holds, else_) } else { (else_, holds) };
        let input = self.built(&condition.name, condition.node, base)?;
        let bent = Bent { positive, negative, shift: vec![0.0; channels] };
        Ok(Some(self.lazy(node, input, condition.dims.clone(), Form::Bent(bent))))
    }

    /// A map times a gate.
    fn gated(&mut self, node: &NodeProto, map: &str, gates: &Value) -> Result<Value> {
        let Some(Gated { base, gate, gain }) = gates.form.gate() else {
            bail!("multiplies something else than a map and a gate")
        };
        let of = self.value(map)?.clone();
        let is_own = of.node == gates.node && of.dims == gates.dims;
        if is_own
            && (of.form != Form::Plain || base != Form::Plain)
            && let Some(value) = self.of_both(node)
        {
            return Ok(value);
        }
        let (map, dims) = self.tensor(map)?;
        let gates_node = self.built(&gates.name, gates.node, &base)?;
        let value = if map == gates_node && dims == gates.dims {
            let shape = self.shape(map);
            let curved = self.push(node, Op::Table(Curve::Gated(gate)), vec![map], shape);
            self.plain(curved, dims)
        } else {
            op::scale::import(self, node, (map, dims), (gates_node, &gates.dims), gate)?
        };
        if gain == 1.0 {
            return Ok(value);
        }
        let channels = self.extent(value.node, Axis::C);
        let bent = Bent::identity(channels).scaled(&vec![gain; channels]);
        Ok(self.lazy(node, value.node, value.dims, Form::Bent(bent)))
    }

    /// Reshape, Flatten, Squeeze, Unsqueeze, Expand: the same elements in the same order.
    fn reread(&self, node: &NodeProto) -> Result<Value> {
        let mut value = self.value(node.input.first().map_or("", |name| name))?.clone();
        let shape = self.onnx_shape(value.node, &value.dims);
        let wanted = self.optional_constant(node, 1)?.map(Constant::integers);
        if node.op_type == "Expand" {
            let wanted = wanted.context("the new shape is not constant")?;
            ensure!(wanted.len() <= MOST_AXES, "repeats elements to a shape of {} dimensions", wanted.len());
            if let Form::Length { .. } = value.form {
                // The value is one number, however often it is repeated. The division that reads it checks the shape.
                value.dims = vec![vec![]; wanted.len()];
                return Ok(value);
            }
            let is_same = wanted.len() <= shape.len()
                && shape
                    .iter()
                    .rev()
                    .zip(wanted.iter().rev())
                    .all(|(&own, &new)| new == 1 || new == own as i64);
            ensure!(is_same, "repeats elements (from {shape:?} to {wanted:?})");
            return Ok(value);
        }
        let shape = constant::reshaped(node, &shape, wanted.as_deref())?;
        let mut axes = value.dims.iter().flatten().copied();
        let mut reread = Vec::new();
        for &extent in &shape {
            let mut dim = Vec::new();
            let mut product = 1;
            while product < extent {
                let axis = axes.next().with_context(|| format!("enlarges a tensor to {shape:?}"))?;
                product *= self.extent(value.node, axis);
                dim.push(axis);
            }
            ensure!(product == extent, "splits or mixes axes (to {shape:?}); only flattening is supported");
            reread.push(dim);
        }
        ensure!(axes.next().is_none(), "drops elements (to {shape:?})");
        value.dims = reread;
        Ok(value)
    }

    /// Selects the only photo of a batch, or picks channels.
    fn gather(&mut self, node: &NodeProto) -> Result<Value> {
        let index = self.constant(node, 1)?.clone();
        let (input, mut dims) = self.tensor_at(node, 0)?;
        let axis = constant::place(attributes::integer(node, "axis")?.unwrap_or(0), dims.len())?;
        let extent = self.onnx_shape(input, &dims)[axis];
        let indices: Vec<usize> =
            index.integers().iter().map(|&index| constant::place(index, extent)).collect::<Result<_>>()?;
        ensure!(index.shape().len() <= 1, "gathers with an index of several dimensions");
        let is_all = extent == 1 && indices == [0];
        let mut value = match is_all {
            true => self.plain(input, std::mem::take(&mut dims)),
            false => self.picked(node, input, &dims, axis, &indices)?,
        };
        if index.shape().is_empty() {
            value.dims.remove(axis);
        }
        Ok(value)
    }

    /// Some of a tensor's channels, in any order: for each its number in the tensor.
    fn picked(
        &mut self,
        node: &NodeProto,
        input: usize,
        dims: &[Vec<Axis>],
        axis: usize,
        picked: &[usize],
    ) -> Result<Value> {
        ensure!(
            dims[axis] == [Axis::C] && !picked.is_empty(),
            "takes a part of a tensor other than channels; {}",
            remedy("Slice")
        );
        let [height, width, channels] = self.shape(input);
        let most = channels.max(picked.len());
        ensure!(
            most <= MOST_ORDERED,
            "picks {} of {channels} channels, at most {MOST_ORDERED} are supported",
            picked.len()
        );
        let op = fold_picks::pick(picked, channels);
        let made = self.push(node, op, vec![input], [height, width, picked.len()]);
        let mut dims = dims.to_vec();
        dims[axis] = self.axes(made, &[Axis::C]);
        Ok(self.plain(made, dims))
    }

    /// Parts of a tensor's channels, one after another.
    fn split(&mut self, node: &NodeProto) -> Result<Vec<Value>> {
        let value = self.value(node.input.first().map_or("", |name| name))?.clone();
        let shape = self.onnx_shape(value.node, &value.dims);
        let axis = constant::place(attributes::integer(node, "axis")?.unwrap_or(0), shape.len())?;
        let given = match attributes::counts(node, "split")? {
            Some(sizes) => Some(sizes),
            None => {
                let sizes = self.optional_constant(node, 1)?.map(Constant::integers);
                let sizes = sizes.map(|sizes| sizes.iter().map(|&size| usize::try_from(size).ok()).collect());
                sizes.map(|sizes: Option<Vec<usize>>| sizes.context("a negative size")).transpose()?
            }
        };
        let (extent, count) = (shape[axis], node.output.len());
        let equal = extent.div_ceil(count.max(1));
        let sizes = given.unwrap_or_else(|| {
            (0..count).map(|part| equal.min(extent.saturating_sub(part * equal))).collect()
        });
        let total = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
        ensure!(
            total == Some(extent) && sizes.len() == count,
            "splits {extent} elements into {count} parts, whose {} sizes are {}",
            sizes.len(),
            constant::few(&sizes)
        );
        if count == 1 {
            return Ok(vec![value]);
        }
        let (input, dims) = self.tensor_at(node, 0)?;
        let mut start = 0;
        let part = |size: usize| {
            let picked: Vec<usize> = (start..start + size).collect();
            start += size;
            self.picked(node, input, &dims, axis, &picked)
        };
        sizes.into_iter().map(part).collect()
    }

    /// A slice that takes everything, or some channels.
    fn slice(&mut self, node: &NodeProto) -> Result<Value> {
        let value = self.value(node.input.first().map_or("", |name| name))?.clone();
        let list = |name: &str, index: usize| -> Result<Option<Vec<i64>>> {
            Ok(attributes::integers(node, name)?
                .or(self.optional_constant(node, index)?.map(Constant::integers)))
        };
        let starts = list("starts", 1)?.context("starts are missing")?;
        let ends = list("ends", 2)?.context("ends are missing")?;
        let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
        ensure!(
            [&ends, &axes, &steps].iter().all(|list| list.len() == starts.len()),
            "lists of different lengths"
        );
        let shape = self.onnx_shape(value.node, &value.dims);
        let mut sliced = value;
        for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
            let axis = constant::place(axis, shape.len())?;
            let extent = self.onnx_shape(sliced.node, &sliced.dims)[axis];
            let taken = constant::taken([start, end, step], extent as i64)?;
            if taken == (0..extent).collect::<Vec<_>>() {
                continue;
            }
            let input = self.built(&sliced.name, sliced.node, &sliced.form)?;
            sliced = self.picked(node, input, &sliced.dims, axis, &taken)?;
        }
        Ok(sliced)
    }

    /// Zeros around a map. The next convolution includes them in its padding.
    fn pad(&mut self, node: &NodeProto) -> Result<Value> {
        let mode = attributes::text(node, "mode")?.unwrap_or("constant".into());
        let of_version_two = attributes::float(node, "value")?;
        let filler = match of_version_two {
            Some(value) => value,
            None => self.optional_weights(node, 2)?.and_then(|values| values.first().copied()).unwrap_or(0.0),
        };
        let pads = match attributes::integers(node, "pads")? {
            Some(pads) => pads,
            None => self.constant(node, 1)?.integers(),
        };
        let value = self.value(node.input.first().map_or("", |name| name))?.clone();
        if pads.iter().all(|&pad| pad == 0) {
            return Ok(value);
        }
        ensure!(
            mode == "constant" && filler == 0.0,
            "pads with {}; only zeros are supported, before a convolution",
            if mode == "constant" { filler.to_string() } else { mode }
        );
        let (input, dims) = self.tensor_at(node, 0)?;
        let axes = match self.optional_constant(node, 3)? {
            Some(axes) => axes.integers(),
            None => (0..dims.len() as i64).collect(),
        };
        ensure!(pads.len() == 2 * axes.len(), "has {} pads for {} axes", pads.len(), axes.len());
        let mut around = [0; 4];
        for (place, &axis) in axes.iter().enumerate() {
            let axis = constant::place(axis, dims.len())?;
            let [start, end] = [pads[place], pads[place + axes.len()]];
            // Axes of extent one have no mark. In a map's order of axes, height and width are the last two.
            let side = match dims.len() - axis {
                _ if start == 0 && end == 0 => continue,
                2 if dims.len() == 4 => 0,
                1 if dims.len() == 4 => 1,
                _ => bail!("pads other axes than height and width"),
            };
            for (place, pad) in [(side, start), (side + 2, end)] {
                around[place] = usize::try_from(pad).ok().context("cuts off rows or columns")?;
                ensure!(around[place] <= MOST_PAD, "pads by {pad}; at most {MOST_PAD} is supported");
            }
        }
        self.as_map(input, &dims).context("pads")?;
        Ok(self.lazy(node, input, dims, Form::Padded(around)))
    }
}

/// Words on an operator whose inputs are not the same function of one tensor for all channels.
fn not_of_one(operator: &str) -> String {
    format!(
        "is supported only on numbers and functions of one tensor, as in an activation that is written with several nodes; {}",
        remedy(operator)
    )
}

/// Most rows or columns of zeros at a side of a map.
const MOST_PAD: usize = 4096;

/// Result of a node.
enum Made {
    Value(Value),
    /// One for each output.
    Parts(Vec<Value>),
    Constant(Constant),
}

fn clip(low: f32, high: f32, channels: usize) -> Activation {
    if low == 0.0 && high == f32::INFINITY {
        return Activation::Relu;
    }
    Activation::Clip { low: vec![low; channels], high: vec![high; channels] }
}
