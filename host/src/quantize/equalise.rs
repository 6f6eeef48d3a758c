//! Cross-layer equalisation: lets every channel of a tensor use the tensor's whole range.
//!
//! ReLU and PReLU commute with positive factors. It therefore changes nothing in `f32` to divide a tensor's channel by
//! its range and to multiply the readers' weights by it. All channels of a tensor have the same step size and
//! therefore the same rounding noise, which then harms each channel in proportion to its range. Tensors that additions
//! or poolings tie together share their factors. (Nagel et al. 2019, arXiv:1906.04721, section 4.1. Ranges of
//! activations replace those of weights, because weights have one scale for each channel here.)

use rayon::prelude::*;

use super::Preprocessing;
use crate::float;
use crate::graph::{Activation, Graph, Op};

/// The same network with equalised tensors.
pub fn equalise(graph: &Graph, preprocessing: Preprocessing, crops: &[Vec<u8>]) -> Graph {
    let ranges = ranges(graph, preprocessing, crops);
    let group = groups(graph);
    // The result of a table, of an output's reader or of a joined tensor depends on the scale of its values.
    let fixed: Vec<usize> = (0..graph.nodes.len())
        .filter(|&node| {
            let is_joined = graph.readers(node).any(|reader| matches!(reader.op, Op::Concat));
            let is_gate = graph
                .readers(node)
                .any(|reader| matches!(reader.op, Op::Scale(_)) && reader.inputs[1] == node);
            let is_curved = graph.readers(node).any(|reader| matches!(reader.op, Op::Table(_)));
            let op = &graph.nodes[node].op;
            let is_scaled = !(node == 0 || graph.is_output(node) || is_joined || is_gate || is_curved);
            !is_scaled || matches!(op, Op::Concat | Op::Table(_))
        })
        .collect();
    let mut factors: Vec<Option<Vec<f32>>> = vec![None; graph.nodes.len()];
    for representative in 0..graph.nodes.len() {
        let members: Vec<usize> = (0..graph.nodes.len()).filter(|&n| group[n] == representative).collect();
        let is_cut = |&member: &usize| cuts_unevenly(&graph.nodes[member].activation, members.len());
        if members.is_empty() || members.iter().any(|member| fixed.contains(member) || is_cut(member)) {
            continue;
        }
        let mut factor = vec![0f32; graph.nodes[representative].shape[2]];
        for &member in &members {
            factor.iter_mut().zip(&ranges[member]).for_each(|(f, r)| *f = f.max(*r));
        }
        // A channel that is always zero must not make its readers' weights vanish.
        let floor = factor.iter().fold(0f32, |a, b| a.max(*b)) * 1e-2;
        factor.iter_mut().for_each(|f| *f = f.max(floor).max(1e-6));
        members.iter().for_each(|&member| factors[member] = Some(factor.clone()));
    }
    let mut graph = graph.clone();
    for node in 0..graph.nodes.len() {
        let input = graph.nodes[node].inputs.first().and_then(|&input| factors[input].clone());
        let output = factors[node].clone();
        let node = &mut graph.nodes[node];
        // Output channels that read the same group of input channels, and the number of these input channels.
        let (weights, bias, depthwise, groups) = match &mut node.op {
            Op::Conv { weights, bias, groups, .. } => (weights, bias, false, *groups),
            Op::Depthwise { weights, bias, .. } | Op::Average { weights, bias, .. } => {
                (weights, bias, true, 1)
            }
            _ => {
                scale_clip(&mut node.activation, output.as_deref());
                continue;
            }
        };
        let filter = weights.len() / bias.len();
        let channels_out = bias.len();
        let members = if depthwise { channels_out } else { input.as_ref().map_or(1, |i| i.len()) / groups };
        for (index, weight) in weights.iter_mut().enumerate() {
            let channel = if depthwise { index % channels_out } else { index / filter };
            if let Some(input) = &input {
                // The first input channel of the filter's group, then the place in the group.
                let first = if depthwise { 0 } else { channel / (channels_out / groups) * members };
                *weight *= input[first + index % members];
            }
            if let Some(output) = &output {
                *weight /= output[channel];
            }
        }
        if let Some(output) = &output {
            bias.iter_mut().zip(output).for_each(|(bias, factor)| *bias /= factor);
        }
        scale_clip(&mut node.activation, output.as_deref());
    }
    graph
}

