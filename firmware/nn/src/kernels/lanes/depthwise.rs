//! Convolution of each channel with a filter of its own, channels side by side.

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
    for block in (0..channels).step_by(S::LANES) {
        // The last block may overlap the one before and make the same again.
        let first = block.min(channels - S::LANES);
        let end = End::new(set, stage, first);
        let bias = set.load(&stage.bias[first..]);
        // Windows of 3 × 3 inside the tensor, nearly all there are, keep their weights in registers.
        let inside = match *input.rows {
            [Some(a), Some(b), Some(c)] if input.kernel_width == 3 => Some([a, b, c]),
            _ => None,
        };
        let mut kept = [bias; 9];
        if inside.is_some() {
            unrolled!(9, I => kept[I] = set.factors(set.widen(&weights[I * channels + first..])));
        }
        for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
            let (low, high, column) = input.columns(x);
            let sums = match inside {
                Some(rows) if high - low == 3 => {
                    let mut sums = bias;
                    unrolled!(3, Y => {
                        let row = &rows[Y][column * channels + first..][..2 * channels + S::LANES];
                        unrolled!(3, X => {
                            sums = set.multiply_add(sums, set.widen(&row[X * channels..]), kept[3 * Y + X]);
                        });
                    });
                    sums
                }
                _ => taps(set, input, weights, first, [low, high, column], bias),
            };
            end.store(set, sums, &mut pixel[first..]);
        }
    }
}

type V<S> = <S as Lanes>::Vector;

/// Sums of channels from `first` on under any window.
#[inline(always)]
fn taps<S: Lanes>(
    set: S,
    input: &Rows<'_, i8>,
    weights: &[i8],
    first: usize,
    [low, high, column]: [usize; 3],
    mut sums: V<S>,
) -> V<S> {
    let channels = input.channels;
    let zero_point = set.splat(input.zero_point);
    let taps = weights.chunks_exact(input.kernel_width * channels);
    for (row, taps) in input.rows.iter().zip(taps) {
        for (kx, tap) in taps.chunks_exact(channels).enumerate() {
            let values = match row {
                Some(row) if (low..high).contains(&kx) => {
                    set.widen(&row[(column + kx - low) * channels + first..])
                }
                _ => zero_point,
            };
            sums = set.multiply_add(sums, values, set.factors(set.widen(&tap[first..])));
        }
    }
    sums
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
