//! The CMSDK UART: polled, and its interrupt only wakes a core that waits. (Arm Cortex-M System Design Kit TRM, DDI 0479, section 4.3.)
#![allow(unsafe_code)]

use core::convert::Infallible;
use core::ptr;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB};
use cortex_m::{Peripherals, asm, interrupt};
use embedded_io::{ErrorType, Read, ReadReady, Write};

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
/// Pending interrupts. Writing a 1 clears one.
const INTERRUPTS: usize = 0x0c;
const BAUDDIV: usize = 0x10;

const STATE_SEND_FULL: u32 = 1 << 0;
const STATE_RECEIVE_FULL: u32 = 1 << 1;
const CTRL_SEND_AND_RECEIVE: u32 = 0b11;
const CTRL_RECEIVE_INTERRUPT: u32 = 1 << 3;
const INTERRUPT_RECEIVED: u32 = 1 << 1;

/// Smallest divider that the UART accepts, which is the highest speed.
const DIVIDER: u32 = 16;

/// How often [`Uart::read`] looks for a byte before it stops the core: a core that looks all the time keeps a whole processor of the
/// computer busy, and one that is stopped for each byte takes longer for it.
const PATIENCE: u32 = 2_000;

/// A UART.
pub struct Uart {
    base: usize,
    received: Received,
}

impl Uart {
    /// Turns the UART on. `received` is the number of the interrupt with which it receives.
    ///
    /// # Safety
    /// `base` is the address of a CMSDK UART that nothing else uses, and `received` no other device's interrupt.
    pub unsafe fn new(base: usize, received: u16) -> Self {
        let uart = Uart { base, received: Received(received) };
        uart.write_register(BAUDDIV, DIVIDER);
        uart.write_register(CTRL, CTRL_SEND_AND_RECEIVE);
        uart
    }

    fn read_register(&self, offset: usize) -> u32 {
        // SAFETY: a register of the UART that `new` was promised.
        unsafe { ptr::read_volatile((self.base + offset) as *const u32) }
    }

    fn has_received(&self) -> bool {
        self.read_register(STATE) & STATE_RECEIVE_FULL != 0
    }

    fn write_register(&self, offset: usize, value: u32) {
        // SAFETY: a register of the UART that `new` was promised.
        unsafe { ptr::write_volatile((self.base + offset) as *mut u32, value) }
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(byte) = buffer.first_mut() else { return Ok(0) };
        let mut polls = 0;
        while !self.has_received() {
            polls += 1;
            if polls > PATIENCE {
                interrupt::free(|_| wait([self]));
            }
        }
        *byte = self.read_register(DATA) as u8;
        Ok(1)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_received())
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        let Some(&byte) = buffer.first() else { return Ok(0) };
        while self.read_register(STATE) & STATE_SEND_FULL != 0 {}
        self.write_register(DATA, byte as u32);
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// The interrupt with which a UART receives.
#[derive(Clone, Copy)]
struct Received(u16);

// SAFETY: the number is that of an interrupt, from `board.toml`, and does not change.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        self.0
    }
}

/// Ticks of SysTick in a millisecond.
const MS_TICKS: u32 = 25_000;

/// Rests until one of these UARTs has a byte; for at most a millisecond. No interrupt is served: one that is pending wakes the core.
pub fn rest(uarts: [&Uart; 2]) {
    interrupt::free(|_| {
        // SAFETY: where a device rests nothing else uses SysTick, and nobody else is running.
        let Peripherals { mut SYST, .. } = unsafe { Peripherals::steal() };
        SYST.set_clock_source(SystClkSource::Core);
        SYST.set_reload(MS_TICKS - 1);
        SYST.clear_current();
        SYST.enable_counter();
        SYST.enable_interrupt();
        wait(uarts);
        SYST.disable_interrupt();
        SYST.disable_counter();
        SCB::clear_pendst();
    });
}

/// Stops the core until one of these UARTs has a byte, or an interrupt is pending. Interrupts are off.
fn wait<const N: usize>(uarts: [&Uart; N]) {
    for uart in uarts {
        uart.write_register(INTERRUPTS, INTERRUPT_RECEIVED);
        uart.write_register(CTRL, CTRL_SEND_AND_RECEIVE | CTRL_RECEIVE_INTERRUPT);
        // SAFETY: interrupts are off. It is masked again before they are on.
        unsafe { NVIC::unmask(uart.received) };
    }
    if !uarts.iter().any(|uart| uart.has_received()) {
        asm::wfi();
    }
    for uart in uarts {
        NVIC::mask(uart.received);
        uart.write_register(CTRL, CTRL_SEND_AND_RECEIVE);
        uart.write_register(INTERRUPTS, INTERRUPT_RECEIVED);
        NVIC::unpend(uart.received);
    }
}
