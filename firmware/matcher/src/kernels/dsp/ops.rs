//! One function per instruction, and the loop over centres: assembly on the target, its arithmetic elsewhere, so that the
//! kernels can be tested on any machine.
#![allow(unsafe_code)]

/// Four elements of a probe: 0 and 2, 1 and 3.
pub type Pairs = [u32; 2];

/// Thirty-two elements of a centre.
pub type Block = [u32; 8];

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
    /// Adds to `sum` the product of the low halves and the product of the high halves.
    smlad(a: u32, b: u32, sum: i32) -> i32, "smlad {result}, {a}, {b}, {sum}",
    halves(a).into_iter().zip(halves(b)).fold(sum, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(b)))
}

/// The elements as blocks, if they are aligned to words and fill whole blocks.
pub fn blocks(elements: &[i8]) -> Option<&[Block]> {
    // SAFETY: any bytes are valid words.
    let (before, blocks, after) = unsafe { elements.align_to() };
    (before.is_empty() && after.is_empty()).then_some(blocks)
}

/// The loop does not take centres of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit;

/// The first of `centres` whose product with the probe is above `bound`: its number and the product. A centre has one
/// block for each eight pairs of the probe, 1 to 16.
///
/// # Errors
/// [`Misfit`] when lengths do not agree. Nothing was read then.
pub fn first_above(probe: &[Pairs], centres: &[Block], bound: i32) -> Result<Option<(usize, i32)>, Misfit> {
    let blocks = probe.len() / 8;
    if !probe.len().is_multiple_of(8) || !(1..=16).contains(&blocks) || !centres.len().is_multiple_of(blocks)
    {
        return Err(Misfit);
    }
    #[cfg(arm_dsp)]
    {
        let range = centres.as_ptr_range();
        let job = arm::Job::new(probe, range.end, bound);
        // SAFETY: the lengths were checked, and the loop reads within them.
        let stop = unsafe { arm::first_above(&job, range.start) };
        let past = (stop.centre as usize - range.start as usize) / size_of::<Block>() / blocks;
        Ok((stop.dot > bound).then(|| (past - 1, stop.dot)))
    }
    #[cfg(not(arm_dsp))]
    {
        let dot = |centre: &[Block]| {
            let words = centre.iter().flatten().zip(probe);
            words.fold(0, |sum, (&word, &[even, odd])| {
                smlad(sxtb16_ror8(word), odd, smlad(sxtb16(word), even, sum))
            })
        };
        Ok(centres.chunks_exact(blocks).map(dot).enumerate().find(|&(_, dot)| dot > bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_the_loop_does_not_take_are_refused() {
        let (probe, centres) = ([[0x0001_0001; 2]; 17 * 8], [[0x0101_0101; 8]; 17]);
        assert_eq!(first_above(&probe[..16 * 8], &centres[..16], 0), Ok(Some((0, 512))));
        assert_eq!(first_above(&probe[..8], &[], 0), Ok(None));
        assert_eq!(first_above(&probe, &centres, 0), Err(Misfit));
        assert_eq!(first_above(&[], &[], 0), Err(Misfit));
        assert_eq!(first_above(&probe[..7], &centres, 0), Err(Misfit));
        assert_eq!(first_above(&probe[..9], &centres, 0), Err(Misfit));
        // One centre, and a block more.
        assert_eq!(first_above(&probe[..2 * 8], &centres[..3], 0), Err(Misfit));
    }
}

// Naked functions are assembled without the target's features, so each names the features that it needs.
#[cfg(arm_dsp)]
mod arm {
    use core::arch::naked_asm;

    use super::{Block, Pairs};

    /// Arguments of the loop, which copies them onto its stack in this order.
    #[repr(C)]
    pub struct Job {
        probe: *const Pairs,
        /// Initial value of sums.
        zero: i32,
        /// Bytes of the unrolled loop to skip at the first entry. The loop computes its entry address from it.
        skipped_bytes: usize,
        probe_end: *const Pairs,
        centres_end: *const Block,
        bound: i32,
    }

    impl Job {
        pub fn new(probe: &[Pairs], centres_end: *const Block, bound: i32) -> Self {
            /// Blocks in the unrolled loop, and bytes of code for each.
            const UNROLLED: usize = 4;
            const BLOCK_BYTES: usize = 148;
            let skipped_bytes = (probe.len() / 8).wrapping_neg() % UNROLLED * BLOCK_BYTES;
            let probe = probe.as_ptr_range();
            Job { probe: probe.start, zero: 0, skipped_bytes, probe_end: probe.end, centres_end, bound }
        }
    }

    /// Where the loop stopped: after the first centre whose product is above the bound, or at the end.
    #[repr(C)]
    pub struct Stop {
        pub dot: i32,
        pub centre: *const Block,
    }

    /// Two pairs from a word of elements, multiplied by the probe's.
    macro_rules! multiply {
        ($word:literal, $even:literal, $odd:literal) => {
            concat!(
                "sxtb16 r2, ",
                $word,
                "\n",
                "sxtb16 ",
                $word,
                ", ",
                $word,
                ", ror #8\n",
                "smlad r3, r2, ",
                $even,
                ", r3\n",
                "smlad r3, ",
                $word,
                ", ",
                $odd,
                ", r3\n",
            )
        };
    }

    /// Stops at the first centre whose product is above the bound. Without centres it returns the start and the
    /// bound.
    ///
    /// # Safety
    /// The conditions that [`super::first_above`] checks.
    pub unsafe fn first_above(job: &Job, centres: *const Block) -> Stop {
        if centres == job.centres_end {
            return Stop { dot: job.bound, centre: centres };
        }
        // SAFETY: the caller promises this, and there is a centre.
        let stop = unsafe { run(job, centres) };
        Stop { dot: stop as i32, centre: (stop >> 32) as usize as *const Block }
    }

    /// A [`Stop`], its product in the lower word.
    ///
    /// r0: centre; r1: probe; r3: sum; r4–r7: elements; r8–r12, lr: the probe's pairs.
    ///
    /// # Safety
    /// As [`first_above`], and there must be a centre.
    #[unsafe(naked)]
    unsafe extern "C" fn run(job: &Job, centres: *const Block) -> u64 {
        naked_asm!(
            ".arch armv7e-m",
            "push {{r4-r11, lr}}",
            "ldm r0, {{r2-r7}}",
            "adr.w r12, 3f",
            "add r4, r12",
            "orr r4, #1",
            "push {{r2-r7}}",
            "mov r0, r1",
            "2:",
            "ldm sp, {{r1, r3, pc}}",
            "3:",
            ".rept 4",
            "ldm.w r0!, {{r4-r7}}",
            "ldm r1!, {{r8-r12, lr}}",
            multiply!("r4", "r8", "r9"),
            multiply!("r5", "r10", "r11"),
            multiply!("r6", "r12", "lr"),
            "ldm r1!, {{r8-r12, lr}}",
            multiply!("r7", "r8", "r9"),
            "ldm.w r0!, {{r4-r7}}",
            multiply!("r4", "r10", "r11"),
            multiply!("r5", "r12", "lr"),
            "ldm r1!, {{r8-r11}}",
            multiply!("r6", "r8", "r9"),
            multiply!("r7", "r10", "r11"),
            ".endr",
            "ldr r4, [sp, #12]",
            "cmp r1, r4",
            "bne 3b",
            "ldrd r4, r5, [sp, #16]",
            "cmp r3, r5",
            "bgt 4f",
            "cmp r0, r4",
            "bne 2b",
            "4:",
            "mov r1, r0",
            "mov r0, r3",
            "add sp, #24",
            "pop {{r4-r11, pc}}",
        )
    }
}
