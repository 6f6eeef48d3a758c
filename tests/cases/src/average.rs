//! Mean of the elements under a window that lie inside the tensor.

use nn::kernels::{Element, Rows};
use nn::op::average;
use nn::quant::Stage;

use crate::naive::requantise;
use crate::random::{Random, ends};
use crate::room::{Case, Room, SMALL};
use crate::{Counts, Failure, Set};

/// Most rows of a window.
const ROWS: usize = 7;

/// A whole tensor `[height][width][c]`, and a window that slides over it.
struct Map<'a, I> {
    elements: &'a [I],
    size: [usize; 2],
    channels: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    pad: [usize; 2],
}

impl<I: Element> Map<'_, I> {
    /// The elements under the window of output pixel `(y, x)`.
    fn under(&self, y: usize, x: usize, channel: usize) -> impl Iterator<Item = i64> {
        let taps = (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| [ky, kx]));
        taps.filter_map(move |[ky, kx]| {
            let row = (y * self.stride[0] + ky).checked_sub(self.pad[0]).filter(|&row| row < self.size[0])?;
            let column =
                (x * self.stride[1] + kx).checked_sub(self.pad[1]).filter(|&column| column < self.size[1])?;
            let element: i32 = self.elements[(row * self.size[1] + column) * self.channels + channel].into();
            Some(element.into())
        })
    }

    fn row(&self, row: usize) -> &[I] {
        let row_elements = self.size[1] * self.channels;
        &self.elements[row * row_elements..][..row_elements]
    }
}

fn naive<I: Element, O: Element>(
    map: &Map<'_, I>,
    y: usize,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let taps = (map.kernel[0] * map.kernel[1]) as i64;
    for (index, out) in output.iter_mut().enumerate() {
        let (x, c) = (index / map.channels, index % map.channels);
        let inside = map.under(y, x, c).count() as i64;
        let product = map.under(y, x, c).sum::<i64>() * i64::from(weights[c]);
        let ratio = (2 * (taps << 22) + inside).div_euclid(2 * inside);
        let scaled = (product * ratio + (1 << 21)).div_euclid(1 << 22);
        *out = O::from_i32(requantise(stage, (i64::from(stage.bias[c]) + scaled) as i32, c));
    }
}

/// Random tensors and windows, in which at least one place of each window lies inside the tensor, and a random output
/// row of each.
pub fn run<S: Set, I: Element, O: Element>(cases: u32, counts: &mut Counts) -> Result<(), Failure> {
    let random = &mut Random(0x1f83_d9ab);
    let mut room = Room::<I, O, SMALL>::new();
    for number in 0..cases {
        room.randomise(random);
        let Room { input, weights, arrays, outputs } = &mut room;
        let kernel = [0, 1].map(|_| 1 + random.below(ROWS));
        let stride = [0, 1].map(|_| 1 + random.below(3));
        let channels = match number % 4 {
            0 => 1 + random.below(40),
            1 => 16 * (1 + random.below(2)),
            _ => 1 + random.below(9),
        };
        // Often there is a single row or column.
        let size = [0, 1].map(|_| if random.is_one_in(5) { 1 } else { 1 + random.below(7) });
        let pad = kernel.map(|kernel| random.below(kernel));
        let outputs_of = |axis: usize| (size[axis] + pad[axis]).div_ceil(stride[axis]);
        let (y, pixels) = (random.below(outputs_of(0)), 1 + random.below(outputs_of(1)));
        let (one, others) = weights[..kernel[0] * kernel[1] * channels].split_at_mut(channels);
        others.chunks_exact_mut(channels).for_each(|tap| tap.copy_from_slice(one));
        let weights = &weights[..kernel[0] * kernel[1] * channels];
        let map = Map { elements: &*input, size, channels, kernel, stride, pad };
        let mut rows = [None; ROWS];
        for (ky, row) in rows[..kernel[0]].iter_mut().enumerate() {
            let above = (y * stride[0] + ky).checked_sub(pad[0]);
            *row = above.filter(|&row| row < size[0]).map(|row| map.row(row));
        }
        let rows = &Rows {
            rows: &rows[..kernel[0]],
            width: size[1],
            channels,
            zero_point: random.between(ends::<I>()),
            kernel_width: kernel[1],
            stride: stride[1],
            pad: pad[1],
            dilation: 1,
        };
        let stage = &arrays.stage::<O>(random, channels);
        let scratch = &mut S::Scratch::default();
        let mut case = Case { number, random: &mut *random, counts: &mut *counts, outputs };
        case.attempt(
            "average",
            pixels * channels,
            |output| {
                S::depthwise(rows, weights, stage, scratch, output)?;
                average::complete(rows, &weights[..channels], stage, pixels, &mut average::put(output))
            },
            |output| naive(&map, y, weights, stage, output),
        )?;
    }
    Ok(())
}
