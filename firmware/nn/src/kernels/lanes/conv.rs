//! Convolution over all input channels, pixels side by side.
//!
//! A lane holds one pixel's sum, so that weights are used in the image's order, four at a time for all pixels, and never
//! rearranged; the input is rearranged instead, once a row, into words of four taps of each pixel.

use super::{Lanes, Limits, as_bytes_mut, is_linear};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

/// Filters whose results are stored together.
const BLOCK: usize = 16;
/// Most words of scratch.
const MAX_WORDS: usize = 1 << 15;

/// Scratch, aligned for any vector.
#[repr(align(64))]
struct Room<const WORDS: usize>([u32; WORDS]);

/// Calls `run` with the scratch that [`conv`] needs; gives `false` when that is too much for a stack.
pub fn with_room(input: &Rows<'_, i8>, run: &mut dyn FnMut(&mut [u32])) -> bool {
    match words(input) {
        ..=1024 => give::<1024>(run),
        ..=4096 => give::<4096>(run),
        ..=MAX_WORDS => give::<MAX_WORDS>(run),
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
    let quads = (input.rows.len() * input.kernel_width * input.channels).div_ceil(4);
    16 * quads * if is_pointwise(input) { 1 } else { 2 }
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
    let quads = taps.div_ceil(4);
    let (words, patches) = room.split_at_mut(16 * quads);
    for (tile, output) in output.chunks_mut(S::PIXELS * channels).enumerate() {
        let first = tile * S::PIXELS;
        let pixels = output.len() / channels;
        let step = input.stride * input.channels;
        match input.rows[0] {
            Some(row) if is_pointwise(input) => {
                pack(set, &row[first * step..], step, pixels, taps, words);
            }
            _ => {
                let patches = bytemuck::cast_slice_mut(&mut *patches);
                gather(input, first, patches.chunks_exact_mut(4 * quads).take(pixels), taps);
                pack(set, patches, 4 * quads, pixels, taps, words);
            }
        }
        for filter in (0..channels).step_by(BLOCK) {
            let block = Block { words, weights, taps, filter };
            block.make(set, stage, output);
        }
    }
}

/// Copies what is under the window at pixels from `first` on, `[kh][kw][c]` each.
#[inline(always)]
fn gather<'a>(input: &Rows<'_, i8>, first: usize, patches: impl Iterator<Item = &'a mut [i8]>, taps: usize) {
    let zero = input.zero_point as i8;
    for (x, patch) in (first..).zip(patches) {
        let (low, high, column) = input.columns(x);
        let [low, high, column] = [low, high, column].map(|columns| columns * input.channels);
        let parts = patch[..taps].chunks_exact_mut(input.kernel_width * input.channels);
        for (row, part) in input.rows.iter().zip(parts) {
            match row {
                Some(row) => {
                    part[..low].fill(zero);
                    part[high..].fill(zero);
                    for (to, &from) in part[low..high].iter_mut().zip(&row[column..]) {
                        *to = from;
                    }
                }
                None => part.fill(zero),
            }
        }
    }
}

/// Rearranges `pixels` runs of `taps` bytes, one every `step`, into words of four taps, `[quads][LANES]`.
#[inline(always)]
fn pack<S: Lanes>(set: S, source: &[i8], step: usize, pixels: usize, taps: usize, words: &mut [u32]) {
    let source: &[u8] = bytemuck::cast_slice(source);
    let whole = taps / 16;
    for lane in (0..S::LANES).step_by(4) {
        let runs: [&[u8]; 4] = core::array::from_fn(|i| {
            let pixel = lane + i;
            if pixel < pixels { &source[pixel * step..][..taps] } else { &[] }
        });
        let chunks = runs.map(|run| run.as_chunks::<16>().0);
        for (chunk, words) in words.chunks_exact_mut(4 * S::LANES).take(whole).enumerate() {
            let rows = chunks.map(|chunks| chunks.get(chunk).copied().unwrap_or([0; 16]));
            for (column, words) in set.transpose(rows).iter().zip(words.chunks_exact_mut(S::LANES)) {
                words[lane..lane + 4].copy_from_slice(&column.map(|word| word ^ S::FLIP));
            }
        }
        for (quad, words) in words.chunks_exact_mut(S::LANES).enumerate().skip(4 * whole) {
            for (word, run) in words[lane..lane + 4].iter_mut().zip(runs) {
                let bytes = run.get(4 * quad..).unwrap_or(&[]);
                *word = u32::from_ne_bytes(quad_of(bytes)) ^ S::FLIP;
            }
        }
    }
}

