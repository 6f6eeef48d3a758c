//! Kernels for cores with Helium, the M-profile vector extension: Cortex-M52, M55, M85.
//!
//! Bytes are widened when they are loaded. Four centres share the probe's vectors. Groups of fewer centres, and
//! centres that are not whole blocks, go to the portable kernels, which the compiler vectorises.
//!
//! `ops` checks the loop's preconditions and calls it, `asm` has the loop.

#[cfg(arm_helium)]
mod asm;
mod ops;

use super::{Elements, portable};
use ops::Block;

/// A probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a>(Elements<'a>);

impl<'a> Probe<'a> {
    /// The probe with these elements.
    pub fn new(elements: Elements<'a>) -> Self {
        Probe(elements)
    }

    /// [`portable::Probe::first_above`].
    pub fn first_above(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let Probe(elements) = self;
        let dimension = elements.dimension();
        let portable = portable::Probe::new(*elements);
        let (probe, []) = elements.as_slice().as_chunks() else {
            return portable.first_above(centres, bound);
        };
        let fours = centres.len() / dimension / 4;
        let Some((in_fours, others)) = centres.split_at_checked(fours * 4 * dimension.get()) else {
            return portable.first_above(centres, bound);
        };
        let blocks: &[Block<i8>] = in_fours.as_chunks().0;
        match ops::first_above(probe, blocks, bound) {
            Ok(None) => {
                let (number, dot) = portable.first_above(others, bound)?;
                Some((4 * fours + number, dot))
            }
            Ok(found) => found,
            Err(ops::Misfit) => portable.first_above(centres, bound),
        }
    }
}
