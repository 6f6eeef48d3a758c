//! Kernels at every level of this processor equal the portable ones and the naive loops.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use std::sync::{Mutex, MutexGuard};

#[cfg(target_arch = "aarch64")]
use nn::kernels::neon::{Level, level, set_limit};
#[cfg(target_arch = "x86_64")]
use nn::kernels::x86::{Level, level, set_limit};
use nn::kernels::{self, Element, Rows, portable};
use nn::quant::Stage;
use proptest::prelude::*;

/// The limit applies to the whole process, so the tests that set it must not run at the same time.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Levels that this processor has.
fn levels() -> impl Iterator<Item = Level> {
    let [.., best] = Level::ALL else { unreachable!("there is a level") };
    set_limit(*best);
    let available = level();
    Level::ALL.iter().copied().filter(move |&level| level <= available)
}

fn scratch() -> kernels::Scratch {
    kernels::Scratch::new()
}

#[test]
fn every_level_equals_the_naive_loops() {
    let _turn = turn();
    for each in levels() {
        set_limit(each);
        assert_eq!(level(), each);
        // The arrays of a case are too large for a test thread's stack.
        let run = std::thread::Builder::new().stack_size(16 << 20).spawn(|| cases::run_chosen(4000)).unwrap();
        let counts = run.join().unwrap();
        assert!(counts.is_ok(), "{each:?}: {counts:?}");
    }
}

#[test]
fn the_highest_level_is_what_the_processor_has() {
    let _turn = turn();
    #[cfg(target_arch = "aarch64")]
    let expected = match std::arch::is_aarch64_feature_detected!("dotprod") {
        true => Level::DotProduct,
        false => Level::Neon,
    };
    #[cfg(target_arch = "x86_64")]
    let expected = {
        use std::arch::is_x86_feature_detected as has;
        let is_wide = has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vnni");
        match (has!("avx2"), is_wide) {
            (true, true) => Level::Avx512Vnni,
            (true, false) => Level::Avx2,
            (false, _) => Level::Portable,
        }
    };
    assert_eq!(levels().last(), Some(expected));
}

/// Numbers from a seed. One in `rarity` of them is an extreme value.
struct Random {
    state: u64,
    rarity: u64,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        match self.next() % (2 * self.rarity) {
            0 => low,
            1 => high,
            _ => low + (self.next() % (high - low + 1) as u64) as i64,
        }
    }

    fn elements<T: Element>(&mut self, count: usize) -> Vec<T> {
        let (low, high) = if size_of::<T>() == 1 { (-128, 127) } else { (-32768, 32767) };
        (0..count).map(|_| T::from_i32(self.between(low, high) as i32)).collect()
    }

    /// Integers from `-bound` to `bound - 1`.
    fn words(&mut self, count: usize, bound: i64) -> Vec<i32> {
        (0..count).map(|_| self.between(-bound, bound - 1) as i32).collect()
    }
}

/// A stage that owns its arrays.
struct Owned {
    bias: Vec<i32>,
    positive: Vec<i32>,
    negative: Vec<i32>,
    is_linear: bool,
    limits: [i32; 3],
    shift: u32,
}

impl Owned {
    fn new<O: Element>(random: &mut Random, channels: usize) -> Self {
        let (low, high) = if size_of::<O>() == 1 { (-128, 127) } else { (-32768, 32767) };
        let limits = [random.between(low, high), random.between(low, 0), random.between(1, high)];
        // Small biases, so that sums of all sizes occur.
        let bias = (0..channels).map(|_| random.between(-100_000, 100_000) as i32).collect();
        // Sets may have a faster way for multipliers like those of real networks, which are small and need no shift.
        let is_small = random.next().is_multiple_of(2);
        let bound = 1 << if is_small { random.between(14, 30) } else { 31 };
        Owned {
            bias,
            positive: random.words(channels, bound),
            negative: random.words(channels, bound),
            is_linear: random.next().is_multiple_of(2),
            limits: limits.map(|limit| limit as i32),
            shift: if is_small { 0 } else { random.between(0, 15) as u32 },
        }
    }

    fn stage(&self) -> Stage<'_> {
        let [zero_point, low, high] = self.limits;
        Stage {
            bias: &self.bias,
            positive: &self.positive,
            negative: if self.is_linear { &self.positive } else { &self.negative },
            shift: self.shift,
            zero_point,
            low,
            high,
        }
    }
}

#[derive(Clone, Debug)]
struct Shape {
    width: usize,
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: usize,
    pad: usize,
    dilation: usize,
    /// Whether the first row and the last lie inside the tensor.
    inside: [bool; 2],
    rarity: u64,
    seed: u64,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let kernel = prop_oneof![Just([1, 1]), Just([3, 3]), [1..5usize, 1..5usize], Just([7, 7])];
    let channels = prop_oneof![[1..9usize, 1..9usize], [1..70usize, 1..70usize], Just([64, 64])];
    let width = prop_oneof![1..21usize, 21..80usize];
    let dilation = prop_oneof![3 => Just(1), 1 => 2..6usize];
    (width, channels, kernel, [1..4usize, 0..4usize], dilation, any::<[bool; 2]>(), 1..20u64, 1..u64::MAX)
        .prop_map(|(width, channels, kernel, [stride, pad], dilation, inside, rarity, seed)| Shape {
            width,
            channels,
            kernel,
            stride,
            pad: (pad * dilation).min((kernel[1] - 1) * dilation),
            dilation,
            inside,
            rarity,
            seed,
        })
}

