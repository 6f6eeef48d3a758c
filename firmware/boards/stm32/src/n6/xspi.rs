//! The flash chip on XSPI2: mapped into the core's addresses, or erased and written. (ST RM0486, "Extended-SPI interface".)
//!
//! It speaks the chip's plain commands, on one line with addresses of 32 bits: a chip that comes up in this mode is understood
//! after any restart. `embassy-stm32` 0.6.0 waits without a limit, hence the registers here.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use chips::flash::{Mapped, Region};
use chips::nor::{Controller, Nor, NorError, Wire};
use chips::wait::{TimedOut, wait};
use embassy_stm32::gpio::{AfType, AnyPin, Flex, OutputType, Speed};
use embassy_stm32::pac::xspi::Xspi as Registers;
use embassy_stm32::pac::xspi::regs::Fcr;
use embassy_stm32::pac::xspi::vals::{CcrAdmode, CcrAdsize, CcrDmode, CcrImode, Fmode, Mtyp};
use embassy_stm32::{Peri, pac, peripherals, rcc};
use embassy_time::Duration;

use super::core_memory;
use crate::{cache, watchdog};

/// Where the controller maps the chip.
const START: usize = 0x7000_0000;
/// The controller's clock is 64 MHz / 2.
const PRESCALER: u8 = 2 - 1;
/// Function of all pins.
const PIN_FUNCTION: u8 = 9;
/// Time in which the controller must end anything but waiting for the chip.
const CONTROLLER_LIMIT: Duration = Duration::from_millis(10);
/// Bytes that wait in the controller at most.
const QUEUE_BYTES: u8 = 32;
/// Reads with addresses of 32 bits, after idle periods.
const READ_LONG: u32 = 0x0c;
const IDLE_PERIODS: u8 = 8;

/// Whether the flash can be read.
static IS_MAPPED: AtomicBool = AtomicBool::new(false);

/// The registers at the address that a secure program uses.
fn registers() -> Registers {
    // SAFETY: XSPI2, which only this module uses, at its secure address.
    unsafe { Registers::from_ptr(ptr::with_exposed_provenance_mut(0x5802_a000)) }
}

/// The flash chip, at the addresses where the controller maps it.
#[derive(Clone, Copy, Debug)]
pub struct Xspi {
    bytes: usize,
}

impl Xspi {
    /// The chip at these addresses, of whose bytes each is the chip's.
    ///
    /// # Panics
    /// When the controller maps a chip elsewhere, or its addresses have not 32 bits.
    pub const fn new((address, bytes): Region) -> Self {
        assert!(address == START && Nor::new(bytes).is_long(), "a chip of XSPI2");
        Xspi { bytes }
    }

    /// Starts controller and chip; called once, before [`Self::map`]. The pins are those of the second port: select, clock, and the
    /// two data lines, the lower first.
    ///
    /// # Errors
    /// [`NorError`].
    pub fn start(self, pins: [Peri<'static, AnyPin>; 4]) -> Result<(), NorError> {
        for pin in pins {
            let mut pin = Flex::new(pin);
            pin.set_as_af_unchecked(PIN_FUNCTION, AfType::output(OutputType::PushPull, Speed::VeryHigh));
            core::mem::forget(pin);
        }
        rcc::enable_and_reset::<peripherals::XSPI2>();
        pac::RCC.ahb5enr().modify(|w| w.set_xspimen(true));
        // Reading it back lets the clock arrive.
        let _ = pac::RCC.ahb5enr().read();
        // XSPI2 has the second port to itself.
        pac::XSPIM.cr().write(|_| {});
        let xspi = registers();
        xspi.cr().write(|_| {});
        idle()?;
        xspi.dcr1().write(|w| {
            w.set_mtyp(Mtyp::B_0X1);
            w.set_devsize(self.bytes.ilog2() as u8 - 1);
        });
        xspi.dcr2().write(|w| w.set_prescaler(PRESCALER));
        idle()?;
        xspi.cr().write(|w| w.set_en(true));
        self.nor().start(&mut Commands(self))
    }

    const fn nor(self) -> Nor {
        Nor::new(self.bytes)
    }

    /// Lets the flash be read at its addresses.
    ///
    /// # Errors
    /// [`NorError::TimedOut`].
    pub fn map(self) -> Result<(), NorError> {
        Ok(Commands(self).map()?)
    }
}

impl Mapped for Xspi {
    type Error = NorError;

    fn is_mapped(&self) -> bool {
        IS_MAPPED.load(Ordering::Acquire)
    }

    fn memory(&self, offset: u32, bytes: u32) -> &'static [u8] {
        // SAFETY: mapped flash, as the caller sees to. The slot of the image that runs is not written to, and whoever verifies the
        // other one does not keep it. Nobody reads in the moments in which a place is written and nothing is mapped: the functions
        // below return only when it is mapped again.
        unsafe { cortex::mapped::bytes((START + offset as usize, bytes as usize)) }
    }

