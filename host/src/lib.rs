//! TODO
pub mod float;
pub mod graph;
pub mod import;
pub mod passes;
pub mod plan;
pub mod quantize;
pub mod sections;
pub mod simulator;
