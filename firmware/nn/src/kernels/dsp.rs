//! Kernels for cores that multiply pairs of 16-bit numbers: Cortex-M4, M7, M33 with the DSP extension.
//!
//! `SXTB16` turns four elements into two words of pairs: elements 0 and 2 from the word itself, 1 and 3 from the word
//! rotated by a byte. Inputs and weights are both expanded in this way, once for many uses, so that the innermost
//! loops load several words at a time and multiply.
//!
//! `choose` selects the loop for a shape, `ops` checks a loop's preconditions and calls it, `asm` has the loops.

mod add;
#[cfg(arm_dsp)]
mod asm;
#[cfg_attr(not(arm_dsp), allow(dead_code, reason = "some loops exist only on the target"))]
mod choose;
mod conv;
mod depthwise;
mod lanes;
mod ops;

pub use add::{add, add_in_place};
pub use conv::conv;
pub use depthwise::depthwise;

pub use super::portable::*;

/// Four words, which the innermost loops load at once.
type Quad = [u32; 4];

/// Quads of [`Scratch`]: 12 KiB, enough for a row of 56 pixels of 64 channels and two filters.
const QUADS: usize = 768;
/// Sums kept before they are requantised, in groups of four.
const SUMS: usize = 64;

/// Memory for a row's expanded elements, weights and sums. Its content before and after a call does not matter.
#[derive(Clone, Debug)]
pub struct Scratch {
    quads: [Quad; QUADS],
    sums: [[i32; 4]; SUMS],
}

impl Scratch {
    /// Empty scratch.
    pub const fn new() -> Self {
        Scratch { quads: [[0; 4]; QUADS], sums: [[0; 4]; SUMS] }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