    fn read(&self, offset: u32, bytes: &mut [u8]) {
        // SAFETY: mapped flash, as the caller sees to. It changes in the functions below only, which do not run now.
        unsafe { cortex::mapped::copy(START + offset as usize, bytes) };
    }

    fn erase(&self, from: u32, to: u32) -> Result<(), NorError> {
        // A page is bounded in time.
        self.nor().erase_mapped(&mut Commands(*self), from, to, watchdog::feed)
    }

    fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        self.nor().program_mapped(&mut Commands(*self), offset, bytes)
    }
}

fn idle() -> Result<(), TimedOut> {
    wait(CONTROLLER_LIMIT, || !registers().sr().read().busy())
}

fn clear_flags() {
    let mut flags = Fcr(0);
    flags.set_ctef(true);
    flags.set_ctcf(true);
    flags.set_csmf(true);
    flags.set_ctof(true);
    registers().fcr().write_value(flags);
}

/// The controller's registers.
struct Commands(Xspi);

impl Commands {
    /// Begins a command on one line.
    fn begin(mode: Fmode, instruction: u8, address: Option<u32>, data_bytes: usize) -> Result<(), TimedOut> {
        idle()?;
        clear_flags();
        let xspi = registers();
        xspi.cr().modify(|w| w.set_fmode(mode));
        if data_bytes > 0 {
            xspi.dlr().write(|w| w.set_dl(data_bytes as u32 - 1));
        }
        xspi.tcr().write(|w| w.set_sshift(true));
        xspi.ccr().write(|w| {
            w.set_imode(CcrImode::B_0X1);
            if address.is_some() {
                w.set_admode(CcrAdmode::B_0X1);
                w.set_adsize(CcrAdsize::B_0X3);
            }
            if data_bytes > 0 {
                w.set_dmode(CcrDmode::B_0X1);
            }
        });
        xspi.ir().write(|w| w.set_instruction(instruction.into()));
        if let Some(address) = address {
            xspi.ar().write(|w| w.set_address(address));
        }
        Ok(())
    }

    fn end() -> Result<(), TimedOut> {
        wait(CONTROLLER_LIMIT, || registers().sr().read().tcf())?;
        clear_flags();
        idle()
    }
}

impl Wire for Commands {
    fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut> {
        Self::begin(Fmode::B_0X0, instruction, address, 0)?;
        Self::end()
    }

    fn send(&mut self, instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), TimedOut> {
        Self::begin(Fmode::B_0X0, instruction, address, bytes.len())?;
        let data = registers().dr().as_ptr().cast::<u8>();
        for &byte in bytes {
            wait(CONTROLLER_LIMIT, || registers().sr().read().flevel() < QUEUE_BYTES)?;
            // SAFETY: the controller's data register, which takes single bytes.
            unsafe { data.write_volatile(byte) };
        }
        Self::end()
    }

    fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut> {
        Self::begin(Fmode::B_0X1, instruction, None, bytes.len())?;
        let data = registers().dr().as_ptr().cast::<u8>();
        for byte in bytes {
            wait(CONTROLLER_LIMIT, || registers().sr().read().flevel() > 0)?;
            // SAFETY: as above.
            *byte = unsafe { data.read_volatile() };
        }
        Self::end()
    }
}

impl Controller for Commands {
    fn is_mapped(&self) -> bool {
        IS_MAPPED.load(Ordering::Acquire)
    }

    fn map(&mut self) -> Result<(), TimedOut> {
        idle()?;
        clear_flags();
        let xspi = registers();
        xspi.tcr().write(|w| {
            w.set_sshift(true);
            w.set_dcyc(IDLE_PERIODS);
        });
        xspi.ccr().write(|w| {
            w.set_imode(CcrImode::B_0X1);
            w.set_admode(CcrAdmode::B_0X1);
            w.set_adsize(CcrAdsize::B_0X3);
            w.set_dmode(CcrDmode::B_0X1);
        });
        xspi.ir().write(|w| w.set_instruction(READ_LONG));
        xspi.cr().modify(|w| w.set_fmode(Fmode::B_0X3));
        core_memory::open_flash((START, self.0.bytes));
        IS_MAPPED.store(true, Ordering::Release);
        Ok(())
    }

    fn unmap(&mut self) -> Result<(), TimedOut> {
        IS_MAPPED.store(false, Ordering::Release);
        core_memory::close_flash((START, self.0.bytes));
        let xspi = registers();
        xspi.cr().modify(|w| w.set_abort(true));
        wait(CONTROLLER_LIMIT, || !xspi.cr().read().abort())?;
        idle()
    }

    fn forget(&mut self, offset: u32, bytes: u32) {
        // SAFETY: the MPU lets nothing be written to these addresses, so that nothing is lost.
        unsafe { cache::forget(START + offset as usize, bytes as usize) };
    }
}
