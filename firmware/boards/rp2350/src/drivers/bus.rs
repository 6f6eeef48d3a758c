//! The I²C bus of the camera's registers, with a limit of time: a wire that is held low, or a sensor that stretches the clock
//! for ever, is an error, after which the bus is freed.
#![allow(unsafe_code)]

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use chips::bus::{Freed, free};
use chips::wait::wait;
use embassy_rp::gpio::Level;
use embassy_rp::gpio::OutputOpenDrain;
use embassy_rp::i2c::{self, Async, Config, I2c};
use embassy_rp::pac::{IO_BANK0, PADS_BANK0};
use embassy_rp::peripherals::{I2C0, PIN_4, PIN_5};
use embassy_rp::{Peri, bind_interrupts};
use embassy_time::{Delay, Duration};
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, Operation};
use embedded_hal_async::i2c::I2c as Asynchronous;

const BUS_HZ: u32 = 100_000;
/// Longest transaction; the longest one of a sensor takes less than a millisecond.
const LIMIT: Duration = Duration::from_millis(50);
/// The pins' numbers, and the controller's function of them.
const PINS: [usize; 2] = [4, 5];
const FUNCTION: u8 = 3;

bind_interrupts!(struct Interrupts {
    I2C0_IRQ => i2c::InterruptHandler<I2C0>;
});

/// The bus. It is freed at its start, and after errors that are no answers.
pub type Bus = Freed<Limited, fn()>;

/// The bus on GP5 (clock) and GP4 (data), with the chip's pull-ups beside those of the module, if it has any.
pub fn open(bus: Peri<'static, I2C0>, clock: Peri<'static, PIN_5>, data: Peri<'static, PIN_4>) -> Bus {
    let mut config = Config::default();
    config.frequency = BUS_HZ;
    Freed::new(Limited(I2c::new_async(bus, clock, data, Interrupts, config)), recover)
}

/// Frees the bus by hand. The controller starts anew with each transaction.
fn recover() {
    // SAFETY: the bus has these pins, and does nothing now. They are given back below.
    let (data, clock) = unsafe { (PIN_4::steal(), PIN_5::steal()) };
    let mut data = OutputOpenDrain::new(data, Level::High);
    let mut clock = OutputOpenDrain::new(clock, Level::High);
    // A bus that stays stuck says so at the next transaction.
    let Ok(_) = free(&mut clock, &mut data, &mut Delay);
    drop((clock, data));
    for pin in PINS {
        IO_BANK0.gpio(pin).ctrl().write(|w| w.set_funcsel(FUNCTION));
        PADS_BANK0.gpio(pin).write(|w| {
            w.set_schmitt(true);
            w.set_ie(true);
            w.set_pue(true);
        });
    }
}

/// The controller, which gives up after a while.
pub struct Limited(I2c<'static, I2C0, Async>);

/// Why a transaction failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusError {
    /// As the controller says.
    Bus(i2c::Error),
    /// It took too long.
    TimedOut,
}

impl Error for BusError {
    fn kind(&self) -> ErrorKind {
        match self {
            BusError::Bus(error) => error.kind(),
            BusError::TimedOut => ErrorKind::Bus,
        }
    }
}

impl ErrorType for Limited {
    type Error = BusError;
}

impl embedded_hal::i2c::I2c for Limited {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        match within(LIMIT, Asynchronous::transaction(&mut self.0, address, operations)) {
            Some(done) => done.map_err(BusError::Bus),
            None => Err(BusError::TimedOut),
        }
    }
}

/// What a future gives, if it does in time. It is asked again and again: nothing needs to wake anybody.
fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut given = None;
    let is_ready = || match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => {
            given = Some(value);
            true
        }
        Poll::Pending => false,
    };
    // Without a value, it did not.
    let _ = wait(limit, is_ready);
    given
}
