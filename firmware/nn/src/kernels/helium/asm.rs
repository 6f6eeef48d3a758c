//! The loops in assembly, one a file, each beside the record that it works on.
//!
//! A record's fields lie where the text says, or in the order in which it loads them: assertions beside the record hold it to
//! that when this is compiled. Naked functions are assembled without the target's features: each names what it needs.
#![allow(unsafe_code)]

mod add;
mod add_products;
mod add_row;
mod clear;
mod gather;
mod multiply;
mod multiply_near;
mod pack;
mod products;
mod slide;

pub use add::Addition;
pub use add_products::add_products;
pub use add_row::{RowAddition, add_row};
pub use clear::clear;
pub use gather::{Gathering, gather};
pub use multiply::*;
pub use multiply_near::*;
pub use pack::Packing;
pub use products::Products;
pub use slide::*;

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
