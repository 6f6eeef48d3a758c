//! What the emulated boards have in common: each names only its counter.

/// Implements [`programs::Board`] for a board of Arm's platforms, by the facts of its `board.toml`: `counter` is the type
/// that counts instructions, `start` starts it.
#[macro_export]
macro_rules! drivers {
    ($board:ty, $facts:path, $counter:ty, $start:expr) => {
        use $facts as facts;

        impl $crate::programs::Board for $board {
            const NAME: &'static str = facts::NAME;
            const ARENA_BYTES: usize = facts::ARENA_BYTES;

            type Stream = $crate::Uart;
            type Counter = $counter;

            fn stream() -> $crate::Uart {
                // SAFETY: the UART's address; whoever opened it before does not run any more.
                unsafe { $crate::Uart::new(facts::UART) }
            }

            fn counter() -> $counter {
                // SAFETY: only this counter uses its device, whose address is the board's, and it is started once.
                unsafe { $start }
            }

            fn images() -> [&'static [u8]; 2] {
                // SAFETY: memories of the machine that the program does not write to.
                facts::IMAGES.map(|memory| unsafe { $crate::programs::cortex::mapped::bytes(memory) })
            }
        }
    };
}
