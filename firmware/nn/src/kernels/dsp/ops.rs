//! One function per instruction, and the loops in which a compiler would spill registers: assembly on the target, its
//! arithmetic elsewhere, so that every kernel can be tested on any machine.
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

const fn low(word: u32) -> i32 {
    word as i16 as i32
}

const fn high(word: u32) -> i32 {
    word as i32 >> 16
}

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

/// Sums of two pixels and two filters, `[pixel 0, filter 0], [0, 1], [1, 0], [1, 1]`, for every two pixels. A quad of
/// `filters` has two pairs of filter 0, then two of filter 1; `pixels` alike, for each element of `sums` as many quads as
/// there are of `filters`.
///
/// # Panics
/// When lengths do not agree, or the number of quads of `filters` is not a positive multiple of 4.
pub fn tiles(filters: &[Quad], pixels: &[Quad], bias: [i32; 2], sums: &mut [[i32; 4]]) {
    assert!(!sums.is_empty() && !filters.is_empty() && filters.len().is_multiple_of(4));
    assert_eq!(pixels.len(), filters.len() * sums.len());
    #[cfg(arm_dsp)]
    {
        let (filters, sums) = (filters.as_ptr_range(), sums.as_mut_ptr_range());
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { arm::tiles(filters.start, filters.end, pixels.as_ptr(), sums.start, sums.end, &bias) };
    }
    #[cfg(not(arm_dsp))]
    for (sums, pixels) in sums.iter_mut().zip(pixels.chunks_exact(filters.len())) {
        *sums = [bias[0], bias[1], bias[0], bias[1]];
        for (x, w) in pixels.iter().zip(filters) {
            for (sum, (x, w)) in sums.iter_mut().zip([(0, 0), (0, 2), (2, 0), (2, 2)]).map(|(s, (i, j))| {
                (s, ([x[i], x[i + 1]], [w[j], w[j + 1]]))
            }) {
                *sum = smlad(x[1], w[1], smlad(x[0], w[0], *sum));
            }
        }
    }
}

/// Sums of four channels for every pixel: word `i` of a quad has a pair of channel `i`. Pixel `p` multiplies
/// `weights` with as many quads of `columns` from `p · step`.
///
/// # Panics
/// When `columns` are too few, or there is nothing to do.
pub fn slide(weights: &[Quad], columns: &[Quad], step: usize, bias: &[i32; 4], sums: &mut [[i32; 4]]) {
    assert!(!sums.is_empty() && !weights.is_empty());
    assert!((sums.len() - 1) * step + weights.len() <= columns.len());
    #[cfg(arm_dsp)]
    {
        let (weights, sums) = (weights.as_ptr_range(), sums.as_mut_ptr_range());
        let step_bytes = step * size_of::<Quad>();
        let start = columns.as_ptr();
        let slide = if weights.end as usize - weights.start as usize == 6 * size_of::<Quad>() {
            arm::slide_six
        } else {
            arm::slide
        };
        // SAFETY: the lengths were checked; the function reads and writes within them.
        unsafe { slide(weights.start, weights.end, start, step_bytes, sums.start, sums.end, bias) };
    }
    #[cfg(not(arm_dsp))]
    for (sums, columns) in sums.iter_mut().zip((0..).step_by(step).map(|start| &columns[start..])) {
        *sums = *bias;
        for (x, w) in columns.iter().zip(weights) {
            for (sum, (&x, &w)) in sums.iter_mut().zip(x.iter().zip(w)) {
                *sum = smlad(x, w, *sum);
            }
        }
    }
}

#[cfg(arm_dsp)]
mod arm {
    use super::Quad;
    use core::arch::naked_asm;

