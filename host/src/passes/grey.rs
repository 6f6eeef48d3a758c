//! Adapts a colour network to grey photos. In a grey photo red, green and blue are equal, so their weights are added.

use anyhow::{Result, ensure};

use crate::graph::{Graph, Op};

/// Changes a lowered network to take one channel instead of three. Its result for a grey photo stays the same.
///
/// # Errors
/// When the photo does not have three channels, or an operator other than a full convolution reads it.
pub fn apply(graph: &mut Graph) -> Result<()> {
    let channels = graph.nodes[0].shape[2];
    ensure!(channels == 3, "the network takes {channels} channels; only three can become one");
    for node in &mut graph.nodes {
        if !node.inputs.contains(&0) {
            continue;
        }
        let Op::Conv { weights, groups: 1, .. } = &mut node.op else {
            anyhow::bail!(
                "{} reads the photo and is not a full convolution: the network cannot be made grey",
                node.name
            )
        };
        *weights = weights.chunks_exact(3).map(|colours| colours.iter().sum()).collect();
    }
    graph.nodes[0].shape[2] = 1;
    Ok(())
}
