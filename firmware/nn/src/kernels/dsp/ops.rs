//! One function for each instruction, and the loops in which a compiler would spill registers. They are assembly on
//! the target and equivalent arithmetic elsewhere, so that every kernel can be tested on any machine.
//!
//! The loops [`sums`] and [`bytes`] compute groups of four sums: two pixels and two channels ([`Tile`]), or one pixel
//! and four channels ([`Slide`]). Both multiply the same weights with an equal number of quads, starting at every
//! `step`-th quad; tiles are adjacent.
#![allow(unsafe_code)]

use super::Quad;
#[cfg(arm_dsp)]
use super::asm;
#[cfg(arm_dsp)]
use super::choose::Finish;
use crate::ensure;

/// Defines a function for one instruction: name, operands in the assembler's order, template, arithmetic.
macro_rules! instruction {
    ($(#[$doc:meta])* $name:ident($($operand:ident: $type:ty),+) -> $result:ty, $template:literal, $model:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name($($operand: $type),+) -> $result {
            #[cfg(arm_dsp)]
            {
                let result: $result;
                // SAFETY: an instruction that reads and writes registers only.
                unsafe {
                    core::arch::asm!(
                        $template,
                        result = lateout(reg) result,
                        $($operand = in(reg) $operand,)+
                        options(pure, nomem, nostack, preserves_flags)
                    );
                }
                result
            }
            #[cfg(not(arm_dsp))]
            $model
        }
    };
}

#[cfg(not(arm_dsp))]
const fn low(word: u32) -> i32 {
    word as i16 as i32
}

#[cfg(not(arm_dsp))]
const fn high(word: u32) -> i32 {
    word as i32 >> 16
}

#[cfg(not(arm_dsp))]
const fn pair(low: i32, high: i32) -> u32 {
    low as u16 as u32 | (high as u32) << 16
}

instruction! {
    /// Bytes 0 and 2 as a pair.
    sxtb16(word: u32) -> u32, "sxtb16 {result}, {word}",
    pair(word as i8 as i32, (word >> 16) as i8 as i32)
}

instruction! {
    /// Bytes 1 and 3 as a pair.
    sxtb16_ror8(word: u32) -> u32, "sxtb16 {result}, {word}, ror #8",
    pair((word >> 8) as i8 as i32, (word >> 24) as i8 as i32)
}

instruction! {
    /// The low halves of `a` and `b`.
    pkhbt(a: u32, b: u32) -> u32, "pkhbt {result}, {a}, {b}, lsl #16", pair(low(a), low(b))
}

instruction! {
    /// The high halves of `a` and `b`, with that of `b` in the low half.
    pkhtb(a: u32, b: u32) -> u32, "pkhtb {result}, {a}, {b}, asr #16", pair(high(b), high(a))
}

instruction! {
    /// Adds to `sum` the product of the low halves and the product of the high halves.
    smlad(a: u32, b: u32, sum: i32) -> i32, "smlad {result}, {a}, {b}, {sum}",
    sum.wrapping_add(low(a) * low(b)).wrapping_add(high(a).wrapping_mul(high(b)))
}

instruction! {
    /// `sum + ((a · b + 2³¹) >> 32)`.
    smmlar(a: i32, b: i32, sum: i32) -> i32, "smmlar {result}, {a}, {b}, {sum}",
    sum.wrapping_add(crate::quant::mulhi(a, b))
}

/// Start and output stage of four sums, in the order in which the loops load them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lanes {
    /// Initial values of the sums.
    pub bias: [i32; 4],
    /// Added after multiplying.
    pub zero_point: i32,
    /// Multipliers for sums ≥ 0.
    pub positive: [i32; 4],
    /// Multipliers for sums < 0, minus those for sums ≥ 0.
    pub difference: [i32; 4],
}

impl Lanes {
    #[cfg(not(arm_dsp))]
    fn byte(&self, sum: i32, lane: usize) -> i8 {
        let multiplier = self.positive[lane].wrapping_add(self.difference[lane] & (sum >> 31));
        smmlar(sum, multiplier, self.zero_point).clamp(-128, 127) as i8
    }
}

/// Expands the words of `a` and `b`: each quad gets the pairs of a word of `a`, then those of a word of `b`.
/// `None` when lengths do not agree.
pub fn expand_two(a: &[[u8; 4]], b: &[[u8; 4]], quads: &mut [Quad]) -> Option<()> {
    ensure(a.len() == quads.len() && b.len() == quads.len())?;
    #[cfg(arm_dsp)]
    if !quads.is_empty() {
        let quads = quads.as_mut_ptr_range();
        // SAFETY: the lengths were checked, and the function reads and writes within them.
        unsafe { asm::expand_two(a.as_ptr(), b.as_ptr(), quads.start, quads.end) };
    }
    #[cfg(not(arm_dsp))]
    for (quad, (&a, &b)) in quads.iter_mut().zip(a.iter().zip(b)) {
        let [a, b] = [a, b].map(u32::from_le_bytes);
        *quad = [sxtb16(a), sxtb16_ror8(a), sxtb16(b), sxtb16_ror8(b)];
    }
    Some(())
}

