//! The outline of a network in an image, known before quantisation: its layers, the places of their rows, and the
//! bytes of its weights. Also decides whether an image can hold the network at all.

use anyhow::{Result, ensure};
use format::Role;
use format::layer::{Element, Layer, MAX_EXTENT, Tensor};
use format::network::{MAX_DIMENSION, MAX_LAYERS, MAX_OUTPUTS, MAX_ROWS};
use nn::op::Inputs;

use crate::budget::{Budget, Excess};
use crate::graph::{Graph, Node};
use crate::{op, plan};

/// A lowered network ([`crate::passes::lower`]) without its weights.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Layers with all fields that the planner uses, placed in the arena, and no others.
    pub layers: Vec<Layer>,
    /// Name of each layer.
    pub names: Vec<String>,
    /// Multiply-accumulates of each layer.
    pub macs: Vec<u64>,
    /// Bytes of arena.
    pub arena_bytes: usize,
    /// Bytes of weights, biases and multipliers.
    pub flash_bytes: usize,
}

impl Outline {
    /// Plans the network.
    ///
    /// # Errors
    /// When no image can hold it. The error has every limit that the network exceeds.
    pub fn of(graph: &Graph) -> Result<Outline> {
        let excesses = excesses_of_format(graph);
        ensure!(excesses.is_empty(), "{}", excesses.join("; "));
        let outline = |(index, node): (usize, &Node)| {
            let [height, width, channels] = node.shape.map(|extent| extent as u16);
            let element = if graph.ends_at(index) { Element::I16 } else { Element::I8 };
            let tensor = Tensor { height, width, channels, element, zero_point: 0, ring: height, offset: 0 };
            op::outline(node, tensor)
        };
        let mut layers: Vec<Layer> = graph.nodes.iter().enumerate().map(outline).collect();
        let outputs: Vec<u16> = graph.outputs.iter().map(|output| output.node as u16).collect();
        let arena_bytes = plan::plan(&mut layers, &outputs).arena_bytes;
        let macs = (layers.iter())
            .map(|layer| nn::op::macs(layer, &Inputs::of(layer, |input| layers[input].output)))
            .collect();
        let flash_bytes = graph
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| op::flash_bytes(node, graph.ends_at(index)))
            .sum();
        let names = graph.nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Outline { layers, names, macs, arena_bytes, flash_bytes })
    }

    /// The limits that the network exceeds in this role: layers, rows of its input, arena, weights.
    pub fn excesses(&self, role: Role, budget: &Budget) -> Vec<Excess> {
        let name = |index: usize| self.names[index].clone();
        let mut excesses = budget.excesses(role, &self.layers, self.arena_bytes, name);
        excesses.extend(budget.weights_excess(&self.layers, self.flash_bytes, name));
        excesses
    }
}

/// The limits of the format that a network exceeds, in words.
fn excesses_of_format(graph: &Graph) -> Vec<String> {
    let mut excesses = Vec::new();
    let rows = graph.nodes.iter().map(|node| node.shape[0]).sum();
    for (what, count, most, remedy) in [
        ("layers", graph.nodes.len(), MAX_LAYERS, "take a shallower network"),
        ("outputs", graph.outputs.len(), MAX_OUTPUTS, "export fewer outputs"),
        ("rows in all its tensors together", rows, MAX_ROWS, "take smaller photos or a shallower network"),
    ] {
        if count > most {
            excesses.push(format!("the network has {count} {what}, at most {most} are supported: {remedy}"));
        }
    }
    let is_too_large = |node: &&Node| node.shape.iter().any(|&extent| extent > MAX_EXTENT.into());
    if let Some(node) = graph.nodes.iter().find(is_too_large) {
        let [h, w, c] = node.shape;
        excesses.push(format!(
            "the tensor of {} is {h}×{w}×{c}: height, width and channels may be {MAX_EXTENT} each; take smaller photos or fewer \
             channels",
            node.name
        ));
    }
    excesses
}

/// Refuses an embedding that has more elements than a gallery's centres may have.
///
/// # Errors
/// The error says how many elements are possible.
pub fn check_dimension(dimension: usize) -> Result<()> {
    ensure!(
        dimension <= MAX_DIMENSION,
        "the embedding has {dimension} elements, at most {MAX_DIMENSION} are supported: take a network with a shorter one (128, \
         256 and 512 are usual)"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Activation, Function, GraphOutput, Op, Shape};

    fn chain(count: usize, shape: Shape) -> Graph {
        let node = |index: usize| Node {
            name: format!("n{index}"),
            op: if index == 0 { Op::Input } else { Op::MaxPool(crate::graph::Window::PIXEL) },
            inputs: index.checked_sub(1).into_iter().collect(),
            shape,
            activation: Activation::None,
        };
        let output = GraphOutput { name: "out".into(), node: count - 1, function: Function::Identity };
        Graph { nodes: (0..count).map(node).collect(), outputs: vec![output] }
    }

    #[test]
    fn network_at_the_limits_passes() {
        assert_eq!(excesses_of_format(&chain(1024, [32, 2, 1])), [""; 0]);
        Outline::of(&chain(2, [1, 8192, 1])).unwrap();
    }

    #[test]
    fn every_limit_of_the_format_is_told_at_once() {
        let said = Outline::of(&chain(1025, [32, 9000, 3])).unwrap_err().to_string();
        for part in ["1025 layers, at most 1024", "32800 rows", "n0 is 32×9000×3"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn tensors_that_others_read_have_8_bits_and_those_that_end_16() {
        let outline = Outline::of(&chain(4, [8, 4, 3])).unwrap();
        let elements: Vec<Element> = outline.layers.iter().map(|layer| layer.output.element).collect();
        assert_eq!(elements, [Element::I8, Element::I8, Element::I8, Element::I16]);
        // An output that another layer reads has 8 bits as well.
        let mut branched = chain(4, [8, 4, 3]);
        let early = GraphOutput { name: "early".into(), node: 1, function: Function::Identity };
        branched.outputs.insert(0, early);
        assert_eq!(Outline::of(&branched).unwrap().layers[1].output.element, Element::I8);
    }
}
