//! The definition of the kernels, for any machine.

use super::Elements;
use crate::dot::dot;

/// A probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a>(Elements<'a>);

impl<'a> Probe<'a> {
    /// The probe with these elements.
    pub fn new(elements: Elements<'a>) -> Self {
        Probe(elements)
    }

    /// The first of `centres`, `[centre][dimension]` without −128, whose [`dot`] with the probe is above `bound`: its
    /// number among them and the product.
    pub fn first_above(&self, centres: &[i8], bound: i32) -> Option<(usize, i32)> {
        let Probe(elements) = self;
        let centres = centres.chunks_exact(elements.dimension().get());
        let dots = centres.map(|centre| dot(centre, elements.as_slice()));
        dots.enumerate().find(|&(_, dot)| dot > bound)
    }
}
