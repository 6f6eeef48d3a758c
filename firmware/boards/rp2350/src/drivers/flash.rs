//! The flash chip, which holds the program as well. (RP2350 data sheet, sections 4.4, 5.4.8 and 12.14.)
//!
//! The boot ROM erases and programs it. Its function `flash_op` is called as it is: the ROM has the chip read in a mode in which the
//! chip takes commands between two reads, so that nothing needs to be left before a call or restored after it. (`embassy-rp` leaves
//! the mode, and returns to it by a function that it copies to its stack; optimised builds hang there, embassy issue 4506.) While
//! the ROM works, nobody can read the flash, and interrupts are off: their code lies there. Then the cache forgets what it holds.
//!
//! The ROM waits for the chip without a limit. The watchdog restarts a device whose chip does not answer.
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use chips::flash::{Mapped, PAGE_BYTES, Part};
use embassy_rp::rom_data;
use programs::cortex::mapped;
use rp::pages::pages;

use super::watchdog;
use crate::facts;

/// Flags of the ROM's function: the address is the core's, the caller is secure, and what is to be done.
const OF_SECURE: u32 = 1 << 8 | 1;
const ERASE: u32 = OF_SECURE;
const PROGRAM: u32 = OF_SECURE | 1 << 16;

/// Bytes at the chip's start that no other place has: the program's vectors.
const START: usize = 64;

/// Whether the chip can be used.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// The ROM refuses, with this code. (RP2350 data sheet, section 5.4.3.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub i32);

/// The chip.
#[derive(Clone, Copy, Debug)]
pub struct Flash;

/// Lets the chip be used if it is as large as the board's facts say. A chip that is smaller has its start again in the middle
/// of these addresses; there would be no room for images or store, and writing to them would destroy the program.
pub fn open() {
    let [start, middle] = [0, facts::FLASH.1 / 2].map(|offset| {
        // SAFETY: flash that nobody has written to yet.
        unsafe { mapped::bytes((facts::FLASH.0 + offset, START)) }
    });
    IS_OPEN.store(start != middle, Ordering::Relaxed);
}

/// The page of the device's keys.
pub const fn keys() -> Part<Flash> {
    const { Part::store(Flash, facts::FLASH, facts::KEYS, true) }
}

/// Where images and store begin: behind the page of the device's keys.
const BEHIND_KEYS: u32 = (facts::KEYS.0 + facts::KEYS.1 - facts::FLASH.0) as u32;
/// The ROM's code for a place that is not in the chip. (RP2350 data sheet, section 5.4.3.)
const INVALID_ADDRESS: i32 = -10;

/// Lets the ROM change a part of the chip: a page that is erased, or one that is programmed from `bytes`. Of a chip that cannot be
/// used nothing but the keys is changed.
fn change(flags: u32, offset: u32, length: u32, bytes: *mut u8) -> Result<(), Refused> {
    if !IS_OPEN.load(Ordering::Relaxed) && offset.saturating_add(length) > BEHIND_KEYS {
        return Err(Refused(INVALID_ADDRESS));
    }
    let code = critical_section::with(|_| {
        // SAFETY: interrupts are off, the second core sleeps, and DMA reads nothing of the flash, so that only this function
        // waits for it. The ROM checks place and length; the callers give parts of the flash without the program. The bytes are as
        // many, in RAM.
        unsafe {
            let code = rom_data::flash_op(flags, facts::FLASH.0 as u32 + offset, length, bytes);
            rom_data::flash_flush_cache();
            code
        }
    });
    if code == 0 { Ok(()) } else { Err(Refused(code)) }
}

impl Mapped for Flash {
    type Error = Refused;

    fn is_mapped(&self) -> bool {
        IS_OPEN.load(Ordering::Relaxed)
    }

    fn memory(&self, offset: u32, bytes: u32) -> &'static [u8] {
        // SAFETY: flash. The slot of the image that runs is not written to, and whoever verifies the other one does not keep it.
        unsafe { mapped::bytes((facts::FLASH.0 + offset as usize, bytes as usize)) }
    }

    fn read(&self, offset: u32, bytes: &mut [u8]) {
        // SAFETY: flash, within the chip. It changes in `change` only, which does not run now.
        unsafe { mapped::copy(facts::FLASH.0 + offset as usize, bytes) };
    }

    fn erase(&self, from: u32, to: u32) -> Result<(), Refused> {
        // A page a call, so that interrupts are served in between.
        for page in (from..to).step_by(PAGE_BYTES as usize) {
            change(ERASE, page, PAGE_BYTES, ptr::null_mut())?;
            watchdog::feed();
        }
        Ok(())
    }

    fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        for (page, mut bytes) in pages(offset, bytes) {
            change(PROGRAM, page, bytes.len() as u32, bytes.as_mut_ptr())?;
        }
        Ok(())
    }
}
