//! The flash chip on QUADSPI: mapped into the core's addresses, or erased and written.
//! (ST RM0433, section 23; ST ES0392, "QUADSPI internal timing criticality".)
//!
//! It is mapped all the time, except while it is erased or programmed. Then the mapping is left as ST asks for: abort,
//! wait until the controller is idle, run the erratum's sequence. Before that the MPU closes the addresses, so that the
//! core does not read ahead there; afterwards the cache forgets what has changed. `embassy-stm32` 0.6.0 neither waits before
//! it maps nor leaves the mapping, hence the registers here.
//!
//! Interrupts are served all the time: they and this code lie in internal flash, and nothing they use lies in QUADSPI.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use chips::flash::{Mapped, Region};
use chips::nor::{Controller, Nor, NorError, Wire};
use chips::wait::{TimedOut, wait};
use embassy_stm32::gpio::{AfType, AnyPin, Flex, OutputType, Speed};
use embassy_stm32::pac::QUADSPI;
use embassy_stm32::pac::quadspi::regs::{Ccr, Cr, Fcr};
use embassy_stm32::{Peri, peripherals, rcc};
use embassy_time::Duration;

use super::core_memory;
use crate::{cache, watchdog};

/// The controller's clock is 240 MHz / 3. The chip takes 104 MHz and more for every command that is used here.
const PRESCALER: u8 = 3 - 1;
/// Where the controller maps the chip.
const START: usize = 0x9000_0000;
/// Addresses have 24 bits.
const MOST_BYTES: usize = 1 << 24;
/// Periods between two commands: 50 ns after programming.
const PAUSE_PERIODS: u8 = 5;

/// Time in which the controller must end anything but waiting for the chip.
const CONTROLLER_LIMIT: Duration = Duration::from_millis(10);
/// Address and data on four lines, with a byte that would keep the chip in this mode, and four idle periods.
const READ_QUAD: u8 = 0xeb;
const LEAVE_QUAD: u32 = 0xff;
const IDLE_PERIODS: u8 = 4;

// Modes of the controller, and lines.
const WRITE: u8 = 0b00;
const READ: u8 = 0b01;
const MAPPED: u8 = 0b11;
const ONE: u8 = 0b01;
const FOUR: u8 = 0b11;
const ADDRESS_OF_24_BITS: u8 = 0b10;

/// Whether the flash can be read.
static IS_MAPPED: AtomicBool = AtomicBool::new(false);

/// The chip's pins, as the board has them: of those at QUADSPI's first bank.
pub struct Pins {
    /// Clock.
    pub clock: Peri<'static, AnyPin>,
    /// Chip select.
    pub select: Peri<'static, AnyPin>,
    /// The number of its function.
    pub select_function: u8,
    /// The four data lines, the lowest first.
    pub data: [Peri<'static, AnyPin>; 4],
}

/// The flash chip, at the addresses where the controller maps it.
#[derive(Clone, Copy, Debug)]
pub struct Quadspi {
    bytes: usize,
}

impl Quadspi {
    /// The chip at these addresses, of whose bytes each is the chip's.
    ///
    /// # Panics
    /// When the controller maps a chip elsewhere, or no chip has so many bytes.
    pub const fn new((address, bytes): Region) -> Self {
        assert!(address == START && bytes.is_power_of_two() && bytes <= MOST_BYTES, "a chip of QUADSPI");
        Quadspi { bytes }
    }

    /// log2 of the chip's bytes.
    const fn address_bits(self) -> u8 {
        self.bytes.ilog2() as u8
    }

    /// Starts controller and chip; called once, before [`Self::map`].
    ///
    /// # Errors
    /// [`NorError`].
    pub fn start(self, pins: Pins) -> Result<(), NorError> {
        let data = pins.data.into_iter().map(|pin| (pin, 9));
        for (pin, function) in data.chain([(pins.clock, 9), (pins.select, pins.select_function)]) {
            let mut pin = Flex::new(pin);
            pin.set_as_af_unchecked(function, AfType::output(OutputType::PushPull, Speed::VeryHigh));
            core::mem::forget(pin);
        }
        rcc::enable_and_reset::<peripherals::QUADSPI>();
        self.calm()?;
        self.nor().start_with_four_lines(&mut Registers(self))
    }

    const fn nor(self) -> Nor {
        Nor::new(self.bytes)
    }

    /// Lets the flash be read at its addresses.
    ///
    /// # Errors
    /// [`NorError::TimedOut`].
    pub fn map(self) -> Result<(), NorError> {
        Ok(Registers(self).map()?)
    }

    fn enter(self) -> Result<(), TimedOut> {
        idle()?;
        QUADSPI.fcr().write_value(all_flags());
        QUADSPI.abr().write(|w| w.set_alternate(LEAVE_QUAD));
        QUADSPI.ccr().write(|w| {
            w.set_fmode(MAPPED);
            w.set_imode(ONE);
            w.set_instruction(READ_QUAD);
            w.set_admode(FOUR);
            w.set_adsize(ADDRESS_OF_24_BITS);
            w.set_abmode(FOUR);
            w.set_dcyc(IDLE_PERIODS);
            w.set_dmode(FOUR);
        });
        core_memory::open_flash((START, self.bytes));
        IS_MAPPED.store(true, Ordering::Release);
        Ok(())
    }

