//! The board's devices and memories, at the addresses of `board.toml`.
#![allow(unsafe_code)]

use mps::SysTick;

mps::drivers!(crate::Board, crate::facts, SysTick, SysTick::start());
