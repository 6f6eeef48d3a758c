//! Access to elements of both types, as pairs and as numbers.

use core::ops::Range;

use format::layer::MAX_KERNEL;

use super::{Quad, ops};
use crate::kernels::{Element, Rows};
use crate::quant::{Channel, Stage};
use crate::{elements, elements_mut, ensure, map_if_any};

/// Input rows of either element type, as bytes.
pub struct Input<'a> {
    /// The rows. Their channels are counted in bytes.
    pub rows: Rows<'a, u8>,
    /// Channels of a pixel.
    pub channels: usize,
    /// Bytes of an element, one or two.
    pub size: usize,
}

impl<'a> Input<'a> {
    /// These rows; `None` if they are more than [`MAX_KERNEL`]. `bytes` is memory for them.
    #[inline(never)]
    pub fn of<T: Element>(
        input: &Rows<'a, T>,
        bytes: &'a mut [Option<&'a [u8]>; MAX_KERNEL],
    ) -> Option<Self> {
        let bytes = bytes.get_mut(..input.rows.len())?;
        for (bytes, row) in bytes.iter_mut().zip(input.rows) {
            *bytes = map_if_any(*row, elements)?;
        }
        let &Rows { width, channels, zero_point, kernel_width, stride, pad, dilation, .. } = input;
        let size = size_of::<T>();
        let rows = Rows {
            rows: bytes,
            width,
            channels: channels * size,
            zero_point,
            kernel_width,
            stride,
            pad,
            dilation,
        };
        Some(Input { rows, channels, size })
    }

    /// Elements under a window.
    pub fn taps(&self) -> usize {
        self.rows.rows.len() * self.rows.kernel_width * self.channels
    }

    /// Number of kernel columns over neighbouring pixels: all of them, or one.
    pub fn run_columns(&self) -> usize {
        if self.rows.dilation == 1 { self.rows.kernel_width } else { 1 }
    }

    /// The zero point as two bytes, or as one element of two bytes.
    pub fn zero(&self) -> [u8; 2] {
        let [low, high] = (self.rows.zero_point as i16).to_le_bytes();
        [low, if self.size == 1 { low } else { high }]
    }
}

/// Element `index` of elements of `size` bytes, if there is one.
#[inline]
pub fn element(bytes: &[u8], size: usize, index: usize) -> Option<i32> {
    Some(if size == 1 {
        (*bytes.get(index)? as i8).into()
    } else {
        i16::from_le_bytes(*bytes.get(2 * index..)?.first_chunk()?).into()
    })
}

/// Four elements as two pairs: 0 and 2, 1 and 3.
#[inline(always)]
pub fn expand<T: Element>(quad: [T; 4]) -> [u32; 2] {
    if size_of::<T>() == 1 {
        let word: u32 = bytemuck::cast([quad[0], quad[1], quad[2], quad[3]].map(|e| e.into() as i8));
        [ops::sxtb16(word), ops::sxtb16_ror8(word)]
    } else {
        let [first, second]: [u32; 2] = bytemuck::cast(quad.map(|e| e.into() as i16));
        [ops::pkhbt(first, second), ops::pkhtb(second, first)]
    }
}

/// Up to four elements of `size` bytes from byte `start` on, as two pairs; those above `count` are zero. `None` if there are
/// fewer than `count`.
pub fn expand_few(bytes: &[u8], size: usize, start: usize, count: usize) -> Option<[u32; 2]> {
    let bytes = bytes.get(start..start + count * size)?;
    if let Ok(halves) = <[u8; 8]>::try_from(bytes) {
        return Some(expand::<i16>(bytemuck::cast(halves)));
    }
    let mut four = [0; 4];
    for (index, slot) in four.iter_mut().enumerate().take(count) {
        *slot = element(bytes, size, index)? as i16;
    }
    Some(expand(four))
}

