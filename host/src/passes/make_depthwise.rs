//! What no operator could take is executed, as a depthwise convolution of one pixel.

use crate::graph::{Activation, Graph, Node, Op, Window};

const PIXEL: Window = Window { kernel: [1, 1], stride: [1, 1], pad: [0; 4] };

pub(super) fn apply(graph: &mut Graph) {
    for node in &mut graph.nodes {
        let channels = node.shape[2];
        match &node.op {
            Op::Affine { scale, shift } => {
                node.op = Op::Depthwise { weights: scale.clone(), bias: shift.clone(), window: PIXEL };
            }
            Op::Identity if node.activation != Activation::None => node.op = identity(channels),
            _ => {}
        }
    }
    // The embedding is wider than the tensors before it: something must accumulate it.
    let last = graph.nodes.len() - 1;
    if let Op::MaxPool(_) | Op::Input = graph.nodes[last].op {
        let Node { name, shape, .. } = graph.nodes[last].clone();
        let op = identity(shape[2]);
        graph.nodes.push(Node { name, op, inputs: vec![last], shape, activation: Activation::None });
    }
}

fn identity(channels: usize) -> Op {
    Op::Depthwise { weights: vec![1.0; channels], bias: vec![0.0; channels], window: PIXEL }
}
