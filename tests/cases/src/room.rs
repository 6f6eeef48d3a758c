//! Arrays of a case, and the comparison of a kernel with its naive loop.

use nn::kernels::Element;
use nn::quant::Stage;

use crate::random::{Random, ends};
use crate::{Counts, Failure};

/// Most elements of any array of a random case.
pub const SMALL: usize = 2048;
/// Most channels of a case.
pub const CHANNELS: usize = 512;
/// Largest left shift of a stage.
const MAX_SHIFT: u32 = 15;
/// Elements after an output that must not change.
const MARGIN: usize = 64;

/// Arrays of a case.
pub struct Room<I, O, const N: usize> {
    pub input: [I; N],
    pub weights: [i8; N],
    pub arrays: Arrays,
    pub outputs: Outputs<O, N>,
}

/// Biases and multipliers.
pub struct Arrays {
    bias: [i32; CHANNELS],
    positive: [i32; CHANNELS],
    negative: [i32; CHANNELS],
}

/// Results of a kernel and of the naive loop.
pub struct Outputs<O, const N: usize> {
    made: [O; N],
    expected: [O; N],
}

impl<I: Element, O: Element, const N: usize> Room<I, O, N> {
    pub fn new() -> Self {
        let arrays = Arrays { bias: [0; CHANNELS], positive: [0; CHANNELS], negative: [0; CHANNELS] };
        Room { input: [I::from_i32(0); N], weights: [0; N], arrays, outputs: Outputs::new() }
    }

    pub fn randomise(&mut self, random: &mut Random) {
        random.fill(&mut self.input, ends::<I>());
        random.fill(&mut self.weights, ends::<i8>());
        self.arrays.randomise(random);
    }
}

impl Arrays {
    fn randomise(&mut self, random: &mut Random) {
        for bias in &mut self.bias {
            *bias = random.next() as i32 >> (random.next() % 20);
        }
        // Sets may have a faster way for stages whose multipliers are all small, as in real networks.
        let least = if random.is_one_in(2) { 3 } else { 0 };
        for multipliers in [&mut self.positive, &mut self.negative] {
            multipliers.iter_mut().for_each(|m| *m = random.next() as i32 >> (least + random.next() % 13));
        }
    }

    /// A stage of `channels` channels. Kernels may treat some stages specially: those that clamp to the whole range,
    /// do not shift, or are linear.
    pub fn stage<O: Element>(&self, random: &mut Random, channels: usize) -> Stage<'_> {
        let ends = ends::<O>();
        let [first, last] = ends;
        let (positive, negative) = (&self.positive[..channels], &self.negative[..channels]);
        let zero_point = random.between(ends);
        let [low, high] = match random.next() % 8 {
            0 => {
                // The range is often a single value, at an end of the possible range.
                let [a, b] = [random.between(ends), random.between(ends)];
                [a.min(b), a.max(b)]
            }
            1..3 => [first + random.below(20) as i32, last - random.below(20) as i32],
            _ => ends,
        };
        Stage {
            bias: &self.bias[..channels],
            positive,
            negative: if random.is_one_in(2) { positive } else { negative },
            shift: if random.is_one_in(4) { random.next() % (MAX_SHIFT + 1) } else { 0 },
            zero_point,
            low,
            high,
        }
    }
}

impl<O: Element, const N: usize> Outputs<O, N> {
    pub fn new() -> Self {
        Outputs { made: [mark(); N], expected: [mark(); N] }
    }
}

/// A case for kernels that make elements of type `O`.
pub struct Case<'a, O, const N: usize> {
    pub number: u32,
    pub random: &'a mut Random,
    pub counts: &'a mut Counts,
    pub outputs: &'a mut Outputs<O, N>,
}

impl<O: Element, const N: usize> Case<'_, O, N> {
    /// Runs a kernel that makes `count` elements, compares it with its naive loop, and counts the case.
    pub fn attempt(
        &mut self,
        kernel: &'static str,
        count: usize,
        make: impl FnOnce(&mut [O]) -> Option<()>,
        expect: impl FnOnce(&mut [O]),
    ) -> Result<(), Failure> {
        let end = N.min(count + MARGIN);
        let [made, expected] =
            [&mut self.outputs.made, &mut self.outputs.expected].map(|all| &mut all[..end]);
        made.fill(mark());
        expected.fill(mark());
        make(&mut made[..count]).ok_or(Failure::Refused { kernel, case: self.number })?;
        expect(&mut expected[..count]);
        self.counts.add(kernel, self.number, made.iter().zip(&*expected).position(|(a, b)| a != b))
    }
}

/// Initial content of outputs.
fn mark<O: Element>() -> O {
    O::from_i32(if size_of::<O>() == 1 { 0xa5u8 as i8 as i32 } else { 0xa5a5u16 as i16 as i32 })
}
