//! The reasons to refuse a network: all causes at once, each with its nodes and a remedy.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, bail};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use super::attributes;
use crate::op;

/// Most nodes that are named for one cause.
const MOST_NAMED: usize = 3;
/// Most causes that are told.
const MOST_TOLD: usize = 30;

/// Causes found so far.
#[derive(Default)]
pub(super) struct Refusals {
    causes: Vec<Unsupported>,
    /// The place of each cause.
    known: HashMap<Cause, usize>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Cause {
    /// The kind of the nodes, such as their operator.
    what: String,
    /// The reason why they are refused, and a remedy.
    why: String,
}

struct Unsupported {
    cause: Cause,
    nodes: Vec<String>,
}

impl Refusals {
    /// Adds a cause with a node, or adds the node to a cause that exists already.
    pub fn add(&mut self, node: &NodeProto, why: String) {
        let cause = Cause { what: operator(node), why };
        let name = node_name(node).to_string();
        match self.known.get(&cause) {
            Some(&place) => self.causes[place].nodes.push(name),
            None => {
                self.known.insert(cause.clone(), self.causes.len());
                self.causes.push(Unsupported { cause, nodes: vec![name] });
            }
        }
    }

    /// Whether there are no causes.
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// Refuses the network if there are causes.
    ///
    /// # Errors
    /// All of them.
    pub fn check(&self) -> Result<()> {
        let lines: Vec<String> = self.causes.iter().take(MOST_TOLD).map(Unsupported::words).collect();
        let more = self.causes.len() - lines.len();
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        match &lines[..] {
            [] => Ok(()),
            [line] => bail!("{line}"),
            lines => bail!("for {} reasons:\n  {}{more}", self.causes.len(), lines.join("\n  ")),
        }
    }
}

impl Unsupported {
    fn words(&self) -> String {
        let Unsupported { cause: Cause { what, why }, nodes } = self;
        match &nodes[..] {
            [node] => format!("{what} (node {node}): {why}"),
            nodes => {
                let named = nodes.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = nodes.len().saturating_sub(MOST_NAMED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{what} ({} nodes: {named}{more}): {why}", nodes.len())
            }
        }
    }
}

/// Name of a node, or of its first output if the node has no name.
pub(super) fn node_name(node: &NodeProto) -> &str {
    if node.name.is_empty() { node.output.first().map_or("?", |name| name) } else { &node.name }
}

fn operator(node: &NodeProto) -> String {
    if is_standard(&node.domain) {
        node.op_type.clone()
    } else {
        format!("{}::{}", node.domain, node.op_type)
    }
}

/// Whether a domain is that of ONNX's own operators.
pub(super) fn is_standard(name: &str) -> bool {
    domain(name).is_empty()
}

/// The one spelling of a domain that has two.
fn domain(name: &str) -> &str {
    if name == "ai.onnx" { "" } else { name }
}

/// A remedy for users of the file, and a remedy for those who can train the network.
struct Remedy(&'static str, Option<&'static str>);

impl Remedy {
    fn words(&self) -> String {
        match self {
            Remedy(file, None) => (*file).to_string(),
            Remedy(file, Some(training)) => format!("{file}; if you can train the network: {training}"),
        }
    }
}

const ANOTHER: &str =
    "take another network, or cut this one before it with --embedding NAME if the embedding is made there";
const SMOOTH: &str = "take a network with PReLU, ReLU or ReLU6 in its place";

/// The remedy for an operator.
pub(crate) fn remedy(operator: &str) -> String {
    match operator {
        "ConvTranspose" => Remedy(ANOTHER, Some("enlarge with Resize (nearest) and a convolution")),
        "LayerNormalization" | "InstanceNormalization" | "GroupNormalization" | "MeanVarianceNormalization" => {
            Remedy(ANOTHER, Some("use BatchNormalization, which costs nothing once trained"))
        }
        "Einsum" => Remedy(
            "take a convolutional network: attention, which most use einsum for, is not supported",
            Some("where it is a fully connected layer or a 1×1 convolution, write Linear or Conv2d in its place"),
        ),
        "Softmax" | "LogSoftmax" | "Attention" | "MultiHeadAttention" => {
            Remedy("take a convolutional network; attention is not supported", None)
        }
        "Loop" | "If" | "Scan" => Remedy(
            "boards run every operator once, in one order; if it only depends on shapes or constants, `onnxsim IN.onnx OUT.onnx` \
             removes it; otherwise take a feed-forward network",
            Some("export without torch.jit.script, and without `if` and loops that depend on a tensor's values"),
        ),
        "LSTM" | "GRU" | "RNN" => Remedy("take a feed-forward convolutional network", None),
        "QLinearConv" | "QLinearMatMul" | "QuantizeLinear" | "DequantizeLinear" | "ConvInteger"
        | "MatMulInteger" | "DynamicQuantizeLinear" => {
            Remedy("take the float file that this one was made from: networks are quantised here", None)
        }
        "Slice" | "ScatterND" | "GatherND" | "Tile" | "DepthToSpace" | "SpaceToDepth" => {
            Remedy(ANOTHER, Some("avoid moving parts of tensors; additions and concatenations are supported"))
        }
        "Exp" | "Log" | "Erf" | "Sin" | "Cos" | "Floor" | "Round" | "Where" | "Greater" | "Less" | "Equal" => {
            Remedy(ANOTHER, Some(SMOOTH))
        }
        _ => Remedy(ANOTHER, None),
    }
    .words()
}

/// Operators that the importer knows besides those that have a file ([`op::import`]).
const SUPPORTED: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Dropout",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "If",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LpNormalization",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pad",
    "Pow",
    "Reciprocal",
    "ReduceL2",
    "ReduceSum",
    "ReduceSumSquare",
    "Relu",
    "Reshape",
    "Shape",
    "Slice",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Transpose",
    "Unsqueeze",
    "Where",
];

/// Names of all operators that the importer knows.
pub fn operators() -> impl Iterator<Item = &'static str> {
    SUPPORTED.iter().copied().chain(op::imported())
}

