//! Kernels for x86-64, chosen at run time by what the processor has.

mod ops;

use self::ops::{Avx2, Avx512Any, Avx512Doubled};

super::lanes::levels! {
    /// AVX2.
    Avx2: Avx2,
    /// AVX-512 F, BW, VL and VNNI, in the way that any stage can be ended.
    Avx512Any: Avx512Any,
    /// The same, in a faster way where the stage allows it.
    Avx512Vnni: Avx512Doubled,
}
