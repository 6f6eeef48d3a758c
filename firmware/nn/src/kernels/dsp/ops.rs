//! One function per instruction, and the loops in which a compiler would spill registers: assembly on the target, its
//! arithmetic elsewhere, so that every kernel can be tested on any machine.
//!
//! The loops, [`sums`] and [`bytes`], make groups of four sums: of two pixels and two channels ([`Tile`]), or of one pixel
//! and four channels ([`Slide`]). Both multiply the same weights with as many quads from every `step` on; tiles lie side by
//! side.
#![allow(unsafe_code)]

use super::Quad;

/// A function that is one instruction: name, operands in the order of the assembler, template, arithmetic.
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
    /// The low halves of both.
    pkhbt(a: u32, b: u32) -> u32, "pkhbt {result}, {a}, {b}, lsl #16", pair(low(a), low(b))
}

instruction! {
    /// The high halves of both, that of `b` lower.
    pkhtb(a: u32, b: u32) -> u32, "pkhtb {result}, {a}, {b}, asr #16", pair(high(b), high(a))
}

instruction! {
    /// `sum` and the products of the low and of the high halves.
    smlad(a: u32, b: u32, sum: i32) -> i32, "smlad {result}, {a}, {b}, {sum}",
    sum.wrapping_add(low(a) * low(b)).wrapping_add(high(a).wrapping_mul(high(b)))
}

instruction! {
    /// `sum + ((a · b + 2³¹) >> 32)`.
    smmlar(a: i32, b: i32, sum: i32) -> i32, "smmlar {result}, {a}, {b}, {sum}",
    sum.wrapping_add(crate::quant::mulhi(a, b))
}

/// What starts four sums, and what makes bytes of them. In the order in which the loops load it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Lanes {
    /// Where sums start.
    pub bias: [i32; 4],
    /// Added after multiplying.
    pub zero_point: i32,
    /// Multipliers for sums ≥ 0.
    pub positive: [i32; 4],
    /// Multipliers for sums < 0, less those for sums ≥ 0.
    pub difference: [i32; 4],
}

impl Lanes {
    #[cfg(not(arm_dsp))]
    fn byte(&self, sum: i32, lane: usize) -> i8 {
        let multiplier = self.positive[lane].wrapping_add(self.difference[lane] & (sum >> 31));
        smmlar(sum, multiplier, self.zero_point).clamp(-128, 127) as i8
    }
}

/// Expands twice as many bytes as there are words in `a` and `b`: into each quad the pairs of a word of `a`, then those
/// of a word of `b`.
///
/// # Panics
/// When lengths do not agree.
pub fn expand_two(a: &[[u8; 4]], b: &[[u8; 4]], quads: &mut [Quad]) {
    assert!(a.len() == quads.len() && b.len() == quads.len());
    #[cfg(arm_dsp)]
    if !quads.is_empty() {
        let quads = quads.as_mut_ptr_range();
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { arm::expand_two(a.as_ptr(), b.as_ptr(), quads.start, quads.end) };
    }
    #[cfg(not(arm_dsp))]
    for (quad, (&a, &b)) in quads.iter_mut().zip(a.iter().zip(b)) {
        let [a, b] = [a, b].map(u32::from_le_bytes);
        *quad = [sxtb16(a), sxtb16_ror8(a), sxtb16(b), sxtb16_ror8(b)];
    }
}

/// Packs four bytes of each of `pixels` pixels of an upper and a lower row, with their distances from pixel to pixel, into every
/// `step`-th quad:
/// word `i` has byte `i` of both.
///
/// # Panics
/// When a row is too short, or there is nothing to do.
pub fn pack_two(
    (upper, upper_stride): (&[u8], usize),
    (lower, lower_stride): (&[u8], usize),
    pixels: usize,
    quads: &mut [Quad],
    step: usize,
) {
    assert!(pixels > 0 && (pixels - 1) * step < quads.len());
    assert!((pixels - 1) * upper_stride + 4 <= upper.len() && (pixels - 1) * lower_stride + 4 <= lower.len());
    #[cfg(arm_dsp)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        let (upper, lower) = (upper.as_ptr(), lower.as_ptr());
        arm::pack_two(upper, lower, upper_stride, lower_stride, quads.as_mut_ptr(), step * 16, pixels);
    }
    #[cfg(not(arm_dsp))]
    for (pixel, quad) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        let rows = [&upper[pixel * upper_stride..], &lower[pixel * lower_stride..]];
        *quad = core::array::from_fn(|i| pair((rows[0][i] as i8).into(), (rows[1][i] as i8).into()));
    }
}

