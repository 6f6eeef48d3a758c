//! Kernels for x86-64, chosen at run time by what the processor has.

mod ops;

use self::ops::{Avx2, Avx512};

super::lanes::levels! {
    /// AVX2.
    Avx2: Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni: Avx512,
}