/// The output of a kernel in a buffer prefilled with a mark.
fn made<O: Element>(count: usize, kernel: impl FnOnce(&mut [O]) -> Option<()>) -> Vec<i32> {
    let mark = if size_of::<O>() == 1 { 0xa5u8 as i8 as i32 } else { 0xa5a5u16 as i16 as i32 };
    let mut output = vec![O::from_i32(mark); count];
    kernel(&mut output).expect("lengths that agree");
    output.into_iter().map(Into::into).collect()
}

fn check<I: Element, O: Element>(shape: &Shape) -> Result<(), TestCaseError> {
    let _turn = turn();
    let mut random = Random { state: shape.seed, rarity: shape.rarity };
    let [channels_in, channels_out] = shape.channels;
    let [kh, kw] = shape.kernel;
    let row = shape.width * channels_in;
    let elements = random.elements::<I>(kh * row);
    let is_inside = |y: usize| (y != 0 || shape.inside[0] || kh == 1) && (y + 1 != kh || shape.inside[1]);
    let rows: Vec<_> =
        (0..kh).map(|y| (kh == 1 || is_inside(y)).then(|| &elements[y * row..][..row])).collect();
    let (low, high) = if size_of::<I>() == 1 { (-128, 127) } else { (-32768, 32767) };
    let zero_point = random.between(low, high);
    let input = Rows {
        rows: &rows,
        width: shape.width,
        channels: channels_in,
        zero_point: zero_point as i32,
        kernel_width: kw,
        stride: shape.stride,
        pad: shape.pad,
        dilation: shape.dilation,
    };
    // Each pixel has part of the input under its window.
    let pixels = (shape.width + shape.pad).div_ceil(shape.stride);
    let taps = kh * kw * channels_in;
    let weights = random.elements::<i8>(channels_out * taps);
    let stages = [Owned::new::<O>(&mut random, channels_out), Owned::new::<O>(&mut random, channels_in)];
    let [conv, depthwise] = stages.each_ref().map(Owned::stage);
    let sum = Owned::new::<I>(&mut random, channels_in);
    let gains = [random.between(-32768, 32767) as i16, random.between(-32768, 32767) as i16];
    let other = random.elements::<I>(row);
    let gates = random.elements::<i8>(channels_in);
    let table = random.elements::<i16>(256);
    let expected = (
        made::<O>(pixels * channels_out, |out| {
            portable::conv(&input, &weights, &conv, &mut portable::Scratch, out)
        }),
        made::<O>(pixels * channels_in, |out| {
            portable::depthwise(&input, &weights[..taps], &depthwise, &mut portable::Scratch, out)
        }),
        made::<O>(row, |out| portable::add(&elements[..row], &other, gains, &depthwise, out)),
        made::<O>(row, |out| portable::scale(&other, zero_point as i32, &gates, &table, &depthwise, out)),
    );
    let mut in_place = elements[..row].to_vec();
    portable::add_in_place(&mut in_place, &other, gains, &sum.stage()).unwrap();
    for level in levels() {
        set_limit(level);
        let got = made::<O>(pixels * channels_out, |out| {
            kernels::conv(&input, &weights, &conv, &mut scratch(), out)
        });
        prop_assert_eq!(&got, &expected.0, "conv, {:?}", level);
        let got = made::<O>(pixels * channels_in, |out| {
            kernels::depthwise(&input, &weights[..taps], &depthwise, &mut scratch(), out)
        });
        prop_assert_eq!(&got, &expected.1, "depthwise, {:?}", level);
        let got = made::<O>(row, |out| kernels::add(&elements[..row], &other, gains, &depthwise, out));
        prop_assert_eq!(&got, &expected.2, "add, {:?}", level);
        let got =
            made::<O>(row, |out| kernels::scale(&other, zero_point as i32, &gates, &table, &depthwise, out));
        prop_assert_eq!(&got, &expected.3, "scale, {:?}", level);
        let mut got = elements[..row].to_vec();
        kernels::add_in_place(&mut got, &other, gains, &sum.stage()).unwrap();
        prop_assert!(got == in_place, "add_in_place, {:?}", level);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn bytes_to_bytes_are_the_same_at_every_level(shape in shapes()) {
        check::<i8, i8>(&shape)?;
    }

    #[test]
    fn bytes_to_words_are_the_same_at_every_level(shape in shapes()) {
        check::<i8, i16>(&shape)?;
    }

    #[test]
    fn words_are_the_same_at_every_level(shape in shapes()) {
        check::<i16, i16>(&shape)?;
        check::<i16, i8>(&shape)?;
    }
}
