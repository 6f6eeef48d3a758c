//! The definition of every operator, in safe Rust for any machine.

mod add;
mod conv;
mod depthwise;
mod pool;

pub use add::{add, add_in_place};
pub use conv::conv;
pub use depthwise::depthwise;
pub use pool::max_pool;

/// These kernels need no memory besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scratch;

impl Scratch {
    /// Empty scratch.
    pub const fn new() -> Self {
        Scratch
    }
}
