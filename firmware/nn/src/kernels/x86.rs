//! Kernels for x86-64, chosen at run time by what the processor has.

mod ops;

use self::ops::{Avx2, Avx512};
use super::lanes;

pub use super::portable::{Scratch, max_pool};

lanes::levels! {
    /// AVX2.
    Avx2: Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni: Avx512,
}
