//! What no operator could take is executed, as a depthwise convolution of one pixel.

use crate::graph::{Activation, Graph, Node, Op, Window};
use crate::op;

pub(super) fn apply(graph: &mut Graph) {
    for node in &mut graph.nodes {
        let channels = node.shape[2];
        match &node.op {
            Op::Affine { scale, shift } => {
                node.op =
                    Op::Depthwise { weights: scale.clone(), bias: shift.clone(), window: Window::PIXEL };
            }
            Op::Identity if node.activation != Activation::None => node.op = identity(channels),
            _ => {}
        }
    }
    // An output has 16 bits, and the tensors before it have not: something must accumulate it.
    for index in 0..graph.outputs.len() {
        let node = graph.outputs[index].node;
        if matches!(graph.nodes[node].op, Op::Input) || op::moves_elements(&graph.nodes[node].op) {
            graph.outputs[index].node = graph.nodes.len();
            let Node { name, shape, .. } = graph.nodes[node].clone();
            let op = identity(shape[2]);
            graph.nodes.push(Node { name, op, inputs: vec![node], shape, activation: Activation::None });
        }
    }
}

fn identity(channels: usize) -> Op {
    Op::Depthwise { weights: vec![1.0; channels], bias: vec![0.0; channels], window: Window::PIXEL }
}
