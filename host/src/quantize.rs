//! Post-training quantisation: turns a lowered [`Graph`] and calibration crops into the runtime's layers.
//!
//! Weights are `int8`, symmetric, with one scale for each output channel. Activations are `int8`, with one scale and
//! zero point for each tensor. The steps:
//!
//! 1. [`equalise`]: channels of each tensor are scaled to equal ranges (cross-layer equalisation, Nagel et al.
//!    2019, arXiv:1906.04721). The neighbouring layers absorb the factors.
//! 2. Layer by layer, each on the outputs of the quantised layers before it: weights are rounded, the mean error of each
//!    channel's accumulator is added to its bias (bias correction, ibid.), and the tensor gets the range with the least
//!    squared error.
//! 3. [`emit`] turns scales into multipliers.
//!
//! Tensors named in [`Options::wide`] get `int16` elements.

pub mod emit;
pub mod equalise;
pub mod grid;
pub mod weights;

use rayon::prelude::*;
use serde::Serialize;

use crate::float;
use crate::graph::{Graph, Node, Op};
use crate::op;
use grid::{Grid, Histogram};
use weights::Filters;

/// Affine preprocessing of a pixel: the network is fed `(pixel − mean) / scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Preprocessing {
    /// Value that is subtracted.
    pub mean: f32,
    /// Divisor.
    pub scale: f32,
}

impl Default for Preprocessing {
    /// The usual preprocessing of ArcFace networks (Deng et al. 2019, section 3.1).
    fn default() -> Self {
        Preprocessing { mean: 127.5, scale: 128.0 }
    }
}

impl Preprocessing {
    /// A crop's bytes in the network's units.
    pub fn apply(&self, crop: &[u8]) -> Vec<f32> {
        crop.iter().map(|&pixel| (pixel as f32 - self.mean) / self.scale).collect()
    }

    /// Grid of the input tensor, whose element is the pixel − 128, and the error of each element in the network's
    /// units. The error arises because a zero point is an integer.
    pub fn grid(&self) -> (Grid, f32) {
        let zero_point = (self.mean - 128.0).round().clamp(-128.0, 127.0);
        let scale = 1.0 / self.scale;
        let grid = Grid { scale, zero_point: zero_point as i32, low: -128, high: 127 };
        (grid, (128.0 + zero_point - self.mean) * scale)
    }
}

/// Options of the quantiser.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Nodes whose tensors get `int16` elements besides the embedding.
    pub wide: Vec<usize>,
}

/// One layer after quantisation.
#[derive(Clone, Debug)]
pub struct QuantisedLayer {
    /// Grid of its tensor.
    pub grid: Grid,
    /// Whether the tensor's elements are `int16`.
    pub wide: bool,
    /// Rounded weights. `None` for operators without weights.
    pub filters: Option<Filters>,
    /// Corrected bias, one for each channel, in the tensor's real units. Additions have one, too.
    pub bias: Vec<f32>,
}

/// The effect of quantisation on one tensor, measured over the calibration crops.
#[derive(Clone, Debug, Serialize)]
pub struct LayerReport {
    /// Name of the node.
    pub name: String,
    /// Operator.
    pub operator: &'static str,
    /// Smallest and largest value that the elements can represent.
    pub range: [f32; 2],
    /// Bits of an element.
    pub bits: u8,
    /// Signal to quantisation noise in dB, including the noise of all layers before.
    pub sqnr_db: f32,
}

/// A quantised network, before its memory is planned.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// The equalised graph.
    pub graph: Graph,
    /// One for each node.
    pub layers: Vec<QuantisedLayer>,
    /// One for each node.
    pub report: Vec<LayerReport>,
    /// For each node, the signal to noise in dB if only this tensor is rounded. The smaller it is, the more `int16`
    /// helps.
    pub rounding_db: Vec<f32>,
}

impl Quantised {
    /// Whether a node's tensor may get `int16` elements. The node must accumulate, and no reader may require its
    /// element type to stay the same.
    pub fn can_be_wide(&self, node: usize) -> bool {
        let accumulated = self.layers[node].filters.is_some();
        accumulated
            && !self.graph.is_output(node)
            && self.graph.readers(node).all(|reader| {
                matches!(reader.op, Op::Conv { groups: 1, .. } | Op::Depthwise { .. } | Op::Average { .. })
            })
    }
}

/// Float tensor and its quantised counterpart (as real values) of one crop.
struct Pair {
    float: Vec<f32>,
    quantised: Vec<f32>,
}

