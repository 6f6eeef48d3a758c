//! The board's devices and memories, at the addresses of `board.toml`.
#![allow(unsafe_code)]

use cortex::mapped;
use mps::{SysTick, Uart};

use crate::{Board, facts};

impl programs::Board for Board {
    const NAME: &'static str = facts::NAME;
    const ARENA_BYTES: usize = facts::ARENA_BYTES;
    const LAYERS: usize = facts::LAYERS;

    type Stream = Uart;
    type Counter = SysTick;

    fn stream() -> Uart {
        // SAFETY: the UART's address; whoever opened it before does not run any more.
        unsafe { Uart::new(facts::UART) }
    }

    fn counter() -> SysTick {
        // SAFETY: only this counter uses SysTick, and it is started once.
        unsafe { SysTick::start() }
    }

    fn images() -> [&'static [u8]; 2] {
        // SAFETY: memories of the machine that the program does not write to.
        facts::IMAGES.map(|memory| unsafe { mapped::bytes(memory) })
    }
}
