//! Convolution over all input channels, pixels side by side.
//!
//! A lane holds one pixel's sum, so that weights are used in the image's order, four at a time for all pixels, and never
//! rearranged; the input is rearranged instead, once a row, into words of four taps of each pixel.

use super::ops::Filters;
use super::{Lanes, Limits, as_bytes_mut, is_linear, unrolled};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Filters whose results are stored together.
const BLOCK: usize = 16;
/// Taps rearranged together.
const CHUNK: usize = 16;
/// Most words of scratch.
const MAX_WORDS: usize = 1 << 15;

/// Scratch, aligned for any vector.
#[repr(align(64))]
struct Room<const WORDS: usize>([u32; WORDS]);

/// Calls `run` with the scratch that [`conv`] needs; gives `false` when that is too much for a stack.
pub fn with_room(input: &Rows<'_, i8>, run: &mut dyn FnMut(&mut [u32])) -> bool {
    match words(input) {
        0..=1024 => give::<1024>(run),
        1025..=4096 => give::<4096>(run),
        4097..=MAX_WORDS => give::<MAX_WORDS>(run),
        _ => return false,
    }
    true
}

// Out of line, so that only the scratch in use is on the stack.
#[inline(never)]
fn give<const WORDS: usize>(run: &mut dyn FnMut(&mut [u32])) {
    run(&mut Room([0; WORDS]).0);
}

/// Words of scratch: the words of 16 pixels, and their patches where these are not in one piece already.
fn words(input: &Rows<'_, i8>) -> usize {
    let taps = input.rows.len() * input.kernel_width * input.channels;
    if is_pointwise(input) { 16 * taps.div_ceil(4) } else { 2 * 16 * taps.div_ceil(16) * 4 + CHUNK / 4 }
}

fn is_pointwise(input: &Rows<'_, i8>) -> bool {
    input.rows.len() == 1 && input.kernel_width == 1 && input.pad == 0 && input.rows[0].is_some()
}

/// [`crate::kernels::portable::conv`] of bytes; `room` is from [`with_room`].
///
/// # Panics
/// When lengths do not agree.
#[inline(always)]
pub fn conv<S: Lanes, O: Element>(
    set: S,
    room: &mut [u32],
    input: &Rows<'_, i8>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    if output.len() <= S::Half::PIXELS * stage.bias.len() {
        tiles(set.half(), room, input, weights, stage, output);
    } else {
        tiles(set, room, input, weights, stage, output);
    }
}

#[inline(always)]
fn tiles<S: Lanes, O: Element>(
    set: S,
    room: &mut [u32],
    input: &Rows<'_, i8>,
    weights: &[i8],
    stage: &Stage<'_>,
    output: &mut [O],
) {
    let channels = stage.bias.len();
    let taps = input.rows.len() * input.kernel_width * input.channels;
    assert_eq!(weights.len(), channels * taps);
    let padded = taps.next_multiple_of(CHUNK);
    let is_pointwise = is_pointwise(input);
    let (words, patches) = room.split_at_mut(if is_pointwise { room.len() } else { 4 * padded });
    let patches: &mut [i8] = bytemuck::cast_slice_mut(patches);
    for (tile, output) in output.chunks_mut(S::PIXELS * channels).enumerate() {
        let first = tile * S::PIXELS;
        let pixels = output.len() / channels;
        match input.rows[0] {
            Some(row) if is_pointwise => {
                let step = input.stride * input.channels;
                pack(set, &row[first * step..], step, pixels, taps, words);
            }
            _ => {
                for p in 0..pixels {
                    gather(input, first + p, &mut patches[p * padded..]);
                }
                pack(set, patches, padded, pixels, padded, words);
            }
        }
        for filter in (0..channels).step_by(BLOCK) {
            let block = Block { words, weights, taps, filter };
            block.make(set, stage, output);
        }
    }
}

/// Copies what is under the window at pixel `x`, `[kh][kw][c]`, and may write [`CHUNK`] bytes more.
#[inline(always)]
fn gather(input: &Rows<'_, i8>, x: usize, patch: &mut [i8]) {
    let zero = input.zero_point as i8;
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
                    // Short parts are copied with what follows them; the next part replaces it.
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
}

/// Rearranges `pixels` runs of `taps` bytes, one every `step`, into words of four taps, `[quads][LANES]`.
#[inline(always)]
fn pack<S: Lanes>(set: S, source: &[i8], step: usize, pixels: usize, taps: usize, words: &mut [u32]) {
    let source: &[u8] = bytemuck::cast_slice(source);
    let whole = taps / CHUNK;
    let words = &mut words[..taps.div_ceil(4) * S::LANES];
    for lane in (0..S::LANES).step_by(4) {
        let mut runs: [&[u8]; 4] = [&[]; 4];
        let mut chunks: [&[[u8; 16]]; 4] = [&[]; 4];
        unrolled!(4, I => if lane + I < pixels {
            runs[I] = &source[(lane + I) * step..][..taps];
            chunks[I] = runs[I].as_chunks().0;
        });
        for (chunk, words) in words.chunks_exact_mut(4 * S::LANES).take(whole).enumerate() {
            let mut rows = [[0; 16]; 4];
            unrolled!(4, I => if let Some(row) = chunks[I].get(chunk) { rows[I] = *row });
            let columns = set.transpose(rows);
            unrolled!(4, I => {
                let to = words[I * S::LANES + lane..].first_chunk_mut().expect("4 of the lanes");
                *to = columns[I];
            });
        }
        for (quad, words) in words.chunks_exact_mut(S::LANES).enumerate().skip(4 * whole) {
            for (word, run) in words[lane..lane + 4].iter_mut().zip(&runs) {
                let mut bytes = [0; 4];
                for (to, &from) in bytes.iter_mut().zip(run.iter().skip(4 * quad)) {
                    *to = from;
                }
                *word = u32::from_ne_bytes(bytes) ^ S::FLIP;
            }
        }
    }
}

