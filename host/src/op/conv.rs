//! Convolution over all channels, or over the channels of a group; dense layers.

use anyhow::{Context, Result, bail, ensure};
use format::layer::{Layer, MAX_KERNEL};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::tract_ndarray::linalg::general_mat_mul;
use tract_onnx::prelude::tract_ndarray::{ArrayView2, ArrayViewMut2};

use super::Filtered;
use crate::graph::{Op, Shape, Window};
use crate::onnx::import::{Axis, Importer, Value};
use crate::onnx::{attributes, remedy};
use crate::quantize::emit::{Blob, stage};
use crate::quantize::{Quantised, weights::Filters};

/// If a grouped convolution becomes at most this many times larger as a full one (with weights of zero), import makes
/// it a full one. Kernels for full convolutions are faster by more than this factor.
const MOST_EXPANSION: usize = 2;

/// `Conv`: full, grouped or depthwise.
///
/// # Errors
/// When weights are not constant, or the window is not supported.
pub(crate) fn import(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let (input, shape, before) = importer.padded_input(node)?;
    let (dims, weights) = importer.weights(node, 1)?;
    let [c_out, c_group, kh, kw] = dims[..] else {
        bail!("weights have shape {dims:?}: a 2-D convolution has four dimensions")
    };
    let (window, [height, width], _) = importer.window(node, shape, Some([kh, kw]), before)?;
    ensure!(
        window.kernel == [kh, kw],
        "kernel_shape {:?} differs from the weights' {kh}×{kw}",
        window.kernel
    );
    let bias = importer.optional_weights(node, 2)?.unwrap_or_else(|| vec![0.0; c_out]);
    ensure!(bias.len() == c_out && c_out > 0, "{} biases for {c_out} filters", bias.len());
    let groups = usize::try_from(attributes::integer(node, "group")?.unwrap_or(1)).unwrap_or(0);
    let (output, channels) = ([height, width, c_out], shape[2]);
    ensure!(
        groups > 0 && c_group.checked_mul(groups) == Some(channels) && c_out % groups == 0,
        "{groups} groups do not divide {channels} channels into {c_out}"
    );
    let at = |o: usize, c: usize, y: usize, x: usize| weights[((o * c_group + c) * kh + y) * kw + x];
    if groups == channels && c_out == channels {
        let order = (0..kh).flat_map(|y| (0..kw).flat_map(move |x| (0..channels).map(move |c| (c, y, x))));
        let weights = order.map(|(c, y, x)| at(c, 0, y, x)).collect();
        return Ok(importer.map(node, Op::Depthwise { weights, bias, window }, vec![input], output));
    }
    // [c_out][kh][kw][c]: c are the channels of the group, or all channels with zeros for those of other groups.
    let expanded = groups <= MOST_EXPANSION;
    let (groups, members) = if expanded { (1, channels) } else { (groups, c_group) };
    let per_group = c_out * c_group / channels;
    let mut reordered = Vec::with_capacity(c_out * kh * kw * members);
    for o in 0..c_out {
        let first = if expanded { o / per_group * c_group } else { 0 };
        for y in 0..kh {
            for x in 0..kw {
                reordered.extend((0..members).map(|c| match c.checked_sub(first) {
                    Some(c) if c < c_group => at(o, c, y, x),
                    _ => 0.0,
                }));
            }
        }
    }
    let op = Op::Conv { weights: reordered, bias, window, groups };
    Ok(importer.map(node, op, vec![input], output))
}

/// `Gemm` or `MatMul`: a convolution whose kernel covers its whole input.
///
/// # Errors
/// When weights are not constant, or the input is a map too large for a kernel.
pub(crate) fn import_dense(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    ensure!(attributes::integer(node, "transA")?.unwrap_or(0) == 0, "transA = 1");
    let is_transposed = attributes::integer(node, "transB")?.unwrap_or(0) == 1;
    dense(importer, node, [0, 1], is_transposed)
}

/// `Einsum`, if it is the product of a batch of vectors and a matrix: `bi,io->bo`, `bi,oi->bo`, in either order.
///
/// # Errors
/// When it is another sum, and as [`import_dense`].
pub(crate) fn import_einsum(importer: &mut Importer<'_>, node: &NodeProto) -> Result<Value> {
    let equation = attributes::text(node, "equation")?.unwrap_or_default();
    match product(&equation) {
        Some((places, is_transposed)) if node.input.len() == 2 => {
            dense(importer, node, places, is_transposed)
        }
        _ => bail!(
            "computes {equation:?}, and only products with a matrix of weights are supported; {}",
            remedy("Einsum")
        ),
    }
}

