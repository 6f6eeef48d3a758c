//! The firmware: the link is served for ever, and a panic is told over it.

use core::panic::PanicInfo;

use app::link::Link;
use app::protocol::Reply;
use app::serve::{serve, text};
use cortex::stack;

use crate::{Board, Gauges, Room, load};

/// Runs the recogniser for ever.
pub fn run<B: Board, const N: usize>(arena: &mut [u8], room: &'static mut Room<N>) -> ! {
    stack::paint();
    let mut link = Link::new(B::stream());
    let mut gauges = Gauges(B::counter());
    let recogniser = load::<B, N>(room);
    loop {
        // A stream that fails may work again: the next request starts anew.
        let _ = serve(B::NAME, recogniser, arena, &mut link, &mut gauges);
    }
}

/// Tells the other side of the link why the board stopped, and stops.
pub fn report_panic<B: Board>(info: &PanicInfo<'_>) -> ! {
    let mut link = Link::new(B::stream());
    let _ = link.resynchronise();
    let _ = link.send(&Reply::Failed(text(info)));
    cortex::stop()
}
