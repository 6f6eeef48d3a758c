//! The flash chip on QUADSPI, a W25Q64: mapped into the core's addresses, or erased and written.
//! (ST RM0433, section 23; ST ES0392, "QUADSPI internal timing criticality"; Winbond W25Q64JV.)
//!
//! It is mapped all the time, except while one of [`erase`] and [`program`] runs. These leave the mapping as ST asks for: abort,
//! wait until the controller is idle, run the erratum's sequence. Before that the MPU closes the addresses, so that the
//! core does not read ahead there; afterwards the cache forgets what has changed. `embassy-stm32` 0.6.0 neither waits before
//! it maps nor leaves the mapping, hence the registers here.
//!
//! Interrupts are served all the time: they and this code lie in internal flash, and nothing they use lies in QUADSPI.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_stm32::gpio::{AfType, AnyPin, Flex, OutputType, Speed};
use embassy_stm32::pac::QUADSPI;
use embassy_stm32::pac::quadspi::regs::{Ccr, Cr, Fcr};
use embassy_stm32::{Peri, peripherals, rcc};
use embassy_time::Duration;

use super::clocks::{TimedOut, wait};
use super::{core_memory, watchdog};
use crate::facts;

/// Bytes that are erased together.
pub const PAGE_BYTES: u32 = 4096;
/// Bytes that are programmed together.
const PROGRAM_BYTES: u32 = 256;

/// The controller's clock is 240 MHz / 3. The chip takes 104 MHz and more for every command that is used here.
const PRESCALER: u8 = 3 - 1;
/// log2 of the chip's bytes.
const ADDRESS_BITS: u8 = facts::FLASH.1.ilog2() as u8;
/// The JEDEC identity's last byte: log2 of the chip's bytes.
const CAPACITY: u8 = ADDRESS_BITS;
/// Periods between two commands: 50 ns after programming.
const PAUSE_PERIODS: u8 = 5;

/// Time in which the controller must end anything but waiting for the chip.
const CONTROLLER_LIMIT: Duration = Duration::from_millis(10);
/// The longest programming of the data sheet is 3 ms, the longest erasure 400 ms.
const PROGRAM_LIMIT: Duration = Duration::from_millis(20);
const ERASE_LIMIT: Duration = Duration::from_millis(1_000);
/// After its wake-up the chip needs 3 µs.
const WAKE_UP: Duration = Duration::from_micros(10);

// Instructions.
const WAKE: u8 = 0xab;
const IDENTIFY: u8 = 0x9f;
const READ_STATUS: u8 = 0x05;
const READ_STATUS_2: u8 = 0x35;
const WRITE_STATUS_2: u8 = 0x31;
const WRITE_ENABLE: u8 = 0x06;
const ERASE_PAGE: u8 = 0x20;
const PROGRAM: u8 = 0x02;
/// Address and data on four lines, with a byte that would keep the chip in this mode, and four idle periods.
const READ_QUAD: u8 = 0xeb;
const LEAVE_QUAD: u32 = 0xff;
const IDLE_PERIODS: u8 = 4;

// Bits of the first and the second status register.
const IS_BUSY: u8 = 1 << 0;
const IS_WRITABLE: u8 = 1 << 1;
const HAS_FOUR_LINES: u8 = 1 << 1;

// Modes of the controller, and lines.
const WRITE: u8 = 0b00;
const READ: u8 = 0b01;
const MAPPED: u8 = 0b11;
const ONE: u8 = 0b01;
const FOUR: u8 = 0b11;
const ADDRESS_OF_24_BITS: u8 = 0b10;

/// Why the chip does not do what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuadspiError {
    /// Controller or chip did not end in time.
    TimedOut,
    /// Another chip answers, or none: its JEDEC identity.
    Chip([u8; 3]),
    /// The chip does not let itself be written.
    Protected,
}

impl From<TimedOut> for QuadspiError {
    fn from(_: TimedOut) -> Self {
        QuadspiError::TimedOut
    }
}

/// Whether the flash can be read.
static IS_MAPPED: AtomicBool = AtomicBool::new(false);

