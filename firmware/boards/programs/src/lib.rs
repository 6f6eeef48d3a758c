//! The programs of every board. They see a board only through the trait [`Board`]: no address, device or emulator
//! appears here.
//!
//! * [`firmware!`] serves the link for ever with the board's image.
//! * [`bench!`] counts the instructions of an embedding and prints them.
//! * [`remembered!`] counts the instructions of people in a store and prints them.
//! * [`session!`] counts the instructions of a session on the link and prints them.
//! * [`battery!`] runs the kernels' cases and prints how many it ran.
//! * [`door!`] is a device that sees, remembers and opens.
//! * [`probe!`] is never run: it shows what can panic.
//! * [`crash!`] panics when its button is pressed, [`overflow!`] lets its stack overflow: they show what a device does then.
//!
//! [`bench!`], [`session!`] and [`battery!`] run once and end through semihosting (QEMU, for example), which takes their exit code.
#![no_std]

mod bench;
mod console;
mod door;
mod firmware;
mod macros;
mod probe;
mod remembered;
mod session;

use app::serve::Meter;
pub use app::sight::FrameSource;
use app::{Recogniser, StartError};
use embedded_io::{Read, Write};

#[doc(hidden)]
pub use bench::{Counts, NO_COUNTS, bench};
#[doc(hidden)]
pub use console::Console;
pub use door::DoorBoard;
#[doc(hidden)]
pub use door::{run_crash, run_door, run_overflow, stop_door};
#[doc(hidden)]
pub use firmware::{report_panic, run};
#[doc(hidden)]
pub use probe::probe;
#[doc(hidden)]
pub use remembered::remembered;
#[doc(hidden)]
pub use session::session;
#[doc(hidden)]
pub use {app, cortex, cortex_m_rt, format, heapless, link, nn, store};

/// A board: its facts, and its devices as drivers.
pub trait Board {
    /// Its name.
    const NAME: &'static str;
    /// RAM for the network's rows, bytes.
    const ARENA_BYTES: usize;

    /// The byte stream of the link and of printed text.
    type Stream: Read + Write;
    /// The instruction counter.
    type Counter: Counter;
    /// The memory for frames; [`app::sight::Blind`] for a board without one.
    type Frames: FrameSource;

    /// Opens the stream. Called once at start, and once more after a panic or a fault.
    fn stream() -> Self::Stream;

    /// Starts the counter. Called once.
    fn counter() -> Self::Counter;

    /// Opens the memory for frames. Called once.
    fn frames() -> Self::Frames;

    /// The memories that may hold an image, in the order in which they are searched: internal and external flash.
    fn images() -> [&'static [u8]; 2];
}

/// Whether a board can do what the limits of its `board.toml` promise: layers of a network, and bytes of a row over the link.
pub const fn keeps_limits(layers: usize, row_bytes: usize) -> bool {
    layers <= format::network::MAX_LAYERS && row_bytes <= link::MAX_ROW_BYTES
}

/// Counts the instructions that a board executes.
pub trait Counter {
    /// Instructions since start-up, or cycles on boards that count cycles.
    fn instructions(&self) -> u64;
}

/// A board's counter and its stack.
struct Gauges<C>(C);

impl<C: Counter> Meter for Gauges<C> {
    fn instructions(&mut self) -> u64 {
        self.0.instructions()
    }

    fn stack_bytes(&mut self) -> u32 {
        cortex::stack::high_water_bytes()
    }
}

/// The first memory that begins with an image.
fn image<B: Board>() -> &'static [u8] {
    let [internal, external] = B::images();
    if internal.starts_with(&format::header::MAGIC) { internal } else { external }
}

/// Checks the board's image, in its arena.
// Not inlined, so that its stack is free again when it returns.
#[inline(never)]
fn load<B: Board>(arena: &mut [u8]) -> Result<Recogniser<'static>, StartError> {
    Recogniser::new(image::<B>(), arena)
}

// The RAM that a board uses for an image, its networks and its matcher.
const _: () = assert!(size_of::<Recogniser<'_>>() <= 512 || size_of::<usize>() > 4);
