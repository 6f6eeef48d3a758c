//! Rewrites that leave only what the runtime executes: `Input`, `Conv`, `Depthwise`, `Add`, `MaxPool`.
//!
//! Every rewrite keeps what the network computes (up to `f32` rounding) and makes it smaller; they run until none applies.

mod fold_affine;
mod fuse_activation;
mod make_depthwise;
mod merge_affine;

use crate::graph::{Activation, Graph, Op};

/// Rewrites until only operators of the runtime are left.
pub fn lower(mut graph: Graph) -> Graph {
    drop_unused(&mut graph);
    while merge_affine::apply(&mut graph)
        || fold_affine::into_producer(&mut graph)
        || fold_affine::into_consumers(&mut graph)
        || fuse_activation::apply(&mut graph)
    {
        drop_unused(&mut graph);
    }
    make_depthwise::apply(&mut graph);
    drop_unused(&mut graph);
    graph
}

/// How many nodes read a node.
fn readers(graph: &Graph, node: usize) -> usize {
    graph.nodes.iter().flat_map(|n| &n.inputs).filter(|&&input| input == node).count()
}

/// Lets the readers of `node` read its only input instead. The node becomes unused, or, if it is the output, an
/// identity.
fn bypass(graph: &mut Graph, node: usize) {
    let input = graph.nodes[node].inputs[0];
    for reader in &mut graph.nodes[node + 1..] {
        reader.inputs.iter_mut().filter(|i| **i == node).for_each(|i| *i = input);
    }
    graph.nodes[node].op = Op::Identity;
    graph.nodes[node].activation = Activation::None;
}

/// Removes nodes that the output does not depend on, and identities; numbers the rest anew.
fn drop_unused(graph: &mut Graph) {
    let idle = |graph: &Graph, node: usize| {
        matches!(graph.nodes[node].op, Op::Identity) && graph.nodes[node].activation == Activation::None
    };
    while graph.nodes.len() > 1 && idle(graph, graph.nodes.len() - 1) {
        // The output itself: its input becomes the output. Nodes behind that are unused.
        let input = graph.nodes[graph.nodes.len() - 1].inputs[0];
        graph.nodes.truncate(input + 1);
    }
    for node in 1..graph.nodes.len() {
        if idle(graph, node) {
            bypass(graph, node);
        }
    }
    let mut used = vec![false; graph.nodes.len()];
    used[0] = true;
    if let Some(last) = used.last_mut() {
        *last = true;
    }
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
}
