//! Turns quantised layers into the image's records and arrays. Scales become multipliers.

use anyhow::{Result, ensure};
use format::layer::{self, Element, Layer, MAX_SHIFT, Stage, Tensor};

use super::{Quantised, QuantisedLayer};
use crate::graph::{Activation, Node};
use crate::op;

/// The arrays that layers refer to.
#[derive(Default)]
pub struct Blob(pub Vec<u8>);

impl Blob {
    /// Adds an array and returns its offset.
    pub fn push(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(format::ALIGNMENT), 0);
        let offset = self.0.len() as u32;
        self.0.extend_from_slice(bytes);
        offset
    }

    fn push_i32(&mut self, values: &[i32]) -> u32 {
        self.push(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }
}

/// Records of all layers, and their arrays. Rings are as high as their tensors, all at offset 0, because the planner
/// places them.
///
/// # Errors
/// When an accumulator could overflow 32 bits or a size does not fit its field.
pub fn emit(quantised: &Quantised) -> Result<(Vec<Layer>, Blob)> {
    let mut blob = Blob::default();
    let layers = (0..quantised.graph.nodes.len()).map(|index| layer(quantised, index, &mut blob));
    Ok((layers.collect::<Result<_>>()?, blob))
}

fn layer(quantised: &Quantised, index: usize, blob: &mut Blob) -> Result<Layer> {
    let node = &quantised.graph.nodes[index];
    let layer = &quantised.layers[index];
    let [height, width, channels] = node.shape;
    let limit = layer::MAX_EXTENT as usize;
    ensure!(
        node.shape.iter().all(|&extent| extent <= limit),
        "{}: tensor of {height}×{width}×{channels}, at most {limit} is supported",
        node.name
    );
    let output = Tensor {
        height: height as u16,
        width: width as u16,
        channels: channels as u16,
        element: if layer.wide { Element::I16 } else { Element::I8 },
        zero_point: layer.grid.zero_point as i16,
        ring: height as u16,
        offset: 0,
    };
    op::fill(quantised, index, op::outline(node, output), blob)
}

/// The output stage that brings accumulators to a tensor's grid. `scales` are the real values of an accumulator's
/// unit. `spans` are the largest magnitudes that inputs add to a bias.
///
/// # Errors
/// When an accumulator could overflow 32 bits.
pub fn stage(
    node: &Node,
    layer: &QuantisedLayer,
    scales: &[f64],
    bias: Vec<i64>,
    spans: &[i64],
    blob: &mut Blob,
) -> Result<Stage> {
    let positive: Vec<f64> = scales.iter().map(|scale| scale / layer.grid.scale as f64).collect();
    let negative: Vec<f64> = match &node.activation {
        Activation::PRelu(slopes) => {
            positive.iter().zip(slopes).map(|(m, &slope)| m * slope as f64).collect()
        }
        _ => positive.clone(),
    };
    // A multiplier is a fraction of 2³² below a half. For a larger one the accumulator must be shifted.
    let largest = positive.iter().chain(&negative).fold(0f64, |largest, m| largest.max(m.abs()));
    let shift = (0..=MAX_SHIFT).find(|&shift| largest / f64::from(1u32 << shift) < 0.4999);
    let reach =
        bias.iter().zip(spans).map(|(b, span)| b.saturating_abs().saturating_add(*span)).max().unwrap_or(0);
    let fits = |shift: &u8| reach.checked_mul(1 << shift).is_some_and(|reach| reach < i64::from(i32::MAX));
    let shift = shift.filter(fits);
    let Some(shift) = shift else {
        anyhow::bail!(
            "{}: accumulators reach {reach} with multipliers up to {largest:.3e}, too much for 32 bits; \
             are its weights or its calibration photos degenerate?",
            node.name
        );
    };
    let fixed = |m: &f64| (m / f64::from(1u32 << shift) * 4294967296.0).round() as i32;
    let positive: Vec<i32> = positive.iter().map(fixed).collect();
    let negative: Vec<i32> = negative.iter().map(fixed).collect();
    let bias: Vec<i32> = bias.iter().map(|&b| b as i32).collect();

    let grid = &layer.grid;
    let (low, high) = match &node.activation {
        Activation::Relu => (grid.zero_point.max(grid.low), grid.high),
        Activation::Clip { low, high } => {
            let bound = |values: &[f32], pick: fn(f32, f32) -> f32| values.iter().copied().reduce(pick);
            let low = bound(low, f32::min).map_or(grid.low, |low| grid.element(low));
            let high = bound(high, f32::max).map_or(grid.high, |high| grid.element(high));
            (low, high)
        }
        Activation::None | Activation::PRelu(_) => (grid.low, grid.high),
    };
    let positive_at = blob.push_i32(&positive);
    let negative_at = if negative == positive { positive_at } else { blob.push_i32(&negative) };
    Ok(Stage {
        bias: blob.push_i32(&bias),
        positive: positive_at,
        negative: negative_at,
        shift,
        low: low as i16,
        high: high as i16,
    })
}
