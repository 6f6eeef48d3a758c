//! Runs a [`Graph`] in `f32`, for the quantiser's statistics.

use crate::graph::{Graph, Op};
use crate::op;

/// Every node's tensor, `[h][w][c]`, for one input in the network's own units.
///
/// # Panics
/// When the input has another size, or the graph was not lowered ([`crate::passes::lower`]).
pub fn run(graph: &Graph, input: &[f32]) -> Vec<Vec<f32>> {
    let mut tensors: Vec<Vec<f32>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let mut tensor = if let Op::Input = node.op {
            assert_eq!(input.len(), node.shape.iter().product::<usize>());
            input.to_vec()
        } else {
            let inputs: Vec<&[f32]> = node.inputs.iter().map(|&i| &*tensors[i]).collect();
            op::float(graph, node, &inputs)
        };
        node.activation.apply(&mut tensor);
        tensors.push(tensor);
    }
    tensors
}
