//! What every program of these boards begins and ends with.

/// The firmware of a [`Machine`](crate::Machine): entry point, arena, panic handler.
#[macro_export]
macro_rules! firmware {
    ($machine:expr) => {
        static mut ARENA: $crate::BoardArena = $crate::BoardArena::new();

        #[cortex_m_rt::entry]
        fn main() -> ! {
            let arena = &raw mut ARENA;
            // SAFETY: the addresses are the machine's; this is the only use of the arena, once.
            unsafe { $crate::run($machine, &mut *arena) }
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            // SAFETY: the addresses are the machine's; the program has stopped.
            unsafe { $crate::report_panic(&$machine, info) }
        }
    };
}

/// A program that runs once in QEMU with semihosting and ends with exit code 0 or 1, or 2 after a panic. The function
/// gets the machine, the arena and a console, and gives a `Result`.
#[macro_export]
macro_rules! program {
    ($machine:expr, $run:expr) => {
        static mut ARENA: $crate::BoardArena = $crate::BoardArena::new();

        #[cortex_m_rt::entry]
        fn main() -> ! {
            use core::fmt::Write as _;
            let arena = &raw mut ARENA;
            // SAFETY: the addresses are the machine's; this is the only use of the arena, once; QEMU answers
            // semihosting.
            unsafe {
                let mut console = $crate::Console::new(&$machine);
                let result = $run(&$machine, &mut *arena, &mut console);
                let _ = writeln!(console, "{result:?}");
                $crate::exit(result.is_err().into())
            }
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            use core::fmt::Write as _;
            // SAFETY: the addresses are the machine's; the program has stopped; QEMU answers semihosting.
            unsafe {
                let _ = writeln!($crate::Console::new(&$machine), "{info}");
                $crate::exit(2)
            }
        }
    };
}
