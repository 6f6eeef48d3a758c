//! Kernels for aarch64, chosen at run time by the processor's features.

mod ops;

use self::ops::{DotProduct, Neon};

super::lanes::levels! {
    /// NEON, which every aarch64 has.
    Neon: Neon,
    /// The dot product (`FEAT_DotProd`). On Linux and Android the system is asked for it; elsewhere it is used if the
    /// target includes it, as Apple's targets do.
    DotProduct: DotProduct,
}
