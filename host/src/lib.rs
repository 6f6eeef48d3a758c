//! TODO
pub mod graph;
pub mod plan;
