//! Affine maps that no operator could absorb are executed as depthwise convolutions of one pixel.

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
    requantise_joined_photo(graph);
    // An output that nothing reads has 16 bits, and tensors that are moved have eight: something must accumulate it.
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

/// Whether an operator's inputs have to be on a grid that suits it.
fn needs_own_grid(op: &Op) -> bool {
    matches!(op, Op::Concat | Op::Table(_))
}

/// Tensors that are joined have one grid, and the photo has its own: a copy of it takes theirs. For a table the photo's grid is
/// wrong by a fraction of a step that only sums can make good.
fn requantise_joined_photo(graph: &mut Graph) {
    // Whether a node passes the photo's elements on, and whether it passes its own on to a concatenation.
    let mut is_photo = vec![false; graph.nodes.len()];
    let mut is_joined = vec![false; graph.nodes.len()];
    is_photo[0] = true;
    for (index, node) in graph.nodes.iter().enumerate() {
        is_photo[index] |= op::moves_elements(&node.op) && node.inputs.iter().any(|&input| is_photo[input]);
    }
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let joins = needs_own_grid(&node.op);
        if joins || (is_joined[index] && op::moves_elements(&node.op)) {
            node.inputs.iter().for_each(|&input| is_joined[input] = true);
        }
    }
    if !is_joined[0] {
        return;
    }
    let Node { name, shape, .. } = graph.nodes[0].clone();
    let copy = Node { name, op: identity(shape[2]), inputs: vec![0], shape, activation: Activation::None };
    for (index, node) in graph.nodes.iter_mut().enumerate() {
        // Numbers from 1 on move up by one for the copy.
        let takes_copy = is_photo[index] && (is_joined[index] || needs_own_grid(&node.op));
        for input in &mut node.inputs {
            *input += usize::from(*input > 0 || takes_copy);
        }
    }
    graph.outputs.iter_mut().for_each(|output| output.node += usize::from(output.node > 0));
    graph.nodes.insert(1, copy);
}

fn identity(channels: usize) -> Op {
    Op::Depthwise { weights: vec![1.0; channels], bias: vec![0.0; channels], window: Window::PIXEL }
}