/// Packs four bytes of each of `pixels` pixels of a row alone into every `step`-th quad: words 0 and 2 have bytes 0 and 2, words 1 and 3 have bytes 1 and 3.
///
/// # Panics
/// When the row is too short, or there is nothing to do.
pub fn pack_one((row, stride): (&[u8], usize), pixels: usize, quads: &mut [Quad], step: usize) {
    assert!(pixels > 0 && (pixels - 1) * step < quads.len());
    assert!((pixels - 1) * stride + 4 <= row.len());
    #[cfg(arm_dsp)]
    // SAFETY: the lengths were checked; the function reads and writes within them.
    unsafe {
        arm::pack_one(row.as_ptr(), stride, quads.as_mut_ptr(), step * 16, pixels);
    }
    #[cfg(not(arm_dsp))]
    for (pixel, quad) in quads.iter_mut().step_by(step).take(pixels).enumerate() {
        let bytes = &row[pixel * stride..];
        *quad = core::array::from_fn(|i| pair((bytes[i % 2] as i8).into(), (bytes[i % 2 + 2] as i8).into()));
    }
}

/// What four sums are.
pub trait Group {
    /// Pixels of a group.
    const PIXELS: usize;

    /// Adds the products of a quad of elements and one of weights.
    #[cfg(not(arm_dsp))]
    fn multiply(sums: &mut [i32; 4], elements: &Quad, weights: &Quad);

    /// The loop.
    #[cfg(arm_dsp)]
    const LOOP: arm::Loop;
}

/// Sums of two pixels and two channels: `[pixel 0 channel 0, 0 1, 1 0, 1 1]`. Quads have two pairs of pixel or channel 0, then
/// two of 1.
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
    const LOOP: arm::Loop = arm::tile;
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
    const LOOP: arm::Loop = arm::slide;
}

fn check<G: Group>(weights: &[Quad], elements: &[Quad], step: usize, groups: usize) {
    assert!(groups > 0 && !weights.is_empty() && (G::PIXELS == 1 || step == weights.len()));
    assert!((groups - 1) * step + weights.len() <= elements.len());
}

/// Sums of every group. Of `lanes` only the bias is used.
///
/// # Panics
/// When `elements` are too few, or there is nothing to do.
pub fn sums<G: Group>(
    weights: &[Quad],
    elements: &[Quad],
    step: usize,
    lanes: &Lanes,
    sums: &mut [[i32; 4]],
) {
    check::<G>(weights, elements, step, sums.len());
    #[cfg(arm_dsp)]
    {
        let job = arm::Job::new(weights, elements, step, arm::Finish::Sums, sums.as_mut_ptr_range(), 0);
        // SAFETY: the lengths were checked; the loop reads and writes within them.
        unsafe { G::LOOP(&job, lanes) };
    }
    #[cfg(not(arm_dsp))]
    for (sums, elements) in sums.iter_mut().zip((0..).step_by(step).map(|start| &elements[start..])) {
        *sums = lanes.bias;
        elements.iter().zip(weights).for_each(|(x, w)| G::multiply(sums, x, w));
    }
}

