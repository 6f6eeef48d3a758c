//! The loops in assembly, one in each file. Naked functions are assembled without the target's features, so each names the
//! features that it needs. All loads and stores are of bytes, because pixels have any address.
#![allow(unsafe_code)]

mod even;
mod halve;
mod luminance;

pub use even::even;
pub use halve::halve;
pub use luminance::{luminance_big, luminance_bytes, luminance_little};