/// Quantises a lowered graph over calibration crops (`[h][w][c]` bytes in the network's colour order). Calls `tick`
/// once for each layer.
///
/// # Panics
/// When there are no crops, or they have another size than the input.
pub fn quantise(
    graph: &Graph,
    preprocessing: Preprocessing,
    crops: &[Vec<u8>],
    options: &Options,
    tick: impl Fn(&Node),
) -> Quantised {
    assert!(!crops.is_empty(), "calibration needs crops");
    let graph = equalise::equalise(graph, preprocessing, crops);
    let (input_grid, input_offset) = preprocessing.grid();
    let shared = shared_grids(&graph, preprocessing, crops);
    let last_use: Vec<usize> = (0..graph.nodes.len())
        .map(|tensor| {
            (tensor..graph.nodes.len()).rfind(|&n| graph.nodes[n].inputs.contains(&tensor)).unwrap_or(tensor)
        })
        .collect();

    let mut tensors: Vec<Vec<Pair>> = Vec::new();
    let mut layers: Vec<QuantisedLayer> = Vec::new();
    let mut report = Vec::new();
    let mut rounding_db = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        tick(node);
        let ends = graph.ends_at(index);
        let wide = ends || options.wide.contains(&index);
        let (layer, pairs, rounding) = if index == 0 {
            let pairs = crops.par_iter().map(|crop| {
                let float = preprocessing.apply(crop);
                let quantised = float.iter().map(|x| x - input_offset).collect();
                Pair { float, quantised }
            });
            let layer = QuantisedLayer { grid: input_grid, wide: false, filters: None, bias: vec![] };
            (layer, pairs.collect(), f32::INFINITY)
        } else {
            let grids: Vec<Grid> = node.inputs.iter().map(|&input| layers[input].grid).collect();
            let offset = if node.inputs.contains(&0) { input_offset } else { 0.0 };
            let range = match (ends, wide, shared[index]) {
                (true, ..) => Range::Output,
                (_, true, _) => Range::Wide,
                (.., Some(grid)) => Range::Shared(grid),
                _ => Range::Best,
            };
            quantise_layer(&graph, node, &tensors, &grids, offset, range)
        };
        report.push(LayerReport {
            name: node.name.clone(),
            operator: op::name(&node.op),
            range: layer.grid.range(),
            bits: if wide { 16 } else { 8 },
            sqnr_db: sqnr_db(&pairs),
        });
        rounding_db.push(rounding);
        layers.push(layer);
        tensors.push(pairs);
        for &input in &node.inputs {
            if last_use[input] == index {
                tensors[input] = Vec::new();
            }
        }
    }
    Quantised { graph, layers, report, rounding_db }
}

/// The kind of grid of a tensor.
#[derive(Clone, Copy)]
enum Range {
    /// Eight bits with the least squared error.
    Best,
    /// Eight bits, with the same grid as other tensors.
    Shared(Grid),
    /// Sixteen bits that another layer reads.
    Wide,
    /// Sixteen bits that no other layer reads.
    Output,
}

/// For each tensor that is joined with others, the common grid of all of them. It is the best grid for the float
/// values of all.
fn shared_grids(graph: &Graph, preprocessing: Preprocessing, crops: &[Vec<u8>]) -> Vec<Option<Grid>> {
    let count = graph.nodes.len();
    let mut group: Vec<usize> = (0..count).collect();
    for (index, node) in graph.nodes.iter().enumerate() {
        if op::moves_elements(&node.op) {
            let tied: Vec<usize> =
                node.inputs.iter().map(|&input| group[input]).chain([group[index]]).collect();
            let smallest = tied.iter().copied().min().unwrap_or(index);
            group.iter_mut().filter(|g| tied.contains(g)).for_each(|g| *g = smallest);
        }
    }
    let joined =
        |node: usize| (0..count).any(|n| group[n] == group[node] && matches!(graph.nodes[n].op, Op::Concat));
    // Values are counted at the tensors in which they are made.
    let members: Vec<usize> =
        (0..count).filter(|&node| joined(node) && !op::moves_elements(&graph.nodes[node].op)).collect();
    if members.is_empty() {
        return vec![None; count];
    }
    let tensors: Vec<Vec<Vec<f32>>> = crops
        .par_iter()
        .map(|crop| {
            let mut tensors = float::run(graph, &preprocessing.apply(crop));
            members.iter().map(|&member| std::mem::take(&mut tensors[member])).collect()
        })
        .collect();
    let grid = |node: usize| {
        let of_group = || members.iter().enumerate().filter(|&(_, &member)| group[member] == group[node]);
        let values = || tensors.iter().flat_map(|tensors| of_group().map(|(place, _)| &*tensors[place]));
        Histogram::of(values).best_int8()
    };
    (0..count).map(|node| joined(node).then(|| grid(node))).collect()
}

