//! Sum of two tensors of one shape.

use anyhow::Result;
use format::layer::Layer;

use crate::quantize::Quantised;
use crate::quantize::emit::{Blob, stage};

/// Element by element.
pub fn float(inputs: &[&[f32]]) -> Vec<f32> {
    inputs[0].iter().zip(inputs[1]).map(|(a, b)| a + b).collect()
}

/// Gains that bring both inputs to one unit. The coarser input gets a gain of 16 bits.
///
/// # Errors
/// When an accumulator could overflow 32 bits.
pub fn fill(quantised: &Quantised, index: usize, outline: Layer, blob: &mut Blob) -> Result<Layer> {
    let (node, own) = (&quantised.graph.nodes[index], &quantised.layers[index]);
    let inputs = [0, 1].map(|number| quantised.layers[node.inputs[number]].grid);
    let largest = inputs[0].scale.max(inputs[1].scale);
    let unit = largest as f64 / i16::MAX as f64;
    let gains = inputs.map(|grid| (grid.scale as f64 / unit).round() as i16);
    let zero: i64 = inputs.iter().zip(gains).map(|(grid, gain)| grid.zero_point as i64 * gain as i64).sum();
    let bias = own.bias.iter().map(|&b| (b as f64 / unit).round() as i64 - zero);
    let reach = |(grid, gain): (&crate::quantize::grid::Grid, i16)| {
        i64::from(gain) * i64::from(grid.low.abs().max(grid.high))
    };
    let span: i64 = inputs.iter().zip(gains).map(reach).sum();
    let channels = node.shape[2];
    let stage = stage(node, own, &vec![unit; channels], bias.collect(), &vec![span; channels], blob)?;
    Ok(Layer { gains, stage, ..outline })
}