/// The places of vectors and matrix among the inputs of an `Einsum`, and whether the matrix has a row for each output.
fn product(equation: &str) -> Option<([usize; 2], bool)> {
    let equation: String = equation.split_whitespace().collect();
    let (inputs, output) = equation.split_once("->")?;
    let letters = |term: &str| <[char; 2]>::try_from(term.chars().collect::<Vec<_>>()).ok();
    let terms: Vec<[char; 2]> = inputs.split(',').map(letters).collect::<Option<_>>()?;
    let ([one, other], [batch, result]) = (<[[char; 2]; 2]>::try_from(terms).ok()?, letters(output)?);
    for (places, vectors, matrix) in [([0, 1], one, other), ([1, 0], other, one)] {
        let [first, sum] = vectors;
        let is_sound = first == batch && batch != sum && batch != result && sum != result;
        if is_sound && matrix == [sum, result] {
            return Some((places, false));
        }
        if is_sound && matrix == [result, sum] {
            return Some((places, true));
        }
    }
    None
}

/// A dense layer of the inputs at these places: vectors, weights.
fn dense(
    importer: &mut Importer<'_>,
    node: &NodeProto,
    [vectors, matrix]: [usize; 2],
    transposed: bool,
) -> Result<Value> {
    let (input, dims) = importer.tensor_at(node, vectors)?;
    let [h, w, c] = importer.shape(input);
    let order: Vec<Axis> = match &dims[..] {
        [batch, flat] if batch.is_empty() => flat.clone(),
        _ => bail!("reads a map that was not flattened"),
    };
    let (shape, weights) = importer.weights(node, matrix)?;
    let [rows, columns] = shape[..] else { bail!("weights have shape {shape:?}") };
    let [alpha, beta] = [attributes::float(node, "alpha")?, attributes::float(node, "beta")?];
    let (alpha, beta) = (alpha.unwrap_or(1.0), beta.unwrap_or(1.0));
    let (outputs, inputs) = if transposed { (rows, columns) } else { (columns, rows) };
    ensure!(outputs > 0, "has no outputs");
    ensure!(inputs == h * w * c, "{inputs} inputs for a map of {h}×{w}×{c}");
    ensure!(
        h <= MAX_KERNEL && w <= MAX_KERNEL,
        "dense layer over a map of {h}×{w}; at most {MAX_KERNEL}×{MAX_KERNEL} is supported"
    );
    let position = |y: usize, x: usize, channel: usize| {
        order.iter().fold(0, |position, axis| match axis {
            Axis::H => position * h + y,
            Axis::W => position * w + x,
            Axis::C => position * c + channel,
        })
    };
    let mut reordered = Vec::with_capacity(outputs * inputs);
    for o in 0..outputs {
        for y in 0..h {
            for x in 0..w {
                for channel in 0..c {
                    let i = position(y, x, channel);
                    reordered
                        .push(alpha * weights[if transposed { o * inputs + i } else { i * outputs + o }]);
                }
            }
        }
    }
    let bias = match importer.optional_weights(node, 2)? {
        Some(bias) if bias.len() == 1 => vec![beta * bias[0]; outputs],
        Some(bias) if bias.len() == outputs => bias.iter().map(|b| beta * b).collect(),
        Some(bias) => bail!("{} biases for {outputs} outputs", bias.len()),
        None => vec![0.0; outputs],
    };
    let op = Op::Conv { weights: reordered, bias, window: Window::whole(h, w), groups: 1 };
    Ok(importer.flat(node, op, input, outputs))
}

/// The pixels under each window, one output pixel after another: `[h·w][kh][kw][c]`, zero outside.
pub fn patches(input: &[f32], shape: Shape, window: &Window, output: Shape) -> Vec<f32> {
    let channels = shape[2];
    let mut patches = vec![0.0; output[0] * output[1] * window.taps() * channels];
    let mut rest = &mut patches[..];
    for y in 0..output[0] {
        for x in 0..output[1] {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    let (pixel, after) = rest.split_at_mut(channels);
                    if let Some(place) = window.under(shape, [y, x], [ky, kx]) {
                        pixel.copy_from_slice(&input[place * channels..][..channels]);
                    }
                    rest = after;
                }
            }
        }
    }
    patches
}

