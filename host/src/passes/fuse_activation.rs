//! An activation moves into the operator before it.

use super::{bypass, readers};
use crate::graph::{Activation, Graph, Op};
use crate::op;

pub(super) fn apply(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in 1..graph.nodes.len() {
        if !matches!(graph.nodes[node].op, Op::Identity) || graph.nodes[node].activation == Activation::None {
            continue;
        }
        let input = graph.nodes[node].inputs[0];
        let producer = &graph.nodes[input];
        let accumulates =
            !matches!(producer.op, Op::Input | Op::Table(_)) && !op::moves_elements(&producer.op);
        if accumulates && producer.activation == Activation::None && readers(graph, input) == 1 {
            graph.nodes[input].activation = graph.nodes[node].activation.clone();
            bypass(graph, node);
            changed = true;
        }
    }
    changed
}
