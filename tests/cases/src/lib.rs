//! Battery of kernel cases, for any machine: every kernel set must give what the naive loops here give, bit for bit.
//!
//! [`run`] needs no heap and no test harness, so that the host's tests and a board's firmware call the same function. Each
//! kernel is tried over many small shapes with pseudo-random elements, and at the edges of its arithmetic.
#![no_std]

mod matching;
mod naive;
mod sets;

use nn::kernels::{Element, Rows};
use nn::quant::Stage;
pub use sets::{Chosen, Dsp, Helium, Portable, Set};

/// Most elements of any array of a random case.
const SMALL: usize = 2048;
/// Most elements of any array of a case of [`SHAPES`].
const LARGE: usize = 25_600;
/// Most channels of a case.
const CHANNELS: usize = 512;

/// A case that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kernel.
    pub kernel: &'static str,
    /// Number of the case.
    pub case: u32,
    /// First element that differs.
    pub element: usize,
}

/// A small generator (xorshift, Marsaglia 2003): the same numbers on every machine.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }

    fn fill<T: Element>(&mut self, values: &mut [T], low: i32, high: i32) {
        for value in values {
            // Now and then an extreme, where sums and products are largest.
            *value = T::from_i32(match self.next() % 16 {
                0 => low,
                1 => high,
                _ => low + (self.next() % (high - low + 1) as u32) as i32,
            });
        }
    }
}

/// Arrays of one case.
struct Room<I, O, const N: usize> {
    input: [I; N],
    weights: [i8; N],
    bias: [i32; CHANNELS],
    positive: [i32; CHANNELS],
    negative: [i32; CHANNELS],
    output: [O; N],
    expected: [O; N],
}

/// What a window slides over. Of as many channels as it says a convolution makes.
struct Shape {
    kernel: [usize; 2],
    width: usize,
    channels_in: usize,
    stride: usize,
    pad: usize,
    pixels: usize,
    channels: usize,
}

/// Shapes as networks have them, and shapes too large for a kernel's scratch.
const SHAPES: [Shape; 20] = [
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
];

/// As many pixels as have a whole window, padding on both sides included.
const fn shape(
    kernel: [usize; 2],
    width: usize,
    channels_in: usize,
    stride: usize,
    pad: usize,
    channels: usize,
) -> Shape {
    let pixels = (width + 2 * pad - kernel[1]) / stride + 1;
    Shape { kernel, width, channels_in, stride, pad, pixels, channels }
}

/// Runs `cases` random cases of every kernel of a set and every combination of element types, the matcher's included, and some shapes of real
/// networks. Gives the number of random cases.
///
/// # Errors
/// The first case in which a kernel and the naive loop differ.
pub fn run<S: Set>(cases: u32) -> Result<u32, Failure> {
    large::<S, i8, i8>()?;
    large::<S, i8, i16>()?;
    large::<S, i16, i8>()?;
    windowed::<S, i8, i8>(cases)?;
    windowed::<S, i8, i16>(cases)?;
    windowed::<S, i16, i8>(cases)?;
    windowed::<S, i16, i16>(cases)?;
    additions::<S, i8, i8>(cases)?;
    additions::<S, i8, i16>(cases)?;
    additions::<S, i16, i8>(cases)?;
    additions::<S, i16, i16>(cases)?;
    matching::run::<S>(cases)?;
    Ok(9 * cases)
}

fn element_range<T: Element>() -> (i32, i32) {
    if size_of::<T>() == 1 { (-128, 127) } else { (-8191, 8191) }
}

impl<I: Element, O: Element, const N: usize> Room<I, O, N> {
    fn new() -> Self {
        let marked =
            O::from_i32(if size_of::<O>() == 1 { 0xa5u8 as i8 as i32 } else { 0xa5a5u16 as i16 as i32 });
        Room {
            input: [I::from_i32(0); N],
            weights: [0; N],
            bias: [0; CHANNELS],
            positive: [0; CHANNELS],
            negative: [0; CHANNELS],
            output: [marked; N],
            expected: [marked; N],
        }
    }

