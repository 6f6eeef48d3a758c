//! Convolution of each channel with its own filter, channels side by side.

use super::{Columns, Lanes, Limits, as_bytes_mut, unrolled};
use crate::ensure;
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// [`crate::kernels::portable::depthwise`] of bytes with at least [`Lanes::LANES`] channels.
/// `None` when lengths do not agree, or there are fewer channels.
#[inline(always)]
pub fn depthwise<S: Columns, O: Element>(
    set: S,
    input: &Rows<'_, i8>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let channels = input.channels;
    ensure(input.dilation > 0 && channels >= S::LANES && output.len().is_multiple_of(channels))?;
    ensure([stage.bias, stage.positive, stage.negative].iter().all(|array| array.len() == channels))?;
    ensure(weights.len() == input.rows.len() * input.kernel_width * channels)?;
    ensure(input.are_whole())?;
    if input.rows.len() == 3
        && input.kernel_width == 3
        && input.dilation == 1
        && channels >= S::CHANNELS
        && let Some((output, limits)) = as_bytes_mut(&mut *output).zip(Limits::of(stage))
    {
        let row = input.width * channels;
        if let [Some(a), Some(b), Some(c)] = *input.rows {
            three(set, input, [a, b, c], weights, stage, limits, output);
            return Some(());
        } else if row <= MAX_ROW {
            let outside = [input.zero_point as i8; MAX_ROW];
            let row = |y: usize| input.rows[y].unwrap_or(&outside[..row]);
            three(set, input, [row(0), row(1), row(2)], weights, stage, limits, output);
            return Some(());
        }
    }
    for block in (0..channels).step_by(S::LANES) {
        // The last block may overlap the one before and compute some channels again.
        let first = block.min(channels - S::LANES);
        let bias = set.load(&stage.bias[first..]);
        let block = Block { set, input, weights, first, bias, end: End::new(set, stage, first) };
        block.make(output)?;
    }
    Some(())
}

/// Longest row in bytes, `width · channels`, that a constant row can replace outside the tensor.
const MAX_ROW: usize = 8192;

/// Computes windows of 3 × 3, column by column.
#[inline(always)]
fn three<S: Columns>(
    set: S,
    input: &Rows<'_, i8>,
    rows: [&[i8]; 3],
    weights: &[i8],
    stage: &Stage<'_>,
    limits: Limits,
    output: &mut [i8],
) {
    let (channels, stride) = (input.channels, input.stride);
    let shift = stage.shift & 31;
    let is_linear = stage.is_linear();
    let zeros = [input.zero_point as i8; 64];
    let outside = set.values([&zeros; 3]);
    for block in (0..channels).step_by(S::CHANNELS) {
        // The last block may overlap the one before and compute some channels again.
        let first = block.min(channels - S::CHANNELS);
        let tap = |y: usize, x: usize| &weights[(3 * y + x) * channels + first..];
        let weights = [
            set.weights([tap(0, 0), tap(1, 0), tap(2, 0)]),
            set.weights([tap(0, 1), tap(1, 1), tap(2, 1)]),
            set.weights([tap(0, 2), tap(1, 2), tap(2, 2)]),
        ];
        let begin = set.begin(&stage.bias[first..], &weights);
        let mut positive = set.arrange(&stage.positive[first..]);
        let mut negative = set.arrange(&stage.negative[first..]);
        unrolled!(4, I => {
            positive[I] = set.multipliers(positive[I]);
            negative[I] = set.multipliers(negative[I]);
        });
        let mut columns = [outside; 3];
        let mut x = 0usize.wrapping_sub(input.pad);
        for (number, pixel) in output.chunks_exact_mut(channels).enumerate() {
            // Columns shared with the previous window are kept.
            let kept = if number == 0 { 0 } else { 3usize.saturating_sub(stride) };
            unrolled!(3, X => {
                let column = x.wrapping_add(X);
                if X < kept {
                    columns[X] = if stride == 1 { columns[(X + 1) % 3] } else { columns[2] };
                } else if column < input.width {
                    let start = column * channels + first;
                    columns[X] = set.values([&rows[0][start..], &rows[1][start..], &rows[2][start..]]);
                } else {
                    columns[X] = outside;
                }
            });
            let mut sums = begin;
            unrolled!(3, X => sums = set.add_column(sums, columns[X], weights[X]));
            if is_linear {
                unrolled!(4, I => sums[I] = set.scale(sums[I], shift, positive[I], None));
            } else {
                unrolled!(4, I => sums[I] = set.scale(sums[I], shift, positive[I], Some(negative[I])));
            }
            set.store_four(sums, limits, &mut pixel[first..]);
            x = x.wrapping_add(stride);
        }
    }
}

/// Some channels from `first` on, one in each lane.
struct Block<'a, S: Lanes> {
    set: S,
    input: &'a Rows<'a, i8>,
    weights: &'a [i8],
    first: usize,
    bias: S::Vector,
    end: End<'a, S>,
}

impl<S: Lanes> Block<'_, S> {
    /// Computes pixels for any window.
    #[inline(always)]
    fn make<O: Element>(&self, output: &mut [O]) -> Option<()> {
        let (set, input, channels) = (self.set, self.input, self.input.channels);
        let zero_point = set.splat(input.zero_point);
        for (x, pixel) in output.chunks_exact_mut(channels).enumerate() {
            let (low, high, column) = input.columns(x);
            let mut sums = self.bias;
            let taps = self.weights.chunks_exact(input.kernel_width * channels);
            for (row, taps) in input.rows.iter().zip(taps) {
                for (kx, tap) in taps.chunks_exact(channels).enumerate() {
                    let values = match row {
                        Some(row) if low <= kx && kx < high => {
                            set.widen(&row[(column + (kx - low) * input.dilation) * channels + self.first..])
                        }
                        _ => zero_point,
                    };
                    sums = set.multiply_add(sums, values, set.factors(set.widen(&tap[self.first..])));
                }
            }
            self.end.store(set, sums, &mut pixel[self.first..])?;
        }
        Some(())
    }
}

/// The output stage of [`Lanes::LANES`] channels.
pub struct End<'a, S: Lanes> {
    stage: &'a Stage<'a>,
    first: usize,
    shift: u32,
    positive: S::Vector,
    negative: Option<S::Vector>,
    limits: Option<Limits>,
}

impl<'a, S: Lanes> End<'a, S> {
    /// The stage of the channels from `first` on.
    #[inline(always)]
    pub fn new(set: S, stage: &'a Stage<'a>, first: usize) -> Self {
        End {
            stage,
            first,
            shift: stage.shift & 31,
            positive: set.multipliers(set.load(&stage.positive[first..])),
            negative: if stage.is_linear() {
                None
            } else {
                Some(set.multipliers(set.load(&stage.negative[first..])))
            },
            limits: Limits::of(stage),
        }
    }

    /// Requantises sums into the first elements of `out`.
    #[inline(always)]
    pub fn store<O: Element>(&self, set: S, sums: S::Vector, out: &mut [O]) -> Option<()> {
        match as_bytes_mut(&mut *out).zip(self.limits) {
            Some((out, limits)) => {
                let scaled = set.scale(sums, self.shift, self.positive, self.negative);
                set.store(scaled, limits, out);
            }
            None => {
                let sums = set.array(sums);
                for ((channel, out), &sum) in (self.first..).zip(out).zip(&sums[..S::LANES]) {
                    *out = O::from_i32(self.stage.channel(channel)?.requantise(sum));
                }
            }
        }
        Some(())
    }
}
