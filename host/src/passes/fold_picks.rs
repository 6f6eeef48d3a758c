//! Channels that are picked, or put in another order, become part of what reads them. Import writes a pick as a
//! convolution of zeros and ones; scales and shifts may have been folded into it.

use super::readers;
use crate::graph::{Activation, Graph, Node, Op, Window};

pub(super) fn apply(graph: &mut Graph) -> bool {
    joined(graph) || behind_affine(graph) || into_convolution(graph)
}

/// Channels of another tensor, each scaled and shifted.
struct Pick {
    /// For each channel its number in the other tensor.
    places: Vec<usize>,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Pick {
    /// What a node picks; `None` for a node that computes more.
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let Op::Conv { weights, bias, window: Window::PIXEL, groups: 1 } = &node.op else { return None };
        if node.activation != Activation::None {
            return None;
        }
        let channels = graph.nodes[node.inputs[0]].shape[2];
        let place = |filter: &[f32]| {
            let mut places = filter.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
            let (place, &weight) = places.next()?;
            places.next().is_none().then_some((place, weight))
        };
        let filters: Option<Vec<(usize, f32)>> = weights.chunks_exact(channels).map(place).collect();
        let (places, scale) = filters?.into_iter().unzip();
        Some(Pick { places, scale, shift: bias.clone() })
    }

    fn is_plain(&self) -> bool {
        self.scale.iter().all(|&factor| factor == 1.0) && !self.shifts()
    }

    fn shifts(&self) -> bool {
        self.shift.iter().any(|&shift| shift != 0.0)
    }

    /// Whether each channel of the other tensor, which has so many, is there once.
    fn is_order(&self, channels: usize) -> bool {
        let mut sorted = self.places.clone();
        sorted.sort_unstable();
        sorted == (0..channels).collect::<Vec<_>>()
    }
}

/// The operator that picks these of so many channels.
pub(crate) fn pick(picked: &[usize], channels: usize) -> Op {
    let [scale, shift] = [1.0, 0.0].map(|value| vec![value; picked.len()]);
    scaled(&Pick { places: picked.to_vec(), scale, shift }, channels)
}

fn scaled(Pick { places, scale, shift }: &Pick, channels: usize) -> Op {
    let filter =
        |(&place, &scale): (&usize, &f32)| (0..channels).map(move |at| if at == place { scale } else { 0.0 });
    let weights = places.iter().zip(scale).flat_map(filter).collect();
    Op::Conv { weights, bias: shift.clone(), window: Window::PIXEL, groups: 1 }
}

/// `conv(pick(x))`: the weights are picked. A pick of few channels of many stays, because the convolution would grow. A
/// shift cannot be moved past padding.
fn into_convolution(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in 1..graph.nodes.len() {
        let Op::Conv { groups: 1, window, .. } = graph.nodes[node].op else { continue };
        let input = graph.nodes[node].inputs[0];
        let Some(pick) = Pick::of(graph, &graph.nodes[input]) else { continue };
        let source = graph.nodes[input].inputs[0];
        let channels = graph.nodes[source].shape[2];
        let grows = pick.places.len() != channels && source != 0;
        if grows || (window.pad != [0; 4] && pick.shifts()) {
            continue;
        }
        let Op::Conv { weights, bias, .. } = &mut graph.nodes[node].op else { continue };
        let filter = weights.len() / bias.len();
        for (bias, filter) in bias.iter_mut().zip(weights.chunks_exact(filter)) {
            *bias += filter.iter().zip(pick.shift.iter().cycle()).map(|(w, shift)| w * shift).sum::<f32>();
        }
        let tap = |tap: &[f32]| {
            let mut whole = vec![0.0; channels];
            let places = pick.places.iter().zip(&pick.scale).zip(tap);
            places.for_each(|((&place, scale), weight)| whole[place] += weight * scale);
            whole
        };
        *weights = weights.chunks_exact(pick.places.len()).flat_map(tap).collect();
        graph.nodes[node].inputs[0] = source;
        changed = true;
    }
    changed
}

/// `affine(order(x))` becomes `order(affine(x))`.
fn behind_affine(graph: &mut Graph) -> bool {
    for node in 1..graph.nodes.len() {
        let Op::Affine { scale, shift } = &graph.nodes[node].op else { continue };
        let input = graph.nodes[node].inputs[0];
        let Some(pick) = Pick::of(graph, &graph.nodes[input]) else { continue };
        let channels = graph.nodes[graph.nodes[input].inputs[0]].shape[2];
        if !pick.is_plain() || !pick.is_order(channels) || readers(graph, input) != 1 {
            continue;
        }
        let ordered = |values: &[f32]| {
            let mut ordered = vec![0.0; channels];
            pick.places.iter().zip(values).for_each(|(&place, &value)| ordered[place] = value);
            ordered
        };
        let affine = Op::Affine { scale: ordered(scale), shift: ordered(shift) };
        graph.nodes[node].op = std::mem::replace(&mut graph.nodes[input].op, affine);
        return true;
    }
    false
}

/// Picks of one tensor that are joined again are one pick.
fn joined(graph: &mut Graph) -> bool {
    for node in 1..graph.nodes.len() {
        let Node { op: Op::Concat, inputs, .. } = &graph.nodes[node] else { continue };
        let source = graph.nodes[inputs[0]].inputs.first().copied();
        let of = |&input: &usize| {
            let part = &graph.nodes[input];
            Pick::of(graph, part).filter(|_| part.inputs.first().copied() == source)
        };
        let (Some(source), Some(picks)) = (source, inputs.iter().map(of).collect::<Option<Vec<Pick>>>())
        else {
            continue;
        };
        let all = |of: fn(&Pick) -> &[f32]| picks.iter().flat_map(of).copied().collect();
        let places = picks.iter().flat_map(|pick| pick.places.clone()).collect();
        let joined = Pick { places, scale: all(|pick| &pick.scale), shift: all(|pick| &pick.shift) };
        let channels = graph.nodes[source].shape[2];
        let is_whole = joined.is_plain() && joined.is_order(channels) && joined.places.is_sorted();
        let node = &mut graph.nodes[node];
        node.op = if is_whole { Op::Identity } else { scaled(&joined, channels) };
        node.inputs = vec![source];
        return true;
    }
    false
}
