//! UART0 on GP0 and GP1: 115,200 bits per second, 8 bits, no parity. (RP2350 data sheet, section 12.1.)

use core::mem;

use chips::line::{Line, Rings};
use embassy_rp::interrupt::{self, InterruptExt as _, Priority};
use embassy_rp::pac::uart::regs::Uarticr;
use embassy_rp::pac::{PADS_BANK0, UART0};
use embassy_rp::uart::{Config, Uart};
use embassy_rp::{Peri, peripherals};

const BITS_A_SECOND: u32 = 115_200;
/// The number of the pin that receives.
const RECEIVE_PIN: usize = 1;
/// The FIFO calls when half of it is full, or half of it is empty.
const HALF: u8 = 0b010;

static RINGS: Rings = Rings::new();

/// Turns the UART on.
pub fn start(
    uart: Peri<'static, peripherals::UART0>,
    send: Peri<'static, peripherals::PIN_0>,
    receive: Peri<'static, peripherals::PIN_1>,
) -> Line {
    let mut config = Config::default();
    config.baudrate = BITS_A_SECOND;
    // It stays on for ever; from here on the interrupt moves its bytes.
    mem::forget(Uart::new_blocking(uart, send, receive, config));
    // Without a controller the line rests, and does not float.
    PADS_BANK0.gpio(RECEIVE_PIN).modify(|w| w.set_pue(true));
    UART0.uartifls().write(|w| {
        w.set_rxiflsel(HALF);
        w.set_txiflsel(HALF);
    });
    UART0.uartimsc().write(|w| {
        w.set_rxim(true);
        // Bytes that do not fill half of the FIFO call after a pause.
        w.set_rtim(true);
        w.set_txim(true);
    });
    interrupt::UART0_IRQ.set_priority(Priority::P2);
    enable();
    Line::new(&RINGS, || interrupt::UART0_IRQ.pend())
}

#[allow(unsafe_code)]
fn enable() {
    // SAFETY: the interrupt's function is below, and what it uses is there.
    unsafe { interrupt::UART0_IRQ.enable() };
}

#[embassy_rp::interrupt]
fn UART0_IRQ() {
    let mut clear = Uarticr(0);
    clear.set_rxic(true);
    clear.set_rtic(true);
    clear.set_txic(true);
    UART0.uarticr().write_value(clear);
    while !UART0.uartfr().read().rxfe() {
        // Without room a byte is lost, as it is when the FIFO overruns. What was lost, a checksum tells.
        let _ = RINGS.received.push(UART0.uartdr().read().data());
    }
    while !UART0.uartfr().read().txff()
        && let Some(byte) = RINGS.sent.pop()
    {
        UART0.uartdr().write(|w| w.set_data(byte));
    }
}
