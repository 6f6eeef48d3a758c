//! Average pooling. An average that leaves some places of its windows out of the count is an operator of its own. All
//! others are depthwise convolutions. Where windows reach over zeros that count and beyond them, a depthwise convolution
//! makes the zeros part of the map first.

use anyhow::{Result, bail, ensure};
use tract_onnx::pb::NodeProto;

use super::{Filtered, depthwise};
use crate::graph::Op;
use crate::onnx::attributes;
use crate::onnx::import::{Importer, Value};

/// `AveragePool`.
///
/// # Errors
/// When its window is not supported.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, shape, before) = importer.padded_input(node)?;
    let (mut window, [height, width], declared) = importer.window(node, shape, None, before)?;
    ensure!(window.dilation == [1, 1], "dilation {:?}; pool with dilation 1", window.dilation);
    let output = [height, width, shape[2]];
    // Zeros that another node put around the map count. Padding of the node itself counts if the node says so. Places
    // beyond both never count.
    let counts_pad = attributes::integer(node, "count_include_pad")? == Some(1);
    let counted = if counts_pad { declared } else { before };
    let sides = || window.pad.into_iter().zip(counted);
    if sides().all(|(reached, counted)| reached <= counted) {
        return Ok(depthwise::average(importer, node, input, window, output));
    }
    let zeros: [usize; 4] = std::array::from_fn(|side| window.pad[side].min(counted[side]));
    let input = match zeros {
        [0, 0, 0, 0] => input,
        _ => match depthwise::padded(importer, node, input, zeros) {
            Some(input) => input,
            None => bail!(
                "averages that count padding {counted:?} of {:?} (top, left, bottom, right); of so much, all or nothing is \
                 supported; with the file alone: take another network; if you can train the network: set ceil_mode = 0, or \
                 count_include_pad = 0 without a padding node before",
                window.pad
            ),
        },
    };
    window.pad.iter_mut().zip(zeros).for_each(|(pad, zeros)| *pad -= zeros);
    let (weights, bias) = depthwise::mean_weights(&window, shape[2]);
    Ok(importer.map(node, Op::Average { weights, bias, window }, vec![input], output))
}

/// Computes one output pixel after another.
pub fn float(map: &Filtered<'_>) -> Vec<f32> {
    let &Filtered { shape, bias, window, output, .. } = map;
    let mut result = depthwise::float(&Filtered { bias: &vec![0.0; bias.len()], ..*map });
    for (place, pixel) in result.chunks_exact_mut(bias.len()).enumerate() {
        let inside = window.taps_inside(shape, [place / output[1], place % output[1]]);
        let ratio = window.taps() as f32 / inside as f32;
        pixel.iter_mut().zip(bias).for_each(|(sum, bias)| *sum = *sum * ratio + bias);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Shape, Window};

    fn assert_means(window: Window, output: Shape, expected: &[f32]) {
        // 1 2 3
        // 4 5 6
        let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (weights, bias) = depthwise::mean_weights(&window, 1);
        let means = float(&Filtered {
            input: &input,
            shape: [2, 3, 1],
            weights: &weights,
            bias: &bias,
            window: &window,
            output,
        });
        let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
        assert!(means.len() == expected.len() && means.iter().zip(expected).all(is_near), "{means:?}");
    }

    #[test]
    fn padding_is_left_out_of_the_mean() {
        // Both rows lie under every window.
        let window = Window { kernel: [3, 3], pad: [1; 4], ..Window::PIXEL };
        assert_means(window, [2, 3, 1], &[3.0, 3.5, 4.0, 3.0, 3.5, 4.0]);
        // One row above and one below, one column to the right; every second window.
        let window = Window { kernel: [2, 2], stride: [2, 2], pad: [1, 0, 1, 1], ..Window::PIXEL };
        assert_means(window, [2, 2, 1], &[1.5, 3.0, 4.5, 6.0]);
        // The first window has one place on the map, the last ones all six.
        let window = Window { kernel: [2, 3], pad: [1, 2, 0, 0], ..Window::PIXEL };
        assert_means(window, [2, 3, 1], &[1.0, 1.5, 2.0, 2.5, 3.0, 3.5]);
    }

    #[test]
    fn bias_is_added_once_and_weights_are_of_the_whole_window() {
        let window = Window { kernel: [1, 3], pad: [0, 1, 0, 1], ..Window::PIXEL };
        let sums = float(&Filtered {
            input: &[1.0, 10.0, 3.0, 30.0],
            shape: [1, 2, 2],
            weights: &[2.0, 1.0, 2.0, 1.0, 2.0, 1.0],
            bias: &[0.5, 0.0],
            window: &window,
            output: [1, 2, 2],
        });
        assert_eq!(sums, [12.5, 60.0, 12.5, 60.0]);
    }
}
