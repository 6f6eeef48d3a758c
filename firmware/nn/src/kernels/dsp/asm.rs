//! The loops in assembly, one a file, each beside the record that it works on.
//!
//! A record's fields lie where the text says, or in the order in which it loads them: assertions beside the record hold it to
//! that when this is compiled. Naked functions are assembled without the target's features: each names what it needs.
#![allow(unsafe_code)]

mod add_bytes;
mod expand_two;
mod group;
mod pack_one;
mod pack_two;

pub use add_bytes::{Addition, add_bytes};
pub use expand_two::expand_two;
pub use group::{Job, Loop, slide, tile};
pub use pack_one::pack_one;
pub use pack_two::pack_two;

/// Asserts where fields of a record lie on the target, and how long it is.
macro_rules! assert_layout {
    ($type:ty, $size:literal, $($field:ident: $offset:literal),+) => {
        const _: () = {
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)+
            assert!(size_of::<$type>() == $size);
        };
    };
}
use assert_layout;
