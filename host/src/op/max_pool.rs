//! Largest value under a window; padding never wins.

use anyhow::Result;
use tract_onnx::pb::NodeProto;

use crate::graph::{Op, Shape, Window};
use crate::onnx::import::{Importer, Value};

/// `MaxPool`.
///
/// # Errors
/// When its window is not supported.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, shape) = importer.map_input(node)?;
    let window = importer.window(node, shape, None)?;
    anyhow::ensure!(window.dilation == [1, 1], "dilation {:?}; pool with dilation 1", window.dilation);
    let shape = importer.output_shape(node)?;
    Ok(importer.map(node, Op::MaxPool(window), vec![input], shape))
}

/// One output pixel after another.
pub fn float(input: &[f32], shape: Shape, window: &Window, output: Shape) -> Vec<f32> {
    let channels = shape[2];
    let mut result = vec![f32::NEG_INFINITY; output.iter().product()];
    let mut pixels = result.chunks_exact_mut(channels);
    for y in 0..output[0] {
        for (x, pixel) in pixels.by_ref().take(output[1]).enumerate() {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    if let Some(place) = window.under(shape, [y, x], [ky, kx]) {
                        let values = &input[place * channels..][..channels];
                        pixel.iter_mut().zip(values).for_each(|(max, value)| *max = max.max(*value));
                    }
                }
            }
        }
    }
    result
}
