//! TODO
pub mod float;
pub mod graph;
pub mod import;
pub mod passes;
pub mod plan;