/// Sums of `pixels` pixels, requantised to bytes without a shift. Pixel `p` lies at `output[p · stride]`. Of a last group
/// only the pixels there are are stored.
///
/// # Panics
/// When `elements` or `output` are too few, or there is nothing to do.
pub fn bytes<G: Group>(
    weights: &[Quad],
    elements: &[Quad],
    step: usize,
    lanes: &Lanes,
    pixels: usize,
    output: &mut [i8],
    stride: usize,
) {
    check::<G>(weights, elements, step, pixels.div_ceil(G::PIXELS));
    assert!((pixels - 1) * stride + 4 / G::PIXELS <= output.len());
    #[cfg(arm_dsp)]
    {
        let start = output.as_mut_ptr();
        let end = start.wrapping_add(pixels * stride);
        let is_linear = lanes.difference.iter().fold(0, |any, difference| any | difference) == 0;
        let finish = if is_linear { arm::Finish::Bytes } else { arm::Finish::SignedBytes };
        let job = arm::Job::new(weights, elements, step, finish, start..end, stride);
        // SAFETY: the lengths were checked; the loop reads and writes within them.
        unsafe { G::LOOP(&job, lanes) };
    }
    #[cfg(not(arm_dsp))]
    for (group, first) in (0..pixels).step_by(G::PIXELS).enumerate() {
        let mut four = [[0; 4]];
        sums::<G>(weights, &elements[group * step..], step, lanes, &mut four);
        for (lane, &sum) in four[0].iter().enumerate() {
            let (pixel, channel) = (first + lane * G::PIXELS / 4, lane % (4 / G::PIXELS));
            if pixel < pixels {
                output[pixel * stride + channel] = lanes.byte(sum, lane);
            }
        }
    }
}

/// Weighted sums of bytes, requantised to bytes without a shift and with one multiplier for both signs: `output`, `bias`
/// and `multipliers` have a word's worth of bytes, or four words, for each word of `a` and of `b`. Without `a`, `output` is in
/// its place.
///
/// # Panics
/// When lengths do not agree.
pub fn add_bytes(
    a: Option<&[[i8; 4]]>,
    b: &[[i8; 4]],
    gains: [i16; 2],
    (bias, multipliers): (&[Quad], &[Quad]),
    zero_point: i32,
    output: &mut [[i8; 4]],
) {
    let count = output.len();
    assert!(a.is_none_or(|a| a.len() == count) && b.len() == count);
    assert!(bias.len() == count && multipliers.len() == count);
    #[cfg(arm_dsp)]
    if count > 0 {
        let output = output.as_mut_ptr_range();
        let job = arm::Addition {
            b: b.as_ptr(),
            bias: bias.as_ptr(),
            multipliers: multipliers.as_ptr(),
            gains,
            zero_point,
            output_end: output.end,
        };
        let a = a.map_or(output.start.cast_const(), <[_]>::as_ptr);
        // SAFETY: the lengths were checked; the function reads and writes within them, each word of `a` before it writes.
        unsafe { arm::add_bytes(&job, a, output.start) };
    }
    #[cfg(not(arm_dsp))]
    for (index, output) in output.iter_mut().enumerate() {
        let a = a.map_or(*output, |a| a[index]);
        *output = core::array::from_fn(|i| {
            added(a[i], b[index][i], gains, (bias[index][i], multipliers[index][i]), zero_point)
        });
    }
}

#[cfg(not(arm_dsp))]
fn added(a: i8, b: i8, gains: [i16; 2], (bias, multiplier): (u32, u32), zero_point: i32) -> i8 {
    let sum = smlad(pair(a.into(), b.into()), bytemuck::cast(gains), bias as i32);
    smmlar(sum, multiplier as i32, zero_point).clamp(-128, 127) as i8
}

// Naked functions are assembled without the target's features: each names what it needs.
#[cfg(arm_dsp)]
mod arm {
    use core::arch::naked_asm;
    use core::mem::offset_of;
    use core::ops::Range;

    use super::{Lanes, Quad};

    /// What becomes of a group's sums.
    #[derive(Clone, Copy)]
    #[repr(usize)]
    pub enum Finish {
        /// They are stored.
        Sums,
        /// They are requantised, multipliers the same for both signs.
        Bytes,
        /// They are requantised.
        SignedBytes,
    }

    /// What a loop works on. It loads it in this order.
    #[repr(C)]
    pub struct Job {
        weights: *const Quad,
        weights_end: *const Quad,
        finish: Finish,
        output: *mut u8,
        stride: usize,
        output_end: *mut u8,
        /// From the last of a group's elements to the first of the next.
        skip_bytes: isize,
        elements: *const Quad,
    }

