//! The CMSDK UART, polled. (Arm Cortex-M System Design Kit TRM, DDI 0479, section 4.3.)
#![allow(unsafe_code)]

use core::convert::Infallible;
use core::ptr;

use embedded_io::{ErrorType, Read, ReadReady, Write};

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const BAUDDIV: usize = 0x10;

const STATE_SEND_FULL: u32 = 1 << 0;
const STATE_RECEIVE_FULL: u32 = 1 << 1;
const CTRL_SEND_AND_RECEIVE: u32 = 0b11;

/// Smallest divider that the UART accepts, which is the highest speed.
const DIVIDER: u32 = 16;

/// A UART.
pub struct Uart {
    base: usize,
}

impl Uart {
    /// Turns the UART on.
    ///
    /// # Safety
    /// `base` is the address of a CMSDK UART that nothing else uses.
    pub unsafe fn new(base: usize) -> Self {
        let mut uart = Uart { base };
        uart.write_register(BAUDDIV, DIVIDER);
        uart.write_register(CTRL, CTRL_SEND_AND_RECEIVE);
        uart
    }

    fn read_register(&self, offset: usize) -> u32 {
        // SAFETY: a register of the UART that `new` was promised.
        unsafe { ptr::read_volatile((self.base + offset) as *const u32) }
    }

    fn write_register(&mut self, offset: usize, value: u32) {
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
        while self.read_register(STATE) & STATE_RECEIVE_FULL == 0 {}
        *byte = self.read_register(DATA) as u8;
        Ok(1)
    }
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.read_register(STATE) & STATE_RECEIVE_FULL != 0)
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
