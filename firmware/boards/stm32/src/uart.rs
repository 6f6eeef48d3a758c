//! USART1: 115,200 bits per second, 8 bits, no parity.

use core::mem;

use chips::line::{Line, Rings};
use embassy_stm32::interrupt::{Interrupt, InterruptExt as _, Priority};
use embassy_stm32::pac::USART1;
use embassy_stm32::pac::usart::regs::Icr;
use embassy_stm32::usart::{Config, ConfigError, RxPin, TxPin, Uart};
use embassy_stm32::{Peri, interrupt, peripherals};

const BITS_A_SECOND: u32 = 115_200;

static RINGS: Rings = Rings::new();

/// The line. Before [`start`] nothing moves its bytes.
pub const fn line() -> Line {
    Line::new(&RINGS, || Interrupt::USART1.pend())
}

/// Turns the UART on.
///
/// # Errors
/// Never with these clocks.
pub fn start(
    uart: Peri<'static, peripherals::USART1>,
    receive: Peri<'static, impl RxPin<peripherals::USART1>>,
    send: Peri<'static, impl TxPin<peripherals::USART1>>,
) -> Result<Line, ConfigError> {
    let mut config = Config::default();
    config.baudrate = BITS_A_SECOND;
    let uart = Uart::new_blocking(uart, receive, send, config)?;
    // It stays on for ever; from here on the interrupt moves its bytes.
    mem::forget(uart);
    USART1.cr1().modify(|w| w.set_rxneie(true));
    Interrupt::USART1.set_priority(Priority::P6);
    enable();
    Ok(line())
}

#[allow(unsafe_code)]
fn enable() {
    // SAFETY: the interrupt's function is below, and what it uses is there.
    unsafe { Interrupt::USART1.enable() };
}

#[interrupt]
fn USART1() {
    let state = USART1.isr().read();
    // An overrun would keep the interrupt pending. What was lost, a checksum tells.
    let mut clear = Icr(0);
    clear.set_ore(state.ore());
    clear.set_fe(state.fe());
    clear.set_ne(state.ne());
    USART1.icr().write_value(clear);
    while USART1.isr().read().rxne() {
        // Without room a byte is lost: a row of pixels that comes while a page is erased. Its checksum tells, and it is asked for again.
        let _ = RINGS.received.push(USART1.rdr().read().dr() as u8);
    }
    while USART1.isr().read().txe()
        && let Some(byte) = RINGS.sent.pop()
    {
        USART1.tdr().write(|w| w.set_dr(byte.into()));
    }
    USART1.cr1().modify(|w| w.set_txeie(!RINGS.sent.is_empty()));
}
