//! The firmware: serves the link for ever and reports a panic over it.

use core::panic::PanicInfo;

use app::port::Port;
use app::serve::{About, Meter as _, serve};
use cortex::stack;

use crate::{Board, Gauges, load};

/// Runs the recogniser for ever.
pub fn run<B: Board>(arena: &mut [u8]) -> ! {
    stack::paint();
    let mut port = Port::new(B::stream());
    let mut gauges = Gauges(B::counter());
    let mut frames = B::frames();
    let recogniser = load::<B>(arena);
    let about = About { board: B::NAME, start_instructions: gauges.instructions() };
    loop {
        // The stream may recover, so the next request starts anew.
        serve(&about, &recogniser, arena, &mut port, &mut gauges, &mut frames);
    }
}

/// Tells the host why the board stopped, then stops.
pub fn report_panic<B: Board>(info: &PanicInfo<'_>) -> ! {
    let _ = Port::new(B::stream()).send_stop(info);
    cortex::stop()
}
