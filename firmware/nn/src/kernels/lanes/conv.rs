//! Convolution over all input channels, pixels side by side.
//!
//! A lane holds one pixel's sum. Weights are used in the image's order, four at a time for all pixels, and never
//! rearranged. Instead, the input is rearranged once for each row into words of four taps of each pixel.

use super::ops::{Filters, lay, spread};
use super::{Lanes, Limits, as_bytes_mut, unrolled};
use crate::ensure;
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Filters whose results are stored together.
const BLOCK: usize = 16;
/// Taps rearranged together.
const CHUNK: usize = 16;
/// Taps rearranged together where enough remain.
const WIDE_CHUNK: usize = 64;
/// Lanes of the widest tile.
const MAX_LANES: usize = 32;
/// Words of scratch.
const WORDS: usize = 1 << 15;

/// Memory for the words of a tile, aligned for any vector.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Scratch([u32; WORDS]);

impl Scratch {
    /// Empty scratch.
    pub const fn new() -> Self {
        Scratch([0; WORDS])
    }

    /// Memory for convolving a row into `pixels` pixels; `None` if scratch is too small.
    pub fn room(&mut self, input: &Rows<'_, i8>, pixels: usize) -> Option<&mut [u32]> {
        self.0.get_mut(..words(input, pixels))
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// Words that [`conv`] needs: the words of a tile, and its pixels' patches if these are not already contiguous.
fn words(input: &Rows<'_, i8>, pixels: usize) -> usize {
    let lanes = if pixels < MAX_LANES / 2 { MAX_LANES / 2 } else { MAX_LANES };
    let taps = input.rows.len() * input.kernel_width * input.channels;
    if is_pointwise(input) { lanes * taps.div_ceil(4) } else { 2 * lanes * taps.div_ceil(16) * 4 + CHUNK / 4 }
}

fn is_pointwise(input: &Rows<'_, i8>) -> bool {
    input.rows.len() == 1 && input.kernel_width == 1 && input.pad == 0 && input.rows[0].is_some()
}

/// [`crate::kernels::portable::conv`] of bytes; `room` is from [`Scratch::room`].
/// `None` when lengths do not agree.
#[inline(always)]
pub fn conv<S: Lanes, O: Element>(
    set: S,
    room: &mut [u32],
    input: &Rows<'_, i8>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) -> Option<()> {
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    ensure(input.dilation > 0 && channels > 0 && taps > 0 && weights.len() == channels * taps)?;
    ensure(stage.positive.len() == channels && stage.negative.len() == channels)?;
    ensure(output.len().is_multiple_of(channels) && input.are_whole())?;
    let mut first = 0;
    let mut output = output;
    while !output.is_empty() {
        let left = output.len() / channels;
        let one = S::LANES - S::SPARE;
        let most = if left <= one || S::WIDE_FILTERS == 0 { one } else { one + S::LANES };
        let (tile, rest) = output.split_at_mut(left.min(most) * channels);
        let pixels = Pixels { input, first, taps };
        if left <= S::Half::LANES - S::Half::SPARE {
            pixels.make::<S::Half, O, 1>(set.half(), room, weights, stage, tile)?;
        } else if most == one {
            pixels.make::<S, O, 1>(set, room, weights, stage, tile)?;
        } else {
            pixels.make::<S, O, 2>(set, room, weights, stage, tile)?;
        }
        first += most;
        output = rest;
    }
    Some(())
}

/// A tile of output pixels, starting at `first`.
struct Pixels<'a> {
    input: &'a Rows<'a, i8>,
    first: usize,
    taps: usize,
}

impl Pixels<'_> {
    /// Computes the tile's output, `V` vectors side by side.
    #[inline(always)]
    fn make<S: Lanes, O: Element, const V: usize>(
        &self,
        set: S,
        room: &mut [u32],
        weights: &[i8],
        stage: &Stage<'_>,
        output: &mut [O],
    ) -> Option<()> {
        let Pixels { input, first, taps } = *self;
        let channels = stage.bias.len();
        let pixels = output.len() / channels;
        let words = match input.rows[0] {
            Some(row) if is_pointwise(input) => {
                let step = input.stride * input.channels;
                pack::<S, V>(set, &row[first * step..], step, pixels, taps, room)?;
                room
            }
            _ => {
                let padded = taps.next_multiple_of(CHUNK);
                let (words, patches) = room.split_at_mut(V * S::LANES * padded / 4);
                let patches: &mut [i8] = crate::elements_mut(patches)?;
                for p in 0..pixels {
                    gather(input, first + p, &mut patches[p * padded..])?;
                }
                pack::<S, V>(set, patches, padded, pixels, padded, words)?;
                words
            }
        };
        for filter in (0..channels).step_by(BLOCK) {
            let block = Block { words, weights, taps, filter };
            block.make::<S, O, V>(set, stage, output)?;
        }
        Some(())
    }
}