    /// The erratum's sequence, after a reset and whenever the mapping ends; then the controller's settings.
    fn calm(self) -> Result<(), TimedOut> {
        QUADSPI.cr().write_value(Cr(0));
        idle()?;
        // Between the first write to CCR and the end there may be no more than 127 of its periods.
        critical_section::with(|_| {
            QUADSPI.cr().write(|w| {
                w.set_prescaler(u8::MAX);
                w.set_en(true);
            });
            let mut free_running = Ccr(0);
            free_running.set_frcm(true);
            QUADSPI.ccr().write_value(free_running);
            QUADSPI.ccr().write_value(free_running);
            QUADSPI.cr().write_value(Cr(0));
        });
        idle()?;
        QUADSPI.dcr().write(|w| {
            w.set_fsize(self.address_bits() - 1);
            w.set_csht(PAUSE_PERIODS - 1);
        });
        QUADSPI.cr().write(|w| {
            w.set_prescaler(PRESCALER);
            // Data is taken half a period later, as it comes back late.
            w.set_sshift(true);
            w.set_en(true);
        });
        Ok(())
    }
}

impl Mapped for Quadspi {
    type Error = NorError;

    fn is_mapped(&self) -> bool {
        IS_MAPPED.load(Ordering::Acquire)
    }

    fn memory(&self, offset: u32, bytes: u32) -> &'static [u8] {
        // SAFETY: mapped flash, as the caller sees to. The slot of the image that runs is not written to, and whoever verifies the
        // other one does not keep it. Nobody reads in the moments in which a place is written and nothing is mapped: the functions
        // below return only when it is mapped again, and should that fail, the MPU makes a fault of the next read.
        unsafe { cortex::mapped::bytes((START + offset as usize, bytes as usize)) }
    }

    fn read(&self, offset: u32, bytes: &mut [u8]) {
        // SAFETY: mapped flash, as the caller sees to. It changes in the functions below only, which do not run now.
        unsafe { cortex::mapped::copy(START + offset as usize, bytes) };
    }

    fn erase(&self, from: u32, to: u32) -> Result<(), NorError> {
        // A page is bounded in time.
        self.nor().erase_mapped(&mut Registers(*self), from, to, watchdog::feed)
    }

    fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        self.nor().program_mapped(&mut Registers(*self), offset, bytes)
    }
}

fn all_flags() -> Fcr {
    let mut flags = Fcr(0);
    flags.set_ctef(true);
    flags.set_ctcf(true);
    flags.set_csmf(true);
    flags.set_ctof(true);
    flags
}

fn idle() -> Result<(), TimedOut> {
    wait(CONTROLLER_LIMIT, || !QUADSPI.sr().read().busy())
}

/// Begins a command on one line.
fn begin(mode: u8, instruction: u8, address: Option<u32>, data_bytes: usize) -> Result<(), TimedOut> {
    idle()?;
    QUADSPI.fcr().write_value(all_flags());
    if data_bytes > 0 {
        QUADSPI.dlr().write(|w| w.set_dl(data_bytes as u32 - 1));
    }
    QUADSPI.ccr().write(|w| {
        w.set_fmode(mode);
        w.set_imode(ONE);
        w.set_instruction(instruction);
        if address.is_some() {
            w.set_admode(ONE);
            w.set_adsize(ADDRESS_OF_24_BITS);
        }
        if data_bytes > 0 {
            w.set_dmode(ONE);
        }
    });
    if let Some(address) = address {
        QUADSPI.ar().write(|w| w.set_address(address));
    }
    Ok(())
}

fn end() -> Result<(), TimedOut> {
    wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().tcf())?;
    QUADSPI.fcr().write_value(all_flags());
    idle()
}

/// The controller's registers.
struct Registers(Quadspi);

impl Controller for Registers {
    fn is_mapped(&self) -> bool {
        IS_MAPPED.load(Ordering::Acquire)
    }

    fn map(&mut self) -> Result<(), TimedOut> {
        self.0.enter()
    }

    fn unmap(&mut self) -> Result<(), TimedOut> {
        IS_MAPPED.store(false, Ordering::Release);
        core_memory::close_flash();
        if QUADSPI.sr().read().busy() {
            QUADSPI.cr().modify(|w| w.set_abort(true));
            wait(CONTROLLER_LIMIT, || !QUADSPI.cr().read().abort())?;
        }
        idle()?;
        self.0.calm()
    }

    fn forget(&mut self, offset: u32, bytes: u32) {
        // SAFETY: the MPU lets nothing be written to these addresses, so that nothing is lost.
        unsafe { cache::forget(START + offset as usize, bytes as usize) };
    }
}

impl Wire for Registers {
    fn command(&mut self, instruction: u8, address: Option<u32>) -> Result<(), TimedOut> {
        begin(WRITE, instruction, address, 0)?;
        end()
    }

    fn send(&mut self, instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), TimedOut> {
        begin(WRITE, instruction, address, bytes.len())?;
        let data = QUADSPI.dr().as_ptr().cast::<u8>();
        for &byte in bytes {
            wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().ftf())?;
            // SAFETY: the controller's data register, which takes single bytes.
            unsafe { data.write_volatile(byte) };
        }
        end()
    }

    fn receive(&mut self, instruction: u8, bytes: &mut [u8]) -> Result<(), TimedOut> {
        begin(READ, instruction, None, bytes.len())?;
        let data = QUADSPI.dr().as_ptr().cast::<u8>();
        for byte in bytes {
            wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().flevel() > 0)?;
            // SAFETY: as above.
            *byte = unsafe { data.read_volatile() };
        }
        end()
    }
}
