//! Access to elements of both types, as pairs and as numbers.

use format::layer::MAX_KERNEL;

use super::{Quad, ops};
use crate::kernels::{Element, Rows};
use crate::quant::Stage;

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
    /// These rows, at most [`MAX_KERNEL`]. `bytes` is memory for them.
    #[inline(never)]
    pub fn of<T: Element>(input: &Rows<'a, T>, bytes: &'a mut [Option<&'a [u8]>; MAX_KERNEL]) -> Self {
        let bytes = &mut bytes[..input.rows.len()];
        for (bytes, row) in bytes.iter_mut().zip(input.rows) {
            *bytes = row.map(bytemuck::cast_slice);
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
        Input { rows, channels, size }
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

/// Element `index` of elements of `size` bytes.
#[inline]
pub fn element(bytes: &[u8], size: usize, index: usize) -> i32 {
    if size == 1 {
        (bytes[index] as i8).into()
    } else {
        i16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]]).into()
    }
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

/// Up to four elements of `size` bytes from byte `start` on, as two pairs; missing elements are zero.
pub fn expand_few(bytes: &[u8], size: usize, start: usize, count: usize) -> [u32; 2] {
    let bytes = &bytes[start..start + count * size];
    if let Ok(halves) = <[u8; 8]>::try_from(bytes) {
        return expand::<i16>(bytemuck::cast(halves));
    }
    let mut four = [0; 4];
    for (slot, bytes) in four.iter_mut().zip(bytes.chunks_exact(size)) {
        *slot = element(bytes, size, 0) as i16;
    }
    expand(four)
}

/// The pairs of elements of `size` bytes in `a` and `b`, which have the same length, side by side: in each quad two
/// pairs of `a`, then two of `b`. Missing elements are zero.
pub fn expand_two(a: &[u8], b: &[u8], size: usize, quads: &mut [Quad]) {
    let count = a.len() / size;
    let done = count / 4;
    if size == 1 {
        let ((a, _), (b, _)) = (a.as_chunks(), b.as_chunks());
        ops::expand_two(a, b, &mut quads[..done]);
    } else {
        let ((a, _), (b, _)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        for (quad, (&a, &b)) in quads.iter_mut().zip(a.iter().zip(b)) {
            *quad = bytemuck::cast([a, b].map(|halves| expand::<i16>(bytemuck::cast(halves))));
        }
    }
    if let Some(last) = quads.get_mut(done) {
        let (start, left) = (4 * done * size, count - 4 * done);
        *last = bytemuck::cast([a, b].map(|bytes| expand_few(bytes, size, start, left)));
    }
}

/// Arguments of [`ops::bytes`] for `N` neighbouring channels, repeated.
pub fn lanes<const N: usize>(stage: &Stage<'_>, channel: usize) -> ops::Lanes {
    let part = |array: &[i32]| -> [i32; 4] {
        let array = &array[channel..channel + N];
        core::array::from_fn(|lane| array[lane % N])
    };
    let [positive, negative, bias] = [stage.positive, stage.negative, stage.bias].map(part);
    ops::Lanes {
        bias,
        zero_point: stage.zero_point,
        positive,
        difference: core::array::from_fn(|lane| negative[lane].wrapping_sub(positive[lane])),
    }
}

/// Arguments of [`ops::sums`] for `count` neighbouring channels. The first channel replaces missing ones.
pub fn bias(stage: &Stage<'_>, channel: usize, count: usize) -> ops::Lanes {
    let bias = core::array::from_fn(|lane| stage.bias[channel + if lane < count { lane } else { 0 }]);
    ops::Lanes { bias, zero_point: 0, positive: [0; 4], difference: [0; 4] }
}

/// The output stage of a channel.
#[derive(Clone, Copy)]
pub struct Channel {
    positive: i32,
    negative: i32,
    shift: u32,
    zero_point: i32,
    low: i32,
    high: i32,
}

impl Channel {
    /// The stage of channel `index`.
    #[inline(always)]
    pub fn of(stage: &Stage<'_>, index: usize) -> Self {
        let &Stage { shift, zero_point, low, high, .. } = stage;
        let (positive, negative) = (stage.positive[index], stage.negative[index]);
        Channel { positive, negative, shift, zero_point, low, high }
    }

    /// [`Stage::requantise`].
    #[inline(always)]
    pub fn value(&self, sum: i32) -> i32 {
        let multiplier = if sum < 0 { self.negative } else { self.positive };
        let scaled = ops::smmlar(sum.wrapping_shl(self.shift), multiplier, self.zero_point);
        scaled.max(self.low).min(self.high)
    }
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
    pub fn of<O: Element>(elements: &'a mut [O]) -> Self {
        if size_of::<O>() == 1 {
            Output::Bytes(bytemuck::cast_slice_mut(elements))
        } else {
            Output::Halves(bytemuck::cast_slice_mut(elements))
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
    pub fn part(&mut self, start: usize, count: usize) -> Output<'_> {
        let end = self.len().min(start + count);
        match self {
            Output::Bytes(bytes) => Output::Bytes(&mut bytes[start..end]),
            Output::Halves(halves) => Output::Halves(&mut halves[start..end]),
        }
    }

    /// Writes an element.
    #[inline(always)]
    pub fn put(&mut self, index: usize, value: i32) {
        match self {
            Output::Bytes(bytes) => bytes[index] = Element::from_i32(value),
            Output::Halves(halves) => halves[index] = Element::from_i32(value),
        }
    }

    /// Reads an element.
    pub fn get(&self, index: usize) -> i32 {
        match self {
            Output::Bytes(bytes) => bytes[index].into(),
            Output::Halves(halves) => halves[index].into(),
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
    ) {
        let stage = Channel::of(stage, channel);
        for (pixel, &sum) in (0..self.len().div_ceil(channels)).zip(sums.iter().step_by(step)) {
            self.put(pixel * channels + channel, stage.value(sum));
        }
    }
}
