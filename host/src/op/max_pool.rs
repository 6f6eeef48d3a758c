//! Largest value under a window. Padding is ignored.

use anyhow::{Result, ensure};
use format::layer::MAX_KERNEL;
use tract_onnx::pb::NodeProto;

use crate::graph::{Op, Shape, Window};
use crate::onnx::import::{Importer, Value};

/// `MaxPool`.
///
/// # Errors
/// When its window is not supported.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, shape, before) = importer.padded_input(node)?;
    // The node's own padding is ignored. Zeros that another node added change nothing only if no value is negative.
    ensure!(
        before == [0; 4] || importer.is_not_negative(input),
        "pools a map that is padded with zeros and may have negative values; this is supported only after a ReLU"
    );
    let (window, [height, width], _) = importer.window(node, shape, None, before)?;
    ensure!(window.dilation == [1, 1], "dilation {:?}; pool with dilation 1", window.dilation);
    Ok(importer.map(node, Op::MaxPool(window), vec![input], [height, width, shape[2]]))
}

/// `GlobalMaxPool`.
///
/// # Errors
/// When the map is larger than the largest kernel.
pub(crate) fn import_global(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, [height, width, channels]) = importer.map_input(node)?;
    ensure!(
        height <= MAX_KERNEL && width <= MAX_KERNEL,
        "pools a map of {height}×{width} at once; at most {MAX_KERNEL}×{MAX_KERNEL} is supported"
    );
    Ok(importer.map(node, Op::MaxPool(Window::whole(height, width)), vec![input], [1, 1, channels]))
}

/// Computes one output pixel after another.
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
