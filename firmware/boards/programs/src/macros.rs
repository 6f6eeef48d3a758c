//! The entry points of every program.

/// The firmware of a [`Board`](crate::Board).
#[macro_export]
macro_rules! firmware {
    ($board:ty) => {
        #[$crate::cortex_m_rt::entry]
        fn main() -> ! {
            static mut ARENA: $crate::nn::Arena<{ <$board as $crate::Board>::ARENA_BYTES }> =
                $crate::nn::Arena::new();
            $crate::run::<$board>(&mut ARENA.0)
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::report_panic::<$board>(info)
        }
    };
}

/// A device on a [`DoorBoard`](crate::DoorBoard): it sees, remembers and opens.
#[macro_export]
macro_rules! door {
    ($board:ty) => {
        $crate::door_program!($board, $crate::run_door::<$board>);
    };
}

/// A program that is linked and not run: it hands bytes from outside to everything that takes such, so that whatever can
/// panic on a [`DoorBoard`](crate::DoorBoard) is in it.
#[macro_export]
macro_rules! probe {
    ($board:ty) => {
        $crate::door_program!($board, $crate::probe::<$board>);
    };
}

/// A device on a [`DoorBoard`](crate::DoorBoard) that opens the door and panics when the button is pressed.
#[macro_export]
macro_rules! crash {
    ($board:ty) => {
        $crate::door_program!($board, |_, _| $crate::run_crash::<$board>());
    };
}

/// A device on a [`DoorBoard`](crate::DoorBoard) that opens the door and lets its stack overflow when the button is pressed.
#[macro_export]
macro_rules! overflow {
    ($board:ty) => {
        $crate::door_program!($board, |_, _| $crate::run_overflow::<$board>());
    };
}

/// A program that runs a function for ever with the memories of a device, and closes the door when it panics, when the core
/// faults, and when an interrupt comes that nobody expects.
#[doc(hidden)]
#[macro_export]
macro_rules! door_program {
    ($board:ty, $function:expr) => {
        #[$crate::cortex_m_rt::entry]
        fn main() -> ! {
            static mut ARENA: $crate::nn::Arena<{ <$board as $crate::Board>::ARENA_BYTES }> =
                $crate::nn::Arena::new();
            static mut INBOX: $crate::app::device::Inbox = $crate::app::device::Inbox::new();
            ($function)(&mut ARENA.0, INBOX)
        }

        #[panic_handler]
        fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::stop_door::<$board>()
        }

        $crate::cortex::faults!($crate::stop_door::<$board>);
    };
}

/// A program that counts the instructions of an embedding (layer by layer) and of matching on a
/// [`Board`](crate::Board), and embeds the pictures behind its image ([`app::pictures`]).
#[macro_export]
macro_rules! bench {
    ($board:ty) => {
        $crate::once!($board, $crate::bench::<$board>);
    };
}

/// A program that counts the instructions of people in the store of a [`DoorBoard`](crate::DoorBoard).
#[macro_export]
macro_rules! remembered {
    ($board:ty) => {
        $crate::once!($board, $crate::remembered::<$board>);
    };
}

/// A program that counts the instructions of a session on the link on a [`Board`](crate::Board).
#[macro_export]
macro_rules! session {
    ($board:ty) => {
        $crate::once!($board, $crate::session::<$board>);
    };
}

/// A program that runs the battery of kernel cases on a [`Board`](crate::Board): the fixed ones and `$cases` random ones of each kind.
/// The crate `cases` must be among the dependencies.
#[macro_export]
macro_rules! battery {
    ($board:ty, $cases:literal) => {
        fn battery<O>(
            _arena: &mut [u8],
            _counts: &mut $crate::Counts,
            _out: &mut O,
        ) -> Result<::cases::Counts, ::cases::Failure> {
            ::cases::run_chosen($cases)
        }

        $crate::once!($board, battery);
    };
}

/// A program that runs a function once, prints its `Result` and ends with exit code 0 or 1, 2 after a panic or 3 after a fault. The
/// function receives the arena, memory for counts and a writer of text.
#[doc(hidden)]
#[macro_export]
macro_rules! once {
    ($board:ty, $function:expr) => {
        #[$crate::cortex_m_rt::entry]
        fn main() -> ! {
            static mut ARENA: $crate::nn::Arena<{ <$board as $crate::Board>::ARENA_BYTES }> =
                $crate::nn::Arena::new();
            static mut COUNTS: $crate::Counts = $crate::NO_COUNTS;
            use core::fmt::Write as _;
            let mut out = $crate::Console(<$board as $crate::Board>::stream());
            let result = $function(&mut ARENA.0, COUNTS, &mut out);
            let _ = writeln!(out, "{result:?}");
            $crate::cortex::semihosting::exit(result.is_err().into())
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            use core::fmt::Write as _;
            let _ = writeln!($crate::Console(<$board as $crate::Board>::stream()), "{info}");
            $crate::cortex::semihosting::exit(2)
        }

        fn faulted() -> ! {
            use core::fmt::Write as _;
            let _ = writeln!($crate::Console(<$board as $crate::Board>::stream()), "the core has faulted");
            $crate::cortex::semihosting::exit(3)
        }

        $crate::cortex::faults!(faulted);
    };
}
