//! Convolution of each channel with a filter of its own, channels side by side.

use core::ops::Range;

use super::{Lanes, Limits, as_bytes_mut, is_linear, unrolled};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// [`crate::kernels::portable::depthwise`] of bytes with at least [`Lanes::LANES`] channels.
///
/// # Panics
/// When lengths do not agree, or there are fewer channels.
#[inline(always)]
pub fn depthwise<S: Lanes, O: Element>(
    set: S,
    input: &Rows<'_, i8>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let channels = input.channels;
    assert_eq!(stage.bias.len(), channels);
    assert_eq!(weights.len(), input.rows.len() * input.kernel_width * channels);
    // Pixels whose windows lie inside the tensor.
    let pixels = output.len() / channels;
    let last = (input.width + input.pad).checked_sub(input.kernel_width);
    let inside = match *input.rows {
        [Some(a), Some(b), Some(c)] if input.kernel_width == 3 => {
            let end = last.map_or(0, |last| last / input.stride + 1).min(pixels);
            Some((input.pad.div_ceil(input.stride)..end, [a, b, c]))
        }
        _ => None,
    };
    for block in (0..channels).step_by(S::LANES) {
        // The last block may overlap the one before and make the same again.
        let first = block.min(channels - S::LANES);
        let bias = set.load(&stage.bias[first..]);
        let block = Block { set, input, weights, first, bias, end: End::new(set, stage, first) };
        match &inside {
            Some((range, rows)) if !range.is_empty() => {
                block.any(0..range.start, output);
                block.inside(rows, range.clone(), output);
                block.any(range.end..pixels, output);
            }
            _ => block.any(0..pixels, output),
        }
    }
}

/// Channels from `first` on, as many as there are lanes.
struct Block<'a, S: Lanes> {
    set: S,
    input: &'a Rows<'a, i8>,
    weights: &'a [i8],
    first: usize,
    bias: S::Vector,
    end: End<'a, S>,
}

impl<S: Lanes> Block<'_, S> {
    /// Makes pixels under windows of 3 × 3 inside the tensor, nearly all there are.
    #[inline(always)]
    fn inside<O: Element>(&self, rows: &[&[i8]; 3], range: Range<usize>, output: &mut [O]) {
        let (set, channels) = (self.set, self.input.channels);
        let mut factors = [self.bias; 9];
        unrolled!(9, I => {
            factors[I] = set.factors(set.widen(&self.weights[I * channels + self.first..]));
        });
        let step = self.input.stride * channels;
        let mut start = (range.start * self.input.stride - self.input.pad) * channels + self.first;
        let span = 2 * channels + S::LANES;
        let output = &mut output[range.start * channels..range.end * channels];
        for pixel in output.chunks_exact_mut(channels) {
            let mut sums = self.bias;
            unrolled!(3, Y => {
                let row = &rows[Y][start..][..span];
                sums = set.multiply_add(sums, set.widen(row), factors[3 * Y]);
                sums = set.multiply_add(sums, set.widen(&row[channels..]), factors[3 * Y + 1]);
                sums = set.multiply_add(sums, set.widen(&row[2 * channels..]), factors[3 * Y + 2]);
            });
            self.end.store(set, sums, &mut pixel[self.first..]);
            start = start.wrapping_add(step);
        }
    }

    /// Makes pixels under any window.
    #[inline(always)]
    fn any<O: Element>(&self, range: Range<usize>, output: &mut [O]) {
        let (set, input, channels) = (self.set, self.input, self.input.channels);
        let zero_point = set.splat(input.zero_point);
        let output = &mut output[range.start * channels..range.end * channels];
        for (x, pixel) in range.zip(output.chunks_exact_mut(channels)) {
            let (low, high, column) = input.columns(x);
            let mut sums = self.bias;
            let taps = self.weights.chunks_exact(input.kernel_width * channels);
            for (row, taps) in input.rows.iter().zip(taps) {
                for (kx, tap) in taps.chunks_exact(channels).enumerate() {
                    let values = match row {
                        Some(row) if low <= kx && kx < high => {
                            set.widen(&row[(column + kx - low) * channels + self.first..])
                        }
                        _ => zero_point,
                    };
                    sums = set.multiply_add(sums, values, set.factors(set.widen(&tap[self.first..])));
                }
            }
            self.end.store(set, sums, &mut pixel[self.first..]);
        }
    }
}

/// What becomes of the sums of [`Lanes::LANES`] channels.
pub struct End<'a, S: Lanes> {
    stage: &'a Stage<'a>,
    first: usize,
    shift: u32,
    positive: S::Vector,
    negative: Option<S::Vector>,
    limits: Option<Limits>,
}

impl<'a, S: Lanes> End<'a, S> {
    /// For channels from `first` on.
    #[inline(always)]
    pub fn new(set: S, stage: &'a Stage<'a>, first: usize) -> Self {
        End {
            stage,
            first,
            shift: stage.shift & 31,
            positive: set.load(&stage.positive[first..]),
            negative: if is_linear(stage) { None } else { Some(set.load(&stage.negative[first..])) },
            limits: Limits::of(stage),
        }
    }

    /// Requantises sums into the first elements of `out`.
    #[inline(always)]
    pub fn store<O: Element>(&self, set: S, sums: S::Vector, out: &mut [O]) {
        match as_bytes_mut(&mut *out).zip(self.limits) {
            Some((out, limits)) => {
                let scaled = set.scale(sums, self.shift, self.positive, self.negative);
                set.store(scaled, limits, out);
            }
            None => {
                let sums = set.array(sums);
                for ((channel, out), &sum) in (self.first..).zip(out).zip(&sums[..S::LANES]) {
                    *out = O::from_i32(self.stage.requantise(sum, channel));
                }
            }
        }
    }
}
