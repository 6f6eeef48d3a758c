//! Quantised layers to the image's records and arrays: scales become multipliers.

use anyhow::{Result, ensure};
use format::layer::{self, Element, Layer, MAX_SHIFT, Stage, Tensor};

use super::{Quantised, QuantisedLayer};
use crate::graph::{Activation, Node, Op};

/// The arrays that layers point into.
#[derive(Default)]
pub struct Blob(pub Vec<u8>);

impl Blob {
    fn push(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(format::ALIGNMENT), 0);
        let offset = self.0.len() as u32;
        self.0.extend_from_slice(bytes);
        offset
    }

    fn push_i32(&mut self, values: &[i32]) -> u32 {
        self.push(&values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }
}

/// Records of all layers and their arrays. Rings are as high as their tensors, each at offset 0: the planner
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
    let input = |number: usize| node.inputs[number] as u16;
    let op = match &node.op {
        Op::Input => layer::Op::Input,
        Op::MaxPool(w) => layer::Op::MaxPool { input: input(0), window: window(w) },
        Op::Conv { window: w, .. } | Op::Depthwise { window: w, .. } => {
            let (elements, stage) = conv_stage(quantised, index, blob)?;
            let (input, window, weights) = (input(0), window(w), blob.push(bytemuck::cast_slice(&elements)));
            match node.op {
                Op::Conv { .. } => layer::Op::Conv { input, window, weights, stage },
                _ => layer::Op::Depthwise { input, window, weights, stage },
            }
        }
        Op::Add => {
            let inputs = [0, 1].map(|number| &quantised.layers[node.inputs[number]]);
            let largest = inputs[0].grid.scale.max(inputs[1].grid.scale);
            let unit = largest as f64 / i16::MAX as f64;
            let gains = inputs.map(|i| (i.grid.scale as f64 / unit).round() as i16);
            let zero: i64 =
                inputs.iter().zip(gains).map(|(i, gain)| i.grid.zero_point as i64 * gain as i64).sum();
            let bias = layer.bias.iter().map(|&b| (b as f64 / unit).round() as i64 - zero);
            let span: i64 = inputs
                .iter()
                .zip(gains)
                .map(|(i, gain)| gain as i64 * i64::from(i.grid.low.abs().max(i.grid.high)))
                .sum();
            let scales = vec![unit; channels];
            let stage = stage(node, layer, &scales, bias.collect(), &vec![span; channels], blob)?;
            layer::Op::Add { inputs: [input(0), input(1)], gains, stage }
        }
        Op::Affine { .. } | Op::Identity => anyhow::bail!("{}: not a lowered operator", node.name),
    };
    Ok(Layer { op, output })
}

fn window(window: &crate::graph::Window) -> layer::Window {
    layer::Window {
        kernel: window.kernel.map(|k| k as u8),
        stride: window.stride.map(|s| s as u8),
        pad: [window.pad[0] as u8, window.pad[1] as u8],
    }
}

fn conv_stage(quantised: &Quantised, index: usize, blob: &mut Blob) -> Result<(Vec<i8>, Stage)> {
    let node = &quantised.graph.nodes[index];
    let layer = &quantised.layers[index];
    let input = quantised.layers[node.inputs[0]].grid;
    let filters = layer.filters.as_ref();
    let filters = filters.ok_or_else(|| anyhow::anyhow!("{}: no weights", node.name))?;
    let scales: Vec<f64> = filters.scales.iter().map(|&s| s as f64 * input.scale as f64).collect();
    let bias = (0..scales.len()).map(|channel| {
        let real = (layer.bias[channel] as f64 / scales[channel]).round() as i64;
        real - input.zero_point as i64 * filters.total(channel) as i64
    });
    let largest = i64::from(input.low.abs().max(input.high.abs()));
    let spans: Vec<i64> = (0..scales.len()).map(|channel| largest * filters.magnitude(channel)).collect();
    let stage = stage(node, layer, &scales, bias.collect(), &spans, blob)?;
    Ok((filters.elements.clone(), stage))
}

/// `scales`: what an accumulator's unit stands for; `spans`: the largest magnitude that inputs add to a bias.
fn stage(
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
    // A multiplier is a fraction of 2³², below a half; larger ones need the accumulator shifted.
    let largest = positive.iter().chain(&negative).fold(0f64, |largest, m| largest.max(m.abs()));
    let shift = (0..=MAX_SHIFT).find(|&shift| largest / f64::from(1u32 << shift) < 0.4999);
    let reach = bias.iter().zip(spans).map(|(b, span)| b.abs() + span).max().unwrap_or(0);
    let shift = shift.filter(|&shift| reach << shift < i32::MAX as i64);
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
