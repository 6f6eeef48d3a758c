//! Kernels for aarch64, chosen at run time by what the processor has.

mod ops;

use self::ops::{DotProduct, Neon};

super::lanes::levels! {
    /// NEON, which every aarch64 has.
    Neon: Neon,
    /// The dot product (`FEAT_DotProd`). Linux and Android are asked for it; elsewhere it is used where the target has it,
    /// as Apple's have.
    DotProduct: DotProduct,
}