    impl Job {
        pub fn new<T>(
            weights: &[Quad],
            elements: &[Quad],
            step: usize,
            finish: Finish,
            output: Range<*mut T>,
            stride: usize,
        ) -> Self {
            const { assert!(offset_of!(Lanes, zero_point) == 16 && offset_of!(Lanes, difference) == 36) };
            let skip = step as isize - weights.len() as isize;
            let weights = weights.as_ptr_range();
            Job {
                weights: weights.start,
                weights_end: weights.end,
                finish,
                output: output.start.cast(),
                stride,
                output_end: output.end.cast(),
                skip_bytes: skip * size_of::<Quad>() as isize,
                elements: elements.as_ptr(),
            }
        }
    }

    /// # Safety
    /// The job's pointers are valid for what the loop reads and writes, as [`super::sums`] and [`super::bytes`] check.
    pub type Loop = unsafe extern "C" fn(&Job, &Lanes);

    /// Words of two filters with words of two pixels.
    macro_rules! tile {
        () => {
            "smlad r0, r4, r8, r0
            smlad r1, r4, r10, r1
            smlad r2, r6, r8, r2
            smlad r3, r6, r10, r3
            smlad r0, r5, r9, r0
            smlad r1, r5, r11, r1
            smlad r2, r7, r9, r2
            smlad r3, r7, r11, r3"
        };
    }

    /// Words of four channels.
    macro_rules! slide {
        () => {
            "smlad r0, r4, r8, r0
            smlad r1, r5, r9, r1
            smlad r2, r6, r10, r2
            smlad r3, r7, r11, r3"
        };
    }

    /// Sums to bytes. r4: zero point; r5–r8: multipliers.
    macro_rules! requantise {
        () => {
            "smmlar r0, r0, r5, r4
            smmlar r1, r1, r6, r4
            smmlar r2, r2, r7, r4
            smmlar r3, r3, r8, r4
            ssat r0, #8, r0
            ssat r1, #8, r1
            ssat r2, #8, r2
            ssat r3, #8, r3"
        };
    }

