//! TODO
pub mod graph;
