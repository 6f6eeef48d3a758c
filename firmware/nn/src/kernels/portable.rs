//! The definition of every operator, in safe Rust for any machine.
//!
//! These kernels need no additional memory. Their `Scratch` argument has the type of the set in use and is ignored.

mod add;
mod conv;
mod depthwise;
mod grouped;
mod pool;
mod scale;

pub use add::{add, add_in_place};
pub use conv::conv;
pub use depthwise::depthwise;
pub use grouped::grouped;
pub use pool::max_pool;
pub use scale::scale;

/// No memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scratch;

impl Scratch {
    /// Empty scratch.
    pub const fn new() -> Self {
        Scratch
    }
}
