//! Tests of updates: the checks of an image, and whole updates on a flash that tears.

mod checks;
mod cuts;
mod device;
pub mod pictures;
mod refusals;
