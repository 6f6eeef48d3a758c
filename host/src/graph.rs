//! The network between import and quantisation: a list of nodes in topological order, each making one tensor.
//!
//! Tensors are `[h, w, c]`, batch of one, channels last. A node's number is its tensor's number: node 0 is the
//! input, the last node is the embedding (`[1, 1, d]`). Weights are `f32`.

/// Height, width, channels of a tensor.
pub type Shape = [usize; 3];

/// A network. Invariants: `nodes[0]` is the only [`Op::Input`]; inputs of a node have smaller numbers; the
/// last node is the output.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes in topological order.
    pub nodes: Vec<Node>,
}

/// One operator and the tensor it makes.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name of the ONNX node (or of the last ONNX node folded into this one), for messages and reports.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Numbers of the nodes it reads.
    pub inputs: Vec<usize>,
    /// Shape of the tensor it makes.
    pub shape: Shape,
    /// Applied to the result, element by element.
    pub activation: Activation,
}

/// An operator. Import makes all of these; the passes leave only `Input`, `Conv`, `Depthwise`, `Add` and
/// `MaxPool`, which are what the runtime executes.
#[derive(Clone, Debug)]
pub enum Op {
    /// The photo, in the network's own units: `(pixel − mean) / scale` is done before it.
    Input,
    /// Convolution over all input channels. A dense layer is one whose kernel is its whole input.
    Conv {
        /// `[c_out][kh][kw][c_in]`, flattened.
        weights: Vec<f32>,
        /// `[c_out]`.
        bias: Vec<f32>,
        /// Where the kernel stands.
        window: Window,
    },
    /// One filter per channel.
    Depthwise {
        /// `[kh][kw][c]`, flattened.
        weights: Vec<f32>,
        /// `[c]`.
        bias: Vec<f32>,
        /// Where the kernel stands.
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
    /// Largest value under the window; padding never wins.
    MaxPool(
        /// Where the window stands.
        Window,
    ),
    /// Passes its input on: a place for an activation that no operator could take yet.
    Identity,
}

/// A sliding window. Rows or columns outside the tensor read as zero (as minus infinity when pooling).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Step down and right.
    pub stride: [usize; 2],
    /// Padding: top, left, bottom, right.
    pub pad: [usize; 4],
}

/// A pointwise nonlinearity.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, low), high)` per channel (`[c]` each; a channel scale may differ after equalisation).
    Clip {
        /// Lower bounds, `[c]`.
        low: Vec<f32>,
        /// Upper bounds, `[c]`.
        high: Vec<f32>,
    },
    /// `x` where positive, `slope · x` elsewhere; one slope a channel, `[c]`.
    PRelu(Vec<f32>),
}
