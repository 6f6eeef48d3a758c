//! The definition of the kernels, for any machine.

use crate::dot::dot;

/// A probe of 1 to [`crate::dot::MAX_DIMENSION`] elements.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a>(&'a [i16]);

impl<'a> Probe<'a> {
    /// The probe with these elements, at least one.
    pub fn new(elements: &'a [i16]) -> Self {
        Probe(elements)
    }

    /// The first of `centres`, `[centre][dimension]` without −128, whose [`dot`] with the probe is above `bound`: its
    /// number among them and the product.
    pub fn first_above(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let dots = centres.chunks_exact(self.0.len()).map(|centre| dot(centre, self.0));
        dots.enumerate().find(|&(_, dot)| dot > bound)
    }
}
