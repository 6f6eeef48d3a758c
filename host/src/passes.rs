//! Rewrites a network so that only operators of the runtime are left: all except `Affine` and `Identity`.
//!
//! Every rewrite makes the network smaller and keeps its result (up to `f32` rounding). Rewrites run until none
//! applies.

mod fold_affine;
pub(crate) mod fold_picks;
mod fuse_activation;
pub mod grey;
mod make_depthwise;
mod merge_affine;

use crate::graph::{Activation, Graph, Node, Op};

/// Rewrites until only operators of the runtime are left.
pub fn lower(mut graph: Graph) -> Graph {
    drop_unused(&mut graph);
    while merge_affine::apply(&mut graph)
        || fold_affine::into_producer(&mut graph)
        || fold_affine::into_consumers(&mut graph)
        || fuse_activation::apply(&mut graph)
        || fold_picks::apply(&mut graph)
    {
        drop_unused(&mut graph);
    }
    make_depthwise::apply(&mut graph);
    drop_unused(&mut graph);
    graph
}

/// The number of times that other nodes and outputs read a node.
fn readers(graph: &Graph, node: usize) -> usize {
    let inputs = graph.nodes.iter().flat_map(|n| &n.inputs).filter(|&&input| input == node).count();
    inputs + graph.outputs.iter().filter(|output| output.node == node).count()
}

/// Makes the readers of `node` read its only input instead. Outputs that `node` makes are made by that input. The node
/// becomes unused.
fn bypass(graph: &mut Graph, node: usize) {
    let input = graph.nodes[node].inputs[0];
    for reader in &mut graph.nodes[node + 1..] {
        reader.inputs.iter_mut().filter(|i| **i == node).for_each(|i| *i = input);
    }
    graph.outputs.iter_mut().filter(|output| output.node == node).for_each(|output| output.node = input);
    graph.nodes[node].op = Op::Identity;
    graph.nodes[node].activation = Activation::None;
}

/// Removes nodes that no output depends on, and identities; numbers the rest anew.
fn drop_unused(graph: &mut Graph) {
    for node in 1..graph.nodes.len() {
        let Node { op, activation, .. } = &graph.nodes[node];
        if matches!(op, Op::Identity) && *activation == Activation::None {
            bypass(graph, node);
        }
    }
    let mut used = vec![false; graph.nodes.len()];
    used[0] = true;
    graph.outputs.iter().for_each(|output| used[output.node] = true);
    for node in (0..graph.nodes.len()).rev() {
        if used[node] {
            graph.nodes[node].inputs.iter().for_each(|&input| used[input] = true);
        }
    }
    let mut number = 0;
    let numbers: Vec<usize> = used.iter().map(|&used| (number, number += usize::from(used)).0).collect();
    let mut kept = used.iter();
    graph.nodes.retain(|_| kept.next() == Some(&true));
    for node in &mut graph.nodes {
        node.inputs.iter_mut().for_each(|input| *input = numbers[*input]);
    }
    graph.outputs.iter_mut().for_each(|output| output.node = numbers[output.node]);
}
