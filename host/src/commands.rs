//! What the program can do, one command a file.

pub mod evaluate;
pub mod export;
pub mod inspect;
pub mod simulate;
