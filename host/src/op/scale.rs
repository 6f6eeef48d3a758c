//! Each channel multiplied by a gain that the network computes: squeeze and excitation (Hu et al. 2018,
//! arXiv:1709.01507).

use anyhow::{Result, ensure};
use format::layer::Layer;
use tract_onnx::pb::NodeProto;

use crate::graph::{Gate, Op};
use crate::onnx::attributes;
use crate::onnx::import::{Axis, Importer, Value};
use crate::op::table::Curve;
use crate::op::table::formula::Unary;
use crate::quantize::Quantised;
use crate::quantize::emit::{Blob, stage};

/// A gain of one, in the table's format.
const ONE_Q15: f32 = 32768.0;

/// `Sigmoid` or `HardSigmoid`: a gate. A multiplication or an output uses it.
///
/// # Errors
/// When an attribute has another type.
pub(crate) fn import_gate(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let gate = match &*node.op_type {
        "Sigmoid" => Gate::Sigmoid,
        _ => Gate::HardSigmoid {
            slope: attributes::float(node, "alpha")?.unwrap_or(0.2),
            shift: attributes::float(node, "beta")?.unwrap_or(0.5),
        },
    };
    importer.of_one(node, Unary::Curve(Curve::Gate(gate)))
}

/// A multiplication of a map and a gate.
///
/// # Errors
/// When the gate does not have one value for each channel of the map.
pub(crate) fn import(
    importer: &mut Importer<'_>,
    node: &NodeProto,
    (map, dims): (usize, Vec<Vec<Axis>>),
    (gates, gate_dims): (usize, &[Vec<Axis>]),
    gate: Gate,
) -> Result<Value> {
    let (shape, gates_shape) = (importer.shape(map), importer.shape(gates));
    ensure!(
        gates_shape == [1, 1, shape[2]],
        "multiplies a map of {shape:?} with a sigmoid of {gates_shape:?}; supported are one gate for each \
         channel (squeeze and excitation) and a tensor times its own sigmoid (SiLU), not attention"
    );
    // ONNX matches dimensions from the last one on: gates of [1, C] lie along the width of [1, C, H, W], not its channels.
    let channels = importer.axes(map, &[Axis::C]);
    let place = |dims: &[Vec<Axis>]| dims.iter().rev().position(|dim| *dim == channels);
    ensure!(
        shape[2] == 1 || place(&dims) == place(gate_dims),
        "multiplies a map with a sigmoid whose channels lie along another of its dimensions"
    );
    let scaled = importer.push(node, Op::Scale(gate), vec![map, gates], shape);
    Ok(importer.plain(scaled, dims))
}

/// Computes one output pixel after another. `gates` are `[c]`.
pub fn float(map: &[f32], gates: &[f32], gate: Gate) -> Vec<f32> {
    let gains: Vec<f32> = gates.iter().map(|&value| gate.gain(value)).collect();
    map.iter().zip(gains.iter().cycle()).map(|(value, gain)| value * gain).collect()
}

/// A table with the gain for each of the 256 elements of a gate.
///
/// # Errors
/// When an accumulator could overflow 32 bits.
pub fn fill(
    quantised: &Quantised,
    index: usize,
    gate: Gate,
    outline: Layer,
    blob: &mut Blob,
) -> Result<Layer> {
    let (node, own) = (&quantised.graph.nodes[index], &quantised.layers[index]);
    let [map, gates] = [0, 1].map(|number| quantised.layers[node.inputs[number]].grid);
    let value = |element: i32| gates.scale * (element - gates.zero_point) as f32;
    let gain = |element: i32| (gate.gain(value(element)) * ONE_Q15).round().min(ONE_Q15 - 1.0) as i16;
    let table: Vec<i16> = (-128..128).map(gain).collect();
    let unit = f64::from(map.scale) / f64::from(ONE_Q15);
    let reach = i64::from((map.high - map.zero_point).max(map.zero_point - map.low));
    let channels = node.shape[2];
    let bias = own.bias.iter().map(|&b| (f64::from(b) / unit).round() as i64).collect();
    let span = reach * i64::from(i16::MAX);
    let stage = stage(node, own, &vec![unit; channels], bias, &vec![span; channels], blob)?;
    Ok(Layer { weights: blob.push(bytemuck::cast_slice(&table)), stage, ..outline })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_gains_of_their_own() {
        let hard = Gate::HardSigmoid { slope: 0.5, shift: 0.5 };
        assert_eq!(float(&[1.0, 2.0, 3.0, 4.0], &[0.0, 9.0], hard), [0.5, 2.0, 1.5, 4.0]);
        assert!((Gate::Sigmoid.gain(1.0) - 0.731_058_6).abs() < 1e-6);
    }
}
