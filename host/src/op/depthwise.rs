//! Convolution of each channel with its own filter. Average pooling whose windows all count as many places is one
//! with equal weights.

use anyhow::{Result, ensure};
use format::layer::MAX_KERNEL;
use tract_onnx::pb::NodeProto;

use super::Filtered;
use crate::graph::{Op, Shape, Window};
use crate::onnx::attributes;
use crate::onnx::import::{Axis, Importer, Value};

/// `GlobalAveragePool`.
///
/// # Errors
/// When the map is too large for the mean to be computed by kernels.
pub(crate) fn import_global_average(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, _) = importer.map_input(node)?;
    average_all(importer, node, input)
}

/// `ReduceMean` over height and width.
///
/// # Errors
/// When it runs over other axes.
pub(crate) fn import_mean(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    if let Some(length) = importer.mean_of_squares(node)? {
        return Ok(length);
    }
    let (input, dims) = importer.tensor_at(node, 0)?;
    let axes = importer.reduced_axes(node, dims.len())?;
    let reduced: Vec<Axis> =
        axes.iter().flat_map(|&axis| dims.get(axis).cloned().unwrap_or_default()).collect();
    ensure!(reduced.iter().all(|&axis| axis != Axis::C), "averages over channels");
    ensure!(
        reduced.len() == importer.axes(input, &[Axis::H, Axis::W]).len(),
        "averages over one of height and width"
    );
    let keep = attributes::integer(node, "keepdims")?.unwrap_or(1) == 1;
    let value = average_all(importer, node, input)?;
    let dims = dims.iter().enumerate().filter(|(i, _)| keep || !axes.contains(i));
    let dims = dims.map(|(i, dim)| if axes.contains(&i) { vec![] } else { dim.clone() }).collect();
    Ok(Value { dims, ..value })
}

/// A mean of all taps of the window.
pub(super) fn average(
    importer: &mut Importer<'_>,
    node: &NodeProto,
    input: usize,
    window: Window,
    shape: Shape,
) -> Value {
    let (weights, bias) = mean_weights(&window, shape[2]);
    importer.map(node, Op::Depthwise { weights, bias, window }, vec![input], shape)
}

/// The node of a map with zeros around it: top, left, bottom, right. `None` if there are too many of them for a kernel.
pub(super) fn padded(
    importer: &mut Importer<'_>,
    node: &NodeProto,
    input: usize,
    [top, left, bottom, right]: [usize; 4],
) -> Option<usize> {
    let [h, w, c] = importer.shape(input);
    // One tap of the kernel is 1. It lies so that no window is entirely in the padding.
    let kernel = [top + bottom + 1, left + right + 1];
    if kernel.iter().any(|&side| side > MAX_KERNEL) {
        return None;
    }
    let pad = [top + bottom, left + right, top + bottom, left + right];
    let window = Window { kernel, pad, ..Window::PIXEL };
    let mut weights = vec![0.0; window.taps() * c];
    weights[(bottom * kernel[1] + right) * c..][..c].fill(1.0);
    let op = Op::Depthwise { weights, bias: vec![0.0; c], window };
    Some(importer.map(node, op, vec![input], [h + top + bottom, w + left + right, c]).node)
}

/// Weights and biases of a mean over a window.
pub(super) fn mean_weights(window: &Window, channels: usize) -> (Vec<f32>, Vec<f32>) {
    (vec![1.0 / window.taps() as f32; window.taps() * channels], vec![0.0; channels])
}

/// The mean of a whole map. It takes several steps if one kernel would be too large.
fn average_all(importer: &mut Importer<'_>, node: &NodeProto, mut input: usize) -> Result<Value> {
    loop {
        let [h, w, c] = importer.shape(input);
        // The largest part that divides a side evenly.
        let part = |side: usize| (1..=MAX_KERNEL).rev().find(|part| side.is_multiple_of(*part)).unwrap_or(1);
        let kernel = [part(h), part(w)];
        ensure!(
            (kernel[0] > 1 || h == 1) && (kernel[1] > 1 || w == 1),
            "averages a map of {h}×{w}, which has no parts of at most {MAX_KERNEL} rows and columns"
        );
        let window = Window { kernel, stride: kernel, ..Window::PIXEL };
        let shape = [h / kernel[0], w / kernel[1], c];
        let value = average(importer, node, input, window, shape);
        if shape[0] * shape[1] == 1 {
            return Ok(value);
        }
        input = value.node;
    }
}

/// Computes one output pixel after another.
pub fn float(map: &Filtered<'_>) -> Vec<f32> {
    let &Filtered { input, shape, weights, bias, window, output } = map;
    let channels = bias.len();
    let mut result = bias.repeat(output[0] * output[1]);
    let mut pixels = result.chunks_exact_mut(channels);
    for y in 0..output[0] {
        for (x, pixel) in pixels.by_ref().take(output[1]).enumerate() {
            let mut taps = weights.chunks_exact(channels);
            for ky in 0..window.kernel[0] {
                for (kx, tap) in taps.by_ref().take(window.kernel[1]).enumerate() {
                    if let Some(place) = window.under(shape, [y, x], [ky, kx]) {
                        let values = &input[place * channels..][..channels];
                        for ((sum, value), weight) in pixel.iter_mut().zip(values).zip(tap) {
                            *sum += value * weight;
                        }
                    }
                }
            }
        }
    }
    result
}
