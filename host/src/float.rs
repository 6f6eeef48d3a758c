//! A [`Graph`] in `f32`: what the quantiser takes its statistics from.

use crate::graph::{Activation, Graph, Node, Op, Shape, Window};

/// Every node's tensor, `[h][w][c]`, for one input in the network's own units.
///
/// # Panics
/// When the input has another size, or the graph was not lowered ([`crate::passes::lower`]).
pub fn run(graph: &Graph, input: &[f32]) -> Vec<Vec<f32>> {
    let mut tensors: Vec<Vec<f32>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let mut tensor = if let Op::Input = node.op {
            assert_eq!(input.len(), node.shape.iter().product::<usize>());
            input.to_vec()
        } else {
            let inputs: Vec<&[f32]> = node.inputs.iter().map(|&i| &*tensors[i]).collect();
            accumulate(graph, node, &inputs)
        };
        activate(&node.activation, &mut tensor);
        tensors.push(tensor);
    }
    tensors
}

/// One node's tensor before its activation, from its inputs' tensors.
///
/// # Panics
/// As [`run`]; also for the input node.
pub fn accumulate(graph: &Graph, node: &Node, inputs: &[&[f32]]) -> Vec<f32> {
    let shape = |index: usize| graph.nodes[node.inputs[index]].shape;
    match &node.op {
        Op::Conv { weights, bias, window } => conv(inputs[0], shape(0), weights, bias, window, node.shape),
        Op::Depthwise { weights, bias, window } => {
            depthwise(inputs[0], shape(0), weights, bias, window, node.shape)
        }
        Op::Add => inputs[0].iter().zip(inputs[1]).map(|(a, b)| a + b).collect(),
        Op::MaxPool(window) => max_pool(inputs[0], shape(0), window, node.shape),
        Op::Input | Op::Affine { .. } | Op::Identity => panic!("{}: not a lowered operator", node.name),
    }
}

/// Applies an activation to a tensor `[..][c]`.
pub fn activate(activation: &Activation, tensor: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => tensor.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::Clip { low, high } => {
            for pixel in tensor.chunks_exact_mut(low.len()) {
                for ((x, low), high) in pixel.iter_mut().zip(low).zip(high) {
                    *x = x.max(*low).min(*high);
                }
            }
        }
        Activation::PRelu(slopes) => {
            for pixel in tensor.chunks_exact_mut(slopes.len()) {
                for (x, slope) in pixel.iter_mut().zip(slopes) {
                    *x = if *x < 0.0 { *x * slope } else { *x };
                }
            }
        }
    }
}

/// Input pixel under kernel position `(ky, kx)` of output pixel `(y, x)`, if inside.
fn under(window: &Window, input: Shape, [y, x]: [usize; 2], [ky, kx]: [usize; 2]) -> Option<usize> {
    let row = (y * window.stride[0] + ky).checked_sub(window.pad[0]).filter(|&row| row < input[0])?;
    let column =
        (x * window.stride[1] + kx).checked_sub(window.pad[1]).filter(|&column| column < input[1])?;
    Some(row * input[1] + column)
}

/// The pixels under each window, one output pixel after another: `[h·w][kh][kw][c]`, zero outside.
pub fn patches(input: &[f32], shape: Shape, window: &Window, output: Shape) -> Vec<f32> {
    let channels = shape[2];
    let mut patches = vec![0.0; output[0] * output[1] * window.kernel[0] * window.kernel[1] * channels];
    let mut rest = &mut patches[..];
    for y in 0..output[0] {
        for x in 0..output[1] {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    let (pixel, after) = rest.split_at_mut(channels);
                    if let Some(place) = under(window, shape, [y, x], [ky, kx]) {
                        pixel.copy_from_slice(&input[place * channels..][..channels]);
                    }
                    rest = after;
                }
            }
        }
    }
    patches
}

fn conv(
    input: &[f32],
    shape: Shape,
    weights: &[f32],
    bias: &[f32],
    window: &Window,
    output: Shape,
) -> Vec<f32> {
    let taps = weights.len() / bias.len();
    let in_order = window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == [0; 4];
    let gathered;
    let patches = if in_order {
        input
    } else {
        gathered = patches(input, shape, window, output);
        &gathered
    };
    let pixels = output[0] * output[1];
    assert_eq!(patches.len(), pixels * taps);
    let mut result: Vec<f32> = bias.iter().copied().cycle().take(pixels * bias.len()).collect();
    multiply_add(patches, weights, taps, &mut result);
    result
}

/// `result[p][o] += Σ patches[p][k] · filters[o][k]`.
pub fn multiply_add(patches: &[f32], filters: &[f32], taps: usize, result: &mut [f32]) {
    let (pixels, channels) = (patches.len() / taps, filters.len() / taps);
    assert_eq!(result.len(), pixels * channels);
    #[expect(unsafe_code, reason = "matrixmultiply takes pointers")]
    // SAFETY: the lengths asserted above are those the dimensions and strides span.
    unsafe {
        matrixmultiply::sgemm(
            pixels,
            taps,
            channels,
            1.0,
            patches.as_ptr(),
            taps as isize,
            1,
            filters.as_ptr(),
            1,
            taps as isize,
            1.0,
            result.as_mut_ptr(),
            channels as isize,
            1,
        );
    }
}

fn depthwise(
    input: &[f32],
    shape: Shape,
    weights: &[f32],
    bias: &[f32],
    window: &Window,
    output: Shape,
) -> Vec<f32> {
    let channels = bias.len();
    let mut result: Vec<f32> = bias.iter().copied().cycle().take(output.iter().product()).collect();
    let mut pixels = result.chunks_exact_mut(channels);
    for y in 0..output[0] {
        for (x, pixel) in pixels.by_ref().take(output[1]).enumerate() {
            let mut taps = weights.chunks_exact(channels);
            for ky in 0..window.kernel[0] {
                for (kx, tap) in taps.by_ref().take(window.kernel[1]).enumerate() {
                    if let Some(place) = under(window, shape, [y, x], [ky, kx]) {
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

fn max_pool(input: &[f32], shape: Shape, window: &Window, output: Shape) -> Vec<f32> {
    let channels = shape[2];
    let mut result = vec![f32::NEG_INFINITY; output.iter().product()];
    let mut pixels = result.chunks_exact_mut(channels);
    for y in 0..output[0] {
        for (x, pixel) in pixels.by_ref().take(output[1]).enumerate() {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    if let Some(place) = under(window, shape, [y, x], [ky, kx]) {
                        let values = &input[place * channels..][..channels];
                        pixel.iter_mut().zip(values).for_each(|(max, value)| *max = max.max(*value));
                    }
                }
            }
        }
    }
    result
}