/// Packs four bytes of each of `pixels` pixels of an upper and a lower row into every `step`-th quad: word `i` has
/// byte `i` of both rows. Each row has its own distance from pixel to pixel.
/// `None` when a row is too short, or there is nothing to do.
pub fn pack_two(
    (upper, upper_stride): (&[u8], usize),
    (lower, lower_stride): (&[u8], usize),
    pixels: usize,
    quads: &mut [Quad],
    step: usize,
) -> Option<()> {
    ensure(pixels > 0 && (pixels - 1) * step < quads.len())?;
    ensure((pixels - 1) * upper_stride + 4 <= upper.len() && (pixels - 1) * lower_stride + 4 <= lower.len())?;
    #[cfg(arm_dsp)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        let (upper, lower) = (upper.as_ptr(), lower.as_ptr());
        asm::pack_two(upper, lower, upper_stride, lower_stride, quads.as_mut_ptr(), step * 16, pixels);
    }
    #[cfg(not(arm_dsp))]
    for (pixel, quad) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        let rows = [&upper[pixel * upper_stride..], &lower[pixel * lower_stride..]];
        *quad = core::array::from_fn(|i| pair((rows[0][i] as i8).into(), (rows[1][i] as i8).into()));
    }
    Some(())
}

/// Packs four bytes of each of `pixels` pixels of a single row into every `step`-th quad: words 0 and 2 have bytes 0
/// and 2, words 1 and 3 have bytes 1 and 3.
/// `None` when the row is too short, or there is nothing to do.
pub fn pack_one((row, stride): (&[u8], usize), pixels: usize, quads: &mut [Quad], step: usize) -> Option<()> {
    ensure(pixels > 0 && (pixels - 1) * step < quads.len() && (pixels - 1) * stride + 4 <= row.len())?;
    #[cfg(arm_dsp)]
    // SAFETY: the lengths were checked, and the function reads and writes within them.
    unsafe {
        asm::pack_one(row.as_ptr(), stride, quads.as_mut_ptr(), step * 16, pixels);
    }
    #[cfg(not(arm_dsp))]
    for (pixel, quad) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        let bytes = &row[pixel * stride..];
        *quad = core::array::from_fn(|i| pair((bytes[i % 2] as i8).into(), (bytes[i % 2 + 2] as i8).into()));
    }
    Some(())
}

/// The arrangement of four sums.
pub trait Group {
    /// Pixels of a group.
    const PIXELS: usize;

    /// Adds the products of a quad of elements and a quad of weights.
    #[cfg(not(arm_dsp))]
    fn multiply(sums: &mut [i32; 4], elements: &Quad, weights: &Quad);

    /// The loop.
    #[cfg(arm_dsp)]
    const LOOP: asm::Loop;
}

/// Sums of two pixels and two channels: `[pixel 0 channel 0, 0 1, 1 0, 1 1]`. A quad has two pairs of pixel or
/// channel 0, then two of pixel or channel 1.
#[derive(Clone, Copy, Debug)]
pub struct Tile;

impl Group for Tile {
    const PIXELS: usize = 2;

    #[cfg(not(arm_dsp))]
    fn multiply(sums: &mut [i32; 4], x: &Quad, w: &Quad) {
        for (sum, (i, j)) in sums.iter_mut().zip([(0, 0), (0, 2), (2, 0), (2, 2)]) {
            *sum = smlad(x[i + 1], w[j + 1], smlad(x[i], w[j], *sum));
        }
    }

    #[cfg(arm_dsp)]
    const LOOP: asm::Loop = asm::tile;
}

/// Sums of one pixel and four channels. Word `i` of a quad has a pair of channel `i`.
#[derive(Clone, Copy, Debug)]
pub struct Slide;

impl Group for Slide {
    const PIXELS: usize = 1;

    #[cfg(not(arm_dsp))]
    fn multiply(sums: &mut [i32; 4], x: &Quad, w: &Quad) {
        for (sum, (&x, &w)) in sums.iter_mut().zip(x.iter().zip(w)) {
            *sum = smlad(x, w, *sum);
        }
    }

    #[cfg(arm_dsp)]
    const LOOP: asm::Loop = asm::slide;
}

#[inline(always)]
fn check<G: Group>(weights: &[Quad], elements: &[Quad], step: usize, groups: usize) -> Option<()> {
    ensure(groups > 0 && !weights.is_empty() && (G::PIXELS == 1 || step == weights.len()))?;
    ensure((groups - 1) * step + weights.len() <= elements.len())
}

