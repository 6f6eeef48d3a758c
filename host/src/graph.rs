//! The network between import and quantisation: a list of nodes in topological order, each making one tensor.
//!
//! Tensors are `[h, w, c]`, batch of one, channels last. A node's number is its tensor's number: node 0 is the
//! input. Weights are `f32`.

pub use format::network::Function;

pub use crate::op::{Gate, Op};

/// Height, width, channels of a tensor.
pub type Shape = [usize; 3];

/// A network. Invariants: `nodes[0]` is the only [`Op::Input`]; inputs of a node have smaller numbers; there is an output.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The nodes in topological order.
    pub nodes: Vec<Node>,
    /// The outputs of the network.
    pub outputs: Vec<GraphOutput>,
}

impl Graph {
    /// Whether a node's tensor is an output.
    pub fn is_output(&self, node: usize) -> bool {
        self.outputs.iter().any(|output| output.node == node)
    }

    /// Whether a node's tensor is an output that no other node reads. Such an output has 16 bits.
    pub fn ends_at(&self, node: usize) -> bool {
        self.is_output(node) && self.readers(node).next().is_none()
    }

    /// The nodes that read a node's tensor.
    pub fn readers(&self, node: usize) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |reader| reader.inputs.contains(&node))
    }
}

/// An output: its name in the file, and the function that its reader must still apply.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphOutput {
    /// Name in the file.
    pub name: String,
    /// Number of the node.
    pub node: usize,
    /// The function that the file applies afterwards and a board does not.
    pub function: Function,
}

/// One operator and the tensor it makes.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name of the ONNX node (or of the last ONNX node folded into this one), for messages and reports.
    pub name: String,
    /// The operator.
    pub op: Op,
    /// Numbers of the nodes it reads.
    pub inputs: Vec<usize>,
    /// Shape of the tensor it makes.
    pub shape: Shape,
    /// Applied to the result, element by element.
    pub activation: Activation,
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
    /// Distance of neighbouring taps down and right.
    pub dilation: [usize; 2],
}

impl Window {
    /// One pixel, no padding.
    pub const PIXEL: Window = Window { kernel: [1, 1], stride: [1, 1], pad: [0; 4], dilation: [1, 1] };

    /// A whole map.
    pub fn whole(height: usize, width: usize) -> Self {
        Window { kernel: [height, width], ..Window::PIXEL }
    }

    /// Taps of one channel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Input pixel under kernel position `(ky, kx)` of output pixel `(y, x)`, if inside.
    pub fn under(&self, input: Shape, [y, x]: [usize; 2], [ky, kx]: [usize; 2]) -> Option<usize> {
        let row = (y * self.stride[0] + ky * self.dilation[0]).checked_sub(self.pad[0])?;
        let column = (x * self.stride[1] + kx * self.dilation[1]).checked_sub(self.pad[1])?;
        (row < input[0] && column < input[1]).then(|| row * input[1] + column)
    }

    /// Taps of output pixel `(y, x)` that lie inside.
    pub fn taps_inside(&self, input: Shape, at: [usize; 2]) -> usize {
        let taps = (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| [ky, kx]));
        taps.filter(|&tap| self.under(input, at, tap).is_some()).count()
    }
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

impl Activation {
    /// Applies it to a tensor `[..][c]`.
    pub fn apply(&self, tensor: &mut [f32]) {
        match self {
            Activation::None => {}
            Activation::Relu => tensor.iter_mut().for_each(|x| *x = x.max(0.0)),
            Activation::Clip { low, high } => {
                for pixel in tensor.chunks_exact_mut(low.len()) {
                    for ((x, low), high) in pixel.iter_mut().zip(low).zip(high) {
                        *x = x.max(*low).min(*high);
                    }
                }
            }
            Activation::PRelu(slopes) => {
                for pixel in tensor.chunks_exact_mut(slopes.len()) {
                    for (x, slope) in pixel.iter_mut().zip(slopes) {
                        // The product is made for every value, so that nothing branches: signs cannot be foreseen.
                        let sloped = *x * slope;
                        *x = if *x < 0.0 { sloped } else { *x };
                    }
                }
            }
        }
    }
}
