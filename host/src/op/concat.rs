//! Channels of several maps, one after another.
//!
//! The quantiser gives all inputs the same grid, so that a board only copies elements. Copying costs about one
//! instruction for four elements. A view into a common ring would save that cost, but then the rows of every operator
//! would have gaps.

use anyhow::{Result, ensure};
use format::layer::MAX_EXTENT;
use tract_onnx::pb::NodeProto;

use crate::graph::Op;
use crate::onnx::attributes;
use crate::onnx::import::{Importer, Value};

/// `Concat` along channels.
///
/// # Errors
/// When it runs along another axis, or maps differ in size.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let axis = attributes::integer(node, "axis")?.unwrap_or(1);
    let most = format::layer::MAX_INPUTS;
    let mut inputs = Vec::new();
    let mut is_last = false;
    for index in 0..node.input.len() {
        let (input, is_last_too) = importer.joinable(node, index, axis)?;
        is_last = is_last_too;
        inputs.push((input, importer.shape(input)));
    }
    ensure!(
        !inputs.is_empty() && inputs.len() <= most,
        "joins {} tensors, at most {most} are supported",
        inputs.len()
    );
    let [height, width, _] = inputs[0].1;
    let same = inputs.iter().all(|(_, [h, w, _])| [*h, *w] == [height, width]);
    ensure!(same, "joins maps of different sizes");
    let channels: usize = inputs.iter().map(|(_, shape)| shape[2]).sum();
    ensure!(
        channels <= MAX_EXTENT.into(),
        "joins maps to {channels} channels, at most {MAX_EXTENT} are supported"
    );
    let inputs = inputs.into_iter().map(|(input, _)| input).collect();
    let mut joined = importer.map(node, Op::Concat, inputs, [height, width, channels]);
    if is_last {
        joined.dims[1..].rotate_left(1);
    }
    Ok(joined)
}

/// Joins rows of channels. `channels` has the number of channels of each input.
pub fn float(inputs: &[&[f32]], channels: &[usize]) -> Vec<f32> {
    let pixels = inputs[0].len() / channels[0];
    let pixel = |pixel: usize| {
        inputs.iter().zip(channels).flat_map(move |(input, &count)| &input[pixel * count..][..count])
    };
    (0..pixels).flat_map(pixel).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_a_pixel_stand_together() {
        let joined = float(&[&[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0]], &[1, 2]);
        assert_eq!(joined, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    }
}
