//! Two affine maps in a row are one.

use super::{bypass, readers};
use crate::graph::{Activation, Graph, Op};

pub(super) fn apply(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in 1..graph.nodes.len() {
        let Op::Affine { scale: outer_scale, shift: outer_shift } = &graph.nodes[node].op else { continue };
        let input = graph.nodes[node].inputs[0];
        let Op::Affine { scale, shift } = &graph.nodes[input].op else { continue };
        if graph.nodes[input].activation != Activation::None || readers(graph, input) != 1 {
            continue;
        }
        let merged = Op::Affine {
            scale: scale.iter().zip(outer_scale).map(|(inner, outer)| inner * outer).collect(),
            shift: shift
                .iter()
                .zip(outer_scale)
                .zip(outer_shift)
                .map(|((inner, scale), shift)| inner * scale + shift)
                .collect(),
        };
        graph.nodes[node].op = merged;
        bypass(graph, input);
        changed = true;
    }
    changed
}
