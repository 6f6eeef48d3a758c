//! One function per instruction, and the loop over centres: assembly on the target, its arithmetic elsewhere, so that the
//! kernels can be tested on any machine.
#![allow(unsafe_code)]

/// Four elements of a probe: 0 and 2, 1 and 3.
pub type Pairs = [u32; 2];

/// Sixteen elements of a centre.
pub type Block = [u32; 4];

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
fn halves(word: u32) -> [i32; 2] {
    [(word as i16).into(), word as i32 >> 16]
}

#[cfg(not(arm_dsp))]
fn pair(low: i8, high: i8) -> u32 {
    u32::from(i16::from(low) as u16) | (i32::from(high) as u32) << 16
}

instruction! {
    /// Bytes 0 and 2 as a pair.
    sxtb16(word: u32) -> u32, "sxtb16 {result}, {word}", pair(word as i8, (word >> 16) as i8)
}

instruction! {
    /// Bytes 1 and 3 as a pair.
    sxtb16_ror8(word: u32) -> u32, "sxtb16 {result}, {word}, ror #8", pair((word >> 8) as i8, (word >> 24) as i8)
}

instruction! {
    /// `sum` and the products of the low and of the high halves.
    smlad(a: u32, b: u32, sum: i32) -> i32, "smlad {result}, {a}, {b}, {sum}",
    halves(a).into_iter().zip(halves(b)).fold(sum, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(b)))
}

/// Elements as blocks, if they lie as words do and make whole blocks.
pub fn blocks(elements: &[i8]) -> Option<&[Block]> {
    // SAFETY: any bytes are words.
    let (before, blocks, after) = unsafe { elements.align_to() };
    (before.is_empty() && after.is_empty()).then_some(blocks)
}

/// The first of `centres` whose product with the probe is above `bound`: its number and that product. A centre has as many
/// blocks as the probe has fours of pairs, 1 to 32.
///
/// # Panics
/// When lengths do not agree.
pub fn first_above(probe: &[Pairs], centres: &[Block], bound: i32) -> Option<(usize, i32)> {
    let blocks = probe.len() / 4;
    assert!((1..=32).contains(&blocks) && probe.len() % 4 == 0 && centres.len().is_multiple_of(blocks));
    #[cfg(arm_dsp)]
    {
        let range = centres.as_ptr_range();
        // SAFETY: the lengths were checked; the loop reads within them.
        let found =
            unsafe { arm::first_above(range.start, range.end, probe.as_ptr(), arm::skipped_bytes(blocks), bound) };
        let (end, dot) = (found as u32 as usize, (found >> 32) as i32);
        let past = (end - range.start as usize) / size_of::<Block>() / blocks;
        (dot > bound).then(|| (past - 1, dot))
    }
    #[cfg(not(arm_dsp))]
    {
        let dot = |centre: &[Block]| {
            let words = centre.iter().flatten().zip(probe);
            words.fold(0, |sum, (&word, &[even, odd])| {
                smlad(sxtb16_ror8(word), odd, smlad(sxtb16(word), even, sum))
            })
        };
        centres.chunks_exact(blocks).map(dot).enumerate().find(|&(_, dot)| dot > bound)
    }
}

// Naked functions are assembled without the target's features: each names what it needs.
#[cfg(arm_dsp)]
mod arm {
    use core::arch::naked_asm;

    use super::{Block, Pairs};

    /// Blocks that the loop has room for, and the bytes of its code for one.
    const UNROLLED: usize = 32;
    const BLOCK_BYTES: usize = 76;

    /// Bytes of the unrolled loop to skip for centres of `blocks` blocks.
    pub fn skipped_bytes(blocks: usize) -> usize {
        (UNROLLED - blocks) * BLOCK_BYTES
    }

    /// The address past the centre it stopped at in the lower word, that centre's product in the upper. It is above the bound, or
    /// the centre is the last (or there is none: then the product is the bound).
    ///
    /// r0: centre; r1: probe; r3: sum; r4–r7: elements; r8–r11: pairs; r12: where the unrolled loop is entered; lr: bound.
    ///
    /// # Safety
    /// As [`super::first_above`] checks.
    #[unsafe(naked)]
    pub unsafe extern "C" fn first_above(
        centres: *const Block,
        centres_end: *const Block,
        probe: *const Pairs,
        skipped_bytes: usize,
        bound: i32,
    ) -> u64 {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4-r11, lr}}",
            "ldr lr, [sp, #36]",
            "push {{r1, r2}}",
            "adr.w r12, 3f",
            "add r12, r3",
            "orr r12, #1",
            "mov r3, lr",
            "2:",
            "ldrd r4, r1, [sp]",
            "cmp r0, r4",
            "beq 4f",
            "movs r3, #0",
            "bx r12",
            "3:",
            ".rept 32",
            "ldm.w r0!, {{r4-r7}}",
            "ldm r1!, {{r8-r11}}",
            "sxtb16 r2, r4",
            "sxtb16 r4, r4, ror #8",
            "smlad r3, r2, r8, r3",
            "sxtb16 r2, r5",
            "smlad r3, r4, r9, r3",
            "sxtb16 r5, r5, ror #8",
            "smlad r3, r2, r10, r3",
            "sxtb16 r2, r6",
            "smlad r3, r5, r11, r3",
            "ldm r1!, {{r8-r11}}",
            "sxtb16 r6, r6, ror #8",
            "smlad r3, r2, r8, r3",
            "sxtb16 r2, r7",
            "smlad r3, r6, r9, r3",
            "sxtb16 r7, r7, ror #8",
            "smlad r3, r2, r10, r3",
            "smlad r3, r7, r11, r3",
            ".endr",
            "cmp r3, lr",
            "ble 2b",
            "4:",
            "mov r1, r3",
            "add sp, #8",
            "pop {{r4-r11, pc}}",
        )
    }
}
