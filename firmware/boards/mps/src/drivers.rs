//! Drivers common to the emulated boards. Only the counter differs between the boards.

/// Implements [`programs::Board`] for a board of Arm's MPS platforms from the facts in its `board.toml`. `counter` is
/// the type that counts instructions; `start` starts it.
#[macro_export]
macro_rules! drivers {
    ($board:ty, $facts:path, $counter:ty, $start:expr) => {
        use $facts as facts;

        impl $crate::programs::Board for $board {
            const NAME: &'static str = facts::NAME;
            const ARENA_BYTES: usize = facts::ARENA_BYTES;

            type Stream = $crate::Uart;
            type Counter = $counter;
            type Frames = $crate::Frames;

            fn stream() -> $crate::Uart {
                // SAFETY: this is the UART's address, and any earlier owner of the UART no longer runs.
                unsafe { $crate::Uart::new(facts::UART) }
            }

            fn counter() -> $counter {
                // SAFETY: this is the board's address of the device, only this counter uses it, and it is started
                // once.
                unsafe { $start }
            }

            fn frames() -> $crate::Frames {
                use core::sync::atomic::{AtomicBool, Ordering};
                static TAKEN: AtomicBool = AtomicBool::new(false);
                // Whoever comes second has no memory for frames.
                let is_first = !TAKEN.swap(true, Ordering::Relaxed);
                let (address, bytes) = facts::FRAME;
                // SAFETY: this is RAM that no other fact names, it is taken once, and the host writes to it only between
                // requests.
                unsafe { $crate::Frames::new((address, if is_first { bytes } else { 0 })) }
            }

            fn images() -> [&'static [u8]; 2] {
                // SAFETY: these are memories of the machine that the program does not write to.
                facts::IMAGES.map(|memory| unsafe { $crate::programs::cortex::mapped::bytes(memory) })
            }
        }
    };
}