    fn randomise(&mut self, random: &mut Random) {
        let (low, high) = element_range::<I>();
        random.fill(&mut self.input, low, high);
        random.fill(&mut self.weights, -127, 127);
        for bias in &mut self.bias {
            *bias = random.next() as i32 >> (random.next() % 20);
        }
        for multipliers in [&mut self.positive, &mut self.negative] {
            multipliers.iter_mut().for_each(|m| *m = random.next() as i32 >> (random.next() % 16));
        }
    }
}

fn stage<'a, O: Element>(
    random: &mut Random,
    bias: &'a [i32],
    positive: &'a [i32],
    negative: &'a [i32],
) -> Stage<'a> {
    let (low, high) = element_range::<O>();
    // Kernels may treat some stages apart: those that clamp to the whole range, do not shift, or are linear.
    let whole = random.next().is_multiple_of(2);
    let linear = random.next().is_multiple_of(2);
    let shifts = !whole && random.next().is_multiple_of(2);
    let clamp = if whole { 1 } else { 20 };
    Stage {
        bias,
        positive,
        negative: if linear { positive } else { negative },
        shift: if shifts { random.next() % 4 } else { 0 },
        zero_point: low / 2 + random.below((high - low) as usize / 2) as i32,
        low: low + random.below(clamp) as i32,
        high: high - random.below(clamp) as i32,
    }
}

fn compare<O: Element>(kernel: &'static str, case: u32, output: &[O], expected: &[O]) -> Result<(), Failure> {
    match output.iter().zip(expected).position(|(a, b)| a != b) {
        Some(element) => Err(Failure { kernel, case, element }),
        None => Ok(()),
    }
}

fn windowed<S: Set, I: Element, O: Element>(cases: u32) -> Result<(), Failure> {
    let mut random = Random(0x9e37_79b9);
    let mut room = Room::<I, O, SMALL>::new();
    for case in 0..cases {
        room.randomise(&mut random);
        let kernel = [1 + random.below(4), 1 + random.below(4)];
        // Kernels may treat whole vectors of channels apart.
        let channels_in = match case % 4 {
            0 => 1 + random.below(40),
            1 => 16 * (1 + random.below(3)),
            _ => 1 + random.below(9),
        };
        let width = 1 + random.below(9);
        let stride = 1 + random.below(3);
        let pad = random.below(kernel[1]);
        // As many pixels as have something under their window.
        let pixels = (width + pad).div_ceil(stride).min(9);
        let taps = kernel[0] * kernel[1] * channels_in;
        if kernel[0] * width * channels_in > SMALL || taps > SMALL {
            continue;
        }
        let channels = (1 + random.below(20)).min(SMALL / taps).min(SMALL / pixels);
        slide::<S, I, O, SMALL>(
            case,
            &Shape { kernel, width, channels_in, stride, pad, pixels, channels },
            &mut random,
            &mut room,
        )?;
    }
    Ok(())
}

fn large<S: Set, I: Element, O: Element>() -> Result<(), Failure> {
    let mut random = Random(0x2545_f491);
    let mut room = Room::<I, O, LARGE>::new();
    for (case, shape) in SHAPES.iter().enumerate() {
        // More than once, so that most kinds of stages come up.
        for _ in 0..6 {
            room.randomise(&mut random);
            slide::<S, I, O, LARGE>(1_000_000 + case as u32, shape, &mut random, &mut room)?;
        }
    }
    Ok(())
}

