//! The loops in assembly, one in each file, together with the record of its arguments.
//!
//! The assembly relies on the offsets of the record's fields, or on their order; assertions beside the record check
//! both at compile time. Naked functions are assembled without the target's features, so each names the features that
//! it needs.
#![allow(unsafe_code)]

mod add;
mod add_row;
mod clear;
mod gather;
mod multiply;
mod multiply_near;
mod multiply_wide;
mod pack;
mod products;
mod requantise;
mod slide;
mod sum_taps;

use crate::kernels::assert_layout;

pub use add::Addition;
pub use add_row::{RowAddition, add_row};
pub use clear::clear;
pub use gather::{Gathering, gather};
pub use multiply::*;
pub use multiply_near::*;
pub use multiply_wide::{multiply_wide_to_bytes, multiply_wide_to_halves};
pub use pack::Packing;
pub use products::Products;
pub use requantise::Requantisation;
pub use slide::*;
pub use sum_taps::Taps;
