//! The loop in assembly, in a file of its own, together with the record of its arguments.
//!
//! The assembly relies on the offsets of the record's fields, and on their order; assertions beside the record check
//! both at compile time. Naked functions are assembled without the target's features, so each names the features that
//! it needs.
#![allow(unsafe_code)]

mod first_above;

use crate::kernels::assert_layout;

pub use first_above::{Job, first_above};