/// Finds nodes that are wrong for any input: other domains, unknown operators, training. Nodes that read only
/// constants, as `is_constant` tells, are skipped.
pub(super) fn of_nodes(
    proto: &ModelProto,
    onnx: &GraphProto,
    is_constant: impl Fn(&NodeProto) -> bool,
) -> Refusals {
    let mut refusals = Refusals::default();
    // A function has the name of operators of its own domain alone. Overloads of one name are functions alike.
    let functions: HashSet<(&str, &str)> =
        proto.functions.iter().map(|function| (domain(function.domain()), function.name())).collect();
    for node in &onnx.node {
        if functions.contains(&(domain(&node.domain), &*node.op_type)) {
            let why = "the operator is a function of the file; write it out with `onnx.inliner.inline_local_functions`";
            refusals.add(node, why.to_string());
        } else if !is_standard(&node.domain) {
            let remedy = match &*node.domain {
                "com.microsoft" | "com.ms.internal.nhwc" => {
                    "the file was rewritten by ONNX Runtime's optimiser; take the file as it was before"
                }
                _ => ANOTHER,
            };
            let why = format!("the operator is not ONNX's own, but of the domain {}; {remedy}", node.domain);
            refusals.add(node, why);
        } else if !operators().any(|known| known == node.op_type) && !is_constant(node) {
            refusals.add(node, format!("the operator is not supported; {}", remedy(&node.op_type)));
        } else if is_training(node) {
            refusals.add(
                node,
                "the file was exported in training mode: export it after `model.eval()` (training=TrainingMode.EVAL)"
                    .to_string(),
            );
        }
    }
    refusals
}

/// Whether a node works as in training.
fn is_training(node: &NodeProto) -> bool {
    let has_mode = matches!(attributes::integer(node, "training_mode"), Ok(Some(1)));
    // Only training has running statistics as outputs.
    let outputs = node.output.iter().filter(|name| !name.is_empty()).count();
    node.op_type == "BatchNormalization" && (has_mode || outputs > 1)
}