/// The chip's pins, as the board has them.
pub struct Pins {
    /// Clock.
    pub clock: Peri<'static, peripherals::PB2>,
    /// Chip select.
    pub select: Peri<'static, peripherals::PB6>,
    /// The four data lines, the lowest first.
    pub data: [Peri<'static, AnyPin>; 4],
}

/// Starts controller and chip; called once, before [`map`].
///
/// # Errors
/// [`QuadspiError`].
pub fn start(pins: Pins) -> Result<(), QuadspiError> {
    let Pins { clock, select, data } = pins;
    let data = data.into_iter().map(|pin| (pin, 9));
    let pins = data.chain([(clock.into(), 9), (select.into(), 10)]);
    for (pin, function) in pins {
        let mut pin = Flex::new(pin);
        pin.set_as_af_unchecked(function, AfType::output(OutputType::PushPull, Speed::VeryHigh));
        core::mem::forget(pin);
    }
    rcc::enable_and_reset::<peripherals::QUADSPI>();
    calm()?;
    command(WAKE, None)?;
    let _ = wait(WAKE_UP, || false);
    // A restart in the middle of an erasure leaves the chip at it.
    ready(ERASE_LIMIT)?;
    let mut identity = [0; 3];
    receive(IDENTIFY, &mut identity)?;
    if identity[2] != CAPACITY {
        return Err(QuadspiError::Chip(identity));
    }
    let mut status = [0];
    receive(READ_STATUS_2, &mut status)?;
    if status[0] & HAS_FOUR_LINES == 0 {
        enable_writing()?;
        send(WRITE_STATUS_2, None, &[status[0] | HAS_FOUR_LINES])?;
        ready(PROGRAM_LIMIT)?;
        receive(READ_STATUS_2, &mut status)?;
        if status[0] & HAS_FOUR_LINES == 0 {
            return Err(QuadspiError::Protected);
        }
    }
    Ok(())
}

/// Lets the flash be read at its addresses.
///
/// # Errors
/// [`QuadspiError::TimedOut`].
pub fn map() -> Result<(), QuadspiError> {
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
    core_memory::open_flash();
    IS_MAPPED.store(true, Ordering::Release);
    Ok(())
}

/// Whether the flash can be read at its addresses.
pub fn is_mapped() -> bool {
    IS_MAPPED.load(Ordering::Acquire)
}

fn unmap() -> Result<(), QuadspiError> {
    IS_MAPPED.store(false, Ordering::Release);
    core_memory::close_flash();
    if QUADSPI.sr().read().busy() {
        QUADSPI.cr().modify(|w| w.set_abort(true));
        wait(CONTROLLER_LIMIT, || !QUADSPI.cr().read().abort())?;
    }
    idle()?;
    calm()
}

/// Runs something while the flash is not mapped. It is mapped again in any case if it was.
fn aside(run: impl FnOnce() -> Result<(), QuadspiError>) -> Result<(), QuadspiError> {
    if !is_mapped() {
        return run();
    }
    let done = unmap().and_then(|()| run());
    let mapped = map();
    done.and(mapped)
}

/// Erases pages: `from` and `to` are offsets in the chip, at pages' starts.
///
/// # Errors
/// [`QuadspiError`]. Some of the pages may be erased.
pub fn erase(from: u32, to: u32) -> Result<(), QuadspiError> {
    let erased = aside(|| {
        for page in (from..to).step_by(PAGE_BYTES as usize) {
            enable_writing()?;
            command(ERASE_PAGE, Some(page))?;
            ready(ERASE_LIMIT)?;
            // Bounded by the limit above.
            watchdog::feed();
        }
        Ok(())
    });
    forget(from, to.saturating_sub(from));
    erased
}

/// Programs bytes, from 1 to 0 only.
///
/// # Errors
/// [`QuadspiError`]. Some of the bytes may be programmed.
pub fn program(mut offset: u32, mut bytes: &[u8]) -> Result<(), QuadspiError> {
    let (start, length) = (offset, bytes.len() as u32);
    let programmed = aside(|| {
        while !bytes.is_empty() {
            let room = PROGRAM_BYTES - offset % PROGRAM_BYTES;
            let (now, rest) = bytes.split_at(bytes.len().min(room as usize));
            enable_writing()?;
            send(PROGRAM, Some(offset), now)?;
            ready(PROGRAM_LIMIT)?;
            offset += now.len() as u32;
            bytes = rest;
        }
        Ok(())
    });
    forget(start, length);
    programmed
}

/// What the cache holds of changed bytes is not so any more.
fn forget(offset: u32, bytes: u32) {
    // SAFETY: the MPU lets nothing be written to these addresses, so that nothing is lost.
    unsafe { core_memory::forget(facts::FLASH.0 + offset as usize, bytes as usize) };
}

fn all_flags() -> Fcr {
    let mut flags = Fcr(0);
    flags.set_ctef(true);
    flags.set_ctcf(true);
    flags.set_csmf(true);
    flags.set_ctof(true);
    flags
}

fn idle() -> Result<(), QuadspiError> {
    Ok(wait(CONTROLLER_LIMIT, || !QUADSPI.sr().read().busy())?)
}

/// The erratum's sequence, after a reset and whenever the mapping ends; then the controller's settings.
fn calm() -> Result<(), QuadspiError> {
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
        w.set_fsize(ADDRESS_BITS - 1);
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

/// Begins a command on one line.
fn begin(mode: u8, instruction: u8, address: Option<u32>, data_bytes: usize) -> Result<(), QuadspiError> {
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

fn end() -> Result<(), QuadspiError> {
    wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().tcf())?;
    QUADSPI.fcr().write_value(all_flags());
    idle()
}

fn command(instruction: u8, address: Option<u32>) -> Result<(), QuadspiError> {
    begin(WRITE, instruction, address, 0)?;
    end()
}

fn send(instruction: u8, address: Option<u32>, bytes: &[u8]) -> Result<(), QuadspiError> {
    begin(WRITE, instruction, address, bytes.len())?;
    let data = QUADSPI.dr().as_ptr().cast::<u8>();
    for &byte in bytes {
        wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().ftf())?;
        // SAFETY: the controller's data register, which takes single bytes.
        unsafe { data.write_volatile(byte) };
    }
    end()
}

fn receive(instruction: u8, bytes: &mut [u8]) -> Result<(), QuadspiError> {
    begin(READ, instruction, None, bytes.len())?;
    let data = QUADSPI.dr().as_ptr().cast::<u8>();
    for byte in bytes {
        wait(CONTROLLER_LIMIT, || QUADSPI.sr().read().flevel() > 0)?;
        // SAFETY: as above.
        *byte = unsafe { data.read_volatile() };
    }
    end()
}

fn status() -> Result<u8, QuadspiError> {
    let mut status = [0];
    receive(READ_STATUS, &mut status)?;
    Ok(status[0])
}

/// Waits until the chip has erased or programmed.
fn ready(limit: Duration) -> Result<(), QuadspiError> {
    let mut failed = Ok(());
    wait(limit, || match status() {
        Ok(status) => status & IS_BUSY == 0,
        Err(error) => {
            failed = Err(error);
            true
        }
    })?;
    failed
}

fn enable_writing() -> Result<(), QuadspiError> {
    command(WRITE_ENABLE, None)?;
    if status()? & IS_WRITABLE == 0 { Err(QuadspiError::Protected) } else { Ok(()) }
}
