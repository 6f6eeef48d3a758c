//! Affine maps that no operator could absorb become depthwise convolutions of one pixel.

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
    // An output that no node reads has 16 bits, and moved tensors have eight. An operator that accumulates must come
    // between.
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

/// Whether an operator requires its inputs to have a grid that suits it.
fn needs_own_grid(op: &Op) -> bool {
    matches!(op, Op::Concat | Op::Table(_))
}

/// Tensors that are joined have one grid, but the photo has its own. A copy of the photo gets the common grid. A table
/// needs a copy as well: the photo's grid is wrong by a fraction of a step, which only sums can correct.
fn requantise_joined_photo(graph: &mut Graph) {
    // Whether a node passes the photo's elements on, and whether its own elements are passed on to a concatenation or
    // a table.
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
        // Node numbers from 1 on grow by one, because the copy becomes node 1.
        let takes_copy = needs_own_grid(&node.op) || (is_photo[index] && is_joined[index]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Function, Gate, GraphOutput};
    use crate::op::table::Curve;

    /// A photo of 2 × 2, these operators one after another, and a dense layer.
    fn chain(ops: &[Op]) -> Graph {
        let dense =
            Op::Conv { weights: vec![1.0; 4], bias: vec![0.0], window: Window::whole(2, 2), groups: 1 };
        let ops = [Op::Input].iter().chain(ops).chain([&dense]).cloned().collect::<Vec<_>>();
        let last = ops.len() - 1;
        let node = |(index, op): (usize, Op)| Node {
            name: format!("n{index}"),
            op,
            inputs: index.checked_sub(1).into_iter().collect(),
            shape: if index == last { [1, 1, 1] } else { [2, 2, 1] },
            activation: Activation::None,
        };
        let output = GraphOutput { name: "out".into(), node: last, function: Function::Identity };
        Graph { nodes: ops.into_iter().enumerate().map(node).collect(), outputs: vec![output] }
    }

    #[test]
    fn table_of_the_photo_reads_a_copy_on_a_grid_of_its_own() {
        let silu = Op::Table(Curve::Gated(Gate::Sigmoid));
        let pool = Op::MaxPool(Window::PIXEL);
        for ops in [vec![silu.clone()], vec![pool, silu]] {
            let mut graph = chain(&ops);
            apply(&mut graph);
            assert!(matches!(graph.nodes[1].op, Op::Depthwise { .. }), "{:?}", graph.nodes);
            // Each node reads the one before it, and the copy is one of them.
            let inputs: Vec<&[usize]> = graph.nodes[1..].iter().map(|node| &*node.inputs).collect();
            assert_eq!(inputs, (0..graph.nodes.len() - 1).map(|index| vec![index]).collect::<Vec<_>>());
        }
    }
}