/// Sums of every group. Only the biases of `lanes` are used. `None` when there are too few `elements`, or nothing to do.
pub fn sums<G: Group>(
    weights: &[Quad],
    elements: &[Quad],
    step: usize,
    lanes: &Lanes,
    sums: &mut [[i32; 4]],
) -> Option<()> {
    check::<G>(weights, elements, step, sums.len())?;
    #[cfg(arm_dsp)]
    {
        let job = asm::Job::new(weights, elements, step, Finish::Sums, sums.as_mut_ptr_range(), 0);
        // SAFETY: the lengths were checked, and the loop reads and writes within them.
        unsafe { G::LOOP(&job, lanes) };
    }
    #[cfg(not(arm_dsp))]
    for (sums, elements) in sums.iter_mut().zip((0..).step_by(step).map(|start| &elements[start..])) {
        *sums = lanes.bias;
        elements.iter().zip(weights).for_each(|(x, w)| G::multiply(sums, x, w));
    }
    Some(())
}

/// Sums of `pixels` pixels, requantised to bytes without a shift. Pixel `p` is stored at `output[p · stride]`. If the
/// last group has places without a pixel, nothing is stored for them. `None` when `elements` or `output` is too short, or there
/// is nothing to do.
// Inlined: called for each pair of filters, or four channels, with arguments of which most stay the same.
#[inline(always)]
pub fn bytes<G: Group>(
    weights: &[Quad],
    elements: &[Quad],
    step: usize,
    lanes: &Lanes,
    pixels: usize,
    output: &mut [i8],
    stride: usize,
) -> Option<()> {
    check::<G>(weights, elements, step, pixels.div_ceil(G::PIXELS))?;
    ensure((pixels - 1) * stride + 4 / G::PIXELS <= output.len())?;
    #[cfg(arm_dsp)]
    {
        let start = output.as_mut_ptr();
        let end = start.wrapping_add(pixels * stride);
        let finish = Finish::of(&lanes.difference);
        let job = asm::Job::new(weights, elements, step, finish, start..end, stride);
        // SAFETY: the lengths were checked, and the loop reads and writes within them.
        unsafe { G::LOOP(&job, lanes) };
    }
    #[cfg(not(arm_dsp))]
    for (group, first) in (0..pixels).step_by(G::PIXELS).enumerate() {
        let mut four = [[0; 4]];
        sums::<G>(weights, &elements[group * step..], step, lanes, &mut four)?;
        for (lane, &sum) in four[0].iter().enumerate() {
            let (pixel, channel) = (first + lane * G::PIXELS / 4, lane % (4 / G::PIXELS));
            if pixel < pixels {
                output[pixel * stride + channel] = lanes.byte(sum, lane);
            }
        }
    }
    Some(())
}

/// Weighted sums of bytes, requantised to bytes without a shift and with one multiplier for both signs. For each word
/// of `a` and `b`, `output` has a word of bytes, and `bias` and `multipliers` have four words. If `a` is `None`,
/// `output` holds its elements. `None` when lengths do not agree.
pub fn add_bytes(
    a: Option<&[[i8; 4]]>,
    b: &[[i8; 4]],
    gains: [i16; 2],
    (bias, multipliers): (&[Quad], &[Quad]),
    zero_point: i32,
    output: &mut [[i8; 4]],
) -> Option<()> {
    let count = output.len();
    ensure(a.is_none_or(|a| a.len() == count) && b.len() == count)?;
    ensure(bias.len() == count && multipliers.len() == count)?;
    #[cfg(arm_dsp)]
    if count > 0 {
        let output = output.as_mut_ptr_range();
        let job = asm::Addition {
            b: b.as_ptr(),
            bias: bias.as_ptr(),
            multipliers: multipliers.as_ptr(),
            gains,
            zero_point,
            output_end: output.end,
        };
        let a = a.map_or(output.start.cast_const(), <[_]>::as_ptr);
        // SAFETY: the lengths were checked. The function reads and writes within them, and reads each word of `a`
        // before it writes.
        unsafe { asm::add_bytes(&job, a, output.start) };
    }
    #[cfg(not(arm_dsp))]
    for (index, output) in output.iter_mut().enumerate() {
        let a = a.map_or(*output, |a| a[index]);
        *output = core::array::from_fn(|i| {
            added(a[i], b[index][i], gains, (bias[index][i], multipliers[index][i]), zero_point)
        });
    }
    Some(())
}

#[cfg(not(arm_dsp))]
fn added(a: i8, b: i8, gains: [i16; 2], (bias, multiplier): (u32, u32), zero_point: i32) -> i8 {
    let sum = smlad(pair(a.into(), b.into()), bytemuck::cast(gains), bias as i32);
    smmlar(sum, multiplier as i32, zero_point).clamp(-128, 127) as i8
}
