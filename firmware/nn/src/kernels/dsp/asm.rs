//! The loops in assembly, one in each file, together with the record of its arguments.
//!
//! The assembly relies on the offsets of the record's fields, or on their order; assertions beside the record check
//! both at compile time. Naked functions are assembled without the target's features, so each names the features that
//! it needs.
#![allow(unsafe_code)]

mod add_bytes;
mod expand_two;
mod group;
mod pack_one;
mod pack_two;

use crate::kernels::assert_layout;

pub use add_bytes::{Addition, add_bytes};
pub use expand_two::expand_two;
pub use group::{Job, Loop, slide, tile};
pub use pack_one::pack_one;
pub use pack_two::pack_two;
