//! The definition of every operator, in safe Rust for any machine.

mod add;
mod conv;
mod depthwise;
mod pool;

pub use add::{add, add_in_place};
pub use conv::conv;
pub use depthwise::depthwise;
pub use pool::max_pool;