/// Copies the window at pixel `x`, `[kh][kw][c]`. May write up to [`CHUNK`] bytes more.
#[inline(always)]
fn gather(input: &Rows<'_, i8>, x: usize, patch: &mut [i8]) -> Option<()> {
    let zero = input.zero_point as i8;
    if input.dilation != 1 {
        patch[..input.rows.len() * input.kernel_width * input.channels].fill(zero);
        return input.copy_taps(x, 0..input.channels, patch);
    }
    let (low, high, column) = input.columns(x);
    let [low, high, column] = [low * input.channels, high * input.channels, column * input.channels];
    let length = input.kernel_width * input.channels;
    let mut start = 0;
    for row in input.rows {
        let part = &mut patch[start..];
        start += length;
        match row {
            Some(row) if high - low == length => {
                let from = &row[column..];
                match (part.first_chunk_mut::<CHUNK>(), from.first_chunk::<CHUNK>()) {
                    // Short parts are copied together with the bytes after them; the next part overwrites those.
                    (Some(to), Some(from)) if length <= CHUNK => *to = *from,
                    _ => part[..length].copy_from_slice(&from[..length]),
                }
            }
            Some(row) => {
                part[..length].fill(zero);
                part[low..high].copy_from_slice(&row[column..][..high - low]);
            }
            None => part[..length].fill(zero),
        }
    }
    Some(())
}

/// Rearranges `pixels` runs of `taps` bytes, one every `step`, into words of four taps, `[quads][V · LANES]`.
#[inline(always)]
fn pack<S: Lanes, const V: usize>(
    set: S,
    source: &[i8],
    step: usize,
    pixels: usize,
    taps: usize,
    words: &mut [u32],
) -> Option<()> {
    let source: &[u8] = crate::elements(source)?;
    let lanes = V * S::LANES;
    let words = &mut words[..taps.div_ceil(4) * lanes];
    let (wide, rest) = words.split_at_mut(taps / WIDE_CHUNK * (WIDE_CHUNK / 4) * lanes);
    let (narrow, rest) = rest.split_at_mut(taps % WIDE_CHUNK / CHUNK * (CHUNK / 4) * lanes);
    for lane in (0..pixels).step_by(4) {
        // Lanes without a pixel may hold any value, except a reserved lane, which is set below. They repeat the last
        // pixel.
        let mut runs: [&[u8]; 4] = [&[]; 4];
        unrolled!(4, I => runs[I] = &source[(lane + I).min(pixels - 1) * step..][..taps]);
        let mut chunks: [&[[u8; WIDE_CHUNK]]; 4] = [&[]; 4];
        unrolled!(4, I => (chunks[I], runs[I]) = runs[I].as_chunks());
        let rows = chunks[0].iter().zip(chunks[1]).zip(chunks[2].iter().zip(chunks[3]));
        for (((a, b), (c, d)), words) in rows.zip(wide.chunks_exact_mut(WIDE_CHUNK / 4 * lanes)) {
            lay(set.transpose_wide([a, b, c, d]), &mut words[lane..], lanes);
        }
        if taps.is_multiple_of(WIDE_CHUNK) {
            continue;
        }
        let mut chunks: [&[[u8; CHUNK]]; 4] = [&[]; 4];
        unrolled!(4, I => (chunks[I], runs[I]) = runs[I].as_chunks());
        let rows = chunks[0].iter().zip(chunks[1]).zip(chunks[2].iter().zip(chunks[3]));
        for (((a, b), (c, d)), words) in rows.zip(narrow.chunks_exact_mut(CHUNK / 4 * lanes)) {
            lay(set.transpose([a, b, c, d]), &mut words[lane..], lanes);
        }
        for (quad, words) in rest.chunks_exact_mut(lanes).enumerate() {
            for (word, run) in words[lane..lane + 4].iter_mut().zip(&runs) {
                let mut bytes = [0; 4];
                for (to, &from) in bytes.iter_mut().zip(run.iter().skip(4 * quad)) {
                    *to = from;
                }
                *word = u32::from_ne_bytes(bytes) ^ S::FLIP;
            }
        }
    }
    if S::SPARE > 0 {
        for words in words.chunks_exact_mut(lanes) {
            words[lanes - 1] = S::FLIP;
        }
    }
    Some(())
}

