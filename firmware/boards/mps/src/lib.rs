//! What the boards on Arm's MPS2 and MPS3 platforms share, which QEMU emulates.
//!
//! [`run`] is the whole program: it takes a [`Machine`], checks the image where the machine has it, and serves the link
//! over the machine's UART.
#![no_std]

mod bench;
mod console;
mod counter;
mod programs;
mod stack;
mod uart;

use core::mem::MaybeUninit;
use core::panic::PanicInfo;

use app::port::Port;
use app::serve::{About, Meter, serve};
use app::{Recogniser, StartError};
use nn::Arena;

pub use bench::{BenchError, bench};
pub use console::{Console, exit};
pub use counter::Counter;
use uart::Uart;

/// Most layers of a network that these boards have room for.
pub const MAX_LAYERS: usize = 128;

/// Memory for networks: more than any usual one needs.
pub type BoardArena = Arena<{ 1 << 20 }>;

/// Here because it is large for a stack.
static mut RECOGNISER: MaybeUninit<Result<Recogniser<'static, MAX_LAYERS>, StartError>> =
    MaybeUninit::uninit();

/// A machine: where things are.
#[derive(Clone, Copy)]
pub struct Machine {
    /// Name of the board.
    pub name: &'static str,
    /// Address of the CMSDK UART the link runs over.
    pub uart: usize,
    /// Address and length of the memories an image may lie in, the first to be looked in first: internal and external
    /// flash.
    pub images: [(usize, usize); 2],
    /// What counts instructions.
    pub counter: Counter,
}

struct Gauges(Counter);

impl Meter for Gauges {
    fn instructions(&mut self) -> u64 {
        self.0.instructions()
    }

    fn stack_bytes(&mut self) -> u32 {
        stack::high_water_bytes()
    }
}

/// Runs the recogniser for ever.
///
/// # Safety
/// The machine's addresses are what they say, and nothing else uses them. Called once.
pub unsafe fn run(machine: Machine, arena: &'static mut BoardArena) -> ! {
    stack::paint();
    // SAFETY: passed on to the caller.
    let mut port = unsafe { open(&machine) };
    let mut gauges = Gauges(machine.counter);
    gauges.0.start();
    // SAFETY: passed on to the caller.
    let recogniser = unsafe { load(&machine) };
    let about = About { board: machine.name, start_instructions: gauges.instructions() };
    loop {
        // A UART never fails; were it to, the next request starts anew.
        serve(&about, recogniser, &mut arena.0, &mut port, &mut gauges);
    }
}

/// Checks the machine's image.
///
/// # Safety
/// As [`run`].
// Not inlined, so that the stack it takes is free again when it returns.
#[inline(never)]
unsafe fn load(machine: &Machine) -> &'static Result<Recogniser<'static, MAX_LAYERS>, StartError> {
    // SAFETY: passed on to the caller; this is called once, and nothing else uses the static.
    unsafe { (*&raw mut RECOGNISER).write(Recogniser::new(image(machine))) }
}

/// The memory that begins with the machine's image.
///
/// # Safety
/// As [`run`].
unsafe fn image(machine: &Machine) -> &'static [u8] {
    let [internal, external] = machine.images.map(|(address, bytes)| {
        // SAFETY: passed on to the caller; memory that nothing writes to.
        unsafe { core::slice::from_raw_parts(address as *const u8, bytes) }
    });
    if internal.starts_with(&format::header::MAGIC) { internal } else { external }
}

/// # Safety
/// As [`run`].
unsafe fn open(machine: &Machine) -> Port<Uart> {
    // SAFETY: passed on to the caller.
    Port::new(unsafe { Uart::new(machine.uart) })
}

/// Tells the other side of the link why the board stopped, and stops.
///
/// # Safety
/// As [`run`]; whoever used the UART before is not running any more.
pub unsafe fn report_panic(machine: &Machine, info: &PanicInfo<'_>) -> ! {
    // SAFETY: passed on to the caller.
    let mut port = unsafe { open(machine) };
    let _ = port.send_stop(info);
    loop {
        cortex_m::asm::wfi();
    }
}
