//! Nearest-neighbour enlarging by a whole factor: every pixel is repeated.

use anyhow::{Result, ensure};
use format::layer::MAX_EXTENT;
use tract_onnx::pb::NodeProto;

use crate::graph::{Op, Shape};
use crate::onnx::import::{Importer, Value};
use crate::onnx::{attributes, few};

/// `Resize` or `Upsample` that repeats pixels.
///
/// # Errors
/// When it interpolates, shrinks, or does not take the nearest pixel.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, [height, width, channels]) = importer.map_input(node)?;
    let mode = attributes::text(node, "mode")?.unwrap_or("nearest".into());
    ensure!(mode == "nearest", "resizes with mode {mode}; only nearest is supported");
    let factor = factor(importer, node, [height, width, channels])?;
    let shape = [height * factor, width * factor, channels];
    ensure!(
        shape[0].max(shape[1]) <= MAX_EXTENT.into(),
        "resizes to {}×{}, at most {MAX_EXTENT} rows and columns are supported",
        shape[0],
        shape[1]
    );
    // With a whole factor, all of these take pixel y / factor: asymmetric ones round down, and half-pixel ones meet no
    // halves.
    let way = attributes::text(node, "coordinate_transformation_mode")?.unwrap_or("half_pixel".into());
    let rounding = attributes::text(node, "nearest_mode")?.unwrap_or("round_prefer_floor".into());
    let repeats = factor == 1
        || match &*way {
            "asymmetric" => rounding == "floor" || (factor == 2 && rounding == "round_prefer_floor"),
            "half_pixel" | "pytorch_half_pixel" | "half_pixel_symmetric" => {
                rounding.starts_with("round_prefer")
            }
            _ => node.op_type == "Upsample",
        };
    ensure!(
        repeats || node.op_type == "Upsample",
        "resizes with {way} and {rounding}, which does not repeat pixels evenly; export with asymmetric and floor"
    );
    Ok(importer.map(node, Op::Enlarge(factor), vec![input], shape))
}

/// The number of times that each pixel is repeated, from the factors along `[1, c, h, w]` or from the sizes.
fn factor(importer: &Importer<'_>, node: &NodeProto, [height, width, channels]: Shape) -> Result<usize> {
    // The inputs are photo and scales, or photo, region, scales and sizes. In version 7 the scales were an attribute.
    let place = if node.input.len() == 2 { 1 } else { 2 };
    let scales = match attributes::floats(node, "scales")? {
        Some(scales) => Some(scales),
        None => importer.optional_weights(node, place)?.filter(|scales| !scales.is_empty()),
    };
    let scales = match scales {
        Some(scales) => scales,
        None => {
            let sizes = importer.constant(node, 3)?.floats();
            let old = [1, channels, height, width];
            sizes.iter().zip(old).map(|(new, old)| new / old as f32).collect()
        }
    };
    let factor = scales.last().copied().unwrap_or(0.0);
    ensure!(
        scales == [1.0, 1.0, factor, factor] && (1.0..=255.0).contains(&factor) && factor.fract() == 0.0,
        "resizes by {}; only whole factors, equal for height and width, are supported",
        few(&scales)
    );
    Ok(factor as usize)
}

/// Computes one output row after another.
pub fn float(input: &[f32], [height, width, channels]: Shape, factor: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(input.len() * factor * factor);
    for y in 0..height * factor {
        let row = &input[y / factor * width * channels..][..width * channels];
        for pixel in row.chunks_exact(channels) {
            (0..factor).for_each(|_| result.extend_from_slice(pixel));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_repeat_down_and_right() {
        let enlarged = float(&[1.0, 2.0, 3.0, 4.0], [2, 1, 2], 2);
        assert_eq!(
            enlarged,
            [1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0]
        );
    }
}