fn quantise_layer(
    graph: &Graph,
    node: &Node,
    tensors: &[Vec<Pair>],
    grids: &[Grid],
    input_offset: f32,
    range: Range,
) -> (QuantisedLayer, Vec<Pair>, f32) {
    let channels = node.shape[2];
    let crops = tensors[node.inputs[0]].len();
    let inputs = |crop: usize, pick: fn(&Pair) -> &[f32]| -> Vec<&[f32]> {
        node.inputs.iter().map(|&input| pick(&tensors[input][crop])).collect()
    };
    if op::moves_elements(&node.op) {
        let pairs = (0..crops).into_par_iter().map(|crop| Pair {
            float: op::float(graph, node, &inputs(crop, |pair| &pair.float)),
            quantised: op::float(graph, node, &inputs(crop, |pair| &pair.quantised)),
        });
        let layer = QuantisedLayer { grid: grids[0], wide: false, filters: None, bias: vec![] };
        return (layer, pairs.collect(), f32::INFINITY);
    }

    let filters = Filters::quantise(&node.op);
    let mut rounded = node.clone();
    let mut bias = vec![0.0; channels];
    if let (
        Some(filters),
        Op::Conv { weights, bias: b, .. }
        | Op::Depthwise { weights, bias: b, .. }
        | Op::Average { weights, bias: b, .. },
    ) = (&filters, &mut rounded.op)
    {
        filters.add_constant_input(input_offset, b);
        bias.clone_from(b);
        *weights = filters.real();
    }
    let mut sums: Vec<Pair> = (0..crops)
        .into_par_iter()
        .map(|crop| Pair {
            float: op::float(graph, node, &inputs(crop, |pair| &pair.float)),
            quantised: op::float(graph, &rounded, &inputs(crop, |pair| &pair.quantised)),
        })
        .collect();

    // All channels share one table, so it cannot correct single channels.
    let is_corrected = !matches!(node.op, Op::Table(_));
    let correction = if is_corrected { mean_error(&sums, channels) } else { vec![0.0; channels] };
    bias.iter_mut().zip(&correction).for_each(|(bias, error)| *bias += error);
    sums.par_iter_mut().for_each(|pair| {
        for pixel in pair.quantised.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(&correction).for_each(|(sum, error)| *sum += error);
        }
        node.activation.apply(&mut pair.float);
        node.activation.apply(&mut pair.quantised);
    });

    let histogram = || Histogram::of(|| sums.iter().map(|pair| &*pair.quantised));
    let grid = match range {
        Range::Output => Grid::symmetric(2.0 * histogram().largest(), 32767),
        Range::Wide => Grid::symmetric(1.25 * histogram().largest(), grid::WIDE_LIMIT),
        Range::Shared(grid) => grid,
        Range::Best => histogram().best_int8(),
    };
    let (signal, noise) = sums
        .par_iter_mut()
        .map(|pair| {
            pair.quantised.iter_mut().fold((0f64, 0f64), |(signal, noise), x| {
                let before = *x;
                *x = grid.round(before);
                (signal + (before as f64).powi(2), noise + (before as f64 - *x as f64).powi(2))
            })
        })
        .reduce(|| (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let wide = matches!(range, Range::Wide | Range::Output);
    (QuantisedLayer { grid, wide, filters, bias }, sums, decibel(signal, noise))
}

/// Mean of float − quantised for each channel.
fn mean_error(pairs: &[Pair], channels: usize) -> Vec<f32> {
    let sums = pairs
        .par_iter()
        .map(|pair| {
            let mut sums = vec![0f64; channels];
            let pixels = pair.float.chunks_exact(channels).zip(pair.quantised.chunks_exact(channels));
            for (float, quantised) in pixels {
                for ((sum, float), quantised) in sums.iter_mut().zip(float).zip(quantised) {
                    *sum += (float - quantised) as f64;
                }
            }
            sums
        })
        .reduce(|| vec![0f64; channels], |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
    let count: usize = pairs.iter().map(|pair| pair.float.len() / channels).sum();
    sums.iter().map(|sum| (sum / count as f64) as f32).collect()
}

fn sqnr_db(pairs: &[Pair]) -> f32 {
    let (signal, noise) = pairs
        .par_iter()
        .map(|pair| {
            pair.float.iter().zip(&pair.quantised).fold(
                (0f64, 0f64),
                |(signal, noise), (&float, &quantised)| {
                    (signal + (float as f64).powi(2), noise + (float as f64 - quantised as f64).powi(2))
                },
            )
        })
        .reduce(|| (0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    decibel(signal, noise)
}

fn decibel(signal: f64, noise: f64) -> f32 {
    (10.0 * (signal / noise.max(1e-30)).log10()) as f32
}