    /// Stores bytes of two pixels, or of one if it is the last.
    macro_rules! store_tile {
        () => {
            "ldrd r4, r5, [sp, #32]
            ldr r6, [sp, #40]
            bfi r0, r1, #8, #8
            bfi r2, r3, #8, #8
            strh r0, [r4]
            add r4, r5
            cmp r4, r6
            beq 9f
            strh r2, [r4]
            add r4, r5"
        };
    }

    /// Stores bytes of a pixel.
    macro_rules! store_slide {
        () => {
            "ldrd r4, r5, [sp, #32]
            bfi r0, r1, #8, #8
            bfi r2, r3, #8, #8
            pkhbt r0, r0, r2, lsl #16
            ldr r6, [sp, #40]
            str r0, [r4]
            add r4, r5"
        };
    }

    /// Tiles lie side by side.
    macro_rules! next_tile {
        () => {
            ""
        };
    }

    /// Goes on to the next group's elements.
    macro_rules! next_slide {
        () => {
            "ldr r5, [sp, #44]
            add r12, r5"
        };
    }

    /// Goes on with the next group, if there is one. r4: its output; r6: the end.
    macro_rules! next {
        ($next:ident) => {
            concat!($next!(), "\ncmp r4, r6\nstr r4, [sp, #32]\nbne 2b")
        };
    }

    /// A loop over groups. r0–r3: sums; r4–r7: elements; r8–r11: weights; r12, lr: where these come from. The loop
    /// over weights is unrolled 16 times, its body has `$body_bytes` bytes, and it is entered where as many repetitions are
    /// left as are needed for the first time.
    ///
    /// On the stack: biases; at 16 where the loop over weights is entered, then the job up to its elements, with the
    /// address of what finishes a group; at 48 the rest of the lanes.
    macro_rules! group_loop {
        ($name:ident, $multiply:ident, $body_bytes:literal, $store:ident, $next:ident) => {
            /// # Safety
            /// See [`Loop`].
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name(job: &Job, lanes: &Lanes) {
                naked_asm!(
                    ".arch armv7e-m",
                    "push {{r4-r11, lr}}",
                    "add r2, r1, #16",
                    "ldm r2, {{r4-r12}}",
                    "push {{r4-r12}}",
                    "ldm r0, {{r5-r12}}",
                    "sub r4, r5, r6",
                    "ubfx r4, r4, #4, #4",
                    concat!("movs r2, #", $body_bytes),
                    "mul r4, r4, r2",
                    "adr.w r2, 3f",
                    "add r4, r2",
                    "orr r4, #1",
                    "adr.w r2, 4f",
                    "ldr r7, [r2, r7, lsl #2]",
                    "add r7, r2",
                    "push {{r4-r11}}",
                    "ldm r1, {{r0-r3}}",
                    "push {{r0-r3}}",
                    "2:",
                    "ldr lr, [sp, #20]",
                    "ldm sp, {{r0-r3, pc}}",
                    "3:",
                    ".rept 16",
                    "ldm r12!, {{r4-r7}}",
                    "ldm lr!, {{r8-r11}}",
                    $multiply!(),
                    ".endr",
                    "ldr r4, [sp, #24]",
                    "cmp lr, r4",
                    "bne 3b",
                    "ldr pc, [sp, #28]",
                    // One finish a kind, in the order of `Finish`.
                    ".p2align 2",
                    "4:",
                    ".word 6f - 4b + 1",
                    ".word 7f - 4b + 1",
                    ".word 8f - 4b + 1",
                    "6:",
                    "ldr r4, [sp, #32]",
                    "ldr r6, [sp, #40]",
                    "stm r4!, {{r0-r3}}",
                    next!($next),
                    "b 9f",
                    "7:",
                    "add lr, sp, #48",
                    "ldm lr, {{r4-r8}}",
                    requantise!(),
                    $store!(),
                    next!($next),
                    "b 9f",
                    "8:",
                    // And the differences: r9–r11, lr.
                    "add lr, sp, #48",
                    "ldm lr, {{r4-r11, lr}}",
                    "and r9, r9, r0, asr #31",
                    "and r10, r10, r1, asr #31",
                    "and r11, r11, r2, asr #31",
                    "and lr, lr, r3, asr #31",
                    "add r5, r9",
                    "add r6, r10",
                    "add r7, r11",
                    "add r8, lr",
                    requantise!(),
                    $store!(),
                    next!($next),
                    "9:",
                    "add sp, #84",
                    "pop {{r4-r11, pc}}",
                )
            }
        };
    }

    group_loop!(tile, tile, 40, store_tile, next_tile);
    group_loop!(slide, slide, 24, store_slide, next_slide);

    /// What [`add_bytes`] works on, besides what may be written.
    #[repr(C)]
    pub struct Addition {
        pub b: *const [i8; 4],
        pub bias: *const Quad,
        pub multipliers: *const Quad,
        pub gains: [i16; 2],
        pub zero_point: i32,
        pub output_end: *const [i8; 4],
    }

    /// [`super::add_bytes`]. r0–r3, r12: addends, biases, multipliers, output; r4–r7: elements, then sums; lr: gains, then
    /// the zero point.
    ///
    /// # Safety
    /// As [`super::add_bytes`] checks, and there is a word; `output` may be `a`.
    #[unsafe(naked)]
    pub unsafe extern "C" fn add_bytes(job: &Addition, a: *const [i8; 4], output: *mut [i8; 4]) {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4-r11, lr}}",
            "mov r12, r2",
            "mov r4, r0",
            "mov r0, r1",
            "ldm r4, {{r1, r2, r3, r5, r6, r7}}",
            "push {{r5, r6, r7}}",
            "2:",
            "ldr r4, [r0], #4",
            "ldr r6, [r1], #4",
            "ldr lr, [sp]",
            "sxtb16 r8, r4",
            "sxtb16 r9, r4, ror #8",
            "sxtb16 r10, r6",
            "sxtb16 r11, r6, ror #8",
            "pkhbt r4, r8, r10, lsl #16",
            "pkhbt r5, r9, r11, lsl #16",
            "pkhtb r6, r10, r8, asr #16",
            "pkhtb r7, r11, r9, asr #16",
            "ldm r2!, {{r8-r11}}",
            "smlad r4, r4, lr, r8",
            "smlad r5, r5, lr, r9",
            "smlad r6, r6, lr, r10",
            "smlad r7, r7, lr, r11",
            "ldm r3!, {{r8-r11}}",
            "ldr lr, [sp, #4]",
            "smmlar r4, r4, r8, lr",
            "smmlar r5, r5, r9, lr",
            "smmlar r6, r6, r10, lr",
            "smmlar r7, r7, r11, lr",
            "ssat r4, #8, r4",
            "ssat r5, #8, r5",
            "ssat r6, #8, r6",
            "ssat r7, #8, r7",
            "bfi r4, r5, #8, #8",
            "bfi r6, r7, #8, #8",
            "pkhbt r4, r4, r6, lsl #16",
            "str r4, [r12], #4",
            "ldr r5, [sp, #8]",
            "cmp r12, r5",
            "bne 2b",
            "add sp, #12",
            "pop {{r4-r11, pc}}",
        )
    }

    /// [`super::expand_two`].
    ///
    /// # Safety
    /// As [`super::expand_two`] checks, and there is a quad.
    #[unsafe(naked)]
    pub unsafe extern "C" fn expand_two(
        a: *const [u8; 4],
        b: *const [u8; 4],
        quads: *mut Quad,
        quads_end: *mut Quad,
    ) {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4-r7, lr}}",
            "sub r12, r2, r3",
            "ubfx r12, r12, #4, #3",
            "movs r4, #28",
            "mul r12, r12, r4",
            "adr.w r4, 3f",
            "add r12, r4",
            "orr r12, #1",
            "bx r12",
            "3:",
            ".rept 8",
            "ldr r5, [r0], #4",
            "ldr r7, [r1], #4",
            "sxtb16 r4, r5",
            "sxtb16 r5, r5, ror #8",
            "sxtb16 r6, r7",
            "sxtb16 r7, r7, ror #8",
            "stm.w r2!, {{r4-r7}}",
            ".endr",
            "cmp r2, r3",
            "bne 3b",
            "pop {{r4-r7, pc}}",
        )
    }

    /// [`super::pack_two`].
    ///
    /// # Safety
    /// As [`super::pack_two`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn pack_two(
        upper: *const u8,
        lower: *const u8,
        upper_stride: usize,
        lower_stride: usize,
        quads: *mut Quad,
        step_bytes: usize,
        pixels: usize,
    ) {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4-r10, lr}}",
            "ldrd r10, r12, [sp, #32]",
            "ldr lr, [sp, #40]",
            "2:",
            "ldr r5, [r0]",
            "ldr r7, [r1]",
            "add r0, r2",
            "add r1, r3",
            "sxtb16 r8, r5",
            "sxtb16 r9, r5, ror #8",
            "sxtb16 r6, r7",
            "sxtb16 r7, r7, ror #8",
            "pkhbt r4, r8, r6, lsl #16",
            "pkhbt r5, r9, r7, lsl #16",
            "pkhtb r6, r6, r8, asr #16",
            "pkhtb r7, r7, r9, asr #16",
            "stm r10, {{r4-r7}}",
            "add r10, r12",
            "subs lr, #1",
            "bne 2b",
            "pop {{r4-r10, pc}}",
        )
    }

    /// [`super::pack_one`].
    ///
    /// # Safety
    /// As [`super::pack_one`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn pack_one(
        row: *const u8,
        stride: usize,
        quads: *mut Quad,
        step_bytes: usize,
        pixels: usize,
    ) {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4, r5, lr}}",
            "ldr lr, [sp, #12]",
            "2:",
            "ldr r5, [r0]",
            "add r0, r1",
            "sxtb16 r4, r5",
            "sxtb16 r5, r5, ror #8",
            "strd r4, r5, [r2]",
            "strd r4, r5, [r2, #8]",
            "add r2, r3",
            "subs lr, #1",
            "bne 2b",
            "pop {{r4, r5, pc}}",
        )
    }
}