/// Up to [`BLOCK`] filters over a tile of pixels.
struct Block<'a> {
    words: &'a [u32],
    weights: &'a [i8],
    taps: usize,
    filter: usize,
}

impl Block<'_> {
    /// Makes its channels of the tile's output.
    #[inline(always)]
    fn make<S: Lanes, O: Element>(&self, set: S, stage: &Stage<'_>, output: &mut [O]) {
        let channels = stage.bias.len();
        let filters = BLOCK.min(channels - self.filter);
        let mut room = [0; BLOCK];
        let mut sums = self.sums(set, block_of(&stage.bias[self.filter..], &mut room));
        let Some((output, limits)) = as_bytes_mut(&mut *output).zip(Limits::of(stage)) else {
            for (number, &sums) in (self.filter..channels).zip(&sums) {
                for (pixel, sum) in output.chunks_exact_mut(channels).zip(set.array(sums)) {
                    pixel[number] = O::from_i32(stage.requantise(sum, number));
                }
            }
            return;
        };
        let shift = stage.shift & 31;
        let positive = block_of(&stage.positive[self.filter..], &mut room);
        if is_linear(stage) {
            unrolled!(BLOCK, I => sums[I] = set.scale(sums[I], shift, set.splat(positive[I]), None));
        } else {
            let mut room = [0; BLOCK];
            let negative = block_of(&stage.negative[self.filter..], &mut room);
            unrolled!(BLOCK, I => {
                let negative = Some(set.splat(negative[I]));
                sums[I] = set.scale(sums[I], shift, set.splat(positive[I]), negative);
            });
        }
        let tile = set.pixels(sums, limits);
        let place = |p: usize| p % 4 * (S::LANES / 4) + p / 4;
        if filters == BLOCK {
            for (p, pixel) in output.chunks_exact_mut(channels).enumerate() {
                let to: &mut [i8; BLOCK] = pixel[self.filter..].first_chunk_mut().expect("a block");
                *to = tile[place(p)];
            }
        } else {
            for (p, pixel) in output.chunks_exact_mut(channels).enumerate() {
                pixel[self.filter..].copy_from_slice(&tile[place(p)][..filters]);
            }
        }
    }

    #[inline(always)]
    fn sums<S: Lanes>(&self, set: S, bias: &[i32; BLOCK]) -> [S::Vector; BLOCK] {
        let mut sums = [set.splat(0); BLOCK];
        match S::FILTERS {
            4 => {
                unrolled!(4, I => {
                    let four = self.dots::<S, 4>(set, self.filter + 4 * I, &bias[4 * I..]);
                    unrolled!(4, J => sums[4 * I + J] = four[J]);
                });
            }
            // Not unrolled, so that sums made already take no registers.
            8 => {
                for (group, sums) in sums.chunks_exact_mut(8).enumerate() {
                    let first = 8 * group;
                    sums.copy_from_slice(&self.dots::<S, 8>(set, self.filter + first, &bias[first..]));
                }
            }
            _ => sums = self.dots(set, self.filter, bias),
        }
        sums
    }

    /// Sums of `N` filters from `first` on. Where there are fewer, the last one stands in for those that lack.
    #[inline(always)]
    fn dots<S: Lanes, const N: usize>(&self, set: S, first: usize, bias: &[i32]) -> [S::Vector; N] {
        let filters = Filters::<N>::new(self.weights, self.taps, first);
        let mut sums = [set.start(0); N];
        unrolled!(N, I => sums[I] = set.start(bias[I]));
        let (sixteens, rest) = self.words.split_at(self.taps / 16 * 4 * S::LANES);
        for (number, words) in sixteens.chunks_exact(4 * S::LANES).enumerate() {
            let a = set.quads(words);
            let b = set.quads(&words[S::LANES..]);
            let c = set.quads(&words[2 * S::LANES..]);
            let d = set.quads(&words[3 * S::LANES..]);
            let weights = filters.at::<16>(16 * number);
            unrolled!(N, I => sums[I] = set.dot_sixteen(sums[I], [a, b, c, d], weights, I));
        }
        let mut words = rest.chunks_exact(S::LANES);
        let mut tap = self.taps / 16 * 16;
        while self.taps - tap >= 4 {
            let quads = set.quads(words.next().expect("a word for every four taps"));
            let weights = filters.at::<4>(tap);
            unrolled!(N, I => sums[I] = set.dot(sums[I], quads, weights.quad(I, 0)));
            tap += 4;
        }
        if self.taps > tap {
            let quads = set.quads(words.next().expect("a word for every four taps"));
            unrolled!(N, I => sums[I] = set.dot(sums[I], quads, filters.rest(I, tap)));
        }
        let mut totals = [set.splat(0); N];
        unrolled!(N, I => totals[I] = set.total(sums[I]));
        totals
    }
}

/// The first [`BLOCK`] integers of a slice, made up to that number in `room` where there are fewer.
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
