//! What is the board's own: the memories of `board.toml`, and the camera. Only these modules contain unsafe code.
#![allow(unsafe_code)]

pub mod eye;

stm32::h7_memories!(crate::facts);
