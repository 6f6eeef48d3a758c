//! Kernels for cores that multiply pairs of 16-bit numbers: Cortex-M4, M7, M33 with the DSP extension.
//!
//! `SXTB16` turns the four bytes of a centre's word into two pairs: elements 0 and 2 from the word itself, 1 and 3
//! from the word rotated by a byte. The probe is rearranged once in the same way.
//!
//! `ops` checks the loop's preconditions and calls it, `asm` has the loop.

#[cfg(arm_dsp)]
mod asm;
mod ops;

use super::Elements;
use crate::dot::{MAX_DIMENSION, dot};
use ops::{Block, Pairs, smlad, sxtb16, sxtb16_ror8};

/// A probe.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    elements: Elements<'a>,
    /// Pairs of each whole group of four elements.
    pairs: [Pairs; MAX_DIMENSION / 4],
}

impl<'a> Probe<'a> {
    /// The probe with these elements.
    // Inlined, so that it is not copied.
    #[inline(always)]
    pub fn new(elements: Elements<'a>) -> Self {
        let mut probe = Probe { elements, pairs: [[0; 2]; MAX_DIMENSION / 4] };
        let pair = |low: i16, high: i16| u32::from(low as u16) | u32::from(high as u16) << 16;
        for (pairs, &[a, b, c, d]) in probe.pairs.iter_mut().zip(elements.as_slice().as_chunks().0) {
            *pairs = [pair(a, c), pair(b, d)];
        }
        probe
    }

    /// [`super::portable::Probe::first_above`].
    #[inline]
    pub fn first_above(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let dimension = self.elements.dimension().get();
        if dimension.is_multiple_of(size_of::<Block>())
            && let (Some(pairs), Some(blocks)) = (self.pairs.get(..dimension / 4), ops::blocks(centres))
            && let Ok(found) = ops::first_above(pairs, blocks, bound)
        {
            found
        } else {
            self.first_above_anywhere(centres, bound)
        }
    }

    /// [`Self::first_above`] for centres of any length and alignment.
    #[inline(never)]
    fn first_above_anywhere(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let centres = centres.chunks_exact(self.elements.dimension().get());
        let dots = centres.map(|centre| self.dot(centre));
        dots.enumerate().find(|&(_, dot)| dot > bound)
    }

    /// Product with a centre of any alignment and as many elements.
    fn dot(&self, centre: &[i8]) -> i32 {
        let (words, rest) = centre.as_chunks();
        let (_, rest_of_probe) = self.elements.as_slice().as_chunks::<4>();
        let whole = words.iter().zip(&self.pairs).fold(0, |sum, (word, &[even, odd])| {
            let word = u32::from_le_bytes(word.map(|byte: i8| byte as u8));
            smlad(sxtb16_ror8(word), odd, smlad(sxtb16(word), even, sum))
        });
        whole + dot(rest, rest_of_probe)
    }
}