/// Whether the bounds of a clip, divided by the factors, would differ between channels and also limit values. A board
/// has one bound for all channels. A factor that is the tensor's own range puts the upper bound at the end of the grid
/// or beyond, where it limits nothing. A shared factor does not. No factor does so for a lower bound other than zero.
fn cuts_unevenly(activation: &Activation, members: usize) -> bool {
    match activation {
        Activation::Clip { low, .. } => members > 1 || low.iter().any(|&low| low != 0.0 && low.is_finite()),
        Activation::None | Activation::Relu | Activation::PRelu(_) => false,
    }
}

fn scale_clip(activation: &mut Activation, factor: Option<&[f32]>) {
    if let (Activation::Clip { low, high }, Some(factor)) = (activation, factor) {
        low.iter_mut().chain(high).zip(factor.iter().cycle()).for_each(|(bound, factor)| *bound /= factor);
    }
}

/// Largest magnitude of each channel of each node, over all crops.
fn ranges(graph: &Graph, preprocessing: Preprocessing, crops: &[Vec<u8>]) -> Vec<Vec<f32>> {
    let none = || graph.nodes.iter().map(|node| vec![0f32; node.shape[2]]).collect::<Vec<_>>();
    crops
        .par_iter()
        .map(|crop| {
            let mut ranges = none();
            for (range, tensor) in ranges.iter_mut().zip(float::run(graph, &preprocessing.apply(crop))) {
                for pixel in tensor.chunks_exact(range.len()) {
                    range.iter_mut().zip(pixel).for_each(|(range, x)| *range = range.max(x.abs()));
                }
            }
            ranges
        })
        .reduce(none, |mut a, b| {
            for (a, b) in a.iter_mut().zip(&b) {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(*b));
            }
            a
        })
}

/// For every node, the smallest node number of its group.
fn groups(graph: &Graph) -> Vec<usize> {
    let mut group: Vec<usize> = (0..graph.nodes.len()).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        let tied = match node.op {
            Op::Add | Op::MaxPool(_) | Op::Enlarge(_) => &node.inputs[..],
            Op::Scale(_) => &node.inputs[..1],
            _ => &[],
        };
        if !tied.is_empty() {
            let tied: Vec<usize> = tied.iter().map(|&input| group[input]).chain([group[index]]).collect();
            let smallest = tied.iter().copied().min().unwrap_or(index);
            group.iter_mut().filter(|g| tied.contains(g)).for_each(|g| *g = smallest);
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Function, GraphOutput, Node, Window};

    /// A photo of one pixel; two convolutions of it, the first clipped at 6; their sum; one number from that.
    fn clipped_beside(activation: Activation, loud: [f32; 2]) -> Graph {
        let conv = |weights: Vec<f32>, inputs, channels, activation| Node {
            name: String::new(),
            op: Op::Conv { bias: vec![0.0; channels], weights, window: Window::PIXEL, groups: 1 },
            inputs,
            shape: [1, 1, channels],
            activation,
        };
        let node = |op, inputs, channels| Node {
            name: String::new(),
            op,
            inputs,
            shape: [1, 1, channels],
            activation: Activation::None,
        };
        let nodes = vec![
            node(Op::Input, vec![], 1),
            conv(vec![4.0, 4.0], vec![0], 2, activation),
            conv(loud.to_vec(), vec![0], 2, Activation::None),
            node(Op::Add, vec![1, 2], 2),
            conv(vec![1.0, 1.0], vec![3], 1, Activation::None),
        ];
        let output = GraphOutput { name: "out".into(), node: 4, function: Function::Identity };
        Graph { nodes, outputs: vec![output] }
    }

    fn bounds(graph: &Graph) -> Vec<f32> {
        match &graph.nodes[1].activation {
            Activation::Clip { high, .. } => high.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn clipped_tensor_tied_to_a_louder_one_keeps_one_bound_for_all_channels() {
        let clip = Activation::Clip { low: vec![0.0; 2], high: vec![6.0; 2] };
        let graph = clipped_beside(clip, [100.0, 0.1]);
        let equalised = equalise(&graph, Preprocessing { mean: 0.0, scale: 255.0 }, &[vec![255]]);
        assert_eq!(bounds(&equalised), [6.0, 6.0]);
    }
}