/// Applies up to [`BLOCK`] filters to a tile of pixels.
struct Block<'a> {
    words: &'a [u32],
    weights: &'a [i8],
    taps: usize,
    filter: usize,
}

impl Block<'_> {
    /// Computes its channels of the tile's output.
    #[inline(always)]
    fn make<S: Lanes, O: Element, const V: usize>(
        &self,
        set: S,
        stage: &Stage<'_>,
        output: &mut [O],
    ) -> Option<()> {
        match if V == 1 { S::FILTERS } else { S::WIDE_FILTERS } {
            4 => self.make_by::<S, O, V, 4>(set, stage, output),
            8 => self.make_by::<S, O, V, 8>(set, stage, output),
            _ => self.make_by::<S, O, V, 16>(set, stage, output),
        }
    }

    /// [`Self::make`] of `N` filters at a time.
    #[inline(always)]
    fn make_by<S: Lanes, O: Element, const V: usize, const N: usize>(
        &self,
        set: S,
        stage: &Stage<'_>,
        output: &mut [O],
    ) -> Option<()> {
        let channels = stage.bias.len();
        let filters = BLOCK.min(channels - self.filter);
        let mut room = [0; BLOCK];
        let bias = block_of(&stage.bias[self.filter..], &mut room);
        let Some((output, limits)) = as_bytes_mut(&mut *output).zip(Limits::of(stage)) else {
            for first in (0..filters).step_by(N) {
                let sums = self.dots::<S, V, N>(set, self.filter + first, &bias[first..]);
                for (number, sums) in (self.filter + first..channels).zip(&sums) {
                    let stage = stage.channel(number)?;
                    for (pixels, &sums) in output.chunks_mut(S::LANES * channels).zip(sums) {
                        for (pixel, sum) in pixels.chunks_exact_mut(channels).zip(set.array(sums)) {
                            pixel[number] = O::from_i32(stage.requantise(sum));
                        }
                    }
                }
            }
            return Some(());
        };
        let shift = stage.shift & 31;
        let is_linear = stage.is_linear();
        let mut rooms = [[0; BLOCK]; 2];
        let [positive, negative] = &mut rooms;
        let positive = set.multipliers_of(block_of(&stage.positive[self.filter..], positive));
        let negative = set.multipliers_of(block_of(&stage.negative[self.filter..], negative));
        let mut quads = [[set.narrow([set.splat(0); 4], limits); V]; BLOCK / 4];
        for (group, quads) in quads.chunks_exact_mut(N / 4).enumerate() {
            let first = group * N;
            let mut sums = self.dots::<S, V, N>(set, self.filter + first, &bias[first..]);
            let positive: &[i32; N] = positive[first..].first_chunk().expect("a group");
            let negative: &[i32; N] = negative[first..].first_chunk().expect("a group");
            if is_linear {
                unrolled!(N, I => { unrolled!(V, J => {
                    sums[I][J] = set.scale(sums[I][J], shift, set.splat(positive[I]), None);
                }); });
            } else {
                unrolled!(N, I => { unrolled!(V, J => {
                    let negative = Some(set.splat(negative[I]));
                    sums[I][J] = set.scale(sums[I][J], shift, set.splat(positive[I]), negative);
                }); });
            }
            unrolled!(4, I => if I < N / 4 { unrolled!(V, J => {
                let four = [sums[4 * I][J], sums[4 * I + 1][J], sums[4 * I + 2][J], sums[4 * I + 3][J]];
                quads[I][J] = set.narrow(four, limits);
            }); });
        }
        let mut vectors = output.chunks_mut(S::LANES * channels);
        unrolled!(V, J => if let Some(output) = vectors.next() {
            let pixels = output.len() / channels;
            let tile = set.pixels([quads[0][J], quads[1][J], quads[2][J], quads[3][J]]);
            if filters == BLOCK {
                spread::<S>(tile, &mut output[self.filter..], channels, pixels);
            } else {
                let mut room = [0; BLOCK * BLOCK];
                spread::<S>(tile, &mut room, BLOCK, pixels);
                for (pixel, row) in output.chunks_exact_mut(channels).zip(room.as_chunks::<BLOCK>().0) {
                    pixel[self.filter..].copy_from_slice(&row[..filters]);
                }
            }
        });
        Some(())
    }

    /// Sums of `N` filters from `first` on. If there are fewer, the last one replaces the missing ones.
    #[inline(always)]
    fn dots<S: Lanes, const V: usize, const N: usize>(
        &self,
        set: S,
        first: usize,
        bias: &[i32],
    ) -> [[S::Vector; V]; N] {
        let lanes = V * S::LANES;
        let filters = Filters::<N>::new(self.weights, self.taps, first);
        let mut sums = [[set.start(0); V]; N];
        unrolled!(N, I => sums[I] = [set.start(bias[I]); V]);
        let (sixteens, rest) = self.words.split_at(self.taps / 16 * 4 * lanes);
        for (number, words) in sixteens.chunks_exact(4 * lanes).enumerate() {
            let mut quads = [[set.quads(words); 4]; V];
            unrolled!(V, J => {
                unrolled!(4, I => quads[J][I] = set.quads(&words[I * lanes + J * S::LANES..]));
            });
            let weights = filters.at::<16>(16 * number);
            unrolled!(N, I => { unrolled!(V, J => {
                sums[I][J] = set.dot_sixteen(sums[I][J], quads[J], weights, I);
            }); });
        }
        let mut words = rest.chunks_exact(lanes);
        let mut tap = self.taps / 16 * 16;
        while self.taps - tap >= 4 {
            let words = words.next().expect("words for every four taps");
            let weights = filters.at::<4>(tap);
            unrolled!(V, J => {
                let quads = set.quads(&words[J * S::LANES..]);
                unrolled!(N, I => sums[I][J] = set.dot(sums[I][J], quads, weights.quad(I, 0)));
            });
            tap += 4;
        }
        if self.taps > tap {
            let words = words.next().expect("words for every four taps");
            unrolled!(N, I => {
                let weights = filters.rest(I, tap);
                unrolled!(V, J => sums[I][J] = set.dot(sums[I][J], set.quads(&words[J * S::LANES..]), weights));
            });
        }
        let mut totals = [[set.splat(0); V]; N];
        unrolled!(N, I => totals[I] = set.totals(sums[I], bias[I]));
        totals
    }
}

/// The first [`BLOCK`] integers of a slice, padded in `room` if there are fewer.
#[inline(always)]
fn block_of<'a>(values: &'a [i32], room: &'a mut [i32; BLOCK]) -> &'a [i32; BLOCK] {
    values.first_chunk().unwrap_or_else(
        #[inline(always)]
        || {
            room[..values.len()].copy_from_slice(values);
            room
        },
    )
}
