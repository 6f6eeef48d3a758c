//! What every program begins and ends with.

/// The firmware of a [`Board`](crate::Board).
#[macro_export]
macro_rules! firmware {
    ($board:ty) => {
        #[$crate::cortex_m_rt::entry]
        fn main() -> ! {
            static mut ARENA: $crate::nn::Arena<{ <$board as $crate::Board>::ARENA_BYTES }> =
                $crate::nn::Arena::new();
            static mut ROOM: $crate::Room<{ <$board as $crate::Board>::LAYERS }> = $crate::Room::uninit();
            $crate::run::<$board, _>(&mut ARENA.0, ROOM)
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::report_panic::<$board>(info)
        }
    };
}

/// A program that counts the instructions of an embedding on a [`Board`](crate::Board), layer by layer, and of matching it.
#[macro_export]
macro_rules! bench {
    ($board:ty) => {
        $crate::once!($board, $crate::bench::<$board, _>);
    };
}

/// A program that runs the battery of kernel cases on a [`Board`](crate::Board), some seconds of QEMU. The crate `cases` must
/// be among the dependencies.
#[macro_export]
macro_rules! battery {
    ($board:ty) => {
        fn battery<O, const N: usize>(
            _arena: &mut [u8],
            _room: &'static mut $crate::Room<N>,
            _out: &mut O,
        ) -> Result<u32, ::cases::Failure> {
            ::cases::run::<::cases::Chosen>(4000)
        }

        $crate::once!($board, battery);
    };
}

/// A program that runs a function once, prints the `Result` it gives, and ends with exit code 0 or 1, or 2 after a panic. The
/// function gets the arena, room for the image's network, and a place for text.
#[doc(hidden)]
#[macro_export]
macro_rules! once {
    ($board:ty, $function:expr) => {
        #[$crate::cortex_m_rt::entry]
        fn main() -> ! {
            // First of all, so that `entry` hands them over as references.
            static mut ARENA: $crate::nn::Arena<{ <$board as $crate::Board>::ARENA_BYTES }> =
                $crate::nn::Arena::new();
            static mut ROOM: $crate::Room<{ <$board as $crate::Board>::LAYERS }> = $crate::Room::uninit();
            use core::fmt::Write as _;
            let mut out = $crate::Console(<$board as $crate::Board>::stream());
            let result = $function(&mut ARENA.0, ROOM, &mut out);
            let _ = writeln!(out, "{result:?}");
            $crate::cortex::semihosting::exit(result.is_err().into())
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            use core::fmt::Write as _;
            let _ = writeln!($crate::Console(<$board as $crate::Board>::stream()), "{info}");
            $crate::cortex::semihosting::exit(2)
        }
    };
}
