//! Kernels for cores with Helium, the M-profile vector extension: Cortex-M52, M55, M85.
//!
//! Bytes are widened when they are loaded. Four centres share the probe's vectors. Groups of fewer centres, and
//! centres that are not whole blocks, go to the portable kernels, which the compiler vectorises.

mod ops;

use super::portable;
use ops::Block;

/// A probe of 1 to [`crate::dot::MAX_DIMENSION`] elements.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a>(&'a [i16]);

impl<'a> Probe<'a> {
    /// The probe with these elements, at least one.
    pub fn new(elements: &'a [i16]) -> Self {
        Probe(elements)
    }

    /// [`portable::Probe::first_above`].
    pub fn first_above(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let dimension = self.0.len();
        let portable = portable::Probe::new(self.0);
        let (probe, rest) = self.0.as_chunks();
        if !rest.is_empty() {
            return portable.first_above(centres, bound);
        }
        let fours = centres.len() / dimension / 4;
        let (in_fours, others) = centres.split_at(fours * 4 * dimension);
        let blocks: &[Block<i8>] = in_fours.as_chunks().0;
        ops::first_above(probe, blocks, bound).or_else(|| {
            let (number, dot) = portable.first_above(others, bound)?;
            Some((4 * fours + number, dot))
        })
    }
}