/// The pairs of elements of `size` bytes in `a` and `b`, which have the same length, side by side: in each quad two
/// pairs of `a`, then two of `b`. Missing elements are zero. `None` if lengths differ, or there are fewer quads than needed.
#[inline(never)]
pub fn expand_two(a: &[u8], b: &[u8], size: usize, quads: &mut [Quad]) -> Option<()> {
    if size == 1 {
        return expand_two_bytes(a, b, quads);
    }
    let (count, done) = (a.len() / 2, a.len() / 8);
    ensure(a.len() == b.len() && quads.len() >= count.div_ceil(4))?;
    let ((a_halves, _), (b_halves, _)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (quad, (&a, &b)) in quads.iter_mut().zip(a_halves.iter().zip(b_halves)) {
        *quad = bytemuck::cast([a, b].map(|halves| expand::<i16>(bytemuck::cast(halves))));
    }
    expand_last(a, b, 2, [done, count], quads)
}

/// [`expand_two`] of bytes.
// Inlined: called for each pair of filters.
#[inline(always)]
pub fn expand_two_bytes(a: &[u8], b: &[u8], quads: &mut [Quad]) -> Option<()> {
    let (count, done) = (a.len(), a.len() / 4);
    ensure(count == b.len() && quads.len() >= count.div_ceil(4))?;
    let ((a_words, _), (b_words, _)) = (a.as_chunks(), b.as_chunks());
    ops::expand_two(a_words, b_words, quads.get_mut(..done)?)?;
    expand_last(a, b, 1, [done, count], quads)
}

/// The quad after the first `done`, if there is one, of what is left of `count` elements.
#[inline(always)]
fn expand_last(a: &[u8], b: &[u8], size: usize, [done, count]: [usize; 2], quads: &mut [Quad]) -> Option<()> {
    if let Some(last) = quads.get_mut(done) {
        let (start, left) = (4 * done * size, count.checked_sub(4 * done)?);
        *last = bytemuck::cast([expand_few(a, size, start, left)?, expand_few(b, size, start, left)?]);
    }
    Some(())
}

/// Arguments of [`ops::bytes`] for `N` neighbouring channels, repeated.
#[inline(always)]
pub fn lanes<const N: usize>(stage: &Stage<'_>, channel: usize) -> Option<ops::Lanes> {
    let bias: &[i32; N] = stage.bias.get(channel..)?.first_chunk()?;
    let positive: &[i32; N] = stage.positive.get(channel..)?.first_chunk()?;
    let negative: &[i32; N] = stage.negative.get(channel..)?.first_chunk()?;
    Some(ops::Lanes {
        bias: core::array::from_fn(|lane| bias[lane % N]),
        zero_point: stage.zero_point,
        positive: core::array::from_fn(|lane| positive[lane % N]),
        difference: core::array::from_fn(|lane| negative[lane % N].wrapping_sub(positive[lane % N])),
    })
}

/// Arguments of [`ops::sums`] for up to four neighbouring channels. The first channel replaces missing ones.
pub fn bias(stage: &Stage<'_>, channels: Range<usize>) -> Option<ops::Lanes> {
    let biases = stage.bias.get(channels)?;
    let mut bias = [*biases.first()?; 4];
    bias.iter_mut().zip(biases).for_each(|(lane, &bias)| *lane = bias);
    Some(ops::Lanes { bias, zero_point: 0, positive: [0; 4], difference: [0; 4] })
}

/// [`Channel::requantise`] in one instruction for product and sum.
#[inline(always)]
pub fn value(stage: &Channel, sum: i32) -> i32 {
    let multiplier = if sum < 0 { stage.negative } else { stage.positive };
    let scaled = ops::smmlar(sum.wrapping_shl(stage.shift), multiplier, stage.zero_point);
    scaled.max(stage.low).min(stage.high)
}

/// Elements of output, of either type.
pub enum Output<'a> {
    /// 8-bit.
    Bytes(&'a mut [i8]),
    /// 16-bit.
    Halves(&'a mut [i16]),
}

impl<'a> Output<'a> {
    /// These elements.
    #[inline(always)]
    pub fn of<O: Element>(elements: &'a mut [O]) -> Option<Self> {
        if size_of::<O>() == 1 {
            Some(Output::Bytes(elements_mut(elements)?))
        } else {
            Some(Output::Halves(elements_mut(elements)?))
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Output::Bytes(bytes) => bytes.len(),
            Output::Halves(halves) => halves.len(),
        }
    }

    /// `count` elements from `start` on, or fewer at the end.
    pub fn part(&mut self, start: usize, count: usize) -> Option<Output<'_>> {
        let end = self.len().min(start + count);
        Some(match self {
            Output::Bytes(bytes) => Output::Bytes(bytes.get_mut(start..end)?),
            Output::Halves(halves) => Output::Halves(halves.get_mut(start..end)?),
        })
    }

    /// Writes an element.
    #[inline(always)]
    pub fn put(&mut self, index: usize, value: i32) -> Option<()> {
        match self {
            Output::Bytes(bytes) => *bytes.get_mut(index)? = Element::from_i32(value),
            Output::Halves(halves) => *halves.get_mut(index)? = Element::from_i32(value),
        }
        Some(())
    }

    /// Reads an element.
    pub fn get(&self, index: usize) -> Option<i32> {
        match self {
            Output::Bytes(bytes) => bytes.get(index).map(|&byte| byte.into()),
            Output::Halves(halves) => halves.get(index).map(|&half| half.into()),
        }
    }

    /// Requantises one channel of each pixel; pixels are `channels` elements apart. Their sums are at every `step`-th
    /// place of `sums`.
    #[inline(never)]
    pub fn put_channel(
        &mut self,
        channel: usize,
        channels: usize,
        stage: &Stage<'_>,
        sums: &[i32],
        step: usize,
    ) -> Option<()> {
        ensure(channels > 0 && step > 0)?;
        let stage = stage.channel(channel)?;
        for (pixel, &sum) in (0..self.len().div_ceil(channels)).zip(sums.iter().step_by(step)) {
            self.put(pixel * channels + channel, value(&stage, sum))?;
        }
        Some(())
    }
}
