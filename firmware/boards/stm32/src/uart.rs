//! UARTs: 115,200 bits per second, 8 bits, no parity.

/// A UART: a module of its name.
macro_rules! uart {
    ($(#[$about:meta])* $name:ident, $peripheral:ident) => {
        $(#[$about])*
        pub mod $name {
            use core::mem;

            use chips::line::{Line, Rings};
            use embassy_stm32::interrupt::{Interrupt, InterruptExt as _, Priority};
            use embassy_stm32::pac::usart::regs::Icr;
            use embassy_stm32::usart::{Config, ConfigError, RxPin, TxPin, Uart};
            use embassy_stm32::{Peri, interrupt, pac, peripherals};

            const BITS_A_SECOND: u32 = 115_200;

            static RINGS: Rings = Rings::new();

            /// The line. Before [`start`] nothing moves its bytes.
            pub const fn line() -> Line {
                Line::new(&RINGS, || Interrupt::$peripheral.pend())
            }

            /// Turns the UART on.
            ///
            /// # Errors
            /// Never with these clocks.
            pub fn start(
                uart: Peri<'static, peripherals::$peripheral>,
                receive: Peri<'static, impl RxPin<peripherals::$peripheral>>,
                send: Peri<'static, impl TxPin<peripherals::$peripheral>>,
            ) -> Result<Line, ConfigError> {
                let mut config = Config::default();
                config.baudrate = BITS_A_SECOND;
                let uart = Uart::new_blocking(uart, receive, send, config)?;
                // It stays on for ever; from here on the interrupt moves its bytes.
                mem::forget(uart);
                pac::$peripheral.cr1().modify(|w| w.set_rxneie(true));
                Interrupt::$peripheral.set_priority(Priority::P6);
                enable();
                Ok(line())
            }

            #[allow(unsafe_code)]
            fn enable() {
                // SAFETY: the interrupt's function is below, and what it uses is there.
                unsafe { Interrupt::$peripheral.enable() };
            }

            #[interrupt]
            fn $peripheral() {
                let registers = pac::$peripheral;
                let state = registers.isr().read();
                // An overrun would keep the interrupt pending. What was lost, a checksum tells.
                let mut clear = Icr(0);
                clear.set_ore(state.ore());
                clear.set_fe(state.fe());
                clear.set_ne(state.ne());
                registers.icr().write_value(clear);
                while registers.isr().read().rxne() {
                    // Without room a byte is lost: a row of pixels that comes while a page is erased. Its checksum tells, and it is asked for
                    // again.
                    let _ = RINGS.received.push(registers.rdr().read().dr() as u8);
                }
                while registers.isr().read().txe()
                    && let Some(byte) = RINGS.sent.pop()
                {
                    registers.tdr().write(|w| w.set_dr(byte.into()));
                }
                registers.cr1().modify(|w| w.set_txeie(!RINGS.sent.is_empty()));
            }
        }
    };
}

uart!(
    /// USART1.
    usart1, USART1
);
#[cfg(feature = "n6")]
uart!(
    /// USART3.
    usart3, USART3
);
