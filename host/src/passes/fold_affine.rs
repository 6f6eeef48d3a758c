//! Folds an affine map into the weights of a neighbouring convolution.

use super::{bypass, readers};
use crate::graph::{Activation, Graph, Op};

/// `affine(conv(x))`: scales filters and biases.
pub(super) fn into_producer(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in 1..graph.nodes.len() {
        let Op::Affine { scale, shift } = graph.nodes[node].op.clone() else { continue };
        let input = graph.nodes[node].inputs[0];
        if graph.nodes[input].activation != Activation::None || readers(graph, input) != 1 {
            continue;
        }
        let (weights, bias, per_filter) = match &mut graph.nodes[input].op {
            Op::Conv { weights, bias, .. } => (weights, bias, true),
            Op::Depthwise { weights, bias, .. } | Op::Average { weights, bias, .. } => (weights, bias, false),
            _ => continue,
        };
        let channels = scale.len();
        let filter = weights.len() / channels;
        for (index, weight) in weights.iter_mut().enumerate() {
            *weight *= scale[if per_filter { index / filter } else { index % channels }];
        }
        for ((bias, scale), shift) in bias.iter_mut().zip(&scale).zip(&shift) {
            *bias = *bias * scale + shift;
        }
        graph.nodes[input].activation = graph.nodes[node].activation.clone();
        graph.nodes[input].name = graph.nodes[node].name.clone();
        bypass(graph, node);
        changed = true;
    }
    changed
}

/// `conv(affine(x))`: scales the filters' inputs. A shift cannot be moved past padding, because padding is zero after
/// the shift.
pub(super) fn into_consumers(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in 1..graph.nodes.len() {
        let Some(&input) = graph.nodes[node].inputs.first() else { continue };
        let Op::Affine { scale, shift } = graph.nodes[input].op.clone() else { continue };
        if graph.nodes[input].activation != Activation::None {
            continue;
        }
        let (weights, bias, is_padded, depthwise) = match &mut graph.nodes[node].op {
            Op::Conv { weights, bias, window, groups: 1 } => (weights, bias, window.pad != [0; 4], false),
            Op::Depthwise { weights, bias, window } => (weights, bias, window.pad != [0; 4], true),
            // Averages leave padding out.
            Op::Average { weights, bias, .. } => (weights, bias, false, true),
            _ => continue,
        };
        if is_padded && shift.iter().any(|&s| s != 0.0) {
            continue;
        }
        let channels = scale.len();
        let filter = weights.len() / bias.len();
        for (index, weight) in weights.iter_mut().enumerate() {
            let channel = index % channels;
            bias[if depthwise { channel } else { index / filter }] += *weight * shift[channel];
            *weight *= scale[channel];
        }
        graph.nodes[node].inputs[0] = graph.nodes[input].inputs[0];
        changed = true;
    }
    changed
}
