//! Text over the UART, and the end of a program that QEMU ends with.

use core::fmt;

use embedded_io::Write as _;

use crate::Machine;
use crate::uart::Uart;

/// A place for text.
pub struct Console(Uart);

impl Console {
    /// Over the machine's UART.
    ///
    /// # Safety
    /// The machine's addresses are what they say, and nothing else uses its UART.
    pub unsafe fn new(machine: &Machine) -> Self {
        // SAFETY: passed on to the caller.
        Console(unsafe { Uart::new(machine.uart) })
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// Semihosting's `SYS_EXIT_EXTENDED`, and its reason for a program that ends by itself.
const EXIT: u32 = 0x20;
const APPLICATION_EXIT: u32 = 0x2_0026;

/// Ends the emulator, which must run with semihosting, with this exit code.
///
/// # Safety
/// Something answers semihosting calls: QEMU with `-semihosting`, or a debugger.
pub unsafe fn exit(code: u32) -> ! {
    let arguments = [APPLICATION_EXIT, code];
    loop {
        // SAFETY: passed on to the caller; the arguments are those of the call.
        unsafe { cortex_m::asm::semihosting_syscall(EXIT, arguments.as_ptr() as u32) };
    }
}
