//! Kernels for cores with Helium, the M-profile vector extension: Cortex-M52, M55, M85.
//!
//! A convolution multiplies two pixels with four filters, 16 taps of bytes or 8 of 16 bits at a time; the registers hold
//! no more sums. Depthwise convolutions of bytes compute two channels of four pixels, with a channel's window in one
//! vector; others compute eight channels of a pixel. Rare cases (patches or pixels larger than scratch) go to the portable
//! kernels, which the compiler vectorises.
//!
//! `choose` selects the loop for a shape, `ops` checks a loop's preconditions and calls it, `asm` has the loops.

mod add;
#[cfg(arm_helium)]
mod asm;
#[cfg_attr(not(arm_helium), allow(dead_code, reason = "some loops exist only on the target"))]
mod choose;
mod conv;
mod depthwise;
mod ops;

pub use add::{add, add_in_place};
pub use conv::conv;
pub use depthwise::depthwise;

pub use super::portable::*;

/// Sixteen bytes: a vector register.
type Vector = [i8; 16];

/// Vectors of [`Scratch`].
const VECTORS: usize = 768;

/// Memory for gathered patches and packed columns, aligned for any element. Its content before and after a call does
/// not matter.
#[derive(Clone, Debug)]
#[repr(align(16))]
pub struct Scratch {
    vectors: [Vector; VECTORS],
}

impl Scratch {
    /// Empty scratch.
    pub const fn new() -> Self {
        Scratch { vectors: [[0; 16]; VECTORS] }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
