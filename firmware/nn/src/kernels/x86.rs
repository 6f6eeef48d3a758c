//! Kernels for x86-64, chosen at run time by the processor's features.

mod ops;

use self::ops::{Avx2, Avx512Any, Avx512Doubled};

super::lanes::levels! {
    /// AVX2.
    Avx2: Avx2,
    /// AVX-512 F, BW, VL and VNNI, for all stages.
    Avx512Any: Avx512Any,
    /// The same instructions, used in a faster way for stages that allow it.
    Avx512Vnni: Avx512Doubled,
}
