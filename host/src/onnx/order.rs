//! The order of an ONNX graph's nodes: each after those whose values it reads.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Result, bail};
use tract_onnx::pb::{GraphProto, NodeProto};

use super::refusal::node_name;

/// Most nodes of a circle that are named.
const MOST_NAMED: usize = 3;

/// Names of the values that a node reads, itself or in graphs that it holds.
pub(super) fn read_by(node: &NodeProto) -> Vec<&String> {
    let graphs = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
    let within = graphs.flat_map(|graph| {
        let made = graph.node.iter().flat_map(|node| &node.output);
        let held = graph.initializer.iter().map(|tensor| &tensor.name);
        let own: HashSet<&String> =
            graph.input.iter().map(|input| &input.name).chain(made).chain(held).collect();
        graph.node.iter().flat_map(read_by).filter(move |name| !own.contains(name))
    });
    node.input.iter().filter(|name| !name.is_empty()).chain(within).collect()
}

/// Puts nodes that a program wrote in another order behind those whose values they read. Others keep their places.
///
/// # Errors
/// When a node reads a value that is not in the file, or nodes read each other's values in a circle.
pub(super) fn in_order(onnx: &mut GraphProto) -> Result<()> {
    let sparse = onnx.sparse_initializer.iter().flat_map(|tensor| &tensor.values);
    let given = onnx.initializer.iter().chain(sparse).map(|tensor| &tensor.name);
    let given: HashSet<&String> = given.chain(onnx.input.iter().map(|input| &input.name)).collect();
    let mut makers: HashMap<&String, usize> = HashMap::new();
    for (index, node) in onnx.node.iter().enumerate() {
        for name in &node.output {
            makers.entry(name).or_insert(index);
        }
    }
    for node in &onnx.node {
        let is_known =
            |name: &&String| name.is_empty() || given.contains(*name) || makers.contains_key(*name);
        if let Some(missing) = node.input.iter().find(|name| !is_known(name)) {
            bail!(
                "{} (node {}) reads {missing}, which no node makes and the file does not hold: the file is incomplete; export it \
                 again",
                node.op_type,
                node_name(node)
            );
        }
    }
    let before = |node: &NodeProto| -> BTreeSet<usize> {
        let made = read_by(node).into_iter().filter(|name| !given.contains(name));
        made.filter_map(|name| makers.get(name).copied()).collect()
    };
    let before: Vec<BTreeSet<usize>> = onnx.node.iter().map(before).collect();
    if before.iter().enumerate().all(|(index, before)| before.last().is_none_or(|&last| last < index)) {
        return Ok(());
    }
    let mut readers = vec![Vec::new(); before.len()];
    let mut missing: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    for (index, before) in before.iter().enumerate() {
        before.iter().for_each(|&maker| readers[maker].push(index));
    }
    let mut ready: BTreeSet<usize> = (0..before.len()).filter(|&index| missing[index] == 0).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for &reader in &readers[next] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    if order.len() < before.len() {
        let rest: Vec<&str> = (0..before.len())
            .filter(|&index| missing[index] > 0)
            .map(|index| node_name(&onnx.node[index]))
            .collect();
        bail!(
            "{} nodes read each other's values in a circle, or read such nodes ({}{}): the file is damaged; export it again",
            rest.len(),
            rest.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", "),
            if rest.len() > MOST_NAMED { ", …" } else { "" }
        );
    }
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut onnx.node).into_iter().map(Some).collect();
    onnx.node = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    Ok(())
}