    /// [`super::tiles`]. r0–r3: sums; r4–r7: pixels; r8–r11: filters; r12, lr: where these come from.
    ///
    /// # Safety
    /// As [`super::tiles`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn tiles(
        filters: *const Quad,
        filters_end: *const Quad,
        pixels: *const Quad,
        sums: *mut [i32; 4],
        sums_end: *mut [i32; 4],
        bias: &[i32; 2],
    ) {
        naked_asm!(
            "push {{r0, r1, r3, r4-r11, lr}}",
            "mov r12, r2",
            "2:",
            "ldr r4, [sp, #52]",
            "ldrd r0, r1, [r4]",
            "mov r2, r0",
            "mov r3, r1",
            "ldr lr, [sp]",
            "3:",
            ".rept 4",
            "ldm r12!, {{r4-r7}}",
            "ldm lr!, {{r8-r11}}",
            "smlad r0, r4, r8, r0",
            "smlad r1, r4, r10, r1",
            "smlad r2, r6, r8, r2",
            "smlad r3, r6, r10, r3",
            "smlad r0, r5, r9, r0",
            "smlad r1, r5, r11, r1",
            "smlad r2, r7, r9, r2",
            "smlad r3, r7, r11, r3",
            ".endr",
            "ldr r4, [sp, #4]",
            "cmp lr, r4",
            "bne 3b",
            "ldr r4, [sp, #8]",
            "ldr r5, [sp, #48]",
            "stm r4!, {{r0-r3}}",
            "str r4, [sp, #8]",
            "cmp r4, r5",
            "bne 2b",
            "add sp, #12",
            "pop {{r4-r11, pc}}",
        )
    }

    /// [`super::slide`]. r0–r3: sums; r4–r7: elements; r8–r11: weights; r12, lr: where these come from.
    ///
    /// # Safety
    /// As [`super::slide`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn slide(
        weights: *const Quad,
        weights_end: *const Quad,
        columns: *const Quad,
        step_bytes: usize,
        sums: *mut [i32; 4],
        sums_end: *mut [i32; 4],
        bias: &[i32; 4],
    ) {
        naked_asm!(
            "push {{r0-r11, lr}}",
            "2:",
            "ldr r12, [sp, #8]",
            "ldr r4, [sp, #12]",
            "add r4, r12",
            "str r4, [sp, #8]",
            "ldr r4, [sp, #60]",
            "ldm r4, {{r0-r3}}",
            "ldr lr, [sp]",
            "3:",
            "ldm r12!, {{r4-r7}}",
            "ldm lr!, {{r8-r11}}",
            "smlad r0, r4, r8, r0",
            "smlad r1, r5, r9, r1",
            "smlad r2, r6, r10, r2",
            "smlad r3, r7, r11, r3",
            "ldr r4, [sp, #4]",
            "cmp lr, r4",
            "bne 3b",
            "ldrd r4, r5, [sp, #52]",
            "stm r4!, {{r0-r3}}",
            "str r4, [sp, #52]",
            "cmp r4, r5",
            "bne 2b",
            "add sp, #16",
            "pop {{r4-r11, pc}}",
        )
    }

    /// [`super::slide`] with six quads of weights, those of a kernel of 3 × 3.
    ///
    /// # Safety
    /// As [`super::slide`] checks, and `weights` has six quads.
    #[unsafe(naked)]
    pub unsafe extern "C" fn slide_six(
        weights: *const Quad,
        weights_end: *const Quad,
        columns: *const Quad,
        step_bytes: usize,
        sums: *mut [i32; 4],
        sums_end: *mut [i32; 4],
        bias: &[i32; 4],
    ) {
        naked_asm!(
            "push {{r0-r11, lr}}",
            "2:",
            "ldr r12, [sp, #8]",
            "ldr r4, [sp, #12]",
            "add r4, r12",
            "str r4, [sp, #8]",
            "ldr r4, [sp, #60]",
            "ldm r4, {{r0-r3}}",
            "ldr lr, [sp]",
            ".rept 6",
            "ldm r12!, {{r4-r7}}",
            "ldm lr!, {{r8-r11}}",
            "smlad r0, r4, r8, r0",
            "smlad r1, r5, r9, r1",
            "smlad r2, r6, r10, r2",
            "smlad r3, r7, r11, r3",
            ".endr",
            "ldrd r4, r5, [sp, #52]",
            "stm r4!, {{r0-r3}}",
            "str r4, [sp, #52]",
            "cmp r4, r5",
            "bne 2b",
            "add sp, #16",
            "pop {{r4-r11, pc}}",
        )
    }
}
