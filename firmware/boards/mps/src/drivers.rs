//! Drivers common to the emulated boards. Only the counter differs between the boards.

/// Implements [`programs::Board`] for a board of Arm's MPS platforms from the facts in its `board.toml`. `counter` is
/// the type that counts instructions; `start` starts it.
#[macro_export]
macro_rules! drivers {
    ($board:ty, $facts:path, $counter:ty, $start:expr) => {
        use $facts as facts;

        const _: () = assert!(
            $crate::programs::keeps_limits(facts::LAYERS, facts::ROW_BYTES),
            "the limits of board.toml"
        );

        impl $crate::programs::Board for $board {
            const NAME: &'static str = facts::NAME;
            const ARENA_BYTES: usize = facts::ARENA_BYTES;

            type Stream = $crate::Uart;
            type Counter = $counter;
            type Frames = $crate::Frames;

            fn stream() -> $crate::Uart {
                // SAFETY: these are the UART's address and interrupt, and any earlier owner of the UART no longer runs.
                unsafe { $crate::Uart::new(facts::UART, facts::UART_INTERRUPT) }
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

/// Implements [`programs::DoorBoard`] for a board of [`drivers!`](crate::drivers) that has a store, a watchdog, a second UART and
/// the counter [`Timer`](crate::Timer).
#[macro_export]
macro_rules! door_drivers {
    ($board:ty, $facts:path) => {
        const _: () = {
            use $crate::door::{self, Clock, Emulated, Memories, Random, Watchdog};
            use $facts as facts;

            const _: () = assert!(facts::STORE.1 >= door::STORE_BYTES, "room for the simulated flash");

            fn memories() -> Memories {
                // SAFETY: these are RAM that no other fact names. The board's `frames` are not opened by a door.
                unsafe { Memories::new(facts::FRAME, facts::STORE, facts::SLOTS) }
            }

            fn instructions() -> u64 {
                static CLOCK: Clock = Clock::new();
                // SAFETY: the timer was started by `platform`, and is only read.
                let timer = unsafe { $crate::Timer::started(facts::TIMER) };
                CLOCK.ticks(timer.ticks()) * $crate::Timer::TICK
            }

            impl $crate::programs::DoorBoard for $board {
                type Platform = Emulated<$crate::Uart>;
                type Flash = $crate::programs::store::sim::Flash<'static, { door::WORD }, { door::PAGE }>;

                const FLASH_CYCLES: u32 = facts::STORE_CYCLES;
                const FRAME_BYTES: usize = facts::FRAME.1 - $crate::programs::app::device::mailbox::BYTES;

                fn platform() -> (Self::Platform, [[u8; 32]; 2]) {
                    // SAFETY: this is the address of the board's timer, which is started once.
                    let _ = unsafe { $crate::Timer::start(facts::TIMER) };
                    let mut random = Random::new(memories());
                    let kept = memories().keys(&mut random);
                    // With other keys a store that is sealed says so, and stays as it is.
                    let keys = kept.unwrap_or_else(|_| [random.draw(), random.draw()]);
                    // SAFETY: this is the address of the board's watchdog.
                    let watchdog = unsafe { Watchdog::start(facts::WATCHDOG) };
                    let stream = <$board as $crate::programs::Board>::stream();
                    // SAFETY: these are the address and interrupt of the second UART, which only the device uses.
                    let second = unsafe { $crate::Uart::new(facts::FRONT, facts::FRONT_INTERRUPT) };
                    (Emulated::new(stream, second, memories(), random, watchdog, instructions), keys)
                }

                fn flash() -> (Self::Flash, $crate::programs::store::Layout) {
                    const {
                        assert!(facts::STORE_WORD == door::WORD);
                        let [log, half] = facts::STORE_PAGES;
                        assert!((log + 2 * half) as usize * door::PAGE == door::FLASH_BYTES);
                    }
                    let flash = memories().flash();
                    let [log_pages, half_pages] = facts::STORE_PAGES;
                    let layout = $crate::programs::store::Layout::in_flash(&flash, 0, log_pages, half_pages);
                    // The layout fits, as the tests of a device show.
                    (flash, layout.unwrap_or_else(|_| $crate::programs::cortex::stop()))
                }

                fn blank_flash() -> (Self::Flash, $crate::programs::store::Layout) {
                    memories().erase();
                    Self::flash()
                }

                fn slot(is_second: bool) -> &'static [u8] {
                    memories().slot(is_second)
                }

                fn maker_key() -> Option<[u8; 32]> {
                    memories().maker_key()
                }

                fn now_ms() -> u64 {
                    instructions() / 1_000_000
                }

                fn output_off() {
                    door::output_off(memories());
                }

                fn rest(platform: &mut Self::Platform) {
                    platform.rest();
                }
            }
        };
    };
}
