//! What several fuzzers need: inputs as steps, lines of a board, a board that serves, and the count of frames.

pub mod board;
pub mod frames;
pub mod line;
pub mod steps;
