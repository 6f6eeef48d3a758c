//! The board's devices and memories, at the addresses of `board.toml`.
#![allow(unsafe_code)]

use mps::Timer;

mps::drivers!(crate::Board, crate::facts, Timer, Timer::start(facts::TIMER));

mps::door_drivers!(crate::Board, crate::facts);
