//! The programs of every board, over what a [`Board`] is: no address, no device and no emulator is known here.
//!
//! * [`firmware!`] serves the link for ever with the board's image.
//! * [`bench!`] counts the instructions of an embedding and prints them.
//! * [`battery!`] runs the kernels' cases and prints how many there were.
//!
//! The last two run once: something answers semihosting, such as QEMU, and takes their exit code.
#![no_std]

mod bench;
mod console;
mod firmware;
mod macros;

use core::mem::MaybeUninit;

use app::serve::Meter;
use app::{Recogniser, StartError};
use embedded_io::{Read, Write};

#[doc(hidden)]
pub use bench::bench;
#[doc(hidden)]
pub use console::Console;
#[doc(hidden)]
pub use firmware::{report_panic, run};
#[doc(hidden)]
pub use {cortex, cortex_m_rt, nn};

/// A board: its facts, and its devices as drivers.
pub trait Board {
    /// Its name.
    const NAME: &'static str;
    /// RAM for the network's rows, bytes.
    const ARENA_BYTES: usize;
    /// Most layers of a network.
    const LAYERS: usize;

    /// The byte stream of the link, also of text.
    type Stream: Read + Write;
    /// What counts instructions.
    type Counter: Counter;

    /// Opens the stream. Called once at start, and once more after a panic.
    fn stream() -> Self::Stream;

    /// Starts the counter. Called once.
    fn counter() -> Self::Counter;

    /// The memories that an image may lie in, the first to be looked in first: internal and external flash.
    fn images() -> [&'static [u8]; 2];
}

/// Counts what a board executes.
pub trait Counter {
    /// Instructions since the start, or cycles where those are what is counted.
    fn instructions(&self) -> u64;
}

/// Room for what a board makes of its image, which is large for a stack.
#[doc(hidden)]
pub type Room<const N: usize> = MaybeUninit<Result<Recogniser<'static, N>, StartError>>;

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

/// Checks the board's image.
// Not inlined, so that the stack it takes is free again when it returns.
#[inline(never)]
fn load<B: Board, const N: usize>(
    room: &'static mut Room<N>,
) -> &'static Result<Recogniser<'static, N>, StartError> {
    let [internal, external] = B::images();
    let image = if internal.starts_with(&format::header::MAGIC) { internal } else { external };
    room.write(Recogniser::new(image))
}