/// The first four bytes of a slice; zero what is missing.
#[inline(always)]
fn quad_of<T: Copy + Default>(bytes: &[T]) -> [T; 4] {
    core::array::from_fn(|i| bytes.get(i).copied().unwrap_or_default())
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
        // Where there are fewer filters, the last one is computed again and not stored.
        let numbers = core::array::from_fn(|i| self.filter + i.min(filters - 1));
        let sums = self.sums(set, stage.bias, numbers);
        if let Some((output, limits)) = as_bytes_mut(output).zip(Limits::of(stage)) {
            let shift = stage.shift & 31;
            let is_linear = is_linear(stage);
            let mut scaled = sums;
            for (scaled, &number) in scaled.iter_mut().zip(&numbers) {
                let positive = set.splat(stage.positive[number]);
                let negative = if is_linear { None } else { Some(set.splat(stage.negative[number])) };
                *scaled = set.scale(*scaled, shift, positive, negative);
            }
            let mut tile = [[0; 16]; 16];
            set.store_pixels(scaled, limits, &mut tile);
            for (p, pixel) in output.chunks_exact_mut(channels).enumerate() {
                let from = &tile[p % 4 * (S::LANES / 4) + p / 4];
                match pixel[self.filter..].first_chunk_mut::<BLOCK>() {
                    Some(to) => *to = *from,
                    None => pixel[self.filter..].copy_from_slice(&from[..filters]),
                }
            }
            return;
        }
        for (&number, &sums) in numbers[..filters].iter().zip(&sums) {
            for (pixel, sum) in output.chunks_exact_mut(channels).zip(set.array(sums)) {
                pixel[number] = O::from_i32(stage.requantise(sum, number));
            }
        }
    }

    #[inline(always)]
    fn sums<S: Lanes>(&self, set: S, bias: &[i32], numbers: [usize; BLOCK]) -> [S::Vector; BLOCK] {
        if S::FILTERS == BLOCK {
            return self.dots(set, bias, numbers);
        }
        let mut sums = [set.splat(0); BLOCK];
        for i in (0..BLOCK).step_by(4) {
            let four = self.dots(set, bias, [numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]]);
            sums[i..i + 4].copy_from_slice(&four);
        }
        sums
    }

    #[inline(always)]
    fn dots<S: Lanes, const N: usize>(&self, set: S, bias: &[i32], numbers: [usize; N]) -> [S::Vector; N] {
        let mut sums = [set.start(0); N];
        for (sums, &number) in sums.iter_mut().zip(&numbers) {
            *sums = set.start(bias[number]);
        }
        let filters = numbers.map(|number| self.weights[number * self.taps..][..self.taps].as_chunks::<16>());
        let chunks = self.taps / 16;
        let chunked = filters.map(|(whole, _)| &whole[..chunks]);
        let (words, rest) = self.words.split_at(4 * S::LANES * chunks);
        for (chunk, words) in words.chunks_exact(4 * S::LANES).enumerate() {
            let mut quads = [set.quads(words); 4];
            for (quads, words) in quads.iter_mut().zip(words.chunks_exact(S::LANES)) {
                *quads = set.quads(words);
            }
            for (sums, filter) in sums.iter_mut().zip(&chunked) {
                let weights = &filter[chunk].as_chunks::<4>().0;
                for i in 0..4 {
                    *sums = set.dot(*sums, quads[i], weights[i]);
                }
            }
        }
        let left = (self.taps % 16).div_ceil(4);
        for (quad, words) in rest.chunks_exact(S::LANES).take(left).enumerate() {
            let quads = set.quads(words);
            for (sums, (_, rest)) in sums.iter_mut().zip(&filters) {
                *sums = set.dot(*sums, quads, quad_of(&rest[4 * quad..]));
            }
        }
        let mut totals = [set.splat(0); N];
        for (total, &sums) in totals.iter_mut().zip(&sums) {
            *total = set.total(sums);
        }
        totals
    }
}
