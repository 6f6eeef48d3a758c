//! One function per instruction, and the loop over centres: assembly on the target, its arithmetic elsewhere, so that the
//! kernels can be tested on any machine. The assembly of an instruction is here, that of the loop in `asm`.
#![allow(unsafe_code)]

#[cfg(arm_dsp)]
use super::asm;

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
        let job = asm::Job::new(probe, range.end, bound);
        // SAFETY: the lengths were checked, and the loop reads within them.
        let stop = unsafe { asm::first_above(&job, range.start) };
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