/// Tries the kernels that slide a window along rows.
fn slide<S: Set, I: Element, O: Element, const N: usize>(
    case: u32,
    shape: &Shape,
    random: &mut Random,
    room: &mut Room<I, O, N>,
) -> Result<(), Failure> {
    let &Shape { kernel, width, channels_in, stride, pad, pixels, channels } = shape;
    let row_elements = width * channels_in;
    let mut rows = [None; 16];
    for (y, row) in rows[..kernel[0]].iter_mut().enumerate() {
        // The first or the last rows may lie outside.
        let outside = random.next().is_multiple_of(5) && (y == 0 || y + 1 == kernel[0]) && kernel[0] > 1;
        *row = (!outside).then(|| &room.input[y * row_elements..][..row_elements]);
    }
    if rows.iter().all(|row| row.is_none()) {
        return Ok(());
    }
    let input = Rows {
        rows: &rows[..kernel[0]],
        width,
        channels: channels_in,
        zero_point: random.below(200) as i32 - 100,
        kernel_width: kernel[1],
        stride,
        pad,
        dilation: 1,
    };
    let mut scratch = S::Scratch::default();
    let taps = kernel[0] * kernel[1] * channels_in;
    // A filter over all channels may be too large where one a channel is not.
    let channels = channels.min(N / taps);
    let arrays = [&room.bias[..channels], &room.positive[..channels], &room.negative[..channels]];
    let stage_conv = stage::<O>(random, arrays[0], arrays[1], arrays[2]);
    let weights = &room.weights[..channels * taps];
    let count = pixels * channels;
    S::conv(&input, weights, &stage_conv, &mut scratch, &mut room.output[..count]);
    naive::conv(&input, weights, &stage_conv, &mut room.expected[..count]);
    compare("conv", case, &room.output, &room.expected)?;

    // Every channel of a pixel has its own filter.
    if channels_in > CHANNELS {
        return Ok(());
    }
    let arrays = [&room.bias[..channels_in], &room.positive[..channels_in], &room.negative[..channels_in]];
    let stage_depthwise = stage::<O>(random, arrays[0], arrays[1], arrays[2]);
    let count = pixels * channels_in;
    let weights = &room.weights[..taps];
    S::depthwise(&input, weights, &stage_depthwise, &mut scratch, &mut room.output[..count]);
    naive::depthwise(&input, weights, &stage_depthwise, &mut room.expected[..count]);
    compare("depthwise", case, &room.output, &room.expected)?;

    let mut pooled = [I::from_i32(0); N];
    let mut expected = [I::from_i32(0); N];
    S::max_pool(&input, &mut pooled[..count]);
    naive::max_pool(&input, &mut expected[..count]);
    compare("max_pool", case, &pooled, &expected)
}

fn additions<S: Set, I: Element, O: Element>(cases: u32) -> Result<(), Failure> {
    let mut random = Random(0x1234_5678);
    let mut room = Room::<I, O, SMALL>::new();
    for case in 0..cases {
        room.randomise(&mut random);
        let channels = 1 + random.below(64);
        let count = channels * (1 + random.below(8));
        let (a, b) = room.input.split_at(SMALL / 2);
        let (a, b) = (&a[..count], &b[..count]);
        let gains = [random.next() as i16, random.next() as i16];
        let arrays = [&room.bias[..channels], &room.positive[..channels], &room.negative[..channels]];
        let stage = stage::<O>(&mut random, arrays[0], arrays[1], arrays[2]);
        S::add(a, b, gains, &stage, &mut room.output[..count]);
        naive::add(a, b, gains, &stage, &mut room.expected[..count]);
        compare("add", case, &room.output, &room.expected)?;
        if size_of::<I>() == size_of::<O>() {
            let mut in_place = [I::from_i32(0); SMALL];
            let mut expected = [I::from_i32(0); SMALL];
            in_place[..count].copy_from_slice(a);
            S::add_in_place(&mut in_place[..count], b, gains, &stage);
            naive::add(a, b, gains, &stage, &mut expected[..count]);
            compare("add_in_place", case, &in_place, &expected)?;
        }
    }
    Ok(())
}
