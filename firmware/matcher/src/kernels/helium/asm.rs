//! The loop in assembly, in a file of its own, together with the record of its arguments.
//!
//! The assembly relies on the offsets of the record's fields, and on their order; assertions beside the record check
//! both at compile time. Naked functions are assembled without the target's features, so each names the features that
//! it needs.
#![allow(unsafe_code)]

mod first_above;

pub use first_above::{Job, first_above};

/// Asserts the offsets of a record's fields on the target, and its size.
macro_rules! assert_layout {
    ($type:ty, $size:literal, $($field:ident: $offset:literal),+) => {
        const _: () = {
            $(assert!(core::mem::offset_of!($type, $field) == $offset);)+
            assert!(size_of::<$type>() == $size);
        };
    };
}
use assert_layout;
