//! What the program can do, one command a file.

pub mod align;
pub mod bench;
pub mod demo;
pub mod evaluate;
pub mod export;
pub mod flash;
pub mod gallery;
pub mod inspect;
pub mod recognise;
pub mod simulate;