/// Computes one output pixel after another.
pub fn float(map: &Filtered<'_>, groups: usize) -> Vec<f32> {
    let &Filtered { input, shape, weights, bias, window, output } = map;
    let pixels = output[0] * output[1];
    let channels = bias.len();
    let mut result = bias.repeat(pixels);
    let taps = weights.len() / channels;
    if groups == 1 {
        let in_order = *window == Window::PIXEL;
        let gathered;
        let patches = if in_order {
            input
        } else {
            gathered = patches(input, shape, window, output);
            &gathered
        };
        assert_eq!(patches.len(), pixels * taps);
        multiply_add(patches, weights, taps, &mut result);
        return result;
    }
    let [members, outputs] = [shape[2] / groups, channels / groups];
    for group in 0..groups {
        let of_group = input.chunks_exact(shape[2]).flat_map(|pixel| &pixel[group * members..][..members]);
        let of_group: Vec<f32> = of_group.copied().collect();
        let patches = patches(&of_group, [shape[0], shape[1], members], window, output);
        let mut sums = vec![0.0; pixels * outputs];
        multiply_add(&patches, &weights[group * outputs * taps..][..outputs * taps], taps, &mut sums);
        for (pixel, sums) in result.chunks_exact_mut(channels).zip(sums.chunks_exact(outputs)) {
            pixel[group * outputs..][..outputs].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
        }
    }
    result
}

/// `result[p][o] += Σ patches[p][k] · filters[o][k]`.
fn multiply_add(patches: &[f32], filters: &[f32], taps: usize, result: &mut [f32]) {
    let (pixels, channels) = (patches.len() / taps, filters.len() / taps);
    let patches = ArrayView2::from_shape((pixels, taps), patches).expect("whole patches");
    let filters = ArrayView2::from_shape((channels, taps), filters).expect("whole filters");
    let mut result = ArrayViewMut2::from_shape((pixels, channels), result).expect("a sum for each");
    general_mat_mul(1.0, &patches, &filters.t(), 1.0, &mut result);
}

/// Rounded filters, and a stage that brings each channel to the tensor's grid. Also for depthwise convolutions
/// and averages.
///
/// # Errors
/// When an accumulator could overflow 32 bits.
pub fn fill(quantised: &Quantised, index: usize, outline: Layer, blob: &mut Blob) -> Result<Layer> {
    let (node, own) = (&quantised.graph.nodes[index], &quantised.layers[index]);
    let input = quantised.layers[node.inputs[0]].grid;
    let filters: &Filters = own.filters.as_ref().with_context(|| format!("{}: no weights", node.name))?;
    let scales: Vec<f64> = filters.scales.iter().map(|&s| s as f64 * input.scale as f64).collect();
    let bias = (0..scales.len()).map(|channel| {
        let real = (own.bias[channel] as f64 / scales[channel]).round() as i64;
        // Numbers out of all proportion are refused with the accumulators.
        real.saturating_sub(input.zero_point as i64 * filters.total(channel) as i64)
    });
    let largest = i64::from(input.low.abs().max(input.high.abs()));
    let spans: Vec<i64> = (0..scales.len()).map(|channel| largest * filters.magnitude(channel)).collect();
    let stage = stage(node, own, &scales, bias.collect(), &spans, blob)?;
    let weights = blob.push(bytemuck::cast_slice(&filters.elements));
    Ok(Layer { weights, stage, ..outline })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_told_from_other_sums() {
        assert_eq!(product("bi,io->bo"), Some(([0, 1], false)));
        assert_eq!(product(" b i , o i -> b o "), Some(([0, 1], true)));
        assert_eq!(product("oi,bi->bo"), Some(([1, 0], true)));
        assert_eq!(product("kn,mk->mn"), Some(([1, 0], false)));
        for other in [
            "bi,io->ob",
            "bi,bi->bi",
            "bi,ib->bb",
            "bi,io",
            "bij,jo->bio",
            "bi,io,op->bp",
            "...i,io->...o",
            "bi->ib",
            "",
        ] {
            assert_eq!(product(other), None, "{other}");
        }
    }

    #[test]
    fn groups_see_their_own_channels() {
        // Two groups of two channels, one filter each, over one pixel.
        let map = Filtered {
            input: &[1.0, 2.0, 3.0, 4.0],
            shape: [1, 1, 4],
            weights: &[1.0, 10.0, 100.0, 1000.0],
            bias: &[0.5, 0.0],
            window: &Window::PIXEL,
            output: [1, 1, 2],
        };
        let sums = float(&map, 2);
        assert_eq!(sums, [21.5, 4300.0]);
    }

    #[test]
    fn taps_are_as_far_apart_as_the_dilation() {
        let window = Window { kernel: [1, 3], dilation: [1, 2], pad: [0, 2, 0, 2], ..Window::PIXEL };
        let map = Filtered {
            input: &[1.0, 2.0, 4.0, 8.0],
            shape: [1, 4, 1],
            weights: &[1.0, 1.0, 1.0],
            bias: &[0.0],
            window: &window,
            output: [1, 4, 1],
        };
        let sums = float(&map, 1);
        assert_eq!(sums, [5.0, 10.0, 5.0, 10.0]);
    }
}
