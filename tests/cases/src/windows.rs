//! Cases of the kernels that slide a window along rows.

use nn::kernels::{Element, Rows};

use crate::random::{Random, ends};
use crate::room::{Arrays, Case, Outputs, Room, SMALL};
use crate::{Counts, Failure, Set, conv, depthwise, grouped, max_pool};

/// Most elements of any array of a case of [`NETWORKS`].
const LARGE: usize = 25_600;
/// Most rows of a window.
const ROWS: usize = 16;

/// The tensor under a window, and the number of output channels of a convolution.
struct Shape {
    kernel: [usize; 2],
    width: usize,
    channels_in: usize,
    stride: usize,
    pad: usize,
    dilation: usize,
    pixels: usize,
    channels: usize,
}

/// Shapes from real networks, and shapes too large for a kernel's scratch.
const NETWORKS: [Shape; 23] = [
    shape([1, 1], 56, 64, 1, 0, 10),
    shape([1, 1], 7, 64, 1, 0, 9),
    shape([1, 1], 10, 64, 1, 0, 8),
    shape([1, 1], 28, 128, 1, 0, 8),
    shape([1, 1], 5, 128, 1, 0, 8),
    shape([1, 1], 1, 128, 1, 0, 12),
    shape([1, 1], 14, 256, 1, 0, 8),
    shape([1, 1], 7, 512, 1, 0, 5),
    shape([1, 1], 5, 2000, 1, 0, 3),
    shape([1, 1], 400, 16, 1, 0, 4),
    shape([1, 1], 190, 16, 1, 0, 4),
    shape([3, 3], 112, 3, 2, 1, 12),
    shape([3, 3], 10, 3, 2, 1, 16),
    shape([3, 3], 40, 24, 1, 1, 4),
    shape([3, 3], 240, 32, 1, 1, 2),
    shape([3, 3], 9, 64, 1, 1, 4),
    shape([3, 3], 8, 128, 2, 1, 2),
    shape([3, 3], 6, 256, 1, 1, 1),
    shape([7, 7], 7, 512, 1, 0, 1),
    shape([16, 16], 60, 8, 1, 8, 3),
    dilated(20, 12, 2, 16),
    dilated(20, 16, 3, 12),
    dilated(20, 8, 5, 12),
];

/// The number of pixels that have a whole window, including the padding on both sides.
const fn shape(
    kernel: [usize; 2],
    width: usize,
    channels_in: usize,
    stride: usize,
    pad: usize,
    channels: usize,
) -> Shape {
    let pixels = (width + 2 * pad - kernel[1]) / stride + 1;
    Shape { kernel, width, channels_in, stride, pad, dilation: 1, pixels, channels }
}

/// A window of three by three whose taps are `dilation` apart. The output has as many pixels as the input.
const fn dilated(width: usize, channels_in: usize, dilation: usize, channels: usize) -> Shape {
    Shape { kernel: [3, 3], width, channels_in, stride: 1, pad: dilation, dilation, pixels: width, channels }
}

/// The parameters of a kernel besides its input.
pub struct Parts<'a> {
    pub weights: &'a [i8],
    pub arrays: &'a Arrays,
}

/// Random shapes.
pub fn run<S: Set, I: Element, O: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let mut random = Random(0x9e37_79b9);
    let mut room = Room::<I, O, SMALL>::new();
    for case in 0..cases {
        room.randomise(&mut random);
        let kernel = [1 + random.below(4), 1 + random.below(4)];
        // Kernels may treat whole vectors of channels separately.
        let channels_in = match case % 4 {
            0 => 1 + random.below(40),
            1 => 16 * (1 + random.below(3)),
            _ => 1 + random.below(9),
        };
        let width = 1 + random.below(9);
        let stride = 1 + random.below(3);
        let dilation = if random.is_one_in(3) { 1 + random.below(5) } else { 1 };
        let pad = random.below((kernel[1] - 1) * dilation + 1);
        // Each pixel's window has a tap on a real column or, with dilation, has real columns between two taps.
        let pixels = (width + pad).div_ceil(stride).min(9);
        let taps = kernel[0] * kernel[1] * channels_in;
        if kernel[0] * width * channels_in > SMALL || taps > SMALL {
            continue;
        }
        let channels = (1 + random.below(20)).min(SMALL / taps).min(SMALL / pixels);
        let shape = Shape { kernel, width, channels_in, stride, pad, dilation, pixels, channels };
        slide::<S, I, O, SMALL>(case, &shape, &mut random, &mut room, counts)?;
    }
    Ok(())
}

/// Shapes of [`NETWORKS`].
pub fn networks<S: Set, I: Element, O: Element>(counts: &mut Counts) -> Result<(), Failure> {
    let mut random = Random(0x2545_f491);
    let mut room = Room::<I, O, LARGE>::new();
    for (case, shape) in NETWORKS.iter().enumerate() {
        // Several times, so that most kinds of stages occur.
        for _ in 0..6 {
            room.randomise(&mut random);
            slide::<S, I, O, LARGE>(1_000_000 + case as u32, shape, &mut random, &mut room, counts)?;
        }
    }
    Ok(())
}

/// Runs each kernel.
fn slide<S: Set, I: Element, O: Element, const N: usize>(
    case: u32,
    shape: &Shape,
    random: &mut Random,
    room: &mut Room<I, O, N>,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let &Shape { kernel, width, channels_in, stride, pad, dilation, pixels, channels } = shape;
    let Room { input, weights, arrays, outputs } = room;
    let row_elements = width * channels_in;
    let mut rows = [None; ROWS];
    for (y, row) in rows[..kernel[0]].iter_mut().enumerate() {
        // The first or the last rows may lie outside.
        let outside = random.is_one_in(5) && (y == 0 || y + 1 == kernel[0]) && kernel[0] > 1;
        *row = (!outside).then(|| &input[y * row_elements..][..row_elements]);
    }
    if rows.iter().all(|row| row.is_none()) {
        return Ok(());
    }
    let input = &Rows {
        rows: &rows[..kernel[0]],
        width,
        channels: channels_in,
        zero_point: random.between(ends::<I>()),
        kernel_width: kernel[1],
        stride,
        pad,
        dilation,
    };
    let parts = &Parts { weights: &weights[..], arrays };
    let case = &mut Case { number: case, random: &mut *random, counts: &mut *counts, outputs };
    conv::attempt::<S, I, O, N>(case, input, parts, [pixels, channels])?;
    grouped::attempt::<S, I, O, N>(case, input, parts, pixels)?;
    depthwise::attempt::<S, I, O, N>(case, input, parts, pixels)?;
    let outputs = &mut Outputs::new();
    max_pool::attempt::<S, I, N>(&mut Case { number: case.number, random, counts, outputs }, input, pixels)
}
